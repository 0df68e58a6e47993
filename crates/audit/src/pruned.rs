//! How far a log's entries were removed from its folder, as the log's key signed it.
//!
//! The hashes of what was removed stay, so the tree is whole. The note is in the file `pruned`, a signed note
//! (C2SP signed-note) of six lines: what it is, the log's name, the index after the last entry removed, the root of
//! the tree over all before it, the time of the newest among them in microseconds since 1970, and why.
//!
//! An archive has one, too, of entries that may be taken out of it.
//!
//! INVARIANT: nothing before its `end` is removed before the note is durable, and nothing from there on ever. So an
//! entry that is missing is named by a note that only the log's key can make, or somebody else took it away.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use access::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::event::Leave;
use crate::note::{NotSigned, Signer, Verifier};
use crate::read::{ReadError, read_if_there};
use crate::segment;
use crate::tile::{Level, TileName};
use crate::tree::Hash;

/// What was removed from the folder of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The index after the last entry removed, a multiple of 256.
    pub end: u64,
    /// The root of the tree over the entries before it.
    pub root: Hash,
    /// The time of the newest among them.
    pub newest: Timestamp,
    /// Why they might be removed.
    pub why: Leave,
}

impl Pruned {
    fn text(&self, log: &str) -> String {
        let Self { end, root, newest, why } = self;
        let root = BASE64.encode(root);
        format!("{TITLE}\n{log}\n{end}\n{root}\n{}\n{}\n", newest.micros(), why.as_str())
    }

    /// Reads the text, and of which log it is.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let mut lines = text.lines();
        lines.next().filter(|title| *title == TITLE)?;
        let log = lines.next()?;
        let end = lines.next()?.parse().ok()?;
        let root = BASE64.decode(lines.next()?).ok()?.try_into().ok()?;
        let newest = Timestamp(lines.next()?.parse().ok()?);
        let why = match lines.next()? {
            "archived" => Leave::Archived,
            "expired" => Leave::Expired,
            _ => return None,
        };
        lines.next().is_none().then_some((Self { end, root, newest, why }, log))
    }

    /// Reads a note that the log's key signed.
    ///
    /// # Errors
    /// Whatever does not hold.
    pub(crate) fn open(note: &[u8], verifier: &Verifier) -> Result<Self, NotSigned> {
        let note = str::from_utf8(note).map_err(|_| NotSigned::Form)?;
        let text = verifier.signed(note)?;
        let (pruned, log) = Self::parse(&text).ok_or(NotSigned::Form)?;
        if log != verifier.name() {
            return Err(NotSigned::Origin(log.into()));
        }
        Ok(pruned)
    }

    /// As a note that the log's key signs.
    pub(crate) fn sign(&self, signer: &Signer) -> String {
        signer.sign_text(&self.text(signer.name()))
    }

    /// Makes it durable as the note of the log at `dir`.
    pub(crate) fn write(&self, dir: &Path, signer: &Signer) -> io::Result<()> {
        let unfinished = dir.join(FILE).with_extension("new");
        fs::write(&unfinished, self.sign(signer))?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, dir.join(FILE))?;
        segment::sync_folder(dir)
    }
}

/// What the note in the log at `dir` says was removed, which is not checked here: that is [`crate::verify`]. `None` where
/// all entries are there.
///
/// # Errors
/// A file cannot be read.
pub fn pruned(dir: &Path) -> Result<Option<Pruned>, ReadError> {
    // A note alone hides nothing.
    if dir.join(TileName::full(Level::Entries, 0).path()).exists() {
        return Ok(None);
    }
    noted(dir)
}

/// The same, also where no entry has left yet.
pub(crate) fn noted(dir: &Path) -> Result<Option<Pruned>, ReadError> {
    let Some(note) = note(dir)? else { return Ok(None) };
    let text = str::from_utf8(&note).ok().and_then(|note| note.rsplit_once("\n\n"));
    Ok(text.and_then(|(text, _)| Pruned::parse(text)).map(|(pruned, _)| pruned))
}

/// The index of the first entry that is in the folder of the log at `dir`.
///
/// # Errors
/// A file cannot be read.
pub fn first(dir: &Path) -> Result<u64, ReadError> {
    Ok(pruned(dir)?.map_or(0, |pruned| pruned.end))
}

/// The note as it is.
pub(crate) fn note(dir: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    read_if_there(&dir.join(FILE))
}

/// The file's name.
pub(crate) const FILE: &str = "pruned";

/// No checkpoint begins with it: the first line of one is the log's name.
const TITLE: &str = "panguard audit log pruned v1";
