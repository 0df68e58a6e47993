//! OpenTelemetry's logs, as OTLP/HTTP has them in JSON (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>). Own JSON: of the
//! crate `opentelemetry-proto` these dozen members would be used, and with it come prost and tonic.

use notify::plain_json;
use serde_json::{Map, Value, json};

use super::ecs;
use super::leaf::{Leaf, Weight};

/// One LogRecord, on one line. Its attributes are the members of ECS by their dotted names.
pub fn record(leaf: &Leaf<'_>) -> String {
    // Numbers of OTLP's data model for INFO, WARN and ERROR.
    let (number, text) = match leaf.weight() {
        Weight::Grave => (17, "ERROR"),
        Weight::Notable => (13, "WARN"),
        Weight::Ordinary => (9, "INFO"),
    };
    let nanos = format!("{}000", leaf.micros());
    let mut attributes = Vec::new();
    if let Value::Object(document) = ecs::document(leaf) {
        let told = document.into_iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
        flatten("", told.collect(), &mut attributes);
    }
    plain_json(&json!({
        "timeUnixNano": nanos, "observedTimeUnixNano": nanos, "severityNumber": number, "severityText": text,
        "eventName": format!("panguard.{}", leaf.entry.event.name()),
        "body": { "stringValue": leaf.entry.event.name().replace('_', " ") },
        "attributes": attributes,
    }))
}

/// A request with these records.
pub fn request(records: &[&str]) -> String {
    let resource = json!({ "attributes": [
        attribute("service.name".into(), "panguard".into()),
        attribute("service.version".into(), env!("CARGO_PKG_VERSION").into()),
    ] });
    let scope = json!({ "name": "panguard.audit", "version": env!("CARGO_PKG_VERSION") });
    format!(
        r#"{{"resourceLogs":[{{"resource":{resource},"scopeLogs":[{{"scope":{scope},"logRecords":[{}]}}]}}]}}"#,
        records.join(",")
    )
}

/// How many records an answer says were not taken: those are not to be sent again (OTLP, "Partial Success").
pub fn rejected(answer: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    match answer.pointer("/partialSuccess/rejectedLogRecords") {
        // A 64-bit number is text in Protobuf's JSON.
        Some(Value::String(number)) => number.parse().unwrap_or(0),
        Some(other) => other.as_u64().unwrap_or(0),
        None => 0,
    }
}

fn flatten(before: &str, members: Map<String, Value>, into: &mut Vec<Value>) {
    for (name, member) in members {
        let name = if before.is_empty() { name } else { format!("{before}.{name}") };
        match member {
            Value::Object(members) => flatten(&name, members, into),
            other => into.push(attribute(name, other)),
        }
    }
}

fn attribute(name: String, value: Value) -> Value {
    json!({ "key": name, "value": any(value) })
}

/// An AnyValue.
fn any(value: Value) -> Value {
    match value {
        Value::Bool(it) => json!({ "boolValue": it }),
        Value::Number(it) if it.is_f64() => json!({ "doubleValue": it }),
        Value::Number(it) => json!({ "intValue": it.to_string() }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.into_iter().map(any).collect::<Vec<_>>() } })
        }
        Value::String(it) => json!({ "stringValue": it }),
        // ECS has none here: members that hold nothing are left out, and objects are flattened.
        Value::Null | Value::Object(_) => json!({}),
    }
}

/// Members of ECS that a LogRecord has a place of its own for.
const ELSEWHERE: [&str; 3] = ["@timestamp", "message", "ecs"];
