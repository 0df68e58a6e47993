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
        token_id: "".into(),
        on_behalf_of: None,
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

#[test]
fn a_comparison_counts_for_a_day_and_for_ten_minutes_more_at_most() {
    let guesses = Guesses::default();
    let here: Arc<str> = "shop".into();
    guesses.open().count(&who("a"), &here, &of("c", 5), NOW);
    let made = |after| guesses.open().with(&who("a"), &here, &of("c", 0), NOW.plus_seconds(after));
    assert_eq!(made(0), [5]);
    assert_eq!(made(WINDOW_SECONDS), [5]);
    assert_eq!(made(WINDOW_SECONDS + SLOT_SECONDS), [0]);
    assert_eq!(made(-3_600), [5], "a clock that is set back forgets nothing");
}

#[test]
fn what_is_kept_does_not_grow_with_what_is_compared() {
    let guesses = Guesses::default();
    let here: Arc<str> = "shop".into();
    for second in 0..200_000 {
        guesses.open().count(&who("a"), &here, &of("c", 1), NOW.plus_seconds(second));
    }
    let open = guesses.open();
    let slots: usize = open.0.made.values().map(VecDeque::len).sum();
    assert!(slots <= usize::try_from(WINDOW_SECONDS / SLOT_SECONDS + 1).unwrap(), "{slots}");
}

#[test]
fn with_more_columns_than_can_be_counted_nothing_is_compared() {
    let guesses = Guesses::default();
    let here: Arc<str> = "shop".into();
    for at in 0..KEYS_MAX {
        guesses.open().count(&who("a"), &here, &of(&format!("t.c{at}"), 1), NOW);
    }
    assert_eq!(guesses.open().with(&who("a"), &here, &of("t.new", 1), NOW), [u64::MAX]);
    assert_eq!(guesses.open().with(&who("a"), &here, &of("t.c0", 1), NOW), [2]);
    let later = NOW.plus_seconds(2 * WINDOW_SECONDS);
    guesses.open().count(&who("a"), &here, &of("t.c0", 1), later);
    assert_eq!(guesses.open().with(&who("a"), &here, &of("t.new", 1), later), [1]);
}
