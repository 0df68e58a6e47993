use super::*;

const VISA: &str = "4111111111111111";

fn evidence(name: &str, meaning: Option<Meaning>, values: &[&str]) -> Evidence {
    let mut evidence = Evidence::default();
    values.iter().for_each(|value| evidence.add(name.as_bytes(), meaning, value));
    evidence
}

#[test]
fn a_value_that_is_a_card_is_told_from_one_that_holds_one() {
    let found = evidence(
        "orders.ref",
        None,
        &[VISA, "4111-1111-1111-1111", "paid with 4111111111111111 today", "none"],
    );
    assert_eq!((found.values, found.cards, found.cards_within), (4, 2, 1));
    assert_eq!((found.bare, found.bare_cards), (1, 1));
    assert_eq!(found.brands.get("visa"), Some(&3));
}

#[test]
fn a_name_says_what_short_digits_are() {
    assert_eq!(evidence("cards.cvv", Some(Meaning::CardCode), &["737", "1234", "M"]).sad, 2);
    assert_eq!(evidence("orders.items", None, &["737", "1234"]).sad, 0);
}

#[test]
fn a_wrong_check_digit_counts_under_the_name_of_a_card_number() {
    let found = evidence("cards.pan", Some(Meaning::Pan), &["4111111111111112"]);
    assert_eq!((found.cards, found.issuers), (0, 1));
}

#[test]
fn personal_data_is_counted_by_class() {
    let found = evidence("people.contact", None, &["ada@example.com", "bo@example.org", "x"]);
    assert_eq!(found.others.get("email"), Some(&2));
}

#[test]
fn a_card_number_counts_under_its_name() {
    for name in ["cards.pan", "big.card_number", "Card.Data.Card Number", "pan"] {
        let found = evidence(name, Some(Meaning::Pan), &[VISA, "5555 5555 5555 4444"]);
        assert_eq!((found.cards, found.cards_within), (2, 0), "{name}");
    }
}
