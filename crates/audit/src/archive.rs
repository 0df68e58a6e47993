//! Archiving: a copy of the log, kept elsewhere, that is a log itself.
//!
//! Full tiles never change, so an archive has them under the same names, and nothing in it is ever written anew but its
//! newest head, and the note of what is old. After each round that head is of as many entries as it has, a multiple of 256:
//!
//! ```text
//! tile/…          full tiles, and the partial hash tiles of each head
//! checkpoint      the newest head
//! heads/…         each head, named by its size
//! log.vkey        the key that checks them
//! pruned          up to which entry it may be thinned out, being old enough
//! ```
//!
//! Earlier heads are files of their own, and not one that grows as in the log's folder, so that a store that locks what it is
//! given locks them too.
//!
//! What is archived is made anew from the entries, by the code that publishes the tree, and goes out only if the newest signed
//! head vouches for it. How far an archive reaches is what its own head says; nothing is noted here.

mod directory;
mod restore;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use access::Timestamp;

pub use directory::Directory;
pub use restore::{NotRestored, Restored, restore};

use crate::event::Leave;
use crate::note::{Checkpoint, NotSigned, Signer, Verifier};
use crate::prove::{self, prove_consistency};
use crate::prune::{PRUNED_MAX, newest_of};
use crate::pruned::{self, Pruned};
use crate::publish::CHECKPOINT;
use crate::read::{self, ReadError, read_if_there};
use crate::tile::{self, Edge, Level, Tile, TileName, WIDTH};
use crate::tree::{leaf_hash, verify_consistency};
use crate::verify::Wrong;

/// Where archives are kept. Names are paths with `/`.
pub trait Archive: Send + Sync {
    /// What has this name, if anything has.
    ///
    /// # Errors
    /// It cannot be said now.
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Puts something there, whole or not at all; it is durable when this returns.
    ///
    /// # Errors
    /// It may be there or not. `AlreadyExists`: something else has the name, and was to stay.
    fn put(&self, name: &str, bytes: &[u8], stay: Stay) -> io::Result<()>;

    /// The names in this folder, without it, in any order.
    ///
    /// # Errors
    /// They cannot be listed now.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;
}

/// Whether what is put into an archive stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// For as long as the archive is kept.
    Forever,
    /// Until the next.
    Until,
}

/// Why entries were not archived. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotArchived {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The archive cannot be reached, or does not do what it is told.
    #[error("cannot {doing} `{name}` in the archive: {error}")]
    Archive {
        /// What was tried: `read`, `write`.
        doing: &'static str,
        /// Of what.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// A head is not the log's.
    #[error("the {whose} checkpoint: {why}")]
    Head {
        /// `log's` or `archive's`.
        whose: &'static str,
        /// Why not.
        why: NotSigned,
    },
    /// What the archive has is not a beginning of the log.
    #[error(
        "the archive's {archived} entries are not a beginning of the log's {size}: it is of another log, or one of the \
         two was changed or put back; `panguard audit verify` says more of each"
    )]
    Apart {
        /// Entries in the archive.
        archived: u64,
        /// Entries in the log.
        size: u64,
    },
    /// The entries are not those that were signed.
    #[error(
        "the entries of the log before {end} are not those that were signed, `panguard audit verify` says more"
    )]
    Changed {
        /// The index after the last that was looked at.
        end: u64,
    },
    /// Neither has the entry.
    #[error(
        "entry {index} is not in the log's folder any more and not in this archive; put the archive that has it in this place"
    )]
    Gone {
        /// Its index.
        index: u64,
    },
}

impl NotArchived {
    pub(crate) fn archive(doing: &'static str, name: &str, error: io::Error) -> Self {
        Self::Archive { doing, name: name.to_owned(), error }
    }
}

/// How far a log is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Entries in the archive.
    pub archived: u64,
    /// Entries in the log, under its newest head.
    pub size: u64,
}

/// Copies a log to its archive.
pub struct Archiver {
    dir: PathBuf,
    signer: Signer,
    verifier: Verifier,
    /// How many entries the archive has, once it was asked.
    archived: Option<u64>,
}

impl Archiver {
    /// Of the log at `dir`, by the key that signs its heads.
    pub fn new(dir: &Path, signer: Signer) -> Self {
        Self { dir: dir.to_owned(), verifier: signer.verifier(), signer, archived: None }
    }

    /// How many entries the archive has, as far as is known.
    pub fn archived(&self) -> u64 {
        self.archived.unwrap_or(0)
    }

    /// The key that signs.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Archives what is newly full, a piece at a time, until it has all or is told to stop.
    ///
    /// A gateway may be appending, and may be killed at any time.
    ///
    /// # Errors
    /// [`NotArchived`]; what was archived until then stays.
    pub fn round(&mut self, archive: &dyn Archive, stop: &AtomicBool) -> Result<Reach, NotArchived> {
        let Some(head) = self.head()? else { return Ok(Reach { archived: 0, size: 0 }) };
        let mut archived = match self.archived {
            Some(archived) => archived,
            None => self.find(archive, &head)?,
        };
        self.archived = Some(archived);
        while archived + WIDTH <= head.size && !stop.load(Ordering::Relaxed) {
            archived = self.piece(archive, archived, &head)?;
            self.archived = Some(archived);
        }
        Ok(Reach { archived, size: head.size })
    }

    /// The log's newest head.
    fn head(&self) -> Result<Option<Checkpoint>, NotArchived> {
        let head = prove::checkpoint(&self.dir)?.map(|note| self.verifier.open(&note)).transpose();
        head.map_err(|why| NotArchived::Head { whose: "log's", why })
    }

    /// How many entries the archive has, which must be those of the log.
    fn find(&self, archive: &dyn Archive, head: &Checkpoint) -> Result<u64, NotArchived> {
        let Some(found) = head_of(archive, &self.verifier)? else {
            let key = format!("{}\n", self.verifier);
            put(archive, KEY, key.as_bytes(), Stay::Forever)?;
            return Ok(0);
        };
        let apart = NotArchived::Apart { archived: found.size, size: head.size };
        if found.size > head.size || !found.size.is_multiple_of(WIDTH) {
            return Err(apart);
        }
        if !is_beginning(&self.dir, &found, head)? {
            return Err(apart);
        }
        Ok(found.size)
    }

    /// Archives the entries from `from` on, as many as are held in memory; how many are archived then.
    fn piece(&self, archive: &dyn Archive, from: u64, head: &Checkpoint) -> Result<u64, NotArchived> {
        let mut edge = read::edge(&self.dir, from)?;
        let (mut tiles, mut bytes) = (Vec::new(), 0);
        while edge.size() + WIDTH <= head.size && bytes < PIECE_BYTES {
            let index = edge.size();
            let bundle = bundle(&self.dir, index)?.ok_or(NotArchived::Gone { index })?;
            bytes += bundle.len();
            push(&bundle, &mut edge, &mut tiles).ok_or(NotArchived::Changed { end: index + WIDTH })?;
        }
        let made = self.head_at(&edge);
        if !is_beginning(&self.dir, &made, head)? {
            return Err(NotArchived::Changed { end: made.size });
        }
        for Tile { name, bytes } in tiles.iter().chain(&edge.partial()) {
            put(archive, &slashed(name), bytes, Stay::Forever)?;
        }
        let note = self.signer.sign(&made);
        put(archive, CHECKPOINT, note.as_bytes(), Stay::Until)?;
        // After it: a head that is remembered and is not the newest would say that entries were lost.
        put(archive, &format!("{HEADS}/{:020}", made.size), note.as_bytes(), Stay::Forever)?;
        Ok(made.size)
    }

    /// Signs into the archive up to which entry all are older than `before`: those may be taken out of it by its owner, for
    /// panguard takes nothing out of there. Their hashes have to stay.
    ///
    /// # Errors
    /// [`NotArchived`]; what was signed before stays.
    pub fn expire(&self, archive: &dyn Archive, before: Timestamp) -> Result<(), NotArchived> {
        let Some(head) = self.head()? else { return Ok(()) };
        let known = get(archive, pruned::FILE)?.map(|note| Pruned::open(&note, &self.verifier)).transpose();
        let known = known.map_err(|why| NotArchived::Head { whose: "archive's note beside the", why })?;
        let first = known.as_ref().map_or(0, |known| known.end);
        let mut newest = known.map_or(Timestamp(i64::MIN), |known| known.newest);
        let mut edge = read::edge(&self.dir, first)?;
        while edge.size() + WIDTH <= self.archived() && edge.size() - first < PRUNED_MAX {
            let index = edge.size();
            let name = slashed(&TileName::full(Level::Entries, index / WIDTH));
            let Some(bundle) = get(archive, &name)? else { break };
            let changed = NotArchived::Changed { end: index + WIDTH };
            let Some(time) = newest_of(index, &bundle)? else { return Err(changed) };
            if time >= before {
                break;
            }
            push(&bundle, &mut edge, &mut Vec::new()).ok_or(changed)?;
            newest = newest.max(time);
        }
        let made = self.head_at(&edge);
        if made.size == first {
            return Ok(());
        }
        // Else whoever can write there could have it signed that anything is old.
        if !is_beginning(&self.dir, &made, &head)? {
            return Err(NotArchived::Changed { end: made.size });
        }
        let old = Pruned { end: made.size, root: made.root, newest, why: Leave::Expired };
        put(archive, pruned::FILE, old.sign(&self.signer).as_bytes(), Stay::Until)
    }

    fn head_at(&self, edge: &Edge) -> Checkpoint {
        Checkpoint { origin: self.signer.name().into(), size: edge.size(), root: edge.root() }
    }
}

/// The archive's newest head, if it has one.
pub(crate) fn head_of(archive: &dyn Archive, verifier: &Verifier) -> Result<Option<Checkpoint>, NotArchived> {
    let Some(note) = get(archive, CHECKPOINT)? else { return Ok(None) };
    let opened = str::from_utf8(&note).map_err(|_| NotSigned::Form).and_then(|note| verifier.open(note));
    opened.map(Some).map_err(|why| NotArchived::Head { whose: "archive's", why })
}

/// Whether the tree under `old` is a beginning of that under `head`, a signed one, by the hash tiles of the log at `dir`.
pub(crate) fn is_beginning(dir: &Path, old: &Checkpoint, head: &Checkpoint) -> Result<bool, ReadError> {
    let proof = prove_consistency(dir, old.size, head.size)?;
    Ok(verify_consistency(old.size, &old.root, head.size, &head.root, &proof))
}

/// The full bundle that begins with entry `index`, if it is there.
pub(crate) fn bundle(dir: &Path, index: u64) -> Result<Option<Vec<u8>>, ReadError> {
    read_if_there(&dir.join(TileName::full(Level::Entries, index / WIDTH).path()))
}

/// Appends the entries of a full bundle to a tree; `None` if it is not one.
pub(crate) fn push(bundle: &[u8], edge: &mut Edge, full: &mut Vec<Tile>) -> Option<()> {
    let entries = tile::entries(bundle)?;
    entries.into_iter().for_each(|entry| edge.push(leaf_hash(entry), entry, full));
    Some(())
}

/// The earlier heads that an archive at `dir` has; what is wrong with them goes to `wrong`.
pub(crate) fn heads(
    dir: &Path,
    verifier: &Verifier,
    wrong: &mut Vec<Wrong>,
) -> Result<Vec<Checkpoint>, ReadError> {
    let folder = dir.join(HEADS);
    let io = |error| ReadError::Io { path: folder.clone(), error };
    let files = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(io)?,
    };
    let mut names = files.map(|file| Ok(file?.file_name())).collect::<io::Result<Vec<_>>>().map_err(io)?;
    names.sort_unstable();
    let mut heads = Vec::new();
    for name in names.iter().filter(|name| name.to_str().is_some_and(|name| !name.ends_with(".new"))) {
        let note = read_if_there(&folder.join(name))?.unwrap_or_default();
        let opened = str::from_utf8(&note).map_err(|_| NotSigned::Form).and_then(|note| verifier.open(note));
        match opened {
            Ok(head) => heads.push(head),
            Err(why) => wrong.push(Wrong::head(format!("`{HEADS}/{}`: {why}", name.display()))),
        }
    }
    Ok(heads)
}

pub(crate) fn get(archive: &dyn Archive, name: &str) -> Result<Option<Vec<u8>>, NotArchived> {
    archive.get(name).map_err(|error| NotArchived::archive("read", name, error))
}

fn put(archive: &dyn Archive, name: &str, bytes: &[u8], stay: Stay) -> Result<(), NotArchived> {
    archive.put(name, bytes, stay).map_err(|error| NotArchived::archive("write", name, error))
}

/// A tile's name in an archive.
pub(crate) fn slashed(name: &TileName) -> String {
    name.path().to_string_lossy().into_owned()
}

/// The folder of the earlier heads.
pub(crate) const HEADS: &str = "heads";

/// The file of the verifier key.
pub const KEY: &str = "log.vkey";

/// Bundles that are held in memory until the newest head has vouched for them; one more may have 16 MiB.
const PIECE_BYTES: usize = 32 << 20;
