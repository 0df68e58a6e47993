//! What is told of a request, before any medium has its say. All of it is masked: a request holds nothing else.

pub(crate) mod mail;
pub(crate) mod slack;
pub(crate) mod teams;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod webhook;

use gate::{Answer, Effect, Glass, Request, State};

use crate::{Event, plain};

/// How much of a command is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub bytes: usize,
    /// Lines, where it is people who read them.
    pub rows: usize,
}

/// A request in words, for people.
///
/// Whatever an agent chose is in `lines`, `statement` and `values`, without anything that is not seen; a medium shows these as
/// text, and never reads them as its own markup.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Of fixed words, a connection's name and nothing else.
    pub title: String,
    /// Each with what it says: who, where, why.
    pub lines: Vec<(&'static str, String)>,
    pub statement: String,
    /// Parameters and fields, each on a line.
    pub values: Vec<String>,
    /// Whether all of the command is in `statement` and `values`.
    pub is_whole: bool,
    /// Whether it can be answered.
    pub waits: bool,
    /// The request's id.
    pub id: String,
}

impl Message {
    /// `event` of a request, with as much of its command as there is `room` for.
    pub(crate) fn of(request: &Request, event: Event, room: Room) -> Self {
        let facts = &request.command.facts;
        let mut lines =
            vec![("Who", who(request)), ("Where", place(request)), ("Does", facts.kinds.join(", "))];
        lines.extend(effect(&request.effect).map(|effect| ("Touches", effect)));
        lines.extend(request.effect.lock.as_deref().map(|lock| ("Locks", lock.to_owned())));
        if !facts.not_understood.is_empty() {
            lines.push(("UNKNOWN", facts.not_understood.join(", ")));
        }
        lines.push(("Why", request.why.to_string()));
        for policy in request.policies.iter().take(POLICIES_MAX) {
            let reason = policy.reason.as_deref().map_or_else(String::new, |reason| format!(": {reason}"));
            lines.push(("Policy", format!("{}{reason}", policy.id)));
        }
        lines.extend(request.answers.iter().take(ANSWERS_MAX).map(|answer| ("Answer", said(answer))));
        lines.extend(request.glass.iter().flat_map(|glass| self::glass(glass)).map(|line| ("GLASS", line)));
        lines.push(("State", stands(request)));
        lines.push(("Request", request.id.to_string()));
        let lines =
            lines.into_iter().map(|(label, text)| (label, cut(&plain(&text), LINE_BYTES_MAX))).collect();
        let (statement, values) = command(request);
        let is_whole = is_whole(request, room);
        let statement = if is_whole { statement } else { cut(&statement, room.bytes / 2) };
        let values = if is_whole { values } else { cut_all(&values, room.bytes / 2) };
        let title = match event {
            Event::Asked => "Approval wanted",
            Event::Approved => "Approved",
            Event::Denied => "Denied",
            Event::Used => "Approved and run",
            Event::Expired => "Not answered or used in time",
            Event::Withdrawn => "Withdrawn",
            Event::Revoked => "Access revoked",
            Event::GlassBroken => "THE GLASS IS BROKEN, to be reviewed",
            Event::Reviewed => "Broken glass reviewed",
        };
        Self {
            title: format!("{title}: {}", plain(&request.connection)),
            lines,
            statement,
            values,
            is_whole,
            waits: request.state == State::Waiting,
            id: request.id.to_string(),
        }
    }

    /// What to type to answer.
    pub(crate) fn command(&self) -> String {
        format!("panguard requests approve {}", self.id)
    }
}

/// Whether a message with `room` for a command shows all of this one: what whoever answers cannot see they cannot approve.
pub(crate) fn is_whole(request: &Request, room: Room) -> bool {
    let (statement, values) = command(request);
    let bytes = statement.len() + values.iter().map(|value| value.len() + 1).sum::<usize>();
    let rows = statement.lines().count() + values.len();
    !request.command.shortened && bytes <= room.bytes && rows <= room.rows
}

/// The statement, and what belongs to it. Each value is one line, so that nothing in it passes for another.
fn command(request: &Request) -> (String, Vec<String>) {
    let statement: Vec<String> = request.command.statement.lines().map(plain).collect();
    let mut values = Vec::new();
    for (number, parameter) in request.command.parameters.iter().enumerate() {
        let value = parameter.as_deref().map_or_else(|| "NULL".into(), |text| format!("`{}`", plain(text)));
        values.push(format!("${} = {value}", number + 1));
    }
    values.extend(request.fields.iter().map(|(name, value)| format!("{}: {}", plain(name), plain(value))));
    (statement.join("\n"), values)
}

fn who(request: &Request) -> String {
    let asker = &request.asker;
    let lent = asker.on_behalf_of.as_deref().map_or_else(String::new, |user| format!(", for user {user}"));
    format!("{} {}{lent} (known to {})", asker.kind, asker.id, asker.issuer)
}

fn place(request: &Request) -> String {
    let labels = match request.labels.join(", ") {
        labels if labels.is_empty() => labels,
        labels => format!(" [{labels}]"),
    };
    format!("{}{labels}, by {}", request.connection, request.lane)
}

fn effect(effect: &Effect) -> Option<String> {
    if effect.tables.is_empty() && effect.rows.is_none() {
        return None;
    }
    let rows = match (effect.rows, effect.is_estimate) {
        (Some(1), false) => "1 row".to_owned(),
        (Some(rows), false) => format!("{rows} rows"),
        (Some(rows), true) => format!("about {rows} rows, by the planner's estimate,"),
        (None, _) => "an unknown number of rows".to_owned(),
    };
    let tables =
        if effect.tables.is_empty() { String::new() } else { format!(" of {}", effect.tables.join(", ")) };
    // What matters most is not what is cut.
    let condition = if effect.has_where { "" } else { "NO WHERE: " };
    Some(format!("{condition}{rows}{tables}"))
}

fn said(answer: &Answer) -> String {
    let verb = if answer.approves { "approved" } else { "denied" };
    let comment = match &*answer.comment {
        "" => String::new(),
        comment => format!(": {comment}"),
    };
    format!("{verb} by {} {}{comment}", answer.by.kind, answer.by.id)
}

fn glass(glass: &Glass) -> Vec<String> {
    let broken = format!("{} {} let it run: {}", glass.by.kind, glass.by.id, glass.reason);
    let reviewed = match &glass.review {
        Some(review) => format!("reviewed by {} {}: {}", review.by.kind, review.by.id, review.comment),
        None => "nobody has reviewed that".to_owned(),
    };
    vec![broken, reviewed]
}

fn stands(request: &Request) -> String {
    let time = |micros| time(micros).unwrap_or_default();
    match request.state {
        State::Waiting => {
            let (given, needed) = (request.approvals(), request.needed);
            format!("waits, {given} of {needed} approvals, until {}", time(request.expires))
        }
        State::Approved { until } if request.grant.is_some() => format!("given until {}", time(until)),
        State::Approved { until } => format!("approved, it may run once until {}", time(until)),
        state @ (State::Denied | State::Used | State::Expired | State::Withdrawn | State::Revoked) => {
            state.as_str().to_owned()
        }
    }
}

/// As RFC 3339 has it, in UTC. `None`: no calendar has such a time.
pub(crate) fn time(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| format!("{time:.0}"))
}

/// At most `bytes` of a text, and a sign if that is not all.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    match text.len() <= bytes {
        true => text.to_owned(),
        false => format!("{} …", text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()),
    }
}

/// The first of some texts, and together at most `bytes` of them.
fn cut_all(texts: &[String], bytes: usize) -> Vec<String> {
    let mut left = bytes;
    let mut all = Vec::new();
    for text in texts.iter().take(VALUES_MAX) {
        let cut = cut(text, left);
        left = left.saturating_sub(text.len() + 1);
        all.push(cut);
        if left == 0 {
            break;
        }
    }
    all
}

/// Bytes of a line that says who or why.
const LINE_BYTES_MAX: usize = 300;

/// More policies seldom ask for it.
const POLICIES_MAX: usize = 5;

/// No policy can want more people.
const ANSWERS_MAX: usize = 10;

/// Parameters and fields of a command that is cut.
const VALUES_MAX: usize = 20;
