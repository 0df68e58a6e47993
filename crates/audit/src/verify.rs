//! Verifying a log offline: its files, the key that checks its heads, and perhaps a head kept elsewhere.
//!
//! The tree is built anew from the entries, by the code that publishes it, and compared with every head and
//! every tile. Which entry is the first wrong one follows from what still agrees: a head that does not have
//! the root of the entries says that there is one before its size, a head that has it that there is none;
//! a hash tile whose root is right names it exactly.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::archive;
use crate::event::Leave;
use crate::history;
use crate::note::{Checkpoint, NotSigned, Verifier};
use crate::pruned::{self, Pruned};
use crate::publish::CHECKPOINT;
use crate::read::{ReadError, read_if_there};
use crate::tile::WIDTH;
use crate::tree::Hash;
use crate::witness::{WITNESSED, witnessed};

mod tail;
mod walk;

use tail::Tail;
use walk::Walk;

/// What verifying found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Entries under the newest checkpoint.
    pub size: u64,
    /// The root of the tree over them, as it is signed.
    pub root: Hash,
    /// Heads that were compared: the checkpoint, earlier ones, and the one kept elsewhere.
    pub heads: usize,
    /// What the log's key signed of how far the log was pruned, if it was.
    pub pruned: Option<Pruned>,
    /// Entries that are not here for it: their hashes are, and were verified.
    pub absent: u64,
    /// Entries after the checkpoint, durable and not signed yet.
    pub tail: u64,
    /// Bytes after them that a crash left unfinished; they were never acknowledged.
    pub unfinished_bytes: u64,
    /// All that is wrong, the first entry first.
    pub wrong: Vec<Wrong>,
}

impl Report {
    /// Whether all is as it was written.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }

    /// Whether all is here that was not too old to be kept: what is in an archive alone is not.
    pub fn is_whole(&self) -> bool {
        self.absent == 0 || self.pruned.as_ref().is_some_and(|pruned| pruned.why == Leave::Expired)
    }

    /// The first that is wrong, in the order of the entries.
    pub fn first_wrong(&self) -> Option<&Wrong> {
        self.wrong.first()
    }
}

/// Something that is wrong in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The first entry that is concerned. `None`: a head or a segment is wrong, and the entries may be right.
    pub index: Option<u64>,
    /// What is wrong with it.
    pub what: String,
}

impl Wrong {
    fn at(index: u64, what: impl Into<String>) -> Self {
        Self { index: Some(index), what: what.into() }
    }

    pub(crate) fn head(what: impl Into<String>) -> Self {
        Self { index: None, what: what.into() }
    }
}

/// Why nothing can be said of a log.
#[derive(Debug, thiserror::Error)]
pub enum NotVerifiable {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no log.
    #[error("`{0}` holds no audit log")]
    NoLog(String),
    /// The head that was given to compare with is not one of this log.
    #[error("the head to compare with is of no use: {0}")]
    KnownHead(NotSigned),
}

/// Verifies the log at `dir`. A head of it that was kept elsewhere shows, too, that what it vouches for has
/// not been cut off or replaced by whoever has the key.
///
/// A gateway may be writing meanwhile.
///
/// # Errors
/// Files cannot be read, or there is no log. What is wrong with the log is in the report.
pub fn verify(dir: &Path, verifier: &Verifier, known_head: Option<&str>) -> Result<Report, NotVerifiable> {
    let known = known_head.map(|note| verifier.open(note)).transpose().map_err(NotVerifiable::KnownHead)?;
    let mut before: Option<Report> = None;
    let mut tries = TRIES;
    loop {
        let note = read_if_there(&dir.join(CHECKPOINT))?;
        let report = once(dir, verifier, note.as_deref(), known.as_ref())?;
        tries -= 1;
        // What a gateway replaced or went on with while it was compared is no finding: that is not found twice.
        let is_found_again = before.as_ref().is_some_and(|before| before.wrong == report.wrong);
        if report.holds() || is_found_again || tries == 0 {
            return Ok(report);
        }
        before = Some(report);
    }
}

fn once(
    dir: &Path,
    verifier: &Verifier,
    note: Option<&[u8]>,
    known: Option<&Checkpoint>,
) -> Result<Report, NotVerifiable> {
    let mut wrong = Vec::new();
    let mut heads = heads(dir, verifier, note, known, &mut wrong)?;
    let size = heads.current.size;
    let pruned = pruned(dir, verifier, &mut heads, &mut wrong)?;
    let mut tail = Tail::open(dir)?;
    let mut walk = Walk::new(dir, heads.all, size, pruned.as_ref().map_or(0, |pruned| pruned.end));
    walk.run(&mut tail)?;
    let absent = walk.absent();
    wrong.extend(walk.conclude());
    let after = tail.finish(size)?;
    wrong.extend(after.wrong);
    wrong.sort_by_key(|one| one.index.unwrap_or(u64::MAX));
    Ok(Report {
        size,
        root: heads.current.root,
        heads: heads.count,
        pruned,
        absent,
        tail: after.entries,
        unfinished_bytes: after.unfinished_bytes,
        wrong,
    })
}

struct Heads {
    /// The newest.
    current: Checkpoint,
    /// All that can be compared, by size.
    all: Vec<Checkpoint>,
    count: usize,
}

/// Collects the heads whose signatures are good, and says which are not and which contradict each other.
fn heads(
    dir: &Path,
    verifier: &Verifier,
    note: Option<&[u8]>,
    known: Option<&Checkpoint>,
    wrong: &mut Vec<Wrong>,
) -> Result<Heads, NotVerifiable> {
    let history =
        history::read(dir).map_err(|error| ReadError::Io { path: dir.join(history::FILE), error })?;
    let mut all = archive::heads(dir, verifier, wrong)?;
    match witnessed(dir, verifier, &[])? {
        Some(Ok(witnessed)) => all.push(witnessed.head),
        Some(Err(why)) => wrong.push(Wrong::head(format!("`{WITNESSED}`: {why}"))),
        None => {}
    }
    if note.is_none() && history.notes.is_empty() && all.is_empty() && !has_segments(dir)? {
        return Err(NotVerifiable::NoLog(dir.display().to_string()));
    }
    let archived = all.len();
    for (number, note) in (1..).zip(&history.notes) {
        match verifier.open(note) {
            Ok(head)
                if all.get(archived..).and_then(<[_]>::last).is_some_and(|last| last.size > head.size) =>
            {
                wrong.push(Wrong::at(head.size, format!("note {number} in `checkpoints` goes back in size")));
            }
            Ok(head) => all.push(head),
            Err(why) => wrong.push(Wrong::head(format!("note {number} in `checkpoints`: {why}"))),
        }
    }
    if history.torn {
        wrong.push(Wrong::head("`checkpoints` ends in the middle of a note"));
    }
    let current = match note {
        None => Err("there is none".to_owned()),
        Some(note) => {
            let note = str::from_utf8(note).map_err(|_| "it is not text".to_owned());
            note.and_then(|note| verifier.open(note).map_err(|why| why.to_string()))
        }
    };
    match current {
        Ok(current) => {
            for head in all.iter().chain(known).filter(|head| head.size > current.size) {
                let what = format!(
                    "the log ends after {} entries but had {} when an earlier checkpoint was signed",
                    current.size, head.size
                );
                wrong.push(Wrong::at(current.size, what));
            }
            all.push(current.clone());
            all.extend(known.cloned());
            let count = all.len();
            all.retain(|head| head.size <= current.size);
            all.sort_by_key(|head| head.size);
            Ok(Heads { current, all, count })
        }
        Err(why) => {
            wrong.push(Wrong::head(format!("`checkpoint`: {why}")));
            all.extend(known.cloned());
            all.sort_by_key(|head| head.size);
            let empty = || Checkpoint { origin: "".into(), size: 0, root: crate::tree::root_of(&[]) };
            let current = all.last().cloned().unwrap_or_else(empty);
            Ok(Heads { current, count: all.len(), all })
        }
    }
}

/// How far the log was pruned, as far as its key signed that. The tree must have the root that stands there, as under a head.
fn pruned(
    dir: &Path,
    verifier: &Verifier,
    heads: &mut Heads,
    wrong: &mut Vec<Wrong>,
) -> Result<Option<Pruned>, ReadError> {
    let Some(note) = pruned::note(dir)? else { return Ok(None) };
    let pruned = match Pruned::open(&note, verifier) {
        Ok(pruned) => pruned,
        Err(why) => {
            wrong.push(Wrong::head(format!("`pruned`: {why}")));
            return Ok(None);
        }
    };
    if pruned.end > heads.current.size || !pruned.end.is_multiple_of(WIDTH) {
        wrong.push(Wrong::head("`pruned` names an end that the log does not have"));
        return Ok(None);
    }
    // The log's own note is good, too, and says that they are in the archive: here.
    if pruned.why == Leave::Archived && dir.join(archive::HEADS).exists() {
        wrong.push(Wrong::head("`pruned` is of the log's own folder and not of its archive"));
        return Ok(None);
    }
    let Pruned { end, root, .. } = pruned;
    heads.all.push(Checkpoint { origin: heads.current.origin.clone(), size: end, root });
    heads.all.sort_by_key(|head| head.size);
    Ok(Some(pruned))
}

fn has_segments(dir: &Path) -> Result<bool, ReadError> {
    let path = dir.join(crate::segment::FOLDER);
    match fs::metadata(&path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ReadError::Io { path, error }),
    }
}

/// How often a log is read in which each time something else is wrong.
const TRIES: u32 = 5;

#[cfg(test)]
mod tests;
