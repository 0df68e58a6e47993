//! A command that may not go upstream yet, and its single exit.

use std::sync::Arc;

use access::{Code, Facts, Outcome, Permit, Refusal, RequestId, Status};
use bytes::{BufMut, Bytes, BytesMut};
use sql::{Analysis, Mention};

use super::alike::sets;
use super::{Postgres, State, literals};
use crate::error::{self, Severity};
use crate::frame::{Frame, message, put_cstring};
use crate::replies::{Bounded, Copying, Open, Owed, Registry, Reply};
use crate::statement::{Portal, Statement};
use crate::transcript::Transcript;

/// A command that was asked about. It leaves by [`Postgres::release`] or is refused.
pub(super) struct Held {
    pub(super) request: RequestId,
    pub(super) frame: Frame,
    pub(super) kind: Kind,
    /// Its text.
    pub(super) sql: Arc<str>,
    pub(super) analysis: Option<Arc<Analysis>>,
    /// What was asked about, with what it runs by name.
    pub(super) facts: Arc<Facts>,
    /// Whether what the snapshot does not hold may be the session's own.
    pub(super) own: bool,
    /// Allowed, and waiting for its stand-in to be described.
    pub(super) permit: Option<Permit>,
    /// What its rows are, if it copies to the agent and that is known.
    pub(super) copy: Option<Copying>,
}

pub(super) enum Kind {
    Query,
    Parse { name: Box<str>, statement: Arc<Statement> },
    Execute { portal: Box<str>, bound: Arc<Portal>, in_pieces: bool },
}

impl Held {
    /// The outcome of a command that never ran.
    pub(super) fn skipped(&self) -> Outcome {
        Outcome {
            request: self.request,
            status: Status::Skipped,
            rows: 0,
            masked: 0,
            bytes: 0,
            revealed: Vec::new(),
            told: None,
            said: None,
        }
    }

    pub(super) fn is_simple(&self) -> bool {
        matches!(self.kind, Kind::Query)
    }
}

impl Postgres {
    /// Takes the permit for a command: releases it, or what it answered when it was sent ahead.
    pub(super) fn allow(&mut self, permit: Permit) {
        if self.held.as_ref().is_none_or(|held| held.request != permit.request()) {
            // Sent ahead; or its pipeline has failed since, and then the permit is spent on nothing.
            drop(self.replies.permit(permit));
            return;
        }
        if self.state == State::Ready {
            self.release_after_stand_in(permit);
        } else if let Some(held) = self.held.take() {
            self.effects.push_back(wire::Effect::Done(held.skipped()));
        }
    }

    /// Sends the held command upstream. The only way out, and it spends the permit; without one, the
    /// verdict was `Ahead`, and the answer waits for the permit that follows.
    pub(super) fn release(&mut self, permit: Option<Permit>) {
        if self.state != State::Ready {
            return;
        }
        let Some(held) = self.held.take() else { return };
        let Held { request, frame, kind, sql, analysis, facts, own, copy, .. } = held;
        self.segment_open = true;
        self.turns += 1;
        self.segment_ahead(&kind);
        let bounded = Bounded::of(&kind, permit.as_ref());
        match (&kind, &bounded) {
            (Kind::Query, Bounded::Counting(_)) => self.send_in_parts(&sql),
            _ => self.to_upstream.put_slice(frame.bytes()),
        }
        if bounded != Bounded::No {
            // The upstream keeps back what is not asked for.
            message(&mut self.to_upstream, b'H', |_| {});
        }
        let unsettles =
            !matches!(kind, Kind::Parse { .. }) && literals::unsettles(&facts, analysis.as_deref());
        if !matches!(kind, Kind::Parse { .. }) {
            let changes_catalog = analysis.as_ref().is_some_and(|analysis| analysis.changes_catalog);
            self.doubt.runs(&facts, changes_catalog);
            let by_text = analysis.as_ref().map(|it| it.sets);
            let writes = facts.effect == access::Effect::Data;
            self.has_set |= sets(&facts, by_text);
            self.has_written |= writes;
            self.literals_after(unsettles);
            self.keeps_snapshot |= analysis.as_ref().is_some_and(|it| it.keeps_snapshot);
            if facts.kinds.iter().any(|kind| **kind == *"listen") {
                self.hears = permit.as_ref().is_some_and(|permit| permit.terms().tells_errors);
            }
            self.witness.sets(analysis.as_ref().map_or(&[][..], |analysis| &analysis.search_paths));
        }
        let metered = permit.as_ref().and_then(|permit| permit.terms().metered.as_ref());
        let reveals_left = metered.map_or(0, |it| it.values_max);
        let open = Open {
            request,
            permit,
            status: None,
            failed: false,
            rows: 0,
            masked: 0,
            bytes: 0,
            changes_catalog: analysis.as_ref().is_some_and(|analysis| analysis.changes_catalog),
            may_copy: analysis.as_ref().is_some_and(|analysis| may_copy(&analysis.facts)),
            unsettles,
            is_single: analysis.as_ref().is_none_or(|analysis| analysis.facts.kinds.len() < 2),
            copy,
            facts,
            own,
            statement: 0,
            bounded,
            transcript: Transcript::new(self.settings.answer_bytes_max),
            reveals_left,
            revealed: Vec::new(),
        };
        let (reply, names) = match kind {
            Kind::Query => (Reply::Query { plan: None }, self.propose_names(&sql, analysis.as_deref())),
            Kind::Parse { name, statement } => {
                self.statements.propose(self.segment, &name, Some(Arc::clone(&statement)));
                let reply = Reply::Parse(Arc::clone(&statement));
                self.replies.push(Owed { reply, command: Some(open), names: vec![Registry::Statements] });
                describe(&mut self.to_upstream, b'S', &name);
                self.replies.push(Reply::OwnDescribeStatement(statement).into());
                return;
            }
            Kind::Execute { bound, .. } => {
                (Reply::Execute { portal: bound, plan: None }, self.propose_names(&sql, analysis.as_deref()))
            }
        };
        self.replies.push(Owed { reply, command: Some(open), names });
        if self.replies_end_with_query() {
            self.end_segment();
        }
    }

    /// What has to go before the command itself: the description of a portal that the agent did not ask for.
    fn segment_ahead(&mut self, kind: &Kind) {
        let Kind::Execute { portal, bound, .. } = kind else { return };
        let is_asked_for = self.replies.last().is_some_and(|owed| match &owed.reply {
            Reply::DescribePortal(last) | Reply::OwnDescribePortal(last) => Arc::ptr_eq(last, bound),
            _ => false,
        });
        if !bound.is_described() && !is_asked_for {
            describe(&mut self.to_upstream, b'P', portal);
            self.replies.push(Reply::OwnDescribePortal(Arc::clone(bound)).into());
        }
    }

    /// Takes a refusal for a command that was held, or sent ahead.
    pub(super) fn deny(&mut self, refusal: &Refusal) {
        let is_held = self.held.as_ref().is_some_and(|held| held.request == refusal.request);
        match self.held.take_if(|_| is_held) {
            Some(held) if self.state == State::Ready => self.refuse(&held, refusal),
            // Its pipeline failed while it was decided: the agent has its error already.
            Some(_) => {}
            // Sent ahead and not recorded: its answer can never be released, nor what comes after it.
            None => {
                self.tell(&error::response(refusal, Severity::Fatal));
                self.close();
            }
        }
    }

    /// Tells the agent that its command was refused, when the answers before it are through, and leaves the
    /// transaction in the state that an error leaves it in.
    pub(super) fn refuse(&mut self, held: &Held, refusal: &Refusal) {
        if refusal.code.ends_session() {
            return self.part(error::response(refusal, Severity::Fatal));
        }
        let response = match self.mention(held, refusal) {
            Some(mention) => error::response_at(refusal, &mention, &held.sql),
            None => error::response(refusal, Severity::Error),
        };
        if held.is_simple() { self.fail_query(&response) } else { self.fail_extended(&response) }
    }

    /// Where in its text a command does what it is refused for. Its facts come from whatever text of its
    /// shape was read first, so this one is read again.
    fn mention(&self, held: &Held, refusal: &Refusal) -> Option<Mention> {
        let is_text = matches!(held.kind, Kind::Query | Kind::Parse { .. });
        if refusal.columns.is_empty() || !is_text {
            return None;
        }
        sql::locate(&held.sql, &self.settings.catalog.load(), &refusal.columns)
    }

    /// Fails a simple query with `response`.
    pub(super) fn fail_query(&mut self, response: &Bytes) {
        if self.status != b'T' && self.replies.is_empty() && !self.segment_open {
            self.tell_failed(response);
            let status = self.status;
            message(&mut self.to_agent, b'Z', |out| out.put_u8(status));
            return;
        }
        message(&mut self.to_upstream, b'Q', |out| put_cstring(out, FAILING_STATEMENT));
        self.replies.push(Reply::RefusedQuery(response.clone()).into());
        self.end_segment();
    }

    /// Fails a message of the extended protocol with `response`: what follows is skipped up to Sync.
    pub(super) fn fail_extended(&mut self, response: &Bytes) {
        self.state = State::SkipToSync;
        if self.status != b'T' && self.replies.is_empty() && !self.segment_open {
            return self.tell_failed(response);
        }
        self.segment_open = true;
        message(&mut self.to_upstream, b'P', |out| {
            put_cstring(out, FAILING_STATEMENT_NAME);
            put_cstring(out, FAILING_STATEMENT);
            out.put_u16(0);
        });
        self.replies.push(Reply::Refused(response.clone()).into());
    }

    /// In a transaction that has failed everything but its end is answered alike, whatever else is wrong.
    fn tell_failed(&mut self, response: &Bytes) {
        if self.status == b'E' {
            let aborted = error::plain("25P02", ABORTED);
            return self.tell(&aborted);
        }
        self.tell(response);
    }

    /// Ends the session with `farewell`, after the answers before it.
    pub(super) fn part(&mut self, farewell: Bytes) {
        if self.replies.is_empty() {
            self.tell(&farewell);
            return self.close();
        }
        // The upstream keeps answers back until it is asked for them.
        message(&mut self.to_upstream, b'H', |_| {});
        self.replies.push(Reply::Farewell(farewell).into());
        self.state = State::Closing;
    }

    /// Begins the next segment: nothing of it has gone upstream.
    pub(super) fn end_segment(&mut self) {
        self.segment += 1;
        self.segment_open = false;
    }

    fn replies_end_with_query(&mut self) -> bool {
        self.replies.last().is_some_and(|owed| matches!(owed.reply, Reply::Query { .. }))
    }
}

/// A statement that PostgreSQL can parse and cannot run. It makes of a transaction what an error makes of
/// it, and in one that has failed already it is answered so (25P02).
pub(super) const FAILING_STATEMENT: &[u8] = b"SELECT panguard.refused_a_command";

/// Never made, since its statement fails; so no statement of the agent's is lost, not even the unnamed one.
pub(super) const FAILING_STATEMENT_NAME: &[u8] = b"panguard_refused";

/// PostgreSQL's own words for 25P02.
const ABORTED: &str = "current transaction is aborted, commands ignored until end of transaction block";

/// Whether a command may be a copy; one that no policy understands, but allows, may be anything.
fn may_copy(facts: &Facts) -> bool {
    facts.kinds.iter().any(|kind| kind.starts_with("copy")) || !facts.not_understood.is_empty()
}

/// Asks for the description of a statement (`S`) or a portal (`P`).
pub(super) fn describe(out: &mut BytesMut, kind: u8, name: &str) {
    message(out, b'D', |out| {
        out.put_u8(kind);
        put_cstring(out, name.as_bytes());
    });
}

impl Postgres {
    /// Fails with an error that PostgreSQL itself would give, since a name stands for nothing.
    pub(super) fn fail_unknown(&mut self, sqlstate: &'static str, what: &str) {
        let response = error::plain(sqlstate, what);
        self.fail_extended(&response);
    }

    /// What the agent is told when it is over a limit.
    pub(super) fn limited(&self, detail: &'static str) -> Bytes {
        let refusal = self.refusal(Code::LimitReached, detail);
        error::response(&refusal, Severity::Error)
    }
}
