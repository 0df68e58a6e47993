use std::ops::Range;

use proptest::prelude::*;

use super::heads::{self, HEAD};
use super::{Packed, Place, Spelling};
use crate::finding::{Finding, FindingKind, Form};
use crate::masker::{Masker, Profile};
use crate::reader::{BEHIND, Reader};
use crate::text::Text;

#[test]
fn a_card_number_with_its_tag_is_found_however_it_is_spelled() {
    for number in cards() {
        let value = padded(number);
        let tlv = format!("5A{:02X}{value}", value.len() / 2);
        for (text, start) in spellings(&format!("9F02060000000015005F2A020978{tlv}5F24032912319F26")) {
            let found = found(&text);
            assert_eq!(found.len(), 1, "{number} in {:?}", String::from_utf8_lossy(&text));
            assert!(matches!(found[0].kind, FindingKind::Pan { .. }));
            assert_eq!(found[0].range.start, start(16), "tag and length stay");
            let masked = masked(&text, &found);
            assert_eq!(masked.len(), text.len());
            match found[0].form {
                Form::Number => {
                    let hidden = masked.iter().filter(|byte| **byte == b'*').count();
                    assert_eq!(hidden, number.len() - 4, "all but the last four");
                }
                _ => assert_eq!(found[0].range.len(), number.len().div_ceil(2), "every byte with a digit"),
            }
            assert_eq!(self::found(&masked), [], "nothing is found again");
        }
    }
}

#[test]
fn the_equivalent_of_track_2_is_sad_however_it_is_spelled() {
    for number in cards() {
        for rest in ["D29121011234567890", "D2912101", "D29121010000099900"] {
            let value = padded(&format!("{number}{rest}"));
            for tag in ["57", "9F6B"] {
                let tlv = format!("{tag}{:02X}{value}", value.len() / 2);
                for (text, start) in spellings(&format!("9F1E0411223344{tlv}5F3401019F26")) {
                    let found = found(&text);
                    assert_eq!(found.len(), 1, "{tlv} in {:?}", String::from_utf8_lossy(&text));
                    assert_eq!((found[0].kind, found[0].form), (FindingKind::Track2, Form::Whole));
                    let head = 7 + tag.len() / 2 + 1;
                    let last = start(head + value.len() / 2 - 1);
                    assert_eq!(found[0].range.start, start(head), "tag and length stay");
                    assert!(found[0].range.end > last, "the whole of it goes");
                    assert_eq!(self::found(&masked(&text, &found)), [], "nothing is found again");
                }
            }
        }
    }
}

#[test]
fn a_track_that_is_shorter_than_it_says_goes_as_far_as_it_is() {
    check(b"57134111111111111111D2912101123F, next", b"5713****************************, next");
    check(b"57134111111111111111D29121011234567890123F ok", b"5713************************************** ok");
}

#[test]
fn the_second_field_of_a_message_is_found() {
    let bitmaps = ["723A448128C28805", "F23A448128C288050000000000000040"];
    let odd = |number: &str| number.len() % 2 == 1;
    for number in cards().filter(|number| *number != "122000000000003") {
        for bitmap in bitmaps {
            for head in ["0100", "1200", "0420", "2100", "30313030"] {
                let before = if odd(number) { format!("0{number}") } else { number.to_owned() };
                for value in [before, padded(number)] {
                    let message = format!("{head}{bitmap}{}{value}{REST}", number.len());
                    for (text, start) in spellings(&message).into_iter().take(UNSPACED) {
                        let found = found(&text);
                        assert_eq!(found.len(), 1, "{message} in {:?}", String::from_utf8_lossy(&text));
                        let zero = value.starts_with('0') && text.len() >= message.len();
                        let value_at = start((head.len() + bitmap.len()) / 2 + 1);
                        assert_eq!(found[0].range.start, value_at + usize::from(zero));
                        assert_eq!(self::found(&masked(&text, &found)), [], "nothing is found again");
                    }
                }
            }
        }
    }
}

#[test]
fn a_number_with_its_length_alone_is_found() {
    for (text, count) in [
        ("164111111111111111", 1),
        ("15378282246310005F", 1),
        ("150378282246310005", 1),
        // Something around it, another length, a brand that takes more.
        ("00164111111111111111", 0),
        ("16411111111111111100", 0),
        ("154111111111111111", 0),
        ("134222222222222F", 0),
    ] {
        for (text, _) in spellings(text).into_iter().take(UNSPACED) {
            assert_eq!(found(&text).len(), count, "{:?}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn raw_bytes_are_starred_and_their_lengths_stay_right() {
    check(b"\x01\x5a\x08\x41\x11\x11\x11\x11\x11\x11\x11\x5f", b"\x01\x5a\x08********\x5f");
    check(b"\x5a\x08\x37\x82\x82\x24\x63\x10\x00\x5f\x9f", b"\x5a\x08********\x9f");
    check(b"\x5a\x0a\x41\x11\x11\x11\x11\x11\x11\x11\xff\xff", b"\x5a\x0a********\xff\xff");
    check(b"\x57\x0d\x41\x11\x11\x11\x11\x11\x11\x11\xd2\x91\x21\x01\x1f", b"\x57\x0d*************");
    check(b"\x16\x41\x11\x11\x11\x11\x11\x11\x11", b"\x16********");
}

#[test]
fn hex_is_truncated_and_keeps_what_stands_between_bytes() {
    check(b"\\x5A084111111111111111", b"\\x5A08************1111");
    check(b"5a:08:41:11:11:11:11:11:11:11", b"5a:08:**:**:**:**:**:**:11:11");
    check(b"5A 08 37 82 82 24 63 10 00 5F 9f", b"5A 08 ** ** ** ** ** *0 00 5F 9f");
    check(
        b"57 0D 41 11 11 11 11 11 11 11 D2 91 21 01 1F 9f",
        b"57 0D ************************************** 9f",
    );
}

#[test]
fn what_is_no_packed_card_passes() {
    for text in [
        // Check digit, repeated digits, no brand, a letter among them, a length that is not that of the value.
        &b"5A084111111111111112"[..],
        b"5A085555555555555555",
        b"5A089111111111111116",
        b"5A08411111111A111111",
        b"5A074111111111111111",
        b"5A094111111111111111",
        b"5A084111F11111111111",
        // No month, no service code, no tag.
        b"57134111111111111111D2913101123456F",
        b"57134111111111111111D29121",
        b"56134111111111111111D29121011234567F",
        b"6B134111111111111111D29121011234567F",
        // Text with a letter that is a tag and a tab that is a length: `bbQS`aP59` is a right UnionPay number.
        b"Z\tbbQS`aP59",
        b"W\tPAUSED",
        b"SIZE\nS\nM\nXYZ\n4111 is the first, W\n5111 the second",
        // A bitmap without the second field, and a type that is none.
        b"0100323A448128C288051641111111111111110000000000000015001122213045000123",
        b"0900723A448128C288051641111111111111110000000000000015001122213045000123",
        b"01007238448128C288",
        // No processing code, no audit number, and a thirteenth month.
        b"0100523A448128C288051641111111111111110000000000000015001122213045000123",
        b"010072184481A8C288051641111111111111110000000000000015001122213045000123",
        b"0100723A448128C288051641111111111111110000000000000015001322213045000123",
        b"0100723A448128C288051641111111111111110000000000000015001122213045",
        // A gap that is missing, or is none.
        b"5A 0841 11 11 11 11 11 11 11",
        b"5A 08 4111 11 11 11 11 11 11",
        b"5A/08/41/11/11/11/11/11/11/11",
        // A weaker brand, and then nothing that a card says.
        b"5A08675964982643845365084111",
    ] {
        check(text, text);
    }
}

#[test]
fn nothing_is_held_back_while_nothing_is_open() {
    for (text, held) in [
        (&b"\x00\x5a"[..], 0),
        (b"\x00\x5a\x08", 0),
        (b"\x00\x5a\x08\x41\x11", 2),
        (b"\x00\x5a\x08\x41\x1b", 0),
        (b"5A", 0),
        (b"5A08", 0),
        (b"5A084", 1),
        (b"5A 08 41 1", 4),
        (b"5A 08 41 g", 0),
        (b"the size is Z, W or 5", 0),
        (b"0100723A448128C28805164111", 4),
    ] {
        let mut packed = Packed::new(0);
        assert_eq!(packed.next(&Text::new(text, false), usize::MAX), None);
        assert_eq!(text.len() - packed.at(), held, "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn random_bytes_and_hex_are_no_cards() {
    let mut random = Random(11);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..64).map(|_| random.byte()).collect();
        assert_eq!(found(&bytes), []);
        for hex in [hex(&bytes, "0123456789abcdef"), hex(&bytes, "0123456789ABCDEF")] {
            for text in [hex.as_slice(), &hex[..64], &hex[..40], &hex[..32]] {
                assert_eq!(found(text), []);
            }
            let uuid = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &hex[part]).join(&b'-');
            assert_eq!(found(&uuid), []);
        }
    }
}

#[test]
fn random_digits_behind_a_tag_are_cards_as_often_as_chance_has_it() {
    let mut random = Random(12);
    let mut count = 0;
    for _ in 0..20_000 {
        let digits: Vec<u8> = (0..8).map(|_| random.digit() << 4 | random.digit()).collect();
        count += found(&[&[0, 0x5a, 0x08], digits.as_slice(), &[0]].concat()).len();
    }
    // One in ten has a right check digit, and some brand has two thirds of all prefixes.
    assert!((500..1400).contains(&count), "{count} of 20,000");
}

#[test]
fn it_is_the_same_wherever_the_stream_is_cut() {
    let texts: Vec<Vec<u8>> = [
        "005A08411111111111111157134111111111111111D29121011234567890123F5A08378282246310005F00",
        "0100723A448128C288051641111111111111110000000000000015001122213045000123",
        "0420F23A448128C28805000000000000004015037828224631000500000000000000150011222130450001239F",
        "164111111111111111",
    ]
    .into_iter()
    .flat_map(|text| spellings(text).into_iter().map(|(text, _)| text))
    .collect();
    assert!(texts.iter().filter(|text| !found(text).is_empty()).count() >= 4 * UNSPACED);
    for text in texts {
        let whole = found(&text);
        for cut in 0..=text.len() {
            let (one, two) = text.split_at(cut);
            assert_eq!(found_cut(&[one, two]), whole, "cut at {cut} of {:?}", String::from_utf8_lossy(&text));
        }
        let each: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(found_cut(&each), whole);
        // Far from the beginning of a stream, of which no more is kept than need be.
        let far = [vec![b'-'; 2 * BEHIND], vec![0; 8], text].concat();
        let whole = found(&far);
        let each: Vec<&[u8]> = far.chunks(1).collect();
        assert_eq!(found_cut(&each), whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_the_same_however_cut_and_masked_once_and_for_all(
        parts in prop::collection::vec(part(), 0..10),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = parts.concat();
        let whole = found(&text);
        let each: Vec<&[u8]> = text.chunks(1).collect();
        prop_assert_eq!(&found_cut(&each), &whole);
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        places.extend([0, text.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&found_cut(&pieces), &whole);
        for found in &whole {
            prop_assert!(!found.range.is_empty() && found.range.end <= text.len());
        }
        prop_assert_eq!(found(&masked(&text, &whole)), []);
    }

    #[test]
    fn no_value_is_leapt_over(parts in prop::collection::vec(part(), 0..10)) {
        let bytes = parts.concat();
        let text = Text::whole(&bytes);
        for at in HEAD..bytes.len() {
            let places = [Spelling::Raw, Spelling::Hex, Spelling::Spaced].map(|spelling| Place::new(spelling, &text, at));
            if places.iter().flatten().any(|place| place.finding().is_some()) {
                for goes_on in [false, true] {
                    prop_assert_eq!(heads::next(&bytes[at - HEAD..], goes_on), Some(HEAD));
                }
            }
        }
    }

    #[test]
    fn a_number_is_found_whatever_stands_around_it(
        number in prop::sample::select(cards().filter(|number| crate::holds_card(number.as_bytes())).collect::<Vec<_>>()),
        before in prop::collection::vec(any::<u8>(), 0..40),
        after in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let value = raw(&padded(number));
        let tlv = [&[0x5a, u8::try_from(value.len()).unwrap()], value.as_slice()].concat();
        let text = [before.as_slice(), &tlv, &after].concat();
        let start = before.len() + 2;
        prop_assert!(found(&text).iter().any(|found| found.range.contains(&start)));
    }
}

/// Pieces that belong together, and bytes that do not.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let texts = [
        "5A08",
        "5a 08 ",
        "5713",
        "9F6B13",
        "4111111111111111",
        "41 11 11 11 11 11 11 11 ",
        "378282246310005F",
        "D2912101",
        "123F",
        "0100723A448128C28805",
        "16",
        "150",
        "F",
        " ",
        ":",
        "0",
    ];
    let raws = [
        "5A08",
        "5713",
        "9F6B13",
        "4111111111111111",
        "378282246310005F",
        "4111111111111111D29121011F",
        "0100723A448128C28805",
        "16",
        "15",
        "19",
        "0D",
        "0A",
    ];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        prop::sample::select(raws.to_vec()).prop_map(raw),
        prop::collection::vec(any::<u8>(), 0..12),
    ]
}

/// What comes behind the card number of a message: processing code, amount, moment, audit number.
const REST: &str = "0000000000000015001122213045000123";

/// A number and what has to follow it in a message, in hex with gaps.
const HELD_MAX: usize = 3 * (10 + 41);

/// Where the byte of an index starts in a spelling.
type Index = fn(usize) -> usize;

/// How many of the spellings have nothing between bytes; they come first.
const UNSPACED: usize = 3;

/// Every spelling of bytes that are given in hex.
fn spellings(hex: &str) -> Vec<(Vec<u8>, Index)> {
    let spaced = |gap: &str| {
        raw(hex).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(gap).into_bytes()
    };
    vec![
        (raw(hex), |index| index),
        (hex.to_uppercase().into_bytes(), |index| 2 * index),
        (hex.to_lowercase().into_bytes(), |index| 2 * index),
        (spaced(" "), |index| 3 * index),
        (spaced(":"), |index| 3 * index),
        (spaced("-"), |index| 3 * index),
    ]
}

/// Digits with `F` behind them, so that they fill bytes.
fn padded(digits: &str) -> String {
    if digits.len() % 2 == 1 { format!("{digits}F") } else { digits.to_owned() }
}

fn raw(hex: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(pair).collect()
}

fn cards() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../../../corpora/cards.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("a brand and a number").1)
}

fn check(text: &[u8], expected: &[u8]) {
    let masked = masked(text, &found(text));
    assert_eq!(String::from_utf8_lossy(&masked), String::from_utf8_lossy(expected));
}

fn found(text: &[u8]) -> Vec<Finding> {
    found_cut(&[text])
}

/// What is found in a stream of `pieces`, of which no more is kept than a stream keeps.
fn found_cut(pieces: &[&[u8]]) -> Vec<Finding> {
    let mut packed = Packed::new(0);
    let mut window = Vec::new();
    let mut passed = 0;
    let mut found = Vec::new();
    let last = pieces.len().saturating_sub(1);
    for (index, piece) in pieces.iter().enumerate() {
        window.extend_from_slice(piece);
        let text = Text::new(&window, index == last);
        while let Some(mut finding) = packed.next(&text, usize::MAX) {
            let Range { start, end } = finding.range;
            finding.range = start + passed..end + passed;
            found.push(finding);
        }
        assert!(window.len() - packed.at() <= HELD_MAX, "too much is held");
        let over = packed.at().saturating_sub(BEHIND);
        window.drain(..over);
        packed.forget(over);
        passed += over;
    }
    found
}

fn masked(text: &[u8], found: &[Finding]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for finding in found {
        Masker::new(Profile::Last4).hide(&Text::whole(text), 0, &mut bytes, finding, finding.form);
    }
    bytes
}

fn hex(bytes: &[u8], digits: &str) -> Vec<u8> {
    let digit = |nibble: u8| digits.as_bytes()[usize::from(nibble)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A small generator (splitmix64), so that the figures are the same every time.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31).to_be_bytes()[0]
    }

    fn digit(&mut self) -> u8 {
        self.byte() % 10
    }
}
