//! A file that lines are appended to, and that others may put away (`logrotate`).

#[cfg(test)]
mod tests;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::Failed;
use crate::read::Batch;

/// Appends to one file.
#[derive(Default)]
pub(crate) struct Appender {
    open: Arc<Mutex<Option<File>>>,
}

impl Appender {
    /// Appends the lines; they are on the disk afterwards.
    pub(crate) async fn append(&mut self, path: &Path, batch: &Batch) -> Result<(), Failed> {
        let (open, path) = (Arc::clone(&self.open), path.to_owned());
        let mut text = batch.lines.join("\n");
        text.push('\n');
        let done = tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            let done = write(&mut open, &path, text.as_bytes());
            if done.is_err() {
                *open = None;
            }
            done
        });
        match done.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failed::because(error.to_string())),
            Err(_) => Err(Failed::because("the file cannot be written")),
        }
    }
}

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error("the file cannot be written: {}", .0.kind())]
    Io(#[from] io::Error),
    #[error("it is no file, or a link to one")]
    NoFile,
    #[error("the file is somebody else's, or others can write it")]
    Others,
}

fn write(open: &mut Option<File>, path: &Path, text: &[u8]) -> Result<(), NotWritten> {
    let is_there = |file: &File| {
        let (ours, named) = (file.metadata()?, fs::symlink_metadata(path)?);
        io::Result::Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino()))
    };
    let file = match open.take() {
        Some(file) if is_there(&file).unwrap_or(false) => open.insert(file),
        Some(_) | None => open.insert(begin(path)?),
    };
    file.write_all(text)?;
    file.sync_data()?;
    Ok(())
}

/// Opens the file, or makes it for its owner alone. A line that a crash cut off is ended: it comes again, whole.
fn begin(path: &Path) -> Result<File, NotWritten> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let mut file = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let file = options.create_new(true).open(path)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            file
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(NotWritten::NoFile);
        }
        opened => opened?,
    };
    check(&file.metadata()?)?;
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn check(file: &Metadata) -> Result<(), NotWritten> {
    if !file.is_file() {
        return Err(NotWritten::NoFile);
    }
    // Whoever can write it could have entries in it that never were.
    if file.uid() != rustix::process::geteuid().as_raw() || file.mode() & 0o022 != 0 {
        return Err(NotWritten::Others);
    }
    Ok(())
}
