//! The upstream's side: what it says is matched with what is owed, masked, and told.

use std::sync::Arc;

use access::{Status, Terms};
use bytes::BufMut;
use wire::{Effect, Side, Violation};

use super::bounded::Complete;
use super::fault::Parameter;
use super::{Copy, Postgres, State, fault};
use crate::error::{self, Severity};
use crate::frame::Frame;
use crate::replies::{Open, Owed, Registry, Reply};

impl Postgres {
    /// Reads what the upstream says, as far as it may be released. Says whether anything was read.
    pub(super) fn read_upstream(&mut self) -> Result<bool, Violation> {
        let mut moved = false;
        while !self.replies.awaits_permit() && self.state != State::Over {
            let Some(frame) = self.from_upstream.next()? else { break };
            self.hear(&frame)?;
            self.part_if_due();
            moved = true;
        }
        Ok(moved)
    }

    /// Takes one message of the upstream's. What is not allowed here is a violation: a message type that
    /// panguard does not know must not pass.
    fn hear(&mut self, frame: &Frame) -> Result<(), Violation> {
        self.heard += u64::from(!matches!(frame.tag(), b'N' | b'S' | b'A' | b'D' | b'd'));
        match frame.tag() {
            b'N' => self.notice(frame),
            b'S' => self.parameter(frame),
            b'A' => self.notification(frame),
            b'E' => self.failed(frame),
            b'Z' => self.ready(frame),
            b'T' => self.rows_described(frame),
            b't' => self.parameters_described(frame),
            b'n' => self.no_rows_described(frame),
            b'D' => self.row(frame),
            b'C' | b'I' | b's' => self.completed(frame),
            b'1' | b'2' | b'3' => self.acknowledged(frame),
            b'G' => self.copies_in(frame),
            b'H' => self.copies_out(frame),
            b'd' => self.copied_out(frame),
            b'c' => self.copied_all(frame),
            _ => Err(UNEXPECTED),
        }
    }

    /// Appends to what the agent is sent, unless the answer is being withheld.
    pub(super) fn release_bytes(&mut self, bytes: &[u8]) {
        if self.withholding {
            return;
        }
        self.to_agent.put_slice(bytes);
        if let Some(Owed { command: Some(open), .. }) = self.replies.head() {
            open.bytes += bytes.len() as u64;
        }
    }

    /// The terms of the reply at the head; the strictest where it has no permit of its own.
    pub(super) fn terms(&mut self) -> Terms {
        match self.replies.head() {
            Some(Owed { command: Some(open), .. }) => open.terms(),
            _ => Terms::default(),
        }
    }

    /// A NoticeResponse. Where its text may not be told neither is that there is one: how many come, and when, would
    /// tell as much.
    fn notice(&mut self, frame: &Frame) -> Result<(), Violation> {
        let masker = self.settings.masker.revealing(&self.terms());
        self.touch();
        let told = match self.tells_errors() {
            true => Some(fault::mask(frame, masker)?),
            false => fault::withhold_notice(frame, masker)?,
        };
        self.count_masked(told.as_ref().map_or(1, |told| told.masked));
        if let Some(told) = told.filter(|_| !self.withholding) {
            self.to_agent.put_slice(&told.bytes);
        }
        Ok(())
    }

    /// A ParameterStatus. One by which the upstream would read texts in another way than panguard does ends
    /// the session, whoever brought it about: a function may set anything.
    fn parameter(&mut self, frame: &Frame) -> Result<(), Violation> {
        let Parameter { bytes, misreads } = fault::parameter(frame, self.settings.masker)?;
        self.to_agent.put_slice(&bytes);
        if misreads {
            let detail = "the session's encoding or its string literals were changed";
            let refusal = self.refusal(access::Code::NotSupported, detail);
            self.tell(&error::response(&refusal, Severity::Fatal));
            self.close();
        }
        Ok(())
    }

    fn notification(&mut self, frame: &Frame) -> Result<(), Violation> {
        let masked = fault::mask_notification(frame, self.settings.masker, self.hears)?;
        self.to_agent.put_slice(&masked);
        Ok(())
    }

    /// An ErrorResponse: it ends a command, and in the extended protocol all up to the next Sync.
    fn failed(&mut self, frame: &Frame) -> Result<(), Violation> {
        self.replies.skip_parts();
        let masker = self.settings.masker.revealing(&self.terms());
        self.touch();
        let fault = match self.tells_errors() {
            true => fault::mask(frame, masker)?,
            false => fault::withhold(frame, masker, self.answered())?,
        };
        self.copy = Copy::None;
        self.count_masked(fault.masked);
        if self.replies.is_about_stand_in() {
            self.stand_in_failed(&fault);
            return Ok(());
        }
        if let Some(Owed { command: Some(open), .. }) = self.replies.head() {
            open.failed = true;
        }
        match self.replies.head().map(|owed| &mut owed.reply) {
            Some(Reply::Query { .. }) => {
                self.release_bytes(&fault.bytes);
                self.note_status(Status::Failed(fault.sqlstate));
                self.query_failed();
            }
            Some(Reply::RefusedQuery(response)) => {
                let response = response.clone();
                // The transaction had failed already: that is what PostgreSQL would say.
                let told = if &*fault.sqlstate == ABORTED { &fault.bytes } else { &response };
                self.release_bytes(told);
            }
            Some(Reply::Refused(response)) => {
                let response = response.clone();
                let told = if &*fault.sqlstate == ABORTED { &fault.bytes } else { &response };
                self.release_bytes(told);
                self.skip_to_sync(None);
            }
            // Nothing was asked: the upstream is going away, and says why.
            None | Some(Reply::Sync | Reply::Farewell(_)) => self.release_bytes(&fault.bytes),
            Some(_) => {
                self.release_bytes(&fault.bytes);
                self.skip_to_sync(Some(Status::Failed(fault.sqlstate)));
            }
        }
        Ok(())
    }

    /// The upstream passes over everything up to Sync: what was to be answered before it never will be.
    pub(super) fn skip_to_sync(&mut self, mut status: Option<Status>) {
        let held = self.held.take_if(|held| self.replies.ask_for_stand_in(held.request));
        let (skipped, sync) = self.replies.skip_to_sync();
        for owed in skipped {
            self.forget_names(&owed, true);
            if let Some(mut open) = owed.command {
                open.status = open.status.or(status.take());
                self.effects.push_back(Effect::Done(open.outcome(Status::Skipped)));
            }
            // Whatever failed first says how it failed; the rest never ran.
            status = None;
        }
        // Its stand-in is passed over with the rest.
        self.effects.extend(held.map(|held| Effect::Done(held.skipped())));
        if sync.is_none() && self.state == State::Ready {
            self.state = State::SkipToSync;
        }
    }

    fn ready(&mut self, frame: &Frame) -> Result<(), Violation> {
        let Some(status @ (b'I' | b'T' | b'E')) = frame.fields().u8() else {
            return Err(Violation { by: Side::Upstream, rule: "ReadyForQuery with no transaction status" });
        };
        self.status = status;
        self.literals_told();
        if status == b'I' {
            // Nothing of a pipeline that goes on is committed.
            self.has_written = self.replies.runs_after_head();
            self.keeps_snapshot &= self.replies.runs_after_head();
            self.portals.retain(|portal| portal.may_last());
        }
        self.committed();
        self.withholding = false;
        self.copy = Copy::None;
        let told = self.told_ready(frame);
        self.touched.readied(status);
        if status == b'I' && !self.replies.change_catalog() {
            self.stale |= self.doubt.settles();
        }
        told
    }

    fn told_ready(&mut self, frame: &Frame) -> Result<(), Violation> {
        match self.replies.head().map(|owed| &owed.reply) {
            Some(Reply::Query { .. } | Reply::RefusedQuery(_) | Reply::Sync) => {
                self.to_agent.put_slice(frame.bytes());
                self.finish(Status::Completed("".into()));
                Ok(())
            }
            // The answer to a Sync that a copy had swallowed after all.
            None => {
                self.to_agent.put_slice(frame.bytes());
                Ok(())
            }
            Some(_) => Err(UNEXPECTED),
        }
    }

    fn parameters_described(&mut self, frame: &Frame) -> Result<(), Violation> {
        match self.replies.head().map(|owed| &owed.reply) {
            Some(Reply::OwnDescribeStatement(statement)) => {
                let mut fields = frame.fields();
                let count = fields.u16().ok_or(UNEXPECTED)?;
                let types: Option<Vec<u32>> = (0..count).map(|_| fields.u32()).collect();
                statement.has_parameters(types.ok_or(UNEXPECTED)?);
            }
            Some(Reply::DescribeStatement(_)) => self.release_bytes(frame.bytes()),
            Some(Reply::OwnDescribeStandIn(_)) => {}
            _ => return Err(UNEXPECTED),
        }
        Ok(())
    }

    fn no_rows_described(&mut self, frame: &Frame) -> Result<(), Violation> {
        let is_counting = self.replies.is_counting();
        match self.replies.head().map(|owed| &owed.reply) {
            Some(Reply::OwnDescribeStatement(statement)) => statement.describe(None),
            Some(Reply::OwnDescribePortal(portal)) => portal.describe(None),
            Some(Reply::OwnDescribeStandIn(request)) => {
                let request = *request;
                return self.stand_in_described(request, None);
            }
            // What a bounded command has no rows of: a simple query does not say so.
            Some(Reply::Query { .. }) if is_counting => return Ok(()),
            Some(Reply::DescribeStatement(_)) => self.release_bytes(frame.bytes()),
            Some(Reply::DescribePortal(portal)) => {
                portal.describe(None);
                self.release_bytes(frame.bytes());
            }
            _ => return Err(UNEXPECTED),
        }
        self.replies.pop();
        Ok(())
    }

    /// Keeps the rest of an answer from the agent: it was not what had been decided upon.
    pub(super) fn withhold(&mut self, why: &'static str) {
        let Some(Owed { reply, command: Some(open), .. }) = self.replies.head() else { return };
        let is_extended = matches!(reply, Reply::Execute { .. });
        open.status = Some(Status::Withheld(why));
        open.masked += 1;
        let request = open.request;
        let refusal = access::Refusal { request, ..self.refusal(access::Code::AnswerWithheld, why) };
        self.to_agent.put_slice(&error::response(&refusal, Severity::Error));
        self.withholding = true;
        // The agent takes the error for the end of its pipeline and is not told of what follows in it.
        if is_extended && self.state == State::Ready && !self.replies.pipeline_has_ended() {
            self.state = State::SkipToSync;
        }
    }

    /// CommandComplete, EmptyQueryResponse or PortalSuspended.
    fn completed(&mut self, frame: &Frame) -> Result<(), Violation> {
        let tag: Box<str> = match frame.tag() {
            b'C' => frame.fields().str().filter(|tag| tag.len() < TAG_BYTES_MAX).ok_or(UNEXPECTED)?.into(),
            b'I' => "".into(),
            _ => "suspended".into(),
        };
        self.copy = Copy::None;
        match self.counted(frame)? {
            Complete::Tell => self.release_bytes(frame.bytes()),
            Complete::TellOnceCommitted => {}
            Complete::TooMuch => return Ok(()),
        }
        match self.replies.head() {
            Some(Owed { reply: Reply::Query { plan }, command: Some(open), .. }) => {
                *plan = None;
                open.statement += 1;
                note(open, Status::Completed(tag));
                Ok(())
            }
            Some(Owed { reply: Reply::Execute { .. }, .. }) => {
                self.finish(Status::Completed(tag));
                Ok(())
            }
            _ => Err(UNEXPECTED),
        }
    }

    /// ParseComplete, BindComplete or CloseComplete.
    fn acknowledged(&mut self, frame: &Frame) -> Result<(), Violation> {
        let own = match self.replies.head().map(|owed| &owed.reply) {
            Some(Reply::OwnParse) => Some(b'1'),
            Some(Reply::OwnClose) => Some(b'3'),
            Some(Reply::OwnPart(tag)) => Some(*tag),
            _ => None,
        };
        if own.is_some_and(|tag| tag == frame.tag()) {
            self.replies.pop();
            return Ok(());
        }
        let due = self.replies.head().is_some_and(|owed| {
            matches!(
                (frame.tag(), &owed.reply),
                (b'1', Reply::Parse(_)) | (b'2', Reply::Bind(_)) | (b'3', Reply::Close)
            )
        });
        if !due {
            return Err(UNEXPECTED);
        }
        self.release_bytes(frame.bytes());
        self.finish(Status::Completed("".into()));
        Ok(())
    }

    /// Ends the reply at the head: names it changed count now, and its outcome is recorded.
    pub(super) fn finish(&mut self, otherwise: Status) {
        self.touch();
        let Some(owed) = self.replies.pop() else { return };
        let failed = owed.command.as_ref().is_some_and(|open| open.failed);
        if let (Reply::Parse(statement), Some(open)) = (&owed.reply, &owed.command) {
            statement.prepared_under(open.terms(), Arc::clone(&open.facts));
        }
        if failed {
            let is_single = owed.command.as_ref().is_some_and(|open| open.is_single);
            self.forget_names(&owed, is_single);
        } else {
            for registry in &owed.names {
                match registry {
                    Registry::Statements => self.statements.confirm(),
                    Registry::Portals => self.portals.confirm(),
                }
            }
        }
        let Some(open) = owed.command else { return };
        self.stale |= open.changes_catalog && !failed;
        self.effects.push_back(Effect::Done(open.outcome(otherwise)));
    }

    /// Takes back the changes of names of a command that failed. Of several statements some may have run
    /// (`PREPARE` does not roll back), so their names stand for nothing.
    fn forget_names(&mut self, owed: &Owed, nothing_ran: bool) {
        for registry in &owed.names {
            match (registry, nothing_ran) {
                (Registry::Statements, true) => self.statements.discard(),
                (Registry::Portals, true) => self.portals.discard(),
                (Registry::Statements, false) => self.statements.distrust(),
                (Registry::Portals, false) => self.portals.distrust(),
            }
        }
    }

    pub(super) fn count_masked(&mut self, masked: u64) {
        if let Some(Owed { command: Some(open), .. }) = self.replies.head() {
            open.masked += masked;
        }
    }

    fn note_status(&mut self, status: Status) {
        if let Some(Owed { command: Some(open), .. }) = self.replies.head() {
            note(open, status);
        }
    }

    /// Says goodbye when the answers before it are through.
    fn part_if_due(&mut self) {
        if let Some(Reply::Farewell(farewell)) = self.head_reply() {
            let farewell = farewell.clone();
            self.to_agent.put_slice(&farewell);
            self.replies.pop();
            self.close();
        }
    }
}

/// Notes how a command goes: the first failure stands, else the last statement's word.
fn note(open: &mut Open, status: Status) {
    if !matches!(open.status, Some(Status::Failed(_) | Status::Withheld(_) | Status::RolledBack(_))) {
        open.status = Some(status);
    }
}

/// SQLSTATE in_failed_sql_transaction.
const ABORTED: &str = "25P02";

/// Command tags are shorter (`COMPLETION_TAG_BUFSIZE`); each is recorded.
const TAG_BYTES_MAX: usize = 64;

pub(super) const UNEXPECTED: Violation =
    Violation { by: Side::Upstream, rule: "a message that nothing asked for" };
