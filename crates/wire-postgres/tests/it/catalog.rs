//! The catalog that conversations are about.

use access::Timestamp;
use sql::{Catalog, Label, Labels, NotPan};

/// Relations by name: OID and columns.
pub const RELATIONS: [(&str, u32, &[&str]); 3] = [
    ("cards", 1001, &["id", "pan", "cvv", "n", "holder", "doc"]),
    ("notes", 1002, &["id", "body", "amount"]),
    ("orders", 1003, &["id", "nr", "card_number", "exp_month", "cvv", "pin_block", "cid", "trace", "seq"]),
];

/// The relation's OID and the column's number.
pub fn identity(relation: &str, column: &str) -> (u32, u16) {
    let (_, oid, columns) =
        RELATIONS.iter().find(|(name, ..)| *name == relation).expect("a relation of the catalog");
    let at = columns.iter().position(|name| *name == column).expect("a column of the relation");
    (*oid, at as u16 + 1)
}

/// `cards` with labels, `notes` without; of `orders` the operator vouches for `nr`, and for a place in `trace`.
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
    let not_pan = |path: Option<&str>| NotPan { path: path.map(Into::into), until: Timestamp(1) };
    let labels = labels
        .with_not_pan([("public.orders.nr", not_pan(None)), ("public.orders.trace", not_pan(Some("$.id")))])
        .unwrap();
    let rows = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
    Catalog::from_rows(rows, &labels, 1).unwrap()
}

fn row(cells: [&str; 6]) -> Vec<Option<String>> {
    cells.iter().map(|cell| (!cell.is_empty()).then(|| (*cell).to_owned())).collect()
}
