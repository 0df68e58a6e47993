use mask::{Classes, Masker, Stream, find};
use proptest::prelude::*;

use crate::{FIRST6_LAST4, LAST4, cards};

#[test]
fn a_stream_is_masked_the_same_wherever_it_is_cut() {
    let texts = [
        "pan 4111-1111-1111-1111, %B4111111111111111^DOE/JANE^29121011234567?;4111111111111111=29121011234567? ok",
        "a=4111%201111%201111%201111 &#52;111&nbsp;1111&nbsp;1111&nbsp;1111 ４１１１１１１１１１１１１１１１ \\u0034111111111111111.",
        "NDExMTExMTExMTExMTExMSwgNTU1NTU1NTU1NTU1NDQ0NA== \\x34313131313131313131313131313131 DE89 3704 0044 0532 0130 00",
        "41111111111111115555555555554444378282246310005 550e8400-e29b-41d4-a716-446655440000 0004111111111111111",
        "card 6759649826438453; 4222222222222 visa, 4111/1111/1111/1111/1111 and 4,0,0,0,0,5,6,6,5,5,6,6,5,5,5,6",
    ];
    for text in texts {
        let whole = whole(LAST4, text.as_bytes());
        for cut in 0..=text.len() {
            let (one, two) = text.as_bytes().split_at(cut);
            assert_eq!(cut_at(LAST4, &[one, two]), whole, "cut at {cut} of {text}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(cut_at(LAST4, &bytes), whole, "byte by byte {text}");
    }
}

#[test]
fn a_stream_sees_as_far_before_a_place_behind_a_mask_as_the_whole_does() {
    let texts = [
        r#"forest2368@example.comssn 536228731lorem ipsum dolor sit ameta@b.co0412AC89ABCDEF67"pin@x.cvv4111 1111 1111 11114111 1111 1111 1111"#,
        r#"4111111111111111"card 12/294111 1111 1111 1111GB29NWBK60161331926819aws_secretcvv code is pin@x.co"pin":"1234""#,
        "DE89 3704 0044 0532 0130 0034313131313131313131313131313131",
    ];
    for text in texts {
        for masker in [LAST4, LAST4.with(ALL)] {
            let whole = whole_of(masker, text.as_bytes());
            for width in [1, 7, 64] {
                let pieces: Vec<&[u8]> = text.as_bytes().chunks(width).collect();
                assert_eq!(cut_at(masker, &pieces), whole, "{text} in pieces of {width}");
            }
            assert_eq!(masker.text(&whole), None, "nothing is found again in {text}");
        }
    }
}

#[test]
fn a_pin_far_behind_a_number_is_masked_however_it_is_cut() {
    let text = r#"4111111111111111"card 12/294111 1111 1111 1111GB29NWBK60161331926819aws_secretcvv code is pin@x.co"pin":"1234""#;
    let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    for masked in [whole(LAST4, text.as_bytes()), cut_at(LAST4, &each)] {
        assert!(masked.ends_with(br#""pin":"****""#), "{}", String::from_utf8_lossy(&masked));
    }
}

#[test]
fn every_published_number_is_masked_cut_at_every_place() {
    for (_, number) in cards().filter(|(brand, _)| *brand != "uatp") {
        for text in [format!("card: {number}."), format!("track ;{number}=2912101123456789?")] {
            let whole = whole(LAST4, text.as_bytes());
            assert_ne!(String::from_utf8_lossy(&whole), text);
            for cut in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                assert_eq!(cut_at(LAST4, &[one, two]), whole, "cut at {cut} of {text}");
            }
        }
    }
}

#[test]
fn nothing_is_held_back_while_no_digit_run_is_open() {
    let mut stream = Stream::new(LAST4);
    let mut out = Vec::new();
    for word in
        "Hello, here is the answer to Anna's question: nothing, at 10:30 a.m. \"really\"? See (a) {b} c"
            .split_inclusive(' ')
    {
        stream.push(word.as_bytes(), &mut out);
        // `30 ` may go on as a number in pairs.
        assert_eq!(stream.held(), if word == "10:30 " { 3 } else { 0 }, "after {word:?}");
    }
    stream.push(b"order 20261122 was paid", &mut out);
    assert_eq!(stream.held(), 0);
    stream.push(b" with 4111 1111", &mut out);
    assert!(out.ends_with(b" with "));
    stream.push(b" dollars", &mut out);
    assert!(out.ends_with(b" with 4111 1111 dollars"));
}

#[test]
fn what_is_held_back_is_bounded() {
    for piece in [
        "4",
        "41",
        "4 ",
        "4111 1111 1111 1111 ",
        "%",
        "\\u00",
        "NDEx",
        "3431",
        "&#5",
        "Visa ",
        "%B4111111111111111^",
        "=34",
    ] {
        let mut stream = Stream::new(LAST4);
        let mut out = Vec::new();
        let mut given = 0;
        for _ in 0..150 {
            stream.push(piece.as_bytes(), &mut out);
            given += piece.len();
            assert!(stream.held() <= 1024, "{} held of {piece:?}", stream.held());
            assert_eq!(stream.held() + out.len(), given);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_cut_anyhow_is_masked_as_a_whole(text in crate::properties::text(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        for masker in [LAST4, FIRST6_LAST4] {
            let bytes = text.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for place in places {
                pieces.push(&bytes[from..place]);
                from = place;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(cut_at(masker, &pieces), whole(masker, bytes));
            let each: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(cut_at(masker, &each), whole(masker, bytes));
        }
    }
}

/// What is long enough for a reader to leap over, and what it may land in.
fn long() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..250_usize).prop_map(|count| "x".repeat(count)),
        (1..150_usize).prop_map(|count| "lorem ipsum, ".repeat(count / 10)),
        (1..150_usize).prop_map(|count| format!("0.{}", "42".repeat(count))),
        (1..60_usize).prop_map(|count| "4242 ".repeat(count)),
        (1..20_usize).prop_map(|count| "41111111-1111-4111-8111-411111111111 ".repeat(count)),
        (1..20_usize).prop_map(|count| "card 4111111111111112 ".repeat(count)),
        Just("%204111111111111111".to_owned()),
        Just("=204111111111111111".to_owned()),
        Just("\\u00204111 1111 1111 1111".to_owned()),
        crate::properties::text(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 300 } else { 20_000 }, ..ProptestConfig::default() })]

    #[test]
    fn a_long_text_is_masked_the_same_byte_by_byte_where_no_reader_can_leap(parts in prop::collection::vec(long(), 1..10)) {
        let text = parts.concat();
        let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let whole = LAST4.text(text.as_bytes()).map_or_else(|| text.as_bytes().to_vec(), |masked| masked.bytes);
        let streamed = cut_at(LAST4, &each);
        prop_assert_eq!(String::from_utf8_lossy(&streamed), String::from_utf8_lossy(&whole));
    }
}

/// Pieces of all classes, of which masks make one another's neighbours.
const PIECES: &[&str] = &[
    "4111111111111111",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "6759649826438453",
    "%B4111111111111111^DOE/JANE^29121011234?",
    ";4111111111111111=29121011234?",
    "cvv",
    "cvv: ",
    "cvv code is ",
    "cvc2=\"123\"",
    "\"pin\":\"1234\"",
    "pinBlock=",
    "0412AC89ABCDEF67",
    "card 12/29",
    "visa ",
    "forest2368@example.com",
    "a@b.co",
    "pin@x.co",
    "ssn 536228731",
    "536-22-8731",
    "GB29NWBK60161331926819",
    "DE89 3704 0044 0532 0130 00",
    "+49 30 901820",
    "34313131313131313131313131313131",
    "NDExMTExMTExMTExMTExMQ==",
    "aws_secret",
    "password=Zk3v9qTw7RbX2m",
    "https://",
    "lorem ipsum dolor sit amet",
    "order 20261122 was paid ",
    "1234",
    "00",
    "****",
    "\"",
    ",",
    "=",
    " ",
    "-",
    "\n",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5_000 }))]

    #[test]
    fn a_text_of_all_classes_is_masked_the_same_in_pieces_of_any_length(pieces in prop::collection::vec(prop::sample::select(PIECES), 1..20), width in 1..70_usize) {
        let text = pieces.concat();
        for masker in [LAST4, LAST4.with(ALL)] {
            let whole = whole_of(masker, text.as_bytes());
            for width in [1, width] {
                let streamed = cut_at(masker, &text.as_bytes().chunks(width).collect::<Vec<_>>());
                prop_assert_eq!(String::from_utf8_lossy(&streamed), String::from_utf8_lossy(&whole));
            }
        }
    }
}

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };

fn whole(masker: Masker, text: &[u8]) -> Vec<u8> {
    let masked = whole_of(masker, text);
    assert_eq!(find(&masked).count(), 0, "nothing is found again in {:?}", String::from_utf8_lossy(&masked));
    masked
}

fn whole_of(masker: Masker, text: &[u8]) -> Vec<u8> {
    masker.text(text).map_or_else(|| text.to_vec(), |masked| masked.bytes)
}

fn cut_at(masker: Masker, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::new(masker);
    let mut out = Vec::new();
    for piece in pieces {
        stream.push(piece, &mut out);
    }
    stream.finish(&mut out);
    out
}

#[test]
fn a_number_is_found_whose_next_sign_might_be_an_escaped_digit_and_might_not() {
    for text in ["%204111 1111 1111 1111%378282246310005", "=204111 1111 1111 1111=378282246310005"] {
        let masked = String::from_utf8(whole(LAST4, text.as_bytes())).unwrap();
        assert!(!masked.contains("4111 1111"), "{masked}");
        let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(String::from_utf8(cut_at(LAST4, &each)).unwrap(), masked);
    }
}
