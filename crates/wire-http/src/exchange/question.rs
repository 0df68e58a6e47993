//! What is asked about a request: its facts, and how it is recorded.

use std::sync::Arc;

use access::{
    Action, Before, Bound, Call, ColumnUse, DataClass, Effect, Endpoint, Facts, Position, Question, Redacted,
    Resource, Stage, Terms, Trace, Use,
};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, SEC_WEBSOCKET_KEY};
use http::{HeaderMap, HeaderValue, Method};

use super::{Exchange, Head, field};
use crate::before;
use crate::body::{Care, Coded, Rewrite, Withheld, open};
use crate::echo::Echo;
use crate::header;
use crate::llm::{self, Dialect};

/// What a query is written as.
const FORM: &str = "application/x-www-form-urlencoded";

/// Fields of a request that say nothing of what it does: they may differ when it is sent again.
const SAYS_NOTHING: [&str; 10] = [
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "date",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-correlation-id",
    "x-request-id",
];

/// Bytes of a body that the command's text holds; the gate records less.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;

impl Exchange {
    /// The question about the request, and what becomes of its body.
    pub(super) fn question(&mut self) -> Question {
        let mut facts = self.facts();
        self.look_at_document(&mut facts);
        self.look_at_head(&mut facts);
        self.look_at_body(&mut facts);
        let labelled = self.labelled_body();
        Question {
            request: self.request,
            stage: Stage::Run,
            command: Redacted::new(self.text(labelled.is_none()).into()),
            bound: match &labelled {
                // It is neither text of the command nor a parameter.
                Some(shown) if shown.is_empty() => {
                    Bound::Nothing("its body may hold labelled values, and is not shown")
                }
                _ => self.bound(),
            },
            waits: self.chosen(),
            before: self.before().map(Arc::new),
            trace: self.head.headers.get("traceparent").and_then(|it| Trace::read(it.to_str().ok()?)),
            alike: Ok(access::Alike::default()),
            facts: Arc::new(facts),
            parameters: labelled.unwrap_or_default(),
        }
    }

    /// How the resource is read that the request changes, if all of it is there and it changes one.
    fn before(&self) -> Option<Before> {
        let Head { method, target: Ok(target), headers } = &self.head else { return None };
        let is_whole = self.body.ended && self.socket.is_none() && self.asked.is_none();
        is_whole.then_some(())?;
        before::before(&self.settings, self.request, method, target, headers, &self.body.held)
    }

    fn facts(&self) -> Facts {
        let method = &self.head.method;
        let mut kinds: Vec<Box<str>> = vec![method.as_str().to_ascii_lowercase().into()];
        kinds.extend(self.socket.as_ref().map(|_| "websocket".into()));
        let Ok(target) = &self.head.target else {
            let what = self.head.target.as_ref().err().map_or("a target", |malformed| malformed.0);
            let not_understood = vec![what.into()];
            return Facts { kinds, not_understood, ..Facts::default() };
        };
        let known = self.known.as_ref();
        let endpoint = Endpoint {
            method: method.as_str().into(),
            path: target.path.as_str().into(),
            route: known.map_or_else(|| target.path.as_str().into(), |known| known.route.clone()),
            operation: known.map(|known| known.operation.id.clone()).unwrap_or_default(),
        };
        let action = match (self.is_prompt(), method.is_safe()) {
            (true, _) => Action::Call,
            (false, true) => Action::Read,
            (false, false) => Action::Write,
        };
        let unclear = target.unclear.iter().copied().chain(self.unknown);
        let mut not_understood: Vec<Box<str>> = unclear.map(Box::from).collect();
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            not_understood.push(format!("{} method", method.as_str().to_ascii_lowercase()).into());
        }
        let mut actions = vec![action];
        if self.socket.is_some() {
            // Anything may be sent on it, and it is asked about but once.
            actions.push(Action::Write);
            if self.settings.connection.asks_models {
                // What a model says comes in pieces over messages, of a form that each provider has for itself.
                not_understood.push("websocket to a model".into());
            }
        }
        let is_read = method.is_safe() && self.body.ended && self.body.held.is_empty();
        let call = Call { endpoint: endpoint.clone(), ..Call::default() };
        let resource = || Resource::Endpoint(Box::new(endpoint.clone()));
        Facts {
            kinds,
            uses: actions.into_iter().map(|action| Use { action, resource: resource() }).collect(),
            effect: if is_read && self.socket.is_none() { Effect::None } else { Effect::Data },
            has_where: true,
            not_understood,
            call: Some(Box::new(call)),
            ..Facts::default()
        }
    }

    /// Fields of the query and the header that policies ask for, and card data in either: an agent who sends it where it
    /// may not be revealed is refused, for nothing in a path or a name can be masked without making it another.
    fn look_at_head(&self, facts: &mut Facts) {
        let Some(call) = &mut facts.call else { return };
        let Ok(target) = &self.head.target else { return };
        let masker = self.settings.masker;
        let fields = target.fields();
        call.fields.extend(self.known.iter().flat_map(|known| known.fields(&self.settings.wanted)));
        call.fields.extend(field::query(&fields, &self.settings.wanted));
        // What an agent signs in with is no fact of its request.
        let mut headers = header::sent(&self.head.headers);
        call.fields.extend(field::headers(&headers, &self.settings.wanted));
        let mut looks = |text: &str, what: &str| {
            if let Some(masked) = masker.text(text.as_bytes()) {
                let class = if masked.sad { DataClass::Sad } else { DataClass::Pan };
                use_of(&mut facts.columns, what, class);
            }
        };
        looks(self.head.method.as_str(), "the method");
        looks(&target.path, "the path");
        looks(target.query.as_deref().unwrap_or_default(), "the query");
        fields.iter().for_each(|(name, value)| {
            looks(name, "the query");
            looks(value, "the query");
        });
        let strict = self.settings.connection.strict;
        if let Some(class) = target.query.as_deref().filter(|_| strict).and_then(|query| self.in_form(query))
        {
            use_of(&mut facts.columns, "the query", class);
        }
        if self.socket.is_some() {
            // Random bytes, which are not sent on.
            headers.remove(SEC_WEBSOCKET_KEY);
        }
        let looked = header::mask(&mut headers, masker, &Echo::default(), strict);
        if looked.found > 0 {
            let class = if looked.sad { DataClass::Sad } else { DataClass::Pan };
            use_of(&mut facts.columns, "the header", class);
        }
    }

    /// What a query holds if it is read as a form, whose fields together may be a number.
    fn in_form(&self, query: &str) -> Option<DataClass> {
        let care = self.settings.connection.requests(self.settings.masker, &Terms::default());
        let coded = Coded { content_type: Some(FORM), content_encoding: "" };
        let mut rewriter = open(&care, coded);
        let mut out = Vec::new();
        match rewriter.push(query.as_bytes(), &mut out).and_then(|()| rewriter.finish(&mut out)) {
            Err(Withheld::Sad) => Some(DataClass::Sad),
            Err(Withheld::CardData) => Some(DataClass::Pan),
            // Whatever else it is to readers of bodies: it is a query.
            Ok(()) | Err(Withheld::NotUnderstood(_) | Withheld::TooLarge(_)) => {
                (rewriter.found() > 0).then_some(DataClass::Pan)
            }
        }
    }

    /// Fields of the body that policies ask for, and what becomes of card data in it.
    fn look_at_body(&mut self, facts: &mut Facts) {
        if self.body.held.is_empty() {
            return;
        }
        let wants_body = !self.settings.wanted.body.is_empty();
        if self.is_prompt() && !self.body.ended {
            return facts.not_understood.push("prompt that is too long".into());
        }
        if !self.body.ended {
            // More than is held: what it holds further on nobody can say yet.
            if wants_body {
                facts.not_understood.push("request body".into());
            }
            self.body.recorded = self.begun_as_recorded();
            return;
        }
        if wants_body {
            match field::body(&self.body.held, &self.head.headers, &self.settings.wanted) {
                Some(fields) => {
                    facts.call.iter_mut().for_each(|call| call.fields.extend(fields.iter().cloned()))
                }
                None => facts.not_understood.push("request body".into()),
            }
        }
        if let Some((dialect, _)) = self.asked.filter(|_| self.is_prompt()) {
            self.look_at_prompt(dialect, facts);
        }
        let care = self.settings.connection.requests(self.settings.masker, &Terms::default());
        let rewritten = self.rewritten(&care);
        if !matches!(rewritten, Ok((_, 0))) {
            self.body.recorded = self.rewritten(&self.recording()).ok().map(|(masked, _)| masked);
        }
        match rewritten {
            Ok((_, 0)) => {}
            Ok((masked, _)) => {
                self.body.masked = Some(masked);
                facts.call.iter_mut().for_each(|call| call.holds_cards = true);
            }
            Err(Withheld::CardData) => {
                facts.call.iter_mut().for_each(|call| call.holds_cards = true);
                use_of(&mut facts.columns, "the body", DataClass::Pan);
            }
            Err(Withheld::Sad) => use_of(&mut facts.columns, "the body", DataClass::Sad),
            Err(Withheld::NotUnderstood(_) | Withheld::TooLarge(_)) => {
                facts.not_understood.push("request body".into());
            }
        }
    }

    /// What is asked of which model.
    fn look_at_prompt(&self, dialect: Dialect, facts: &mut Facts) {
        let (Ok(target), Some(call)) = (&self.head.target, &mut facts.call) else { return };
        if self.head.headers.contains_key(CONTENT_ENCODING) {
            return facts.not_understood.push("prompt in a content coding".into());
        }
        let prompt = match llm::prompt(dialect, &target.path, &self.body.held) {
            Ok(prompt) => prompt,
            Err(_) => {
                return facts.not_understood.push("prompt that can be read in more than one way".into());
            }
        };
        facts.uses.extend(
            prompt
                .model
                .iter()
                .map(|model| Use { action: Action::Call, resource: Resource::Model(model.clone()) }),
        );
        call.model = prompt.model;
        call.tools = prompt.tools;
        call.tools_called = prompt.tool_calls;
        call.max_tokens = prompt.max_tokens;
        call.holds_cards |= prompt.holds_cards;
    }

    /// The whole body rewritten, and how much was found in it.
    fn rewritten(&self, care: &Care) -> Result<(Vec<u8>, u64), Withheld> {
        let Self { body, head, .. } = self;
        if let Some((dialect, _)) = self.asked.filter(|_| self.is_prompt()) {
            let masked = llm::mask_prompt(care, dialect, &body.held)?;
            return Ok(masked.map_or_else(|| (Vec::new(), 0), |masked| (masked, 1)));
        }
        let mut rewriter = rewriter(care, &head.headers);
        let mut out = Vec::with_capacity(body.held.len());
        rewriter.push(&body.held, &mut out)?;
        rewriter.finish(&mut out)?;
        Ok((out, rewriter.found()))
    }

    /// How a body is looked at for the record: what is found in it as it is sent is masked there too, whether it is a
    /// number that a scan of the whole text finds or one that stands in pieces.
    fn recording(&self) -> Care {
        let masker = self.settings.masker;
        Care { masker, refuses: false, ..self.settings.connection.requests(masker, &Terms::default()) }
    }

    /// What is recorded of a body that goes on, if that is not what is held of it.
    fn begun_as_recorded(&self) -> Option<Vec<u8>> {
        let mut rewriter = rewriter(&self.recording(), &self.head.headers);
        let mut out = Vec::new();
        if rewriter.push(&self.body.held, &mut out).is_err() {
            return Some(Vec::new());
        }
        // It is cut off where it is held, so that its end is none.
        let _ = rewriter.finish(&mut out);
        (rewriter.found() > 0).then_some(out)
    }

    /// Whether the client chose to wait for people (`wait`) or to come again (`ticket`); anything else is no choice.
    fn chosen(&self) -> Option<bool> {
        match self.head.headers.get(header::APPROVALS)?.as_bytes() {
            b"wait" => Some(true),
            b"ticket" => Some(false),
            _ => None,
        }
    }

    /// What of the request an approval binds: all of it, but for the fields that say nothing of what is done.
    fn bound(&self) -> Bound {
        if !self.body.ended {
            return Bound::Nothing("its body is too long to be looked at whole, or was not");
        }
        if self.socket.is_some() {
            return Bound::Nothing("what is sent on a WebSocket comes after it");
        }
        let held = &self.body.held;
        if held.len() > TEXT_BYTES_MAX
            || self.head.headers.contains_key(CONTENT_ENCODING)
            || str::from_utf8(held).is_err()
        {
            return Bound::Nothing("its body is no text, or too long, to be shown to whoever would answer");
        }
        let Head { method, target: Ok(target), headers } = &self.head else {
            return Bound::Nothing("its target is not well formed");
        };
        let Ok(uri) = self.settings.connection.origin.uri(target) else {
            return Bound::Nothing("its target is not well formed");
        };
        let mut all = Vec::with_capacity(512 + self.body.held.len());
        // Each part with its length before it, so that no two run together.
        let mut part = |bytes: &[u8]| {
            all.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            all.extend_from_slice(bytes);
        };
        [method.as_str().as_bytes(), uri.to_string().as_bytes()].into_iter().for_each(&mut part);
        let mut fields: Vec<(&str, &[u8])> = Vec::new();
        let sent = header::sent(headers);
        let says = |name: &str| !SAYS_NOTHING.contains(&name) && !name.starts_with("x-stainless-");
        fields.extend(
            sent.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).filter(|(name, _)| says(name)),
        );
        // By name alone: which of several values of one field comes first is for the server to make something of.
        fields.sort_by_key(|(name, _)| *name);
        fields.iter().flat_map(|(name, value)| [name.as_bytes(), value]).for_each(&mut part);
        part(&self.body.held);
        let shown = |(name, value): &(&str, &[u8])| {
            (Box::from(*name), Redacted::new(String::from_utf8_lossy(value).into()))
        };
        Bound::Bytes(Redacted::new(all.into()), fields.iter().map(shown).collect())
    }

    /// The request as it is recorded: its line, and its body where that is text and to be told.
    fn text(&self, with_body: bool) -> String {
        let Head { method, target, headers } = &self.head;
        let line = match target {
            Ok(target) => format!("{method} {}", self.recorded(target)),
            Err(_) => format!("{method} <target not well formed>"),
        };
        let held = &self.body.held;
        if held.is_empty() || !with_body {
            return line;
        }
        if headers.contains_key(CONTENT_ENCODING) {
            return format!("{line}\n\n<{} bytes, coded>", held.len());
        }
        let told = self.body.recorded.as_ref().unwrap_or(held);
        let seen = told.get(..told.len().min(TEXT_BYTES_MAX)).unwrap_or_default();
        match str::from_utf8(seen) {
            Ok("") => format!("{line}\n\n<{} bytes>", held.len()),
            Ok(text) => format!("{line}\n\n{text}"),
            Err(cut) if cut.error_len().is_none() => format!("{line}\n\n{}", String::from_utf8_lossy(seen)),
            Err(_) => format!("{line}\n\n<{} bytes>", held.len()),
        }
    }
}

/// Card data that goes where it may not be revealed, for policy to allow or not.
fn use_of(columns: &mut Vec<ColumnUse>, column: &str, class: DataClass) {
    let used = ColumnUse { column: column.into(), class, position: Position::Computed };
    if !columns.contains(&used) {
        columns.push(used);
    }
}

/// What looks at a request's body as it passes.
pub(super) fn rewriter(care: &Care, headers: &HeaderMap) -> Box<dyn Rewrite> {
    let codings: Vec<&str> =
        headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
    let codings = codings.join(", ");
    let content_type = headers.get(CONTENT_TYPE).and_then(|value: &HeaderValue| value.to_str().ok());
    open(care, Coded { content_type, content_encoding: &codings })
}
