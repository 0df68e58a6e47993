mod answer;
mod export;
mod filter;
mod find;
mod replay;
mod restore;
mod sinks;
mod trace;
mod verify;

use std::collections::VecDeque;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use access::Timestamp;
use anyhow::{Context, bail};
use audit::{Entry, Leave, Order, Search, Verifier};
use clap::{Args, Subcommand};
use serde_json::json;
use ship::line;

use super::output::{self, Exit, Format};
use super::plain::plain;
use crate::config::{Config, process_env};
use crate::folder;
use crate::reads::{self, How};
use answer::Answers;
use export::{Export, Written};
use filter::Filter;
use find::{Wanted, find};
use restore::Restore;
use verify::Verify;

/// Read the audit log, and verify it.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the newest entries, and then each as it comes.
    Tail {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        filter: Filter,
        /// How many of the entries so far to begin with.
        #[arg(long, default_value_t = 10)]
        limit: usize,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print the entries, oldest first.
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        page: Page,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Print everything about one entry, by its index, or one command, by its request id.
    Show {
        /// `12`, or `3f9a61c0d4e8b752-12`.
        id: String,
        #[command(flatten)]
        place: Place,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Play a session as it happened: commands, refusals, waits and outcomes, at the times at which they were.
    Replay {
        /// The session's id, `3f9a61c0d4e8b752`, or a request's of it.
        session: String,
        #[command(flatten)]
        place: Place,
        /// How many times as fast.
        #[arg(long, value_name = "N", default_value = "1", value_parser = replay::speed)]
        speed: f64,
        /// All at once.
        #[arg(long, conflicts_with = "speed")]
        no_wait: bool,
        /// Read the log itself through, and do not rely on the index beside it to name all that is of the session.
        #[arg(long)]
        scan: bool,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write the entries for collectors: an entry a line, oldest first, whatever is in it.
    Export {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        filter: Filter,
        /// Those before a moment or a while ago.
        #[arg(long, value_name = "WHEN", value_parser = filter::moment)]
        until: Option<Timestamp>,
        /// Read the log itself through, and do not rely on the index beside it to name all that fit.
        #[arg(long)]
        scan: bool,
        /// Into a new file instead of standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[arg(long, value_enum)]
        format: Written,
    },
    /// List the collectors to which the log is brought, and where each is; or have one moved.
    Sinks {
        /// The one to move.
        #[arg(requires = "from")]
        sink: Option<String>,
        /// Where it goes on: an entry's index, `start` or `now`. What it has had already comes again; what it is moved past
        /// is never brought there by itself.
        #[arg(long, value_name = "INDEX", requires = "sink", value_parser = sinks::place)]
        from: Option<sinks::Place>,
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Fetch the log from its archive into a folder, and verify it there.
    Restore(Restore),
    /// Verify the log offline; name the first entry that is wrong.
    Verify(Verify),
}

/// Follow a run of an agent over its sessions: model calls, statements, requests, what people said, and how each ended.
#[derive(Args)]
pub struct Trace {
    /// A trace's id (`traceparent`), a token's, a session's or a request's.
    run: String,
    #[command(flatten)]
    place: Place,
    /// Read the log itself through, and do not rely on the index beside it to name all that is of the run.
    #[arg(long)]
    scan: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub fn follow(path: &Path, arguments: &Trace) -> anyhow::Result<Exit> {
    trace::trace(&arguments.place.find(path)?, &arguments.run, arguments.scan, arguments.format)
}

/// Which of the entries that fit.
#[derive(Args)]
struct Page {
    /// Only the newest so many; 0 is all.
    #[arg(long, default_value_t = 0)]
    limit: usize,
    /// Newest first.
    #[arg(long)]
    newest: bool,
    /// Only those before the entry of this index: the page after the one that ended with it.
    #[arg(long, value_name = "INDEX", default_value_t = u64::MAX, hide_default_value = true)]
    before: u64,
    /// Read the log itself through, and do not rely on the index beside it to name all that fit.
    #[arg(long)]
    scan: bool,
}

/// Where the log is.
#[derive(Args)]
struct Place {
    /// The log's folder, instead of the one in the configuration.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<Exit> {
    match &arguments.action {
        Action::List { place, filter, page, format } => {
            list(&place.find(path)?, &filter.search(), page, *format)
        }
        Action::Tail { place, filter, limit, format } => {
            tail(&place.find(path)?, &filter.search(), *limit, *format)
        }
        Action::Show { id, place, format } => show(&place.find(path)?, id, *format, &Answers::new(path)),
        Action::Replay { session, place, speed, no_wait, scan, format } => {
            let speed = (!no_wait).then_some(*speed);
            replay::replay(&place.find(path)?, session, speed, *scan, *format)
        }
        Action::Export { place, filter, until, scan, out, format } => {
            let wanted = Export { search: filter.search(), until: *until, scan: *scan, out: out.as_deref() };
            export::export(&place.find(path)?, *format, &wanted)
        }
        Action::Restore(restore) => restore.run(path),
        Action::Verify(verify) => verify.run(path),
        Action::Sinks { sink: Some(sink), from: Some(from), .. } => sinks::shift(path, sink, *from),
        Action::Sinks { format, .. } => sinks::list(path, *format),
    }
}

impl Place {
    fn find(&self, config: &Path) -> anyhow::Result<PathBuf> {
        let dir = match &self.dir {
            Some(dir) => dir.clone(),
            None => folder::audit(&Config::load(config, &process_env)?.data_dir),
        };
        if !dir.is_dir() {
            bail!("there is no audit log at `{}`; name its folder with `--dir DIR`", dir.display());
        }
        Ok(dir)
    }
}

/// Has it recorded that the log is read, of these entries at most, and says which of them are not there to be read. Who
/// cannot have it recorded is told, and reads on: the files are there for whoever can read them.
fn recorded(dir: &Path, how: How, range: Range<u64>) -> anyhow::Result<()> {
    let range = range.start..range.end.min(audit::size(dir)?);
    if let Some(pruned) = audit::pruned(dir)?.filter(|pruned| range.start < pruned.end) {
        let where_to = match pruned.why {
            Leave::Archived => "they are in its archive: `panguard audit restore`",
            Leave::Expired => "they are no longer kept",
        };
        eprintln!("panguard: the entries before {} are not in the log's folder; {where_to}", pruned.end);
    }
    noted(dir, how, &range);
    Ok(())
}

fn noted(dir: &Path, how: How, range: &Range<u64>) {
    if let Err(error) = reads::leave(dir, how, range) {
        eprintln!("panguard: that the log is read is not recorded: {error}");
    }
}

fn list(dir: &Path, search: &Search, page: &Page, format: Format) -> anyhow::Result<Exit> {
    let wanted = Wanted {
        limit: if page.limit == 0 { usize::MAX } else { page.limit },
        before: page.before,
        order: if page.newest { Order::Newest } else { Order::Oldest },
        scan: page.scan,
    };
    recorded(dir, How::List, 0..page.before)?;
    let more = find(dir, search, &wanted, |index, entry| print(index, entry, format))?;
    if let (Format::Text, true, Some(oldest)) = (format, page.newest, more) {
        eprintln!("older ones: --before {oldest}");
    }
    Ok(Exit::Fine)
}

fn tail(dir: &Path, search: &Search, limit: usize, format: Format) -> anyhow::Result<Exit> {
    recorded(dir, How::Tail, 0..u64::MAX)?;
    let mut entries = audit::entries(dir, 0..u64::MAX);
    let mut newest = VecDeque::new();
    for entry in entries.by_ref() {
        keep(&mut newest, search, entry?, limit);
    }
    newest.iter().try_for_each(|(index, entry)| print(*index, entry, format))?;
    loop {
        for entry in entries.by_ref() {
            let (index, entry) = entry?;
            if search.fits(&entry) {
                print(index, &entry, format)?;
            }
        }
        std::thread::sleep(TAIL_PAUSE);
    }
}

/// Keeps what fits, and of that the newest `limit`.
fn keep(newest: &mut VecDeque<(u64, Entry)>, search: &Search, (index, entry): (u64, Entry), limit: usize) {
    if search.fits(&entry) {
        newest.push_back((index, entry));
    }
    if newest.len() > limit {
        newest.pop_front();
    }
}

fn show(dir: &Path, id: &str, format: Format, answers: &Answers<'_>) -> anyhow::Result<Exit> {
    let range = match id.parse::<u64>() {
        Ok(index) => index..index.saturating_add(1),
        Err(_) => 0..u64::MAX,
    };
    recorded(dir, How::Show, range.clone())?;
    let by_request = range.end == u64::MAX;
    let mut found = false;
    for entry in audit::entries(dir, range) {
        let (index, entry) = entry?;
        if by_request && entry.request.is_none_or(|request| request.to_string() != id) {
            continue;
        }
        found = true;
        match format {
            Format::Json => print(index, &entry, Format::Json)?,
            Format::Text => {
                output::line(plain(&line::of(index, &entry)));
                for line in serde_json::to_string_pretty(&value(&entry)?)?.lines() {
                    output::line(plain(line));
                }
                answered(answers, &entry);
            }
        }
    }
    if !found && audit::first(dir)? <= id.parse().unwrap_or(u64::MAX) {
        eprintln!(
            "there is no entry `{id}`; write an index such as `12`, or a request id such as `3f9a61c0d4e8b752-12`"
        );
    }
    Ok(if found { Exit::Fine } else { Exit::No })
}

/// What a command was answered, each line behind a mark, so that none can pass for one of panguard's.
fn answered(answers: &Answers<'_>, entry: &Entry) {
    match answers.of(entry) {
        None => {}
        Some(Ok((text, is_whole))) => {
            output::line(if is_whole { "answered:" } else { "answered, to begin with:" });
            text.lines().for_each(|line| output::line(format!("    | {}", plain(line))));
        }
        Some(Err(why)) => output::line(plain(&format!("what it was answered cannot be read: {why}"))),
    }
}

fn print(index: u64, entry: &Entry, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Text => output::line(plain(&line::of(index, entry))),
        // The members of the entry as the log holds them, in its order, so that its leaf hash can be taken again.
        Format::Json => output::json(&json!({ "index": index, "entry": value(entry)? }))?,
    }
    Ok(())
}

fn value(entry: &Entry) -> anyhow::Result<serde_json::Value> {
    let json = entry.to_json().context("an entry is longer than the log allows")?;
    Ok(serde_json::from_str(&json)?)
}

/// A key, in a file or as it is.
fn text_of(key: &str) -> anyhow::Result<String> {
    if Path::new(key).is_file() { Ok(fs::read_to_string(key)?) } else { Ok(key.to_owned()) }
}

/// The key given, in a file or as it is; or else the copy beside the log.
pub fn verifier(dir: &Path, key: Option<&str>) -> anyhow::Result<Verifier> {
    let text = match key {
        Some(key) => text_of(key)?,
        None => {
            let beside = folder::verifier_key(dir);
            // An archive has it inside.
            let found =
                fs::read_to_string(&beside).or_else(|_| fs::read_to_string(dir.join(audit::archive::KEY)));
            found.with_context(|| {
                format!("there is no `{}`; give the log's key with `--key`", beside.display())
            })?
        }
    };
    Ok(Verifier::parse(text.trim())?)
}

/// An entry is printed within this of being durable.
const TAIL_PAUSE: Duration = Duration::from_millis(200);
