use proptest::prelude::*;

use super::shape;

#[test]
fn statements_that_differ_in_their_literals_alone_have_one_shape() {
    let expected = Some("SELECT abalance FROM accounts WHERE aid = 0 AND note = '';".to_owned());
    assert_eq!(shape("SELECT abalance FROM accounts WHERE aid = 4711 AND note = 'it''s';"), expected);
    assert_eq!(shape("SELECT abalance FROM accounts WHERE aid = 2 AND note = '';"), expected);
}

#[test]
fn digits_inside_names_are_no_literals() {
    assert_eq!(
        shape("select c1, t2.x9 from \"T 1\" where c1 = 5").unwrap(),
        "select c1, t2.x9 from \"T 1\" where c1 = 0"
    );
}

#[test]
fn what_could_be_read_in_two_ways_has_no_shape() {
    for statement in [
        "select E'\\'' or 1=1'",
        "select U&'\\0041'",
        "select x'41'",
        "select 'a\\'",
        "select $1",
        "select $$1$$",
        "select 1 -- 2",
        "select /* 1 */ 2",
        "select 1.5",
        "select 1e5",
        "select 0x1f",
        "select 1_000",
        "select 1234567890",
        "select 1a",
        "select 'open",
        "select \"open",
        "select n'x'",
    ] {
        assert_eq!(shape(statement), None, "{statement}");
    }
}

#[test]
fn a_text_without_literals_needs_no_shape() {
    assert_eq!(shape("select pan from cards"), None);
}

proptest! {
    /// PostgreSQL's own scanner is the judge: what has one shape normalises alike.
    #[test]
    fn one_shape_means_the_same_tokens(
        words in prop::collection::vec(prop::sample::select(vec![
            "select", " ", "1", "23", "'a'", "''", "'it''s'", "x", "t1", ",", "-", "+", "(", ")", "=", ".", "\"q 1\"", "\n", "from", "é", ";", "E", "&", "--", "/*", "$1",
        ]), 1..14),
        seed in 0..1000_u32,
    ) {
        let text = words.concat();
        let other: String = words.iter().map(|word| match *word {
            "1" | "23" => seed.to_string(),
            "'a'" | "''" | "'it''s'" => format!("'v{seed}'"),
            word => word.to_owned(),
        }).collect();
        if let (Some(a), Some(b)) = (shape(&text), shape(&other)) && a == b {
            let tokens = |sql: &str| pg_query::scan(sql).map(|scanned| {
                scanned.tokens.iter().map(|token| token.token).collect::<Vec<_>>()
            }).ok();
            prop_assert_eq!(tokens(&text), tokens(&other), "{} and {}", text, other);
        }
    }
}
