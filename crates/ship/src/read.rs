//! Reading the log for a sink, a batch at a time. It blocks on the disk: it is called where that may be.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use audit::{Entries, Entry, Event, ReadError, Search};

use crate::course::Span;
use crate::{Form, Leaf, form};

/// In which form a receiver is given entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Line(Form),
    /// A message of syslog, which is of this form or has it as its text.
    Message(Form),
    Record,
}

impl Shape {
    fn of(self, leaf: &Leaf<'_>) -> String {
        match self {
            Self::Line(form) => form.line(leaf),
            Self::Message(form) => form.message(leaf),
            Self::Record => form::record(leaf),
        }
    }
}

/// Entries that are brought somewhere together.
pub(crate) struct Batch {
    pub(crate) span: Span,
    /// Those that fit, in their form.
    pub(crate) lines: Vec<String>,
    /// The hash of the first that fits, in hex.
    pub(crate) hash: String,
    /// Whether those that fit are all about gaps of this very sink.
    pub(crate) is_of_gaps: bool,
    /// Whether there were more than it has room for.
    pub(crate) is_full: bool,
    /// The hash of the last that was looked at.
    pub(crate) last: Option<String>,
}

/// What there is to read.
pub(crate) enum Read {
    /// Some entries, of which perhaps none fits.
    Some(Batch),
    /// Those up to `to` cannot be read, and will not be.
    Gone { to: u64, why: &'static str },
    /// The disk does not answer as it should.
    Failed(String),
}

/// Reads a log.
pub(crate) struct Reader {
    dir: PathBuf,
    sink: Box<str>,
    entries: Entries,
    /// The index that `entries` goes on with.
    at: u64,
}

impl Reader {
    pub(crate) fn new(dir: &Path, sink: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            sink: sink.into(),
            entries: audit::entries(dir, 0..u64::MAX),
            at: NOWHERE,
        }
    }

    /// The entries from `from` on, before `durable`, which is more than `from`: at most `room` of those that fit.
    pub(crate) fn read(&mut self, from: u64, durable: u64, room: usize, only: &Search, shape: Shape) -> Read {
        self.seek(from);
        let span = Span { told: from..from, entries: 0, to: from };
        let mut batch = Batch {
            span,
            lines: Vec::new(),
            hash: String::new(),
            is_of_gaps: true,
            is_full: false,
            last: None,
        };
        let mut bytes = 0;
        while batch.span.to < durable
            && batch.lines.len() < room
            && bytes < BYTES_MAX
            && batch.span.to - from < LOOKED_MAX
        {
            let (index, entry) = match self.entries.next() {
                Some(Ok(found)) if found.0 == batch.span.to => found,
                // Those between left the log's folder.
                Some(Ok(_)) if batch.span.to == from => return self.gone(from, durable, NOT_THERE),
                Some(Ok(_)) => {
                    self.at = NOWHERE;
                    break;
                }
                // What has been read goes first.
                Some(Err(_)) | None if batch.span.to > from => {
                    self.at = NOWHERE;
                    break;
                }
                Some(Err(error)) => return self.wrong(&error, from, durable),
                None => match self.again(from) {
                    Some(Ok(found)) if found.0 == from => found,
                    Some(Ok(_)) => return self.gone(from, durable, NOT_THERE),
                    Some(Err(error)) => return self.wrong(&error, from, durable),
                    None => return self.gone(from, durable, NOT_THERE),
                },
            };
            (self.at, batch.span.to) = (index + 1, index + 1);
            bytes += batch.take(index, &entry, &self.sink, only, shape);
        }
        batch.is_full = batch.span.to < durable;
        Read::Some(batch)
    }

    /// An entry that is durable and was not there: its file may have been exchanged for another in that moment.
    fn again(&mut self, index: u64) -> Option<Result<(u64, Entry), ReadError>> {
        (0..LOOKS_MAX).find_map(|_| {
            thread::sleep(LOOK_PAUSE);
            self.at = NOWHERE;
            self.seek(index);
            self.entries.next()
        })
    }

    fn wrong(&mut self, error: &ReadError, from: u64, durable: u64) -> Read {
        match error {
            ReadError::Io { error, .. } => self.failed(error.kind()),
            ReadError::Missing { .. } => self.gone(from, durable, NOT_THERE),
            ReadError::Entry { .. } | ReadError::Changed { .. } => self.gone(from, durable, NO_ENTRY),
        }
    }

    fn gone(&mut self, from: u64, durable: u64, why: &'static str) -> Read {
        self.at = NOWHERE;
        match audit::resumes(&self.dir, from.saturating_add(1)..durable) {
            Ok(to) => Read::Gone { to, why },
            Err(ReadError::Io { error, .. }) => self.failed(error.kind()),
            Err(ReadError::Missing { .. } | ReadError::Entry { .. } | ReadError::Changed { .. }) => {
                Read::Gone { to: durable, why }
            }
        }
    }

    fn failed(&mut self, kind: std::io::ErrorKind) -> Read {
        self.at = NOWHERE;
        Read::Failed(format!("the audit log cannot be read: {kind}"))
    }

    fn seek(&mut self, index: u64) {
        if self.at == NOWHERE {
            self.entries = audit::entries(&self.dir, index..u64::MAX);
        } else if self.at != index {
            self.entries.seek(index);
        }
        self.at = index;
    }
}

impl Batch {
    /// Takes an entry in if it fits. How many bytes that is.
    fn take(&mut self, index: u64, entry: &Entry, sink: &str, only: &Search, shape: Shape) -> usize {
        let Some(leaf) = Leaf::of(index, entry) else { return 0 };
        self.last = Some(leaf.hash.clone());
        if !only.fits(entry) {
            return 0;
        }
        let line = shape.of(&leaf);
        let bytes = line.len();
        self.is_of_gaps &= matches!(&entry.event, Event::SinkGap { sink: of, .. } if **of == *sink);
        if self.lines.is_empty() {
            (self.span.told.start, self.hash) = (index, leaf.hash);
        }
        self.lines.push(line);
        (self.span.told.end, self.span.entries) = (index + 1, self.lines.len());
        bytes
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(String::as_str).collect()
    }
}

/// The hash of an entry, in hex; `None` if it cannot be read.
pub(crate) fn hash(dir: &Path, index: u64) -> Option<String> {
    let (index, entry) = audit::entries(dir, index..index.checked_add(1)?).next()?.ok()?;
    Leaf::of(index, &entry).map(|leaf| leaf.hash)
}

/// Why entries cannot be read.
const NOT_THERE: &str = "they are not in the log any more";
const NO_ENTRY: &str = "it is no entry that this version of panguard knows";

/// Of a reader that has met an error: it begins anew.
const NOWHERE: u64 = u64::MAX;

/// Where a batch ends that is this long; the entry that passes it is in it.
const BYTES_MAX: usize = 1 << 20;

/// Entries that are looked at in one go, whether they fit or not.
const LOOKED_MAX: u64 = 4096;

const LOOKS_MAX: u32 = 3;
const LOOK_PAUSE: Duration = Duration::from_millis(200);
