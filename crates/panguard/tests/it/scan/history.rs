use super::*;

/// A repository in a folder, with the identity and the time of its commits fixed.
struct Repository(Folder);

impl Repository {
    fn new() -> Self {
        let repository = Self(Folder::new());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.0.0.path()).args(["-c", "user.name=n", "-c", "user.email=e"]).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        let output = git.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits all that there is, and says what that commit is called.
    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}

#[test]
fn what_was_taken_out_is_still_remembered() {
    let it = Repository::new();
    it.0.write("in/a.txt", format!("x\ncard {CARD}\n"));
    let first = it.commit("first");
    fs::remove_file(it.0.path("in/a.txt")).unwrap();
    it.commit("second");
    assert_eq!(it.0.places(&["."]), [] as [&str; 0]);
    assert_eq!(it.0.places(&["--git"]), [format!("{first}:in/a.txt:2")]);
}

#[test]
fn each_line_is_told_where_it_came_in_and_not_with_every_later_version() {
    let it = Repository::new();
    it.0.write("a.txt", format!("card {CARD}\n"));
    let first = it.commit("first");
    it.0.write("a.txt", format!("a line above\ncard {CARD}\nand 4242424242424242\n"));
    let second = it.commit("second");
    it.0.write("b.txt", format!("card {CARD}\n"));
    it.commit("the same blob as in the first commit");
    assert_eq!(it.0.places(&["--git"]), [format!("{first}:a.txt:1"), format!("{second}:a.txt:3")]);
    let said = it.0.scan(&["--git"]);
    assert!(said.err.contains("1 again in later versions"), "{}", said.err);
}

#[test]
fn every_ref_is_followed_and_every_message_is_read() {
    let it = Repository::new();
    it.0.write("a.txt", "base\n");
    let base = it.commit(&format!("the customer with {CARD}"));
    it.git(&["checkout", "--quiet", "-b", "other"]);
    it.0.write("b.txt", format!("card {CARD}\n"));
    let other = it.commit("on a branch");
    it.git(&["checkout", "--quiet", "main"]);
    it.0.write("a.txt", "main\n");
    it.commit("on main");
    it.git(&["merge", "--quiet", "--no-commit", "other"]);
    it.0.write("c.txt", format!("card {CARD}\n\n"));
    let merge = it.commit("a merge that brings something of its own");
    it.0.write("loose", format!("a ref to a blob with {CARD}\n"));
    let blob = it.git(&["hash-object", "-w", "loose"]);
    it.git(&["update-ref", "refs/x/blob", &blob]);
    it.git(&["tag", "--annotate", "v1", "--message", &format!("for {CARD}")]);
    let expected = [
        format!("{base}:5"),
        format!("{other}:b.txt:1"),
        format!("{merge}:c.txt:1"),
        "refs/tags/v1:6".to_owned(),
        "refs/x/blob:1".to_owned(),
    ];
    let mut places = it.0.places(&["--git"]);
    // Tags and other refs are listed by their names.
    places.get_mut(3..).unwrap().sort();
    assert_eq!(places, expected);
}

#[test]
fn archives_and_names_are_remembered_too() {
    let it = Repository::new();
    it.0.write("a.zip", zipped(&[("in", format!("card {CARD}").as_bytes())]));
    it.0.write(&format!("{CARD}.txt"), "clean");
    let first = it.commit("first");
    let expected = [format!("{first}:************1111.txt itself"), format!("{first}:a.zip!in:1")];
    assert_eq!(it.0.places(&["--git"]), expected);
}

#[test]
fn what_is_staged_counts_and_not_what_is_in_the_folder() {
    let it = Repository::new();
    it.0.write("a.txt", format!("card {CARD}\n"));
    it.git(&["add", "--all"]);
    it.0.write("a.txt", "clean");
    assert_eq!(it.0.places(&["--staged"]), ["a.txt:1"]);
    it.git(&["commit", "--quiet", "--message", "first"]);
    it.0.write("b.txt", format!("card {CARD}\n"));
    assert_eq!(it.0.places(&["--staged"]), [] as [&str; 0]);
    it.git(&["add", "b.txt"]);
    it.git(&["rm", "--quiet", "--cached", "a.txt"]);
    assert_eq!(it.0.places(&["--staged"]), ["b.txt:1"]);
}

#[test]
fn a_history_that_is_cut_short_does_not_look_clean() {
    let it = Repository::new();
    it.0.write("a.txt", "one");
    it.commit("first");
    it.0.write("a.txt", "two");
    it.commit("second");
    let from = format!("file://{}", it.0.0.path().display());
    it.git(&["clone", "--quiet", "--depth", "1", &from, "shallow"]);
    let said = it.0.scan(&["--git", "shallow"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("it is a shallow clone"), "{}", said.err);
    let said = Folder::new().scan(&["--git"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("not a git repository"), "{}", said.err);
}
