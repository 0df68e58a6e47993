use std::fs;

use access::{Secret, Timestamp};
use audit::{Event, Log, Options, Signer};

use super::*;

const EVERYTHING: Search = Search::All(Vec::new());

/// A log with this many entries beside its own two, all in bundles.
fn log(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::from_seed(&Secret::from(vec![9; 32]), "gw1").unwrap();
    let log = Log::open(dir.path(), signer, Options::new("gw1", "0", Timestamp(1))).unwrap();
    for number in 0..count {
        let event = Event::SessionClosed { reason: format!("{number}").into(), commands: number };
        log.note(&Entry::of_gateway(Timestamp(1), "gw1".into(), event)).unwrap();
    }
    log.close(Timestamp(2)).unwrap();
    fs::remove_dir_all(dir.path().join("segments")).unwrap();
    dir
}

fn some(read: Read) -> Batch {
    match read {
        Read::Some(batch) => batch,
        Read::Gone { to, why } => panic!("gone to {to}: {why}"),
        Read::Failed(why) => panic!("{why}"),
    }
}

#[test]
fn what_does_not_fit_is_passed_over_and_a_batch_ends_with_what_does() {
    let dir = log(600);
    let mut reader = Reader::new(dir.path(), "siem");
    let only = Search::parse("event = gateway_started or event = gateway_stopped", Timestamp(0)).unwrap();
    let first = some(reader.read(0, 603, 256, &only, Shape::Line(Form::Json)));
    assert_eq!((first.span.told.clone(), first.span.entries, first.span.to), (1..603, 2, 603));
    assert_eq!(first.last, hash(dir.path(), 602));
    let alone = some(reader.read(0, 603, 1, &only, Shape::Line(Form::Json)));
    assert_eq!((alone.span.told.clone(), alone.span.to, alone.hash), (1..2, 2, hash(dir.path(), 1).unwrap()));
    let rest = some(reader.read(500, 550, 256, &EVERYTHING, Shape::Record));
    assert_eq!((rest.span.told, rest.span.entries, rest.span.to), (500..550, 50, 550));
    assert_eq!(some(reader.read(10, 603, 256, &EVERYTHING, Shape::Record)).span.told, 10..266);
}

#[test]
fn entries_that_are_gone_are_told_to_where_the_log_goes_on() {
    let dir = log(900);
    let bundle = |number| dir.path().join(format!("tile/entries/00{number}"));
    fs::remove_file(bundle(1)).unwrap();
    fs::remove_file(bundle(2)).unwrap();
    let mut reader = Reader::new(dir.path(), "siem");
    let before = some(reader.read(250, 903, 256, &EVERYTHING, Shape::Line(Form::Cef)));
    assert_eq!(before.span.told, 250..256);
    for from in [256, 300, 767] {
        let Read::Gone { to, why } = reader.read(from, 903, 256, &EVERYTHING, Shape::Record) else {
            panic!()
        };
        assert_eq!((to, why), (768, NOT_THERE));
    }
    assert_eq!(some(reader.read(768, 903, 256, &EVERYTHING, Shape::Record)).span.to, 903);
}

#[test]
fn an_entry_that_nobody_knows_is_passed_over_alone() {
    let dir = log(40);
    let path = fs::read_dir(dir.path().join("tile/entries/000.p")).unwrap().next().unwrap().unwrap().path();
    let mut text = fs::read(&path).unwrap();
    let reason = br#""reason":"7""#;
    let at = text.windows(reason.len()).position(|window| window == reason).unwrap();
    text[at + 2] = b'f';
    fs::write(&path, text).unwrap();
    let mut reader = Reader::new(dir.path(), "siem");
    assert_eq!(some(reader.read(0, 43, 256, &EVERYTHING, Shape::Record)).span.told, 0..9);
    let Read::Gone { to, why } = reader.read(9, 43, 256, &EVERYTHING, Shape::Record) else { panic!() };
    assert_eq!((to, why), (10, NO_ENTRY));
    assert_eq!(some(reader.read(10, 43, 256, &EVERYTHING, Shape::Record)).span.told, 10..43);
}
