//! The replies still owed to the agent, in order, each with the permit that its answer is treated by.
//!
//! The upstream answers in the order it was asked (§55.2.4), so what it says belongs to the head of this
//! queue and to nothing else: the terms of one command can never be applied to the rows of another, and a
//! refusal waits for the answers before it. An answer whose permit has not come yet is not released.

use std::collections::VecDeque;
use std::sync::Arc;

use access::{Answer, Facts, Outcome, Permit, RequestId, Revealed, Status, Terms};
use bytes::Bytes;
use sql::CopyOut;

use crate::columns::{Columns, Plan};
use crate::statement::{Portal, Statement};
use crate::transcript::Transcript;

#[derive(Default)]
pub(crate) struct Replies {
    owed: VecDeque<Owed>,
}

/// What the upstream still has to say about one message.
pub(crate) struct Owed {
    pub(crate) reply: Reply,
    /// The command it answers, for messages that carry one.
    pub(crate) command: Option<Open>,
    /// Names that the command changes when it succeeds, in order.
    pub(crate) names: Vec<Registry>,
}

/// The shape of one reply.
pub(crate) enum Reply {
    /// `Query`: answers of its statements, up to ReadyForQuery.
    Query { plan: Option<Plan> },
    /// `Parse`: ParseComplete.
    Parse(Arc<Statement>),
    /// panguard's own `Describe` of a statement just parsed: for itself, not for the agent.
    OwnDescribeStatement(Arc<Statement>),
    /// panguard's own `Describe` of a portal about to run.
    OwnDescribePortal(Arc<Portal>),
    /// panguard's own `Parse` of a copy's stand-in: for itself, as the two that follow.
    OwnParse,
    /// The `Describe` of that, before the copy of this request.
    OwnDescribeStandIn(RequestId),
    /// The `Close` of that.
    OwnClose,
    /// What acknowledges, by its tag, a part of a simple query that panguard sends in parts.
    OwnPart(u8),
    /// `Bind`: BindComplete.
    Bind(Arc<Statement>),
    /// `Describe`: ParameterDescription, then RowDescription or NoData.
    DescribeStatement(Arc<Statement>),
    /// `Describe`: RowDescription or NoData.
    DescribePortal(Arc<Portal>),
    /// `Execute`: rows, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute { portal: Arc<Portal>, plan: Option<Plan> },
    /// `Close`: CloseComplete.
    Close,
    /// `Sync`: ReadyForQuery.
    Sync,
    /// A statement of panguard's that fails, so that a refused `Query` does to the transaction what an error
    /// does; its error is replaced by this refusal.
    RefusedQuery(Bytes),
    /// The same in the extended protocol: after it the upstream skips to Sync.
    Refused(Bytes),
    /// The session ends here: this is the last that the agent is told.
    Farewell(Bytes),
}

/// Which registry a name stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registry {
    Statements,
    Portals,
}

/// A command that is at the upstream.
pub(crate) struct Open {
    pub(crate) request: RequestId,
    /// `None` while its entry is being flushed: nothing of its answer may leave yet.
    pub(crate) permit: Option<Permit>,
    pub(crate) status: Option<Status>,
    /// The upstream said that it failed, whatever its outcome is called.
    pub(crate) failed: bool,
    pub(crate) rows: u64,
    pub(crate) masked: u64,
    pub(crate) bytes: u64,
    /// It may have changed what relations there are.
    pub(crate) changes_catalog: bool,
    /// It may copy, either way; nothing else does.
    pub(crate) may_copy: bool,
    /// What its rows are, if it copies to the agent and that is known.
    pub(crate) copy: Option<Copying>,
    /// It holds one statement, so that a failure means that nothing of it happened.
    pub(crate) is_single: bool,
    /// It may change how texts behind it are read.
    pub(crate) unsettles: bool,
    /// What was decided upon.
    pub(crate) facts: Arc<Facts>,
    /// Whether what the snapshot did not hold then may have been the session's own: it may be known by now.
    pub(crate) own: bool,
    /// Which of its statements the upstream answers, from 0.
    pub(crate) statement: u32,
    /// Whether it may touch so many rows only.
    pub(crate) bounded: Bounded,
    /// How many values may still be told of those that count.
    pub(crate) reveals_left: u32,
    /// Those that were.
    pub(crate) revealed: Vec<Revealed>,
    /// What of its answer is kept for the audit log.
    pub(crate) transcript: Transcript,
}

/// Whether a command may touch so many rows and no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bounded {
    /// It may touch as many as it does.
    No,
    /// It has not said yet how many it has touched, and may have touched so many.
    Counting(u64),
    /// It has said so, and is being committed; then this is told.
    Committing(Bytes),
    /// It has said so, or has failed.
    Counted,
}

/// A copy to the agent, as its stand-in was described.
pub(crate) struct Copying {
    pub(crate) out: Arc<CopyOut>,
    /// `None` where nothing was described: then no row of it is released.
    pub(crate) described: Option<StandIn>,
}

/// What a copy's stand-in gives.
pub(crate) struct StandIn {
    pub(crate) columns: Columns,
    pub(crate) names: Vec<Box<[u8]>>,
}

impl Open {
    pub(crate) fn terms(&self) -> Terms {
        self.permit.as_ref().map(|permit| permit.terms().clone()).unwrap_or_default()
    }

    /// Whether errors and notices may pass as the upstream words them.
    pub(crate) fn tells_errors(&self) -> bool {
        self.permit.as_ref().is_some_and(|permit| permit.terms().tells_errors)
    }

    /// Whether it may end a transaction, or have what was put off to its end done at once.
    pub(crate) fn may_settle(&self) -> bool {
        self.facts.kinds.iter().any(|kind| SETTLING.contains(&&**kind))
    }

    /// In what answer the upstream is, if something in it is made of labelled columns.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        self.facts.answers.iter().find(|answer| answer.statement == self.statement)
    }

    pub(crate) fn outcome(self, otherwise: Status) -> Outcome {
        Outcome {
            request: self.request,
            status: self.status.unwrap_or(otherwise),
            rows: self.rows,
            masked: self.masked,
            bytes: self.bytes,
            revealed: self.revealed,
            said: None,
            told: self.transcript.told(),
        }
    }
}

/// Kinds of statements at which what earlier ones of the transaction put off may fail: deferred constraints and
/// triggers, cursors that outlive it. A procedure may commit.
const SETTLING: [&str; 5] = ["call", "commit", "do", "prepare transaction", "set constraints"];

impl Owed {
    /// Whether a copy can be the answer.
    pub(crate) fn may_copy(&self) -> bool {
        let runs = matches!(self.reply, Reply::Query { .. } | Reply::Execute { .. });
        runs && self.command.as_ref().is_some_and(|open| open.may_copy)
    }
}

impl From<Reply> for Owed {
    /// A reply to a message that carries no command of its own.
    fn from(reply: Reply) -> Self {
        let names = match reply {
            Reply::Bind(_) => vec![Registry::Portals],
            _ => Vec::new(),
        };
        Self { reply, command: None, names }
    }
}

impl Replies {
    pub(crate) fn push(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    pub(crate) fn len(&self) -> usize {
        self.owed.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    pub(crate) fn head(&mut self) -> Option<&mut Owed> {
        self.owed.front_mut()
    }

    pub(crate) fn last(&self) -> Option<&Owed> {
        self.owed.back()
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Owed> {
        self.owed.back_mut()
    }

    pub(crate) fn pop(&mut self) -> Option<Owed> {
        self.owed.pop_front()
    }

    /// Whether it hangs on the answer to the last command whether that may be committed.
    pub(crate) fn is_counting(&self) -> bool {
        let command = self.owed.back().and_then(|owed| owed.command.as_ref());
        command.is_some_and(|open| matches!(open.bounded, Bounded::Counting(_)))
    }

    /// Takes the parts of a simple query that will not be acknowledged, one of them having failed.
    pub(crate) fn skip_parts(&mut self) {
        while self.owed.front().is_some_and(|owed| matches!(owed.reply, Reply::OwnPart(_))) {
            self.owed.pop_front();
        }
    }

    /// Whether a command is at the upstream behind what the head answers.
    pub(crate) fn runs_after_head(&self) -> bool {
        self.owed.iter().skip(1).any(|owed| owed.command.is_some())
    }

    /// Whether one is there that may change how texts behind it are read.
    pub(crate) fn unsettles_after_head(&self) -> bool {
        let unsettles = |owed: &Owed| owed.command.as_ref().is_some_and(|open| open.unsettles);
        self.owed.iter().skip(1).any(unsettles)
    }

    /// The first command that is owed an answer.
    pub(crate) fn next_command(&self) -> Option<&Open> {
        self.owed.iter().find_map(|owed| owed.command.as_ref())
    }

    /// Whether the answer at the head must be kept back, its entry not being durable yet.
    pub(crate) fn awaits_permit(&self) -> bool {
        self.owed.front().and_then(|owed| owed.command.as_ref()).is_some_and(|open| open.permit.is_none())
    }

    /// Gives a command that was sent ahead its permit; gives the permit back if no such command is owed.
    pub(crate) fn permit(&mut self, permit: Permit) -> Option<Permit> {
        let open = self
            .owed
            .iter_mut()
            .filter_map(|owed| owed.command.as_mut())
            .find(|open| open.request == permit.request() && open.permit.is_none());
        match open {
            Some(open) => {
                open.permit = Some(permit);
                None
            }
            None => Some(permit),
        }
    }

    /// Takes the replies that will not come since the upstream skips to Sync (§55.2.3); the Sync stays, and so
    /// does a farewell. `None` at the end means that the agent has not sent that Sync yet.
    pub(crate) fn skip_to_sync(&mut self) -> (Vec<Owed>, Option<()>) {
        let ends = |owed: &Owed| matches!(owed.reply, Reply::Sync | Reply::Farewell(_));
        let at = self.owed.iter().position(ends);
        let skipped = self.owed.drain(..at.unwrap_or(self.owed.len())).collect();
        (skipped, at.map(|_| ()))
    }

    /// Takes the Syncs right behind the head, a copy to the server: the server ignores them while it copies
    /// (§55.2.6). Whatever else follows ends the copy with an error, and a Sync behind that counts again.
    pub(crate) fn forget_syncs(&mut self) {
        while self.owed.get(1).is_some_and(|owed| matches!(owed.reply, Reply::Sync)) {
            self.owed.remove(1);
        }
    }

    /// Whether a command is upstream that may change the catalog.
    pub(crate) fn change_catalog(&self) -> bool {
        self.owed.iter().filter_map(|owed| owed.command.as_ref()).any(|open| open.changes_catalog)
    }

    /// Whether the head answers a message about a copy's stand-in.
    pub(crate) fn is_about_stand_in(&self) -> bool {
        let own = |owed: &Owed| {
            matches!(owed.reply, Reply::OwnParse | Reply::OwnDescribeStandIn(_) | Reply::OwnClose)
        };
        self.owed.front().is_some_and(own)
    }

    /// Whether the stand-in of a request's copy is asked for before the next Sync.
    pub(crate) fn ask_for_stand_in(&self, request: RequestId) -> bool {
        let mut here = self.owed.iter().take_while(|owed| !matches!(owed.reply, Reply::Sync));
        here.any(|owed| matches!(owed.reply, Reply::OwnDescribeStandIn(asked) if asked == request))
    }

    /// Whether the agent has ended the pipeline that the head belongs to.
    pub(crate) fn pipeline_has_ended(&self) -> bool {
        let ends = |owed: &Owed| {
            matches!(
                owed.reply,
                Reply::Sync | Reply::Query { .. } | Reply::RefusedQuery(_) | Reply::Farewell(_)
            )
        };
        self.owed.iter().any(ends)
    }

    /// Every reply still owed, the session being over.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Owed> + '_ {
        self.owed.drain(..)
    }
}
