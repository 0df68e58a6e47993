//! Earlier checkpoints, one after another with an empty line behind each.
//!
//! They narrow down where a log was changed, and show a log that was cut short or forked to whoever kept
//! none of its checkpoints elsewhere. At most one a minute is added: some 100 MB in a year.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::plain;

/// What the file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Signed notes, oldest first.
    pub(crate) notes: Vec<String>,
    /// Bytes that they take with the empty lines behind them.
    pub(crate) whole_bytes: u64,
    /// Whether more follows: a note that a crash left unfinished, or what somebody put there.
    pub(crate) torn: bool,
}

/// Reads the file; there is nothing in it when it does not exist.
pub(crate) fn read(dir: &Path) -> io::Result<History> {
    match plain::read(&dir.join(FILE)) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(History::default()),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> History {
    let mut history = History::default();
    // Text that is not UTF-8 is kept as far as it is: signatures say that it was changed.
    let text = String::from_utf8_lossy(bytes);
    let mut rest = &*text;
    // A note is two paragraphs.
    while let Some((body, after)) = rest.split_once("\n\n")
        && let Some((signatures, after)) = after.split_once("\n\n")
    {
        history.notes.push(format!("{body}\n\n{signatures}\n"));
        history.whole_bytes += (rest.len() - after.len()) as u64;
        rest = after;
    }
    history.torn = !rest.is_empty();
    history
}

/// Cuts off a note that a crash left unfinished.
pub(crate) fn mend(dir: &Path) -> io::Result<()> {
    let history = read(dir)?;
    if history.torn {
        let file = File::options().write(true).open(dir.join(FILE))?;
        file.set_len(history.whole_bytes)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Adds a note and returns once it is durable.
pub(crate) fn append(dir: &Path, note: &str) -> io::Result<()> {
    let mut file = File::options().append(true).create(true).open(dir.join(FILE))?;
    file.write_all(format!("{note}\n").as_bytes())?;
    file.sync_all()
}

/// The file's name.
pub(crate) const FILE: &str = "checkpoints";
