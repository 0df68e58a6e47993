//! Exchanges on connections that have a document.

use access::{Parameter, Position};
use serde_json::json;

use super::*;
use crate::document::{Document, Unknown};

fn on(unknown: Unknown) -> Settings {
    let card = json!({ "properties": { "number": { "x-data-class": "pan" }, "holder": { "x-data-class": "cardholder_name" },
        "pin_hint": { "x-data-class": "shoe_size" } } });
    let answer = json!({ "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Card" } },
                                               "application/xml": { "schema": { "$ref": "#/components/schemas/Card" } } },
                                  "headers": { "X-Holder": { "schema": { "x-data-class": "cardholder_name" } } } } });
    let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Card" } },
                                    "application/x-www-form-urlencoded": { "schema": { "$ref": "#/components/schemas/Card" } } } });
    let id = json!({ "name": "id", "in": "path" });
    let holder = json!({ "name": "holder", "in": "query", "schema": { "x-data-class": "cardholder_name" } });
    let document = json!({ "openapi": "3.1.0", "components": { "schemas": { "Card": card } }, "paths": {
        "/cards/{id}": { "get": { "operationId": "getCard", "parameters": [id, holder], "responses": answer } },
        "/cards": { "post": { "operationId": "makeCard", "requestBody": body, "responses": answer } },
        "/by-name/{name}": { "get": { "parameters": [{ "name": "name", "in": "path", "schema": { "x-data-class": "cardholder_name" } }] } },
        "/{a}-{b}": { "get": {} },
        "/x/{y}/z": { "get": {} }, "/x/y/{z}": { "get": {} },
    } });
    let document = Document::read(&document, "/api", unknown).unwrap();
    let wanted = Wanted { parameters: ["id".into(), "name".into()].into(), ..Wanted::default() };
    let connection = Connection { document: Some(Arc::new(document)), ..connection() };
    Settings { wanted: Arc::new(wanted), ..settings(connection) }
}

fn get(unknown: Unknown, target: &str) -> Script {
    Script::on(on(unknown), Method::GET, target, &[], false)
}

fn post(kind: &str, body: &str) -> Script {
    let mut it = Script::on(on(Unknown::Refuse), Method::POST, "/cards", &[("content-type", kind)], true);
    it.step(|exchange| exchange.request_data(body.as_bytes())).step(|exchange| exchange.request_end());
    it
}

fn not_understood(it: &Script) -> Vec<&str> {
    it.seen.asked.as_ref().unwrap().facts.not_understood.iter().map(|it| &**it).collect()
}

/// `COLUMN CLASS` of what is given a value.
fn assigned(it: &Script) -> Vec<String> {
    let used = it.seen.asked.as_ref().unwrap().facts.columns.iter();
    let used = used.filter(|used| used.position == Position::Assigned);
    used.map(|used| format!("{} {}", used.column, used.class)).collect()
}

fn command(it: &Script) -> String {
    it.seen.asked.as_ref().unwrap().command.expose().to_string()
}

#[test]
fn a_request_is_asked_about_as_the_operation_that_it_is() {
    let it = get(Unknown::Refuse, "/cards/c%5f7");
    let asked = it.seen.asked.as_ref().unwrap();
    let call = asked.facts.call.as_ref().unwrap();
    assert_eq!((&*call.endpoint.route, &*call.endpoint.operation), ("/cards/{id}", "getCard"));
    assert_eq!(&*call.endpoint.path, "/cards/c_7");
    assert_eq!((&*call.fields[0].name, &*call.fields[0].values[0]), ("id", "c_7"));
    assert!(not_understood(&it).is_empty());
    // Those of its answer may be revealed, if policy says so.
    let classes: Vec<String> = asked.facts.in_reach.iter().map(ToString::to_string).collect();
    assert_eq!(classes, ["pan", "cardholder_name", "shoe_size"]);
}

#[test]
fn what_the_document_does_not_know_is_not_understood() {
    let said = |target: &str| not_understood(&get(Unknown::Refuse, target)).join(", ");
    assert_eq!(said("/cards/7/x"), "unknown operation");
    assert_eq!(said("/cards"), "unknown operation");
    assert_eq!(said("/cards/7?holder=x"), "");
    assert_eq!(said("/cards/7?holder=x&admin=1&debug=1"), "unknown query parameter");
    assert_eq!(said("/x/y/z"), "ambiguous operation");
    assert_eq!(said("/a-b"), "");
    assert_eq!(said("/a-b-c"), "ambiguous path parameter");
    for target in ["/cards/7/x", "/cards", "/x/y/z", "/cards/7?admin=1"] {
        assert!(not_understood(&get(Unknown::Allow, target)).is_empty(), "{target}");
    }
    assert_eq!(not_understood(&get(Unknown::Allow, "/a-b-c")), ["ambiguous path parameter"]);
    assert!(not_understood(&post("application/json", "{}")).is_empty());
    for kind in ["text/xml", "application/jsonp", "", "multipart/form-data; boundary=x"] {
        assert!(not_understood(&post(kind, "{}")).contains(&"undeclared content type"), "{kind}");
    }
    let two = [("content-type", "application/json"), ("content-type", "text/xml")];
    let mut it = Script::on(on(Unknown::Refuse), Method::POST, "/cards", &two, true);
    it.step(|exchange| exchange.request_data(b"{}")).step(|exchange| exchange.request_end());
    assert!(not_understood(&it).contains(&"undeclared content type"));
    let mut it = Script::on(on(Unknown::Refuse), Method::GET, "/cards/7", &[], true);
    it.step(|exchange| exchange.request_data(b"x")).step(|exchange| exchange.request_end());
    assert_eq!(not_understood(&it), ["undeclared content type"]);
}

#[test]
fn a_value_that_the_document_labels_is_recorded_nowhere() {
    let it = get(Unknown::Refuse, "/by-name/Ada%20Byrne?x=1");
    assert_eq!(assigned(&it), ["parameters.name cardholder_name"]);
    assert_eq!(command(&it), "GET /by-name/<cardholder_name>?x=1");
    let it = get(Unknown::Refuse, "/cards/7?%68older=Ada&holder=Bo&other=x");
    assert_eq!(assigned(&it), ["query.holder cardholder_name"]);
    assert_eq!(command(&it), "GET /cards/7?%68older=<cardholder_name>&holder=<cardholder_name>&other=x");
    let it = get(Unknown::Refuse, "/cards/7/typo?holder=Ada&x=y");
    assert_eq!(command(&it), "GET /cards/7/typo?holder=<cardholder_name>&x=y");
    let mut it =
        Script::on(on(Unknown::Allow), Method::POST, "/card", &[("content-type", "application/json")], true);
    it.step(|exchange| exchange.request_data(br#"{"holder":"Ada"}"#)).step(|exchange| exchange.request_end());
    assert_eq!(command(&it), "POST /card");
    let it = post("application/json", r#"{"holder": "Ada"}"#);
    assert_eq!(
        assigned(&it),
        ["body.$.holder cardholder_name", "body.$.number pan", "body.$.pin_hint shoe_size"]
    );
    assert_eq!(command(&it), "POST /cards");
    let asked = it.seen.asked.as_ref().unwrap();
    assert!(
        matches!(asked.parameters[0].expose(), Parameter::Text(text) if **text == *br#"{"holder": "Ada"}"#)
    );
    // In a form each value is one of its own, so that a mask is seen.
    let it = post("application/x-www-form-urlencoded", "holder=Ada&number=****1111");
    let asked = it.seen.asked.as_ref().unwrap();
    assert!(matches!(asked.parameters[2].expose(), Parameter::Text(text) if **text == *b"****1111"));
}

const ANSWER: &str = r#"{"number":"ch-77","holder":"Ada Byrne","pin_hint":[1,2],"ok":true}"#;

fn answered(target: &str, unknown: Unknown, kind: &str, terms: Terms, body: &str) -> Script {
    let mut it = get(unknown, target);
    it.verdict(allow(terms));
    it.told(200, &[("content-type", kind), ("x-holder", "Ada Byrne"), ("x-other", "y")], body);
    it
}

#[test]
fn what_the_document_labels_in_an_answer_is_masked_by_its_class() {
    let it = answered("/cards/7", Unknown::Refuse, "application/json", Terms::default(), ANSWER);
    assert_eq!(it.body(), r#"{"number":"****","holder":"****","pin_hint":"****","ok":true}"#);
    assert_eq!((it.field("x-holder"), it.field("x-other")), (None, Some("y")));
    let reveal = [DataClass::CardholderName, DataClass::Own("shoe_size".into())];
    let terms = Terms { reveal: reveal.into(), tells_errors: true, ..Terms::default() };
    let it = answered("/cards/7", Unknown::Refuse, "application/json", terms, ANSWER);
    assert_eq!(it.body(), r#"{"number":"****","holder":"Ada Byrne","pin_hint":[1,2],"ok":true}"#);
    assert_eq!(it.field("x-holder"), Some("Ada Byrne"));
}

#[test]
fn an_answer_of_an_operation_that_is_not_known_is_masked_by_all_that_is_labelled_anywhere() {
    let nested = format!(r#"{{"a":[{ANSWER}]}}"#);
    let it = answered("/elsewhere", Unknown::Allow, "application/json", Terms::default(), &nested);
    assert_eq!(it.body(), r#"{"a":[{"number":"****","holder":"****","pin_hint":"****","ok":true}]}"#);
    // Nor is a slash at the end a way round.
    let it = answered("/cards/7/", Unknown::Allow, "application/json", Terms::default(), ANSWER);
    assert!(!it.body().contains("Ada"));
}

#[test]
fn labelled_places_in_what_is_no_json_withhold_it() {
    let it = answered(
        "/cards/7",
        Unknown::Refuse,
        "application/xml",
        Terms::default(),
        "<card><holder>Ada</holder></card>",
    );
    assert_eq!((it.status(), it.code().as_str()), (502, "PGD-0012"));
    // Whoever may see all of it may see it in any form.
    let all = [DataClass::Pan, DataClass::CardholderName, DataClass::Own("shoe_size".into())];
    let terms = Terms { reveal: all.into(), tells_errors: true, ..Terms::default() };
    let it =
        answered("/cards/7", Unknown::Refuse, "application/xml", terms, "<card><holder>Ada</holder></card>");
    assert_eq!(it.status(), 200);
    // What the document does not declare may be anything, if it is no error.
    let it = answered("/cards/7", Unknown::Refuse, "text/html", Terms::default(), "<p>Ada</p>");
    assert_eq!(it.code(), "PGD-0012");
    let mut it = get(Unknown::Refuse, "/cards/7");
    it.verdict(allow(Terms::default())).told(502, &[("content-type", "text/html")], "<p>Bad gateway</p>");
    assert_eq!((it.status(), it.body().as_str()), (502, "<p>Bad gateway</p>"));
    // What has no type is looked at as what it is.
    let mut it = get(Unknown::Refuse, "/cards/7");
    it.verdict(allow(Terms::default())).told(200, &[], ANSWER);
    assert!(it.status() == 200 && !it.body().contains("Ada"), "{}", it.body());
    let mut it = get(Unknown::Refuse, "/cards/7");
    it.verdict(allow(Terms::default())).told(200, &[("content-length", "0")], "");
    assert_eq!((it.status(), it.body().as_str()), (200, ""));
    // Of what the document does not know at all, what policy allows by name.
    let elsewhere = |unknown| answered("/elsewhere", unknown, "text/csv", Terms::default(), "holder\nAda\n");
    assert_eq!(elsewhere(Unknown::Refuse).code(), "PGD-0012");
    assert_eq!(elsewhere(Unknown::Allow).status(), 200);
}

#[test]
fn a_labelled_field_is_left_out_of_trailers_too() {
    let mut it = get(Unknown::Refuse, "/cards/7");
    it.verdict(allow(Terms::default()));
    let mut parts = Response::new(()).into_parts().0;
    parts.headers = headers(&[("content-type", "application/json"), ("trailer", "x-holder")]);
    it.step(|exchange| exchange.response(parts)).step(|exchange| exchange.response_data(b"{}"));
    it.step(|exchange| exchange.response_end(Some(headers(&[("x-holder", "Ada")]))));
    assert!(it.seen.told_ended && it.seen.told_trailers.is_none());
}
