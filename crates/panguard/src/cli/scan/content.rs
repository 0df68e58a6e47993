//! What a file is, by what is in it. Names lie.

/// How something is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// As bytes, whatever they are.
    Text,
    /// A table with commas, or this delimiter.
    Table(u8),
    Gzip,
    Zstd,
    Tar,
    Zip,
    Sqlite,
    Parquet,
    /// A container that is known and not opened; what it is called.
    Closed(&'static str),
}

impl Content {
    /// What begins with `head`, at least [`HEAD_BYTES`] of it where there are as many.
    ///
    /// Only a table of text is told by the name: by its content it is text like any other.
    pub fn of(head: &[u8], name: &[u8]) -> Self {
        let magic = MAGIC.iter().find(|(bytes, _)| head.starts_with(bytes));
        match magic {
            Some((_, content)) => *content,
            // A frame of zstd to skip, which may stand before others (RFC 8878 §3.1.2).
            None if head.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) && matches!(head, [0x50..=0x5f, ..]) => {
                Self::Zstd
            }
            None if head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY") => Self::Closed("bzip2"),
            None if is_tar(head) => Self::Tar,
            None => delimiter(head, name).map_or(Self::Text, Self::Table),
        }
    }
}

/// Whether `head` is the header of an entry, by its check sum: the bytes added up, with spaces in its place
/// (POSIX pax, ustar). Older archives than ustar have no other mark.
fn is_tar(head: &[u8]) -> bool {
    let Some((header, _)) = head.split_first_chunk::<512>() else { return false };
    let (Some(before), Some(digits), Some(after)) =
        (header.get(..148), header.get(148..156), header.get(156..))
    else {
        return false;
    };
    let digits = digits.trim_ascii_start().split(|byte| matches!(byte, 0 | b' ')).next();
    let told =
        digits.and_then(|it| std::str::from_utf8(it).ok()).and_then(|it| u32::from_str_radix(it, 8).ok());
    let sum: u32 = before.iter().chain(after).map(|byte| u32::from(*byte)).sum();
    told == Some(sum + 8 * u32::from(b' '))
}

/// What separates the values of a table, if the name says that it is one.
fn delimiter(head: &[u8], name: &[u8]) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    let packed = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed.as_bytes()));
    let name = packed.unwrap_or(&name);
    if !TABLES.iter().any(|ending| name.ends_with(ending.as_bytes())) {
        return None;
    }
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    // Of those that are as frequent, the first.
    let most = DELIMITERS.iter().rev().max_by_key(|delimiter| count(**delimiter)).copied();
    most.filter(|delimiter| count(*delimiter) > 0).or(Some(b','))
}

/// As much of the beginning as is looked at.
pub const HEAD_BYTES: usize = 4096;

const DELIMITERS: &[u8] = b",;\t|";

const TABLES: &[&str] = &[".csv", ".tsv", ".tab", ".psv"];

const MAGIC: &[(&[u8], Content)] = &[
    (b"\x1f\x8b\x08", Content::Gzip),
    (b"\x28\xb5\x2f\xfd", Content::Zstd),
    (b"PK\x03\x04", Content::Zip),
    (b"PK\x05\x06", Content::Zip),
    // The first part of one in several.
    (b"PK\x07\x08", Content::Zip),
    (b"SQLite format 3\0", Content::Sqlite),
    (b"PAR1", Content::Parquet),
    (b"PARE", Content::Closed("an encrypted Parquet file")),
    (b"\xfd7zXZ\0", Content::Closed("xz")),
    (b"7z\xbc\xaf\x27\x1c", Content::Closed("7-Zip")),
    (b"Rar!\x1a\x07", Content::Closed("RAR")),
    (b"\x04\x22\x4d\x18", Content::Closed("LZ4")),
    (b"MSCF\0\0\0\0", Content::Closed("a cabinet")),
    (b"LZIP\x01", Content::Closed("lzip")),
    (b"\x1f\x9d", Content::Closed("compress")),
];

#[cfg(test)]
mod tests;
