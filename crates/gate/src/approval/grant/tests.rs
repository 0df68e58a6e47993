use access::{ColumnUse, Use};
use proptest::prelude::*;

use super::*;

fn texts(texts: &[&str]) -> Vec<Box<str>> {
    texts.iter().map(|&text| text.into()).collect()
}

fn reveal() -> Grant {
    Grant {
        actions: texts(&["read", "reveal"]),
        objects: texts(&["public.cards", "app.*"]),
        classes: texts(&["pan"]),
        seconds: 900,
        reveals: Some(5),
        revealed: 0,
        reason: "INC-4711".into(),
    }
}

#[test]
fn it_covers_what_it_names_and_nothing_beside() {
    let grant = reveal();
    let table = |name: &str| Resource::Table(name.into());
    assert!(grant.covers(Action::Read, &table("public.cards")));
    assert!(grant.covers(Action::Read, &table("app.orders")));
    assert!(grant.covers(Action::Read, &Resource::Schema("app".into())));
    assert!(!grant.covers(Action::Write, &table("public.cards")), "another action");
    for other in ["public.cards2", "public.card", "apps.orders", "?.cards", "cards", ""] {
        assert!(!grant.covers(Action::Read, &table(other)), "{other}");
    }
    assert!(!grant.covers(Action::Read, &Resource::Connection), "only everything has the connection");
    let all = Grant { objects: texts(&["*"]), ..grant.clone() };
    assert!(all.covers(Action::Read, &Resource::Connection) && all.covers(Action::Read, &table("a.b")));
    assert!(!all.covers(Action::Read, &table("?.b")), "what nobody knows of");
    assert!(!all.covers(Action::Reveal, &Resource::Class(DataClass::Pan)), "that is asked apart");
}

#[test]
fn it_reveals_only_where_all_that_is_read_is_among_its_objects() {
    let grant = reveal();
    let facts = |tables: &[&str], column: &str, position| Facts {
        uses: tables
            .iter()
            .map(|&table| Use { action: Action::Read, resource: Resource::Table(table.into()) })
            .collect(),
        columns: vec![ColumnUse { column: column.into(), class: DataClass::Pan, position }],
        ..Facts::default()
    };
    let pan = &DataClass::Pan;
    let told = facts(&["public.cards"], "public.cards.pan", Position::Output);
    assert!(grant.reveals(pan, &told));
    assert!(!grant.reveals(&DataClass::CardholderName, &told), "another class");
    assert!(
        !grant.reveals(pan, &facts(&["public.cards", "public.other"], "public.cards.pan", Position::Output))
    );
    assert!(!grant.reveals(pan, &facts(&["public.cards"], "public.other.pan", Position::Output)));
    assert!(!grant.reveals(pan, &Facts::default()), "what does nothing");
    // What else the command does has to be among its objects, too: what it writes, calls, sends.
    for (action, resource) in [
        (Action::Write, Resource::Table("public.other".into())),
        (Action::Call, Resource::Function("peek".into())),
        (Action::Call, Resource::Model("gpt-4o".into())),
        (Action::Administer, Resource::Connection),
    ] {
        let mut more = told.clone();
        more.uses.push(Use { action, resource });
        assert!(!grant.reveals(pan, &more), "{action}");
        let mut only = told.clone();
        only.uses = more.uses.split_off(1);
        assert!(!grant.reveals(pan, &only), "{action} alone");
    }
    for position in [Position::Computed, Position::Derived, Position::Matched] {
        let computed = facts(&["public.cards"], "public.cards.pan", position);
        assert!(!grant.reveals(pan, &computed), "where they are counted nothing is computed: {position:?}");
        let uncounted = Grant { reveals: None, ..grant.clone() };
        assert!(!uncounted.reveals(pan, &computed), "what is computed might be kept somewhere");
        let nowhere = Facts { effect: Effect::None, ..computed };
        assert!(uncounted.reveals(pan, &nowhere) && !grant.reveals(pan, &nowhere));
    }
    let read = Grant { actions: texts(&["read"]), ..grant };
    assert!(!read.reveals(pan, &told));
}

#[test]
fn what_cannot_be_given_cannot_be_asked_for() {
    assert_eq!(reveal().check(), Ok(()));
    let check = |grant: Grant, why| assert_eq!(grant.check(), Err(why), "{grant:?}");
    check(Grant { actions: texts(&[]), ..reveal() }, NoGrant::Actions);
    check(Grant { actions: texts(&["read", "connect"]), ..reveal() }, NoGrant::Actions);
    for wrong in [&[][..], &[""], &["a*b"], &["**"], &["?.cards"], &["a\nb"]] {
        check(Grant { objects: texts(wrong), ..reveal() }, NoGrant::Objects);
    }
    check(Grant { objects: vec!["x".repeat(301).into()], ..reveal() }, NoGrant::Objects);
    check(Grant { objects: vec!["x".into(); 51], ..reveal() }, NoGrant::Objects);
    for wrong in [&[][..], &["sad"], &["PAN"]] {
        check(Grant { classes: texts(wrong), ..reveal() }, NoGrant::Classes);
    }
    check(Grant { actions: texts(&["read"]), ..reveal() }, NoGrant::Classes);
    check(Grant { seconds: 0, ..reveal() }, NoGrant::Seconds);
    check(Grant { seconds: 8 * 86_400, ..reveal() }, NoGrant::Seconds);
    check(Grant { reveals: Some(0), ..reveal() }, NoGrant::Reveals);
    check(Grant { reason: " ".into(), ..reveal() }, NoGrant::Reason);
    let read = Grant { actions: texts(&["read"]), classes: Vec::new(), ..reveal() };
    check(read, NoGrant::Reveals);
}

#[test]
fn it_is_narrowed_to_a_part_of_itself() {
    let grant = reveal();
    let to = Narrower {
        objects: Some(texts(&["app.orders"])),
        seconds: Some(60),
        reveals: Some(1),
        ..Narrower::default()
    };
    let left = grant.narrowed(&to).unwrap();
    assert_eq!((left.objects, left.seconds, left.reveals), (texts(&["app.orders"]), 60, Some(1)));
    let none = |to: Narrower| assert_eq!(grant.narrowed(&to), None, "{to:?}");
    none(Narrower { seconds: Some(901), ..Narrower::default() });
    none(Narrower { reveals: Some(6), ..Narrower::default() });
    none(Narrower { actions: Some(texts(&["write"])), ..Narrower::default() });
    none(Narrower { classes: Some(texts(&["expiry"])), ..Narrower::default() });
    none(Narrower { objects: Some(texts(&["public.*"])), ..Narrower::default() });
    none(Narrower { objects: Some(texts(&[])), ..Narrower::default() });
    none(Narrower { actions: Some(texts(&["read"])), ..Narrower::default() });
    let unmetered = Grant { reveals: None, ..reveal() };
    assert_eq!(
        unmetered.narrowed(&Narrower { reveals: Some(9), ..Narrower::default() }).unwrap().reveals,
        Some(9)
    );
}

proptest! {
    /// Whatever is left of it, it covers nothing that it did not.
    #[test]
    fn what_is_left_covers_nothing_more(
        own in prop::collection::vec("(a|b|ab)?\\.?[ab]{0,2}\\*?", 1..4),
        left in prop::collection::vec("(a|b|ab)?\\.?[ab]{0,2}\\*?", 1..4),
        name in "(a|b|ab)\\.[ab]{1,3}",
    ) {
        let grant = Grant { objects: own.into_iter().map(Into::into).collect(), ..reveal() };
        let to = Narrower { objects: Some(left.into_iter().map(Into::into).collect()), ..Narrower::default() };
        if let Some(narrowed) = grant.narrowed(&to) {
            let table = Resource::Table(name.into());
            prop_assert!(!narrowed.covers(Action::Read, &table) || grant.covers(Action::Read, &table));
        }
    }
}
