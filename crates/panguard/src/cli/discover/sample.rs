use std::time::Duration;

use proxy::NotRead;
use wire_postgres::simple::Row;

use super::table::{Column, Table};
use crate::cli::upstream::Session;

/// How much of a table is sampled.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub rows: u32,
    /// For one statement.
    pub seconds: u32,
    /// Of one value.
    pub chars: u32,
}

/// Samples `table`: rows with a value for each of its columns, NULL where one is not looked at.
///
/// # Errors
/// What the server says no to, a limit, or that it cannot be reached any more.
pub async fn sample(session: &mut Session, table: &Table, bounds: Bounds) -> Result<Vec<Row>, NotRead> {
    let looked_at: Vec<usize> = (0..table.columns.len())
        .filter(|at| table.columns.get(*at).is_some_and(|column| column.is_readable && column.may_hold()))
        .collect();
    let columns: Vec<&Column> = looked_at.iter().filter_map(|at| table.columns.get(*at)).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut at_random = table.is_large(bounds.rows);
    let mut rows = bounds.rows;
    loop {
        let statement = table.sample(&columns, rows, bounds.chars, at_random);
        match run(session, &statement, bounds).await {
            // The estimate was of another day.
            Ok(sampled) if sampled.is_empty() && at_random => at_random = false,
            Ok(sampled) => {
                return Ok(sampled
                    .into_iter()
                    .map(|row| spread(row, &looked_at, table.columns.len()))
                    .collect());
            }
            Err(error) if error.is_too_long() && rows > 1 => rows /= 4,
            Err(error) => return Err(error),
        }
        rows = rows.max(1);
    }
}

async fn run(session: &mut Session, statement: &str, bounds: Bounds) -> Result<Vec<Row>, NotRead> {
    // Before each: what a view calls could have set them to something else for the time after it.
    session.read_only(Duration::from_secs(bounds.seconds.into())).await?;
    session.rows(statement).await
}

/// Puts the values where their columns are.
fn spread(row: Row, at: &[usize], columns: usize) -> Row {
    let mut spread = vec![None; columns];
    for (value, at) in row.into_iter().zip(at) {
        if let Some(place) = spread.get_mut(*at) {
            *place = value;
        }
    }
    spread
}

/// Why there is no sample, in words that quote nothing that the server said: it may have quoted a value.
pub fn why(error: &NotRead) -> String {
    match error.sqlstate() {
        Some("57014") => "it took longer than `--seconds` allows".into(),
        Some("55P03") => "it is locked".into(),
        Some("42501") => "the role may not read it".into(),
        Some("25006") => "reading it would change something".into(),
        Some(other) => format!("the server refused with SQLSTATE {other}"),
        None if error.is_too_long() => "one of its rows is longer than is read".into(),
        None => error.to_string(),
    }
}
