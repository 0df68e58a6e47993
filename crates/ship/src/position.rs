//! Where each sink is, as it is written down: a small file of its name in a folder beside the log, which the gateway alone
//! writes. Beside it lies, for a moment, where somebody wants it to be.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where a sink is, and what keeps it there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The index of the entry that is next: all before it is done with.
    pub next: u64,
    /// The hash of the entry before it, in hex: by it another log of the same name is known. `None`: it was not brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Why nothing goes there now, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<Wrong>,
}

/// What is wrong with a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// In words from a fixed list and numbers.
    pub what: String,
    /// Since when, in microseconds since 1970.
    pub since: i64,
}

/// Where somebody wants a sink to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) next: u64,
    /// Who, by their number on this machine.
    pub(crate) user: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    next: u64,
}

/// Where the sink is; `None` if it has been nowhere yet.
///
/// # Errors
/// It cannot be read, or says nothing ([`ErrorKind::InvalidData`], [`ErrorKind::UnexpectedEof`]).
pub fn standing(folder: &Path, sink: &str) -> io::Result<Option<Standing>> {
    match read(&folder.join(sink)) {
        Ok((text, _)) => serde_json::from_str(&text).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Has the gateway move the sink, now or when it starts next. What was wanted before and has not been done is forgotten.
///
/// # Errors
/// It cannot be written.
pub fn leave(folder: &Path, sink: &str, next: u64) -> io::Result<()> {
    let text = serde_json::to_string(&Note { next })?;
    // Whoever runs the gateway has to read it, and the folder is closed to others.
    write(folder, &format!("{sink}.{}", std::process::id()), &format!("{sink}.{MOVE}"), &text, 0o644)
}

pub(crate) fn save(folder: &Path, sink: &str, standing: &Standing) -> io::Result<()> {
    write(folder, &format!("{sink}.new"), sink, &serde_json::to_string(standing)?, 0o600)
}

/// Where the sink should be, if somebody wants it elsewhere. It stays wanted until [`done`], whatever happens between.
pub(crate) fn wanted(folder: &Path, sink: &str) -> Option<io::Result<Wanted>> {
    let taken = folder.join(format!("{sink}.{TAKEN}"));
    if !taken.exists() {
        // So that one that is left meanwhile is not taken away with it.
        fs::rename(folder.join(format!("{sink}.{MOVE}")), &taken).ok()?;
    }
    let note = read(&taken).and_then(|(text, user)| {
        let Note { next } = serde_json::from_str(&text)?;
        Ok(Wanted { next, user })
    });
    Some(note)
}

pub(crate) fn done(folder: &Path, sink: &str) -> io::Result<()> {
    fs::remove_file(folder.join(format!("{sink}.{TAKEN}")))
}

/// A file's text, and whose it is.
fn read(path: &Path) -> io::Result<(String, u32)> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(nofollow.bits().cast_signed()).open(path)?;
    let owner = file.metadata()?.uid();
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok((text, owner))
}

/// By another name first, so that what has the name is whole.
fn write(folder: &Path, new: &str, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let new: PathBuf = folder.join(new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))
}

/// Sinks' names have no dots in them.
const MOVE: &str = "move";
const TAKEN: &str = "taken";

/// One has some 200.
const BYTES_MAX: u64 = 4096;
