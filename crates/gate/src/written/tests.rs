use std::sync::Arc;

use access::{ColumnUse, DataClass, Redacted, SessionId, Stage};

use super::*;

fn writes(text: &str, parameters: &[Parameter], position: Position) -> bool {
    let column = ColumnUse { column: "public.cards.pan".into(), class: DataClass::Pan, position };
    writes_a_mask(&Question {
        request: SessionId(1).request(1),
        stage: Stage::Run,
        facts: Arc::new(Facts { columns: vec![column], ..Facts::default() }),
        command: Redacted::new(text.into()),
        parameters: parameters.iter().cloned().map(Redacted::new).collect(),
        bound: access::Bound::Text(|_| None, Box::default()),
        waits: None,
        before: None,
        trace: None,
        alike: Ok(access::Alike::default()),
    })
}

#[test]
fn a_mask_that_is_written_is_known_in_every_profile_and_place() {
    for text in [
        "update cards set pan = '************1111'",
        "update cards set pan = '411111******1111' where id = 1",
        "insert into cards values (1, '**** **** **** 1111')",
        "insert into cards values (1, '****-****-****-1111')",
        "insert into cards (holder) values ('****')",
        r#"update cards set doc = '{"card": {"number": "************1111"}}'"#,
        r#"{"card": "************1111"}"#,
        r#"{"document": "{\"card\": \"************1111\"}"}"#,
    ] {
        assert!(writes(text, &[], Position::Assigned), "{text}");
        assert!(!writes(text, &[], Position::Output), "{text}: nothing is written");
    }
    let set = "update cards set pan = $1";
    for value in ["************1111", "411111******1111", "****", r#"{"n": "************1111"}"#] {
        assert!(writes(
            set,
            &[Parameter::Null, Parameter::Text(value.as_bytes().into())],
            Position::Assigned
        ));
        assert!(writes(set, &[Parameter::Binary(value.as_bytes().into(), 25)], Position::Assigned));
    }
}

#[test]
fn what_is_no_mask_is_written() {
    for text in [
        "update cards set pan = '4111111111111111'",
        "update cards set note = 'see **** below' where id = 1",
        "update cards set note = '**'",
        "select 2 **** 3",
        "update cards /***** a comment *****/ set pan = $1",
        "-- ********\nupdate cards set pan = '4'",
        "****",
    ] {
        assert!(!writes(text, &[], Position::Assigned), "{text}");
    }
    for value in ["4111111111111111", "***", "a **** b"] {
        assert!(!writes("", &[Parameter::Text(value.as_bytes().into())], Position::Assigned), "{value}");
    }
}
