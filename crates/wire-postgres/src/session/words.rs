//! Whether what the upstream says in words, an error or a notice, may pass as it says it.

use access::RequestId;

use super::Postgres;
use crate::replies::{Open, Owed, Reply};

/// Whether protected values were in reach of a command that has run. What it put off (deferred constraints, triggers)
/// fails later, in the answer to another.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Touched {
    /// In the transaction that is open.
    transaction: bool,
    /// Since the upstream was last ready: as long as it has not said so, nobody knows in which transaction.
    segment: bool,
}

impl Touched {
    /// The upstream is ready for another query, with this transaction status.
    pub(super) fn readied(&mut self, status: u8) {
        self.segment = false;
        self.transaction &= status != b'I';
    }

    fn by(&mut self, open: &Open) {
        self.transaction |= !open.tells_errors();
        self.segment |= !open.tells_errors();
    }
}

impl Postgres {
    /// Takes note of what the command at the head brings into reach.
    pub(super) fn touch(&mut self) {
        if let Some(Owed {
            reply: Reply::Query { .. } | Reply::Execute { .. }, command: Some(open), ..
        }) = self.replies.head()
        {
            self.touched.by(open);
        }
    }

    /// Whether errors and notices that belong to the head may pass. Where no permit says so they may not.
    pub(super) fn tells_errors(&mut self) -> bool {
        let Touched { transaction, segment } = self.touched;
        let in_transaction = self.status == b'T';
        let Some(Owed { reply, command, .. }) = self.replies.head() else {
            // The server speaks of itself.
            return !self.settings.catalog.load().has_labels();
        };
        let own = command.as_ref().is_some_and(Open::tells_errors);
        let stands_in = matches!(
            reply,
            Reply::OwnParse | Reply::OwnDescribeStandIn(_) | Reply::OwnClose | Reply::OwnPart(_)
        );
        if stands_in {
            // What it is a part of is sent behind it; the copy that it stands in for is held with its permit, or has been sent after it.
            let held = self.held.as_ref().and_then(|held| held.permit.as_ref());
            let sent = || self.replies.next_command().is_some_and(Open::tells_errors);
            return held.map_or_else(sent, |permit| permit.terms().tells_errors);
        }
        let settles = command.as_ref().is_none_or(Open::may_settle);
        match reply {
            // It ends what came before it in its segment, unless that was, and stays, in a transaction.
            Reply::Query { .. } if in_transaction && !settles => own && !segment,
            Reply::Query { .. } => own && !transaction,
            Reply::Execute { .. } => own && !(settles && transaction),
            Reply::Parse(_) => own,
            Reply::Bind(statement)
            | Reply::DescribeStatement(statement)
            | Reply::OwnDescribeStatement(statement) => statement.tells_errors(),
            Reply::DescribePortal(portal) | Reply::OwnDescribePortal(portal) => {
                portal.statement.tells_errors()
            }
            Reply::Sync => !transaction,
            // A statement of panguard's own, which touches nothing.
            Reply::RefusedQuery(_) | Reply::Refused(_) => true,
            Reply::OwnParse
            | Reply::OwnDescribeStandIn(_)
            | Reply::OwnClose
            | Reply::OwnPart(_)
            | Reply::Close
            | Reply::Farewell(_) => false,
        }
    }

    /// The name of the command that the head answers.
    pub(super) fn answered(&mut self) -> RequestId {
        let latest = self.latest();
        match self.replies.head() {
            Some(Owed { command: Some(open), .. }) => open.request,
            _ => latest,
        }
    }
}
