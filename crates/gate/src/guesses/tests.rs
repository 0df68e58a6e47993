use access::DataClass;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn who(id: &str) -> Who {
    Who {
        kind: "agent".into(),
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: id.into(),
        groups: Vec::new(),
        person: None,
        token_id: "".into(),
        on_behalf_of: None,
        lent: None,
    }
}

fn of(column: &str, values: u32) -> [Match; 1] {
    [Match { column: column.into(), class: DataClass::Pan, values, values_of: None }]
}

#[test]
fn what_was_compared_is_counted_by_principal_connection_and_column() {
    let guesses = Guesses::default();
    let (here, there): (Arc<str>, Arc<str>) = ("shop".into(), "other".into());
    guesses.open().count(&who("a"), &here, &of("public.cards.pan", 3), NOW);
    let made = |id, at, column| guesses.open().with(&who(id), at, &of(column, 1), NOW);
    assert_eq!(made("a", &here, "public.cards.pan"), [4]);
    assert_eq!(made("b", &here, "public.cards.pan"), [1]);
    assert_eq!(made("a", &there, "public.cards.pan"), [1]);
    assert_eq!(made("a", &here, "public.cards.other"), [1]);
}
