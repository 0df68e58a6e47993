//! Rows: their description is held against what was decided upon, and then they are told.

use std::sync::Arc;

use access::Terms;
use wire::{Side, Violation};

use super::answer::UNEXPECTED;
use super::{Postgres, doubt};
use crate::columns::Columns;
use crate::frame::Frame;
use crate::replies::{Bounded, Owed, Reply};
use crate::statement::Statement;

impl Postgres {
    pub(super) fn rows_described(&mut self, frame: &Frame) -> Result<(), Violation> {
        if let Some(Reply::OwnDescribeStandIn(request)) = self.head_reply() {
            let request = *request;
            return self.stand_in_described(request, Some(frame));
        }
        let catalog = self.settings.catalog.load_full();
        let masker = self.settings.masker;
        let (columns, terms) = match self.described() {
            Some(statement) => {
                let terms = statement.terms();
                (Columns::read(frame, &catalog, &terms, statement.answer())?, terms)
            }
            None => {
                let Some(Owed { command: Some(open), .. }) = self.replies.head() else {
                    return Err(UNEXPECTED);
                };
                let terms = open.terms();
                let columns = Columns::read(frame, &catalog, &terms, open.answer())?;
                let agree = columns.agree(open.answer(), &catalog);
                let unknown = columns.stale || doubt::reads_unknown(&open.facts);
                let own = open.own;
                if !agree || (unknown && !own && !self.doubt.is_own()) {
                    self.disagree();
                }
                (columns, terms)
            }
        };
        self.stale |= columns.stale;
        let mut out = (!self.withholding).then_some(&mut self.to_agent);
        let mut tell = |columns: &Columns| {
            if let Some(out) = &mut out {
                columns.describe(frame, masker, out);
            }
        };
        let Some(Owed { reply, command, .. }) = self.replies.head() else { return Err(UNEXPECTED) };
        match reply {
            Reply::Query { plan } => {
                let answer = command.as_ref().and_then(|open| open.answer());
                *plan = Some(columns.plan(None, &terms, &catalog, masker, answer));
                tell(&columns);
                return Ok(());
            }
            Reply::OwnDescribeStatement(statement) => statement.describe(Some(columns)),
            Reply::DescribeStatement(statement) => tell(&columns.told_as(statement.columns())),
            Reply::OwnDescribePortal(portal) => {
                portal.describe(Some(columns.told_as(portal.statement.columns())));
            }
            Reply::DescribePortal(portal) => {
                let columns = columns.told_as(portal.statement.columns());
                tell(&columns);
                portal.describe(Some(columns));
            }
            _ => return Err(UNEXPECTED),
        }
        self.replies.pop();
        Ok(())
    }

    /// The statement whose rows are described, if they are not also run.
    fn described(&mut self) -> Option<Arc<Statement>> {
        match self.head_reply()? {
            Reply::OwnDescribeStatement(statement) | Reply::DescribeStatement(statement) => {
                Some(Arc::clone(statement))
            }
            Reply::OwnDescribePortal(portal) | Reply::DescribePortal(portal) => {
                Some(Arc::clone(&portal.statement))
            }
            _ => None,
        }
    }

    pub(super) fn row(&mut self, frame: &Frame) -> Result<(), Violation> {
        if self.withholding {
            return Ok(());
        }
        if !self.plans_portal() {
            self.disagree();
            return Ok(());
        }
        let Some(Owed { reply, command: Some(open), .. }) = self.replies.head() else {
            return Err(UNEXPECTED);
        };
        if matches!(open.bounded, Bounded::Counting(rows_max) if open.rows >= rows_max) {
            // What it returns beyond what was approved will not have happened.
            return Ok(());
        }
        let (Reply::Query { plan } | Reply::Execute { plan, .. }) = reply else { return Err(UNDESCRIBED) };
        // A row of which nobody said what it holds is not released.
        let Some(plan) = plan else { return Err(UNDESCRIBED) };
        let before = self.to_agent.len();
        let left = &mut open.reveals_left;
        let outcome = plan.row(frame, &self.from_upstream, left, &mut self.to_agent)?;
        open.revealed.extend(outcome.revealed);
        open.rows += 1;
        open.masked += outcome.masked;
        open.bytes += (self.to_agent.len() - before) as u64;
        if let Some(permit) = &open.permit {
            open.transcript.under(permit.terms());
        }
        open.transcript.row(self.to_agent.get(before..).unwrap_or_default());
        if outcome.sad {
            open.transcript.forget();
            self.withhold("sensitive authentication data in a column without a label");
        }
        Ok(())
    }

    /// Plans what is done to the rows of a portal, before its first. Whether they are described as was decided upon.
    fn plans_portal(&mut self) -> bool {
        let catalog = self.settings.catalog.load();
        let (masker, doubts) = (self.settings.masker, self.doubt.is_own());
        let Some(Owed { reply: Reply::Execute { portal, plan }, command: Some(open), .. }) =
            self.replies.head()
        else {
            return true;
        };
        let Some(columns) = portal.columns().filter(|_| plan.is_none()) else { return true };
        let (terms, answer): (Terms, _) = (open.terms(), open.answer());
        let unknown = columns.stale || doubt::reads_unknown(&open.facts);
        if !columns.agree(answer, &catalog) || (unknown && !open.own && !doubts) {
            return false;
        }
        let formats = Some(&*portal.result_formats);
        *plan = Some(columns.plan(formats, &terms, &catalog, masker, answer));
        true
    }

    /// The upstream's description and what was decided upon contradict each other, or nobody knows yet what is in it.
    pub(super) fn disagree(&mut self) {
        self.stale = true;
        self.withhold(OTHER_COLUMNS);
    }
}

/// Why an answer is withheld that is not what was decided upon.
pub(super) const OTHER_COLUMNS: &str = "the answer has other columns than were decided upon";

const UNDESCRIBED: Violation = Violation { by: Side::Upstream, rule: "a row that was not described" };
