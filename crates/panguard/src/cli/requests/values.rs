//! What a request shows of the things themselves that its command changes, as tables for a terminal.

use serde::Deserialize;

use crate::cli::plain::plain;

/// A few of the rows that a statement would change (docs/console.md).
#[derive(Deserialize)]
pub(super) struct Sample {
    columns: Vec<String>,
    sets: Vec<String>,
    #[serde(default)]
    sets_more: u32,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    was: Option<Vec<Option<String>>>,
    becomes: Option<Vec<Option<String>>>,
}

/// What a request over HTTP would change of its resource.
#[derive(Deserialize)]
pub(super) struct Diff {
    read: Read,
    lines: Vec<Line>,
    #[serde(default)]
    left_out: u32,
}

#[derive(Deserialize)]
struct Read {
    path: String,
}

#[derive(Deserialize)]
struct Line {
    at: String,
    change: String,
    was: Option<String>,
    becomes: Option<String>,
}

impl Sample {
    /// Lines, each with its label, which is empty where it goes on.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let caption = match self.rows.first() {
            None => return vec![("rows", "none now".to_owned())],
            Some(Row { was: Some(_), becomes: None }) => "some of those that it deletes:",
            Some(Row { was: None, .. }) => "some of those that it adds:",
            Some(Row { .. }) => "some of those that it changes, as they are → as they would be:",
        };
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| self.cells(row)).collect();
        let heading: Vec<String> = self.columns.iter().map(|name| quoted(name)).collect();
        let mut lines = vec![("rows", caption.to_owned())];
        let widths: Vec<usize> = (0..heading.len())
            .map(|at| {
                let column = cells.iter().chain([&heading]).filter_map(|row| row.get(at));
                column.map(|cell| width(cell)).max().unwrap_or_default()
            })
            .collect();
        match widths.iter().sum::<usize>() + GAP.len() * widths.len() <= TABLE_COLUMNS {
            true => {
                let line = |row: &Vec<String>| {
                    let padded = row.iter().zip(&widths).map(|(cell, wide)| {
                        format!("{GAP}{cell}{}", " ".repeat(wide.saturating_sub(width(cell))))
                    });
                    ("", padded.collect::<String>())
                };
                lines.extend([&heading].into_iter().chain(&cells).map(line));
            }
            // One below the other where they do not fit beside each other.
            false => {
                for (number, row) in cells.iter().enumerate() {
                    lines.push(("", format!("row {}", number + 1)));
                    let named = heading.iter().zip(row);
                    lines.extend(named.map(|(name, cell)| ("", format!("{GAP}{name}: {cell}"))));
                }
            }
        }
        if self.sets_more > 0 {
            lines.push(("", format!("AND {} MORE COLUMNS ARE SET", self.sets_more)));
        }
        lines
    }

    /// The values of a row, those that are set as they are and as they would be.
    fn cells(&self, row: &Row) -> Vec<String> {
        let at = |values: &Option<Vec<Option<String>>>, at: usize| {
            values.as_ref().map(|values| value(values.get(at).and_then(Option::as_deref)))
        };
        let cell = |(index, name): (usize, &String)| match (at(&row.was, index), at(&row.becomes, index)) {
            (Some(was), Some(becomes)) if self.sets.contains(name) => format!("{was} → {becomes}"),
            (Some(only), _) | (None, Some(only)) => only,
            (None, None) => String::new(),
        };
        self.columns.iter().enumerate().map(cell).collect()
    }
}

impl Diff {
    /// As [`Sample::lines`].
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let caption = match self.lines.is_empty() && self.left_out == 0 {
            true => format!("nothing of what GET {} gives", plain(&self.read.path)),
            false => format!("of what GET {} gives:", plain(&self.read.path)),
        };
        let mut lines = vec![("changes", caption)];
        lines.extend(self.lines.iter().map(|line| ("", line.text())));
        if self.left_out > 0 {
            lines.push(("", format!("AND {} MORE PLACES", self.left_out)));
        }
        lines
    }
}

impl Line {
    fn text(&self) -> String {
        let at = if self.at.is_empty() { "all of it".to_owned() } else { quoted(&self.at) };
        let told = |text: &Option<String>| plain(text.as_deref().unwrap_or("?"));
        let (was, becomes) = (told(&self.was), told(&self.becomes));
        match self.change.as_str() {
            "added" => format!("{GAP}+ {at}: {becomes}"),
            "removed" => format!("{GAP}- {at}: {was}"),
            "changed" => format!("{GAP}~ {at}: {was} → {becomes}"),
            "set" => format!("{GAP}= {at}: set to {becomes}, changed or not"),
            other => format!("{GAP}{} {at}: {was} → {becomes}", plain(other)),
        }
    }
}

fn value(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), quoted)
}

/// A text as it is, or in quotes where it could be taken for more than one, or for none.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '→' | ':');
    let is_one = !text.is_empty() && text != "NULL" && text.trim() == text && !text.contains("  ");
    match is_one && text.chars().all(is_plain) {
        true => plain(text),
        false => plain(&format!("{text:?}")),
    }
}

/// Columns of a terminal that a text takes: what is not ASCII may be two wide.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() || c == '→' { 1 } else { 2 }).sum()
}

const GAP: &str = "  ";
/// Columns beside a label, on a terminal of 80, with room for an arrow that counts as two.
const TABLE_COLUMNS: usize = 67;
