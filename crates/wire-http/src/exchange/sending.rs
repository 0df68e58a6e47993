//! What of a request is sent, once it may be.

use std::mem;

use access::{Code, DataClass, Status, Terms};
use bytes::Bytes;

use super::answer::Answer;
use super::{Effect, Exchange, question};
use crate::body::Withheld;
use crate::header;

impl Exchange {
    /// Sends the request, and of its body what is there.
    pub(super) fn send_request(&mut self, terms: &Terms) {
        let Ok(target) = &self.head.target else { return };
        let headers = header::sent(&self.head.headers);
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = self.head.method.clone();
        parts.headers = headers;
        if let Some(socket) = &self.socket {
            socket.ask(&mut parts.headers);
        }
        let Ok(uri) = self.settings.connection.origin.uri(target) else {
            return self.give_up(Code::Malformed, "its target is not well formed");
        };
        parts.uri = uri;
        match self.outgoing(terms) {
            Ok(Some(length)) => {
                parts.headers.insert(http::header::CONTENT_LENGTH, length.into());
            }
            Ok(None) => {}
            Err(withheld) => return self.give_up(code(withheld), withheld.words()),
        }
        self.effects.push_back(Effect::Request(Box::new(parts)));
        let held = mem::take(&mut self.body.held);
        self.body.passed = held.len() as u64;
        match &mut self.body.rewriter {
            Some(_) => {
                self.send(&held);
                if self.body.ended {
                    self.send_end();
                }
            }
            None => {
                if !held.is_empty() {
                    self.effects.push_back(Effect::RequestData(held.into()));
                }
                if self.body.ended {
                    self.send_end();
                }
            }
        }
    }

    /// Makes of the body what is sent under `terms`: the whole of it, with its length, or what rewrites it as it passes.
    fn outgoing(&mut self, terms: &Terms) -> Result<Option<usize>, Withheld> {
        let masked = self.body.masked.take();
        if !self.body.ended {
            let care = self.settings.connection.requests(self.settings.masker, terms);
            self.body.rewriter = Some(question::rewriter(&care, &self.head.headers));
            return Ok(None);
        }
        let Some(masked) = masked else {
            return Ok((!self.body.held.is_empty()).then_some(self.body.held.len()));
        };
        // What was masked may be revealed after all.
        self.body.held = match terms.reveals(&DataClass::Pan) {
            true => mem::take(&mut self.body.held),
            false => masked,
        };
        Ok(Some(self.body.held.len()))
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        let Some(rewriter) = &mut self.body.rewriter else {
            return self.effects.push_back(Effect::RequestData(Bytes::copy_from_slice(bytes)));
        };
        let mut out = Vec::new();
        match rewriter.push(bytes, &mut out) {
            Ok(()) if out.is_empty() => {}
            Ok(()) => self.effects.push_back(Effect::RequestData(out.into())),
            Err(withheld) => self.stop_sending(withheld),
        }
    }

    pub(super) fn send_end(&mut self) {
        let mut out = Vec::new();
        if let Some(rewriter) = &mut self.body.rewriter
            && let Err(withheld) = rewriter.finish(&mut out)
        {
            return self.stop_sending(withheld);
        }
        if !out.is_empty() {
            self.effects.push_back(Effect::RequestData(out.into()));
        }
        self.effects.push_back(Effect::RequestEnd);
    }

    /// Breaks off a request in the middle of its body: the upstream sees that it is not whole.
    pub(super) fn stop_sending(&mut self, withheld: Withheld) {
        self.effects.push_back(Effect::Leave);
        let refusal = self.refusal(code(withheld), withheld.words());
        match self.answer.as_ref().is_some_and(Answer::has_begun) {
            true => self.effects.push_back(Effect::Abort),
            false => self.tell(&refusal),
        }
        self.over_with(|_| Status::Unknown);
    }
}

/// What an agent is told of a request's body that may not go on.
fn code(withheld: Withheld) -> Code {
    match withheld {
        Withheld::Sad | Withheld::CardData => Code::RevealDenied,
        Withheld::NotUnderstood(_) => Code::NotUnderstood,
        Withheld::TooLarge(_) => Code::LimitReached,
    }
}
