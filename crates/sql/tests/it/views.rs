//! Views whose definitions are known: their columns have the labels of what they are.

use access::{DataClass, Position};
use sql::{Catalog, Label, Labels, analyse};

use crate::Rows;

/// `cards` with views: the numbers of the view columns that `pg_depend` records are given as they are read.
fn with_views(views: &[(&str, &[&str], &str, &[i16])]) -> Catalog {
    let mut rows = Rows::default();
    for schema in ["public", "pg_catalog"] {
        rows.add(["schema", "", "", "", schema, ""]);
    }
    rows.relation(1, "r", "public.cards", &["id", "pan", "cvv", "holder"]);
    rows.relation(2, "r", "public.payments", &["id", "card_id", "note"]);
    for (index, (name, columns, definition, reads)) in views.iter().enumerate() {
        let oid = 20_000 + u32::try_from(index).unwrap();
        let number = oid.to_string();
        rows.relation(oid, "v", name, columns);
        rows.add(["definition", &number, "", "", definition, ""]);
        for column in *reads {
            rows.add(["view", &number, "1", &column.to_string(), "", ""]);
        }
    }
    let labels = [("public.cards.pan", DataClass::Pan), ("public.cards.cvv", DataClass::Sad)];
    rows.catalog(&Labels::new(labels.map(|(column, class)| (column, Label::Class(class)))).unwrap())
}

/// The columns that a statement uses at a position.
fn at(catalog: &Catalog, sql: &str, position: Position) -> Vec<String> {
    let facts = analyse(sql, catalog).facts;
    let uses = facts.columns.iter().filter(|it| it.position == position);
    uses.map(|it| it.column.replace("public.", "")).collect()
}

#[test]
fn a_plain_column_of_a_view_has_the_label_of_what_it_is() {
    let catalog = with_views(&[(
        "public.card_list",
        &["id", "number", "name"],
        " SELECT c.id, c.pan AS number, c.holder AS name FROM cards c;",
        &[1, 2, 4],
    )]);
    assert_eq!(at(&catalog, "select * from card_list", Position::Output), ["card_list.number"]);
    assert_eq!(
        at(&catalog, "select id from card_list where number > 'x'", Position::Computed),
        ["card_list.number"]
    );
    assert!(at(&catalog, "select id, name from card_list", Position::Computed).is_empty());
    assert_eq!(catalog.label(20_000, 2), Some(&Label::Class(DataClass::Pan)));
    assert_eq!(catalog.label(20_000, 3), None);
}

#[test]
fn a_column_that_a_view_makes_is_derived_and_what_shapes_a_view_is_computed() {
    let catalog = with_views(&[
        (
            "public.made",
            &["id", "x", "last4"],
            " SELECT id, reverse(pan) AS x, \"right\"(pan, 4) AS last4 FROM cards;",
            &[1, 2],
        ),
        ("public.shaped", &["id"], " SELECT id FROM cards WHERE pan ~~ '4%'::text;", &[1, 2]),
        ("public.of_made", &["x"], " SELECT x FROM made;", &[]),
    ]);
    assert_eq!(at(&catalog, "select id, x, last4 from made", Position::Derived), ["cards.pan"]);
    assert!(at(&catalog, "select id, last4 from made where last4 = '1111'", Position::Computed).is_empty());
    assert_eq!(at(&catalog, "select id from made order by x", Position::Computed), ["cards.pan"]);
    assert_eq!(at(&catalog, "select id from shaped", Position::Computed), ["cards.pan"]);
    assert_eq!(catalog.classes_of(20_000, 2), [DataClass::Pan]);
}

#[test]
fn a_view_of_a_view_goes_by_its_columns() {
    let mut views: Vec<(&str, &[&str], &str, &[i16])> = vec![
        ("public.inner_view", &["id", "number"], " SELECT id, pan AS number FROM cards;", &[1, 2]),
        ("public.outer_view", &["n", "i"], " SELECT v.number AS n, v.id AS i FROM inner_view v;", &[]),
    ];
    views.reverse();
    let mut rows = Rows::default();
    rows.add(["schema", "", "", "", "public", ""]);
    rows.relation(1, "r", "public.cards", &["id", "pan"]);
    for (oid, (name, columns, definition, _)) in [20_000_u32, 20_001].into_iter().zip(&views) {
        rows.relation(oid, "v", name, columns);
        rows.add(["definition", &oid.to_string(), "", "", definition, ""]);
    }
    rows.add(["view", "20001", "1", "1", "", ""]);
    rows.add(["view", "20001", "1", "2", "", ""]);
    rows.add(["view", "20000", "20001", "1", "", ""]);
    rows.add(["view", "20000", "20001", "2", "", ""]);
    let catalog = rows.catalog(&Labels::new([("public.cards.pan", Label::Class(DataClass::Pan))]).unwrap());
    assert_eq!(at(&catalog, "select n, i from outer_view", Position::Output), ["outer_view.n"]);
    assert!(at(&catalog, "select i from outer_view", Position::Computed).is_empty());
}

#[test]
fn a_definition_that_does_not_name_what_is_recorded_is_not_relied_on() {
    // The record says that the card number is read, and the definition does not.
    let catalog = with_views(&[("public.odd", &["id"], " SELECT id FROM cards;", &[1, 2])]);
    assert_eq!(at(&catalog, "select id from odd", Position::Computed), ["cards.pan"]);
    for definition in ["", "SELECT", " SELECT id, holder FROM cards;", " SELECT id FROM nowhere;"] {
        let catalog = with_views(&[("public.odd", &["id"], definition, &[1, 2])]);
        let computed = at(&catalog, "select id from odd", Position::Computed);
        assert!(computed.contains(&"cards.pan".into()), "{definition}: {computed:?}");
    }
    // A whole row names all that it holds.
    let catalog = with_views(&[("public.rows", &["id"], " SELECT c FROM cards c;", &[1, 2])]);
    assert_eq!(at(&catalog, "select id from rows", Position::Derived), ["cards.pan"]);
}

#[test]
fn a_view_hangs_on_the_session_and_is_not_written_as_what_it_shows() {
    let shows = " SELECT id, note FROM payments";
    let catalog = with_views(&[
        ("public.knobs", &["name", "setting"], " SELECT name, setting FROM pg_settings;", &[]),
        (
            "public.mine",
            &["id", "note"],
            &format!("{shows} WHERE note = current_setting('app.x'::text);"),
            &[],
        ),
        ("public.here", &["id", "note"], &format!("{shows} WHERE note = (CURRENT_SCHEMA)::text;"), &[]),
        ("public.tables", &["name"], " SELECT table_name AS name FROM information_schema.tables;", &[]),
        ("public.plain", &["id", "note"], &format!("{shows} WHERE note <> 'pg'::text;"), &[]),
    ]);
    for view in ["knobs", "mine", "here", "tables"] {
        assert!(analyse(&format!("select 1 from {view}"), &catalog).of_session, "{view}");
    }
    assert!(!analyse("select 1 from plain", &catalog).of_session);

    let written = |view: &str| analyse(&format!("delete from {view}"), &catalog).facts.not_understood.clone();
    assert_eq!(written("knobs"), ["writes knobs".into()]);
    assert!(written("mine").is_empty() && written("plain").is_empty());
}

#[test]
fn a_view_of_a_view_hangs_on_the_session_too() {
    let mut rows = Rows::default();
    rows.add(["schema", "", "", "", "public", ""]);
    rows.relation(1, "v", "public.knobs", &["name", "setting"]);
    rows.relation(2, "v", "public.handles", &["name"]);
    rows.add(["definition", "1", "", "", " SELECT name, setting FROM pg_settings;", ""]);
    rows.add(["definition", "2", "", "", " SELECT name FROM knobs;", ""]);
    rows.add(["view", "2", "1", "1", "", ""]);
    let analysis = analyse("update handles set name = 'x'", &rows.catalog(&Labels::default()));
    assert!(analysis.of_session && analysis.sets);
    assert!(!analysis.facts.not_understood.is_empty());
}
