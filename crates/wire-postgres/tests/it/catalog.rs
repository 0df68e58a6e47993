//! The catalog that conversations are about.

use sql::{Catalog, Label, Labels};

/// Relations by name: OID and columns.
pub const RELATIONS: [(&str, u32, &[&str]); 2] = [
    ("cards", 1001, &["id", "pan", "cvv", "n", "holder", "doc"]),
    ("notes", 1002, &["id", "body", "amount"]),
];

/// The relation's OID and the column's number.
pub fn identity(relation: &str, column: &str) -> (u32, u16) {
    let (_, oid, columns) =
        RELATIONS.iter().find(|(name, ..)| *name == relation).expect("a relation of the catalog");
    let at = columns.iter().position(|name| *name == column).expect("a column of the relation");
    (*oid, at as u16 + 1)
}

/// `cards` with labels, `notes` without.
pub fn catalog() -> Catalog {
    let mut rows: Vec<Vec<Option<String>>> = vec![row(["schema", "", "", "", "public", ""])];
    for (name, oid, columns) in RELATIONS {
        rows.push(row(["relation", &oid.to_string(), "", "r", "public", name]));
        for (at, column) in columns.iter().enumerate() {
            rows.push(row(["column", &oid.to_string(), &(at + 1).to_string(), "0", column, ""]));
        }
    }
    let class = |name: &str| Label::Class(name.parse().unwrap());
    let labels = Labels::new([
        ("public.cards.pan", class("pan")),
        ("public.cards.cvv", class("sad")),
        ("public.cards.n", class("pan")),
        ("public.cards.holder", class("cardholder_name")),
        ("public.cards.doc", Label::Json(vec![("$.pan".into(), "pan".parse().unwrap())])),
    ])
    .unwrap();
    let rows = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

fn row(cells: [&str; 6]) -> Vec<Option<String>> {
    cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect()
}
