//! The walk over a text that finds card numbers and tracks, in one view.

use crate::candidate::{Before, Candidate, LONG_STARTS, Run};
use crate::chain::{DIGITS_MAX, GAP_MAX};
use crate::finding::Finding;
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::{Kind, SYNC, View, ascii};
use crate::work;

/// Reads a text for card numbers and tracks, its escapes read as one view has them.
#[derive(Debug)]
pub(crate) struct Walk {
    view: View,
    at: usize,
    /// What stands before `at`; `None` when that has not been looked at.
    before: Option<Before>,
    /// The run that `at` is in, when it is too long to be one number.
    long: Option<Long>,
    /// Where it is worth seeing again whether there is something to leap over.
    leap_at: usize,
}

/// A run of digits that is too long to be one number.
#[derive(Debug, Clone, Copy)]
struct Long {
    /// Where it starts.
    start: usize,
    /// Digits of it that have been passed, as far as they matter.
    passed: usize,
    /// Where the last number ends that was found in it.
    found_to: usize,
}

impl Walk {
    /// A walk that starts at `at`.
    pub fn new(view: View, at: usize) -> Self {
        Self { view, at, before: None, long: None, leap_at: at }
    }

    /// Looks at what stands before, from far enough back to be in step with the characters. A run of digits
    /// that began there is gone over: it has been judged from its start. `None` when more must be known.
    fn look_back(&mut self, text: &Text<'_>) -> Option<Before> {
        let mut before = Before::default();
        let mut at = self.at.saturating_sub(LOOK_BACK).max(text.begin());
        let mut digits = 0;
        while at < self.at
            && let Some(unit) = self.view.unit(text, at)
        {
            match unit.kind {
                Kind::Digit(_) if digits > 0 => digits += 1,
                Kind::Digit(_) => {
                    before.pass_run();
                    digits = 1;
                }
                kind => {
                    before.pass(kind);
                    digits = 0;
                }
            }
            at += unit.length;
        }
        self.at = at.max(self.at);
        if digits > 0 {
            let rest = Run::at(text, self.at, self.view);
            if text.starved() {
                return None;
            }
            if digits + rest.digits > DIGITS_MAX {
                self.long = Some(Long { start: self.at, passed: LONG_STARTS, found_to: 0 });
            } else {
                self.at = rest.end;
            }
        }
        Some(before)
    }

    /// Goes over what another view reads the same: this one matters only where something is escaped. The first
    /// view of a text leaps over nothing.
    ///
    /// It leaps from behind a character that ends every number, to behind another: there nothing before matters.
    fn leap(&mut self, text: &Text<'_>, until: usize) {
        if matches!(self.view, View::Plain | View::Json) {
            self.leap_at = usize::MAX;
            return;
        }
        let range = self.at..until.saturating_add(NUMBER_BYTES_MAX).min(text.len());
        let next = text.seek(range.clone(), |rest| self.view.next_opener(rest));
        let next = self.at + next.unwrap_or(range.len());
        let over = text.known(self.at..next.saturating_sub(NUMBER_BYTES_MAX).max(self.at));
        work::done(over.len());
        if let Some(last) = over.iter().rposition(|byte| ends_numbers(ascii(*byte))) {
            self.skip_to(self.at + last + 1);
        }
        // Up to what may be escaped there is nothing more to leap over.
        self.leap_at = next + 1;
    }

    /// Goes over characters of one byte that are no digits, but for the last ones before a digit, an escape or the end:
    /// what stands further before matters to nothing.
    fn pass_over(&mut self, text: &Text<'_>, until: usize) {
        let known = text.known(self.at..until.min(text.len()));
        let is_plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_digit() && !self.view.opens(*byte);
        let over = known.iter().take_while(|byte| is_plain(byte)).count();
        work::done(over);
        if let Some(over) = over.checked_sub(2 * GAP_MAX) {
            self.at += over;
            self.before = Some(Before::default());
        }
    }

    /// Whether a finding is not one that another view shows as well: this one is not read everywhere, and where it begins
    /// it does not know all that the others do of what stands before.
    fn shows_more(&self, text: &Text<'_>, found: &Finding) -> bool {
        self.view != View::Nested || memchr::memmem::find(text.known(found.range.clone()), b"%25").is_some()
    }

    /// Judges the digit at `at`, and goes on behind it.
    fn digit(&mut self, text: &Text<'_>, before: Before) -> Option<Finding> {
        let run = Run::at(text, self.at, self.view);
        let mut before = before;
        if self.long.is_some_and(|long| long.found_to == self.at) {
            before.pass_run();
        }
        let candidate = Candidate { text, view: self.view, before, run };
        // Behind a number in a long run the rest is as if it stood alone: so it will once that is masked.
        let long = self.long.filter(|long| long.found_to != self.at || run.digits > DIGITS_MAX);
        let long = long.or_else(|| {
            let fresh = Long { start: self.at, passed: 0, found_to: 0 };
            (run.digits > DIGITS_MAX).then_some(fresh)
        });
        let finding = match long {
            Some(long) => candidate.windows(long.passed),
            None => candidate.finding(),
        };
        if text.starved() {
            return None;
        }
        match long {
            Some(long) => self.pass_digit(text, long, before, finding),
            None => {
                let mut after = before;
                after.pass_run();
                let finding = finding.map(|finding| match self.long {
                    Some(_) => Finding { form: finding.form.bare(), ..finding },
                    None => finding,
                });
                self.at = finding.as_ref().map_or(run.end, |finding| finding.range.end.max(run.end));
                (self.before, self.long) = (Some(after).filter(|_| self.at == run.end), None);
                finding
            }
        }
    }

    /// Goes over one digit of a run in which the next number may start at the next digit. Digits before the first
    /// number, too few to be more than its neighbours, go with it: alone they would read as something else.
    fn pass_digit(
        &mut self,
        text: &Text<'_>,
        mut long: Long,
        before: Before,
        finding: Option<Finding>,
    ) -> Option<Finding> {
        let digit = self.view.unit(text, self.at).map_or(1, |unit| unit.length);
        let finding = finding.map(|mut finding| {
            if long.passed < LONG_STARTS {
                finding.range.start = long.start;
            }
            (long.passed, long.found_to) = (LONG_STARTS, long.found_to.max(finding.range.end));
            finding
        });
        long.passed += 1;
        self.at += digit;
        (self.before, self.long) = (Some(before), Some(long));
        finding
    }
}

impl Reader for Walk {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        while self.at() < until {
            text.forgive();
            let before = match self.before {
                Some(before) => before,
                None => {
                    let before = self.look_back(text)?;
                    *self.before.insert(before)
                }
            };
            let unit = self.view.unit(text, self.at)?;
            if matches!(unit.kind, Kind::Digit(_)) {
                let found = self.digit(text, before).filter(|found| self.shows_more(text, found));
                if found.is_some() || text.starved() {
                    return found;
                }
            } else if text.starved() {
                return None;
            } else {
                let mut after = before;
                after.pass(unit.kind);
                (self.before, self.long) = (Some(after), None);
                self.at += unit.length;
                self.pass_over(text, until);
                if self.at >= self.leap_at && unit.length == 1 && ends_numbers(unit.kind) {
                    self.leap(text, until);
                }
            }
        }
        None
    }

    fn at(&self) -> usize {
        self.long.filter(|long| long.passed < LONG_STARTS).map_or(self.at, |long| long.start)
    }

    fn skip_to(&mut self, at: usize) {
        if at > self.at {
            *self = Self::new(self.view, at);
        }
    }

    fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.leap_at = self.leap_at.saturating_sub(bytes);
        if let Some(long) = &mut self.long {
            long.start = long.start.saturating_sub(bytes);
            long.found_to = long.found_to.saturating_sub(bytes);
        }
    }
}

/// Whether a character parts what is before it from what is behind it: no number goes on over it, and no mask.
fn ends_numbers(kind: Kind) -> bool {
    matches!(kind, Kind::Mark(mark) if mark.is_ascii() && mark != b'*')
}

/// Longest stretch of plain text that the beginning of one number takes: a number of four bytes a digit and its
/// gaps, of three characters of three bytes each.
const NUMBER_BYTES_MAX: usize = DIGITS_MAX * 4 + (DIGITS_MAX - 1) * 9;
/// How far back a walk starts to know what stands before: longer than four characters as escapes.
pub(crate) const LOOK_BACK: usize = 4 * SYNC;
