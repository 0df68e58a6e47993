//! The closer look at digits in hex with something between the bytes.

use super::Look;
use crate::dump::{self, FIRST};
use crate::text::Text;

impl<'t> Look<'t> {
    /// Digits in pairs, or in groups of them, around `at`, as far as they go on: is there a number among them in hex?
    pub(super) fn dump(&mut self, at: usize) {
        if at < self.looked.dump_to {
            return;
        }
        let text = self.as_text();
        let mut place = at.saturating_sub(BACK).max(self.looked.dump_to).max(self.from);
        let (mut others, mut end) = (0, at);
        while place < self.text.len() && (place < at || others <= OTHERS_MAX) {
            let byte = self.byte(place).unwrap_or_default();
            others = if byte.is_ascii_digit() { 0 } else { others + 1 };
            let mut next = place + 1;
            // Digits in groups show where they begin, and not again behind a letter among them.
            if byte.is_ascii_digit() && place >= self.looked.digits_to.max(at) {
                self.digits(place);
            }
            if byte == FIRST {
                text.forgive();
                let found = dump::number(&text, place);
                if text.starved() {
                    self.take_dump(place, self.text.len());
                } else if let Some(found) = found {
                    next = found.range.end;
                    self.take_dump(place, next);
                }
            }
            place = next;
            end = end.max(place);
        }
        self.looked.dump_to = end;
        if self.open && place >= self.text.len() {
            self.looked.cut = Some(self.text.len());
        }
    }

    /// The same behind where the text was cut that goes on now.
    pub(super) fn dump_goes_on(&mut self, cut: usize) {
        self.looked.dump_to = self.looked.dump_to.min(cut);
        self.dump(cut);
    }

    /// Where a number begins in what an open text ends in, if one may.
    pub(super) fn open_dump(&self) -> Option<usize> {
        let text = self.as_text();
        let from = self.text.len().saturating_sub(BACK).max(self.from);
        memchr::memchr_iter(FIRST, self.after(from)).map(|at| from + at).find(|place| {
            text.forgive();
            dump::number(&text, *place).is_none() && text.starved()
        })
    }

    fn as_text(&self) -> Text<'t> {
        Text::new(self.text, !self.open).from(self.whole.begin()).about_cards(self.whole.is_about_cards())
    }

    /// Takes what may be digits in hex with something between the bytes.
    fn take_dump(&mut self, start: usize, end: usize) {
        self.take(start, end);
        self.found.iter_mut().for_each(|found| found.dump = true);
    }
}

/// How far before where digits show a number may begin: two lines of a dump.
const BACK: usize = 160;
/// More characters that are no digits end what shows.
const OTHERS_MAX: usize = 3;
