//! Tables that spreadsheets read (RFC 4180), in which nothing is a formula.

use notify::is_unseen;

/// One line of a table, with its end.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 2);
    if is_formula(text) {
        cell.push('\'');
    }
    for c in text.chars() {
        match c {
            '"' => cell.push_str("\"\""),
            '\t' => cell.push(' '),
            // In quotes it is part of the cell (RFC 4180 §2.6).
            '\n' => cell.push('\n'),
            c if is_unseen(c) => cell.extend(c.escape_unicode()),
            c => cell.push(c),
        }
    }
    match cell.contains([',', '"', '\n', '\'', ' ']) {
        true => format!("\"{cell}\""),
        false => cell,
    }
}

/// Whether a spreadsheet could take a cell for a formula: by its first sign, in either width, whatever space is before it.
fn is_formula(text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || is_unseen(c));
    start.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2212}', '|', '%',
    ])
}
