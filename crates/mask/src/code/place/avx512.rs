//! Bitmaps made with AVX-512: a table of 128 entries in one instruction, and tests that give bitmaps.

use std::arch::x86_64::*;

use super::{BETWEEN, BLOCK, Bits, CLASSES, DIGIT, HEX, NAME, OPENER, PERCENT, scan_with};

/// Whether this machine has what is needed.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

/// The same as what the parent does byte by byte; nothing where this machine does not have what is needed.
pub(super) fn scan(text: &[u8], goes_on: bool, named: impl Fn(usize) -> bool) -> Option<usize> {
    // SAFETY: the machine has what the function is compiled for.
    available().then(|| unsafe { scan_here(text, goes_on, named) })?
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2")]
fn scan_here(text: &[u8], goes_on: bool, named: impl Fn(usize) -> bool) -> Option<usize> {
    let (classes, _) = CLASSES.as_chunks::<64>();
    let [low, high, ..] = classes else { return None };
    // SAFETY: 64 bytes are the whole array; the load needs no alignment.
    let [low, high] = [low, high].map(|half| unsafe { _mm512_loadu_si512(half.as_ptr().cast()) });
    let bits = |block: &[u8; BLOCK]| {
        // SAFETY: 64 bytes are the whole array; the load needs no alignment.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let ascii = !_mm512_movepi8_mask(bytes);
        let class = _mm512_permutex2var_epi8(low, bytes, high);
        let has = |bit: u8| _mm512_mask_test_epi8_mask(ascii, class, _mm512_set1_epi8(bit.cast_signed()));
        Bits {
            digit: has(DIGIT),
            hex: has(HEX),
            opener: has(OPENER),
            percent: has(PERCENT),
            between: has(BETWEEN),
            name: has(NAME) | !ascii,
        }
    };
    scan_with(text, goes_on, bits, named)
}
