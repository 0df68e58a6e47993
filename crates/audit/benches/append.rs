//! How many entries a second the audit log makes durable, and how long each waits for it.
//!
//! ```text
//! cargo bench -p audit --bench append [-- FOLDER [SECONDS]]
//! ```
//! FOLDER is on the disk in question (default: the system's temporary folder). Producers append, wait for
//! the receipt, and append the next, as sessions do. Beside it stands what the disk itself takes for a flush
//! of 4 KiB into a file that was written before, measured in the same run.

use std::collections::VecDeque;
use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use access::{Secret, SessionId, Timestamp};
use audit::{Command, Entry, Event, Log, Options, PolicyNote, Signer, StageWord, Who};

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo bench` says `--bench`; whoever merely tests all targets gets a short run.
    let default = if std::env::args().any(|argument| argument == "--bench") { "3" } else { "0.05" };
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("panguard-bench-audit-{}", std::process::id()));
    let seconds: f64 = arguments.next().as_deref().unwrap_or(default).parse()?;
    fs::create_dir(&folder)?;
    let measured = measure(&folder, Duration::from_secs_f64(seconds));
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, each: Duration) -> Result<(), Box<dyn Error>> {
    println!("entry: {} bytes of JSON", entry(0).to_json().unwrap_or_default().len());
    println!("producers   entries/s    p50 µs    p99 µs   p99/p50   fdatasync p50 / p99 µs");
    let seed = Secret::from(vec![7; 32]);
    for (run, producers) in [1, 8, 32, 128].into_iter().enumerate() {
        let flush = Spread::of(flushes(&folder.join("flush"))?);
        let signer = Signer::from_seed(&seed, "bench").map_err(|error| error.to_string())?;
        let options = Options::new("bench", "0", Timestamp(0));
        let log = Log::open(&folder.join(run.to_string()), signer, options)?;
        let (rate, waited) = append(&log, producers, each)?;
        log.close(Timestamp(0))?;
        println!(
            "{producers:>9} {rate:>11.0} {:>9.0} {:>9.0} {:>9.1} {:>14.0} / {:.0}",
            waited.p50,
            waited.p99,
            waited.p99 / waited.p50,
            flush.p50,
            flush.p99
        );
        if producers == 32 {
            judge("entries/s, 32 producers", rate, "at least", 80_000.0, rate >= 80_000.0);
            judge(
                "p99/p50, 32 producers",
                waited.p99 / waited.p50,
                "at most",
                3.0,
                waited.p99 <= 3.0 * waited.p50,
            );
        }
    }
    Ok(())
}

fn judge(what: &str, figure: f64, bound: &str, target: f64, met: bool) {
    let verdict = if met { "met" } else { "NOT MET" };
    println!("          {what}: {figure:.1}, target {bound} {target}: {verdict}");
}

/// Lets `producers` append for a while: entries a second, and how long each waited for its receipt.
fn append(log: &Log, producers: usize, for_long: Duration) -> Result<(f64, Spread), Box<dyn Error>> {
    let threads = producers.min(2);
    let began = Instant::now();
    let waits: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| produce(log, producers / threads, began + for_long)))
            .collect();
        runs.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let took = began.elapsed().as_secs_f64();
    let mut all = Vec::new();
    for waited in waits {
        all.extend(waited.map_err(|_| "a producer panicked")??);
    }
    Ok((all.len() as f64 / took, Spread::of(all)))
}

/// So many producers on one thread. Receipts come in the order of the calls, so that whoever appended first
/// goes on first.
fn produce(log: &Log, producers: usize, until: Instant) -> Result<Vec<Duration>, audit::NotAppended> {
    let (mut waiting, mut waits, mut number) = (VecDeque::new(), Vec::new(), 0);
    while Instant::now() < until {
        while waiting.len() < producers {
            number += 1;
            waiting.push_back((Instant::now(), log.append(&entry(number))));
        }
        if let Some((began, appending)) = waiting.pop_front() {
            appending.wait()?;
            waits.push(began.elapsed());
        }
    }
    Ok(waits)
}

/// What the disk takes to flush, a thousand times.
fn flushes(path: &Path) -> Result<Vec<Duration>, std::io::Error> {
    fs::write(path, vec![0; 8 << 20])?;
    let file = File::options().write(true).open(path)?;
    file.sync_all()?;
    (0..1000)
        .map(|block| {
            let began = Instant::now();
            file.write_all_at(&[1; 4096], block * 4096)?;
            file.sync_data()?;
            Ok(began.elapsed())
        })
        .collect()
}

struct Spread {
    p50: f64,
    p99: f64,
}

impl Spread {
    fn of(mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        let at = |part: usize| {
            let wait = waits.get(waits.len() * part / 100).copied().unwrap_or_default();
            wait.as_secs_f64() * 1e6
        };
        Self { p50: at(50), p99: at(99) }
    }
}

/// An ordinary entry: the intent of a SELECT.
fn entry(number: u32) -> Entry {
    let session = SessionId(0x3f9a_61c0_d4e8_b752);
    Entry {
        time: Timestamp(1_764_000_000_123_456),
        gateway: "gateway-1".into(),
        session: Some(session),
        request: Some(session.request(number)),
        principal: Some(Arc::new(Who {
            kind: "agent".into(),
            id: "claude-code".into(),
            issuer: "https://idp.example.com".into(),
            subject: "5f1b2c".into(),
            groups: vec!["payments-agents".into()],
            person: None,
            token_id: "9c7e2f".into(),
            on_behalf_of: None,
            lent: None,
        })),
        from: Some("10.0.0.7:51234".into()),
        client: Some("psql".into()),
        connection: Some("payments-db".into()),
        lane: Some("postgres".into()),
        event: Event::CommandIntent {
            command: Box::new(Command {
                stage: StageWord::Run,
                statement: "SELECT id, name, pan FROM cards WHERE id = $1".into(),
                statement_bytes: 45,
                shortened: false,
                parameters: vec![Some("4711".into())],
                fingerprint: "b5bb9d8014a0f9b1d61e21e796d78dcc".into(),
                facts: Arc::default(),
                mode: None,
                trace: None,
            }),
            policies: vec![PolicyNote { id: "agents-read".into(), reason: None, requirement: None }],
            policy_version: "c2f1".into(),
            ahead: true,
            approval: None,
            reveals_max: None,
        },
    }
}
