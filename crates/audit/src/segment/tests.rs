use super::*;
use crate::encode::encode;
use crate::{Entry, Event};

fn record(index: u64, durable: u64) -> Vec<u8> {
    let entry = Entry::of_gateway(access::Timestamp(0), "gw1".into(), Event::GatewayStopped);
    let mut bytes = Vec::new();
    frame(index, durable, &encode(&entry).unwrap(), &mut bytes);
    bytes
}

#[test]
fn a_record_is_whole_or_none() {
    let bytes = record(300, 299);
    let (read, length) = parse(&bytes).unwrap();
    assert_eq!((read.index, read.durable, length), (300, 299, bytes.len()));
    for place in 0..bytes.len() {
        assert_eq!(parse(&bytes[..place]), None, "cut at {place}");
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        assert_eq!(parse(&changed), None, "changed at {place}");
    }
    assert_eq!(parse(&[0; 100]), None);
}

#[test]
fn a_later_record_tells_damage_from_what_was_never_finished() {
    let broken = vec![b'x'; 100];
    // Of the same batch as the broken one, entry 7: it was being written.
    assert!(!proves_durable(&[broken.clone(), record(8, 7)].concat(), 7));
    // Of a later batch: entry 7 was durable then.
    assert!(proves_durable(&[broken, record(8, 8)].concat(), 7));
}

#[test]
fn a_prepared_segment_is_zeros_behind_its_header() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(FOLDER)).unwrap();
    prepare(dir.path(), 3, 5000, &AtomicBool::new(false)).unwrap();
    assert_eq!(numbers(dir.path()).unwrap(), [3]);
    let bytes = std::fs::read(path(dir.path(), 3)).unwrap();
    assert_eq!(bytes.len(), 5000);
    assert_eq!(&bytes[..16], HEADER);
    assert!(bytes[16..].iter().all(|byte| *byte == 0));
    let stopped = prepare(dir.path(), 4, 5000, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Interrupted);
    assert_eq!(numbers(dir.path()).unwrap(), [3], "an unfinished one does not count");
}

/// Whatever bytes a segment holds, reading them ends, and gives only records that were framed.
#[test]
fn arbitrary_bytes_are_no_records() {
    let mut seed = 1_u64;
    for _ in 0..200 {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 60) as u8
        })
        .take(300)
        .collect();
        fuzz_record(&bytes);
        assert_eq!(parse(&bytes), None);
    }
}
