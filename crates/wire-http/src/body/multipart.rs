//! Bodies of several parts (RFC 2046 §5.1, RFC 7578), and messages with a head of their own (RFC 5322).

mod head;

use mask::{Beside, Meaning, Name};

use super::apart::{apart, digits};
use super::coding::Coding;
use super::kind::Said;
use super::layers::Layers;
use super::look::{Look, MADE_OF_PARTS};
use super::text::Plain;
use super::{Care, Opaque, Rewrite, Withheld};
use head::Head;

/// A body of several parts: each is masked by what it is.
pub(super) struct Multipart {
    care: Care,
    depth: u8,
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    section: Section,
    /// The line end before the line that is read, which a delimiter takes with it.
    line_end: Vec<u8>,
    /// The line that is read, while it may be a delimiter.
    line: Option<Vec<u8>>,
    /// Content that has come together.
    gathered: Vec<u8>,
    /// What the names of the parts say together, as far as they have come.
    beside: Beside,
    /// In strict mode, the fields of digits right before this one.
    digits: Vec<Vec<u8>>,
    found: u64,
}

enum Section {
    /// Before the first part, and behind the last: text that nobody reads.
    Outside(Box<Plain>),
    Head(Vec<u8>),
    Part(Part),
}

impl Multipart {
    pub fn new(care: &Care, boundary: &str, depth: u8) -> Result<Self, Withheld> {
        let delimiter = [b"--", boundary.as_bytes()].concat();
        let fits =
            !boundary.is_empty() && boundary.len() <= BOUNDARY_BYTES_MAX && !boundary.contains(['\r', '\n']);
        if !fits || mask::holds_card(boundary.as_bytes()) {
            return Err(Withheld::NotUnderstood(MADE_OF_PARTS));
        }
        Ok(Self {
            care: care.clone(),
            depth,
            delimiter,
            section: Section::Outside(Box::new(Plain::new(care))),
            line_end: Vec::new(),
            line: Some(Vec::new()),
            gathered: Vec::new(),
            beside: Beside::default(),
            digits: Vec::new(),
            found: 0,
        })
    }

    /// The boundary that a body shows which says nothing of itself.
    pub fn boundary_of(first: &[u8]) -> Option<String> {
        let line = first.trim_ascii_start().strip_prefix(b"--")?;
        let end = memchr::memchr(b'\n', line)?;
        let boundary = line.get(..end)?.trim_ascii_end();
        str::from_utf8(boundary).ok().filter(|boundary| !boundary.is_empty()).map(str::to_owned)
    }

    /// Takes what it can from the front of `bytes`, and says how much that was.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Withheld> {
        let Some(byte) = bytes.first().copied() else { return Ok(0) };
        let Some(line) = &mut self.line else {
            if self.line_end == b"\r" && byte != b'\n' {
                let end = std::mem::take(&mut self.line_end);
                self.content(&end, out)?;
            }
            let length = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
            if length > 0 {
                self.content(bytes.get(..length).unwrap_or_default(), out)?;
                return Ok(length);
            }
            self.line_end.push(byte);
            if byte == b'\n' {
                self.line = Some(Vec::new());
            }
            return Ok(1);
        };
        line.push(byte);
        match read(line, &self.delimiter) {
            Line::Open => {}
            Line::Delimiter { closes } => self.delimit(closes, out)?,
            Line::Other => {
                let line = self.line.take().unwrap_or_default();
                let end = std::mem::take(&mut self.line_end);
                self.content(&end, out)?;
                let mut rest = line.as_slice();
                // None of its bytes but the last ends a line, so this is one line at most.
                while !rest.is_empty() {
                    let taken = self.take(rest, out)?;
                    rest = rest.get(taken..).unwrap_or_default();
                }
            }
        }
        Ok(1)
    }

    /// Gives on the content that has come together.
    fn gathered(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let gathered = std::mem::take(&mut self.gathered);
        match &mut self.section {
            Section::Outside(text) => text.push(&gathered, out),
            Section::Part(part) => part.push(&gathered, out),
            Section::Head(_) => Ok(()),
        }
    }

    /// Goes on with what is no delimiter.
    fn content(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        match &mut self.section {
            Section::Outside(_) | Section::Part(_) => {
                self.gathered.extend_from_slice(bytes);
                Ok(())
            }
            Section::Head(head) => {
                for (at, byte) in bytes.iter().enumerate() {
                    head.push(*byte);
                    if head.len() > HEAD_BYTES_MAX {
                        return Err(Withheld::TooLarge("the head of a part"));
                    }
                    if Head::is_whole(head) {
                        self.end_head(out)?;
                        return self.content(bytes.get(at + 1..).unwrap_or_default(), out);
                    }
                }
                Ok(())
            }
        }
    }

    /// Opens the part whose head has been read.
    fn end_head(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Section::Head(head) = &mut self.section else { return Ok(()) };
        let written = std::mem::take(head);
        let head = Head::read(&written);
        self.found += put_head(&self.care, &written, out)?;
        let part = Part::open(&self.care, &head, &mut self.beside, self.depth)?;
        self.section = Section::Part(part);
        Ok(())
    }

    /// Ends what came before the delimiter in `line`.
    fn delimit(&mut self, closes: bool, out: &mut Vec<u8>) -> Result<(), Withheld> {
        // A head that has no end has a part of nothing behind it.
        let next = match closes {
            true => Section::Outside(Box::new(Plain::new(&self.care))),
            false => Section::Head(Vec::new()),
        };
        self.gathered(out)?;
        let section = std::mem::replace(&mut self.section, next);
        self.end(section, out)?;
        out.append(&mut self.line_end);
        out.append(&mut self.line.take().unwrap_or_default());
        self.line = Some(Vec::new());
        Ok(())
    }

    fn end(&mut self, section: Section, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match section {
            Section::Outside(mut text) => {
                text.finish(out)?;
                self.found += text.found();
            }
            Section::Head(head) => self.found += put_head(&self.care, &head, out)?,
            Section::Part(mut part) => {
                part.finish(out)?;
                self.found += part.found();
                if self.care.strict {
                    self.join(part.digits)?;
                }
            }
        }
        Ok(())
    }

    /// Puts a field of digits together with those before it. They are released, so nothing can be masked any more.
    fn join(&mut self, digits: Option<Vec<u8>>) -> Result<(), Withheld> {
        let Some(digits) = digits else {
            self.digits.clear();
            return Ok(());
        };
        self.digits.push(digits);
        if !apart(self.digits.iter().map(Vec::as_slice)).is_empty() {
            return Err(Withheld::CardData);
        }
        let over = self.digits.len().saturating_sub(PARTS_JOINED_MAX);
        self.digits.drain(..over);
        Ok(())
    }
}

impl Rewrite for Multipart {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.take(rest, out)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.gathered(out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let closes = self.line.as_ref().is_some_and(|line| ends_all(line, &self.delimiter));
        if closes {
            self.delimit(true, out)?;
        }
        let line_end = std::mem::take(&mut self.line_end);
        self.content(&line_end, out)?;
        let line = self.line.take().unwrap_or_default();
        self.content(&line, out)?;
        self.gathered(out)?;
        let section = std::mem::replace(&mut self.section, Section::Head(Vec::new()));
        self.end(section, out)
    }

    fn found(&self) -> u64 {
        self.found
            + match &self.section {
                Section::Outside(text) => text.found(),
                Section::Head(_) => 0,
                Section::Part(part) => part.found(),
            }
    }
}

/// What the line is that has come so far.
enum Line {
    /// It may be a delimiter.
    Open,
    Delimiter {
        closes: bool,
    },
    Other,
}

fn read(line: &[u8], delimiter: &[u8]) -> Line {
    let Some(rest) = line.strip_prefix(delimiter) else {
        return if delimiter.starts_with(line) { Line::Open } else { Line::Other };
    };
    let (padding, closes) = rest.strip_prefix(b"--").map_or((rest, false), |padding| (padding, true));
    let is_padding = padding.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    match padding.last() {
        Some(b'\n') if is_padding => Line::Delimiter { closes },
        _ if (is_padding && padding.len() < PADDING_BYTES_MAX) || rest == b"-" => Line::Open,
        _ => Line::Other,
    }
}

/// Whether a line without an end is the last delimiter.
fn ends_all(line: &[u8], delimiter: &[u8]) -> bool {
    line.strip_prefix(delimiter)
        .and_then(|rest| rest.strip_prefix(b"--"))
        .is_some_and(|rest| rest.trim_ascii().is_empty())
}

/// Writes a head, masked as the text that it is, and says how much was found in it.
fn put_head(care: &Care, head: &[u8], out: &mut Vec<u8>) -> Result<u64, Withheld> {
    match care.masker.text(head) {
        Some(masked) if masked.sad => Err(Withheld::Sad),
        Some(masked) => {
            out.extend_from_slice(&masked.bytes);
            Ok(u64::from(masked.found))
        }
        None => {
            out.extend_from_slice(head);
            Ok(0)
        }
    }
}

/// One part.
struct Part {
    care: Care,
    inner: Box<dyn Rewrite>,
    /// What its name says of its value, which is held while it is short.
    meaning: Option<Meaning>,
    about_cards: bool,
    held: Option<Vec<u8>>,
    /// Whether it is a field of a form, and no file.
    is_field: bool,
    /// What it turned out to be, when it is a field of nothing but digits.
    digits: Option<Vec<u8>>,
    found: u64,
}

impl Part {
    fn open(care: &Care, head: &Head, beside: &mut Beside, depth: u8) -> Result<Self, Withheld> {
        let said = Said::read(head.content_type.as_deref().unwrap_or_default());
        let inner: Box<dyn Rewrite> = match Coding::of_part(&head.encoding) {
            Ok(None) => Box::new(Look::new(care, said, depth)),
            Ok(Some(coding)) => Box::new(Layers::new(care, &[coding], said, depth)?),
            Err(_) if care.opaque == Opaque::Refuse => {
                return Err(Withheld::NotUnderstood("a transfer encoding that is not known"));
            }
            Err(_) => Box::new(Plain::new(care)),
        };
        let name = head.name.as_deref().and_then(|name| Name::of(name.as_bytes()));
        name.into_iter().for_each(|name| beside.add(name));
        let meaning = name.and_then(|name| beside.settle(name));
        let is_field = head.name.is_some() && !head.is_file && head.encoding.is_empty();
        Ok(Self {
            care: care.clone(),
            inner,
            meaning: meaning.filter(|_| is_field),
            about_cards: beside.about_cards(),
            held: (is_field && (meaning.is_some() || care.strict)).then(Vec::new),
            is_field,
            digits: None,
            found: 0,
        })
    }
}

impl Rewrite for Part {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        let Some(held) = &mut self.held else { return self.inner.push(bytes, out) };
        held.extend_from_slice(bytes);
        if held.len() <= VALUE_BYTES_MAX {
            return Ok(());
        }
        let held = self.held.take().unwrap_or_default();
        self.inner.push(&held, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if let Some(held) = self.held.take() {
            let masker = self.care.masker.about_cards(self.about_cards).under(self.meaning);
            let masked = self.meaning.and_then(|_| masker.text(&held));
            if masked.as_ref().is_some_and(|masked| masked.sad) {
                return Err(Withheld::Sad);
            }
            self.found += masked.as_ref().map_or(0, |masked| u64::from(masked.found));
            self.digits = digits(&held).filter(|_| self.is_field);
            self.inner.push(masked.as_ref().map_or(&held, |masked| &masked.bytes), out)?;
        }
        self.inner.finish(out)
    }

    fn found(&self) -> u64 {
        self.found + self.inner.found()
    }
}

/// A message: a head, and what that says of what follows.
pub(super) struct Message {
    care: Care,
    depth: u8,
    head: Vec<u8>,
    body: Option<Box<dyn Rewrite>>,
    found: u64,
}

impl Message {
    pub fn new(care: &Care, depth: u8) -> Self {
        Self { care: care.clone(), depth, head: Vec::new(), body: None, found: 0 }
    }

    fn open(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let written = std::mem::take(&mut self.head);
        let head = Head::read(&written);
        self.found += put_head(&self.care, &written, out)?;
        let part = Part::open(&self.care, &Head { name: None, ..head }, &mut Beside::default(), self.depth)?;
        self.body = Some(Box::new(part));
        Ok(())
    }
}

impl Rewrite for Message {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        for (at, byte) in bytes.iter().enumerate() {
            if let Some(body) = &mut self.body {
                return body.push(bytes.get(at..).unwrap_or_default(), out);
            }
            self.head.push(*byte);
            if Head::is_whole(&self.head) {
                self.open(out)?;
            } else if self.head.len() > HEAD_BYTES_MAX || Head::is_none(&self.head) {
                let mut body = Plain::new(&self.care);
                body.push(&std::mem::take(&mut self.head), out)?;
                self.body = Some(Box::new(body));
            }
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        match &mut self.body {
            Some(body) => body.finish(out),
            None => {
                self.found += put_head(&self.care, &self.head, out)?;
                Ok(())
            }
        }
    }

    fn found(&self) -> u64 {
        self.found + self.body.as_ref().map_or(0, |body| body.found())
    }
}

/// Longest boundary: RFC 2046 §5.1.1 says 70, and some senders more.
const BOUNDARY_BYTES_MAX: usize = 200;
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Spaces behind a delimiter.
const PADDING_BYTES_MAX: usize = 64;
/// A longer value is no card number or code.
const VALUE_BYTES_MAX: usize = 256;
/// As many parts as one number may be taken apart into.
const PARTS_JOINED_MAX: usize = 19;

#[cfg(test)]
mod tests;
