//! What a request asks of a model, and its card data masked.

use std::collections::HashSet;

use super::blob;
use super::doc::{Doc, Kind, ROOT, edited};
use super::seen::is_call;
use super::text;
use super::{Dialect, Operation};
use crate::body::{Care, Opaque, Withheld};

/// Facts of a request to a model.
#[derive(Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked for.
    pub operation: Operation,
    /// The model that is asked; in the path it is Azure's deployment.
    pub model: Option<Box<str>>,
    /// Whether the answer is to come in a stream.
    pub stream: bool,
    /// Most tokens that the answer may have; `None` when the request does not say.
    pub max_tokens: Option<u64>,
    /// Names of the tools that are offered, those that the provider runs by their kind, in order.
    pub tools: Vec<Box<str>>,
    /// Names of the tools that were called before, in order.
    pub tool_calls: Vec<Box<str>>,
    /// Whether card data is in it anywhere.
    pub holds_cards: bool,
}

/// A request that asks nothing of a model that could be told with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAPrompt {
    /// It is no JSON object, or nests too deep.
    NotJson,
    /// Two readers could read it in two ways; in a few words.
    Ambiguous(&'static str),
    /// A member is not what the API wants there; its name.
    Wrong(&'static str),
}

/// Reads what a request asks for.
///
/// # Errors
/// [`NotAPrompt`] when that is not certain: members that come twice, or differ in case from those that count.
pub fn prompt(dialect: Dialect, path: &str, body: &[u8]) -> Result<Prompt, NotAPrompt> {
    let operation = match Dialect::at(path) {
        Some((spoken, operation)) if spoken == dialect => operation,
        _ => return Err(NotAPrompt::Ambiguous("the path is of another API")),
    };
    let doc =
        Doc::read(body).filter(|doc| doc.kind(ROOT) == Some(Kind::Object)).ok_or(NotAPrompt::NotJson)?;
    certain(&doc)?;
    let stream = match doc.member(ROOT, "stream").and_then(|at| doc.kind(at)) {
        None | Some(Kind::Null) => dialect == Dialect::Ollama && operation != Operation::Embed,
        Some(Kind::True) => true,
        Some(Kind::False) => false,
        Some(_) => return Err(NotAPrompt::Wrong("stream")),
    };
    Ok(Prompt {
        operation,
        model: model(dialect, path, &doc)?,
        stream: stream || path.contains(":stream"),
        max_tokens: max_tokens(&doc)?,
        tools: tools(&doc),
        tool_calls: calls(&doc),
        holds_cards: holds_cards(body, &doc),
    })
}

/// Masks card data in a request to a model; `None` when it may pass as it is.
///
/// It goes through prompts, tool results, system texts, tool definitions, names and files. Texts that stand beside
/// one another in one message are one text. All that is not masked stays as it was written.
///
/// # Errors
/// When it may not pass.
pub fn mask_prompt(care: &Care, dialect: Dialect, body: &[u8]) -> Result<Option<Vec<u8>>, Withheld> {
    let doc = Doc::read(body).ok_or(Withheld::NotUnderstood("a prompt that is no JSON"))?;
    if care.opaque == Opaque::Refuse && has_token_numbers(dialect, &doc) {
        return Err(Withheld::NotUnderstood("a prompt in numbers of tokens"));
    }
    let blobs = blob::mask(care, &doc)?;
    let mut found = blobs.found;
    let unpacked = edited(body, blobs.edits);
    let masked = text::mask(care, &unpacked, &[]);
    if masked.as_ref().is_some_and(|masked| masked.sad) {
        return Err(Withheld::Sad);
    }
    found += masked.as_ref().map_or(0, |masked| masked.found);
    if care.refuses && found > 0 {
        return Err(Withheld::CardData);
    }
    let told = masked.map_or(unpacked, |masked| masked.bytes);
    Ok((told != body).then_some(told))
}

/// What a masked request says, for the record: its texts with the roles of those who said them, up to 64 KiB.
pub fn conversation(body: &[u8]) -> String {
    let mut told = String::new();
    let Some(doc) = Doc::read(body) else { return told };
    for at in (0..doc.len()).filter(|at| doc.kind(*at) == Some(Kind::String)) {
        let mark = match &*doc.name(at) {
            "role" => "\n# ",
            name if SAID.contains(&name) => "\n",
            "" => "\n",
            _ => continue,
        };
        let text = doc.string(at).unwrap_or_default();
        let end = text.floor_char_boundary(TOLD_BYTES_MAX.saturating_sub(told.len() + mark.len()));
        told.extend([mark, text.get(..end).unwrap_or_default()]);
        if told.len() >= TOLD_BYTES_MAX {
            break;
        }
    }
    told
}

/// Asserts that everybody reads the same of a document.
fn certain(doc: &Doc<'_>) -> Result<(), NotAPrompt> {
    for at in (0..doc.len()).filter(|at| doc.kind(*at) == Some(Kind::Object)) {
        let mut names = HashSet::new();
        for member in doc.children(at) {
            if !names.insert(doc.name(member)) {
                return Err(NotAPrompt::Ambiguous("a member comes twice"));
            }
        }
    }
    // Readers in Go take names in any case.
    let differs = |name: &str| COUNTED.iter().any(|known| known.eq_ignore_ascii_case(name) && *known != name);
    if doc.children(ROOT).any(|at| differs(&doc.name(at))) {
        return Err(NotAPrompt::Ambiguous("a member differs in case from one that counts"));
    }
    Ok(())
}

/// The model that is asked; of several, of which any may answer, no policy could speak.
fn model(dialect: Dialect, path: &str, doc: &Doc<'_>) -> Result<Option<Box<str>>, NotAPrompt> {
    if doc.member(ROOT, "models").is_some() {
        return Err(NotAPrompt::Ambiguous("several models are asked"));
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments =
        path.split('/').skip_while(|segment| !matches!(*segment, "deployments" | "models" | "model"));
    let after = segments.next().and_then(|_| segments.next());
    // `models/chat/completions` names none.
    let named =
        after.filter(|_| path.contains("/deployments/") || path.contains(':') || path.contains("/model/"));
    let named = named.map(|name| name.rsplit_once(':').map_or(name, |(name, _)| name));
    let told = match doc.member(ROOT, "model") {
        None => None,
        Some(at) => Some(doc.string(at).filter(|name| !name.is_empty()).ok_or(NotAPrompt::Wrong("model"))?),
    };
    match (named, told) {
        (Some(named), _) if dialect == Dialect::Gemini || path.contains("/deployments/") => {
            Ok(Some(named.into()))
        }
        (named, None) => Ok(named.map(Into::into)),
        (_, Some(told)) => Ok(Some(told.into())),
    }
}

/// The most that any of the members allows that limit an answer.
fn max_tokens(doc: &Doc<'_>) -> Result<Option<u64>, NotAPrompt> {
    let mut most = None;
    for way in LIMITS {
        let Some(at) = doc.find(ROOT, way).filter(|at| doc.kind(*at) != Some(Kind::Null)) else { continue };
        // Ollama's -1 is no limit.
        if doc.written(at) == b"-1" || doc.written(at) == b"-2" {
            return Ok(None);
        }
        let count = doc.count(at).ok_or(NotAPrompt::Wrong(way.last().unwrap_or(&"max_tokens")))?;
        most = most.max(Some(count));
    }
    Ok(most)
}

fn tools(doc: &Doc<'_>) -> Vec<Box<str>> {
    let mut tools = Vec::new();
    let name =
        |at: usize, way: &[&str]| doc.find(at, way).and_then(|at| doc.string(at)).map(Box::<str>::from);
    let offered = ["tools", "functions", "mcp_servers"].iter().filter_map(|name| doc.member(ROOT, name));
    for tool in offered.flat_map(|all| doc.children(all)) {
        let own = [&["function", "name"], &["custom", "name"], &["name"][..], &["server_label"], &["type"]];
        if let Some(name) = own.iter().find_map(|way| name(tool, way)) {
            tools.push(name);
            continue;
        }
        for kind in doc.children(tool) {
            match &*doc.name(kind) {
                "functionDeclarations" | "function_declarations" => {
                    tools.extend(doc.children(kind).filter_map(|function| name(function, &["name"])));
                }
                kind => tools.push(kind.into()),
            }
        }
    }
    tools
}

fn calls(doc: &Doc<'_>) -> Vec<Box<str>> {
    let history = ["messages", "input", "contents"].iter().filter_map(|name| doc.member(ROOT, name));
    let within = history.flat_map(|history| doc.within(history));
    let calls = within.filter(|at| doc.kind(*at) == Some(Kind::Object) && is_call(doc, *at));
    calls.filter_map(|at| doc.string(doc.member(at, "name")?)).map(Into::into).collect()
}

fn holds_cards(body: &[u8], doc: &Doc<'_>) -> bool {
    let care = Care {
        masker: mask::Masker::new(mask::Profile::Last4),
        rules: [].into(),
        strict: false,
        opaque: Opaque::Scan,
        refuses: false,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    };
    let files = blob::mask(&care, doc);
    files.map_or(true, |files| files.found > 0) || text::mask(&care, body, &[]).is_some()
}

/// Whether a prompt is given as numbers of tokens, which cannot be read here.
fn has_token_numbers(dialect: Dialect, doc: &Doc<'_>) -> bool {
    let prompts = match dialect {
        Dialect::OpenAi => ["input", "prompt"],
        Dialect::Ollama => ["context", "prompt"],
        Dialect::Anthropic | Dialect::Gemini => return false,
    };
    let mut within = prompts.iter().filter_map(|name| doc.member(ROOT, name)).flat_map(|at| doc.within(at));
    let array = |at: usize| doc.node(at).is_some_and(|node| doc.kind(node.parent) == Some(Kind::Array));
    within.any(|at| doc.kind(at) == Some(Kind::Number) && array(at))
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { operation, model, stream, max_tokens, tools, tool_calls, holds_cards } = self;
        // Names of tools are the client's own, and may hold anything.
        f.debug_struct("Prompt")
            .field("operation", operation)
            .field("model", model)
            .field("stream", stream)
            .field("max_tokens", max_tokens)
            .field("tools", &tools.len())
            .field("tool_calls", &tool_calls.len())
            .field("holds_cards", holds_cards)
            .finish()
    }
}

impl std::fmt::Display for NotAPrompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotJson => f.write_str("the body is no JSON object that can be read"),
            Self::Ambiguous(why) => write!(f, "the body can be read in two ways: {why}"),
            Self::Wrong(member) => write!(f, "`{member}` is not what the API wants there"),
        }
    }
}

impl std::error::Error for NotAPrompt {}

/// Members that facts are read from.
const COUNTED: &[&str] = &[
    "model",
    "models",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "messages",
    "input",
    "prompt",
    "contents",
    "tools",
    "functions",
    "options",
    "mcp_servers",
    "generationConfig",
    "system",
];

/// Where the most tokens of an answer stand.
const LIMITS: &[&[&str]] = &[
    &["max_tokens"],
    &["max_completion_tokens"],
    &["max_output_tokens"],
    &["options", "num_predict"],
    &["generationConfig", "maxOutputTokens"],
    &["generation_config", "max_output_tokens"],
];

/// Names of what is said in requests.
const SAID: &[&str] = &[
    "content",
    "text",
    "input",
    "prompt",
    "system",
    "instructions",
    "arguments",
    "output",
    "thinking",
    "suffix",
];

/// Most of a conversation that is told.
const TOLD_BYTES_MAX: usize = 64 << 10;
