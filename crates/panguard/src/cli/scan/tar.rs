use std::collections::HashSet;
use std::io::{self, Read};

use tar::Archive;

use super::budget::ENTRIES_MAX;
use super::name::Name;
use super::scanner::{Scanner, Source};
use super::zip::look_at_name;

/// Looks into every entry of a tar archive, and of those that were appended to it whole.
pub fn scan(scanner: &mut Scanner<'_>, name: &Name, stream: &mut dyn Read, depth: usize) -> io::Result<()> {
    let mut archive = Archive::new(stream);
    // Else what stands behind two empty blocks would not be looked at.
    archive.set_ignore_zeros(true);
    let mut names = HashSet::new();
    for entry in archive.entries()? {
        let entry = entry?;
        if !scanner.budget.entry() {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
        let inner = name.within(&entry.path_bytes());
        look_at_name(scanner, &inner, name, &mut names);
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let size = entry.size();
        // Only what is written as holes is more than the archive is large.
        let sparse = entry.header().entry_type().is_gnu_sparse();
        let mut counted = Counted { inner: entry, read: 0 };
        if sparse {
            let mut unpacked = scanner.budget.reader(&mut counted);
            scanner.source(&inner, Source::Stream(&mut unpacked), depth + 1);
            continue;
        }
        scanner.source(&inner, Source::Stream(&mut counted), depth + 1);
        // An archive that was cut off ends in the middle of an entry, without a word.
        io::copy(&mut counted, &mut io::sink())?;
        if counted.read < size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends in the middle of an entry"));
        }
    }
    Ok(())
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
