use std::ops::Range;

use proptest::prelude::*;

use super::{BEFORE, Kind, Sieve};
use crate::classes::Classes;

/// All stretches of `text`.
fn stretches(kind: Kind, text: &[u8], ended: bool) -> Vec<Range<usize>> {
    let sieve = Sieve::with(kind, Classes::default()).unwrap();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(stretch) = sieve.next(text, from, ended) {
        assert!(stretch.start >= from && stretch.end > stretch.start && stretch.end <= text.len());
        from = stretch.end;
        found.push(stretch);
    }
    found
}

/// All that is found in `text` lies within a stretch, and so does its beginning where the text is cut.
fn check(text: &[u8], cuts: bool) {
    let covers = |found: &[Range<usize>], range: Range<usize>| {
        let before = range.start.saturating_sub(BEFORE);
        found.iter().any(|one| {
            one.start <= range.start
                && one.end >= range.end
                && (one.start <= before || found.iter().any(|other| other.end == one.start))
        })
    };
    for kind in Kind::all() {
        let whole = stretches(kind, text, true);
        for finding in crate::find(text) {
            let range = finding.range.clone();
            let shown = String::from_utf8_lossy(text).into_owned();
            assert!(covers(&whole, range.clone()), "{kind:?} {range:?} {whole:?} {shown:?}");
            for cut in (range.start + 1..range.end).filter(|_| cuts) {
                let part = stretches(kind, &text[..cut], false);
                assert!(covers(&part, range.start..cut), "{kind:?} {range:?} cut {cut} {part:?} {shown:?}");
            }
        }
    }
}

fn cards() -> Vec<&'static str> {
    let lines = include_str!("../../../../corpora/cards.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| line.split_once('\t').unwrap().1).collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let quad = |three: &[u8]| {
        let bits =
            three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len())
            .map(move |index| char::from(LETTERS[bits >> (18 - 6 * index) & 63]))
            .collect::<String>()
    };
    bytes.chunks(3).map(quad).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A card number in groups, each digit and the separator written in some way, and the whole encoded or not.
fn spelled() -> impl Strategy<Value = Vec<u8>> {
    let separators = prop::sample::select(vec![
        "",
        "",
        " ",
        "-",
        ".",
        "  ",
        " - ",
        "\n",
        "\r\n",
        ", ",
        "/",
        "_",
        ":",
        "+",
        "\0",
        "\u{a0}",
        "\u{2009}",
        "\u{2013}",
        "\u{3000}",
        "\u{feff}",
        "%20",
        "%C2%A0",
        "\\u00a0",
        "\\n",
        "\\t",
        "&nbsp;",
        "&#160;",
        "=20",
        "=\n",
        "\t",
        " \u{a0} ",
        "%e2%80%93",
    ]);
    let groups = prop::sample::select(vec![
        vec![19],
        vec![4, 4, 4, 4, 4],
        vec![8, 11],
        vec![6, 13],
        vec![4, 6, 9],
        vec![1; 19],
        vec![2; 10],
        vec![3; 7],
        vec![1, 3, 3, 3, 3, 3, 3],
        vec![7, 12],
    ]);
    let digit =
        prop::sample::select(vec!["", "", "", "full", "arabic", "%", "\\u", "&#", "&#x", "=", "mixed"]);
    let wrap =
        prop::sample::select(vec!["", "", "", "base64", "base64-1", "base64-2", "twice", "hex", "lines"]);
    (prop::sample::select(cards()), separators, groups, digit, wrap, any::<u32>()).prop_map(
        |(card, separator, groups, digit, wrap, mix)| {
            let mut text = String::new();
            let (mut group, mut left) = (0, groups[0]);
            for (index, c) in card.chars().enumerate() {
                if left == 0 {
                    group += 1;
                    left = groups.get(group).copied().unwrap_or(19);
                    text.push_str(separator);
                }
                left -= 1;
                let escaped = digit != "mixed" || mix >> (index % 32) & 1 == 1;
                let value = u32::from(c) - 48;
                text.push_str(&match if escaped { digit } else { "" } {
                    "full" => char::from_u32(0xff10 + value).unwrap().to_string(),
                    "arabic" => char::from_u32(0x0660 + value).unwrap().to_string(),
                    "%" | "mixed" => format!("%3{c}"),
                    "\\u" => format!("\\u003{c}"),
                    "&#" => format!("&#{};", value + 48),
                    "&#x" => format!("&#x3{c};"),
                    "=" => format!("=3{c}"),
                    _ => c.to_string(),
                });
            }
            let padded = |pad: &str| base64(format!("{pad}{text}").as_bytes());
            match wrap {
                "base64" => padded(""),
                "base64-1" => padded("x"),
                "base64-2" => padded("xy"),
                "twice" => base64(padded("").as_bytes()),
                "hex" => hex(text.as_bytes()),
                "lines" => {
                    let padded = padded("n");
                    let (start, end) = padded.split_at(9);
                    format!("{start}\n{end}")
                }
                _ => text,
            }
            .into_bytes()
        },
    )
}

fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "",
            " ",
            "x",
            "2026-11-23 02:05:28.123456 ",
            "card ",
            "{\"id\":1700000000000,\"pan\":\"",
            "\"}",
            "%",
            "=",
            "\\",
            "12 ",
            "1.5e10 ",
            "The quick brown fox ",
            "\n",
            "Привет ",
            "中文、",
            "\\\"",
            "-----",
            "*",
            "0123456789abcdef",
            "SELECT 1, ",
            "&amp;",
            "10.0.0.1:8080 ",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(prop::sample::select(b"0123456789 -.\n%=\\&u".to_vec()), 0..24),
        (0_usize..150).prop_map(|count| vec![b'x'; count]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_that_is_found_lies_in_a_stretch(
        pieces in prop::collection::vec(prop_oneof![noise(), spelled(), noise()], 1..8)
    ) {
        check(&pieces.concat(), false);
    }

    #[test]
    fn what_is_found_lies_in_a_stretch_wherever_the_text_is_cut(
        before in noise(), card in spelled(), after in noise()
    ) {
        check(&[before, card, after].concat(), true);
    }
}

#[test]
fn every_card_shows_at_every_place_of_a_window() {
    for card in cards() {
        for before in 0..70 {
            check(&[" ".repeat(before).as_bytes(), card.as_bytes(), b" "].concat(), false);
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
    ] {
        for kind in Kind::all() {
            assert_eq!(stretches(kind, text.as_bytes(), true), [], "{text}");
        }
    }
}
