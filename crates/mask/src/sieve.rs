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
//! The first step is what each kind of machine does in its own way. For a text that is read for all that there is, the
//! same pass makes the bitmaps of what is no card number too (`kinds`), and what they show (`signs`) is noted.

use std::ops::Range;

use crate::front::Found;
pub(crate) use crate::sieve::batch::BATCH;
use crate::sieve::look::Look;
pub(crate) use crate::sieve::look::Looked;
pub(crate) use crate::sieve::shape::LATE;
use crate::text::Text;

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx512;
mod bare;
mod batch;
mod kinds;
mod look;
mod portable;
mod shape;
pub(crate) mod signs;
mod tables;

/// Finds the stretches of a text that need reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sieve {
    kind: Kind,
}

/// Some of a text that needs reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub range: Range<usize>,
    /// Whether digits in hex show in it; if not, none are.
    pub hex: bool,
    /// Whether digits in base64 do.
    pub base64: bool,
    /// Whether escapes of percent-escapes do.
    pub nested: bool,
    /// Whether digits in hex with something between the bytes do.
    pub dump: bool,
}

impl Stretch {
    /// Some text in which nothing is encoded.
    pub fn of(range: Range<usize>) -> Self {
        Self { range, hex: false, base64: false, nested: false, dump: false }
    }
}

/// How bitmaps are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With what every machine has.
    Portable,
    /// 32 bytes at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 64 bytes at a time (AVX-512 BW and VBMI).
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kind {
    /// What this machine can do, the slowest first.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let fast = [(Self::Avx2, avx2::available()), (Self::Avx512, avx512::available())];
        #[cfg(not(target_arch = "x86_64"))]
        let fast: [(Self, bool); 0] = [];
        let fast = fast.into_iter().filter(|(_, available)| *available).map(|(kind, _)| kind);
        std::iter::once(Self::Portable).chain(fast)
    }
}

impl Sieve {
    /// A sieve that works as fast as this machine can.
    pub fn new() -> Self {
        Self { kind: Kind::all().last().unwrap_or(Kind::Portable) }
    }

    /// Sieves in each way that this machine has.
    #[cfg(test)]
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::all().map(|kind| Self { kind })
    }

    /// The next stretch at or after `from` that needs a closer look; `None` when the rest of `text` needs none.
    ///
    /// Every card number and track that starts at `from` or after, however it is written, lies within a stretch,
    /// with [`BEFORE`] bytes before it, and so does what may become one when the text goes on, unless it has ended.
    /// The range is never empty; the next call goes on from its end.
    pub fn next(&self, text: &Text<'_>, from: usize) -> Option<Stretch> {
        let mut look = Look::new(text, from);
        match self.kind {
            Kind::Portable => portable::scan(&mut look),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::scan(&mut look),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::scan(&mut look),
        }
        look.stretch()
    }

    /// Gathers all that shows at the places in `range` of `text`, behind what was `looked` at from `begin` on: it may
    /// begin so many bytes before. There are [`AHEAD`] more bytes, unless the text has ended.
    pub fn gather(
        &self,
        text: &Text<'_>,
        begin: usize,
        range: Range<usize>,
        looked: &mut Looked,
        found: &mut Found,
    ) {
        let mut look = Look::resumed(text, begin, range.start, looked);
        if range.contains(&begin) {
            look.begin(begin);
        }
        match self.kind {
            Kind::Portable => portable::scan_all(&mut look, found, range),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2::scan_all(&mut look, found, range),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512::scan_all(&mut look, found, range),
        }
        *looked = look.looked();
        found.stretches.extend(look.settle(usize::MAX));
    }
}

/// Every sieve of this machine by its name, and what it says in how many bytes of a text there is anything to read.
pub fn sieves() -> impl Iterator<Item = (&'static str, fn(&[u8]) -> usize)> {
    fn left(kind: Kind, text: &[u8]) -> usize {
        let (sieve, text) = (Sieve { kind }, Text::whole(text));
        let (mut from, mut left) = (0, 0);
        while let Some(stretch) = sieve.next(&text, from) {
            from = stretch.range.end;
            left += stretch.range.len();
        }
        left
    }
    Kind::all().map(|kind| match kind {
        Kind::Portable => ("portable", (|text| left(Kind::Portable, text)) as fn(&[u8]) -> usize),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => ("avx2", (|text| left(Kind::Avx2, text)) as fn(&[u8]) -> usize),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => ("avx512", (|text| left(Kind::Avx512, text)) as fn(&[u8]) -> usize),
    })
}

/// Bytes before the first digit of what is found that a stretch begins with, unless it begins where was asked.
pub(crate) const BEFORE: usize = 64;

/// So many bytes are looked at behind a place where something shows.
pub(crate) const AHEAD: usize = 96;
/// So far before where it shows may begin what a number is written with, but for zeros.
pub(crate) const SHOWN_LATE: usize = 224;

#[cfg(test)]
pub(crate) mod tests;
