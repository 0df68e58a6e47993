use std::sync::Arc;

use access::{Bound, Call, DataClass, Endpoint, Facts, Parameter, Question, Secret};
use audit::{Command, FactsNote, SaidNote, StageWord, TraceNote};
use aws_lc_rs::hmac;
use mask::{Classes, Masker};

use crate::Called;
use crate::hide::Hide;
use crate::parameter::{Shown, show};

/// Makes of commands what may be recorded of them: masked text, and a keyed fingerprint of the original.
pub(crate) struct Recorder {
    masker: Masker,
    key: hmac::Key,
    /// The classes that a scan can meet in any answer.
    scanned: Vec<DataClass>,
}

/// Stands where a text held sensitive authentication data, or may have.
pub(crate) const WITHHELD: &str = "<withheld: it may hold values that must not be recorded>";

/// Bytes of a statement that are recorded.
const STATEMENT_BYTES_MAX: usize = 8 << 10;

/// How much of a command is kept.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// Bytes of its text.
    statement: usize,
    /// Bytes of a parameter.
    parameter: usize,
    /// Parameters.
    parameters: usize,
}

/// In the audit log.
pub(crate) const RECORDED: Room =
    Room { statement: STATEMENT_BYTES_MAX, parameter: 1 << 10, parameters: 128 };

/// Before people who answer for it: what they cannot see they cannot approve.
pub(crate) const SHOWN: Room = Room { statement: 256 << 10, parameter: 64 << 10, parameters: 4096 };

/// What is masked beyond a cut, so that no number that is cut by it is missed: a card number is found
/// whole, or it would be recorded in part.
pub(crate) const MARGIN_BYTES: usize = 4 << 10;

/// As much as PostgreSQL keeps of a name.
const CLIENT_CHARS_MAX: usize = 64;

/// `text` masked, or `None` if it holds sensitive authentication data.
fn masked(masker: Masker, text: &str) -> Option<String> {
    match masker.text(text.as_bytes()) {
        None => Some(text.to_owned()),
        Some(masked) if masked.sad => None,
        Some(masked) => Some(String::from_utf8_lossy(&masked.bytes).into_owned()),
    }
}

fn name(masker: Masker, text: &str) -> Box<str> {
    masked(masker, text).map_or_else(|| WITHHELD.into(), String::into_boxed_str)
}

/// `text` masked, and as much of it as `chars_max`. What is cut off is looked at as well, for half a number looks like none.
pub(crate) fn shortened(masker: Masker, text: &str, chars_max: usize) -> Box<str> {
    let cut = |(at, _): (usize, char)| text.floor_char_boundary(at.saturating_add(MARGIN_BYTES));
    let end = text.char_indices().nth(chars_max).map_or(text.len(), cut);
    name(masker, text.get(..end).unwrap_or_default()).chars().take(chars_max).collect::<String>().into()
}

impl Recorder {
    pub(crate) fn new(masker: Masker, key: &Secret) -> Self {
        let scanned = scanned(masker.classes());
        Self { masker, key: hmac::Key::new(hmac::HMAC_SHA256, key.expose()), scanned }
    }

    /// The classes whose values a scan can meet in any answer.
    pub(crate) fn scanned(&self) -> &[DataClass] {
        &self.scanned
    }

    /// As much of the command as there is `room` for: in the audit log, or before those who answer for it.
    pub(crate) fn command(
        &self,
        room: Room,
        question: &Question,
        hide: Hide,
        facts: Arc<FactsNote>,
        mode: Option<Box<str>>,
    ) -> Command {
        let text = question.command.expose();
        let mut kept = Kept { recorder: self, room, hide, shortened: false, sad: hide == Hide::Sad };
        let mut statement = kept.value(text, room.statement);
        let mut parameters: Vec<_> = question.parameters.iter().take(room.parameters).collect::<Vec<_>>();
        kept.shortened |= parameters.len() < question.parameters.len();
        let mut parameters: Vec<_> =
            parameters.drain(..).map(|parameter| kept.parameter(parameter.expose())).collect();
        if kept.sad && hide != Hide::Sad {
            // A track was found in one of them; what else they hold belongs to it.
            statement = WITHHELD.into();
            parameters.iter_mut().flatten().for_each(|parameter| *parameter = WITHHELD.into());
        }
        Command {
            stage: StageWord::from(question.stage),
            statement: statement.into(),
            statement_bytes: text.len() as u64,
            shortened: kept.shortened,
            parameters,
            fingerprint: if kept.sad { "".into() } else { self.fingerprint(question) },
            facts,
            mode,
            trace: question.trace.map(TraceNote::from),
        }
    }

    /// The facts as they are recorded: names too are an agent's to choose.
    pub(crate) fn facts(&self, facts: &Facts) -> FactsNote {
        let mut note = FactsNote::from(facts);
        let names = note.kinds.iter_mut().chain(&mut note.functions).chain(&mut note.not_understood);
        let uses = note.uses.iter_mut().map(|used| &mut used.resource);
        let columns = note.columns.iter_mut().map(|used| &mut used.column);
        let matches =
            note.matches.iter_mut().flat_map(|it| [Some(&mut it.column), it.values_of.as_mut()]).flatten();
        names.chain(uses).chain(columns).chain(matches).for_each(|name| *name = self.name(name));
        note
    }

    /// The fields of a command that its text does not show, masked, and nothing of those that are labelled.
    pub(crate) fn fields(&self, bound: &Bound, facts: &Facts) -> Vec<(Box<str>, Box<str>)> {
        let Bound::Bytes(_, fields) = bound else { return Vec::new() };
        let is_labelled =
            |name: &str| facts.columns.iter().any(|it| *it.column == *format!("headers.{name}"));
        let shown = |name: &str, value: &str| match is_labelled(name) {
            true => WITHHELD.into(),
            false => self.name(value),
        };
        fields.iter().map(|(name, value)| (self.name(name), shown(name, value.expose()))).collect()
    }

    /// A command as an HTTP request, masked.
    pub(crate) fn called(&self, call: &Call, facts: &Facts) -> Called {
        let Endpoint { method, path, route, operation } = &call.endpoint;
        let is_labelled = facts.columns.iter().any(|it| it.column.starts_with("parameters."));
        Called {
            method: self.name(method),
            // What a labelled parameter holds, no scan can tell by its looks.
            path: self.name(if is_labelled { route } else { path }),
            route: self.name(route),
            operation: self.name(operation),
            model: self.name(call.model.as_deref().unwrap_or_default()),
            tools: call.tools.iter().map(|name| self.name(name)).collect(),
            tools_called: call.tools_called.iter().map(|name| self.name(name)).collect(),
            max_tokens: call.max_tokens,
            holds_cards: call.holds_cards,
        }
    }

    /// What masks the text of entries.
    pub(crate) fn masker(&self) -> Masker {
        self.masker
    }

    /// A name or a sentence about names, masked.
    pub(crate) fn name(&self, text: &str) -> Box<str> {
        name(self.masker, text)
    }

    /// What a model said, masked: it may have been told of what whoever asked may see.
    pub(crate) fn said(&self, said: &mut SaidNote) {
        let seen = said.text.get(..said.text.floor_char_boundary(STATEMENT_BYTES_MAX + MARGIN_BYTES));
        let seen = seen.unwrap_or_default();
        let mut kept = self.masked(seen).unwrap_or_else(|| WITHHELD.into());
        if kept.len() > STATEMENT_BYTES_MAX || seen.len() < said.text.len() {
            said.shortened = true;
            kept.truncate(kept.floor_char_boundary(STATEMENT_BYTES_MAX));
        }
        said.text = kept.into();
        said.tools.iter_mut().for_each(|tool| *tool = self.name(tool));
    }

    /// `text` masked, and as much of it as `chars_max`.
    pub(crate) fn shortened(&self, text: &str, chars_max: usize) -> Box<str> {
        shortened(self.masker, text, chars_max)
    }

    /// What a client calls itself.
    pub(crate) fn client(&self, name: &str) -> Box<str> {
        self.shortened(name, CLIENT_CHARS_MAX)
    }

    /// The first bytes of an answer as they are recorded, and whether that is all; nothing where it may not be.
    pub(crate) fn answer(&self, text: &str, bytes_max: usize) -> Option<(String, bool)> {
        let mut kept = self.masked(text)?;
        let is_whole = kept.len() <= bytes_max;
        kept.truncate(kept.floor_char_boundary(bytes_max));
        Some((kept, is_whole))
    }

    /// `text` masked, or `None` if it holds sensitive authentication data.
    fn masked(&self, text: &str) -> Option<String> {
        masked(self.masker, text)
    }

    /// HMAC-SHA-256 of the text and the parameters as sent, the first 128 bits in hex.
    fn fingerprint(&self, question: &Question) -> Box<str> {
        let mut digest = hmac::Context::with_key(&self.key);
        let mut part = |kind: u8, oid: u32, bytes: &[u8]| {
            digest.update(&[kind]);
            digest.update(&oid.to_be_bytes());
            digest.update(&(bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(b'c', 0, question.command.expose().as_bytes());
        for parameter in &question.parameters {
            match parameter.expose() {
                Parameter::Null => part(b'n', 0, b""),
                Parameter::Text(bytes) => part(b't', 0, bytes),
                Parameter::Binary(bytes, oid) => part(b'b', *oid, bytes),
            }
        }
        digest.sign().as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }
}

/// The classes whose values a scan for `classes` can meet in any answer.
pub(crate) fn scanned(classes: Classes) -> Vec<DataClass> {
    let always = [DataClass::Pan, DataClass::CardholderName, DataClass::Expiry, DataClass::Secret];
    let own = classes.names().filter(|class| *class != DataClass::Secret);
    always.into_iter().chain(own).collect()
}

/// What is kept of one command's values, while they are gone through.
struct Kept<'a> {
    recorder: &'a Recorder,
    room: Room,
    hide: Hide,
    shortened: bool,
    sad: bool,
}

impl Kept<'_> {
    /// `text` as it may be recorded, at most `bytes_max` of it.
    fn value(&mut self, text: &str, bytes_max: usize) -> String {
        let seen = text.get(..text.floor_char_boundary(bytes_max + MARGIN_BYTES)).unwrap_or_default();
        let Some(masked) = self.recorder.masked(seen) else {
            self.sad = true;
            return WITHHELD.into();
        };
        let Some(mut kept) = self.hide.apply(masked) else { return WITHHELD.into() };
        if kept.len() > bytes_max || seen.len() < text.len() {
            self.shortened = true;
            kept.truncate(kept.floor_char_boundary(bytes_max));
        }
        kept
    }

    fn parameter(&mut self, parameter: &Parameter) -> Option<Box<str>> {
        match (show(parameter), self.hide) {
            (Shown::Null, _) => None,
            (Shown::Opaque(bytes), _) => Some(format!("<binary {bytes} bytes>").into()),
            // A parameter is a value, and the record cannot tell of which column.
            (Shown::Text(_), Hide::Values | Hide::Sad) => Some(WITHHELD.into()),
            (Shown::Text(text), Hide::Nothing | Hide::Digits) => {
                Some(self.value(&text, self.room.parameter).into())
            }
        }
    }
}
