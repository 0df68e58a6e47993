//! Personal data through the whole of the masker, in streams and in JSON.

use mask::{Classes, Masker, Stream, find_all};
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
