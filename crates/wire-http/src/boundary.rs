//! Boundaries in which a card number stands by chance: written anew before anything looks at the body.
//!
//! Clients make a boundary (RFC 2046 §5.1.1) of random digits, and one in some of them reads as a card number. Such a
//! boundary gets letters for its digits, in the header and in front of every part, so what is decided upon, masked, recorded
//! and sent has the new one. It is as long as the old one, so lengths stay true.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use crate::body;
use crate::header;

/// Writes the boundary of one body anew.
pub(crate) struct Boundary {
    /// `--` and the boundary as it comes, and as it goes on.
    from: Vec<u8>,
    to: Vec<u8>,
    /// What is there of a line that may begin with the boundary; `None` in the middle of another.
    line: Option<Vec<u8>>,
}

impl Boundary {
    /// Puts another boundary into the header where a card number stands in the one it says. `None` where there is no such,
    /// or the body is coded.
    pub fn anew(headers: &mut HeaderMap) -> Option<Self> {
        if headers.contains_key(CONTENT_ENCODING) || headers.get_all(CONTENT_TYPE).iter().count() != 1 {
            return None;
        }
        let said = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let from = body::boundary(said).filter(|boundary| mask::holds_card(boundary.as_bytes()))?;
        let to: String = from.chars().map(letter).collect();
        let anew = said.replace(&from, &to);
        // Written with escapes, or spelling a number still, it stays, and the body is not understood.
        if body::boundary(&anew).as_ref() != Some(&to) || mask::holds_card(anew.as_bytes()) {
            return None;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&anew).ok()?);
        header::forget_bytes(headers);
        let [from, to] = [from, to].map(|boundary| [b"--", boundary.as_bytes()].concat());
        Some(Self { from, to, line: Some(Vec::new()) })
    }

    /// Goes on with the body. What may be the beginning of a boundary is held back.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((&byte, others)) = rest.split_first() {
            let Some(line) = &mut self.line else {
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                let (line, others) = rest.split_at(end);
                out.extend_from_slice(line);
                self.line = line.ends_with(b"\n").then(Vec::new);
                rest = others;
                continue;
            };
            if self.from.get(line.len()) == Some(&byte) {
                line.push(byte);
                rest = others;
            }
            if line.len() == self.from.len() {
                out.extend_from_slice(&self.to);
                self.line = None;
            } else if rest.len() > others.len() {
                out.append(line);
                self.line = None;
            }
        }
        out
    }

    /// Ends the body: what was held back.
    pub fn finish(&mut self) -> Vec<u8> {
        self.line.take().unwrap_or_default()
    }
}

/// A letter for a digit; none that stands for a digit in base 16.
fn letter(character: char) -> char {
    match character {
        '0'..='9' => char::from(b'g' + (character as u8 - b'0')),
        other => other,
    }
}

#[cfg(test)]
mod tests;
