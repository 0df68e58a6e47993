//! Answers that come whole.

use std::sync::Arc;

use super::doc::{Doc, Edits, Kind, ROOT, edited};
use super::elements::Elements;
use super::lines::Lines;
use super::piece;
use super::seen::Seen;
use super::text;
use crate::body::{Care, Opaque, Rewrite, Withheld};
use crate::sse::Sse;

/// Masks a model's answer; `None` when it may pass as it is.
///
/// Parts of one message are one text; what spells a text again (`logprobs`, `bytes`) is emptied where anything is
/// found.
///
/// # Errors
/// When it may not pass.
pub fn mask_answer(care: &Care, body: &[u8], seen: &Arc<Seen>) -> Result<Option<Vec<u8>>, Withheld> {
    let mut told = Vec::new();
    let mut answer = Whole::new(care, Arc::clone(seen));
    answer.push(body, &mut told)?;
    answer.finish(&mut told)?;
    Ok((told != body).then_some(told))
}

fn masked(care: &Care, body: &[u8], seen: &Seen) -> Result<Option<(Vec<u8>, u32)>, Withheld> {
    let masked = text::mask(care, body, &[]);
    let found = masked.as_ref().map_or(0, |masked| masked.found);
    if masked.as_ref().is_some_and(|masked| masked.sad) {
        return Err(Withheld::Sad);
    }
    let base = masked.as_ref().map_or(body, |masked| &masked.bytes);
    let Some(doc) = Doc::read(base) else {
        if care.strict && matches!(body.trim_ascii_start(), [b'{' | b'[', ..]) {
            return Err(Withheld::NotUnderstood("an answer that is almost JSON"));
        }
        return refused(care, found).map(|()| masked.map(|masked| (masked.bytes, found)));
    };
    let reading = piece::read(&doc, b"");
    if !reading.opaque.is_empty() && care.opaque == Opaque::Refuse {
        return Err(Withheld::NotUnderstood("sound or a picture in an answer"));
    }
    let spelt = care.masker.text(reading.spelled.as_bytes()).map_or(0, |masked| masked.found);
    let found = found.max(spelt);
    refused(care, found)?;
    let mut edits = Edits::new();
    if found > 0 {
        let spellings = reading.spellings.iter().chain(&reading.contexts);
        edits.extend(super::stream::unspelt(&doc, spellings));
    }
    seen.note(|facts| {
        facts.read(&doc);
        said(&doc).for_each(|text| facts.say(&text));
    });
    let told = edited(base, edits);
    Ok((told != body).then_some((told, found)))
}

fn refused(care: &Care, found: u32) -> Result<(), Withheld> {
    if care.refuses && found > 0 { Err(Withheld::CardData) } else { Ok(()) }
}

/// What an answer says.
fn said<'d>(doc: &'d Doc<'_>) -> impl Iterator<Item = std::borrow::Cow<'d, str>> {
    let said =
        |at: &usize| doc.kind(*at) == Some(Kind::String) && *at != ROOT && SAID.contains(&&*doc.name(*at));
    (0..doc.len()).filter(said).filter_map(|at| doc.string(at))
}

/// Rewrites an answer of which its type does not say that it is a stream: by how it begins it may be one all the same.
pub(super) struct Whole {
    care: Care,
    seen: Arc<Seen>,
    /// What has come of an answer that is judged as a whole, or by which it is not known yet what it is.
    body: Vec<u8>,
    /// What goes on with an answer that is a stream.
    stream: Option<Box<dyn Rewrite>>,
    found: u64,
}

impl Whole {
    pub fn new(care: &Care, seen: Arc<Seen>) -> Self {
        Self { care: care.clone(), seen, body: Vec::new(), stream: None, found: 0 }
    }

    /// A stream that begins as the answer does.
    fn begun(&self) -> Option<Box<dyn Rewrite>> {
        let begin = self.body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&self.body).trim_ascii_start();
        if FIELDS.iter().any(|field| begin.starts_with(field)) {
            return Some(Box::new(Sse::new(&self.care, true, Arc::clone(&self.seen))));
        }
        begins_as_answers(begin)
            .then(|| Box::new(Elements::new(&self.care, Arc::clone(&self.seen))) as Box<dyn Rewrite>)
    }

    /// What goes on with a document that is several answers in an array.
    fn answers(&self, body: &[u8]) -> Option<Box<dyn Rewrite>> {
        let doc = Doc::read(body).filter(|doc| doc.kind(ROOT) == Some(Kind::Array))?;
        let answers = doc.children(ROOT).any(|element| doc.member(element, "candidates").is_some());
        answers.then(|| Box::new(Elements::new(&self.care, Arc::clone(&self.seen))) as Box<dyn Rewrite>)
    }

    /// The lines of an answer that is no document, if that is what they are.
    fn lines(&self, body: &[u8]) -> Option<Lines> {
        let line = body.trim_ascii_start().split(|byte| *byte == b'\n').next()?;
        let lines = line.starts_with(b"{") && Doc::read(line).is_some() && Doc::read(body).is_none();
        lines.then(|| Lines::new(&self.care, true, Arc::clone(&self.seen)))
    }
}

impl Rewrite for Whole {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        if let Some(stream) = &mut self.stream {
            return stream.push(bytes, out);
        }
        let known = self.body.trim_ascii_start().len() >= FIRST_BYTES;
        self.body.extend_from_slice(bytes);
        if !known && self.body.trim_ascii_start().len() >= FIRST_BYTES {
            self.stream = self.begun();
        }
        if let Some(stream) = &mut self.stream {
            return stream.push(&std::mem::take(&mut self.body), out);
        }
        if self.body.len() > BODY_BYTES_MAX { Err(Withheld::TooLarge("a model's answer")) } else { Ok(()) }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        let body = std::mem::take(&mut self.body);
        if self.stream.is_none() {
            let lines = || self.lines(&body).map(|lines| Box::new(lines) as Box<dyn Rewrite>);
            self.stream = self.answers(&body).or_else(lines);
        }
        if let Some(stream) = &mut self.stream {
            stream.push(&body, out)?;
            return stream.finish(out);
        }
        match masked(&self.care, &body, &self.seen)? {
            Some((told, found)) => {
                self.found = u64::from(found);
                out.extend(told);
            }
            None => out.extend(body),
        }
        Ok(())
    }

    fn found(&self) -> u64 {
        self.stream.as_ref().map_or(self.found, |stream| stream.found())
    }
}

/// Whether an array begins as Gemini's answers in one do.
fn begins_as_answers(begin: &[u8]) -> bool {
    let element = begin.strip_prefix(b"[").map(<[u8]>::trim_ascii_start);
    let member = element.and_then(|element| element.strip_prefix(b"{")).map(<[u8]>::trim_ascii_start);
    member.is_some_and(|member| ANSWERS.iter().any(|name| member.starts_with(name)))
}

/// What Gemini's answers begin with.
const ANSWERS: &[&[u8]] =
    &[b"\"candidates\"", b"\"usageMetadata\"", b"\"promptFeedback\"", b"\"modelVersion\""];

/// What events begin with.
const FIELDS: &[&[u8]] = &[b"data:", b"event:", b"id:", b"retry:", b":"];

/// Bytes by which it is known what an answer is.
const FIRST_BYTES: usize = 64;

/// Names of what is said in answers.
const SAID: &[&str] = &[
    "content",
    "text",
    "response",
    "refusal",
    "reasoning",
    "reasoning_content",
    "thinking",
    "arguments",
    "input",
];

/// Longest answer that is held to be judged as a whole.
const BODY_BYTES_MAX: usize = 64 << 20;
