//! Card data in packed decimal, two digits a byte, as raw bytes or in hex: what chip cards say ([EMV] Book 3,
//! Annex A) and messages about cards (ISO 8583).
//!
//! Eight random bytes are a card number so written once in a hundred thousand times, so one counts only where
//! something before it says what it is:
//!
//! | before it | the value |
//! | --- | --- |
//! | `5A` and its length in bytes, 7 to 10 | the card number, `F` behind it to the end |
//! | `57` or `9F6B`, and its length, 10 to 19 | track 2: the number, `D`, YYMM, service code, more digits, `F` |
//! | its length in digits, `13` to `19`, behind a message's bitmap, or with nothing else around | the card number, with `0` before it or `F` behind when its length is odd |
//!
//! That stays, and is looked back at once the value arrives, so that a stream holds nothing back for what may
//! yet begin. A card number in hex is truncated like any other, and a track goes as a whole. So does a card
//! number in raw bytes, since half a byte has no room for a star: each byte of it becomes `2A`, which is no two
//! digits, and the length before it stays right.
//!
//! [EMV]: https://www.emvco.com/emv-technologies/emv-contact-chip/

mod message;
mod nibbles;

use std::ops::Range;

use crate::brand::Tier;
use crate::finding::{Finding, FindingKind, Form};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;
use nibbles::Nibbles;

/// Reads bytes for card numbers and tracks in packed decimal.
#[derive(Debug)]
pub(crate) struct Packed {
    at: usize,
}

/// How a byte is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Raw,
    /// Two hexadecimal digits of either case, with a space, colon or dash between bytes or not.
    Hex,
}

impl Packed {
    /// A reader that starts at `at`.
    pub fn new(at: usize) -> Self {
        Self { at }
    }
}

impl Reader for Packed {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        while self.at < until {
            text.forgive();
            text.get(self.at)?;
            let found = [Spelling::Raw, Spelling::Hex]
                .into_iter()
                .find_map(|spelling| judge(spelling, text, self.at));
            if text.starved() {
                return None;
            }
            self.at = found.as_ref().map_or(self.at + 1, |found| found.range.end);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn at(&self) -> usize {
        self.at
    }

    fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
    }

    fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }
}

/// The value that starts at `at`, by what stands before it.
fn judge(spelling: Spelling, text: &Text<'_>, at: usize) -> Option<Finding> {
    let (length, before) = spelling.back(text, at)?;
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&length) {
        return None;
    }
    let (range, kind) = tagged(spelling, text, at).or_else(|| second_field(spelling, text, at))?;
    // `Z` is a tag and a tab a length, and most letters are two digits.
    let letters = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if spelling == Spelling::Raw && text.known(before..range.end).iter().all(letters) {
        return None;
    }
    let form = match (spelling, kind.is_sad()) {
        (Spelling::Hex, false) => Form::Number,
        (Spelling::Raw, _) | (Spelling::Hex, true) => Form::Whole,
    };
    Some(Finding { range, kind, form, view: View::Plain })
}

/// The value of a tag that a card says.
fn tagged(spelling: Spelling, text: &Text<'_>, at: usize) -> Option<(Range<usize>, FindingKind)> {
    let (length, before) = spelling.back(text, at)?;
    let (tag, before) = spelling.back(text, before)?;
    let mut value = Nibbles::new(spelling, text, at, 2 * usize::from(length));
    match tag {
        0x5a if length <= 10 => {
            let (range, brand) = value.number(13..=19, Tier::C)?;
            Some((range, FindingKind::Pan { brand }))
        }
        0x57 if (10..=19).contains(&length) => Some((value.track()?, FindingKind::Track2)),
        0x6b if (10..=19).contains(&length) => {
            spelling.back(text, before).filter(|(tag, _)| *tag == 0x9f)?;
            Some((value.track()?, FindingKind::Track2))
        }
        _ => None,
    }
}

/// The second field of a message: its length in digits, and the number (ISO 8583-1, LLVAR in packed decimal).
fn second_field(spelling: Spelling, text: &Text<'_>, at: usize) -> Option<(Range<usize>, FindingKind)> {
    let (length, before) = spelling.back(text, at)?;
    let digits = usize::from(length).checked_sub(0x13).filter(|over| *over <= 6)? + 13;
    let told = message::ends(spelling, text, before);
    if !told && before > text.begin() {
        return None;
    }
    let weakest = if told { Tier::B } else { Tier::A };
    let value = Nibbles::new(spelling, text, at, digits.next_multiple_of(2));
    let readings = [Some(value), value.behind_zero()].into_iter().flatten();
    let mut read = readings.filter_map(|mut value| {
        let (range, brand) = value.number(digits..=digits, weakest)?;
        (told || text.get(value.end()).is_none()).then_some((range, FindingKind::Pan { brand }))
    });
    read.next()
}

impl Spelling {
    /// The byte that stands right before `end`, and where it starts.
    fn back(self, text: &Text<'_>, end: usize) -> Option<(u8, usize)> {
        match self {
            Self::Raw => {
                let at = end.checked_sub(1)?;
                text.known(at..end).first().map(|byte| (*byte, at))
            }
            Self::Hex => {
                let gap = text.known(end.saturating_sub(1)..end).first().copied().is_some_and(is_gap);
                let end = end - usize::from(gap);
                let at = end.checked_sub(2)?;
                let [high, low] = *text.known(at..end).first_chunk::<2>()?;
                Some((nibble(high)? << 4 | nibble(low)?, at))
            }
        }
    }
}

/// What may stand between two bytes in hex.
fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b':' | b'-')
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Shortest length, of a number of 13 digits. There are numbers of 12, but nobody has seen one on a chip, and
/// they would double the false alarms.
const LENGTH_MIN: u8 = 7;
/// Longest length, of a number of 19 digits, where that is counted in digits.
const LENGTH_MAX: u8 = 0x19;

#[cfg(test)]
mod tests;
