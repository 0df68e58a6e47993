//! Card numbers in hex with something between the bytes: `34:30:30`, `34 30 30`, `0x34, 0x30`, `\x34\x30`, and what
//! `xxd`, `hexdump -C` and `od` print, with a place before each line and its characters behind it.
//!
//! Two random digits are a digit in ASCII once in ten times, so that twelve of them in a row say enough, but for a list of
//! numbers that are all between 30 and 39: more of them than a card number has digits are none.

mod line;

use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::finding::{Finding, Form};
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::{self, Kind, View};
use crate::walk::Walk;

/// Reads a text for bytes in hex with something between them that are a card number.
#[derive(Debug)]
pub(crate) struct Dump {
    at: usize,
}

impl Dump {
    /// A reader that starts at `at`.
    pub fn new(at: usize) -> Self {
        Self { at }
    }
}

impl Reader for Dump {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        let end = text.len().min(until);
        while self.at < end {
            text.forgive();
            let Some(next) = text.seek(self.at..end, |rest| memchr::memchr(FIRST, rest)) else {
                self.at = end;
                break;
            };
            self.at += next;
            let found = number(text, self.at);
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

/// The card number or track whose first digit is written at `at`. All of it goes, and in a dump all of its last line, which
/// shows its characters once more.
pub(crate) fn number(text: &Text<'_>, at: usize) -> Option<Finding> {
    let follows = || line::before(text, at).is_some_and(|byte| byte.is_ascii_digit());
    if !line::byte(text, at).is_some_and(|byte| byte.is_ascii_digit()) || follows() || !shows(text, at) {
        return None;
    }
    let mut piece = Piece::decode(text, at, SHOWN_MAX);
    if piece.may_be_track() {
        piece = Piece::decode(text, at, PIECE_BYTES);
    }
    let bytes = piece.bytes.get(..piece.length)?;
    let parted =
        piece.places.windows(2).take(piece.length - 1).any(|two| matches!(two, [a, b] if a + 2 != *b));
    if !parted || bytes.iter().take_while(|byte| byte.is_ascii_digit()).count() > DIGITS_MAX {
        return None;
    }
    let inner = Text::whole(bytes).about_cards(text.is_about_cards());
    let found = Walk::new(View::Plain, 0).next(&inner, 1).filter(|found| found.range.start == 0)?;
    let last = piece.places.get(found.range.end.checked_sub(1)?)? + 2;
    let end = if line::is_of_dump(text, at) { line::end(text, last) } else { last };
    Some(Finding { range: at..end, kind: found.kind, form: Form::Whole, view: View::Plain })
}

/// Whether a run of digits starts at `at`, separators among them, that could be a card number's.
fn shows(text: &Text<'_>, at: usize) -> bool {
    let mut digits = 0;
    let mut place = Some(at);
    for _ in 0..SHOWN_MAX {
        match place.and_then(|at| line::byte(text, at)).map(unit::ascii) {
            Some(Kind::Digit(_)) => digits += 1,
            Some(Kind::Gap(_)) if digits > 0 => {}
            _ => return false,
        }
        if digits == DIGITS_MIN {
            return true;
        }
        place = place.and_then(|at| line::next(text, at + 2));
    }
    false
}

/// What some bytes from a place on are.
struct Piece {
    bytes: [u8; PIECE_BYTES],
    /// Where each is written.
    places: [usize; PIECE_BYTES],
    length: usize,
}

impl Piece {
    fn decode(text: &Text<'_>, at: usize, most: usize) -> Self {
        let mut piece = Self { bytes: [0; PIECE_BYTES], places: [0; PIECE_BYTES], length: 0 };
        let mut next = Some(at);
        for (to, place) in piece.bytes.iter_mut().zip(&mut piece.places).take(most) {
            let Some((at, byte)) = next.and_then(|at| Some((at, line::byte(text, at)?))) else { break };
            (*to, *place) = (byte, at);
            piece.length += 1;
            next = line::next(text, at + 2);
        }
        piece
    }

    /// Whether what parts a track's number from the rest of it stands behind the digits.
    fn may_be_track(&self) -> bool {
        let mut rest =
            self.bytes.iter().skip_while(|byte| matches!(unit::ascii(**byte), Kind::Digit(_) | Kind::Gap(_)));
        matches!(rest.next(), Some(b'=' | b'^' | b'D' | b'd'))
    }
}

/// The high half of every digit.
pub(crate) const FIRST: u8 = b'3';
/// Decoded bytes of a number: a track, and what it ends with.
const PIECE_BYTES: usize = 96;
/// Bytes that are looked at for digits.
const SHOWN_MAX: usize = 32;

#[cfg(test)]
mod tests;
