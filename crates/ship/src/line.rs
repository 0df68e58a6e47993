//! An entry as a line for people.

use audit::{Ended, Entry, Event, PolicyNote, StageWord, StatusWord};

/// One entry as a line for people: index, time, who, where, what.
pub fn of(index: u64, entry: &Entry) -> String {
    let time = jiff::Timestamp::from_microsecond(entry.time.micros())
        .map_or_else(|_| "?".to_owned(), |time| format!("{time:.3}"));
    let who = match &entry.principal {
        Some(who) => format!("{} {}", who.kind, who.id),
        None => "-".to_owned(),
    };
    let connection = entry.connection.as_deref().unwrap_or("-");
    format!("{index:>6}  {time}  {who:<24} {connection:<14} {}", what(&entry.event))
}

/// What happened, in a few words.
pub fn what(event: &Event) -> String {
    match event {
        Event::LogCreated { .. } => "log created".into(),
        Event::GatewayStarted { version, clean: true, .. } => format!("gateway started, version {version}"),
        Event::GatewayStarted { version, clean: false, .. } => {
            format!("gateway started, version {version}; the run before did not end by itself")
        }
        Event::GatewayStopped => "gateway stopped".into(),
        Event::SessionOpened { policies, .. } => format!("session opened{}", by(policies)),
        Event::SessionRefused { code, reason, policies } => {
            format!("session refused  {code} {reason}{}", by(policies))
        }
        Event::AuthenticationFailed { reason, claimed_user } => {
            format!("not identified  {reason} (as {claimed_user})")
        }
        Event::SessionClosed { reason, commands } => format!("session closed  {reason}, {commands} commands"),
        Event::CommandIntent { command, policies, approval, .. } => {
            let what = match (command.stage, approval) {
                (StageWord::Prepare, _) => "may be prepared".into(),
                (StageWord::Run, None) => "allowed".into(),
                (StageWord::Run, Some(request)) => format!("allowed by the approval of {request}"),
            };
            format!("{what}  {}{}", shortened(&command.statement), by(policies))
        }
        Event::ApprovalAsked { command, policies, needed, .. } => {
            format!("needs {needed} approval(s)  {}{}", shortened(&command.statement), by(policies))
        }
        Event::ApprovalSeen { of } => format!("looked at request {of}"),
        Event::ApprovalAnswered { of, approves, comment, .. } => {
            let said = if *approves { "approved" } else { "DENIED" };
            format!("{said} request {of}  {}", shortened(comment))
        }
        Event::GlassBroken { of, reason, .. } => {
            format!("BROKE THE GLASS for request {of}  {}", shortened(reason))
        }
        Event::GlassReviewed { of, comment, .. } => {
            format!("reviewed the broken glass of request {of}  {}", shortened(comment))
        }
        Event::GrantAsked { of, grant, reason } => {
            format!("asks for access, request {of}  {grant}: {}", shortened(reason))
        }
        Event::Revealed { grant, column, masked } => {
            format!("REVEALED one of {column}, {masked}, by request {grant}")
        }
        Event::ApprovalNotCounted { of, reason } => format!("answer to request {of} not counted  {reason}"),
        Event::ApprovalEnded { of, how: Ended::Expired } => format!("request {of} expired"),
        Event::ApprovalEnded { of, how: Ended::Revoked } => format!("request {of} revoked"),
        Event::ApprovalEnded { of, how: Ended::Withdrawn } => format!("request {of} withdrawn"),
        Event::CommandRefused { command, policies, code, .. } => {
            format!("REFUSED {code}  {}{}", shortened(&command.statement), by(policies))
        }
        Event::Outcome { status, code, masked, said: Some(said), .. } if *status == StatusWord::Completed => {
            let tools = said.tools.iter().map(|tool| format!(", calls {tool}")).collect::<String>();
            let tokens = said.tokens();
            format!("completed  {code}, {masked} masked, {tokens} tokens{tools}  {}", shortened(&said.text))
        }
        Event::Outcome { status, code, rows, masked, .. } => {
            let ended = match status {
                // What is only prepared has no command tag (PostgreSQL §55.2.3).
                StatusWord::Completed if code.is_empty() => return "prepared".into(),
                StatusWord::Completed => format!("completed  {code}"),
                StatusWord::Failed => format!("failed  {code}"),
                StatusWord::Withheld => format!("WITHHELD  {code}"),
                StatusWord::RolledBack => format!("ROLLED BACK  {code}, more than was approved"),
                StatusWord::Skipped => "not run, an earlier command of the batch failed".into(),
                StatusWord::Unknown => "ended unknown".into(),
            };
            format!("{ended}, {rows} rows, {masked} masked")
        }
        Event::PolicyChanged { version, .. } => format!("policies changed to {}", short(version)),
        Event::ConfigurationChanged { version, .. } => format!("configuration changed to {}", short(version)),
        Event::SecretChanged { name, change } => {
            format!("secret {name} {}", format!("{change:?}").to_lowercase())
        }
        Event::ControlFailed { control, of, cause, .. } => {
            format!("a control does not work: {}: {cause}", control.said(of))
        }
        Event::ControlRestored { control, of, refused, .. } => {
            format!("a control works again: {}, {refused} refused meanwhile", control.said(of))
        }
        Event::AccessRevoked { id, what, of, .. } => format!("access revoked of {what} {of}, {id}"),
        Event::AccessRestored { id, what, of, .. } => format!("access given back to {what} {of}, {id}"),
        Event::AccessLent { id, to, connections, actions, .. } => {
            format!("access lent to agent {to}: {} on {}, {id}", actions.join(", "), connections.join(", "))
        }
        Event::LogRead { how, first, end } => format!("log read by {how}, {first} to {end}"),
        Event::LogPruned { first, end, why } => {
            format!("entries {first} to {end} removed from the log's folder, {}", why.as_str())
        }
        Event::SinkGap { sink, from, to, why } => {
            format!("NOT SHIPPED to {sink}, {from} to {to}  {why}")
        }
        Event::SinkMoved { sink, from, to } => format!("sink {sink} moved from {from} to {to}"),
    }
}

/// Whether a command, or the try to open a session, is over with this.
pub fn ends_a_command(event: &Event) -> bool {
    matches!(
        event,
        Event::CommandRefused { .. }
            | Event::Outcome { .. }
            | Event::SessionRefused { .. }
            | Event::SessionClosed { .. }
            | Event::AuthenticationFailed { .. }
    )
}

/// The policies that decided, if any did.
pub fn by(policies: &[PolicyNote]) -> String {
    if policies.is_empty() {
        return String::new();
    }
    let ids: Vec<&str> = policies.iter().map(|note| &*note.id).collect();
    format!("  [{}]", ids.join(", "))
}

/// A statement on one line, as long as fits.
fn shortened(statement: &str) -> String {
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(STATEMENT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}

const STATEMENT_CHARS_MAX: usize = 80;
