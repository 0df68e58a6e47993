#![allow(clippy::indexing_slicing, reason = "tables, computed by the compiler")]
//! Bitmaps made with AVX2: tables of 16 entries, one for each half of a byte.

use std::arch::x86_64::*;

use super::{BLOCK, Bits, scan_with};

/// Whether this machine has what is needed.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
}

/// The same as what the parent does byte by byte; nothing where this machine does not have what is needed.
pub(super) fn scan(text: &[u8], goes_on: bool, named: impl Fn(usize) -> bool) -> Option<usize> {
    // SAFETY: the machine has what the function is compiled for.
    available().then(|| unsafe { scan_here(text, goes_on, named) })?
}

#[target_feature(enable = "avx2,bmi1,bmi2")]
fn scan_here(text: &[u8], goes_on: bool, named: impl Fn(usize) -> bool) -> Option<usize> {
    let tables = [&HALVES, &BETWEEN_HALVES].map(|halves| {
        halves.each_ref().map(|half| {
            // SAFETY: 16 bytes are the whole array; the load needs no alignment.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
        })
    });
    let bits = |block: &[u8; BLOCK]| {
        let mut bits = Bits { digit: 0, hex: 0, opener: 0, percent: 0, between: 0, name: 0 };
        for (half, bytes) in block.as_chunks::<32>().0.iter().enumerate() {
            // SAFETY: 32 bytes are the whole array; the load needs no alignment.
            let bytes = unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) };
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
            // Of a byte beyond ASCII the lower half's table gives nothing.
            let [class, between] = tables.map(|[lower, upper]| {
                _mm256_and_si256(_mm256_shuffle_epi8(lower, bytes), _mm256_shuffle_epi8(upper, high))
            });
            let top = |bytes: __m256i| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned()) << (32 * half);
            let any = |class: __m256i, bits: u8| {
                let bits = _mm256_and_si256(class, _mm256_set1_epi8(bits.cast_signed()));
                !top(_mm256_cmpeq_epi8(bits, _mm256_setzero_si256())) & 0xffff_ffff << (32 * half)
            };
            let has = |bits: u8| any(class, bits);
            let letters = _mm256_or_si256(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8(0x3f)), bytes);
            bits.digit |= has(DIGIT);
            bits.hex |= has(DIGIT | 2 | 4);
            bits.opener |= has(8 | 16 | 32 | 64);
            bits.percent |= has(PERCENT);
            bits.between |= any(between, !NAME);
            bits.name |= any(between, NAME) | has(DIGIT) | top(letters);
        }
        bits
    };
    scan_with(text, goes_on, bits, named)
}

const DIGIT: u8 = 1;
const PERCENT: u8 = 128;

/// Upper and lower halves of bytes, and the bit for those that have one of each.
const GROUPS: [(&[usize], &[usize], u8); 8] = [
    (&[3], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], DIGIT),
    (&[4, 6], &[1, 2, 3, 4, 5, 6], 2),
    (&[5, 7], &[8], 4),
    (&[2], &[0, 2, 3, 7, 8], 8),
    (&[3], &[10, 13, 14], 16),
    // A vertical tab and `Y` come with the tab and `[`.
    (&[0, 5], &[9, 11], 32),
    (&[6], &[0], 64),
    (&[2], &[5], PERCENT),
];

/// The same for what stands between a name and a value, and for what a name may end in that is no letter.
const BETWEEN_GROUPS: [(&[usize], &[usize], u8); 6] = [
    (&[2], &[0, 2, 3, 5, 7, 8, 9, 13], 1),
    (&[3], &[10, 13, 14], 2),
    (&[0], &[9], 4),
    (&[5], &[11, 12, 13], 8),
    (&[6], &[0], 16),
    (&[2], &[13, 14], NAME),
];

const NAME: u8 = 32;

/// The bits of each lower half, and of each upper half.
static HALVES: [[u8; 16]; 2] = halves(&GROUPS);
static BETWEEN_HALVES: [[u8; 16]; 2] = halves(&BETWEEN_GROUPS);

const fn halves(groups: &[(&[usize], &[usize], u8)]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    let mut group = 0;
    while group < groups.len() {
        let (upper, lower, bit) = groups[group];
        let mut index = 0;
        while index < lower.len() {
            halves[0][lower[index]] |= bit;
            index += 1;
        }
        index = 0;
        while index < upper.len() {
            halves[1][upper[index]] |= bit;
            index += 1;
        }
        group += 1;
    }
    halves
}
