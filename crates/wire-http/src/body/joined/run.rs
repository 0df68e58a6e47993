//! Values beside one another that are made of digits.

use std::ops::Range;

use mask::Masker;

use super::{DIGITS_MAX, DIGITS_MIN, is_card};

/// A string or a number that is made of digits.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// All of it, with its quotes.
    place: Range<usize>,
    /// What it says, without quotes and escapes.
    text: String,
    is_string: bool,
    digits: usize,
}

impl Leaf {
    /// Reads what stands at `place` of `text`; `None` when it is not made of digits.
    pub fn read(text: &[u8], place: Range<usize>) -> Option<Self> {
        let written = text.get(place.clone()).filter(|written| written.len() <= WRITTEN_MAX)?;
        let is_string = written.first() == Some(&b'"');
        let text = if is_string {
            let may_begin = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'\\');
            written.get(1).filter(|byte| may_begin(byte))?;
            serde_json::from_slice(written).ok()?
        } else {
            str::from_utf8(written).ok()?.to_owned()
        };
        let separator = |c: char| is_string && matches!(c, ' ' | '-' | '\u{a0}');
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let made = text.chars().all(|c| c.is_ascii_digit() || separator(c));
        (made && (1..=DIGITS_MAX).contains(&digits)).then_some(Self { place, text, is_string, digits })
    }

    /// The leaf with its digits in the place of which `mask` has others.
    fn masked(&self, mask: &mut impl Iterator<Item = u8>) -> Vec<u8> {
        let put = |c: char| if c.is_ascii_digit() { mask.next().map_or('*', char::from) } else { c };
        let masked: String = self.text.chars().map(put).collect();
        // Digits, stars and separators need no escapes.
        format!("\"{masked}\"").into_bytes()
    }
}

/// Leaves that stand beside one another with nothing else between them.
pub(super) struct Run {
    leaves: Vec<Leaf>,
    /// Whether there are more than are looked at.
    long: bool,
    pieces: Pieces,
}

/// How numbers may be taken apart over a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// Strings of that many digits at least, anywhere in it: texts that are read as one.
    Strings(usize),
    /// All of it is one number after another. Some pieces of it may be one by themselves only if those beside them
    /// are of other lengths, since one in fifty pairs of ordinary numbers would be one by chance.
    All,
}

impl Run {
    pub fn new(pieces: Pieces) -> Self {
        Self { leaves: Vec::new(), long: false, pieces }
    }

    /// Whether it may go on as it is.
    pub fn is_begun(&self) -> bool {
        !self.leaves.is_empty()
    }

    /// Goes on with a leaf, or with a value that is none, which ends it: what numbers it held.
    pub fn push(&mut self, leaf: Option<Leaf>) -> Vec<Vec<Leaf>> {
        let fits = |leaf: &Leaf| match self.pieces {
            Pieces::Strings(digits_min) => leaf.is_string && leaf.digits >= digits_min,
            Pieces::All => true,
        };
        match leaf.filter(fits) {
            Some(leaf) if self.leaves.len() < RUN_MAX => self.leaves.push(leaf),
            Some(_) => self.long = true,
            None => return self.end(),
        }
        Vec::new()
    }

    /// Ends the run: what numbers it held.
    pub fn end(&mut self) -> Vec<Vec<Leaf>> {
        let leaves = std::mem::take(&mut self.leaves);
        let long = std::mem::take(&mut self.long);
        match self.pieces {
            Pieces::Strings(_) => anywhere(&leaves),
            Pieces::All if leaves.len() < 2 || long => Vec::new(),
            Pieces::All => match all(&leaves) {
                Some(numbers) => numbers,
                None => apart(&leaves),
            },
        }
    }
}

/// The numbers that stand anywhere among `leaves`, the longest at each place.
fn anywhere(leaves: &[Leaf]) -> Vec<Vec<Leaf>> {
    let mut numbers = Vec::new();
    let mut rest = leaves;
    while rest.len() > 1 {
        let counts = (2..=rest.len().min(LEAVES_MAX)).rev();
        let found = counts.filter_map(|count| rest.get(..count)).find(|leaves| is_number(leaves));
        numbers.extend(found.map(<[Leaf]>::to_vec));
        rest = rest.get(found.map_or(1, <[Leaf]>::len)..).unwrap_or_default();
    }
    numbers
}

/// The numbers that all of `leaves` are, over equally many leaves each.
fn all(leaves: &[Leaf]) -> Option<Vec<Vec<Leaf>>> {
    let counts = (2..=leaves.len().min(LEAVES_MAX)).filter(|count| leaves.len().is_multiple_of(*count));
    let fits = |count: &usize| leaves.chunks(*count).all(|group| is_even(group) && is_number(group));
    let count = counts.rev().find(fits).filter(|_| !leaves.is_empty())?;
    Some(leaves.chunks(count).map(<[Leaf]>::to_vec).collect())
}

/// The numbers over strings of one length, of which the last may be shorter, among strings of other lengths.
fn apart(leaves: &[Leaf]) -> Vec<Vec<Leaf>> {
    let mut numbers = Vec::new();
    let mut rest = leaves;
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|leaf| leaf.digits == first.digits).count();
        let more = rest.get(same).is_some_and(|next| next.digits < first.digits);
        let groups = [same + usize::from(more), same].map(|count| rest.get(..count).unwrap_or_default());
        let strings = |group: &&[Leaf]| group.iter().all(|leaf| leaf.is_string);
        let found = groups.into_iter().filter(strings).find_map(|group| Some((group.len(), all(group)?)));
        let gone = found.as_ref().map_or(same, |(count, _)| *count);
        numbers.extend(found.into_iter().flat_map(|(_, numbers)| numbers));
        rest = rest.get(gone..).unwrap_or_default();
    }
    numbers
}

/// Whether `leaves` are of one length, of which the last may be shorter, by one digit if there are but two; or grouped as
/// on a card. Any two ordinary identifiers beside one another would be a card number too often.
fn is_even(leaves: &[Leaf]) -> bool {
    let lengths = || leaves.iter().map(|leaf| leaf.digits);
    let (Some(first), Some(last)) = (lengths().next(), lengths().next_back()) else { return false };
    let even = lengths().take(leaves.len() - 1).all(|digits| digits == first);
    let shorter = first.checked_sub(last);
    (even && shorter.is_some_and(|shorter| shorter <= 1 || leaves.len() > 2))
        || lengths().eq([4, 6, 5])
        || lengths().eq([4, 6, 4])
}

/// Whether `leaves` are one number.
fn is_number(leaves: &[Leaf]) -> bool {
    let digits = leaves.iter().map(|leaf| leaf.digits).sum();
    let singles = leaves.iter().all(|leaf| leaf.digits == 1);
    (2..=if singles { LEAVES_MAX } else { PARTS_MAX }).contains(&leaves.len())
        && (DIGITS_MIN..=DIGITS_MAX).contains(&digits)
        && is_card(&joined(leaves.iter()))
}

/// What stands in the places of `leaves`, which are one number.
pub(super) fn masks(masker: &Masker, leaves: &[Leaf]) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut mask = masker.pan(&joined(leaves.iter())).into_iter();
    leaves.iter().map(|leaf| (leaf.place.clone(), leaf.masked(&mut mask))).collect()
}

fn joined<'l>(leaves: impl Iterator<Item = &'l Leaf>) -> Vec<u8> {
    leaves.flat_map(|leaf| leaf.text.bytes().filter(u8::is_ascii_digit)).collect()
}

/// Over how many values one number may be taken apart, and over how many of one digit each.
const PARTS_MAX: usize = 8;
const LEAVES_MAX: usize = DIGITS_MAX;
/// Longest run that is looked at.
const RUN_MAX: usize = 4096;
/// Longest leaf as it is written: 19 digits, each an escape, and separators.
const WRITTEN_MAX: usize = 256;
