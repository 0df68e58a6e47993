//! Pruning: entries that are kept elsewhere, or long enough, leave the log's folder.
//!
//! Only whole bundles go, the oldest first, and nothing that a segment still holds. Their hashes stay. Before any goes, all were
//! compared with the tree that is signed, and with the archive if there is one; an entry says so; and then the log's key signs
//! how far it is ([`Pruned`]). A crash in between leaves files that the next time takes away.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use access::{Receipt, Timestamp};

use crate::archive::{Archive, NotArchived, bundle, get, head_of, is_beginning, push, slashed};
use crate::event::Leave;
use crate::note::{Checkpoint, NotSigned, Signer, Verifier};
use crate::prove;
use crate::pruned::{self, Pruned};
use crate::read::{self, ReadError, read_if_there};
use crate::segment::{self, Records};
use crate::tile::{self, Level, Tile, TileName, WIDTH};
use crate::{Entry, Event};

/// Why entries do not leave the folder. They stay.
#[derive(Debug, thiserror::Error)]
pub enum NotPruned {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The archive cannot be read, or is not this log's.
    #[error(transparent)]
    Archive(#[from] NotArchived),
    /// The archive has not what it should have.
    #[error("the archive does not hold `{0}` as the log does, so nothing leaves the log's folder")]
    NotHeld(String),
    /// What is here is not what was signed.
    #[error("`{0}` is missing or was changed, `panguard audit verify` says more")]
    Changed(String),
    /// The note of what was pruned, or the log's head, is not the log's.
    #[error("`{file}`: {why}")]
    Note {
        /// The file.
        file: &'static str,
        /// Why not.
        why: NotSigned,
    },
    /// A file cannot be written or removed.
    #[error("cannot take entries out of `{}`: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Entries that may leave a log's folder.
#[derive(Debug)]
pub struct Pruning {
    dir: PathBuf,
    first: u64,
    pruned: Pruned,
}

/// Which entries of the log at `dir`, before entry `until`, are all older than `before` and may leave its folder: with an
/// archive those that it holds, which is looked at; without one all. `None` when there are none.
///
/// # Errors
/// [`NotPruned`].
pub fn plan(
    dir: &Path,
    verifier: &Verifier,
    archive: Option<&dyn Archive>,
    before: Timestamp,
    until: u64,
) -> Result<Option<Pruning>, NotPruned> {
    let head = prove::checkpoint(dir)?.map(|note| verifier.open(&note)).transpose();
    let head = head.map_err(|why| NotPruned::Note { file: "checkpoint", why })?;
    let Some(head) = head else { return Ok(None) };
    let known = pruned::note(dir)?.map(|note| Pruned::open(&note, verifier)).transpose();
    let known = known.map_err(|why| NotPruned::Note { file: "pruned", why })?;
    if let Some(known) = &known {
        remove(dir, known.end)?;
    }
    let first = known.as_ref().map_or(0, |known| known.end);
    let held = match archive {
        None => u64::MAX,
        Some(archive) => head_of(archive, verifier)?.map_or(0, |head| head.size),
    };
    let end = until.min(held).min(head.size).min(first_in_segments(dir)?);
    let mut edge = read::edge(dir, first)?;
    let mut newest = known.map_or(Timestamp(i64::MIN), |known| known.newest);
    while edge.size() + WIDTH <= end && edge.size() - first < PRUNED_MAX {
        let index = edge.size();
        let name = TileName::full(Level::Entries, index / WIDTH);
        let changed = || NotPruned::Changed(slashed(&name));
        let bundle = bundle(dir, index)?.ok_or_else(changed)?;
        let time = newest_of(index, &bundle)?.ok_or_else(changed)?;
        if time >= before {
            break;
        }
        let mut full = Vec::new();
        push(&bundle, &mut edge, &mut full).ok_or_else(changed)?;
        full.iter().try_for_each(|tile| check(dir, archive, tile))?;
        newest = newest.max(time);
    }
    let (end, root) = (edge.size(), edge.root());
    if end == first {
        return Ok(None);
    }
    let made = Checkpoint { origin: head.origin.clone(), size: end, root };
    if !is_beginning(dir, &made, &head)? {
        return Err(NotArchived::Changed { end }.into());
    }
    let why = if archive.is_some() { Leave::Archived } else { Leave::Expired };
    Ok(Some(Pruning { dir: dir.to_owned(), first, pruned: Pruned { end, root, newest, why } }))
}

impl Pruning {
    /// What has to be recorded before they go.
    pub fn event(&self) -> Event {
        Event::LogPruned { first: self.first, end: self.pruned.end, why: self.pruned.why }
    }

    /// Signs how far the log is pruned, and takes the entries out of its folder, now that it is recorded.
    ///
    /// # Errors
    /// What is left is taken away the next time.
    pub fn carry_out(self, _recorded: &Receipt, signer: &Signer) -> Result<(), NotPruned> {
        let write = |error| NotPruned::Write { path: self.dir.clone(), error };
        self.pruned.write(&self.dir, signer).map_err(write)?;
        remove(&self.dir, self.pruned.end)
    }
}

/// Whether folder and archive hold a tile as it was made from the entries.
fn check(dir: &Path, archive: Option<&dyn Archive>, tile: &Tile) -> Result<(), NotPruned> {
    let name = slashed(&tile.name);
    if read_if_there(&dir.join(&name))?.as_ref() != Some(&tile.bytes) {
        return Err(NotPruned::Changed(name));
    }
    match archive {
        Some(archive) if get(archive, &name)?.as_ref() != Some(&tile.bytes) => Err(NotPruned::NotHeld(name)),
        Some(_) | None => Ok(()),
    }
}

/// The time of the newest entry of a full bundle. Clocks are set: it need not be the last.
pub(crate) fn newest_of(index: u64, bundle: &[u8]) -> Result<Option<Timestamp>, ReadError> {
    let Some(lines) = tile::entries(bundle) else { return Ok(None) };
    let mut newest = None;
    for (index, line) in (index..).zip(lines) {
        let entry: Entry = read::entry(index, line)?;
        newest = newest.max(Some(entry.time));
    }
    Ok(newest)
}

/// The first entry that a segment holds: what it holds is read from there.
fn first_in_segments(dir: &Path) -> Result<u64, ReadError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| ReadError::Io { path, error }
    };
    for number in segment::numbers(dir).map_err(io(dir))? {
        let path = segment::path(dir, number);
        let record = match Records::open(&path) {
            Ok(mut records) => records.next().map_err(io(&path))?,
            // It went just now: those after it are younger.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(io(&path)(error)),
        };
        if let Some(record) = record {
            return Ok(record.index);
        }
    }
    Ok(u64::MAX)
}

/// Removes the bundles before entry `end` that are there, oldest first.
fn remove(dir: &Path, end: u64) -> Result<(), NotPruned> {
    let root = dir.join("tile").join("entries");
    let mut found = Vec::new();
    let write = |error| NotPruned::Write { path: root.clone(), error };
    bundles(&root, 0, &mut found).map_err(write)?;
    found.retain(|(number, _)| *number < end / WIDTH);
    found.sort_unstable();
    for (_, path) in found {
        fs::remove_file(&path).map_err(write)?;
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != root) {
            match fs::remove_dir(folder) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => break,
                Err(error) => return Err(write(error)),
            }
        }
    }
    Ok(())
}

/// The full bundles in a folder and those below it, with their numbers.
fn bundles(folder: &Path, above: u64, found: &mut Vec<(u64, PathBuf)>) -> io::Result<()> {
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let path = file?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let number = |digits: &str| digits.parse::<u64>().ok().map(|digits| above * 1000 + digits);
        match name.strip_prefix('x').map(number) {
            Some(Some(number)) => bundles(&path, number, found)?,
            Some(None) => {}
            None => {
                found.extend(number(name).filter(|_| path.is_file()).map(|number| (number, path.clone())))
            }
        }
    }
    Ok(())
}

/// Entries that go at a time; the rest goes the next time.
pub(crate) const PRUNED_MAX: u64 = 1 << 20;
