//! Groups of digits with gaps between them, as far as one number could reach.

use crate::text::Text;
use crate::unit::{Gap, Kind, View};

/// Digits of the longest card number (ISO/IEC 7812-1), of any brand.
pub(crate) const DIGITS_MAX: usize = 19;
/// Digits of the shortest.
pub(crate) const DIGITS_MIN: usize = 12;
/// Digits that are read: enough to see that a number of the greatest length goes on.
const DIGITS_READ: usize = DIGITS_MAX + 5;
/// Characters between two groups: a doubled separator, or one with spaces around it.
pub(crate) const GAP_MAX: usize = 3;

/// What starts at a digit: groups of digits, and the gaps between them.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    values: [u8; DIGITS_READ],
    ends: [usize; DIGITS_READ],
    digits: usize,
    groups: [Group; DIGITS_READ],
    grouped: usize,
    /// Where the first digit is read from an escape that stands right behind a digit that is written as it is, and how many
    /// digits of its group stand before it.
    escape: Option<(usize, usize)>,
}

/// One group of digits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// Digits in it.
    pub length: usize,
    /// What stands before it; `None` before the first.
    pub gap: Option<Gap>,
    /// How many characters that is.
    pub gap_units: usize,
}

impl Chain {
    /// Reads from the digit at `at` until something that is no part of a number, or as far as is needed. It
    /// goes on over a gap only while what it has read `may` go on.
    pub fn read(text: &Text<'_>, at: usize, view: View, may: impl Fn(&Self, Gap) -> bool) -> Self {
        Self::read_until(text, at, usize::MAX, view, may)
    }

    /// The same of what stands before `until`.
    pub fn read_until(
        text: &Text<'_>,
        mut at: usize,
        until: usize,
        view: View,
        may: impl Fn(&Self, Gap) -> bool,
    ) -> Self {
        let mut chain = Self::default();
        let (mut group, mut was_plain) = (Group::default(), false);
        loop {
            while at < until
                && let Some(unit) = view.unit(text, at)
                && let Kind::Digit(value) = unit.kind
            {
                let is_escape = || text.known(at..at + 1).first().is_some_and(|byte| view.opens(*byte));
                if unit.length > 1 && was_plain && chain.escape.is_none() && is_escape() {
                    chain.escape = Some((at, group.length));
                }
                was_plain = unit.length == 1;
                at += unit.length;
                if !chain.push(value, at) {
                    chain.close(group);
                    return chain;
                }
                group.length += 1;
            }
            chain.close(group);
            if at >= until {
                return chain;
            }
            let Some((gap, gap_units, next)) = gap(text, at, view, |gap| may(&chain, gap)) else {
                return chain;
            };
            at = next;
            was_plain = false;
            group = Group { length: 0, gap: Some(gap), gap_units };
        }
    }

    /// Where a digit is read from an escape right behind one that is written as it is, and how many of its group stand
    /// before it. No encoder writes one number so: it may be a sign, and digits of something else.
    pub fn escape(&self) -> Option<(usize, usize)> {
        self.escape
    }

    /// Digits read.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// The first `count` digits' values; `None` when there are fewer.
    pub fn number(&self, count: usize) -> Option<&[u8]> {
        self.values.get(..self.digits)?.get(..count)
    }

    /// Where the first `count` digits end; within a group, the next digit starts there.
    pub fn end_of(&self, count: usize) -> Option<usize> {
        self.ends.get(..self.digits)?.get(count.checked_sub(1)?).copied()
    }

    /// The groups, of which the last may go on.
    pub fn groups(&self) -> &[Group] {
        self.groups.get(..self.grouped).unwrap_or_default()
    }

    fn push(&mut self, value: u8, end: usize) -> bool {
        match (self.values.get_mut(self.digits), self.ends.get_mut(self.digits)) {
            (Some(to), Some(at)) => {
                (*to, *at) = (value, end);
                self.digits += 1;
                true
            }
            _ => false,
        }
    }

    fn close(&mut self, group: Group) {
        if group.length > 0
            && let Some(to) = self.groups.get_mut(self.grouped)
        {
            *to = group;
            self.grouped += 1;
        }
    }
}

/// The gap at `at`, how many characters it has, and the digit after it; `None` when no digit follows, or when
/// it `may` not go on over it.
fn gap(text: &Text<'_>, mut at: usize, view: View, may: impl Fn(Gap) -> bool) -> Option<(Gap, usize, usize)> {
    let mut sort: Option<Gap> = None;
    for units in 0..=GAP_MAX {
        let unit = view.unit(text, at)?;
        match unit.kind {
            Kind::Gap(gap) => sort = Some(sort.map_or(Some(gap), |sort| sort.and(gap))?),
            Kind::Digit(_) => return sort.map(|sort| (sort, units, at)),
            Kind::Mark(_) | Kind::Other => return None,
        }
        if !sort.is_some_and(&may) {
            return None;
        }
        at += unit.length;
    }
    None
}
