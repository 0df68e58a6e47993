//! Holds statements against what PostgreSQL says of them, for e2e/test_regression_statements.py.
//!
//! It reads lines of fields that are separated by tabs and written as COPY writes them, and answers each with one line:
//!
//! - `catalog FIELD FIELD FIELD FIELD FIELD FIELD`: one row of a snapshot, which takes the place of the last where
//!   `labels` ends it; of each table that is not PostgreSQL's own, every other column is then labelled. No answer.
//! - `labels`: how many there are.
//! - `queries TEXT`: the queries of a text, as a body of a function has them; nothing where there are none.
//! - `testify TEXT WIDTH FIELD FIELD FIELD …`: what the server says of a text, three fields for each row, and how many
//!   columns the answer has. Empty where that agrees with what is read in the text; otherwise in what it does not.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use access::{DataClass, Position};
use sql::{Catalog, Label, Labels, Testimony, analyse, lineage, queries};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    let mut catalog = Catalog::default();
    let mut version = 0;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut fields = line.split('\t').map(field);
        let what = fields.next().flatten().unwrap_or_default();
        let fields: Vec<Option<String>> = fields.collect();
        let text = fields.first().and_then(Option::as_deref).unwrap_or_default();
        match what.as_str() {
            "catalog" => {
                rows.push(fields);
                continue;
            }
            "labels" => {
                version += 1;
                let labels = labels(&rows);
                let count = labels.len();
                let taken = rows.iter().map(|row| row.iter().map(Option::as_deref).collect());
                catalog = Catalog::from_rows(taken, &Labels::new(labels)?, version)?;
                rows.clear();
                writeln!(out, "{count}")?;
            }
            "queries" => writeln!(out, "{}", written(&queries(text).unwrap_or_default()))?,
            "testify" => {
                writeln!(out, "{}", written(&testify(text, fields.get(1..).unwrap_or_default(), &catalog)?))?
            }
            other => return Err(format!("{other} is no command").into()),
        }
        out.flush()?;
    }
    Ok(())
}

/// Every other column of each table that is not the server's own.
fn labels(rows: &[Vec<Option<String>>]) -> Vec<(String, Label)> {
    let cell = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let mut tables = HashMap::new();
    let mut labels = Vec::new();
    for row in rows {
        let name = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        match cell(row, 0).as_str() {
            "relation" if matches!(cell(row, 3).as_str(), "r" | "p" | "f") => {
                let (schema, table) = (cell(row, 4), cell(row, 5));
                if schema != "pg_catalog" && schema != "information_schema" && name(&schema) && name(&table) {
                    tables.insert(cell(row, 1), format!("{schema}.{table}"));
                }
            }
            "column" => {
                let (Some(table), column) = (tables.get(&cell(row, 1)), cell(row, 4)) else { continue };
                if cell(row, 2).parse::<u32>().is_ok_and(|number| number % 2 == 0) && name(&column) {
                    labels.push((format!("{table}.{column}"), Label::Class(DataClass::Pan)));
                }
            }
            _ => {}
        }
    }
    labels
}

fn testify(
    sql: &str,
    fields: &[Option<String>],
    catalog: &Catalog,
) -> Result<String, Box<dyn std::error::Error>> {
    let width = fields.first().and_then(Option::as_deref).unwrap_or_default();
    let said: Vec<Vec<Option<&str>>> = fields
        .get(1..)
        .unwrap_or_default()
        .chunks(3)
        .map(|row| row.iter().map(Option::as_deref).collect())
        .collect();
    let analysis = analyse(sql, catalog);
    let (attested, contradicted) = analysis.attest(Some(&Testimony::from_rows(said.into_iter())?), catalog);
    let mut wrong = Vec::new();
    if contradicted {
        let missed = attested.facts.columns.iter().filter(|it| !analysis.facts.columns.contains(it));
        wrong.extend(missed.map(|it| format!("{} is read", it.column)));
    }
    for answer in
        analysis.facts.answers.iter().filter(|_| analysis.facts.kinds.len() == 1 && !width.is_empty())
    {
        if answer.width.to_string() != width {
            wrong.push(format!("the answer has {width} columns and not {}", answer.width));
        }
    }
    let given = lineage(sql, catalog).given;
    if given
        .iter()
        .any(|it| it.position == Position::Output && width.parse().is_ok_and(|width: u32| it.index >= width))
    {
        wrong.push(format!("the answer has {width} columns: {given:?}"));
    }
    Ok(wrong.join("; "))
}

/// A field as COPY writes it.
fn field(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        value.push(match c {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => break,
            },
            c => c,
        });
    }
    Some(value)
}

fn written(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r")
}
