#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler, and arrays of known length")]
//! Bitmaps made with AVX-512: a table of 128 entries in one instruction, and comparisons that give bitmaps.

use std::arch::x86_64::*;

use crate::sieve::batch::{AFTER, BATCH, BLOCKS, Batch, LANES, Words, each};
use crate::sieve::look::Look;
use crate::sieve::shape::{Block, HISTORY, STRIDE};
use crate::sieve::tables::{BREAK, CLASSES, DIGIT, ESCAPE, GAP, OFFSETS, SIGNS, WIDE, WIDE_ESCAPES};

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
    let signs = SIGNS.at.each_ref().map(|one| table(one));
    let wide = WIDE.each_ref().map(|one| table(one));
    let bit = |bit: u8| _mm512_set1_epi8(bit.cast_signed());
    let [digit, gap, line_break] = [DIGIT, GAP, BREAK].map(bit);
    let [escape, sign] = [ESCAPE, !ESCAPE].map(bit);
    let [wide_escape, wide_sign] = [WIDE_ESCAPES, !WIDE_ESCAPES].map(bit);
    let mut batch = Batch::new(look);
    each(look, |look, bytes, at| {
        batch.renew();
        for index in 0..BLOCKS {
            let [first, second, third, fifth] = OFFSETS.map(|offset| load(bytes, index * 64 + offset));
            let class = find(first, classes);
            let fits = _mm512_and_si512(
                _mm512_and_si512(find(first, signs[0]), find(second, signs[1])),
                _mm512_and_si512(find(third, signs[2]), find(fifth, signs[3])),
            );
            let beyond = _mm512_movepi8_mask(first);
            let ascii = !beyond;
            let mut block = Block {
                digit: _mm512_test_epi8_mask(class, digit) & ascii,
                gap: _mm512_test_epi8_mask(class, gap) & ascii,
                line_break: _mm512_test_epi8_mask(class, line_break) & ascii,
                escape: _mm512_test_epi8_mask(fits, escape) & ascii,
                sign: _mm512_test_epi8_mask(fits, sign) & ascii,
            };
            if beyond != 0 {
                let fits = _mm512_and_si512(
                    _mm512_and_si512(find(first, wide[0]), find(second, wide[1])),
                    find(third, wide[2]),
                );
                block.escape |= _mm512_test_epi8_mask(fits, wide_escape) & beyond;
                block.sign |= _mm512_test_epi8_mask(fits, wide_sign) & beyond;
            }
            batch.set(index, block);
        }
        batch.show(look, at, |words| lanes(words));
    });
}

/// The windows of a bitmap, eight bytes from every fifth on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn lanes(words: &Words) -> [u64; LANES] {
    // SAFETY: eight words are 64 bytes; the loads and the store need no alignment.
    unsafe {
        let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
        let bytes = _mm512_loadu_si512(words.as_ptr().cast());
        let mut lanes = [0; LANES];
        _mm512_storeu_si512(lanes.as_mut_ptr().cast(), _mm512_permutexvar_epi8(order, bytes));
        lanes
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

/// The entries of a table for each byte, its highest bit aside.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find(bytes: __m512i, table: [__m512i; 2]) -> __m512i {
    _mm512_permutex2var_epi8(table[0], bytes, table[1])
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
