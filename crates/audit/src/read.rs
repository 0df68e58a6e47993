use std::io::{self, ErrorKind};
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};

use access::Timestamp;

use crate::plain;
use crate::pruned::{first, noted};
use crate::publish::CHECKPOINT;
use crate::segment::{self, Records};
use crate::tile::{self, Edge, Level, TileName, WIDTH};
use crate::tree::{Peaks, leaf_hash, root_of_peaks};
use crate::{Checkpoint, Entry, Unreadable};

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The entry is not there, though later ones are.
    #[error("entry {index} is missing, `panguard audit verify` says more")]
    Missing {
        /// Its index.
        index: u64,
    },
    /// Its bytes are not an entry.
    #[error("entry {index}: {why}")]
    Entry {
        /// Its index.
        index: u64,
        /// Why not.
        why: Unreadable,
    },
    /// The entries are not those that a head was signed over.
    #[error(
        "the {size} entries that were read are not those that were signed, `panguard audit verify` says more"
    )]
    Changed {
        /// The head's size.
        size: u64,
    },
}

/// The entries of the log at `dir` with an index in `range`, oldest first.
///
/// It may be read while a gateway appends to it. Then the newest entries may not be durable yet; and after
/// `None` the iterator may be asked again, and goes on with what has come since: that is how a log is
/// followed. Of a log whose beginning was pruned, the first is the first that is there. Nothing is verified here: that is
/// [`crate::verify`].
pub fn entries(dir: &Path, range: Range<u64>) -> Entries {
    Entries { lines: lines(dir, range) }
}

/// The same as [`entries`], each entry as its JSON bytes.
pub fn lines(dir: &Path, range: Range<u64>) -> Lines {
    Lines { dir: dir.to_owned(), next: range.start, end: range.end, source: Source::Unknown }
}

/// The entries that `head` signs in the log at `dir`, oldest first, each as its JSON bytes. Of those
/// before `pruned` the ones that are not there are passed over, and vouched for by their hashes alone.
///
/// The last is an error unless all are there and they are the ones that were signed: so who has come to the end has read
/// what the head's key vouches for, whatever happened to the files meanwhile.
pub fn signed(dir: &Path, head: &Checkpoint, pruned: u64) -> Signed {
    let lines = lines(dir, 0..head.size);
    Signed { dir: dir.to_owned(), lines, head: head.clone(), pruned, peaks: Peaks::default(), next: 0 }
}

/// How many entries the log at `dir` has, to the last whole one.
///
/// # Errors
/// A file cannot be read.
pub fn size(dir: &Path) -> Result<u64, ReadError> {
    for number in numbers(dir)?.into_iter().rev() {
        let mut records = open(dir, number)?;
        let mut size = None;
        while let Some(record) = next(dir, number, &mut records)? {
            size = Some(record.index.saturating_add(1));
        }
        if let Some(size) = size {
            return Ok(size);
        }
    }
    // A copy without segments has what its checkpoint says.
    published(dir)
}

/// How many entries the tiles hold: as many as the newest checkpoint says, which is not checked here.
fn published(dir: &Path) -> Result<u64, ReadError> {
    let path = dir.join(CHECKPOINT);
    let size = match plain::read_to_string(&path) {
        Ok(note) => note.lines().nth(1).and_then(|size| size.parse().ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Some(0),
        Err(error) => return Err(ReadError::Io { path, error }),
    };
    let no_size = || io::Error::new(ErrorKind::InvalidData, "it is no checkpoint");
    size.ok_or_else(|| ReadError::Io { path, error: no_size() })
}

/// The index of the first entry that is not older than `time`, or how many there are.
///
/// It is found by halves, so it relies on entries standing in the order of their times: a clock that was set makes it
/// wrong by about as much.
///
/// # Errors
/// A file cannot be read.
pub fn since(dir: &Path, time: Timestamp) -> Result<u64, ReadError> {
    let (mut low, mut high) = (0, size(dir)?);
    while low < high {
        let middle = low + (high - low) / 2;
        match entries(dir, middle..middle.saturating_add(1)).next() {
            Some(Ok((_, entry))) if entry.time >= time => high = middle,
            Some(Err(error @ ReadError::Io { .. })) => return Err(error),
            // What is gone is old.
            Some(Ok(_) | Err(_)) | None => {
                low = middle.saturating_add(1);
            }
        }
    }
    Ok(low)
}

/// The first index in `range` at which there is an entry that can be read; its end, if there is none.
///
/// For whoever follows a log of which a part is gone. Files go whole, so it looks at where they begin first.
///
/// # Errors
/// A file cannot be read, though it is there.
pub fn resumes(dir: &Path, range: Range<u64>) -> Result<u64, ReadError> {
    let mut next = range.start.max(first(dir)?);
    while next < range.end {
        let bundle = (next / WIDTH).saturating_add(1).saturating_mul(WIDTH);
        if bundle < range.end && !is_there(dir, next)? && !is_there(dir, bundle)? {
            next = bundle;
            continue;
        }
        for index in next..bundle.min(range.end) {
            if is_there(dir, index)? {
                return Ok(index);
            }
        }
        next = bundle;
    }
    Ok(range.end)
}

fn is_there(dir: &Path, index: u64) -> Result<bool, ReadError> {
    match entries(dir, index..index.saturating_add(1)).next() {
        Some(Ok(_)) => Ok(true),
        Some(Err(error @ ReadError::Io { .. })) => Err(error),
        Some(Err(ReadError::Missing { .. } | ReadError::Entry { .. } | ReadError::Changed { .. })) | None => {
            Ok(false)
        }
    }
}

/// Iterator of [`entries`].
pub struct Entries {
    lines: Lines,
}

impl Entries {
    /// Goes on with entry `index`; that is quick where it follows soon.
    pub fn seek(&mut self, index: u64) {
        self.lines.seek(index);
    }
}

impl Iterator for Entries {
    type Item = Result<(u64, Entry), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (index, line) = match self.lines.next()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        Some(entry(index, &line).map(|entry| (index, entry)))
    }
}

/// Iterator of [`signed`].
pub struct Signed {
    dir: PathBuf,
    lines: Lines,
    head: Checkpoint,
    pruned: u64,
    peaks: Peaks,
    next: u64,
}

impl Signed {
    /// The same as entries.
    pub fn entries(self) -> impl Iterator<Item = Result<(u64, Entry), ReadError>> {
        self.map(|line| {
            let (index, line) = line?;
            Ok((index, entry(index, &line)?))
        })
    }
}

impl Iterator for Signed {
    type Item = Result<(u64, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = self.head.size;
        if self.next >= size {
            return None;
        }
        let line = self.lines.next().unwrap_or(Err(ReadError::Missing { index: self.next }));
        let Ok((index, bytes)) = &line else {
            self.next = size;
            return Some(line);
        };
        if *index != self.next
            && let Err(error) = self.pass_over(*index)
        {
            self.next = size;
            return Some(Err(error));
        }
        self.peaks.push(leaf_hash(bytes));
        self.next += 1;
        let is_changed =
            self.next == size && root_of_peaks(&mem::take(&mut self.peaks).into_hashes()) != self.head.root;
        Some(if is_changed { Err(ReadError::Changed { size }) } else { line })
    }
}

impl Signed {
    /// Goes on with entry `index`, all before having been pruned.
    fn pass_over(&mut self, index: u64) -> Result<(), ReadError> {
        if self.next != 0 || index > self.pruned || !index.is_multiple_of(WIDTH) {
            return Err(ReadError::Missing { index: self.next });
        }
        self.peaks = edge(&self.dir, index)?.peaks();
        self.next = index;
        Ok(())
    }
}

/// Iterator of [`lines`].
pub struct Lines {
    dir: PathBuf,
    next: u64,
    end: u64,
    source: Source,
}

enum Source {
    /// To be found.
    Unknown,
    /// An entry bundle, how far it is read, and the entry after those that are read from it.
    Bundle(Vec<u8>, usize, u64),
    /// A segment, and its number.
    Segment(u64, Records),
}

impl Iterator for Lines {
    type Item = Result<(u64, Vec<u8>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        match self.step() {
            Ok(line) => {
                let line = line?;
                let index = self.next;
                self.next += 1;
                Some(Ok((index, line)))
            }
            Err(error) => {
                self.end = self.next;
                Some(Err(error))
            }
        }
    }
}

impl Lines {
    /// Goes on with entry `index`, which is quick if it follows soon.
    pub(crate) fn seek(&mut self, index: u64) {
        let passed = match &mut self.source {
            Source::Bundle(bytes, at, _) if index >= self.next && index / WIDTH == self.next / WIDTH => {
                (self.next..index).all(|_| match tile::next_entry(bytes.get(*at..).unwrap_or_default()) {
                    Some((entry, _)) => {
                        *at += entry.len() + 2;
                        true
                    }
                    None => false,
                })
            }
            // What is before it is passed over when it is read.
            Source::Segment(..) => index >= self.next,
            Source::Bundle(..) | Source::Unknown => false,
        };
        if !passed {
            self.source = Source::Unknown;
        }
        self.next = index;
    }

    /// The entry `self.next`; `None` when the log does not have it yet.
    fn step(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        loop {
            match &mut self.source {
                Source::Unknown => match self.locate()? {
                    Some(source) => self.source = source,
                    None => return Ok(None),
                },
                Source::Bundle(_, _, end) if self.next >= *end => self.source = Source::Unknown,
                Source::Bundle(bytes, at, _) => {
                    let rest = bytes.get(*at..).unwrap_or_default();
                    let (entry, _) = tile::next_entry(rest).ok_or(ReadError::Missing { index: self.next })?;
                    *at += entry.len() + 2;
                    return Ok(Some(entry.to_vec()));
                }
                Source::Segment(number, records) => {
                    let number = *number;
                    let record = match next(&self.dir, number, records)? {
                        Some(record) => record,
                        // It was removed while it was read: what follows may be in bundles by now.
                        // Or it was written anew.
                        None if !records.is_at(&segment::path(&self.dir, number)) => {
                            self.source = Source::Unknown;
                            continue;
                        }
                        None if !begun(&self.dir, number.saturating_add(1))? => return Ok(None),
                        // It was complete before the next one was begun; look again, then go on there.
                        None => match next(&self.dir, number, records)? {
                            Some(record) => record,
                            None => {
                                let number = number.saturating_add(1);
                                let after = open_if_there(&self.dir, number)?;
                                self.source = after.map_or(Source::Unknown, |it| Source::Segment(number, it));
                                continue;
                            }
                        },
                    };
                    match record.index {
                        index if index < self.next => {}
                        index if index == self.next => return Ok(Some(record.entry)),
                        _ => return Err(ReadError::Missing { index: self.next }),
                    }
                }
            }
        }
    }

    /// Where entry `self.next` is: in the segments if they reach back to it, else in a bundle.
    ///
    /// INVARIANT: what is passed over is before the end that the log's note of what was pruned names.
    fn locate(&mut self) -> Result<Option<Source>, ReadError> {
        let mut found = None;
        for number in numbers(&self.dir)? {
            let Some(mut records) = open_if_there(&self.dir, number)? else { continue };
            match next(&self.dir, number, &mut records)? {
                Some(record) if record.index <= self.next => found = Some(number),
                Some(_) | None => break,
            }
        }
        if let Some(number) = found
            && let Some(records) = open_if_there(&self.dir, number)?
        {
            return Ok(Some(Source::Segment(number, records)));
        }
        // What no checkpoint counts yet is nowhere but in segments.
        let size = published(&self.dir)?;
        if self.next >= size {
            return Ok(None);
        }
        let number = self.next / WIDTH;
        let width = (size - number * WIDTH).min(WIDTH);
        let bytes = match tile(&self.dir, TileName { level: Level::Entries, number, width })? {
            Some(bytes) => bytes,
            None => match noted(&self.dir)?.filter(|pruned| pruned.end > self.next) {
                Some(pruned) if pruned.end >= self.end => return Ok(None),
                Some(pruned) => {
                    self.next = pruned.end;
                    return self.locate();
                }
                None => Vec::new(),
            },
        };
        let mut rest = bytes.as_slice();
        for index in number * WIDTH..self.next {
            (_, rest) = tile::next_entry(rest).ok_or(ReadError::Missing { index })?;
        }
        let at = bytes.len() - rest.len();
        Ok(Some(Source::Bundle(bytes, at, number * WIDTH + width)))
    }
}

/// The entry that a line is.
pub(crate) fn entry(index: u64, line: &[u8]) -> Result<Entry, ReadError> {
    Entry::from_json(line).map_err(|why| ReadError::Entry { index, why })
}

/// A tile's bytes, of which those are meant that its width counts. They are in a wider one if it is gone, since a gateway
/// that went on has replaced it; failing that a narrower one has some of them.
///
/// INVARIANT: whoever reads a tile of the log reads it by this, so that what is verified is what is shown.
pub(crate) fn tile(dir: &Path, name: TileName) -> Result<Option<Vec<u8>>, ReadError> {
    for width in (name.width..=WIDTH).chain((1..name.width).rev()) {
        if let Some(bytes) = read_if_there(&dir.join(TileName { width, ..name }.path()))? {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// The edge of the tree over the first `size` entries, a multiple of 256, by its hash tiles.
pub(crate) fn edge(dir: &Path, size: u64) -> Result<Edge, ReadError> {
    Edge::at(size, |name| {
        let path = dir.join(name.path());
        let read = || {
            let hashes = tile::hashes(&plain::read(&path)?).filter(|hashes| hashes.len() as u64 == WIDTH);
            hashes.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it is not a full tile"))
        };
        read().map_err(|error| ReadError::Io { path: path.clone(), error })
    })
}

pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    match plain::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReadError::Io { path: path.to_owned(), error }),
    }
}

/// Whether segment `number` has an entry.
fn begun(dir: &Path, number: u64) -> Result<bool, ReadError> {
    let Some(mut records) = open_if_there(dir, number)? else { return Ok(false) };
    Ok(next(dir, number, &mut records)?.is_some())
}

fn numbers(dir: &Path) -> Result<Vec<u64>, ReadError> {
    segment::numbers(dir).map_err(|error| ReadError::Io { path: dir.join(segment::FOLDER), error })
}

fn open(dir: &Path, number: u64) -> Result<Records, ReadError> {
    let path = segment::path(dir, number);
    Records::open(&path).map_err(|error| ReadError::Io { path, error })
}

fn open_if_there(dir: &Path, number: u64) -> Result<Option<Records>, ReadError> {
    match open(dir, number) {
        Ok(records) => Ok(Some(records)),
        Err(ReadError::Io { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn next(dir: &Path, number: u64, records: &mut Records) -> Result<Option<segment::Record>, ReadError> {
    records.next().map_err(|error| ReadError::Io { path: segment::path(dir, number), error })
}
