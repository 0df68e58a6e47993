#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler, and arrays of known length")]
//! Bitmaps made with AVX-512: a table of 128 entries in one instruction, and comparisons that give bitmaps.

use std::arch::x86_64::*;
use std::ops::{BitAnd, BitOr, Not, Shl, Shr};

use crate::sieve::batch::{AFTER, BATCH, BLOCKS, Batch, Block, LANES, Lanes, Words, each};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bitmaps, Bits, HISTORY, STRIDE};
use crate::sieve::tables::{CLASSES, EXPONENT, LETTER, OFFSETS, SECOND, SIGNS, THREE, WIDE, WIDE_GAPS};

/// Whether this machine has what is needed.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { scan_here(look) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2")]
fn scan_here(look: &mut Look<'_>) {
    let classes = table(CLASSES.first_chunk().unwrap_or(&[0; 128]));
    let signs = FOLDED_SIGNS.each_ref().map(|entries| load_64(entries));
    let wide = WIDE.each_ref().map(|one| table(one));
    let mut batch = Batch::new(look);
    each(look, |look, bytes, at| {
        batch.renew();
        for index in 0..BLOCKS {
            let [first, second, fifth] = OFFSETS.map(|offset| load(bytes, index * 64 + offset));
            let beyond = _mm512_movepi8_mask(first);
            let class = find(first, classes, !beyond);
            let mut block = block(class);
            let fits = _mm512_and_si512(
                _mm512_and_si512(find_folded(first, signs[0]), find_folded(second, signs[1])),
                find_folded(fifth, signs[2]),
            );
            block.sign = _mm512_test_epi8_mask(fits, fits) & !beyond;
            if beyond != 0 {
                let [second, third] = [1, 2].map(|offset| load(bytes, index * 64 + offset));
                let fits = _mm512_and_si512(
                    _mm512_and_si512(find(first, wide[0], beyond), find(second, wide[1], !0)),
                    find(third, wide[2], !0),
                );
                block.bitmaps.opener |=
                    _mm512_test_epi8_mask(fits, _mm512_set1_epi8(WIDE_GAPS.cast_signed()));
                block.sign |= _mm512_test_epi8_mask(fits, _mm512_set1_epi8((!WIDE_GAPS).cast_signed()));
            }
            batch.set(index, block);
        }
        batch.show::<Eight>(look, at);
    });
}

/// The bitmaps of 64 bytes of these classes. Where a class is the highest bit or near it, to move it there is as good
/// as a test, and left to other parts of the machine.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn block(class: __m512i) -> Block {
    let test = |bit: u8| _mm512_test_epi8_mask(class, _mm512_set1_epi8(bit.cast_signed()));
    let bitmaps = Bitmaps {
        digit: _mm512_movepi8_mask(class),
        opener: _mm512_movepi8_mask(_mm512_add_epi8(class, class)),
        line_break: _mm512_movepi8_mask(_mm512_slli_epi16::<2>(class)),
        second: test(SECOND),
        exponent: test(EXPONENT),
        letter: test(LETTER),
        three: test(THREE),
    };
    Block { bitmaps, sign: 0 }
}

/// The windows of a bitmap.
///
/// INVARIANT: made and used by `scan_here` alone, where the machine has what is needed.
#[derive(Clone, Copy)]
struct Eight(__m512i);

impl Bits for Eight {}

impl Lanes for Eight {
    #[inline(always)]
    fn of(words: &Words) -> Self {
        // SAFETY: the invariant; eight words are 64 bytes, and the loads need no alignment.
        unsafe {
            let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
            let bytes = _mm512_loadu_si512(words.as_ptr().cast());
            Self(_mm512_permutexvar_epi8(order, bytes))
        }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: the invariant.
        unsafe { _mm512_test_epi64_mask(self.0, self.0) == 0 }
    }

    #[inline(always)]
    fn windows(self) -> [u64; LANES] {
        let mut windows = [0; LANES];
        // SAFETY: the invariant; eight windows are 64 bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(windows.as_mut_ptr().cast(), self.0) };
        windows
    }
}

impl BitAnd for Eight {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_and_si512(self.0, other.0)) }
    }
}

impl BitOr for Eight {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_or_si512(self.0, other.0)) }
    }
}

impl Not for Eight {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_xor_si512(self.0, _mm512_set1_epi64(-1))) }
    }
}

impl Shl<u32> for Eight {
    type Output = Self;

    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_sll_epi64(self.0, _mm_cvtsi64_si128(i64::from(bits)))) }
    }
}

impl Shr<u32> for Eight {
    type Output = Self;

    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        unsafe { Self(_mm512_srl_epi64(self.0, _mm_cvtsi64_si128(i64::from(bits)))) }
    }
}

/// Which byte of a bitmap comes where.
static ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut index = 0;
    while index < 64 {
        order[index] = (8 - HISTORY / 8 + index / 8 * (STRIDE / 8) + index % 8) as u8;
        index += 1;
    }
    order
};

/// The entries of a table for each byte that is wanted, its highest bit aside.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find(bytes: __m512i, table: [__m512i; 2], wanted: u64) -> __m512i {
    _mm512_maskz_permutex2var_epi8(wanted, table[0], bytes, table[1])
}

/// The entries of a table for each byte, its two highest bits aside.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find_folded(bytes: __m512i, table: __m512i) -> __m512i {
    _mm512_permutexvar_epi8(bytes, table)
}

/// [`SIGNS`] where letters are as good as what has the same lower bits: control characters, and a few others.
static FOLDED_SIGNS: [[u8; 64]; 3] = {
    let mut folded = [[0; 64]; 3];
    let mut index = 0;
    while index < 3 * 128 {
        folded[index / 128][index % 64] |= SIGNS[index / 128][index % 128];
        index += 1;
    }
    folded
};

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_64(entries: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are the whole array; the load needs no alignment.
    unsafe { _mm512_loadu_si512(entries.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn table(entries: &[u8; 128]) -> [__m512i; 2] {
    let pointer = entries.as_ptr();
    // SAFETY: both halves are within the 128 entries; the loads need no alignment.
    unsafe { [_mm512_loadu_si512(pointer.cast()), _mm512_loadu_si512(pointer.add(64).cast())] }
}

/// 64 bytes from `at`, which is at most `BATCH - 64 + AFTER`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(bytes: &[u8; BATCH + AFTER], at: usize) -> __m512i {
    debug_assert!(at + 64 <= bytes.len());
    let at = at.min(BATCH + AFTER - 64);
    // SAFETY: 64 bytes from there are within the array; the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().add(at).cast()) }
}
