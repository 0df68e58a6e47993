//! SARIF 2.1.0 (OASIS), one run, written as it comes: a scan may find more than fits in memory.

use std::fmt::Write;

use mask::FindingKind;
use serde_json::{Value, json};

use super::super::found::{Fingerprint, Found, Place, Position, rule, what};
use crate::cli::output;

/// What is kept until the end.
#[derive(Default)]
pub struct Sarif {
    has_results: bool,
    notifications: Vec<Value>,
}

/// Prints all that stands before the results.
pub fn begin() {
    let driver = json!({
        "name": "panguard",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules(),
    });
    output::line(format!(
        "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\
         \"tool\":{{\"driver\":{driver}}},\"columnKind\":\"unicodeCodePoints\",\"results\":["
    ));
}

impl Sarif {
    /// Prints a finding as a result.
    pub fn found(&mut self, found: &Found, fingerprint: Fingerprint) -> anyhow::Result<()> {
        let comma = if std::mem::replace(&mut self.has_results, true) { "," } else { "" };
        let result = serde_json::to_string(&result(found, fingerprint))?;
        output::line(format!("{comma}{result}"));
        Ok(())
    }

    /// Keeps what could not be read for the end.
    pub fn unread(&mut self, line: &str) {
        if self.notifications.len() < NOTIFICATIONS_MAX {
            self.notifications.push(json!({ "level": "error", "message": { "text": line } }));
        }
    }

    /// Prints all that stands behind the results; whether all was read.
    pub fn end(&self, whole: bool) -> anyhow::Result<()> {
        let invocation = serde_json::to_string(&json!([{
            "executionSuccessful": whole,
            "toolExecutionNotifications": self.notifications,
        }]))?;
        output::line(format!("],\"invocations\":{invocation}}}]}}"));
        Ok(())
    }
}

fn result(found: &Found, fingerprint: Fingerprint) -> Value {
    let (position, row) = found.position();
    let artifact = json!({ "uri": uri(&found.name.shown_file()) });
    // A place in something that is inside the file is no place in the file.
    let is_in_file = found.name.is_file() && !matches!(found.place, Place::Cell { .. });
    let physical = match position.filter(|_| is_in_file) {
        Some(Position { line, column, .. }) => {
            json!({ "artifactLocation": artifact, "region": { "startLine": line, "startColumn": column } })
        }
        None => json!({ "artifactLocation": artifact }),
    };
    let name = match row {
        Some(row) => format!("{} row {row}", found.shown_name()),
        None => found.shown_name(),
    };
    let place = if matches!(found.place, Place::Name) { " in the name of" } else { " in" };
    let text = format!("{}{place} {name}: {}", what(found.kind), found.context);
    json!({
        "ruleId": rule(found.kind),
        "level": level(found.kind),
        "message": { "text": text },
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{ "fullyQualifiedName": name }],
        }],
        "partialFingerprints": { "panguard/v1": fingerprint.to_string() },
        "properties": { "masked": found.masked, "commit": found.name.commit() },
    })
}

fn level(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Pan { .. }
        | FindingKind::Track1
        | FindingKind::Track2
        | FindingKind::CardCode
        | FindingKind::Pin
        | FindingKind::Secret { .. } => "error",
        FindingKind::Email | FindingKind::Phone | FindingKind::Iban | FindingKind::UsSsn => "warning",
    }
}

/// What can be found. A secret's rule stands behind the name of its class: `secret/aws-access-token` (§3.52.4).
fn rules() -> Value {
    let rule = |(id, name, text): &(&str, &str, &str)| json!({ "id": id, "name": name, "shortDescription": { "text": text } });
    RULES.iter().map(rule).collect()
}

/// A path as a reference (RFC 3986): relative ones stay so, to be read from where the scan ran.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            byte => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

/// More are told on standard error alone.
const NOTIFICATIONS_MAX: usize = 1000;

const RULES: &[(&str, &str, &str)] = &[
    ("card-number", "CardNumber", "A primary account number (PCI DSS 4.0.1, 3.5.1)."),
    (
        "track-1",
        "Track1",
        "Track 1 of a magnetic stripe: sensitive authentication data (PCI DSS 4.0.1, 3.3.1.1).",
    ),
    (
        "track-2",
        "Track2",
        "Track 2 of a magnetic stripe: sensitive authentication data (PCI DSS 4.0.1, 3.3.1.1).",
    ),
    (
        "card-code",
        "CardCode",
        "A card verification code: sensitive authentication data (PCI DSS 4.0.1, 3.3.1.2).",
    ),
    ("pin", "Pin", "A PIN or PIN block: sensitive authentication data (PCI DSS 4.0.1, 3.3.1.3)."),
    ("secret", "Secret", "A key, token or password."),
    ("email", "EmailAddress", "An e-mail address."),
    ("phone", "TelephoneNumber", "A telephone number."),
    ("iban", "Iban", "An international bank account number."),
    ("us-ssn", "UsSocialSecurityNumber", "A Social Security number of the United States."),
];
