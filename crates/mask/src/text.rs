//! Text of which more may come.

use std::cell::Cell;
use std::ops::Range;

/// The bytes of a text so far, and whether these are all.
///
/// What reads it asks byte by byte, and may be told that there is none. Unless the text has ended, such an
/// answer says nothing, and the text remembers that it was given ([`Text::starved`]): what was made of it is
/// to be thrown away and asked again when there is more. That makes a stream's masking the same however it
/// is cut, and holds back no more than what is in doubt.
pub(crate) struct Text<'t> {
    bytes: &'t [u8],
    ended: bool,
    starved: Cell<bool>,
}

impl<'t> Text<'t> {
    /// A text of which more may come unless it has `ended`.
    pub fn new(bytes: &'t [u8], ended: bool) -> Self {
        Self { bytes, ended, starved: Cell::new(false) }
    }

    /// A text that is all there.
    pub fn whole(bytes: &'t [u8]) -> Self {
        Self::new(bytes, true)
    }

    /// The byte at `at`; `None` at the end, or where nothing is known yet.
    pub fn get(&self, at: usize) -> Option<u8> {
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
        self.known(range)
    }

    /// The bytes of `range` that are known, without a note of what is not: for looking back.
    pub fn known(&self, range: Range<usize>) -> &'t [u8] {
        let end = range.end.min(self.bytes.len());
        self.bytes.get(range.start.min(end)..end).unwrap_or_default()
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
