use std::collections::HashSet;
use std::io::{self, Read, Seek};

use zip::ZipArchive;

use super::budget::ENTRIES_MAX;
use super::name::Name;
use super::scanner::{Scanner, Source};

/// Looks into every entry of a ZIP archive, in the order of its directory.
///
/// # Errors
/// If it has no directory that can be read; then nothing has been looked at.
pub fn scan<R: Read + Seek>(scanner: &mut Scanner<'_>, name: &Name, file: R, depth: usize) -> io::Result<()> {
    let mut archive = ZipArchive::new(file).map_err(io::Error::other)?;
    if archive.has_duplicate_names() {
        scanner.unread(name, &"it has several entries of one name, and only the last of each is read");
    }
    if !archive.comment().is_empty() {
        scanner.text(&name.within(b"(comment)"), &mut archive.comment())?;
    }
    let mut names = HashSet::new();
    for index in 0..archive.len() {
        if !scanner.budget.entry() {
            scanner.unread(name, &format!("it has more than {ENTRIES_MAX} entries"));
            break;
        }
        let Ok(inner) = archive.by_index_data(index).map(|entry| name.within(entry.name_raw())) else {
            scanner.unread(name, &format!("entry {index} of its directory cannot be read"));
            continue;
        };
        look_at_name(scanner, &inner, name, &mut names);
        match archive.by_index(index) {
            Ok(entry) if entry.is_dir() => {}
            Ok(entry) => {
                let mut unpacked = scanner.budget.reader(entry);
                scanner.source(&inner, Source::Stream(&mut unpacked), depth + 1);
            }
            Err(error) => scanner.unread(&inner, &error),
        }
    }
    Ok(())
}

/// Looks at the name of an entry, but not again at folders that it shares with others.
pub fn look_at_name(scanner: &mut Scanner<'_>, inner: &Name, outer: &Name, seen: &mut HashSet<Vec<u8>>) {
    let from = outer.bytes().len() + 1;
    let path = inner.bytes().get(from..).unwrap_or_default();
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let folder = memchr::memrchr(b'/', path).map_or(0, |at| at + 1);
    let known = folder == 0 || !seen.insert(path.get(..folder).unwrap_or_default().to_vec());
    scanner.name(inner, if known { from + folder } else { from });
}
