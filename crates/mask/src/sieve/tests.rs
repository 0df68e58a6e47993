use std::ops::Range;

use proptest::prelude::*;

use super::{BEFORE, Kind, Sieve, Stretch};
use crate::classes::Classes;
use crate::engine::{Engine, Step, Views};
use crate::finding::Finding;
use crate::glance::Glance;
use crate::text::Text;

pub(crate) mod spelled;

use spelled::{cards, noise, spelled};

/// All stretches of `text` from `from` on.
fn stretches(kind: Kind, text: &[u8], from: usize, ended: bool) -> Vec<Range<usize>> {
    let (sieve, known) = (Sieve { kind }, Text::new(text, ended));
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = from;
    while let Some(Stretch { range: stretch, .. }) = sieve.next(&known, at) {
        assert!(stretch.start >= at && stretch.end > stretch.start && stretch.end <= text.len());
        at = stretch.end;
        found.push(stretch);
    }
    found
}

/// What readers find in `text` that start at `from` and go over all of it.
fn found(text: &[u8], views: Views, from: usize) -> Vec<Finding> {
    all(Engine::unsieved(Classes::default(), views, from).sieved_alone(), text)
}

fn all(mut engine: Engine, text: &[u8]) -> Vec<Finding> {
    let text = Text::whole(text);
    let mut found = Vec::new();
    while let Step::Region(findings, _) = engine.step(&text) {
        found.extend(findings);
    }
    found
}

/// All that is found in `text` from `from` on lies in a stretch, and so does its beginning where the text is cut.
fn check(text: &[u8], from: usize, cuts: bool) {
    let covers = |stretches: &[Range<usize>], range: Range<usize>| {
        let before = range.start.saturating_sub(BEFORE).max(from);
        stretches.iter().any(|one| {
            one.start <= range.start
                && one.end >= range.end
                && (one.start <= before || stretches.iter().any(|other| other.end == one.start))
        })
    };
    let findings = [Views::Text, Views::JsonString].map(|views| found(text, views, from)).concat();
    assert!(
        findings.is_empty() || Glance::of(text).may_hold_card(text),
        "at a glance: {:?}",
        String::from_utf8_lossy(text)
    );
    for kind in Kind::all() {
        let whole = stretches(kind, text, from, true);
        for finding in &findings {
            let range = finding.range.clone();
            let shown = String::from_utf8_lossy(text);
            assert!(covers(&whole, range.clone()), "{kind:?} {finding:?} from {from} {whole:?} {shown:?}");
            for cut in (range.start + 1..range.end).filter(|_| cuts) {
                let part = stretches(kind, &text[..cut], from, false);
                assert!(covers(&part, range.start..cut), "{kind:?} {finding:?} cut {cut} {part:?} {shown:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_that_is_found_lies_in_a_stretch(
        pieces in prop::collection::vec(prop_oneof![noise(), spelled(), spelled(), noise()], 1..8),
        from in 0_usize..400
    ) {
        let text = pieces.concat();
        check(&text, 0, false);
        check(&text, from.min(text.len()), false);
    }

    #[test]
    fn the_same_is_found_where_only_stretches_are_read(
        pieces in prop::collection::vec(prop_oneof![noise(), spelled(), noise()], 1..9),
        from in 0_usize..400
    ) {
        let text = pieces.concat();
        let ways = [Views::Text, Views::JsonString].map(|views| [0, from.min(text.len())].map(|from| (views, from)));
        for (views, from) in ways.concat() {
            // In a long run of digits, findings lie in each other: what counts is which bytes are found.
            let bytes = |found: &[Finding]| -> Vec<(usize, bool)> {
                let mut bytes: Vec<_> =
                    found.iter().flat_map(|one| one.range.clone().map(|at| (at, one.kind.is_sad()))).collect();
                bytes.sort_unstable();
                bytes.dedup();
                bytes
            };
            let read = found(&text, views, from);
            let sieved = all(Engine::new(Classes::default(), views, from).sieved_alone(), &text);
            let shown = String::from_utf8_lossy(&text);
            prop_assert_eq!(bytes(&read), bytes(&sieved), "from {}\n{:?}\n{:?}\n{:?}", from, read, sieved, shown);
        }
    }

    #[test]
    fn what_is_found_lies_in_a_stretch_wherever_the_text_is_cut(
        before in noise(), card in spelled(), after in noise()
    ) {
        check(&[before, card, after].concat(), 0, true);
    }
}

#[test]
fn every_card_shows_at_every_place_of_a_window() {
    for card in cards() {
        for before in 0..70 {
            check(&[" ".repeat(before).as_bytes(), card.as_bytes(), b" "].concat(), 0, false);
        }
    }
}

#[test]
fn what_an_escape_ends_with_does_not_hide_the_number_behind_it() {
    let escapes = [
        "%00",
        "%20",
        "%2A",
        "%C3%A9",
        "%C2%A0",
        "%e2%80%89",
        "=20",
        "=C3=A9",
        "=3D",
        "\\u0020",
        "\\u00e9",
        "\\u20ac",
        "\\ud83d\\ude00",
        "\\ud835\\udc00",
        "&#32;",
        "&#x20;",
        "%3d%20",
        "\\\\u0020",
        "%25%32",
        "a=20",
        "1%20",
        "12%00",
    ];
    let numbers = [
        "4242424242424242",
        "4242 4242 4242 4242",
        "42424242 42424242",
        "4-2-4-2-4-2-4-2-4-2-4-2-4-2-4-2",
        "42,42,42,42,42,42,42,42",
        "424.242.424.242.424.2",
        "4,242,424,242,424,242",
        "4242424\n242424242",
        "4242%204242%204242%204242",
        "4242\\u00204242\\u00204242\\u00204242",
        "4242=204242=204242=204242",
        "3782 822463 10005",
        "3714-496353-98431",
        "000004242424242424242",
        "164242424242424242",
        "4.242424242424242e15",
        "4.2e15",
        "4242424242424242=25121010000000000000?",
        "B4242424242424242^DOE/J^25121010000000000000?",
    ];
    for escape in escapes {
        for number in numbers {
            for before in [0, 1, 17, 39, 40, 41, 63, 64, 65, 318, 320] {
                let text = format!("{}{escape}{number} ", "x".repeat(before));
                check(text.as_bytes(), 0, false);
                for from in before..before + escape.len() + 1 {
                    check(text.as_bytes(), from, false);
                }
            }
        }
    }
}

#[test]
fn dates_and_ordinary_numbers_show_nothing() {
    for text in [
        "2026-11-23 02:05:28.123456 INFO gate: 17 of 1024 sessions, 99.5 % in 12.25 ms",
        "2026-11-23T02:05:28.123Z 10.12.0.1:8080 - - [23/Nov/2026:02:05:28 +0000] \"GET / HTTP/1.1\" 200 5123",
        "    let x = a[12] & 0xff; // 100 % of \\n \\\"quoted\\\" text",
        "{\"id\":1700000000000,\"at\":1700000000,\"lat\":52.520008,\"lon\":13.404954}",
        "Предложение по-русски, 2026. 中文文本，在2026年11月23日。",
        "GET /search?page=12&size=50&q=a%20b%20c&from=20261123&to=20261124 status=200 bytes=12345 took=1234ms",
    ] {
        for kind in Kind::all() {
            assert_eq!(stretches(kind, text.as_bytes(), 0, true), [], "{text}");
        }
    }
}
