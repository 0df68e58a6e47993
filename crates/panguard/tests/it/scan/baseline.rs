use super::*;

fn line(number: &str) -> String {
    format!("    card {number} of somebody\n")
}

#[test]
fn what_is_in_the_baseline_is_accepted_wherever_its_line_has_moved() {
    let folder = Folder::new();
    folder.write("a.txt", line(CARD));
    let said = folder.scan(&["--write-baseline", "known.json", "a.txt"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    folder.write("a.txt", format!("lines above\n\n  {}", line(CARD)));
    let said = folder.scan(&["--baseline", "known.json", "a.txt"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
    assert_eq!(said.err, "1 file, 53 bytes: 0 findings, 1 accepted by the baseline\n");
}

#[test]
fn what_is_new_is_found_also_beside_what_is_known() {
    let folder = Folder::new();
    folder.write("a.txt", line(CARD));
    folder.scan(&["--write-baseline", "known.json", "a.txt"]);
    // The same line once more, another number in its place, the same line in another file.
    for (name, text, expected) in [
        ("a.txt", line(CARD).repeat(2), "a.txt:2"),
        ("a.txt", line("4242424242424242"), "a.txt:1"),
        ("b.txt", line(CARD), "b.txt:1"),
    ] {
        folder.write(name, text);
        let said = folder.scan(&["--baseline", "known.json", "--format", "json", name]);
        assert_eq!(said.json().iter().map(place).collect::<Vec<_>>(), [expected]);
        assert_eq!(said.code, 1);
    }
}

#[test]
fn a_fingerprint_says_nothing_of_the_digits_that_are_hidden() {
    let folder = Folder::new();
    let fingerprint = |number: &str| {
        folder.write("a.txt", line(number));
        let said = folder.scan(&["--format", "json", "a.txt"]);
        said.json()[0]["fingerprint"].as_str().unwrap().to_owned()
    };
    // Two published numbers of one brand that end in the same four digits.
    assert_eq!(fingerprint("4012888888881881"), fingerprint("4009348888881881"));
    assert_ne!(fingerprint("4012888888881881"), fingerprint(CARD));
}

#[test]
fn what_is_not_found_any_more_is_said() {
    let folder = Folder::new();
    for name in ["a.txt", "b.txt", "gone.txt"] {
        folder.write(name, line(CARD));
    }
    folder.scan(&["--write-baseline", "known.json", "."]);
    folder.write("a.txt", "clean");
    folder.write("b.txt", "clean");
    fs::remove_file(folder.path("gone.txt")).unwrap();
    // A hook scans some files: that says nothing of `b.txt`.
    let said = folder.scan(&["--baseline", "known.json", "a.txt"]);
    assert_eq!(said.code, 0);
    let told: Vec<&str> = said.err.lines().filter(|line| line.contains("not found any more")).collect();
    assert_eq!(told.len(), 2, "{}", said.err);
    assert!(told[0].contains("a.txt") && told[1].contains("gone.txt"), "{}", said.err);
}

#[test]
fn a_baseline_accepts_a_line_in_the_folder_and_in_the_history() {
    let folder = Folder::new();
    folder.write("a.csv", format!("id,pan\n1,{CARD}\n"));
    folder.write("b.zip", zipped(&[("in", line(CARD).as_bytes())]));
    folder.scan(&["--write-baseline", "known.json", "a.csv", "b.zip"]);
    for arguments in
        [["init", "--quiet"].as_slice(), &["add", "--all"], &["commit", "--quiet", "--message", "m"]]
    {
        let mut git = Command::new("git");
        git.current_dir(folder.0.path()).args(["-c", "user.name=n", "-c", "user.email=e"]).args(arguments);
        assert!(git.output().unwrap().status.success());
    }
    let said = folder.scan(&["--baseline", "known.json", "--git"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
}

#[test]
fn what_is_no_baseline_is_refused() {
    let folder = Folder::new();
    folder.write("a.txt", line(CARD));
    folder.write("broken.json", "{");
    folder.write("later.json", "{\"panguard_baseline\":2,\"findings\":[]}");
    for name in ["nowhere.json", "broken.json", "later.json"] {
        let said = folder.scan(&["--baseline", name, "a.txt"]);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{name}: {}", said.err);
        assert!(said.err.contains(name), "{}", said.err);
    }
}
