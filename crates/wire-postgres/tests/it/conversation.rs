//! Plays one conversation file against the session.
//!
//! `agent` and `server` lines send; `ahead`, `allow`, `deny`, `hold`, `cancel`, `hangup`, `wind-down` are
//! what the driver and the gate do, `witness` (first) has the upstream asked and `told` is what it says; `ask`,
//! `inquire`, `upstream`, `client`, `done`, `withdrawn`, `close` say what must have come out. `allow in reach` is a permit
//! under which errors are withheld. Everything that comes out must be said before the next line that sends.

use std::collections::VecDeque;
use std::sync::Arc;

use access::{
    Code, Mint, Outcome, Parameter, Question, Receipt, Refusal, RequestId, SessionId, Stage, Status, Terms,
};
use access::{Ticket, Verdict};
use arc_swap::ArcSwap;
use mask::{Masker, Profile};
use wire::{Effect, Inquiry, Session, Side, Word};
use wire_postgres::{Analyses, MESSAGE_BYTES_MAX, Postgres, Settings};

use crate::catalog::catalog;
use crate::message::{From, decode, encode, split};

/// A session and what has come out of it and not been expected yet.
pub struct Conversation {
    session: Postgres,
    mint: Mint,
    chunk: usize,
    asked: VecDeque<RequestId>,
    questions: VecDeque<String>,
    inquiries: VecDeque<String>,
    to_client: Vec<u8>,
    to_upstream: Vec<u8>,
    done: VecDeque<String>,
    withdrawn: VecDeque<String>,
    closed: bool,
    place: String,
}

/// Plays `text` with everything that is sent cut into pieces of `chunk` bytes.
pub fn play(name: &str, text: &str, chunk: usize) {
    let mut it = Conversation::new(chunk);
    for (number, line) in text.lines().enumerate() {
        it.place = format!("{name}:{} in pieces of {chunk}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        it.line(verb, rest.trim());
    }
    it.place = format!("{name}: its end, in pieces of {chunk}");
    it.expect_nothing();
}

impl Conversation {
    pub fn new(chunk: usize) -> Self {
        Self {
            session: session(false),
            mint: Mint::for_tests(),
            chunk,
            asked: VecDeque::new(),
            questions: VecDeque::new(),
            inquiries: VecDeque::new(),
            to_client: Vec::new(),
            to_upstream: Vec::new(),
            done: VecDeque::new(),
            withdrawn: VecDeque::new(),
            closed: false,
            place: String::new(),
        }
    }

    fn line(&mut self, verb: &str, rest: &str) {
        match verb {
            "ask" | "inquire" | "upstream" | "client" | "done" | "withdrawn" | "close" => {
                return self.expect(verb, rest);
            }
            _ => self.expect_nothing(),
        }
        match verb {
            "agent" => self.send(Side::Agent, From::Agent, rest),
            "server" => self.send(Side::Upstream, From::Server, rest),
            "ahead" => {
                let request = *self.asked.front().expect("a question");
                let ahead = self.mint.ahead(request);
                let _ = self.session.answer(Verdict::Ahead(ahead));
            }
            "witness" => self.session = session(true),
            "told" => {
                let row = |words: &str| words.split(' ').map(|word| Some(word.into())).collect();
                let word = match rest {
                    "nothing" => Word::Silent,
                    "late" => Word::Late,
                    "locked" => Word::Locked,
                    rest => Word::Said(rest.split("; ").map(row).collect()),
                };
                let _ = self.session.told(word);
            }
            "allow" => {
                let request = self.asked.pop_front().expect("a question");
                let rows_max = rest.strip_prefix("rows ").map(|rows| rows.parse().unwrap());
                let metered = rest.strip_prefix("metered ").map(|values| access::Metered {
                    classes: [access::DataClass::Pan].into(),
                    values_max: values.parse().unwrap(),
                });
                let (reveal, tells_errors) = match rest {
                    "" => (None, true),
                    "in reach" => (None, false),
                    rest => (rest.strip_prefix("reveal "), true),
                };
                let reveal = reveal.map(|class| class.parse().unwrap()).into_iter().collect();
                let permit = self.mint.permit(
                    request,
                    Receipt { index: 0 },
                    Terms { reveal, tells_errors, rows_max, metered },
                );
                let _ = self.session.answer(Verdict::Allow(permit));
            }
            "deny" => {
                let request = self.asked.pop_front().expect("a question");
                let mut words = rest.split(' ');
                let name = words.next().unwrap_or_default();
                let code = *Code::ALL.iter().find(|code| code.as_str() == name).expect("a code");
                let columns = words.map(Into::into).collect();
                let refusal = Refusal { code, request, detail: "".into(), columns, policies: Vec::new() };
                let _ = self.session.answer(Verdict::Deny(Box::new(refusal)));
            }
            "hold" => {
                let request = *self.asked.front().expect("a question");
                let ticket = Ticket { request, message: "waits for a human".into() };
                let _ = self.session.answer(Verdict::Hold(ticket));
            }
            "cancel" => match self.session.cancel() {
                Some(request) => {
                    self.asked.retain(|asked| *asked != request);
                    self.withdrawn.push_back(request.number.to_string());
                }
                None => self.withdrawn.push_back("none".into()),
            },
            "hangup" => self.session.closed(if rest == "agent" { Side::Agent } else { Side::Upstream }),
            "wind-down" => self.session.wind_down(Code::ShuttingDown),
            other => panic!("{}: no line begins with {other}", self.place),
        }
        self.collect();
    }

    fn send(&mut self, side: Side, from: From, messages: &str) {
        let bytes: Vec<u8> = split(messages).iter().flat_map(|words| encode(from, words)).collect();
        for piece in bytes.chunks(self.chunk) {
            // A violation shows in what the session sends and in its close.
            let _ = self.session.receive(side, piece);
            self.collect();
        }
    }

    fn collect(&mut self) {
        while let Some(effect) = self.session.poll() {
            match effect {
                Effect::Send(Side::Agent, bytes) => self.to_client.extend_from_slice(&bytes),
                Effect::Send(Side::Upstream, bytes) => self.to_upstream.extend_from_slice(&bytes),
                Effect::Ask(question) => {
                    self.asked.push_back(question.request);
                    self.questions.push_back(show_question(&question));
                }
                Effect::Inquire(inquiry) => self.inquiries.push_back(show_inquiry(&inquiry)),
                Effect::Done(outcome) => self.done.push_back(show_outcome(&outcome)),
                Effect::Close => self.closed = true,
            }
        }
    }

    fn expect(&mut self, verb: &str, rest: &str) {
        let place = self.place.clone();
        match verb {
            "ask" => assert_eq!(self.questions.pop_front().as_deref(), Some(rest), "{place}"),
            "inquire" => assert_eq!(self.inquiries.pop_front().as_deref(), Some(rest), "{place}"),
            "done" => assert_eq!(self.done.pop_front().as_deref(), Some(rest), "{place}"),
            "withdrawn" => assert_eq!(self.withdrawn.pop_front().as_deref(), Some(rest), "{place}"),
            "close" => assert!(std::mem::take(&mut self.closed), "{place}: the session goes on"),
            "client" => {
                let seen = decode(From::Server, &std::mem::take(&mut self.to_client)).join("; ");
                assert_eq!(seen, rest, "{place}");
            }
            "upstream" => {
                let seen = decode(From::Agent, &std::mem::take(&mut self.to_upstream)).join("; ");
                assert_eq!(seen, rest, "{place}");
            }
            other => panic!("{place}: {other} cannot be expected"),
        }
    }

    fn expect_nothing(&self) {
        let place = &self.place;
        assert_eq!(decode(From::Server, &self.to_client), [""; 0], "{place}: to the client");
        assert_eq!(decode(From::Agent, &self.to_upstream), [""; 0], "{place}: to the upstream");
        assert_eq!(self.questions, [""; 0], "{place}: asked");
        assert_eq!(self.inquiries, [""; 0], "{place}: inquired");
        assert_eq!(self.done, [""; 0], "{place}: done");
        assert_eq!(self.withdrawn, [""; 0], "{place}: withdrawn");
        assert!(!self.closed, "{place}: the session closed");
    }
}

fn session(witness: bool) -> Postgres {
    Postgres::new(Settings {
        session: SessionId(1),
        catalog: Arc::new(ArcSwap::from_pointee(catalog())),
        changes: Arc::default(),
        analyses: Arc::new(Analyses::default()),
        witness,
        masker: Masker::new(Profile::Last4),
        message_bytes_max: MESSAGE_BYTES_MAX,
        answer_bytes_max: 0,
    })
}

/// `"select 1"`, with the types of its parameters and the search paths after it.
fn show_inquiry(inquiry: &Inquiry) -> String {
    let mut shown = format!("{:?}", inquiry.command.expose());
    for oid in inquiry.parameters.iter().flatten() {
        shown.push_str(&format!(" {oid}"));
    }
    for path in &inquiry.paths {
        shown.push_str(&format!(" under {path}"));
    }
    shown
}

/// `1 run "select 1"`, with text parameters after it.
fn show_question(question: &Question) -> String {
    let stage = match question.stage {
        Stage::Prepare => "prepare",
        Stage::Run => "run",
    };
    let mut shown = format!("{} {stage} {:?}", question.request.number, question.command.expose());
    for parameter in &question.parameters {
        match parameter.expose() {
            Parameter::Null => shown.push_str(" NULL"),
            Parameter::Text(text) => shown.push_str(&format!(" {:?}", String::from_utf8_lossy(text))),
            Parameter::Binary(value, type_oid) => shown.push_str(&format!(" {}:{type_oid}", value.len())),
        }
    }
    shown
}

/// `1 completed "SELECT 1" rows 1 masked 1`; counts that are 0 are left out.
fn show_outcome(outcome: &Outcome) -> String {
    let status = match &outcome.status {
        Status::Completed(tag) if tag.is_empty() => "completed".into(),
        Status::Completed(tag) => format!("completed {tag:?}"),
        Status::Failed(sqlstate) => format!("failed {sqlstate}"),
        Status::Withheld(_) => "withheld".into(),
        Status::RolledBack(tag) => format!("rolled back {tag:?}"),
        Status::Skipped => "skipped".into(),
        Status::Unknown => "unknown".into(),
    };
    let count = |name: &str, count: u64| if count == 0 { String::new() } else { format!(" {name} {count}") };
    let number = outcome.request.number;
    let revealed: String =
        outcome.revealed.iter().map(|it| format!(" revealed {} {}", it.column, it.masked)).collect();
    format!("{number} {status}{}{}{revealed}", count("rows", outcome.rows), count("masked", outcome.masked))
}
