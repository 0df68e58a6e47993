//! A quick look for places where a value may start, by its first digits and what stands before it.
//!
//! Bitmaps show them, 64 bytes at a time; what they show is looked at byte by byte, and is rare.

use std::sync::LazyLock;

use crate::bitmap::{BLOCK, Bitmaps, Set};
use crate::values::PARTING;

/// How many bytes before a value are looked at.
pub(super) const HEAD: usize = 5;

/// How many bytes a length takes with what parts it from the value.
pub(super) const NEAR: usize = 3;

/// The first place in `text`, [`HEAD`] bytes from its start or further, that may be a value's. The text may `go on`
/// behind its end.
pub(super) fn next(text: &[u8], goes_on: bool) -> Option<usize> {
    let (mut before, mut seen) = ([0; KINDS], 0);
    let mut found = None;
    let mut first = |at: usize, mut ends: u64| {
        while ends != 0 && found.is_none() {
            let place = (at + ends.trailing_zeros() as usize).checked_sub(LATE);
            found = place.filter(|place| may_start(text, *place));
            ends &= ends - 1;
        }
        found.is_none()
    };
    BITMAPS.each(text, 0, |at, block| {
        let ends = ends(&before, &block.kinds);
        (before, seen) = (block.kinds, at + BLOCK);
        first(at, ends)
    });
    // What ends with the text may show behind it; what goes on behind it has not shown.
    if !goes_on && text.len() + LATE > seen {
        first(seen, ends(&before, &[0; KINDS]));
    }
    let last = if goes_on { text.len().saturating_sub(LATE)..text.len() } else { 0..0 };
    found.or_else(|| last.into_iter().find(|place| may_start(text, *place)))
}

/// Whether a length may stand before the last of some bytes, the first of a value, of which [`NEAR`] stand before it
/// if the text has so many there: for the start of a text, where nothing else need be.
pub(super) fn may_be_behind_length(around: &[u8]) -> bool {
    match *around {
        [.., length, first] if (super::LENGTH_MIN..=super::LENGTH_MAX).contains(&length) => is_packed(first),
        [.., high, _, first] if is_low(high) && first.is_ascii_digit() => true,
        [.., high, _, _, first] => is_low(high) && first.is_ascii_digit(),
        _ => false,
    }
}

/// Where the digits end by which values show that start [`LATE`] bytes before.
#[inline(always)]
fn ends(before: &[u64; KINDS], now: &[u64; KINDS]) -> u64 {
    let kinds = before.iter().zip(now).map(|(before, now)| u128::from(*now) << 64 | u128::from(*before));
    let mut both = [0; KINDS];
    both.iter_mut().zip(kinds).for_each(|(to, kind)| *to = kind);
    let [tag, tag_length, length, unpacked, digit, gap, tag_in_hex, low] = both;
    let mut ends = 0;
    if tag_length | length != 0 {
        let two = !unpacked & !unpacked << 1;
        let six = two & two << 2 & two << 4;
        ends |= six << (LATE - 5) & (tag << 2 & tag_length << 1 | length << 1) << LATE;
    }
    let two = (digit | gap) & (digit | gap) << 1;
    let four = two & two << 2;
    let twelve = four & four << 4 & four << 8;
    if twelve >> 64 != 0 {
        let in_hex = low << 2 & (tag_in_hex << 3 | digit << 1);
        let spaced = tag_in_hex << 5 & gap << 4 & low << 3 & gap << 1;
        ends |= twelve & (digit & (in_hex | spaced)) << LATE;
    }
    u64::try_from(ends >> 64).unwrap_or(0)
}

/// Whether a value may start at `place`.
fn may_start(text: &[u8], place: usize) -> bool {
    let head = place.checked_sub(HEAD).and_then(|at| text.get(at..)?.first_chunk::<{ HEAD + 1 }>());
    head.is_some_and(|[a, b, c, d, e, first]| {
        (raw(*d, *e, *first) || spaced(*a, *b, *c, *e, *first) || hex(*c, *d, *e, *first))
            && shows_digits(*e, text.get(place..).unwrap_or_default())
    })
}

/// Whether what is known of a value, behind the byte `last` of its length, are digits: as bytes where that is no
/// digit itself, in hex otherwise.
fn shows_digits(last: u8, value: &[u8]) -> bool {
    if last < b' ' {
        return value.iter().take(6).all(|byte| byte >> 4 < 10 && byte & 15 < 10);
    }
    value.iter().take(DIGITS).all(|byte| byte.is_ascii_digit() || super::is_gap(*byte))
}

/// Behind a tag and a length in bytes, or a length in digits.
fn raw(d: u8, e: u8, first: u8) -> bool {
    let packed = is_packed(first) && first >> 4 < 10;
    (is_tag(d) && is_tag_length(e) || is_length(e)) && packed
}

/// The same in hex. Before a length in digits a message's bitmap ends, or a value begins; at the start of a text all
/// places are looked at.
fn hex(c: u8, d: u8, e: u8, first: u8) -> bool {
    let tagged = is_tag_in_hex(c) && is_low(d);
    let told = d == b'1' && matches!(e, b'3'..=b'9') && (c.is_ascii_hexdigit() || c == PARTING);
    (tagged || told) && first.is_ascii_digit()
}

/// The same with something between the bytes.
fn spaced(a: u8, b: u8, c: u8, e: u8, first: u8) -> bool {
    let gaps = super::is_gap(b) && super::is_gap(e);
    is_tag_in_hex(a) && gaps && is_low(c) && first.is_ascii_digit()
}

fn is_tag(byte: u8) -> bool {
    matches!(byte, 0x57 | 0x5a | 0x6b)
}

/// A length in bytes.
fn is_tag_length(byte: u8) -> bool {
    (super::LENGTH_MIN..=0x13).contains(&byte)
}

/// A length in digits.
fn is_length(byte: u8) -> bool {
    (0x13..=super::LENGTH_MAX).contains(&byte)
}

/// Two digits, as far as that shows in seven bits. No number starts with two zeros.
fn is_packed(byte: u8) -> bool {
    byte != 0 && byte & 15 < 10
}

fn is_tag_in_hex(byte: u8) -> bool {
    matches!(byte, b'7' | b'a' | b'A' | b'b' | b'B')
}

/// The first digit of a length in bytes.
fn is_low(byte: u8) -> bool {
    matches!(byte, b'0' | b'1')
}

static BITMAPS: LazyLock<Bitmaps<0, KINDS>> = LazyLock::new(|| {
    Bitmaps::new(
        [],
        [
            Set::of(is_tag),
            Set::of(is_tag_length),
            Set::of(is_length),
            // Zeros stand in a number but for its first two digits, and what is beyond ASCII shows in no bitmap.
            Set::of(|byte| byte & 15 > 9),
            Set::of(|byte| byte.is_ascii_digit()),
            Set::of(super::is_gap),
            Set::of(is_tag_in_hex),
            Set::of(is_low),
        ],
    )
});

const KINDS: usize = 8;
/// How many digits in hex show a value.
const DIGITS: usize = 12;
/// How far behind the first byte of a value its digits end.
const LATE: usize = DIGITS - 1;
const _: () = assert!(HEAD + LATE <= BLOCK);
