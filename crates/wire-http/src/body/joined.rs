//! Card numbers in disguise in one JSON document: taken apart over several values, or written as nobody writes one.
//!
//! This looks at what [`mask::Masker::json`] has left, and except for the first line only where the care is strict:
//!
//! | disguise | example |
//! | --- | --- |
//! | over the texts of content parts, in any care | `[{"text":"4111 1111"},{"text":"1111 1111"}]` |
//! | over values beside one another in an array, an object, or one member of an array's objects | `["4111","1111","1111","1111"]` |
//! | character codes | `[52,49,49,…]` |
//! | hexadecimal, octal, binary | `"0xe9b…"` |
//! | backwards | `"1111111111111114"` |
//! | among a few more digits, behind a letter | `"ord_941111111111111119"` |
//! | raised, lowered or circled digits, keys of a telephone | `"⁴¹¹¹…"` |
//! | digits as words, or as letters | `"four one one …"`, `"EBBBBBBBBBBBBBBB"` |
//! | a number with sign, fraction or exponent | `411111111111111.1e1` |
//! | packed: compressed, encoded twice and the like | see `packed` |
//!
//! It must be a number that counts without a word beside it, from its first digit to its last.
//!
//! What it costs is measured in the tests of this module, on 6,000 made-up ordinary answers of 301,883 values:
//! identifiers, times, prices, telephone numbers, digests, embeddings, coordinates, cursors and the like. Where the care
//! is strict, 8 values that stand beside one another were taken for a card number (0.3 of 10,000), 4 among a few more
//! digits (0.1), and none by any other disguise; in any other care none. To that end
//!
//! * what stands beside one another must be all that stands there, and be cut evenly or as on a card; strings may have
//!   others of another length around them. Of fifty pairs of identifiers of eight digits one is a card number by chance;
//! * digits backwards or among others, and hexadecimal without a prefix, count only where no more values of that form
//!   under one name of the document are nothing than something: of fifty identifiers of 16 digits one is by chance.
//!
//! In a document that does not fit ([`super::json`]), the members of objects in an array count as beside one another
//! within one part of it, but for the texts of content parts and for what stands in the array itself.

mod disguise;
mod leaves;
mod run;

use std::ops::Range;
use std::sync::LazyLock;

use mask::{FindingKind, JsonPlace};
use memchr::memmem::Finder;

use super::Care;

/// A part of a document in which something was found.
pub(super) struct Joined {
    pub bytes: Vec<u8>,
    pub found: u64,
}

/// Masks what is in disguise in `text`: values beside one another, with commas between them, of one object with their
/// names. `None` when there is nothing.
pub(super) fn mask(care: &Care, text: &[u8], in_object: bool) -> Option<Joined> {
    if !may_hold(care, text) {
        return None;
    }
    let (open, close) = if in_object { (b"{", b"}") } else { (b"[", b"]") };
    let text = [open, text, close].concat();
    let joined = put(&text, leaves::look(care, &text))?;
    let bytes = joined.bytes.get(1..joined.bytes.len() - 1)?.to_vec();
    Some(Joined { bytes, ..joined })
}

/// The same of one value at `place`, if some of it is spared by a rule: that is not looked at. `None` when nothing is.
pub(super) fn mask_spared(care: &Care, place: &JsonPlace, text: &[u8]) -> Option<Joined> {
    let spared = if may_hold(care, text) { place.spared(text, 0..text.len()) } else { Vec::new() };
    if spared.is_empty() {
        return None;
    }
    let is_spared = |place: &Range<usize>| {
        spared.iter().any(|spared| spared.start <= place.start && place.end <= spared.end)
    };
    let mut finds = leaves::look(care, text);
    finds.retain(|find| !find.masks.iter().any(|(place, _)| is_spared(place)));
    Some(put(text, finds).unwrap_or_else(|| Joined { bytes: text.to_vec(), found: 0 }))
}

/// Whether a number may begin in `text`, a value, and go on in the one beside it.
pub(super) fn goes_on(care: &Care, text: &[u8]) -> bool {
    may_hold(care, text) && text.len() <= LEAF_BYTES_MAX && leaves::goes_on(care, text)
}

/// Whether a number in disguise may be in `text`.
pub(super) fn may_hold(care: &Care, text: &[u8]) -> bool {
    !care.masker.spares_cards() && !text.is_empty() && (care.strict || may_hold_parts(text))
}

/// One card number in disguise.
struct Find {
    #[cfg_attr(not(test), expect(dead_code, reason = "what each costs is measured by the tests"))]
    disguise: Disguise,
    /// What stands in the place of what.
    masks: Vec<(Range<usize>, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disguise {
    Parts,
    Beside,
    Codes,
    Radix,
    Backwards,
    Inside,
    Signs,
    Words,
    Letters,
    Number,
    Packed,
}

fn put(text: &[u8], finds: Vec<Find>) -> Option<Joined> {
    let found = u64::try_from(finds.len()).ok().filter(|found| *found > 0)?;
    let mut masks: Vec<_> = finds.into_iter().flat_map(|find| find.masks).collect();
    masks.sort_by_key(|(place, _)| place.start);
    let mut bytes = Vec::with_capacity(text.len());
    let mut copied = 0;
    for (place, mask) in masks {
        // A value that is part of two numbers is masked once.
        let Some(kept) = text.get(copied..place.start) else { continue };
        bytes.extend_from_slice(kept);
        bytes.extend_from_slice(&mask);
        copied = place.end;
    }
    bytes.extend_from_slice(text.get(copied..)?);
    Some(Joined { bytes, found })
}

/// Whether there may be texts of content parts.
fn may_hold_parts(text: &[u8]) -> bool {
    static ENDS: LazyLock<[Finder<'static>; 4]> =
        LazyLock::new(|| ["text\"", "content\"", "put\"", "thinking\""].map(Finder::new));
    ENDS.iter().any(|end| end.find(text).is_some())
}

/// Whether these digits are a card number that counts without a word beside it.
pub(super) fn is_card(digits: &[u8]) -> bool {
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && is_luhn(digits)
        && mask::find(digits).any(|finding| {
            matches!(finding.kind, FindingKind::Pan { .. }) && finding.range == (0..digits.len())
        })
}

/// Whether the last digit is the check digit of those before (ISO/IEC 7812-1), which turns most away.
fn is_luhn(digits: &[u8]) -> bool {
    let value = |(at, digit): (usize, &u8)| match (at % 2, u32::from(digit.wrapping_sub(b'0'))) {
        (1, digit @ 5..) => 2 * digit - 9,
        (1, digit) => 2 * digit,
        (_, digit) => digit,
    };
    digits.iter().rev().enumerate().map(value).sum::<u32>() % 10 == 0
}

/// Names of members whose strings a model reads as one text where they stand in the objects of one array. They end as
/// `may_hold_parts` looks for.
const PARTS: &[&[u8]] =
    &[b"text", b"content", b"input", b"output", b"input_text", b"output_text", b"thinking"];
/// Longest object that is a part of a number with those beside it.
const LEAF_BYTES_MAX: usize = 4096;
/// Fewest and most digits of a card number that counts without a word beside it.
const DIGITS_MIN: usize = 14;
const DIGITS_MAX: usize = 19;

#[cfg(test)]
mod tests;
