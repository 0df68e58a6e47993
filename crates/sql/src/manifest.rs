//! What PostgreSQL and the extensions of its own distribution bring, per major version, and what each can
//! reveal or do: functions, relations, settings.
//!
//! The data are in `manifest/*.tsv`, one line per name. What is in no manifest is nobody's known thing:
//! whoever asks here and gets no class has to take the strictest view. A line that cannot be read has the
//! class [`Class::Unreadable`], which is the strictest too; a test says that there is none.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::LazyLock;

/// Functions, by the worst of their overloads.
pub(crate) static FUNCTIONS: LazyLock<Manifest> =
    LazyLock::new(|| Manifest::read(include_str!("manifest/functions.tsv")));

/// Relations of `pg_catalog` and `information_schema`, and of extensions.
pub(crate) static RELATIONS: LazyLock<Manifest> =
    LazyLock::new(|| Manifest::read(include_str!("manifest/relations.tsv")));

/// Settings, in lower case.
pub(crate) static SETTINGS: LazyLock<Manifest> =
    LazyLock::new(|| Manifest::read(include_str!("manifest/settings.tsv")));

/// Columns of PostgreSQL's own relations that show more than the rest of them, with their relations.
pub(crate) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("manifest/columns.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

/// Where texts of definitions are told: the sort of text, the relation or the function, and the column; of a function `()`, or
/// `(column)` of what it is given.
pub(crate) fn texts() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = include_str!("manifest/texts.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let (place, what) = line.split_once('\t')?;
        what.split_once('\t').map(|(what, column)| (place, what, column))
    })
}

/// A major version of PostgreSQL, from 10 on.
pub(crate) type Major = u8;

/// One file of the manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    by_name: HashMap<&'static str, Vec<Row>>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    class: Class,
    /// First and last major version.
    versions: (Major, Major),
    /// Whether the server itself brings it, and not an extension.
    server: bool,
}

impl Row {
    fn is_in(&self, major: Option<Major>) -> bool {
        major.is_none_or(|major| (self.versions.0..=self.versions.1).contains(&major))
    }
}

impl Manifest {
    fn read(text: &'static str) -> Self {
        let mut by_name: HashMap<&'static str, Vec<Row>> = HashMap::new();
        let mut server = false;
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') {
                server = line == "[postgresql]";
                continue;
            }
            let (name, row) = read_row(line, server);
            by_name.entry(name).or_default().push(row);
        }
        Self { by_name }
    }

    /// What the server itself brings under this name in a major version; in any, when it is not known.
    pub fn of_server(&self, name: &str, major: Option<Major>) -> Option<Class> {
        let rows = self.by_name.get(name)?.iter();
        rows.filter(|row| row.server && row.is_in(major)).map(|row| row.class).max()
    }

    /// The worst that this name means, brought by the server in this version or by an extension in any.
    pub fn worst(&self, name: &str, major: Option<Major>) -> Option<Class> {
        let rows = self.by_name.get(name)?.iter();
        rows.filter(|row| !row.server || row.is_in(major)).map(|row| row.class).max()
    }
}

/// Reads `name<tab>class<tab>versions`. What cannot be read is [`Class::Unreadable`], in every version.
fn read_row(line: &'static str, server: bool) -> (&'static str, Row) {
    let mut fields = line.split('\t');
    let name = fields.next().unwrap_or(line);
    let class = fields.next().and_then(|word| word.parse().ok());
    let versions = fields.next().and_then(read_versions);
    let row = match (class, versions, fields.next()) {
        (Some(class), Some(versions), None) => Row { class, versions, server },
        _ => Row { class: Class::Unreadable, versions: (Major::MIN, Major::MAX), server },
    };
    (name, row)
}

/// Reads `15`, `13-`, `-16`, `14-16` or `-`.
fn read_versions(text: &str) -> Option<(Major, Major)> {
    let bound = |text: &str, open: Major| if text.is_empty() { Some(open) } else { text.parse().ok() };
    match text.split_once('-') {
        Some((first, last)) => Some((bound(first, Major::MIN)?, bound(last, Major::MAX)?)),
        None => text.parse().ok().map(|only| (only, only)),
    }
}

/// What something is, the harmless first: of several, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A function that makes something of its arguments alone.
    Computes,
    /// Tells of the session, or of what exists.
    Tells,
    /// Lets time pass.
    Waits,
    /// A setting: how values are shown.
    Shows,
    /// A setting: how queries are planned.
    Plans,
    /// A setting: by which ways rows are looked for, and so in which order they come.
    Scans,
    /// A setting: time and memory.
    Limits,
    /// A setting: how transactions behave.
    Transaction,
    /// Changes the session alone, and nothing that is understood.
    Session,
    /// Takes or gives back advisory locks.
    Locks,
    /// Leaves behind what is plain to see.
    Leaves,
    /// A setting that may have some values only.
    Valued,
    /// Changes settings by their names.
    Settings,
    /// Shows one expression of a definition.
    Expressions,
    /// Other sessions.
    Sessions,
    /// The server's files.
    Files,
    /// How the server itself is doing.
    Server,
    /// Changes data, large objects, statistics, replication or the server.
    Writes,
    /// Implements types, operators and the like.
    Internal,
    /// A setting: how text is read.
    Parses,
    /// A setting: who the session is and what is checked.
    Identity,
    /// A setting: what the server notes and tells.
    Logs,
    /// A setting: where code comes from.
    Runs,
    /// Texts of statements.
    Statements,
    /// Whole definitions.
    Definitions,
    /// Users' values past their columns.
    Values,
    /// Credentials.
    Credentials,
    /// Writes the catalog itself.
    Catalog,
    /// Runs SQL given as text.
    RunsSql,
    /// A line of a manifest that is none.
    Unreadable,
}

impl FromStr for Class {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        WORDS.iter().find(|(known, _)| *known == word).map(|(_, class)| *class).ok_or(())
    }
}

/// The classes by the words of the files.
const WORDS: [(&str, Class); 29] = [
    ("computes", Class::Computes),
    ("tells", Class::Tells),
    ("waits", Class::Waits),
    ("shows", Class::Shows),
    ("plans", Class::Plans),
    ("scans", Class::Scans),
    ("limits", Class::Limits),
    ("transaction", Class::Transaction),
    ("session", Class::Session),
    ("locks", Class::Locks),
    ("leaves", Class::Leaves),
    ("valued", Class::Valued),
    ("settings", Class::Settings),
    ("expressions", Class::Expressions),
    ("sessions", Class::Sessions),
    ("files", Class::Files),
    ("server", Class::Server),
    ("writes", Class::Writes),
    ("internal", Class::Internal),
    ("parses", Class::Parses),
    ("identity", Class::Identity),
    ("logs", Class::Logs),
    ("runs", Class::Runs),
    ("statements", Class::Statements),
    ("definitions", Class::Definitions),
    ("values", Class::Values),
    ("credentials", Class::Credentials),
    ("catalog", Class::Catalog),
    ("runs-sql", Class::RunsSql),
];

#[cfg(test)]
mod tests;
