//! What starts at one digit run: is it a card number?

use crate::brand::{Brand, Tier};
use crate::chain::{Chain, DIGITS_MAX, DIGITS_MIN, Group};
use crate::context;
use crate::finding::{Finding, FindingKind, Form};
use crate::iban;
use crate::reject;
use crate::track;
use crate::unit::{Gap, Kind, View};

/// A digit run, what goes on from it and what stands before it.
pub(crate) struct Candidate<'t> {
    /// The text, up to where it may be read.
    pub text: &'t [u8],
    /// The text and what surrounds it, to look for words in.
    pub around: &'t [u8],
    pub view: View,
    pub before: Before,
    pub run: Run,
}

/// Digits that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Where it starts.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// Digits in it.
    pub digits: usize,
}

/// What stands before a digit run.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Before {
    /// The character right before.
    pub last: Option<Kind>,
    /// Digits of the group before, with nothing but a gap in between; 0 for none.
    pub group: usize,
    /// What sort of gap that is; `None` for none, or for one that no number is written with.
    pub gap: Option<Gap>,
    /// How many characters it has.
    pub units: usize,
}

impl Candidate<'_> {
    /// The card number or track that starts here, if one does.
    pub fn finding(&self) -> Option<Finding> {
        if self.run.digits > DIGITS_MAX {
            return None;
        }
        let chain = Chain::read(self.text, self.run.at, self.view);
        track::find(self, &chain)
            .or_else(|| self.grouped(&chain))
            .or_else(|| self.bare(&chain))
            .or_else(|| self.float(&chain))
            .or_else(|| self.listed(&chain))
    }

    /// Card numbers anywhere in a run that is too long to be one: numbers put together without a separator.
    pub fn windows(&self, found: &mut Vec<Finding>) {
        if self.is_fraction() || self.is_hex(self.run.at, self.run.end) {
            return;
        }
        let mut at = self.run.at;
        while let Some(unit) = self.view.unit(self.text, at).filter(|_| at < self.run.end) {
            let chain = Chain::read(self.text, at, self.view);
            let run = chain.groups().first().map_or(0, |group| group.length);
            for count in (DIGITS_MIN..=DIGITS_MAX.min(run)).rev() {
                found.extend(self.certain(&chain, 0, count, at, Form::Digits));
            }
            at += unit.length;
        }
    }

    /// Groups as they are on cards, one sort of separator between them. A line break may stand for one.
    fn grouped(&self, chain: &Chain) -> Option<Finding> {
        let fits = |pattern: &&&[usize]| {
            let groups = chain.groups().get(..pattern.len());
            groups.is_some_and(|groups| groups.iter().map(|group| group.length).eq(pattern.iter().copied()))
        };
        let read = |pattern: &&[usize]| {
            let gap = separator(chain.groups().get(1..pattern.len())?)?;
            let lists = gap.makes_lists();
            // `12345678.87654321` is a decimal, and two groups alone say little.
            if pattern.len() < 3 && (lists || gap == Gap::Dot) {
                return None;
            }
            let next = chain.groups().get(pattern.len()).and_then(|group| group.gap);
            if lists && (self.follows(gap) || next == Some(gap)) {
                return None;
            }
            let count = pattern.iter().sum();
            let brand = Brand::of(chain.number(count)?)?;
            let weakest = if lists || pattern.len() < 3 { Tier::A } else { Tier::B };
            (brand.tier() <= weakest).then_some((brand, count))
        };
        let (brand, count) =
            GROUPINGS.iter().filter(fits).filter_map(read).min_by_key(|(brand, _)| brand.tier())?;
        self.accept(brand, self.run.at, chain.end_of(count)?, Form::Number)
    }

    /// One run of digits: a number alone, zero-padded, or with its length in two digits before it (ISO 8583,
    /// LLVAR).
    fn bare(&self, chain: &Chain) -> Option<Finding> {
        let count = self.run.digits;
        if count < DIGITS_MIN || self.is_fraction() || self.is_phone() {
            return None;
        }
        let number = chain.number(count)?;
        let whole = Brand::of(number).filter(|brand| match brand.tier() {
            Tier::A => true,
            Tier::B => context::speaks_of_cards(self.around, self.run.at..self.run.end),
            Tier::C => false,
        });
        if let Some(brand) = whole {
            return self.accept(brand, self.run.at, self.run.end, Form::Number);
        }
        let zeros = number.iter().take_while(|digit| **digit == 0).count();
        let length = number.iter().take(2).fold(0, |sum, digit| sum * 10 + usize::from(*digit));
        let skipped = if zeros > 0 { zeros } else { 2 };
        // Other lengths than these begin too many moments in nanoseconds, and cards have them seldom.
        if zeros == 0 && (length + 2 != count || !(13..=16).contains(&length)) {
            return None;
        }
        self.certain(chain, skipped, count, chain.end_of(skipped)?, Form::Number)
    }

    /// A floating-point number that is a card number: `4.111111111111111e+15`.
    fn float(&self, chain: &Chain) -> Option<Finding> {
        let [Group { length: 1, .. }, Group { length, gap: Some(Gap::Dot), gap_units: 1 }, ..] =
            chain.groups()
        else {
            return None;
        };
        let (count, end) = (1 + length, chain.end_of(1 + length)?);
        let exponent = match self.text.get(end..)? {
            [b'e' | b'E', b'+', rest @ ..] | [b'e' | b'E', rest @ ..] => rest,
            _ => return None,
        };
        let width = exponent.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let exponent: usize = str::from_utf8(exponent.get(..width)?).ok()?.parse().ok()?;
        let mut number = [0; DIGITS_MAX];
        number.get_mut(..count)?.copy_from_slice(chain.number(count)?);
        if exponent < *length {
            return None;
        }
        let brand =
            Brand::of(number.get(..exponent.checked_add(1)?)?).filter(|brand| brand.tier() == Tier::A)?;
        self.accept(brand, self.run.at, end, Form::Digits)
    }

    /// A number taken apart evenly, and nothing else in the list: digit by digit, in pairs, in thousands, or
    /// broken over two lines.
    fn listed(&self, chain: &Chain) -> Option<Finding> {
        let gap = chain.groups().get(1)?.gap?;
        let same = chain.groups().iter().skip(1).take_while(|group| group.gap == Some(gap)).count();
        let groups = chain.groups().get(..=same)?;
        let (first, rest) = groups.split_first()?;
        let (last, middle) = rest.split_last()?;
        let all = |length: usize| middle.iter().all(|group| group.length == length);
        let even = match first.length {
            1 if all(1) && last.length == 1 => true,
            2 if all(2) && last.length <= 2 => true,
            1..=3 if all(3) && last.length == 3 => true,
            _ => gap == Gap::Break && rest.len() == 1 && last.gap_units <= 2,
        };
        if !even || self.follows(gap) {
            return None;
        }
        let count = groups.iter().map(|group| group.length).sum();
        self.certain(chain, 0, count, self.run.at, Form::Number)
    }

    /// Digits `skipped..count` of the chain, from byte `at`, if they are a card number by themselves.
    fn certain(&self, chain: &Chain, skipped: usize, count: usize, at: usize, form: Form) -> Option<Finding> {
        let number = chain.number(count)?.get(skipped..)?;
        if !(DIGITS_MIN..=DIGITS_MAX).contains(&number.len()) {
            return None;
        }
        let brand = Brand::of(number).filter(|brand| brand.tier() == Tier::A)?;
        self.accept(brand, at, chain.end_of(count)?, form)
    }

    /// The finding, unless what surrounds it says that it is something else.
    fn accept(&self, brand: Brand, start: usize, end: usize, form: Form) -> Option<Finding> {
        let range = start..end;
        // Windows have been looked at as a run, and what follows a float's digits is an `e`.
        let other = (form == Form::Number && self.is_hex(start, end))
            || reject::in_uuid(self.text, &range)
            || iban::holds(self.text, &range);
        (!other).then_some(Finding { range, kind: FindingKind::Pan { brand }, form, view: self.view })
    }

    /// Whether the run is the fraction of a decimal.
    fn is_fraction(&self) -> bool {
        self.follows(Gap::Dot) && self.before.units == 1
    }

    /// Whether the run is a telephone number: `+` and at most 15 digits (ITU-T E.164 §6).
    fn is_phone(&self) -> bool {
        self.before.last == Some(Kind::Gap(Gap::Plus)) && self.run.digits <= 15
    }

    /// Whether a group of digits stands before the run, with such a gap in between.
    fn follows(&self, gap: Gap) -> bool {
        self.before.group > 0 && self.before.gap == Some(gap)
    }

    /// Whether the number is part of a hexadecimal one.
    fn is_hex(&self, start: usize, end: usize) -> bool {
        let hex = |kind: Option<Kind>| matches!(kind, Some(Kind::Mark(mark)) if mark.is_ascii_hexdigit());
        let after = self.view.unit(self.text, end).map(|unit| unit.kind);
        (hex(self.before.last) || hex(after)) && reject::in_hex(self.text, &(start..end))
    }
}

/// The one sort of separator between groups; line breaks go with any. `None` when there are several.
fn separator(groups: &[Group]) -> Option<Gap> {
    let mut sorts = groups.iter().filter_map(|group| group.gap).filter(|gap| *gap != Gap::Break);
    let Some(first) = sorts.next() else { return Some(Gap::Break) };
    sorts.all(|gap| gap == first).then_some(first)
}

/// How card numbers are grouped, longest first.
const GROUPINGS: &[&[usize]] = &[
    &[4, 4, 4, 4, 3],
    &[6, 13],
    &[4, 4, 4, 4],
    &[8, 8],
    &[4, 6, 5],
    &[4, 4, 4, 3],
    &[4, 6, 4],
    &[4, 4, 4, 2],
    &[4, 4, 5],
    &[4, 3, 3, 3],
];
