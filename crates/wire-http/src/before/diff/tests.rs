use mask::{Masker, Profile};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn masked(text: &str) -> Tree {
    let masked = Masker::new(Profile::Last4).json(text.as_bytes(), &[]);
    let told = masked.map_or_else(|| text.as_bytes().to_vec(), |masked| masked.bytes);
    Tree::read(text.as_bytes(), &told).unwrap()
}

/// Each difference as a line.
fn lines(was: &str, body: &str, how: How) -> Vec<String> {
    let body = (how != How::Deletes).then(|| masked(body));
    let line = |it: Difference| {
        let told = |text: Option<String>| text.unwrap_or_default();
        match it.change {
            Change::Added => format!("+ {} {}", it.at, told(it.becomes)),
            Change::Removed => format!("- {} {}", it.at, told(it.was)),
            Change::Changed => format!("~ {} {} {}", it.at, told(it.was), told(it.becomes)),
            Change::Set => format!("= {} {}{}", it.at, told(it.was), told(it.becomes)),
        }
    };
    masked(was).differences(body.as_ref(), how).told.into_iter().map(line).collect()
}

const CARD: &str =
    r#"{"id": 7, "holder": "Ada", "tags": ["a", "b"], "limit": {"day": 10, "week": 50}, "note": null}"#;

#[test]
fn a_put_is_the_whole() {
    assert_eq!(
        lines(
            CARD,
            r#"{"id": 7, "holder": "Bea", "tags": ["a", "c", "d"], "limit": {"day": 10}}"#,
            How::Replaces
        ),
        [
            r#"~ /holder "Ada" "Bea""#,
            "- /limit/week 50",
            "- /note null",
            r#"~ /tags/1 "b" "c""#,
            r#"+ /tags/2 "d""#
        ]
    );
    assert_eq!(lines(CARD, CARD, How::Replaces), Vec::<String>::new());
    assert_eq!(
        lines(r#""\u0061""#, r#""a""#, How::Replaces),
        Vec::<String>::new(),
        "the same text, written otherwise"
    );
    assert_eq!(
        lines("9007199254740993", "9007199254740992", How::Replaces),
        ["~  9007199254740993 9007199254740992"],
        "no number is taken for another that is near"
    );
    assert_eq!(lines("[]", r#"{"a/b~c": {}}"#, How::Replaces), ["-  []", "+ /a~1b~0c {}"]);
}

#[test]
fn a_patch_is_what_its_body_names() {
    assert_eq!(
        lines(
            CARD,
            r#"{"holder": "Bea", "note": null, "limit": {"day": null, "month": 90}, "tags": ["b"]}"#,
            How::Merges
        ),
        [
            r#"~ /holder "Ada" "Bea""#,
            "- /limit/day 10",
            "+ /limit/month 90",
            "- /note null",
            r#"~ /tags/0 "a" "b""#,
            r#"- /tags/1 "b""#,
        ]
    );
    assert_eq!(lines(CARD, r#"{"limit": {}}"#, How::Merges), Vec::<String>::new());
    assert_eq!(lines(r#"{"a": 1}"#, r#"{"a": {"b": {"c": null}}}"#, How::Merges), ["- /a 1", "+ /a/b {}"]);
    assert_eq!(lines(CARD, r#"{"holder": null}"#, How::Names), [r#"~ /holder "Ada" null"#]);
}

#[test]
fn what_is_deleted_is_told_as_it_is() {
    assert_eq!(
        lines(r#"{"id": 7, "pan": "4111111111111111"}"#, "", How::Deletes),
        ["- /id 7", r#"- /pan "************1111""#]
    );
}

#[test]
fn whether_a_masked_value_is_the_same_is_not_told() {
    let was = r#"{"pan": "4111111111111111", "note": "paid with 5555555555554444"}"#;
    let same = lines(was, was, How::Replaces);
    assert_eq!(same, [r#"= /note "paid with ************4444""#, r#"= /pan "************1111""#]);
    let other = lines(was, r#"{"pan": "4012888888881881", "note": "paid"}"#, How::Replaces);
    assert_eq!(other, [r#"= /note "paid""#, r#"= /pan "************1881""#]);
    assert_eq!(
        lines(was, r#"{"other": 1}"#, How::Merges),
        ["+ /other 1"],
        "and nothing of what is not named"
    );
    let name = lines(r#"{"4111111111111111": 1}"#, r#"{"4111111111111111": 1}"#, How::Replaces);
    assert_eq!(name, ["= /************1111 1"]);
}

#[test]
fn what_is_masked_as_a_whole_is_one_value() {
    let clear = r#"{"card": {"number": "x", "code": [1, 2]}, "a": 1}"#;
    let whole = Tree::read(clear.as_bytes(), br#"{"card": "********", "a": 1}"#).unwrap();
    let differences = whole.differences(Some(&whole), How::Replaces).told;
    let told: Vec<_> =
        differences.iter().map(|it| (it.at.as_str(), it.change, it.becomes.as_deref())).collect();
    assert_eq!(told, [("/card", Change::Set, Some("\"********\""))]);
}

#[test]
fn what_could_be_read_in_more_than_one_way_is_not_compared() {
    for text in [r#"{"a": 1, "a": 2}"#, r#"{"b": {"a": 1, "\u0061": 2}}"#, "{", "", "{} {}"] {
        assert!(Tree::read(text.as_bytes(), text.as_bytes()).is_err(), "{text}");
    }
}

/// Values in a document that hold no others and are told in clear, by their pointers.
fn leaves(value: &Value, at: &str, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &below(at, name), out));
        }
        Value::Array(elements) => {
            elements
                .iter()
                .enumerate()
                .for_each(|(at_index, value)| leaves(value, &below(at, &at_index.to_string()), out));
        }
        leaf => drop(out.insert(at.to_owned(), leaf.clone())),
    }
}

/// RFC 7396 §2, as it stands there.
fn merge(target: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut members = target.as_object().cloned().unwrap_or_else(Map::new);
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(name)),
            value => {
                let merged = merge(members.get(name).unwrap_or(&Value::Null), value);
                members.insert(name.clone(), merged);
            }
        }
    }
    Value::Object(members)
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i32).prop_map(Value::from),
        "[a-c~/é]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c~/]{1,2}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A document with card numbers in some of its values and names.
fn with_cards() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!("4111111111111111")),
        Just(json!("5555 5555 5555 4444")),
        Just(json!(4_012_888_888_881_881_u64)),
        Just(json!("nothing")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names = prop_oneof![Just("pan"), Just("note"), Just("4111111111111111"), Just("a")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..3).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn the_differences_make_the_one_document_of_the_other(was in documents(), body in documents(), merges in any::<bool>()) {
        let (how, becomes) = match merges {
            true => (How::Merges, merge(&was, &body)),
            false => (How::Replaces, body.clone()),
        };
        let tree = |value: &Value| Tree::read(value.to_string().as_bytes(), value.to_string().as_bytes()).unwrap();
        let (mut made, mut wanted) = (BTreeMap::new(), BTreeMap::new());
        leaves(&was, "", &mut made);
        leaves(&becomes, "", &mut wanted);
        for it in tree(&was).differences(Some(&tree(&body)), how).told {
            let was_there = it.was.map(|was| serde_json::from_str::<Value>(&was).unwrap());
            let is_empty = |value: &Value| matches!(value, Value::Object(_) | Value::Array(_));
            match (it.change, it.becomes.map(|new| serde_json::from_str::<Value>(&new).unwrap())) {
                (Change::Removed, None) => {
                    prop_assert!(was_there.as_ref().is_some_and(is_empty) || made.remove(&it.at) == was_there);
                }
                (Change::Added | Change::Changed, Some(new)) if !is_empty(&new) => {
                    prop_assert_eq!(made.insert(it.at, new), was_there);
                }
                (Change::Added, Some(_)) => {}
                (change, new) => prop_assert!(false, "{:?} {:?}", change, new),
            }
        }
        prop_assert_eq!(made, wanted);
    }

    #[test]
    fn no_card_number_is_told_nor_whether_it_is_another(was in with_cards(), body in with_cards()) {
        for how in [How::Replaces, How::Merges, How::Names, How::Deletes] {
            let told = lines(&was.to_string(), &body.to_string(), how).join("\n");
            for pan in ["4111111111111111", "5555 5555 5555 4444", "4012888888881881"] {
                prop_assert!(!told.contains(pan), "{told}");
            }
            let changed = told.lines().filter(|line| line.starts_with('~'));
            prop_assert!(changed.into_iter().all(|line| !line.contains("****")), "{told}");
        }
    }

    #[test]
    fn any_two_texts_are_compared_or_not(clear in prop::collection::vec(any::<u8>(), 0..40), told in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(tree) = Tree::read(&clear, &told) {
            tree.differences(Some(&tree), How::Merges);
        }
    }
}

#[test]
fn a_document_with_one_long_name_is_no_large_answer() {
    let was = masked(r#"{"a": 1}"#);
    let name = "~".repeat(30_000);
    let body = masked(&format!(r#"{{"{name}": [{}1]}}"#, "1,".repeat(10_000)));
    let found = was.differences(Some(&body), How::Replaces);
    assert_eq!((found.told.len(), found.more), (LINES_MAX, 10_001 + 1 - LINES_MAX));
    assert!(found.told.iter().all(|it| it.at.len() <= 2 * POINTER_BYTES_MAX + 20));
}
