//! Tables of text: looked at as the text that they are, and by cell, since the names of columns count too.

use std::collections::VecDeque;
use std::io;
use std::mem::discriminant;
use std::ops::Range;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use mask::{Classes, FindingKind};

use super::cells::{CellHit, Cells};
use super::found::{Found, Place, Position};
use super::name::Name;
use super::scanner::Scanner;
use super::text::{Hit, TextScan};

/// Looks into a table whose values `delimiter` separates. Rows are counted from 1, the header among them, as
/// a spreadsheet does.
pub fn scan(
    scanner: &mut Scanner<'_>,
    name: &Name,
    stream: &mut dyn io::Read,
    delimiter: u8,
) -> io::Result<()> {
    let mut table = Table::new(scanner.classes, delimiter);
    let read = scanner.pieces(stream, &mut |scanner, piece| {
        table.push(piece);
        table.tell(scanner, name, false);
    });
    table.finish();
    table.tell(scanner, name, true);
    read
}

struct Table {
    classes: Classes,
    text: TextScan,
    text_hits: Vec<Hit>,
    reader: Reader,
    /// The field that is being read, as far as it is there.
    field: Box<[u8]>,
    filled: usize,
    /// Whether it is too long for that.
    is_long: bool,
    /// Where it begins, and its row, and how much has been read.
    begin: u64,
    row_begin: u64,
    at: u64,
    line: u64,
    row: u64,
    column: usize,
    header: Vec<Vec<u8>>,
    /// There from the end of the first row on.
    cells: Option<Cells>,
    cell_hits: Vec<CellHit>,
    /// Where the cells are whose findings have not been told.
    places: VecDeque<Cell>,
}

struct Cell {
    range: Range<u64>,
    row: u64,
    column: usize,
    /// Its place as that of a text.
    position: Position,
}

impl Table {
    fn new(classes: Classes, delimiter: u8) -> Self {
        Self {
            classes,
            text: TextScan::new(classes, b""),
            text_hits: Vec::new(),
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            field: vec![0; FIELD_BYTES_MAX].into(),
            filled: 0,
            is_long: false,
            begin: 0,
            row_begin: 0,
            at: 0,
            line: 1,
            row: 1,
            column: 0,
            header: Vec::new(),
            cells: None,
            cell_hits: Vec::new(),
            places: VecDeque::new(),
        }
    }

    fn push(&mut self, piece: &[u8]) {
        self.text.push(piece, &mut self.text_hits);
        let mut rest = piece;
        while !rest.is_empty() {
            rest = self.read(rest).1;
        }
        self.flush();
    }

    fn finish(&mut self) {
        self.text.finish(&mut self.text_hits);
        while self.read(b"").0 {}
        self.flush();
    }

    /// Reads up to the end of a field, and says whether there may be more, and what is left of `input`.
    fn read<'a>(&mut self, input: &'a [u8]) -> (bool, &'a [u8]) {
        let room = self.field.get_mut(self.filled..).unwrap_or_default();
        let (result, read, written) = self.reader.read_field(input, room);
        self.at += read as u64;
        self.filled += written;
        match result {
            ReadFieldResult::InputEmpty => {}
            // A field without an end is looked at as text, and that suffices.
            ReadFieldResult::OutputFull => {
                self.is_long = true;
                self.place();
            }
            ReadFieldResult::Field { record_end } => self.end_field(record_end),
            ReadFieldResult::End => return (false, b""),
        }
        (true, input.get(read..).unwrap_or_default())
    }

    fn end_field(&mut self, record_end: bool) {
        let field = self.field.get(..self.filled).unwrap_or_default();
        match &mut self.cells {
            Some(_) if self.is_long => {}
            Some(cells) => cells.add(self.row, self.column, field, &mut self.cell_hits),
            None if self.header.len() < COLUMNS_MAX => {
                self.header.push(field.get(..NAME_BYTES_MAX).unwrap_or(field).to_vec());
            }
            None => {}
        }
        self.place();
        (self.column, self.is_long) = (self.column + 1, false);
        if record_end {
            if self.cells.is_none() {
                name_columns(&mut self.header);
                self.cells = Some(Cells::new(self.classes, b"", &self.header));
            }
            (self.row, self.column, self.row_begin) = (self.row + 1, 0, self.at);
        }
    }

    /// Notes where the field is, as far as it has been read.
    fn place(&mut self) {
        let column = self.begin.saturating_sub(self.row_begin) + 1;
        let position = Position { line: self.line, column, offset: self.begin };
        let range = self.begin..self.at;
        self.places.push_back(Cell { range, row: self.row, column: self.column, position });
        (self.begin, self.filled, self.line) = (self.at, 0, self.reader.line());
    }

    fn flush(&mut self) {
        if let Some(cells) = &mut self.cells {
            cells.flush(&mut self.cell_hits);
        }
    }

    /// Tells what is found by both, in the order of where it stands; by cell only what the text did not show.
    fn tell(&mut self, scanner: &mut Scanner<'_>, name: &Name, ended: bool) {
        let settled = if ended { u64::MAX } else { self.text.settled() };
        let done = self.places.partition_point(|cell| cell.range.end <= settled);
        let limit = match self.places.get(done) {
            Some(cell) => cell.range.start,
            None if ended => u64::MAX,
            None => self.begin.min(settled),
        };
        let ready = self.text_hits.partition_point(|hit| hit.range.start < limit);
        let text: Vec<Hit> = self.text_hits.drain(..ready).collect();
        let mut found: Vec<(u64, Found)> = Vec::new();
        let (ready, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.cell_hits)
            .into_iter()
            .partition(|it| self.cell(it.row, it.column).is_none_or(|cell| cell.range.end <= limit));
        self.cell_hits = later;
        for CellHit { row, column, hit } in ready {
            let Some(cell) = self.cell(row, column) else { continue };
            if !is_among(&text, &cell.range, hit.kind) {
                found.push((cell.range.start, self.in_field(name, cell, cell.position, hit)));
            }
        }
        found.extend(text.into_iter().map(|hit| (hit.range.start, self.found_in_text(name, hit))));
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().for_each(|(_, it)| scanner.found(it));
        self.places.drain(..done);
    }

    fn found_in_text(&self, name: &Name, hit: Hit) -> Found {
        let index = self.places.partition_point(|cell| cell.range.end <= hit.range.start);
        match self.places.get(index) {
            Some(cell) => self.in_field(name, cell, Position::of(&hit), hit),
            None => Found::in_text(name, hit),
        }
    }

    fn in_field(&self, name: &Name, cell: &Cell, position: Position, hit: Hit) -> Found {
        let column = match self.header.get(cell.column) {
            Some(column) => column.clone(),
            None => format!("column {}", cell.column + 1).into_bytes(),
        };
        let place = Place::Field { column, row: cell.row, position };
        Found { name: name.clone(), place, kind: hit.kind, masked: hit.masked, context: hit.context }
    }

    fn cell(&self, row: u64, column: usize) -> Option<&Cell> {
        let index = self.places.partition_point(|cell| (cell.row, cell.column) < (row, column));
        self.places.get(index).filter(|cell| (cell.row, cell.column) == (row, column))
    }
}

/// Whether something of that kind is among `hits` in that range.
fn is_among(hits: &[Hit], range: &Range<u64>, kind: FindingKind) -> bool {
    let first = hits.partition_point(|hit| hit.range.end <= range.start);
    let near = hits.iter().skip(first).take_while(|hit| hit.range.start < range.end);
    near.into_iter().any(|hit| discriminant(&hit.kind) == discriminant(&kind))
}

/// Takes the fields of the first row for the names of the columns, unless there are values among them.
fn name_columns(header: &mut [Vec<u8>]) {
    let is_value =
        |field: &Vec<u8>| field.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS_OF_A_VALUE;
    let values = header.iter().any(is_value);
    for (index, field) in header.iter_mut().enumerate() {
        if let Some(name) = field.strip_prefix("\u{feff}".as_bytes()) {
            *field = name.to_vec();
        }
        if values || field.is_empty() {
            *field = format!("column {}", index + 1).into_bytes();
        }
    }
}

/// A longer field is looked at as text alone.
const FIELD_BYTES_MAX: usize = 64 << 10;
/// More of a column's name is not looked at.
const NAME_BYTES_MAX: usize = 256;
/// More columns than these have no names.
const COLUMNS_MAX: usize = 4096;
/// A name such as `iso8601_2024_q1` has fewer digits.
const DIGITS_OF_A_VALUE: usize = 8;
