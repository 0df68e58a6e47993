//! A glance that turns away what holds no card number: for values, most of which are shorter than what a sieve
//! looks at in one step.

use crate::chain::DIGITS_MIN;

/// Whether `text` may hold a card number or a track, however it is written. It says yes too often, and never no
/// where there is one.
///
/// Every digit takes one ASCII digit at least, in an escape and in hex too, or a character beyond ASCII. What has
/// fewer stands in a number with an exponent, or is base64.
pub(crate) fn may_hold_card(text: &[u8]) -> bool {
    if text.len() < TEXT_MIN {
        return false;
    }
    let (mut digits, mut letters) = (0, false);
    for chunk in text.chunks(CHUNK) {
        let mut count = 0_u8;
        for byte in chunk {
            count += u8::from(byte.is_ascii_digit() | !byte.is_ascii());
            letters |= matches!(byte, b'M'..=b'O' | b'Q'..=b'T' | b'W');
        }
        digits += usize::from(count);
    }
    let pair =
        |fits: fn(&u8, &u8) -> bool| text.windows(2).any(|pair| matches!(pair, [one, two] if fits(one, two)));
    digits >= DIGITS_MIN
        || (letters && text.len() >= BASE64_MIN && pair(starts_base64))
        || (digits > 1 && pair(has_exponent))
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

fn has_exponent(one: &u8, two: &u8) -> bool {
    one.is_ascii_digit() && matches!(two, b'e' | b'E')
}

/// The shortest is a number with an exponent: `4.2e15`.
const TEXT_MIN: usize = 6;
/// Twelve digits in base64.
const BASE64_MIN: usize = 16;
/// Bytes that are counted in one, which is for vector instructions.
const CHUNK: usize = 32;
