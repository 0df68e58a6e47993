//! What a crash can leave behind, and what must not be taken for one.

use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;
use crate::recover::recover;

/// A log of ten entries, left without being closed, and where its segment ends.
fn left() -> (tempfile::TempDir, PathBuf, u64) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 8);
    drop(log);
    let path = segment::path(dir.path(), 1);
    let mut records = Records::open(&path).unwrap();
    while records.next().unwrap().is_some() {}
    let end = records.offset();
    (dir, path, end)
}

/// The bytes of a batch of three entries after ten.
fn batch() -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 10..13 {
        frame(index, 10, &encoded(index), &mut bytes);
    }
    bytes
}

fn put(path: &Path, bytes: &[u8], at: u64) {
    File::options().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}

#[test]
fn a_batch_torn_at_any_byte_costs_no_earlier_entry() {
    let (dir, path, end) = left();
    let batch = batch();
    let clean = fs::read(&path).unwrap();
    for torn in 0..=batch.len() {
        put(&path, &clean, 0);
        put(&path, &batch[..torn], end);
        let found = recover(dir.path(), &signer().verifier()).unwrap();
        let whole = if torn == batch.len() { 3 } else { torn * 3 / batch.len() };
        assert_eq!(found.size, 10 + whole as u64, "torn at {torn}");
        assert!(!found.clean);
    }
}

#[test]
fn a_batch_whose_pages_came_out_of_order_costs_no_earlier_entry_and_leaves_nothing() {
    let (dir, path, end) = left();
    let batch = batch();
    let third = batch.len() / 3;
    let clean = fs::read(&path).unwrap();
    for hole in (0..third).step_by(7) {
        put(&path, &clean, 0);
        // The later entries are whole; the first is not.
        put(&path, &batch, end);
        put(&path, &vec![0; 7.min(third - hole)], end + hole as u64);
        let found = recover(dir.path(), &signer().verifier()).unwrap();
        assert_eq!(found.size, 10, "hole at {hole}");
        assert_eq!(fs::read(&path).unwrap(), clean, "what was never acknowledged is gone");
    }
}

#[test]
fn after_a_crash_the_log_goes_on_where_it_was_and_verifies() {
    let (dir, path, end) = left();
    put(&path, &batch()[..200], end);
    let before = verify(dir.path(), &signer().verifier(), None).unwrap();
    assert!(before.holds() && before.unfinished_bytes == 200, "{before:?}");
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    assert_eq!(append(&log, 1)[0].index, 12 - 1);
    log.close(Timestamp(9)).unwrap();
    assert_eq!(
        events(dir.path())[10],
        Event::GatewayStarted {
            version: "0.1.0".into(),
            clean: false,
            policies: "".into(),
            configuration: "".into()
        }
    );
    holds(dir.path());
}

#[test]
fn a_killed_gateway_leaves_every_acknowledged_entry_and_a_log_that_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    for round in 1..=5 {
        append(&log, 150);
        let left = copy(dir.path());
        holds(left.path());
        let again = Log::open(left.path(), signer(), options()).unwrap();
        assert_eq!(again.state().durable, 2 + round * 150 + 1);
        again.close(Timestamp(9)).unwrap();
        holds(left.path());
        let read = events(left.path());
        assert!(read[2..].iter().zip(0..round * 150).all(|(event, n)| *event == numbered(n % 150).event));
    }
}

#[test]
fn damage_to_an_entry_that_was_durable_is_not_taken_for_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    // One batch each.
    for _ in 0..4 {
        append(&log, 1);
    }
    let left = copy(dir.path());
    let path = segment::path(left.path(), 1);
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(11).position(|window| window == b"\"gateway\":\"").unwrap();
    put(&path, b"X", at as u64);
    let error = Log::open(left.path(), signer(), options()).map(|_| ()).unwrap_err();
    assert!(matches!(error, LogError::Damaged { index: 0, .. }), "{error}");
}

#[test]
fn a_log_that_lost_what_its_checkpoint_vouches_for_is_not_opened() {
    let (dir, path, end) = left();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(9)).unwrap();
    put(&path, &vec![0; 2000], end);
    let error = Log::open(dir.path(), signer(), options()).map(|_| ()).unwrap_err();
    assert!(matches!(error, LogError::Missing { size: 10, known: 12 }), "{error}");
}

#[test]
fn a_log_rewritten_with_other_entries_is_not_opened() {
    let (dir, path, _) = left();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(9)).unwrap();
    // The same number of well-formed entries, and other ones.
    let mut forged = HEADER.to_vec();
    for index in 0..12 {
        frame(index, 0, &encoded(index + 500), &mut forged);
    }
    forged.resize(16 << 10, 0);
    put(&path, &forged, 0);
    let error = Log::open(dir.path(), signer(), options()).map(|_| ()).unwrap_err();
    assert!(matches!(error, LogError::Changed { size: 12 }), "{error}");
}

#[test]
fn a_log_without_its_checkpoint_is_held_to_the_history_and_without_either_refused_once_old() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 600);
    log.close(Timestamp(9)).unwrap();
    fs::remove_file(dir.path().join("checkpoint")).unwrap();
    Log::open(copy(dir.path()).path(), signer(), options()).unwrap();
    fs::remove_file(dir.path().join("checkpoints")).unwrap();
    let error = Log::open(dir.path(), signer(), options()).map(|_| ()).unwrap_err();
    assert!(matches!(error, LogError::NoCheckpoint { size: 603 }), "{error}");
}

#[test]
fn tiles_that_a_crash_lost_and_a_history_it_tore_are_mended() {
    let (dir, ..) = left();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(9)).unwrap();
    fs::remove_dir_all(dir.path().join("tile")).unwrap();
    let mut history = File::options().append(true).open(dir.path().join("checkpoints")).unwrap();
    history.write_all(b"gw1\n13\nAAAA").unwrap();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(10)).unwrap();
    holds(dir.path());
}

#[test]
fn what_a_power_failure_left_of_a_partial_tile_is_no_finding() {
    let (dir, ..) = left();
    Log::open(dir.path(), signer(), options()).unwrap().close(Timestamp(9)).unwrap();
    for (level, width) in [("entries", 10), ("entries", 12), ("0", 10), ("0", 12)] {
        fs::write(dir.path().join(format!("tile/{level}/000.p/{width}")), "").unwrap();
    }
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    holds(dir.path());
    log.close(Timestamp(10)).unwrap();
    holds(dir.path());
}

#[test]
fn spare_segments_left_by_a_crash_are_used_or_removed() {
    let (dir, ..) = left();
    let stop = AtomicBool::new(false);
    for number in [3, 4, 5] {
        segment::prepare(dir.path(), number, 16 << 10, &stop).unwrap();
    }
    File::create(dir.path().join("segments/0000000006.new")).unwrap();
    let log = Log::open(dir.path(), signer(), options()).unwrap();
    append(&log, 700);
    log.close(Timestamp(9)).unwrap();
    holds(dir.path());
    assert_eq!(events(dir.path()).len(), 712);
}
