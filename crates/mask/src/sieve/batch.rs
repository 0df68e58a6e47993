//! Bitmaps of some hundred bytes of text at a time, and what they show.

use crate::sieve::look::Look;
use crate::sieve::shape::{Block, HISTORY, STRIDE, Window, shows};

/// The bitmaps of a batch of blocks; the first of each is the last of the batch before.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    digit: Words,
    gap: Words,
    line_break: Words,
    escape: Words,
    sign: [u64; BLOCKS],
    any: u64,
}

impl Batch {
    /// A batch that begins with what stands where the look begins.
    pub fn new(look: &Look<'_>) -> Self {
        let mut batch = Self::default();
        let [.., last, _, _] = &mut batch.escape;
        *last = look.escapes_before();
        batch
    }

    /// Begins with what follows the blocks of this batch.
    #[inline(always)]
    pub fn renew(&mut self) {
        for words in [&mut self.digit, &mut self.gap, &mut self.line_break, &mut self.escape] {
            let [first, .., last, _, _] = words;
            *first = *last;
        }
        self.any = 0;
    }

    /// Sets the bitmaps of block `index`.
    #[inline(always)]
    pub fn set(&mut self, index: usize, block: Block) {
        let put = |words: &mut Words, bits: u64| {
            words.get_mut(index + 1).into_iter().for_each(|word| *word = bits);
        };
        put(&mut self.digit, block.digit);
        put(&mut self.gap, block.gap);
        put(&mut self.line_break, block.line_break);
        put(&mut self.escape, block.escape);
        self.sign.get_mut(index).into_iter().for_each(|word| *word = block.sign);
        self.any |= block.sign;
    }

    /// Has looked at what shows, of which the first block is at `at`. Of a bitmap's words, `lanes` makes windows
    /// that overlap: each begins [`STRIDE`] bits after the one before, the first [`HISTORY`] bits before the
    /// second word.
    #[inline(always)]
    pub fn show(&self, look: &mut Look<'_>, at: usize, lanes: impl Fn(&Words) -> [u64; LANES]) {
        let (digit, gap) = (lanes(&self.digit), lanes(&self.gap));
        let (line_break, escape) = (lanes(&self.line_break), lanes(&self.escape));
        let window = |index: usize| {
            let at = |lanes: &[u64; LANES]| lanes.get(index).copied().unwrap_or(0);
            Window { digit: at(&digit), gap: at(&gap), line_break: at(&line_break), escape: at(&escape) }
        };
        let mut shown = [0; LANES];
        let mut any = self.any;
        for (index, to) in shown.iter_mut().enumerate() {
            *to = shows(window(index));
            any |= *to;
        }
        if any != 0 {
            look_at(
                look,
                at,
                &std::array::from_fn(|index| (shown.get(index).copied().unwrap_or(0), window(index))),
                &self.sign,
            );
        }
    }
}

#[cold]
#[inline(never)]
fn look_at(look: &mut Look<'_>, at: usize, shown: &[(u64, Window); LANES], signs: &[u64; BLOCKS]) {
    // Every lane has its part of the signs' bits.
    let mut bytes = [0; 8 * (BLOCKS + 1)];
    for (to, sign) in bytes.chunks_mut(8).zip(signs) {
        to.copy_from_slice(&sign.to_le_bytes());
    }
    for (index, (shown, window)) in shown.iter().enumerate() {
        let start = index * STRIDE / 8;
        let sign = bytes
            .get(start..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |word| u64::from_le_bytes(*word));
        look.at_all(at + index * STRIDE, *shown, *window, sign & !0 >> HISTORY);
    }
}

/// The words of one bitmap, and two that are nothing.
pub(crate) type Words = [u64; BLOCKS + 3];

/// What stands behind the end of a text: nothing goes on with it.
pub(crate) const NOTHING: u8 = b'~';

/// Blocks of 64 bytes in a batch.
pub(crate) const BLOCKS: usize = 5;
/// Windows in a batch.
pub(crate) const LANES: usize = BLOCKS * 64 / STRIDE;
/// Bytes of text in a batch.
pub(crate) const BATCH: usize = BLOCKS * 64;
/// Bytes behind a batch that are read with it.
pub(crate) const AFTER: usize = 8;

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
    while at < look.text().len() + crate::sieve::shape::LATE {
        let rest = look.text().get(at..).unwrap_or_default();
        let mut last = [NOTHING; BATCH + AFTER];
        last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
        batch(look, &last, at);
        at += BATCH;
    }
}
