//! Bitmaps made with AVX2: tables of 16 entries, one for each half of a byte.

use std::arch::x86_64::*;

use super::{BACK, BLOCK, Bitmaps, Block, OFFSETS, Passed, Seen, Window, depth, part, whole};

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
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
}

// Loops, since closures would be no part of a function that is compiled for more instructions.
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn next_here<const WORDS: usize, const KINDS: usize, P: Passed<WORDS, KINDS>>(
    bitmaps: &Bitmaps<WORDS, KINDS>,
    text: &[u8],
    from: usize,
    quiet_before: usize,
    passed: P,
) -> Seen<P, P::Hits> {
    let zero = _mm256_setzero_si256();
    let mut tables =
        Tables { words: [[[zero; 3]; OFFSETS.len()]; WORDS], kinds: [zero; KINDS], upper: table(&UPPER) };
    for (to, words) in tables.words.iter_mut().zip(&bitmaps.words) {
        for ((to, [low, high]), beyond) in to.iter_mut().zip(&words.halves).zip(words.beyond) {
            *to = [table(low), table(high), _mm256_set1_epi8(beyond.cast_signed())];
        }
    }
    for (to, half) in tables.kinds.iter_mut().zip(&bitmaps.kinds.halves) {
        *to = table(half);
    }
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
        let block = block(&tables, window);
        let before = passed;
        let hits = passed.step(at, &block);
        if hits.is_some() || at >= quiet_before {
            return Seen::Block { at, before, after: passed, hits };
        }
        at += BLOCK;
    }
    Seen::All(passed)
}

struct Tables<const WORDS: usize, const KINDS: usize> {
    words: [[[__m256i; 3]; OFFSETS.len()]; WORDS],
    kinds: [__m256i; KINDS],
    upper: __m256i,
}

#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2")]
fn block<const WORDS: usize, const KINDS: usize>(
    tables: &Tables<WORDS, KINDS>,
    window: &Window,
) -> Block<WORDS, KINDS> {
    let mut block = Block { ends: [0; WORDS], kinds: [0; KINDS] };
    for half in [0, 32] {
        let mut heaps = [_mm256_set1_epi8(-1); WORDS];
        let zero = _mm256_setzero_si256();
        for (index, offset) in OFFSETS.iter().enumerate() {
            let bytes = load(window, BACK + half - offset);
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), _mm256_set1_epi8(0x0f));
            let is_beyond = _mm256_cmpgt_epi8(zero, bytes);
            for (list, (heaps, words)) in heaps.iter_mut().zip(&tables.words).enumerate() {
                let Some([low, high, beyond]) = words.get(index).filter(|_| index < depth(list)) else {
                    continue;
                };
                let fits =
                    _mm256_and_si256(_mm256_shuffle_epi8(*low, bytes), _mm256_shuffle_epi8(*high, upper));
                *heaps =
                    _mm256_and_si256(*heaps, _mm256_or_si256(fits, _mm256_and_si256(is_beyond, *beyond)));
            }
            if index == 0 {
                let upper = _mm256_shuffle_epi8(tables.upper, upper);
                for (bits, kind) in block.kinds.iter_mut().zip(&tables.kinds) {
                    let of = _mm256_and_si256(_mm256_shuffle_epi8(*kind, bytes), upper);
                    *bits |= other(_mm256_cmpeq_epi8(of, zero)) << half;
                }
            }
        }
        for (bits, heaps) in block.ends.iter_mut().zip(heaps) {
            *bits |= other(_mm256_cmpeq_epi8(heaps, zero)) << half;
        }
    }
    block
}

/// The bitmap of the bytes that have not been `found`.
#[inline]
#[target_feature(enable = "avx2")]
fn other(found: __m256i) -> u64 {
    u64::from(!_mm256_movemask_epi8(found).cast_unsigned())
}

#[inline]
#[target_feature(enable = "avx2")]
fn table(half: &[u8; 16]) -> __m256i {
    // SAFETY: 16 bytes are the whole array; the load needs no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
}

/// 32 bytes from `at`, which is at most `BACK + 32`.
#[inline]
#[target_feature(enable = "avx2")]
fn load(window: &Window, at: usize) -> __m256i {
    debug_assert!(at <= BACK + 32);
    let at = at.min(BACK + 32);
    // SAFETY: 32 bytes from there are within the window; the load needs no alignment.
    unsafe { _mm256_loadu_si256(window.as_ptr().add(at).cast()) }
}

/// A bit for each upper half of an ASCII character.
static UPPER: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
