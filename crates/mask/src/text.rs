//! Text of which more may come.

use std::cell::Cell;
use std::ops::Range;

use crate::work;

/// The bytes of a text so far, and whether these are all.
///
/// What reads it asks byte by byte, and may be told that there is none. Unless the text has ended, such an
/// answer says nothing, and the text remembers that it was given ([`Text::starved`]): what was made of it is
/// to be thrown away and asked again when there is more. That makes a stream's masking the same however it
/// is cut, and holds back no more than what is in doubt.
pub(crate) struct Text<'t> {
    bytes: &'t [u8],
    /// Where it begins: what stands before are words about it.
    begin: usize,
    /// Words about it that stand behind it.
    after: &'t [u8],
    about_cards: bool,
    ended: bool,
    starved: Cell<bool>,
}

impl<'t> Text<'t> {
    /// A text of which more may come unless it has `ended`.
    pub fn new(bytes: &'t [u8], ended: bool) -> Self {
        Self { bytes, begin: 0, after: &[], about_cards: false, ended, starved: Cell::new(false) }
    }

    /// The part `range` of a text that is all there. What surrounds it counts as words about it.
    pub fn part(bytes: &'t [u8], range: Range<usize>) -> Self {
        let (before, after) = bytes.split_at_checked(range.end).unwrap_or((bytes, &[]));
        Self {
            bytes: before,
            begin: range.start,
            after,
            about_cards: false,
            ended: true,
            starved: Cell::new(false),
        }
    }

    /// A text that is all there.
    pub fn whole(bytes: &'t [u8]) -> Self {
        Self::new(bytes, true)
    }

    /// The byte at `at`; `None` at the end, or where nothing is known yet.
    pub fn get(&self, at: usize) -> Option<u8> {
        work::done(1);
        let byte = self.bytes.get(at).copied();
        if byte.is_none() && !self.ended {
            self.starved.set(true);
        }
        byte
    }

    /// The bytes of `range`, or as many of them as there are before the end.
    pub fn slice(&self, range: Range<usize>) -> &'t [u8] {
        if range.end > self.bytes.len() && !self.ended {
            self.starved.set(true);
        }
        let bytes = self.known(range);
        work::done(bytes.len());
        bytes
    }

    /// How far into `range` the first byte is that `find` looks for; `None` when it is not among those known.
    pub fn seek(&self, range: Range<usize>, find: impl FnOnce(&[u8]) -> Option<usize>) -> Option<usize> {
        let bytes = self.known(range);
        let found = find(bytes);
        work::done(found.map_or(bytes.len(), |at| at + 1));
        found
    }

    /// The bytes of `range` that are known, without a note of what is not: for looking back.
    pub fn known(&self, range: Range<usize>) -> &'t [u8] {
        let end = range.end.min(self.bytes.len());
        self.bytes.get(range.start.max(self.begin).min(end)..end).unwrap_or_default()
    }

    /// All bytes that are known, what stands before the text's beginning among them.
    pub fn bytes(&self) -> &'t [u8] {
        self.bytes
    }

    /// Up to `reach` bytes before `at`, what stands before the text's beginning among them.
    pub fn words_before(&self, at: usize, reach: usize) -> &'t [u8] {
        let end = at.min(self.bytes.len());
        self.bytes.get(end.saturating_sub(reach)..end).unwrap_or_default()
    }

    /// Up to `reach` bytes from `at` on, in the text and behind it.
    pub fn words_after(&self, at: usize, reach: usize) -> [&'t [u8]; 2] {
        let end = at.saturating_add(reach);
        let inside = self.slice(at..end);
        let outside = end.saturating_sub(self.bytes.len().max(at)).min(self.after.len());
        [inside, self.after.get(..outside).unwrap_or_default()]
    }

    /// The same, which begins at `begin`.
    pub fn from(mut self, begin: usize) -> Self {
        self.begin = begin;
        self
    }

    /// The same, and something beside it says whether it is about cards.
    pub fn about_cards(mut self, about_cards: bool) -> Self {
        self.about_cards = about_cards;
        self
    }

    pub fn is_about_cards(&self) -> bool {
        self.about_cards
    }

    /// Where it begins.
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// Whether there is nothing to come.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// How many bytes are known.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a byte was asked for that is not known yet, since [`Text::forgive`].
    pub fn starved(&self) -> bool {
        self.starved.get()
    }

    /// Forgets that a byte was not known.
    pub fn forgive(&self) {
        self.starved.set(false);
    }
}
