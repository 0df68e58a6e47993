//! One look ahead over a text for all of its readers: where each has something to read, and nothing in between.
//!
//! A text is gone over a few kilobytes at a time, and each place where something shows is noted for the reader that
//! it concerns, when a short look has not turned it away. The readers then go to what has been noted. At the end of a
//! text that goes on too little is known, and they go over all of it themselves.

use std::ops::Range;

use crate::bitmap::BLOCK;
use crate::code;
use crate::packed::heads;
use crate::secret;
use crate::sieve::signs::{CODE_LATE, IBAN_LATE, KEY_LATE, NINE_LATE, PACKED_LATE, SSN_LATE, TOKEN_LATE};
use crate::sieve::{AHEAD, BATCH, LATE, Looked, SHOWN_LATE, Sieve, Stretch};
use crate::text::Text;

/// What has been seen of a text.
#[derive(Debug)]
pub(crate) struct Front {
    sieve: Sieve,
    /// Where it begins.
    begin: usize,
    /// Up to where the text has been gone over.
    seen: usize,
    /// Whether that is all of it.
    over: bool,
    looked: Looked,
    found: Found,
    /// Whether it sees nothing.
    blind: bool,
}

/// What a place is noted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Where a code or a block may start.
    Code,
    /// Where packed decimal may.
    Packed,
    /// Where a telephone number, an IBAN or a Social Security number may.
    Number,
    /// Where an e-mail address may.
    Address,
    /// Behind a name or at an anchor of a secret.
    Secret,
}

impl Front {
    /// What is seen from `at` on.
    pub fn new(at: usize) -> Self {
        Self::made(Sieve::new(), at)
    }

    /// What is not seen at all, where there is so little that the readers are as quick.
    pub fn blind(at: usize) -> Self {
        Self { blind: true, ..Self::new(at) }
    }

    /// What is seen in one way.
    pub fn made(sieve: Sieve, at: usize) -> Self {
        let mut found = Found::default();
        // At the start of a text nothing need stand before packed decimal.
        found.notes(Sort::Packed).dense(at, at + heads::HEAD);
        Self {
            sieve,
            begin: at,
            // Names and what else stands before what they tell of.
            seen: at.saturating_sub(BATCH),
            over: false,
            looked: Looked::before(at),
            found,
            blind: false,
        }
    }

    /// Whether there is more of the text to see.
    pub fn has_more(&self, text: &Text<'_>) -> bool {
        !self.blind && !self.over && (text.ended() || self.page(text).end > self.seen)
    }

    /// What is seen next of the text.
    fn page(&self, text: &Text<'_>) -> Range<usize> {
        let most = self.seen + PAGE;
        let end = if text.ended() {
            text.len().min(most)
        } else {
            let known = text.len().saturating_sub(AHEAD).clamp(self.seen, most);
            known - (known - self.seen) % BATCH
        };
        self.seen..end.max(self.seen)
    }

    /// Goes on to see more of the text, whose readers have read up to `read`.
    pub fn advance(&mut self, text: &Text<'_>, read: usize) {
        let Range { start, end } = self.page(text);
        self.over = text.ended() && end >= text.len();
        self.found.drop_before(read);
        // What ends with the text shows a few bytes later.
        let to = if self.over { end + LATE } else { end };
        self.sieve.gather(text, self.begin, start..to, &mut self.looked, &mut self.found);
        self.found.sort();
        self.seen = end;
    }

    /// Up to where all places are noted.
    pub fn to(&self) -> usize {
        if self.blind {
            return self.begin;
        }
        if self.over { usize::MAX } else { self.seen.saturating_sub(SHOWN_LATE).max(self.begin) }
    }

    /// The first stretch at `at` or after in which card numbers may be.
    pub fn stretch(&mut self, at: usize) -> Option<Stretch> {
        self.found.stretches.retain(|stretch| stretch.range.end > at);
        let first = self.found.stretches.first()?.clone();
        Some(Stretch { range: first.range.start.max(at)..first.range.end, ..first })
    }

    /// The first places at `at` or after where one of a `sort` may start.
    pub fn next(&self, sort: Sort, at: usize) -> Option<Range<usize>> {
        self.found.notes_of(sort).next(at, sort.reach())
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        self.begin = self.begin.saturating_sub(bytes);
        self.seen = self.seen.saturating_sub(bytes);
        self.looked.forget(bytes);
        self.found.forget(bytes);
    }
}

impl Sort {
    /// From a place on, how far one may start.
    fn reach(self) -> usize {
        match self {
            Self::Code | Self::Packed | Self::Number => 1,
            // The place is that of the sign, less the longest name before it.
            Self::Address => ADDRESS_BEFORE + 1,
            Self::Secret => SECRET_REACH,
        }
    }
}

/// What has been noted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Where card numbers may be.
    pub stretches: Vec<Stretch>,
    /// The places of each [`Sort`].
    notes: [Notes; SORTS],
    /// Up to where a name may be that of an option.
    pub options_to: usize,
}

impl Found {
    /// What is shown as a code.
    pub fn code(&mut self, text: &Text<'_>, shown: usize) {
        let place = shown - CODE_LATE + 1;
        if code::shows_name(text, place) {
            self.note(Sort::Code, place);
        }
    }

    pub fn packed(&mut self, text: &Text<'_>, shown: usize) {
        let place = shown - PACKED_LATE;
        if heads::may_start(text.bytes(), place) {
            self.note(Sort::Packed, place);
        }
    }

    /// The first digit of what may be somebody's number.
    pub fn number(&mut self, _: &Text<'_>, place: usize) {
        self.note(Sort::Number, place);
    }

    pub fn iban(&mut self, text: &Text<'_>, shown: usize) {
        self.number(text, shown - IBAN_LATE);
    }

    pub fn ssn(&mut self, text: &Text<'_>, shown: usize) {
        self.number(text, shown - SSN_LATE);
    }

    pub fn nine(&mut self, text: &Text<'_>, shown: usize) {
        self.number(text, shown - NINE_LATE);
    }

    /// `@` or `~`.
    pub fn at(&mut self, text: &Text<'_>, at: usize) {
        if text.bytes().get(at) == Some(&b'@') {
            self.note(Sort::Address, at.saturating_sub(ADDRESS_BEFORE));
        } else {
            self.anchor(text, at);
        }
    }

    /// What gives a name a value.
    pub fn value(&mut self, text: &Text<'_>, sign: usize) {
        if let Some(name_end) = secret::shows_name(text.bytes(), sign) {
            self.note(Sort::Secret, name_end);
        }
    }

    /// The place behind a name, which may be an option's.
    pub fn named(&mut self, text: &Text<'_>, at: usize) {
        if secret::shows_name_before(text.bytes(), at) {
            self.note(Sort::Secret, at);
        }
    }

    /// Two dashes, behind which an option's name may follow.
    pub fn dashes(&mut self, _: &Text<'_>, at: usize) {
        self.options_to = at + OPTION_REACH;
    }

    pub fn token(&mut self, text: &Text<'_>, shown: usize) {
        if secret::shows_token(text.bytes(), shown - TOKEN_LATE) {
            self.note(Sort::Secret, shown - TOKEN_LATE);
        }
    }

    /// What may be a key of AWS.
    pub fn key(&mut self, text: &Text<'_>, shown: usize) {
        if secret::shows_key(text.bytes(), shown - KEY_LATE) {
            self.note(Sort::Secret, shown - KEY_LATE);
        }
    }

    /// What may be, but for its end, an anchor of another sort: that ends a few bytes from `at`.
    pub fn anchor(&mut self, text: &Text<'_>, at: usize) {
        for end in at + 1..=at + ANCHOR_ENDS {
            if secret::shows_anchor(text.bytes(), end, text.ended()) {
                self.note(Sort::Secret, end);
            }
        }
    }

    fn note(&mut self, sort: Sort, at: usize) {
        self.notes(sort).add(at);
    }

    fn notes(&mut self, sort: Sort) -> &mut Notes {
        let [code, packed, number, address, secret] = &mut self.notes;
        match sort {
            Sort::Code => code,
            Sort::Packed => packed,
            Sort::Number => number,
            Sort::Address => address,
            Sort::Secret => secret,
        }
    }

    fn notes_of(&self, sort: Sort) -> &Notes {
        let [code, packed, number, address, secret] = &self.notes;
        match sort {
            Sort::Code => code,
            Sort::Packed => packed,
            Sort::Number => number,
            Sort::Address => address,
            Sort::Secret => secret,
        }
    }

    /// Drops what no reader needs that has read up to `at`.
    fn drop_before(&mut self, at: usize) {
        let before = at.saturating_sub(SECRET_REACH);
        self.notes.iter_mut().for_each(|notes| notes.drop_before(before));
    }

    fn sort(&mut self) {
        self.notes.iter_mut().for_each(|notes| notes.at.sort_unstable());
    }

    fn forget(&mut self, bytes: usize) {
        for stretch in &mut self.stretches {
            let Range { start, end } = &mut stretch.range;
            (*start, *end) = (start.saturating_sub(bytes), end.saturating_sub(bytes));
        }
        self.notes.iter_mut().for_each(|notes| notes.forget(bytes));
        self.options_to = self.options_to.saturating_sub(bytes);
    }
}

/// Places of one sort, in their order.
#[derive(Debug, Default)]
struct Notes {
    at: Vec<usize>,
    /// Where there are too many to note each: all that is there is read.
    all: Range<usize>,
}

impl Notes {
    fn add(&mut self, at: usize) {
        if self.at.len() < NOTES_MAX {
            self.at.push(at);
        } else {
            self.dense(at, at + 1);
        }
    }

    fn dense(&mut self, from: usize, to: usize) {
        let start = if self.all.is_empty() { from } else { self.all.start.min(from) };
        self.all = start..self.all.end.max(to);
    }

    /// The first places at `at` or after, each of which reaches so far.
    fn next(&self, at: usize, reach: usize) -> Option<Range<usize>> {
        let first = self.at.iter().find(|note| *note + reach > at);
        let first = first.map(|note| at.max(*note)..note + reach);
        let all = self.all.start.max(at)..self.all.end + reach - 1;
        let all = Some(all).filter(|all| self.all.start < self.all.end && !all.is_empty());
        match (first, all) {
            (Some(first), Some(all)) if all.start < first.start => Some(all),
            (None, all) => all,
            (first, _) => first,
        }
    }

    fn drop_before(&mut self, at: usize) {
        self.at.retain(|note| *note >= at);
        if self.all.end <= at {
            self.all = 0..0;
        }
    }

    fn forget(&mut self, bytes: usize) {
        // Of what is dropped nothing is wanted any more, but for what reaches further.
        self.at.iter_mut().for_each(|note| *note = note.saturating_sub(bytes));
        self.all = self.all.start.saturating_sub(bytes)..self.all.end.saturating_sub(bytes);
    }
}

/// Bytes that are gone over at a time.
const PAGE: usize = 12 * BATCH;
/// Places of one sort that are noted by themselves.
const NOTES_MAX: usize = 128;
const SORTS: usize = 5;
/// Longest name before the sign of an e-mail address.
const ADDRESS_BEFORE: usize = crate::personal::LOCAL_MAX;
/// How far behind a name or the start of an anchor a secret may start.
const SECRET_REACH: usize = 5 * BLOCK;
/// How far behind two dashes the name of an option may end.
const OPTION_REACH: usize = 128;
/// How far behind a sign an anchor ends that it is of: that is `--user`.
const ANCHOR_ENDS: usize = 4;

#[cfg(test)]
mod tests;
