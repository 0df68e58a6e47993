use crate::secret::escape;
use crate::text::Text;

/// Where the telephone number ends whose first digit is at `at`: in international form, behind a `+`, or
/// behind `tel:` (RFC 3966 §3).
///
/// It has eight to fifteen digits (ITU-T E.164 §6), a country's code that is in use, and between its digits
/// spaces, hyphens, full stops, slashes and brackets, two in a row at most. Numbers in a country's own form are
/// not told from others: they are found only behind `tel:`.
pub(crate) fn find(text: &Text<'_>, at: usize, before: &[u8]) -> Option<usize> {
    let international = match before {
        [head @ .., b'+'] if head.last().is_some_and(|last| in_word(*last)) && !escape::ends(head) => {
            return None;
        }
        // What is before has been masked.
        [.., b'*', b'*', b'*', b'*', b'+'] => return None,
        [.., b'+'] => true,
        _ if is_tel(before) => false,
        _ => return None,
    };
    number(text, at, international)
}

/// Whether a `+` behind it is one of base64, of a sum, or of a name.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_')
}

fn is_tel(before: &[u8]) -> bool {
    before.last_chunk::<4>().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"tel:"))
}

/// The end of the last group of digits up to which they are a telephone number: what follows behind a space may
/// be another.
fn number(text: &Text<'_>, at: usize, international: bool) -> Option<usize> {
    let mut digits = [0u8; DIGITS_MAX];
    let (mut count, mut gap, mut end) = (0, 0, None);
    for place in at..at + BYTES_MAX {
        let next = text.get(place);
        if gap == 0 && is_end(text, place, next) {
            let told = digits.get(..count)?;
            let fits = count >= DIGITS_MIN && (!international || is_assigned(told));
            end = if fits { Some(place) } else { end };
        }
        match next {
            Some(digit @ b'0'..=b'9') => match digits.get_mut(count) {
                Some(slot) => (*slot, count, gap) = (digit, count + 1, 0),
                None => break,
            },
            Some(b' ' | b'-' | b'.' | b'/' | b'(' | b')') if gap < 2 => gap += 1,
            _ => break,
        }
    }
    end
}

/// Whether no word goes on at `place`, where `next` is.
fn is_end(text: &Text<'_>, place: usize, next: Option<u8>) -> bool {
    match next {
        Some(b'-' | b'.' | b'/' | b'+' | b'%') => {
            !text.get(place + 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        }
        Some(byte) => !byte.is_ascii_alphanumeric() && byte != b'_',
        None => true,
    }
}

/// Whether the country's code is assigned (ITU-T E.164, list of 2024), and a number of North America has the
/// form of one.
fn is_assigned(digits: &[u8]) -> bool {
    match digits {
        [b'1', area, _, _, exchange, ..] => digits.len() == 11 && *area >= b'2' && *exchange >= b'2',
        [b'7', ..] => digits.len() == 11,
        [b'2', b'0' | b'7', ..] | [b'3', b'0'..=b'4' | b'6' | b'9', ..] => true,
        [b'4', b'0' | b'1' | b'3'..=b'9', ..] | [b'5', b'1'..=b'8', ..] | [b'6', b'0'..=b'6', ..] => true,
        [b'8', b'1' | b'2' | b'4' | b'6', ..] | [b'9', b'0'..=b'5' | b'8', ..] => true,
        [b'2', b'1', b'1'..=b'3' | b'6' | b'8', ..] | [b'2', b'2' | b'3' | b'4' | b'5', ..] => true,
        [b'2', b'6', b'0'..=b'9', ..] | [b'2', b'9', b'0' | b'1' | b'7'..=b'9', ..] => true,
        [b'3', b'5', ..]
        | [b'3', b'7', b'0'..=b'8', ..]
        | [b'3', b'8', b'0'..=b'3' | b'5'..=b'7' | b'9', ..] => true,
        [b'4', b'2', b'0' | b'1' | b'3', ..] | [b'5', b'0' | b'9', ..] => true,
        [b'6', b'7', b'0' | b'2'..=b'9', ..] | [b'6', b'8', b'0'..=b'3' | b'5'..=b'9', ..] => true,
        [b'6', b'9', b'0'..=b'2', ..] => true,
        [b'8', b'0', b'0' | b'8', ..] | [b'8', b'5', b'0' | b'2' | b'3' | b'5' | b'6', ..] => true,
        [b'8', b'7', b'0' | b'8', ..] | [b'8', b'8', b'0'..=b'3' | b'6' | b'8', ..] => true,
        [b'9', b'6', ..] | [b'9', b'7', b'0'..=b'7' | b'9', ..] => true,
        [b'9', b'9', b'2'..=b'6' | b'8', ..] => true,
        _ => false,
    }
}

const DIGITS_MIN: usize = 8;
const DIGITS_MAX: usize = 15;
/// All digits, with two separators between any.
const BYTES_MAX: usize = 48;
