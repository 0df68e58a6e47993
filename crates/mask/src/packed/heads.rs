//! A quick look for places where a value may start, by its first byte and what stands before it.

/// How many bytes before a value are looked at.
pub(super) const HEAD: usize = 5;

/// The first place in `text`, [`HEAD`] bytes from its start or further, that may be a value's.
pub(super) fn next(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    // Most blocks hold no such place, which takes a few instructions for each sixteen bytes.
    while let Some(false) = text.get(from..).and_then(shows) {
        from += BLOCK;
    }
    let at = text.get(from..)?.windows(HEAD + 1).position(|bytes| match *bytes {
        [a, b, c, d, e, f] => may_start(a, b, c, d, e, f),
        _ => true,
    });
    at.map(|at| from + at + HEAD)
}

/// Whether a value may start at one of [`BLOCK`] places; `None` where `text` is too short to tell so many.
fn shows(text: &[u8]) -> Option<bool> {
    let bytes = |at: usize| text.get(at..)?.first_chunk::<BLOCK>();
    let (a, b, c) = (bytes(0)?, bytes(1)?, bytes(2)?);
    let (d, e, f) = (bytes(3)?, bytes(4)?, bytes(5)?);
    let places = a.iter().zip(b).zip(c).zip(d).zip(e).zip(f);
    Some(places.fold(false, |any, (((((a, b), c), d), e), f)| any | may_start(*a, *b, *c, *d, *e, *f)))
}

/// Whether a value may start at `last`. No branch is in it, so that it is done for many places at once.
#[inline(always)]
fn may_start(a: u8, b: u8, c: u8, d: u8, e: u8, last: u8) -> bool {
    let within = |byte: u8, low: u8, high: u8| byte.wrapping_sub(low) <= high - low;
    let tag = |byte: u8| (byte == 0x57) | (byte == 0x5a) | (byte == 0x6b);
    let tag_in_hex = |byte: u8| (byte == b'7') | (byte | 0x20 == b'a') | (byte | 0x20 == b'b');
    let gap = |byte: u8| (byte == b' ') | (byte == b':') | (byte == b'-');
    let low = |byte: u8| byte | 1 == b'1';
    // A tag and a length in bytes, or a length in digits.
    let raw = (tag(d) & within(e, super::LENGTH_MIN, 0x13)) | within(e, 0x13, super::LENGTH_MAX);
    let hex = (tag_in_hex(c) & low(d)) | ((d == b'1') & within(e, b'3', b'9'));
    let spaced = tag_in_hex(a) & gap(b) & low(c) & gap(e);
    // No number starts with two zeros.
    let packed = (last != 0) & (last < 0xa0) & (last & 15 < 10);
    (raw & packed) | ((hex | spaced) & within(last, b'0', b'9'))
}

/// Places that are looked at together.
const BLOCK: usize = 64;
