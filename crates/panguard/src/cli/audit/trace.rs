//! A run of an agent, followed over its sessions: each command with its decision, what people said, and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use audit::{Entry, Event, Field, Order, Search};

use super::find::{Wanted, find};
use super::replay::{Play, who};
use crate::cli::output::{self, Exit, Format};
use crate::cli::plain::plain;
use crate::reads::How;

/// Follows the run that `id` names: a trace, a token, a session or a request.
pub fn trace(dir: &Path, id: &str, scan: bool, format: Format) -> anyhow::Result<Exit> {
    super::recorded(dir, How::Trace, 0..u64::MAX)?;
    let named = [Field::Run, Field::Session, Field::Request].map(|field| Search::Is(field, id.into()));
    let mut indexes = BTreeSet::new();
    let mut requests = BTreeSet::new();
    collect(dir, Search::Any(named.into()), scan, |index, entry| {
        indexes.insert(index);
        requests.extend(name(entry));
    })?;
    // Of a command that is part of it all is: its end, and what people said.
    for some in requests.iter().collect::<Vec<_>>().chunks(REQUESTS_AT_ONCE) {
        let of = some.iter().map(|request| Search::Is(Field::Request, (**request).clone().into()));
        collect(dir, Search::Any(of.collect()), scan, |index, _| {
            indexes.insert(index);
        })?;
    }
    if indexes.is_empty() {
        eprintln!(
            "there is no run `{}`; write a trace's id (32 hex digits), a token's, a session's or a request's",
            plain(id)
        );
        return Ok(Exit::No);
    }
    let mut entries = audit::entries(dir, 0..u64::MAX);
    let mut found = Vec::new();
    for index in indexes {
        entries.seek(index);
        let Some(entry) = entries.next() else { break };
        found.push(entry?);
    }
    match format {
        Format::Json => found.iter().try_for_each(|(index, entry)| super::print(*index, entry, format))?,
        Format::Text => lines(id, &found).iter().for_each(output::line),
    }
    Ok(Exit::Fine)
}

fn collect(dir: &Path, search: Search, scan: bool, mut take: impl FnMut(u64, &Entry)) -> anyhow::Result<()> {
    let wanted = Wanted { limit: usize::MAX, before: u64::MAX, order: Order::Oldest, scan };
    find(dir, &search, &wanted, |index, entry| {
        take(index, entry);
        Ok(())
    })
    .map(drop)
}

/// The command, or the request of people's, that an entry is a step of.
fn name(entry: &Entry) -> Option<String> {
    let of = entry.event.of_request().map(str::to_owned);
    of.or_else(|| entry.request.filter(|request| request.number > 0).map(|request| request.to_string()))
}

/// What happened, command by command in the order in which they began.
fn lines(id: &str, found: &[(u64, Entry)]) -> Vec<String> {
    let mut groups: BTreeMap<u64, Vec<&(u64, Entry)>> = BTreeMap::new();
    let mut begun: BTreeMap<String, u64> = BTreeMap::new();
    for one in found {
        let begins = name(&one.1).map_or(one.0, |name| *begun.entry(name).or_insert(one.0));
        groups.entry(begins).or_default().push(one);
    }
    let mut lines = vec![plain(&heading(id, found, begun.len()))];
    let mut play = Play::begun(found.first().map(|(_, entry)| entry.time));
    // The tools that a model has asked for, and what comes of that until one is asked again.
    let mut tools: Option<String> = None;
    for group in groups.values() {
        let asks_model = group.iter().any(|(_, entry)| asks_model(entry));
        if asks_model {
            tools = None;
        }
        let within = if tools.is_some() { "  " } else { "" };
        lines.extend(
            group
                .first()
                .and_then(|(_, entry)| place(entry, tools.as_deref()))
                .map(|it| within.to_owned() + &it),
        );
        for (index, entry) in group {
            lines.extend(play.told(*index, entry).into_iter().map(|line| format!("{within}  {line}")));
            tools = called(&entry.event).or(tools);
        }
    }
    lines
}

fn heading(id: &str, found: &[(u64, Entry)], commands: usize) -> String {
    let each = |of: fn(&Entry) -> Option<String>| {
        let mut all = Vec::new();
        for value in found.iter().filter_map(|(_, entry)| of(entry)) {
            if !all.contains(&value) {
                all.push(value);
            }
        }
        all
    };
    let askers = each(|entry| {
        let who = entry.principal.as_deref().filter(|_| entry.event.command().is_some())?;
        let lent = who.on_behalf_of.as_deref().map(|user| format!(" for {user}")).unwrap_or_default();
        Some(format!("{} {}{lent}", who.kind, who.id))
    });
    let connections = each(|entry| entry.connection.as_deref().map(str::to_owned));
    let time = |entry: Option<&(u64, Entry)>| {
        let time = entry.and_then(|(_, it)| jiff::Timestamp::from_microsecond(it.time.micros()).ok());
        time.map_or_else(|| "?".to_owned(), |time| format!("{time:.3}"))
    };
    format!(
        "run {id}: {commands} commands and requests by {} on {}, {} to {}",
        askers.join(", "),
        connections.join(", "),
        time(found.first()),
        time(found.last()),
    )
}

/// Where a command was asked, and after what.
fn place(entry: &Entry, tools: Option<&str>) -> Option<String> {
    let command = entry.event.command()?;
    let request = entry.request.map(|request| request.to_string()).unwrap_or_default();
    let span = command.trace.as_ref().map(|trace| format!(", span {}", trace.parent)).unwrap_or_default();
    let after = tools.map(|tools| format!(", after the model called {tools}")).unwrap_or_default();
    let connection = entry.connection.as_deref().unwrap_or("-");
    Some(plain(&format!("{connection} {request} by {}{span}{after}", who(entry))))
}

fn asks_model(entry: &Entry) -> bool {
    let mut uses = entry.event.command().into_iter().flat_map(|command| &command.facts.uses);
    uses.any(|one| one.resource.starts_with("model "))
}

fn called(event: &Event) -> Option<String> {
    match event {
        Event::Outcome { said: Some(said), .. } if !said.tools.is_empty() => Some(said.tools.join(", ")),
        _ => None,
    }
}

/// Requests that are looked for together.
const REQUESTS_AT_ONCE: usize = 100;
