//! A quick look for places where a value may start, by its first digits and what stands before it.
//!
//! Bitmaps show them, 64 bytes at a time; what they show is looked at byte by byte, and is rare.

use std::sync::LazyLock;

use crate::bitmap::{BLOCK, Bitmaps, Block, Passed, Seen, Set, places};
use crate::values::PARTING;

/// How many bytes before a value are looked at.
pub(crate) const HEAD: usize = 5;

/// How many bytes a length takes with what parts it from the value.
pub(super) const NEAR: usize = 3;

/// The first place in `text`, [`HEAD`] bytes from its start or further, that may be a value's. The text may `go on`
/// behind its end.
pub(super) fn next(text: &[u8], goes_on: bool) -> Option<usize> {
    let found = match BITMAPS.next(text, 0, usize::MAX, Before { text, kinds: [0; KINDS] }) {
        Seen::Block { hits, .. } => hits,
        Seen::All(before) => {
            // What ends with the text may show behind it; what goes on behind it has not shown.
            let ends = if goes_on { 0 } else { ends(&before.kinds, &[0; KINDS]) };
            first(text, text.len().next_multiple_of(BLOCK), ends)
        }
    };
    let last = if goes_on { text.len().saturating_sub(LATE)..text.len() } else { 0..0 };
    found.or_else(|| last.into_iter().find(|place| may_start(text, *place)))
}

/// The block before, and the text.
#[derive(Clone, Copy)]
struct Before<'t> {
    text: &'t [u8],
    kinds: [u64; KINDS],
}

impl Passed<0, KINDS> for Before<'_> {
    /// The first place.
    type Hits = usize;

    #[inline(always)]
    fn step(&mut self, at: usize, block: &Block<0, KINDS>) -> Option<usize> {
        let ends = ends(&self.kinds, &block.kinds);
        self.kinds = block.kinds;
        if ends == 0 { None } else { first(self.text, at, ends) }
    }
}

/// The first place at which a value may start, by where its digits end in the block at `at`.
#[inline(never)]
fn first(text: &[u8], at: usize, ends: u64) -> Option<usize> {
    let mut starts = places(at, ends).filter_map(|end| end.checked_sub(LATE));
    starts.find(|place| may_start(text, *place))
}

/// Whether a length may stand before the last of some bytes, the first of a value, of which [`NEAR`] stand before it
/// if the text has so many there: for the start of a text, where nothing else need be.
pub(crate) fn may_be_behind_length(around: &[u8]) -> bool {
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
    let [tag, tag_length, length, unpacked, digit, gap, tag_in_hex, low] = *now;
    let [tag_before, tag_length_before, length_before, unpacked_before, ..] = *before;
    let [.., digit_before, gap_before, tag_in_hex_before, low_before] = *before;
    let mut ends = 0;
    // A length that a value follows, or may: of the block before it matters only near its end.
    let length = length | tag_length & behind(tag, tag_before, 1);
    let length_before = length_before | tag_length_before & tag_before << 1;
    let lengths = behind(length, length_before, LATE as u32 + 1);
    if lengths != 0 {
        let packed = |by: u32| behind(!unpacked, !unpacked_before, by);
        let first = LATE as u32;
        ends |= lengths & (first - 5..=first).fold(!0, |six, by| six & packed(by));
    }
    let (row, row_before) = (digit | gap, digit_before | gap_before);
    let (two, two_before) = (row & behind(row, row_before, 1), row_before & row_before << 1);
    let (four, four_before) = (two & behind(two, two_before, 2), two_before & two_before << 2);
    let twelve = four & behind(four, four_before, 4) & behind(four, four_before, 8);
    if twelve != 0 {
        let digit = |by: u32| behind(digit, digit_before, LATE as u32 + by);
        let gap = |by: u32| behind(gap, gap_before, LATE as u32 + by);
        let tag = |by: u32| behind(tag_in_hex, tag_in_hex_before, LATE as u32 + by);
        let low = |by: u32| behind(low, low_before, LATE as u32 + by);
        let in_hex = low(2) & (tag(3) | digit(1));
        let spaced = tag(5) & gap(4) & low(3) & gap(1);
        ends |= twelve & digit(0) & (in_hex | spaced);
    }
    ends
}

/// The bits of `now` and of the block `before`, `by` places on.
#[inline(always)]
fn behind(now: u64, before: u64, by: u32) -> u64 {
    now << by | before >> (64 - by)
}

/// Whether a value may start at `place`.
pub(crate) fn may_start(text: &[u8], place: usize) -> bool {
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

pub(crate) fn is_tag(byte: u8) -> bool {
    matches!(byte, 0x57 | 0x5a | 0x6b)
}

/// A length in bytes.
pub(crate) fn is_tag_length(byte: u8) -> bool {
    (super::LENGTH_MIN..=0x13).contains(&byte)
}

/// A length in digits.
pub(crate) fn is_length(byte: u8) -> bool {
    (0x13..=super::LENGTH_MAX).contains(&byte)
}

/// Two digits, as far as that shows in seven bits. No number starts with two zeros.
fn is_packed(byte: u8) -> bool {
    byte != 0 && byte & 15 < 10
}

pub(crate) fn is_tag_in_hex(byte: u8) -> bool {
    matches!(byte, b'7' | b'a' | b'A' | b'b' | b'B')
}

/// No two digits, as far as that shows in seven bits.
pub(crate) fn is_unpacked(byte: u8) -> bool {
    byte & 15 > 9
}

/// What may stand between two bytes in hex.
pub(crate) fn is_gap(byte: u8) -> bool {
    super::is_gap(byte)
}

/// The first digit of a length in bytes.
pub(crate) fn is_low(byte: u8) -> bool {
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
            Set::of(is_unpacked),
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
