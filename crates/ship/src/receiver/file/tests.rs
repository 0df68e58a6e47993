use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn append(open: &mut Option<File>, path: &Path, text: &str) -> Result<(), String> {
    write(open, path, text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn it_is_made_for_its_owner_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut open = None;
    append(&mut open, &path, "a\n").unwrap();
    append(&mut open, &path, "b\n").unwrap();
    append(&mut None, &path, "c\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\nc\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_was_put_away_is_left_alone_and_another_begun() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut open = None;
    append(&mut open, &path, "a\n").unwrap();
    fs::rename(&path, dir.path().join("log.1")).unwrap();
    append(&mut open, &path, "b\n").unwrap();
    fs::remove_file(&path).unwrap();
    append(&mut open, &path, "c\n").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("log.1")).unwrap(), "a\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
}

#[test]
fn a_line_that_was_cut_off_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    append(&mut None, &path, "a\nhal").unwrap();
    append(&mut None, &path, "half\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\nhal\nhalf\n");
}

#[test]
fn links_what_is_no_file_and_what_others_write_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (link, target) = (dir.path().join("link"), dir.path().join("target"));
    fs::write(&target, "").unwrap();
    symlink(&target, &link).unwrap();
    assert_eq!(append(&mut None, &link, "a\n").unwrap_err(), "it is no file, or a link to one");
    assert_eq!(
        append(&mut None, Path::new("/dev/null"), "a\n").unwrap_err(),
        "it is no file, or a link to one"
    );
    fs::set_permissions(&target, fs::Permissions::from_mode(0o660)).unwrap();
    assert_eq!(
        append(&mut None, &target, "a\n").unwrap_err(),
        "the file is somebody else's, or others can write it"
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
    let nowhere = dir.path().join("no/where");
    assert_eq!(
        append(&mut None, &nowhere, "a\n").unwrap_err(),
        "the file cannot be written: entity not found"
    );
}
