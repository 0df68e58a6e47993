use proptest::prelude::*;

use super::{Malformed, Target, fuzz_target};

fn read(text: &str) -> Target {
    Target::read(text).unwrap_or_else(|Malformed(why)| panic!("{text}: {why}"))
}

#[test]
fn a_path_is_decoded_once_and_sent_in_one_form() {
    for (text, path, sent) in [
        ("/v1/charges", "/v1/charges", "/v1/charges"),
        ("/", "/", "/"),
        ("/%73ecret", "/secret", "/secret"),
        ("/SECRET/", "/SECRET/", "/SECRET/"),
        ("/a%20b", "/a b", "/a%20b"),
        ("/a%c3%a4", "/a\u{e4}", "/a%C3%A4"),
        ("/a[1]{x}", "/a[1]{x}", "/a%5B1%5D%7Bx%7D"),
        ("/~a/%7ea", "/~a/~a", "/~a/~a"),
        ("/a%3Fb", "/a?b", "/a%3Fb"),
        ("/100%25", "/100%", "/100%25"),
        ("/a:b@c/d,e", "/a:b@c/d,e", "/a:b@c/d,e"),
        ("/a%3ab", "/a:b", "/a%3Ab"),
        ("/...", "/...", "/..."),
    ] {
        let target = read(text);
        assert_eq!((target.path.as_str(), target.sent.as_str()), (path, sent), "{text}");
        assert!(target.unclear.is_empty(), "{text}");
    }
}

#[test]
fn what_could_lead_elsewhere_is_refused() {
    for text in [
        "/ok/../secret",
        "/ok/%2e%2e/secret",
        "/ok/.%2e/secret",
        "/./secret",
        "/ok/..%2fsecret",
        "/ok%2f..%2fsecret",
        "/ok/..;/secret",
        "/ok/..;a=b/secret",
        "/ok/..%20/secret",
        "/..",
        "/ok/..",
        "/ok\\..\\secret",
        "/ok/%5c..%5csecret",
        "/secret%00",
        "/secret%0a",
        "/ok#/../secret",
        "/ok?x#y",
        "/%zz",
        "/%4",
        "/%ff",
        "/a b",
        "/\u{e4}",
        "http://up.test/",
        "*",
        "",
        "/?a=%zz",
    ] {
        assert!(Target::read(text).is_err(), "{text}");
    }
}

#[test]
fn what_servers_read_in_more_than_one_way_is_named() {
    for (text, unclear) in [
        ("/a%2fb", "encoded slash"),
        ("/%2573ecret", "doubly encoded path"),
        ("//secret", "empty path segment"),
        ("/a//b", "empty path segment"),
        ("/a;v=1/b", "path parameter"),
        ("/a%3bv/b", "path parameter"),
    ] {
        assert_eq!(read(text).unclear, [unclear], "{text}");
    }
    assert_eq!(read("/projects/a%2Fb/issues").path, "/projects/a%2Fb/issues");
}

#[test]
fn the_fields_of_a_query_are_decoded() {
    let target = read("/a?x=1&y=a%20b+c&x=2&z&&%41=%26");
    let expected = [("x", "1"), ("y", "a b c"), ("x", "2"), ("z", ""), ("A", "&")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(target.fields(), expected);
    assert_eq!(target.query.as_deref(), Some("x=1&y=a%20b+c&x=2&z&&%41=%26"));
}

#[test]
fn the_first_segment_names_the_connection() {
    for (text, expected) in [
        ("/billing-api/v1/x?y=z", Some(("billing-api", "/v1/x?y=z"))),
        ("/billing-api", Some(("billing-api", "/"))),
        ("/billing-api?x", Some(("billing-api", "/?x"))),
        ("/billing-api/", Some(("billing-api", "/"))),
        ("/", None),
        ("//x", None),
        ("x", None),
    ] {
        let found = Target::connection(text);
        assert_eq!(found.as_ref().map(|(name, rest)| (*name, rest.as_str())), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_sent_is_read_again_as_the_same(text in "/[a-zA-Z0-9/%.;~:@!$&'()*+,=_\\[\\]{}|^\"-]{0,40}") {
        fuzz_target(text.as_bytes());
    }

    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        fuzz_target(text.as_bytes());
        fuzz_target(format!("/{text}").as_bytes());
    }
}
