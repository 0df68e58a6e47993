use std::fmt;

use crate::{Call, DataClass, Endpoint};

/// What panguard understands of one command, in words that every protocol shares.
///
/// Facts hold names (those among them that a document's members are given) and kinds, never a value of the command but of
/// fields that policies ask for ([`Call::fields`]): the same facts serve every command of the same shape, so that they and
/// the decision on them can be cached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What each statement is, in order, in the protocol's own lower-case words: `select`, `drop table`.
    pub kinds: Vec<Box<str>>,
    /// What it does to what. Each is put to policy; one refusal refuses the command.
    pub uses: Vec<Use>,
    /// Where columns with a data class are used, beyond or in the answer.
    pub columns: Vec<ColumnUse>,
    /// The answers in which something is made of such columns, in the order of their statements.
    pub answers: Vec<Answer>,
    /// Classes whose values what the upstream says of the command may tell of, in an error or a notice: of the columns
    /// that it uses, and of what it sets off (checks, triggers, foreign keys, functions). Each once.
    pub in_reach: Vec<DataClass>,
    /// How many values of its own it compares with such columns, for those at [`Position::Matched`].
    pub matches: Vec<Match>,
    /// Whether it names a column that nobody knows of: one that does not exist, or is younger than what is known.
    pub unknown_columns: bool,
    /// Functions called, by name, that are not known to be harmless; also in `uses` as `call`.
    pub functions: Vec<Box<str>>,
    /// Whether every statement that changes rows of a table names which rows (`WHERE`).
    pub has_where: bool,
    /// The registered statement that it is, if it is one.
    pub template: Option<Box<str>>,
    /// What it is as an HTTP request, if it is one.
    pub call: Option<Box<Call>>,
    /// What it may leave behind.
    pub effect: Effect,
    /// What was not understood, each named so that a policy can name it as allowed. Empty: understood.
    pub not_understood: Vec<Box<str>>,
}

/// Whether the number of rows that a database says it has touched is all that statements of these kinds touch by themselves.
pub fn counts_rows(kinds: &[Box<str>]) -> bool {
    matches!(kinds, [kind] if COUNTED.contains(&&**kind))
}

/// Kinds of statements whose tag is how many rows they have touched.
const COUNTED: [&str; 4] = ["insert", "update", "delete", "merge"];

/// Whether a command can leave something behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It only reads. Such a command may go upstream while its entry is being flushed.
    None,
    /// It changes the session (a setting, a transaction's end, a prepared statement). Ending a
    /// transaction has an effect on data, so this waits for its entry like `Data`.
    Session,
    /// It can change data or anything that outlives the session; also whatever is not understood.
    #[default]
    Data,
}

/// One thing that a command does to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Use {
    /// What is done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}

/// What may be done; each is an action of the policy schema, by the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// To open a session on a connection.
    Connect,
    /// To read rows, or to compute without touching a table.
    Read,
    /// To change rows.
    Write,
    /// To change what exists: DDL, grants, maintenance.
    Administer,
    /// To call a function or procedure that is not known to be harmless; to ask a model.
    Call,
    /// To change the session alone: transactions, settings, prepared statements, LISTEN.
    Session,
    /// To see, use or copy the values of a data class.
    Reveal,
    /// To compare values of a data class with few that one holds: each tells whether it is there.
    Match,
}

impl Action {
    /// Every action, in the order of the schema.
    pub const ALL: [Self; 8] = [
        Self::Connect,
        Self::Read,
        Self::Write,
        Self::Administer,
        Self::Call,
        Self::Session,
        Self::Reveal,
        Self::Match,
    ];

    /// The action's id in policies and entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Read => "read",
            Self::Write => "write",
            Self::Administer => "administer",
            Self::Call => "call",
            Self::Session => "session",
            Self::Reveal => "reveal",
            Self::Match => "match",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What something is done to, within the session's connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// The connection as a whole: `SELECT 1`, `BEGIN`, `CREATE ROLE`.
    Connection,
    /// A schema by name: `CREATE TABLE` needs `administer` on it.
    Schema(Box<str>),
    /// A table, view or the like, as `schema.name`. A name that the catalog does not hold has the
    /// schema `?`.
    Table(Box<str>),
    /// A function or procedure, by its name as written, or `schema.name` when qualified.
    Function(Box<str>),
    /// An endpoint of an HTTP connection.
    Endpoint(Box<Endpoint>),
    /// A model, by the name that its provider gives it.
    Model(Box<str>),
    /// A data class, for `reveal` and `match`.
    Class(DataClass),
}

/// The answer of one statement in which something is made of columns with a data class: where, so that it can be
/// told redacted. The upstream's own description must agree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Which statement of the command, from 0.
    pub statement: u32,
    /// How many columns it has.
    pub width: u32,
    /// The columns at [`Position::Derived`], from 0, with a class of what each is made of; ordered by both.
    pub derived: Vec<(u32, DataClass)>,
    /// Where in such columns that are documents the values are, of those columns of which that is known of all.
    pub members: Vec<Member>,
}

/// A place in the documents of one column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    /// Which column, from 0.
    pub column: u32,
    /// A path (RFC 9535).
    pub path: Box<str>,
    /// What the value there holds or is made of; ordered, at least one.
    pub classes: Vec<DataClass>,
    /// Whether it is there as it stands, so that the mask of its class fits; otherwise nothing of it may show.
    pub stands: bool,
}

/// How many values a command compares one column with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Match {
    /// `schema.table.column`.
    pub column: Box<str>,
    /// What it holds.
    pub class: DataClass,
    /// How many values of the command's own: each is a guess at what the column holds.
    pub values: u32,
    /// The column whose values it holds, if not its own (of a partition, of what a foreign key refers to, of a view):
    /// there they are counted.
    pub values_of: Option<Box<str>>,
}

impl Facts {
    /// The same where what it compares with may stand for many values at once: then its columns are computed on.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.matches.clear();
        for used in self.columns.iter_mut().filter(|used| used.position == Position::Matched) {
            used.position = Position::Computed;
        }
        self
    }
}

impl Match {
    /// The column by which its values are counted.
    pub fn counted(&self) -> &str {
        self.values_of.as_deref().unwrap_or(&self.column)
    }

    /// Counts `more` with what `all` holds: of one column and class there is one.
    pub fn add(all: &mut Vec<Self>, more: &Self) {
        let same = |known: &&mut Self| known.column == more.column && known.class == more.class;
        match all.iter_mut().find(same) {
            Some(known) => known.values = known.values.saturating_add(more.values),
            None => all.push(more.clone()),
        }
    }
}

/// A column that holds a data class, and what the command does with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnUse {
    /// `schema.table.column`.
    pub column: Box<str>,
    /// What it holds.
    pub class: DataClass,
    /// What is done with it.
    pub position: Position,
}

/// What a command does with a sensitive column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    /// Given in the answer as it stands, where its mask applies. Needs no right to reveal.
    Output,
    /// Made into a column of the answer by what cannot fail for one value and not for another, and shapes nothing
    /// else: that column is redacted, so it needs no right to reveal. See [`Facts::answers`].
    Derived,
    /// Computed upon, compared, sorted or counted by, or copied elsewhere: the answer would tell of the
    /// value in a form that no mask can reach, so it needs the right to `reveal`.
    Computed,
    /// Compared for equality with values that the command holds, or given one in a way that tells whether it is there
    /// already (a unique index). What comes of it depends on the column by these comparisons alone, so it takes the right
    /// to `match`, or to `reveal`. See [`Facts::matches`].
    Matched,
    /// Given a new value that the principal already holds (`INSERT`, `SET pan = $1`). Needs no right to
    /// reveal.
    Assigned,
}
