//! Bitmaps of some hundred bytes of text at a time, and what they show.

use crate::sieve::look::Look;
use crate::sieve::shape::{Bitmaps, Bits, HISTORY, LATE, STRIDE, Shown, shows};

/// The bitmaps of a batch of blocks; the first word of each is the last of the batch before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    words: Bitmaps<Words>,
    signs: [u64; BLOCKS],
    any_sign: u64,
}

/// Bitmaps of 64 bytes of text, and where letters or characters beyond ASCII are a sign by themselves.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Block {
    pub bitmaps: Bitmaps<u64>,
    pub sign: u64,
}

impl Batch {
    /// A batch that begins with what stands where the look begins.
    pub fn new(look: &Look<'_>) -> Self {
        let mut batch = Self::default();
        let [.., last, _, _] = &mut batch.words.opener;
        *last = look.openers_before();
        batch
    }

    /// Begins with what follows the blocks of this batch.
    #[inline(always)]
    pub fn renew(&mut self) {
        let Bitmaps { digit, three, line_break, opener, second, exponent, letter } = &mut self.words;
        for words in [digit, three, line_break, opener, second, exponent, letter] {
            let [first, .., last, _, _] = words;
            *first = *last;
        }
        self.any_sign = 0;
    }

    /// Sets the bitmaps of block `index`.
    #[inline(always)]
    pub fn set(&mut self, index: usize, block: Block) {
        let put = |words: &mut Words, bits: u64| {
            words.get_mut(index + 1).into_iter().for_each(|word| *word = bits);
        };
        let Bitmaps { digit, three, line_break, opener, second, exponent, letter } = block.bitmaps;
        put(&mut self.words.digit, digit);
        put(&mut self.words.three, three);
        put(&mut self.words.line_break, line_break);
        put(&mut self.words.opener, opener);
        put(&mut self.words.second, second);
        put(&mut self.words.exponent, exponent);
        put(&mut self.words.letter, letter);
        self.signs.get_mut(index).into_iter().for_each(|word| *word = block.sign);
        self.any_sign |= block.sign;
    }

    /// Has looked at what shows, of which the first block is at `at`.
    #[inline(always)]
    pub fn show<L: Lanes>(&self, look: &mut Look<'_>, at: usize) {
        let shown = shows(&self.words.each(L::of));
        let others = shown.others() >> HISTORY as u32;
        if self.any_sign != 0 || !(others | shown.runs >> HISTORY as u32).is_zero() {
            self.look_at(look, at, &others.windows(), &shown.each(L::windows));
        }
    }

    #[inline(never)]
    fn look_at(&self, look: &mut Look<'_>, at: usize, others: &[u64; LANES], shown: &Shown<[u64; LANES]>) {
        for (index, (runs, others)) in shown.runs.iter().zip(others).enumerate() {
            let at = at + index * STRIDE;
            let sign = if self.any_sign == 0 { 0 } else { self.signs_of(index) };
            if *others | sign != 0 {
                look.all(at, &shown.each(|windows| windows.get(index).copied().unwrap_or(0)), sign);
            } else {
                look.runs(at, runs >> HISTORY);
            }
        }
    }

    /// The signs among the new bytes of a window.
    fn signs_of(&self, index: usize) -> u64 {
        bits(&self.signs, index * STRIDE) & !0 >> HISTORY
    }
}

/// 64 bits from bit `start` of some words on; none are behind the last.
#[inline(always)]
fn bits(words: &[u64], start: usize) -> u64 {
    let word = |index: usize| words.get(index).copied().unwrap_or(0);
    let (index, shift) = (start / 64, start % 64);
    word(index) >> shift | word(index + 1) << 1 << (63 - shift)
}

/// The windows of a batch in one bitmap.
pub(crate) trait Lanes: Bits {
    /// The windows of a bitmap's words, which overlap: each begins [`STRIDE`] bits after the one before, the first
    /// [`HISTORY`] bits before the second word.
    fn of(words: &Words) -> Self;

    /// Whether no bit is set.
    fn is_zero(self) -> bool;

    /// Each window by itself.
    fn windows(self) -> [u64; LANES];
}

/// The words of one bitmap, and two that are nothing.
pub(crate) type Words = [u64; BLOCKS + 3];

/// Blocks of 64 bytes in a batch.
pub(crate) const BLOCKS: usize = 5;
/// Windows in a batch.
pub(crate) const LANES: usize = BLOCKS * 64 / STRIDE;
/// Bytes of text in a batch.
pub(crate) const BATCH: usize = BLOCKS * 64;
/// Bytes behind a batch that are read with it.
pub(crate) const AFTER: usize = 8;
/// What stands behind the end of a text: nothing goes on with it.
pub(crate) const NOTHING: u8 = b'~';

/// Calls `batch` with the text of each batch and where it starts, until enough has been found.
#[inline(always)]
pub(crate) fn each(look: &mut Look<'_>, mut batch: impl FnMut(&mut Look<'_>, &[u8; BATCH + AFTER], usize)) {
    let mut at = look.from();
    loop {
        let rest = look.text().get(at..).unwrap_or_default();
        let Some(bytes) = rest.first_chunk() else { break };
        batch(look, bytes, at);
        at += BATCH;
        if look.is_done(at) {
            return;
        }
    }
    // What is left is followed by what is nothing.
    while at < look.text().len() + LATE {
        let rest = look.text().get(at..).unwrap_or_default();
        let mut last = [NOTHING; BATCH + AFTER];
        last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        batch(look, &last, at);
        at += BATCH;
    }
}
