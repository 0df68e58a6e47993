//! A rehearsal of the lane: made-up requests and answers with published test numbers go through exchanges as any others would,
//! and none of the numbers may come out on either side. Nobody is there.

#[cfg(test)]
mod tests;

use access::{Permit, SessionId, Verdict};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response};
use wire::rehearsal::{Fault, NUMBERS, spellings};

use crate::connection::Settings;
use crate::exchange::{Effect, Exchange};

/// Plays exchanges through, of a connection that is masked and understood by the settings that `settings` gives for each.
///
/// # Errors
/// [`Fault`]: answers of this connection must not be let through.
pub fn rehearse(settings: impl Fn() -> Settings) -> Result<(), Fault> {
    acts().iter().try_for_each(|act| act.play(settings()))
}

/// One request and its answer.
struct Act {
    /// What is tried, in words.
    name: &'static str,
    method: Method,
    target: &'static str,
    body: String,
    answers: &'static str,
    /// The answer, in the pieces in which it comes.
    pieces: Vec<String>,
    secrets: Vec<String>,
}

fn acts() -> Vec<Act> {
    let secrets: Vec<String> = NUMBERS.iter().flat_map(|number| spellings(number)).collect();
    let text = secrets.join("\n");
    let (head, tail) = text.split_at(text.len() / 2);
    let members: Vec<String> =
        NUMBERS.iter().map(|number| format!(r#"{{"memo":"{number}","n":{number},"{number}":1}}"#)).collect();
    let document = format!("[{}]", members.join(","));
    let act = |name, answers, pieces| Act {
        name,
        method: Method::GET,
        target: "/",
        body: String::new(),
        answers,
        pieces,
        secrets: secrets.clone(),
    };
    let asks = r#"{"model":"rehearsal","stream":true,"messages":[{"role":"user","content":"hello"}]}"#;
    vec![
        act("a document", "application/json", vec![document.clone()]),
        act("a text", "text/plain", vec![head.into(), tail.into()]),
        act("events", "text/event-stream", NUMBERS.iter().map(|it| format!("data: {it}\n\n")).collect()),
        Act {
            method: Method::POST,
            target: "/v1/chat/completions",
            body: asks.into(),
            ..act("an answer of a model", "text/event-stream", streamed())
        },
        Act {
            method: Method::POST,
            body: document,
            ..act("a request", "application/json", vec!["{}".into()])
        },
    ]
}

/// Numbers in the words of a model, each in two pieces.
fn streamed() -> Vec<String> {
    let says = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    let halves = NUMBERS.iter().flat_map(|number| <[&str; 2]>::from(number.split_at(number.len() / 2)));
    halves.map(says).chain(["data: [DONE]\n\n".into()]).collect()
}

/// What came out of an exchange.
#[derive(Default)]
struct Seen {
    told: Vec<u8>,
    sent: Vec<u8>,
    is_asked: bool,
    is_refused: bool,
    is_done: bool,
}

impl Act {
    fn play(&self, settings: Settings) -> Result<(), Fault> {
        let json = HeaderValue::from_static("application/json");
        let fields = HeaderMap::from_iter((!self.body.is_empty()).then_some((CONTENT_TYPE, json)));
        let request = SessionId::REHEARSAL.request(1);
        let has_body = !self.body.is_empty();
        let mut exchange =
            Exchange::open(settings, request, self.method.clone(), self.target, fields, has_body);
        let mut seen = Seen::default();
        if has_body {
            exchange.request_data(self.body.as_bytes());
            exchange.request_end();
        }
        seen.look(&mut exchange);
        if seen.is_asked {
            exchange.answer(Verdict::Allow(Permit::of_rehearsal(request.number)));
        }
        let mut head = Response::new(()).into_parts().0;
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.answers));
        exchange.response(head);
        for piece in &self.pieces {
            exchange.response_data(piece.as_bytes());
            seen.look(&mut exchange);
        }
        exchange.response_end(None);
        seen.look(&mut exchange);
        self.judge(&seen)
    }

    fn judge(&self, seen: &Seen) -> Result<(), Fault> {
        let holds = |bytes: &[u8]| {
            // A number that is cut over events is read as people read it.
            let read = bytes.split(|byte| *byte == b'\n').flat_map(content).collect::<Vec<u8>>();
            self.secrets.iter().map(|it| it.as_bytes()).any(|secret| has(bytes, secret) || has(&read, secret))
        };
        if holds(&seen.told) {
            Err(Fault::Told(self.name))
        } else if holds(&seen.sent) {
            Err(Fault::Sent(self.name))
        } else if !(seen.is_done || seen.is_refused) {
            Err(Fault::Lost(self.name))
        } else {
            Ok(())
        }
    }
}

impl Seen {
    fn look(&mut self, exchange: &mut Exchange) {
        while let Some(effect) = exchange.poll() {
            match effect {
                // Nobody who may not reveal them sends card numbers: the gate refuses that.
                Effect::Ask(question) if !question.facts.columns.is_empty() => self.is_refused = true,
                Effect::Ask(_) => self.is_asked = true,
                Effect::Refuse { .. } => self.is_refused = true,
                Effect::RequestData(bytes) => self.sent.extend(bytes),
                Effect::ResponseData(bytes) => self.told.extend(bytes),
                Effect::Done(_) => self.is_done = true,
                Effect::Request(_)
                | Effect::RequestEnd
                | Effect::Response(_)
                | Effect::ResponseEnd(_)
                | Effect::Abort
                | Effect::Leave
                | Effect::Switch(_) => {}
            }
        }
    }
}

/// The words in a line of a model's stream.
fn content(line: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let start = br#""content":""#;
    let at = memchr::memmem::find(line, start).map(|at| at + start.len());
    let words = at.and_then(|at| line.get(at..)).unwrap_or_default();
    words.iter().copied().take_while(|byte| *byte != b'"')
}

fn has(bytes: &[u8], secret: &[u8]) -> bool {
    memchr::memmem::find(bytes, secret).is_some()
}
