//! Messages about cards (ISO 8583): what sort one is, which fields it has, and the numbers that come first.

use super::Spelling;
use super::nibbles::Nibbles;
use crate::text::Text;

/// The fields that a message has whose head ends at `end`, if the second is among them; the first field's bit is
/// the highest.
///
/// The head is the message type, two bytes of packed decimal or four digits in ASCII, and one bitmap or two of
/// eight bytes each; the first bit says whether there is a second.
pub(super) fn head(spelling: Spelling, text: &Text<'_>, end: usize) -> Option<u64> {
    // The last first.
    let mut head = [0; HEAD_BYTES];
    let mut known = 0;
    let mut end = end;
    for byte in &mut head {
        let Some((value, at)) = spelling.back(text, end) else { break };
        (*byte, end) = (value, at);
        known += 1;
    }
    let head = head.get(..known)?;
    let (second, rest) = head.split_first_chunk::<BITMAP>()?;
    let fields = u64::from_le_bytes(*second);
    if fields >> 62 == 0b01 && is_type(rest) {
        return Some(fields);
    }
    let (first, rest) = rest.split_first_chunk::<BITMAP>()?;
    let fields = u64::from_le_bytes(*first);
    (fields >> 62 == 0b11 && is_type(rest)).then_some(fields)
}

/// Whether `value` goes on with the numbers that `fields` say come next: a processing code and an audit number
/// are in every message that has a card number.
pub(super) fn goes_on(fields: u64, value: &mut Nibbles<'_, '_>) -> bool {
    let has = |field: u32| fields >> (64 - field) & 1 == 1;
    if !has(PROCESSING_CODE) || !has(AUDIT_NUMBER) {
        return false;
    }
    (PROCESSING_CODE..).zip(NUMBERS).filter(|(field, _)| has(*field)).all(|(field, digits)| {
        value.extend(digits);
        let first = value.digit().zip(value.digit()).map(|(tens, ones)| tens * 10 + ones);
        let fits = first.is_some_and(|month| field != MOMENT || (1..=12).contains(&month));
        fits && (2..digits).all(|_| value.digit().is_some())
    })
}

/// Whether bytes, the last first, are a message type: version, class, function and origin.
fn is_type(head: &[u8]) -> bool {
    let fits = |version: u8, class: u8, function: u8, origin: u8| {
        version <= 2 && (1..=8).contains(&class) && function <= 4 && origin <= 5
    };
    let digit = |byte: u8| if byte.is_ascii_digit() { byte & 15 } else { 0xf };
    match *head {
        [low, high, ..] if fits(high >> 4, high & 15, low >> 4, low & 15) => true,
        [origin, function, class, version, ..] => {
            fits(digit(version), digit(class), digit(function), digit(origin))
        }
        _ => false,
    }
}

/// Bytes of a bitmap.
const BITMAP: usize = 8;
/// Bytes of the longest head.
const HEAD_BYTES: usize = 4 + 2 * BITMAP;
const PROCESSING_CODE: u32 = 3;
/// When it was sent: month, day, hour, minute, second.
const MOMENT: u32 = 7;
const AUDIT_NUMBER: u32 = 11;
/// Digits of the fields from the processing code to the audit number.
const NUMBERS: [usize; 9] = [6, 12, 12, 12, 10, 8, 8, 8, 6];
