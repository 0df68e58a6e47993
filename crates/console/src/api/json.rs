//! Requests for approval as people and programs read them (docs/console.md).

use access::Timestamp;
use audit::Who;
use gate::{Answer, Glass, Request, State};
use notify::{Delivery, Stands};
use serde_json::{Value, json};

/// All of a request that may be shown, as it stands at `now`.
pub(super) fn whole(request: &Request, now: Timestamp) -> Value {
    let command = &request.command;
    let state = request.state_at(now);
    let approved_until = match state {
        State::Approved { until } => time(until),
        _ => None,
    };
    json!({
        "id": request.id,
        "state": state.as_str(),
        "asker": who(&request.asker),
        "connection": request.connection,
        "labels": request.labels,
        "lane": request.lane,
        "waits": request.waits,
        "statement": command.statement,
        "parameters": command.parameters,
        "shortened": command.shortened,
        "facts": {
            "kinds": command.facts.kinds,
            "uses": command.facts.uses,
            "columns": command.facts.columns,
            "effect": command.facts.effect,
            "functions": command.facts.functions,
            "not_understood": command.facts.not_understood,
        },
        "fields": request.fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "grant": request.grant.as_deref(),
        "effect": request.effect,
        "why": request.why,
        "policies": request.policies,
        "needed": request.needed,
        "approvals": request.approvals(),
        "rows_max": request.rows_max(),
        "answers": request.answers.iter().map(answer).collect::<Vec<_>>(),
        "glass": request.glass.as_deref().map(glass),
        "asked": time(request.asked),
        "expires": time(request.expires),
        "approved_until": approved_until,
        "fingerprint": command.fingerprint,
    })
}

/// A request in a list: as [`whole`], with the statement and its parameters cut off where they are long.
pub(super) fn listed(request: &Request, now: Timestamp) -> Value {
    let mut cut = request.clone();
    let command = &mut cut.command;
    let mut is_cut = command.parameters.len() > LISTED_PARAMETERS_MAX;
    command.parameters.truncate(LISTED_PARAMETERS_MAX);
    let statement = beginning(&command.statement);
    is_cut |= statement.len() < command.statement.len();
    command.statement = statement.into();
    for parameter in command.parameters.iter_mut().flatten() {
        let beginning = beginning(parameter);
        is_cut |= beginning.len() < parameter.len();
        *parameter = beginning.into();
    }
    command.shortened |= is_cut;
    whole(&cut, now)
}

/// How far telling one channel of a request has come.
pub(super) fn delivery(delivery: &Delivery) -> Value {
    let is_pending = delivery.stands == Stands::Pending;
    json!({
        "channel": delivery.channel,
        "event": delivery.event,
        "state": delivery.stands.as_str(),
        "attempts": delivery.attempts,
        "error": delivery.error,
        "next": if is_pending { time(delivery.next) } else { None },
    })
}

fn answer(answer: &Answer) -> Value {
    json!({
        "by": who(&answer.by),
        "approves": answer.approves,
        "comment": answer.comment,
        "rows_max": answer.rows_max,
        "at": time(answer.at),
    })
}

fn glass(glass: &Glass) -> Value {
    let review = glass
        .review
        .as_ref()
        .map(|review| json!({ "by": who(&review.by), "comment": review.comment, "at": time(review.at) }));
    json!({ "by": who(&glass.by), "reason": glass.reason, "at": time(glass.at), "review": review })
}

fn who(who: &Who) -> Value {
    let mut shown = json!({
        "kind": who.kind,
        "id": who.id,
        "issuer": who.issuer,
        "on_behalf_of": who.on_behalf_of,
        "groups": who.groups,
    });
    if let (Some(shown), Some(lent)) = (shown.as_object_mut(), &who.lent) {
        shown.insert("lent".into(), json!(lent));
    }
    shown
}

/// As RFC 3339 has it, in UTC. `None`: no calendar has such a time.
pub(super) fn time(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| format!("{time:.3}"))
}

fn beginning(text: &str) -> String {
    text.get(..text.floor_char_boundary(LISTED_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Bytes of a statement, and of each parameter, in a list: a thousand requests are a few megabytes.
const LISTED_BYTES_MAX: usize = 1000;
const LISTED_PARAMETERS_MAX: usize = 16;
