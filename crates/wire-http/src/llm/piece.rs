//! Which strings of an event are pieces of a text that runs over events, and what ends such a text.
//!
//! One rule serves every dialect: a string at the same way through its event, under the same index and id members,
//! is the same text. What is known of dialects only says which strings are none (labels, and what is told whole),
//! where that is certain, and what ends a text.

use super::doc::{Doc, Kind, ROOT};

/// What was read of an event.
#[derive(Default)]
pub(super) struct Reading {
    pub pieces: Vec<Piece>,
    pub closings: Vec<Closing>,
    /// Values that spell the text once more, as tokens and what they are worth.
    pub spellings: Vec<usize>,
    /// Strings that tell all of the text so far, beside the last piece of it.
    pub copies: Vec<usize>,
    /// The text that the tokens spell.
    pub spelled: String,
    /// Token numbers of all that was said so far.
    pub contexts: Vec<usize>,
    /// Strings that hold what is no text: sound, pictures.
    pub opaque: Vec<usize>,
    /// Whether names were so long that not all was read.
    pub cut: bool,
}

/// A string that is a piece of a text, or may be.
pub(super) struct Piece {
    pub node: usize,
    pub sort: Sort,
    pub slot: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A dialect says so.
    Known,
    /// Nobody knows.
    Unknown,
}

/// Whose text a piece is of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Slot {
    /// What the event says that it is.
    pub kind: String,
    /// The names on the way to it, and the places in arrays.
    pub way: String,
    /// Index and id members on the way.
    pub marks: Vec<Mark>,
    /// Whether the marks are known to tell texts apart, not events.
    pub certain: bool,
}

pub(super) type Mark = (String, String);

impl Slot {
    /// Whether the text is what a tool is called with, in JSON.
    pub fn is_arguments(&self) -> bool {
        self.way.ends_with(".arguments")
            || self.way.ends_with(".partialjson")
            || self.kind.ends_with("arguments.delta")
    }
}

/// What ends with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closing {
    /// Every text whose way begins so.
    Under(String),
    /// Every text that no mark sets apart from these.
    Marked(Vec<Mark>),
}

impl Closing {
    pub fn closes(&self, slot: &Slot) -> bool {
        match self {
            Self::Under(way) => slot.way.starts_with(way.as_str()),
            Self::Marked(marks) => {
                let apart = |(name, value): &Mark| {
                    slot.marks.iter().any(|(other, theirs)| other == name && theirs != value)
                };
                !marks.iter().any(apart)
            }
        }
    }
}

/// Reads an event that is named `name`.
pub(super) fn read(doc: &Doc<'_>, name: &[u8]) -> Reading {
    let told = doc.member(ROOT, "type").and_then(|at| doc.string(at));
    // Bedrock puts what it is around all that it says.
    let mut members = doc.children(ROOT);
    let only = members.next().filter(|at| members.next().is_none() && doc.kind(*at) == Some(Kind::Object));
    let around = only.filter(|_| told.is_none() && name.is_empty());
    let named = || around.map_or(String::from_utf8_lossy(name), |at| doc.name(at));
    let kind = told.unwrap_or_else(named).into_owned();
    let ends = ENDS.contains(&&*last_word(&kind));
    let certain = kind.starts_with("response.") || kind.starts_with("content_block_");
    let mut reader = Reader {
        doc,
        ends_all: doc.member(ROOT, "done").is_some(),
        is_rpc: doc.member(ROOT, "jsonrpc").is_some(),
        slot: Slot { certain, ..Slot::default() },
        reading: Reading::default(),
    };
    // What begins a block may hold the first of its text.
    let starts = kind == "content_block_start";
    reader.slot.kind = if starts { "content_block_delta".into() } else { kind.clone() };
    let whole = ends || starts || is_whole(&kind);
    let sort = match kind.as_str() {
        kind if OPAQUE_KINDS.contains(&kind) => Inside::Opaque,
        _ if whole => Inside::Whole,
        _ => Inside::Unknown,
    };
    reader.value(ROOT, "", sort);
    if ends {
        let mut marks = marks(doc, ROOT, true);
        marks.extend(around.into_iter().flat_map(|at| self::marks(doc, at, true)));
        reader.reading.closings.push(Closing::Marked(marks));
    }
    reader.reading
}

/// Whether all that such an event says is told whole.
fn is_whole(kind: &str) -> bool {
    let response = kind.starts_with("response.") && !kind.ends_with(".delta");
    response || WHOLE_KINDS.contains(&kind) || STARTS.contains(&&*last_word(kind))
}

/// The last word of `content_block_stop`, `output_text.done` and `messageStop`.
fn last_word(kind: &str) -> String {
    let kind = if kind.contains(char::is_lowercase) { kind.to_owned() } else { kind.to_lowercase() };
    let begins = |(_, c): &(usize, char)| matches!(c, '.' | '_' | '-' | ':') || c.is_uppercase();
    let start = kind.char_indices().rfind(begins).map_or(0, |(at, _)| at);
    let word = kind.get(start..).unwrap_or_default();
    word.trim_start_matches(['.', '_', '-', ':']).to_lowercase()
}

struct Reader<'d> {
    doc: &'d Doc<'d>,
    /// Whether the event says whether it is the last.
    ends_all: bool,
    /// Whether it is a message of JSON-RPC, as MCP sends them.
    is_rpc: bool,
    /// Where it is.
    slot: Slot,
    reading: Reading,
}

/// What the names above say of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Unknown,
    /// What has come since the last event.
    Delta,
    /// What a block begins with.
    Block,
    /// One of several answers.
    Choice,
    /// The same, of which every event may say why it ends.
    Candidate,
    /// It is told whole.
    Whole,
    /// It spells the text once more.
    Spelling,
    /// It tells the text so far.
    Copy,
    /// It is no text.
    Opaque,
}

impl Reader<'_> {
    fn value(&mut self, at: usize, name: &str, inside: Inside) {
        if self.slot.way.len() > WAY_BYTES_MAX {
            self.reading.cut = true;
            return;
        }
        match self.doc.kind(at) {
            Some(Kind::Object) => self.object(at, inside),
            Some(Kind::Array) => self.array(at, name, inside),
            Some(Kind::String) => self.string(at, name, inside),
            Some(Kind::Number) if name == "tokenid" => self.reading.spellings.push(at),
            Some(Kind::Number | Kind::True | Kind::False | Kind::Null) | None => {}
        }
    }

    fn object(&mut self, at: usize, inside: Inside) {
        let before = (self.slot.way.len(), self.slot.marks.len());
        let element = self.doc.node(at).is_some_and(|node| self.doc.kind(node.parent) == Some(Kind::Array));
        // The place of an element is on the way.
        if !element {
            let room = MARKS_MAX.saturating_sub(self.slot.marks.len());
            let own = marks(self.doc, at, !matches!(inside, Inside::Whole | Inside::Block));
            self.slot.marks.extend(own.into_iter().take(room));
        }
        for member in self.doc.children(at) {
            let name = plain(&self.doc.name(member));
            if self.ends(member, &name) && !matches!(inside, Inside::Candidate | Inside::Spelling) {
                self.close(inside);
            }
            let way = self.slot.way.len();
            self.slot.way.push('.');
            self.slot.way.push_str(&name);
            let below = self.below(member, &name, inside);
            // The number of a token in a vocabulary.
            let name =
                if name == "id" && self.slot.way.ends_with(".token.id") { "tokenid".into() } else { name };
            self.value(member, &name, below);
            self.slot.way.truncate(way);
        }
        self.slot.way.truncate(before.0);
        self.slot.marks.truncate(before.1);
    }

    /// What a member's name says of it, after what those above say.
    fn below(&self, member: usize, name: &str, inside: Inside) -> Inside {
        let object = matches!(self.doc.kind(member), Some(Kind::Object | Kind::Array));
        match (name, inside) {
            (_, Inside::Spelling | Inside::Opaque | Inside::Copy) => inside,
            (name, _) if SPELLINGS.contains(&name) => Inside::Spelling,
            // All that was said so far, told anew with every delta.
            ("message", Inside::Choice) if self.tells_delta(member) => Inside::Copy,
            ("data", _) if self.slot.way.ends_with("audio.data") => Inside::Opaque,
            ("data", _) if self.slot.way.ends_with("inlinedata.data") => Inside::Opaque,
            ("b64json" | "partialimageb64", _) => Inside::Opaque,
            ("images" | "image" | "imageurl", _) => Inside::Opaque,
            ("contentblock", Inside::Whole) if self.slot.kind == "content_block_delta" => Inside::Block,
            (_, Inside::Whole | Inside::Block) if object => Inside::Whole,
            (name, _) if WHOLES.contains(&name) => Inside::Whole,
            // The answer to a call is given once (JSON-RPC 2.0 §5).
            (_, Inside::Unknown) if self.is_rpc && self.slot.way == ".result" => Inside::Whole,
            ("args" | "arguments" | "input", _) if object => Inside::Whole,
            (name, _) if name.ends_with("delta") => Inside::Delta,
            ("choices", Inside::Unknown) => Inside::Choice,
            ("candidates", Inside::Unknown) => Inside::Candidate,
            (_, inside) => inside,
        }
    }

    /// Whether a delta stands beside a member.
    fn tells_delta(&self, member: usize) -> bool {
        let parent = self.doc.node(member).map(|node| node.parent);
        parent.is_some_and(|parent| self.doc.member(parent, "delta").is_some())
    }

    fn array(&mut self, at: usize, name: &str, inside: Inside) {
        let numbers = matches!(name, "bytes" | "tokenids" | "prompttokenids" | "tokens");
        let worth = inside == Inside::Spelling && matches!(name, "toplogprobs" | "topcandidates");
        if worth || (numbers && self.doc.children(at).all(|child| self.doc.kind(child) == Some(Kind::Number)))
        {
            self.reading.spellings.push(at);
            return;
        }
        if name == "context" {
            self.reading.contexts.push(at);
        }
        for element in self.doc.children(at) {
            let way = self.slot.way.len();
            // All parts of a candidate are one text, whichever event they are in.
            let place = match (name, inside) {
                ("parts", Inside::Candidate) => String::new(),
                _ => self.place(element),
            };
            let thought = self.doc.member(element, "thought");
            let thought = thought.is_some_and(|at| self.doc.kind(at) == Some(Kind::True));
            let place = if thought { format!("{place}[thought]") } else { place };
            self.slot.way.push_str(&place);
            self.value(element, name, inside);
            self.slot.way.truncate(way);
        }
    }

    /// What tells an element from those beside it.
    fn place(&self, element: usize) -> String {
        let Some(node) = self.doc.node(element) else { return String::new() };
        let index = self.doc.member(element, "index").map(|at| self.doc.written(at));
        let index = index.map_or(node.position.to_string().into(), String::from_utf8_lossy);
        format!("[{index}]")
    }

    fn string(&mut self, at: usize, name: &str, inside: Inside) {
        let label = LABELS.contains(&name) || is_label(&self.doc.name(at));
        let sort = match inside {
            Inside::Opaque if !label => return self.reading.opaque.push(at),
            Inside::Spelling => {
                if matches!(name, "token" | "tokens") {
                    self.reading.spelled.push_str(&self.doc.string(at).unwrap_or_default());
                }
                return self.reading.spellings.push(at);
            }
            _ if label || (name == "data" && self.slot.way.contains("reasoningdetails")) => return,
            Inside::Copy => return self.reading.copies.push(at),
            Inside::Delta => Sort::Known,
            Inside::Block if matches!(name, "text" | "thinking") => Sort::Known,
            Inside::Choice if CHOICE_TEXTS.contains(&name) => Sort::Known,
            Inside::Candidate if name == "text" => Sort::Known,
            Inside::Unknown if self.ends_all && ENDED_TEXTS.contains(&self.slot.way.as_str()) => Sort::Known,
            Inside::Unknown => Sort::Unknown,
            Inside::Choice | Inside::Candidate | Inside::Block | Inside::Whole | Inside::Opaque => return,
        };
        let mut slot = self.slot.clone();
        slot.way = slot.way.replacen(".contentblock.", ".delta.", 1);
        slot.certain |= matches!(inside, Inside::Choice | Inside::Candidate);
        self.reading.pieces.push(Piece { node: at, sort, slot });
    }

    /// Whether a member says that what it is of ends.
    fn ends(&self, member: usize, name: &str) -> bool {
        match self.doc.kind(member) {
            Some(Kind::String) => REASONS.contains(&name) && !self.doc.written(member).is_empty(),
            Some(Kind::True) => matches!(name, "done" | "isfinished"),
            _ => false,
        }
    }

    fn close(&mut self, inside: Inside) {
        let mut way = self.slot.way.as_str();
        if inside == Inside::Delta {
            way = way.strip_suffix(".delta").unwrap_or(way);
        }
        let closing = Closing::Under(way.to_owned());
        if self.reading.closings.len() < CLOSINGS_MAX {
            self.reading.closings.push(closing);
        }
    }
}

/// The members of an object that say of which of several things it speaks; its `id` only `with_id`.
fn marks(doc: &Doc<'_>, at: usize, with_id: bool) -> Vec<Mark> {
    let value = |member: usize| {
        let scalar = matches!(doc.kind(member), Some(Kind::String | Kind::Number));
        let written = doc.written(member);
        let written = written.get(..MARK_BYTES_MAX).unwrap_or(written);
        scalar.then(|| String::from_utf8_lossy(written).into_owned())
    };
    let named = |name: &str, member: usize| match name {
        // A number under this name is a token's, or a row's.
        "id" => with_id && doc.kind(member) == Some(Kind::String),
        name => name.ends_with("index") || IDS.contains(&name),
    };
    let members = doc.children(at).map(|member| (plain(&doc.name(member)), member));
    members
        .filter(|(name, member)| named(name, *member))
        .filter_map(|(name, member)| Some((name, value(member)?)))
        .take(MARKS_MAX)
        .collect()
}

/// A name whatever its style: `finishReason` and `finish_reason` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Whether a name ends as those of ids and times do.
fn is_label(name: &str) -> bool {
    ["_id", "Id", "ID", "_at", "At"].iter().any(|end| name.ends_with(end))
}

/// Most marks of one text, and the most of each that counts.
const MARKS_MAX: usize = 8;
const MARK_BYTES_MAX: usize = 128;

/// Most that one event ends; other texts end with the stream.
const CLOSINGS_MAX: usize = 256;

/// Longest way to a string.
const WAY_BYTES_MAX: usize = 4 << 10;

const IDS: &[&str] =
    &["itemid", "callid", "toolcallid", "messageid", "contentid", "blockid", "partid", "streamid"];

/// What ends the kinds of events that end something.
const ENDS: &[&str] = &[
    "done",
    "stop",
    "completed",
    "complete",
    "failed",
    "incomplete",
    "end",
    "finish",
    "finished",
    "cancelled",
    "expired",
];

/// What ends the kinds of events that begin something.
const STARTS: &[&str] = &["start", "created", "added", "progress", "ping", "error", "queued"];

const WHOLE_KINDS: &[&str] = &["message_start", "message_delta", "ping", "error"];

const OPAQUE_KINDS: &[&str] =
    &["response.audio.delta", "response.output_audio.delta", "response.image_generation_call.partial_image"];

/// What is never said in pieces.
const WHOLES: &[&str] = &[
    "usage",
    "usagemetadata",
    "metadata",
    "error",
    "citation",
    "citations",
    "citationmetadata",
    "annotations",
    "annotation",
    "executablecode",
    "codeexecutionresult",
    "groundingmetadata",
    "safetyratings",
    "promptfeedback",
    "generatedtext",
    "details",
    "timings",
    "contentfilterresults",
    "promptfilterresults",
];

/// What spells a text once more.
const SPELLINGS: &[&str] = &["logprobs", "logprobsresult"];

/// Names of what describes, and is no text.
const LABELS: &[&str] = &[
    "id",
    "object",
    "model",
    "type",
    "role",
    "name",
    "event",
    "status",
    "finishreason",
    "stopreason",
    "donereason",
    "nativefinishreason",
    "stopsequence",
    "created",
    "timestamp",
    "date",
    "time",
    "systemfingerprint",
    "servicetier",
    "obfuscation",
    "signature",
    "thoughtsignature",
    "encryptedcontent",
    "modelversion",
    "mimetype",
    "language",
    "level",
    "eventtype",
    "provider",
    "phase",
    "format",
    "kind",
    "version",
    "jsonrpc",
    "method",
];

/// Texts of a choice that is no delta.
const CHOICE_TEXTS: &[&str] = &["text", "content", "refusal", "reasoning", "reasoningcontent", "arguments"];

/// Texts of events that say whether they are the last.
const ENDED_TEXTS: &[&str] = &[".response", ".thinking", ".message.content", ".message.thinking"];

/// Members that say why a text ends, once it does.
const REASONS: &[&str] = &["finishreason", "stopreason", "donereason"];
