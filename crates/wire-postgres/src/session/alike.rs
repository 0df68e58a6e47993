//! Whether another session would do the same with a command, and what of it an approval binds.

use access::{Alike, Bound, Facts};

use super::Postgres;
use super::held::Kind;
use crate::statement::Origin;

impl Postgres {
    /// What of a command an approval binds: its text, and as what its parameters are read; unless that does not say what is
    /// done.
    pub(super) fn bound(&self, facts: &Facts, sql: &str, kind: &Kind, of_session: bool) -> Bound {
        let is = |kind: &str| facts.kinds.iter().any(|it| **it == *kind);
        if is("copy from") {
            return Bound::Nothing(
                "what a COPY writes comes after it, so that nobody can approve it: use INSERT",
            );
        }
        let statement = match kind {
            Kind::Execute { in_pieces: true, .. } if access::counts_rows(&facts.kinds) => {
                return Bound::Nothing(
                    "how many rows it touches is not known before the last of its pieces: fetch them at once",
                );
            }
            Kind::Execute { bound, .. } => Some(&bound.statement),
            Kind::Query | Kind::Parse { .. } => None,
        };
        // The text in which SQL prepared one statement may have prepared others too.
        let in_sql = statement.is_some_and(|it| matches!(it.origin, Origin::Sql { .. }));
        let creates = facts.not_understood.iter().any(|it| **it == *"create table as execute");
        if in_sql || creates || is("execute") || is("fetch") || is("move") || sql::names_a_cursor(sql) {
            return Bound::Nothing(
                "it names a statement or cursor instead of saying what it does: send that itself",
            );
        }
        if of_session || self.has_set || self.has_own_settings || self.doubt.is_own() {
            return Bound::Once(
                "what it does hangs on what its session has set or made (SET, temporary tables, changes of tables): send it in a new one",
            );
        }
        // The same text with `$1` of another type may be another operator: days, or seconds. What is left to the server
        // it reads the same each time.
        let types = statement.map(|it| it.declared()).unwrap_or_default();
        let given = types.iter().rposition(|oid| *oid != 0).map_or(0, |last| last + 1);
        let types = types.iter().take(given).flat_map(|oid| oid.to_be_bytes());
        let reads_by = self.reads_by.iter().flat_map(|(name, value)| [name, "=", value, "\0"]);
        Bound::Text(sql::canonical_text, reads_by.flat_map(str::bytes).chain([0]).chain(types).collect())
    }

    /// By which types of its parameters another session would read a command as this one does; unless what it does hangs on
    /// what this one is, has set, made or changed.
    pub(super) fn alike(&self, kind: &Kind, of_session: bool) -> Result<Alike, &'static str> {
        let is_plain = |it: &(Box<str>, Box<str>)| !it.1.contains(['\'', '\\']);
        if self.has_set || self.has_own_settings || self.doubt.is_own() || !self.reads_by.iter().all(is_plain)
        {
            return Err("what it does hangs on what its session has set or made");
        }
        if of_session {
            return Err("what it does hangs on its session");
        }
        let types = match kind {
            Kind::Execute { bound, .. } => bound.statement.declared().into(),
            Kind::Query | Kind::Parse { .. } => Box::default(),
        };
        let others = "its transaction sees something else than others do";
        let sees_others = (self.has_written || self.keeps_snapshot).then_some(others);
        Ok(Alike { types, reads_by: self.reads_by.clone(), sees_others })
    }
}

/// Whether a command may change how later ones of its session are read: a setting, by whatever way. `by_text`: whether by its
/// text, if that is known.
pub(super) fn sets(facts: &Facts, by_text: Option<bool>) -> bool {
    let of_session = facts.uses.iter().any(|it| it.action == access::Action::Session);
    let by_call = facts.functions.iter().any(|name| name.ends_with("set_config"));
    let leaves = |kind: &str| LEAVES_SETTINGS.contains(&kind) || (by_text == Some(false) && kind == "set");
    let leaves_all = facts.kinds.iter().all(|kind| leaves(kind));
    by_call || by_text == Some(true) || (of_session && facts.effect != access::Effect::None && !leaves_all)
}

/// What is done to a session alone, and leaves its settings as they are, or as they were when it began.
const LEAVES_SETTINGS: [&str; 20] = [
    "begin",
    "commit",
    "rollback",
    "savepoint",
    "release",
    "rollback to",
    "prepare transaction",
    "commit prepared",
    "rollback prepared",
    "prepare",
    "deallocate",
    "declare cursor",
    "fetch",
    "move",
    "close",
    "discard",
    "reset",
    "listen",
    "unlisten",
    "notify",
];
