//! A first look that turns clean text away, in one pass.

use crate::chain::{DIGITS_MIN, GAP_MAX};
use crate::unicode;
use crate::unit::{self, Kind};

/// What a closer look could find.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hints {
    /// Enough digits within reach of each other for a card number, bare or escaped.
    pub digits: bool,
    /// Enough digits for one in hex.
    pub hex: bool,
    /// Escapes to read.
    pub escapes: bool,
    /// Four characters that are base64 for three digits.
    pub base64: bool,
}

impl Hints {
    /// Looks at all of `text`. A card number in it, however written, shows in one of the hints.
    ///
    /// Most texts have fewer than twelve digits, and no more is read of them than a few vector instructions do.
    pub fn of(text: &[u8]) -> Self {
        let tally = Tally::of(text);
        let base64 = tally.quads && text.windows(4).any(|four| is_quad(Some(four)));
        if tally.digits < DIGITS_MIN {
            return Self { base64, ..Self::default() };
        }
        // Twelve digits in hex are twelve bytes from 0x30 to 0x39.
        let threes = text.iter().fold(0_usize, |count, byte| count.wrapping_add(usize::from(*byte == b'3')));
        let hex = threes >= DIGITS_MIN;
        if tally.spelled {
            let Self { digits, escapes, .. } = Self::of_spelled(text);
            return Self { digits, hex, escapes, base64 };
        }
        Self { digits: holds_chain(text) || holds_float(text), hex, escapes: false, base64 }
    }

    /// What text with escapes, or with characters beyond ASCII, has of digits.
    fn of_spelled(text: &[u8]) -> Self {
        let mut hints = Self::default();
        let (mut digits, mut gap) = (0_usize, 0_usize);
        for chunk in text.chunks(CHUNK) {
            // A chunk of nothing but letters and spaces is told by a few vector instructions.
            if !chunk.iter().fold(false, |any, byte| any | is_digit(*byte) | spells(*byte)) {
                gap += chunk.len();
                continue;
            }
            for byte in chunk {
                let class = class(*byte);
                if class & DIGIT != 0 {
                    digits = if gap > GAP_BYTES_MAX { 1 } else { digits + 1 };
                    gap = 0;
                    hints.digits |= digits >= DIGITS_MIN;
                } else {
                    gap += 1;
                }
                hints.escapes |= class & ESCAPE != 0;
            }
        }
        hints
    }

    /// Whether there is anything to look for.
    pub fn any(self) -> bool {
        self.digits || self.hex || self.base64
    }
}

/// What the bytes of a text are, wherever they stand.
#[derive(Debug, Default)]
struct Tally {
    /// Bytes that may be a digit, or part of one; the last few may be counted twice.
    digits: usize,
    /// Whether a digit may be spelled as anything but one ASCII character.
    spelled: bool,
    /// Whether a letter stands there that base64 of a digit starts with.
    quads: bool,
}

impl Tally {
    /// Nothing, for a text that is too short to hold anything.
    fn of(text: &[u8]) -> Self {
        let mut tally = Self::default();
        if text.len() < DIGITS_MIN {
            return tally;
        }
        let (chunks, rest) = text.as_chunks::<CHUNK>();
        chunks.iter().for_each(|chunk| tally.add(chunk));
        if rest.is_empty() {
            return tally;
        }
        match text.last_chunk::<CHUNK>() {
            Some(last) => tally.add(last),
            None => {
                let mut padded = [0; CHUNK];
                padded.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
                tally.add(&padded);
            }
        }
        tally
    }

    fn add(&mut self, chunk: &[u8; CHUNK]) {
        let (mut digits, mut spelled, mut quads) = (0_u8, false, false);
        for byte in chunk {
            digits = digits.wrapping_add(u8::from(is_digit(*byte) | !byte.is_ascii()));
            spelled |= spells(*byte);
            quads |= byte.wrapping_sub(b'M') < 3;
        }
        self.digits += usize::from(digits);
        self.spelled |= spelled;
        self.quads |= quads;
    }
}

/// Whether ASCII text without escapes has twelve digits with no more between any two than a number is written
/// with.
fn holds_chain(text: &[u8]) -> bool {
    let mut start = 0;
    // Digits and gaps that hold a number are twelve at least: where the last of twelve is neither, the others
    // need no look.
    while let Some(window) = text.get(start..start + DIGITS_MIN) {
        if let Some(at) = window.iter().rposition(|byte| breaks(*byte)) {
            start += at + 1;
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| breaks(*byte)).unwrap_or(rest.len());
        if rest.get(..length).is_some_and(reaches) {
            return true;
        }
        start += length + 1;
    }
    false
}

/// Whether a stretch of digits and gaps has enough digits.
fn reaches(stretch: &[u8]) -> bool {
    let (mut digits, mut gap) = (0, 0);
    stretch.iter().any(|byte| {
        if is_digit(*byte) {
            digits = if gap > GAP_MAX { 1 } else { digits + 1 };
            gap = 0;
        } else {
            gap += 1;
        }
        digits >= DIGITS_MIN
    })
}

/// Whether ASCII text has a number with a point and an exponent, which stands for more digits than it has.
fn holds_float(text: &[u8]) -> bool {
    let exponent = |two: &[u8]| matches!(two, [b'0'..=b'9', b'e' | b'E']);
    text.contains(&b'.') && text.windows(2).any(exponent)
}

/// Whether `text` starts with base64 of three ASCII digits: their bits are 0011xxxx 0011xxxx 0011xxxx.
pub(crate) fn is_quad(text: Option<&[u8]>) -> bool {
    let Some([first, second, third, fourth, ..]) = text else { return false };
    matches!(first, b'M' | b'N' | b'O')
        && matches!(second, b'D' | b'T' | b'j' | b'z')
        && matches!(third, b'A' | b'E' | b'I' | b'M' | b'Q' | b'U' | b'Y' | b'c' | b'g' | b'k')
        && matches!(fourth, b'w'..=b'z' | b'0'..=b'5')
}

fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// Whether a byte is part of an escape or of a character beyond ASCII.
fn spells(byte: u8) -> bool {
    (byte >= 0x80) | (byte.wrapping_sub(b'%') < 2) | (byte == b'\\')
}

/// Whether an ASCII character ends a number: it is neither a digit nor part of a gap.
fn breaks(byte: u8) -> bool {
    class(byte) & (DIGIT | GAP) == 0
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

const CHUNK: usize = 32;

const DIGIT: u8 = 1;
const ESCAPE: u8 = 2;
const GAP: u8 = 4;

static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    loop {
        classes[byte as usize] = match unit::ascii(byte) {
            Kind::Digit(_) => DIGIT,
            Kind::Gap(_) => GAP,
            _ if matches!(byte, b'\\' | b'%' | b'&') => ESCAPE,
            _ if unicode::leads_a_digit(byte) => DIGIT,
            _ => 0,
        };
        if byte == 255 {
            return classes;
        }
        byte += 1;
    }
}

/// The widest that may stand between two digits: three separators as character references.
const GAP_BYTES_MAX: usize = 27;

#[cfg(test)]
mod tests;
