use std::io::Read;

use access::DataClass;
use http::{Method, StatusCode};
use mask::{JsonRule, Masker, Profile};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Document, Found, Spot, Unknown};

fn read(document: &Value, base: &str) -> Result<Document, Vec<String>> {
    let said = |wrong: &super::Wrong| match &wrong.at {
        Spot::Value(way) => format!("{}: {}", way.join(" "), wrong.why),
        Spot::Text(text) => format!("\"{text}\": {}", wrong.why),
    };
    Document::read(document, base, Unknown::Refuse).map_err(|all| all.iter().map(said).collect())
}

fn document(paths: Value) -> Document {
    with_servers(paths, json!([]), "")
}

fn with_servers(paths: Value, servers: Value, base: &str) -> Document {
    let document = json!({ "openapi": "3.1.0", "servers": servers, "paths": paths });
    read(&document, base).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// Paths with a GET each, whose id is the path.
fn gets(paths: &[&str]) -> Value {
    let item = |path: &&str| ((*path).to_owned(), json!({ "get": { "operationId": path, "responses": {} } }));
    paths.iter().map(item).collect::<serde_json::Map<_, _>>().into()
}

/// `ROUTE NAME=VALUE …`, `nothing` or `several`.
fn found(document: &Document, method: Method, path: &str) -> String {
    match document.find(&method, path) {
        Found::Nothing => "nothing".into(),
        Found::Several => "several".into(),
        Found::Operation(place) => {
            let doubt = if place.is_unclear { "?" } else { "" };
            let values = place.parameters.iter().map(|(name, value, _)| format!(" {name}={value}{doubt}"));
            format!("{}{}", place.route, values.collect::<String>())
        }
    }
}

#[track_caller]
fn finds(document: &Document, path: &str, expected: &str) {
    assert_eq!(found(document, Method::GET, path), expected, "{path}");
}

#[test]
fn a_path_is_the_operation_whose_template_it_fits() {
    let it = document(gets(&["/charges", "/charges/{id}", "/charges/{id}/refunds/{refund}", "/"]));
    finds(&it, "/charges", "/charges");
    finds(&it, "/charges/ch_7", "/charges/{id} id=ch_7");
    finds(&it, "/charges/ch_7/refunds/re_1", "/charges/{id}/refunds/{refund} id=ch_7 refund=re_1");
    finds(&it, "/", "/");
    for path in ["/charges/", "/charges/a/b", "/charges//refunds/x", "/Charges", "/charge", "charges", ""] {
        finds(&it, path, "nothing");
    }
}

#[test]
fn what_is_concrete_wins() {
    let it = document(gets(&["/users/{id}", "/users/me", "/users/{id}.json", "/{a}/{b}"]));
    finds(&it, "/users/me", "/users/me");
    finds(&it, "/users/7", "/users/{id} id=7");
    finds(&it, "/users/7.json", "/users/{id}.json id=7");
    finds(&it, "/groups/me", "/{a}/{b} a=groups b=me");
}

#[test]
fn a_path_of_two_operations_of_which_neither_is_the_more_concrete_is_of_none() {
    let it = document(gets(&["/pulls/comments/{id}", "/pulls/{number}/comments"]));
    finds(&it, "/pulls/comments/7", "/pulls/comments/{id} id=7");
    finds(&it, "/pulls/7/comments", "/pulls/{number}/comments number=7");
    finds(&it, "/pulls/comments/comments", "several");
    let it =
        document(gets(&["/pulls/comments/{id}", "/pulls/{number}/comments", "/pulls/comments/comments"]));
    finds(&it, "/pulls/comments/comments", "/pulls/comments/comments");
}

#[test]
fn several_parameters_of_one_segment_are_cut_at_what_is_between_them() {
    let it = document(gets(&["/compare/{base}...{head}", "/{a}-{b}"]));
    finds(&it, "/compare/main...topic", "/compare/{base}...{head} base=main head=topic");
    finds(&it, "/x-y", "/{a}-{b} a=x b=y");
    finds(&it, "/x-y-z", "/{a}-{b} a=x? b=y-z?");
    finds(&it, "/x-", "nothing");
    finds(&it, &format!("/{}", "-".repeat(5000)), "nothing");
}

#[test]
fn head_is_what_get_is_and_no_other_method_is() {
    let it = document(
        json!({ "/a": { "get": {}, "post": {} }, "/b": { "get": {}, "head": { "operationId": "own" } } }),
    );
    assert_eq!(found(&it, Method::HEAD, "/a"), "/a");
    assert_eq!(found(&it, Method::DELETE, "/a"), "nothing");
    assert_eq!(found(&it, Method::OPTIONS, "/a"), "nothing");
    assert_eq!(found(&it, Method::from_bytes(b"QUERY").unwrap(), "/a"), "nothing");
    // Two templates may share their paths where no request is of both.
    let shared = document(json!({ "/a/{x}": { "get": {} }, "/a/{y}": { "delete": {} } }));
    assert_eq!(found(&shared, Method::DELETE, "/a/7"), "/a/{y} y=7");
    assert_eq!(found(&shared, Method::HEAD, "/a/7"), "/a/{x} x=7");
    let Found::Operation(place) = it.find(&Method::HEAD, "/b") else { panic!() };
    assert_eq!(&*place.operation.id, "own");
}

#[test]
fn paths_count_from_the_servers_and_are_told_within_the_base_url() {
    let paths = || gets(&["/charges/{id}"]);
    let at = |servers: Value, base: &str, path: &str| {
        found(&with_servers(paths(), servers, base), Method::GET, path)
    };
    assert_eq!(
        at(json!([{ "url": "https://api.example.com/v2/" }]), "", "/v2/charges/7"),
        "/v2/charges/{id} id=7"
    );
    assert_eq!(
        at(json!([{ "url": "https://api.example.com/v2" }]), "/v2", "/charges/7"),
        "/charges/{id} id=7"
    );
    assert_eq!(at(json!([{ "url": "/api/v3" }]), "/api", "/v3/charges/7"), "/v3/charges/{id} id=7");
    let variables = json!([{ "url": "https://{host}/{version}",
        "variables": { "host": { "default": "a.test" }, "version": { "default": "v1", "enum": ["v1", "v2"] } } }]);
    assert_eq!(at(variables.clone(), "", "/v2/charges/7"), "/v2/charges/{id} id=7");
    assert_eq!(at(variables, "", "/v3/charges/7"), "nothing");
    // Behind a gateway of its own, the system's paths are elsewhere than the document says: they count from there.
    assert_eq!(
        at(json!([{ "url": "https://api.example.com" }]), "/stripe", "/charges/7"),
        "/charges/{id} id=7"
    );
    let own = json!({ "/a": { "get": { "servers": [{ "url": "/files" }] } }, "/b": { "get": {} } });
    let it = with_servers(own, json!([{ "url": "/api" }]), "");
    finds(&it, "/files/a", "/files/a");
    finds(&it, "/api/b", "/api/b");
    finds(&it, "/api/a", "nothing");
}

#[test]
fn a_document_that_cannot_be_relied_upon_is_refused() {
    let refused = |document: Value, expected: &[&str]| {
        let wrong = read(&document, "").err().unwrap_or_default();
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    };
    let of = |paths: Value| json!({ "openapi": "3.0.3", "paths": paths });
    refused(
        json!({ "swagger": "2.0", "paths": {} }),
        &["swagger: this is a document of Swagger 2.0; convert it"],
    );
    refused(json!({ "openapi": "3.2.0" }), &["openapi: only OpenAPI 3.0 and 3.1"]);
    refused(json!({ "openapi": 3.1 }), &["openapi: only OpenAPI 3.0 and 3.1"]);
    refused(json!([]), &[": this is no OpenAPI document"]);
    refused(of(json!({})), &[": the document has no operations"]);
    refused(
        of(gets(&["/pets/{id}", "/pets/{name}"])),
        &["paths /pets/{name}: `/pets/{name}` takes the same requests as `/pets/{id}`"],
    );
    refused(of(json!({ "pets": { "get": {} } })), &["paths pets: a path begins with `/`"]);
    refused(of(json!({ "/a/{x": { "get": {} } })), &["paths /a/{x: a brace"]);
    refused(of(json!({ "/a/{x}{y}": { "get": {} } })), &["paths /a/{x}{y}: two parameters"]);
    refused(of(json!({ "/{x}/{x}": { "get": {} } })), &["paths /{x}/{x}: a path names each"]);
    refused(of(json!({ "/a?b": { "get": {} } })), &["paths /a?b: a path holds no query"]);
    refused(
        of(json!({ "/a": { "get": { "operationId": "x" } }, "/b": { "get": { "operationId": "x" } } })),
        &["paths /b get: `operationId: x` stands at `paths /a get` too"],
    );
    refused(
        of(json!({ "/a": { "get": { "responses": { "20": {} } } } })),
        &["paths /a get responses 20: an answer"],
    );
    let response = |schema: Value| {
        of(
            json!({ "/a": { "get": { "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } } }),
        )
    };
    refused(
        response(json!({ "$ref": "other.yaml#/Card" })),
        &["\"other.yaml#/Card\": only references within the document are followed"],
    );
    refused(
        response(json!({ "$ref": "#/components/schemas/Gone" })),
        &["\"#/components/schemas/Gone\": this reference leads"],
    );
    refused(
        response(json!({ "x-data-class": "Card Number" })),
        &["\"Card Number\": \"Card Number\" is no data class"],
    );
    refused(response(json!({ "x-data-class": "not_pan" })), &["\"not_pan\": \"not_pan\" is no data class"]);
    refused(
        of(json!({ "/a": { "get": { "parameters": [{ "$ref": "#/x" }] } } })),
        &["\"#/x\": this reference leads"],
    );
    let round = json!({ "openapi": "3.1.0", "x": { "$ref": "#/x" }, "paths": { "/a": { "$ref": "#/x" } } });
    refused(
        round,
        &["\"#/x\": this reference leads from one to the next", "paths /a: a path holds operations"],
    );
}

/// The places that a schema labels, as they are written.
fn places(schema: Value, schemas: Value) -> Vec<String> {
    let document = json!({ "openapi": "3.1.0", "components": { "schemas": schemas }, "paths": { "/a": { "post": {
        "requestBody": { "content": { "application/json": { "schema": schema } } } } } } });
    let document = read(&document, "").unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let Found::Operation(place) = document.find(&Method::POST, "/a") else { panic!() };
    let places = &place.operation.body("application/json; charset=utf-8").unwrap().places;
    places.iter().map(|(place, class)| format!("{place} {class}")).collect()
}

#[test]
fn labels_are_found_wherever_a_schema_can_hold_them() {
    let pan = || json!({ "type": "string", "x-data-class": "pan" });
    let check = |schema: Value, expected: &[&str]| {
        let text = schema.to_string();
        assert_eq!(
            places(schema, json!({ "Card": { "properties": { "number": pan() } } })),
            expected,
            "{text}"
        );
    };
    check(pan(), &["$ pan"]);
    check(json!({ "properties": { "a": pan(), "b": {} } }), &["$.a pan"]);
    check(json!({ "properties": { "a b": pan(), "it's": pan() } }), &["$['a b'] pan", "$[\"it's\"] pan"]);
    check(json!({ "properties": { "it's \"x\"": pan() } }), &["$[*] pan"]);
    check(json!({ "$ref": "#/components/schemas/Card" }), &["$.number pan"]);
    check(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Card" } }), &["$[*].number pan"]);
    check(json!({ "prefixItems": [{}, pan()] }), &["$[1] pan"]);
    check(json!({ "additionalProperties": { "$ref": "#/components/schemas/Card" } }), &["$[*].number pan"]);
    check(json!({ "patternProperties": { "^x": pan() } }), &["$[*] pan"]);
    check(json!({ "properties": { "a": { "additionalProperties": pan() } } }), &["$.a[*] pan"]);
    for word in ["allOf", "anyOf", "oneOf"] {
        let some = json!({ word: [{ "properties": { "a": pan() } }, { "properties": { "b": { "writeOnly": true } } }] });
        check(some, &["$.a pan", "$.b secret"]);
    }
    check(json!({ "if": {}, "then": { "properties": { "a": pan() } } }), &["$.a pan"]);
    check(json!({ "not": { "properties": { "a": pan() } } }), &[]);
    check(
        json!({ "properties": { "example": pan(), "default": pan() } }),
        &["$.default pan", "$.example pan"],
    );
    check(json!({ "example": { "x-data-class": "pan" } }), &[]);
    check(
        json!({ "contentMediaType": "application/json", "contentSchema": { "$ref": "#/components/schemas/Card" } }),
        &["$ pan"],
    );
    check(
        json!({ "properties": { "n": { "format": "credit-card" }, "m": { "format": "pan" } } }),
        &["$.m pan", "$.n pan"],
    );
    check(
        json!({ "properties": { "p": { "format": "password" }, "q": { "format": "date" } } }),
        &["$.p secret"],
    );
    check(
        json!({ "properties": { "c": { "x-data-class": "shoe_size", "writeOnly": true } } }),
        &["$.c shoe_size"],
    );
    check(json!({ "properties": { "a": true, "b": false } }), &[]);
    check(
        json!({ "properties": { "a": { "$ref": "#/components/schemas/Card", "x-data-class": "secret" } } }),
        &["$.a secret", "$.a.number pan"],
    );
}

#[test]
fn a_schema_that_holds_itself_is_labelled_by_name_at_any_depth() {
    let schemas = json!({ "Node": { "properties": {
        "number": { "x-data-class": "pan" },
        "codes": { "type": "array", "items": { "x-data-class": "sad" } },
        "next": { "$ref": "#/components/schemas/Node" },
    } } });
    let node = json!({ "$ref": "#/components/schemas/Node" });
    assert_eq!(places(node, schemas), ["$..codes sad", "$..number pan"]);
    let schemas = json!({ "Tree": { "anyOf": [
        { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } }, { "x-data-class": "pan" }] } });
    assert_eq!(places(json!({ "$ref": "#/components/schemas/Tree" }), schemas), ["$ pan"]);
}

#[test]
fn what_may_stand_in_the_place_of_a_schema_with_a_discriminator_counts() {
    let made = json!({ "allOf": [{ "$ref": "#/components/schemas/Method" }, { "properties": { "number": { "x-data-class": "pan" } } }] });
    let by_name = json!({ "Method": { "properties": { "kind": {} }, "discriminator": { "propertyName": "kind" } }, "Card": made });
    let method = || json!({ "$ref": "#/components/schemas/Method" });
    assert_eq!(places(method(), by_name), ["$..number pan"]);
    let mapped = json!({ "Method": { "discriminator": { "propertyName": "kind", "mapping": { "card": "Card" } } },
        "Card": { "properties": { "number": { "x-data-class": "pan" } } } });
    assert_eq!(places(method(), mapped), ["$.number pan"]);
}

fn labelled() -> Document {
    let card = json!({ "$ref": "#/components/schemas/Card" });
    let error = json!({ "properties": { "detail": { "x-data-class": "shoe_size" } } });
    let document = json!({ "openapi": "3.0.3",
        "components": { "schemas": { "Card": { "properties": { "number": { "x-data-class": "pan" } } } } },
        "paths": { "/a": { "get": {
            "parameters": [
                { "name": "filter", "in": "query", "style": "deepObject", "schema": { "type": "object" } },
                { "name": "page", "in": "query", "schema": { "type": "object", "properties": { "after": {}, "holder": { "x-data-class": "cardholder_name" } } } },
                { "name": "X-Card", "in": "header", "schema": { "format": "pan" } },
            ],
            "responses": {
                "200": { "content": { "application/json": { "schema": card }, "text/csv": {}, "application/xml": { "schema": card } },
                         "headers": { "X-Session": { "schema": { "x-data-class": "secret" } } } },
                "4XX": { "content": { "application/problem+json": { "schema": error } } },
                "default": {},
            } } } } });
    read(&document, "").unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

#[test]
fn answers_are_labelled_by_status_and_type_and_by_all_that_it_could_be_where_that_is_not_sure() {
    let document = labelled();
    let Found::Operation(place) = document.find(&Method::GET, "/a") else { panic!() };
    let answered = |status: u16, kind: Option<&str>| {
        let answered = place.operation.answered(StatusCode::from_u16(status).unwrap(), kind);
        let classes: Vec<&str> =
            answered.labels.iter().map(|rule| rule.class.as_ref().unwrap().as_str()).collect();
        format!("{}{}", classes.join(" "), if answered.is_elsewhere { " elsewhere" } else { "" })
    };
    assert_eq!(answered(200, Some("application/json; charset=utf-8")), "pan");
    assert_eq!(answered(200, Some("APPLICATION/JSON")), "pan");
    assert_eq!(answered(200, Some("application/xml")), "pan pan elsewhere");
    // What says that it is a table may be anything.
    assert_eq!(answered(200, Some("text/csv")), "pan pan elsewhere");
    assert_eq!(answered(200, Some("text/html")), "pan pan elsewhere");
    assert_eq!(answered(502, Some("text/html")), "");
    assert_eq!(answered(200, None), "pan pan");
    assert_eq!(answered(404, Some("application/problem+json")), "shoe_size");
    assert_eq!(answered(500, Some("application/json")), "");
    assert_eq!(place.operation.answered(StatusCode::OK, None).headers.len(), 1);
    let classes: Vec<String> = document.classes(None).iter().map(ToString::to_string).collect();
    assert_eq!(classes, ["pan", "shoe_size"]);
    assert_eq!(document.classes(Some(place.operation)).len(), 3);
}

#[test]
fn fields_of_a_query_are_known_by_their_parameters() {
    let document = labelled();
    let Found::Operation(place) = document.find(&Method::GET, "/a") else { panic!() };
    let of = |field: &str| place.operation.of_query(field).map(|it| it.classes.clone());
    assert_eq!(of("filter[status]"), Some(Vec::new()));
    assert_eq!(of("filter"), Some(Vec::new()));
    assert_eq!(of("filters"), None);
    assert_eq!(of("after"), Some(Vec::new()));
    assert_eq!(of("holder"), Some(vec![DataClass::CardholderName]));
    assert_eq!(of("page"), None);
    assert_eq!(of("X-Card"), None);
}

#[test]
fn the_document_of_a_large_public_api_is_read_and_each_of_its_operations_found() {
    let packed = include_bytes!("../../../../corpora/openapi/github.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let it = read(&written, "").unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let mut operations = 0;
    for (template, item) in written["paths"].as_object().unwrap() {
        // As a client fills them in: each parameter with what no other path has.
        let parts = template
            .split('{')
            .map(|part| part.split_once('}').map_or(part.to_owned(), |(_, text)| format!("q9{text}")));
        let path: String = parts.collect();
        for (word, operation) in item.as_object().unwrap().iter().filter(|(word, _)| *word != "parameters") {
            let method = Method::from_bytes(word.to_uppercase().as_bytes()).unwrap();
            let Found::Operation(place) = it.find(&method, &path) else { panic!("{method} {path}") };
            assert_eq!(*place.operation.id, operation["operationId"]);
            operations += 1;
        }
    }
    assert_eq!(it.operations(), operations);
    finds(
        &it,
        "/repos/o/r/compare/main...topic",
        "/repos/{owner}/{repo}/compare/{base}...{head} owner=o repo=r base=main head=topic",
    );
    finds(&it, "/user/repos", "/user/repos");
    finds(&it, "/repos/o/r/pulls/comments/comments", "several");
    finds(&it, "/repos/o/r/contents/a/b", "nothing");
    assert!(it.labels(None).is_empty());
}

/// What stands under a label in the documents that a schema describes.
const HIDDEN: &str = "hidden-under-a-label";

/// A schema with labels, and a document that it describes.
fn described(depth: u32) -> BoxedStrategy<(Value, Value)> {
    let leaf = prop_oneof![
        Just((json!({}), json!("shown"))),
        Just((json!({ "type": "integer" }), json!(7))),
        Just((json!({ "x-data-class": "secret" }), json!(HIDDEN))),
        Just((json!({ "writeOnly": true }), json!({ "deep": [HIDDEN] }))),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let name = prop_oneof![Just("a"), Just("b"), Just("a b"), Just("c'd"), Just("e'\"f"), Just("")];
    let inner = move || described(depth - 1);
    let members = prop::collection::btree_map(name.clone(), inner(), 1..3).prop_map(|members| {
        let schemas: Value = members
            .iter()
            .map(|(name, (schema, _))| ((*name).to_owned(), schema.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let values: Value = members
            .iter()
            .map(|(name, (_, value))| ((*name).to_owned(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        (json!({ "properties": schemas }), values)
    });
    prop_oneof![
        leaf,
        members.clone(),
        (inner(), 1..3usize)
            .prop_map(|((schema, value), times)| (json!({ "items": schema }), json!(vec![value; times]))),
        (inner(), name).prop_map(|((schema, value), name)| (
            json!({ "additionalProperties": schema }),
            json!({ name: value })
        )),
        (inner(), inner())
            .prop_map(|(one, two)| (json!({ "prefixItems": [one.0, two.0] }), json!([one.1, two.1]))),
        (inner(), inner()).prop_map(|(one, two)| (json!({ "oneOf": [one.0, two.0] }), two.1)),
        (members.clone(), members).prop_map(|(one, two)| (json!({ "allOf": [one.0, two.0] }), one.1)),
        // Its place is taken by what it refers to, which may be the whole again.
        inner().prop_map(|(schema, value)| (
            json!({ "anyOf": [schema, { "$ref": "#/components/schemas/Whole" }] }),
            value
        )),
    ]
    .boxed()
}

proptest! {
    #[test]
    fn nothing_that_a_schema_labels_is_left_in_what_it_describes((schema, value) in described(4), is_whole: bool) {
        // Where nothing refers to it, the schema holds itself no more.
        let schemas = if is_whole { json!({ "Whole": schema.clone() }) } else { json!({ "Whole": {} }) };
        let document = json!({ "openapi": "3.1.0", "components": { "schemas": schemas }, "paths": { "/a": { "get": {
            "responses": { "200": { "content": { "application/json": { "schema": schema } } } } } } } });
        let document = read(&document, "").unwrap();
        let Found::Operation(place) = document.find(&Method::GET, "/a") else { panic!() };
        let sure = place.operation.answered(StatusCode::OK, Some("application/json")).labels;
        for labels in [sure, document.labels(None)] {
            let rules: Vec<JsonRule> = labels.iter().map(|rule| rule.rule.clone()).collect();
            let text = value.to_string();
            let masked = Masker::new(Profile::Last4).json(text.as_bytes(), &rules);
            let told = masked.map_or(text, |masked| String::from_utf8(masked.bytes).unwrap());
            prop_assert!(!told.contains(HIDDEN), "{told} by {rules:?}");
        }
    }

    #[test]
    fn a_path_is_of_one_operation_at_most_and_of_the_most_concrete(
        templates in prop::collection::btree_set("(/(a|b|[{]x[}]|a[{]x[}]|[{]x[}]b)){1,3}", 1..8),
        path in "(/(a|b|ab|aab|c)){1,3}",
    ) {
        let unnamed = |template: &str| template.split('/').enumerate().map(|(at, segment)| segment.replace('x', &format!("x{at}"))).collect::<Vec<_>>().join("/");
        let templates: Vec<String> = templates.iter().map(|template| unnamed(template)).collect();
        let names: Vec<&str> = templates.iter().map(String::as_str).collect();
        let document = document(gets(&names));
        let alone = |template: &str| found(&super::tests::document(gets(&[template])), Method::GET, &path);
        let fitting: Vec<&&str> = names.iter().filter(|template| alone(template) != "nothing").collect();
        match document.find(&Method::GET, &path) {
            Found::Nothing => prop_assert!(fitting.is_empty()),
            Found::Several => prop_assert!(fitting.len() > 1),
            Found::Operation(place) => {
                prop_assert!(fitting.iter().any(|template| ***template == *place.route));
                let concrete = |template: &str| template.split('/').map(|segment| !segment.contains('{')).collect::<Vec<_>>();
                let own = concrete(place.route);
                for other in fitting {
                    prop_assert!(concrete(other).iter().zip(&own).all(|(other, own)| own >= other), "{other}");
                }
            }
        }
    }

    #[test]
    fn no_document_is_too_odd_to_be_read(document in odd()) {
        let whole = json!({ "openapi": "3.1.0", "paths": { "/a/{x}": { "get": document.clone() }, "/b": document.clone() }, "components": { "schemas": { "A": document } } });
        _ = read(&whole, "/b");
    }
}

/// JSON of the words of documents, in no order.
fn odd() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "$ref",
        "properties",
        "items",
        "allOf",
        "discriminator",
        "mapping",
        "content",
        "application/json",
        "schema",
        "parameters",
        "name",
        "in",
        "responses",
        "200",
        "default",
        "headers",
        "servers",
        "url",
        "variables",
        "enum",
        "x-data-class",
        "get",
        "requestBody",
        "style",
        "additionalProperties",
        "prefixItems",
        "contentSchema",
        "type",
        "format",
        "operationId",
    ]);
    let text = prop_oneof![
        Just(json!("#/components/schemas/A")),
        Just(json!("#")),
        Just(json!("#/paths/~1b")),
        Just(json!("pan")),
        Just(json!("query")),
        Just(json!("deepObject")),
        Just(json!("object")),
        Just(json!("{v}/a")),
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(1.5)),
    ];
    text.prop_recursive(6, 64, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(word.clone(), inner, 0..4).prop_map(|all| all
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}
