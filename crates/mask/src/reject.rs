//! Numbers that are something else, by what surrounds them.

use std::ops::Range;

use crate::text::Text;
use crate::work;

/// Whether `range` is part of a hexadecimal number, as keys and digests are written: a multiple of eight digits,
/// letters among them. Other lengths are rare among those, and letters next to a card number are not.
pub(crate) fn in_hex(text: &Text<'_>, range: &Range<usize>) -> bool {
    // What a mask has written there counts: it has not made another number out of this one.
    let is_hex = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b'*';
    let before = text.known(range.start.saturating_sub(TOKEN_REACH + 1)..range.start);
    work::done(before.len());
    let left = before.iter().rev().take(TOKEN_REACH).take_while(|byte| is_hex(byte)).count();
    let follows = |count: usize| text.get(range.end + count);
    let grouped = !text.known(range.clone()).iter().all(is_hex);
    if grouped || (left == 0 && !follows(0).is_some_and(|byte| is_hex(&byte))) {
        return false;
    }
    let right =
        (0..TOKEN_REACH).take_while(|count| follows(*count).is_some_and(|byte| is_hex(&byte))).count();
    let bounds = [before.iter().rev().nth(left).copied(), follows(right)];
    // `0x…` and `\x…` start a hexadecimal number; any other letter makes it a word.
    let word =
        bounds.iter().flatten().any(|byte| byte.is_ascii_alphabetic() && !byte.eq_ignore_ascii_case(&b'x'));
    let goes_on = left == TOKEN_REACH || right == TOKEN_REACH;
    let token = text.known(range.start - left..range.end + right);
    work::done(token.len());
    let letters = token.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    // How long the rest was that a mask has hidden cannot be told.
    let masked = token.windows(MASK_MIN).any(|stars| stars.iter().all(|byte| *byte == b'*'));
    letters >= 2 && (goes_on || masked || (!word && token.len().is_multiple_of(8)))
}

/// Whether `range` overlaps a UUID as text (RFC 9562 §4).
pub(crate) fn in_uuid(text: &Text<'_>, range: &Range<usize>) -> bool {
    let first = range.start.saturating_sub(UUID_LENGTH - 1).max(text.begin());
    let hex = |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_hexdigit());
    let is_uuid = |at: usize| {
        let alone = at == text.begin() || !text.known(at - 1..at).first().is_some_and(u8::is_ascii_hexdigit);
        // What a mask has written there counts: it has not made another number out of this one.
        let fits = |index: usize| match index {
            8 | 13 | 18 | 23 => text.get(at + index) == Some(b'-'),
            _ => hex(at + index) || text.get(at + index) == Some(b'*'),
        };
        alone && (0..UUID_LENGTH).all(fits) && !hex(at + UUID_LENGTH)
    };
    (first..range.end).any(is_uuid)
}

/// How far a hexadecimal number is followed to either side.
const TOKEN_REACH: usize = 64;
/// Stars of the shortest number's mask.
const MASK_MIN: usize = 8;
const UUID_LENGTH: usize = 36;
