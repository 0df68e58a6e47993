use serde_json::json;

use super::super::found::{Fingerprint, Found, rule, what};
use crate::cli::output;

/// Prints a finding as one line. What is in a name has no place in a text.
pub fn found(found: &Found, fingerprint: Fingerprint) -> anyhow::Result<()> {
    let (position, row) = found.position();
    output::json(&json!({
        "path": found.shown_name(),
        "file": found.name.shown_file(),
        "commit": found.name.commit(),
        "line": position.map(|it| it.line),
        "column": position.map(|it| it.column),
        "offset": position.map(|it| it.offset),
        "row": row,
        "rule": rule(found.kind),
        "what": what(found.kind),
        "masked": found.masked,
        "context": found.context,
        "fingerprint": fingerprint.to_string(),
    }))
}
