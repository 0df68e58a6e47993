//! Statement by statement: what panguard says that it does.

#![allow(clippy::unwrap_used)] // in helpers of tests, which clippy does not see as tests

mod copies;
mod definitions;
mod doors;
mod evasions;
mod lineage;
mod matching;
mod members;
mod order;
mod places;
mod psql;
mod reach;
mod regression;
mod robustness;
mod sampled;
mod session;
mod statements;
mod testimony;
mod texts;
mod views;

use access::{DataClass, Effect, Facts, Position, Resource};
use sql::{Analysis, Catalog, Label, Labels, analyse};

/// Analyses `sql` against [`shop`].
fn read(sql: &str) -> Analysis {
    analyse(sql, &shop())
}

/// Compares a statement's facts with their one-line form, see [`line`].
#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(line(&read(sql).facts), expected, "{sql}");
}

/// Facts in one line: kinds, uses, columns, effect, what was not understood. `public.` is left out.
fn line(facts: &Facts) -> String {
    let mut parts = vec![facts.kinds.join(", ")];
    for it in &facts.uses {
        parts.push(match &it.resource {
            Resource::Connection => format!("{} connection", it.action),
            Resource::Schema(name) => format!("{} schema {name}", it.action),
            Resource::Table(name) => format!("{} {name}", it.action),
            Resource::Function(name) => format!("{} {name}()", it.action),
            Resource::Class(class) => format!("{} class {class}", it.action),
            // Of other lanes; no statement uses them.
            Resource::Endpoint(_) | Resource::Model(_) => format!("{} something else", it.action),
        });
    }
    for it in &facts.columns {
        let position = match it.position {
            Position::Output => "output",
            Position::Derived => "derived",
            Position::Computed => "computed",
            Position::Matched => "matched",
            Position::Assigned => "assigned",
        };
        parts.push(format!("{position} {} {}", it.column, it.class));
    }
    if !facts.has_where {
        parts.push(String::from("every row"));
    }
    parts.push(String::from(match facts.effect {
        Effect::None => "no effect",
        Effect::Session => "on the session",
        Effect::Data => "on data",
    }));
    parts.extend(facts.not_understood.iter().map(|what| format!("what is `{what}`?")));
    parts.join("; ").replace("public.", "")
}

/// The labelled columns that a statement computes on.
fn computed(sql: &str) -> Vec<String> {
    at(sql, Position::Computed)
}

/// The labelled columns that it puts out.
fn output(sql: &str) -> Vec<String> {
    at(sql, Position::Output)
}

fn at(sql: &str, position: Position) -> Vec<String> {
    let analysis = read(sql);
    let uses = analysis.facts.columns.iter().filter(|it| it.position == position);
    let mut names: Vec<String> = uses.map(|it| it.column.replace("public.", "")).collect();
    names.sort();
    names.dedup();
    names
}

/// A shop's database: cards with labelled columns, tables without, views, partitions.
fn shop() -> Catalog {
    let mut rows = Rows::default();
    for schema in ["public", "archive", "pg_catalog", "information_schema"] {
        rows.add(["schema", "", "", "", schema, ""]);
    }
    rows.relation(1, "r", "public.cards", &["id", "pan", "cvv", "holder", "exp", "amount", "doc"]);
    rows.relation(2, "r", "public.payments", &["id", "card_id", "amount", "status", "note"]);
    rows.relation(3, "r", "public.customers", &["id", "name", "email", "doc"]);
    rows.relation(4, "r", "public.cards_2024", &["id", "pan", "cvv", "holder", "exp", "amount", "doc"]);
    rows.relation(5, "r", "archive.cards", &["old", "pan"]);
    rows.relation(6, "r", "archive.orders", &["id", "total"]);
    rows.relation(7, "v", "public.card_names", &["id", "holder"]);
    rows.relation(8, "v", "public.reversed", &["id", "r"]);
    rows.relation(9, "v", "public.reversed_count", &["n"]);
    rows.relation(10, "v", "public.masked_cards", &["id", "pan"]);
    rows.relation(11, "r", "public.tokens", &["id", "token", "token_tail"]);
    rows.relation(12, "r", "public.snapshots", &["id", "card"]);
    rows.relation(13, "S", "public.cards_id_seq", &["last_value", "is_called"]);
    rows.relation(14, "v", "public.computed_view", &["x"]);
    rows.relation(20, "r", "pg_catalog.pg_class", &["oid", "relname", "relpartbound"]);
    rows.relation(21, "v", "pg_catalog.pg_stats", &["tablename", "most_common_vals"]);
    rows.relation(22, "v", "information_schema.tables", &["table_schema", "table_name"]);
    rows.add(["inherits", "4", "1", "", "", ""]);
    rows.add(["view", "7", "1", "1", "", ""]);
    rows.add(["view", "8", "1", "2", "", ""]);
    rows.add(["view", "9", "8", "0", "", ""]);
    rows.add(["view", "10", "1", "2", "", ""]);
    rows.add(["calls", "14", "", "", "public", "secret_sauce"]);
    rows.add(["generated", "11", "3", "2", "", ""]);
    rows.add(["function", "", "", "", "public", "secret_sauce"]);
    rows.add(["function", "", "", "", "public", "lower"]);
    rows.add(["function", "", "", "", "public", "tidy_up"]);
    rows.add(["function", "", "e", "", "public", "max"]);
    rows.add(["function", "", "e", "", "public", "crosstab"]);
    rows.add(["calls", "7", "e", "", "public", "max"]);
    rows.add(["operator", "", "", "", "public", "===>"]);
    rows.add(["operator", "", "e", "", "public", "<=>"]);
    rows.catalog(
        &Labels::new([
            ("public.cards.pan", Label::Class(DataClass::Pan)),
            ("public.cards.cvv", Label::Class(DataClass::Sad)),
            ("public.customers.doc", Label::Json(vec![(String::from("$.card.number"), DataClass::Pan)])),
            ("public.masked_cards.pan", Label::Class(DataClass::Pan)),
            ("public.tokens.token", Label::Class(DataClass::Secret)),
            ("archive.cards.pan", Label::Class(DataClass::Pan)),
        ])
        .unwrap(),
    )
}

/// Rows as [`Catalog::QUERY`] gives them.
#[derive(Default)]
struct Rows(Vec<[String; 6]>);

impl Rows {
    fn add(&mut self, row: [&str; 6]) {
        self.0.push(row.map(String::from));
    }

    fn relation(&mut self, oid: u32, kind: &str, name: &str, columns: &[&str]) {
        let (schema, name) = name.split_once('.').unwrap();
        let oid = oid.to_string();
        self.add(["relation", &oid, "", kind, schema, name]);
        for (at, column) in columns.iter().enumerate() {
            // `snapshots.card` is a row of `cards`.
            let row_of = if name == "snapshots" && *column == "card" { "1" } else { "0" };
            self.add(["column", &oid, &(at + 1).to_string(), row_of, column, ""]);
        }
    }

    fn catalog(&self, labels: &Labels) -> Catalog {
        let rows = self
            .0
            .iter()
            .map(|row| row.iter().map(|field| Some(field.as_str()).filter(|f| !f.is_empty())).collect());
        Catalog::from_rows(rows, labels, 7).unwrap()
    }
}
