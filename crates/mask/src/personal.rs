//! What tells who someone is: e-mail addresses, telephone numbers, bank accounts, Social Security numbers.
//!
//! A class is looked for only when the operator turns it on. Telephone numbers and IBANs are found from behind
//! the sign that begins them, which stays; of an e-mail address and of a Social Security number nothing stays,
//! so while these are looked for, a stream holds back the word or number that it ends in (64 bytes at most).

mod email;
mod phone;
mod place;
mod ssn;

pub(crate) use email::LOCAL_MAX;
use place::{Addresses, Numbers};

use crate::classes::Classes;
use crate::finding::{Finding, FindingKind, Form};
use crate::iban;
use crate::reader::Reader;
use crate::secret::escape;
use crate::text::Text;
use crate::unit::View;

/// Reads a text for what is personal.
#[derive(Debug)]
pub(crate) struct Personal {
    at: usize,
    classes: Classes,
    addresses: Addresses,
    numbers: Numbers,
    /// The first place where a number may start, when something else has looked.
    number: Option<usize>,
}

/// What of `classes` starts at `at`: where it ends, and what it is.
///
/// It looks at 64 bytes before at most, and refuses by the byte there and the one before nearly everywhere.
pub(crate) fn judge(text: &Text<'_>, at: usize, classes: Classes) -> Option<(usize, FindingKind)> {
    let before = text.words_before(at, BEFORE);
    let first = text.get(at)?;
    let may_start = first.is_ascii_digit() || (classes.email && email::is_first(first));
    if !may_start || before.ends_with(MASKED) {
        return None;
    }
    let class = |on: bool, kind: FindingKind, find: fn(&Text<'_>, usize, &[u8]) -> Option<usize>| {
        on.then(|| find(text, at, before)).flatten().filter(|end| is_alone(text, *end)).map(|end| (end, kind))
    };
    // An address may begin with any of the others.
    let address = class(classes.email, FindingKind::Email, email::find);
    if address.is_some() || !first.is_ascii_digit() {
        return address;
    }
    class(classes.iban, FindingKind::Iban, account)
        .or_else(|| class(classes.phone, FindingKind::Phone, phone::find))
        .or_else(|| class(classes.us_ssn, FindingKind::UsSsn, ssn::find))
}

/// Whether what ends at `end` stands alone: beside what has been masked it is part of that, or was none before.
fn is_alone(text: &Text<'_>, end: usize) -> bool {
    let end = end + usize::from(matches!(text.get(end), Some(b'+' | b'-' | b'.' | b'/' | b'%')));
    !(end..end + MASKED.len()).all(|place| text.get(place) == Some(b'*'))
}

/// Whether `text`, which is all there is, may hold any of `classes`: most that is short is turned away by one look.
pub(crate) fn may_hold(text: &[u8], classes: Classes) -> bool {
    let mut personal = Personal::new(classes, 0);
    personal.leap(&Text::whole(text), text.len());
    personal.at < text.len()
}

/// Where the last four characters begin of an IBAN whose check digits are at `at`. Its country's code before
/// them stays, and so do those four.
fn account(text: &Text<'_>, at: usize, before: &[u8]) -> Option<usize> {
    let [head @ .., one, two] = before else { return None };
    let country = one.is_ascii_uppercase() && two.is_ascii_uppercase();
    if !country || (head.last().is_some_and(u8::is_ascii_alphanumeric) && !escape::ends(head)) {
        return None;
    }
    // Its last four stay, so what stands behind them is looked at here.
    let end = iban::end(text, at.checked_sub(2)?).filter(|end| is_alone(text, *end))?;
    let number = text.known(at..end);
    let mut told = (at..end).zip(number).rev().filter(|(_, byte)| byte.is_ascii_alphanumeric());
    told.nth(3).map(|(place, _)| place)
}

impl Personal {
    /// A reader for `classes` that starts at `at`.
    pub fn new(classes: Classes, at: usize) -> Self {
        Self { at, classes, addresses: Addresses::default(), numbers: Numbers::default(), number: None }
    }
}

impl Personal {
    /// Where a number may start next, if something else has looked: nowhere before.
    pub fn guide(&mut self, number: Option<usize>) {
        self.number = number;
    }

    /// Goes over the places where nothing can start, up to `until` or further.
    fn leap(&mut self, text: &Text<'_>, until: usize) {
        let at = self.at;
        let address = if self.classes.email { self.addresses.next(text, at, until) } else { text.len() };
        let numbers = self.classes.phone || self.classes.iban || self.classes.us_ssn;
        let number = match self.number {
            // Behind the place that was told of, it is to be told again.
            Some(number) if number >= at => number,
            Some(_) => until,
            None if numbers => self.numbers.next(text, at),
            None => text.len(),
        };
        let number = if numbers { number } else { text.len() };
        // Behind `until` nothing has been told of.
        let told = if self.number.is_some() { until } else { text.len() };
        self.at = at.max(address.min(number).min(told));
    }
}

impl Reader for Personal {
    fn next(&mut self, text: &Text<'_>, until: usize) -> Option<Finding> {
        loop {
            text.forgive();
            self.leap(text, until);
            if self.at >= until {
                return None;
            }
            text.get(self.at)?;
            let judged = judge(text, self.at, self.classes);
            if text.starved() {
                return None;
            }
            let Some((end, kind)) = judged else {
                self.at += 1;
                continue;
            };
            let range = self.at..end;
            self.at = end;
            return Some(Finding { range, kind, form: Form::Whole, view: View::Plain });
        }
    }

    fn at(&self) -> usize {
        self.at
    }

    fn skip_to(&mut self, at: usize) {
        self.at = self.at.max(at);
    }

    fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
        self.addresses.forget(bytes);
        self.numbers.forget();
    }
}

/// So many stars are no emphasis.
const MASKED: &[u8] = b"****";
/// How far is looked back.
const BEFORE: usize = 64;

#[cfg(test)]
mod tests;
