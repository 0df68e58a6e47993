use mask::{Masker, Profile};

use super::*;
use crate::body::{Opaque, Withheld};

mod channels;
mod corpus;
mod requests;

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

fn strict() -> Care {
    Care { strict: true, opaque: Opaque::Refuse, ..care() }
}

/// What a rewriter makes of pieces.
fn run(mut rewrite: Box<dyn Rewrite>, pieces: &[&[u8]]) -> Result<String, Withheld> {
    let mut told = Vec::new();
    for piece in pieces {
        rewrite.push(piece, &mut told)?;
    }
    rewrite.finish(&mut told)?;
    Ok(String::from_utf8(told).unwrap())
}

fn events(care: &Care, stream: &str) -> Result<String, Withheld> {
    run(open(care, "text/event-stream").0, &[stream.as_bytes()])
}

/// Runs `check` on seeds with bytes of them changed, taken out and repeated, the same in every run.
fn mutate(seeds: &[String], each: u64, check: impl Fn(&[u8])) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    for seed in seeds {
        for _ in 0..each {
            let mut data = seed.clone().into_bytes();
            for _ in 0..1 + next(4) {
                let at = next(data.len());
                match next(4) {
                    0 => data[at] = b"\"\\{}[]:,\r\n 4\xff"[next(13)],
                    1 => drop(data.remove(at)),
                    2 => data.insert(at, b"\"\\{}[]:,\r\n 41"[next(13)]),
                    _ => {
                        let end = (at + next(40)).min(data.len());
                        let again = data[at..end].to_vec();
                        data.splice(at..at, again);
                    }
                }
            }
            data.insert(0, u8::try_from(next(20)).unwrap());
            check(&data);
        }
    }
}
