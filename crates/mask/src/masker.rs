use std::fmt;
use std::ops::Range;

use crate::chain::{DIGITS_MAX, DIGITS_MIN};
use crate::finding::{Finding, Form};
use crate::json::{self, JsonRule};
use crate::scan::scan;
use crate::unit::{self, Kind, View};

/// How much of a card number may stay visible; one for a whole deployment (PCI DSS 4.0.1, 3.4.1 and 3.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The last four digits.
    Last4,
    /// The first six and the last four; of a number of fewer than 14 digits the last four alone.
    First6Last4,
}

impl Profile {
    /// How many of `digits` digits stay at the start and at the end.
    ///
    /// At least four are always hidden, of 15 digits five: the floors of PCI SSC FAQ 1091, which no
    /// configuration lowers. Where six and four would leave less than that hidden, or the FAQ is silent below
    /// 14 digits, the last four stay.
    fn kept(self, digits: usize) -> (usize, usize) {
        match (self, digits) {
            (_, ..DIGITS_MIN) => (0, 0),
            (Self::First6Last4, 14..) => (6, 4),
            (Self::First6Last4 | Self::Last4, _) => (0, 4),
        }
    }
}

/// Rewrites cardholder data by one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masker {
    profile: Profile,
}

/// A text after masking.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    /// What may be released, unless `sad`.
    pub bytes: Vec<u8>,
    /// How many things were found and masked, at least 1.
    pub found: u32,
    /// Whether sensitive authentication data (a track) was among them. It is starred out; an answer that
    /// holds it unexpectedly is to be withheld.
    pub sad: bool,
}

impl Masker {
    /// A masker that leaves visible what `profile` says.
    pub const fn new(profile: Profile) -> Self {
        Self { profile }
    }

    /// Masks every card number and track in text that nothing is known of; `None` when there is none.
    ///
    /// Digits become `*`, everything else stays, and so does the length in bytes. Tracks, and base64 or hex
    /// that holds a card, become `*` throughout. The result holds nothing that would be found again.
    pub fn text(&self, text: &[u8]) -> Option<Masked> {
        self.part(text, 0..text.len(), [View::PLAIN, View::ALL])
    }

    /// Masks a value that the operator labelled as a card number, whatever it looks like.
    ///
    /// 12 to 19 digits, with any separators and stars of an earlier mask, are truncated by the profile; the
    /// check digit may be wrong, since typing errors and tokens are to be hidden too (PCI DSS 4.0.1, 3.5.1).
    /// Any other value becomes [`Masker::whole`], except that an empty one stays empty.
    pub fn pan(&self, value: &[u8]) -> Vec<u8> {
        if value.is_empty() {
            return Vec::new();
        }
        let mut slots = 0;
        let mut units = units(value, 0..value.len(), View::PLAIN);
        let one_number = units.all(|(_, kind)| {
            slots += usize::from(is_slot(kind));
            is_slot(kind) || matches!(kind, Kind::Gap(_))
        });
        if !one_number || !(DIGITS_MIN..=DIGITS_MAX).contains(&slots) {
            return self.whole().to_vec();
        }
        let (first, last) = self.profile.kept(slots);
        let mut masked = value.to_vec();
        for (index, at) in positions(value, 0..value.len(), View::PLAIN, is_slot).enumerate() {
            if (first..slots - last).contains(&index) {
                masked.get_mut(at).into_iter().for_each(unit::star);
            }
        }
        masked
    }

    /// What stands for a value of any class that shows nothing: the same for every value and length.
    pub const fn whole(&self) -> &'static [u8] {
        b"****"
    }

    /// Masks a JSON document: by what `rules` say of its places, and by what a scan finds; `None` when it may
    /// pass as it is.
    ///
    /// The result is valid JSON. Card numbers in strings and keys are masked in place; a number that is one
    /// becomes a string. Under a rule, `pan` values are masked as by [`Masker::pan`], `sad` values become
    /// `null`, all others `"****"`; `null` stays. Text that is not JSON (RFC 8259), or nests deeper than 128,
    /// is masked as by [`Masker::text`] when there are no rules, and becomes `"****"` when there are, since
    /// then what they are to hide cannot be found.
    pub fn json(&self, text: &[u8], rules: &[JsonRule]) -> Option<Masked> {
        json::mask(*self, text, rules)
    }

    /// Masks `range` of `text`; the result is that part alone, of the same length. What surrounds it is
    /// looked at for words.
    pub(crate) fn part(self, text: &[u8], range: Range<usize>, views: [View; 2]) -> Option<Masked> {
        let findings = scan(text, range.clone(), views);
        if findings.is_empty() {
            return None;
        }
        let around = range.start.saturating_sub(AROUND)..range.end.saturating_add(AROUND).min(text.len());
        let part = range.start - around.start..range.end - around.start;
        let original = text.get(around.clone())?;
        let mut copy = original.to_vec();
        for finding in &findings {
            let finding = finding.clone().moved_back(around.start);
            self.hide(original, &mut copy, &finding);
        }
        // Digits that stay may read as a card number together with what stands beside them.
        for round in 0..ROUNDS_MAX {
            let again = scan(&copy, part.clone(), views);
            if again.is_empty() {
                break;
            }
            let shown = copy.clone();
            for mut finding in again {
                finding.form = if round == 0 { finding.form.bare() } else { Form::Whole };
                self.hide(&shown, &mut copy, &finding);
            }
            if round + 1 == ROUNDS_MAX {
                copy.get_mut(part.clone()).into_iter().flatten().for_each(|byte| *byte = b'*');
            }
        }
        let sad = findings.iter().any(|finding| finding.kind.is_sad());
        Some(Masked { bytes: copy.get(part)?.to_vec(), found: count(&findings), sad })
    }

    /// Writes stars to `copy` over what `finding` says of `original`.
    fn hide(self, original: &[u8], copy: &mut [u8], finding: &Finding) {
        let (range, view) = (finding.range.clone(), finding.view);
        if finding.form == Form::Whole {
            let bytes = copy.get_mut(range).into_iter().flatten();
            bytes.filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
            return;
        }
        let digit = |kind: Kind| matches!(kind, Kind::Digit(_));
        let digits = positions(original, range.clone(), view, digit).count();
        let (first, last) = match finding.form {
            Form::Number => self.profile.kept(digits),
            Form::Digits | Form::Whole => (0, 0),
        };
        for (index, at) in positions(original, range, view, digit).enumerate() {
            if (first..digits.saturating_sub(last)).contains(&index) {
                copy.get_mut(at).into_iter().for_each(unit::star);
            }
        }
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, found, sad } = self;
        write!(f, "Masked {{ bytes: [{} bytes], found: {found}, sad: {sad} }}", bytes.len())
    }
}

/// Where the things stand that a mask may write over.
fn positions(
    text: &[u8],
    range: Range<usize>,
    view: View,
    wanted: fn(Kind) -> bool,
) -> impl Iterator<Item = Range<usize>> {
    units(text, range, view).filter(move |(_, kind)| wanted(*kind)).map(|(at, _)| at)
}

fn units(text: &[u8], range: Range<usize>, view: View) -> impl Iterator<Item = (Range<usize>, Kind)> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let unit = view.unit(text.get(..range.end)?, at)?;
        let start = at;
        at += unit.length;
        Some((start..at, unit.kind))
    })
}

/// A digit, or what an earlier mask wrote for one.
fn is_slot(kind: Kind) -> bool {
    matches!(kind, Kind::Digit(_) | Kind::Mark(b'*' | b'x' | b'X' | b'#'))
}

/// How many things were found, where overlapping readings of the same are one.
fn count(findings: &[Finding]) -> u32 {
    let mut end = 0;
    let mut count = 0;
    for finding in findings {
        count += u32::from(finding.range.start >= end);
        end = end.max(finding.range.end);
    }
    count
}

/// What surrounds a part, as far as words count.
const AROUND: usize = 64;
/// How often a result is looked at again before all of it is starred out. Texts made for it need two.
const ROUNDS_MAX: usize = 4;

#[cfg(test)]
mod tests;
