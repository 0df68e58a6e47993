use std::collections::BTreeSet;
use std::sync::Mutex;

use access::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::log::tests::{append, copy, options, signer};
use crate::{
    Entry, Event, Leave, Log, NotPruned, Report, entries, first, plan, pruned, signed, since, verify,
};

/// A log of these entries and those that it makes itself, left open.
fn log(dir: &Path, count: u64) -> Log {
    let log = Log::open(dir, signer(), options()).unwrap();
    append(&log, count);
    log
}

/// What is there is signed: as the publisher does each second.
fn again(log: Log, dir: &Path) -> Log {
    log.close(Timestamp(2)).unwrap();
    Log::open(dir, signer(), options()).unwrap()
}

fn round(dir: &Path, archive: &dyn Archive) -> Result<Reach, NotArchived> {
    Archiver::new(dir, signer()).round(archive, &AtomicBool::new(false))
}

fn prune(log: &Log, dir: &Path, archive: Option<&dyn Archive>, before: i64) -> Result<u64, NotPruned> {
    let Some(pruning) = plan(dir, &signer().verifier(), archive, Timestamp(before), u64::MAX)? else {
        return Ok(first(dir)?);
    };
    let entry = Entry::of_gateway(Timestamp(1), "gw1".into(), pruning.event());
    pruning.carry_out(&log.append(&entry).wait().unwrap(), &signer())?;
    Ok(first(dir)?)
}

fn check(dir: &Path) -> Report {
    verify(dir, &signer().verifier(), None).unwrap()
}

#[track_caller]
fn holds(dir: &Path) -> Report {
    let report = check(dir);
    assert!(report.holds(), "{report:?}");
    report
}

fn indexes(dir: &Path) -> Vec<u64> {
    entries(dir, 0..u64::MAX).map(|entry| entry.unwrap().0).collect()
}

/// A log of 1,500 entries and their archive, of which the entries before the returned index are in the archive alone.
fn pruned_log() -> (tempfile::TempDir, tempfile::TempDir, Log, u64) {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = again(log(dir.path(), 1_500), dir.path());
    let archive = Directory::new(kept.path());
    round(dir.path(), &archive).unwrap();
    let end = prune(&log, dir.path(), Some(&archive), 900).unwrap();
    (dir, kept, log, end)
}

#[test]
fn an_archive_is_a_log_by_itself() {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = again(log(dir.path(), 700), dir.path());
    let archive = Directory::new(kept.path());
    assert_eq!(round(dir.path(), &archive).unwrap(), Reach { archived: 512, size: 703 });
    let report = holds(kept.path());
    assert_eq!((report.size, report.heads, report.tail, report.absent), (512, 2, 0, 0));
    assert_eq!(indexes(kept.path()), (0..512).collect::<Vec<_>>());
    append(&log, 70_000);
    let log = again(log, dir.path());
    let reach = round(dir.path(), &archive).unwrap();
    assert_eq!(reach.archived, reach.size - reach.size % 256);
    assert_eq!(holds(kept.path()).size, reach.archived);
    drop(log);
    let to = tempfile::tempdir().unwrap();
    let restored = restore(&archive, &signer().verifier(), to.path(), None).unwrap();
    assert!(restored.report.holds() && restored.report.size == reach.archived, "{restored:?}");
    assert_eq!(restored.times.unwrap().0, Timestamp(1));
}

#[test]
fn what_is_old_and_archived_leaves_the_folder_and_all_that_reads_the_log_goes_on() {
    let (dir, kept, log, end) = pruned_log();
    assert_eq!(end, 768);
    let report = holds(dir.path());
    assert_eq!((report.absent, report.pruned.unwrap().why), (768, Leave::Archived));
    assert_eq!(indexes(dir.path()).first(), Some(&768));
    assert_eq!(entries(dir.path(), 5..6).count(), 0);
    assert_eq!(since(dir.path(), Timestamp(0)).unwrap(), 768);
    assert_eq!(since(dir.path(), Timestamp(1_000)).unwrap(), 1_002);
    assert!(
        entries(dir.path(), 1_500..u64::MAX)
            .any(|entry| entry.unwrap().1.event
                == Event::LogPruned { first: 0, end: 768, why: Leave::Archived })
    );
    let log = again(log, dir.path());
    assert!(holds(dir.path()).absent == 768);
    let head = signer().verifier().open(&crate::checkpoint(dir.path()).unwrap().unwrap()).unwrap();
    let read: Result<Vec<_>, _> = signed(dir.path(), &head, 768).collect();
    assert_eq!(read.unwrap().first().unwrap().0, 768);
    assert!(signed(dir.path(), &head, 512).any(|line| line.is_err()));
    let mut index = crate::Index::open(dir.path(), &kept.path().join("index")).unwrap();
    let everything = crate::Search::parse("event = session_closed", Timestamp(1)).unwrap();
    let mut found = 0;
    index
        .find(&everything, 0..u64::MAX, crate::Order::Newest, |_, _| {
            found += 1;
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(found, 1_502 - 768);
    drop(log);
}

#[test]
fn an_index_made_before_shows_nothing_of_what_was_pruned_since() {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = again(log(dir.path(), 1_500), dir.path());
    let folder = kept.path().join("index");
    let everything = crate::Search::parse("event = session_closed", Timestamp(1)).unwrap();
    let count = || {
        let mut index = crate::Index::open(dir.path(), &folder).unwrap();
        let (mut found, on) = (0, std::ops::ControlFlow::Continue(()));
        let tell = |_, _| {
            found += 1;
            on
        };
        index.find(&everything, 0..u64::MAX, crate::Order::Oldest, tell).unwrap();
        found
    };
    assert_eq!(count(), 1_500);
    assert_eq!(prune(&log, dir.path(), None, 900).unwrap(), 768);
    assert_eq!(count(), 1_502 - 768);
}

#[test]
fn what_the_archive_does_not_hold_as_it_is_stays() {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = again(log(dir.path(), 1_500), dir.path());
    let archive = Directory::new(kept.path());
    assert_eq!(prune(&log, dir.path(), Some(&archive), 900).unwrap(), 0);
    round(dir.path(), &archive).unwrap();
    for name in ["tile/entries/001", "tile/0/002"] {
        let clean = fs::read(kept.path().join(name)).unwrap();
        change(&kept.path().join(name), 77);
        let error = prune(&log, dir.path(), Some(&archive), 900).unwrap_err();
        assert!(matches!(&error, NotPruned::NotHeld(held) if held == name), "{error}");
        fs::remove_file(kept.path().join(name)).unwrap();
        fs::write(kept.path().join(name), clean).unwrap();
    }
    assert_eq!(indexes(dir.path()).len(), 1_504);
    assert_eq!(prune(&log, dir.path(), Some(&archive), 900).unwrap(), 768);
}

#[test]
fn nothing_young_goes_and_nothing_that_a_segment_holds() {
    let dir = tempfile::tempdir().unwrap();
    let log = again(log(dir.path(), 1_500), dir.path());
    assert_eq!(prune(&log, dir.path(), None, 200).unwrap(), 0);
    let end = prune(&log, dir.path(), None, i64::MAX).unwrap();
    assert!((256..1_504).contains(&end) && end.is_multiple_of(256), "{end}");
    let report = holds(dir.path());
    assert_eq!((report.absent, report.pruned.unwrap().why), (end, Leave::Expired));
    let log = again(log, dir.path());
    append(&log, 700);
    drop(again(log, dir.path()));
    holds(dir.path());
}

#[test]
fn what_is_older_than_is_kept_may_be_taken_out_of_the_archive_and_nothing_else() {
    let (dir, kept, _log, end) = pruned_log();
    let archive = Directory::new(kept.path());
    let mut archiver = Archiver::new(dir.path(), signer());
    archiver.round(&archive, &AtomicBool::new(false)).unwrap();
    let bundle = |number| kept.path().join(TileName::full(Level::Entries, number).path());
    // What somebody made older than it is, is not signed to be old.
    let clean = fs::read(bundle(2)).unwrap();
    fs::remove_file(bundle(2)).unwrap();
    fs::write(bundle(2), String::from_utf8_lossy(&clean).replace("entry 00600", "entry 00000").as_bytes())
        .unwrap();
    let error = archiver.expire(&archive, Timestamp(900)).unwrap_err();
    assert!(matches!(error, NotArchived::Changed { end: 768 }), "{error}");
    fs::write(bundle(2), clean).unwrap();
    archiver.expire(&archive, Timestamp(600)).unwrap();
    assert_eq!(holds(kept.path()).absent, 0);
    for number in [0, 1] {
        fs::remove_file(bundle(number)).unwrap();
    }
    assert_eq!((holds(kept.path()).absent, end), (512, 768));
    assert_eq!(indexes(kept.path()).first(), Some(&512));
    let to = tempfile::tempdir().unwrap();
    let restored = restore(&archive, &signer().verifier(), to.path(), None).unwrap();
    assert!(restored.report.holds() && restored.report.absent == 512);
    fs::remove_file(bundle(2)).unwrap();
    assert_eq!(check(kept.path()).first_wrong().unwrap().index, Some(512));
}

#[test]
fn a_deletion_that_was_no_pruning_is_found_and_stops_the_pruning() {
    let (dir, kept, log, end) = pruned_log();
    let archive = Directory::new(kept.path());
    let later = dir.path().join(TileName::full(Level::Entries, end / 256).path());
    fs::remove_file(&later).unwrap();
    assert_eq!(check(dir.path()).first_wrong().unwrap().index, Some(end));
    let error = prune(&log, dir.path(), Some(&archive), 1_400).unwrap_err();
    assert!(matches!(error, NotPruned::Changed(_)), "{error}");
}

#[test]
fn no_note_but_the_logs_own_makes_a_deletion_a_pruning() {
    let (dir, ..) = pruned_log();
    let note = fs::read_to_string(dir.path().join("pruned")).unwrap();
    let another = crate::Signer::from_seed(&access::Secret::from(vec![8; 32]), "gw1").unwrap();
    let far = pruned(dir.path()).unwrap().unwrap();
    let text = format!("{}\n", note.split("\n\n").next().unwrap());
    let forged = [
        String::new(),
        note.replace("\n768\n", "\n1024\n"),
        another.sign_text(&text),
        signer().sign(&Checkpoint { origin: "gw1".into(), size: far.end, root: far.root }),
        signer().sign_text(&text.replace("gw1", "gw2")),
    ];
    for note in forged {
        fs::write(dir.path().join("pruned"), note).unwrap();
        assert!(!check(dir.path()).holds());
    }
    fs::remove_file(dir.path().join("pruned")).unwrap();
    assert_eq!(check(dir.path()).first_wrong().unwrap().index, Some(0));
}

#[test]
fn the_logs_own_note_lets_nothing_go_from_its_archive() {
    let (dir, kept, ..) = pruned_log();
    fs::copy(dir.path().join("pruned"), kept.path().join("pruned")).unwrap();
    for number in 0..3 {
        fs::remove_file(kept.path().join(TileName::full(Level::Entries, number).path())).unwrap();
    }
    assert!(!check(kept.path()).holds());
    // Without its heads it passes for a copy of the log's folder, but not for all that is kept.
    fs::remove_dir_all(kept.path().join("heads")).unwrap();
    assert!(!holds(kept.path()).is_whole());
    let to = tempfile::tempdir().unwrap();
    let archive = Directory::new(kept.path());
    assert!(!restore(&archive, &signer().verifier(), to.path(), None).unwrap().report.holds());
}

#[test]
fn an_archive_of_another_log_or_one_that_is_ahead_is_left_alone() {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let early = again(log(dir.path(), 300), dir.path());
    let before = copy(dir.path());
    append(&early, 700);
    drop(again(early, dir.path()));
    let archive = Directory::new(kept.path());
    round(dir.path(), &archive).unwrap();
    let error = round(before.path(), &archive).unwrap_err();
    assert!(matches!(error, NotArchived::Apart { archived: 768, .. }), "{error}");
    // The same key went on from there with other entries.
    let fork = Log::open(before.path(), signer(), options()).unwrap();
    append(&fork, 900);
    drop(again(fork, before.path()));
    let error = round(before.path(), &archive).unwrap_err();
    assert!(matches!(error, NotArchived::Apart { archived: 768, .. }), "{error}");
    holds(kept.path());
}

#[test]
fn a_new_archive_does_not_begin_in_the_middle() {
    let (dir, _kept, ..) = pruned_log();
    let other = tempfile::tempdir().unwrap();
    let error = round(dir.path(), &Directory::new(other.path())).unwrap_err();
    assert!(matches!(error, NotArchived::Gone { index: 0 }), "{error}");
}

#[test]
fn what_was_changed_before_it_was_archived_is_not_archived() {
    let (dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(again(log(dir.path(), 700), dir.path()));
    let path = dir.path().join("tile/entries/001");
    let text = fs::read(&path).unwrap();
    let forged = String::from_utf8_lossy(&text).replacen("entry 00300", "entry 99999", 1);
    fs::write(&path, forged.as_bytes()).unwrap();
    let error = round(dir.path(), &Directory::new(kept.path())).unwrap_err();
    assert!(matches!(error, NotArchived::Changed { .. }), "{error}");
    assert!(!kept.path().join("checkpoint").exists() && !kept.path().join("tile").exists());
}

/// Changes a byte of a file.
fn change(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

#[test]
fn a_changed_byte_in_any_file_of_log_or_archive_is_found_and_so_is_any_that_is_gone() {
    let (dir, kept, log, _) = pruned_log();
    drop(again(log, dir.path()));
    for of in [dir.path(), kept.path()] {
        holds(of);
        for (number, path) in files(of).into_iter().enumerate() {
            let name = path.strip_prefix(of).unwrap().to_string_lossy().into_owned();
            // The lock is empty, the key beside the log is for who has none, and segments are zeros at their ends.
            if name == "lock" || name == "log.vkey" || name.starts_with("segments") {
                continue;
            }
            let clean = fs::read(&path).unwrap();
            change(&path, number * 37);
            assert!(!check(of).holds(), "{name} was changed");
            fs::remove_file(&path).unwrap();
            // Heads that are gone only make it harder to say where something was changed.
            let is_needed =
                !name.starts_with("checkpoints") && !name.starts_with("heads") && !is_stale(&name);
            assert!(!is_needed || !check(of).holds(), "{name} is gone");
            fs::write(&path, clean).unwrap();
        }
        holds(of);
    }
}

/// A partial tile of an earlier head.
fn is_stale(name: &str) -> bool {
    name.contains(".p/")
}

/// An archive that fails now and then, having done or not done what it was told.
struct Unsteady {
    inner: Directory,
    chance: Mutex<Box<dyn Iterator<Item = u8> + Send>>,
}

impl Unsteady {
    fn fails(&self) -> Option<bool> {
        let roll = self.chance.lock().unwrap().next().unwrap_or(9);
        (roll < 2).then_some(roll == 0)
    }
}

impl Archive for Unsteady {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.fails() {
            Some(_) => Err(io::Error::other("not now")),
            None => self.inner.get(name),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], stay: Stay) -> io::Result<()> {
        match self.fails() {
            Some(true) => Err(io::Error::other("not now")),
            Some(false) => self.inner.put(name, bytes, stay).and(Err(io::Error::other("no answer"))),
            None => self.inner.put(name, bytes, stay),
        }
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        self.inner.names(folder)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    Archive(Vec<u8>),
    Prune(i64),
    /// Ends between the entry and what it says, or after so many bundles are gone.
    FallWhilePruning(i64, u64),
    Restart,
    Fall,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u64..700).prop_map(Step::Append),
        3 => prop::collection::vec(0_u8..12, 0..60).prop_map(Step::Archive),
        2 => (0_i64..1_500).prop_map(Step::Prune),
        1 => (0_i64..1_500, 0_u64..4).prop_map(|(before, gone)| Step::FallWhilePruning(before, gone)),
        1 => Just(Step::Restart),
        1 => Just(Step::Fall),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_acknowledged_is_lost_whatever_is_archived_pruned_and_killed(
        steps in prop::collection::vec(step(), 1..25)
    ) {
        let (mut dir, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut log = Some(Log::open(dir.path(), signer(), options()).unwrap());
        let mut receipts = BTreeSet::new();
        for step in steps {
            let open = log.take().unwrap();
            match step {
                Step::Append(count) => {
                    receipts.extend(append(&open, count).iter().map(|receipt| receipt.index));
                    log = Some(open);
                }
                Step::Archive(rolls) => {
                    let chance = Mutex::new(Box::new(rolls.into_iter()) as Box<_>);
                    let archive = Unsteady { inner: Directory::new(kept.path()), chance };
                    let _ = round(dir.path(), &archive);
                    log = Some(open);
                }
                Step::Prune(before) => {
                    let _ = prune(&open, dir.path(), Some(&Directory::new(kept.path())), before);
                    log = Some(open);
                }
                Step::FallWhilePruning(before, gone) => {
                    let archive = Directory::new(kept.path());
                    let planned = plan(dir.path(), &signer().verifier(), Some(&archive), Timestamp(before), u64::MAX);
                    if let Ok(Some(pruning)) = planned {
                        let entry = Entry::of_gateway(Timestamp(1), "gw1".into(), pruning.event());
                        let receipt = open.append(&entry).wait().unwrap();
                        if gone > 0 {
                            let left = copy(dir.path());
                            pruning.carry_out(&receipt, &signer()).unwrap();
                            put_back(left.path(), dir.path(), gone - 1);
                        }
                    }
                    dir = fallen(dir, open);
                }
                Step::Restart => open.close(Timestamp(2)).unwrap(),
                Step::Fall => dir = fallen(dir, open),
            }
            if log.is_none() {
                log = Some(Log::open(dir.path(), signer(), options()).unwrap());
            }
            holds(dir.path());
            let mut found: BTreeSet<u64> = indexes(dir.path()).into_iter().collect();
            if kept.path().join("checkpoint").exists() {
                let archived = holds(kept.path()).size;
                prop_assert_eq!(indexes(kept.path()).len() as u64, archived);
                found.extend(0..archived);
            }
            prop_assert!(receipts.is_subset(&found));
        }
        if kept.path().join("checkpoint").exists() {
            let to = tempfile::tempdir().unwrap();
            let restored = restore(&Directory::new(kept.path()), &signer().verifier(), to.path(), None).unwrap();
            prop_assert!(restored.report.holds());
            prop_assert_eq!(indexes(to.path()).len() as u64, restored.report.size);
        }
    }
}

/// The log as its files were when its gateway was killed.
fn fallen(dir: tempfile::TempDir, open: Log) -> tempfile::TempDir {
    let left = copy(dir.path());
    drop(open);
    left
}

/// Puts the bundles back that were pruned, but for the first `gone`.
fn put_back(left: &Path, dir: &Path, gone: u64) {
    for path in files(&left.join("tile/entries")).into_iter().skip(usize::try_from(gone).unwrap()) {
        let to = dir.join(path.strip_prefix(left).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
}

#[test]
fn an_archive_that_stops_in_the_middle_holds_what_its_head_says() {
    let dir = tempfile::tempdir().unwrap();
    drop(again(log(dir.path(), 800), dir.path()));
    for after in 0..11 {
        let kept = tempfile::tempdir().unwrap();
        let chance = Mutex::new(Box::new((0..after).map(|_| 9_u8).chain([0])) as Box<_>);
        let archive = Unsteady { inner: Directory::new(kept.path()), chance };
        let failed = round(dir.path(), &archive).is_err();
        if kept.path().join("checkpoint").exists() {
            holds(kept.path());
        }
        assert!(failed, "after {after}");
        round(dir.path(), &Directory::new(kept.path())).unwrap();
        assert_eq!(holds(kept.path()).size, 768);
    }
}
