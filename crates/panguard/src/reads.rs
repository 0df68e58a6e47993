//! Reads of the audit log that are to be recorded in it (PCI DSS 4.0.1, 10.2.1.3).
//!
//! A log has one writer, the gateway. A command that reads leaves a note in the data folder, and a gateway that runs, or
//! the next one that starts, makes an entry of it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use access::Timestamp;
use anyhow::Context;
use audit::Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Note {
    how: Box<str>,
    first: u64,
    end: u64,
}

/// Makes the folder of notes, so that it is the gateway's own, whoever leaves notes in it.
///
/// # Errors
/// It cannot be made.
pub fn prepare(data_dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir.join(FOLDER))
}

/// Leaves a note that the log's entries in `range` were read by `how`, by whoever runs this process.
///
/// # Errors
/// It cannot be written: then what was read must not be told.
pub fn leave(data_dir: &Path, how: &str, range: Range<u64>, now: Timestamp) -> anyhow::Result<()> {
    let folder = data_dir.join(FOLDER);
    let write = || {
        prepare(data_dir)?;
        let user = rustix::process::getuid().as_raw();
        let time = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or(jiff::Timestamp::MAX);
        let how = format!("{how} by uid {user} at {time:.0}").into();
        let text = serde_json::to_string(&Note { how, first: range.start, end: range.end })?;
        let name = format!("{}-{}", now.micros(), std::process::id());
        let new = folder.join(format!(".{name}"));
        // The gateway may be another user; the folder is closed to all others.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, folder.join(name))
    };
    write().with_context(|| {
        format!("that the audit log is read cannot be noted in `{}`, so it is not read", folder.display())
    })
}

/// The notes that wait, oldest first, each with its file, which goes once the entry is there.
pub fn waiting(data_dir: &Path) -> Vec<(PathBuf, Event)> {
    let inside = fs::read_dir(data_dir.join(FOLDER)).into_iter().flatten().flatten();
    let is_whole =
        |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    let mut files: Vec<PathBuf> = inside.map(|file| file.path()).filter(is_whole).take(NOTES_MAX).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), event(&path))).collect()
}

fn event(path: &Path) -> Event {
    let read = || {
        let mut text = String::new();
        fs::File::open(path).ok()?.take(NOTE_BYTES_MAX).read_to_string(&mut text).ok()?;
        serde_json::from_str::<Note>(&text).ok()
    };
    match read() {
        Some(Note { how, first, end }) => Event::LogRead { how, first, end },
        // Somebody read, and that is known.
        None => Event::LogRead { how: "by a note that cannot be read".into(), first: 0, end: 0 },
    }
}

/// The folder of notes in the data folder.
const FOLDER: &str = "reads";

/// Notes that are recorded at a time; the rest is for the next.
const NOTES_MAX: usize = 100;

/// A note is a line.
const NOTE_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests;
