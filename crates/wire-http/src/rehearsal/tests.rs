use std::sync::Arc;

use access::Timestamp;
use mask::{Masker, Profile};
use wire::rehearsal::{Fault, NUMBERS};

use super::{Act, acts, rehearse};
use crate::body::Opaque;
use crate::connection::{Bounds, Connection, Origin, Outgoing, Settings};
use crate::echo::Echo;

const MASKER: Masker = Masker::new(Profile::Last4);

fn settings(asks_models: bool, outgoing: Outgoing) -> Settings {
    let connection = Connection {
        name: "billing".into(),
        origin: Origin::parse("http://up.test:8080").unwrap(),
        asks_models,
        rules: Vec::new(),
        document: None,
        strict: false,
        opaque: Opaque::Refuse,
        outgoing,
        bounds: Bounds::default(),
    };
    Settings {
        connection: Arc::new(connection),
        prefix: "/billing".into(),
        by_own_name: false,
        masker: MASKER,
        now: Timestamp(0),
        wanted: Arc::default(),
        echo: Echo::default(),
        nonce: None,
        turned_away: None,
        answer_bytes_max: 0,
    }
}

#[test]
fn a_lane_that_masks_passes() {
    for asks_models in [false, true] {
        for outgoing in [Outgoing::Refuse, Outgoing::Mask(MASKER)] {
            assert_eq!(rehearse(|| settings(asks_models, outgoing)), Ok(()));
        }
    }
}

/// As if nothing were masked: what comes out is what came in.
fn unmasked(act: Act) -> Act {
    let harmless = |text: &str| {
        NUMBERS.iter().fold(text.to_owned(), |text, number| {
            // Letters in their place, so that the halves of a stream are halves of a word.
            let word: String = number.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
            let (head, tail) = (number.split_at(number.len() / 2), word.split_at(word.len() / 2));
            text.replace(&format!("\"n\":{number}"), &format!("\"n\":\"{word}\""))
                .replace(number, &word)
                .replace(&format!("\"{}\"", head.0), &format!("\"{}\"", tail.0))
                .replace(&format!("\"{}\"", head.1), &format!("\"{}\"", tail.1))
        })
    };
    let secrets = NUMBERS.iter().map(|number| harmless(number)).collect();
    Act {
        body: harmless(&act.body),
        pieces: act.pieces.iter().map(|it| harmless(it)).collect(),
        secrets,
        ..act
    }
}

#[test]
fn every_act_that_comes_out_as_it_is_is_found() {
    for act in acts().into_iter().map(unmasked) {
        let expected = if act.name == "a request" { Fault::Sent(act.name) } else { Fault::Told(act.name) };
        assert_eq!(act.play(settings(true, Outgoing::Mask(MASKER))), Err(expected));
    }
}
