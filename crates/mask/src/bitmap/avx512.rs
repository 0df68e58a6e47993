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
    // Mostly there is nothing beyond ASCII, and less to do.
    let beyond = if WORDS == 0 { false } else { ascii != !0 || has_beyond(load(window, 0)) };
    // Loops over numbers: others are not taken apart, and what they go over stays in memory.
    for list in 0..WORDS {
        let mut heaps = fit(last, &words[list], 0, beyond);
        for index in 1..depth(list) {
            let bytes = load(window, BACK - OFFSETS[index]);
            heaps = _mm512_and_si512(heaps, fit(bytes, &words[list], index, beyond));
        }
        block.ends[list] = _mm512_test_epi8_mask(heaps, heaps);
    }
    let of = find(last, kinds);
    for kind in 0..KINDS {
        block.kinds[kind] = _mm512_test_epi8_mask(of, _mm512_set1_epi8(1 << kind)) & ascii;
    }
    block
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn has_beyond(bytes: __m512i) -> bool {
    _mm512_movepi8_mask(bytes) != 0
}

/// The heaps that each byte fits at one of [`OFFSETS`], where some may be `beyond` ASCII.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn fit(bytes: __m512i, words: &Words, offset: usize, beyond: bool) -> __m512i {
    let fits = find(bytes, table(&words.heaps[offset]));
    if !beyond {
        return fits;
    }
    _mm512_mask_mov_epi8(
        fits,
        _mm512_movepi8_mask(bytes),
        _mm512_set1_epi8(words.beyond[offset].cast_signed()),
    )
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
