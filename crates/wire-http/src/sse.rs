//! Server-sent events (WHATWG HTML §9.2), masked as they pass: each is released as soon as it is complete.

mod event;

use std::sync::Arc;

use crate::body::{Care, Rewrite, Runs, Withheld};
use crate::llm::{Flush, Frame, Seen, Texts};
use event::{Cut, Event, Events};

/// Rewrites a stream of events of which nothing is known.
pub(crate) fn open(care: &Care) -> Box<dyn Rewrite> {
    Box::new(Sse::new(care, false, Arc::default()))
}

/// Rewrites a stream of events.
pub(crate) struct Sse {
    care: Care,
    events: Events,
    texts: Texts,
    /// What stood in the fields that hold no data.
    runs: Runs,
    /// How lines of the stream end.
    line_end: &'static [u8],
}

impl Sse {
    /// A model `answers` in the stream, or anything does.
    pub fn new(care: &Care, answers: bool, seen: Arc<Seen>) -> Self {
        Self {
            care: care.clone(),
            events: Events::default(),
            texts: Texts::new(care, answers, seen),
            runs: Runs::of_parts(PART_DIGITS_MIN),
            line_end: b"\n",
        }
    }

    fn event(&mut self, mut event: Event, last: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let (mut found, mut sad) = (0, false);
        event.mask_fields(|text| {
            let masked = self.care.masker.text(text)?;
            found += masked.found;
            sad |= masked.sad;
            Some(masked.bytes)
        });
        if self.care.strict && !self.care.masker.spares_cards() {
            let runs = &mut self.runs;
            found += event.star_values(|field, value| runs.ends_a_card(field, value));
        }
        self.texts.note(found, sad)?;
        let Some(data) = event.data() else {
            if last {
                self.write_all(out)?;
            }
            event.write(None, out);
            return Ok(());
        };
        if let Some(end) = event.line_end() {
            self.line_end = end;
        }
        let head = event.head();
        let judged = self.texts.judge(&Frame { head: &head, name: event.name(), data: &data, last })?;
        self.write(&judged.before, out);
        if last {
            self.write_all(out)?;
        }
        event.write(judged.data.as_deref(), out);
        Ok(())
    }

    /// Writes all that is held back.
    fn write_all(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let flushes = self.texts.finish()?;
        self.write(&flushes, out);
        Ok(())
    }

    /// Writes events of panguard's own.
    fn write(&self, flushes: &[Flush], out: &mut Vec<u8>) {
        let end = self.line_end;
        for Flush { head, data } in flushes {
            for line in head.split_inclusive(|byte| *byte == b'\n') {
                out.extend([line.trim_ascii_end(), end].concat());
            }
            for line in data.split(|byte| *byte == b'\n') {
                out.extend([b"data: ", line, end].concat());
            }
            out.extend_from_slice(end);
        }
    }
}

impl Rewrite for Sse {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.events.push(bytes);
        while let Some(cut) = self.events.next()? {
            match cut {
                Cut::Event(event) => self.event(event, false, out)?,
                Cut::LineFeed => out.push(b'\n'),
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if let Some(event) = self.events.rest() {
            self.event(event, true, out)?;
        }
        self.write_all(out)
    }

    fn found(&self) -> u64 {
        self.texts.found()
    }
}

/// Digits of a part of a number that stands in the fields of several events.
const PART_DIGITS_MIN: usize = 4;

#[cfg(test)]
mod tests;
