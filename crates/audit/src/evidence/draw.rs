use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use access::{RequestId, Timestamp};

use super::report::Report;
use super::row::Row;
use super::tally::{AccessBy, Accounts, Ended, Events, Paths, Requests, Versions};
use crate::{Command, Entry, Event, StageWord, StatusWord};

/// Where lines of reports go, one after the other.
pub type Sink<'a> = dyn FnMut(Report, &[&str]) -> io::Result<()> + 'a;

/// Draws all reports of a period from the log's entries, which are given to it in order.
///
/// It holds the commands that have not ended, and for reports by account, connection and request one item for each of
/// these; all of them up to a bound.
pub struct Draw {
    period: Range<Timestamp>,
    open: BTreeMap<RequestId, (u64, Entry)>,
    /// The entry before, and its time.
    last: Option<(u64, Timestamp)>,
    access: AccessBy,
    accounts: Accounts,
    paths: Paths,
    requests: Requests,
    versions: Versions,
    events: Events,
}

impl Draw {
    /// Of the entries in `period`.
    pub fn new(period: Range<Timestamp>) -> Self {
        Self {
            period,
            open: BTreeMap::new(),
            last: None,
            access: AccessBy::default(),
            accounts: Accounts::default(),
            paths: Paths::default(),
            requests: Requests::default(),
            versions: Versions::default(),
            events: Events::default(),
        }
    }

    /// Whether an entry is of the period.
    pub fn is_of(&self, entry: &Entry) -> bool {
        self.period.contains(&entry.time)
    }

    /// Takes the next entry. Of one that is not of the period it takes how a command of the period ended, and what came
    /// before of requests for approval.
    ///
    /// # Errors
    /// The sink's.
    pub fn take(&mut self, index: u64, entry: &Entry, sink: &mut Sink<'_>) -> io::Result<()> {
        if let (Event::Outcome { .. }, Some(request)) = (&entry.event, entry.request)
            && let Some((asked, intent)) = self.open.remove(&request)
        {
            self.end(asked, &intent, Some((index, &entry.event)), sink)?;
        }
        let before = self.last.replace((index, entry.time));
        if let Event::GatewayStarted { .. } = entry.event {
            // Whatever ran before it can end no more.
            self.give_up(sink)?;
        }
        let is_of = self.is_of(entry);
        // What was asked for before the period may be used in it.
        let asked = self.period.start.plus_seconds(-BEFORE_SECONDS)..self.period.end;
        if asked.contains(&entry.time) {
            self.requests.take(index, entry, is_of);
        }
        if !is_of {
            return Ok(());
        }
        self.events.take(index, entry);
        self.versions.take(index, entry);
        self.accounts.take(entry);
        self.paths.take(entry);
        match (&entry.event, entry.request) {
            (Event::CommandIntent { command, .. }, Some(request)) if command.stage == StageWord::Run => {
                if let Some((index, before)) = self.open.insert(request, (index, entry.clone())) {
                    self.end(index, &before, None, sink)?;
                }
                if self.open.len() > OPEN_MAX
                    && let Some(oldest) = self.oldest()
                    && let Some((index, intent)) = self.open.remove(&oldest)
                {
                    self.end(index, &intent, None, sink)?;
                }
                Ok(())
            }
            (Event::GatewayStarted { .. }, _) => {
                let mut row = Row::new(index, entry);
                if let Some((index, time)) = before {
                    row.words = format!("the entry before is {index}, of {}", super::row::time(time));
                }
                list(entry, &row, sink)
            }
            _ => list(entry, &Row::new(index, entry), sink),
        }
    }

    fn oldest(&self) -> Option<RequestId> {
        self.open.iter().min_by_key(|(_, (index, _))| *index).map(|(request, _)| *request)
    }

    fn end(
        &mut self,
        index: u64,
        intent: &Entry,
        outcome: Option<(u64, &Event)>,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let Event::CommandIntent { command, approval, .. } = &intent.event else { return Ok(()) };
        let mut row = Row::new(index, intent);
        row.ended = "not recorded";
        let mut ended = Ended::default();
        if let Some((at, event)) = outcome {
            row.end(at, event);
            ended = Ended::of(event);
        }
        self.accounts.end(intent, &ended);
        self.paths.end(intent, command, &ended);
        for report in of_command(command, approval.is_some(), &ended) {
            if report == Report::Access {
                self.access.end(intent, command, &ended);
            }
            sink(report, &row.cells())?;
        }
        Ok(())
    }

    /// Tells of the commands that have not ended that their end is not recorded.
    fn give_up(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut open: Vec<_> = std::mem::take(&mut self.open).into_values().collect();
        open.sort_by_key(|(index, _)| *index);
        open.into_iter().try_for_each(|(index, intent)| self.end(index, &intent, None, sink))
    }

    /// What is left: commands without a recorded end, and the reports that are made of all entries.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish(mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        self.give_up(sink)?;
        self.access.tell(sink)?;
        self.requests.tell(sink)?;
        self.accounts.tell(sink)?;
        self.paths.tell(sink)?;
        self.versions.tell(sink)?;
        self.events.tell(sink)
    }
}

/// The reports on a command that might run, once it has ended.
fn of_command(command: &Command, approved: bool, ended: &Ended) -> Vec<Report> {
    let facts = &command.facts;
    let is_admin = command.mode.as_deref() == Some("admin");
    let mut reports = vec![Report::Commands];
    let mut when = |report, is: bool| reports.extend(is.then_some(report));
    when(Report::Access, !facts.columns.is_empty() || ended.masked > 0);
    when(Report::Administration, is_admin || administers(command));
    when(Report::Credentials, facts.kinds.iter().any(|kind| is_of_credentials(kind)));
    when(Report::Objects, facts.kinds.iter().any(|kind| is_of_objects(kind)));
    when(Report::Approvals, approved);
    when(Report::Withheld, matches!(ended.status, Some(StatusWord::Withheld | StatusWord::RolledBack)));
    reports
}

fn administers(command: &Command) -> bool {
    command.facts.uses.iter().any(|one| &*one.action == "administer")
}

/// Lists an entry in the reports that it is for.
fn list(entry: &Entry, row: &Row, sink: &mut Sink<'_>) -> io::Result<()> {
    let reports: &[Report] = match &entry.event {
        Event::LogCreated { .. }
        | Event::GatewayStarted { .. }
        | Event::GatewayStopped
        | Event::LogPruned { .. } => &[Report::LogLife],
        Event::SessionOpened { mode, .. } => match mode.as_deref() {
            Some("admin") => &[Report::Sessions, Report::Administration],
            Some(_) | None => &[Report::Sessions],
        },
        Event::SessionRefused { .. } | Event::AuthenticationFailed { .. } => {
            &[Report::Sessions, Report::Refusals]
        }
        Event::SessionClosed { .. } => &[Report::Sessions],
        Event::CommandIntent { .. } => &[Report::Commands],
        Event::CommandRefused { .. } => &[Report::Commands, Report::Refusals],
        Event::ApprovalAsked { .. }
        | Event::ApprovalSeen { .. }
        | Event::GrantAsked { .. }
        | Event::ApprovalEnded { .. } => &[Report::Approvals],
        Event::ApprovalAnswered { .. } | Event::GlassBroken { .. } | Event::GlassReviewed { .. } => {
            &[Report::Approvals, Report::Administration]
        }
        Event::ApprovalNotCounted { .. } => &[Report::Approvals, Report::Refusals],
        Event::Revealed { .. } => &[Report::Revealed],
        // It is told with its command.
        Event::Outcome { .. } => &[],
        Event::PolicyChanged { .. } | Event::ConfigurationChanged { .. } => {
            &[Report::Objects, Report::Administration]
        }
        Event::SecretChanged { .. } | Event::AccessRevoked { .. } | Event::AccessRestored { .. } => {
            &[Report::Credentials, Report::Administration]
        }
        Event::AccessLent { .. } => &[Report::Administration],
        Event::LogRead { .. } | Event::SinkGap { .. } => &[Report::LogAccess],
        Event::SinkMoved { .. } => &[Report::LogAccess, Report::Administration],
        Event::ControlFailed { .. } | Event::ControlRestored { .. } => &[Report::Controls],
    };
    reports.iter().try_for_each(|report| sink(*report, &row.cells()))
}

/// Whether a statement of this kind changes who may sign in or what they may do there (10.2.1.5).
fn is_of_credentials(kind: &str) -> bool {
    CREDENTIALS.contains(&kind)
}

/// Whether a statement of this kind makes, changes or drops an object (10.2.1.7).
fn is_of_objects(kind: &str) -> bool {
    OBJECTS.iter().any(|start| kind.starts_with(start))
}

const CREDENTIALS: [&str; 12] = [
    "create role",
    "alter role",
    "alter role set",
    "drop role",
    "grant",
    "revoke",
    "alter default privileges",
    "create user mapping",
    "alter user mapping",
    "drop user mapping",
    "reassign owned",
    "drop owned",
];

const OBJECTS: [&str; 5] = ["create ", "alter ", "drop ", "select into", "import foreign schema"];

/// How long before the period requests are looked for: a quarter of a year.
const BEFORE_SECONDS: i64 = 92 * 86_400;

/// Commands that have not ended yet, at some kilobytes each. A gateway has fewer sessions than that.
const OPEN_MAX: usize = 20_000;
