//! Files that are files: who can write in the log's folder could put a pipe there, at which whoever reads waits for ever.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a file to read it.
///
/// # Errors
/// As [`File::open`]; it is something else (`InvalidData`).
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    checked(OpenOptions::new().read(true).custom_flags(flags).open(path)?)
}

/// All that is in a file.
///
/// # Errors
/// As [`open`]; it cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(READ_AHEAD_MAX)).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`read`], of text.
///
/// # Errors
/// As [`read`]; it is not UTF-8 (`InvalidData`).
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

fn checked(file: File) -> io::Result<File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(ErrorKind::InvalidData, "it is not a plain file")),
    }
}

/// What a file says of its length is not believed beyond this.
const READ_AHEAD_MAX: u64 = 1 << 20;
