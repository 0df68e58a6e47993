//! What holds for any bytes at all: `cargo test` tries seeded mutations, and `fuzz/` wraps these for cargo-fuzz.

use http::Method;
use mask::{Masker, Profile};
use serde_json::Value;

use crate::body::{Care, Coded, Opaque, Rewrite, Withheld, open};
use crate::document::{Document, Found, Unknown};

/// Rewrites any bytes under any type, coding and care, whole and cut by what the first byte says, and asserts that it
/// comes to the same, and that what comes out holds nothing that a scan finds.
pub fn fuzz_body(data: &[u8]) {
    let Some(([width, kind, coding, flags], body)) = data.split_first_chunk::<4>() else { return };
    let content_type = at(TYPES, *kind);
    let coded = Coded { content_type: Some(content_type), content_encoding: at(CODINGS, *coding) };
    let care = care(*flags);
    let whole = rewritten(&care, coded, body, body.len());
    let cut = rewritten(&care, coded, body, usize::from(*width).max(1));
    // How much a decoder gives before it stops at an error depends on how much it was given.
    if coded.content_encoding.is_empty() || whole.is_ok() == cut.is_ok() {
        assert!(same(coded, &whole, &cut), "however it is cut, it comes to the same");
    }
    let Ok(out) = whole else { return };
    // In parts, in other character sets and in JSON, texts lie beside one another that no reader joins.
    let is_one_text = !content_type.contains("multi") && !content_type.contains("message") && body.is_ascii();
    let is_one_text =
        is_one_text && !body.contains(&b'{') && !body.contains(&b'[') && !body.starts_with(b"--");
    if is_one_text && coded.content_encoding.is_empty() && care.opaque != Opaque::Pass {
        assert!(!mask::holds_card(&out), "nothing is found again");
    }
}

/// Rewrites any bytes as a kind of text without codings, and asserts that they stay as they are unless something is found.
pub fn fuzz_text_body(data: &[u8]) {
    let Some(([kind, flags], body)) = data.split_first_chunk::<2>() else { return };
    let coded = Coded { content_type: Some(at(TYPES, *kind)), content_encoding: "" };
    let mut rewrite = open(&care(*flags), coded);
    let mut out = Vec::new();
    let done = rewrite.push(body, &mut out).and_then(|()| rewrite.finish(&mut out));
    // In a stream of events a text may have been held back from one for the next.
    let is_stream =
        memchr::memmem::find(body, b"data").is_some() || coded.content_type == Some("text/event-stream");
    if done.is_ok() && rewrite.found() == 0 && !is_packed(body) && !is_stream {
        assert!(out == body, "where nothing is found, nothing changes");
    }
}

/// Packs any bytes in each coding, and asserts that what comes out unpacks to what they become without one.
pub fn fuzz_coding(data: &[u8]) {
    let Some(([coding, flags], body)) = data.split_first_chunk::<2>() else { return };
    let care = care(*flags & !REFUSES);
    let plain = Coded { content_type: Some("text/plain"), content_encoding: "" };
    let coding = at(&["gzip", "deflate", "br", "zstd"], *coding);
    let Some(packed) = crate::body::packed_as(coding, body) else { return };
    let coded = Coded { content_encoding: coding, ..plain };
    let (Ok(expected), Ok(out)) = (rewritten(&care, plain, body, 7), rewritten(&care, coded, &packed, 5))
    else {
        return;
    };
    if is_packed(body) {
        return;
    }
    assert!(
        crate::body::unpacked_as(coding, &out).is_some_and(|out| out == expected),
        "packed or not, it is the same"
    );
}

/// Reads any JSON as an OpenAPI document, and asserts that a path of it whose every character stands for itself is found.
pub fn fuzz_document(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(document) = Document::read(&value, "", Unknown::Refuse) else { return };
    let paths = value.get("paths").and_then(Value::as_object).into_iter().flatten();
    // Servers say under what the paths are.
    let has_servers = memchr::memmem::find(data, b"servers").is_some();
    for (path, item) in paths {
        document.places(&Method::GET, path);
        let is_literal =
            path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'/');
        if is_literal && !has_servers && item.get("get").is_some() {
            assert!(!matches!(document.find(&Method::GET, path), Found::Nothing), "what it knows is found");
        }
    }
}

/// Looks into any bytes as base64.
pub fn fuzz_hides(data: &[u8]) {
    let _ = crate::body::hides(data);
}

fn rewritten(care: &Care, coded: Coded<'_>, body: &[u8], width: usize) -> Result<Vec<u8>, Withheld> {
    let mut rewrite: Box<dyn Rewrite> = open(care, coded);
    let mut out = Vec::new();
    for piece in body.chunks(width.max(1)) {
        rewrite.push(piece, &mut out)?;
    }
    rewrite.finish(&mut out)?;
    Ok(out)
}

/// Whether two results are the same to a reader: packed bytes may differ in how they are packed.
fn same(coded: Coded<'_>, one: &Result<Vec<u8>, Withheld>, other: &Result<Vec<u8>, Withheld>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) if one != other => !coded.content_encoding.is_empty() || is_packed(one),
        (one, other) => one.is_ok() == other.is_ok(),
    }
}

/// Whether something in `body` is packed and not labelled so.
fn is_packed(body: &[u8]) -> bool {
    let starts: [&[u8]; 3] = [&[0x1f, 0x8b], &[0x28, 0xb5], &[0x78]];
    starts.iter().any(|start| memchr::memmem::find(body, start).is_some())
        || body.windows(6).any(is_coded_part)
}

/// Parts are coded, too.
fn is_coded_part(window: &[u8]) -> bool {
    window.eq_ignore_ascii_case(b"base64") || window.eq_ignore_ascii_case(b"quoted")
}

fn care(flags: u8) -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict: flags & 1 != 0,
        opaque: match flags >> 1 & 3 {
            0 => Opaque::Pass,
            1 => Opaque::Refuse,
            _ => Opaque::Scan,
        },
        refuses: flags & REFUSES != 0,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    }
}

fn at<'a>(all: &[&'a str], index: u8) -> &'a str {
    all.get(usize::from(index) % all.len().max(1)).copied().unwrap_or_default()
}

const REFUSES: u8 = 8;
const TYPES: &[&str] = &[
    "",
    "text/plain",
    "text/csv",
    "text/tab-separated-values",
    "application/x-www-form-urlencoded",
    "application/xml",
    "text/html",
    "multipart/form-data; boundary=b",
    "multipart/mixed; boundary=\"b\"",
    "message/rfc822",
    "text/plain; charset=latin1",
    "text/plain; charset=utf-16",
    "text/plain; charset=shift_jis",
    "text/plain; charset=gb18030",
    "text/xml; charset=utf-32be",
    "application/octet-stream",
    "image/png",
];
const CODINGS: &[&str] = &["", "", "", "gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "unknown"];

#[cfg(test)]
mod tests;
