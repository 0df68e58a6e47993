//! A name taken apart into words.

use std::ops::Range;

/// The words of a name, put together without what was between them, and where each starts.
///
/// A word ends at what is no letter and no digit, where digits begin or end, before a capital behind a small
/// letter, and before the last capital of several that a small letter follows: `PANNumber` is `pan` and
/// `number`. Capitals and accents are taken off. Of a long name only the last [`BYTES_MAX`] bytes are read: names
/// that are paths have what they name at their end.
pub(super) struct Words {
    letters: [u8; BYTES_MAX],
    length: usize,
    /// Bit n: a word starts at byte n, or it is the end.
    starts: u128,
    /// Bit n: the word that starts there stands apart: before it is the beginning, or a space.
    apart: u128,
}

impl Words {
    pub fn read(name: &[u8]) -> Self {
        let cut = name.len().saturating_sub(BYTES_MAX);
        let name = name.get(cut..).unwrap_or_default();
        let mut words = Self { letters: [0; BYTES_MAX], length: 0, starts: 0, apart: 0 };
        let mut last = if cut == 0 { Kind::Space } else { Kind::Small };
        let mut spaced = cut == 0;
        for chunk in name.utf8_chunks() {
            let mut rest = chunk.valid().chars();
            while let Some(c) = rest.next() {
                let kind = Kind::of(c);
                let capital_next = || rest.clone().next().is_some_and(|next| Kind::of(next) == Kind::Small);
                let starts = match (last, kind) {
                    (_, Kind::Space | Kind::Mark) => false,
                    (Kind::Space | Kind::Mark, _) => true,
                    (Kind::Digit, Kind::Digit) | (Kind::Capital | Kind::Small, Kind::Small) => false,
                    (Kind::Digit, _) | (_, Kind::Digit) | (Kind::Small, Kind::Capital) => true,
                    (Kind::Capital, Kind::Capital) => capital_next(),
                };
                spaced |= kind == Kind::Space;
                if starts {
                    words.starts |= 1 << words.length;
                    words.apart |= u128::from(spaced) << words.length;
                }
                if !matches!(kind, Kind::Space | Kind::Mark) {
                    spaced = false;
                    words.push(c);
                }
                last = kind;
            }
        }
        words.starts |= 1 << words.length;
        words
    }

    /// Where each word starts.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        (0..self.length).filter(|at| self.starts & 1 << at != 0)
    }

    /// The first byte of what starts at `at`.
    pub fn letter(&self, at: usize) -> u8 {
        self.letters.get(at).copied().unwrap_or_default()
    }

    /// Whether `word` stands at `at`, perhaps as a part of what is there.
    pub fn has(&self, word: &str, at: usize) -> bool {
        self.letters.get(at..self.length).is_some_and(|rest| rest.starts_with(word.as_bytes()))
    }

    /// Whether `range` is one whole word, or several that follow each other.
    pub fn is_word(&self, range: Range<usize>) -> bool {
        range.end <= self.length && self.starts & 1 << range.start != 0 && self.starts & 1 << range.end != 0
    }

    /// Whether nothing but digits stands behind `end`: `cid2`.
    pub fn is_end(&self, end: usize) -> bool {
        self.letters.get(end..self.length).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
    }

    /// Whether the word that starts at `at` is no part of a longer name.
    pub fn is_apart(&self, at: usize) -> bool {
        at <= self.length && self.apart & 1 << at != 0
    }

    /// Adds a letter or a digit, small and without its accent. What would be too much is left out.
    fn push(&mut self, c: char) {
        for small in c.to_lowercase() {
            let mut bytes = [0; 4];
            let bytes = plain(small).encode_utf8(&mut bytes).as_bytes();
            if let Some(to) = self.letters.get_mut(self.length..self.length + bytes.len()) {
                to.copy_from_slice(bytes);
                self.length += bytes.len();
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Capital,
    /// A small letter, or one of a script that has no capitals.
    Small,
    Digit,
    Space,
    /// Anything else that is between words.
    Mark,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            _ if c.is_uppercase() => Self::Capital,
            _ if c.is_alphabetic() => Self::Small,
            _ if c.is_numeric() => Self::Digit,
            _ if c.is_whitespace() => Self::Space,
            _ => Self::Mark,
        }
    }
}

/// A small letter of the Latin script without its accent.
fn plain(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ą' => 'a',
        'ç' | 'č' | 'ć' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ı' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'š' | 'ş' => 's',
        'ù'..='ü' | 'ů' => 'u',
        other => other,
    }
}

/// Of a name so many bytes are read. PostgreSQL's have at most 63.
const BYTES_MAX: usize = 96;
