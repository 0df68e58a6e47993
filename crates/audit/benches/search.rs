//! How long it takes to make an index of the audit log, and to find a page by it.
//!
//! ```text
//! cargo bench -p audit --bench search [-- FOLDER [MILLIONS]]
//! ```
//! FOLDER is on the disk in question (default: the system's temporary folder). The entries are commands and their
//! outcomes, of some agents on some connections, every fourth statement one that was never sent before. Beside the
//! pages stands what reading the log through takes.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use access::{Code, Secret, SessionId, Timestamp};
use audit::{
    Command, Entry, Event, FactsNote, Index, Log, Options, Order, PolicyNote, Search, Signer, StageWord,
    StatusWord, UseNote, Who,
};

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` says `--bench`; whoever merely tests all targets gets a short run.
    let default = if std::env::args().any(|argument| argument == "--bench") { "1" } else { "0.002" };
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("panguard-bench-search-{}", std::process::id()));
    let millions: f64 = arguments.next().as_deref().unwrap_or(default).parse()?;
    fs::create_dir(&folder)?;
    let measured = measure(&folder, (millions * 1e6) as u64);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, entries: u64) -> Result<(), Box<dyn Error>> {
    let (log, kept) = (folder.join("audit"), folder.join("audit-index"));
    let seed = Secret::from(vec![7; 32]);
    let signer = Signer::from_seed(&seed, "bench").map_err(|error| error.to_string())?;
    append(&Log::open(&log, signer, Options::new("bench", "0", Timestamp(0)))?, entries)?;
    println!("{entries} entries, {} MB", bytes(&log)? >> 20);

    let began = Instant::now();
    drop(Index::open(&log, &kept)?);
    let took = began.elapsed().as_secs_f64();
    let size = bytes(&kept)? >> 20;
    println!("index made in {took:.1} s, {:.0} entries/s, {size} MB", entries as f64 / took);

    println!("{:<66} {:>6} {:>9}", "a page of the newest 50", "found", "ms");
    for text in SEARCHES {
        let search = Search::parse(text, Timestamp(0))?;
        let began = Instant::now();
        // As the command does it, which opens it for each page.
        let mut index = Index::open(&log, &kept)?;
        let mut page = 0;
        let size = index.size();
        index.find(&search, 0..size, Order::Newest, |_, _| {
            page += 1;
            if page < 50 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        let verdict = if took < 1000.0 { "met" } else { "NOT MET" };
        println!("{text:<66} {page:>6} {took:>9.1}   target below 1000: {verdict}");
    }
    let began = Instant::now();
    let search = Search::parse(SEARCHES.first().unwrap_or(&""), Timestamp(0))?;
    let fits =
        audit::entries(&log, 0..u64::MAX).filter(|entry| entry.as_ref().is_ok_and(|(_, it)| search.fits(it)));
    println!("read through: {} found in {:.1} s", fits.count(), began.elapsed().as_secs_f64());
    Ok(())
}

fn append(log: &Log, entries: u64) -> Result<(), Box<dyn Error>> {
    let mut waiting: VecDeque<audit::Appending> = VecDeque::new();
    for number in 0..entries {
        if waiting.len() >= 4096
            && let Some(appending) = waiting.pop_front()
        {
            appending.wait()?;
        }
        waiting.push_back(log.append(&entry(number)));
    }
    for appending in waiting {
        appending.wait()?;
    }
    log.close(Timestamp(entries as i64 * 1000))?;
    Ok(())
}

fn bytes(folder: &Path) -> Result<u64, std::io::Error> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

/// Intents and outcomes in turns; one in 500 commands is refused.
fn entry(number: u64) -> Entry {
    let command = number / 2;
    let session = SessionId((command / 200).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let agent = command / 200 % 40;
    let event = match (number % 2, command % 500) {
        (0, 0) => Event::CommandRefused {
            command: Box::new(asked(command)),
            policies: vec![PolicyNote { id: "no-drops".into(), reason: None, requirement: None }],
            policy_version: "c2f1".into(),
            code: Code::PolicyDenied,
            detail: "administer".into(),
        },
        (0, _) => Event::CommandIntent {
            command: Box::new(asked(command)),
            policies: vec![PolicyNote { id: "agents-read".into(), reason: None, requirement: None }],
            policy_version: "c2f1".into(),
            ahead: true,
            approval: None,
            reveals_max: None,
        },
        _ => Event::Outcome {
            status: if command.is_multiple_of(90) { StatusWord::Failed } else { StatusWord::Completed },
            code: "SELECT 1".into(),
            rows: 1,
            masked: 1,
            bytes: 80,
            said: None,
            answer: None,
        },
    };
    Entry {
        time: Timestamp(number as i64 * 1000),
        gateway: "gateway-1".into(),
        session: Some(session),
        request: Some(session.request((command % 200) as u32)),
        principal: Some(Arc::new(Who {
            kind: "agent".into(),
            id: format!("agent-{agent}").into(),
            issuer: "https://idp.example.com".into(),
            subject: format!("5f1b2c{agent}").into(),
            groups: vec!["payments-agents".into()],
            person: None,
            token_id: "9c7e2f".into(),
            on_behalf_of: Some(format!("person-{}", agent % 7).into()),
            lent: None,
        })),
        from: Some("10.0.0.7".into()),
        client: Some("psql".into()),
        connection: Some(if agent < 30 { "payments-db".into() } else { "billing".into() }),
        lane: Some("postgres".into()),
        event,
    }
}

fn asked(command: u64) -> Command {
    let table = command % 97;
    let statement = match command % 500 {
        0 => format!("DROP TABLE scratch_{table}"),
        // As those who write values into their statements send them.
        _ if command.is_multiple_of(4) => {
            format!("SELECT id, name, pan FROM t{table} WHERE name = 'customer {command}'")
        }
        _ => format!("SELECT id, name, pan FROM t{table} WHERE id = $1"),
    };
    let facts = FactsNote {
        kinds: vec!["select".into()],
        uses: vec![UseNote { action: "read".into(), resource: format!("table public.t{table}").into() }],
        effect: "none".into(),
        ..FactsNote::default()
    };
    Command {
        stage: StageWord::Run,
        statement_bytes: statement.len() as u64,
        statement: statement.into(),
        shortened: false,
        parameters: vec![Some("4711".into())],
        fingerprint: "b5bb9d8014a0f9b1d61e21e796d78dcc".into(),
        facts: Arc::new(facts),
        mode: None,
        trace: None,
    }
}

/// Common and rare, a value that few have with one that many have, two that never meet, and nothing at all.
const SEARCHES: [&str; 10] = [
    "decision = refused",
    "event = outcome",
    "principal = agent-3 and object = public.t13 and not status = failed",
    "statement ~ 'drop table scratch_42'",
    "statement ~ \"name = 'customer 2004'\"",
    "statement ~ 'select id' and principal = agent-39",
    "event = outcome and kind = select",
    "statement ~ 'nobody ever wrote this'",
    "delegation = person-1 and time < 1970-01-01T00:01:00Z and connection != billing",
    "request ~ ffffffffff",
];
