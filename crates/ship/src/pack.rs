//! How entries are put together for a receiver. Pure.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde_json::Value;

use crate::Form;

/// A message as RFC 5425 §4.3 has it in a stream: its length in bytes, a space, itself.
pub fn frame(message: &str, into: &mut Vec<u8>) {
    into.extend_from_slice(message.len().to_string().as_bytes());
    into.push(b' ');
    into.extend_from_slice(message.as_bytes());
}

/// The body of a webhook's message: entries in JSON as they are, others as texts.
pub fn message(form: Form, sink: &str, told: &Range<u64>, lines: &[&str], time: &str) -> String {
    let entries: Vec<String> = lines
        .iter()
        .map(|line| match form {
            Form::Ocsf | Form::Ecs | Form::Json => (*line).to_owned(),
            Form::Cef | Form::Syslog => Value::from(*line).to_string(),
        })
        .collect();
    format!(
        r#"{{"type":"audit.entries","timestamp":{},"data":{{"sink":{},"form":"{}","from":{},"to":{},"entries":[{}]}}}}"#,
        Value::from(time),
        Value::from(sink),
        form.as_str(),
        told.start,
        told.end,
        entries.join(",")
    )
}

/// What a message is called at each try: by its first entry's hash, and which entries it is about.
pub fn id(hash: &str, told: &Range<u64>) -> String {
    format!("audit-{}-{}-{}", hash.get(..16).unwrap_or(hash), told.start, told.end)
}
