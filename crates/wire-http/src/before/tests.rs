use std::sync::Arc;

use access::{Action, DataClass, Facts, Question, Resource};
use http::{HeaderName, Response};
use mask::{JsonPath, Profile};
use serde_json::{Value, json};

use super::*;
use crate::body::Opaque;
use crate::connection::{Bounds, Origin, Outgoing};
use crate::document::Unknown;

const MASKER: Masker = Masker::new(Profile::Last4);
const JSON: (&str, &str) = ("content-type", "application/json");

fn connection(document: Option<Value>) -> Connection {
    let document = document.map(|it| Arc::new(Document::read(&it, "/api", Unknown::Refuse).unwrap()));
    Connection {
        name: "billing".into(),
        origin: Origin::parse("http://up.test:8080/api").unwrap(),
        asks_models: false,
        rules: vec![
            Rule {
                class: Some(DataClass::CardholderName),
                rule: JsonRule::new(JsonPath::parse("$.holder").unwrap(), DataClass::CardholderName),
                until: None,
            },
            Rule { class: None, rule: JsonRule::not_pan(JsonPath::parse("$.trace").unwrap()), until: None },
        ],
        document,
        strict: false,
        opaque: Opaque::Refuse,
        outgoing: Outgoing::Mask(MASKER),
        bounds: Bounds::default(),
    }
}

/// A document with one path, `/cards/{id}`, of these methods, whose answers and bodies label `nick`.
fn document(path: &str, methods: &[&str]) -> Value {
    let card =
        json!({ "type": "object", "properties": { "nick": { "type": "string", "x-data-class": "secret" } } });
    let content = json!({ "application/json": { "schema": card } });
    let operation = |method: &&str| {
        let answers = json!({ "200": { "description": "it", "content": content } });
        let mut operation = json!({ "operationId": format!("{method}Card"), "responses": answers });
        if !matches!(*method, "get" | "delete") {
            operation["requestBody"] = json!({ "content": content });
        }
        ((*method).to_owned(), operation)
    };
    let mut item: serde_json::Map<_, _> = methods.iter().map(operation).collect();
    if path.contains('{') {
        let parameter =
            json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
        item.insert("parameters".into(), json!([parameter]));
    }
    let mut paths = serde_json::Map::new();
    paths.insert(path.into(), item.into());
    json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": paths })
}

fn question(
    connection: &Arc<Connection>,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> Question {
    let settings = Settings {
        connection: Arc::clone(connection),
        prefix: "/billing".into(),
        by_own_name: false,
        masker: MASKER,
        now: Timestamp(0),
        wanted: Arc::default(),
        echo: Echo::of(&[b"sk-injected-1"]),
        nonce: None,
        turned_away: None,
        answer_bytes_max: 0,
    };
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let headers = fields.iter().map(pair).collect();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let id = access::SessionId(7).request(1);
    let mut exchange = Exchange::open(settings, id, method, target, headers, !body.is_empty());
    exchange.request_data(body.as_bytes());
    exchange.request_end();
    loop {
        if let Effect::Ask(question) = exchange.poll().expect("it is asked about") {
            return question;
        }
    }
}

fn reads(
    document: Option<Value>,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> Option<Arc<Before>> {
    question(&Arc::new(connection(document)), method, target, fields, body).before
}

/// What a request would change of `there`, each place as a line; or why that is not known.
fn changes(document: Option<Value>, method: &str, body: &str, there: &str) -> Result<Vec<String>, Undiffed> {
    let connection = Arc::new(connection(document));
    let fields = if body.is_empty() { &[][..] } else { &[JSON] };
    let before = question(&connection, method, "/cards/7", fields, body).before.expect("it can be read");
    let reading = Reading::of(&connection, &before).unwrap();
    let answer =
        Response::builder().header(CONTENT_TYPE, "application/json").body(()).unwrap().into_parts().0;
    let echo = Echo::of(&[b"sk-injected-1"]);
    let (found, _) = reading.differences(&answer, there.as_bytes(), MASKER, Timestamp(0), &echo)?;
    let line = |it: Difference| {
        format!(
            "{:?} {} {:?} {:?}",
            it.change,
            it.at,
            it.was.unwrap_or_default(),
            it.becomes.unwrap_or_default()
        )
    };
    Ok(found.into_iter().map(line).collect())
}

#[test]
fn what_is_changed_is_read_by_get_of_the_same_target() {
    let before = reads(None, "PUT", "/cards/%37?of=1", &[JSON], r#"{"a": 1}"#).unwrap();
    let connection = connection(None);
    let parts = Reading::of(&connection, &before).unwrap().request().unwrap();
    assert_eq!(
        (parts.method, parts.uri.to_string()),
        (Method::GET, "http://up.test:8080/api/cards/7?of=1".into())
    );
    let names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["accept", "accept-encoding"], "and nothing that the agent sent");
    let Facts { kinds, uses, effect, .. } = &*before.facts;
    assert_eq!((kinds.as_slice(), *effect), (&["get".into()][..], access::Effect::None));
    let [it] = uses.as_slice() else { panic!("{uses:?}") };
    let Resource::Endpoint(endpoint) = &it.resource else { panic!("{it:?}") };
    assert_eq!((it.action, &*endpoint.name()), (Action::Read, "GET /cards/7"));
}

#[test]
fn only_what_is_one_thing_with_a_name_is_read() {
    let all = |document: Option<Value>, target: &str| {
        ["GET", "PUT", "PATCH", "POST", "DELETE"].map(|method| {
            let (fields, body) = match method {
                "GET" | "DELETE" => (&[][..], ""),
                _ => (&[JSON][..], "{}"),
            };
            reads(document.clone(), method, target, fields, body).is_some()
        })
    };
    assert_eq!(all(None, "/cards/7"), [false, true, true, false, true]);
    let methods = ["get", "put", "patch", "post", "delete"];
    assert_eq!(all(Some(document("/cards/{id}", &methods)), "/cards/7"), [false, true, true, true, true]);
    let posted = all(Some(document("/cards", &["get", "post"])), "/cards");
    assert!(!posted[3], "what is posted to a list is none of it yet");
    let put = ["put", "patch", "post", "delete"];
    assert_eq!(all(Some(document("/cards/{id}", &put)), "/cards/7"), [false; 5], "nobody knows a GET of it");
}

#[test]
fn what_could_be_about_something_else_is_not_read() {
    let put = |fields: &[(&str, &str)], body: &str| reads(None, "PUT", "/cards/7", fields, body).is_some();
    assert!(put(&[JSON, ("if-match", "x"), ("user-agent", "curl")], "{}"));
    for field in [("x-tenant", "2"), ("x-account", "9"), ("content-encoding", "gzip")] {
        assert!(!put(&[JSON, field], "{}"), "{field:?}");
    }
    assert!(!put(&[], "{}") && !put(&[("content-type", "text/plain")], "{}") && !put(&[JSON, JSON], "{}"));
    assert!(!put(&[JSON], &format!("\"{}\"", "x".repeat(64 << 10))), "it is not shown whole either");
    let patch =
        |kind: &str, body: &str| reads(None, "PATCH", "/cards/7", &[("content-type", kind)], body).is_some();
    assert!(patch("application/merge-patch+json", "{}"));
    assert!(
        !patch("application/json-patch+json", "[]") && !patch("application/json", "[]"),
        "steps are no resource"
    );
    assert!(reads(None, "DELETE", "/cards/7", &[JSON], "{}").is_none());
}

#[test]
fn both_sides_are_masked_by_all_that_is_known_of_either() {
    let there = r#"{"holder": "Ada Byrne", "pan": "4111111111111111", "nick": "0000", "limit": 5, "key": "sk-injected-1", "trace": "5555555555554444"}"#;
    let body = r#"{"holder": "Ada Byrne", "pan": "4111111111111111", "nick": "1111", "limit": 6, "trace": "5555555555554444"}"#;
    let methods = ["get", "put", "delete"];
    for (method, body) in [("PUT", body), ("DELETE", "")] {
        let told = changes(Some(document("/cards/{id}", &methods)), method, body, there).unwrap().join("\n");
        for secret in ["Ada", "4111111111111111", "0000", "1111\"\"", "sk-injected-1", "5555555555554444"] {
            assert!(!told.contains(secret), "{method}: {told}");
        }
        assert!(told.contains("/limit"), "{told}");
    }
    let told = changes(Some(document("/cards/{id}", &methods)), "PUT", body, there).unwrap();
    let set: Vec<_> = told
        .iter()
        .filter(|line| line.starts_with("Set"))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    assert_eq!(set, ["/holder", "/nick", "/pan", "/trace"], "{told:?}");
}

#[test]
fn what_is_there_and_not_understood_is_not_compared() {
    let check = |there: &str, why: &str| assert_eq!(changes(None, "PUT", "{}", there), Err(why), "{there}");
    check(r#"{"a": 1, "a": 2}"#, "a member stands in it twice");
    check(
        r#"{"track": "%B4111111111111111^BYRNE/ADA^25121010000000000?"}"#,
        "sensitive authentication data stands in it",
    );
    check("<html>", "it is not understood");
    check("", "it is no JSON");
    let connection = Arc::new(connection(None));
    let before = question(&connection, "PUT", "/cards/7", &[JSON], "{}").before.unwrap();
    let reading = Reading::of(&connection, &before).unwrap();
    for (status, kind, coding, why) in [
        (404, "application/json", "", "there is no such thing yet"),
        (301, "application/json", "", "it cannot be read"),
        (206, "application/json", "", "it cannot be read"),
        (200, "text/html", "", "what is there is no JSON"),
        (200, "application/jsonl", "", "what is there is no JSON"),
        (200, "application/json", "gzip", "what is there is coded"),
    ] {
        let mut answer = Response::builder().status(status).header(CONTENT_TYPE, kind);
        if !coding.is_empty() {
            answer = answer.header(CONTENT_ENCODING, coding);
        }
        let parts = answer.body(()).unwrap().into_parts().0;
        let said = reading.differences(&parts, b"{}", MASKER, Timestamp(0), &Echo::default());
        assert_eq!(said, Err(why), "{status} {kind} {coding}");
    }
}
