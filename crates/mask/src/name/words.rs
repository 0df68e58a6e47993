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
        let mut reading =
            Reading { last: if cut == 0 { Kind::Space } else { Kind::Small }, spaced: cut == 0 };
        if name.is_ascii() {
            for (index, byte) in name.iter().enumerate() {
                let next = || name.get(index + 1).is_some_and(u8::is_ascii_lowercase);
                if reading.goes_on(Kind::of_ascii(*byte), next, &mut words) {
                    words.push(byte.to_ascii_lowercase());
                }
            }
        } else {
            for chunk in name.utf8_chunks() {
                let mut rest = chunk.valid().chars();
                while let Some(c) = rest.next() {
                    let next = || rest.clone().next().is_some_and(|next| Kind::of(next) == Kind::Small);
                    if reading.goes_on(Kind::of(c), next, &mut words) {
                        words.push_any(c);
                    }
                }
            }
        }
        words.starts |= 1 << words.length;
        words
    }

    /// Where each word starts.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        let mut starts = self.starts;
        std::iter::from_fn(move || {
            let at = usize::try_from(starts.trailing_zeros()).ok().filter(|_| starts != 0)?;
            starts &= starts - 1;
            Some(at)
        })
    }

    /// What stands at `at`, up to the end.
    pub fn from(&self, at: usize) -> &[u8] {
        self.letters.get(at..self.length).unwrap_or_default()
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

    /// Adds a small letter or a digit. What would be too much is left out.
    fn push(&mut self, letter: u8) {
        if let Some(to) = self.letters.get_mut(self.length) {
            *to = letter;
            self.length += 1;
        }
    }

    /// Adds a letter or a digit, small and without its accent.
    fn push_any(&mut self, c: char) {
        for small in c.to_lowercase() {
            let mut bytes = [0; 4];
            plain(small).encode_utf8(&mut bytes).bytes().for_each(|byte| self.push(byte));
        }
    }
}

/// What has been read last of a name.
struct Reading {
    last: Kind,
    /// Whether a space, or the beginning, is all that stands before what comes next.
    spaced: bool,
}

impl Reading {
    /// Goes on over a character of this kind, which starts a word or not. Whether it is part of one.
    fn goes_on(&mut self, kind: Kind, small_next: impl Fn() -> bool, words: &mut Words) -> bool {
        let starts = match (self.last, kind) {
            (_, Kind::Space | Kind::Mark) => false,
            (Kind::Space | Kind::Mark, _) => true,
            (Kind::Digit, Kind::Digit) | (Kind::Capital | Kind::Small, Kind::Small) => false,
            (Kind::Digit, _) | (_, Kind::Digit) | (Kind::Small, Kind::Capital) => true,
            (Kind::Capital, Kind::Capital) => small_next(),
        };
        self.last = kind;
        self.spaced |= kind == Kind::Space;
        if starts {
            words.starts |= 1 << words.length;
            words.apart |= u128::from(self.spaced) << words.length;
        }
        let part = !matches!(kind, Kind::Space | Kind::Mark);
        self.spaced &= !part;
        part
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
    fn of_ascii(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Small,
            b'A'..=b'Z' => Self::Capital,
            b'0'..=b'9' => Self::Digit,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => Self::Space,
            _ => Self::Mark,
        }
    }

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
