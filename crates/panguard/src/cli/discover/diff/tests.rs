use super::*;

fn edit(at: usize, removed: usize, added: &[&str]) -> Edit {
    Edit { at, removed, added: added.iter().map(|line| (*line).to_owned()).collect() }
}

fn numbered(count: usize) -> String {
    (1..=count).map(|at| format!("{at}\n")).collect()
}

#[test]
fn changes_that_are_near_share_a_hunk() {
    let diff = unified("f", &numbered(30), &[edit(5, 0, &["a"]), edit(10, 1, &["b"]), edit(28, 0, &["c"])]);
    assert_eq!(
        diff.join("\n"),
        "--- f\n+++ f\n@@ -3,12 +3,13 @@\n 3\n 4\n 5\n+a\n 6\n 7\n 8\n 9\n 10\n-11\n+b\n 12\n 13\n 14\n@@ -26,5 +27,6 @@\n 26\n 27\n 28\n+c\n 29\n 30"
    );
}

#[test]
fn a_last_line_without_end_is_said_to_be_so() {
    assert_eq!(
        unified("f", "1\n2", &[edit(2, 0, &["3"])]).join("\n"),
        "--- f\n+++ f\n@@ -1,2 +1,3 @@\n 1\n-2\n\\ No newline at end of file\n+2\n+3"
    );
    assert_eq!(
        unified("f", "1\n2", &[edit(1, 0, &["x"])]).join("\n"),
        "--- f\n+++ f\n@@ -1,2 +1,3 @@\n 1\n+x\n 2\n\\ No newline at end of file"
    );
}
