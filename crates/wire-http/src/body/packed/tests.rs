use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::{hides, may_be_packed};

const CARD: &[u8] = br#"{"pan": "4111111111111111"}"#;
const NONE: &[u8] = br#"{"pan": "none of your business"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut to = ZlibEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

/// A ZIP archive of one file, as `zip` writes it to a pipe: its sizes behind it.
fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut to = DeflateEncoder::new(Vec::new(), Compression::default());
    to.write_all(bytes).unwrap();
    let mut head = b"PK\x03\x04\x14\x00\x08\x00\x08\x00".to_vec();
    head.extend([0; 16]);
    head.extend(*b"\x05\x00\x00\x00a.txt");
    [head, to.finish().unwrap(), b"PK\x07\x08".to_vec(), vec![0; 12]].concat()
}

fn base64_hides(bytes: &[u8]) -> bool {
    let letters = URL_SAFE_NO_PAD.encode(bytes);
    let told = hides(STANDARD.encode(bytes).as_bytes());
    assert_eq!(told, hides(letters.as_bytes()), "both alphabets");
    assert_eq!(told, hides(format!("data:x/y;base64,{letters}").as_bytes()), "as a data: URL");
    told
}

#[test]
fn card_data_in_a_compressed_container_is_found() {
    for pack in [gzip, zlib, zip, |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap()] {
        assert!(base64_hides(&pack(CARD)));
        assert!(!base64_hides(&pack(NONE)));
        let start = *STANDARD.encode(pack(NONE)).as_bytes().first_chunk().unwrap();
        assert!(may_be_packed(start), "{start:?}");
    }
}

#[test]
fn containers_within_one_another_are_opened_up_to_a_limit() {
    assert!(base64_hides(&gzip(&zlib(CARD))));
    assert!(!base64_hides(&gzip(&zlib(NONE))));
    assert!(base64_hides(&gzip(STANDARD.encode(gzip(CARD)).as_bytes())));
    let deep = (0..6).fold(NONE.to_vec(), |bytes, _| gzip(&bytes));
    assert!(base64_hides(&deep), "what is not looked into counts");
}

#[test]
fn a_container_that_cannot_be_looked_into_counts() {
    let mut cut = gzip(NONE);
    cut.truncate(cut.len() - 9);
    assert!(base64_hides(&cut));
    assert!(base64_hides(b"BZh91AY&SY and more"));
    assert!(base64_hides(&gzip(&vec![b' '; 9 << 20])), "too much of it");
}

#[test]
fn whole_numbers_of_a_vector_that_make_a_card_number_are_found() {
    let singles =
        |numbers: &[f32]| base64_hides(&numbers.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>());
    let doubles =
        |numbers: &[f64]| base64_hides(&numbers.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>());
    assert!(singles(&[4111.0, 1111.0, 1111.0, 1111.0]));
    assert!(doubles(&[4111.0, 1111.0, 1111.0, 1111.0]));
    assert!(singles(&[0.25, 7.0, 4111.0, 1111.0, 1111.0, 1111.0, -0.5]), "among others");
    assert!(singles(&[4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
    // 5105 1051 0510 5100: a zero before a group is not written, unless they are all in four digits.
    assert!(singles(&[5105.0, 1051.0, 510.0, 5100.0]));
    assert!(doubles(&[5_105_105_105_105_100.0]));
    assert!(base64_hides(&4_111_111_111_111_111_u64.to_le_bytes()));
    assert!(!singles(&[4111.0, 1111.0, 1111.0, 1112.0]));
    assert!(!singles(&[4111.0, 1111.0, 0.5, 1111.0, 1111.0]));
}

#[test]
fn embeddings_and_random_bytes_are_left_alone() {
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from(state >> 32).unwrap()
    };
    // The bits of numbers from 1 to 2, less 1.5.
    let fraction = |bits: u32| f32::from_bits(0x3f80_0000 | bits >> 9) - 1.5;
    let embedding: Vec<u8> = (0..3072).flat_map(|_| fraction(random()).to_le_bytes()).collect();
    assert!(!base64_hides(&embedding));
    let flagged = (0..20_000).filter(|index| {
        let bytes: Vec<u8> = (0..2 + index % 16).flat_map(|_| random().to_le_bytes()).collect();
        base64_hides(&bytes)
    });
    assert!(flagged.count() <= 6, "random bytes are seldom taken for a container");
}

#[test]
fn what_is_no_base64_hides_nothing() {
    assert!(!hides(b""));
    assert!(!hides(b"H4sI but no more of it!"));
    assert!(!hides(b"data:,"));
    assert!(!hides(&[0xff; 40]));
}
