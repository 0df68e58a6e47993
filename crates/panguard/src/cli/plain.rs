//! Text from elsewhere, such that it does nothing to a terminal or to the reader's eye.

#[cfg(test)]
mod tests;

pub use notify::{plain, plain_json};

/// `text` in lines of at most `columns`, each line of it begun anew and broken between words where that can be.
///
/// So nothing in it can begin a line of the terminal, where it could pass for something else.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = plain(line);
        let mut rest = line.as_str();
        while let Some(end) = end_of_columns(rest, columns) {
            let head = rest.get(..end).unwrap_or_default();
            let space = head.rfind(' ').filter(|at| !head.get(..*at).unwrap_or_default().trim().is_empty());
            let (head, more) = rest.split_at_checked(space.map_or(end, |at| at + 1)).unwrap_or((rest, ""));
            lines.push(head.trim_end().to_owned());
            rest = more;
        }
        lines.push(rest.to_owned());
    }
    lines
}

/// Where the text has filled `columns`; `None` if it does not.
fn end_of_columns(text: &str, columns: usize) -> Option<usize> {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        // What is not ASCII may be two columns wide.
        used += if c.is_ascii() { 1 } else { 2 };
        if used > columns {
            // At least one goes on the line, however narrow that is.
            return Some(if at == 0 { c.len_utf8() } else { at }).filter(|end| *end < text.len());
        }
    }
    None
}
