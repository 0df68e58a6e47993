//! What model providers speak: facts of prompts, and the texts in answers, each masked as one.
//!
//! 1. `doc`: a JSON document as the places of its values.
//! 2. `prompt`: what a request asks for, and its card data masked (`blob`: files in it).
//! 3. `piece`: which strings of an event are pieces of a text that runs over events, and what ends it.
//! 4. `channel`, `spelt`, `quoter`: one such text.
//! 5. `stream`: all of them, event by event; `lines` and `elements` cut them where they are lines or elements of an
//!    array, `sse` elsewhere.
//! 6. `text`, `whole`: documents that hold texts whole.
//! 7. `seen`: what an answer told of itself.

mod blob;
mod channel;
pub(crate) mod doc;
mod elements;
mod fuzz;
mod lines;
mod piece;
mod prompt;
mod quoter;
mod seen;
mod spelt;
mod stream;
mod text;
mod whole;

use std::sync::Arc;

use crate::body::{self, Care, Coded, Rewrite};
use crate::sse::Sse;

pub(crate) use channel::Flush;
pub use fuzz::{fuzz_lines, fuzz_prompt, fuzz_sse};
pub use prompt::{NotAPrompt, Prompt, conversation, mask_prompt, prompt};
pub use seen::{Facts, Seen, Usage};
pub(crate) use stream::{Frame, Texts};
pub use whole::mask_answer;

/// How a model provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The API of OpenAI, and what speaks like it: Azure, vLLM, Ollama's `/v1`, and most gateways.
    OpenAi,
    /// The messages API of Anthropic, at Bedrock and Vertex too.
    Anthropic,
    /// Ollama's own API.
    Ollama,
    /// Google's `generateContent`.
    Gemini,
}

/// What a model is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// To go on with a conversation.
    Chat,
    /// To go on with a text.
    Complete,
    /// To make vectors of texts.
    Embed,
    /// To count tokens.
    Count,
    /// To keep, list or give back a file.
    File,
}

impl Dialect {
    /// What is spoken at a path, whatever stands before it, and what is asked for; `None` for a path that nobody
    /// knows. The path is in the form in which it is decided upon, with or without its query.
    pub fn at(path: &str) -> Option<(Self, Operation)> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let last = segments.last().copied().unwrap_or_default();
        if let Some((_, verb)) = last.rsplit_once(':') {
            return Some(match verb {
                "generateContent" | "streamGenerateContent" => (Self::Gemini, Operation::Chat),
                "countTokens" => (Self::Gemini, Operation::Count),
                "embedContent" | "batchEmbedContents" => (Self::Gemini, Operation::Embed),
                "rawPredict" | "streamRawPredict" => (Self::Anthropic, Operation::Chat),
                _ => return None,
            });
        }
        Some(match segments.as_slice() {
            [.., "api", "chat"] => (Self::Ollama, Operation::Chat),
            [.., "api", "generate"] => (Self::Ollama, Operation::Complete),
            [.., "api", "embed" | "embeddings"] => (Self::Ollama, Operation::Embed),
            [.., "chat", "completions"] | [.., "responses"] => (Self::OpenAi, Operation::Chat),
            [.., "completions"] => (Self::OpenAi, Operation::Complete),
            [.., "embeddings"] => (Self::OpenAi, Operation::Embed),
            [.., "files"] | [.., "files", _] | [.., "files", _, "content"] => (Self::OpenAi, Operation::File),
            [.., "threads", _, "messages"] => return None,
            [.., "messages"] => (Self::Anthropic, Operation::Chat),
            [.., "messages", "count_tokens"] => (Self::Anthropic, Operation::Count),
            [.., "model", _, "invoke"] => (Self::Anthropic, Operation::Chat),
            _ => return None,
        })
    }
}

impl Dialect {
    /// Whether a model's texts come in the elements of an array at a path, on a connection of any type: nothing else has a
    /// path like that.
    pub(crate) fn tells_elements(path: &str) -> bool {
        path.split(['?', '#']).next().is_some_and(|path| path.ends_with(":streamGenerateContent"))
    }
}

/// Rewrites a model's answer, which is of `content_type`, and tells what is seen of it.
///
/// Events and lines are masked as they come, other documents once they are complete; what is neither (sound, pictures,
/// files) as any other body is. The body's codings have been undone.
pub fn open(care: &Care, content_type: &str) -> (Box<dyn Rewrite>, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let rewrite: Box<dyn Rewrite> = match kind.as_str() {
        "text/event-stream" => Box::new(Sse::new(care, true, Arc::clone(&seen))),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => {
            Box::new(lines::Lines::new(care, true, Arc::clone(&seen)))
        }
        "" | "text/plain" => Box::new(whole::Whole::new(care, Arc::clone(&seen))),
        kind if kind == "application/json" || kind.ends_with("+json") => {
            Box::new(whole::Whole::new(care, Arc::clone(&seen)))
        }
        _ => body::open(care, Coded { content_type: Some(content_type), content_encoding: "" }),
    };
    (rewrite, seen)
}

/// What masks a model's answer that is one document.
pub(crate) fn whole(care: &Care, seen: &Arc<Seen>) -> Box<dyn Rewrite> {
    Box::new(whole::Whole::new(care, Arc::clone(seen)))
}

/// What masks a model's answer that is a document on each line.
pub(crate) fn lines(care: &Care, seen: &Arc<Seen>) -> Box<dyn Rewrite> {
    Box::new(lines::Lines::new(care, true, Arc::clone(seen)))
}

/// What masks a model's answer that comes in events.
pub(crate) fn events(care: &Care, seen: &Arc<Seen>) -> Box<dyn Rewrite> {
    Box::new(Sse::new(care, true, Arc::clone(seen)))
}

/// Masks lines of JSON, each by itself as `each` does, and then the texts of a model's in them that run over several.
pub(crate) fn known_lines(care: &Care, each: Box<dyn Rewrite>) -> Box<dyn Rewrite> {
    Box::new(lines::Both::new(each, care))
}

/// Rewrites lines of JSON of which nothing is known, as [`open`] does with those of a model.
pub(crate) fn open_lines(care: &Care) -> Box<dyn Rewrite> {
    Box::new(lines::Lines::new(care, false, Arc::default()))
}

#[cfg(test)]
mod tests;
