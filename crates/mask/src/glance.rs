//! A glance that turns away what holds no card number: for values, most of which are shorter than what a sieve
//! looks at in one step.

use crate::chain::DIGITS_MIN;

/// What shows of a text at a glance. It says yes too often, and never no where there is something.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Glance {
    length: usize,
    /// ASCII digits, and bytes beyond ASCII.
    digits: usize,
    /// Whether there are letters that base64 of digits starts with.
    letters: bool,
    /// Whether there are control characters that may be a length.
    lengths: bool,
}

impl Glance {
    /// Looks at all of `text`, in one pass.
    pub fn of(text: &[u8]) -> Self {
        let mut glance = Self { length: text.len(), ..Self::default() };
        for chunk in text.chunks(CHUNK) {
            let mut count = 0_u8;
            for byte in chunk {
                count += u8::from(byte.is_ascii_digit() | !byte.is_ascii());
                glance.letters |= matches!(byte, b'M'..=b'O' | b'Q'..=b'T' | b'W');
                glance.lengths |= matches!(byte, 0x07..=0x19);
            }
            glance.digits += usize::from(count);
        }
        glance
    }

    /// Whether a card number or a track may be in `text`, which was looked at, however it is written.
    ///
    /// Every digit takes one ASCII digit at least, in an escape and in hex too, or a character beyond ASCII. What
    /// has fewer stands in a number with an exponent, or is base64.
    pub fn may_hold_card(self, text: &[u8]) -> bool {
        let pair = |fits: fn(&u8, &u8) -> bool| {
            text.windows(2).any(|pair| matches!(pair, [one, two] if fits(one, two)))
        };
        self.digits >= DIGITS_MIN
            || (self.letters && self.length >= BASE64_MIN && pair(starts_base64))
            || (self.digits > 1 && self.length >= FLOAT_MIN && pair(has_exponent))
    }

    /// Whether a card code or a PIN block may be in it, with its name.
    pub fn may_hold_code(self) -> bool {
        (self.digits >= 3 && self.length >= CODE_MIN) || self.length >= BLOCK_MIN
    }

    /// Whether packed decimal may be in it: as bytes behind a length, or in hex.
    pub fn may_hold_packed(self) -> bool {
        self.length >= PACKED_MIN && (self.lengths || self.digits >= DIGITS_MIN)
    }
}

/// Whether base64 of digits starts with these letters, or base64 of that.
fn starts_base64(one: &u8, two: &u8) -> bool {
    match one {
        b'M'..=b'O' => matches!(two, b'D' | b'T' | b'j' | b'z' | b'C' | b'S' | b'i' | b'y'),
        b'Q'..=b'T' | b'W' => {
            matches!(two, b'D'..=b'H' | b'T'..=b'X' | b'j'..=b'n' | b'z' | b'0'..=b'3' | b'\r' | b'\n')
        }
        _ => false,
    }
}

/// Whether an exponent follows what may be the end of a digit, however that is written.
fn has_exponent(one: &u8, two: &u8) -> bool {
    (one.is_ascii_digit() || !one.is_ascii() || *one == b';') && matches!(two, b'e' | b'E')
}

/// The shortest number with an exponent: `4.2e15`.
const FLOAT_MIN: usize = 6;
/// The shortest name with a code: `cvv=123`, and one letter less.
const CODE_MIN: usize = 6;
/// The shortest name, and a block of 16 hexadecimal digits.
const BLOCK_MIN: usize = 18;
/// A length, and seven bytes.
const PACKED_MIN: usize = 8;
/// Twelve digits in base64.
const BASE64_MIN: usize = 16;
/// Bytes that are counted in one, which is for vector instructions.
const CHUNK: usize = 32;
