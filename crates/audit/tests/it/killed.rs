//! A process that appends is killed at any instant, hundreds of times: whatever it was given a receipt for is there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use access::{Secret, Timestamp};
use audit::{Entry, Event, Log, Options, Signer, entries, verify};

const KILLS: u64 = 450;

/// Names the log's folder to the process that appends, and the number that it begins with.
const FOLDER: &str = "PANGUARD_KILLED_LOG";
const FIRST: &str = "PANGUARD_KILLED_FIRST";

fn signer() -> Signer {
    Signer::from_seed(&Secret::from(vec![7; 32]), "gw1").unwrap()
}

/// Not a test by itself: the process that is killed. It says which numbers it has receipts for.
#[test]
#[ignore = "it is run by the test below, and appends for ever"]
fn appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let options = Options {
        segment_bytes: 64 << 10,
        publish_every: Duration::from_millis(3),
        ..Options::new("gw1", "0.1.0", Timestamp(1))
    };
    let log = Log::open(Path::new(&folder), signer(), options).unwrap();
    let mut out = std::io::stdout();
    for number in (first..).step_by(4) {
        let event = |number| Event::SessionClosed { reason: "numbered".into(), commands: number };
        let append = |number| log.append(&Entry::of_gateway(Timestamp(2), "gw1".into(), event(number)));
        let some: Vec<_> = (number..number + 4).map(append).collect();
        for (number, one) in (number..).zip(some) {
            one.wait().unwrap();
            writeln!(out, "receipt {number}").unwrap();
        }
        out.flush().unwrap();
    }
}

#[test]
fn no_entry_with_a_receipt_is_lost_by_hundreds_of_kills() {
    let dir = tempfile::tempdir().unwrap();
    let mut received: BTreeSet<u64> = BTreeSet::new();
    for kill in 0..KILLS {
        let first = kill * 1_000_000;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::appends_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Now and then before it has begun, mostly in the midst of its work.
        let wanted = (kill * 7 % 23) as usize;
        let is_number = |line: &String| line.starts_with("receipt ");
        let number =
            |line: String| line.strip_prefix("receipt ").and_then(|number| number.parse::<u64>().ok());
        let before: Vec<String> = said.by_ref().filter(is_number).take(wanted).collect();
        child.kill().unwrap();
        // What it had said before the end is still to be read.
        received.extend(before.into_iter().chain(said).filter_map(number));
        child.wait().unwrap();
    }
    let options = Options { segment_bytes: 64 << 10, ..Options::new("gw1", "0.1.0", Timestamp(1)) };
    Log::open(dir.path(), signer(), options).unwrap().close(Timestamp(3)).unwrap();
    let report = verify(dir.path(), &signer().verifier(), None).unwrap();
    assert!(report.holds(), "{:?}", report.wrong);
    let there: BTreeSet<u64> = entries(dir.path(), 0..u64::MAX)
        .filter_map(|entry| match entry.unwrap().1.event {
            Event::SessionClosed { commands, .. } => Some(commands),
            _ => None,
        })
        .collect();
    let lost: Vec<_> = received.difference(&there).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), received.len());
    assert!(received.len() as u64 > KILLS * 5, "it was worth trying: {}", received.len());
}
