use proptest::prelude::*;

use super::{Broken, Guard, HEAD_BYTES_MAX, fuzz_guard};

/// What is let through of `bytes`, at every size of cut.
fn check(bytes: &[u8]) -> Result<Vec<u8>, Broken> {
    let whole = guard(&[bytes]);
    for size in 1..=bytes.len().min(40) {
        let cut: Vec<_> = bytes.chunks(size).collect();
        assert_eq!(guard(&cut), whole, "cut in pieces of {size}");
    }
    whole
}

fn guard(pieces: &[&[u8]]) -> Result<Vec<u8>, Broken> {
    let (mut guard, mut out) = (Guard::default(), Vec::new());
    pieces.iter().try_for_each(|piece| guard.push(piece, &mut out)).map(|()| out)
}

fn rule(bytes: &[u8]) -> &'static str {
    match check(bytes) {
        Ok(_) => "",
        Err(broken) => broken.rule,
    }
}

#[test]
fn requests_whose_framing_is_beyond_doubt_pass_as_they_are() {
    for stream in [
        &b"GET /ok HTTP/1.1\r\nHost: up.test\r\n\r\n"[..],
        b"GET /ok HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: up.test\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\nGET /b HTTP/1.1\r\nhost:a\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nX-Sum: 7\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    ] {
        assert_eq!(check(stream).unwrap(), stream);
    }
}

#[test]
fn nothing_of_a_head_passes_before_it_has_ended() {
    assert_eq!(check(b"GET /ok HTTP/1.1\r\nHost: up.test\r\n").unwrap(), b"");
}

#[test]
fn every_head_that_two_readers_could_read_in_two_ways_is_refused() {
    let with = |fields: &str| format!("POST /ok HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n0\r\n\r\n");
    for (fields, why) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", "a length and a transfer coding in one request"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", "a length and a transfer coding in one request"),
        ("Content-Length: 0\r\nContent-Length: 39", "more than one Content-Length"),
        ("Content-Length: 5\r\nContent-Length: 5", "more than one Content-Length"),
        ("Content-Length: 5,5", "a Content-Length that is no number"),
        ("Content-Length: -0", "a Content-Length that is no number"),
        ("Content-Length: +5", "a Content-Length that is no number"),
        ("Content-Length: 0x5", "a Content-Length that is no number"),
        ("Content-Length:", "a Content-Length that is no number"),
        ("Content-Length: 99999999999999999999", "a Content-Length that is too large"),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "a Transfer-Encoding that is not `chunked` alone",
        ),
        ("Transfer-Encoding: chunked,", "a Transfer-Encoding that is not `chunked` alone"),
        ("Transfer-Encoding: Chunked, x", "a Transfer-Encoding that is not `chunked` alone"),
        ("Transfer-Encoding: gzip, chunked", "a Transfer-Encoding that is not `chunked` alone"),
        ("Transfer-Encoding: identity", "a Transfer-Encoding that is not `chunked` alone"),
        ("Transfer-Encoding: \"chunked\"", "a Transfer-Encoding that is not `chunked` alone"),
        ("Transfer-Encoding: chunked\x0b", "a control character in a field"),
        ("Transfer-Encoding : chunked", "a field's name is no token"),
        ("Transfer_Encoding: chunked", "a field's name that some take for another's"),
        ("Content_Length: 5", "a field's name that some take for another's"),
        ("X: a\r\n b", "a field goes on in another line"),
        ("X: a\0b", "a control character in a field"),
        ("X: a\rb", "a control character in a field"),
        ("X", "a field without a colon"),
        (": x", "a field's name is no token"),
        ("Host: b", "more than one Host"),
    ] {
        assert_eq!(rule(with(fields).as_bytes()), why, "{fields:?}");
    }
}

#[test]
fn a_request_line_has_a_method_a_target_and_a_version() {
    for (line, why) in [
        ("GET /ok", "a request line is not a method, a target and a version"),
        ("GET  /ok HTTP/1.1", "a request line is not a method, a target and a version"),
        ("GET /o k HTTP/1.1", "a request line is not a method, a target and a version"),
        ("G(T /ok HTTP/1.1", "a method is no token"),
        ("GET /\x01 HTTP/1.1", "a target holds what no target may"),
        ("GET /\u{e4} HTTP/1.1", "a target holds what no target may"),
        ("GET /ok#/../secret HTTP/1.1", "a target holds what no target may"),
        ("GET /ok HTTP/1.2", "a version that is not HTTP/1.1"),
        ("GET /ok HTTP/2.0", "a version that is not HTTP/1.1"),
        ("GET /ok http/1.1", "a version that is not HTTP/1.1"),
        ("", "an empty line before a request"),
    ] {
        assert_eq!(rule(format!("{line}\r\nHost: a\r\n\r\n").as_bytes()), why, "{line:?}");
    }
    assert_eq!(rule(b"GET /ok HTTP/1.1\r\n\r\n"), "there is no Host");
    assert_eq!(rule(b"GET /ok HTTP/1.1\nHost: a\n\n"), "a line ends without a carriage return");
    assert_eq!(rule(b"GET /ok HTTP/1.1\r\nHost: a, b\r\n\r\n"), "a Host that is no host");
}

#[test]
fn the_chunked_coding_is_read_to_the_letter() {
    let with =
        |body: &str| format!("POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    for (body, why) in [
        ("5\n12345\r\n0\r\n\r\n", "a line ends without a carriage return"),
        ("10000000000000000\r\n", "a line of the chunked coding is too long"),
        ("fffffffffffffff\r\n", "the size of a chunk is too large"),
        ("00000000000000005\r\n", "a line of the chunked coding is too long"),
        ("5;x=1\r\n12345\r\n", "the size of a chunk is no hexadecimal number"),
        ("0x5\r\n12345\r\n", "the size of a chunk is no hexadecimal number"),
        (" 5\r\n12345\r\n", "the size of a chunk is no hexadecimal number"),
        ("\r\n", "the size of a chunk is no hexadecimal number"),
        ("3\r\n12345\r\n", "a line of the chunked coding is too long"),
        ("3\r\n123X\n", "a line ends without a carriage return"),
        ("0\r\nContent-Length: 7\r\n\r\n", "a trailer that may not be one"),
        ("0\r\nAuthorization: x\r\n\r\n", "a trailer that may not be one"),
        ("0\r\nX : 7\r\n\r\n", "a field's name is no token"),
        ("0\r\n X: 7\r\n\r\n", "a field goes on in another line"),
    ] {
        let text = with(body);
        let broken = check(text.as_bytes()).unwrap_err();
        assert_eq!((broken.rule, broken.in_body), (why, true), "{body:?}");
    }
}

#[test]
fn a_head_that_does_not_end_is_refused_with_the_status_for_it() {
    let mut long = b"GET /ok HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    long.resize(HEAD_BYTES_MAX + 1, b'a');
    assert_eq!(guard(&[&long]).unwrap_err().status, 431);
    let many = (0..200).map(|number| format!("X-{number}: a\r\n")).collect::<String>();
    let many = format!("GET /ok HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert_eq!(guard(&[many.as_bytes()]).unwrap_err().rule, "there are too many fields");
}

#[test]
fn after_a_break_nothing_passes_any_more() {
    let (mut guard, mut out) = (Guard::default(), Vec::new());
    assert!(guard.push(b"GET /ok HTTP/1.1\r\n\r\n", &mut out).is_err());
    assert!(guard.push(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", &mut out).is_err());
    guard.free();
    assert!(guard.push(b"anything", &mut out).is_err());
    assert_eq!(out, b"");
}

#[test]
fn an_exchange_that_was_upgraded_is_guarded_no_more() {
    let (mut guard, mut out) = (Guard::default(), Vec::new());
    let asked = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    guard.push(asked, &mut out).unwrap();
    guard.free();
    guard.push(b"\x81\x01x", &mut out).unwrap();
    assert!(out.ends_with(b"\x81\x01x"));
}

proptest! {
    #[test]
    fn any_bytes_are_let_through_alike_however_they_are_cut(data: Vec<u8>) {
        fuzz_guard(&data);
    }

    #[test]
    fn requests_that_were_tampered_with_are_judged_alike_however_they_are_cut(
        at in 0_usize..140,
        byte: u8,
        first: u8,
    ) {
        let mut data = vec![first];
        data.extend_from_slice(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        if let Some(place) = data.get_mut(at + 1) {
            *place = byte;
        }
        fuzz_guard(&data[1..]);
    }
}
