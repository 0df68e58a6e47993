use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};

use tar::Archive;

use super::budget::{ENTRIES_MAX, HELD_BYTES_MAX};
use super::name::Name;
use super::scanner::{Scanner, Source};
use super::zip::look_at_name;

/// Looks into every entry of a tar archive, and of those that were appended to it whole.
pub fn scan(scanner: &mut Scanner<'_>, name: &Name, stream: &mut dyn Read, depth: usize) -> io::Result<()> {
    let room = Cell::new(None);
    let mut archive = Archive::new(Headers { stream, room: &room });
    // Else what stands behind two empty blocks would not be looked at.
    archive.set_ignore_zeros(true);
    let mut names = HashSet::new();
    let mut entries = archive.entries()?;
    loop {
        room.set(Some(HELD_BYTES_MAX as u64));
        let Some(entry) = entries.next().transpose()? else { return Ok(()) };
        room.set(None);
        if !scanner.budget.entry() {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
        let inner = name.within(&entry.path_bytes());
        look_at_name(scanner, &inner, name, &mut names);
        // Only what is written as holes is more than the archive is large.
        let sparse = entry.header().entry_type().is_gnu_sparse();
        let size = entry.size();
        let mut counted = Counted { inner: entry, read: 0 };
        if sparse {
            let mut unpacked = scanner.budget.reader(&mut counted);
            scanner.source(&inner, Source::Stream(&mut unpacked), depth + 1);
            continue;
        }
        if size > 0 {
            scanner.source(&inner, Source::Stream(&mut counted), depth + 1);
        }
        // An archive that was cut off ends in the middle of an entry, without a word.
        io::copy(&mut counted, &mut io::sink())?;
        if counted.read < size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of an entry"));
        }
    }
}

/// A stream of which only so much may be read while a header is: long names are taken into memory, and may
/// claim to be as long as the archive.
struct Headers<'a> {
    stream: &'a mut dyn Read,
    /// How much there may be; `None` while an entry itself is read.
    room: &'a Cell<Option<u64>>,
}

impl Read for Headers<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(room) = self.room.get() else { return self.stream.read(buffer) };
        if room == 0 && !buffer.is_empty() {
            return Err(io::Error::other(format!("a header in it is longer than {HELD_BYTES_MAX} bytes")));
        }
        let length = buffer.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let read = self.stream.read(buffer.get_mut(..length).unwrap_or_default())?;
        self.room.set(Some(room - read as u64));
        Ok(read)
    }
}

/// A reader that knows how much has come out of it.
struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}
