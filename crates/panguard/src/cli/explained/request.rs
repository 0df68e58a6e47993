//! What there is to say of a request to an HTTP system.

use access::{Call, DataClass, Facts, Principal, Terms};
use audit::{FactsNote, PolicyNote};
use gate::{Allowed, Denied};
use serde::Serialize;

use super::{As, Asker, Lines, Refused, Verdict, ruling_lines};

/// What there is to say of one request, as programs read it.
#[derive(Serialize)]
pub struct ExplainedRequest {
    connection: String,
    principal: Asker,
    request: Request,
    /// As the audit log has them.
    facts: FactsNote,
    /// What the connection's `data` and document say of its answer.
    answer: Vec<Told>,
    verdict: Verdict,
    reveals: Vec<String>,
    refusal: Option<Refused>,
    policies: Vec<PolicyNote>,
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Request {
    method: String,
    path: String,
    route: String,
    operation: String,
    /// The fields that policies ask for.
    fields: Vec<Field>,
    model: Option<String>,
    tools: Vec<String>,
    tools_called: Vec<String>,
    max_tokens: Option<u64>,
    holds_cards: bool,
}

#[derive(Serialize)]
struct Field {
    part: &'static str,
    name: String,
    values: Vec<String>,
}

#[derive(Serialize)]
struct Told {
    place: String,
    class: String,
    told: As,
}

impl ExplainedRequest {
    /// `labelled` are the places in its answer of which something is known, each with its class.
    pub fn new(
        connection: &str,
        principal: &Principal,
        labelled: &[(String, DataClass)],
        facts: &Facts,
        ruling: &Result<Allowed, Denied>,
    ) -> Self {
        let strictest = Terms::default();
        let (terms, policies) = match ruling {
            Ok(allowed) => (&allowed.terms, &allowed.policies),
            Err(denied) => (&strictest, &denied.policies),
        };
        let told = |(place, class): &(String, DataClass)| Told {
            place: place.clone(),
            class: class.to_string(),
            told: match class {
                DataClass::Sad => As::Null,
                class if terms.reveals(class) => As::Revealed,
                DataClass::Pan => As::Masked,
                DataClass::CardholderName | DataClass::Expiry | DataClass::Secret | DataClass::Own(_) => {
                    As::Redacted
                }
            },
        };
        Self {
            connection: connection.into(),
            principal: Asker::from(principal),
            request: Request::from(facts.call.as_deref().unwrap_or(&Call::default())),
            facts: FactsNote::from(facts),
            answer: labelled.iter().map(told).collect(),
            verdict: Verdict::from(ruling),
            reveals: terms.reveal.iter().map(ToString::to_string).collect(),
            refusal: ruling.as_ref().err().map(Refused::plain),
            policies: policies.iter().map(PolicyNote::from).collect(),
            errors: ruling.as_ref().err().map(|denied| denied.errors.clone()).unwrap_or_default(),
        }
    }

    /// The same for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Lines::default();
        let Request { method, path, route, operation, .. } = &self.request;
        lines.add("asked", [format!("{} on {}", self.principal.words(), self.connection)]);
        lines.add("request", [format!("{method} {path}")]);
        lines.add("route", (route != path).then(|| route.clone()));
        lines.add("operation", (!operation.is_empty()).then(|| operation.clone()));
        let fields = self.request.fields.iter();
        lines.add("fields", fields.map(|it| format!("{}.{} = {}", it.part, it.name, it.values.join(", "))));
        lines.add("model", self.request.model.clone());
        lines.add("tools", self.request.tools.iter().cloned());
        lines.add("tools called", self.request.tools_called.iter().cloned());
        lines.add("max tokens", self.request.max_tokens.map(|tokens| tokens.to_string()));
        lines.add("card data", self.request.holds_cards.then(|| "is in the body".to_owned()));
        lines.add("uses", self.facts.uses.iter().map(|used| format!("{} {}", used.action, used.resource)));
        lines.add(
            "labelled",
            self.facts.columns.iter().map(|used| {
                let meaning = match &*used.position {
                    "assigned" => "is sent: needs no right, and is not recorded",
                    _ => "is sent where it may not be revealed: needs `reveal`",
                };
                format!("{} {}: {meaning}", used.column, used.class)
            }),
        );
        lines.add("not understood", self.facts.not_understood.iter().map(ToString::to_string));
        lines.add("effect", [self.facts.effect.to_string()]);
        let answer = self.answer.iter();
        lines.add("answer", answer.map(|it| format!("{}: {} ({})", it.place, it.told.word(), it.class)));
        ruling_lines(
            &mut lines,
            self.verdict,
            &self.reveals,
            self.refusal.as_ref(),
            &self.policies,
            &self.errors,
        );
        lines.0
    }
}

impl From<&Call> for Request {
    fn from(call: &Call) -> Self {
        let texts = |all: &[Box<str>]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let field = |field: &access::Field| Field {
            part: field.part.as_str(),
            name: field.name.to_string(),
            values: texts(&field.values),
        };
        Self {
            method: call.endpoint.method.to_string(),
            path: call.endpoint.path.to_string(),
            route: call.endpoint.route.to_string(),
            operation: call.endpoint.operation.to_string(),
            fields: call.fields.iter().map(field).collect(),
            model: call.model.as_deref().map(str::to_owned),
            tools: texts(&call.tools),
            tools_called: texts(&call.tools_called),
            max_tokens: call.max_tokens,
            holds_cards: call.holds_cards,
        }
    }
}
