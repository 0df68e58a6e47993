//! When this session cannot rely on the catalog snapshot.
//!
//! What the agent changes itself is in no snapshot before its transaction ends and the catalog has been read again,
//! and a temporary table may hide another of its name for as long as the session lasts. Meanwhile statements are
//! understood by all that a name may mean.

use std::sync::Arc;

use access::{Action, Effect, Facts, Resource, Use};

/// What there is to doubt.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// The session has made tables of its own.
    temporary: bool,
    /// A command that may change the catalog has gone upstream in a transaction that is not known to be over.
    altered: bool,
    due: Due,
}

/// Whether the catalog is to be read again before it can be relied on.
#[derive(Debug, Default, Clone, Copy)]
enum Due {
    #[default]
    No,
    /// Nobody has taken the wish yet.
    Wished,
    /// The wish has this number.
    Ticket(u64),
}

impl Doubt {
    /// A command goes upstream.
    pub(super) fn runs(&mut self, facts: &Facts, changes_catalog: bool) {
        let of_its_own =
            |resource: &Resource| matches!(resource, Resource::Schema(name) if &**name == "pg_temp");
        self.temporary |=
            facts.uses.iter().any(|it| it.action == Action::Administer && of_its_own(&it.resource));
        self.altered |= changes_catalog;
    }

    /// No transaction is open, and no command that may change the catalog is upstream. Whether the catalog is to be
    /// read again.
    pub(super) fn settles(&mut self) -> bool {
        if std::mem::take(&mut self.altered) {
            self.due = Due::Wished;
            return true;
        }
        false
    }

    /// The wish that the catalog be read again has this number.
    pub(super) fn wished(&mut self, ticket: u64) {
        if matches!(self.due, Due::Wished) {
            self.due = Due::Ticket(ticket);
        }
    }

    /// Whether there is anything to doubt, wishes up to `served` having been granted.
    pub(super) fn is_there(&self, served: u64) -> bool {
        let due = match self.due {
            Due::No => false,
            Due::Wished => true,
            Due::Ticket(ticket) => served < ticket,
        };
        self.temporary || self.altered || due
    }
}

/// The facts of a command for a session that relies on the snapshot: what copies from a relation that the snapshot does
/// not hold copies nobody knows what.
pub(super) fn cautious(facts: Arc<Facts>) -> Arc<Facts> {
    let unknown = facts.unknown_columns && facts.effect == Effect::Data;
    if unknown {
        let mut facts = Facts::clone(&facts);
        facts.not_understood.push("a column that is not known yet".into());
        return Arc::new(facts);
    }
    let read = facts.uses.iter().find(|it| is_unknown(it));
    let Some(read) = read.filter(|_| facts.effect == Effect::Data) else { return facts };
    let elsewhere = |it: &Use| {
        matches!(it.action, Action::Write | Action::Administer | Action::Call) && it.resource != read.resource
    };
    if !facts.uses.iter().any(elsewhere) && !facts.kinds.iter().any(|kind| kind.starts_with("copy")) {
        return facts;
    }
    let mut facts = Facts::clone(&facts);
    facts.not_understood.push("a relation that is not known yet".into());
    Arc::new(facts)
}

/// Whether a command reads a relation or a column that the snapshot does not hold.
pub(super) fn reads_unknown(facts: &Facts) -> bool {
    facts.unknown_columns || facts.uses.iter().any(is_unknown)
}

fn is_unknown(it: &Use) -> bool {
    it.action == Action::Read && matches!(&it.resource, Resource::Table(name) if name.starts_with("?."))
}
