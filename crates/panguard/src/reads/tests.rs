use access::Secret;
use audit::{Options, Signer};

use super::*;

/// A log with a place for notes, and how it was read, by its entries.
struct Place(tempfile::TempDir, Log);

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::from_seed(&Secret::from(vec![9; 32]), "gw1").unwrap();
        let log =
            Log::open(&dir.path().join("audit"), signer, Options::new("gw1", "0", Timestamp(1))).unwrap();
        Self(dir, log)
    }

    fn audit(&self) -> PathBuf {
        self.0.path().join("audit")
    }

    fn record(&self) -> Vec<(String, u64, u64)> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(record(&self.audit(), "gw1", Timestamp(2), &self.1));
        let entries = audit::entries(&self.audit(), 0..u64::MAX).map(Result::unwrap);
        entries
            .filter_map(|(_, entry)| match entry.event {
                Event::LogRead { how, first, end } => Some((how.into(), first, end)),
                _ => None,
            })
            .collect()
    }

    fn notes(&self) -> usize {
        fs::read_dir(folder(&self.audit())).unwrap().count()
    }
}

#[test]
fn a_note_becomes_an_entry_once() {
    let place = Place::new();
    expect(&place.audit()).unwrap();
    leave(&place.audit(), How::Export, &(3..7)).unwrap();
    leave(&place.audit(), How::List, &(0..9)).unwrap();
    let both = vec![("export".to_owned(), 3, 7), ("list".to_owned(), 0, 9)];
    assert_eq!(place.record(), both);
    assert_eq!(place.notes(), 0);
    assert_eq!(place.record(), both);
}

#[test]
fn a_copy_of_a_log_has_nobody_to_leave_notes_for() {
    let place = Place::new();
    leave(&place.audit(), How::List, &(0..9)).unwrap();
    assert!(!folder(&place.audit()).exists());
    assert!(place.record().is_empty());
}

#[test]
fn where_a_vault_is_a_read_that_cannot_be_noted_is_an_error_and_the_gateway_mends_that() {
    let place = Place::new();
    fs::write(place.0.path().join("vault.json"), "").unwrap();
    assert!(leave(&place.audit(), How::Evidence, &(0..9)).is_err());
    assert!(place.record().is_empty());
    leave(&place.audit(), How::Evidence, &(0..9)).unwrap();
    assert_eq!(place.record(), [("evidence".to_owned(), 0, 9)]);
}

#[test]
fn a_log_has_one_place_for_notes_by_whatever_path_it_is_read() {
    let place = Place::new();
    expect(&place.audit()).unwrap();
    let link = place.0.path().join("link");
    std::os::unix::fs::symlink(place.audit(), &link).unwrap();
    let ways = [link, place.audit().join("."), place.audit().join("segments/.."), place.audit().join("")];
    for (number, way) in ways.iter().enumerate() {
        leave(way, How::List, &(0..9)).unwrap();
        assert_eq!(place.record().len(), number + 1, "{}", way.display());
    }
}

#[test]
fn what_is_no_note_says_nothing_and_goes() {
    let place = Place::new();
    expect(&place.audit()).unwrap();
    let folder = folder(&place.audit());
    for (number, text) in [
        "",
        "{",
        r#"{"how": "by magic", "first": 0, "end": 1}"#,
        r#"{"how": "list", "first": -1, "end": 1}"#,
        r#"{"how": "list", "first": 0, "end": 1, "more": 1}"#,
        &" ".repeat(10_000),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(folder.join(format!("{number}.note")), text).unwrap();
    }
    std::os::unix::fs::symlink(folder.join("0.note"), folder.join("9.note")).unwrap();
    assert!(place.record().is_empty());
    assert_eq!(place.notes(), 0);
}

#[test]
fn what_is_still_being_written_is_left() {
    let place = Place::new();
    expect(&place.audit()).unwrap();
    fs::write(folder(&place.audit()).join("1-1-0.new"), r#"{"how""#).unwrap();
    assert!(place.record().is_empty());
    assert_eq!(place.notes(), 1);
}

#[test]
fn folders_that_are_named_like_notes_stand_in_nobodys_way() {
    let place = Place::new();
    expect(&place.audit()).unwrap();
    for number in 0..=NOTES_AT_ONCE {
        fs::create_dir(folder(&place.audit()).join(format!("0{number}.note"))).unwrap();
    }
    leave(&place.audit(), How::List, &(0..9)).unwrap();
    assert_eq!(place.record(), [("list".to_owned(), 0, 9)]);
}
