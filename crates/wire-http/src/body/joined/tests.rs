mod ordinary;

use mask::{JsonPath, JsonRule, Masker, Profile};

use super::*;
use crate::body::Opaque;

#[test]
fn a_number_over_the_texts_of_content_parts_is_masked_in_any_care() {
    for strict in [false, true] {
        masks(
            strict,
            r#"{"content":[{"type":"text","text":"4000"},{"type":"text","text":"0566"},{"type":"text","text":"5566"},{"type":"text","text":"5556"}]}"#,
            r#"{"content":[{"type":"text","text":"****"},{"type":"text","text":"****"},{"type":"text","text":"****"},{"type":"text","text":"5556"}]}"#,
        );
        masks(
            strict,
            r#"[{"role":"user","content":"4111 1111"},{"role":"user","content":"1111-1111"}]"#,
            r#"[{"role":"user","content":"**** ****"},{"role":"user","content":"****-1111"}]"#,
        );
        passes(strict, r#"[{"text":"4111 1111"},{"text":"and"},{"text":"1111-1111"}]"#);
    }
    passes(false, r#"[{"text":"411"},{"text":"1111"},{"text":"1111"},{"text":"1111"},{"text":"1"}]"#);
    passes(false, r#"[{"x":"4111"},{"x":"1111"},{"x":"1111"},{"x":"1111"}]"#);
    passes(false, r#"["4111","1111","1111","1111"]"#);
}

#[test]
fn a_number_over_values_beside_one_another_is_masked() {
    masks(true, r#"{"v":[400005,665566,5556]}"#, r#"{"v":["******","******","5556"]}"#);
    masks(true, r#"{"a":"40000566","b":"55665556"}"#, r#"{"a":"********","b":"****5556"}"#);
    masks(
        true,
        r#"{"id":"12","a":"40000566","b":"55665556","c":"3"}"#,
        r#"{"id":"12","a":"********","b":"****5556","c":"3"}"#,
    );
    masks(true, r#"["\u0034111","1111","1111","1111"]"#, r#"["****","****","****","1111"]"#);
    masks(
        true,
        "[4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
        r#"["*","*","*","*","*","*","*","*","*","*","*","*","1","1","1","1"]"#,
    );
    masks(
        true,
        r#"[{"p":"4111","x":1},{"p":"1111"},{"p":"1111"},{"p":"1111"}]"#,
        r#"[{"p":"****","x":1},{"p":"****"},{"p":"****"},{"p":"1111"}]"#,
    );
    let two = |zip: &str| format!(r#"[{zip},"4111","1111","1111","1111","4000","0566","5566","5556"]"#);
    let masked = r#"["10115","****","****","****","1111","****","****","****","5556"]"#;
    masks(true, &two("\"10115\""), masked);
    passes(true, r#"{"a":"40000566","n":{"b":"55665556"}}"#);
    passes(true, r#"{"a":"40000566","x":"y","b":"55665556"}"#);
    passes(true, "[1,400005,665566,5556]");
    passes(true, "[4111,1111,1111,1112]");
}

#[test]
fn character_codes_are_read() {
    let codes =
        |text: &str| format!("[{}]", text.bytes().map(|code| code.to_string()).collect::<Vec<_>>().join(","));
    for text in ["4000056655665556", "{\"pan\":\"4111111111111111\"}"] {
        let told = told(true, &codes(text)).unwrap();
        assert!(told.matches("\"****\"").count() == 16, "{told}");
    }
    passes(true, &codes("nothing of that sort"));
    passes(false, &codes("4000056655665556"));
}

#[test]
fn a_value_written_as_nobody_writes_a_number_goes_as_a_whole() {
    for value in [
        "\"6555665566500004\"",
        "\"0xE3607C40AD994\"",
        "\"e3607c40ad994\"",
        &format!("\"0o{:o}\"", 4_000_056_655_665_556_u64),
        &format!("\"{:#b}\"", 4_000_056_655_665_556_u64),
        "\"EAAAAFGGFFGGFFFG\"",
        "\"djjjjeffeeffeeef\"",
        "400005665566555.6e1",
        "-4000056655665556",
        "4000056655665556.0",
        "40000566556655560e-1",
        "\"4.000056655665556E+15\"",
        "\"⁴⁰⁰⁰⁰⁵⁶⁶⁵⁵⁶⁶⁵⁵⁵⁶\"",
        "\"④⓪⓪⓪ ⓪⑤⑥⑥ ⑤⑤⑥⑥ ⑤⑤⑤⑥\"",
        "\"4️⃣0️⃣0️⃣0️⃣0️⃣5️⃣6️⃣6️⃣5️⃣5️⃣6️⃣6️⃣5️⃣5️⃣5️⃣6️⃣\"",
    ] {
        masks(true, &format!("[{value}]"), r#"["****"]"#);
        masks(true, &format!("{{\"x\": {value} }}"), r#"{"x": "****" }"#);
        passes(false, &format!("[{value}]"));
    }
}

#[test]
fn digits_as_words_are_masked_where_they_stand() {
    masks(
        true,
        r#"["it is four zero zero zero, zero five six six\nfive five six six five five five SIX ok"]"#,
        r#"["it is **** **** **** ****, **** **** *** ***\n**** **** *** *** **** **** **** *** ok"]"#,
    );
    passes(true, r#"["one two three four five six seven eight nine zero one two three four"]"#);
    passes(true, r#"["four for zero zero zero, zero five six six five five six six five five five six"]"#);
}

#[test]
fn a_number_among_a_few_more_digits_is_masked_with_them_behind_a_letter() {
    masks(true, r#"{"id":"ord_940000566556655569"}"#, r#"{"id":"ord_******************"}"#);
    masks(true, r#"{"id":"x 1, t14000056655665556 b"}"#, r#"{"id":"x 1, t***************** b"}"#);
    passes(true, r#"{"id":"940000566556655569"}"#);
    passes(true, r#"{"id":"urn:x:940000566556655569"}"#);
}

#[test]
fn what_is_taken_for_one_by_chance_among_many_of_its_form_passes() {
    let list = |values: &[&str]| {
        format!(
            "[{}]",
            values.iter().map(|value| format!("{{\"id\":\"{value}\"}}")).collect::<Vec<_>>().join(",")
        )
    };
    passes(true, &list(&["6555665566500004", "1234567890123456", "1234567890123457"]));
    passes(true, &list(&["e3607c40ad994", "e3607c40ad995", "e3607c40ad996"]));
    masks(
        true,
        &list(&["6555665566500004", "1234567890123456"]),
        r#"[{"id":"****"},{"id":"1234567890123456"}]"#,
    );
}

#[test]
fn what_is_no_card_number_in_any_of_these_passes() {
    for text in [
        "[1.5e300, -0.0, 1e-9, 17000000000000000, 1700000000000.5]",
        r#"["deadbeef", "0x00", "e3607c40ad995", "6555665566500005", "EAAAAFGGFFGGFFFF", "2026-11-29"]"#,
        r#"{"lat":52.5200066,"lon":13.404954,"zip":"10115","years":[2019,2020,2021,2022,2023]}"#,
    ] {
        passes(true, text);
    }
}

#[test]
fn places_that_hold_no_card_data_are_spared_and_so_is_who_may_see_cards() {
    let text = r#"{"a":[400005,665566,5556],"b":["6555665566500004"]}"#;
    let spared =
        Care { rules: vec![JsonRule::not_pan(JsonPath::parse("$.a").unwrap())].into(), ..care(true) };
    let root = JsonPlace::new(spared.masker, spared.rules.clone());
    let told = mask_spared(&spared, &root, text.as_bytes()).unwrap();
    assert_eq!(str::from_utf8(&told.bytes), Ok(r#"{"a":[400005,665566,5556],"b":["****"]}"#));
    assert_eq!(told.found, 1);
    let care = Care { masker: Masker::new(Profile::Last4).sparing_cards(), ..care(true) };
    assert!(mask(&care, text.as_bytes(), false).is_none());
}

#[test]
fn much_beside_one_another_takes_work_in_proportion() {
    // Were it not linear, this would take hours.
    for text in [
        format!("[{}\"4111\"]", "\"4111\",".repeat(100_000)),
        format!("[{}4]", "4,".repeat(200_000)),
        format!("[{}{{}}]", "{\"text\":\"4\",\"b\":\"4111\"},".repeat(50_000)),
        format!("[\"{}\"]", "four one ".repeat(50_000)),
        format!("[{}]", (0..20_000).map(|n| format!("{{\"m{n}\":\"4\"}}")).collect::<Vec<_>>().join(",")),
    ] {
        let _told = mask(&care(true), text.as_bytes(), false);
    }
}

fn care(strict: bool) -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: Vec::new().into(),
        strict,
        opaque: Opaque::Refuse,
        refuses: false,
        echo: crate::echo::Echo::default(),
        seen: None,
        is_json_alone: false,
    }
}

fn told(strict: bool, text: &str) -> Option<String> {
    let care = care(strict);
    let joined = mask(&care, text.as_bytes(), false)?;
    assert!(joined.found > 0);
    assert!(serde_json::from_slice::<serde_json::Value>(&joined.bytes).is_ok(), "JSON stays JSON");
    Some(String::from_utf8(joined.bytes).unwrap())
}

fn masks(strict: bool, text: &str, expected: &str) {
    assert_eq!(told(strict, text).as_deref(), Some(expected), "{text}");
}

fn passes(strict: bool, text: &str) {
    assert_eq!(told(strict, text), None);
}
