use super::{Coding, FIRST_BYTES_MAX, Kind, Said, parameters};

/// What a whole body of a type is, which its beginning tells as well wherever that does tell.
fn kind(content_type: &str, body: &[u8]) -> Kind {
    let said = Said::read(content_type);
    let whole = said.kind(body, true, false).unwrap();
    let early = (1..body.len()).find_map(|length| said.kind(&body[..length], false, false));
    assert!(early.is_none_or(|early| early == whole), "{content_type}: {early:?}, then {whole:?}");
    whole
}

fn early(content_type: &str, first: &[u8]) -> Option<Kind> {
    Said::read(content_type).kind(first, false, false)
}

#[test]
fn a_label_is_read_with_its_parameters() {
    let said = Said::read("Multipart/Form-Data ; Boundary=\"a;b\\\"c\"; charset = UTF-8; boundary=x");
    assert_eq!(said.boundary.as_deref(), Some("a;b\"c"));
    assert_eq!(said.charset, "UTF-8");
    assert!(said.is_multipart());
    let read: Vec<_> = parameters("a/b;;c=\"d").collect();
    assert_eq!(
        read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
        [("a/b", ""), ("", ""), ("c", "d")]
    );
    assert_eq!(Said::read(""), Said::default());
}

#[test]
fn what_a_text_looks_like_counts_for_more_than_its_label() {
    for content_type in ["text/plain", "image/png", "application/octet-stream", "", "text/csv"] {
        for json in ["{\"a\": 1}", " [ {} ]", "[1, 2]", "[-1.5e3]", "[true,0]", "[null]", "{ }", "[[]]", "[]"]
        {
            assert_eq!(kind(content_type, json.as_bytes()), Kind::Json, "{content_type}: {json}");
        }
        assert_eq!(kind(content_type, b"<?xml version='1.0'?><a/>"), Kind::Markup);
        assert_eq!(kind(content_type, b"<!doctype html><p>"), Kind::Markup);
        assert_eq!(kind(content_type, b"data: x\n\n"), Kind::Events);
        assert_eq!(kind(content_type, b": ping\n\nid: 7\nevent: x\n"), Kind::Events);
        assert_eq!(kind(content_type, b"--xyz\r\nContent-Type: a/b\r\n\r\n"), Kind::Multipart);
        assert_eq!(kind(content_type, b"\x1e{}\n"), Kind::Lines);
        assert_eq!(kind(content_type, b"\x1f\x8b\x08\0"), Kind::Compressed(Coding::Gzip));
        assert_eq!(kind(content_type, b"x\x9c\x01\x02"), Kind::Compressed(Coding::Deflate));
        assert_eq!(kind(content_type, b"\x28\xb5\x2f\xfd\0"), Kind::Compressed(Coding::Zstd));
        assert_eq!(kind(content_type, b"%PDF-1.7"), Kind::Opaque("a PDF"));
        assert_eq!(kind(content_type, b"PK\x03\x04"), Kind::Opaque("an archive"));
    }
}

#[test]
fn what_only_looks_alike_is_text() {
    for text in [
        "[2026-01-01] INFO started",
        "[section]\nkey = 1",
        "[truecolor]",
        "{pan: 'x'}",
        "{{ template }}",
        "date: 2026-01-01",
        "data:\n  a: 1",
        "id: 7\nname: x\n",
        "-- a comment\nselect 1",
        "-5",
        "BMW and more of it",
        "ID3 is a tag that stands in music",
        "MZ is the start of it all, they say",
        "RIFF or not, it is text and no sound",
        "x^2 + y^2",
        "<3 you",
        "< 5",
        "GIF89a is an image format",
        "Hello <b>you</b>",
        "42",
        "true story",
        "d",
    ] {
        assert_eq!(kind("text/plain", text.as_bytes()), Kind::Text, "{text}");
        assert_eq!(kind("image/png", text.as_bytes()), Kind::Text, "{text}");
    }
    assert_eq!(kind("application/yaml", b"event: x\n"), Kind::Text);
    assert_eq!(kind("text/html", b"Hello <b>you</b>"), Kind::Markup);
    assert_eq!(kind("application/json", b"{pan: 'x'}"), Kind::Json);
    assert_eq!(kind("application/json", b"42"), Kind::Json);
    assert_eq!(kind("application/json", b"cb({})"), Kind::Text);
    assert_eq!(kind("application/x-ndjson", b"{}\n{}\n"), Kind::Lines);
    assert_eq!(kind("application/problem+json", b"{}"), Kind::Json);
    assert_eq!(kind("application/x-www-form-urlencoded", b"a=b"), Kind::Form);
    assert_eq!(kind("text/event-stream", b"x"), Kind::Events);
}

#[test]
fn what_is_no_text_is_called_by_its_first_bytes_or_its_label() {
    for (content_type, body, what) in [
        ("image/x-own", &b"\0\x01\x02"[..], "an image"),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            b"\x01\x02",
            "an office document",
        ),
        ("application/grpc", b"\0\0\0\0\x05hello", "a binary message"),
        ("application/x-tar", &[&b"name"[..], &[0; 600]].concat(), "an archive"),
        ("application/octet-stream", b"\xff\xfa\x01", "binary data"),
        ("text/plain", b"ab\0c", "text that holds something else"),
        ("video/mp4", b"\0\0\0\x18ftypmp42", "audio or video"),
        ("", b"BM\x36\0\0\0\0\0\0\0", "an image"),
    ] {
        assert_eq!(kind(content_type, body), Kind::Opaque(what), "{content_type}");
    }
}

#[test]
fn a_stream_is_told_by_its_first_characters() {
    assert_eq!(early("application/json", b"{\""), Some(Kind::Json));
    assert_eq!(early("text/event-stream", b"data: "), Some(Kind::Events));
    assert_eq!(early("text/event-stream", b"x: y"), Some(Kind::Events));
    assert_eq!(early("text/plain", b"some"), Some(Kind::Text));
    assert_eq!(early("text/plain", b"dat"), None);
    // What says that it is none must be text for longer.
    assert_eq!(early("image/png", &[b'a'; FIRST_BYTES_MAX - 1]), None);
    assert_eq!(early("image/png", &[b'a'; FIRST_BYTES_MAX]), Some(Kind::Text));
}

#[test]
fn a_table_that_says_commas_and_holds_semicolons_is_cut_at_those_where_card_data_is_expected() {
    let kind = |body: &[u8], strict| Said::read("text/csv").kind(body, true, strict).unwrap();
    assert_eq!(kind(b"a;b;c\n1;2;3\n", true), Kind::Table(b';'));
    assert_eq!(kind(b"a;b;c\n1;2;3\n", false), Kind::Table(b','));
    assert_eq!(kind(b"a,b;c,d\n", true), Kind::Table(b','));
    assert_eq!(kind(b"one\n", true), Kind::Table(b','));
}
