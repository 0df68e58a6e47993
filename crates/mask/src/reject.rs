//! Numbers that are something else, by what surrounds them.

use std::ops::Range;

/// Whether `range` is part of a hexadecimal number, as keys and digests are written: a multiple of eight digits,
/// letters among them. Other lengths are rare among those, and letters next to a card number are not.
pub(crate) fn in_hex(text: &[u8], range: &Range<usize>) -> bool {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let (Some(before), Some(after)) = (before, after) else { return false };
    let hex = |bytes: &mut dyn Iterator<Item = &u8>| {
        bytes.take(TOKEN_REACH).take_while(|byte| byte.is_ascii_hexdigit()).count()
    };
    let left = hex(&mut before.iter().rev());
    let right = hex(&mut after.iter());
    let Some(token) = text.get(range.start - left..range.end + right) else { return false };
    let bounds = [before.iter().rev().nth(left), after.get(right)];
    // `0x…` and `\x…` start a hexadecimal number; any other letter makes it a word.
    let word =
        bounds.iter().flatten().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'x'));
    let goes_on = left == TOKEN_REACH || right == TOKEN_REACH;
    let letters = token.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters >= 2 && (goes_on || (!word && token.len().is_multiple_of(8)))
}

/// Whether `range` overlaps a UUID as text (RFC 9562 §4).
pub(crate) fn in_uuid(text: &[u8], range: &Range<usize>) -> bool {
    let first = range.start.saturating_sub(UUID_LENGTH);
    (first..range.end).any(|at| {
        let Some(uuid) = text.get(at..at + UUID_LENGTH) else { return false };
        at + UUID_LENGTH > range.start
            && uuid.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
            && !text.get(at + UUID_LENGTH).is_some_and(u8::is_ascii_hexdigit)
            && !at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_hexdigit)
    })
}

/// How far a hexadecimal number is followed to either side.
const TOKEN_REACH: usize = 64;
const UUID_LENGTH: usize = 36;
