//! Card data in packed decimal, two digits a byte, as raw bytes or in hex: what chip cards say (EMV Book 3,
//! Annex A) and messages about cards (ISO 8583).
//!
//! Eight random bytes are a card number so written once in a hundred thousand times, so one counts only where
//! something before it says what it is:
//!
//! | before it | the value |
//! | --- | --- |
//! | `5A` and its length in bytes, 7 to 10 | the card number, `F` behind it to the end |
//! | `57` or `9F6B`, and its length, 10 to 19 | track 2: the number, `D`, YYMM, service code, more digits, `F` |
//! | its length in digits, `13` to `19`, in a message or alone | the card number, an odd one with `0` or `F` |
//!
//! That stays, and is looked back at once the value arrives, so that a stream holds nothing back for what may
//! yet begin. A card number in hex is truncated like any other, and a track goes as a whole. So does a card
//! number in raw bytes, since half a byte has no room for a star: each byte of it becomes `2A`, which is no two
//! digits, and the length before it stays right.

pub(crate) mod heads;
mod message;
mod nibbles;

use std::ops::Range;

use crate::brand::Tier;
use crate::finding::{Finding, FindingKind, Form};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;
#[cfg(doc)]
use crate::values::PARTING;
use heads::HEAD;
use nibbles::Nibbles;

/// Reads bytes for card numbers and tracks in packed decimal.
#[derive(Debug)]
pub(crate) struct Packed {
    at: usize,
}

/// Whether anything in packed decimal is in `text`, which is mostly told at a glance.
pub(crate) fn may_hold(text: &[u8]) -> bool {
    Packed::new(0).next(&Text::whole(text), text.len()).is_some()
}

/// Whether a glance at values that [`PARTING`] parts shows that anything may be in one of them.
pub(crate) fn may_hold_among(values: &[u8]) -> bool {
    heads::next(values, false).is_some()
}

/// How a byte is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Raw,
    /// Two hexadecimal digits of either case.
    Hex,
    /// The same, with a space, colon or dash between bytes.
    Spaced,
}

impl Packed {
    /// A reader that starts at `at`.
    pub fn new(at: usize) -> Self {
        Self { at }
    }

    /// Goes over places that no tag and no length stands before, up to `until` or further.
    fn leap(&mut self, text: &Text<'_>, until: usize) {
        let early = text.begin() + HEAD;
        while self.at < early.min(text.len()) {
            let around = text.known(self.at.saturating_sub(heads::NEAR)..self.at + 1);
            if heads::may_be_behind_length(around) {
                return;
            }
            self.at += 1;
        }
        let end = text.len().min(until.saturating_add(AHEAD));
        let known = text.known(self.at.saturating_sub(HEAD)..end);
        if self.at >= early && self.at < until && !known.is_empty() {
            let begin = end - known.len();
            let goes_on = end < text.len() || !text.ended();
            self.at = heads::next(known, goes_on).map_or(end, |next| begin + next);
        }
    }
}

impl Reader for Packed {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        while self.at < until {
            text.forgive();
            self.leap(text, until);
            if self.at >= until {
                break;
            }
            text.get(self.at)?;
            let found = self.here(text, until);
            if found.is_some() || text.starved() {
                return found;
            }
        }
        None
    }

    fn here(&mut self, text: &Text<'_>, _: usize) -> Option<Finding> {
        text.forgive();
        let places = [Spelling::Raw, Spelling::Hex, Spelling::Spaced]
            .map(|spelling| Place::new(spelling, text, self.at));
        let found = places.iter().flatten().find_map(Place::finding);
        if text.starved() {
            return None;
        }
        self.at = found.as_ref().map_or(self.at + 1, |found| found.range.end);
        found
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

/// Where a value may start, by the byte before it.
struct Place<'a, 't> {
    spelling: Spelling,
    text: &'a Text<'t>,
    at: usize,
    /// The byte before, which says how long the value is.
    length: u8,
    /// Where that starts.
    before: usize,
}

impl<'a, 't> Place<'a, 't> {
    fn new(spelling: Spelling, text: &'a Text<'t>, at: usize) -> Option<Self> {
        let (length, before) = spelling.back(text, at)?;
        let fits = (LENGTH_MIN..=LENGTH_MAX).contains(&length) && spelling.shows_digits(text, at);
        fits.then_some(Self { spelling, text, at, length, before })
    }

    /// The value that starts here.
    fn finding(&self) -> Option<Finding> {
        let (range, kind) = self.tagged().or_else(|| self.second_field())?;
        // `Z` is a tag and a tab a length, and most letters are two digits.
        let letter = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        if self.spelling == Spelling::Raw && self.text.known(self.before..range.end).iter().all(letter) {
            return None;
        }
        let form = match (self.spelling, kind.is_sad()) {
            (Spelling::Raw, _) | (_, true) => Form::Whole,
            (Spelling::Hex | Spelling::Spaced, false) => Form::Number,
        };
        Some(Finding { range, kind, form, view: View::Plain })
    }

    /// The value of a tag that a card says.
    fn tagged(&self) -> Option<(Range<usize>, FindingKind)> {
        let (tag, before) = self.spelling.back(self.text, self.before)?;
        let mut value = self.nibbles(2 * usize::from(self.length));
        match tag {
            0x5a if self.length <= 10 => {
                let (range, brand) = value.number(13..=19, Tier::C)?;
                // Random digits are some brand's more often than not.
                let told = brand.tier() == Tier::A || goes_on(&mut value);
                told.then_some((range, FindingKind::Pan { brand }))
            }
            0x57 | 0x6b if (10..=19).contains(&self.length) => {
                let first = || self.spelling.back(self.text, before).map(|(tag, _)| tag);
                let fits = tag == 0x57 || first() == Some(0x9f);
                fits.then(|| value.track()).flatten().map(|range| (range, FindingKind::Track2))
            }
            _ => None,
        }
    }

    /// The second field of a message: its length in digits, and the number (ISO 8583-1, LLVAR in packed decimal).
    fn second_field(&self) -> Option<(Range<usize>, FindingKind)> {
        // With spaces it would be half of all dates that have a time of day.
        if self.spelling == Spelling::Spaced {
            return None;
        }
        let digits = usize::from(self.length).checked_sub(0x13).filter(|over| *over <= 6)? + 13;
        let fields = message::head(self.spelling, self.text, self.before);
        if fields.is_none() && self.before > self.text.begin() {
            return None;
        }
        let weakest = if fields.is_some() { Tier::B } else { Tier::A };
        let value = self.nibbles(digits.next_multiple_of(2));
        let readings = [Some(value), value.behind_zero()].into_iter().flatten();
        let mut read = readings.filter_map(|mut value| {
            let (range, brand) = value.number(digits..=digits, weakest)?;
            let told = match fields {
                Some(fields) => message::goes_on(fields, &mut value),
                None => self.text.get(value.end()).is_none(),
            };
            told.then_some((range, FindingKind::Pan { brand }))
        });
        read.next()
    }

    fn nibbles(&self, count: usize) -> Nibbles<'a, 't> {
        Nibbles::new(self.spelling, self.text, self.at, count)
    }
}

/// Whether what a card says ends with `value`, or goes on with another tag.
fn goes_on(value: &mut Nibbles<'_, '_>) -> bool {
    value.extend(2);
    let tag = value.next().zip(value.next()).map(|(high, low)| high << 4 | low);
    tag.is_none_or(|tag| TAGS.contains(&tag))
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
                let at = end.checked_sub(2)?;
                let [high, low] = *text.known(at..end).first_chunk::<2>()?;
                Some((nibble(high)? << 4 | nibble(low)?, at))
            }
            Self::Spaced => {
                let at = end.checked_sub(1)?;
                text.known(at..end).first().filter(|byte| is_gap(**byte))?;
                Self::Hex.back(text, at)
            }
        }
    }

    /// Whether what is known of the first bytes at `at` are digits.
    fn shows_digits(self, text: &Text<'_>, at: usize) -> bool {
        match self {
            Self::Raw => text.known(at..at + 6).iter().all(|byte| byte >> 4 < 10 && byte & 15 < 10),
            Self::Hex => text.known(at..at + 12).iter().all(u8::is_ascii_digit),
            Self::Spaced => {
                let fits = |(index, byte): (usize, &u8)| match index % 3 {
                    2 => is_gap(*byte),
                    _ => byte.is_ascii_digit(),
                };
                text.known(at..at + 17).iter().enumerate().all(fits)
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

/// Shortest length, of a number of 13 digits. Those of 12, which only the widest reading of Maestro has, would
/// double the false alarms.
const LENGTH_MIN: u8 = 7;
/// Longest length, of a number of 19 digits, where that is counted in digits.
const LENGTH_MAX: u8 = 0x19;
/// So many bytes are looked at behind the first of a value, to see whether it may be one.
const AHEAD: usize = 64;
/// First bytes of the tags that stand beside a card number's (EMV Book 3, Annex A).
const TAGS: &[u8] = &[
    0x4f, 0x50, 0x56, 0x57, 0x5f, 0x82, 0x84, 0x87, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x92, 0x93, 0x94, 0x95,
    0x9a, 0x9b, 0x9c, 0x9f,
];

#[cfg(test)]
mod tests;
