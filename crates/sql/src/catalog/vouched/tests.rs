use access::DataClass;

use super::*;
use crate::label::{Label, LabelError, Labels};

fn not_pan(path: Option<&str>, day: i64) -> NotPan {
    NotPan { path: path.map(Into::into), until: Timestamp::from_seconds(day * 86_400) }
}

fn catalog(entries: &[(&str, NotPan)]) -> Catalog {
    let labels = Labels::default().with_not_pan(entries.iter().cloned()).unwrap();
    let rows = [
        ["relation", "1", "", "r", "public", "orders"],
        ["column", "1", "1", "0", "id", ""],
        ["column", "1", "2", "0", "doc", ""],
        ["relation", "2", "", "r", "public", "orders_2026"],
        ["column", "2", "1", "0", "id", ""],
        ["inherits", "2", "1", "", "", ""],
        ["relation", "3", "", "v", "public", "recent_orders"],
        ["column", "3", "1", "0", "id", ""],
        ["view", "3", "1", "1", "", ""],
    ];
    let rows = rows.iter().map(|row| row.iter().map(|f| Some(*f).filter(|f| !f.is_empty())).collect());
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

#[test]
fn what_is_vouched_for_is_that_column_and_no_other_of_its_values() {
    let catalog = catalog(&[("public.orders.id", not_pan(None, 10))]);
    assert_eq!(catalog.not_pan(1, 1), [not_pan(None, 10)]);
    for (relation, number) in [(1, 2), (2, 1), (3, 1), (9, 1), (0, 0)] {
        assert!(catalog.not_pan(relation, number).is_empty(), "{relation}.{number}");
    }
}

#[test]
fn it_makes_nothing_sensitive() {
    let catalog = catalog(&[("public.orders.id", not_pan(None, 10))]);
    assert!(catalog.label(1, 1).is_none() && catalog.label_by_name("id").is_none());
    assert!(!catalog.has_labels() && catalog.classes().is_empty());
    let facts = crate::analyse("select max(id) from orders where id > 1 group by doc", &catalog).facts;
    assert!(facts.columns.is_empty() && facts.not_understood.is_empty());
}

#[test]
fn it_ends_on_its_day() {
    let mut catalog = catalog(&[
        ("public.orders.id", not_pan(None, 10)),
        ("public.orders.doc", not_pan(Some("$.a"), 10)),
        ("public.orders.doc", not_pan(Some("$.b"), 20)),
    ]);
    let at = |day: i64, seconds: i64| Timestamp::from_seconds(day * 86_400 + seconds);
    assert!(!catalog.has_expired(at(10, -1)) && catalog.expire(at(10, -1)).is_empty());
    assert!(catalog.has_expired(at(10, 0)));
    assert_eq!(catalog.expire(at(10, 0)), ["public.orders.doc", "public.orders.id"]);
    assert!(catalog.not_pan(1, 1).is_empty());
    assert_eq!(catalog.not_pan(1, 2), [not_pan(Some("$.b"), 20)]);
    assert!(!catalog.has_expired(at(10, 0)) && catalog.has_expired(at(20, 0)));
}

#[test]
fn a_column_that_is_not_there_is_told() {
    assert_eq!(catalog(&[("public.orders.nr", not_pan(None, 10))]).unmatched(), ["public.orders.nr"]);
}

#[test]
fn a_column_is_not_labelled_and_vouched_for_as_a_whole() {
    let twice = |label: Label, vouched: &[NotPan]| {
        let labels = Labels::new([("a.b.c", label)]).unwrap();
        let vouched = vouched.iter().map(|not_pan| ("A.B.C", not_pan.clone()));
        matches!(labels.with_not_pan(vouched), Err(LabelError::Twice { .. }))
    };
    let json = || Label::Json(vec![("$.pan".into(), DataClass::Pan)]);
    assert!(twice(Label::Class(DataClass::Pan), &[not_pan(None, 1)]));
    assert!(twice(Label::Class(DataClass::Pan), &[not_pan(Some("$.a"), 1)]));
    assert!(twice(json(), &[not_pan(None, 1)]));
    assert!(!twice(json(), &[not_pan(Some("$.a"), 1), not_pan(Some("$.b"), 1)]));
    assert!(twice(json(), &[not_pan(Some("$.a"), 1), not_pan(Some("$.a"), 2)]));
    assert!(matches!(
        Labels::default().with_not_pan([("orders.id", not_pan(None, 1))]),
        Err(LabelError::NotAColumn { .. })
    ));
}
