//! A log of 100,000 entries that somebody has changed at random places: it is found each time, and the first entry named.

#![allow(clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use access::{Secret, Timestamp};
use audit::{Entry, Event, Log, Options, Signer, verify};

const ENTRIES: u64 = 100_000;
const WIDTH: u64 = 256;

fn signer() -> Signer {
    Signer::from_seed(&Secret::from(vec![7; 32]), "gw1").unwrap()
}

/// A closed log, of which only the tiles are left: as whoever gets a copy has it.
fn log(dir: &Path) {
    let options = Options { segment_bytes: 4 << 20, ..Options::new("gw1", "0.1.0", Timestamp(1)) };
    let log = Log::open(dir, signer(), options).unwrap();
    for part in 0..10 {
        let all: Vec<_> = (0..ENTRIES / 10)
            .map(|number| {
                let reason = format!("entry {}", part * ENTRIES / 10 + number).into();
                let event = Event::SessionClosed { reason, commands: number };
                log.append(&Entry::of_gateway(Timestamp(2), "gw1".into(), event))
            })
            .collect();
        for one in all {
            one.wait().unwrap();
        }
    }
    log.close(Timestamp(3)).unwrap();
    fs::remove_dir_all(dir.join("segments")).unwrap();
}

/// Random numbers that a seed makes (<https://prng.di.unimi.it/splitmix64.c>).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// The tile of that number at a level: `000`, `x001/234` (C2SP tlog-tiles).
fn tile(dir: &Path, level: &str, number: u64) -> PathBuf {
    assert!(number < 1000);
    dir.join("tile").join(level).join(format!("{number:03}"))
}

/// Where each entry of a bundle begins, with its length before it.
fn places(bundle: &[u8]) -> Vec<usize> {
    let (mut at, mut places) = (0, Vec::new());
    while at < bundle.len() {
        places.push(at);
        at += 2 + usize::from(u16::from_be_bytes([bundle[at], bundle[at + 1]]));
    }
    places.push(at);
    places
}

/// What somebody does to a bundle; the first entry in it that is not what it was.
fn change(bundle: &mut Vec<u8>, random: &mut Random) -> u64 {
    let places = places(bundle);
    let entry = random.below(WIDTH - 1) as usize;
    let (start, end, after) = (places[entry], places[entry + 1], places[entry + 2]);
    match random.below(4) {
        0 => {
            let at = start + 2 + random.below((end - start - 2) as u64) as usize;
            bundle[at] ^= 1 << random.below(8);
        }
        1 => drop(bundle.drain(start..end)),
        2 => bundle[start..after].rotate_left(end - start),
        _ => {
            let copy = bundle[start..end].to_vec();
            drop(bundle.splice(end..after, copy));
            // Put in behind the one that it is a copy of.
            return entry as u64 + 1;
        }
    }
    entry as u64
}

#[test]
fn whatever_is_changed_in_a_hundred_thousand_entries_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    log(dir.path());
    let verifier = signer().verifier();
    let check = || verify(dir.path(), &verifier, None).unwrap();
    assert!(check().holds());
    let seed = std::env::var("PANGUARD_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("PANGUARD_SEED={seed}");
    let mut random = Random(seed);
    for trial in 0..24 {
        let number = random.below(ENTRIES / WIDTH);
        let path = tile(dir.path(), "entries", number);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let first = change(&mut changed, &mut random);
        fs::write(&path, &changed).unwrap();
        let report = check();
        let named = report.first_wrong().and_then(|wrong| wrong.index);
        assert_eq!(named, Some(number * WIDTH + first), "trial {trial}: {:?}", report.wrong);
        fs::write(&path, &whole).unwrap();
    }
    for level in ["0", "entries"] {
        let path = tile(dir.path(), level, random.below(ENTRIES / WIDTH));
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!check().holds(), "{}", path.display());
        fs::write(&path, &whole).unwrap();
    }
    assert!(check().holds());
}
