use super::number;
use crate::sieve::tests::spelled::{cards, lines};
use crate::text::Text;
use crate::{Masker, Profile, Stream};

const MASKER: Masker = Masker::new(Profile::Last4);

fn masked(text: &str) -> String {
    let whole = MASKER.text(text.as_bytes()).map_or_else(|| text.as_bytes().to_vec(), |masked| masked.bytes);
    for size in [1, 7, 64] {
        let mut stream = Stream::new(MASKER);
        let mut out = Vec::new();
        text.as_bytes().chunks(size).for_each(|piece| stream.push(piece, &mut out));
        stream.finish(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole), "in pieces of {size}");
    }
    String::from_utf8(whole).unwrap()
}

fn written(text: &str, before: &str, after: &str) -> String {
    text.bytes().map(|byte| format!("{before}{byte:02x}{after}")).collect()
}

#[test]
fn hex_with_something_between_its_bytes_goes_from_its_first_digit_to_its_last() {
    for (before, after) in
        [("", ":"), ("", " "), ("", "-"), ("", "."), ("0x", ", "), ("0x", ","), ("\\x", "")]
    {
        let [head, number, tail] =
            ["Card ", "4000056655665556", ", ok"].map(|text| written(text, before, after));
        let (first, last) = (before.len(), after.len());
        let stars = "*".repeat(number.len() - first - last);
        let rest = number.split_at(number.len() - last).1;
        assert_eq!(masked(&format!("{head}{number}{tail}")), format!("{head}{before}{stars}{rest}{tail}"));
    }
}

#[test]
fn groups_of_bytes_and_lines_of_code_are_read() {
    let check = |text: &str| {
        assert!(masked(text).contains("****") && !crate::holds_card(masked(text).as_bytes()), "{text}")
    };
    check("3430 3030 3035 3636 3535 3636 3535 3536");
    check("34303030 30353636 35353636 35353536");
    check(
        "0x34, 0x30, 0x30, 0x30, 0x30, 0x35, 0x36, 0x36,\n    0x35, 0x35, 0x36, 0x36, 0x35, 0x35, 0x35, 0x36",
    );
    check("34:30:30:30:20:30:35:36:36:20:35:35:36:36:20:35:35:35:36");
}

#[test]
fn a_track_in_a_dump_is_sad() {
    let track = lines(b"read ;4000056655665556=29121011234567? from the stripe", true);
    assert!(MASKER.text(track.as_bytes()).unwrap().sad);
}

#[test]
fn a_number_in_a_dump_is_found_wherever_its_lines_break_and_its_characters_go_with_it() {
    for card in cards().into_iter().filter(|card| crate::holds_card(card.as_bytes())) {
        for pad in 0..34 {
            for xxd in [true, false] {
                let text = format!("{}{card} and what follows it", ".".repeat(pad));
                let dump = lines(text.as_bytes(), xxd);
                for dump in [dump.clone(), dump.replace('\n', "\\n")] {
                    let left = masked(&dump).replace("\\n", "\n");
                    let [bytes, shown] = told(&left);
                    assert!(!shown.contains(card) && !bytes.contains(&written(card, "", "")), "{dump}{left}");
                }
            }
        }
    }
}

/// What the lines of a dump tell: the bytes in hex, and the characters.
fn told(dump: &str) -> [String; 2] {
    let mut all = [String::new(), String::new()];
    for line in dump.lines() {
        let (bytes, shown) = line.get(9..).unwrap_or_default().split_at_checked(41).unwrap_or_default();
        let (bytes, shown) = if line.contains(": ") {
            (bytes, shown)
        } else {
            (line.get(9..59).unwrap_or_default(), line.get(59..).unwrap_or_default())
        };
        all[0].extend(bytes.chars().filter(char::is_ascii_hexdigit));
        all[1].push_str(shown.trim_matches(['|', ' ']));
    }
    all
}

#[test]
fn what_is_no_number_in_hex_passes() {
    let mut ordinary = vec![
        "00:1b:44:11:3a:b7 30:34:35:36:37:38 fe80::3430:3035:3636".to_owned(),
        "36, 37, 38, 36, 37, 36, 35, 38, 39, 37, 36, 37, 38, 36, 35, 34, 36, 37, 38, 36, 37, 36, 35, 38"
            .to_owned(),
        "30 31 32 33 34 35 36 37 38 39".to_owned(),
        "35:36:37 34:30:31 at 30-33-36".to_owned(),
    ];
    ordinary.push(lines(b"2026-11-29 10:34:30 order 20261129 was paid with 40000566556 points", false));
    ordinary.push(lines(b"1763847234567890123 and 550e8400-e29b-41d4-a716-446655440000", false));
    for text in ordinary {
        assert_eq!(masked(&text), text);
    }
}

#[test]
fn random_bytes_in_hex_hold_no_number() {
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    };
    for separator in [":", " ", "-"] {
        let bytes: Vec<String> = (0..200_000).map(|_| format!("{:02x}", random())).collect();
        let text = bytes.join(separator);
        let text = Text::whole(text.as_bytes());
        assert!((0..text.len()).all(|at| number(&text, at).is_none()));
    }
}
