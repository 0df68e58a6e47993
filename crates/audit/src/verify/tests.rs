use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use access::Timestamp;

use super::*;
use crate::log::tests::{append, copy, numbered, options, signer};
use crate::tile::{Level, TileName, next_entry};
use crate::tree::leaf_hash;
use crate::{Entry, Log, segment};

/// A closed log of `count` entries besides the three that it makes itself.
fn log(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, count);
    log.close(Timestamp(2)).unwrap();
    dir
}

fn check(dir: &Path) -> Report {
    verify(dir, &signer().verifier(), None).unwrap()
}

/// The index of the first that is wrong.
fn first(dir: &Path) -> Option<u64> {
    let report = check(dir);
    assert!(!report.holds(), "{report:?}");
    report.first_wrong().unwrap().index
}

fn bundle(dir: &Path, number: u64) -> PathBuf {
    dir.join(TileName::full(Level::Entries, number).path())
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut entries) = (bytes, Vec::new());
    while let Some((entry, after)) = next_entry(rest) {
        entries.push(entry.to_vec());
        rest = after;
    }
    entries
}

fn change_bundle(dir: &Path, number: u64, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let path = bundle(dir, number);
    let mut entries = split(&fs::read(&path).unwrap());
    change(&mut entries);
    let join = |entry: &Vec<u8>| [&(entry.len() as u16).to_be_bytes(), entry.as_slice()].concat();
    fs::write(&path, entries.iter().map(join).collect::<Vec<_>>().concat()).unwrap();
}

fn change_hash(dir: &Path, index: u64, hash: Hash) {
    let path = dir.join(TileName::full(Level::Hashes(0), index / 256).path());
    let mut bytes = fs::read(&path).unwrap();
    let at = (index % 256) as usize * 32;
    bytes[at..at + 32].copy_from_slice(&hash);
    fs::write(path, bytes).unwrap();
}

/// What somebody does who wants another entry in the place of `index`.
fn forged(entry: &[u8]) -> Vec<u8> {
    String::from_utf8(entry.to_vec()).unwrap().replace("entry 0", "entry 9").into_bytes()
}

#[test]
fn a_log_that_is_written_while_it_is_verified_holds() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    let writing = AtomicUsize::new(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..60 {
                    append(&log, 20);
                }
                writing.fetch_sub(1, Ordering::Relaxed);
            });
        }
        while writing.load(Ordering::Relaxed) > 0 {
            let report = check(dir.path());
            assert!(report.holds(), "{report:?}");
        }
    });
    log.close(Timestamp(2)).unwrap();
}

#[test]
fn a_log_as_it_was_written_holds() {
    let dir = log(600);
    let report = check(dir.path());
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.size, report.tail, report.unfinished_bytes), (603, 0, 0));
}

#[test]
fn an_entry_that_was_changed_is_named() {
    for index in [2, 255, 256, 300, 511] {
        let dir = log(600);
        change_bundle(dir.path(), index / 256, |entries| {
            let place = (index % 256) as usize;
            entries[place] = forged(&entries[place]);
        });
        assert_eq!(first(dir.path()), Some(index));
    }
}

#[test]
fn entries_that_changed_places_or_are_gone_or_were_put_in_are_named() {
    let swap = |entries: &mut Vec<Vec<u8>>| entries.swap(40, 90);
    let remove = |entries: &mut Vec<Vec<u8>>| drop(entries.remove(40));
    let insert = |entries: &mut Vec<Vec<u8>>| entries.insert(40, entries[41].clone());
    for change in [&swap as &dyn Fn(&mut Vec<Vec<u8>>), &remove, &insert] {
        let dir = log(600);
        change_bundle(dir.path(), 1, change);
        assert_eq!(first(dir.path()), Some(256 + 40));
    }
}

#[test]
fn a_bundle_that_is_gone_is_named_by_its_first_entry() {
    let dir = log(600);
    fs::remove_file(bundle(dir.path(), 1)).unwrap();
    assert_eq!(first(dir.path()), Some(256));
}

#[test]
fn an_entry_changed_together_with_its_hash_is_named_by_what_still_differs() {
    let dir = log(600);
    change_bundle(dir.path(), 1, |entries| {
        entries[40] = forged(&entries[40]);
        change_hash(dir.path(), 296, leaf_hash(&entries[40]));
    });
    // The hashes one level up say which 256 entries it is among.
    assert_eq!(first(dir.path()), Some(256));
}

#[test]
fn a_changed_hash_is_told_from_a_changed_entry() {
    let dir = log(600);
    change_hash(dir.path(), 300, [1; 32]);
    let report = check(dir.path());
    let wrong = report.first_wrong().unwrap();
    assert_eq!(wrong.index, Some(300));
    assert!(wrong.what.contains("the entry is right"), "{wrong:?}");
}

#[test]
fn earlier_checkpoints_narrow_down_a_change_when_every_tile_was_made_anew() {
    let dir = log(300);
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 300);
    log.close(Timestamp(3)).unwrap();
    // A forger without the key makes a log with one other entry, after the first run.
    let forger = tempfile::tempdir().unwrap();
    let theirs = Log::open(forger.path(), signer(), options()).unwrap();
    for (index, entry) in crate::entries(dir.path(), 2..604).map(Result::unwrap) {
        let entry = if index == 400 { numbered(77_777) } else { entry };
        theirs.append(&entry).wait().unwrap();
    }
    theirs.close(Timestamp(3)).unwrap();
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    fs::remove_dir_all(dir.path().join("segments")).unwrap();
    fs::rename(forger.path().join("tile"), dir.path().join("tile")).unwrap();
    let report = check(dir.path());
    let wrong = report.first_wrong().unwrap();
    // The first run, up to its checkpoint of 303 entries, still has the root that was signed.
    assert_eq!(wrong.index, Some(303), "{report:?}");
}

#[test]
fn a_log_cut_back_to_an_earlier_checkpoint_is_found_by_history_and_by_a_head_kept_elsewhere() {
    let dir = log(100);
    let early = copy(dir.path());
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 100);
    log.close(Timestamp(3)).unwrap();
    let head = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    // All put back but the history.
    fs::copy(dir.path().join("checkpoints"), early.path().join("checkpoints")).unwrap();
    assert_eq!(first(early.path()), Some(103));
    // All put back: only what is kept elsewhere knows.
    let early = log_cut(early.path(), 103);
    let report = verify(early.path(), &signer().verifier(), Some(&head)).unwrap();
    assert_eq!(report.first_wrong().unwrap().index, Some(103));
}

/// The log with the notes of its history that are of at most `size` entries.
fn log_cut(dir: &Path, size: u64) -> tempfile::TempDir {
    let cut = copy(dir);
    let notes = history::read(cut.path()).unwrap().notes;
    let keep = notes.iter().filter(|note| signer().verifier().open(note).unwrap().size <= size);
    fs::write(cut.path().join("checkpoints"), keep.map(|note| format!("{note}\n")).collect::<String>())
        .unwrap();
    assert!(check(cut.path()).holds());
    cut
}

#[test]
fn a_fork_signed_with_the_right_key_is_found_by_a_head_kept_elsewhere() {
    let dir = log(100);
    let head = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    let fork = tempfile::tempdir().unwrap();
    let other = Log::open(fork.path(), signer(), options()).unwrap();
    for number in 0..200 {
        other.append(&numbered(number + 1)).wait().unwrap();
    }
    other.close(Timestamp(2)).unwrap();
    assert!(check(fork.path()).holds());
    let report = verify(fork.path(), &signer().verifier(), Some(&head)).unwrap();
    assert!(!report.holds());
    let same = verify(dir.path(), &signer().verifier(), Some(&head)).unwrap();
    assert!(same.holds(), "{same:?}");
}

#[test]
fn an_earlier_head_kept_elsewhere_is_a_prefix_of_the_log_that_went_on() {
    let dir = log(100);
    let head = fs::read_to_string(dir.path().join("checkpoint")).unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 700);
    log.close(Timestamp(3)).unwrap();
    let report = verify(dir.path(), &signer().verifier(), Some(&head)).unwrap();
    assert!(report.holds(), "{report:?}");
    let forged = head.replacen("103", "102", 1);
    let error = verify(dir.path(), &signer().verifier(), Some(&forged)).unwrap_err();
    assert!(matches!(error, NotVerifiable::KnownHead(NotSigned::Forged)));
}

#[test]
fn durable_entries_after_the_checkpoint_are_checked_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    for _ in 0..5 {
        append(&log, 1);
    }
    let left = copy(dir.path());
    assert_eq!(check(left.path()).tail, 7);
    let path = crate::segment::path(left.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(11).position(|window| window == b"entry 00000").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(first(left.path()), Some(2));
}

/// Reading from a pipe would wait for who writes, for ever.
#[test]
fn a_pipe_in_the_place_of_a_file_is_said_to_be_none() {
    for number in 0..3 {
        let dir = log(600);
        let path = match number {
            0 => bundle(dir.path(), 0),
            1 => dir.path().join(CHECKPOINT),
            _ => segment::path(dir.path(), *segment::numbers(dir.path()).unwrap().last().unwrap()),
        };
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let said = match verify(dir.path(), &signer().verifier(), None) {
            Ok(report) => format!("{:?}", report.first_wrong().expect("it does not hold")),
            Err(error) => error.to_string(),
        };
        assert!(said.contains("not a plain file"), "{}: {said}", path.display());
    }
}

#[test]
fn no_log_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let error = verify(dir.path(), &signer().verifier(), None).unwrap_err();
    assert!(matches!(error, NotVerifiable::NoLog(_)));
}

#[test]
fn no_byte_of_any_file_can_change_unseen() {
    let dir = log(3);
    assert!(check(dir.path()).holds());
    let mut files = Vec::new();
    list(dir.path(), &mut files);
    assert!(files.len() >= 6, "{files:?}");
    for path in files {
        let bytes = fs::read(&path).unwrap();
        // The letters of entries and the zeros of segments are alike: some of them will do.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let step = if used < 1000 { 1 } else { 5 };
        for place in (0..used).step_by(step).chain((used..bytes.len()).step_by(1999)) {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << (place % 8);
            fs::write(&path, &changed).unwrap();
            assert!(!check(dir.path()).holds(), "byte {place} of {}", path.display());
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(check(dir.path()).holds());
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.file_name().unwrap() != "lock" {
            files.push(path);
        }
    }
}

#[test]
fn entries_read_back_from_a_bundle_are_the_ones_appended() {
    let dir = log(300);
    let entries = split(&fs::read(bundle(dir.path(), 0)).unwrap());
    assert_eq!(Entry::from_json(&entries[2]).unwrap(), numbered(0));
}

/// A copy of a log of 46 entries as it is without segments; its head, and its entries.
fn without_segments() -> (tempfile::TempDir, Checkpoint, Vec<Vec<u8>>) {
    let dir = log(43);
    fs::remove_dir_all(dir.path().join("segments")).unwrap();
    let head = signer().verifier().open(&fs::read_to_string(dir.path().join("checkpoint")).unwrap()).unwrap();
    let lines = read(dir.path());
    assert!(check(dir.path()).holds() && lines.len() == 46);
    (dir, head, lines)
}

fn read(dir: &Path) -> Vec<Vec<u8>> {
    crate::lines(dir, 0..u64::MAX).map(|line| line.unwrap().1).collect()
}

fn write_bundle(dir: &Path, width: u64, entries: &[Vec<u8>]) {
    let name = TileName { width, ..TileName::full(Level::Entries, 0) };
    let join = |entry: &Vec<u8>| [&(entry.len() as u16).to_be_bytes(), entry.as_slice()].concat();
    fs::write(dir.join(name.path()), entries.iter().map(join).collect::<Vec<_>>().concat()).unwrap();
}

#[test]
fn a_bundle_of_another_width_is_not_read_and_not_let_be_if_it_contradicts() {
    for width in [1, 45, 47, 255, 256] {
        let (dir, head, lines) = without_segments();
        // As a gateway leaves it that is about to sign a new head, or has just signed one.
        let mut other: Vec<_> = lines.iter().cycle().take(width as usize).cloned().collect();
        write_bundle(dir.path(), width, &other);
        assert!(check(dir.path()).holds(), "width {width}");
        assert_eq!(read(dir.path()), lines, "width {width}");
        let changed = 40.min(width - 1);
        other[changed as usize] = b"{\"forged\":1}".to_vec();
        write_bundle(dir.path(), width, &other);
        assert_eq!(first(dir.path()), Some(changed), "width {width}");
        assert_eq!(read(dir.path()), lines, "width {width}");
        let signed: Result<Vec<_>, _> = crate::signed(dir.path(), &head, 0).collect();
        assert_eq!(signed.unwrap().len(), 46);
    }
}

#[test]
fn a_narrower_tile_that_does_not_hold_what_its_name_says_is_found() {
    let (dir, _, lines) = without_segments();
    write_bundle(dir.path(), 45, &lines);
    assert_eq!(first(dir.path()), Some(45));
    let (dir, ..) = without_segments();
    fs::write(dir.path().join("tile/0/000.p/2"), [0; 64]).unwrap();
    assert_eq!(first(dir.path()), Some(0));
}

#[test]
fn a_log_that_ends_before_its_checkpoint_is_not_read_as_if_it_were_whole() {
    let (dir, head, lines) = without_segments();
    write_bundle(dir.path(), 46, &lines[..40]);
    let missing = |read: Vec<Result<(u64, Vec<u8>), ReadError>>| {
        assert!(matches!(read.last(), Some(Err(ReadError::Missing { index: 40 }))));
        assert_eq!(read.len(), 41);
    };
    missing(crate::lines(dir.path(), 0..u64::MAX).collect());
    missing(crate::signed(dir.path(), &head, 0).collect());
    assert!(matches!(crate::lines(dir.path(), 45..46).next(), Some(Err(ReadError::Missing { index: 40 }))));
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    assert!(matches!(crate::lines(dir.path(), 3..46).next(), Some(Err(ReadError::Missing { index: 0 }))));
}

#[test]
fn what_is_read_under_a_head_is_what_was_signed() {
    let (dir, head, mut lines) = without_segments();
    lines[7] = b"{\"forged\":1}".to_vec();
    write_bundle(dir.path(), 46, &lines);
    let read: Vec<_> = crate::signed(dir.path(), &head, 0).collect();
    assert!(matches!(read.last(), Some(Err(ReadError::Changed { size: 46 }))) && read.len() == 46);
}
