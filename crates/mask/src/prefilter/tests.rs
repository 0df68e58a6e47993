use proptest::prelude::*;

use super::*;
use crate::finding::Finding;
use crate::scan::hinted;
use crate::unit::View;

/// What a search finds that trusts no hint.
fn found_by_all(text: &[u8], views: [View; 2]) -> Vec<Finding> {
    let all = Hints { digits: true, hex: true, escapes: true, base64: true };
    let mut found = hinted(text, 0..text.len(), views, all);
    // `4.5e15` is too few digits to be anybody's card number, unless others stand near it.
    found.retain(|finding| finding.range.len() >= DIGITS_MIN);
    found
}

fn found_by_hints(text: &[u8], views: [View; 2]) -> Vec<Finding> {
    let mut found = hinted(text, 0..text.len(), views, Hints::of(text));
    found.retain(|finding| finding.range.len() >= DIGITS_MIN);
    found
}

fn check(text: &[u8]) -> Result<(), TestCaseError> {
    for views in [[View::PLAIN, View::ALL], [View::JSON, View::ALL], [View::PLAIN, View::PLAIN]] {
        prop_assert_eq!(found_by_hints(text, views), found_by_all(text, views));
    }
    Ok(())
}

/// Card numbers as they are written: in one piece, in groups, in hex, in base64, as a float, escaped.
const WRITTEN: &[&str] = &[
    "4111111111111111",
    "4222222222222",
    "378282246310005",
    "4111 1111 1111 1111",
    "4111 - 1111 - 1111 - 1111",
    "3782-822463-10005",
    "4,111,111,111,111,111",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "41111111\n11111111",
    "4.111111111111111e+15",
    "4.111111111111111E15",
    "34313131313131313131313131313131",
    "343131312d313131312d313131312d31313131",
    "3431313120313131312031313131203131313120",
    "NDExMTExMTExMTExMTExMQ==",
    "xNDExMTExMTExMTExMTExMQ",
    "4111%31111%3111111111",
    "\\u0034111111111111111",
    "4111&nbsp;1111&#32;1111&ndash;1111",
    "４１１１１１１１１１１１１１１１",
    "4111\u{2013}1111\u{2013}1111\u{2013}1111",
    "%B4111111111111111^DOE/JANE^29121011234?",
    ";4111111111111111=29121011234?",
    "164111111111111111",
    "00004111111111111111",
];

/// What stands beside them, and makes the look start at any byte of a chunk.
const BESIDE: &[&str] = &[
    "",
    " ",
    "x",
    ", ",
    "\n",
    "paid at the counter",
    "2024-01-01 00:00:00",
    "deadbeef",
    "0f3",
    "12",
    "caf\u{e9} ",
    "100 %",
    "a&b",
    "MNO",
    "...",
    "card ",
    "    ",
    "1.5e3",
    "7",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_hint_hides_what_a_search_without_hints_finds(
        pieces in prop::collection::vec(prop_oneof![
            1 => prop::sample::select(WRITTEN).prop_map(str::to_owned),
            2 => prop::sample::select(BESIDE).prop_map(str::to_owned),
            1 => "[0-9a-f]{1,40}",
            1 => "[a-z ]{0,40}",
        ], 0..7),
    ) {
        check(pieces.concat().as_bytes())?;
    }

    #[test]
    fn no_hint_hides_a_number_with_a_byte_changed(
        written in prop::sample::select(WRITTEN),
        before in "[a-z ]{0,70}",
        after in "[a-z ]{0,70}",
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = [before.as_str(), written, after.as_str()].concat().into_bytes();
        check(&text)?;
        let at = at.index(text.len());
        text[at] = byte;
        check(&text)?;
    }

    #[test]
    fn no_hint_hides_anything_among_digits_and_gaps(text in "[0-9 .,:/_+e-]{0,80}") {
        check(text.as_bytes())?;
    }
}

#[test]
fn what_databases_mostly_hold_is_not_looked_at_twice() {
    for clean in [
        "",
        "12345678901",
        "paid at the counter, in person; note 1000000",
        "some words that say nothing some words that say nothing some words that say nothing ",
        "c4ca4238a0b923820dcc509a6f75849b",
        "1679091c-5a88-4faf-8fb5-e6087eb1b2dc",
        "Jane Doe, 12 Example Street, Springfield",
        "orders 1234567 to 2345678",
        "NOMINAL MONOMER, 20 % off",
    ] {
        assert!(!Hints::of(clean.as_bytes()).any(), "{clean}");
    }
}
