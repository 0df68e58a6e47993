//! Tables of text: CSV (RFC 4180), tab-separated values, and what else has a record on each line. What a column is
//! called says what its values are.

use mask::{Beside, Masker, Meaning, Name};

use super::apart::{apart, star};
use super::text::Plain;
use super::{Care, Rewrite, Withheld};

/// A table: row by row, and as the text that it is.
pub(super) struct Table {
    masker: Masker,
    strict: bool,
    parting: u8,
    row: Vec<u8>,
    quotes: Quotes,
    /// Whether a row was too long to be one. From there on it is a text.
    is_text: bool,
    /// There from the end of the first row on.
    columns: Option<Columns>,
    found: u64,
    /// What goes to the net.
    written: Vec<u8>,
    net: Plain,
}

/// What the names of the columns say.
#[derive(Default)]
struct Columns {
    about_cards: bool,
    meanings: Vec<Option<Meaning>>,
}

impl Table {
    pub fn new(care: &Care, parting: u8) -> Self {
        Self {
            masker: care.masker,
            strict: care.strict,
            parting,
            row: Vec::new(),
            quotes: Quotes::default(),
            is_text: false,
            columns: None,
            found: 0,
            written: Vec::new(),
            net: Plain::new(care),
        }
    }

    fn end_row(&mut self) -> Result<(), Withheld> {
        let mut row = std::mem::take(&mut self.row);
        self.quotes = Quotes::default();
        // Most tables have no column that says anything.
        let is_plain = self.columns.as_ref().is_some_and(Columns::is_plain);
        if is_plain && !self.strict && memchr::memchr(b'"', &row).is_none() {
            self.written.append(&mut row);
            return Ok(());
        }
        let (cells, columns) = (cells(&row, self.parting), self.columns.take());
        let columns = columns.unwrap_or_else(|| Columns::read(&cells));
        for (index, cell) in cells.iter().enumerate() {
            let meaning = columns.meanings.get(index).copied().flatten();
            // What no name says anything of is left to the text.
            if meaning.is_none() && !columns.about_cards && !cell.is_escaped {
                continue;
            }
            let masker = self.masker.about_cards(columns.about_cards).under(meaning);
            let Some(masked) = masker.text(&cell.value) else { continue };
            if masked.sad {
                return Err(Withheld::Sad);
            }
            self.found += u64::from(masked.found);
            cell.write(&masked.bytes, &mut row);
        }
        if self.strict {
            for range in apart(cells.iter().map(|cell| cell.value.as_slice())) {
                self.found += 1;
                for cell in cells.get(range).into_iter().flatten() {
                    row.get_mut(cell.range.clone()).into_iter().for_each(star);
                }
            }
        }
        self.columns = Some(columns);
        self.written.append(&mut row);
        Ok(())
    }
}

impl Rewrite for Table {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Withheld> {
        for (at, byte) in bytes.iter().enumerate() {
            if self.is_text {
                self.written.extend_from_slice(bytes.get(at..).unwrap_or_default());
                break;
            }
            self.row.push(*byte);
            if !self.quotes.see(*byte, self.parting) && *byte == b'\n' {
                self.end_row()?;
            }
            if self.row.len() >= ROW_BYTES_MAX {
                self.is_text = true;
                self.written.append(&mut self.row);
            }
        }
        self.net.push(&self.written, out)?;
        self.written.clear();
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Withheld> {
        if !self.row.is_empty() {
            self.end_row()?;
        }
        self.net.push(&self.written, out)?;
        self.net.finish(out)
    }

    fn found(&self) -> u64 {
        self.found + self.net.found()
    }
}

impl Columns {
    /// Whether no name says anything.
    fn is_plain(&self) -> bool {
        !self.about_cards && self.meanings.iter().all(Option::is_none)
    }

    /// The first row, whose fields are names unless there are values among them.
    fn read(cells: &[Cell]) -> Self {
        let digits = |cell: &Cell| cell.value.iter().filter(|byte| byte.is_ascii_digit()).count();
        if cells.iter().any(|cell| digits(cell) >= DIGITS_OF_A_VALUE) {
            return Self::default();
        }
        let name =
            |cell: &Cell| Name::of(cell.value.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&cell.value));
        let names: Vec<_> = cells.iter().map(name).collect();
        let mut beside = Beside::default();
        names.iter().flatten().for_each(|name| beside.add(*name));
        let meanings = names.into_iter().map(|name| name.and_then(|name| beside.settle(name))).collect();
        Self { about_cards: beside.about_cards(), meanings }
    }
}

/// One value of a row.
struct Cell {
    /// Where it is written, between its quotes if it has some.
    range: std::ops::Range<usize>,
    value: Vec<u8>,
    /// Whether quotes are doubled in it.
    is_escaped: bool,
}

impl Cell {
    /// Puts `masked`, which is as long as the value, into its place in `row`.
    fn write(&self, masked: &[u8], row: &mut [u8]) {
        let written = row.get_mut(self.range.clone()).unwrap_or_default();
        if masked.len() != self.value.len() {
            return star(written);
        }
        let mut masked = masked.iter();
        let mut behind_quote = false;
        for byte in written {
            let is_quote = *byte == b'"' && self.is_escaped;
            // The second of two quotes stands for nothing.
            if is_quote && behind_quote {
                behind_quote = false;
                continue;
            }
            behind_quote = is_quote;
            masked.next().into_iter().for_each(|masked| *byte = *masked);
        }
    }
}

/// Where a table's row is with its quotes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// At the start of a value: only there a quote opens.
    #[default]
    Start,
    Bare,
    Within,
    /// Behind a quote that ends the value, or is the first of two.
    Closing,
}

impl Quotes {
    /// Goes on with `byte`, and says whether it is within quotes.
    fn see(&mut self, byte: u8, parting: u8) -> bool {
        let ends = byte == parting || byte == b'\n';
        *self = match (*self, byte) {
            (Self::Start | Self::Closing, b'"') | (Self::Within, _)
                if byte != b'"' || *self != Self::Within =>
            {
                Self::Within
            }
            (Self::Within, _) => Self::Closing,
            _ if ends => Self::Start,
            _ => Self::Bare,
        };
        matches!(self, Self::Within | Self::Closing)
    }
}

/// The values of a row, which is cut at each `parting` that is not within quotes.
fn cells(row: &[u8], parting: u8) -> Vec<Cell> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut cells = Vec::new();
    let mut start = 0;
    let mut quotes = Quotes::default();
    for (at, byte) in row.iter().chain([&parting]).enumerate() {
        let quoted = quotes.see(*byte, parting);
        if at == row.len() || (*byte == parting && !quoted) {
            cells.push(cell(row, start..at));
            start = at + 1;
        }
    }
    cells
}

fn cell(row: &[u8], range: std::ops::Range<usize>) -> Cell {
    let written = row.get(range.clone()).unwrap_or_default();
    let inner = written.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\""));
    let Some(inner) = inner else { return Cell { value: written.to_vec(), range, is_escaped: false } };
    let range = range.start + 1..range.end - 1;
    let mut value = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().peekable();
    while let Some(byte) = bytes.next() {
        value.push(*byte);
        if *byte == b'"' {
            bytes.next_if(|next| **next == b'"');
        }
    }
    Cell { is_escaped: value.len() < inner.len(), value, range }
}

/// A longer row is none.
const ROW_BYTES_MAX: usize = 256 << 10;
/// A name such as `iso8601_2024_q1` has fewer digits.
const DIGITS_OF_A_VALUE: usize = 8;

#[cfg(test)]
mod tests;
