//! Tables that spreadsheets read (RFC 4180), in which nothing is a formula, also where they take `;` for what parts cells: then
//! a quote does not hold a cell together that is not the first, and each part and each line of it stands alone.

use notify::is_unseen;

/// One line of a table, with its end.
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(cell).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len() + 2);
    let mut begins = true;
    for (at, c) in text.char_indices() {
        if begins && is_formula(text.get(at..).unwrap_or_default()) {
            cell.push('\'');
        }
        begins = matches!(c, ';' | '\n');
        match c {
            '"' => cell.push_str("\"\""),
            '\t' => cell.push(' '),
            // In quotes it is part of the cell (RFC 4180 §2.6).
            '\n' => cell.push('\n'),
            c if is_unseen(c) => cell.extend(c.escape_unicode()),
            c => cell.push(c),
        }
    }
    match cell.contains([',', ';', '"', '\n', '\'', ' ']) {
        true => format!("\"{cell}\""),
        false => cell,
    }
}

/// Whether a spreadsheet could take a text for a formula: by its first sign, in either width, whatever space or quotes are
/// before it on its line.
fn is_formula(text: &str) -> bool {
    let is_passed = |c: char| c == '"' || (c != '\n' && (c.is_whitespace() || is_unseen(c)));
    let start = text.trim_start_matches(is_passed);
    start.starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{2212}', '|', '%',
    ])
}
