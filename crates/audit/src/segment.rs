//! Segments: the files in which entries become durable.
//!
//! A segment is a header, records one after another, and zeros to its end. It is written full of zeros
//! before it is used, so that a flush has no growth of the file to write down: that halves its time, and
//! takes the long waits away. A record is
//!
//! ```text
//! length: u32 | index: u64 | durable: u64 | check: 12 bytes | entry: `length` bytes       (big endian)
//! ```
//!
//! where `durable` is how many entries were durable when it was written, and `check` is the beginning of
//! SHA-256 over length, index, durable and the entry's leaf hash. So a record is whole or it is none, it
//! stands at one place only, and a damaged one can be told from one that was never finished: when a later
//! record says that it had been durable, it was.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::encode::{ENTRY_BYTES_MAX, Encoded};
use crate::plain;
use crate::tree::{Hash, leaf_hash, sha256};

/// What the committer needs of a file. Tests have one that fails.
pub(crate) trait Medium: Send {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once all that was written is durable.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// One record, read back whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) index: u64,
    pub(crate) durable: u64,
    pub(crate) leaf: Hash,
    pub(crate) entry: Vec<u8>,
}

/// Appends the record of an entry to `out`.
pub(crate) fn frame(index: u64, durable: u64, encoded: &Encoded, out: &mut Vec<u8>) {
    let entry = encoded.json();
    // An entry is at most 65,535 bytes long (`encode`).
    let length = u32::try_from(entry.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&index.to_be_bytes());
    out.extend_from_slice(&durable.to_be_bytes());
    out.extend_from_slice(&check(length, index, durable, &encoded.leaf));
    out.extend_from_slice(entry);
}

/// The record at the beginning of `bytes` and its length; `None` when no whole one is there.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Record, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (index, rest) = rest.split_first_chunk::<8>()?;
    let (durable, rest) = rest.split_first_chunk::<8>()?;
    let (found, rest) = rest.split_first_chunk::<12>()?;
    let (length, index, durable) =
        (u32::from_be_bytes(*length), u64::from_be_bytes(*index), u64::from_be_bytes(*durable));
    let size = usize::try_from(length).ok().filter(|size| (1..=ENTRY_BYTES_MAX).contains(size))?;
    let (entry, _) = rest.split_at_checked(size)?;
    if durable > index {
        return None;
    }
    let leaf = leaf_hash(entry);
    let whole = check(length, index, durable, &leaf) == *found;
    whole.then(|| (Record { index, durable, leaf, entry: entry.to_vec() }, RECORD_HEADER + size))
}

fn check(length: u32, index: u64, durable: u64, leaf: &Hash) -> [u8; 12] {
    let mut bytes = [0; 52];
    let (a, rest) = bytes.split_at_mut(4);
    let (b, rest) = rest.split_at_mut(8);
    let (c, d) = rest.split_at_mut(8);
    a.copy_from_slice(&length.to_be_bytes());
    b.copy_from_slice(&index.to_be_bytes());
    c.copy_from_slice(&durable.to_be_bytes());
    d.copy_from_slice(leaf);
    let mut check = [0; 12];
    for (to, from) in check.iter_mut().zip(sha256(&bytes)) {
        *to = from;
    }
    check
}

/// Reads a segment's records in order.
pub(crate) struct Records {
    file: File,
    /// Where in the file `buffer` begins.
    at: u64,
    buffer: Vec<u8>,
    /// How much of `buffer` was read.
    used: usize,
}

impl Records {
    /// # Errors
    /// The file cannot be read, or is not a segment (`InvalidData`).
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = plain::open(path)?;
        let mut header = [0; HEADER.len()];
        match file.read_exact_at(&mut header, 0) {
            Ok(()) if header == *HEADER => {
                Ok(Self { file, at: HEADER.len() as u64, buffer: Vec::new(), used: 0 })
            }
            Ok(()) => Err(not_a_segment()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(not_a_segment()),
            Err(error) => Err(error),
        }
    }

    /// Whether the file that is read is the one that is there.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        let name = |found: io::Result<fs::Metadata>| found.ok().map(|found| (found.dev(), found.ino()));
        let own = name(self.file.metadata());
        own.is_some() && own == name(fs::metadata(path))
    }

    /// Where the next record begins.
    pub(crate) fn offset(&self) -> u64 {
        self.at + self.used as u64
    }

    /// The next record; `None` when no whole one is there, now. It may be there when asked again.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        let mut found = parse(self.unread());
        if found.is_none() {
            self.refill()?;
            found = parse(self.unread());
        }
        let Some((record, length)) = found else { return Ok(None) };
        self.used += length;
        Ok(Some(record))
    }

    /// Drops what was read ahead, so that what has been written since is seen.
    pub(crate) fn forget(&mut self) {
        self.at = self.offset();
        self.used = 0;
        self.buffer.clear();
    }

    /// All that follows, without the zeros at the end.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        self.forget();
        let end = self.end_of_data()?;
        let mut rest = vec![0; usize::try_from(end - self.at).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut rest, self.at)?;
        let end = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        rest.truncate(end);
        Ok(rest)
    }

    /// Where, to a block, the zeros at the end of the file begin. A segment is mostly that, and they are
    /// passed over at every start, so they are compared as blocks and not held in memory.
    fn end_of_data(&self) -> io::Result<u64> {
        let zeros = vec![0; READ_BYTES];
        let mut block = zeros.clone();
        let mut end = self.file.metadata()?.len().max(self.at);
        while let Some(start) = end.checked_sub(READ_BYTES as u64).filter(|start| *start >= self.at) {
            self.file.read_exact_at(&mut block, start)?;
            if block != zeros {
                break;
            }
            end = start;
        }
        Ok(end)
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.used..).unwrap_or_default()
    }

    fn refill(&mut self) -> io::Result<()> {
        self.forget();
        self.buffer.resize(READ_BYTES, 0);
        let mut filled = 0;
        while let Some(free) = self.buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.file.read_at(free, self.at + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }
}

/// Whether among the bytes after the last whole record, which was followed by entry `end`, some record says
/// that entry `end` had been durable.
pub(crate) fn proves_durable(rest: &[u8], end: u64) -> bool {
    let mut rest = rest;
    while !rest.is_empty() {
        // The two zero bytes that every length begins with make most places cheap to pass over.
        if let [0, 0, ..] = rest
            && let Some((record, _)) = parse(rest)
            && record.durable > end
        {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Where segment `number` of the log at `dir` stands.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(FOLDER).join(format!("{number:010}"))
}

/// The numbers of the segments of the log at `dir`, ascending. None when there is no such folder.
pub(crate) fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let folder = match fs::read_dir(dir.join(FOLDER)) {
        Ok(folder) => folder,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for file in folder {
        // A name that is no number is a segment that was not finished being prepared.
        let name = file?.file_name();
        numbers
            .extend(name.to_str().filter(|name| name.len() == 10).and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes segment `number`, full of zeros and durable, and opens it. Stops early with `Interrupted` once
/// `stop` is set.
pub(crate) fn prepare(dir: &Path, number: u64, bytes: u64, stop: &AtomicBool) -> io::Result<File> {
    let path = path(dir, number);
    let unfinished = path.with_extension("new");
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
    let zeros = vec![0; PREPARE_BYTES];
    let mut at = 0;
    while at < bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(ErrorKind::Interrupted.into());
        }
        let length = bytes.saturating_sub(at).min(PREPARE_BYTES as u64);
        let piece = zeros.get(..usize::try_from(length).unwrap_or(PREPARE_BYTES)).unwrap_or(&zeros);
        file.write_all_at(piece, at)?;
        // In small pieces, so that a commit's flush does not have to wait for all of it.
        file.sync_data()?;
        at += length;
    }
    file.write_all_at(HEADER, 0)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    sync_folder(&dir.join(FOLDER))?;
    Ok(file)
}

/// Writes segment `number` anew, up to `offset` and zeros behind that as before, and puts it in the place of the one that
/// there was.
///
/// After a failed flush the kernel holds what was written for clean, and it may be on no disk: to flush that file again would
/// succeed without it.
pub(crate) fn renew(dir: &Path, number: u64, before: &File, offset: u64) -> io::Result<File> {
    let path = path(dir, number);
    let unfinished = path.with_extension("new");
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&unfinished)?;
    let length = before.metadata()?.len();
    let mut at = 0;
    while at < length {
        let size =
            usize::try_from(length.saturating_sub(at).min(PREPARE_BYTES as u64)).unwrap_or(PREPARE_BYTES);
        let mut piece = vec![0; size];
        let kept = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX).min(size);
        before.read_exact_at(piece.get_mut(..kept).unwrap_or_default(), at)?;
        file.write_all_at(&piece, at)?;
        at += size as u64;
    }
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    sync_folder(&dir.join(FOLDER))?;
    Ok(file)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Fuzz entry: any bytes in place of a record and of what follows the last one.
#[doc(hidden)]
pub fn fuzz_record(data: &[u8]) {
    let _ = parse(data);
    let _ = proves_durable(data, 0);
}

fn not_a_segment() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it does not begin like a segment of an audit log")
}

/// The folder of the segments.
pub(crate) const FOLDER: &str = "segments";

/// What every segment begins with: its format and version.
pub(crate) const HEADER: &[u8; 16] = b"panguard log v1\n";

/// Bytes of a record before its entry.
pub(crate) const RECORD_HEADER: usize = 32;

/// Read at once: at least one record of the greatest length.
const READ_BYTES: usize = 256 << 10;

/// Zeros written at once.
const PREPARE_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
