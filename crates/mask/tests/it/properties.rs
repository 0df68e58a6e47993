use proptest::prelude::*;

use crate::{FIRST6_LAST4, LAST4, bare_cards};

/// Pieces that scanners trip over.
const PIECES: &[&str] = &[
    "4111111111111111",
    "4111 1111 1111 1111",
    "378282246310005",
    "2223003122003222",
    "4222222222222",
    "6759649826438453",
    "%B4111111111111111^DOE/JANE^29121011234?",
    ";4111111111111111=29121011234?",
    "4111",
    "1111",
    "0",
    "1",
    "4",
    "5",
    "%34",
    "\\u0034",
    "&#52;",
    "４",
    "٤",
    "%20",
    "&nbsp;",
    "\\n",
    "\\",
    "\"",
    "%",
    "&",
    "=",
    "^",
    "D",
    "e+15",
    ".",
    "-",
    " ",
    "\n",
    ",",
    ":",
    "+",
    "_",
    "/",
    "card ",
    "pan",
    "a",
    "x",
    "*",
    "MTEx",
    "NDEx",
    "3431",
    "DE89",
    "\u{a0}",
    "\u{e9}",
    "{",
    "}",
    "[",
    "]",
];

pub fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_masked_once_and_for_all(data in prop::collection::vec(any::<u8>(), 0..200)) {
        mask::fuzz_text(&data);
        mask::fuzz_json(&data);
        mask::fuzz_stream(&data);
    }

    #[test]
    fn any_bytes_are_read_as_numbers_and_packed_decimal(data in prop::collection::vec(any::<u8>(), 0..60)) {
        mask::fuzz_number(&data);
        mask::fuzz_packed(&data);
    }

    #[test]
    fn any_text_that_scanners_trip_over_is_masked_once_and_for_all(text in text()) {
        mask::fuzz_text(text.as_bytes());
        mask::fuzz_json(text.as_bytes());
        mask::fuzz_stream(text.as_bytes());
    }

    #[test]
    fn any_json_of_such_texts_stays_json(texts in prop::collection::vec(text(), 1..5)) {
        let members = |text: &String| format!("{:?}:[{},{:?}]", text.len() % 3, text.len(), text.replace(|c: char| !c.is_ascii_graphic() || c == '\\' || c == '"', "."));
        let members: Vec<_> = texts.iter().map(members).map(|member| format!("\"m{}", member).replacen(':', "\":", 1)).collect();
        mask::fuzz_json(format!("{{{}}}", members.join(",")).as_bytes());
    }

    #[test]
    fn a_card_number_is_found_wherever_it_stands(
        before in "[g-z =;<>|(){}'\"é\n]{0,40}",
        after in "[g-z G-Z;<>|(){}'\"é\n]{0,40}",
        number in prop::sample::select(bare_cards().collect::<Vec<_>>()),
    ) {
        let text = format!("{before}{number}{after}");
        let masked = LAST4.text(text.as_bytes()).expect("a card number is there").bytes;
        let kept = &number[number.len() - 4..];
        let expected = format!("{before}{}{kept}{after}", "*".repeat(number.len() - 4));
        prop_assert_eq!(String::from_utf8(masked).unwrap(), expected);
    }

    #[test]
    fn a_text_without_twelve_digits_passes(text in "([a-z]{0,9}[0-9]{0,2}){0,5}") {
        prop_assert!(LAST4.text(text.as_bytes()).is_none());
    }

    #[test]
    fn a_labelled_value_never_shows_more_than_its_profile(value in prop_oneof![text(), "[0-9 .-]{0,40}", "[0-9*xX]{0,25}"]) {
        let digits = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).chars().filter(|c| c.is_numeric()).count();
        prop_assert!(digits(LAST4.pan(value.as_bytes())) <= 4);
        prop_assert!(digits(FIRST6_LAST4.pan(value.as_bytes())) <= 10);
    }
}
