use super::super::diff::applied;
use super::*;

fn proposal(table: &str, column: &str, label: Label) -> Proposal {
    let evidence = "3 of 3 values".to_owned();
    Proposal {
        identity: (1, 1),
        schema: "public".into(),
        table: table.into(),
        column: column.into(),
        label,
        evidence,
    }
}

fn pan(table: &str, column: &str) -> Proposal {
    proposal(table, column, Label::Class(DataClass::Pan))
}

fn json(table: &str, column: &str) -> Proposal {
    let paths = vec![("$.card.number".into(), DataClass::Pan), ("$.seen[*].cvv".into(), DataClass::Sad)];
    proposal(table, column, Label::Json(paths))
}

fn check(text: &str, proposals: &[Proposal], expected: &str) {
    assert_eq!(applied(text, &edits(text, "db", proposals).unwrap()), expected);
}

#[test]
fn lines_go_behind_those_of_their_table_or_to_the_end() {
    check(
        "connections:\n    db:\n        data:\n            public.cards.pan: pan\n\n            public.staff.name:\n                json: { $.a: pan }\n            # the end\n        labels: [cde]\nlimits: {}\n",
        &[pan("cards", "old"), json("docs", "Doc")],
        "connections:\n    db:\n        data:\n            public.cards.pan: pan\n            public.cards.old: pan   # 3 of 3 values\n\n            public.staff.name:\n                json: { $.a: pan }\n            'public.docs.\"Doc\"': { json: { $.card.number: pan, '$.seen[*].cvv': sad } }   # 3 of 3 values\n            # the end\n        labels: [cde]\nlimits: {}\n",
    );
}

#[test]
fn a_section_that_is_not_there_is_added() {
    for data in ["", "    data:\n", "    data: # none yet\n"] {
        let text =
            format!("connections:\n  db:\n    type: postgres\n{data}\n# others\n  other:\n    type: git");
        let key = if data.is_empty() { "    data:\n" } else { data };
        let expected = format!(
            "connections:\n  db:\n    type: postgres\n{key}      public.cards.pan: pan   # 3 of 3 values\n\n# others\n  other:\n    type: git"
        );
        check(&text, &[pan("cards", "pan")], &expected);
    }
}

#[test]
fn a_file_without_a_last_line_end_gets_one() {
    check(
        "connections:\n  db:\n    type: postgres",
        &[pan("cards", "pan")],
        "connections:\n  db:\n    type: postgres\n    data:\n      public.cards.pan: pan   # 3 of 3 values\n",
    );
}

#[test]
fn line_ends_stay_as_they_are() {
    check(
        "connections:\r\n  db:\r\n    data:\r\n      public.a.b: pan\r\n",
        &[pan("cards", "pan")],
        "connections:\r\n  db:\r\n    data:\r\n      public.a.b: pan\r\n      public.cards.pan: pan   # 3 of 3 values\r\n",
    );
}

#[test]
fn braces_on_one_line_take_members() {
    check(
        "connections:\n  db:\n    data: { public.a.b: pan }\n",
        &[pan("cards", "pan")],
        "connections:\n  db:\n    data: { \"public.cards.pan\": \"pan\", public.a.b: pan }\n",
    );
    check(
        "connections: { db: { data: {} } }\n",
        &[json("cards", "doc")],
        "connections: { db: { data: { \"public.cards.doc\": { \"json\": { \"$.card.number\": \"pan\", \"$.seen[*].cvv\": \"sad\" } } } } }\n",
    );
    check(
        "connections: { db: { type: postgres } }\n",
        &[pan("cards", "pan")],
        "connections: { db: { \"data\": { \"public.cards.pan\": \"pan\" }, type: postgres } }\n",
    );
}

#[test]
fn json_takes_lines() {
    check(
        "{\n  \"connections\": {\n    \"db\": {\n      \"data\": {\n        \"public.a.b\": \"pan\"\n      }\n    }\n  }\n}",
        &[pan("cards", "pan"), pan("cards", "old")],
        "{\n  \"connections\": {\n    \"db\": {\n      \"data\": {\n        \"public.cards.pan\": \"pan\",\n        \"public.cards.old\": \"pan\",\n        \"public.a.b\": \"pan\"\n      }\n    }\n  }\n}",
    );
}

#[test]
fn names_are_quoted_where_they_could_mean_something_else() {
    assert_eq!(scalar("public.cards.pan"), "public.cards.pan");
    assert_eq!(scalar(&column(&pan("a.b", "it's"))), "'public.\"a.b\".\"it''s\"'");
    assert_eq!(scalar("a\nb\"\u{202e}c"), r#""a\U0000000Ab\"\U0000202Ec""#);
}
