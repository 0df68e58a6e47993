//! A message for machines: an event as Standard Webhooks words it.

use access::Timestamp;
use gate::{Answer, Request};
use serde_json::{Value, json};

use super::{Room, cut, is_whole, time};
use crate::Event;

/// The event's id: the same each time that it is tried.
pub(crate) fn id(request: &Request, event: Event) -> String {
    format!("msg_{}_{}", request.id, event.as_str())
}

/// The body. What is longer than `room` is cut, and `shortened` says so.
pub(crate) fn render(
    request: &Request,
    event: Event,
    room: Room,
    console: Option<&str>,
    now: Timestamp,
) -> Value {
    let whole = is_whole(request, room);
    let bytes = if whole { usize::MAX } else { room.bytes };
    let command = &request.command;
    let shown = if whole { usize::MAX } else { PARAMETERS_MAX };
    let each = if whole { usize::MAX } else { bytes / PARAMETERS_MAX };
    let parameters: Vec<Option<String>> =
        command.parameters.iter().take(shown).map(|it| it.as_deref().map(|text| cut(text, each))).collect();
    let fields: Vec<Value> = request
        .fields
        .iter()
        .take(shown)
        .map(|(name, value)| json!({ "name": cut(name, each), "value": cut(value, each) }))
        .collect();
    json!({
        "type": format!("approval.{}", event.as_str()),
        "timestamp": time(now.micros()),
        "data": {
            "id": request.id,
            "state": request.state_at(now).as_str(),
            "asker": who(&request.asker),
            "connection": request.connection,
            "labels": request.labels,
            "lane": request.lane,
            "waits": request.waits,
            "statement": cut(&command.statement, bytes),
            "parameters": parameters,
            "fields": fields,
            "shortened": !whole,
            // What is in rows and resources is for those who may read them.
            "effect": request.effect.clone().without_values(),
            "why": request.why,
            "policies": request.policies,
            "needed": request.needed,
            "approvals": request.approvals(),
            "answers": request.answers.iter().map(answer).collect::<Vec<_>>(),
            "asked": time(request.asked),
            "expires": time(request.expires),
            "command": format!("panguard requests approve {}", request.id),
            "console": console,
        },
    })
}

fn answer(answer: &Answer) -> Value {
    json!({ "by": who(&answer.by), "approves": answer.approves, "comment": answer.comment, "at": time(answer.at) })
}

fn who(who: &audit::Who) -> Value {
    json!({ "kind": who.kind, "id": who.id, "issuer": who.issuer, "on_behalf_of": who.on_behalf_of, "groups": who.groups })
}

/// Of a command that is cut.
const PARAMETERS_MAX: usize = 16;
