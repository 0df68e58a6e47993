//! All readers over one text, and what they find put in order.

use std::ops::Range;

use crate::classes::Classes;
use crate::code::Codes;
use crate::dump::Dump;
use crate::encoded::{Encoded, Encoding};
use crate::finding::{Finding, FindingKind};
use crate::front::{Front, Sort};
use crate::packed::Packed;
use crate::personal::Personal;
use crate::reader::Reader;
use crate::secret::Secrets;
use crate::sieve::{Sieve, Stretch};
use crate::text::Text;
use crate::unit::View;
use crate::walk::Walk;

/// Reads a text in every way there is, up to where all of them have made up their minds.
///
/// Card numbers and tracks are read only in the stretches that the sieve leaves, by all their readers together.
/// What else is looked for goes over the text by itself.
#[derive(Debug)]
pub(crate) struct Engine {
    sieve: Sieve,
    /// What has been seen ahead of the readers.
    front: Front,
    /// Whether card numbers are left as they are; tracks are not.
    spares_cards: bool,
    /// Where the stretch ends in which card numbers are read.
    stretch_end: usize,
    /// Whether all has been seen that can be: what the text ends in is read by itself.
    tail: bool,
    plain: Walk,
    escaped: Walk,
    quoted: Option<Walk>,
    nested: Walk,
    dump: Dump,
    hex: Encoded,
    base64: Encoded,
    codes: Codes,
    packed: Packed,
    secrets: Option<Secrets>,
    personal: Option<Personal>,
    /// Up to where each has made up its mind.
    places: [usize; READERS],
    /// What each has found next.
    pending: [Option<Finding>; READERS],
    /// What overlaps and has been found so far.
    region: Vec<Finding>,
}

/// What became of a step.
#[derive(Debug)]
pub(crate) enum Step {
    /// Findings that overlap, in the order of their starts, and the range that they take together.
    Region(Vec<Finding>, Range<usize>),
    /// Nothing more is found before this place; to go on, more must be known.
    Clean(usize),
}

impl Engine {
    /// Readers of card numbers, tracks and `classes` that start at `at`, with escapes read as `views` say.
    pub fn new(classes: Classes, views: Views, at: usize) -> Self {
        let (plain, quoted) = match views {
            Views::Text => (View::Plain, Some(View::Quoted)),
            Views::JsonString => (View::Json, None),
        };
        let mut engine = Self {
            sieve: Sieve::new(),
            front: Front::new(at),
            spares_cards: false,
            stretch_end: at,
            tail: false,
            plain: Walk::new(plain, at),
            escaped: Walk::new(View::Escaped, at),
            quoted: quoted.map(|view| Walk::new(view, at)),
            nested: Walk::new(View::Nested, at),
            dump: Dump::new(at),
            hex: Encoded::new(Encoding::Hex, at),
            base64: Encoded::new(Encoding::Base64, at),
            codes: Codes::new(at),
            packed: Packed::new(at),
            secrets: classes.secret.then(|| Secrets::new(at)),
            personal: classes.has_personal().then(|| Personal::new(classes, at)),
            places: [at; READERS],
            pending: [const { None }; READERS],
            region: Vec::new(),
        };
        // One that is not wanted has made up its mind.
        for index in 0..READERS {
            if engine.reader(index).is_none() {
                engine.places.get_mut(index).into_iter().for_each(|place| *place = usize::MAX);
            }
        }
        engine
    }

    /// The same for a text of some hundred bytes, which its readers go over themselves, from `at` on.
    pub fn over_little(self, at: usize) -> Self {
        Self { front: Front::blind(at), ..self }
    }

    /// Readers that go over all of the text: what the sieve leaves out is held against what these find.
    #[cfg(test)]
    pub fn unsieved(classes: Classes, views: Views, at: usize) -> Self {
        Self { stretch_end: usize::MAX, front: Front::blind(at), ..Self::new(classes, views, at) }
    }

    /// The same readers, whose text is seen in one of the ways that this machine has.
    #[cfg(test)]
    pub fn seen_by(self, sieve: Sieve, at: usize) -> Self {
        Self { sieve, front: Front::made(sieve, at), ..self }
    }

    /// The same without the readers that go over all of a text, whose findings the sieve does not know.
    #[cfg(test)]
    pub fn sieved_alone(mut self) -> Self {
        self.skip(CODES, usize::MAX);
        self.skip(PACKED, usize::MAX);
        self
    }

    /// The same, which leaves card numbers as they are if it `spares` them.
    pub fn sparing_cards(self, spares: bool) -> Self {
        Self { spares_cards: spares, ..self }
    }

    /// Goes on to the next findings that overlap each other and nothing else.
    pub fn step(&mut self, text: &Text<'_>) -> Step {
        loop {
            match self.region(text) {
                Step::Region(mut found, _) if self.spares_cards => {
                    found.retain(|finding| !matches!(finding.kind, FindingKind::Pan { .. }));
                    let end = found.iter().map(|finding| finding.range.end).max();
                    let start = found.first().map(|finding| finding.range.start);
                    if let Some((start, end)) = start.zip(end) {
                        return Step::Region(found, start..end);
                    }
                }
                step => return step,
            }
        }
    }

    /// The next findings of any kind that overlap each other and nothing else.
    fn region(&mut self, text: &Text<'_>) -> Step {
        self.tail = !self.front.has_more(text);
        let mut settled = self.look_all(text);
        while self.region.is_empty()
            && self.starts().min().is_none_or(|start| start >= self.stretch_end.min(self.front.to()))
            && (self.next_stretch(text) || self.advance(text))
        {
            settled = self.look_all(text);
        }
        let begun = self.region.first().map(|first| first.range.start);
        let Some(start) = begun.or_else(|| self.starts().min()) else { return Step::Clean(settled) };
        if begun.is_none() && !text.ended() && self.undecided().is_some_and(|limit| limit <= start) {
            return Step::Clean(settled);
        }
        let mut end = self.region.iter().map(|finding| finding.range.end).max().unwrap_or(start + 1);
        loop {
            // What overlaps may begin behind the stretch.
            while self.front.to() < end && self.advance(text) {}
            self.look_all(text);
            while self.stretch_end < end.min(text.len()) {
                if !self.next_stretch(text) {
                    self.stretch_end = end.min(text.len());
                }
                self.look_all(text);
            }
            let mut grown = false;
            for index in 0..READERS {
                while self.pending_start(index).is_some_and(|at| at < end && at < start + REGION_BYTES_MAX) {
                    let Some(finding) = self.take(index) else { break };
                    end = end.max(finding.range.end);
                    self.region.push(finding);
                    grown = true;
                    self.look(index, text);
                }
            }
            if !grown {
                break;
            }
        }
        // Another reader may still find something that overlaps it.
        if !text.ended() && self.undecided().is_some_and(|limit| limit < end) {
            return Step::Clean(start);
        }
        let mut found = std::mem::take(&mut self.region);
        found.sort_by_key(|finding| (finding.range.start, finding.range.end));
        found.dedup_by(|one, same| one.range == same.range && one.form == same.form);
        Step::Region(found, start..end)
    }

    /// Lets the readers leap to `at`: nothing is found before.
    pub fn skip_to(&mut self, at: usize) {
        for index in 0..READERS {
            self.skip(index, at);
        }
    }

    /// Lets a reader leap to `at`.
    fn skip(&mut self, index: usize, at: usize) {
        if let Some(reader) = self.reader(index) {
            reader.skip_to(at);
            let at = reader.at();
            self.places.get_mut(index).into_iter().for_each(|place| *place = at);
        }
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        for index in 0..READERS {
            if let Some(reader) = self.reader(index) {
                reader.forget(bytes);
                let at = reader.at();
                self.places.get_mut(index).into_iter().for_each(|place| *place = at);
            }
        }
        for finding in self.pending.iter_mut().flatten().chain(&mut self.region) {
            finding.forget(bytes);
        }
        self.stretch_end = self.stretch_end.saturating_sub(bytes);
        self.front.forget(bytes);
    }

    /// Looks further ahead, if there is more to see.
    fn advance(&mut self, text: &Text<'_>) -> bool {
        if self.tail {
            return false;
        }
        let read = self.places.iter().copied().min().unwrap_or(0);
        self.front.advance(text, read);
        self.tail = !self.front.has_more(text);
        true
    }

    /// Lets the readers of card numbers leap to the next stretch, once all of them are through with this one.
    /// Whether there is one, or something to pass over.
    fn next_stretch(&mut self, text: &Text<'_>) -> bool {
        let end = self.stretch_end;
        let through = (0..CARD_READERS).all(|index| self.place(index) >= end);
        if !through || end >= text.len() {
            return false;
        }
        let to = self.front.to().min(text.len());
        let ahead = self.front.stretch(end);
        let nothing = |at: usize| Stretch::of(at..at);
        let Stretch { range, hex, base64, nested, dump } = match ahead {
            Some(stretch) if stretch.range.start < to => stretch,
            _ if end < to => nothing(to),
            // What the text ends in, as far as it is known, is seen from behind what has been seen.
            _ if self.tail => self.sieve.next(text, end).unwrap_or_else(|| nothing(text.len())),
            _ => return false,
        };
        for index in 0..CARD_READERS {
            let reads = match index {
                HEX => hex,
                BASE64 => base64,
                NESTED => nested,
                DUMP => dump,
                _ => true,
            };
            self.skip(index, if reads { range.start } else { range.end });
        }
        self.stretch_end = range.end;
        true
    }

    /// Lets every reader find its next, and says up to where all of them have made up their minds.
    fn look_all(&mut self, text: &Text<'_>) -> usize {
        (0..READERS).map(|index| self.look(index, text)).min().unwrap_or(text.len())
    }

    /// Lets a reader find its next, and says up to where it has made up its mind.
    #[inline]
    fn look(&mut self, index: usize, text: &Text<'_>) -> usize {
        if let Some(at) = self.pending_start(index) {
            return at;
        }
        let ahead = if self.tail { text.len() } else { self.front.to().min(text.len()) };
        let until = if index < CARD_READERS { self.stretch_end } else { ahead };
        let at = self.place(index);
        if at < until {
            return self.look_until(index, text, until);
        }
        if text.ended() && until >= text.len() { text.len() } else { at }
    }

    /// Lets a reader find its next that starts before `until`.
    fn look_until(&mut self, index: usize, text: &Text<'_>, until: usize) -> usize {
        let over = text.ended() && until >= text.len();
        loop {
            let at = self.place(index);
            if at >= until {
                return if over { text.len() } else { at };
            }
            let places = self.noted(index, at).unwrap_or(until..until);
            if places.start > at {
                self.skip(index, places.start.min(until));
            }
            if places.start >= until {
                continue;
            }
            let Some(reader) = self.reader(index) else { return text.len() };
            let found = if places.len() == 1 {
                reader.here(text, places.end)
            } else {
                reader.next(text, places.end.min(until))
            };
            let at = reader.at();
            self.places.get_mut(index).into_iter().for_each(|place| *place = at);
            if let Some(found) = found {
                let start = found.range.start;
                self.pending.get_mut(index).into_iter().for_each(|slot| *slot = Some(found.clone()));
                return start;
            }
            if at < places.end.min(until) {
                return if over { text.len() } else { at };
            }
        }
    }

    /// The first places at `at` or after that a reader is to look at; `None` when there is none.
    fn noted(&mut self, index: usize, at: usize) -> Option<Range<usize>> {
        let to = self.front.to();
        // What has not been seen is read.
        let unseen = at.max(to)..usize::MAX;
        if at >= to {
            if let (PERSONAL, Some(personal)) = (index, &mut self.personal) {
                personal.guide(None);
            }
            return Some(unseen);
        }
        let within = |places: Option<Range<usize>>| places.filter(|places| places.start < to);
        let noted = match index {
            CODES => within(self.front.next(Sort::Code, at)),
            PACKED => within(self.front.next(Sort::Packed, at)),
            SECRETS if self.secrets.as_ref().is_some_and(Secrets::is_inside) => return Some(at..to),
            SECRETS => within(self.front.next(Sort::Secret, at)),
            PERSONAL => {
                let number = within(self.front.next(Sort::Number, at));
                let address = within(self.front.next(Sort::Address, at));
                let first = number.as_ref().map_or(usize::MAX, |number| number.start);
                // Where too many are noted, all is read.
                let many = number.as_ref().is_some_and(|number| number.len() > 1);
                self.personal.as_mut()?.guide(Some(first).filter(|_| !many));
                match address {
                    // One number at a time.
                    Some(address) if address.start < first => Some(address.start..address.end.min(first)),
                    _ => number,
                }
            }
            _ => return Some(at..usize::MAX),
        };
        noted.or(if to == usize::MAX { None } else { Some(unseen) })
    }

    /// Up to where a reader has made up its mind.
    fn place(&self, index: usize) -> usize {
        self.places.get(index).copied().unwrap_or(usize::MAX)
    }

    /// The readers, those of card numbers first; `None` for one that is not wanted.
    fn reader(&mut self, index: usize) -> Option<&mut dyn Reader> {
        fn on(reader: &mut Option<impl Reader>) -> Option<&mut dyn Reader> {
            reader.as_mut().map(|reader| -> &mut dyn Reader { reader })
        }
        match index {
            0 => Some(&mut self.plain),
            1 => Some(&mut self.escaped),
            HEX => Some(&mut self.hex),
            BASE64 => Some(&mut self.base64),
            4 => on(&mut self.quoted),
            NESTED => Some(&mut self.nested),
            DUMP => Some(&mut self.dump),
            CODES => Some(&mut self.codes),
            PACKED => Some(&mut self.packed),
            SECRETS => on(&mut self.secrets),
            PERSONAL => on(&mut self.personal),
            _ => None,
        }
    }

    /// Up to where those readers have read that have found nothing.
    fn undecided(&self) -> Option<usize> {
        let indices = 0..READERS;
        let undecided = indices.filter(|index| self.pending.get(*index).is_some_and(Option::is_none));
        undecided.map(|index| self.place(index)).min()
    }

    fn starts(&self) -> impl Iterator<Item = usize> {
        self.pending.iter().flatten().map(|finding| finding.range.start)
    }

    fn pending_start(&self, index: usize) -> Option<usize> {
        self.pending.get(index)?.as_ref().map(|finding| finding.range.start)
    }

    fn take(&mut self, index: usize) -> Option<Finding> {
        self.pending.get_mut(index)?.take()
    }
}

/// Which views a text is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Views {
    /// As it stands, with all escapes read, and as quoted-printable.
    Text,
    /// As what is between the quotes of a JSON string, and with all escapes read.
    JsonString,
}

const READERS: usize = 11;
const CARD_READERS: usize = 7;
const HEX: usize = 2;
const BASE64: usize = 3;
const NESTED: usize = 5;
const DUMP: usize = 6;
const CODES: usize = 7;
const PACKED: usize = 8;
const SECRETS: usize = 9;
const PERSONAL: usize = 10;
/// How long findings that overlap may be together; what overlaps beyond is masked after them.
pub(crate) const REGION_BYTES_MAX: usize = 256;
