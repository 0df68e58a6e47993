use super::*;

#[test]
fn where_a_sink_is_is_read_back_and_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(standing(dir.path(), "siem").unwrap(), None);
    let wrong = Some(Wrong { what: "it answers 503".into(), since: 7 });
    for it in [Standing { next: 4711, last: Some("ab".into()), wrong }, Standing::default()] {
        save(dir.path(), "siem", &it).unwrap();
        assert_eq!(standing(dir.path(), "siem").unwrap(), Some(it));
    }
    assert_eq!(fs::metadata(dir.path().join("siem")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_says_nothing_and_what_leads_elsewhere_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("siem"), "{\"next\": ").unwrap();
    assert_eq!(standing(dir.path(), "siem").unwrap_err().kind(), ErrorKind::UnexpectedEof);
    std::os::unix::fs::symlink("siem", dir.path().join("hook")).unwrap();
    assert!(standing(dir.path(), "hook").is_err());
}

#[test]
fn a_move_is_wanted_until_it_is_done_and_the_last_one_counts() {
    let dir = tempfile::tempdir().unwrap();
    assert!(wanted(dir.path(), "siem").is_none());
    leave(dir.path(), "siem", 3).unwrap();
    leave(dir.path(), "siem", 5).unwrap();
    let user = fs::metadata(dir.path()).unwrap().uid();
    assert_eq!(wanted(dir.path(), "siem").unwrap().unwrap(), Wanted { next: 5, user });
    leave(dir.path(), "siem", 9).unwrap();
    assert_eq!(wanted(dir.path(), "siem").unwrap().unwrap().next, 5);
    done(dir.path(), "siem").unwrap();
    assert_eq!(wanted(dir.path(), "siem").unwrap().unwrap().next, 9);
    done(dir.path(), "siem").unwrap();
    assert!(wanted(dir.path(), "siem").is_none() && wanted(dir.path(), "hook").is_none());
}
