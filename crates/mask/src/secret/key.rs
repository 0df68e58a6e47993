//! Private keys in text: PEM (RFC 7468), OpenPGP's armour (RFC 9580 §6.2), PuTTY's files.

use super::PIECE;
use super::alphabet::{Alphabet, run};
use super::worth;
use crate::text::Text;

/// The state of one who reads a private key, from behind its first line on.
///
/// ```text
/// Head ──base64 of a key──▶ Body ──END line, 16 KiB, other text──▶ over
///  └─header line─▶ Head
/// ```
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Whether base64 of it has been seen.
    in_body: bool,
    /// Bytes that may still be of it.
    left: usize,
    /// Signs between two stretches of base64 that have passed in a row.
    gap: usize,
    /// Whether what was last found goes on at this place.
    open: bool,
    /// A stretch too short to be a line: what follows is none of it.
    last: bool,
}

/// What a step within a key came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// So many bytes of the key.
    Found(usize),
    /// So many bytes that belong to it and say nothing.
    Passed(usize),
    /// It is over.
    Over,
}

impl Key {
    /// The key whose first line `before` ends in.
    pub fn begun(before: &[u8]) -> Option<Self> {
        let begun = Self { in_body: false, left: super::SECRET_BYTES_MAX, gap: 0, open: false, last: false };
        if before.ends_with(b"Private-Lines:") {
            return Some(begun);
        }
        let label = before.strip_suffix(b"-----")?;
        let label = label.strip_suffix(b" BLOCK").unwrap_or(label).strip_suffix(b"PRIVATE KEY")?;
        let reach = label.get(label.len().saturating_sub(LABEL_MAX)..).unwrap_or_default();
        let words = reach.iter().rev().take_while(|byte| is_label(**byte)).count();
        let label = label.get(..label.len() - words).unwrap_or_default();
        let words = reach.get(reach.len() - words..).unwrap_or_default();
        (label.ends_with(b"-----") && words.starts_with(b"BEGIN ")).then_some(begun)
    }

    /// Reads on at `at`. Where `text` is starved, to be asked again of the same key.
    pub fn step(&mut self, text: &Text<'_>, at: usize) -> Step {
        let Some(byte) = text.get(at) else { return Step::Over };
        let step = match byte {
            b'\\' => self.escape(text, at),
            b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b',' | b'>' | b'#' | b'|' => self.pass(1),
            // Lines of source code, put together.
            b'+' if !self.open && text.get(at + 1).is_some_and(|next| !Alphabet::Base64.has(next)) => {
                self.pass(1)
            }
            byte if Alphabet::Base64.has(byte) => self.stretch(text, at),
            _ => Step::Over,
        };
        match step {
            Step::Found(bytes) | Step::Passed(bytes) if bytes > self.left => Step::Over,
            Step::Found(bytes) | Step::Passed(bytes) => {
                self.left -= bytes;
                step
            }
            Step::Over => step,
        }
    }

    /// Goes over `bytes` of it that have been masked.
    pub fn skip(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        (self.gap, self.open) = (0, self.open || bytes > 0);
    }

    fn pass(&mut self, bytes: usize) -> Step {
        self.gap += bytes;
        self.open = false;
        if self.gap > GAP_MAX || self.last { Step::Over } else { Step::Passed(bytes) }
    }

    /// An escape of a string: an end of line, or a slash, which is of the base64.
    fn escape(&mut self, text: &Text<'_>, at: usize) -> Step {
        match text.get(at + 1) {
            Some(b'/') if self.in_body => {
                (self.open, self.last) = (true, false);
                Step::Found(2)
            }
            Some(b'u') => self.pass(6),
            Some(_) => self.pass(2),
            None => Step::Over,
        }
    }

    /// A stretch of base64: a line of the key, or the first word of a header.
    fn stretch(&mut self, text: &Text<'_>, at: usize) -> Step {
        let length = Alphabet::Base64.run(text, at, PIECE);
        let ends = length < PIECE;
        if !self.in_body {
            let seen = text.known(at..at + length.min(64));
            if length < LINE_MIN || !worth::is_mixed(seen) {
                return self.header(text, at, length);
            }
            self.in_body = true;
        }
        self.last = ends && length < TAIL_MIN && !self.open;
        self.gap = 0;
        self.open = !ends;
        Step::Found(length)
    }

    /// A header's line, such as `Proc-Type: 4,ENCRYPTED` (RFC 1421 §4.6.1.1), or the number behind PuTTY's
    /// `Private-Lines:`.
    fn header(&mut self, text: &Text<'_>, at: usize, word: usize) -> Step {
        let number = text.known(at..at + word).iter().all(u8::is_ascii_digit);
        let name = run(text, at, NAME_MAX, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let named = text.get(at + name) == Some(b':') && text.get(at + name + 1) == Some(b' ');
        if !named && !number {
            return Step::Over;
        }
        self.gap = 0;
        let line = run(text, at, HEADER_MAX, |byte| !matches!(byte, b'\n' | b'\r' | b'\\'));
        if line < HEADER_MAX { Step::Passed(line) } else { Step::Over }
    }
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'_')
}

const LABEL_MAX: usize = 48;
/// Base64 shorter than this does not begin a key: an Ed25519 key's has 64 characters, PGP's lines as many.
const LINE_MIN: usize = 24;
/// A line shorter than this is the last.
const TAIL_MIN: usize = 16;
/// So many signs between two lines: an end, quotes, an indent.
const GAP_MAX: usize = 48;
const NAME_MAX: usize = 32;
const HEADER_MAX: usize = 160;
