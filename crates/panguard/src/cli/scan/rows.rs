//! Looks into tables row by row.

use std::io;

use super::cells::{CellHit, Cells};
use super::content::{Content, HEAD_BYTES};
use super::found::Found;
use super::name::Name;
use super::scanner::{Scanner, Source};

/// A table that comes value by value.
pub struct Rows {
    cells: Cells,
    /// What each column is called, behind the name of the file.
    names: Vec<Name>,
    depth: usize,
}

impl Rows {
    /// A table in the file of that name, `depth` layers down. A table without a name is the whole file.
    pub fn new(scanner: &Scanner<'_>, file: &Name, table: &[u8], columns: &[Vec<u8>], depth: usize) -> Self {
        let name = |column: &Vec<u8>| match table {
            [] => file.within(column),
            table => file.within(&[table, b".", column].concat()),
        };
        let names = columns.iter().map(name).collect();
        Self { cells: Cells::new(scanner.classes, table, columns), names, depth }
    }

    /// Goes on with a value. One that is an archive or a database itself is opened.
    ///
    /// # Errors
    /// If more comes out of the file than may: a page of it can say the same value a billion times.
    pub fn value(
        &mut self,
        scanner: &mut Scanner<'_>,
        row: u64,
        column: usize,
        value: &[u8],
    ) -> io::Result<()> {
        scanner.budget.pay(value.len() as u64 + VALUE_COST_BYTES)?;
        scanner.passed(value.len());
        let head = value.get(..HEAD_BYTES.min(value.len())).unwrap_or_default();
        if Content::of(head, b"") != Content::Text
            && let Some(name) = self.names.get(column)
        {
            let name = name.in_row(row);
            scanner.source(&name, Source::Stream(&mut &*value), self.depth + 1);
            return Ok(());
        }
        let mut hits = Vec::new();
        self.cells.add(row, column, value, &mut hits);
        self.tell(scanner, hits);
        Ok(())
    }

    /// A row has ended.
    pub fn end_row(&mut self, scanner: &mut Scanner<'_>) {
        if self.cells.is_full() {
            self.end(scanner);
        }
    }

    /// The table has ended, or is looked at up to here.
    pub fn end(&mut self, scanner: &mut Scanner<'_>) {
        let mut hits = Vec::new();
        self.cells.flush(&mut hits);
        self.tell(scanner, hits);
    }

    fn tell(&self, scanner: &mut Scanner<'_>, hits: Vec<CellHit>) {
        for CellHit { row, column, hit } in hits {
            if let Some(name) = self.names.get(column) {
                scanner.found(Found::in_cell(name.clone(), row, hit));
            }
        }
    }
}

/// A number with a point as text: whole ones as the digits of a card would be written.
pub fn real(number: f64) -> String {
    if number.abs() < WHOLE_MAX { number.to_string() } else { format!("{number:e}") }
}

/// Above it the digits of a number are no longer its own (2⁵³), and there may be three hundred of them.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Also values without a byte take time.
const VALUE_COST_BYTES: u64 = 1;
