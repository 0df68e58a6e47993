//! All readers over one text, and what they find put in order.

use std::ops::Range;

use crate::classes::Classes;
use crate::encoded::{Encoded, Encoding};
use crate::finding::Finding;
use crate::reader::Reader;
use crate::text::Text;
use crate::unit::View;
use crate::walk::Walk;

/// Reads a text in every way there is, up to where all of them have made up their minds.
#[derive(Debug)]
pub(crate) struct Engine {
    plain: Walk,
    escaped: Walk,
    quoted: Walk,
    hex: Encoded,
    base64: Encoded,
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
    /// Readers that start at `at`, with escapes read as `views` say.
    pub fn new(_classes: Classes, views: Views, at: usize) -> Self {
        let [plain, escaped, quoted] = match views {
            Views::Text => [View::Plain, View::Escaped, View::Quoted],
            Views::JsonString => [View::Json, View::Escaped, View::Json],
        };
        Self {
            plain: Walk::new(plain, at),
            escaped: Walk::new(escaped, at),
            quoted: Walk::new(quoted, at),
            hex: Encoded::new(Encoding::Hex, at),
            base64: Encoded::new(Encoding::Base64, at),
            pending: [const { None }; READERS],
            region: Vec::new(),
        }
    }

    /// Goes on to the next findings that overlap each other and nothing else.
    pub fn step(&mut self, text: &Text<'_>) -> Step {
        let mut settled = text.len();
        for index in 0..READERS {
            settled = settled.min(self.look(index, text));
        }
        let begun = self.region.first().map(|first| first.range.start);
        let Some(start) = begun.or_else(|| self.starts().min()) else { return Step::Clean(settled) };
        if begun.is_none() && !text.ended() && self.undecided().is_some_and(|limit| limit <= start) {
            return Step::Clean(settled);
        }
        let mut end = self.region.iter().map(|finding| finding.range.end).max().unwrap_or(start + 1);
        loop {
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
            if let Some(reader) = self.reader(index) {
                reader.skip_to(at);
            }
        }
    }

    /// The first `bytes` of the text have been dropped.
    pub fn forget(&mut self, bytes: usize) {
        for index in 0..READERS {
            if let Some(reader) = self.reader(index) {
                reader.forget(bytes);
            }
        }
        for finding in self.pending.iter_mut().flatten().chain(&mut self.region) {
            finding.forget(bytes);
        }
    }

    /// Lets a reader find its next, and says up to where it has made up its mind.
    fn look(&mut self, index: usize, text: &Text<'_>) -> usize {
        if let Some(at) = self.pending_start(index) {
            return at;
        }
        let Some(reader) = self.reader(index) else { return text.len() };
        let found = reader.next(text);
        let at = reader.at();
        let settled = found.as_ref().map_or(at, |finding| finding.range.start);
        if let Some(slot) = self.pending.get_mut(index) {
            *slot = found;
        }
        if text.ended() && self.pending_start(index).is_none() { text.len() } else { settled }
    }

    fn reader(&mut self, index: usize) -> Option<&mut dyn Reader> {
        Some(match index {
            0 => &mut self.plain,
            1 => &mut self.escaped,
            2 => &mut self.quoted,
            3 => &mut self.hex,
            4 => &mut self.base64,
            _ => return None,
        })
    }

    /// Up to where those readers have read that have found nothing.
    fn undecided(&mut self) -> Option<usize> {
        let undecided = |index: &usize| self.pending.get(*index).is_some_and(Option::is_none);
        let indices: [usize; READERS] = std::array::from_fn(|index| index);
        let undecided = indices.map(|index| Some(index).filter(undecided));
        undecided.into_iter().flatten().filter_map(|index| self.reader(index).map(|reader| reader.at())).min()
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

const READERS: usize = 5;
/// How long findings that overlap may be together; what overlaps beyond is masked after them.
pub(crate) const REGION_BYTES_MAX: usize = 256;
