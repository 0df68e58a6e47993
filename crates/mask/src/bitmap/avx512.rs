#![allow(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "arrays of known length, taken apart by the compiler"
)]
//! Bitmaps made with AVX-512: a table of 128 entries in one instruction, and comparisons that give bitmaps.

use std::arch::x86_64::*;

use super::{BACK, BLOCK, Bitmaps, Block, OFFSETS, Passed, Seen, Window, Words, depth, part, whole};

pub(super) fn next<const WORDS: usize, const KINDS: usize, P: Passed<WORDS, KINDS>>(
    bitmaps: &Bitmaps<WORDS, KINDS>,
    text: &[u8],
    from: usize,
    quiet_before: usize,
    passed: P,
) -> Seen<P, P::Hits> {
    if available() {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { next_here(bitmaps, text, from, quiet_before, passed) };
    }
    super::portable::next(bitmaps, text, from, quiet_before, passed)
}

fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

// Loops, since closures would be no part of a function that is compiled for more instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2")]
fn next_here<const WORDS: usize, const KINDS: usize, P: Passed<WORDS, KINDS>>(
    bitmaps: &Bitmaps<WORDS, KINDS>,
    text: &[u8],
    from: usize,
    quiet_before: usize,
    passed: P,
) -> Seen<P, P::Hits> {
    let kinds = table(&bitmaps.kinds.of);
    let (mut at, mut passed) = (from, passed);
    while at < text.len() {
        let partial;
        let window = match whole(text, at) {
            Some(window) => window,
            None => {
                partial = part(text, at);
                &partial
            }
        };
        let block = block(&bitmaps.words, kinds, window);
        let before = passed;
        let hits = passed.step(at, &block);
        if hits.is_some() || at >= quiet_before {
            return Seen::Block { at, before, after: passed, hits };
        }
        at += BLOCK;
    }
    Seen::All(passed)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2")]
fn block<const WORDS: usize, const KINDS: usize>(
    words: &[Words; WORDS],
    kinds: [__m512i; 2],
    window: &Window,
) -> Block<WORDS, KINDS> {
    let mut block = Block { ends: [0; WORDS], kinds: [0; KINDS] };
    let last = load(window, BACK);
    let ascii = !_mm512_movepi8_mask(last);
    if WORDS > 0 {
        // Mostly there is nothing beyond ASCII, and less to do.
        let around = _mm512_or_si512(last, load(window, 0));
        block.ends = match _mm512_movepi8_mask(around) {
            0 => ends::<WORDS, false>(words, window),
            _ => ends::<WORDS, true>(words, window),
        };
    }
    let of = find(last, kinds);
    for kind in 0..KINDS {
        block.kinds[kind] = _mm512_test_epi8_mask(of, _mm512_set1_epi8(1 << kind)) & ascii;
    }
    block
}

/// Where a word of each list may end, where some bytes may be `BEYOND` ASCII or none is.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,bmi2")]
fn ends<const WORDS: usize, const BEYOND: bool>(words: &[Words; WORDS], window: &Window) -> [u64; WORDS] {
    let mut ends = [0; WORDS];
    // Loops over numbers: others are not taken apart, and what they go over stays in memory.
    for list in 0..WORDS {
        let mut heaps = _mm512_set1_epi8(-1);
        for index in 0..depth(list) {
            let mut bytes = load(window, BACK - OFFSETS[index]);
            if BEYOND {
                // What is beyond ASCII has the last entry.
                bytes = _mm512_min_epu8(bytes, _mm512_set1_epi8(0x7f));
            }
            heaps = _mm512_and_si512(heaps, find(bytes, table(&words[list].with_beyond[index])));
        }
        ends[list] = _mm512_test_epi8_mask(heaps, heaps);
    }
    ends
}

/// The entries of a table for each byte, its highest bit aside.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn find(bytes: __m512i, table: [__m512i; 2]) -> __m512i {
    _mm512_permutex2var_epi8(table[0], bytes, table[1])
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn table(entries: &[u8; 128]) -> [__m512i; 2] {
    let pointer = entries.as_ptr();
    // SAFETY: both halves are within the 128 entries; the loads need no alignment.
    unsafe { [_mm512_loadu_si512(pointer.cast()), _mm512_loadu_si512(pointer.add(64).cast())] }
}

/// 64 bytes from `at`, which is at most `BACK`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(window: &Window, at: usize) -> __m512i {
    debug_assert!(at <= BACK);
    let at = at.min(BACK);
    // SAFETY: 64 bytes from there are within the window; the load needs no alignment.
    unsafe { _mm512_loadu_si512(window.as_ptr().add(at).cast()) }
}
