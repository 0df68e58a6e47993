//! The head of a message about cards (ISO 8583-1): what sort it is, and which fields it has.

use super::Spelling;
use crate::text::Text;

/// Whether such a head ends at `end`, and says that the second field follows.
///
/// It is the message type, two bytes of packed decimal or four digits in ASCII, and one bitmap or two of eight
/// bytes each. The first bit says whether there is a second, the one after it that the second field is there.
pub(super) fn ends(spelling: Spelling, text: &Text<'_>, end: usize) -> bool {
    // The last first.
    let mut head = [0; HEAD_BYTES];
    let mut known = 0;
    let mut end = end;
    for byte in &mut head {
        let Some((value, at)) = spelling.back(text, end) else { break };
        (*byte, end) = (value, at);
        known += 1;
    }
    let head = head.get(..known).unwrap_or_default();
    let bits = |bitmap: usize| head.get(bitmap).map(|byte| byte & 0b1100_0000);
    let one = bits(BITMAP - 1) == Some(0b0100_0000) && is_type(head, BITMAP);
    let two = bits(2 * BITMAP - 1) == Some(0b1100_0000) && is_type(head, 2 * BITMAP);
    one || two
}

/// Whether the byte at `at`, and those behind it, are a message type: version, class, function and origin.
fn is_type(head: &[u8], at: usize) -> bool {
    let fits = |version: u8, class: u8, function: u8, origin: u8| {
        version <= 2 && (1..=8).contains(&class) && function <= 7 && origin <= 5
    };
    let digit = |byte: u8| if byte.is_ascii_digit() { byte & 15 } else { 0xf };
    match *head.get(at..).unwrap_or_default() {
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
