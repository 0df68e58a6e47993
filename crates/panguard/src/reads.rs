//! That somebody reads the audit log is an entry of it (PCI DSS 4.0.1, 10.2.1.3).
//!
//! The command line reads the log's files and cannot append to them, for a gateway may have it open. So it leaves a note in
//! a folder beside the log, before it reads; the gateway makes an entry of each note and takes the note away. A note that
//! was left while none ran becomes one when the next starts. The folder is the gateway's: where there is none, and no
//! vault either, the log is a copy.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use audit::{Entry, Event, Log};
use serde::{Deserialize, Serialize};
use tracing::warn;

use access::Timestamp;

/// How the log is read: what is written of it is one of these, whatever a note says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    List,
    Tail,
    Show,
    Replay,
    Trace,
    Export,
    Evidence,
    Restore,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    how: How,
    first: u64,
    end: u64,
}

/// Leaves a note that the log at `dir` is read, of those entries at most.
///
/// # Errors
/// It cannot be left though it should be.
pub fn leave(dir: &Path, how: How, range: &Range<u64>) -> io::Result<()> {
    let folder = folder(dir);
    if !folder.is_dir() {
        // The log may lie elsewhere than the vault, with a link to it.
        let mut places = [dir.parent(), folder.parent()].into_iter().flatten();
        return match places.any(|data_dir| crate::folder::vault(data_dir).exists()) {
            true => Err(io::Error::other(format!(
                "there is no folder `{}`; a gateway makes it when it starts",
                folder.display()
            ))),
            false => Ok(()),
        };
    }
    if fs::read_dir(&folder)?.count() >= NOTES_MAX {
        return Err(io::Error::other(format!("{NOTES_MAX} notes wait there for a gateway to start")));
    }
    let note = Note { how, first: range.start, end: range.end };
    let mut number = 0;
    loop {
        let name = format!("{}-{}-{number}", jiff::Timestamp::now().as_microsecond(), std::process::id());
        let new = folder.join(&name).with_extension("new");
        // The gateway may run as somebody else than whoever reads; the folder is closed to others.
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new) {
            Ok(mut file) => {
                file.write_all(serde_json::to_string(&note)?.as_bytes())?;
                return fs::rename(&new, folder.join(&name).with_extension(ENDING));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NUMBER_MAX => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Makes the folder in which notes are left for this gateway.
pub fn expect(dir: &Path) -> anyhow::Result<()> {
    crate::folder::make(&folder(dir)).map(|_| ())
}

/// Makes entries of the notes that lie there, and takes them away.
pub async fn record(dir: &Path, gateway: &str, now: Timestamp, log: &Log) {
    let notes = match fs::read_dir(folder(dir)) {
        Ok(notes) => notes,
        Err(error) => {
            warn!(%error, "notes of who read the audit log cannot be read");
            if let Err(error) = expect(dir) {
                warn!(%error, "the folder for them cannot be made");
            }
            return;
        }
    };
    // A folder can be neither read nor taken away here, and must not stand in the way of others.
    let files = notes.flatten().filter(|note| note.file_type().is_ok_and(|kind| !kind.is_dir()));
    let paths = files.map(|note| note.path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == ENDING)).collect();
    // In the order of their times, which their names begin with.
    paths.sort_unstable();
    for path in paths.into_iter().take(NOTES_AT_ONCE) {
        match read(&path) {
            Ok((note, user)) => {
                let how = word(note.how).into();
                let event = Event::LogRead { how, first: note.first, end: note.end };
                let client = Some(format!("panguard, user {user} of the machine").into());
                let entry = Entry { client, ..Entry::of_gateway(now, gateway.into(), event) };
                // The note stays until its entry is durable: rather two entries than none.
                if log.append(&entry).await.is_err() {
                    return;
                }
            }
            Err(error) => warn!(%error, "a note of who read the audit log says nothing"),
        }
        if let Err(error) = fs::remove_file(&path) {
            // It would be recorded again and again.
            warn!(%error, "a note of who read the audit log cannot be taken away");
            return;
        }
    }
}

/// A note, and the user of the machine who left it.
fn read(path: &Path) -> io::Result<(Note, u32)> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let file = fs::File::open(path)?;
    let user = file.metadata()?.uid();
    let mut text = String::new();
    file.take(NOTE_BYTES_MAX).read_to_string(&mut text)?;
    Ok((serde_json::from_str(&text)?, user))
}

fn word(how: How) -> &'static str {
    match how {
        How::List => "list",
        How::Tail => "tail",
        How::Show => "show",
        How::Replay => "replay",
        How::Trace => "trace",
        How::Export => "export",
        How::Evidence => "evidence",
        How::Restore => "restore",
    }
}

/// `data_dir/audit-reads`.
fn folder(dir: &Path) -> PathBuf {
    crate::folder::beside(dir, "-reads")
}

const ENDING: &str = "note";

/// A note has some 60.
const NOTE_BYTES_MAX: u64 = 1024;

/// Who reads the log this often while no gateway runs is told so, and reads it unrecorded.
const NOTES_MAX: usize = 10_000;

/// In each look, once a second.
const NOTES_AT_ONCE: usize = 100;

/// Notes of one process in one microsecond.
const NUMBER_MAX: u32 = 100;

#[cfg(test)]
mod tests;
