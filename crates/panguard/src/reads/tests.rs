use super::*;

fn events(dir: &Path) -> Vec<Event> {
    waiting(dir).into_iter().map(|(_, event)| event).collect()
}

#[test]
fn a_note_says_who_read_what_and_when_until_it_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(events(dir.path()), []);
    leave(dir.path(), "evidence", 3..7, Timestamp::from_seconds(60)).unwrap();
    let user = rustix::process::getuid().as_raw();
    let how = format!("evidence by uid {user} at 1970-01-01T00:01:00Z").into();
    let [(path, event)] = &waiting(dir.path())[..] else { panic!() };
    assert_eq!(*event, Event::LogRead { how, first: 3, end: 7 });
    fs::remove_file(path).unwrap();
    assert_eq!(events(dir.path()), []);
}

#[test]
fn a_note_that_cannot_be_read_is_recorded_as_that() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(FOLDER)).unwrap();
    fs::write(dir.path().join(FOLDER).join("1-1"), "{").unwrap();
    fs::write(dir.path().join(FOLDER).join(".2-2"), "{").unwrap();
    let how = "by a note that cannot be read".into();
    assert_eq!(events(dir.path()), [Event::LogRead { how, first: 0, end: 0 }]);
}

#[test]
fn what_cannot_be_noted_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FOLDER), "").unwrap();
    assert!(leave(dir.path(), "evidence", 0..1, Timestamp(0)).is_err());
}
