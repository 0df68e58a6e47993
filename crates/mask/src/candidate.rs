//! What starts at one digit run: is it a card number?

use std::ops::Range;

use crate::brand::{Brand, Tier};
use crate::chain::{Chain, DIGITS_MAX, DIGITS_MIN, GAP_MAX, Group};
use crate::context;
use crate::finding::{Finding, FindingKind, Form};
use crate::iban;
use crate::reject;
use crate::text::Text;
use crate::track;
use crate::unit::{Gap, Kind, View};

/// A digit run, what goes on from it and what stands before it.
pub(crate) struct Candidate<'a, 't> {
    pub text: &'a Text<'t>,
    pub view: View,
    pub before: Before,
    pub run: Run,
}

/// Digits that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Where it starts.
    pub at: usize,
    /// Where it ends, or where the digits end that were read.
    pub end: usize,
    /// Digits in it; more than [`DIGITS_MAX`] are as good as endless.
    pub digits: usize,
}

/// What stands before a digit run. What a mask has written counts as digits there, so that masking one
/// number makes no other out of its neighbours.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Before {
    /// The character right before.
    pub last: Option<Kind>,
    /// Whether digits stand before, with nothing but a gap in between.
    pub group: bool,
    /// What sort of gap that is; `None` for none, or for one that no number is written with.
    pub gap: Option<Gap>,
    /// How many characters it has.
    pub units: usize,
}

impl Before {
    /// Goes on over a character that is no digit.
    pub fn pass(&mut self, kind: Kind) {
        match kind {
            Kind::Mark(b'*') => *self = Self { group: true, ..Self::default() },
            Kind::Gap(gap) => {
                let first = self.units == 0;
                self.gap = if first { Some(gap) } else { self.gap.and_then(|sort| sort.and(gap)) };
                self.units += 1;
                self.group &= self.units <= GAP_MAX;
            }
            Kind::Mark(_) | Kind::Other | Kind::Digit(_) => *self = Self::default(),
        }
        self.last = Some(kind);
    }

    /// Goes on over a run of digits.
    pub fn pass_run(&mut self) {
        *self = Self { last: Some(Kind::Digit(0)), group: true, gap: None, units: 0 };
    }
}

impl Run {
    /// The run that starts at `at`, as far as it matters.
    pub fn at(text: &Text<'_>, at: usize, view: View) -> Self {
        let mut run = Self { at, end: at, digits: 0 };
        while run.digits <= DIGITS_MAX
            && let Some(unit) = view.unit(text, run.end)
            && matches!(unit.kind, Kind::Digit(_))
        {
            run.end += unit.length;
            run.digits += 1;
        }
        run
    }
}

impl Candidate<'_, '_> {
    /// The card number or track that starts here, if one does. The run is no longer than one number.
    pub fn finding(&self) -> Option<Finding> {
        if self.run.digits < DIGITS_MIN && !self.may_be_group() {
            return None;
        }
        let chain = Chain::read(self.text, self.run.at, self.view, may_go_on);
        self.judged(&chain).or_else(|| {
            let (until, digits) = chain.escape()?;
            let is_of_run = until < self.run.end;
            let run = if is_of_run { Run { end: until, digits, ..self.run } } else { self.run };
            let cut = Chain::read_until(self.text, self.run.at, until, self.view, may_go_on);
            Self { text: self.text, view: self.view, before: self.before, run }.judged(&cut)
        })
    }

    /// The card number or track that the run and what goes on from it are.
    fn judged(&self, chain: &Chain) -> Option<Finding> {
        track::find(self, chain)
            .or_else(|| self.grouped(chain))
            .or_else(|| self.bare(chain))
            .or_else(|| self.float(chain))
            .or_else(|| self.listed(chain))
    }

    /// Whether the run, too short to be a number by itself, may be the first group of one, by what stands behind it:
    /// what [`may_go_on`] says of all numbers with a group of this length.
    fn may_be_group(&self) -> bool {
        let Some(Kind::Gap(gap)) = self.view.unit(self.text, self.run.end).map(|unit| unit.kind) else {
            return false;
        };
        let first = self.run.digits;
        first <= 3 || gap == Gap::Break || GROUPINGS.iter().any(|groups| groups.first() == Some(&first))
    }

    /// Card numbers that start at the run's start, where the run is too long to be one: numbers put together
    /// without a separator. No decimal has so many places that its fraction would be mistaken for long.
    pub fn windows(&self, passed: usize) -> Option<Finding> {
        if self.is_fraction() && passed < LONG_STARTS {
            return None;
        }
        let chain = Chain::read(self.text, self.run.at, self.view, |_, _| false);
        let longest = DIGITS_MAX.min(chain.digits());
        (DIGITS_MIN..=longest).rev().find_map(|count| {
            let end = chain.end_of(count)?;
            let brand = self.believed(chain.number(count)?, self.run.at..end)?;
            self.accept(brand, self.run.at, end, Form::Digits)
        })
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
            let count = pattern.iter().sum();
            let weakest = if lists || pattern.len() < 3 { Tier::A } else { Tier::B };
            let brand = Brand::of(chain.number(count)?).filter(|brand| brand.tier() <= weakest)?;
            let listed = lists && (self.follows(gap) || self.goes_on(chain.end_of(count)?, gap));
            (!listed).then_some((brand, count))
        };
        // The longest: of a number of 19 digits, a part may be one of 16 by chance, and would leave the rest.
        let (brand, count) = GROUPINGS.iter().filter(fits).find_map(read)?;
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
        if let Some(brand) = self.believed(number, self.run.at..self.run.end) {
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
        if !matches!(self.text.get(end)?, b'e' | b'E') {
            return None;
        }
        let signed = usize::from(self.text.get(end + 1) == Some(b'+'));
        let digit = |at: usize| self.text.get(end + 1 + signed + at).filter(u8::is_ascii_digit);
        let (tens, ones) = (digit(0)?, digit(1)?);
        if digit(2).is_some() {
            return None;
        }
        let exponent = usize::from(tens - b'0') * 10 + usize::from(ones - b'0');
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
        let count = groups.iter().map(|group| group.length).sum();
        if !even || self.follows(gap) || self.goes_on(chain.end_of(count)?, gap) {
            return None;
        }
        self.certain(chain, 0, count, self.run.at, Form::Number)
    }

    /// The brand of a bare number in `range`, if it is to be believed by itself or by the words around it.
    fn believed(&self, number: &[u8], range: Range<usize>) -> Option<Brand> {
        Brand::of(number).filter(|brand| match brand.tier() {
            Tier::A => true,
            Tier::B => context::speaks_of_cards(self.text, range),
            Tier::C => false,
        })
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
        // What follows a float's digits is an `e`.
        let float =
            self.text.get(end).is_some_and(|byte| matches!(byte, b'e' | b'E')) && form == Form::Digits;
        let other = (!float && reject::in_hex(self.text, &range))
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
        self.before.group && self.before.gap == Some(gap)
    }

    /// Whether another group of digits, masked or not, follows what ends at `end`, with such a gap in between.
    fn goes_on(&self, end: usize, gap: Gap) -> bool {
        let mut before = Before::default();
        let mut at = end;
        while let Some(unit) = self.view.unit(self.text, at) {
            match unit.kind {
                Kind::Digit(_) | Kind::Mark(b'*') => return before.gap == Some(gap),
                Kind::Gap(_) if before.units < GAP_MAX => before.pass(unit.kind),
                Kind::Gap(_) | Kind::Mark(_) | Kind::Other => return false,
            }
            at += unit.length;
        }
        false
    }
}

/// Whether a card number could go on over a gap: by its first digits, and by the groups so far.
fn may_go_on(chain: &Chain, gap: Gap) -> bool {
    let first = chain.number(chain.digits().min(PREFIX_MAX)).unwrap_or_default();
    let lengths = || chain.groups().iter().map(|group| group.length);
    let grouped = |pattern: &&[usize]| {
        pattern.get(..chain.groups().len()).is_some_and(|start| lengths().eq(start.iter().copied()))
    };
    let (one, two) = match chain.groups() {
        [group] => (Some(group.length), None),
        [_, second] => (None, Some(second.gap)),
        _ => (None, None),
    };
    let wrapped = (one.is_some() && gap == Gap::Break) || two == Some(Some(Gap::Break));
    let float = one == Some(1) && gap == Gap::Dot;
    let even = match lengths().next() {
        Some(length @ (1 | 2)) if lengths().all(|other| other == length) => true,
        Some(1..=3) => lengths().skip(1).all(|other| other == 3),
        _ => false,
    };
    Brand::may_start(first) && (wrapped || float || even || GROUPINGS.iter().any(grouped))
}

/// The one sort of separator between groups; line breaks go with any. `None` when there are several.
fn separator(groups: &[Group]) -> Option<Gap> {
    let mut sorts = groups.iter().filter_map(|group| group.gap).filter(|gap| *gap != Gap::Break);
    let Some(first) = sorts.next() else { return Some(Gap::Break) };
    sorts.all(|gap| gap == first).then_some(first)
}

/// Digits of a long run that are not let go before it is known whether a number follows them.
pub(crate) const LONG_STARTS: usize = DIGITS_MAX + 1;
/// Digits that a look at a number's beginning takes.
const PREFIX_MAX: usize = 6;

/// How card numbers are grouped, longest first.
pub(crate) const GROUPINGS: &[&[usize]] = &[
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
