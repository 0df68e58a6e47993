use std::path::Path;

use serde_saphyr::Error;

use super::file::File;
use super::place::{Problem, Problems};

/// Reads the YAML into the shape of the file.
///
/// # Errors
/// The first place where it is not that shape. The text of a value is never repeated: it may be a secret
/// that somebody put where none belongs.
pub fn parse(path: &Path, text: &str) -> Result<File, Problems> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        // The parser places a key that is missing from the whole file wherever it happened to look last.
        let whole = matches!(error, Error::SerdeMissingField { field, .. } if TOP.contains(field));
        let line = if whole { 0 } else { error.location().map_or(0, |place| place.line()) };
        Problems(vec![Problem { file: path.into(), line, message: explain(error) }])
    })
}

/// What is wrong, in our words where somebody is likely to read them.
fn explain(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let known: Vec<&str> = expected.iter().copied().filter(|key| !NOT_SERVED.contains(key)).collect();
            match nearest(field, &known) {
                Some(meant) => format!("unknown key `{field}`; write `{meant}`"),
                None => format!("unknown key `{field}`; write one of {}", list(&known)),
            }
        }
        Error::SerdeMissingField { field, .. } if TOP.contains(field) => {
            format!("`{field}` is missing; {}", write(field))
        }
        Error::SerdeMissingField { field, .. } => {
            format!("`{field}` is missing from the entry that ends here; {}", write(field))
        }
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` stands here twice; keep one of them")
        }
        Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
            format!("the value here is not what belongs here; write {expected}")
        }
        Error::InvalidScalar { ty, .. } => {
            format!("the value here is not what belongs here; write {}", article(ty))
        }
        Error::Unexpected { expected, .. } => {
            format!("the value here is not what belongs here; write {}", article(expected))
        }
        Error::NullIntoString { .. } => "there is no value here; write one, or leave the key out".to_owned(),
        Error::AliasError { error, .. } => explain(error),
        Error::Message { msg, .. } => msg.clone(),
        Error::Eof { .. } => {
            "the file ends too early; see docs/configuration.md for what belongs in it".to_owned()
        }
        // What is left are errors of YAML itself, which the parser words without repeating values.
        other => first_line(&other.to_string()),
    }
}

/// What to write where a key is missing.
fn write(field: &str) -> String {
    let example = match field {
        "data_dir" => "data_dir: ./data",
        "policies" => "policies: ./policies",
        "listen" => "listen: { postgres: 127.0.0.1:6432 }",
        "vault" => "vault: { key: { file: ./vault.key } }",
        "key" => "key: …",
        "cert" => "cert: …",
        "identity" => "identity: { issuers: [ … ] }",
        "issuers" => "issuers: [ … ]",
        "issuer" => "issuer: https://idp.example.com",
        "audience" => "audience: panguard",
        "agents" => "agents: { claim: agent_id }",
        "claim" => "claim: azp",
        "connections" => "connections: { payments-db: { type: postgres, … } }",
        "type" => "type: postgres",
        field => return format!("write `{field}: …`"),
    };
    format!("write `{example}`")
}

fn article(what: &str) -> String {
    match what {
        "u32" | "u64" | "u128" => "a whole number".to_owned(),
        "bool" => "`true` or `false`".to_owned(),
        other => other.to_owned(),
    }
}

fn list(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// The key that was probably meant: at most a third of its letters differ.
fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|key| (distance(written, key), *key))
        .filter(|(distance, key)| *distance <= key.len() / 3)
        .min()
        .map(|(_, key)| key)
}

/// Levenshtein's distance: letters added, dropped or changed between the two.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, over), above) in b.chars().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((over + usize::from(x != y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The keys that every file has.
const TOP: [&str; 6] = ["data_dir", "policies", "listen", "vault", "identity", "connections"];

/// Known so that they are refused by name; not to be offered.
const NOT_SERVED: [&str; 5] = ["store", "http", "base_url", "bearer", "header"];
