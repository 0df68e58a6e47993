//! A first look that says where in a text there is anything to read at all, at close to the speed of memory.
//!
//! It works in three steps, each on less than the one before:
//!
//! 1. 64 bytes at a time become bitmaps, a bit a byte: which are digits, gaps, line breaks, which start an
//!    escape, a character beyond ASCII that may be a digit, or something that encodes digits (`tables`).
//! 2. Shifted against each other, the bitmaps show where digits are grouped as in a card number (`shape`):
//!    no date or time of day is.
//! 3. What shows is read once, digit by digit (`look`): are there a brand's prefix and a right check digit?
//!
//! The first step is what each kind of machine does in its own way.

use std::ops::Range;

use crate::classes::Classes;
use crate::sieve::look::Look;

mod look;
mod portable;
mod shape;
mod tables;

/// Finds the stretches of a text that need reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sieve {
    kind: Kind,
    #[allow(dead_code, reason = "the classes beside cards are not sieved yet")]
    classes: Classes,
}

/// How bitmaps are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With what every machine has.
    Portable,
}

impl Kind {
    /// What this machine can do, the slowest first.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Portable)
    }
}

impl Sieve {
    /// A sieve that works as fast as this machine can.
    pub fn new(classes: Classes) -> Self {
        Self { kind: Kind::all().last().unwrap_or(Kind::Portable), classes }
    }

    /// A sieve that works in a given way, if this machine can.
    #[allow(dead_code, reason = "for tests and benches")]
    pub fn with(kind: Kind, classes: Classes) -> Option<Self> {
        Kind::all().any(|can| can == kind).then_some(Self { kind, classes })
    }

    /// The next stretch at or after `from` that needs a closer look; `None` when the rest of `text` needs none.
    ///
    /// Every card number and track that starts at `from` or after, however it is written, lies within a
    /// stretch, with [`BEFORE`] bytes before it. So does what may become one when the text goes on, unless it
    /// has `ended`. The range is never empty; the next call goes on from its end.
    pub fn next(&self, text: &[u8], from: usize, ended: bool) -> Option<Range<usize>> {
        let mut look = Look::new(text, from, !ended);
        match self.kind {
            Kind::Portable => portable::scan(&mut look),
        }
        look.stretch()
    }
}

/// Bytes before the first digit of what is found that a stretch begins with, unless it begins where was asked.
pub(crate) const BEFORE: usize = 64;

#[cfg(test)]
mod tests;
