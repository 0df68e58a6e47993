//! Text in other character sets than UTF-8: decoded, masked, and encoded again as it was.
//!
//! What decodes to nothing, or to what would be encoded differently, stands in the decoded text as a private character
//! for each byte, so that text in which nothing is found comes out as it went in.

use encoding_rs::{Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::{Rewrite, Withheld};

/// A character set whose text is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf16 {
        big: bool,
    },
    Utf32 {
        big: bool,
    },
    /// ASCII and more, in one byte or several.
    Legacy(&'static Encoding),
}

/// What is said of the character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// UTF-8, ASCII or nothing.
    Plain,
    Charset(Charset),
    /// Whoever does not know it, either, reads ASCII there.
    Unknown,
    /// It writes digits in bytes that are none in ASCII.
    Strange,
}

impl Told {
    /// What a `charset` parameter, or the declaration in a document, says.
    pub fn of(label: &str) -> Self {
        let label = label.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
        match label.as_str() {
            "" | "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso646-us" => return Self::Plain,
            "utf-32" | "utf-32le" | "ucs-4" | "ucs-4le" | "iso-10646-ucs-4" => {
                return Self::Charset(Charset::Utf32 { big: false });
            }
            "utf-32be" | "ucs-4be" => return Self::Charset(Charset::Utf32 { big: true }),
            // UTF-7 writes a digit as `+ADQ-`.
            "utf-7" | "unicode-1-1-utf-7" | "csunicode11utf7" | "hz-gb-2312" => return Self::Strange,
            _ => {}
        }
        let ebcdic = |prefix: &&str| label.starts_with(prefix);
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding == UTF_8 => Self::Plain,
            Some(encoding) if encoding == UTF_16LE => Self::Charset(Charset::Utf16 { big: false }),
            Some(encoding) if encoding == UTF_16BE => Self::Charset(Charset::Utf16 { big: true }),
            // It has states, and more than one way to write the same.
            Some(encoding) if encoding == ISO_2022_JP || encoding == REPLACEMENT => Self::Strange,
            Some(encoding) => Self::Charset(Charset::Legacy(encoding)),
            None if EBCDIC.iter().any(ebcdic) => Self::Strange,
            None => Self::Unknown,
        }
    }
}

impl Charset {
    /// The character set that the zeros in the first bytes of a text show, if any: what is written in ASCII at the start
    /// of nearly every text has them. `None` if more must be known.
    pub fn of_zeros(first: &[u8], ended: bool) -> Option<Option<Self>> {
        let text = |byte: u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
        if !first.iter().take(4).any(|byte| *byte == 0) && (first.len() >= 4 || ended) {
            return Some(None);
        }
        let shows = |width: usize, at: usize, bytes: &[u8]| {
            bytes.iter().enumerate().all(|(index, byte)| match index % width == at {
                true => text(*byte),
                false => *byte == 0,
            })
        };
        let all = [
            (4, 0, Self::Utf32 { big: false }),
            (4, 3, Self::Utf32 { big: true }),
            (2, 0, Self::Utf16 { big: false }),
            (2, 1, Self::Utf16 { big: true }),
        ];
        for (width, at, charset) in all {
            let wanted = 2 * width;
            let known = first.get(..wanted).unwrap_or(first);
            if !shows(width, at, known) {
                continue;
            }
            match known.len() == wanted || (ended && known.len() >= width) {
                true => return Some(Some(charset)),
                false if ended => {}
                false => return None,
            }
        }
        Some(None)
    }

    /// The byte order mark that `first` starts with, and what it says; `None` if more must be known.
    pub fn of_mark(first: &[u8], ended: bool) -> Option<Option<(usize, Option<Self>)>> {
        let marks: [(&[u8], Option<Self>); 5] = [
            (b"\xef\xbb\xbf", None),
            (b"\xff\xfe\0\0", Some(Self::Utf32 { big: false })),
            (b"\0\0\xfe\xff", Some(Self::Utf32 { big: true })),
            (b"\xff\xfe", Some(Self::Utf16 { big: false })),
            (b"\xfe\xff", Some(Self::Utf16 { big: true })),
        ];
        for (mark, charset) in marks {
            if first.starts_with(mark) {
                return Some(Some((mark.len(), charset)));
            }
            if !ended && mark.starts_with(first) {
                return None;
            }
        }
        Some(None)
    }
}

/// A text in a character set, decoded for `inner` and encoded again.
pub(super) struct Recoded<R> {
    charset: Charset,
    inner: R,
    /// Bytes of a character that has not come whole.
    left: Vec<u8>,
    /// The same of what is to be encoded.
    waiting: Vec<u8>,
    table: Option<Box<Table>>,
}

/// A single-byte character set's upper half.
type Table = [char; 128];

impl<R: Rewrite> Recoded<R> {
    pub fn new(charset: Charset, inner: R) -> Self {
        let table = match charset {
            Charset::Legacy(encoding) if encoding.is_single_byte() => Some(Box::new(table(encoding))),
            _ => None,
        };
        Self { charset, inner, left: Vec::new(), waiting: Vec::new(), table }
    }

    /// Decodes all that is whole of what is left.
    fn decode(&mut self, ended: bool) -> Result<String, Withheld> {
        let left = std::mem::take(&mut self.left);
        let mut rest = left.as_slice();
        let mut text = String::with_capacity(rest.len());
        while !rest.is_empty() {
            let length = match self.charset {
                Charset::Utf32 { big } => utf32(rest, big, &mut text)?,
                Charset::Utf16 { big } => utf16(rest, big, ended, &mut text),
                Charset::Legacy(encoding) => match (&self.table, rest) {
                    (_, [byte @ ..0x80, ..]) => Some(put(char::from(*byte), 1, &mut text)),
                    (Some(table), [byte, ..]) => {
                        let decoded = table.get(usize::from(byte & 0x7f)).copied();
                        Some(put(decoded.unwrap_or(private(*byte)), 1, &mut text))
                    }
                    _ if rest.len() < LEGACY_BYTES_MAX && !ended => None,
                    _ => Some(legacy(encoding, rest, &mut text)),
                },
            };
            let Some(length) = length else { break };
            rest = rest.get(length..).unwrap_or_default();
        }
        self.left = rest.to_vec();
        Ok(text)
    }

    /// Encodes all that is whole of what waits.
    fn encode(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let waiting = std::mem::take(&mut self.waiting);
        let (text, rest) = match str::from_utf8(&waiting) {
            Ok(text) => (text, &[][..]),
            Err(error) if error.error_len().is_none() => {
                let (text, rest) = waiting.split_at_checked(error.valid_up_to()).unwrap_or_default();
                (str::from_utf8(text).unwrap_or_default(), rest)
            }
            Err(_) => return Err(UNWRITABLE),
        };
        for character in text.chars() {
            self.put(character, out)?;
        }
        self.waiting = rest.to_vec();
        Ok(())
    }

    fn put(&self, character: char, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let code = u32::from(character);
        let kept = code.checked_sub(u32::from(PRIVATE)).and_then(|low| u16::try_from(low).ok());
        match self.charset {
            Charset::Utf32 { big: true } => out.extend_from_slice(&code.to_be_bytes()),
            Charset::Utf32 { big: false } => out.extend_from_slice(&code.to_le_bytes()),
            Charset::Utf16 { big } => {
                let mut pair = [0; 2];
                let units: &[u16] = match kept.filter(|kept| *kept < KEPT_UNITS) {
                    Some(kept) => &[SURROGATES + kept],
                    None => character.encode_utf16(&mut pair),
                };
                for unit in units {
                    out.extend_from_slice(&if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
                }
            }
            Charset::Legacy(_) if code < 0x80 => out.push(code.to_le_bytes()[0]),
            Charset::Legacy(encoding) => match (&self.table, kept.and_then(|kept| u8::try_from(kept).ok())) {
                (_, Some(byte)) => out.push(byte),
                (Some(table), None) => {
                    let at = table.iter().position(|it| *it == character).ok_or(UNWRITABLE)?;
                    out.push(u8::try_from(at + 0x80).map_err(|_| UNWRITABLE)?);
                }
                (None, None) => {
                    let mut text = [0; 4];
                    let (bytes, _, failed) = encoding.encode(character.encode_utf8(&mut text));
                    if failed {
                        return Err(UNWRITABLE);
                    }
                    out.extend_from_slice(&bytes);
                }
            },
        }
        Ok(())
    }
}

impl<R: Rewrite> Rewrite for Recoded<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        self.left.extend_from_slice(bytes);
        let text = self.decode(false)?;
        self.inner.push(text.as_bytes(), &mut self.waiting)?;
        self.encode(out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let text = self.decode(true)?;
        self.inner.push(text.as_bytes(), &mut self.waiting)?;
        self.inner.finish(&mut self.waiting)?;
        self.encode(out)?;
        if !self.waiting.is_empty() {
            return Err(UNWRITABLE);
        }
        // Half a character at the end.
        out.append(&mut self.left);
        Ok(())
    }

    fn found(&self) -> u64 {
        self.inner.found()
    }
}

fn put(character: char, length: usize, text: &mut String) -> usize {
    text.push(character);
    length
}

fn utf32(rest: &[u8], big: bool, text: &mut String) -> Result<Option<usize>, Withheld> {
    let Some(bytes) = rest.first_chunk::<4>() else { return Ok(None) };
    let code = if big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
    text.push(char::from_u32(code).ok_or(Withheld::NotUnderstood("text that is not in its character set"))?);
    Ok(Some(4))
}

fn utf16(rest: &[u8], big: bool, ended: bool, text: &mut String) -> Option<usize> {
    let unit = |at: usize| {
        let bytes = rest.get(at..at + 2)?.first_chunk::<2>()?;
        Some(if big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    };
    let first = unit(0)?;
    let second = unit(2);
    if (0xd800..0xdc00).contains(&first) && second.is_none() && !ended {
        return None;
    }
    match char::decode_utf16([first].into_iter().chain(second)).next()? {
        // A private character that stands for another thing here.
        Ok(character) if u32::from(character) >= u32::from(PRIVATE) => {
            let [high, low] = [first, second?].map(|unit| kept(unit - SURROGATES));
            text.extend([high, low]);
            Some(4)
        }
        Ok(character) => Some(put(character, 2 * character.len_utf16(), text)),
        // Half a pair, which some writers write.
        Err(_) => Some(put(kept(first - SURROGATES), 2, text)),
    }
}

/// Decodes one character of several bytes; any byte that is part of none stands for itself.
fn legacy(encoding: &'static Encoding, rest: &[u8], text: &mut String) -> usize {
    for length in 1..=rest.len().min(LEGACY_BYTES_MAX) {
        let bytes = rest.get(..length).unwrap_or_default();
        let Some(decoded) = encoding.decode_without_bom_handling_and_without_replacement(bytes) else {
            continue;
        };
        let same = encoding.encode(&decoded).0.as_ref() == bytes;
        let is_one = decoded.chars().all(|it| u32::from(it) < u32::from(PRIVATE) && u32::from(it) >= 0x80);
        if same && is_one && !decoded.is_empty() {
            text.push_str(&decoded);
            return length;
        }
    }
    put(private(rest.first().copied().unwrap_or_default()), 1, text)
}

fn table(encoding: &'static Encoding) -> Table {
    std::array::from_fn(|at| {
        let byte = u8::try_from(at + 0x80).unwrap_or_default();
        let written = [byte];
        let decoded = encoding.decode_without_bom_handling_and_without_replacement(&written);
        decoded.and_then(|text| text.chars().next()).filter(|it| !it.is_ascii()).unwrap_or(private(byte))
    })
}

/// What stands for a byte that is no character.
fn private(byte: u8) -> char {
    kept(u16::from(byte))
}

fn kept(low: u16) -> char {
    char::from_u32(u32::from(PRIVATE) + u32::from(low)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The first of the private characters that stand for bytes, or for halves of surrogate pairs.
const PRIVATE: char = '\u{10e000}';
const SURROGATES: u16 = 0xd800;
const KEPT_UNITS: u16 = 0x800;
/// Longest character of the character sets that have more than one byte for some: gb18030.
const LEGACY_BYTES_MAX: usize = 4;
const UNWRITABLE: Withheld = Withheld::NotUnderstood("text that cannot be written in its character set");
/// Names of character sets in which digits are F0 to F9.
const EBCDIC: &[&str] =
    &["cp037", "ibm037", "ibm-037", "ebcdic", "cp500", "ibm500", "cp1047", "ibm1047", "cp1140", "ibm01140"];

#[cfg(test)]
mod tests;
