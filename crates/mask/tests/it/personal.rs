//! Personal data through the whole of the masker, in streams and in JSON.

use mask::{Classes, Masker, Profile, Stream, find_all};
use proptest::prelude::*;

use crate::LAST4;

const CLASSES: Classes = Classes { secret: false, email: true, phone: true, iban: true, us_ssn: true };
const PERSONAL: Masker = LAST4.with(CLASSES);

#[test]
fn personal_data_is_masked_beside_cards() {
    for (text, expected) in [
        ("Anna <anna@example.com>, 4111111111111111", "Anna <****************>, ************1111"),
        (
            "{\"m\":\"anna@example.com\",\"t\":\"+49 30 901820\"}",
            "{\"m\":\"****************\",\"t\":\"+************\"}",
        ),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN DE********************30 00"),
        ("ssn 536-22-8731", "ssn ***********"),
    ] {
        assert_eq!(masked(text), expected);
        assert_eq!(find_all(expected.as_bytes(), CLASSES).count(), 0, "{expected}");
    }
}

#[test]
fn personal_data_in_json_is_masked_and_it_stays_json() {
    let text = br#"{"a":"x\nanna@example.com\n","b":["536-22-8731","GB29NWBK60161331926819"],"c":1}"#;
    let masked = PERSONAL.json(text, &[]).expect("something is found");
    let expected = r#"{"a":"x\n****************\n","b":["***********","GB****************6819"],"c":1}"#;
    assert_eq!(String::from_utf8(masked.bytes).unwrap(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_a_stream_it_is_masked_as_in_the_whole(
        parts in prop::collection::vec(
            prop_oneof![
                Just("anna@example.com"), Just("+49 30 901820"), Just("DE89 3704 0044 0532 0130 00"), Just("536-22-8731"),
                Just("4111 1111 1111 1111"), Just("ssn "), Just(" "), Just(", "), Just("\\n"), Just("12"), Just("@"), Just("+"),
            ],
            0..10,
        ),
        size in 1usize..20,
    ) {
        let text = parts.concat();
        let mut stream = Stream::new(PERSONAL);
        let mut out = Vec::new();
        text.as_bytes().chunks(size).for_each(|piece| stream.push(piece, &mut out));
        stream.finish(&mut out);
        prop_assert_eq!(String::from_utf8(out).unwrap(), masked(&text));
    }
}

fn masked(text: &str) -> String {
    let masked =
        PERSONAL.text(text.as_bytes()).map_or_else(|| text.as_bytes().to_vec(), |masked| masked.bytes);
    String::from_utf8(masked).unwrap()
}

/// Pieces of a text in which what follows an address may read otherwise once that is stars.
fn piece() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        4 => prop::sample::select(SIGNS),
        4 => prop::sample::select(WORDS),
        2 => prop::sample::select(ADDRESSES),
    ]
}

const SIGNS: &[&[u8]] = &[
    b"\"", b",", b";", b"<", b">", b"|", b"\":\"", b" ", b"-", b"=", b":", b"\n", b"\\n", b"%22", b"&#52;",
    b"/", b"+",
];
const ADDRESSES: &[&[u8]] =
    &[b"a@b.co", b"forest2368@example.com", b"de@card.de", b"pin@x.co", b"1234@56.org"];
const WORDS: &[&[u8]] = &[
    b"4111111111111111",
    b"4111 1111 1111 1111",
    b"12 34",
    b"123",
    b"1234",
    b"0412AC89ABCDEF67",
    b"DE89 3704 0044 0532 0130 00",
    b"GB29NWBK60161331926819",
    b"+49 30 901820",
    b"536-22-8731",
    b"ssn 536228731",
    b"NDExMTExMTExMTExMTEx",
    b"34313131313131313131313131313131",
    b"5a084111111111111111",
    b"100020000000000000003000000000000000",
    b"password=Zk3v9qTw7RbX2m",
    b"token",
    b"user:Zk3v9qTw7RbX2m@host",
    b"https://",
    b"AKIA",
    b"aws_secret",
    b"eyJ",
    b"550e8400-e29b-41d4-a716-446655440000",
    b"lorem ipsum dolor sit amet",
    b"\x13\x41\x11\x11\x11\x11\x11\x11\x11",
    b"Z\x08",
    b"\x16",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 500 } else { 20_000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_stands_behind_an_address_is_masked_the_same_however_it_is_cut(pieces in prop::collection::vec(piece(), 1..24)) {
        let text = pieces.concat();
        let classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
        let masker = Masker::new(Profile::Last4).with(classes);
        let whole = masker.text(&text).map_or_else(|| text.clone(), |masked| masked.bytes);
        let shown = String::from_utf8_lossy(&text);
        for length in [1, 7] {
            let (mut stream, mut told) = (Stream::new(masker), Vec::new());
            text.chunks(length).for_each(|piece| stream.push(piece, &mut told));
            stream.finish(&mut told);
            prop_assert_eq!(String::from_utf8_lossy(&told), String::from_utf8_lossy(&whole), "{:?}", shown);
        }
    }
}
