use std::path::{Path, PathBuf};

use crate::read::ReadError;
use crate::segment::{self, Record, Records};
use crate::tile::WIDTH;
use crate::{Entry, Event};

use super::Wrong;

/// The entries in the segments, read in order, and what is wrong there.
pub(super) struct Tail {
    dir: PathBuf,
    numbers: std::vec::IntoIter<u64>,
    reading: Option<Records>,
    /// The next record, read ahead.
    peeked: Option<Record>,
    /// The entry that comes next, once one has come.
    next: Option<u64>,
    last: Option<Vec<u8>>,
    wrong: Vec<Wrong>,
    /// Bytes after the last whole record of a segment.
    rest: Vec<u8>,
}

/// What follows the newest checkpoint.
pub(super) struct After {
    pub(super) entries: u64,
    pub(super) unfinished_bytes: u64,
    pub(super) wrong: Vec<Wrong>,
}

impl Tail {
    pub(super) fn open(dir: &Path) -> Result<Self, ReadError> {
        let numbers = segment::numbers(dir)
            .map_err(|error| ReadError::Io { path: dir.join(segment::FOLDER), error })?;
        let mut tail = Self {
            dir: dir.to_owned(),
            numbers: numbers.into_iter(),
            reading: None,
            peeked: None,
            next: None,
            last: None,
            wrong: Vec::new(),
            rest: Vec::new(),
        };
        tail.peeked = tail.read()?;
        if let Some(first) = tail.peeked.as_ref().map(|record| record.index)
            && !first.is_multiple_of(WIDTH)
        {
            tail.wrong
                .push(Wrong::at(first - first % WIDTH, "the entries up to the first segment's are missing"));
        }
        Ok(tail)
    }

    /// Record `index`, if the segments have it.
    pub(super) fn take(&mut self, index: u64) -> Result<Option<Record>, ReadError> {
        if self.peeked.as_ref().is_none_or(|record| record.index != index) {
            return Ok(None);
        }
        let next = self.read()?;
        Ok(std::mem::replace(&mut self.peeked, next))
    }

    /// Reads on to the end of the segments, with `size` entries under the checkpoint.
    pub(super) fn finish(mut self, size: u64) -> Result<After, ReadError> {
        while self.peeked.is_some() {
            self.peeked = self.read()?;
        }
        let end = self.next.unwrap_or(size);
        if end < size {
            self.wrong
                .push(Wrong::at(end, format!("the segments end here, and the checkpoint is of {size}")));
        }
        let unfinished_bytes = self.rest.len() as u64;
        if unfinished_bytes > 0 {
            let stopped = |line: &Vec<u8>| {
                Entry::from_json(line).is_ok_and(|entry| entry.event == Event::GatewayStopped)
            };
            if self.next.is_none() && size > 0 {
                // A segment with entries is kept until the next one has some.
                self.wrong.push(Wrong::head("the segments hold bytes and no whole record"));
            } else if end < size || segment::proves_durable(&self.rest, end) {
                self.wrong.push(Wrong::at(end, "its record in the segment was durable and is damaged"));
            } else if self.last.as_ref().is_some_and(stopped) {
                self.wrong.push(Wrong::at(end, "bytes follow the last entry of a log that was closed"));
            }
        }
        let entries = end.saturating_sub(size);
        Ok(After { entries, unfinished_bytes, wrong: self.wrong })
    }

    /// The next record of any segment.
    fn read(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            if let Some(records) = &mut self.reading {
                let io = |error| ReadError::Io { path: self.dir.join(segment::FOLDER), error };
                let mut next = records.next().map_err(io)?;
                let rest = if next.is_none() { records.rest().map_err(io)? } else { Vec::new() };
                if !rest.is_empty() {
                    // A gateway may write meanwhile. What one record in the rest says was durable before it is there by now.
                    next = records.next().map_err(io)?;
                }
                if let Some(record) = next {
                    self.note(&record);
                    return Ok(Some(record));
                }
                self.rest.extend(rest);
            }
            let Some(number) = self.numbers.next() else {
                self.reading = None;
                return Ok(None);
            };
            let path = segment::path(&self.dir, number);
            self.reading = match Records::open(&path) {
                Ok(records) => Some(records),
                // A segment that went while the log was read is in the tiles.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    let what = format!("`{}`: {error}", path.display());
                    self.wrong.push(Wrong { index: self.next, what });
                    None
                }
                Err(error) => return Err(ReadError::Io { path, error }),
            };
        }
    }

    fn note(&mut self, record: &Record) {
        match self.next {
            Some(next) if next != record.index => {
                self.wrong.push(Wrong::at(next.min(record.index), "its record is missing or out of order"));
            }
            Some(next) if !self.rest.is_empty() => {
                self.wrong.push(Wrong::at(next, "bytes that are no record stand before its record"));
                self.rest.clear();
            }
            Some(_) | None => {}
        }
        self.next = Some(record.index.saturating_add(1));
        self.last = Some(record.entry.clone());
    }
}
