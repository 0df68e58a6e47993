//! When this session cannot rely on the catalog snapshot.
//!
//! What the agent changes itself is in no snapshot before its transaction ends and the catalog has been read again,
//! and a temporary table may hide another of its name for as long as the session lasts. Meanwhile statements are
//! understood by all that a name may mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{Action, Effect, Facts, Resource, Use};
use sql::Catalog;

/// What is known of changes of one connection's catalog, by all its sessions together: what one of them changes the
/// snapshot does not hold for the others either.
#[derive(Debug, Default)]
pub struct Changes {
    /// Sessions with a command that may change the catalog, whose transaction is not known to be over.
    altering: AtomicU64,
    /// How often it has been wished that the catalog be read again.
    wishes: AtomicU64,
    /// Up to which number wishes have been granted.
    granted: AtomicU64,
}

impl Changes {
    /// Wishes that the catalog be read again; the number of the wish.
    pub fn wish(&self) -> u64 {
        self.wishes.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The number of the last wish: a reading that begins now grants all up to it.
    pub fn wishes(&self) -> u64 {
        self.wishes.load(Ordering::Acquire)
    }

    /// A reading has ended well that began with this number of wishes.
    pub fn grant(&self, wishes: u64) {
        self.granted.fetch_max(wishes, Ordering::AcqRel);
    }

    /// Whether some session changes the catalog, or it has not been read since.
    fn are_due(&self) -> bool {
        self.altering.load(Ordering::Acquire) > 0 || self.granted.load(Ordering::Acquire) < self.wishes()
    }
}

/// What there is to doubt.
#[derive(Debug)]
pub(super) struct Doubt {
    changes: Arc<Changes>,
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
    /// The wish has this number.
    Ticket(u64),
}

impl Doubt {
    pub(super) fn new(changes: Arc<Changes>) -> Self {
        Self { changes, temporary: false, altered: false, due: Due::No }
    }

    /// A command goes upstream.
    pub(super) fn runs(&mut self, facts: &Facts, changes_catalog: bool) {
        let of_its_own =
            |resource: &Resource| matches!(resource, Resource::Schema(name) if &**name == "pg_temp");
        self.temporary |=
            facts.uses.iter().any(|it| it.action == Action::Administer && of_its_own(&it.resource));
        if changes_catalog && !self.altered {
            self.changes.altering.fetch_add(1, Ordering::AcqRel);
            self.altered = true;
        }
    }

    /// No transaction is open, and no command that may change the catalog is upstream. Whether the catalog is to be
    /// read again.
    pub(super) fn settles(&mut self) -> bool {
        if std::mem::take(&mut self.altered) {
            self.due = Due::Ticket(self.changes.wish());
            // After the wish: there is no moment at which neither is there.
            self.changes.altering.fetch_sub(1, Ordering::AcqRel);
            return true;
        }
        false
    }

    /// Whether what the snapshot does not hold may be this session's own.
    pub(super) fn is_own(&self) -> bool {
        let due = match self.due {
            Due::No => false,
            Due::Ticket(ticket) => self.changes.granted.load(Ordering::Acquire) < ticket,
        };
        self.temporary || self.altered || due
    }

    /// Whether relations may have other columns than the snapshot says.
    pub(super) fn is_there(&self) -> bool {
        self.is_own() || self.changes.are_due()
    }
}

impl Drop for Doubt {
    /// What the session has sent may still be done.
    fn drop(&mut self) {
        self.settles();
    }
}

/// The facts of a command for a session that relies on the snapshot: what copies from a relation that the snapshot does
/// not hold copies nobody knows what. A copy to the agent that is `described` before it runs only reads, if it does nothing
/// else.
pub(super) fn cautious(facts: Arc<Facts>, catalog: &Catalog, described: bool) -> Arc<Facts> {
    let changes = |it: &Use| matches!(it.action, Action::Write | Action::Administer | Action::Call);
    if described && !facts.uses.iter().any(changes) {
        return facts;
    }
    let not_understood = |what: &str| {
        let mut facts = Facts::clone(&facts);
        facts.not_understood.push(what.into());
        facts.in_reach = catalog.classes();
        Arc::new(facts)
    };
    let unknown = facts.unknown_columns && facts.effect == Effect::Data;
    if unknown {
        return not_understood("a column that is not known yet");
    }
    let read = facts.uses.iter().find(|it| is_unknown(it));
    let Some(read) = read.filter(|_| facts.effect == Effect::Data) else { return facts };
    let elsewhere = |it: &Use| changes(it) && it.resource != read.resource;
    if !facts.uses.iter().any(elsewhere) && !facts.kinds.iter().any(|kind| kind.starts_with("copy")) {
        return facts;
    }
    not_understood("a relation that is not known yet")
}

/// The facts of a command for a session that relies on the snapshot, as to what errors may tell of: a relation that the
/// snapshot does not hold may be a labelled one's (a new partition) or have its values.
pub(super) fn reaching(facts: Arc<Facts>, catalog: &Catalog) -> Arc<Facts> {
    let is_unknown =
        |it: &Use| is_unknown(it) || (it.action == Action::Write && is_of_no_schema(&it.resource));
    if !facts.uses.iter().any(is_unknown) {
        return facts;
    }
    let all = catalog.classes();
    if all.iter().all(|class| facts.in_reach.contains(class)) {
        return facts;
    }
    Arc::new(Facts { in_reach: all, ..Facts::clone(&facts) })
}

/// Whether a command reads a relation or a column that the snapshot does not hold.
pub(super) fn reads_unknown(facts: &Facts) -> bool {
    facts.unknown_columns || facts.uses.iter().any(is_unknown)
}

fn is_unknown(it: &Use) -> bool {
    it.action == Action::Read && is_of_no_schema(&it.resource)
}

fn is_of_no_schema(resource: &Resource) -> bool {
    matches!(resource, Resource::Table(name) if name.starts_with("?."))
}
