use std::pin::Pin;
use std::sync::Arc;

use access::{Before, Facts, Redacted, Resource};
use serde::{Deserialize, Serialize};

use super::{Difference, Sample};

/// Who finds out what a command would do, before people are asked about it.
pub trait Preview: Send + Sync {
    /// What it would do, in seconds at most. It may read at the protected system, and changes nothing there.
    fn of(&self, asked: Previewed) -> Previewing;
}

/// An [`Effect`] that is being found out.
pub type Previewing = Pin<Box<dyn Future<Output = Effect> + Send>>;

/// A command whose effect is wanted. All that it calls is known to be harmless.
#[derive(Debug, Clone)]
pub struct Previewed {
    /// Where.
    pub connection: Arc<str>,
    /// What is understood of it.
    pub facts: Arc<Facts>,
    /// Its text.
    pub command: Redacted<Arc<str>>,
    /// The types of its first parameters (`pg_type`; 0: left to the server).
    pub types: Box<[u32]>,
    /// Settings by which its session reads and writes values, by name; without a quote or a backslash.
    pub reads_by: Box<[(Box<str>, Box<str>)]>,
    /// Why its own session may see other rows, if it may: then none are shown.
    pub sees_others: Option<&'static str>,
    /// Whose it is: one at a time is found out of each.
    pub asker: Box<str>,
    /// Its parameters as text; NULL is `None`.
    pub parameters: Vec<Redacted<Option<String>>>,
    /// How what it changes is read beforehand, where that is one thing. Whoever asks may read it without an approval.
    pub before: Option<Arc<Before>>,
}

/// What a command would do, as far as that could be found out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What it changes: `public.cards`, sorted.
    pub tables: Vec<Box<str>>,
    /// How many rows it would touch, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Whether that is the planner's estimate instead of a count.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_estimate: bool,
    /// Why there is no count, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted: Option<Box<str>>,
    /// Whether each UPDATE and DELETE in it says which rows.
    pub has_where: bool,
    /// The strongest lock that it takes, and what that keeps others from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Box<str>>,
    /// A few of the rows that it would touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Why there are none, if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsampled: Option<Box<str>>,
    /// What it would change of a resource over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Difference>,
    /// Why that is not known, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undiffed: Option<Box<str>>,
}

impl Effect {
    /// What the facts alone say.
    pub fn of(facts: &Facts) -> Self {
        let changes =
            |it: &access::Use| matches!(it.action, access::Action::Write | access::Action::Administer);
        let mut tables: Vec<Box<str>> = facts
            .uses
            .iter()
            .filter(|it| changes(it))
            .filter_map(|it| match &it.resource {
                Resource::Table(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        tables.sort();
        tables.dedup();
        Self { tables, has_where: facts.has_where, lock: lock(facts), ..Self::default() }
    }
}

/// The strongest lock of what the statements are (PostgreSQL §13.3.1).
fn lock(facts: &Facts) -> Option<Box<str>> {
    let of = |kind: &str| match kind {
        "truncate"
        | "vacuum"
        | "cluster"
        | "drop table"
        | "drop view"
        | "drop materialized view"
        | "alter table"
        | "alter view"
        | "drop index"
        | "reindex"
        | "refresh materialized view" => Some(3),
        "create trigger" | "alter trigger" | "drop trigger" | "create rule" | "drop rule" => Some(2),
        "create index" => Some(1),
        _ => None,
    };
    let strongest = facts.kinds.iter().filter_map(|kind| of(kind)).max()?;
    Some(
        match strongest {
            3 => "up to ACCESS EXCLUSIVE: nobody reads or writes the table until its transaction ends",
            2 => "up to SHARE ROW EXCLUSIVE: nobody writes the table until its transaction ends",
            _ => "SHARE: nobody writes the table until the index is built",
        }
        .into(),
    )
}
