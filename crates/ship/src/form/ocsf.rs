//! OCSF 1.7 (<https://schema.ocsf.io/1.7.0/>). `raw_data` is never filled.

use audit::{Change, Event, Leave};
use serde_json::{Value, json};

use super::ecs::without_nothing;
use super::leaf::{Leaf, Weight};

pub fn event(leaf: &Leaf<'_>) -> Value {
    let entry = leaf.entry;
    let event = &entry.event;
    let is_sql = entry.lane.as_deref() == Some("postgres");
    let (class, activity) = class(event, is_sql);
    let severity = match leaf.weight() {
        Weight::Grave => 4,
        Weight::Notable => 3,
        Weight::Ordinary => 1,
    };
    let (status, status_name) = match leaf.outcome() {
        // A finding has a state, not an outcome.
        "failure" if class == DETECTION => (1, "New"),
        _ if class == DETECTION => (4, "Resolved"),
        "success" => (1, "Success"),
        "failure" => (2, "Failure"),
        _ if event.decision() == Some("held") => (99, "Held"),
        _ => (0, "Unknown"),
    };
    let user = user(leaf);
    let session = entry.session.map(|session| json!({ "uid": session.to_string() }));
    let authorizations: Vec<Value> = event
        .policies()
        .iter()
        .map(|note| {
            let policy = json!({ "uid": note.id, "desc": note.reason, "version": event.policy_version() });
            json!({ "decision": event.decision(), "policy": policy })
        })
        .collect();
    let (masked, rows) = leaf.counts().unzip();
    let command = event.command();
    let who = entry.principal.as_deref();
    let mut document = json!({
        "class_uid": class, "category_uid": class / 1000, "activity_id": activity, "type_uid": class * 100 + activity,
        "activity_name": (activity == OTHER).then(|| event.name()),
        "time": leaf.micros() / 1000, "severity_id": severity, "status_id": status, "status": status_name,
        "status_detail": leaf.reason(), "message": leaf.message(),
        "metadata": {
            "version": "1.7.0",
            "product": { "name": "panguard", "vendor_name": "panguard", "version": env!("CARGO_PKG_VERSION") },
            "uid": format!("{}/{}", entry.gateway, leaf.index), "sequence": leaf.index, "log_name": "audit",
            "event_code": event.name(), "correlation_uid": entry.request.map(|request| request.to_string()),
        },
        "unmapped": {
            "hash": leaf.hash, "connection": entry.connection, "on_behalf_of": who.and_then(|who| who.on_behalf_of.as_ref()),
            "lane": entry.lane, "fingerprint": command.map(|command| &command.fingerprint), "masked": masked, "rows": rows,
            "objects": leaf.objects(), "data_classes": leaf.classes(), "resource": entry.resource(),
        },
    });
    // A finding is of no one's doing, and what is managed has no endpoint: the schema knows these there not.
    let actor = (class != DETECTION).then(|| {
        json!({
            "actor": {
                "user": user.clone(), "session": session.clone(), "authorizations": authorizations,
                "app_name": entry.client.as_deref().unwrap_or("panguard"),
            },
            "src_endpoint": match (leaf.ip(), entry.from.as_deref()) {
                (Some(ip), _) => json!({ "ip": ip.to_string() }),
                (None, Some(from)) => json!({ "name": from }),
                (None, None) => json!({ "name": entry.gateway }),
            },
        })
    });
    let endpoint = entry.connection.as_ref().filter(|_| ![DETECTION, ENTITY].contains(&class));
    let endpoint = endpoint.map(|name| json!({ "dst_endpoint": { "svc_name": name } }));
    let of_class = match class {
        DATASTORE => json!({
            "database": { "name": entry.connection.as_deref().unwrap_or("-"), "type_id": 1 },
            "type_id": 1,
            "query_info": command.map(|command| json!({ "uid": command.fingerprint, "query_string": command.statement })),
        }),
        API => json!({
            "api": {
                "operation": command.and_then(|command| command.facts.kinds.first()).map_or(event.name(), |kind| kind),
                "service": { "name": entry.connection },
                "request": entry.request.map(|request| json!({ "uid": request.to_string() })),
            },
            "resources": leaf.objects().iter().map(|object| json!({ "name": object })).collect::<Vec<_>>(),
        }),
        AUTHENTICATION => json!({
            "user": user, "session": session,
            "service": { "name": entry.connection.as_deref().unwrap_or("panguard") },
        }),
        ENTITY => {
            json!({ "entity": { "name": entity(event, &entry.resource()) }, "comment": comment(event) })
        }
        DETECTION => json!({ "finding_info": finding(event, &entry.gateway) }),
        _ => json!({ "log_name": "audit", "log_provider": "panguard" }),
    };
    if let Value::Object(document) = &mut document {
        for part in [actor, endpoint, Some(of_class)].into_iter().flatten() {
            document.extend(part.as_object().cloned().unwrap_or_default());
        }
    }
    without_nothing(document)
}

fn user(leaf: &Leaf<'_>) -> Value {
    match (&leaf.entry.principal, &leaf.entry.event) {
        (Some(who), _) => json!({
            "uid": who.subject, "name": who.id, "domain": who.issuer,
            // An agent is a service account.
            "type_id": if &*who.kind == "agent" { 4 } else { 1 },
            "groups": who.groups.iter().map(|group| json!({ "name": group })).collect::<Vec<_>>(),
        }),
        (None, Event::AuthenticationFailed { claimed_user, .. }) => {
            json!({ "name": claimed_user, "type_id": 0 })
        }
        (None, _) => json!({ "name": "panguard", "type_id": 3 }),
    }
}

/// `class_uid` and `activity_id`.
fn class(event: &Event, is_sql: bool) -> (u32, u32) {
    match event {
        Event::LogCreated { .. } => (EVENT_LOG, 9),
        Event::GatewayStarted { .. } => (EVENT_LOG, 6),
        Event::GatewayStopped => (EVENT_LOG, 7),
        Event::LogRead { how, .. } if &**how == "export" => (EVENT_LOG, 3),
        Event::LogRead { .. } | Event::SinkGap { .. } | Event::SinkMoved { .. } => (EVENT_LOG, OTHER),
        Event::LogPruned { why: Leave::Archived, .. } => (EVENT_LOG, 4),
        Event::LogPruned { why: Leave::Expired, .. } => (EVENT_LOG, 2),
        Event::ControlFailed { .. } => (DETECTION, 1),
        Event::ControlRestored { .. } => (DETECTION, 3),
        Event::SessionOpened { .. } | Event::SessionRefused { .. } | Event::AuthenticationFailed { .. } => {
            (AUTHENTICATION, 1)
        }
        Event::SessionClosed { .. } => (AUTHENTICATION, 2),
        Event::CommandIntent { command, .. }
        | Event::CommandRefused { command, .. }
        | Event::ApprovalAsked { command, .. } => {
            let kind = command.facts.kinds.first().map_or("", |kind| kind);
            if is_sql { (DATASTORE, of_statement(kind)) } else { (API, of_request(kind)) }
        }
        Event::Outcome { .. } => {
            if is_sql {
                (DATASTORE, OTHER)
            } else {
                (API, OTHER)
            }
        }
        Event::Revealed { .. } => (DATASTORE, 1),
        Event::GrantAsked { .. } | Event::AccessRevoked { .. } | Event::AccessLent { .. } => (ENTITY, 1),
        Event::ApprovalSeen { .. } => (ENTITY, 2),
        Event::ApprovalAnswered { .. }
        | Event::GlassBroken { .. }
        | Event::GlassReviewed { .. }
        | Event::ApprovalNotCounted { .. }
        | Event::PolicyChanged { .. }
        | Event::ConfigurationChanged { .. } => (ENTITY, 3),
        Event::ApprovalEnded { .. } | Event::AccessRestored { .. } => (ENTITY, 4),
        Event::SecretChanged { change, .. } => match change {
            Change::Created => (ENTITY, 1),
            Change::Rotated => (ENTITY, 3),
            Change::Removed => (ENTITY, 4),
        },
    }
}

fn of_statement(kind: &str) -> u32 {
    match kind.split(' ').next().unwrap_or_default() {
        "select" | "table" | "values" => 4,
        "insert" | "copy" | "merge" => 5,
        "update" => 2,
        "delete" | "truncate" | "drop" => 7,
        "create" => 6,
        _ => OTHER,
    }
}

fn of_request(kind: &str) -> u32 {
    match kind {
        "get" | "head" | "options" => 2,
        "put" | "patch" => 3,
        "delete" => 4,
        // What a POST does is for its endpoint to say, and a model is asked by one.
        _ => OTHER,
    }
}

fn entity(event: &Event, resource: &str) -> String {
    event.of_request().map_or_else(|| resource.to_owned(), |of| format!("request {of}"))
}

/// The same failure, failed and restored, has one name.
fn finding(event: &Event, gateway: &str) -> Value {
    match event {
        Event::ControlFailed { control, of, since, .. }
        | Event::ControlRestored { control, of, since, .. } => json!({
            "uid": format!("{gateway}/{}/{of}/{since}", control.as_str()),
            "title": format!("a control does not work: {}", control.said(of)),
            "types": ["control failure"],
            "created_time": since / 1000,
        }),
        _ => Value::Null,
    }
}

fn comment(event: &Event) -> Option<&str> {
    match event {
        Event::ApprovalAnswered { comment, .. } | Event::GlassReviewed { comment, .. } => Some(comment),
        Event::GlassBroken { reason, .. }
        | Event::GrantAsked { reason, .. }
        | Event::AccessRevoked { reason, .. }
        | Event::AccessLent { reason, .. } => Some(reason),
        _ => None,
    }
}

const EVENT_LOG: u32 = 1008;
const DETECTION: u32 = 2004;
const AUTHENTICATION: u32 = 3002;
const ENTITY: u32 = 3004;
const API: u32 = 6003;
const DATASTORE: u32 = 6005;

/// An activity that the class has no number for; `activity_name` is the type of event then.
const OTHER: u32 = 99;
