//! Card numbers in base64 (RFC 4648 §4, §5) and hex (§8): decoded in short pieces where digits show, and read
//! there as any text.

use std::ops::Range;

use crate::chain::DIGITS_MIN;
use crate::finding::{Finding, Form};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::{self, Kind, View};
use crate::walk::Walk;
use crate::work;

/// Reads a text for tokens in one encoding that hold card numbers, and in them for tokens in another.
#[derive(Debug)]
pub(crate) struct Encoded {
    encoding: Encoding,
    at: usize,
    /// Where findings in the piece that was decoded last end.
    found_to: usize,
    /// Encodings inside this one that are followed.
    depth: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Two hexadecimal digits a byte.
    Hex,
    /// Four letters for three bytes, of either alphabet, wrapped or not.
    Base64,
}

impl Encoded {
    /// A reader that starts at `at`.
    pub fn new(encoding: Encoding, at: usize) -> Self {
        Self { encoding, at, found_to: 0, depth: 1 }
    }

    /// What starts in the token at `at`, if digits show there.
    fn judge(&self, text: &Text<'_>) -> Option<Finding> {
        let worth = match self.encoding {
            Encoding::Hex => hex_shows(text, self.at),
            Encoding::Base64 => base64_shows(text, self.at),
        };
        let phase = match self.encoding {
            Encoding::Base64 if !worth && self.depth > 0 => base64_twice(text, self.at)?,
            _ if worth => 0,
            _ => return None,
        };
        let piece = Piece::decode(self.encoding, text, self.at - phase);
        let found = piece.find(text, self.depth)?;
        let range = piece.place(found.range)?;
        // Up to two digits may have been let go with what stands before them.
        let range = range.start.max(self.at)..range.end;
        Some(Finding { range, kind: found.kind, form: Form::Whole, view: View::Plain })
    }
}

impl Reader for Encoded {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        let end = text.len().min(until);
        while self.at < end {
            text.forgive();
            let starts = |byte: &u8| match self.encoding {
                Encoding::Hex => *byte == b'3',
                Encoding::Base64 => sextet(*byte).is_some(),
            };
            let next = text.seek(self.at..end, |rest| rest.iter().position(starts));
            let Some(next) = next else {
                self.at = end;
                break;
            };
            self.at += next;
            let found = self.judge(text);
            if text.starved() {
                return None;
            }
            self.at += 1;
            // Other ways to cut the same token show the same thing again, or a part of it.
            if let Some(found) = found.filter(|found| found.range.end > self.found_to) {
                self.found_to = found.range.end;
                return Some(found);
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
        self.found_to = self.found_to.saturating_sub(bytes);
    }
}

/// A decoded stretch of a token: some of what stands before a place, and as much after it as a number and what
/// is said of it could take.
struct Piece {
    bytes: [u8; PIECE_BYTES],
    /// Where the encoding of each byte starts, and at last where the last one's ends.
    places: [usize; PIECE_BYTES + 1],
    length: usize,
    /// Which byte the place is.
    at: usize,
    /// Whether the token ends with it.
    ended: bool,
}

impl Piece {
    fn decode(encoding: Encoding, text: &Text<'_>, at: usize) -> Self {
        let start = encoding.back(text, at);
        let mut piece = Self {
            bytes: [0; PIECE_BYTES],
            places: [start; PIECE_BYTES + 1],
            length: 0,
            at: 0,
            ended: false,
        };
        let mut from = start;
        while piece.length + 3 <= PIECE_BYTES {
            if from <= at {
                piece.at = piece.length;
            }
            let Some((bytes, count, end)) = encoding.unit(text, from) else {
                piece.ended = true;
                break;
            };
            for byte in bytes.into_iter().take(count) {
                piece.push(byte, from);
            }
            from = end;
            piece.places.iter_mut().skip(piece.length).take(1).for_each(|place| *place = end);
        }
        piece
    }

    fn push(&mut self, byte: u8, place: usize) {
        if let (Some(to), Some(at)) = (self.bytes.get_mut(self.length), self.places.get_mut(self.length)) {
            (*to, *at) = (byte, place);
            self.length += 1;
        }
    }

    /// What starts in the first bytes from the place on.
    fn find(&self, outer: &Text<'_>, depth: u8) -> Option<Finding> {
        let bytes = self.bytes.get(..self.length)?;
        // A piece that is full holds enough: what it does not hold makes no difference.
        let inner =
            Text::new(bytes, self.ended || self.length + 3 > PIECE_BYTES).about_cards(outer.is_about_cards());
        let digits =
            bytes.get(..self.at)?.iter().rev().take(2).take_while(|byte| byte.is_ascii_digit()).count();
        let start = self.at - digits;
        let mut readers: [&mut dyn Reader; 4] = [
            &mut Walk::new(View::Plain, start),
            &mut Walk::new(View::Escaped, start),
            &mut Encoded {
                encoding: Encoding::Base64,
                at: self.at,
                found_to: 0,
                depth: depth.saturating_sub(1),
            },
            &mut Encoded {
                encoding: Encoding::Hex,
                at: self.at,
                found_to: 0,
                depth: depth.saturating_sub(1),
            },
        ];
        let last = self.at + STARTS;
        let count = if depth > 0 { 4 } else { 2 };
        let found = readers.iter_mut().take(count).filter_map(|reader| reader.next(&inner, last));
        found
            .filter(|found| found.range.start < last)
            .min_by_key(|found| (!found.kind.is_sad(), found.range.start))
    }

    /// Where the encoding of a range of its bytes stands.
    fn place(&self, range: Range<usize>) -> Option<Range<usize>> {
        let start = *self.places.get(range.start)?;
        let last = *self.places.get(range.end.checked_sub(1)?)?;
        let end = self.places.get(range.end..=self.length)?.iter().copied().find(|place| *place > last)?;
        Some(start..end)
    }
}

impl Encoding {
    /// One unit from `at`: its bytes, how many they are, and where it ends; `None` where the token ends.
    fn unit(self, text: &Text<'_>, at: usize) -> Option<([u8; 3], usize, usize)> {
        match self {
            Self::Hex => Some(([hex_pair(text, at)?, 0, 0], 1, at + 2)),
            Self::Base64 => quad(text, at),
        }
    }

    /// Where to start so that something of what stands before `at` is decoded too, cut in the same way.
    fn back(self, text: &Text<'_>, at: usize) -> usize {
        let width = match self {
            Self::Hex => 2,
            Self::Base64 => 4,
        };
        let breaks = |byte: u8| self == Self::Base64 && matches!(byte, b'\n' | b'\r');
        let letter = |byte: u8| match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Base64 => sextet(byte).is_some(),
        };
        let reach = at.saturating_sub(BACK_UNITS * width + 2).max(text.begin());
        let (mut start, mut letters) = (at, 0);
        work::done(at - reach);
        for (index, byte) in text.known(reach..at).iter().enumerate().rev() {
            if letter(*byte) {
                letters += 1;
            } else if !breaks(*byte) {
                break;
            }
            if letter(*byte) && letters % width == 0 {
                start = reach + index;
            }
        }
        start
    }
}

/// Whether the hex digits at `at` start a run of digits, separators among them, that could be a card number's.
fn hex_shows(text: &Text<'_>, at: usize) -> bool {
    let kind = |at: usize| hex_pair(text, at).map(unit::ascii);
    let is_digit = |at: usize| matches!(kind(at), Some(Kind::Digit(_)));
    if !is_digit(at) || at.checked_sub(2).is_some_and(|before| before >= text.begin() && is_digit(before)) {
        return false;
    }
    let mut digits = 0;
    for place in (at..).step_by(2).take(SHOWN_MAX) {
        match kind(place) {
            Some(Kind::Digit(_)) => digits += 1,
            Some(Kind::Gap(_)) => {}
            _ => break,
        }
        if digits == DIGITS_MIN {
            return true;
        }
    }
    false
}

/// Whether the letters at `at` start some quads of digits, separators among them. Up to two digits may stand
/// before the first such quad: a token whose digits are cut so shows them.
fn base64_shows(text: &Text<'_>, at: usize) -> bool {
    // The bits of a digit are 0011xxxx, of most separators 0010xxxx.
    if !text.get(at).is_some_and(|byte| matches!(byte, b'M' | b'N' | b'O'))
        || !text
            .get(at + 1)
            .is_some_and(|byte| matches!(byte, b'D' | b'T' | b'j' | b'z' | b'C' | b'S' | b'i' | b'y'))
    {
        return false;
    }
    let mut from = at;
    (0..3).all(|_| match quad(text, from) {
        Some((bytes, 3, end)) => {
            from = end;
            bytes.into_iter().all(is_of_number)
        }
        _ => false,
    })
}

/// Whether the letters at `at` are base64 of what starts some quads of digits in base64: then how many letters of
/// their quad stand before them.
fn base64_twice(text: &Text<'_>, at: usize) -> Option<usize> {
    let phase = twice_phase(text, at).filter(|phase| at >= text.begin() + phase)?;
    let mut inner = [0; 12];
    let mut from = at - phase;
    for three in inner.chunks_mut(3) {
        let (bytes, 3, end) = quad(text, from)? else { return None };
        three.copy_from_slice(&bytes);
        from = end;
    }
    let inner = Text::whole(&inner);
    let digits =
        |at: usize| matches!(quad(&inner, at), Some((bytes, 3, _)) if bytes.into_iter().all(is_of_number));
    (digits(phase) && digits(phase + 4)).then_some(phase)
}

/// How many letters of its quad stand before the letter at `at`, if with the one after it that quad could hold
/// the first letter, `M`, `N` or `O`, of base64 of digits: 010011xx.
fn twice_phase(text: &Text<'_>, at: usize) -> Option<usize> {
    let before = text.known(at.saturating_sub(TOKEN_MIN)..at);
    work::done(before.len());
    let letters = before.iter().rev().take_while(|byte| sextet(**byte).is_some()).count();
    let first = text.get(at).and_then(sextet)?;
    // A word is no token: nothing is to be held back at its end.
    let token = || {
        letters == TOKEN_MIN
            && before.iter().any(|byte| !byte.is_ascii_lowercase())
            && before.iter().any(u8::is_ascii_lowercase)
    };
    let second = || text.get(at + 1).and_then(sextet);
    match first {
        0b01_0011
            if (letters == 0 || token()) && second().is_some_and(|value| value & 0b00_1100 == 0b00_0100) =>
        {
            Some(0)
        }
        value if value & 0b1111 == 0b0100 && token() && second().is_some_and(|value| value >= 0b11_0100) => {
            Some(1)
        }
        value
            if value & 0b11 == 0b01
                && token()
                && second().is_some_and(|value| matches!(value, 0b00_1101..=0b00_1111)) =>
        {
            Some(2)
        }
        _ => None,
    }
}

/// Whether a byte may be part of a number as it is written in groups.
fn is_of_number(byte: u8) -> bool {
    matches!(unit::ascii(byte), Kind::Digit(_) | Kind::Gap(_))
}

/// The byte that two hexadecimal digits are.
fn hex_pair(text: &Text<'_>, at: usize) -> Option<u8> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let high = nibble(text.get(at)?)?;
    Some(high << 4 | nibble(text.get(at + 1)?)?)
}

/// The bytes of four letters from `at`, or of two or three at the end of a token, with a line break among them
/// or not, and where they end.
fn quad(text: &Text<'_>, at: usize) -> Option<([u8; 3], usize, usize)> {
    let mut bits = 0;
    let mut end = at;
    let mut letters = 0;
    // Encoded lines are a line break apart.
    while end < at + 2 && matches!(text.get(end), Some(b'\n' | b'\r')) {
        end += 1;
    }
    while letters < 4 {
        match text.get(end).map(|byte| (byte, sextet(byte))) {
            Some((_, Some(value))) => {
                bits |= u32::from(value) << (18 - 6 * letters);
                letters += 1;
            }
            Some((b'\n' | b'\r', None)) if letters > 0 && end < at + QUAD_MAX => {}
            _ => break,
        }
        end += 1;
    }
    let [_, a, b, c] = u32::to_be_bytes(bits);
    match letters {
        4 => Some(([a, b, c], 3, end)),
        3 => Some(([a, b, 0], 2, end)),
        2 => Some(([a, 0, 0], 1, end)),
        _ => None,
    }
}

/// The value of a letter of base64 or base64url.
fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Decoded bytes of a piece: what is before, a track, and what is said of a number after it.
const PIECE_BYTES: usize = 192;
/// Units before the place that are decoded.
const BACK_UNITS: usize = 20;
/// Letters of one quad, with a line break before them and one among them.
const QUAD_MAX: usize = 8;
/// Letters before a place that make it part of a token.
const TOKEN_MIN: usize = 8;
/// How far from the place something in a piece may start.
const STARTS: usize = 12;
/// Characters that are looked at for digits.
const SHOWN_MAX: usize = 32;
