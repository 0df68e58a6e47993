//! The collectors to which the log is brought, as it is written down where each is.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;
use ship::Standing;

use crate::cli::output::{self, Exit, Format};
use crate::config::{Config, process_env};
use crate::folder;

/// Where a sink is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    At(u64),
    Now,
}

/// `INDEX`, `start` or `now`.
pub fn place(text: &str) -> Result<Place, String> {
    match (text, text.parse()) {
        ("start", _) => Ok(Place::At(0)),
        ("now", _) => Ok(Place::Now),
        (_, Ok(index)) => Ok(Place::At(index)),
        (_, Err(_)) => Err("write an entry's index such as `4711`, `start` or `now`".into()),
    }
}

/// Lists the sinks of the configuration. It is 1 if there is one that takes nothing.
pub fn list(path: &Path, format: Format) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    let dir = folder::audit(&config.data_dir);
    let size = if dir.is_dir() { audit::size(&dir)? } else { 0 };
    let mut exit = Exit::Fine;
    for it in &config.sinks {
        let (name, kind) = (&*it.sink.name, it.sink.kind());
        let found = ship::standing(&folder::sinks(&dir), name);
        let found = found.with_context(|| format!("it cannot be read where `{name}` is"))?;
        if found.as_ref().is_some_and(|found| found.wrong.is_some()) {
            exit = Exit::No;
        }
        match format {
            Format::Text => output::line(line(name, kind, found.as_ref(), size)),
            Format::Json => output::json(&json!({
                "sink": name, "type": kind, "next": found.as_ref().map(|found| found.next),
                "behind": found.as_ref().map(|found| size.saturating_sub(found.next)),
                "error": found.as_ref().and_then(|found| found.wrong.as_ref()).map(|wrong| &wrong.what),
                "since": found.as_ref().and_then(|found| found.wrong.as_ref()).map(|wrong| moment(wrong.since)),
            }))?,
        }
    }
    Ok(exit)
}

fn line(name: &str, kind: &str, found: Option<&Standing>, size: u64) -> String {
    let Some(Standing { next, wrong, .. }) = found else {
        return format!("{name:<16} {kind:<8} no gateway has run with it yet");
    };
    let behind = size.saturating_sub(*next);
    let wrong = wrong.as_ref().map_or(String::new(), |wrong| {
        format!("  TAKES NOTHING since {}: {}", moment(wrong.since), wrong.what)
    });
    format!("{name:<16} {kind:<8} next is {next}, {behind} behind{wrong}")
}

/// Leaves a note where a sink is to go on.
pub fn shift(path: &Path, sink: &str, to: Place) -> anyhow::Result<Exit> {
    let config = Config::load(path, &process_env)?;
    if !config.sinks.iter().any(|it| &*it.sink.name == sink) {
        bail!("`{sink}` is none of the sinks in the configuration; `panguard audit sinks` lists them");
    }
    let dir = folder::audit(&config.data_dir);
    let folder = folder::sinks(&dir);
    if !folder.is_dir() {
        bail!(
            "no gateway has run here with sinks yet; write `from: start` or `from: now` in the configuration"
        );
    }
    let size = audit::size(&dir)?;
    let index = match to {
        Place::At(index) if index <= size => index,
        Place::At(_) => bail!("the log has {size} entries; write an index up to that, `start` or `now`"),
        Place::Now => size,
    };
    ship::leave(&folder, sink, index)
        .with_context(|| format!("where `{sink}` is to go on cannot be left for the gateway"))?;
    output::line(format!(
        "{sink} goes on with entry {index}, within a second or when the gateway starts next"
    ));
    Ok(Exit::Fine)
}

fn moment(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| "?".to_owned(), |time| format!("{time:.0}"))
}
