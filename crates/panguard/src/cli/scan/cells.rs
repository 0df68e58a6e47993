//! Finds in the cells of a table. What a column is called says what its values are.

use mask::Classes;

use super::text::{Hit, TextScan};

/// The cells of a table, gathered by column so that many are looked at in one go.
///
/// Each is read as `"table.column": "value"`, the way the search knows names from documents: whole numbers of
/// a card's length count in a column that speaks of cards, and not elsewhere.
pub struct Cells {
    classes: Classes,
    columns: Vec<Column>,
    bytes: usize,
}

struct Column {
    label: Vec<u8>,
    text: Vec<u8>,
    cells: Vec<Cell>,
}

/// Where a value stands in the text of its column.
struct Cell {
    row: u64,
    start: usize,
    end: usize,
}

/// What was found in a cell; places count from the start of its value.
pub struct CellHit {
    pub row: u64,
    pub column: usize,
    pub hit: Hit,
}

impl Cells {
    /// The cells of `table`, which may have no name, with these columns.
    pub fn new(classes: Classes, table: &[u8], columns: &[Vec<u8>]) -> Self {
        // Beside a code or an expiry date, a number of a card's length is one (docs/detection-classes.md).
        let about = if columns.iter().any(|name| is_a_sibling(name)) { "card " } else { "" };
        let column = |name: &Vec<u8>| {
            let table = if table.is_empty() { Vec::new() } else { [table, b"."].concat() };
            let label = [b"\"", about.as_bytes(), &table, name, b"\": \""].concat();
            // A line end in a name would tear it from its value.
            let label = label.into_iter().map(|byte| if byte.is_ascii_control() { b' ' } else { byte });
            Column { label: label.collect(), text: Vec::new(), cells: Vec::new() }
        };
        Self { classes, columns: columns.iter().map(column).collect(), bytes: 0 }
    }

    /// Takes in a value. What is found comes with [`Cells::flush`], or at once for a long one.
    pub fn add(&mut self, row: u64, column: usize, value: &[u8], hits: &mut Vec<CellHit>) {
        let Some(to) = self.columns.get_mut(column) else { return };
        if value.len() > VALUE_BYTES_MAX {
            let found = alone(self.classes, &to.label, value);
            hits.extend(found.into_iter().map(|hit| CellHit { row, column, hit }));
            return;
        }
        let before = to.text.len();
        to.text.extend_from_slice(&to.label);
        let start = to.text.len();
        to.text.extend_from_slice(value);
        to.cells.push(Cell { row, start, end: to.text.len() });
        to.text.extend_from_slice(b"\"\n");
        self.bytes += to.text.len() - before;
    }

    /// Whether so much has come together that it is time for [`Cells::flush`].
    pub fn is_full(&self) -> bool {
        self.bytes >= GATHERED_BYTES
    }

    /// Looks at what has come together, and appends what is found by row and column.
    pub fn flush(&mut self, hits: &mut Vec<CellHit>) {
        let mut found = Vec::new();
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.flush(self.classes, index, &mut found);
        }
        self.bytes = 0;
        found.sort_by_key(|it: &CellHit| (it.row, it.column, it.hit.range.start));
        hits.append(&mut found);
    }
}

impl Column {
    fn flush(&mut self, classes: Classes, column: usize, found: &mut Vec<CellHit>) {
        let mut cells = self.cells.as_slice();
        let mut last: Option<usize> = None;
        for finding in mask::find_all(&self.text, classes) {
            let passed = cells.partition_point(|cell| cell.end <= finding.range.start);
            cells = cells.get(passed..).unwrap_or_default();
            for cell in cells.iter().take_while(|cell| cell.start < finding.range.end) {
                // A cell is looked at closely once, by itself.
                if last.is_some_and(|last| last >= cell.start) {
                    continue;
                }
                last = Some(cell.start);
                let value = self.text.get(cell.start..cell.end).unwrap_or_default();
                let hits = alone(classes, &self.label, value);
                found.extend(hits.into_iter().map(|hit| CellHit { row: cell.row, column, hit }));
            }
        }
        self.text.clear();
        self.cells.clear();
    }
}

/// What is in a value of the column that `label` names.
fn alone(classes: Classes, label: &[u8], value: &[u8]) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut scan = TextScan::new(classes, label);
    scan.push(value, &mut hits);
    scan.finish(&mut hits);
    hits
}

/// Whether a column of that name stands beside card numbers: a code, an expiry date, a brand, a holder.
fn is_a_sibling(name: &[u8]) -> bool {
    let name: Vec<u8> = name.iter().filter(|byte| byte.is_ascii_alphabetic()).copied().collect();
    let name = String::from_utf8(name.to_ascii_lowercase()).unwrap_or_default();
    SIBLINGS.iter().any(|sibling| name.contains(sibling))
}

/// Parts of the names of columns, without underscores and case.
const SIBLINGS: &[&str] = &[
    "cvv",
    "cvc",
    "expiry",
    "expmonth",
    "expyear",
    "expdate",
    "expiration",
    "cardholder",
    "cardbrand",
    "cardtype",
    "cardnetwork",
    "cardexp",
    "issuerbin",
];

/// A longer value is looked at by itself.
const VALUE_BYTES_MAX: usize = 16 << 10;
/// How much is gathered before it is looked at.
const GATHERED_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests;
