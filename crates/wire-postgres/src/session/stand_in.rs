//! Copies to the agent: before one is sent, the upstream describes its **stand-in**, which has the same columns.
//!
//! A copy has no RowDescription, so that the server's own word on its columns is had ahead of it, in the same
//! transaction: reading a statement locks what it names, and nobody changes that until the transaction ends. The
//! command is held meanwhile with its permit, and the agent's next message is not read.

use std::sync::Arc;

use access::{Code, Outcome, Permit, Refusal, RequestId, Status};
use bytes::{BufMut, Bytes, BytesMut};
use wire::{Effect, Violation};

use super::fault::Fault;
use super::held::{Held, describe};
use super::rows::OTHER_COLUMNS;
use super::{Postgres, doubt};
use crate::columns::{self, Columns};
use crate::frame::{Fields, Frame, message, put_cstring};
use crate::replies::{Reply, StandIn};

/// Taken by panguard for itself, and never left behind.
pub(super) const STAND_IN_NAME: &str = "panguard_copy";

impl Postgres {
    /// Sends the held command upstream, a copy to the agent after its stand-in.
    pub(super) fn release_after_stand_in(&mut self, permit: Permit) {
        let Some(held) = &mut self.held else { return };
        // In a transaction that has failed the copy fails by itself.
        let fails = self.status == b'E' && self.replies.is_empty();
        let Some(copying) = held.copy.as_ref().filter(|_| !fails) else { return self.release(Some(permit)) };
        let stand_in = Arc::clone(&copying.out);
        let request = held.request;
        held.permit = Some(permit);
        self.segment_open = true;
        let out = &mut self.to_upstream;
        // One of that name is there if the last was broken off.
        close(out);
        message(out, b'P', |out| {
            put_cstring(out, STAND_IN_NAME.as_bytes());
            put_cstring(out, stand_in.stand_in.as_bytes());
            out.put_u16(0);
        });
        describe(out, b'S', STAND_IN_NAME);
        close(out);
        message(out, b'H', |_| {});
        let replies = [Reply::OwnClose, Reply::OwnParse, Reply::OwnDescribeStandIn(request), Reply::OwnClose];
        replies.into_iter().for_each(|reply| self.replies.push(reply.into()));
    }

    /// The upstream has described a stand-in: its copy goes on if it is of the columns that were decided upon. What
    /// gives no rows fails as a copy by itself.
    pub(super) fn stand_in_described(
        &mut self,
        request: RequestId,
        rows: Option<&Frame>,
    ) -> Result<(), Violation> {
        self.replies.pop();
        let catalog = self.settings.catalog.load_full();
        let Some(held) = self.held.as_mut().filter(|held| held.request == request) else { return Ok(()) };
        let Some(permit) = &held.permit else { return Ok(()) };
        let mut agree = true;
        if let Some(frame) = rows {
            let answer = held.facts.answers.first();
            let columns = Columns::read(frame, &catalog, permit.terms(), answer)?;
            let unknown = columns.stale || doubt::reads_unknown(&held.facts);
            self.stale |= columns.stale;
            agree = columns.agree(answer, &catalog) && (!unknown || held.own || self.doubt.is_own());
            if let Some(copying) = &mut held.copy {
                copying.described = Some(StandIn { columns, names: columns::names(frame) });
            }
        }
        if agree {
            let permit = held.permit.take();
            self.release(permit);
        } else if let Some(held) = self.held.take() {
            self.contradict(held);
        }
        Ok(())
    }

    /// Refuses a copy whose columns are not those that were decided upon.
    fn contradict(&mut self, held: Held) {
        self.stale = true;
        let refusal = Refusal { request: held.request, ..self.refusal(Code::AnswerWithheld, OTHER_COLUMNS) };
        self.effects.push_back(Effect::Done(outcome(&held, Status::Withheld(OTHER_COLUMNS))));
        self.refuse(&held, &refusal);
    }

    /// The upstream does not take a stand-in, and would not take its copy for the same reason.
    pub(super) fn stand_in_failed(&mut self, fault: &Fault) {
        let held = self.held.take_if(|held| self.replies.ask_for_stand_in(held.request));
        let copying = held.as_ref().and_then(|held| held.copy.as_ref());
        // What is not at its place in the agent's text is panguard's own.
        let is_agents = copying.is_some_and(|copying| copying.out.stand_in.starts_with(' '));
        let told = if is_agents { fault.bytes.clone() } else { without_position(&fault.bytes) };
        self.release_bytes(&told);
        while self.replies.is_about_stand_in() {
            self.replies.pop();
        }
        let failed = Status::Failed(fault.sqlstate.clone());
        let is_simple = match &held {
            Some(held) => held.is_simple(),
            // Broken off when its copy was sent already.
            None => self.replies.head().is_some_and(|owed| matches!(owed.reply, Reply::Query { .. })),
        };
        if is_simple {
            // The upstream passes over what comes, up to a Sync; its ReadyForQuery ends the command.
            message(&mut self.to_upstream, b'S', |_| {});
            self.replies.push(Reply::Sync.into());
            self.end_segment();
        }
        if let Some(held) = held {
            self.effects.push_back(Effect::Done(outcome(&held, failed.clone())));
        }
        self.skip_to_sync(Some(failed));
    }
}

fn close(out: &mut BytesMut) {
    message(out, b'C', |out| {
        out.put_u8(b'S');
        put_cstring(out, STAND_IN_NAME.as_bytes());
    });
}

fn outcome(held: &Held, status: Status) -> Outcome {
    Outcome { status, ..held.skipped() }
}

/// An ErrorResponse without the place in a text that the agent has not written.
fn without_position(response: &Bytes) -> Bytes {
    let mut out = BytesMut::new();
    message(&mut out, b'E', |out| {
        let mut fields = Fields::over(response.get(5..).unwrap_or_default());
        while let (Some(code @ 1..), Some(text)) = (fields.u8(), fields.cstring()) {
            if code != b'P' {
                out.put_u8(code);
                put_cstring(out, text);
            }
        }
        out.put_u8(0);
    });
    out.freeze()
}
