use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use access::Secret;

use super::*;
use crate::encode::Encoded;
use crate::segment::{Records, frame};
use crate::{entries, size, verify};

mod crash;
mod faults;

pub(crate) fn signer() -> Signer {
    Signer::from_seed(&Secret::from(vec![7; 32]), "gw1").unwrap()
}

/// Small segments, and nothing published but at open and close, so that files stand still between.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 16 << 10,
        publish_every: Duration::from_secs(3600),
        ..Options::new("gw1", "0.1.0", Timestamp(1))
    }
}

pub(crate) fn numbered(number: u64) -> Entry {
    let event = Event::SessionClosed { reason: format!("entry {number:05}").into(), commands: number };
    Entry::of_gateway(Timestamp(number as i64), "gw1".into(), event)
}

fn encoded(number: u64) -> Encoded {
    encode(&numbered(number)).unwrap_or_else(|_| panic!("too long"))
}

/// Appends `count` entries at once and waits for all.
pub(crate) fn append(log: &Log, count: u64) -> Vec<Receipt> {
    let all: Vec<_> = (0..count).map(|number| log.append(&numbered(number))).collect();
    all.into_iter().map(|one| one.wait().unwrap()).collect()
}

fn events(dir: &Path) -> Vec<Event> {
    entries(dir, 0..u64::MAX).map(|entry| entry.unwrap().1.event).collect()
}

fn holds(dir: &Path) {
    let report = verify(dir, &signer().verifier(), None).unwrap();
    assert!(report.holds(), "{report:?}");
}

/// A copy of a log as a crash would leave it: its files without the process that had them open.
pub(crate) fn copy(dir: &Path) -> tempfile::TempDir {
    fn each(from: &Path, to: &Path) {
        for file in fs::read_dir(from).unwrap() {
            let from = file.unwrap().path();
            let to = to.join(from.file_name().unwrap());
            if from.is_dir() {
                fs::create_dir(&to).unwrap();
                each(&from, &to);
            } else if from.extension().is_none_or(|extension| extension != "new") {
                fs::copy(&from, &to).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    each(dir, to.path());
    to
}

#[test]
fn a_log_begins_with_its_key_and_tells_whether_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    log.close(Timestamp(2)).unwrap();
    drop(Log::open(dir.path(), signer(), options()).unwrap());
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(3)).unwrap();
    let started = |clean| Event::GatewayStarted {
        version: "0.1.0".into(),
        clean,
        policies: "".into(),
        configuration: "".into(),
    };
    assert_eq!(
        events(dir.path()),
        [
            Event::LogCreated { verifier: signer().verifier().to_string().into() },
            started(true),
            Event::GatewayStopped,
            started(true),
            started(false),
            Event::GatewayStopped,
        ]
    );
    holds(dir.path());
}

#[test]
fn receipts_are_given_in_the_order_of_the_calls_and_entries_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let receipts = append(&log, 100);
    assert!(receipts.iter().zip(2..).all(|(receipt, index)| receipt.index == index));
    assert_eq!(log.state().durable, 102);
    let read: Vec<_> = entries(dir.path(), 2..102).map(Result::unwrap).collect();
    assert_eq!(read, (0..100).map(|number| (number + 2, numbered(number))).collect::<Vec<_>>());
}

#[test]
fn the_first_entry_since_a_time_is_found_among_segments_and_bundles() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 1_000);
    // The log's own entries, of the time 1, come first.
    let since = |time| crate::since(dir.path(), Timestamp(time)).unwrap();
    assert_eq!((since(500), since(999), since(i64::MIN), since(1_000)), (502, 1_001, 0, 1_002));
    log.close(Timestamp(1_000)).unwrap();
    assert_eq!((since(500), since(1_001)), (502, 1_003));
}

#[test]
fn many_threads_share_a_log_and_every_entry_is_there_once() {
    let dir = tempfile::tempdir().unwrap();
    let log =
        Log::open(dir.path(), signer(), Options { publish_every: Duration::from_millis(1), ..options() });
    let log = log.unwrap();
    let threads = (0..8_u64).map(|thread| {
        let log = log.clone();
        thread::spawn(move || {
            let of = |number| log.append(&numbered(thread * 1000 + number)).wait().unwrap().index;
            (0..200_u64).map(of).collect::<Vec<u64>>()
        })
    });
    let threads: Vec<_> = threads.collect();
    let indices: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(indices.iter().collect::<BTreeSet<_>>().len(), 1600);
    log.close(Timestamp(2)).unwrap();
    assert_eq!(size(dir.path()).unwrap(), 1603);
    assert_eq!(events(dir.path()).len(), 1603);
    holds(dir.path());
}

#[test]
fn segments_go_when_their_tiles_are_safe_and_entries_stay_readable_across() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 1500);
    let before = segment::numbers(dir.path()).unwrap();
    log.close(Timestamp(2)).unwrap();
    let after = segment::numbers(dir.path()).unwrap();
    assert!(before.len() > 3 && after.len() < before.len(), "{before:?} {after:?}");
    for start in [0, 1, 255, 256, 257, 700, 1400, 1502] {
        let read: Vec<_> = entries(dir.path(), start..1503).map(|entry| entry.unwrap().0).collect();
        assert_eq!(read, (start..1503).collect::<Vec<_>>());
    }
    holds(dir.path());
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    assert_eq!(append(&log, 1)[0].index, 1504);
    log.close(Timestamp(3)).unwrap();
    holds(dir.path());
}

#[test]
fn a_log_that_is_only_tiles_reads_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 300);
    log.close(Timestamp(2)).unwrap();
    fs::remove_dir_all(dir.path().join(segment::FOLDER)).unwrap();
    assert_eq!(size(dir.path()).unwrap(), 303);
    assert_eq!(events(dir.path()).len(), 303);
    holds(dir.path());
}

#[test]
fn a_reader_that_found_the_end_goes_on_with_what_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let mut follow = entries(dir.path(), 0..u64::MAX);
    assert_eq!(follow.by_ref().count(), 2);
    for round in 1..=4 {
        append(&log, 200);
        let read: Vec<_> = follow.by_ref().map(|entry| entry.unwrap().0).collect();
        assert_eq!(read.len(), 200, "round {round}");
    }
    log.close(Timestamp(2)).unwrap();
    let (index, last) = follow.next().unwrap().unwrap();
    assert_eq!((index, last.event), (802, Event::GatewayStopped));
}

#[test]
fn a_slow_reader_whose_segments_went_goes_on_in_the_bundles() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 300);
    let mut slow = entries(dir.path(), 0..u64::MAX);
    assert_eq!(slow.next().unwrap().unwrap().0, 0);
    append(&log, 1200);
    log.close(Timestamp(2)).unwrap();
    assert!(!segment::path(dir.path(), 1).exists() && !segment::path(dir.path(), 2).exists());
    let read: Vec<_> = slow.map(|entry| entry.unwrap().0).collect();
    assert_eq!(read, (1..1503).collect::<Vec<_>>());
}

#[test]
fn nobody_else_may_look_into_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data/audit");
    Log::open(&dir, signer(), options()).unwrap();
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn two_gateways_cannot_have_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let second = Log::open(dir.path(), signer(), options()).map(|_| ()).unwrap_err();
    assert!(matches!(second, LogError::Locked(_)), "{second}");
    log.close(Timestamp(2)).unwrap();
    assert!(Log::open(dir.path(), signer(), options()).is_ok());
}

#[test]
fn a_log_is_not_opened_with_another_key() {
    let dir = tempfile::tempdir().unwrap();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(2)).unwrap();
    let other = Signer::from_seed(&Secret::from(vec![8; 32]), "gw1").unwrap();
    let error = Log::open(dir.path(), other, options()).map(|_| ()).unwrap_err();
    assert!(matches!(error, LogError::Checkpoint { .. }), "{error}");
}

#[test]
fn a_closed_log_takes_nothing_and_closing_twice_is_fine() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    log.close(Timestamp(2)).unwrap();
    log.close(Timestamp(3)).unwrap();
    assert_eq!(log.append(&numbered(1)).wait(), Err(NotAppended::Closed));
    assert_eq!(size(dir.path()).unwrap(), 3);
}

#[test]
fn an_entry_dropped_without_waiting_is_appended_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    drop(log.append(&numbered(1)));
    log.close(Timestamp(2)).unwrap();
    assert_eq!(events(dir.path())[2], numbered(1).event);
}

#[test]
fn an_entry_too_long_is_refused_and_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let long = Entry { client: Some("x".repeat(70_000).into()), ..numbered(1) };
    assert_eq!(log.append(&long).wait(), Err(NotAppended::TooLong));
    assert_eq!(append(&log, 1)[0].index, 2);
}

#[test]
fn a_note_is_durable_with_the_next_entry_that_somebody_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    log.note(&numbered(1)).unwrap();
    let receipt = log.append(&numbered(2)).wait().unwrap();
    assert_eq!(log.state().durable, receipt.index + 1);
    let crashed = copy(dir.path());
    let events = events(crashed.path());
    assert_eq!(events[events.len() - 2..], [numbered(1).event, numbered(2).event]);
}

#[test]
fn notes_alone_become_durable_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let before = log.state().durable;
    log.note(&numbered(1)).unwrap();
    while log.state().durable == before {
        std::thread::yield_now();
    }
    log.note(&numbered(2)).unwrap();
    log.close(Timestamp(9)).unwrap();
    assert!(events(dir.path()).contains(&numbered(2).event), "closing leaves nothing behind");
    holds(dir.path());
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_one_before_with_all_its_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let often = Options { publish_every: Duration::from_millis(1), ..options() };
    let log = Log::open(dir.path(), signer(), often).unwrap();
    append(&log, 8);
    let checkpoint = || fs::read_to_string(dir.path().join("checkpoint")).unwrap_or_default();
    until(|| checkpoint().lines().nth(1) == Some("10"));
    // Nothing can be written in the place of a folder.
    fs::create_dir(dir.path().join("checkpoint.new")).unwrap();
    for size in [20, 30, 40] {
        append(&log, 10);
        until(|| dir.path().join(format!("tile/entries/000.p/{size}")).exists());
    }
    assert!(dir.path().join("tile/entries/000.p/10").exists());
    let failed = log.close(Timestamp(100)).unwrap_err();
    assert!(failed.to_string().contains("the last checkpoint was not written"), "{failed}");
    fs::remove_dir(dir.path().join("checkpoint.new")).unwrap();
    holds(dir.path());
}

fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to be");
        std::thread::yield_now();
    }
}
