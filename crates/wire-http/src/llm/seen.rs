//! What an answer told of itself while it passed.

use std::sync::{Mutex, PoisonError};

use super::doc::{Doc, Kind, ROOT};

/// What was seen of an answer that passes; it can be asked at any time.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Facts>);

/// What an answer told of itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it cost.
    pub usage: Usage,
    /// The model that answered.
    pub model: Option<Box<str>>,
    /// Why it ended, for each choice, in the provider's words.
    pub finish_reasons: Vec<Box<str>>,
    /// Names of the tools that the model called, in order.
    pub tools: Vec<Box<str>>,
    /// What it said, masked, as far as it is kept for the record: at most 64 KiB.
    pub text: String,
    /// Whether there was more.
    pub cut: bool,
    /// Bytes of all that it said.
    pub said_bytes: u64,
}

/// Tokens as the provider counts them; `None` while it has not said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of what was asked, what came from a cache among them where the provider counts so.
    pub input_tokens: Option<u64>,
    /// Of the answer.
    pub output_tokens: Option<u64>,
}

impl Seen {
    /// What was seen so far.
    pub fn facts(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note(&self, note: impl FnOnce(&mut Facts)) {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { usage, model, finish_reasons, tools, text, cut, said_bytes: _ } = self;
        let names = (model, finish_reasons.len(), tools.len());
        write!(f, "Facts {{ usage: {usage:?}, names: {names:?}, text: [{} bytes], cut: {cut} }}", text.len())
    }
}

impl Facts {
    /// Takes note of what a masked document says of the answer.
    pub(crate) fn read(&mut self, doc: &Doc<'_>) {
        for at in 0..doc.len() {
            match doc.kind(at) {
                Some(Kind::Number) => self.count(doc, at),
                Some(Kind::String) => self.string(doc, at),
                Some(Kind::Object) if self.tools.len() < NAMES_MAX && is_call(doc, at) => self.call(doc, at),
                _ => {}
            }
        }
    }

    /// Keeps what was said.
    pub(crate) fn say(&mut self, text: &str) {
        self.said_bytes = self.said_bytes.saturating_add(text.len() as u64);
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        let end = text.floor_char_boundary(room);
        self.text.push_str(text.get(..end).unwrap_or_default());
        self.cut |= end < text.len();
    }

    fn count(&mut self, doc: &Doc<'_>, at: usize) {
        let parent = doc.node(at).map_or(ROOT, |node| node.parent);
        let usage = matches!(&*doc.name(parent), "usage" | "usageMetadata") || parent == ROOT;
        let to = match &*doc.name(at) {
            "prompt_tokens" | "input_tokens" | "promptTokenCount" | "prompt_eval_count" if usage => {
                &mut self.usage.input_tokens
            }
            "completion_tokens" | "output_tokens" | "candidatesTokenCount" | "eval_count" if usage => {
                &mut self.usage.output_tokens
            }
            _ => return,
        };
        // Of numbers that grow from event to event, and of one that is 0 where it was said before, the most holds.
        *to = doc.count(at).max(*to);
    }

    fn string(&mut self, doc: &Doc<'_>, at: usize) {
        let text = || name(doc, Some(at));
        match &*doc.name(at) {
            "finish_reason" | "finishReason" | "stop_reason" | "done_reason" => {
                self.finish_reasons.extend(text().filter(|_| self.finish_reasons.len() < NAMES_MAX));
            }
            "model" | "modelVersion" if self.model.is_none() => self.model = text(),
            _ => {}
        }
    }

    fn call(&mut self, doc: &Doc<'_>, at: usize) {
        let Some(tool) = name(doc, doc.member(at, "name")) else { return };
        // The item that was begun is told once more when it is done, and with the whole answer.
        let again = doc.member(at, "call_id").is_some() && self.tools.contains(&tool);
        self.tools.extend((!again).then_some(tool));
    }
}

/// A string that may be kept.
fn name(doc: &Doc<'_>, at: Option<usize>) -> Option<Box<str>> {
    let text = doc.string(at?)?;
    (!text.is_empty() && text.len() <= NAME_BYTES_MAX).then(|| text.into())
}

/// Whether an object with a name is the call of a tool.
pub(super) fn is_call(doc: &Doc<'_>, at: usize) -> bool {
    let named = matches!(&*doc.name(at), "function_call" | "functionCall" | "toolUse");
    let above = doc.above(at).next().and_then(|above| doc.above(above).next());
    let function = &*doc.name(at) == "function" && above.is_some_and(|above| doc.name(above) == "tool_calls");
    let told = doc.member(at, "type").and_then(|kind| doc.string(kind));
    let typed = told.is_some_and(|kind| kind.ends_with("tool_use") || kind.ends_with("_call"));
    named || function || typed
}

/// Most of what was said that is kept.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Most names, and the longest, that are kept.
const NAMES_MAX: usize = 256;
const NAME_BYTES_MAX: usize = 256;
