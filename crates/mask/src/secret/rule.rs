use std::sync::LazyLock;

use super::alphabet::Alphabet;
use super::escape;

/// How the tokens of one provider are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// What a finding by it is called.
    pub name: &'static str,
    /// What stands before the part that is secret, and stays.
    pub anchor: &'static str,
    pub alphabet: Alphabet,
    /// The fewest characters behind the anchor.
    pub min: usize,
    /// The most; what has more is no such token.
    pub max: usize,
    pub check: Check,
}

/// What must hold of a token beside its alphabet and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// Only that it looks drawn at random.
    Random,
    /// It has capital letters, small ones and digits: its anchor alone says too little.
    Mixed,
    /// It is a UUID (RFC 9562).
    Uuid,
    /// It has OpenAI's mark in its middle.
    OpenAi,
}

/// The rule whose anchor `before` ends in, the longest of them.
pub(crate) fn ending(before: &[u8]) -> Option<&'static Rule> {
    let table = &*TABLE;
    let mut next = table.first.get(bucket(before)?).copied().flatten();
    while let Some(index) = next {
        let (rule, after) = table.rules.get(usize::from(index))?;
        if before.ends_with(rule.anchor.as_bytes()) && starts_there(before, rule.anchor) {
            return Some(rule);
        }
        next = *after;
    }
    None
}

/// What stands before the tokens of all rules.
pub(crate) fn anchors() -> impl Iterator<Item = &'static str> {
    TABLE.rules.iter().map(|(rule, _)| rule.anchor)
}

/// Whether `anchor` may stand within a word.
pub(crate) fn is_within(anchor: &str) -> bool {
    anchor.starts_with(['.', '&', '?'])
}

/// The rule in this place of the table, which begins anew behind its end.
pub(crate) fn nth(index: usize) -> Option<Rule> {
    let rules = &TABLE.rules;
    rules.get(index % rules.len().max(1)).map(|(rule, _)| *rule)
}

/// All rules, in the order of their names.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = Rule> {
    LINES.lines().filter_map(parse)
}

/// Whether the anchor that `before` ends in begins a word. One of letters and digits alone must not stand in
/// base64 either, where it comes about by chance.
fn starts_there(before: &[u8], anchor: &str) -> bool {
    let before = before.get(..before.len() - anchor.len()).unwrap_or_default();
    let in_base64 = anchor.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match before.last() {
        _ if is_within(anchor) => true,
        Some(last) if last.is_ascii_alphanumeric() => escape::ends(before),
        Some(b'+' | b'/') => !in_base64,
        _ => true,
    }
}

/// The rules in chains, by the last two bytes of their anchors: one look turns nearly every place away.
struct Table {
    first: [Option<u16>; BUCKETS],
    rules: Vec<(Rule, Option<u16>)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = LINES.lines().filter_map(parse).collect();
    // A chain is built from its end: the longest anchor comes first in it.
    rules.sort_by_key(|rule| rule.anchor.len());
    let mut table = Table { first: [None; BUCKETS], rules: Vec::new() };
    for (index, rule) in (0..).zip(rules) {
        let Some(slot) = bucket(rule.anchor.as_bytes()).and_then(|bucket| table.first.get_mut(bucket)) else {
            continue;
        };
        table.rules.push((rule, slot.replace(index)));
    }
    table
});

fn bucket(before: &[u8]) -> Option<usize> {
    let [one, two] = *before.last_chunk::<2>()?;
    Some((usize::from(one) * 37 + usize::from(two) * 101) % BUCKETS)
}

fn parse(line: &'static str) -> Option<Rule> {
    let mut fields = line.split('\t');
    let rule = Rule {
        name: fields.next().filter(|name| !name.starts_with('#'))?,
        anchor: fields.next()?,
        alphabet: Alphabet::named(fields.next()?)?,
        min: fields.next()?.parse().ok()?,
        max: fields.next()?.parse().ok()?,
        check: match fields.next()? {
            "-" => Check::Random,
            "mixed" => Check::Mixed,
            "uuid" => Check::Uuid,
            "openai" => Check::OpenAi,
            _ => return None,
        },
    };
    Some(rule)
}

const LINES: &str = include_str!("rules.tsv");
const BUCKETS: usize = 1021;
