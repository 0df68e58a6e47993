//! Places of a text that are to be looked at, a bit each.

use crate::bitmap::BLOCK;

/// Marks around the block that was seen last: [`BLOCK`] bytes before it, and six blocks from its start on.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The place of the first bit.
    base: usize,
    bits: [u64; WORDS],
}

impl Marks {
    /// Goes on to the block at `at`, which is not before the one that was seen last. What was marked more than a
    /// block before it is no more.
    pub fn turn_to(&mut self, at: usize) {
        let base = at.saturating_sub(BLOCK);
        let blocks = base.saturating_sub(self.base) / BLOCK;
        if self.is_empty() || blocks >= WORDS {
            *self = Self { base, ..Self::default() };
            return;
        }
        self.bits.copy_within(blocks.., 0);
        self.bits.iter_mut().rev().take(blocks).for_each(|word| *word = 0);
        self.base += blocks * BLOCK;
    }

    /// Whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.bits == [0; WORDS]
    }

    /// Marks `at`, which lies around the block that was turned to last.
    pub fn add(&mut self, at: usize) {
        let Some(bit) = at.checked_sub(self.base) else { return };
        let word = self.bits.get_mut(bit / BLOCK);
        debug_assert!(word.is_some(), "{at} is too far from {}", self.base);
        word.into_iter().for_each(|word| *word |= 1 << (bit % BLOCK));
    }

    /// The first mark from `at` on.
    pub fn next(&self, at: usize) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let first = at.saturating_sub(self.base);
        let mut mask = !0 << (first % BLOCK);
        for (index, word) in self.bits.iter().enumerate().skip(first / BLOCK) {
            let word = word & mask;
            if word != 0 {
                return Some(self.base + index * BLOCK + word.trailing_zeros() as usize);
            }
            mask = !0;
        }
        None
    }
}

const WORDS: usize = 8;
