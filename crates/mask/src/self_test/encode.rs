//! Encodings, and where something is in a text once it is encoded.

use std::ops::Range;

/// One encoding over a whole text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Hex,
    HexCapitals,
    /// RFC 4648 §4.
    Base64,
    /// RFC 4648 §5, without `=`.
    Base64Url,
    /// With a line break after every 76 letters (RFC 2045 §6.8).
    Base64Lines,
}

impl Step {
    /// `text` encoded, and the letters that stand for nothing but `number`.
    pub fn apply(self, text: &[u8], number: Range<usize>) -> (Vec<u8>, Range<usize>) {
        match self {
            Self::Hex => (hex(text, b"0123456789abcdef"), number.start * 2..number.end * 2),
            Self::HexCapitals => (hex(text, b"0123456789ABCDEF"), number.start * 2..number.end * 2),
            Self::Base64 => (base64(text, STANDARD, true), quads(&number)),
            Self::Base64Url => (base64(text, URL, false), quads(&number)),
            Self::Base64Lines => {
                let lines: Vec<_> = base64(text, STANDARD, true).chunks(LINE).map(<[u8]>::to_vec).collect();
                let letters = quads(&number);
                let moved = |at: usize| at + at / LINE;
                (lines.join(&b'\n'), moved(letters.start)..moved(letters.end))
            }
        }
    }
}

/// The letters of the quads that hold nothing else than these bytes.
fn quads(number: &Range<usize>) -> Range<usize> {
    number.start.div_ceil(3) * 4..number.end / 3 * 4
}

fn hex(bytes: &[u8], letters: &[u8; 16]) -> Vec<u8> {
    let letter = |value: u8| letters.get(usize::from(value)).copied();
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(letter).collect()
}

pub(crate) fn base64(bytes: &[u8], letters: &[u8; 64], padded: bool) -> Vec<u8> {
    let mut encoded = Vec::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(three.get(at).copied().unwrap_or(0)));
        for letter in 0..=three.len() {
            let value = bits >> (18 - 6 * letter) & 63;
            encoded.extend(usize::try_from(value).ok().and_then(|value| letters.get(value)));
        }
        encoded.extend(b"==".iter().take(if padded { 3 - three.len() } else { 0 }));
    }
    encoded
}

pub(crate) const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LINE: usize = 76;
