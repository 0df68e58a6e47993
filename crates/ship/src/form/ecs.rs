//! Elastic Common Schema 9. What it has no field for is under `panguard`. `event.original` is never filled.

use audit::Event;
use serde_json::{Map, Value, json};

use super::leaf::{Leaf, Weight};

pub fn document(leaf: &Leaf<'_>) -> Value {
    let entry = leaf.entry;
    let event = &entry.event;
    let (category, kind) = category(event, entry.lane.as_deref() == Some("postgres"));
    let severity = match leaf.weight() {
        Weight::Grave => 2,
        Weight::Notable => 4,
        Weight::Ordinary => 6,
    };
    let who = entry.principal.as_deref();
    let command = event.command();
    let policies: Vec<&str> = event.policies().iter().map(|note| &*note.id).collect();
    let (masked, rows) = leaf.counts().unzip();
    let document = json!({
        "@timestamp": leaf.moment(),
        "ecs": { "version": "9.0.0" },
        "message": leaf.message(),
        "event": {
            "kind": "event", "category": [category], "type": kind, "action": event.name(), "dataset": "panguard.audit",
            "module": "panguard", "provider": "panguard", "outcome": leaf.outcome(), "reason": leaf.reason(),
            "severity": severity, "sequence": leaf.index, "id": format!("{}/{}", entry.gateway, leaf.index),
            "hash": leaf.hash,
        },
        "observer": { "name": entry.gateway, "product": "panguard", "vendor": "panguard", "type": "gateway" },
        "user": who.map(|who| json!({
            "id": who.subject, "name": who.id, "domain": who.issuer, "roles": who.groups,
        })),
        "source": entry.from.as_ref().map(|from| json!({ "address": from, "ip": leaf.ip().map(|ip| ip.to_string()) })),
        "user_agent": entry.client.as_ref().map(|client| json!({ "original": client })),
        "service": entry.connection.as_ref().map(|connection| json!({ "name": connection, "type": entry.lane })),
        "network": entry.lane.as_ref().map(|lane| json!({ "protocol": lane })),
        "rule": (!policies.is_empty()).then(|| json!({ "id": policies, "version": event.policy_version() })),
        "trace": entry.request.map(|request| json!({ "id": request.to_string() })),
        "panguard": {
            "session": entry.session.map(|session| session.to_string()),
            "principal_kind": who.map(|who| &who.kind),
            "on_behalf_of": who.and_then(|who| who.on_behalf_of.as_ref()),
            "decision": event.decision(),
            "resource": entry.resource(),
            "statement": command.map(|command| &command.statement),
            "fingerprint": command.map(|command| &command.fingerprint),
            "kinds": command.map(|command| &command.facts.kinds),
            "objects": leaf.objects(),
            "data_classes": leaf.classes(),
            "masked": masked,
            "rows": rows,
        },
    });
    without_nothing(document)
}

/// `event.category` and the `event.type`s that go with it, which have fixed words.
fn category(event: &Event, is_sql: bool) -> (&'static str, Vec<&'static str>) {
    let command = |decided: Option<&'static str>| match (is_sql, decided) {
        // A decision is no type of what concerns a database.
        (true, _) => ("database", vec!["access"]),
        (false, decided) => ("api", ["access"].into_iter().chain(decided).collect()),
    };
    match event {
        Event::SessionOpened { .. } | Event::SessionRefused { .. } | Event::AuthenticationFailed { .. } => {
            ("authentication", vec!["start"])
        }
        Event::SessionClosed { .. } => ("authentication", vec!["end"]),
        Event::CommandIntent { .. } => command(Some("allowed")),
        Event::CommandRefused { .. } => command(Some("denied")),
        Event::ApprovalAsked { .. } | Event::Outcome { .. } => command(None),
        Event::Revealed { .. } => ("database", vec!["access"]),
        Event::ApprovalSeen { .. }
        | Event::ApprovalAnswered { .. }
        | Event::GlassBroken { .. }
        | Event::GlassReviewed { .. }
        | Event::GrantAsked { .. }
        | Event::ApprovalNotCounted { .. }
        | Event::AccessLent { .. }
        | Event::ApprovalEnded { .. } => ("iam", vec!["change"]),
        Event::PolicyChanged { .. }
        | Event::ConfigurationChanged { .. }
        | Event::SecretChanged { .. }
        | Event::AccessRevoked { .. }
        | Event::AccessRestored { .. }
        | Event::SinkMoved { .. } => ("configuration", vec!["change"]),
        Event::LogCreated { .. } => ("configuration", vec!["creation"]),
        Event::GatewayStarted { .. } => ("process", vec!["start"]),
        Event::GatewayStopped => ("process", vec!["end"]),
        Event::LogRead { .. } => ("file", vec!["access"]),
        Event::LogPruned { .. } => ("file", vec!["deletion"]),
        Event::ControlFailed { .. } | Event::ControlRestored { .. } => ("process", vec!["info"]),
        Event::SinkGap { .. } => ("file", vec!["info"]),
    }
}

/// The value without members that are null or hold nothing.
pub fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, member)| (name, without_nothing(member)));
            Value::Object(members.filter(|(_, member)| !is_nothing(member)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nothing).collect()),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
