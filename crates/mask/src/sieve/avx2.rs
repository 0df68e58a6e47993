#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler, and arrays of known length")]
//! Bitmaps made with AVX2: tables of 16 entries, one for each half of a byte.

use std::arch::x86_64::*;
use std::ops::{BitAnd, BitOr, Not, Shl, Shr};

use crate::sieve::batch::{AFTER, BATCH, BLOCKS, Batch, Block, LANES, Lanes, Words, each};
use crate::sieve::look::Look;
use crate::sieve::shape::{Bitmaps, Bits, HISTORY, STRIDE};
use crate::sieve::tables::{Lead, OFFSETS, SIGNS, lead};

/// Whether this machine has what is needed.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
}

/// Looks at what shows in the text, until enough has been found.
pub(crate) fn scan(look: &mut Look<'_>) {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { scan_here(look) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn scan_here(look: &mut Look<'_>) {
    let classes = table(&CLASS_HALVES);
    let openers = table(&[OPENERS, [0; 16]])[0];
    let signs = SIGN_HALVES.each_ref().map(|halves| table(halves));
    let leads = table(&LEAD_HALVES);
    let mut batch = Batch::new(look);
    each(look, |look, bytes, at| {
        batch.renew();
        for index in 0..BLOCKS {
            let mut block = Block::default();
            for half in [0, 32] {
                let place = index * 64 + half;
                let [first, second, fifth] = OFFSETS.map(|offset| load(bytes, place + offset));
                add(&mut block.bitmaps, half, first, find(first, classes), openers);
                let fits = _mm256_and_si256(
                    _mm256_and_si256(find(first, signs[0]), find(second, signs[1])),
                    find(fifth, signs[2]),
                );
                // The sign for each bit is the highest bit of a byte, or becomes it.
                block.sign |= top(_mm256_or_si256(fits, _mm256_add_epi8(fits, fits)), half);
                let mut beyond = _mm256_movemask_epi8(first).cast_unsigned();
                if beyond != 0 {
                    let none = _mm256_cmpeq_epi8(find_any(first, leads), _mm256_setzero_si256());
                    beyond &= !_mm256_movemask_epi8(none).cast_unsigned();
                    while beyond != 0 {
                        let at = half + beyond.trailing_zeros() as usize;
                        let pair = bytes.get(index * 64 + at..).and_then(|rest| rest.first_chunk());
                        match pair.and_then(|[first, second]| lead(*first, *second)) {
                            Some(Lead::Digit) => block.sign |= 1 << at,
                            Some(Lead::Gap) => block.bitmaps.opener |= 1 << at,
                            None => {}
                        }
                        beyond &= beyond - 1;
                    }
                }
            }
            batch.set(index, block);
        }
        batch.show::<TwiceFour>(look, at);
    });
}

/// Adds the bitmaps of 32 `bytes` of these classes to those of a block, from bit `half` on.
#[inline]
#[target_feature(enable = "avx2")]
fn add(bitmaps: &mut Bitmaps<u64>, half: usize, bytes: __m256i, class: __m256i, openers: __m256i) {
    let byte = |byte: u8| _mm256_set1_epi8(byte.cast_signed());
    // Openers differ in their lower halves: the one with a byte's lower half is that byte or another.
    bitmaps.opener |= top(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(openers, bytes), bytes), half);
    bitmaps.digit |= top(class, half);
    bitmaps.line_break |= top(_mm256_add_epi8(class, class), half);
    bitmaps.exponent |= top(_mm256_slli_epi16::<2>(class), half);
    bitmaps.three |= top(_mm256_slli_epi16::<3>(class), half);
    let second = _mm256_cmpgt_epi8(_mm256_and_si256(class, byte(SECONDS)), _mm256_setzero_si256());
    bitmaps.second |= top(second, half);
    // And a few other characters.
    let letter = _mm256_and_si256(_mm256_cmpgt_epi8(bytes, byte(b'*')), _mm256_cmpgt_epi8(byte(b'{'), bytes));
    bitmaps.letter |= top(letter, half);
}

/// The highest bits of all bytes, from bit `half` on.
#[inline]
#[target_feature(enable = "avx2")]
fn top(bytes: __m256i, half: usize) -> u64 {
    u64::from(_mm256_movemask_epi8(bytes).cast_unsigned()) << half
}

/// The windows of a bitmap, four and four.
///
/// INVARIANT: made and used by `scan_here` alone, where the machine has what is needed.
#[derive(Clone, Copy)]
struct TwiceFour([__m256i; 2]);

impl Bits for TwiceFour {}

impl Lanes for TwiceFour {
    /// Two windows are within sixteen bytes.
    #[inline(always)]
    fn of(words: &Words) -> Self {
        const NEXT: i8 = (STRIDE / 8) as i8;
        const START: usize = 8 - HISTORY / 8;
        const { assert!(START + 6 * (STRIDE / 8) + 16 <= size_of::<Words>()) }
        let four = |index: usize| {
            // SAFETY: the invariant; all bytes that are loaded are within the words, and the loads need no alignment.
            unsafe {
                let two = |index: usize| {
                    _mm_loadu_si128(words.as_ptr().cast::<u8>().add(START + index * (STRIDE / 8)).cast())
                };
                let order = _mm256_add_epi8(
                    _mm256_set1_epi64x(0x0706_0504_0302_0100),
                    _mm256_set_epi64x(
                        NEXT as i64 * 0x0101_0101_0101_0101,
                        0,
                        NEXT as i64 * 0x0101_0101_0101_0101,
                        0,
                    ),
                );
                _mm256_shuffle_epi8(_mm256_set_m128i(two(index + 2), two(index)), order)
            }
        };
        Self([four(0), four(4)])
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: the invariant.
        unsafe {
            let any = _mm256_or_si256(self.0[0], self.0[1]);
            _mm256_testz_si256(any, any) == 1
        }
    }

    #[inline(always)]
    fn windows(self) -> [u64; LANES] {
        let mut windows = [0; LANES];
        // SAFETY: the invariant; eight windows are 64 bytes, and the stores need no alignment.
        unsafe {
            _mm256_storeu_si256(windows.as_mut_ptr().cast(), self.0[0]);
            _mm256_storeu_si256(windows.as_mut_ptr().add(4).cast(), self.0[1]);
        }
        windows
    }
}

impl BitAnd for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self([_mm256_and_si256(self.0[0], other.0[0]), _mm256_and_si256(self.0[1], other.0[1])]) }
    }
}

impl BitOr for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the invariant.
        unsafe { Self([_mm256_or_si256(self.0[0], other.0[0]), _mm256_or_si256(self.0[1], other.0[1])]) }
    }
}

impl Not for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_xor_si256(four, _mm256_set1_epi64x(-1)) })
    }
}

impl Shl<u32> for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn shl(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_sll_epi64(four, _mm_cvtsi64_si128(i64::from(bits))) })
    }
}

impl Shr<u32> for TwiceFour {
    type Output = Self;

    #[inline(always)]
    fn shr(self, bits: u32) -> Self {
        // SAFETY: the invariant.
        self.map(|four| unsafe { _mm256_srl_epi64(four, _mm_cvtsi64_si128(i64::from(bits))) })
    }
}

impl TwiceFour {
    #[inline(always)]
    fn map(self, make: impl Fn(__m256i) -> __m256i) -> Self {
        Self([make(self.0[0]), make(self.0[1])])
    }
}

/// For each byte the bits that the tables of its lower and of its upper half have in common; none beyond ASCII.
#[inline]
#[target_feature(enable = "avx2")]
fn find(bytes: __m256i, halves: [__m256i; 2]) -> __m256i {
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
    _mm256_and_si256(_mm256_shuffle_epi8(halves[0], bytes), _mm256_shuffle_epi8(halves[1], upper))
}

/// The same, beyond ASCII too.
#[inline]
#[target_feature(enable = "avx2")]
fn find_any(bytes: __m256i, halves: [__m256i; 2]) -> __m256i {
    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
    let lower = _mm256_and_si256(bytes, _mm256_set1_epi8(0x0f));
    _mm256_and_si256(_mm256_shuffle_epi8(halves[0], lower), _mm256_shuffle_epi8(halves[1], upper))
}

#[target_feature(enable = "avx2")]
fn table(halves: &[[u8; 16]; 2]) -> [__m256i; 2] {
    halves.each_ref().map(|half| {
        // SAFETY: 16 bytes are the whole array; the load needs no alignment.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
    })
}

/// 32 bytes from `at`, which is at most `BATCH - 32 + AFTER`.
#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; BATCH + AFTER], at: usize) -> __m256i {
    debug_assert!(at + 32 <= bytes.len());
    let at = at.min(BATCH + AFTER - 32);
    // SAFETY: 32 bytes from there are within the array; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) }
}

/// What halves of bytes say of the classes. Each is a set of lower halves with any of a set of upper ones: what
/// stands second in an escape is three such.
static CLASS_HALVES: [[u8; 16]; 2] = {
    let sets: [(&[usize], &[usize], u8); 7] = [
        (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[3], 128),
        (&[0xa, 0xb, 0xc, 0xd], &[0], 64),
        (&[5], &[4, 6], 32),
        (&[3], &[3], 16),
        (&[5], &[7], 4),
        (&[3], &[2], 2),
        (&[4, 5, 6], &[4, 6], 1),
    ];
    let mut halves = [[0; 16]; 2];
    let mut set = 0;
    while set < sets.len() {
        let (lower, upper, bit) = sets[set];
        let mut index = 0;
        while index < 16 {
            if index < lower.len() {
                halves[0][lower[index]] |= bit;
            }
            if index < upper.len() {
                halves[1][upper[index]] |= bit;
            }
            index += 1;
        }
        set += 1;
    }
    halves
};

/// The bits of what stands second.
const SECONDS: u8 = 7;

/// Openers by their lower halves; where there is none, a byte that has another.
static OPENERS: [u8; 16] = {
    let mut openers = [0xff; 16];
    openers[0xf] = 0;
    let all = *b"%&=\\";
    let mut index = 0;
    while index < all.len() {
        openers[(all[index] & 15) as usize] = all[index];
        index += 1;
    }
    openers
};

/// The two bits of [`SIGNS`] as the two highest ones. Where halves cannot tell bytes apart, more of them fit.
static SIGN_HALVES: [[[u8; 16]; 2]; 3] = [halves(&SIGNS[0]), halves(&SIGNS[1]), halves(&SIGNS[2])];

/// First bytes of characters beyond ASCII that may be digits or gaps: a bit for each upper half.
static LEAD_HALVES: [[u8; 16]; 2] = {
    let mut halves = [[0; 16]; 2];
    let mut byte = 0xc0;
    while byte < 0x100 {
        let mut second = 0x80_u8;
        while second < 0xc0 {
            if lead(byte as u8, second).is_some() {
                halves[0][byte & 15] |= 1 << (byte >> 4 & 3);
                halves[1][byte >> 4] |= 1 << (byte >> 4 & 3);
            }
            second += 1;
        }
        byte += 1;
    }
    halves
};

const fn halves(table: &[u8; 128]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    let mut byte = 0;
    while byte < 128 {
        halves[0][byte & 15] |= table[byte] << 6;
        halves[1][byte >> 4] |= table[byte] << 6;
        byte += 1;
    }
    halves
}
