//! Streams of lines, each a JSON document (NDJSON), as Ollama sends them.

use std::sync::Arc;

use super::channel::Flush;
use super::seen::Seen;
use super::stream::{Frame, Texts};
use crate::body::{Care, Rewrite, Withheld};

/// Rewrites a stream of lines; each is released as soon as it is complete.
pub(super) struct Lines {
    texts: Texts,
    buffer: Vec<u8>,
    /// Up to where no end of a line is.
    seen: usize,
    /// What becomes of a line that is too long to be held.
    long: Long,
}

/// What becomes of a line that is too long to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Long {
    /// The stream is withheld.
    Withheld,
    /// It passes, having been masked before: a model's piece of a text is no such line.
    Passes,
    /// One does.
    Passing,
}

impl Lines {
    /// A model `answers` in the stream, or anything does.
    pub fn new(care: &Care, answers: bool, seen: Arc<Seen>) -> Self {
        Self { texts: Texts::new(care, answers, seen), buffer: Vec::new(), seen: 0, long: Long::Withheld }
    }

    /// Lines that have been masked one by one: what is left are texts of which each line has a piece, where a model is known
    /// to tell them so.
    pub fn across(care: &Care) -> Self {
        Self { texts: Texts::of_known(care), buffer: Vec::new(), seen: 0, long: Long::Passes }
    }

    /// A line without its end.
    fn line(&mut self, line: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let (text, end) = line.split_at(line.trim_ascii_end().len());
        if text.is_empty() {
            if last {
                self.write_all(out)?;
            }
            out.extend_from_slice(line);
            return Ok(());
        }
        let judged = self.texts.judge(&Frame { head: &[], name: &[], data: text, last })?;
        write(&judged.before, out);
        if last {
            self.write_all(out)?;
        }
        out.extend_from_slice(judged.data.as_deref().unwrap_or(text));
        out.extend_from_slice(end);
        Ok(())
    }

    fn write_all(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        write(&self.texts.finish()?, out);
        Ok(())
    }
}

impl Rewrite for Lines {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.buffer.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(found) = self.buffer.get(self.seen..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let end = self.seen + found + 1;
            let line = self.buffer.get(start..end).unwrap_or_default().to_vec();
            match self.long {
                Long::Passing => {
                    out.extend_from_slice(&line);
                    self.long = Long::Passes;
                }
                Long::Withheld | Long::Passes => self.line(&line, false, out)?,
            }
            (start, self.seen) = (end, end);
        }
        self.buffer.drain(..start);
        self.seen = self.buffer.len();
        match self.long {
            Long::Withheld if self.seen > LINE_BYTES_MAX => Err(Withheld::TooLarge("a line in a stream")),
            Long::Passes if self.seen <= LINE_BYTES_MAX => Ok(()),
            Long::Withheld => Ok(()),
            Long::Passes | Long::Passing => {
                if self.long == Long::Passes {
                    self.write_all(out)?;
                }
                out.append(&mut self.buffer);
                (self.seen, self.long) = (0, Long::Passing);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let line = std::mem::take(&mut self.buffer);
        if self.long == Long::Passing {
            out.extend_from_slice(&line);
        } else if !line.is_empty() {
            self.line(&line, true, out)?;
        }
        self.write_all(out)
    }

    fn found(&self) -> u64 {
        self.texts.found()
    }
}

/// Lines masked one by one, and then across.
pub(super) struct Both {
    each: Box<dyn Rewrite>,
    across: Lines,
    between: Vec<u8>,
}

impl Both {
    /// `each` masks the lines one by one.
    pub fn new(each: Box<dyn Rewrite>, care: &Care) -> Self {
        Self { each, across: Lines::across(care), between: Vec::new() }
    }
}

impl Rewrite for Both {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let masked = self.each.push(bytes, &mut self.between);
        let passed = self.across.push(&self.between, out);
        self.between.clear();
        masked.and(passed)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let masked = self.each.finish(&mut self.between);
        let passed = self.across.push(&self.between, out);
        self.between.clear();
        masked.and(passed)?;
        self.across.finish(out)
    }

    fn found(&self) -> u64 {
        self.each.found() + self.across.found()
    }
}

/// Writes lines of panguard's own.
fn write(flushes: &[Flush], out: &mut Vec<u8>) {
    for Flush { data, .. } in flushes {
        out.extend_from_slice(data);
        out.push(b'\n');
    }
}

/// Longest line that is held to be judged.
const LINE_BYTES_MAX: usize = 16 << 20;
