//! Magnetic-stripe data (ISO/IEC 7813), and its equivalent on a chip (EMV Book 3, tag 57).

use crate::brand;
use crate::candidate::Candidate;
use crate::chain::{Chain, DIGITS_MIN};
use crate::finding::{Finding, FindingKind, Form};
use crate::text::Text;
use crate::unit::{Gap, Kind, View};

/// The track whose card number is the run of `candidate`.
///
/// A number with an expiry and nothing after it is no track: it is left to be found as a card number. The
/// sentinel before the number is not part of what is found: in a stream it has passed already.
pub(crate) fn find(candidate: &Candidate<'_, '_>, chain: &Chain) -> Option<Finding> {
    let run = candidate.run;
    let number = chain.number(run.digits).filter(|number| number.len() >= DIGITS_MIN)?;
    let mut rest = Cursor { text: candidate.text, at: run.end, view: candidate.view };
    let kind = match (rest.next()?, candidate.before.last) {
        (Kind::Mark(b'^'), Some(Kind::Mark(b'B' | b'b'))) => FindingKind::Track1,
        (Kind::Mark(b'='), _) => FindingKind::Track2,
        // On a chip the separator is a hex digit, and so might be what stands before a number that is none.
        (Kind::Mark(b'D' | b'd'), last) if !matches!(last, Some(Kind::Mark(mark)) if mark.is_ascii_alphanumeric()) => {
            FindingKind::Track2
        }
        _ => return None,
    };
    let first = *number.first()?;
    if !brand::luhn(number) || number.iter().all(|digit| *digit == first) {
        return None;
    }
    if kind == FindingKind::Track1 {
        rest.name()?;
    }
    rest.expiry_and_service_code()?;
    rest.discretionary_data();
    let range = run.at..rest.at;
    Some(Finding { range, kind, form: Form::Whole, view: candidate.view })
}

/// Reads on behind the card number.
struct Cursor<'a, 't> {
    text: &'a Text<'t>,
    at: usize,
    view: View,
}

impl Cursor<'_, '_> {
    fn peek(&self) -> Option<Kind> {
        self.view.unit(self.text, self.at).map(|unit| unit.kind)
    }

    fn next(&mut self) -> Option<Kind> {
        let unit = self.view.unit(self.text, self.at)?;
        self.at += unit.length;
        Some(unit.kind)
    }

    fn digit(&mut self) -> Option<u8> {
        match self.next()? {
            Kind::Digit(digit) => Some(digit),
            Kind::Gap(_) | Kind::Mark(_) | Kind::Other => None,
        }
    }

    /// 2 to 26 characters, and `^`.
    fn name(&mut self) -> Option<()> {
        for length in 0..=NAME_MAX {
            match self.next()? {
                Kind::Mark(b'^') => return (length >= 2).then_some(()),
                Kind::Gap(Gap::Break) => return None,
                Kind::Gap(_) | Kind::Mark(_) | Kind::Digit(_) | Kind::Other => {}
            }
        }
        None
    }

    /// YYMM and three digits; a separator stands for either where it is not on the card.
    fn expiry_and_service_code(&mut self) -> Option<()> {
        if !self.skips_field() {
            let [_, _, tens, ones] = [self.digit()?, self.digit()?, self.digit()?, self.digit()?];
            if !(1..=12).contains(&(tens * 10 + ones)) {
                return None;
            }
        }
        if !self.skips_field() {
            for _ in 0..3 {
                self.digit()?;
            }
        }
        Some(())
    }

    fn skips_field(&mut self) -> bool {
        let skips = matches!(self.peek(), Some(Kind::Mark(b'=' | b'^')));
        if skips {
            self.next();
        }
        skips
    }

    /// What follows, through the end sentinel `?` where there is one in reach, else while it is alphanumeric.
    fn discretionary_data(&mut self) {
        let mut ahead = Self { text: self.text, at: self.at, view: self.view };
        let mut through = |stop: fn(Kind) -> bool| {
            for _ in 0..TRACK_MAX {
                match ahead.next() {
                    None | Some(Kind::Gap(Gap::Break) | Kind::Mark(b'"')) => return None,
                    Some(kind) if stop(kind) => return Some(ahead.at),
                    Some(_) => {}
                }
            }
            None
        };
        if let Some(end) = through(|kind| kind == Kind::Mark(b'?')) {
            self.at = end;
            return;
        }
        for _ in 0..TRACK_MAX {
            match self.peek() {
                Some(Kind::Digit(_)) => {}
                Some(Kind::Mark(mark)) if mark.is_ascii_alphanumeric() => {}
                _ => return,
            }
            self.next();
        }
    }
}

/// Longest cardholder name.
const NAME_MAX: usize = 26;
/// Longest track.
const TRACK_MAX: usize = 79;
