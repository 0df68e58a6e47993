//! What it costs to understand a statement, beside what PostgreSQL's parser alone takes for it.
//!
//! ```text
//! cargo bench -p sql
//! ```
//! Each turn takes every statement, parsed alone and understood, one after the other; medians of all turns. The shape
//! is what a statement is looked up by that is remembered.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use access::DataClass;
use sql::{Catalog, Label, Labels, analyse, shape};

/// An ordinary statement is to take no more, in microseconds.
const TARGET_MICROS: f64 = 60.0;

const STATEMENTS: [(&str, &str); 7] = [
    ("one row by its key", "select id, pan, holder from cards where id = 42"),
    ("all columns", "select * from cards where created_at > now() - interval '1 day' order by id limit 50"),
    (
        "join of three",
        "select o.id, c.name, k.pan from orders o join customers c on c.id = o.customer_id join cards k on k.id = o.card_id where o.status = 'paid'",
    ),
    (
        "report",
        "with d as (select date_trunc('day', created_at) as day, count(*) as n, sum(total) as sum from orders group by 1) select day, n, sum, avg(sum) over (order by day rows 6 preceding) from d order by day desc",
    ),
    (
        "made of a label",
        "select id, left(pan, 6) || '…' || right(pan, 4), coalesce(holder, '') from cards union all select id, note, '' from orders",
    ),
    (
        "insert",
        "insert into orders (customer_id, card_id, status, total, note) values (1, 2, 'new', 10.5, 'by phone') returning id",
    ),
    (
        "update",
        "update orders set status = 'refunded', note = 'asked by phone' where id = 7 and status = 'paid'",
    ),
];

fn main() {
    let turns = if std::env::args().any(|argument| argument == "--bench") { 400 } else { 3 };
    let catalog = shop();
    println!("{:<20} {:>9} {:>12} {:>11} {:>12}", "µs", "parsed", "understood", "of parsed", "its shape");
    let mut met = true;
    for (name, statement) in STATEMENTS {
        let (mut parsed, mut understood, mut shaped) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..turns {
            parsed.push(time(|| drop(black_box(pg_query::parse(statement, 0)))));
            understood.push(time(|| drop(black_box(analyse(statement, &catalog)))));
            shaped.push(time(|| drop(black_box(shape(statement)))));
        }
        let (parsed, understood, shaped) = (median(parsed), median(understood), median(shaped));
        met &= understood <= TARGET_MICROS;
        println!("{name:<20} {parsed:>9.1} {understood:>12.1} {:>11.2} {shaped:>12.2}", understood / parsed);
    }
    let verdict = if met { "met" } else { "NOT met" };
    println!("target: each at most {TARGET_MICROS} µs: {verdict}");
}

fn time(run: impl FnOnce()) -> Duration {
    let began = Instant::now();
    run();
    began.elapsed()
}

/// In microseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

/// A shop with labelled columns among 200 tables.
fn shop() -> Catalog {
    let mut tables = vec![
        ("cards".to_owned(), vec!["id", "customer_id", "pan", "cvv", "holder", "expires", "created_at"]),
        ("customers".to_owned(), vec!["id", "name", "email", "city", "created_at"]),
        ("orders".to_owned(), vec!["id", "customer_id", "card_id", "status", "total", "note", "created_at"]),
    ];
    for number in 0..200 {
        let mut name = String::new();
        let _ = write!(name, "table_{number}");
        tables.push((name, vec!["id", "name", "value", "created_at"]));
    }
    let mut rows: Vec<[Option<String>; 6]> = Vec::new();
    let some = |text: &str| Some(text.to_owned());
    for (oid, (name, columns)) in (20_000..).zip(&tables) {
        let oid = oid.to_string();
        rows.push([some("relation"), some(&oid), None, some("r"), some("public"), some(name)]);
        for (number, column) in (1..).zip(columns) {
            let number: i32 = number;
            rows.push([some("column"), some(&oid), Some(number.to_string()), some("0"), some(column), None]);
        }
    }
    let labels = [
        ("public.cards.pan", Label::Class(DataClass::Pan)),
        ("public.cards.cvv", Label::Class(DataClass::Sad)),
        ("public.cards.holder", Label::Class(DataClass::CardholderName)),
    ];
    let rows = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
    Catalog::from_rows(rows, &Labels::new(labels).unwrap_or_default(), 1).unwrap_or_default()
}
