#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler, and arrays of known length")]
//! Bitmaps made with AVX2: tables of 16 entries, one for each half of a byte.

use std::arch::x86_64::*;

use crate::sieve::batch::{AFTER, BATCH, BLOCKS, Batch, LANES, Words, each};
use crate::sieve::look::Look;
use crate::sieve::shape::{Block, HISTORY, STRIDE};
use crate::sieve::tables::{CLASSES, ESCAPE, OFFSETS, SIGNS, is_lead};

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
    let signs = SIGN_HALVES.each_ref().map(|halves| table(halves));
    let leads = table(&LEAD_HALVES);
    let mut batch = Batch::new(look);
    each(look, |look, bytes, at| {
        batch.renew();
        for index in 0..BLOCKS {
            let mut block = Block::default();
            for half in [0, 32] {
                let [first, second, third, fifth] =
                    OFFSETS.map(|offset| load(bytes, index * 64 + half + offset));
                let class = find(first, classes);
                let fits = _mm256_and_si256(
                    _mm256_and_si256(find(first, signs[0]), find(second, signs[1])),
                    _mm256_and_si256(find_any(third, signs[2]), find_any(fifth, signs[3])),
                );
                // Of a byte, the highest bit is what a bitmap takes.
                let top = |bits: __m256i| u64::from(_mm256_movemask_epi8(bits).cast_unsigned()) << half;
                block.digit |= top(_mm256_slli_epi16::<7>(class));
                block.gap |= top(_mm256_slli_epi16::<6>(class));
                block.line_break |= top(_mm256_slli_epi16::<5>(class));
                block.escape |= top(_mm256_slli_epi16::<1>(fits));
                let sign = _mm256_andnot_si256(_mm256_set1_epi8(ESCAPE.cast_signed()), fits);
                block.sign |= top(_mm256_xor_si256(
                    _mm256_cmpeq_epi8(sign, _mm256_setzero_si256()),
                    _mm256_set1_epi8(-1),
                ));
                if _mm256_movemask_epi8(first) != 0 {
                    let found = _mm256_cmpeq_epi8(find_any(first, leads), _mm256_setzero_si256());
                    let found = _mm256_movemask_epi8(first) & !_mm256_movemask_epi8(found);
                    let mut found = found.cast_unsigned();
                    while found != 0 {
                        let place = index * 64 + half + found.trailing_zeros() as usize;
                        let lead = bytes.get(place..).and_then(|rest| rest.first_chunk());
                        let lead = lead.is_some_and(|[first, second]| is_lead(*first, *second));
                        block.sign |= u64::from(lead) << (place % 64);
                        found &= found - 1;
                    }
                }
            }
            batch.set(index, block);
        }
        batch.show(look, at, |words| lanes(words));
    });
}

/// The windows of a bitmap, eight bytes from every fifth on: two of them are within sixteen bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn lanes(words: &Words) -> [u64; LANES] {
    let stride = (STRIDE / 8) as i8;
    let order = _mm_add_epi8(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7),
        _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, stride, stride, stride, stride, stride, stride, stride, stride),
    );
    let mut lanes = [0; LANES];
    for pair in 0..LANES / 2 {
        let start = 8 - HISTORY / 8 + pair * 2 * (STRIDE / 8);
        debug_assert!(start + 16 <= size_of::<Words>());
        // SAFETY: the sixteen bytes are within the words, the two lanes within all; none needs alignment.
        unsafe {
            let bytes = _mm_loadu_si128(words.as_ptr().cast::<u8>().add(start).cast());
            let two = _mm_shuffle_epi8(bytes, order);
            _mm_storeu_si128(lanes.as_mut_ptr().add(pair * 2).cast(), two);
        }
    }
    lanes
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

/// What halves of bytes say of the classes; where they cannot tell bytes apart, more bytes are gaps.
static CLASS_HALVES: [[u8; 16]; 2] = halves(CLASSES.first_chunk());

static SIGN_HALVES: [[[u8; 16]; 2]; 4] = [
    halves(Some(&SIGNS.at[0])),
    halves(Some(&SIGNS.at[1])),
    halves(Some(&SIGNS.at[2])),
    halves(Some(&SIGNS.at[3])),
];

/// First bytes of characters beyond ASCII that may be digits or gaps: a bit for each upper half.
static LEAD_HALVES: [[u8; 16]; 2] = {
    let mut halves = [[0; 16]; 2];
    let mut byte = 0xc0;
    while byte < 0x100 {
        let mut second = 0x80_u8;
        while second < 0xc0 {
            if is_lead(byte as u8, second) {
                halves[0][byte & 15] |= 1 << (byte >> 4 & 3);
                halves[1][byte >> 4] |= 1 << (byte >> 4 & 3);
            }
            second += 1;
        }
        byte += 1;
    }
    halves
};

const fn halves(table: Option<&[u8; 128]>) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    let Some(table) = table else { return halves };
    let (mut byte, mut common) = (0, !0);
    while byte < 128 {
        halves[0][byte & 15] |= table[byte];
        halves[1][byte >> 4] |= table[byte];
        common &= table[byte];
        byte += 1;
    }
    // What fits every ASCII character fits any byte.
    let mut upper = 8;
    while upper < 16 {
        halves[1][upper] = common;
        upper += 1;
    }
    halves
}
