use super::super::found::{Found, Place, what};
use super::Count;
use crate::cli::output;

/// Prints a finding, and below it the line that it is in.
pub fn found(found: &Found) {
    let (name, what) = (found.shown_name(), what(found.kind));
    let (place, masked) = match &found.place {
        Place::Name => return output::line(format!("{name}: {what} in this name")),
        Place::Text(position) => (format!("{name}:{}", position.line), &found.masked),
        Place::Cell { row, .. } | Place::Field { row, .. } => (format!("{name} row {row}"), &found.masked),
    };
    output::line(format!("{place}: {what} {masked}"));
    if found.context != *masked {
        output::line(format!("    {}", found.context));
    }
}

/// The last line: what was looked at, and what came of it.
pub fn summary(count: &Count, bytes: u64) -> String {
    let mut parts = vec![number(count.findings, "finding")];
    for (number, what) in [
        (count.accepted, "accepted by the baseline"),
        (count.repeated, "again in later versions"),
        (count.unread, "not read whole"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    format!("{}, {}: {}", number(count.files, "file"), size(bytes), parts.join(", "))
}

/// So many of that.
pub fn number(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A number of bytes as people read it, in steps of a thousand.
pub fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size < 1000.0 {
            let digits = if unit == "bytes" { 0 } else { 1 };
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}
