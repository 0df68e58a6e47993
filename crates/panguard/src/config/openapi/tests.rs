use std::fmt::Write;
use std::fs;

use wire_http::document::Unknown;

use super::{Openapi, parse};

/// The problems of a document, as `LINE: what`.
fn wrong(name: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    let mut openapi = Openapi { file, unknown: Unknown::Refuse, read: None };
    let problems = openapi.read("").err().map(|problems| problems.0).unwrap_or_default();
    assert_eq!(openapi.document().is_ok(), problems.is_empty());
    problems.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect()
}

const YAML: &str = "openapi: 3.1.0
paths:
  /charges/{id}:
    get:
      operationId: getCharge
      responses:
        200: { description: fine }
        default: { $ref: '#/components/responses/Error' }
components:
  responses:
    Error: { description: not fine }
";

#[test]
fn a_document_is_read_from_yaml_and_json_alike() {
    assert_eq!(wrong("a.yaml", YAML), Vec::<String>::new());
    let json = parse(YAML).unwrap();
    assert_eq!(wrong("a.json", &serde_json::to_string_pretty(&json).unwrap()), Vec::<String>::new());
    assert!(json["paths"]["/charges/{id}"]["get"]["responses"].get("200").is_some());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let changed = |from: &str, to: &str| {
        assert!(YAML.contains(from));
        wrong("a.yaml", &YAML.replacen(from, to, 1))
    };
    assert_eq!(changed("3.1.0", "4.0.0"), ["1: only OpenAPI 3.0 and 3.1 are read; write `openapi: 3.1.0`"]);
    assert_eq!(
        changed("200: {", "20: {"),
        ["7: an answer is known by its status: `\"200\"`, `\"4XX\"` or `default`"]
    );
    assert_eq!(
        changed("responses/Error'", "responses/Eror'"),
        ["8: this reference leads to nothing in the document"]
    );
    assert_eq!(
        changed("{id}", "{id"),
        ["4: a brace in a path opens or closes a parameter, as in `/charges/{id}`"]
    );
    let twice = "      operationId: getCharge\n      operationId: other\n";
    let twice = changed("      operationId: getCharge\n", twice);
    assert!(matches!(twice.as_slice(), [one] if one.starts_with("6: ")), "{twice:?}");
    assert_eq!(
        wrong("a.json", "{\n\"openapi\": \"3.1.0\",\n\"openapi\": \"3.1.0\"}")[0],
        "3: the document is not JSON as it should be: `openapi` stands there twice; keep one of them"
    );
    assert!(
        wrong("a.json", "{\n\"openapi\": }")[0].starts_with("2: the document is not JSON as it should be")
    );
    assert!(wrong("a.yaml", "openapi: [\n")[0].contains("the document is not YAML as it should be"));
    assert_eq!(wrong("a.yaml", ""), ["1: this is no OpenAPI document; it begins with `openapi: 3.1.0`"]);
}

/// On a stack as the gateway's threads have it.
#[test]
fn a_document_without_measure_is_refused() {
    let run = std::thread::Builder::new().stack_size(crate::serve::STACK_BYTES).spawn(without_measure);
    run.unwrap().join().unwrap();
}

fn without_measure() {
    let deep = format!("{}{}", "{\"a\":".repeat(200), "1".to_owned() + &"}".repeat(200));
    assert!(!wrong("a.json", &deep).is_empty());
    let deep: String = (0..200).fold(String::new(), |mut text, depth| {
        writeln!(text, "{}a:", " ".repeat(depth)).unwrap();
        text
    });
    assert!(!wrong("a.yaml", &deep).is_empty());
    // Each alias stands for ten of the one before it.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let before = format!("*a{}, ", at - 1).repeat(10);
        writeln!(bomb, "a{at}: &a{at} [{}]", before.trim_end_matches(", ")).unwrap();
    }
    assert!(!wrong("a.yaml", &bomb).is_empty());
}
