use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::values::{Diff, Sample};
use crate::cli::plain::{plain, wrapped};

/// A request as the console tells it (docs/console.md), as far as it is shown.
#[derive(Deserialize)]
pub struct Request {
    id: String,
    state: String,
    asker: Person,
    connection: String,
    labels: Vec<String>,
    lane: String,
    waits: bool,
    statement: String,
    parameters: Vec<Option<String>>,
    #[serde(default)]
    fields: Vec<Named>,
    shortened: bool,
    facts: Facts,
    #[serde(default)]
    grant: Option<Grant>,
    /// A console of an earlier version tells none.
    #[serde(default)]
    effect: Effect,
    why: String,
    policies: Vec<Policy>,
    needed: u32,
    approvals: u32,
    /// How many rows it may touch.
    #[serde(default)]
    rows_max: Option<u64>,
    answers: Vec<Answer>,
    #[serde(default)]
    glass: Option<Glass>,
    /// In one request alone; a console of an earlier version tells none.
    #[serde(default)]
    deliveries: Vec<Delivery>,
    asked: Option<Timestamp>,
    expires: Option<Timestamp>,
    approved_until: Option<Timestamp>,
    fingerprint: String,
}

#[derive(Deserialize)]
struct Person {
    kind: String,
    id: String,
    issuer: String,
    on_behalf_of: Option<String>,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Facts {
    uses: Vec<Use>,
    columns: Vec<Column>,
    effect: String,
    functions: Vec<String>,
    not_understood: Vec<String>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct Effect {
    #[serde(default)]
    tables: Vec<String>,
    rows: Option<u64>,
    #[serde(default)]
    is_estimate: bool,
    uncounted: Option<String>,
    #[serde(default)]
    has_where: bool,
    lock: Option<String>,
    sample: Option<Sample>,
    unsampled: Option<String>,
    diff: Option<Diff>,
    undiffed: Option<String>,
}

#[derive(Deserialize)]
struct Use {
    action: String,
    resource: String,
}

#[derive(Deserialize)]
struct Column {
    column: String,
    class: String,
    position: String,
}

#[derive(Deserialize)]
struct Policy {
    id: String,
    reason: Option<String>,
    requirement: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    by: Person,
    approves: bool,
    comment: String,
    #[serde(default)]
    rows_max: Option<u64>,
    at: Option<Timestamp>,
}

/// Access for a time. What it is stands in the statement.
#[derive(Deserialize)]
struct Grant {
    reveals: Option<u32>,
    #[serde(default)]
    revealed: u32,
}

impl Grant {
    /// How many of the values that count are revealed.
    fn counts(&self) -> Option<String> {
        let all = self.reveals?;
        Some(format!("{} of {all} values are revealed, or may be just now", self.revealed))
    }
}

#[derive(Deserialize)]
struct Glass {
    by: Person,
    reason: String,
    at: Option<Timestamp>,
    review: Option<Review>,
}

#[derive(Deserialize)]
struct Review {
    by: Person,
    comment: String,
    at: Option<Timestamp>,
}

/// How far telling a channel has come.
#[derive(Deserialize)]
struct Delivery {
    channel: String,
    event: String,
    state: String,
    attempts: u32,
    error: Option<String>,
    next: Option<Timestamp>,
}

impl Request {
    /// One line: which, where it stands, and how long that holds.
    pub fn heading(&self, now: Timestamp) -> String {
        plain(&format!("{}  {}", self.id, self.stands(now)))
    }

    /// What one needs to know which it is: who, where, what and why, each on a line.
    pub fn brief(&self, now: Timestamp) -> Vec<String> {
        let mut lines = vec![self.heading(now)];
        let mut add = |label: &str, text: &str| {
            let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut cut = wrapped(&one_line, COLUMNS);
            let more = if cut.len() > 1 { " …" } else { "" };
            cut.truncate(1);
            lines.push(format!("  {label:<9}{}{more}", cut.concat()));
        };
        add("who", &self.asker.name());
        add("where", &self.place());
        add("what", &self.statement);
        if let Some(rows) = self.effect.line() {
            add("touches", &rows);
        }
        add("why", &self.why);
        lines.push(String::new());
        lines
    }

    /// All of it.
    pub fn whole(&self, now: Timestamp) -> Vec<String> {
        let mut lines = Lines(Vec::new());
        lines.add("request", &self.id);
        lines.add("state", &self.stands(now));
        lines.add("who", &self.asker.name());
        lines.add("", &format!("known to {}{}", self.asker.issuer, self.asker.in_groups()));
        let client = if self.waits { "its client waits" } else { "its client does not wait" };
        match &self.grant {
            None => lines.add("where", &format!("{}, by {}; {client}", self.place(), self.lane)),
            Some(_) => lines.add("where", &self.place()),
        }
        lines.add("what", &self.statement);
        let counts = self.grant.as_ref().and_then(Grant::counts);
        counts.iter().for_each(|counts| lines.add("counts", counts));
        for (number, parameter) in self.parameters.iter().enumerate() {
            let value = parameter.as_deref().unwrap_or("NULL");
            lines.add("", &format!("${} = {value}", number + 1));
        }
        for field in &self.fields {
            lines.add("with", &format!("{}: {}", field.name, field.value));
        }
        if self.shortened {
            lines.add("", "THIS IS NOT ALL OF IT: it is too long to be recorded whole");
        }
        for it in &self.facts.uses {
            lines.add("does", &format!("{} {}", it.action, it.resource));
        }
        if self.grant.is_none() {
            lines.add("effect", &self.facts.effect);
        }
        if let Some(rows) = self.effect.line() {
            lines.add("touches", &rows);
        }
        if let Some(lock) = &self.effect.lock {
            lines.add("locks", lock);
        }
        self.effect.of_values(&mut lines);
        for it in &self.facts.columns {
            lines.add("column", &format!("{} ({}), {}", it.column, it.class, it.position));
        }
        self.facts.functions.iter().for_each(|it| lines.add("calls", it));
        self.facts.not_understood.iter().for_each(|it| lines.add("UNKNOWN", it));
        lines.add("why", &self.why);
        self.policies.iter().for_each(|it| lines.add("policy", &it.line()));
        self.answers.iter().for_each(|it| lines.add("said", &it.line()));
        if let Some(glass) = &self.glass {
            glass.lines().iter().for_each(|line| lines.add("GLASS", line));
        }
        if let Some(rows) = self.rows_max {
            lines.add("bound", &format!("it is rolled back if it touches more than {rows} rows"));
        }
        self.deliveries.iter().for_each(|it| lines.add("told", &it.line(now)));
        lines.add("asked", &format!("{}, until {}", time(self.asked), time(self.expires)));
        match &self.grant {
            None => lines.add("print", &self.fingerprint),
            Some(_) if self.state == "approved" => {
                lines.add("revoke", &format!("panguard requests revoke {}", self.id));
            }
            Some(_) => {}
        }
        if self.is_to_review() {
            lines.add("review", &format!("panguard requests review {} --comment \"…\"", self.id));
        }
        if self.state == "waiting" {
            lines.add("answer", &format!("panguard requests approve {} --comment \"…\"", self.id));
            lines.add("", &format!("panguard requests deny {} --comment \"…\"", self.id));
        }
        lines.0
    }

    /// Whether somebody still has to look at why it ran without an answer.
    fn is_to_review(&self) -> bool {
        self.glass.as_ref().is_some_and(|glass| glass.review.is_none())
    }

    fn stands(&self, now: Timestamp) -> String {
        let stands = self.stands_by_itself(now);
        match self.is_to_review() {
            true => format!("{stands}; THE GLASS IS BROKEN, to be reviewed"),
            false => stands,
        }
    }

    fn stands_by_itself(&self, now: Timestamp) -> String {
        match self.state.as_str() {
            "waiting" => {
                let (given, needed, left) = (self.approvals, self.needed, left(self.expires, now));
                format!("waiting: {given} of {needed} approvals, {left} left")
            }
            "approved" if self.grant.is_some() => {
                format!("given: it ends by itself in {}", left(self.approved_until, now))
            }
            "approved" if self.waits => "approved: it runs now, once".to_owned(),
            "approved" => {
                let left = left(self.approved_until, now);
                format!("approved: it may run once within {left}, when the agent sends it again")
            }
            state => state.to_owned(),
        }
    }

    fn place(&self) -> String {
        match self.labels.as_slice() {
            [] => self.connection.clone(),
            labels => format!("{} [{}]", self.connection, labels.join(", ")),
        }
    }
}

impl Effect {
    /// How much it would touch, where it changes a table.
    fn line(&self) -> Option<String> {
        let tables = self.tables.join(", ");
        let about = if self.is_estimate { "about " } else { "" };
        let estimated = if self.is_estimate { ", by the planner's estimate" } else { "" };
        let all = if self.has_where { "" } else { ", WITHOUT A WHERE" };
        match (self.rows, &self.uncounted) {
            _ if self.tables.is_empty() => None,
            (Some(1), _) => Some(format!("{about}1 row of {tables}{estimated}{all}")),
            (Some(rows), _) => Some(format!("{about}{rows} rows of {tables}{estimated}{all}")),
            (None, Some(why)) => Some(format!("{tables}; not counted: {why}{all}")),
            (None, None) => Some(format!("{tables}{all}")),
        }
    }
}

impl Effect {
    /// What it shows of the things themselves, or why nothing.
    fn of_values(&self, lines: &mut Lines) {
        match (&self.sample, &self.unsampled) {
            (Some(sample), _) => sample.lines().iter().for_each(|(label, text)| lines.add(label, text)),
            (None, Some(why)) => lines.add("rows", &format!("not shown: {why}")),
            (None, None) => {}
        }
        match (&self.diff, &self.undiffed) {
            (Some(diff), _) => diff.lines().iter().for_each(|(label, text)| lines.add(label, text)),
            (None, Some(why)) => lines.add("changes", &format!("not shown: {why}")),
            (None, None) => {}
        }
    }
}

impl Person {
    fn name(&self) -> String {
        match &self.on_behalf_of {
            Some(user) => format!("{} {}, for user {user}", self.kind, self.id),
            None => format!("{} {}", self.kind, self.id),
        }
    }

    fn in_groups(&self) -> String {
        if self.groups.is_empty() { String::new() } else { format!("; groups {}", self.groups.join(", ")) }
    }
}

impl Policy {
    fn line(&self) -> String {
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let requirement = self.requirement.as_ref().map_or_else(String::new, |it| format!(" (PCI DSS {it})"));
        format!("{}{reason}{requirement}", self.id)
    }
}

impl Answer {
    fn line(&self) -> String {
        let said = if self.approves { "approved" } else { "DENIED" };
        let comment = if self.comment.is_empty() { String::new() } else { format!(": {}", self.comment) };
        let rows = self.rows_max.map_or_else(String::new, |rows| format!(", of at most {rows} rows"));
        format!("{} {said} it at {}{rows}{comment}", self.by.id, time(self.at))
    }
}

impl Glass {
    fn lines(&self) -> Vec<String> {
        let broken = format!("{} let it run at {}: {}", self.by.id, time(self.at), self.reason);
        let reviewed = match &self.review {
            Some(it) => format!("{} reviewed that at {}: {}", it.by.id, time(it.at), it.comment),
            None => "nobody has reviewed that".to_owned(),
        };
        vec![broken, reviewed]
    }
}

impl Delivery {
    fn line(&self, now: Timestamp) -> String {
        let Self { channel, event, state, attempts, .. } = self;
        let error = self.error.as_deref().map_or_else(String::new, |error| format!(" ({error})"));
        match (state.as_str(), attempts) {
            ("delivered", _) => format!("{channel} of `{event}`"),
            ("pending", 0) => format!("{channel} of `{event}`: not yet"),
            ("pending", _) => {
                format!(
                    "{channel} of `{event}`: FAILED {attempts} times{error}, again in {}",
                    left(self.next, now)
                )
            }
            ("given_up", _) => format!("{channel} of `{event}`: GIVEN UP after {attempts} attempts{error}"),
            ("dropped", _) => format!("{channel} of `{event}`: not told in time{error}"),
            (state, _) => format!("{channel} of `{event}`: {state}{error}"),
        }
    }
}

/// Lines with a label before the first of each text, so that none can pass for another.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, label: &str, text: &str) {
        for (number, line) in wrapped(text, COLUMNS).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.0.push(format!("{label:<9}{line}").trim_end().to_owned());
        }
    }
}

fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "?".to_owned(), |time| format!("{time:.0}"))
}

/// How long it is until then, as people count.
fn left(until: Option<Timestamp>, now: Timestamp) -> String {
    let Some(until) = until else { return "?".to_owned() };
    let seconds = until.duration_since(now).max(SignedDuration::ZERO).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Columns of a line beside its label, on a terminal of 80.
const COLUMNS: usize = 69;
