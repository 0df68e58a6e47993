//! A session, played in the terminal as it happened.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use access::{RequestId, Timestamp};
use audit::{Entry, Event, Field, Order, Search, StageWord};
use ship::line;

use super::find::{Wanted, find};
use crate::cli::output::{self, Exit, Format};
use crate::cli::plain::{plain, wrapped};
use crate::reads::How;

/// How fast: `None` is without waiting.
pub type Speed = Option<f64>;

/// Plays the session that `id` is, or is a request of; with `scan` whatever the index says.
pub fn replay(dir: &Path, id: &str, speed: Speed, scan: bool, format: Format) -> anyhow::Result<Exit> {
    let session = id.split_once('-').map_or(id, |(session, _)| session);
    // What people said of its requests belongs to sessions of their own, or to none.
    let requests = Search::Holds(Field::Request, format!("{session}-").into());
    let search = Search::Any(vec![Search::Is(Field::Session, session.into()), requests]);
    let wanted = Wanted { limit: usize::MAX, before: u64::MAX, order: Order::Oldest, scan };
    super::recorded(dir, How::Replay, 0..u64::MAX)?;
    // Which they are, and no more: it may be long, and playing it takes as long as it took.
    let mut indexes = Vec::new();
    find(dir, &search, &wanted, |index, _| {
        indexes.push(index);
        Ok(())
    })?;
    if indexes.is_empty() {
        eprintln!("there is no session `{}`; write its id, such as `3f9a61c0d4e8b752`", plain(session));
        return Ok(Exit::No);
    }
    let mut entries = audit::entries(dir, 0..u64::MAX);
    let mut play = Play::default();
    for index in indexes {
        entries.seek(index);
        let Some(entry) = entries.next() else { break };
        let (index, entry) = entry?;
        match format {
            Format::Json => super::print(index, &entry, Format::Json)?,
            Format::Text => {
                std::thread::sleep(play.pause(entry.time, speed));
                play.told(index, &entry).iter().for_each(output::line);
            }
        }
    }
    Ok(Exit::Fine)
}

/// How fast, as it is written.
pub fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (SPEED_MIN..=SPEED_MAX).contains(speed));
    speed.ok_or_else(|| format!("write how many times as fast, from {SPEED_MIN} to {SPEED_MAX}"))
}

/// How far it is played.
#[derive(Default)]
pub(super) struct Play {
    /// When it began, and when the last entry was.
    times: Option<(Timestamp, Timestamp)>,
    /// When commands that have not ended were let run.
    running: HashMap<RequestId, Timestamp>,
}

impl Play {
    /// One that began then.
    pub(super) fn begun(time: Option<Timestamp>) -> Self {
        Self { times: time.map(|time| (time, time)), running: HashMap::new() }
    }

    /// How long to wait for an entry of this time.
    fn pause(&mut self, time: Timestamp, speed: Speed) -> Duration {
        let (began, last) = self.times.unwrap_or((time, time));
        self.times = Some((began, time));
        // A clock that was set back makes no pause.
        let passed = u64::try_from(time.micros().saturating_sub(last.micros())).unwrap_or(0);
        let slowed = speed.map(|speed| Duration::from_micros(passed).div_f64(speed));
        slowed.unwrap_or_default().min(PAUSE_MAX)
    }

    /// An entry in lines for a terminal.
    pub(super) fn told(&mut self, index: u64, entry: &Entry) -> Vec<String> {
        let began = self.times.map_or(entry.time, |(began, _)| began);
        let number = entry.request.map_or(String::new(), |request| {
            let request = request.to_string();
            format!("  #{}", request.split_once('-').map_or(&*request, |(_, number)| number))
        });
        let mut what = self.what(entry);
        if let Some(took) = self.took(entry) {
            what.push_str(&format!(", after {} ms", took.as_millis()));
        }
        let mut lines = Vec::new();
        if matches!(entry.event, Event::SessionOpened { .. } | Event::SessionRefused { .. }) {
            lines.push(plain(&heading(entry)));
        }
        lines.push(plain(&format!("{}{number}  {what}  ({index})", since(began, entry.time))));
        lines.extend(
            text(&entry.event)
                .into_iter()
                .flat_map(|text| wrapped(text, COLUMNS))
                .map(|line| format!("    | {line}")),
        );
        if let Some(command) = entry.event.command().filter(|command| !command.parameters.is_empty()) {
            let parameters = command.parameters.iter().map(|one| match one {
                Some(value) => format!("'{value}'"),
                None => "NULL".to_owned(),
            });
            let parameters = parameters.collect::<Vec<_>>().join(", ");
            lines.extend(
                wrapped(&format!("with {parameters}"), COLUMNS).iter().map(|line| format!("    : {line}")),
            );
        }
        lines
    }

    fn what(&mut self, entry: &Entry) -> String {
        match &entry.event {
            Event::CommandIntent { command, policies, approval, .. } => {
                if let Some(request) = entry.request {
                    self.running.insert(request, entry.time);
                }
                let what = match (command.stage, approval) {
                    (StageWord::Prepare, _) => "may be prepared".to_owned(),
                    (StageWord::Run, None) => "allowed".to_owned(),
                    (StageWord::Run, Some(request)) => format!("allowed by the approval of {request}"),
                };
                what + &line::by(policies)
            }
            Event::CommandRefused { code, detail, policies, .. } => {
                format!("REFUSED {code}  {detail}{}", line::by(policies))
            }
            Event::ApprovalAsked { policies, needed, waits, .. } => {
                let waits = if *waits { "waits" } else { "was told to come again" };
                format!("HELD for {needed} approval(s), its client {waits}{}", line::by(policies))
            }
            Event::ApprovalAnswered { approves, comment, .. } => {
                let said = if *approves { "APPROVED" } else { "DENIED" };
                format!("{said} by {}  {comment}", who(entry))
            }
            Event::ApprovalSeen { .. } => format!("looked at by {}", who(entry)),
            event => line::what(event),
        }
    }

    /// How long a command took that ends with this.
    fn took(&mut self, entry: &Entry) -> Option<Duration> {
        let Event::Outcome { .. } = &entry.event else { return None };
        let began = self.running.remove(&entry.request?)?;
        u64::try_from(entry.time.micros().saturating_sub(began.micros())).ok().map(Duration::from_micros)
    }
}

fn heading(entry: &Entry) -> String {
    let says =
        |what: &str, value: Option<&str>| value.map_or(String::new(), |value| format!("{what}{value}"));
    let time = jiff::Timestamp::from_microsecond(entry.time.micros());
    format!(
        "session {}: {}{}{}{}{}, {}",
        entry.session.map_or_else(|| "-".to_owned(), |session| session.to_string()),
        who(entry),
        says(" for ", entry.principal.as_ref().and_then(|who| who.on_behalf_of.as_deref())),
        says(" on ", entry.connection.as_deref()),
        says(" from ", entry.from.as_deref()),
        says(" with ", entry.client.as_deref()),
        time.map_or_else(|_| "?".to_owned(), |time| format!("{time:.3}")),
    )
}

pub(super) fn who(entry: &Entry) -> String {
    entry.principal.as_ref().map_or_else(|| "-".to_owned(), |who| format!("{} {}", who.kind, who.id))
}

/// The text that was asked or said, all of it.
fn text(event: &Event) -> Option<&str> {
    match event {
        Event::Outcome { said: Some(said), .. } => Some(&said.text),
        event => event.command().map(|command| &*command.statement),
    }
}

/// `0:01:02.345` after the beginning.
fn since(began: Timestamp, time: Timestamp) -> String {
    let millis = time.micros().saturating_sub(began.micros()).max(0) / 1000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!("{}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Text stands in so many columns, after its mark.
const COLUMNS: usize = 100;

const SPEED_MIN: f64 = 0.01;
const SPEED_MAX: f64 = 1e6;

/// A session that waited longer for its next command is not waited for by whoever looks at it.
const PAUSE_MAX: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
