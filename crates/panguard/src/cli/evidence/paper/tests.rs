use super::*;

#[test]
fn lines_are_no_longer_than_their_column() {
    for text in [
        "the quick brown fox jumps over the lazy dog",
        &"W".repeat(100),
        "a b",
        "",
        "é漢字 ".repeat(30).as_str(),
    ] {
        for width in [20.0, 55.5, 200.0] {
            let lines = wrapped(text, 8.0, width);
            assert!(
                lines.iter().all(|line| length(line, 8.0) <= width || line.chars().count() == 1),
                "{lines:?}"
            );
            let kept = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(kept(&lines.concat()), kept(text));
        }
    }
}

#[test]
fn a_long_table_goes_on_on_further_pages_under_its_head() {
    let mut paper = Paper::new("Title");
    let rows = (0..200).map(|row| [format!("row {row}"), "(not) a \\string".to_owned()]);
    paper.table(["first", "second"], [100.0, 300.0], rows);
    let pdf = paper.end("foot");
    let text = String::from_utf8_lossy(&pdf);
    assert!(text.starts_with("%PDF-"));
    let pages = text.matches("/Type /Page\n").count();
    assert!(pages > 3, "{pages}");
    assert_eq!(text.matches("(first)").count(), pages);
    assert!(text.contains(&format!("(foot, page {pages} of {pages})")) && text.contains("(row 199)"));
}

#[test]
fn what_the_fonts_have_not_is_a_question_mark() {
    assert_eq!("aé漢\u{202e}\u{1b}\n~".chars().map(winansi).collect::<Vec<_>>(), b"a\xe9????~");
}
