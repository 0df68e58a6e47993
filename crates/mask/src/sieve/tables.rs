//! What single bytes are, as a sieve sees them.

use crate::unicode;
use crate::unit::{Kind, ascii};

/// An ASCII digit.
pub(crate) const DIGIT: u8 = 1;
/// An ASCII character that may stand between groups of digits.
pub(crate) const GAP: u8 = 2;
/// A gap that is a line break.
pub(crate) const BREAK: u8 = 4;

/// [`DIGIT`], [`GAP`] and [`BREAK`] of each byte.
pub(crate) static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match ascii(byte) {
            Kind::Digit(_) => DIGIT,
            Kind::Gap(crate::unit::Gap::Break) => GAP | BREAK,
            Kind::Gap(_) => GAP,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// The characters at a place, one and two further, and four, that start something: a bit for each sort of
/// thing, set where the character fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    pub at: [[u8; 128]; 4],
}

/// How far from the place the characters are that a [`Signs`] table is for.
pub(crate) const OFFSETS: [usize; 4] = [0, 1, 2, 4];

/// Base64 of digits.
pub(crate) const BASE64: u8 = 1;
/// Base64 of base64 of digits.
pub(crate) const TWICE: u8 = 2;
/// Hex of digits.
pub(crate) const HEX: u8 = 4;
/// `%34`, `=34`.
pub(crate) const OCTET: u8 = 8;
/// `\u…`, `&#…`, or the percent-escape of a character beyond ASCII.
pub(crate) const REFERENCE: u8 = 16;
/// A line break that may be within base64.
pub(crate) const WRAP: u8 = 32;
/// An escape that may stand between digits: it counts only behind one.
pub(crate) const ESCAPE: u8 = 64;
/// A number with an exponent: `1e15`.
pub(crate) const FLOAT: u8 = 128;

/// The letters of base64 and of base64url.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";

pub(crate) static SIGNS: Signs = Signs { at: signs() };

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn put(table: &mut [u8; 128], characters: &[u8], bit: u8) {
    let mut index = 0;
    while index < characters.len() {
        table[characters[index] as usize] |= bit;
        index += 1;
    }
}

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn signs() -> [[u8; 128]; 4] {
    let mut at = [[0; 128]; 4];
    // The bits of a digit are 0011xxxx, of most separators 0010xxxx. First letters of quads of digits.
    put(&mut at[0], b"MNO", BASE64);
    put(&mut at[1], b"DTjzCSiy", BASE64);
    put(&mut at[2], b"AEIMQUYcgkosw048BFJNRVZdhlptx159", BASE64);
    // First letters of quads of digits and separators.
    put(&mut at[3], b"MNOILKXCDA", BASE64);
    // A quad of digits in base64 has its first letter, an `A` to `O` or an `X`, in step with the outer quads
    // once in three.
    put(&mut at[0], b"QRSTW", TWICE);
    put(&mut at[1], b"DEFGHTUVWXjklmnz0123", TWICE);
    put_all(&mut at[2], TWICE);
    put(&mut at[3], b"deMNZcSTQ", TWICE);
    put(&mut at[0], b"3", HEX);
    put(&mut at[1], b"0123456789", HEX);
    put(&mut at[2], b"0235", HEX);
    put(&mut at[3], b"0235", HEX);
    put(&mut at[0], b"%=", OCTET);
    put(&mut at[1], b"3", OCTET);
    put(&mut at[2], b"0123456789", OCTET);
    put_all(&mut at[3], OCTET);
    put(&mut at[0], b"\\&%", REFERENCE);
    put(&mut at[1], b"u#dDeEfF", REFERENCE);
    put(&mut at[2], b"0123456789abcdefABCDEFxX", REFERENCE);
    put_all(&mut at[3], REFERENCE);
    put(&mut at[0], LETTERS, WRAP);
    put(&mut at[1], b"\r\n", WRAP);
    put(&mut at[2], LETTERS, WRAP);
    put(&mut at[2], b"\r\n", WRAP);
    put(&mut at[3], LETTERS, WRAP);
    put(&mut at[3], b"\r\n", WRAP);
    put(&mut at[0], b"\\%&=", ESCAPE);
    put(&mut at[1], b"untr/\\0123456789abcdefABCDEF\r\n#zTsmhpN", ESCAPE);
    put_all(&mut at[2], ESCAPE);
    put_all(&mut at[3], ESCAPE);
    put(&mut at[0], b"0123456789", FLOAT);
    put(&mut at[1], b"eE", FLOAT);
    put(&mut at[2], b"1+", FLOAT);
    put_all(&mut at[3], FLOAT);
    at
}

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn put_all(table: &mut [u8; 128], bit: u8) {
    let mut index = 0;
    while index < table.len() {
        table[index] |= bit;
        index += 1;
    }
}

/// Whether a byte and the one after it may start a digit or a gap beyond ASCII.
pub(crate) const fn is_lead(first: u8, second: u8) -> bool {
    match first {
        0xc2 => matches!(second, 0x85 | 0xa0 | 0xad | 0xb7),
        0xd8 => second == 0x8c,
        0xd9 => second >= 0xa0,
        0xdb => second >= 0xb0,
        0xdf => second < 0x90,
        0xe0 => second & 1 == 1 || second == 0xbc,
        0xe1 => matches!(second, 0x81 | 0x82 | 0x9a | 0x9f | 0xa0 | 0xa5 | 0xa7 | 0xaa | 0xad | 0xae | 0xb1),
        0xe2 => matches!(second, 0x80..=0x82 | 0x88),
        0xe3 => matches!(second, 0x80 | 0x83),
        0xea => matches!(second, 0x98 | 0xa3 | 0xa4 | 0xa7 | 0xa9 | 0xaf),
        0xef => matches!(second, 0xb9 | 0xbb | 0xbc),
        0xf0 => second >= 0x90,
        _ => false,
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
/// highest bits: what [`is_lead`] says, and a little more.
pub(crate) static WIDE: [[u8; 128]; 3] = wide();

/// Those that may be gaps: they count only behind a digit.
pub(crate) const WIDE_ESCAPES: u8 = 1 | 32 | 64;

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
    put_all(&mut at[2], !128);
    at
}
