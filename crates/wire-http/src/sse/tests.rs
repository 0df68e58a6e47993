use mask::{Masker, Profile};

use super::*;
use crate::body::Opaque;

#[test]
fn lines_end_in_each_of_three_ways() {
    for end in ["\n", "\r\n", "\r"] {
        let event = |text: &str| format!("event: a{end}data: {{\"delta\":\"{text}\"}}{end}{end}");
        let stream = event("40000566") + &event("55665556") + &event(", x");
        let expected = event("") + &event("") + &event("************5556, x");
        check(&stream, &expected);
        // An event of our own has the same ends.
        check(
            &(event("a 12") + "data: [DONE]" + end + end),
            &(event("a ") + &event("12") + "data: [DONE]" + end + end),
        );
    }
}

#[test]
fn every_field_is_scanned_and_stays_where_it_is() {
    check(
        "\u{feff}: 4000056655665556\nid: 4000056655665556\nevent: 4000056655665556\nretry: 10\nodd:4000056655665556\ndata: {}\n\n",
        "\u{feff}: ************5556\nid: ************5556\nevent: ************5556\nretry: 10\nodd:************5556\ndata: {}\n\n",
    );
    same(
        ": keep-alive\n\n:\n\nretry: 3000\n\n\n\nid\ndata\ndata:\n\nid: 7\nevent: m\ndata:  two spaces\ndata:none\n\n",
    );
    // A mark of byte order counts at the start alone.
    check(
        "\u{feff}data: {\"text\":\"4000056655665556 x\"}\n\n",
        "\u{feff}data: {\"text\":\"************5556 x\"}\n\n",
    );
}

#[test]
fn data_over_several_lines_is_one_document() {
    check(
        "data: {\"delta\":\ndata:   {\"text\": \"4000056655665556 x\"},\nevent: x\ndata:\"n\": 1}\n\n",
        "data: {\"delta\":\ndata:   {\"text\": \"************5556 x\"},\nevent: x\ndata:\"n\": 1}\n\n",
    );
    check("data: 4000 0566\ndata: 5566 5556\ndata: x\n\n", "data: **** ****\ndata: **** 5556\ndata: x\n\n");
}

#[test]
fn text_that_is_no_document_is_one_text_over_events_where_a_model_speaks() {
    for (stream, expected) in [
        (
            "data: pay 4000\n\ndata: 0566\n\ndata: 55665556\n\ndata:  now\n\n",
            "data: pay \n\ndata: \n\ndata: \n\ndata: ************5556 now\n\n",
        ),
        ("data: 4\n\ndata: 2\n\n", "data: \n\ndata: \n\ndata: 42\n\n"),
    ] {
        let mut told = Vec::new();
        let mut events = Sse::new(&care(), true, Arc::default());
        events.push(stream.as_bytes(), &mut told).unwrap();
        events.finish(&mut told).unwrap();
        assert_eq!(String::from_utf8(told).unwrap(), expected);
    }
}

#[test]
fn elsewhere_each_event_is_told_when_it_comes() {
    same("data: 4\n\ndata: 2\n\n");
    check("data: card 4000056655665556\n\n", "data: card ************5556\n\n");
}

#[test]
fn records_of_which_nothing_is_known_stay_as_they_are() {
    same(
        "data: {\"id\":\"o-1\",\"order\":\"A1234\",\"at\":\"2026-11-29\"}\n\ndata: {\"id\":\"o-2\",\"order\":\"A1235\",\"at\":\"2026-11-30\"}\n\n",
    );
    same("data: {\"price\":\"12.50\"}\n\ndata: {\"price\":\"12.75\"}\n\n");
    same("data: {\"id\":\"17\",\"text\":\"call 1234\"}\n\ndata: {\"id\":\"18\",\"text\":\"ok\"}\n\n");
    check("data: {\"card\":\"4000056655665556\"}\n\n", "data: {\"card\":\"************5556\"}\n\n");
}

#[test]
fn answers_of_models_are_known_without_being_told() {
    let event = |text: &str| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
    };
    check(
        &(event("4000") + &event("056655665556 x") + "data: [DONE]\n\n"),
        &(event("") + &event("************5556 x") + "data: [DONE]\n\n"),
    );
}

#[test]
fn an_event_is_released_when_it_is_complete_and_not_before() {
    let mut stream = open(&care());
    let mut told = Vec::new();
    stream.push(b"data: {\"a\":1}\n", &mut told).unwrap();
    assert_eq!(told, b"");
    stream.push(b"\n", &mut told).unwrap();
    assert_eq!(told, b"data: {\"a\":1}\n\n");
    stream.push(b"data: {\"a\":2}\r\r", &mut told).unwrap();
    assert!(told.ends_with(b"{\"a\":2}\r\r"));
    stream.push(b"\ndata: 3", &mut told).unwrap();
    assert!(told.ends_with(b"\r\r\n"));
}

#[test]
fn an_event_that_the_stream_ends_in_holds_nothing_back() {
    check(
        "data: {\"delta\":\"40000566\"}\n\ndata: {\"delta\":\"55665556\"}",
        "data: {\"delta\":\"\"}\n\ndata: {\"delta\":\"************5556\"}",
    );
    check("data: {\"delta\":\"7\"}\n\n: bye", "data: {\"delta\":\"\"}\n\ndata: {\"delta\":\"7\"}\n\n: bye");
}

#[test]
fn an_event_that_is_too_large_is_withheld() {
    let mut stream = open(&care());
    let piece = vec![b'a'; 1 << 20];
    let mut told = Vec::new();
    let end = (0..20).find_map(|_| stream.push(&piece, &mut told).err());
    assert_eq!((end, told.as_slice()), (Some(Withheld::TooLarge("an event in a stream")), b"".as_slice()));
}

/// A stream comes out so, however it is cut.
fn check(stream: &str, expected: &str) {
    for at in 0..=stream.len() {
        let (one, other) = stream.as_bytes().split_at(at);
        assert_eq!(run(&[one, other]), expected, "cut at {at}");
    }
    assert_eq!(run(&stream.as_bytes().chunks(1).collect::<Vec<_>>()), expected);
}

fn same(stream: &str) {
    check(stream, stream);
}

fn run(pieces: &[&[u8]]) -> String {
    let mut stream = open(&care());
    let mut told = Vec::new();
    for piece in pieces {
        stream.push(piece, &mut told).unwrap();
    }
    stream.finish(&mut told).unwrap();
    String::from_utf8(told).unwrap()
}

fn care() -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict: false,
        opaque: Opaque::Pass,
        refuses: false,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    }
}

#[test]
fn a_message_of_json_rpc_stays_one_message() {
    let care = Care { strict: true, ..care() };
    let run = |stream: &str| {
        let mut told = Vec::new();
        let mut events = Sse::new(&care, false, Arc::default());
        events.push(stream.as_bytes(), &mut told).unwrap();
        events.finish(&mut told).unwrap();
        String::from_utf8(told).unwrap()
    };
    let call = r#"data: {"jsonrpc": "2.0", "id": "s1", "method": "roots/list"}"#;
    let result = |text: &str| {
        format!(
            r#"data: {{"jsonrpc": "2.0", "id": 1, "result": {{"content": [{{"type": "text", "text": "{text}"}}]}}}}"#
        )
    };
    let stream = format!("{call}\n\n{call}\n\n{}\n\n{}\n\n", result("card 4000056655665556"), result("4"));
    let masked = format!("{call}\n\n{call}\n\n{}\n\n{}\n\n", result("card ************5556"), result("4"));
    assert_eq!(run(&stream), masked);
}

#[test]
fn a_number_over_the_fields_of_several_events_is_masked_where_it_ends() {
    let strict = Care { strict: true, ..care() };
    let rewritten = |stream: &str| {
        let mut sse = Sse::new(&strict, false, Arc::default());
        let mut out = Vec::new();
        sse.push(stream.as_bytes(), &mut out).unwrap();
        sse.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    for field in ["id: ", ": ", "retry:", "odd: "] {
        let events = |parts: &[&str]| {
            parts.iter().map(|part| format!("{field}{part}\ndata: x\n\n")).collect::<String>()
        };
        assert_eq!(rewritten(&events(&["40000566", "55665556"])), events(&["40000566", "********"]));
        assert_eq!(
            rewritten(&events(&["4000", "0566", "5566", "5556", "1"])),
            events(&["4000", "0566", "5566", "****", "1"])
        );
        for ordinary in [
            &["40000001", "40000002", "40000003", "40000004", "40000005", "40000006", "40000007"][..],
            &["1700000000", "1700000003", "1700000009"],
            &["1", "2", "3", "4", "5", "6", "7", "8", "9"],
            &["40000566", "a", "55665556"],
        ] {
            assert_eq!(rewritten(&events(ordinary)), events(ordinary));
        }
    }
}
