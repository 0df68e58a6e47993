//! The transfer encodings of MIME parts (RFC 2045 §6.7 and §6.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Broken;

/// Base64 being undone: line ends and spaces are skipped, padding ends it.
#[derive(Default)]
pub(super) struct FromBase64 {
    /// Letters that wait for others, at most three.
    letters: Vec<u8>,
    ended: bool,
}

impl FromBase64 {
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        let (now, later) = input.split_at_checked(STEP_BYTES).unwrap_or((input, &[]));
        *input = later;
        for byte in now {
            match byte {
                b'=' => self.ended = true,
                b' ' | b'\t' | b'\r' | b'\n' => {}
                // Letters behind the end would be read by some readers and not by others.
                _ if self.ended => return Err(Broken),
                byte => self.letters.push(*byte),
            }
        }
        let whole = self.letters.len() - self.letters.len() % 4;
        let rest = self.letters.split_off(whole);
        STANDARD.decode_vec(&self.letters, out).map_err(|_| Broken)?;
        self.letters = rest;
        Ok(())
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        while !self.letters.len().is_multiple_of(4) {
            self.letters.push(b'=');
        }
        STANDARD.decode_vec(&self.letters, out).map_err(|_| Broken)
    }
}

/// Base64 being done again, in lines of 76 letters.
#[derive(Default)]
pub(crate) struct ToBase64 {
    bytes: Vec<u8>,
    out: Vec<u8>,
    has_lines: bool,
}

impl ToBase64 {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let whole = self.bytes.len() - self.bytes.len() % LINE_BYTES;
        let rest = self.bytes.split_off(whole);
        self.lines();
        self.bytes = rest;
    }

    /// Lines that are whole: half of one cannot be flushed, for padding would end it all.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.lines();
        self.out
    }

    fn lines(&mut self) {
        for line in self.bytes.chunks(LINE_BYTES) {
            if self.has_lines {
                self.out.extend_from_slice(b"\r\n");
            }
            self.has_lines = true;
            self.out.extend_from_slice(STANDARD.encode(line).as_bytes());
        }
    }
}

/// Quoted-printable being undone. What is no escape stands for itself, as lenient readers take it.
#[derive(Default)]
pub(super) struct FromQuoted {
    /// An escape as far as it has come.
    escape: Vec<u8>,
}

impl FromQuoted {
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) {
        let (now, later) = input.split_at_checked(STEP_BYTES).unwrap_or((input, &[]));
        *input = later;
        for byte in now {
            if self.escape.is_empty() && *byte != b'=' {
                out.push(*byte);
                continue;
            }
            if *byte == b'=' {
                self.finish(out);
            }
            self.escape.push(*byte);
            match self.escape.as_slice() {
                [b'='] | [b'=', b'\r'] => {}
                [b'=', b'\n'] | [b'=', b'\r', b'\n'] => self.escape.clear(),
                [b'=', high] if high.is_ascii_hexdigit() => {}
                [b'=', high, low] => {
                    match hex(*high).zip(hex(*low)) {
                        Some((high, low)) => out.push(high << 4 | low),
                        None => out.extend_from_slice(&self.escape),
                    }
                    self.escape.clear();
                }
                _ => self.finish(out),
            }
        }
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.escape);
    }
}

/// Quoted-printable being done again.
#[derive(Default)]
pub(crate) struct ToQuoted {
    out: Vec<u8>,
    /// How long the line is.
    column: usize,
    /// A carriage return or a space that may stand before a line end.
    waiting: Option<u8>,
}

impl ToQuoted {
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match (self.waiting.take(), byte) {
                (Some(b'\r') | None, b'\n') => {
                    self.out.extend_from_slice(b"\r\n");
                    self.column = 0;
                    continue;
                }
                (Some(waiting), b'\n') => {
                    self.put_escape(waiting);
                    self.out.extend_from_slice(b"\r\n");
                    self.column = 0;
                    continue;
                }
                (Some(b'\r'), _) => self.put_escape(b'\r'),
                (Some(b' '), b'\r') => self.put_escape(b' '),
                (Some(space), _) => self.put(&[space]),
                (None, _) => {}
            }
            match byte {
                b'\r' | b' ' => self.waiting = Some(*byte),
                b'!'..=b'<' | b'>'..=b'~' => self.put(&[*byte]),
                byte => self.put_escape(*byte),
            }
        }
    }

    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    pub fn finish(mut self) -> Vec<u8> {
        if let Some(waiting) = self.waiting.take() {
            self.put_escape(waiting);
        }
        self.out
    }

    fn put_escape(&mut self, byte: u8) {
        let digit = |nibble: u8| {
            char::from_digit(u32::from(nibble), 16).map_or(b'0', |it| it.to_ascii_uppercase() as u8)
        };
        self.put(&[b'=', digit(byte >> 4), digit(byte & 15)]);
    }

    fn put(&mut self, written: &[u8]) {
        if self.column + written.len() > LINE_LETTERS_MAX {
            self.out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        self.out.extend_from_slice(written);
        self.column += written.len();
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// How much is taken at once.
const STEP_BYTES: usize = 32 << 10;
/// What a line of 76 letters holds.
const LINE_BYTES: usize = 57;
/// Longest line without the `=` that joins it with the next (RFC 2045 §6.7, rule 5).
const LINE_LETTERS_MAX: usize = 75;
