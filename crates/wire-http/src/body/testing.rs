//! What tests of bodies have in common.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use mask::{Masker, Profile};

use super::{Care, Coded, Opaque, Withheld, open};

pub fn care() -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict: false,
        opaque: Opaque::Scan,
        refuses: false,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    }
}

pub fn strict() -> Care {
    Care { strict: true, opaque: Opaque::Refuse, ..care() }
}

pub fn passing() -> Care {
    Care { opaque: Opaque::Pass, ..care() }
}

pub fn rewritten(care: &Care, coded: Coded<'_>, body: &[u8], width: usize) -> Result<Vec<u8>, Withheld> {
    let mut rewrite = open(care, coded);
    let mut out = Vec::new();
    for piece in body.chunks(width.max(1)) {
        rewrite.push(piece, &mut out)?;
    }
    rewrite.finish(&mut out)?;
    Ok(out)
}

/// The same of a type without codings.
pub fn run(care: &Care, content_type: &str, body: &[u8], width: usize) -> Result<Vec<u8>, Withheld> {
    rewritten(care, Coded { content_type: Some(content_type), content_encoding: "" }, body, width)
}

/// Rewrites `body` of a type whole and in every width, and asserts that it comes to the same.
pub fn told(care: &Care, content_type: &str, body: &[u8]) -> Result<Vec<u8>, Withheld> {
    let coded = Coded { content_type: Some(content_type), content_encoding: "" };
    let whole = rewritten(care, coded, body, body.len());
    for width in [1, 2, 3, 5, 7, 16, 64] {
        assert_eq!(rewritten(care, coded, body, width), whole, "{content_type} in pieces of {width}");
    }
    whole
}

/// That `body` becomes `expected`.
pub fn check(care: &Care, content_type: &str, body: &str, expected: &str) {
    let masked = told(care, content_type, body.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(masked.as_deref(), Ok(expected), "{content_type}: {body}");
}

pub fn same(care: &Care, content_type: &str, body: &[u8]) {
    let out = told(care, content_type, body);
    assert!(out.as_deref() == Ok(body), "{content_type}: {:?}", String::from_utf8_lossy(body));
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut to = ZlibEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

pub fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut to = DeflateEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut to = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
    to.write_all(bytes).unwrap();
    to.into_inner()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Packs, and flushes each time.
pub type Pack = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// What a client decodes.
pub fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    match coding {
        "gzip" | "x-gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        "zlib" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        "raw" => flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut out).unwrap(),
        _ => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_end(&mut out).unwrap(),
    };
    out
}
