use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The messages of a stream, by a reader that knows nothing but RFC 5425: MSG-LEN is a number without a zero before it.
fn read(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while !stream.is_empty() {
        let digits = stream.iter().take_while(|byte| byte.is_ascii_digit()).count();
        assert!((1..=9).contains(&digits) && stream[0] != b'0' && stream[digits] == b' ', "{stream:?}");
        let length: usize = std::str::from_utf8(&stream[..digits]).unwrap().parse().unwrap();
        let (message, rest) = stream[digits + 1..].split_at(length);
        messages.push(message.to_vec());
        stream = rest;
    }
    messages
}

proptest! {
    #[test]
    fn whatever_is_in_messages_a_strict_reader_finds_them_again(
        messages in prop::collection::vec("[ -~]{1,12}|([0-9 \n\r<>]|\\PC){1,12}", 0..12),
    ) {
        let mut stream = Vec::new();
        messages.iter().for_each(|message| frame(message, &mut stream));
        let expected: Vec<_> = messages.iter().map(|message| message.clone().into_bytes()).collect();
        prop_assert_eq!(read(&stream), expected);
    }

    #[test]
    fn a_webhooks_message_is_json_with_the_lines_in_it(lines in prop::collection::vec("\\PC{0,12}", 1..5)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let told = 3..9;
        let body = message(Form::Cef, "siem", &told, &lines, "2026-11-22T09:00:00Z");
        let body: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(&body["data"]["entries"], &json!(lines));
        prop_assert_eq!(&body["data"]["from"], &json!(3));
    }
}

#[test]
fn entries_in_json_are_members_of_a_webhooks_message() {
    let body = message(Form::Json, "hook", &(0..1), &[r#"{"index":0}"#], "t");
    let expected = r#"{"type":"audit.entries","timestamp":"t","data":{"sink":"hook","form":"json","from":0,"to":1,"entries":[{"index":0}]}}"#;
    assert_eq!(body, expected);
}

#[test]
fn a_message_has_the_same_name_at_each_try_and_another_in_another_log() {
    assert_eq!(id("00112233445566778899", &(3..9)), "audit-0011223344556677-3-9");
}
