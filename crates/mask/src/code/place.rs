//! The places where a code or a block may start: nearly all of a text is gone over here.
//!
//! 64 bytes at a time become bitmaps; shifted against each other, they show where three or four digits, or hex in
//! a row, stand behind a sign. Only there is it looked whether a name stands before that.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every machine has")]
mod avx512;

use super::{BEFORE, PHRASE_MAX, SEPARATOR_MAX, is_of_phrase, separated};
use crate::bitmap::places;
use crate::name::Name;
use crate::text::Text;

/// The next place at or after `at` where a code may start; the end of what is known if there is none.
pub(super) fn next(text: &Text<'_>, at: usize) -> usize {
    let from = at.saturating_sub(1).max(text.begin());
    let known = text.known(from..text.len());
    let place = scan(known, !text.ended(), |place| is_named(text, from + place));
    place.map_or(text.len().max(at), |place| from + place)
}

/// Whether what stands before `place`, but for what separates a value from its name, may end in a known name.
fn is_named(text: &Text<'_>, place: usize) -> bool {
    let before = text.known(place.saturating_sub(BEFORE)..place);
    // Behind an escape's percent sign the name is still to be looked for.
    let Some((end, _)) = separated(before) else { return before.ends_with(b"%") };
    let named = before.get(..end).unwrap_or_default();
    let named = named.get(named.len().saturating_sub(PHRASE_MAX)..).unwrap_or_default();
    if !named.last().is_some_and(|last| is_of_phrase(*last)) {
        return false;
    }
    Name::may_end(named)
}

/// The same, which most names are turned away by sooner: by their last three letters.
pub(crate) fn shows_name(text: &Text<'_>, place: usize) -> bool {
    let before = text.known(place.saturating_sub(SEPARATOR_MAX)..place);
    let between = |byte: &u8| is(*byte, BETWEEN) && !matches!(byte, b'-' | b'%');
    let end = before.len() - before.iter().rev().take_while(|byte| between(byte)).count();
    match before.get(..end).and_then(|name| name.last_chunk::<3>()) {
        Some(letters) if letters.iter().all(u8::is_ascii_alphabetic) => Name::may_end_in(*letters),
        _ => is_named(text, place),
    }
}

/// The first place in `text` where a code may start, and that is `named`. The text may `go on` behind its end.
fn scan(text: &[u8], goes_on: bool, named: impl Fn(usize) -> bool) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if avx512::available() {
        return avx512::scan(text, goes_on, named);
    } else if avx2::available() {
        return avx2::scan(text, goes_on, named);
    }
    scan_with(text, goes_on, bits, named)
}

#[inline(always)]
fn scan_with(
    text: &[u8],
    goes_on: bool,
    bits: impl Fn(&[u8; BLOCK]) -> Bits,
    named: impl Fn(usize) -> bool,
) -> Option<usize> {
    let mut at = 0;
    while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let before = bits(block).places(0) & !0 >> (BLOCK - STRIDE);
        if before != 0
            && let Some(place) = places(at + 1, before).find(|place| named(*place))
        {
            return Some(place);
        }
        at += STRIDE;
    }
    let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
    let mut last = [0; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
    let known = !0 >> (BLOCK - rest.len());
    let before = bits(&last).places(if goes_on { !known } else { 0 }) & known;
    places(at + 1, before).find(|place| named(*place))
}

/// What 64 bytes are: bit n is byte n.
struct Bits {
    digit: u64,
    /// A digit of hex, or the `x` of `0x`.
    hex: u64,
    /// What stands right before a code or a block.
    opener: u64,
    percent: u64,
    /// What may stand between a name and a value.
    between: u64,
    /// What a name may end in, and a few other characters.
    name: u64,
}

impl Bits {
    /// Behind which bytes a code or a block may start, by what follows: of the last [`BLOCK`] - [`STRIDE`] too
    /// little is there. What is `unknown` may be anything, and so may what is behind the last byte if any is.
    #[inline(always)]
    fn places(&self, unknown: u64) -> u64 {
        let (digit, hex) = (self.digit | unknown, self.hex | unknown);
        let beyond = if unknown == 0 { 0 } else { !0 };
        let ahead = |bits: u64, count: u32| bits >> count | beyond & !(!0 >> count);
        let three = ahead(digit, 1) & ahead(digit, 2) & ahead(digit, 3);
        let known = self.digit;
        let five = known >> 1 & known >> 2 & known >> 3 & known >> 4 & known >> 5;
        let two_hex = hex & ahead(hex, 1);
        let four_hex = two_hex & ahead(two_hex, 2);
        let five_hex = four_hex & ahead(hex, 4);
        let eight_hex = four_hex & ahead(four_hex, 4);
        let places = self.opener & (three & !five | ahead(eight_hex, 1)) | self.percent & ahead(five_hex, 1);
        // From behind a name a carry runs through all that stands between. What does before the first byte is unknown.
        let first = self.between & (self.name << 1 | 1);
        places & (!self.between.wrapping_add(first) | first)
    }
}

/// The bitmaps made byte by byte.
fn bits(block: &[u8; BLOCK]) -> Bits {
    let mut bits = Bits { digit: 0, hex: 0, opener: 0, percent: 0, between: 0, name: 0 };
    for (index, byte) in block.iter().enumerate() {
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
        bits.digit |= u64::from(class & DIGIT != 0) << index;
        bits.hex |= u64::from(class & HEX != 0) << index;
        bits.opener |= u64::from(class & OPENER != 0) << index;
        bits.percent |= u64::from(class & PERCENT != 0) << index;
        bits.between |= u64::from(class & BETWEEN != 0) << index;
        bits.name |= u64::from(class & NAME != 0) << index;
    }
    bits
}

/// Whether `byte` is a digit of hex, or the `x` of `0x`.
pub(crate) fn is_hex(byte: u8) -> bool {
    is(byte, HEX)
}

/// Whether it may stand right before a code or a block.
pub(crate) fn is_opener(byte: u8) -> bool {
    is(byte, OPENER)
}

/// Whether it may stand between a name and a value.
pub(crate) fn is_between(byte: u8) -> bool {
    is(byte, BETWEEN)
}

/// Whether a name may end in it.
pub(crate) fn is_of_name(byte: u8) -> bool {
    is(byte, NAME)
}

fn is(byte: u8, kind: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|class| class & kind != 0)
}

const DIGIT: u8 = 1;
const HEX: u8 = 2;
const OPENER: u8 = 4;
const PERCENT: u8 = 8;
const BETWEEN: u8 = 16;
const NAME: u8 = 32;

static CLASSES: [u8; 256] = classes();

#[allow(clippy::indexing_slicing, reason = "a constant, computed by the compiler")]
const fn classes() -> [u8; 256] {
    let mut classes = [NAME; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let mut class = match byte {
            b'0'..=b'9' => DIGIT | HEX | NAME,
            b'a'..=b'f' | b'A'..=b'F' | b'x' | b'X' => HEX,
            b' ' | b'\t' | b'=' | b':' | b'>' | b'"' | b'\'' | b'`' | b'(' | b'[' | b'#' => OPENER | BETWEEN,
            // These two cannot be told from some of those by halves of bytes; no name stands before them.
            b'\x0b' | b'Y' => OPENER,
            b'%' => PERCENT | BETWEEN,
            b')' | b']' | b'\\' => BETWEEN,
            b'-' => BETWEEN | NAME,
            b'.' => NAME,
            _ => 0,
        };
        if byte >= b'@' {
            class |= NAME;
        }
        classes[byte as usize] = class;
        byte += 1;
    }
    classes
}

const BLOCK: usize = 64;
/// How far one block is from the next: the bytes behind are read with both.
const STRIDE: usize = 56;

#[cfg(test)]
mod tests;
