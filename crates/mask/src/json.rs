//! JSON documents: labelled places and card numbers in them, masked so that the result is JSON still.

mod path;
mod stream;
mod string;

use std::ops::Range;

use access::DataClass;

use crate::engine::Views;
use crate::masker::{Masked, Masker, Profile};
use path::Step;

pub use path::{JsonPath, NotAPath};
pub use stream::{JsonStream, NotAString};

/// What the operator says of a place in JSON documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonRule {
    path: JsonPath,
    class: DataClass,
}

impl JsonRule {
    /// Values at `path` are of `class`, and all that they hold with them.
    pub fn new(path: JsonPath, class: DataClass) -> Self {
        Self { path, class }
    }
}

/// See [`Masker::json`].
pub(crate) fn mask(masker: Masker, text: &[u8], rules: &[JsonRule]) -> Option<Masked> {
    let mut walk = Walk::new(masker, text, rules);
    match walk.document(Treatment::Scan) {
        Ok(()) => walk.finish(),
        Err(NotJson) if rules.is_empty() => masker.text(text),
        Err(NotJson) if text.iter().all(u8::is_ascii_whitespace) => None,
        Err(NotJson) => Some(Masked { bytes: string::quote(masker.whole()), found: 1, sad: false }),
    }
}

/// Whether `text` is a JSON document that nests no deeper than is read.
pub(crate) fn is_json(text: &[u8]) -> bool {
    Walk::new(Masker::new(Profile::Last4), text, &[]).document(Treatment::Null).is_ok()
}

impl JsonPath {
    /// Where the strings stand in a document that this path leads to, between their quotes; `None` when `text` is
    /// not JSON, or nests deeper than 128.
    pub fn strings(&self, text: &[u8]) -> Option<Vec<Range<usize>>> {
        let rules = [JsonRule::new(self.clone(), DataClass::Pan)];
        let mut walk = Walk::new(Masker::new(Profile::Last4), text, &rules);
        walk.document(Treatment::Null).ok()?;
        Some(walk.strings)
    }
}

/// One walk over a document, which writes the masked one as soon as there is something to mask.
struct Walk<'t> {
    masker: Masker,
    text: &'t [u8],
    rules: &'t [JsonRule],
    at: usize,
    /// The way to the value that is read, when there are rules.
    way: Vec<Step<'t>>,
    out: Vec<u8>,
    /// How much of `text` is in `out`.
    copied: usize,
    /// Where the strings stand that a rule for card numbers names.
    strings: Vec<Range<usize>>,
    found: u32,
    sad: bool,
}

/// The text is not JSON, or nests too deep.
struct NotJson;

/// What is done with a value by the rules above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Treatment {
    /// It is scanned.
    Scan,
    /// It is a card number, or all that it holds are.
    Pan,
    /// It goes as a whole.
    Whole,
    /// It becomes null.
    Null,
}

impl<'t> Walk<'t> {
    fn new(masker: Masker, text: &'t [u8], rules: &'t [JsonRule]) -> Self {
        Self {
            masker,
            text,
            rules,
            at: 0,
            way: Vec::new(),
            out: Vec::new(),
            copied: 0,
            strings: Vec::new(),
            found: 0,
            sad: false,
        }
    }

    fn document(&mut self, above: Treatment) -> Result<(), NotJson> {
        self.value(above, 0)?;
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(NotJson) }
    }

    fn finish(mut self) -> Option<Masked> {
        if self.found == 0 {
            return None;
        }
        self.out.extend_from_slice(self.text.get(self.copied..)?);
        Some(Masked { bytes: self.out, found: self.found, sad: self.sad })
    }

    /// Reads the value at `at`, of which the rules above say `above`, and masks it.
    fn value(&mut self, above: Treatment, depth: usize) -> Result<(), NotJson> {
        self.space();
        let named = self.treatment();
        let treatment = named.max(above);
        let start = self.at;
        match self.peek().filter(|_| depth < DEPTH_MAX).ok_or(NotJson)? {
            b'{' => self.object(inner(treatment), depth)?,
            b'[' => self.array(inner(treatment), depth)?,
            b'"' => {
                let content = self.string()?;
                if named == Treatment::Pan {
                    self.strings.push(content.clone());
                }
                match treatment {
                    Treatment::Scan => self.scan_string(content),
                    Treatment::Pan => self.truncate(start..self.at, content),
                    Treatment::Whole | Treatment::Null => {}
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = self.number()?;
                match treatment {
                    Treatment::Scan => self.scan_number(number),
                    Treatment::Pan => self.truncate(number.clone(), number),
                    Treatment::Whole | Treatment::Null => {}
                }
            }
            b't' => self.word(b"true", treatment)?,
            b'f' => self.word(b"false", treatment)?,
            b'n' => {
                self.literal(b"null")?;
                return Ok(());
            }
            _ => return Err(NotJson),
        }
        match treatment {
            // A rule above has already spoken for the whole of this.
            _ if treatment == above => {}
            Treatment::Whole => self.replace(start..self.at, &string::quote(self.masker.whole())),
            Treatment::Null => self.replace(start..self.at, b"null"),
            Treatment::Scan | Treatment::Pan => {}
        }
        Ok(())
    }

    fn object(&mut self, treatment: Treatment, depth: usize) -> Result<(), NotJson> {
        self.literal(b"{")?;
        self.space();
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(NotJson);
            }
            let name = self.string()?;
            if treatment < Treatment::Whole {
                self.scan_string(name.clone());
            }
            self.space();
            self.literal(b":")?;
            let step = Step::Name(self.text.get(name).ok_or(NotJson)?);
            self.step_to(step, treatment, depth)?;
            self.space();
            if !self.takes(b',') {
                return self.literal(b"}");
            }
        }
    }

    fn array(&mut self, treatment: Treatment, depth: usize) -> Result<(), NotJson> {
        self.literal(b"[")?;
        self.space();
        if self.takes(b']') {
            return Ok(());
        }
        for index in 0.. {
            self.step_to(Step::Index(index), treatment, depth)?;
            self.space();
            if !self.takes(b',') {
                break;
            }
        }
        self.literal(b"]")
    }

    fn step_to(&mut self, step: Step<'t>, treatment: Treatment, depth: usize) -> Result<(), NotJson> {
        if self.rules.is_empty() {
            return self.value(treatment, depth + 1);
        }
        self.way.push(step);
        self.value(treatment, depth + 1)?;
        self.way.pop();
        Ok(())
    }

    /// The strictest that a rule says of the value at the end of the way.
    fn treatment(&self) -> Treatment {
        let rules = self.rules.iter().filter(|rule| rule.path.matches(&self.way));
        let treatments = rules.map(|rule| match rule.class {
            DataClass::Sad => Treatment::Null,
            DataClass::Pan => Treatment::Pan,
            DataClass::CardholderName | DataClass::Expiry | DataClass::Secret | DataClass::Own(_) => {
                Treatment::Whole
            }
        });
        treatments.max().unwrap_or(Treatment::Scan)
    }

    fn scan_string(&mut self, content: Range<usize>) {
        let Some(masked) = self.masker.part(self.text, content.clone(), Views::JsonString) else {
            return;
        };
        self.found = self.found.saturating_add(masked.found - 1);
        self.sad |= masked.sad;
        // Stars over base64 or hex may have cut an escape that looked like part of it.
        let valid = string::length(&[masked.bytes.as_slice(), b"\""].concat()) == Some(masked.bytes.len());
        let stars = || b"*".repeat(content.len());
        self.replace(content.clone(), &if valid { masked.bytes } else { stars() });
    }

    /// A number that is a card number becomes a string.
    fn scan_number(&mut self, number: Range<usize>) {
        if let Some(masked) = self.masker.part(self.text, number.clone(), Views::Text) {
            self.replace(number, &string::quote(&masked.bytes));
        }
    }

    fn truncate(&mut self, place: Range<usize>, content: Range<usize>) {
        let value = string::unescape(self.text.get(content).unwrap_or_default());
        let masked = string::quote(&self.masker.pan(&value));
        self.replace(place, &masked);
    }

    fn word(&mut self, word: &'static [u8], treatment: Treatment) -> Result<(), NotJson> {
        let start = self.at;
        self.literal(word)?;
        if treatment == Treatment::Pan {
            self.replace(start..self.at, &string::quote(self.masker.whole()));
        }
        Ok(())
    }

    /// Puts `with` in the place of `range`, which is behind all that was replaced before or encloses it.
    fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        let (Some(kept), Some(old)) = (self.text.get(self.copied..range.start), self.text.get(range.clone()))
        else {
            return;
        };
        if old != with {
            self.out.extend_from_slice(kept);
            self.out.extend_from_slice(with);
            self.copied = range.end;
            self.found = self.found.saturating_add(1);
        }
    }

    /// Reads a string, and gives what is between its quotes.
    fn string(&mut self) -> Result<Range<usize>, NotJson> {
        self.literal(b"\"")?;
        let length = self.text.get(self.at..).and_then(string::length).ok_or(NotJson)?;
        let content = self.at..self.at + length;
        self.at = content.end + 1;
        Ok(content)
    }

    /// Reads a number (RFC 8259 §6).
    fn number(&mut self) -> Result<Range<usize>, NotJson> {
        let start = self.at;
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(start..self.at)
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(NotJson) }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), NotJson> {
        let here = self.text.get(self.at..).unwrap_or_default();
        if !here.starts_with(literal) {
            return Err(NotJson);
        }
        self.at += literal.len();
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == Some(byte);
        self.at += usize::from(takes);
        takes
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// What a container's treatment means for what it holds: when it goes as a whole, the inside is only read past,
/// since the strictest treatment from above leaves nothing to do.
fn inner(treatment: Treatment) -> Treatment {
    match treatment {
        Treatment::Scan | Treatment::Pan => treatment,
        Treatment::Whole | Treatment::Null => Treatment::Null,
    }
}

/// How deep documents may nest.
const DEPTH_MAX: usize = 128;

#[cfg(test)]
mod tests;
