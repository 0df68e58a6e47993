use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn form(payload: &Value) -> Vec<u8> {
    let escaped = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    format!("payload={}", payload.to_string().bytes().map(escaped).collect::<String>()).into_bytes()
}

/// What Slack sends, with what is of no interest here.
fn pressed(action: &str, value: &str) -> Value {
    json!({
        "type": "block_actions",
        "user": { "id": "U01ABC", "username": "bea", "team_id": "T1" },
        "api_app_id": "A1", "trigger_id": "1.2", "response_url": "https://hooks.slack.com/x",
        "state": { "values": { "panguard_comment": { "comment": { "type": "plain_text_input", "value": "as agreed, 100 % é" } } } },
        "actions": [{ "action_id": action, "block_id": "b", "value": value, "type": "button", "action_ts": "1" }],
    })
}

#[test]
fn a_button_that_was_pressed_is_an_answer() {
    let said = slack(&form(&pressed("panguard_approve", "0000000000003f9a-1")));
    let answer = Answer {
        request: "0000000000003f9a-1".into(),
        approves: true,
        by: "U01ABC".into(),
        comment: "as agreed, 100 % é".into(),
    };
    assert_eq!(said, Some(Said::Answer(answer, Some("T1".into()))));
    let mut silent = pressed("panguard_deny", "0000000000003f9a-1");
    silent["state"]["values"]["panguard_comment"]["comment"]["value"] = Value::Null;
    let Some(Said::Answer(answer, _)) = slack(&form(&silent)) else { panic!("no answer") };
    assert_eq!((answer.approves, &*answer.comment), (false, ""));
}

#[test]
fn what_else_happens_in_slack_is_no_answer() {
    assert_eq!(slack(&form(&pressed("other_button", "x"))), Some(Said::Nothing));
    let mut submitted = pressed("panguard_approve", "0000000000003f9a-1");
    submitted["type"] = "view_submission".into();
    assert_eq!(slack(&form(&submitted)), Some(Said::Nothing));
}

#[test]
fn what_is_no_form_of_slacks_is_refused() {
    let mut two = pressed("panguard_approve", "0000000000003f9a-1");
    let action = two["actions"][0].clone();
    two["actions"].as_array_mut().unwrap().push(action);
    assert_eq!(slack(&form(&two)), None);
    assert_eq!(slack(&form(&pressed("panguard_approve", "../../x"))), None);
    let twice =
        [form(&pressed("panguard_approve", "0000000000003f9a-1")), b"payload={}".to_vec()].join(&b'&');
    for body in [twice.as_slice(), b"", b"payload=", b"payload=%7", b"payload=%zz", b"{}", b"payload=[]"] {
        assert_eq!(slack(body), None, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_webhook_says_who_and_what() {
    let said = webhook(br#"{"request":"0000000000003f9a-1","answer":"deny","by":"bea","comment":"no"}"#);
    let (request, by, comment) = ("0000000000003f9a-1".into(), "bea".into(), "no".into());
    assert_eq!(said, Some(Answer { request, approves: false, by, comment }));
    assert!(webhook(br#"{"request":"0000000000003f9a-1","answer":"approve","by":"bea"}"#).unwrap().approves);
    for body in [
        "",
        "{}",
        r#"["0000000000003f9a-1","approve","bea",""]"#,
        r#"{"request":"0000000000003f9a-1","answer":"maybe","by":"bea"}"#,
        r#"{"request":"0000000000003f9a-1","answer":"approve","by":"bea","more":1}"#,
        r#"{"request":"x","answer":"approve","by":"bea"}"#,
        r#"{"request":"0000000000003f9a-1","answer":"approve"}"#,
        r#"{"request":"0000000000003f9a-1","answer":"approve","by":"bea","by":"dan"}"#,
        // What panguard sends by the same key.
        r#"{"type":"approval.asked","timestamp":"2026-11-22T09:00:00Z","data":{"id":"0000000000003f9a-1"}}"#,
    ] {
        assert_eq!(webhook(body.as_bytes()), None, "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_breaks_the_reading(body in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzz_answer(&body);
    }

    #[test]
    fn nor_one_that_is_almost_what_is_sent(at in 0..2000_usize, byte in any::<u8>()) {
        let mut body = form(&pressed("panguard_approve", "0000000000003f9a-1"));
        let at = at % body.len();
        body[at] = byte;
        fuzz_answer(&body);
        let mut body = br#"{"request":"0000000000003f9a-1","answer":"deny","by":"bea","comment":"no"}"#.to_vec();
        let at = at % body.len();
        body[at] = byte;
        fuzz_answer(&body);
    }
}
