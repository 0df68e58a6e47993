//! What single bytes are, as a sieve sees them.

use crate::unicode;
use crate::unit::{Kind, ascii};

/// An ASCII digit.
pub(crate) const DIGIT: u8 = 128;
/// What starts an escape.
pub(crate) const OPENER: u8 = 64;
/// A line break.
pub(crate) const BREAK: u8 = 32;
/// What may stand second in an escape that writes a digit: `u` for JSON, `#` for HTML, `d` to `f` where UTF-8 starts
/// in percent-escapes, `3` where a digit in ASCII does.
pub(crate) const SECOND: u8 = 16;
/// The letter of an exponent.
pub(crate) const EXPONENT: u8 = 8;
/// A letter of base64 or of base64url.
pub(crate) const LETTER: u8 = 4;
/// A capital letter.
pub(crate) const CAPITAL: u8 = 2;
/// An ASCII character that may stand between groups of digits.
pub(crate) const GAP: u8 = 1;

/// What each byte is; none of it beyond ASCII.
pub(crate) static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn classes() -> [u8; 256] {
    let mut ascii_classes = [0; 128];
    put(&mut ascii_classes, b"\\%&=", OPENER);
    put(&mut ascii_classes, b"u#3dDeEfF", SECOND);
    put(&mut ascii_classes, b"eE", EXPONENT);
    put(&mut ascii_classes, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_", LETTER);
    put(&mut ascii_classes, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", CAPITAL);
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = ascii_classes[byte as usize]
            | match ascii(byte) {
                Kind::Digit(_) => DIGIT,
                Kind::Gap(crate::unit::Gap::Break) => GAP | BREAK,
                Kind::Gap(_) => GAP,
                _ => 0,
            };
        byte += 1;
    }
    classes
}

/// Base64 of digits.
pub(crate) const BASE64: u8 = 1;
/// Base64 of base64 of digits.
pub(crate) const TWICE: u8 = 2;
/// What may be a digit beyond ASCII.
pub(crate) const WIDE_DIGIT: u8 = 4;

/// The characters at a place and beside it by which something shows there: a bit for each thing that does.
pub(crate) static BESIDE: [[u8; 128]; BESIDE_AT.len()] = beside();

/// How far from the place the characters are that a table of [`BESIDE`] is for.
pub(crate) const BESIDE_AT: [usize; 3] = [0, 1, 4];

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn put(table: &mut [u8; 128], characters: &[u8], bit: u8) {
    let mut index = 0;
    while index < characters.len() {
        table[characters[index] as usize] |= bit;
        index += 1;
    }
}

const fn beside() -> [[u8; 128]; BESIDE_AT.len()] {
    let [mut first, mut second, mut fifth] = [[0; 128]; 3];
    // The bits of a digit are 0011xxxx, of most separators 0010xxxx: the first letters of a quad of digits, and the
    // first one of the next quad.
    put(&mut first, b"MNO", BASE64);
    put(&mut second, b"DTjzCSiy", BASE64);
    put(&mut fifth, b"MNOILKXCDA", BASE64);
    // A quad of digits in base64 has its first letter, an `A` to `O` or an `X`, in step with the outer quads once in
    // three.
    put(&mut first, b"QRSTW", TWICE);
    put(&mut second, b"DEFGHTUVWXjklmnz0123", TWICE);
    put(&mut fifth, b"deMNZcSTQ", TWICE);
    [first, second, fifth]
}

/// What a character beyond ASCII may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lead {
    /// A digit, or a gap.
    Digit,
    /// A gap, and no digit.
    Gap,
}

/// What a character beyond ASCII may be that starts with these two bytes, if it matters.
pub(crate) const fn lead(first: u8, second: u8) -> Option<Lead> {
    let (gap, digit) = match first {
        0xc2 => (matches!(second, 0x85 | 0xa0 | 0xad | 0xb7), false),
        0xd8 => (second == 0x8c, false),
        0xd9 => (false, second >= 0xa0),
        0xdb => (false, second >= 0xb0),
        0xdf => (false, second < 0x90),
        0xe0 => (false, second & 1 == 1 || second == 0xbc),
        0xe1 => (
            matches!(second, 0x9a | 0xa0),
            matches!(second, 0x81 | 0x82 | 0x9f | 0xa0 | 0xa5 | 0xa7 | 0xaa | 0xad | 0xae | 0xb1),
        ),
        0xe2 => (matches!(second, 0x80 | 0x81 | 0x88), second == 0x82),
        0xe3 => (matches!(second, 0x80 | 0x83), false),
        0xea => (false, matches!(second, 0x98 | 0xa3 | 0xa4 | 0xa7 | 0xa9 | 0xaf)),
        0xef => (matches!(second, 0xb9 | 0xbb), second == 0xbc),
        0xf0 => (false, second >= 0x90),
        _ => (false, false),
    };
    match (digit, gap) {
        (true, _) => Some(Lead::Digit),
        (false, true) => Some(Lead::Gap),
        (false, false) => None,
    }
}

/// Whether the character at the start of `bytes` is a digit or a gap beyond ASCII, and which.
pub(crate) fn beyond_ascii(bytes: &[u8]) -> Option<Kind> {
    let (c, _) = unicode::character(bytes)?;
    match (unicode::digit(c), unicode::gap(c)) {
        (Some(digit), _) => Some(Kind::Digit(digit)),
        (None, Some(gap)) => Some(Kind::Gap(gap)),
        (None, None) => None,
    }
}

/// The first, second and third byte of characters beyond ASCII that may be digits or gaps, without their
/// highest bits: what [`lead`] says, and a little more.
pub(crate) static WIDE: [[u8; 128]; 3] = wide();

/// Those that are gaps and no digits: they count only behind a digit.
pub(crate) const WIDE_GAPS: u8 = 1 | 32 | 64;

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn put_wide(table: &mut [u8; 128], bytes: &[u8], bit: u8) {
    let mut index = 0;
    while index < bytes.len() {
        table[(bytes[index] & 0x7f) as usize] |= bit;
        index += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn wide() -> [[u8; 128]; 3] {
    let mut at = [[0; 128]; 3];
    put_wide(&mut at[0], &[0xc2], 1);
    put_wide(&mut at[1], &[0x85, 0xa0, 0xad, 0xb7], 1);
    put_wide(&mut at[0], &[0xe2], 32);
    put_wide(&mut at[1], &[0x80, 0x81, 0x88], 32);
    put_wide(&mut at[0], &[0xd8, 0xd9, 0xe1, 0xe3, 0xef], 64);
    put_wide(&mut at[1], &[0x80, 0x83, 0x8c, 0x9a, 0xa0, 0xac, 0xb9, 0xbb, 0xbc], 64);
    put_wide(&mut at[0], &[0xd9, 0xdb, 0xf0], 2);
    put_wide(&mut at[0], &[0xdf], 4);
    put_wide(&mut at[0], &[0xe0], 8);
    put_wide(&mut at[0], &[0xe1, 0xea], 16);
    put_wide(
        &mut at[1],
        &[0x81, 0x82, 0x98, 0x9f, 0xa0, 0xa3, 0xa4, 0xa5, 0xa7, 0xa9, 0xaa, 0xad, 0xae, 0xaf, 0xb1],
        16,
    );
    put_wide(&mut at[0], &[0xe2, 0xef], 128);
    put_wide(&mut at[1], &[0x82, 0xbc], 128);
    let mut byte = 0x80;
    while byte < 0xc0 {
        let index = byte & 0x7f;
        at[1][index] |= if byte >= 0x90 { 2 } else { 4 };
        at[1][index] |= if byte & 1 == 1 || byte == 0xbc { 8 } else { 0 };
        at[2][index] |= if byte < 0x8a || (byte >= 0x90 && byte < 0x9a) { 128 } else { 0 };
        byte += 1;
    }
    let mut any = 0;
    while any < at[2].len() {
        at[2][any] |= !128;
        any += 1;
    }
    at
}
