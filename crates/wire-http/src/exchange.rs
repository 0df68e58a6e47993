//! One request and its answer, as a state machine: heads, bodies in pieces and verdicts in, effects out.
//!
//! ```text
//!                  all of it, or more than is held         Ahead                 Allow
//!  open ─▶ Held ───────────────────────────────▶ Asked ──────────▶ Ahead ──────────────┐
//!                                                  │ Allow                             ▼
//!                                                  ├───────────────────────────────▶ Running ─▶ Over
//!                                                  │ Deny (also from Ahead)             the answer ends, is withheld,
//!                                                  └──────────────────────────────────▶ or either side goes
//! ```
//!
//! Nothing of a request is sent before its verdict; nothing of an answer is told before the permit. What the verdict
//! allows is what was decided upon: the request that is sent is written from the same target and header, and, where the
//! body was held whole, from the same bytes.

mod answer;
mod field;
mod known;
mod question;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use access::{
    Code, Outcome, Question, Redacted, Refusal, RequestId, Said, Status, Terms, Told, Verdict, Wanted,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, request, response};
use wire::Side;

use crate::body::{Care, Rewrite, Withheld};
use crate::boundary::Boundary;
use crate::connection::{Holds, Settings};
use crate::echo::Echo;
use crate::header;
use crate::llm::{self, Dialect, Operation, Seen, Usage};
use crate::problem;
use crate::target::{Malformed, Target};
use crate::ws::{Handshake, Opened, Opening};
use answer::Answer;
use known::Known;
pub(crate) use question::TEXT_BYTES_MAX;

/// Bytes of a request's body that are held to be decided upon. A longer one is decided upon by its head, and looked at as it
/// passes.
pub const HELD_BYTES_MAX: usize = 1 << 20;

/// Bytes of a prompt; a longer one is refused.
pub const PROMPT_BYTES_MAX: usize = 32 << 20;

/// Bytes of a token of a model, as providers say of English.
const BYTES_OF_A_TOKEN: u64 = 4;

/// What the driver must do next.
#[derive(Debug)]
pub enum Effect {
    /// Get a verdict and pass it to [`Exchange::answer`].
    Ask(Question),
    /// Have it recorded that this is refused whatever policy says, and pass the refusal to [`Exchange::answer`].
    Refuse {
        /// What was asked, as far as it is known.
        question: Question,
        /// What sort of refusal.
        code: Code,
        /// Why, for whoever asked.
        detail: Box<str>,
    },
    /// Send this request to the upstream, with its credential; its body follows.
    Request(Box<request::Parts>),
    /// Send more of its body.
    RequestData(Bytes),
    /// Its body has ended. Trailers of requests are not sent: nobody has decided upon them.
    RequestEnd,
    /// Tell the agent this; a body follows.
    Response(Box<response::Parts>),
    /// Tell more of its body.
    ResponseData(Bytes),
    /// Its body has ended.
    ResponseEnd(Option<HeaderMap>),
    /// Break the answer off, so that the agent sees that it is not whole.
    Abort,
    /// Nothing more is wanted of the upstream: break off what it sends or is being sent.
    Leave,
    /// The answer that is told says that a WebSocket is open: it goes on by this, and records how it ended.
    Switch(Box<Opening>),
    /// Record how the request ended.
    Done(Outcome),
}

/// One request and its answer.
pub struct Exchange {
    settings: Settings,
    request: RequestId,
    head: Head,
    body: Body,
    stage: Stage,
    answer: Option<Answer>,
    /// What a model is asked to do, if one is.
    asked: Option<(Dialect, Operation)>,
    /// The operation of the connection's document that it is.
    known: Option<Known>,
    /// What the document does not know of it.
    unknown: Option<&'static str>,
    /// What the answer of a model says of itself.
    seen: Arc<Seen>,
    /// What is asked for where that is a WebSocket, and what the upstream said to it.
    socket: Option<Handshake>,
    opened: Option<(response::Parts, Opened)>,
    /// How what the agent sends on it is looked at.
    sending: Option<Care>,
    /// How the answer is looked at; `None` until the permit is there.
    care: Option<Care>,
    /// What of it may be revealed.
    terms: Terms,
    /// Why there will be no answer, while the verdict is still to come.
    failed: Option<Box<str>>,
    effects: VecDeque<Effect>,
}

/// What of a request's head is decided upon.
struct Head {
    method: Method,
    /// Why it can never be sent.
    target: Result<Target, Malformed>,
    headers: HeaderMap,
}

/// A request's body, as far as it has come.
#[derive(Default)]
struct Body {
    /// What writes its boundary anew, before anything else reads it.
    boundary: Option<Boundary>,
    /// What is held.
    held: Vec<u8>,
    ended: bool,
    /// Bytes of it that were let pass.
    passed: u64,
    /// What looks at what passes behind what was held.
    rewriter: Option<Box<dyn Rewrite>>,
    /// What it becomes if nothing of it may be revealed, where it was held whole.
    masked: Option<Vec<u8>>,
    /// What is recorded of it, where that is not what is held.
    recorded: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held,
    Asked,
    Ahead,
    Running,
    Over,
}

impl Exchange {
    /// Begins with a request's head. `target` is its path and query within the connection; `has_body` whether any body
    /// follows.
    pub fn open(
        settings: Settings,
        request: RequestId,
        method: Method,
        target: &str,
        mut headers: HeaderMap,
        has_body: bool,
    ) -> Self {
        let boundary = Boundary::anew(&mut headers);
        let mut target = Target::read(target);
        let asked = target.as_mut().ok().and_then(|target| settings.connection.asked(&method, target));
        let can_switch = target.is_ok() && !has_body;
        let nonce = settings.nonce.filter(|_| can_switch);
        let socket = nonce.and_then(|nonce| Handshake::asked(&method, &headers, nonce));
        let (known, unknown) = Known::of(&settings.connection, &method, target.as_ref().ok());
        let head = Head { method, target, headers };
        let body = Body { ended: !has_body, boundary, ..Body::default() };
        let effects = VecDeque::new();
        let (stage, answer, care, failed) = (Stage::Held, None, None, None);
        let mut exchange = Self {
            settings,
            request,
            head,
            body,
            stage,
            answer,
            asked,
            known,
            unknown,
            seen: Arc::default(),
            socket,
            opened: None,
            sending: None,
            care,
            terms: Terms::default(),
            failed,
            effects,
        };
        match exchange.why_not() {
            Some((code, detail)) => exchange.turn_away(code, detail),
            None if !has_body => exchange.ask(),
            None => {}
        }
        exchange
    }

    /// Names the request.
    pub fn request(&self) -> RequestId {
        self.request
    }

    /// The next effect, or `None` until more comes.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Takes note of the fields of requests that policies ask for now: they may have changed while the body was on its way.
    pub fn look_for(&mut self, wanted: Arc<Wanted>) {
        self.settings.wanted = wanted;
    }

    /// Whether more should be read from `side` now.
    pub fn wants(&self, side: Side) -> bool {
        match side {
            Side::Agent => !self.body.ended && matches!(self.stage, Stage::Held | Stage::Running),
            Side::Upstream => self.stage == Stage::Running,
        }
    }

    /// Whether the exchange has ended: nothing more changes it.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Goes on with the request's body.
    pub fn request_data(&mut self, bytes: &[u8]) {
        match self.body.boundary.as_mut().map(|boundary| boundary.push(bytes)) {
            Some(bytes) => self.go_on(&bytes),
            None => self.go_on(bytes),
        }
    }

    fn go_on(&mut self, bytes: &[u8]) {
        match self.stage {
            Stage::Held => {
                self.body.held.extend_from_slice(bytes);
                match self.too_long(self.body.held.len() as u64) {
                    Some(detail) => self.turn_away(Code::LimitReached, detail),
                    None if self.body.held.len() > self.held_bytes_max() => self.ask(),
                    None => {}
                }
            }
            Stage::Running => {
                self.body.passed = self.body.passed.saturating_add(bytes.len() as u64);
                match self.too_long(self.body.passed) {
                    Some(_) => self.stop_sending(Withheld::TooLarge("the request's body")),
                    None => self.send(bytes),
                }
            }
            // Read before it was wanted.
            Stage::Asked | Stage::Ahead => self.body.held.extend_from_slice(bytes),
            Stage::Over => {}
        }
    }

    /// Ends the request's body.
    pub fn request_end(&mut self) {
        if let Some(mut boundary) = self.body.boundary.take() {
            self.go_on(&boundary.finish());
        }
        if mem::replace(&mut self.body.ended, true) {
            return;
        }
        match self.stage {
            Stage::Held => self.ask(),
            Stage::Running => self.send_end(),
            Stage::Asked | Stage::Ahead | Stage::Over => {}
        }
    }

    /// Takes a verdict on the question. A permit is spent here, and nowhere else.
    pub fn answer(&mut self, verdict: Verdict) {
        match (self.stage, verdict) {
            (Stage::Asked, Verdict::Ahead(ahead)) => {
                debug_assert_eq!(ahead.request(), self.request);
                if self.head.target.is_ok() {
                    self.stage = Stage::Ahead;
                    self.send_request(&Terms::default());
                }
            }
            (Stage::Asked | Stage::Ahead, Verdict::Allow(permit)) => self.release(permit),
            (Stage::Asked, Verdict::Deny(refusal)) => self.refuse(&refusal),
            (Stage::Ahead, Verdict::Deny(refusal)) => {
                self.effects.push_back(Effect::Leave);
                self.refuse(&refusal);
            }
            // A human decides; another verdict follows.
            (_, Verdict::Hold(_) | Verdict::Ahead(_)) => {}
            (Stage::Held | Stage::Running | Stage::Over, Verdict::Allow(_) | Verdict::Deny(_)) => {}
        }
    }

    /// Takes note of another credential by which the answer will have been got. The first may come back all the same.
    pub fn lent_anew(&mut self, echo: &Echo) {
        self.settings.echo = self.settings.echo.and(echo);
        self.care.iter_mut().for_each(|care| care.echo = self.settings.echo.clone());
    }

    /// Takes the head of the upstream's answer.
    pub fn response(&mut self, parts: response::Parts) {
        if self.stage == Stage::Over {
            return;
        }
        let checked = self.socket.as_ref().filter(|_| parts.status == StatusCode::SWITCHING_PROTOCOLS);
        match checked.map(|socket| socket.check(&parts.headers)) {
            Some(Ok(opened)) => self.opened = Some((parts, opened)),
            Some(Err(withheld)) => return self.withhold(withheld),
            None => {
                let path = self.head.target.as_ref().map_or("/", |target| &target.path);
                // The version may be panguard's own addition.
                let path =
                    path.strip_prefix("/v1").filter(|_| self.settings.connection.asks_models).unwrap_or(path);
                self.answer = Some(Answer::open(&self.settings, &self.head.method, path, parts));
            }
        }
        self.begin();
    }

    /// Goes on with the answer's body.
    pub fn response_data(&mut self, bytes: &[u8]) {
        let (Stage::Running, Some(answer)) = (self.stage, &mut self.answer) else { return };
        let passed = answer.pass(bytes, &mut self.effects);
        self.see(passed);
    }

    /// Ends the answer's body.
    pub fn response_end(&mut self, trailers: Option<HeaderMap>) {
        let (Stage::Running, Some(answer)) = (self.stage, &mut self.answer) else { return };
        match answer.end(&self.settings, trailers, &mut self.effects) {
            Ok(()) => self.over_with(|answer| answer.status()),
            Err(withheld) => self.withhold(withheld),
        }
    }

    /// The upstream cannot be reached, broke the protocol, or went in the middle. `why` in a few words, and nothing of what
    /// it said.
    pub fn upstream_failed(&mut self, why: &str) {
        match self.stage {
            Stage::Over => {}
            // The verdict may be a refusal, and it is told before anything else.
            Stage::Ahead => self.failed = Some(why.into()),
            Stage::Held | Stage::Asked | Stage::Running => {
                let refusal = self.refusal(Code::UpstreamUnavailable, why);
                match self.answer.as_ref().is_some_and(Answer::has_begun) {
                    true => self.effects.push_back(Effect::Abort),
                    false => self.tell(&refusal),
                }
                self.over_with(|_| Status::Unknown);
            }
        }
    }

    /// The agent went, or broke its request off.
    pub fn agent_gone(&mut self) {
        match self.stage {
            Stage::Over => {}
            Stage::Held => self.stage = Stage::Over,
            // It was asked about, and never ran.
            Stage::Asked => self.over_with(|_| Status::Skipped),
            Stage::Ahead | Stage::Running => {
                self.effects.push_back(Effect::Leave);
                self.over_with(|_| Status::Unknown);
            }
        }
    }

    /// Why the request is refused before anything of its body is read.
    fn why_not(&self) -> Option<(Code, Box<str>)> {
        if let Some(away) = &self.settings.turned_away {
            return Some((away.code, away.detail.clone()));
        }
        let length = self.head.headers.get(http::header::CONTENT_LENGTH)?;
        let length: u64 = length.to_str().ok()?.parse().ok()?;
        self.too_long(length).map(|detail| (Code::LimitReached, detail))
    }

    /// Whether a body of so many bytes is longer than may pass, and what is said of it then.
    fn too_long(&self, length: u64) -> Option<Box<str>> {
        let bounds = &self.settings.connection.bounds;
        let signed = (bounds.holds == Holds::All).then_some(PROMPT_BYTES_MAX as u64);
        let max = bounds.request_bytes_max.into_iter().chain(signed).min()?;
        (length > max).then(|| format!("a request's body has at most {max} bytes here").into())
    }

    fn turn_away(&mut self, code: Code, detail: Box<str>) {
        let question = self.question();
        self.stage = Stage::Asked;
        self.effects.push_back(Effect::Refuse { question, code, detail });
    }

    fn ask(&mut self) {
        let question = self.question();
        self.stage = Stage::Asked;
        self.effects.push_back(Effect::Ask(question));
    }

    /// The one place where a request is let go on its permit.
    fn release(&mut self, permit: access::Permit) {
        if permit.request() != self.request {
            return;
        }
        let terms = permit.terms();
        if self.head.target.is_err() {
            // However it was named in a policy: there is no request to send.
            let refusal = self.refusal(Code::Malformed, "its target is not well formed");
            self.tell(&refusal);
            return self.over_with(|_| Status::Skipped);
        }
        let sent = self.stage == Stage::Ahead;
        self.stage = Stage::Running;
        if !sent {
            self.send_request(terms);
        }
        if self.stage != Stage::Running {
            return;
        }
        if let Some(why) = self.failed.take() {
            return self.upstream_failed(&why);
        }
        let Settings { connection, masker, now, echo, .. } = &self.settings;
        let mut care = connection.answers(*masker, terms, *now, echo);
        let path = self.head.target.as_ref().map_or("", |target| &target.path);
        let tells_texts = self.asked.is_some() || Dialect::tells_elements(path);
        care.seen = tells_texts.then(|| Arc::clone(&self.seen));
        self.care = Some(care);
        self.sending = Some(connection.requests(*masker, terms));
        self.terms = terms.clone();
        self.begin();
    }

    /// Begins to tell the answer, once it and its permit are there.
    fn begin(&mut self) {
        if let Some(opened) = self.opened.take_if(|_| self.care.is_some()) {
            return self.switch(opened);
        }
        let care = match self.care_of_answer() {
            Ok(care) => care,
            Err(withheld) => return self.withhold(withheld),
        };
        let (Some(care), Some(answer)) = (&care, &mut self.answer) else { return };
        let begun = answer.begin(care, &self.settings, &mut self.effects);
        self.see(begun);
    }

    /// Tells that the WebSocket is open, under the terms of the permit.
    fn switch(&mut self, (parts, opened): (response::Parts, Opened)) {
        let (Some(socket), Some(answers), Some(requests)) = (&self.socket, &self.care, &self.sending) else {
            return;
        };
        let mut told = Response::new(()).into_parts().0;
        told.status = StatusCode::SWITCHING_PROTOCOLS;
        told.headers = header::told(&parts.headers);
        let looked = header::mask(&mut told.headers, answers.masker, &self.settings.echo, answers.strict);
        if looked.sad {
            return self.withhold(Withheld::Sad);
        }
        let with_agent = socket.tell(&opened, &mut told.headers);
        let bounds = &self.settings.connection.bounds;
        let opening = Opening {
            request: self.request,
            answers: answers.clone(),
            requests: requests.clone(),
            with_agent,
            with_upstream: opened.deflate,
            in_head: looked.found,
            bytes_max: (bounds.request_bytes_max, bounds.response_bytes_max),
            kept_bytes_max: if self.reveals() { 0 } else { self.settings.answer_bytes_max },
        };
        self.effects.push_back(Effect::Response(Box::new(told)));
        self.effects.push_back(Effect::Switch(Box::new(opening)));
        self.stage = Stage::Over;
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.tell(refusal);
        self.stage = Stage::Over;
    }

    /// Tells that a request that was allowed is not sent after all.
    fn give_up(&mut self, code: Code, why: &str) {
        let refusal = self.refusal(code, why);
        self.tell(&refusal);
        self.over_with(|_| Status::Skipped);
    }

    fn see(&mut self, passed: Result<(), Withheld>) {
        if let Err(withheld) = passed {
            self.withhold(withheld);
        }
    }

    /// Nothing more of the answer may be told.
    fn withhold(&mut self, withheld: Withheld) {
        self.effects.push_back(Effect::Leave);
        match self.answer.as_ref().is_some_and(Answer::has_begun) {
            true => self.effects.push_back(Effect::Abort),
            false => {
                let refusal = self.refusal(answer::code(withheld), withheld.words());
                self.tell(&refusal);
            }
        }
        self.over_with(|_| Status::Withheld(withheld.words()));
    }

    fn over_with(&mut self, status: impl FnOnce(&Answer) -> Status) {
        self.stage = Stage::Over;
        let nothing = Answer::default();
        let answer = self.answer.as_ref().unwrap_or(&nothing);
        let outcome = Outcome {
            request: self.request,
            status: status(answer),
            rows: 0,
            masked: answer.found(),
            bytes: answer.released(),
            revealed: Vec::new(),
            said: self.said(),
            told: self.told(answer),
        };
        self.effects.push_back(Effect::Done(outcome));
    }

    /// The answer as far as it is kept: never one in which something is revealed.
    fn told(&self, answer: &Answer) -> Option<Box<Told>> {
        // What a model said is kept by itself.
        if self.reveals() || self.is_prompt() {
            return None;
        }
        let (text, is_whole) = answer.transcript()?;
        Some(Box::new(Told { text: Redacted::new(text.into()), is_whole }))
    }

    fn reveals(&self) -> bool {
        !self.terms.reveal.is_empty() || self.terms.metered.is_some()
    }

    /// What the model said, if one was asked and answered.
    fn said(&self) -> Option<Box<Said>> {
        let begun = self.answer.is_some() && self.is_prompt();
        let facts = begun.then(|| self.seen.facts())?;
        let estimated_tokens = self.estimated(&facts);
        Some(Box::new(Said {
            text: Redacted::new(facts.text.into()),
            tools: facts.tools,
            input_tokens: facts.usage.input_tokens,
            output_tokens: facts.usage.output_tokens,
            estimated_tokens,
        }))
    }

    /// What an answer cost, about, unless its provider has told: that is at its end, which an agent need not wait for, and
    /// of a stream only if the agent asks for it.
    fn estimated(&self, said: &llm::Facts) -> Option<u64> {
        let answer = self.answer.as_ref().filter(|answer| !answer.is_error())?;
        let Usage { input_tokens, output_tokens } = said.usage;
        let is_told = answer.has_ended() && (input_tokens.is_some() || output_tokens.is_some());
        let counts = self.asked.is_some_and(|(_, operation)| operation == Operation::Count);
        let bytes = self.body.passed.saturating_add(said.said_bytes);
        (!is_told && !counts).then_some(bytes / BYTES_OF_A_TOKEN)
    }

    fn tell(&mut self, refusal: &Refusal) {
        let retry = self.settings.turned_away.as_ref().and_then(|away| away.retry_after_seconds);
        let response = match (refusal.code, retry) {
            (Code::LimitReached, Some(seconds)) => problem::later(refusal, seconds),
            // Nothing else of one request can be too much.
            (Code::LimitReached, None) => problem::too_large(refusal),
            _ => problem::response(refusal),
        };
        let (parts, body): (_, Bytes) = Response::into_parts(response);
        self.effects.push_back(Effect::Response(Box::new(parts)));
        self.effects.push_back(Effect::ResponseData(body));
        self.effects.push_back(Effect::ResponseEnd(None));
    }

    fn refusal(&self, code: Code, detail: &str) -> Refusal {
        let (columns, policies) = (Vec::new(), Vec::new());
        Refusal { code, request: self.request, detail: detail.into(), columns, policies }
    }

    /// Bytes of this request's body that are held. A prompt is held whole: what it says in its first part may be taken
    /// back in its last.
    fn held_bytes_max(&self) -> usize {
        let holds = self.settings.connection.bounds.holds != Holds::None;
        if holds || self.is_prompt() { PROMPT_BYTES_MAX } else { HELD_BYTES_MAX }
    }

    fn is_prompt(&self) -> bool {
        self.asked.is_some_and(|(_, operation)| operation != Operation::File)
    }
}
