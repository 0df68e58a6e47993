//! Commands that may touch so many rows and no more, since so many were approved.
//!
//! How many one has touched is in its CommandComplete, when it has run; and it counts for nothing before the Sync that
//! commits it, or the end of the agent's transaction. So whatever commits it waits for its count: the agent's next message
//! is not read before. A simple query, which commits by itself, is sent as its parts in the extended protocol. What has
//! touched more is followed by a statement that fails, and does to the transaction what an error does.

use access::{Code, Permit, Refusal, Status};
use bytes::{BufMut, Bytes};
use wire::Violation;

use super::Postgres;
use super::answer::UNEXPECTED;
use super::held::{FAILING_STATEMENT, FAILING_STATEMENT_NAME, Kind, describe};
use crate::error::{self, Severity};
use crate::frame::{Frame, message, put_cstring};
use crate::replies::{Bounded, Open, Owed, Reply};

/// Taken by panguard for itself, as a statement and as a portal.
pub(super) const BOUNDED_NAME: &str = "panguard_bounded";

impl Bounded {
    /// How many rows a command may touch.
    pub(super) fn of(kind: &Kind, permit: Option<&Permit>) -> Self {
        match (kind, permit.and_then(|permit| permit.terms().rows_max)) {
            (Kind::Query | Kind::Execute { .. }, Some(rows_max)) => Self::Counting(rows_max),
            _ => Self::No,
        }
    }
}

impl Postgres {
    /// Sends a simple query as the messages that it stands for (§55.2.3), but for the Sync, which commits it.
    pub(super) fn send_in_parts(&mut self, sql: &str) {
        let out = &mut self.to_upstream;
        let close = |out: &mut _, kind: u8| {
            message(out, b'C', |out| {
                out.put_u8(kind);
                put_cstring(out, BOUNDED_NAME.as_bytes());
            });
        };
        // Those of that name are there if the last was broken off, or its transaction is still open.
        close(out, b'S');
        close(out, b'P');
        message(out, b'P', |out| {
            put_cstring(out, BOUNDED_NAME.as_bytes());
            put_cstring(out, sql.as_bytes());
            out.put_u16(0);
        });
        message(out, b'B', |out| {
            put_cstring(out, BOUNDED_NAME.as_bytes());
            put_cstring(out, BOUNDED_NAME.as_bytes());
            // Formats of parameters, parameters, formats of columns: all of them text.
            out.put_bytes(0, 6);
        });
        // A portal outlives its statement.
        close(out, b'S');
        describe(out, b'P', BOUNDED_NAME);
        message(out, b'E', |out| {
            put_cstring(out, BOUNDED_NAME.as_bytes());
            out.put_u32(0);
        });
        for acknowledged in *b"33123" {
            self.replies.push(Reply::OwnPart(acknowledged).into());
        }
    }

    /// What becomes of the word that a command is complete. A bounded one says with it how many rows it has touched; what
    /// the agent says next is read after that.
    pub(super) fn counted(&mut self, frame: &Frame) -> Result<Complete, Violation> {
        let Some(Owed { reply, command: Some(open), .. }) = self.replies.head() else {
            return Ok(Complete::Tell);
        };
        let Bounded::Counting(rows_max) = open.bounded else { return Ok(Complete::Tell) };
        open.bounded = Bounded::Counted;
        let is_simple = matches!(reply, Reply::Query { .. });
        let tag = match frame.tag() {
            b'C' => frame.fields().str().ok_or(UNEXPECTED)?,
            // There is no other whole answer to such a command; and in pieces it is not approved.
            _ => "",
        };
        let rows = tag.rsplit(' ').next().and_then(|rows| rows.parse::<u64>().ok());
        if rows.is_some_and(|rows| rows <= rows_max) {
            if !is_simple {
                return Ok(Complete::Tell);
            }
            open.bounded = Bounded::Committing(Bytes::copy_from_slice(frame.bytes()));
            self.commit();
            return Ok(Complete::TellOnceCommitted);
        }
        let response = exceeded(open, tag);
        self.take_back(&response, is_simple);
        Ok(Complete::TooMuch)
    }

    /// The agent is told that a bounded simple query is complete, since it is committed.
    pub(super) fn committed(&mut self) {
        let Some(Owed { command: Some(open), .. }) = self.replies.head() else { return };
        if let Bounded::Committing(complete) = std::mem::replace(&mut open.bounded, Bounded::Counted) {
            self.release_bytes(&complete);
        }
    }

    /// Fails a bounded command that has touched too much, before anything can commit it.
    fn take_back(&mut self, response: &Bytes, is_simple: bool) {
        if !is_simple {
            self.finish(Status::Unknown);
            return self.fail_extended(response);
        }
        self.release_bytes(response);
        self.withholding = true;
        message(&mut self.to_upstream, b'P', |out| {
            put_cstring(out, FAILING_STATEMENT_NAME);
            put_cstring(out, FAILING_STATEMENT);
            out.put_u16(0);
        });
        self.commit();
    }

    /// A simple query has failed by itself; a bounded one is over once its transaction is.
    pub(super) fn query_failed(&mut self) {
        let Some(Owed { command: Some(open), .. }) = self.replies.head() else { return };
        if let Bounded::Counting(_) = std::mem::replace(&mut open.bounded, Bounded::Counted) {
            self.commit();
        }
    }

    /// Ends what was sent of a simple query as a simple query ends: its transaction too, unless the agent has one open.
    fn commit(&mut self) {
        message(&mut self.to_upstream, b'S', |_| {});
    }
}

/// What becomes of the word that a command is complete.
pub(super) enum Complete {
    Tell,
    /// A simple query is complete once it is committed, and may fail at that.
    TellOnceCommitted,
    TooMuch,
}

/// What the agent is told of a command that has touched more rows than it may.
fn exceeded(open: &mut Open, tag: &str) -> Bytes {
    open.status = Some(Status::RolledBack(tag.into()));
    open.failed = true;
    let refusal = Refusal {
        code: Code::MoreThanApproved,
        request: open.request,
        // How many they are tells of what is in them, and is for those who answer.
        detail: "".into(),
        columns: Vec::new(),
        policies: Vec::new(),
    };
    error::response(&refusal, Severity::Error)
}
