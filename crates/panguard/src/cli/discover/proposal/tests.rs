use super::super::table::tables;
use super::*;

/// What is proposed for each column of a table with these columns, whose values are these.
fn check(columns: &[(&str, &[&str])], expected: &[Option<&str>]) {
    let cells = |(at, (name, _)): (usize, &(&str, &[&str]))| {
        let number = (at + 1).to_string();
        let cells = ["1", "public", "t", "3", "r", "false", &number, name, "text", "S", "true"];
        cells.map(|cell| Some(cell.to_owned())).to_vec()
    };
    let rows: Vec<_> = columns.iter().enumerate().map(cells).collect();
    let table = tables(&rows).unwrap().remove(0);
    let names = Names::of(&table);
    let proposed: Vec<Option<String>> = columns
        .iter()
        .enumerate()
        .map(|(at, (name, values))| {
            let mut evidence = Evidence::default();
            values.iter().for_each(|value| evidence.add(name.as_bytes(), names.meaning(at), value));
            let found = proposal(&table, at, &names, &evidence)?;
            for digits in values.iter().filter(|value| value.len() > 2) {
                assert!(!found.evidence.contains(digits), "{}", found.evidence);
            }
            match found.label {
                Label::Class(class) => Some(class.to_string()),
                Label::Json(paths) => {
                    Some(paths.iter().map(|(path, class)| format!("{path}={class} ")).collect())
                }
            }
        })
        .collect();
    let proposed: Vec<Option<&str>> = proposed.iter().map(Option::as_deref).collect();
    assert_eq!(proposed, expected);
}

const VISA: &str = "4111111111111111";
const MASTERCARD: &str = "5555555555554444";

#[test]
fn a_table_of_cards_is_labelled_by_names_and_values() {
    check(
        &[
            ("pan", &[VISA, MASTERCARD]),
            ("cvv", &["737", "123"]),
            ("card_holder", &["Ada Byrne"]),
            ("exp_month", &["12"]),
            ("amount", &["10.50"]),
        ],
        &[Some("pan"), Some("sad"), Some("cardholder_name"), Some("expiry"), None],
    );
}

#[test]
fn a_card_number_is_known_under_any_name() {
    check(&[("reference", &[VISA, MASTERCARD, "378282246310005"])], &[Some("pan")]);
}

#[test]
fn numbers_that_pass_by_chance_are_not_proposed() {
    let numbers: Vec<String> = (0..100_u64).map(|at| (4_000_000_000_000_000 + at * 7).to_string()).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    check(&[("order_number", &numbers)], &[None]);
}

#[test]
fn an_empty_column_is_judged_by_its_name() {
    check(&[("card_number", &[]), ("cvc", &[]), ("note", &[])], &[Some("pan"), Some("sad"), None]);
}

#[test]
fn documents_are_labelled_by_place() {
    let document = r#"{"card": {"number": "4111111111111111"}, "ok": true}"#;
    check(&[("doc", &[document, "{}"])], &[Some("$.card.number=pan ")]);
}

#[test]
fn a_number_in_few_texts_is_doubt_and_no_proposal() {
    let texts = ["a 4111111111111111 b", "c", "d", "e"];
    check(&[("memo", &texts)], &[None]);
    let mut evidence = Evidence::default();
    texts.iter().for_each(|text| evidence.add(b"memo", None, text));
    assert!(doubt(None, &evidence).unwrap().starts_with("1 of 4 values hold a card number"));
}

#[test]
fn a_name_that_the_values_belie_is_doubt_and_no_proposal() {
    let tokens = ["tok_8f3a", "tok_99bc"];
    check(&[("card_number", &tokens)], &[None]);
    let mut evidence = Evidence::default();
    tokens.iter().for_each(|value| evidence.add(b"card_number", Some(Meaning::Pan), value));
    assert_eq!(
        doubt(Some(Meaning::Pan), &evidence).unwrap(),
        "named as a card number, and none of 2 values is one"
    );
}

#[test]
fn personal_data_has_classes_of_its_own() {
    check(&[("contact", &["ada@example.com", "bo@example.org"])], &[Some("email")]);
}
