//! Where in the configuration's text the labels of a connection belong, and the edit that puts them there.

use std::collections::BTreeMap;

use access::DataClass;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;
use sql::Label;

use super::proposal::Proposal;
use crate::cli::scan::plain as plain_text;

/// Lines that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The line, from 0, before which it begins.
    pub at: usize,
    /// How many lines go.
    pub removed: usize,
    /// Those that come, without their ends.
    pub added: Vec<String>,
}

/// The file as far as places in it matter.
#[derive(Deserialize)]
struct File {
    connections: BTreeMap<String, Spanned<Connection>>,
}

#[derive(Deserialize)]
struct Connection {
    data: Option<Spanned<BTreeMap<String, Spanned<IgnoredAny>>>>,
}

/// A place in the text: line and column, from 0.
#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

/// The edits that give `connection` the labels that are proposed, in the order of the file; `None` if the text is
/// written in a way that this does not know. What comes of it is to be read again before it is believed.
pub fn edits(text: &str, connection: &str, proposals: &[Proposal]) -> Option<Vec<Edit>> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: File = serde_saphyr::from_str_with_options(text, options).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let owner = file.connections.get(connection)?;
    let start = place(owner)?;
    let edits = match &owner.value.data {
        Some(data) if is_flow(&lines, place(data)?) => {
            vec![in_braces(&lines, place(data)?, &members(proposals), data.value.is_empty())?]
        }
        Some(data) => among(&lines, place(data)?, &data.value, proposals)?,
        None if is_flow(&lines, start) => {
            let member = format!("\"data\": {{ {} }}", members(proposals).join(", "));
            vec![in_braces(&lines, start, &[member], false)?]
        }
        None => vec![under_a_new_key(&lines, start, proposals)],
    };
    Some(edits)
}

/// The lines for a file in which they cannot be put by themselves.
pub fn by_hand(proposals: &[Proposal]) -> Vec<String> {
    proposals.iter().map(|proposal| line(proposal, "")).collect()
}

/// `public.cards.pan`, as the configuration names a column.
pub fn column(proposal: &Proposal) -> String {
    [&proposal.schema, &proposal.table, &proposal.column].map(|name| identifier(name)).join(".")
}

fn place<T>(spanned: &Spanned<T>) -> Option<Place> {
    let at = |number: u64| usize::try_from(number.checked_sub(1)?).ok();
    Some(Place { line: at(spanned.referenced.line())?, column: at(spanned.referenced.column())? })
}

fn is_flow(lines: &[&str], at: Place) -> bool {
    lines.get(at.line).and_then(|line| line.chars().nth(at.column)) == Some('{')
}

/// New entries of a block, each behind those of its table, or at the end.
fn among(
    lines: &[&str],
    first: Place,
    entries: &BTreeMap<String, Spanned<IgnoredAny>>,
    proposals: &[Proposal],
) -> Option<Vec<Edit>> {
    let mut ends = Vec::new();
    for (name, value) in entries {
        ends.push((name.as_str(), end(lines, place(value)?.line, first.column)));
    }
    let last = ends.iter().map(|(_, end)| *end).max()?;
    let indent = " ".repeat(first.column);
    let mut edits: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for proposal in proposals {
        let table = format!("{}.{}.", identifier(&proposal.schema), identifier(&proposal.table));
        let beside = ends.iter().filter(|(name, _)| name.starts_with(&table)).map(|(_, end)| *end).max();
        edits.entry(beside.unwrap_or(last)).or_default().push(line(proposal, &indent));
    }
    Some(edits.into_iter().map(|(at, added)| Edit { at, removed: 0, added }).collect())
}

/// A `data:` at the end of a connection that has none, or below one that is empty.
fn under_a_new_key(lines: &[&str], start: Place, proposals: &[Proposal]) -> Edit {
    let indent = " ".repeat(start.column);
    let step = lines.iter().take(start.line).rev().find_map(|line| {
        let outer = line.len() - line.trim_start().len();
        (!is_nothing(line) && outer < start.column).then_some(start.column - outer)
    });
    let inner = " ".repeat(start.column + step.unwrap_or(2));
    let after = end(lines, start.line, start.column.saturating_sub(1));
    let is_empty_key = |line: &&str| {
        let rest = line.strip_prefix(&indent).and_then(|rest| rest.strip_prefix("data:"));
        rest.is_some_and(is_nothing)
    };
    let key = lines.get(start.line..after).and_then(|own| own.iter().position(is_empty_key));
    let entries = proposals.iter().map(|proposal| line(proposal, &inner));
    match key {
        Some(key) => Edit { at: start.line + key + 1, removed: 0, added: entries.collect() },
        None => {
            let added = [format!("{indent}data:")].into_iter().chain(entries).collect();
            Edit { at: after, removed: 0, added }
        }
    }
}

/// Members behind the brace at `open`, as JSON, which is YAML too.
fn in_braces(lines: &[&str], open: Place, members: &[String], is_empty: bool) -> Option<Edit> {
    let line = lines.get(open.line)?;
    let brace = line.char_indices().nth(open.column)?.0;
    let (before, after) = line.split_at_checked(brace + 1)?;
    let next = lines.get(open.line + 1).copied().unwrap_or_default();
    if is_nothing(after) && !is_nothing(next) {
        let indent = next.len() - next.trim_start().len() + if is_empty { 2 } else { 0 };
        let indent = " ".repeat(indent);
        let last = members.len().checked_sub(1)?;
        let comma = |at: usize| if at < last || !is_empty { "," } else { "" };
        let added =
            members.iter().enumerate().map(|(at, member)| format!("{indent}{member}{}", comma(at))).collect();
        return Some(Edit { at: open.line + 1, removed: 0, added });
    }
    let comma = if is_empty { " " } else { ", " };
    let added = vec![format!("{before} {}{comma}{}", members.join(", "), after.trim_start())];
    Some(Edit { at: open.line, removed: 1, added })
}

/// Behind which line what begins at `line` ends: the next that stands no further to the right than `column`.
fn end(lines: &[&str], line: usize, column: usize) -> usize {
    let mut end = line + 1;
    for (at, text) in lines.iter().enumerate().skip(line + 1) {
        if is_nothing(text) {
            continue;
        }
        if text.len() - text.trim_start().len() <= column {
            break;
        }
        end = at + 1;
    }
    end
}

/// Whether nothing is there, or only a comment.
fn is_nothing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.starts_with('#')
}

/// `public.cards.pan: pan   # why`.
fn line(proposal: &Proposal, indent: &str) -> String {
    let holds = match &proposal.label {
        Label::Class(class) => class.to_string(),
        Label::Json(paths) => {
            let path = |(path, class): &(String, DataClass)| format!("{}: {class}", scalar(path));
            format!("{{ json: {{ {} }} }}", paths.iter().map(path).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{indent}{}: {holds}   # {}", scalar(&column(proposal)), proposal.evidence)
}

/// Members of an object in JSON. There is no comment in JSON, so they do not say why.
fn members(proposals: &[Proposal]) -> Vec<String> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let member = |proposal: &Proposal| {
        let holds = match &proposal.label {
            Label::Class(class) => text(class.as_str()),
            Label::Json(paths) => {
                let path =
                    |(path, class): &(String, DataClass)| format!("{}: {}", text(path), text(class.as_str()));
                format!("{{ \"json\": {{ {} }} }}", paths.iter().map(path).collect::<Vec<_>>().join(", "))
            }
        };
        format!("{}: {holds}", text(&column(proposal)))
    };
    proposals.iter().map(member).collect()
}

/// Text as YAML has it: as it is, or in quotes where it could mean something else.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$' | '-');
    if text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'))
        && text.chars().all(plain)
    {
        return text.to_owned();
    }
    if plain_text(text.as_bytes()) != text {
        // What would do something to a terminal or to the reader's eye is written as escapes.
        let escaped = text.chars().map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_ascii() && !c.is_control() => c.to_string(),
            c => format!("\\U{:08X}", u32::from(c)),
        });
        return format!("\"{}\"", escaped.collect::<String>());
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as labels have it: in double quotes unless it is in lower case and without a dot.
fn identifier(name: &str) -> String {
    let plain = |c: char| c.is_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '$');
    let is_plain = name.chars().all(plain) && name.to_lowercase() == name && !name.is_empty();
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests;
