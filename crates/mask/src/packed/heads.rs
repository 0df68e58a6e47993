//! A quick look for places where a value may start, by its first byte and what stands before it.

/// How many bytes before a value are looked at.
pub(super) const HEAD: usize = 5;

/// The first place in `text`, [`HEAD`] bytes from its start or further, that may be a value's.
pub(super) fn next(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        // Most blocks hold no such place, which takes a few instructions for each sixteen bytes.
        let rest = text.get(from..)?;
        let shown = shows(rest);
        if shown != Some(false) {
            let places = if shown.is_some() { BLOCK } else { rest.len() };
            let is_one = |(index, bytes): (usize, &[u8])| match *bytes {
                [a, b, c, d, e, f] => {
                    may_start(a, b, c, d, e, f)
                        && shows_digits(e, rest.get(index + HEAD..).unwrap_or_default())
                }
                _ => true,
            };
            if let Some(at) = rest.windows(HEAD + 1).take(places).enumerate().position(is_one) {
                return Some(from + at + HEAD);
            }
        }
        shown?;
        from += BLOCK;
    }
}

/// Whether what is known of a value, behind the byte `last` of its length, are digits: as bytes where that is no
/// digit itself, in hex otherwise.
fn shows_digits(last: u8, value: &[u8]) -> bool {
    if last < b' ' {
        return value.iter().take(6).all(|byte| byte >> 4 < 10 && byte & 15 < 10);
    }
    value.iter().take(12).all(|byte| byte.is_ascii_digit() || super::is_gap(*byte))
}

/// Whether a value may start at one of [`BLOCK`] places; `None` where `text` is too short to tell so many.
fn shows(text: &[u8]) -> Option<bool> {
    let bytes = |at: usize| text.get(at..)?.first_chunk::<BLOCK>();
    let (a, b, c) = (bytes(0)?, bytes(1)?, bytes(2)?);
    let (d, e, f) = (bytes(3)?, bytes(4)?, bytes(5)?);
    // Some of the digits that a value in hex begins with.
    let (g, h, i) = (bytes(HEAD + 4)?, bytes(HEAD + 8)?, bytes(HEAD + 11)?);
    let before = a.iter().zip(b).zip(c).zip(d).zip(e).zip(f);
    let places = before.zip(g.iter().zip(h).zip(i));
    Some(places.fold(false, |any, ((((((a, b), c), d), e), f), ((g, h), i))| {
        let digits = is_digit(*g) & is_digit(*h) & is_digit(*i);
        any | raw(*d, *e, *f) | spaced(*a, *b, *c, *e, *f) | (hex(*c, *d, *e, *f) & digits)
    }))
}

/// Whether a value may start at `last`. No branch is in these, so that it is done for many places at once.
#[inline(always)]
fn may_start(a: u8, b: u8, c: u8, d: u8, e: u8, last: u8) -> bool {
    raw(d, e, last) | spaced(a, b, c, e, last) | hex(c, d, e, last)
}

/// Behind a tag and a length in bytes, or a length in digits.
#[inline(always)]
fn raw(d: u8, e: u8, last: u8) -> bool {
    let tag = (d == 0x57) | (d == 0x5a) | (d == 0x6b);
    // No number starts with two zeros.
    let packed = (last != 0) & (last < 0xa0) & (last & 15 < 10);
    ((tag & within(e, super::LENGTH_MIN, 0x13)) | within(e, 0x13, super::LENGTH_MAX)) & packed
}

/// The same in hex. Before a length in digits a message's bitmap ends; at the start of a text all places are
/// looked at.
#[inline(always)]
fn hex(c: u8, d: u8, e: u8, last: u8) -> bool {
    let hex_digit = is_digit(c) | within(c | 0x20, b'a', b'f');
    ((tag_in_hex(c) & (d | 1 == b'1')) | ((d == b'1') & within(e, b'3', b'9') & hex_digit)) & is_digit(last)
}

/// The same with something between the bytes.
#[inline(always)]
fn spaced(a: u8, b: u8, c: u8, e: u8, last: u8) -> bool {
    let gap = |byte: u8| (byte == b' ') | (byte == b':') | (byte == b'-');
    tag_in_hex(a) & gap(b) & (c | 1 == b'1') & gap(e) & is_digit(last)
}

#[inline(always)]
fn tag_in_hex(byte: u8) -> bool {
    (byte == b'7') | (byte | 0x20 == b'a') | (byte | 0x20 == b'b')
}

#[inline(always)]
fn is_digit(byte: u8) -> bool {
    within(byte, b'0', b'9')
}

#[inline(always)]
fn within(byte: u8, low: u8, high: u8) -> bool {
    byte.wrapping_sub(low) <= high - low
}

/// Places that are looked at together.
const BLOCK: usize = 64;
