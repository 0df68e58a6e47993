use std::path::Path;

use mask::{Classes, Masker, Profile};

/// What something is called: the path of a file, and behind each `!` the path of something in it.
///
/// It is kept as it is, since a file is opened by it, and shown only masked: names hold card numbers too.
#[derive(Clone, PartialEq, Eq)]
pub struct Name {
    bytes: Vec<u8>,
    /// Where the path begins: before it stands a commit.
    path: usize,
    /// Where the path of the file ends, and that of what is in it begins.
    file: usize,
}

impl Name {
    /// The name of a file, without the `./` that says nothing.
    pub fn of_file(path: &Path) -> Self {
        let bytes = path.as_os_str().as_encoded_bytes();
        let bytes = bytes.strip_prefix(b"./").filter(|rest| !rest.is_empty()).unwrap_or(bytes);
        Self { bytes: bytes.to_vec(), path: 0, file: bytes.len() }
    }

    /// The name of something in a repository: `COMMIT:path`, and of a message the commit alone.
    pub fn of_commit(commit: &str, path: &[u8]) -> Self {
        let (colon, begin) = match (commit, path) {
            // A message belongs to its commit, which is then what tells it from others.
            ("", _) | (_, []) => ("", 0),
            _ => (":", commit.len() + 1),
        };
        let bytes = [commit.as_bytes(), colon.as_bytes(), path].concat();
        Self { path: begin, file: bytes.len(), bytes }
    }

    /// The name of something in it.
    pub fn within(&self, inner: &[u8]) -> Self {
        let mut bytes = self.bytes.clone();
        bytes.push(b'!');
        bytes.extend_from_slice(inner.get(..INNER_BYTES_MAX).unwrap_or(inner));
        Self { bytes, ..*self }
    }

    /// The name of a value in the row of that number.
    pub fn in_row(&self, row: u64) -> Self {
        let mut bytes = self.bytes.clone();
        bytes.extend_from_slice(format!(" row {row}").as_bytes());
        Self { bytes, ..*self }
    }

    /// As it is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where its last part begins.
    pub fn last(&self) -> usize {
        let bytes = self.bytes.strip_suffix(b"/").unwrap_or(&self.bytes);
        memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)
    }

    /// Whether it is a file's, and not of something in it.
    pub fn is_file(&self) -> bool {
        self.file == self.bytes.len()
    }

    /// As it may be shown.
    pub fn shown(&self) -> String {
        safe(&self.bytes)
    }

    /// The commit that it is from.
    pub fn commit(&self) -> Option<String> {
        let commit = self.bytes.get(..self.path.checked_sub(1)?)?;
        Some(plain(commit))
    }

    /// The file alone, without the commit and what is in it, as it may be shown.
    pub fn shown_file(&self) -> String {
        safe(self.bytes.get(self.path..self.file).unwrap_or_default())
    }

    /// Without the commit, as it may be shown: the same for every version of a file.
    pub fn shown_path(&self) -> String {
        safe(self.bytes.get(self.path..).unwrap_or_default())
    }
}

/// What masks all that is shown. It looks for every class, whether or not that is searched for: what stands
/// beside a finding is nobody's business either.
pub const MASKER: Masker = Masker::new(Profile::Last4).with(Classes {
    secret: true,
    email: true,
    phone: true,
    iban: true,
    us_ssn: true,
});

/// What may be shown of `bytes` that may hold anything.
pub fn safe(bytes: &[u8]) -> String {
    match MASKER.text(bytes) {
        Some(masked) => plain(&masked.bytes),
        None => plain(bytes),
    }
}

/// `bytes` as one line of text that does nothing to a terminal: control characters, and those that turn the
/// direction of writing (<https://trojansource.codes>), are written as escapes.
pub fn plain(bytes: &[u8]) -> String {
    let mut line = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\t' => line.push(' '),
            // The second bytes of UTF-16, and fill in binary files.
            '\0' => {}
            '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2028}'..='\u{2029}'
            | '\u{2066}'..='\u{2069}' => {
                line.extend(c.escape_unicode());
            }
            c if c.is_control() => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    line
}

/// More of a name in an archive is not kept, nor looked at. A path on a disk is at most 4 KiB.
const INNER_BYTES_MAX: usize = 64 << 10;
