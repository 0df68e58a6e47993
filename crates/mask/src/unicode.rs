//! Digits and separators beyond ASCII.

use crate::unit::Gap;

/// How many bytes a character has whose UTF-8 starts with `lead`; 1 where none does.
pub(crate) const fn length(lead: u8) -> usize {
    match lead {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => 1,
    }
}

/// The first character of `bytes` and its length, if it is UTF-8.
pub(crate) fn character(bytes: &[u8]) -> Option<(char, usize)> {
    let length = length(*bytes.first()?);
    let c = str::from_utf8(bytes.get(..length)?).ok()?.chars().next()?;
    Some((c, length))
}

/// The value of a decimal digit (general category Nd, Unicode 16), or of a subscript digit.
pub(crate) fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let before = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let offset = code - ZEROS.get(before)?;
    u8::try_from(offset).ok().filter(|value| *value < 10)
}

/// What a character separates groups as, if it may.
pub(crate) fn gap(c: char) -> Option<Gap> {
    match c {
        '\u{a0}'
        | '\u{ad}'
        | '\u{1680}'
        | '\u{180e}'
        | '\u{2000}'..='\u{200f}'
        | '\u{202f}'
        | '\u{205f}'
        | '\u{2060}'
        | '\u{3000}'
        | '\u{feff}' => Some(Gap::Space),
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{30fc}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}' => Some(Gap::Dash),
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{ff0e}' => Some(Gap::Dot),
        '\u{85}' | '\u{2028}' | '\u{2029}' => Some(Gap::Break),
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => Some(Gap::Slash),
        '\u{60c}' | '\u{66c}' | '\u{3001}' | '\u{ff0c}' => Some(Gap::Comma),
        '\u{ff1a}' => Some(Gap::Colon),
        '\u{ff3f}' => Some(Gap::Underscore),
        _ => None,
    }
}

/// The zeros of every script, in order; nine more digits follow each.
const ZEROS: &[u32] = &[
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6,
    0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0,
    0x1c40, 0x1c50, 0x2080, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x1_04a0,
    0x1_0d30, 0x1_0d40, 0x1_1066, 0x1_10f0, 0x1_1136, 0x1_11d0, 0x1_12f0, 0x1_1450, 0x1_14d0, 0x1_1650,
    0x1_16c0, 0x1_16d0, 0x1_16da, 0x1_1730, 0x1_18e0, 0x1_1950, 0x1_1bf0, 0x1_1c50, 0x1_1d50, 0x1_1da0,
    0x1_1f50, 0x1_6130, 0x1_6a60, 0x1_6ac0, 0x1_6b50, 0x1_6d70, 0x1_ccf0, 0x1_d7ce, 0x1_d7d8, 0x1_d7e2,
    0x1_d7ec, 0x1_d7f6, 0x1_e140, 0x1_e2f0, 0x1_e4f0, 0x1_e5f1, 0x1_e950, 0x1_fbf0,
];
