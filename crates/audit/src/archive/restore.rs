use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use access::Timestamp;

use super::{Archive, HEADS, KEY, NotArchived, get, slashed};
use crate::note::{Checkpoint, Verifier};
use crate::plain;
use crate::pruned;
use crate::publish::CHECKPOINT;
use crate::read::{self, ReadError};
use crate::tile::{Level, TileName, WIDTH};
use crate::verify::{NotVerifiable, Report, Wrong, verify};

/// A log that was fetched from an archive.
#[derive(Debug)]
pub struct Restored {
    /// What verifying it found.
    pub report: Report,
    /// The times of its first and last entry, where it has any that can be read.
    pub times: Option<(Timestamp, Timestamp)>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum NotRestored {
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] NotArchived),
    /// There is no head of this key there.
    #[error("the archive has no signed head of this key")]
    Empty,
    /// Something is in the way.
    #[error("`{}` is not empty; name a new folder", .0.display())]
    InTheWay(PathBuf),
    /// A file cannot be written.
    #[error("cannot write `{}`: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Nothing can be said of what was fetched.
    #[error(transparent)]
    NotVerifiable(#[from] NotVerifiable),
}

/// Fetches a log from its archive into `dir`, a new folder or an empty one, and verifies it there: whatever is missing or was
/// changed is in the report. A head that was kept elsewhere shows, too, that the archive reaches as far.
///
/// # Errors
/// [`NotRestored`]; what was fetched until then stays.
pub fn restore(
    archive: &dyn Archive,
    verifier: &Verifier,
    dir: &Path,
    known_head: Option<&str>,
) -> Result<Restored, NotRestored> {
    let write = |path: &Path| {
        let path = path.to_owned();
        move |error| NotRestored::Write { path, error }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(write(dir))?;
    if fs::read_dir(dir).map_err(write(dir))?.next().is_some() {
        return Err(NotRestored::InTheWay(dir.to_owned()));
    }
    let earlier = archive.names(HEADS).map_err(|error| NotArchived::archive("list", HEADS, error))?;
    let mut names: Vec<String> = earlier.iter().map(|name| format!("{HEADS}/{name}")).collect();
    names.sort_unstable_by(|one, other| other.cmp(one));
    names.truncate(HEADS_MAX);
    names.extend([CHECKPOINT, KEY, pruned::FILE].map(str::to_owned));
    fetch(archive, dir, &names)?;
    let head = newest(dir, verifier, &names).ok_or(NotRestored::Empty)?;
    let tiles = names_of(head.size);
    fetch(archive, dir, &tiles)?;
    let mut report = verify(dir, verifier, known_head)?;
    if !report.is_whole() {
        report.wrong.push(Wrong { index: Some(0), what: "the archive does not hold it, and should".into() });
    }
    let times = times(dir, report.size).ok();
    Ok(Restored { report, times: times.flatten() })
}

/// The largest of the heads that were fetched.
fn newest(dir: &Path, verifier: &Verifier, names: &[String]) -> Option<Checkpoint> {
    let notes = names.iter().filter_map(|name| plain::read_to_string(&dir.join(name)).ok());
    notes.filter_map(|note| verifier.open(&note).ok()).max_by_key(|head| head.size)
}

/// All tiles of a tree of `size` entries.
fn names_of(size: u64) -> Vec<String> {
    let level = |level, items: u64| {
        let full = (0..items / WIDTH).map(move |number| TileName::full(level, number));
        let partial = TileName { level, number: items / WIDTH, width: items % WIDTH };
        full.chain((partial.width > 0).then_some(partial))
    };
    let mut names: Vec<String> = level(Level::Entries, size).map(|name| slashed(&name)).collect();
    let (mut items, mut number) = (size, 0);
    while items > 0 {
        names.extend(level(Level::Hashes(number), items).map(|name| slashed(&name)));
        (items, number) = (items / WIDTH, number + 1);
    }
    names
}

/// Fetches what has these names, several at a time. What is not there is left out: verifying says what is missing.
fn fetch(archive: &dyn Archive, dir: &Path, names: &[String]) -> Result<(), NotRestored> {
    let (next, failed) = (AtomicU64::new(0), Mutex::new(None));
    let run = || {
        while let Ok(at) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
            && let Some(name) = names.get(at)
        {
            if let Err(error) = one(archive, dir, name) {
                // No more are begun.
                next.store(u64::from(u32::MAX), Ordering::Relaxed);
                failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
                return;
            }
        }
    };
    thread::scope(|scope| (0..AT_A_TIME).for_each(|_| drop(scope.spawn(run))));
    failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).map_or(Ok(()), Err)
}

fn one(archive: &dyn Archive, dir: &Path, name: &str) -> Result<(), NotRestored> {
    let Some(bytes) = get(archive, name)? else { return Ok(()) };
    // The names of heads are the archive's own.
    if name.split('/').any(|part| part.is_empty() || part.starts_with('.')) {
        return Ok(());
    }
    let path = dir.join(name);
    let write = || {
        match fs::write(&path, &bytes) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => return done,
        }
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(&path, &bytes)
    };
    write().map_err(|error| NotRestored::Write { path: path.clone(), error })
}

fn times(dir: &Path, size: u64) -> Result<Option<(Timestamp, Timestamp)>, ReadError> {
    let first = read::entries(dir, 0..size).next().transpose()?;
    let last = read::entries(dir, size.saturating_sub(1)..size).next().transpose()?;
    Ok(first.zip(last).map(|((_, first), (_, last))| (first.time, last.time)))
}

/// The newest heads, a day's and more: who looks for where an archive was changed has the tiles to go by.
const HEADS_MAX: usize = 2_000;

/// Each waits for its answer from afar.
const AT_A_TIME: usize = 16;
