use access::DataClass;

use super::*;
use crate::{JsonPath, Profile};

#[test]
fn a_part_is_masked_as_in_the_whole() {
    let mut place = place(&[]);
    place.enter(true);
    place.member(b"items");
    place.enter(false);
    masks(&mut place, r#"{"pan":"4111111111111111"}"#, r#"{"pan":"************1111"}"#);
    masks(&mut place, "4111111111111111", r#""************1111""#);
    passes(&mut place, r#"{"n":4222222222222}"#);
    assert!(!place.leave());
    assert!(!place.leave());
    assert_eq!(place.depth(), 0);
}

#[test]
fn rules_are_held_against_the_whole_way() {
    let rules = [("$.a[1].pan", "pan"), ("$..key", "secret"), ("$.b", "sad"), ("$.c", "not_pan")];
    let mut place = place(&rules);
    place.enter(true);
    place.member(b"\\u0061");
    place.enter(false);
    passes(&mut place, r#"{"pan":"x"}"#);
    masks(&mut place, r#"{"pan":"x","key":7}"#, r#"{"pan":"****","key":"****"}"#);
    place.leave();
    place.member(b"b");
    assert_eq!(place.replaced().as_deref(), Some(b"null".as_slice()));
    place.skip();
    place.member(b"c");
    assert_eq!(place.spared(b"[1]", 0..3).first(), Some(&(0..3)));
    passes(&mut place, "4111111111111111");
    place.member(b"d");
    assert_eq!(place.replaced(), None);
    assert!(place.spared(b"[1]", 0..3).is_empty());
}

#[test]
fn names_above_and_beside_count_for_a_part() {
    let mut place = place(&[]);
    place.enter(true);
    place.member(b"card_number");
    place.enter(false);
    masks(&mut place, "4222222222222", r#""*********2222""#);
    place.leave();
    place.member(b"cvv");
    let part = place.judge(b"\"123\"", 0..5, false).unwrap();
    assert!(part.masked.unwrap().sad);
}

#[test]
fn what_hangs_on_names_that_are_to_come_is_taken_for_granted_of_a_number_and_noted_of_a_code() {
    let mut whole = place(&[]);
    whole.enter(true);
    whole.member(b"code");
    passes(&mut whole, "\"123\"");
    whole.member(b"n");
    masks(&mut whole, "4222222222222", r#""*********2222""#);
    whole.member(b"number");
    masks(&mut whole, "\"4111111111111111\"", "\"************1111\"");
    whole.member(b"exp");
    passes(&mut whole, "\"12/29\"");
    assert!(whole.leave());
    let mut place = place(&[]);
    place.enter(true);
    place.member(b"code");
    passes(&mut place, "\"404\"");
    assert!(!place.leave());
}

#[test]
fn what_surrounds_a_part_are_words_about_it() {
    let text = b"a card: 4222222222222";
    let place = place(&[]);
    assert!(place.judge(text, 8..21, false).unwrap().masked.is_some());
    assert!(place.judge(&text[8..], 0..13, false).unwrap().masked.is_none());
    assert!(place.judge(&text[8..], 0..13, true).unwrap().masked.is_some());
    assert!(place.judge(text, 8..20, false).is_none(), "that is not all of it");
}

#[test]
fn a_long_string_goes_as_the_rules_and_names_say() {
    let long = |rules: &[(&str, &str)], name: &[u8], begun: &[u8]| {
        let mut place = place(rules);
        place.enter(true);
        place.member(name);
        match place.long(begun, 0..begun.len(), false) {
            JsonLong::Whole(mask) => str::from_utf8(&mask).unwrap().to_owned(),
            JsonLong::Passes => "passes".to_owned(),
            JsonLong::Sad => "sad".to_owned(),
            JsonLong::Scanned(mut stream) => {
                let mut told = Vec::new();
                stream.push(begun, &mut told);
                stream.finish(&mut told);
                String::from_utf8(told).unwrap()
            }
        }
    };
    assert_eq!(long(&[], b"note", b"4111111111111111\\n"), "************1111\\n");
    assert_eq!(long(&[], b"pan", b"411"), "\"****\"");
    assert_eq!(long(&[], b"track2", b"4111111111111112D29121010000"), "sad");
    assert_eq!(long(&[("$.x", "sad")], b"x", b"411"), "null");
    assert_eq!(long(&[("$.x", "own")], b"x", b"411"), "\"****\"");
    assert_eq!(long(&[("$.x", "not_pan")], b"x", b"411"), "passes");
}

fn place(rules: &[(&str, &str)]) -> JsonPlace {
    let rules = rules.iter().map(|(path, class)| match (JsonPath::parse(path).unwrap(), *class) {
        (path, "not_pan") => JsonRule::not_pan(path),
        (path, "own") => JsonRule::new(path, DataClass::Secret),
        (path, class) => JsonRule::new(path, class.parse().unwrap()),
    });
    JsonPlace::new(Masker::new(Profile::Last4), rules.collect())
}

fn masks(place: &mut JsonPlace, text: &str, expected: &str) {
    let part = place.judge(text.as_bytes(), 0..text.len(), false).unwrap();
    assert_eq!(part.masked.as_ref().map(|masked| str::from_utf8(&masked.bytes).unwrap()), Some(expected));
    place.pass(&part);
}

fn passes(place: &mut JsonPlace, text: &str) {
    let part = place.judge(text.as_bytes(), 0..text.len(), false).unwrap();
    assert!(part.masked.is_none(), "{text}");
    place.pass(&part);
}
