use http::{HeaderMap, HeaderName, HeaderValue};
use mask::{Masker, Profile};

use super::{forget_bytes, mask, sent, told};
use crate::echo::Echo;

const MASKER: Masker = Masker::new(Profile::Last4);

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let mut map = HeaderMap::new();
    all.iter().map(pair).for_each(|(name, value)| {
        map.append(name, value);
    });
    map
}

fn shown(map: &HeaderMap) -> Vec<String> {
    map.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
}

#[test]
fn what_an_agent_says_of_itself_and_of_the_way_is_not_sent() {
    let from = headers(&[
        ("Accept", "application/json"),
        ("Authorization", "Bearer theirs"),
        ("x-api-key", "theirs"),
        ("Cookie", "session=1"),
        ("Connection", "close, X-Private"),
        ("X-Private", "1"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/secret"),
        ("Range", "bytes=0-7"),
        ("TE", "trailers, gzip"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABk"),
        ("Host", "evil.test"),
        ("X-Tenant", "acme"),
    ]);
    assert_eq!(
        shown(&sent(&from)),
        ["accept: application/json", "x-tenant: acme", "accept-encoding: identity"]
    );
}

#[test]
fn only_codings_that_can_be_undone_are_asked_for() {
    for (asked, sent_on) in [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("compress;q=1, gzip;q=0.5, *", "gzip;q=0.5"),
        ("sdch", "identity"),
        ("*", "identity"),
    ] {
        let sent = sent(&headers(&[("Accept-Encoding", asked)]));
        assert_eq!(sent["accept-encoding"], sent_on, "{asked}");
    }
}

#[test]
fn what_the_upstream_keeps_with_panguard_is_not_told() {
    let from = headers(&[
        ("Content-Type", "application/json"),
        ("Set-Cookie", "session=1"),
        ("Alt-Svc", "h3=\":443\""),
        ("Strict-Transport-Security", "max-age=1"),
        ("Connection", "X-Debug"),
        ("X-Debug", "1"),
        ("X-Request-Id", "r-1"),
    ]);
    assert_eq!(shown(&told(&from)), ["content-type: application/json", "x-request-id: r-1"]);
}

#[test]
fn card_numbers_are_masked_in_values_and_a_name_that_is_one_goes() {
    let mut map = headers(&[
        ("ETag", "W/\"4000056655665556\""),
        ("Content-Disposition", "attachment; filename=\"4000056655665556.csv\""),
        ("X-4000056655665556", "1"),
        ("X-Count", "17"),
    ]);
    let looked = mask(&mut map, MASKER, &Echo::default(), false);
    assert_eq!((looked.found, looked.sad), (3, false));
    assert_eq!(
        shown(&map),
        [
            "etag: W/\"************5556\"",
            "content-disposition: attachment; filename=\"************5556.csv\"",
            "x-count: 17"
        ]
    );
}

#[test]
fn fields_of_http_itself_are_looked_at_too_but_not_a_boundary() {
    let mut map = headers(&[
        ("Content-Type", "multipart/mixed; boundary=4000056655665556; x=4000056655665556"),
        ("Cache-Control", "max-age=4000056655665556"),
        ("Last-Modified", "Sun, 29 Nov 2026 08:30:04 GMT"),
        ("Age", "4000056655665556"),
    ]);
    assert_eq!(mask(&mut map, MASKER, &Echo::default(), false).found, 3);
    assert_eq!(
        shown(&map),
        [
            "content-type: multipart/mixed; x=************5556; boundary=4000056655665556",
            "cache-control: max-age=************5556",
            "last-modified: Sun, 29 Nov 2026 08:30:04 GMT",
            "age: ************5556",
        ]
    );
}

#[test]
fn a_number_that_is_taken_apart_over_fields_goes_where_card_data_is_expected() {
    let parts = [("X-A", "40000566"), ("X-B", "55665556"), ("X-C", "17")];
    let (mut strict, mut ordinary) = (headers(&parts), headers(&parts));
    assert_eq!(mask(&mut strict, MASKER, &Echo::default(), true).found, 1);
    assert_eq!(shown(&strict), ["x-a: ****", "x-b: ****", "x-c: 17"]);
    assert_eq!(mask(&mut ordinary, MASKER, &Echo::default(), false).found, 0);
}

#[test]
fn a_credential_that_is_said_back_is_starred_out() {
    let mut map = headers(&[("X-Echo", "Bearer sk-injected-1")]);
    mask(&mut map, MASKER, &Echo::of(&[b"sk-injected-1"]), false);
    assert_eq!(shown(&map), ["x-echo: Bearer *************"]);
}

#[test]
fn what_is_said_of_the_bytes_is_not_said_of_other_bytes() {
    let mut map =
        headers(&[("ETag", "\"abc\""), ("Repr-Digest", "sha-256=:x:"), ("Digest", "x"), ("Age", "1")]);
    forget_bytes(&mut map);
    assert_eq!(shown(&map), ["etag: W/\"abc\"", "age: 1"]);
}
