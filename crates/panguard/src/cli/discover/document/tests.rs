use super::*;

fn paths(documents: &[&str]) -> Option<Vec<(String, DataClass)>> {
    let mut document = Document::default();
    for text in documents {
        assert!(document.add(text), "{text}");
    }
    let found = document.paths()?;
    Some(found.into_iter().map(|found| (found.path, found.class)).collect())
}

#[test]
fn places_are_told_by_path_and_class() {
    let one = r#"{"id": 7, "card": {"number": "4111111111111111", "cvv": "737", "cardholder": "Ada Byrne"}}"#;
    let two = r#"{"id": 8, "card": {"number": 5555555555554444}, "seen": [{"pan": "378282246310005"}]}"#;
    assert_eq!(
        paths(&[one, two]),
        Some(vec![
            ("$.card.cardholder".into(), DataClass::CardholderName),
            ("$.card.cvv".into(), DataClass::Sad),
            ("$.card.number".into(), DataClass::Pan),
            ("$.seen[*].pan".into(), DataClass::Pan),
        ])
    );
}

#[test]
fn a_member_named_by_a_value_is_not_named() {
    let document = r#"{"4111111111111111": {"pan": "4111111111111111"}, "Ada B": "4111111111111111"}"#;
    assert_eq!(
        paths(&[document]),
        Some(vec![("$.*".into(), DataClass::Pan), ("$.*.pan".into(), DataClass::Pan)])
    );
}

#[test]
fn many_places_are_named_by_their_members() {
    let member =
        |at: usize| format!(r#""shop{}": {{"pan": "4111111111111111"}}"#, char::from(b'a' + at as u8));
    let members: Vec<String> = (0..20).map(member).collect();
    let document = format!("{{{}}}", members.join(","));
    assert_eq!(paths(&[&document]), Some(vec![("$..pan".into(), DataClass::Pan)]));
}

#[test]
fn what_is_no_document_is_none() {
    let mut document = Document::default();
    assert!(!document.add("4111111111111111") && !document.add("{cut") && !document.add("\"text\""));
}
