//! Every step of a commit, failing: no receipt for what may not be there, and nothing taken after.

use super::*;

/// How a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing is written.
    Write,
    /// Half of it is written.
    TornWrite,
    /// It is written and not known to be durable.
    Sync,
    /// It is durable and reported as failed.
    ReportedSync,
}

struct Failing {
    file: File,
    fault: Fault,
    /// Commits left until one fails.
    left: Arc<AtomicI64>,
}

impl Failing {
    fn fails(&self, faults: [Fault; 2]) -> bool {
        faults.contains(&self.fault) && self.left.fetch_sub(1, Ordering::SeqCst) <= 0
    }
}

impl Medium for Failing {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if !self.fails([Fault::Write, Fault::TornWrite]) {
            return self.file.write_at(bytes, offset);
        }
        if self.fault == Fault::TornWrite {
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
        }
        Err(io::Error::from_raw_os_error(28))
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.fails([Fault::Sync, Fault::ReportedSync]) {
            return self.file.sync();
        }
        if self.fault == Fault::ReportedSync {
            self.file.sync()?;
        }
        Err(io::Error::other("the disk is gone"))
    }
}

fn failing(dir: &Path, fault: Fault, after: i64) -> Log {
    let left = Arc::new(AtomicI64::new(after));
    let mount: Mount = Arc::new(move |file| Box::new(Failing { file, fault, left: Arc::clone(&left) }));
    Log::open_on(dir, signer(), options(), mount).unwrap()
}

#[test]
fn whatever_step_fails_nothing_is_acknowledged_that_is_not_durable_and_nothing_is_taken_after() {
    for fault in [Fault::Write, Fault::TornWrite, Fault::Sync, Fault::ReportedSync] {
        for after in 2..6 {
            let dir = tempfile::tempdir().unwrap();
            let log = failing(dir.path(), fault, after);
            let mut acknowledged = 0;
            let why = loop {
                let all: Vec<_> = (0..3).map(|number| log.append(&numbered(acknowledged + number))).collect();
                let results: Vec<_> = all.into_iter().map(Appending::wait).collect();
                acknowledged += results.iter().filter(|result| result.is_ok()).count() as u64;
                if let Some(why) = results.into_iter().find_map(Result::err) {
                    break why;
                }
            };
            assert!(matches!(why, NotAppended::Failed(_)), "{fault:?} {after}: {why}");
            assert_eq!(log.append(&numbered(0)).wait(), Err(why), "{fault:?} {after}");
            assert!(log.state().failed.is_some());
            assert_eq!(log.state().durable, acknowledged + 2);
            assert!(log.close(Timestamp(2)).is_err());
            // What is on the disk then holds at least what was acknowledged, in order.
            let again = Log::open(dir.path(), signer(), options()).unwrap();
            let read = events(dir.path());
            assert!(read.len() as u64 > acknowledged + 2, "{fault:?} {after}");
            let kept = read[2..].iter().zip(0..acknowledged);
            assert!(kept.into_iter().all(|(event, number)| *event == numbered(number).event));
            again.close(Timestamp(3)).unwrap();
            holds(dir.path());
        }
    }
}

/// Whoever waits for an entry is told a moment before.
fn until_it_says_so(log: &Log) {
    while log.state().failed.is_none() {
        thread::yield_now();
    }
}

#[test]
fn a_log_that_failed_is_opened_again_and_goes_on_behind_what_is_durable() {
    for fault in [Fault::Write, Fault::TornWrite, Fault::Sync, Fault::ReportedSync] {
        let dir = tempfile::tempdir().unwrap();
        let left = Arc::new(AtomicI64::new(4));
        let commits = Arc::clone(&left);
        let mount: Mount =
            Arc::new(move |file| Box::new(Failing { file, fault, left: Arc::clone(&commits) }));
        let log = Log::open_on(dir.path(), signer(), options(), mount).unwrap();
        let mut acknowledged = Vec::new();
        let mut number = 0;
        while log.state().failed.is_none() {
            if log.append(&numbered(number)).wait().is_ok() {
                acknowledged.push(numbered(number).event);
            }
            number += 1;
        }
        assert!(log.reopen(signer()).is_ok(), "its disk is there, and fails at the next write");
        assert!(log.append(&numbered(number)).wait().is_err(), "{fault:?}");
        until_it_says_so(&log);

        left.store(i64::MAX, Ordering::SeqCst);
        log.reopen(signer()).unwrap();
        assert_eq!(log.state().failed, None);
        for number in 900..910 {
            log.append(&numbered(number)).wait().unwrap();
            acknowledged.push(numbered(number).event);
        }
        log.reopen(signer()).unwrap();
        log.close(Timestamp(3)).unwrap();
        holds(dir.path());
        let there = events(dir.path());
        let mut rest = there.iter();
        assert!(acknowledged.iter().all(|event| rest.any(|it| it == event)), "{fault:?}: all, in order");
        assert_eq!(there.last(), Some(&Event::GatewayStopped));
        assert!(log.reopen(signer()).is_ok() && log.append(&numbered(1)).wait().is_err(), "closed is closed");
    }
}

/// How commands ended in the very write that failed, and after it, is nowhere else.
#[test]
fn what_nobody_waited_for_when_the_log_failed_is_in_it_once_after_it_is_opened_again() {
    for fault in [Fault::Write, Fault::TornWrite, Fault::Sync, Fault::ReportedSync] {
        for again in 0..3 {
            let dir = tempfile::tempdir().unwrap();
            let left = Arc::new(AtomicI64::new(4));
            let commits = Arc::clone(&left);
            let mount: Mount =
                Arc::new(move |file| Box::new(Failing { file, fault, left: Arc::clone(&commits) }));
            let log = Log::open_on(dir.path(), signer(), options(), mount).unwrap();
            let mut number = 0;
            let mut note = || {
                for _ in 0..3 {
                    log.note(&numbered(number)).unwrap();
                    number += 1;
                }
            };
            let command = numbered(9000);
            note();
            while log.append(&command).wait().is_ok() {
                note();
            }
            until_it_says_so(&log);
            note();
            // A disk that is there and fails again.
            for _ in 0..again {
                log.reopen(signer()).unwrap();
                while log.append(&command).wait().is_ok() {}
                until_it_says_so(&log);
                note();
            }
            left.store(i64::MAX, Ordering::SeqCst);
            log.reopen(signer()).unwrap();
            log.close(Timestamp(3)).unwrap();
            holds(dir.path());
            let noted =
                |event: &Event| matches!(event, Event::SessionClosed { commands, .. } if *commands < 9000);
            let there: Vec<_> = events(dir.path()).into_iter().filter(noted).collect();
            let all: Vec<_> = (0..number).map(|number| numbered(number).event).collect();
            assert_eq!(there, all, "{fault:?}, failed {again} times more");
        }
    }
}

#[test]
fn a_log_that_still_cannot_be_written_can_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = failing(dir.path(), Fault::Sync, 2);
    while log.append(&numbered(0)).wait().is_ok() {}
    until_it_says_so(&log);
    let segments = dir.path().join(segment::FOLDER);
    let taken: Vec<_> = segment::numbers(dir.path()).unwrap().into_iter().collect();
    for number in &taken {
        fs::create_dir(segment::path(dir.path(), *number).with_extension("new")).unwrap();
    }
    assert!(log.reopen(signer()).is_err(), "{}", segments.display());
    for number in &taken {
        fs::remove_dir(segment::path(dir.path(), *number).with_extension("new")).unwrap();
    }
    log.reopen(signer()).unwrap();
    assert!(log.close(Timestamp(3)).is_err(), "its disk still fails");
    assert!(Log::open(dir.path(), signer(), options()).is_ok(), "the folder is free");
}

#[test]
fn a_full_disk_refuses_entries_once_the_last_segment_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    // No further segment can be made: its place is taken by a folder.
    let numbers = segment::numbers(dir.path()).unwrap();
    for number in numbers.last().unwrap() + 1..numbers.last().unwrap() + 8 {
        let _ = fs::create_dir(segment::path(dir.path(), number).with_extension("new"));
    }
    let mut acknowledged = 0;
    let why = loop {
        match log.append(&numbered(acknowledged)).wait() {
            Ok(_) => acknowledged += 1,
            Err(why) => break why,
        }
        assert!(acknowledged < 3000, "it never ran out");
    };
    assert!(matches!(why, NotAppended::Failed(_)), "{why}");
    drop(log);
    assert_eq!(size(dir.path()).unwrap(), acknowledged + 2);
    holds(dir.path());
}

#[test]
fn a_queue_that_is_full_refuses_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let gate = Arc::new(Mutex::new(()));
    let mount: Mount = Arc::new({
        let gate = Arc::clone(&gate);
        move |file| Box::new(Slow { file, gate: Arc::clone(&gate) })
    });
    let options = Options { queue_entries_max: 4, ..options() };
    let log = Log::open_on(dir.path(), signer(), options, mount).unwrap();
    let held = gate.lock().unwrap();
    // One batch is with the committer, four wait, the rest is refused.
    let all: Vec<_> = (0..20).map(|number| log.append(&numbered(number))).collect();
    drop(held);
    let results: Vec<_> = all.into_iter().map(Appending::wait).collect();
    let taken = results.iter().filter(|result| result.is_ok()).count();
    assert!((4..=8).contains(&taken), "{taken}");
    assert!(results.iter().flat_map(|result| result.as_ref().err()).all(|why| *why == NotAppended::Busy));
    log.append(&numbered(99)).wait().unwrap();
}

struct Slow {
    file: File,
    gate: Arc<Mutex<()>>,
}

impl Medium for Slow {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let _open = self.gate.lock().unwrap();
        self.file.write_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}
