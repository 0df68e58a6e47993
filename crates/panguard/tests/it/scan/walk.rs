use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

#[test]
fn files_are_told_in_the_order_of_their_names_whichever_is_done_first() {
    let folder = Folder::new();
    let mut expected = Vec::new();
    for index in 0..600 {
        let name = format!("{:02}/{index:03}.txt", index / 50);
        // The first ones take longest.
        folder.write(&name, format!("{}card {CARD}\n", "x\n".repeat((600 - index) * 40)));
        expected.push(format!("{name}:{}", (600 - index) * 40 + 1));
    }
    assert!(folder.places(&["."]) == expected);
    let reversed: Vec<String> = folder.places(&["11", "00"]);
    assert!(reversed == [&expected[550..], &expected[..50]].concat());
}

#[test]
fn a_pipe_in_a_folder_and_links_that_lead_back_hold_nothing_up() {
    let folder = Folder::new();
    folder.write("in/a.txt", format!("card {CARD}\n"));
    symlink("..", folder.path("in/loop")).unwrap();
    symlink("a.txt", folder.path("in/link")).unwrap();
    symlink("nowhere", folder.path("in/broken")).unwrap();
    mknodat(CWD, folder.path("in/pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(folder.places(&["in"]), ["in/a.txt:1"]);
    assert_eq!(folder.places(&["in/link"]), ["in/link:1"]);
}

#[test]
fn what_is_ignored_is_left_out_unless_told_not_to() {
    let folder = Folder::new();
    let text = format!("card {CARD}\n");
    folder.write(".gitignore", "*.log\n!kept.log\n");
    folder.write("in/.ignore", "left-out/\n");
    for name in ["a.log", "kept.log", ".env", "in/left-out/b", "in/c", ".git/d"] {
        folder.write(name, &text);
    }
    assert_eq!(folder.places(&["."]), [".env:1", "in/c:1", "kept.log:1"]);
    assert_eq!(folder.places(&["in"]), ["in/c:1"]);
    let all = [".env:1", ".git/d:1", "a.log:1", "in/c:1", "in/left-out/b:1", "kept.log:1"];
    assert_eq!(folder.places(&["--no-ignore", "."]), all);
    assert_eq!(folder.places(&["a.log"]), ["a.log:1"]);
}

#[test]
fn a_name_shows_no_number_and_does_nothing_to_a_terminal() {
    let folder = Folder::new();
    folder.write(&format!("dump-{CARD}/a.txt"), "clean");
    folder.write("evil\n\x1b[2J\u{202e}name", format!("card {CARD}\x1b[31m red\n"));
    let said = folder.scan(&["."]);
    let expected = "\
dump-************1111: card number (visa) in this name
evil\\u{a}\\u{1b}[2J\\u{202e}name:1: card number (visa) ************1111
    card ************1111\\u{1b}[31m red
";
    assert_eq!((said.code, said.out.as_str()), (1, expected), "{}", said.err);
    let nowhere = format!("nowhere-{CARD}");
    let said = folder.scan(&[&nowhere]);
    assert_eq!((said.code, said.err.contains("`nowhere-************1111`")), (2, true), "{}", said.err);
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_looked_at() {
    let folder = Folder::new();
    folder.write("a.txt", format!("card {CARD}\n"));
    let said = folder.scan(&["--format", "json", "nowhere", "a.txt"]);
    assert_eq!((said.code, said.json().len()), (2, 1));
    assert_eq!(said.err, "panguard: cannot read all of `nowhere`: No such file or directory (os error 2)\n");
}

#[test]
fn a_file_of_nothing_but_holes_is_read_to_its_end() {
    let folder = Folder::new();
    let file = fs::File::create(folder.path("holes")).unwrap();
    file.set_len(64 << 20).unwrap();
    drop(file);
    let mut file = fs::OpenOptions::new().append(true).open(folder.path("holes")).unwrap();
    write!(file, "\ncard {CARD}\n").unwrap();
    assert_eq!(folder.places(&["holes"]), ["holes:2"]);
}
