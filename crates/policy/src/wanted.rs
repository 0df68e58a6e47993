//! Which fields of requests the policies ask for, so that lanes read these and no others.

use access::{Part, Wanted};
use cedar_policy::Policy;
use serde_json::Value;

/// Adds what `policy` asks for to `wanted`.
///
/// # Errors
/// What it asks for is not written as a text, so that nobody can say what it is.
pub(crate) fn add(policy: &Policy, wanted: &mut Wanted) -> Result<(), NotNamed> {
    // A policy of ours without a JSON form has not been seen; it is validated all the same, and asks for nothing here.
    let Ok(json) = policy.to_json() else { return Ok(()) };
    let conditions = json.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().try_for_each(|condition| walk(condition, wanted))
}

/// A field is asked for by something else than its name.
pub(crate) struct NotNamed;

/// An expression of Cedar's JSON form (<https://docs.cedarpolicy.com/policies/json-format.html>).
fn walk(expression: &Value, wanted: &mut Wanted) -> Result<(), NotNamed> {
    match expression {
        Value::Object(members) => members.iter().try_for_each(|(operator, operands)| {
            if matches!(operator.as_str(), "getTag" | "hasTag") {
                ask(operands, wanted)?;
            }
            wanted.tokens |= operands.get("attr").and_then(Value::as_str) == Some("tokens_today");
            walk(operands, wanted)
        }),
        Value::Array(all) => all.iter().try_for_each(|one| walk(one, wanted)),
        _ => Ok(()),
    }
}

fn ask(operands: &Value, wanted: &mut Wanted) -> Result<(), NotNamed> {
    let name = operands.pointer("/right/Value").and_then(Value::as_str).ok_or(NotNamed)?;
    let of = operands.pointer("/left/./attr").and_then(Value::as_str).ok_or(NotNamed)?;
    let (part, name) = match of {
        "numbers" => name.split_once('.').ok_or(NotNamed)?,
        part => (part, name),
    };
    let parts = [Part::Query, Part::Header, Part::Body];
    let part = parts.into_iter().find(|known| known.as_str() == part).ok_or(NotNamed)?;
    match part {
        Part::Query => wanted.query.insert(name.into()),
        Part::Header => wanted.headers.insert(name.to_ascii_lowercase().into()),
        Part::Body => wanted.body.insert(name.into()),
    };
    Ok(())
}
