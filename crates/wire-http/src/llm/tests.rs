
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
