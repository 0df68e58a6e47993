//! A unified diff, as `patch` takes it.

use super::section::Edit;

/// The text with `edits`, which are in its order, made.
pub fn applied(text: &str, edits: &[Edit]) -> String {
    let ending = ending(text);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for edit in edits.iter().rev() {
        if edit.at == lines.len()
            && let Some(last) = lines.last_mut()
            && !last.ends_with('\n')
        {
            last.push_str(ending);
        }
        let end = (edit.at + edit.removed).min(lines.len());
        let added = edit.added.iter().map(|line| format!("{line}{ending}"));
        lines.splice(edit.at.min(end)..end, added);
    }
    lines.concat()
}

/// The lines of the diff that makes `edits`, which are in the text's order, to `text` under that name.
pub fn unified(name: &str, text: &str, edits: &[Edit]) -> Vec<String> {
    let after = applied(text, edits);
    let old: Vec<&str> = text.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let mut diff = vec![format!("--- {name}"), format!("+++ {name}")];
    let mut shift = 0;
    let mut edits = edits;
    while let Some(first) = edits.first() {
        // Those whose context would touch are one hunk.
        let mut together = 1;
        while let (Some(one), Some(next)) = (edits.get(together - 1), edits.get(together))
            && next.at <= one.at + one.removed + 2 * CONTEXT
        {
            together += 1;
        }
        let (hunk, rest) = edits.split_at_checked(together).unwrap_or((edits, &[]));
        edits = rest;
        let last = hunk.last().unwrap_or(first);
        let start = first.at.saturating_sub(CONTEXT);
        let end = (last.at + last.removed + CONTEXT).min(old.len());
        shift += hunk_lines(&mut diff, &old, &new, hunk, start..end, shift);
    }
    diff
}

/// Appends one hunk, which is `range` of the old lines, and gives by how many lines it makes the text longer.
fn hunk_lines(
    diff: &mut Vec<String>,
    old: &[&str],
    new: &[&str],
    edits: &[Edit],
    range: std::ops::Range<usize>,
    shift: usize,
) -> usize {
    let added: usize = edits.iter().map(|edit| edit.added.len()).sum();
    let removed: usize = edits.iter().map(|edit| edit.removed).sum();
    let length = range.len();
    diff.push(format!(
        "@@ -{},{length} +{},{} @@",
        range.start + 1,
        range.start + 1 + shift,
        length + added - removed
    ));
    let mut put = |mark: char, line: Option<&&str>| {
        let Some(line) = line else { return };
        diff.push(format!("{mark}{}", line.strip_suffix('\n').unwrap_or(line)));
        if !line.ends_with('\n') {
            diff.push("\\ No newline at end of file".to_owned());
        }
    };
    let (mut at, mut to) = (range.start, range.start + shift);
    for edit in edits {
        while at < edit.at {
            // A last line without an end gets one when something comes after it.
            if old.get(at) == new.get(to) {
                put(' ', old.get(at));
            } else {
                put('-', old.get(at));
                put('+', new.get(to));
            }
            (at, to) = (at + 1, to + 1);
        }
        for _ in 0..edit.removed {
            put('-', old.get(at));
            at += 1;
        }
        for _ in &edit.added {
            put('+', new.get(to));
            to += 1;
        }
    }
    while at < range.end {
        put(' ', old.get(at));
        at += 1;
    }
    added - removed
}

fn ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Lines around a change that are shown.
const CONTEXT: usize = 3;

#[cfg(test)]
mod tests;
