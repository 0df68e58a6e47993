//! Bitmaps made byte by byte.

use super::{BACK, Bitmaps, Block, OFFSETS, Passed, Seen, Window, Words, depth, part, whole};

pub(super) fn next<const WORDS: usize, const KINDS: usize, P: Passed<WORDS, KINDS>>(
    bitmaps: &Bitmaps<WORDS, KINDS>,
    text: &[u8],
    from: usize,
    quiet_before: usize,
    passed: P,
) -> Seen<P, P::Hits> {
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
        let block = block(bitmaps, window);
        let before = passed;
        let hits = passed.step(at, &block);
        if hits.is_some() || at >= quiet_before {
            return Seen::Block { at, before, after: passed, hits };
        }
        at += super::BLOCK;
    }
    Seen::All(passed)
}

fn block<const WORDS: usize, const KINDS: usize>(
    bitmaps: &Bitmaps<WORDS, KINDS>,
    window: &Window,
) -> Block<WORDS, KINDS> {
    let ends =
        std::array::from_fn(|list| bitmaps.words.get(list).map_or(0, |words| ends(list, words, window)));
    let mut kinds = [0; KINDS];
    let bytes = window.get(BACK..).unwrap_or_default();
    for (index, eight) in bytes.chunks_exact(8).enumerate() {
        let of = |byte: &u8| bitmaps.kinds.of.get(usize::from(*byte)).copied().unwrap_or(0);
        let mut of_eight = [0; 8];
        of_eight.iter_mut().zip(eight).for_each(|(to, byte)| *to = of(byte));
        let of_eight = u64::from_le_bytes(of_eight);
        for (kind, bits) in kinds.iter_mut().enumerate() {
            // The lowest bit of each byte, gathered in the highest byte.
            let one = (of_eight >> kind & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            *bits |= one << (index * 8);
        }
    }
    Block { ends, kinds }
}

fn ends(list: usize, words: &Words, window: &Window) -> u64 {
    let [last, ..] = &words.heaps;
    let mut ends = 0;
    for (place, byte) in window.iter().enumerate().skip(BACK) {
        let mut heaps = last.get(usize::from(*byte)).copied().unwrap_or(0);
        if heaps == 0 {
            continue;
        }
        for ((offset, table), beyond) in
            OFFSETS.iter().zip(&words.heaps).zip(words.beyond).take(depth(list)).skip(1)
        {
            let byte = window.get(place - offset).copied().unwrap_or(0);
            heaps &= table.get(usize::from(byte)).copied().unwrap_or(beyond);
        }
        ends |= u64::from(heaps != 0) << (place - BACK);
    }
    ends
}
