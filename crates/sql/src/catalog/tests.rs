use super::*;

fn build(rows: &[[&str; 6]], labels: &[&str]) -> Result<Catalog, CatalogError> {
    let labels = Labels::new(labels.iter().map(|name| (*name, Label::Class(DataClass::Pan)))).unwrap();
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|field| Some(*field).filter(|field| !field.is_empty())).collect());
    Catalog::from_rows(rows, &labels, 1)
}

const TABLE: [[&str; 6]; 3] = [
    ["relation", "1", "", "r", "public", "cards"],
    ["column", "1", "2", "0", "pan", ""],
    ["column", "1", "1", "0", "id", ""],
];

#[test]
fn rows_may_come_in_any_order() {
    let mut rows = TABLE.to_vec();
    rows.reverse();
    let catalog = build(&rows, &["public.cards.pan"]).unwrap();
    assert!(catalog.label(1, 2).is_some() && catalog.label(1, 1).is_none());
    let names: Vec<&str> = catalog.relations[0].columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["id", "pan"]);
}

#[test]
fn a_label_that_matches_nothing_still_protects_by_name() {
    let catalog = build(&TABLE, &["public.cards.number", "other.cards.pan"]).unwrap();
    assert_eq!(catalog.unmatched(), ["public.cards.number", "other.cards.pan"]);
    assert!(catalog.label_by_name("number").is_some() && catalog.label(1, 2).is_none());
}

#[test]
fn a_label_reaches_the_whole_family() {
    let mut rows = TABLE.to_vec();
    for (oid, name) in [("2", "part"), ("3", "subpart"), ("4", "ancestor")] {
        rows.push(["relation", oid, "", "r", "public", name]);
        rows.push(["column", oid, "1", "0", "pan", ""]);
    }
    for (child, parent) in [("3", "2"), ("2", "1"), ("1", "4")] {
        rows.push(["inherits", child, parent, "", "", ""]);
    }
    let catalog = build(&rows, &["public.cards.pan"]).unwrap();
    for oid in [2, 3, 4] {
        assert!(catalog.label(oid, 1).is_some(), "{oid}");
    }
    assert_eq!(catalog.labelled_by_name("pan").len(), 4);
}

#[test]
fn a_row_of_another_shape_is_an_error() {
    for row in [
        ["surprise", "", "", "", "", ""],
        ["relation", "x", "", "r", "public", "t"],
        ["relation", "1", "", "r", "", "t"],
        ["column", "1", "99999", "0", "a", ""],
        ["view", "1", "2", "", "", ""],
        ["", "", "", "", "", ""],
    ] {
        assert_eq!(build(&[TABLE[0], row], &[]).unwrap_err().row, 2, "{row:?}");
    }
    let labels = Labels::default();
    assert!(Catalog::from_rows([vec![Some("schema")]].into_iter(), &labels, 1).is_err());
}

#[test]
fn links_in_circles_come_to_an_end() {
    let rows = [
        ["relation", "1", "", "v", "public", "a"],
        ["relation", "2", "", "v", "public", "b"],
        ["view", "1", "2", "-1", "", ""],
        ["view", "2", "1", "-1", "", ""],
        ["inherits", "1", "2", "", "", ""],
        ["inherits", "2", "1", "", "", ""],
        ["calls", "1", "", "", "public", "f"],
    ];
    let catalog = build(&rows, &[]).unwrap();
    assert!(catalog.relations.iter().all(|view| view.calls.len() == 1));
}
