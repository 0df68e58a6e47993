//! Reports that are made of all entries of a period: one line an account, a connection, a request.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use access::Timestamp;

use super::draw::Sink;
use super::report::Report;
use super::row;
use crate::{Command, Entry, Event, Indication, StageWord, StatusWord};

mod request;

pub(super) use request::{COLUMNS as REQUESTS, Requests, SHOWN as REQUESTS_SHOWN};

/// What is counted of how a command ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) status: Option<StatusWord>,
    pub(super) rows: u64,
    pub(super) masked: u64,
    pub(super) bytes: u64,
    pub(super) tokens: u64,
}

impl Ended {
    pub(super) fn of(outcome: &Event) -> Self {
        let Event::Outcome { status, rows, masked, bytes, said, .. } = outcome else {
            return Self::default();
        };
        let tokens = said.as_ref().map_or(0, |said| said.tokens());
        Self { status: Some(*status), rows: *rows, masked: *masked, bytes: *bytes, tokens }
    }
}

/// From when to when something was seen, by the clock: entries need not come in its order.
#[derive(Debug, Default)]
struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    fn take(&mut self, time: Timestamp) {
        let (first, last) = self.0.unwrap_or((time, time));
        self.0 = Some((first.min(time), last.max(time)));
    }

    fn told(&self) -> [String; 2] {
        self.0.map(|(first, last)| [first, last].map(row::time)).unwrap_or_default()
    }
}

/// Items by key, up to a bound; what comes after that is in one item for all the others.
#[derive(Debug)]
struct Bounded<K, V> {
    items: BTreeMap<K, V>,
    others: Option<Box<V>>,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), others: None }
    }
}

impl<K: Ord, V: Default> Bounded<K, V> {
    fn at(&mut self, key: K) -> &mut V {
        if self.items.len() >= ITEMS_MAX && !self.items.contains_key(&key) {
            return self.others.get_or_insert_default();
        }
        self.items.entry(key).or_default()
    }
}

// --- accounts ------------------------------------------------------------------------------------------------

/// Everybody who did anything (7.2.4, 7.2.5.1, 8.2.1).
#[derive(Debug, Default)]
pub(super) struct Accounts(Bounded<[Box<str>; 4], Account>);

#[derive(Debug, Default)]
struct Account {
    person: Box<str>,
    groups: String,
    connections: BTreeSet<Box<str>>,
    span: Span,
    sessions: u64,
    commands: u64,
    refused: u64,
    admin: u64,
    labelled: u64,
    answers: u64,
    masked: u64,
}

impl Accounts {
    pub(super) fn take(&mut self, entry: &Entry) {
        let Some(account) = self.of(entry) else { return };
        account.span.take(entry.time);
        if let Some(connection) = &entry.connection
            && account.connections.len() < NAMES_MAX
        {
            account.connections.insert((&**connection).into());
        }
        match &entry.event {
            Event::SessionOpened { .. } => account.sessions += 1,
            Event::SessionRefused { .. } => account.refused += 1,
            Event::CommandIntent { command, .. } if command.stage == StageWord::Run => {
                account.commands += 1;
                account.admin += u64::from(command.mode.as_deref() == Some("admin"));
                account.labelled += u64::from(!command.facts.columns.is_empty());
            }
            Event::CommandRefused { .. } => account.refused += 1,
            Event::ApprovalAnswered { .. } | Event::GlassBroken { .. } | Event::GlassReviewed { .. } => {
                account.answers += 1;
            }
            _ => {}
        }
    }

    pub(super) fn end(&mut self, intent: &Entry, ended: &Ended) {
        if let Some(account) = self.of(intent) {
            account.masked += ended.masked;
        }
    }

    fn of(&mut self, entry: &Entry) -> Option<&mut Account> {
        let who = entry.principal.as_ref()?;
        let account = self.0.at([who.kind.clone(), who.id.clone(), who.issuer.clone(), who.subject.clone()]);
        account.person = who.person.clone().unwrap_or_default();
        account.groups = who.groups.join("; ");
        Some(account)
    }

    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        let others = self.0.others.iter().map(|account| (["", "(others)", "", ""], &**account));
        let all = self.0.items.iter().map(|(key, account)| (key.each_ref().map(|it| &**it), account));
        for ([kind, id, issuer, subject], it) in all.chain(others) {
            let connections = it.connections.iter().map(|it| &**it).collect::<Vec<_>>().join("; ");
            let [first, last] = it.span.told();
            let numbers =
                [it.sessions, it.commands, it.refused, it.admin, it.labelled, it.masked, it.answers];
            let [sessions, commands, refused, admin, labelled, masked, answers] =
                numbers.map(|number| number.to_string());
            sink(
                Report::Accounts,
                &[
                    kind,
                    id,
                    issuer,
                    subject,
                    &it.person,
                    &it.groups,
                    &connections,
                    &first,
                    &last,
                    &sessions,
                    &commands,
                    &refused,
                    &admin,
                    &labelled,
                    &masked,
                    &answers,
                ],
            )?;
        }
        Ok(())
    }
}

pub(super) const ACCOUNTS: [&str; 16] = [
    "kind",
    "principal",
    "issuer",
    "subject",
    "person",
    "groups_last_seen",
    "connections",
    "first_seen",
    "last_seen",
    "sessions",
    "commands",
    "refused",
    "as_administrator",
    "on_labelled_columns",
    "values_masked",
    "answers_given",
];

// --- paths ---------------------------------------------------------------------------------------------------

/// By which ways each connection was queried (7.2.6), and how much went there.
#[derive(Debug, Default)]
pub(super) struct Paths(Bounded<[Box<str>; 3], Path>);

#[derive(Debug, Default)]
struct Path {
    principals: BTreeSet<Box<str>>,
    sessions: u64,
    commands: u64,
    templates: u64,
    refused: u64,
    labelled: u64,
    rows: u64,
    masked: u64,
    bytes: u64,
    tokens: u64,
}

impl Paths {
    pub(super) fn take(&mut self, entry: &Entry) {
        match &entry.event {
            Event::SessionOpened { mode, .. } => self.at(entry, mode).sessions += 1,
            Event::CommandIntent { command, .. } if command.stage == StageWord::Run => {
                let path = self.at(entry, &command.mode);
                path.commands += 1;
                path.templates += u64::from(command.facts.template.is_some());
                path.labelled += u64::from(!command.facts.columns.is_empty());
                if let Some(who) = &entry.principal
                    && path.principals.len() < PRINCIPALS_MAX
                {
                    path.principals.insert(who.id.clone());
                }
            }
            Event::CommandRefused { command, .. } => self.at(entry, &command.mode).refused += 1,
            _ => {}
        }
    }

    pub(super) fn end(&mut self, intent: &Entry, command: &Command, ended: &Ended) {
        let path = self.at(intent, &command.mode);
        path.rows = path.rows.saturating_add(ended.rows);
        path.masked = path.masked.saturating_add(ended.masked);
        path.bytes = path.bytes.saturating_add(ended.bytes);
        path.tokens = path.tokens.saturating_add(ended.tokens);
    }

    fn at(&mut self, entry: &Entry, mode: &Option<Box<str>>) -> &mut Path {
        let name = |name: &Option<std::sync::Arc<str>>| name.as_deref().unwrap_or_default().into();
        self.0.at([name(&entry.connection), name(&entry.lane), row::mode_of(mode).into()])
    }

    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        let others = self.0.others.iter().map(|path| (["(others)", "", ""], &**path));
        let all = self.0.items.iter().map(|(key, path)| (key.each_ref().map(|it| &**it), path));
        for ([connection, lane, mode], it) in all.chain(others) {
            let numbers = [
                it.principals.len() as u64,
                it.sessions,
                it.commands,
                it.templates,
                it.refused,
                it.labelled,
                it.rows,
                it.masked,
                it.bytes,
                it.tokens,
            ];
            let numbers = numbers.map(|number| number.to_string());
            let cells: Vec<&str> =
                [connection, lane, mode].into_iter().chain(numbers.iter().map(String::as_str)).collect();
            sink(Report::Paths, &cells)?;
        }
        Ok(())
    }
}

pub(super) const PATHS: [&str; 13] = [
    "connection",
    "lane",
    "mode",
    "principals",
    "sessions",
    "commands",
    "of_them_templates",
    "refused",
    "on_labelled_columns",
    "rows",
    "values_masked",
    "bytes_released",
    "tokens",
];

// --- access --------------------------------------------------------------------------------------------------

/// Who had to do with labelled data, and where (10.2.1.1).
#[derive(Debug, Default)]
pub(super) struct AccessBy(Bounded<[Box<str>; 4], Access>);

#[derive(Debug, Default)]
struct Access {
    person: Box<str>,
    classes: BTreeSet<Box<str>>,
    columns: BTreeSet<Box<str>>,
    span: Span,
    commands: u64,
    rows: u64,
    masked: u64,
    ended_well: u64,
}

impl AccessBy {
    /// Takes a command that is in the report on access.
    pub(super) fn end(&mut self, intent: &Entry, command: &Command, ended: &Ended) {
        let who = intent.principal.as_deref();
        let [kind, id, issuer] =
            who.map_or_else(Default::default, |who| [who.kind.clone(), who.id.clone(), who.issuer.clone()]);
        let connection = intent.connection.as_deref().unwrap_or_default().into();
        let it = self.0.at([kind, id, issuer, connection]);
        it.person = who.and_then(|who| who.person.clone()).unwrap_or_default();
        for column in &command.facts.columns {
            if it.classes.len() < NAMES_MAX {
                it.classes.insert(column.class.clone());
            }
            if it.columns.len() < NAMES_MAX {
                it.columns.insert(column.column.clone());
            }
        }
        it.span.take(intent.time);
        it.commands += 1;
        it.rows = it.rows.saturating_add(ended.rows);
        it.masked = it.masked.saturating_add(ended.masked);
        it.ended_well += u64::from(ended.status == Some(StatusWord::Completed));
    }

    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        let others = self.0.others.iter().map(|it| (["", "(others)", "", ""], &**it));
        let all = self.0.items.iter().map(|(key, it)| (key.each_ref().map(|part| &**part), it));
        for ([kind, id, issuer, connection], it) in all.chain(others) {
            let list =
                |names: &BTreeSet<Box<str>>| names.iter().map(|it| &**it).collect::<Vec<_>>().join("; ");
            let (classes, columns) = (list(&it.classes), list(&it.columns));
            let [first, last] = it.span.told();
            let [commands, completed, rows, masked] =
                [it.commands, it.ended_well, it.rows, it.masked].map(|number| number.to_string());
            let cells = [
                kind, id, issuer, &it.person, connection, &classes, &columns, &first, &last, &commands,
                &completed, &rows, &masked,
            ];
            sink(Report::AccessBy, &cells)?;
        }
        Ok(())
    }
}

pub(super) const ACCESS_BY: [&str; 13] = [
    "kind",
    "principal",
    "issuer",
    "person",
    "connection",
    "classes",
    "columns",
    "first",
    "last",
    "commands",
    "completed",
    "rows",
    "values_masked",
];

// --- versions ------------------------------------------------------------------------------------------------

/// Which policies and configuration were in force (6.5.1, 10.2.1.7).
#[derive(Debug, Default)]
pub(super) struct Versions(Bounded<(&'static str, Box<str>), Version>);

#[derive(Debug, Default)]
struct Version {
    first: Option<(u64, Timestamp)>,
    last: Option<(u64, Timestamp)>,
    /// The entries that say that it took over.
    taken: Vec<String>,
    decided: u64,
}

impl Versions {
    pub(super) fn take(&mut self, index: u64, entry: &Entry) {
        match &entry.event {
            Event::GatewayStarted { policies, configuration, .. } => {
                for (kind, version) in [("policies", policies), ("configuration", configuration)] {
                    if !version.is_empty() {
                        self.seen(kind, version, index, entry);
                    }
                }
            }
            Event::PolicyChanged { version, previous } => {
                self.change("policies", version, previous, index, entry)
            }
            Event::ConfigurationChanged { version, previous } => {
                self.change("configuration", version, previous, index, entry);
            }
            Event::SessionOpened { policy_version, .. }
            | Event::CommandIntent { policy_version, .. }
            | Event::CommandRefused { policy_version, .. }
            | Event::ApprovalAsked { policy_version, .. }
                if !policy_version.is_empty() =>
            {
                self.seen("policies", policy_version, index, entry).decided += 1;
            }
            _ => {}
        }
    }

    fn change(&mut self, kind: &'static str, version: &str, previous: &str, index: u64, entry: &Entry) {
        self.seen(kind, previous, index, entry);
        let version = self.seen(kind, version, index, entry);
        if version.taken.len() < NAMES_MAX {
            version.taken.push(index.to_string());
        }
    }

    fn seen(&mut self, kind: &'static str, version: &str, index: u64, entry: &Entry) -> &mut Version {
        let version = self.0.at((kind, version.into()));
        let here = (index, entry.time);
        version.first.get_or_insert(here);
        version.last = Some(here);
        version
    }

    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        let others = self.0.others.iter().map(|it| (("", "(others)"), &**it));
        let all = self.0.items.iter().map(|((kind, version), it)| ((*kind, &**version), it));
        let mut all: Vec<_> = all.chain(others).collect();
        all.sort_by_key(|((kind, _), it)| (*kind, it.first.map(|(index, _)| index)));
        for ((kind, version), it) in all {
            let [(first_index, first), (last_index, last)] = [it.first, it.last]
                .map(|at| at.map(|(index, time)| (index.to_string(), row::time(time))).unwrap_or_default());
            let (taken, decided) = (it.taken.join("; "), it.decided.to_string());
            let cells = [kind, version, &first, &last, &first_index, &last_index, &taken, &decided];
            sink(Report::Versions, &cells)?;
        }
        Ok(())
    }
}

pub(super) const VERSIONS: [&str; 8] =
    ["kind", "version", "from", "to", "first_index", "last_index", "took_over_at_index", "decisions_by_it"];

// --- events --------------------------------------------------------------------------------------------------

/// How many entries of each type there are, and whether all says who, whence and what (10.2.1, 10.2.2).
#[derive(Debug, Default)]
pub(super) struct Events(BTreeMap<&'static str, Type>);

#[derive(Debug, Default)]
struct Type {
    entries: u64,
    failures: u64,
    first: Option<u64>,
    last: u64,
    without_user: u64,
    without_origin: u64,
    without_resource: u64,
}

impl Events {
    pub(super) fn take(&mut self, index: u64, entry: &Entry) {
        let it = self.0.entry(entry.event.name()).or_default();
        it.entries += 1;
        it.failures += u64::from(entry.event.indication() == Indication::Failure);
        it.first.get_or_insert(index);
        it.last = index;
        // What the gateway does by itself has no user and comes from nowhere else.
        if entry.session.is_some() || entry.event.of_request().is_some() {
            it.without_user += u64::from(entry.principal.is_none());
            it.without_origin += u64::from(entry.from.is_none());
            it.without_resource += u64::from(entry.connection.is_none());
        }
    }

    pub(super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        for (name, it) in &self.0 {
            let first = it.first.unwrap_or_default();
            let numbers = [
                it.entries,
                it.failures,
                first,
                it.last,
                it.without_user,
                it.without_origin,
                it.without_resource,
            ];
            let numbers = numbers.map(|number| number.to_string());
            let cells: Vec<&str> = [*name].into_iter().chain(numbers.iter().map(String::as_str)).collect();
            sink(Report::Events, &cells)?;
        }
        Ok(())
    }
}

pub(super) const EVENTS: [&str; 8] = [
    "event",
    "entries",
    "failures",
    "first_index",
    "last_index",
    "without_user",
    "without_origin",
    "without_resource",
];

/// Accounts, or connections by mode, that are told apart. Each is some hundred bytes.
const ITEMS_MAX: usize = 50_000;

/// Names that are listed in one cell.
const NAMES_MAX: usize = 100;

/// Principals that are counted of one connection.
const PRINCIPALS_MAX: usize = 10_000;
