use super::*;

fn name(text: &str) -> Option<String> {
    split(text).map(|parts| parts.join("|"))
}

#[test]
fn names_are_folded_unless_quoted() {
    assert_eq!(name("public.Cards.PAN").as_deref(), Some("public|cards|pan"));
    assert_eq!(name(r#"public."Odd.Name"."a""b""#).as_deref(), Some(r#"public|Odd.Name|a"b"#));
}

#[test]
fn what_is_not_three_identifiers_is_no_column() {
    for text in
        ["", "pan", "cards.pan", "a.b.c.d", "a..c", ".b.c", "a.b.", r#"a.b."c"#, r#"a."b"c.d"#, r#"a.b."""#]
    {
        assert_eq!(name(text), None, "{text}");
    }
}

#[test]
fn a_label_that_says_nothing_or_comes_twice_is_an_error() {
    let pan = || Label::Class(DataClass::Pan);
    assert!(matches!(Labels::new([("a.b.c", pan()), ("A.B.C", pan())]), Err(LabelError::Twice { .. })));
    assert!(matches!(Labels::new([("a.b.c", Label::Json(vec![]))]), Err(LabelError::NoPath { .. })));
    assert!(matches!(Labels::new([("cards.pan", pan())]), Err(LabelError::NotAColumn { .. })));
}

#[test]
fn the_strictest_class_of_a_document_comes_first() {
    let path = |class| (String::from("$.x"), class);
    let label = Label::Json(vec![
        path(DataClass::Expiry),
        path(DataClass::Sad),
        path(DataClass::Pan),
        path(DataClass::Sad),
    ]);
    assert_eq!(label.classes(), [&DataClass::Sad, &DataClass::Pan, &DataClass::Expiry]);
}
