//! Bitmaps of a text, 64 bytes at a time: what its bytes are, and where one of many words may end.
//!
//! A word is known by its last bytes: for each of them, a table says which of eight heaps of words a byte fits;
//! what fits some heap in all places may be the end of a word. That is wrong now and then, and misses none.

use crate::sieve::Kind;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx512;
mod portable;

/// The bitmaps of 64 bytes, the first byte's bit lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block<const WORDS: usize, const KINDS: usize> {
    /// Where a word of each list may end.
    pub ends: [u64; WORDS],
    /// Which bytes are of each kind.
    pub kinds: [u64; KINDS],
}

/// What bitmaps are made of: lists of words, and kinds of bytes.
#[derive(Debug)]
pub(crate) struct Bitmaps<const WORDS: usize, const KINDS: usize> {
    kind: Kind,
    words: [Words; WORDS],
    kinds: Kinds<KINDS>,
}

impl<const WORDS: usize, const KINDS: usize> Bitmaps<WORDS, KINDS> {
    /// Made in the fastest way that this machine has.
    pub fn new(words: [Words; WORDS], kinds: [Set; KINDS]) -> Self {
        Self::made(Kind::all().last().unwrap_or(Kind::Portable), words, kinds)
    }

    /// Made in one way.
    pub fn made(kind: Kind, words: [Words; WORDS], kinds: [Set; KINDS]) -> Self {
        Self { kind, words, kinds: Kinds::new(kinds) }
    }

    /// Goes over the blocks of `text` from `from` on, each of which `passed` learns from: up to the first that shows
    /// something or does not start before `quiet_before`, or the last. Behind the text's end there is nothing.
    #[inline]
    pub fn next<P: Passed<WORDS, KINDS>>(
        &self,
        text: &[u8],
        from: usize,
        quiet_before: usize,
        passed: P,
    ) -> Seen<P, P::Hits> {
        match self.kind {
            Kind::Portable => portable::next(self, text, from, quiet_before, passed),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::next(self, text, from, quiet_before, passed),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::next(self, text, from, quiet_before, passed),
        }
    }
}

/// What is known of the blocks that have passed, as far as it matters for the next.
pub(crate) trait Passed<const WORDS: usize, const KINDS: usize>: Copy {
    /// What a block shows.
    type Hits: Copy;

    /// Goes on over the block that starts at `at`, and says what it shows, if it shows anything.
    ///
    /// To be inlined always: only so it is compiled for the instructions that the bitmaps are made with.
    fn step(&mut self, at: usize, block: &Block<WORDS, KINDS>) -> Option<Self::Hits>;
}

/// What became of going over blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<P, H> {
    /// All have been seen, and shown nothing.
    All(P),
    /// The one that starts `at` shows something, or was wanted whatever it shows.
    Block { at: usize, before: P, after: P, hits: Option<H> },
}

/// A set of bytes: ASCII characters, a bit each, and all that is beyond them or nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Set {
    ascii: u128,
    beyond: bool,
}

impl Set {
    pub const NONE: Self = Self { ascii: 0, beyond: false };
    pub const ALL: Self = Self { ascii: !0, beyond: true };

    /// What `wanted` says; beyond ASCII, of all as of the first.
    pub fn of(wanted: impl Fn(u8) -> bool) -> Self {
        let ascii = (0..128).filter(|byte| wanted(*byte)).fold(0, |set, byte| set | 1 << byte);
        Self { ascii, beyond: wanted(0x80) }
    }

    pub fn or(self, other: Self) -> Self {
        Self { ascii: self.ascii | other.ascii, beyond: self.beyond || other.beyond }
    }

    fn has(self, byte: u8) -> bool {
        if byte.is_ascii() { self.ascii >> byte & 1 == 1 } else { self.beyond }
    }

    /// How often one of them comes in a text, roughly.
    fn share(self) -> u64 {
        let shares = SHARES.iter().map(|(set, share)| share * u64::from((self.ascii & set).count_ones()));
        shares.sum::<u64>() + u64::from(self.ascii.count_ones()) + 5 * u64::from(self.beyond)
    }
}

/// By how much some characters are more common than others.
const SHARES: [(u128, u64); 4] = [
    (0x3ff << b'0', 5),
    (0x3ff_ffff << b'a', 2),
    (1 << b' ', 9),
    (
        1 << b'-'
            | 1 << b'_'
            | 1 << b'.'
            | 1 << b'/'
            | 1 << b':'
            | 1 << b'='
            | 1 << b'"'
            | 1 << b'\''
            | 1 << b',',
        5,
    ),
];

/// The end of a word: what may stand at its last place, and at the places before it that [`OFFSETS`] says.
pub(crate) type End = [Set; OFFSETS.len()];

/// How far before the last byte of a word those are that it is known by.
pub(crate) const OFFSETS: [usize; 5] = [0, 1, 2, 3, 5];

/// By how many of [`OFFSETS`] the words of a list are known: those of the first by all, of others by the four that
/// are next to each other.
const fn depth(list: usize) -> usize {
    if list == 0 { OFFSETS.len() } else { OFFSETS.len() - 1 }
}

/// A list of words: for each offset, the heaps that each byte fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    heaps: [[u8; 128]; OFFSETS.len()],
    /// The heaps that what is beyond ASCII fits. It fits none at the last place.
    beyond: [u8; OFFSETS.len()],
    /// Both in one table: what is beyond ASCII in the last entry.
    with_beyond: [[u8; 128]; OFFSETS.len()],
    /// The same as the first for each half of a byte, the lower first; of bytes that these cannot tell apart, for all.
    halves: [[[u8; 16]; 2]; OFFSETS.len()],
}

impl Words {
    /// Words that end so, in one list.
    pub fn list(ends: impl IntoIterator<Item = End>) -> Self {
        let [list] = Self::lists(ends);
        list
    }

    /// Words that end so, in some lists: the more there are, the fewer other words fit.
    pub fn lists<const LISTS: usize>(ends: impl IntoIterator<Item = End>) -> [Self; LISTS] {
        let heaps = heaps(ends.into_iter().collect(), LISTS * HEAPS);
        let mut lists = heaps.chunks(HEAPS).map(Self::of);
        std::array::from_fn(|_| lists.next().unwrap_or_else(|| Self::of(&[])))
    }

    fn of(heaps: &[End]) -> Self {
        let mut words = Self {
            heaps: [[0; 128]; OFFSETS.len()],
            beyond: [0; OFFSETS.len()],
            with_beyond: [[0; 128]; OFFSETS.len()],
            halves: [[[0; 16]; 2]; OFFSETS.len()],
        };
        let tables = words.heaps.iter_mut().zip(&mut words.beyond).zip(&mut words.halves);
        for (at, ((table, beyond), halves)) in tables.enumerate() {
            let fits = |byte: u8| {
                let fits = |heap: &End| heap.get(at).is_some_and(|set| set.has(byte));
                (0..).zip(heaps).fold(0, |bits, (bit, heap)| bits | u8::from(fits(heap)) << bit)
            };
            *beyond = if at == 0 { 0 } else { fits(0x80) };
            for (byte, slot) in (0..).zip(table) {
                *slot = fits(byte);
                for (half, nibble) in halves.iter_mut().zip([byte & 15, byte >> 4]) {
                    half.get_mut(usize::from(nibble)).into_iter().for_each(|bits| *bits |= *slot);
                }
            }
        }
        for ((both, heaps), beyond) in words.with_beyond.iter_mut().zip(&words.heaps).zip(words.beyond) {
            *both = *heaps;
            both.iter_mut().last().into_iter().for_each(|last| *last |= beyond);
        }
        words
    }
}

/// The ends of words in some heaps, those together that are alike.
fn heaps(mut ends: Vec<End>, count: usize) -> Vec<End> {
    ends.sort_by_key(|end| std::cmp::Reverse(size(end)));
    let mut heaps = vec![[Set::NONE; OFFSETS.len()]; count];
    let mut heap_of: Vec<Option<usize>> = vec![None; ends.len()];
    // What came first is better off elsewhere, once it is known what else there is.
    for _ in 0..2 {
        for (index, end) in ends.iter().enumerate() {
            if let Some(old) = heap_of.get_mut(index).and_then(Option::take) {
                let others = ends.iter().zip(&heap_of).filter(|(_, heap)| **heap == Some(old));
                let rest = others.fold([Set::NONE; OFFSETS.len()], |heap, (end, _)| union(&heap, end));
                heaps.get_mut(old).into_iter().for_each(|heap| *heap = rest);
            }
            // To the heap that grows least by it.
            let grows = |heap: &End| size(&union(heap, end)).saturating_sub(size(heap));
            let least = heaps.iter_mut().enumerate().min_by_key(|(_, heap)| grows(heap));
            if let Some((heap, slot)) = least {
                *slot = union(slot, end);
                heap_of.get_mut(index).into_iter().for_each(|slot| *slot = Some(heap));
            }
        }
    }
    heaps
}

fn union(one: &End, other: &End) -> End {
    let mut both = *one;
    both.iter_mut().zip(other).for_each(|(both, other)| *both = both.or(*other));
    both
}

/// How many texts end so, roughly.
fn size(end: &End) -> u64 {
    end.iter().map(|set| set.share()).product()
}

/// Kinds of bytes: a bit for each in the table of bytes.
#[derive(Debug)]
struct Kinds<const KINDS: usize> {
    of: [u8; 128],
    /// For each kind and lower half of a byte, a bit for each upper half.
    halves: [[u8; 16]; KINDS],
}

impl<const KINDS: usize> Kinds<KINDS> {
    fn new(sets: [Set; KINDS]) -> Self {
        let mut kinds = Self { of: [0; 128], halves: [[0; 16]; KINDS] };
        for (byte, slot) in (0..).zip(&mut kinds.of) {
            for (kind, (set, half)) in sets.iter().zip(&mut kinds.halves).enumerate().take(8) {
                *slot |= u8::from(set.has(byte)) << kind;
                let bits = half.get_mut(usize::from(byte & 15));
                bits.into_iter().for_each(|bits| *bits |= u8::from(set.has(byte)) << (byte >> 4));
            }
        }
        kinds
    }
}

/// The places of bits, the first at `base`.
#[inline(always)]
pub(crate) fn places(base: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then(|| base + bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        at
    })
}

/// Bytes before a block that its bitmaps depend on, or more.
const BACK: usize = 8;
/// A block, and what is before it.
type Window = [u8; BACK + BLOCK];
/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// The block at `at` where it is whole.
#[inline(always)]
fn whole(text: &[u8], at: usize) -> Option<&Window> {
    text.get(at.checked_sub(BACK)?..)?.first_chunk()
}

/// The block at `at` where the text begins or ends; around it there is nothing.
#[inline]
fn part(text: &[u8], at: usize) -> Window {
    let mut window = [0; BACK + BLOCK];
    let start = at.saturating_sub(BACK);
    let known = text.get(start..text.len().min(at + BLOCK)).unwrap_or_default();
    let skipped = start + BACK - at;
    let to = window.get_mut(skipped..skipped + known.len());
    to.into_iter().for_each(|to| to.copy_from_slice(known));
    window
}

const HEAPS: usize = 8;

#[cfg(test)]
mod tests;
