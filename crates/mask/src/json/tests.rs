use super::*;

use crate::Profile;

#[test]
fn card_numbers_in_strings_are_masked_in_place() {
    scans(r#"{"a": "pay 4111 1111 1111 1111 now"}"#, r#"{"a": "pay **** **** **** 1111 now"}"#);
    scans(r#"["4111111111111111",1]"#, r#"["************1111",1]"#);
}

#[test]
fn a_number_that_is_a_card_number_becomes_a_string() {
    scans(r#"{"n": 4111111111111111}"#, r#"{"n": "************1111"}"#);
    scans(r#"[4111111111111111.00]"#, r#"["************1111.00"]"#);
    scans(r#"[4.000056655665556e15]"#, r#"["*.***************e15"]"#);
}

#[test]
fn a_number_of_a_weaker_brand_counts_under_a_telling_name() {
    scans(r#"{"card_number": 4222222222222}"#, r#"{"card_number": "*********2222"}"#);
    passes(r#"{"sequence": 4222222222222}"#);
}

#[test]
fn names_of_members_are_scanned_too() {
    scans(r#"{"4111111111111111": true}"#, r#"{"************1111": true}"#);
}

#[test]
fn escapes_hide_nothing_and_stay_valid() {
    scans(r#"["\u0034111111111111111"]"#, r#"["\u002a***********1111"]"#);
    scans(r#"["4111\/1111\/1111\/1111"]"#, r#"["****\/****\/****\/1111"]"#);
    scans(r#"["4111\u00a01111\u00a01111\u00a01111"]"#, r#"["****\u00a0****\u00a0****\u00a01111"]"#);
    scans(r#"["\u00e94111111111111111"]"#, r#"["\u00e9************1111"]"#);
    scans(r#"["\b34313131313131313131313131313131"]"#, r#"["\b********************************"]"#);
}

#[test]
fn a_number_in_a_long_string_without_escapes_is_found() {
    let long = "no escape at all, ".repeat(100);
    for (before, after) in [("", &*long), (&*long, ""), (&*long, &*long)] {
        let string = |number: &str| format!(r#"["{before}{number}, {after}"]"#);
        scans(&string("4111111111111111"), &string("************1111"));
        scans(&string("4111 1111 1111 1111"), &string("**** **** **** 1111"));
    }
}

#[test]
fn json_within_json_is_scanned() {
    scans(r#"{"body": "{\"pan\":\"4111111111111111\"}"}"#, r#"{"body": "{\"pan\":\"************1111\"}"}"#);
}

#[test]
fn arrays_of_numbers_stay_numbers() {
    passes("[4,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]");
    passes("[4111,1111,1111,1111]");
}

#[test]
fn clean_documents_pass() {
    passes(r#"{"id": 12, "when": "2026-11-22T21:28:00Z", "trace": "550e8400-e29b-41d4-a716-446655440000"}"#);
    passes("not json at all");
    passes("");
}

#[test]
fn what_is_not_json_is_masked_as_text() {
    scans("{'pan': 4111111111111111}", "{'pan': ************1111}");
    scans(r#"{"pan": "4111111111111111""#, r#"{"pan": "************1111""#);
    scans(r#"{"a": 1} {"b": "4111111111111111"}"#, r#"{"a": 1} {"b": "************1111"}"#);
}

#[test]
fn what_is_not_json_is_hidden_where_rules_cannot_be_applied() {
    ruled("cvv=123", &[("$.cvv", "sad")], r#""****""#);
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    ruled(&deep, &[("$.cvv", "sad")], r#""****""#);
}

#[test]
fn a_track_in_a_string_is_sad() {
    let masked = mask(MASKER, br#"{"t": ";4111111111111111=29121010000000000?"}"#, &[]).unwrap();
    assert!(masked.sad);
    assert_eq!(str::from_utf8(&masked.bytes).unwrap(), format!(r#"{{"t": ";{}"}}"#, "*".repeat(35)));
}

#[test]
fn a_labelled_card_number_is_truncated_whatever_its_check_digit() {
    let rules = [("$.card.number", "pan")];
    ruled(r#"{"card":{"number":"4111111111111112"}}"#, &rules, r#"{"card":{"number":"************1112"}}"#);
    ruled(r#"{"card":{"number":4111111111111112}}"#, &rules, r#"{"card":{"number":"************1112"}}"#);
    ruled(r#"{"card":{"number":"tok_1x"}}"#, &rules, r#"{"card":{"number":"****"}}"#);
    ruled(
        r#"{"card":{"number":"4111\u00201111 11111111"}}"#,
        &rules,
        r#"{"card":{"number":"**** **** ****1111"}}"#,
    );
    ruled(
        r#"{"card":{"number":["4111111111111112",7,null,true]}}"#,
        &rules,
        r#"{"card":{"number":["************1112","****",null,"****"]}}"#,
    );
    ruled_passes(r#"{"card":{"number":null}}"#, &rules);
    ruled_passes(r#"{"card":{"number":"************1112"}}"#, &rules);
}

#[test]
fn labelled_sad_becomes_null_and_all_else_the_whole_mask() {
    let rules = [("$..cvv", "sad"), ("$.holder", "cardholder_name"), ("$.key", "secret"), ("$.odd", "own")];
    ruled(
        r#"{"a":[{"cvv":"123"},{"cvv":{"deep":[1,"2"]}}],"holder":"Ada","key":{"cvv":1},"odd":7,"n":1}"#,
        &rules,
        r#"{"a":[{"cvv":null},{"cvv":null}],"holder":"****","key":"****","odd":"****","n":1}"#,
    );
    ruled_passes(r#"{"a":{"cvv":null},"holder":"****"}"#, &rules);
}

#[test]
fn the_strictest_of_several_rules_holds() {
    ruled(
        r#"{"x":"4111111111111111"}"#,
        &[("$.x", "pan"), ("$..x", "sad"), ("$.*", "secret")],
        r#"{"x":null}"#,
    );
    ruled(r#"{"x":{"y":"1","z":2}}"#, &[("$.x", "pan"), ("$.x.y", "sad")], r#"{"x":{"y":null,"z":"****"}}"#);
}

#[test]
fn paths_mean_what_they_say() {
    let at = |path: &str, text: &str, expected: &str| ruled(text, &[(path, "sad")], expected);
    at("$", r#"{"a":1}"#, "null");
    at(
        "$.cards[*].pan",
        r#"{"cards":[{"pan":1},{"pan":2}],"pan":3}"#,
        r#"{"cards":[{"pan":null},{"pan":null}],"pan":3}"#,
    );
    at("$[1]", "[1,2,3]", "[1,null,3]");
    at("$['a b'][\"c.d\"]", r#"{"a b":{"c.d":1}}"#, r#"{"a b":{"c.d":null}}"#);
    at("$..*", r#"{"a":[1]}"#, r#"{"a":null}"#);
    at("$.a..b", r#"{"b":1,"a":{"x":[{"b":2}]}}"#, r#"{"b":1,"a":{"x":[{"b":null}]}}"#);
    at("$..[0]", "[[1,2],3]", "[null,3]");
    at("$.café", r#"{"caf\u00e9":1}"#, r#"{"caf\u00e9":null}"#);
    at("$.a", r#"{"a":1,"a":2}"#, r#"{"a":null,"a":null}"#);
}

#[test]
fn what_is_no_path_is_told_what_to_write() {
    for wrong in ["", "card.number", "$.", "$..", "$x", "$[", "$[-1]", "$['a", "$.a b", "$[?(@.a)]", "$.a["] {
        let why = JsonPath::parse(wrong).unwrap_err().to_string();
        assert!(why.contains("$.card.number"), "{wrong}: {why}");
    }
}

#[test]
fn a_name_above_counts_for_all_that_is_below_however_far_it_is() {
    let far = " ".repeat(100);
    scans(
        &format!(r#"{{"card_number":{far}4222222222222}}"#),
        &format!(r#"{{"card_number":{far}"*********2222"}}"#),
    );
    scans(r#"{"cardNumbers": ["x", ["4222222222222"]]}"#, r#"{"cardNumbers": ["x", ["*********2222"]]}"#);
    let note = "n".repeat(100);
    scans(
        &format!(r#"{{"card":{{"note":"{note}","number":4222222222222}}}}"#),
        &format!(r#"{{"card":{{"note":"{note}","number":"*********2222"}}}}"#),
    );
    passes(&format!(r#"{{"card":{{"id":1}},"note":"{note}","sequence":4222222222222}}"#));
}

#[test]
fn names_beside_a_number_count_for_it_before_and_behind() {
    let note = "n".repeat(100);
    for beside in
        [r#""exp_month":12"#, r#""cardholderName":"A""#, r#""card_brand":"visa""#, r#""expiry":"12/29""#]
    {
        scans(
            &format!(r#"{{"number":4222222222222,"note":"{note}",{beside}}}"#),
            &format!(r#"{{"number":"*********2222","note":"{note}",{beside}}}"#),
        );
        scans(
            &format!(r#"[{{{beside},"note":"{note}","number":"4222222222222"}}]"#),
            &format!(r#"[{{{beside},"note":"{note}","number":"*********2222"}}]"#),
        );
    }
    // What stands in another object, or says nothing of cards, does not.
    passes(&format!(r#"{{"a":{{"exp_month":12}},"note":"{note}","number":4222222222222}}"#));
    passes(&format!(r#"{{"expiry":"2029-12-01","brand":"Oats","note":"{note}","ean":4222222222222}}"#));
}

#[test]
fn a_number_of_an_issuer_under_a_card_numbers_name_needs_no_right_check_digit() {
    scans(r#"{"card_number":"4111 1111 1111 1112"}"#, r#"{"card_number":"**** **** **** 1112"}"#);
    scans(r#"{"pan":4111111111111112}"#, r#"{"pan":"************1112"}"#);
    scans(r#"{"pan":["8600123456789012"]}"#, r#"{"pan":["************9012"]}"#);
    passes(r#"{"pan":"9912345678901234","number":"4111111111111112"}"#);
    passes(r#"{"card_number":"tok_4111111111111112","pan_hash":"4111111111111112"}"#);
}

#[test]
fn a_card_code_or_a_pin_block_under_its_name_is_sad_and_becomes_null() {
    sad(r#"{"cvv":"123","a":1}"#, r#"{"cvv":null,"a":1}"#);
    sad(r#"{"cvv":123}"#, r#"{"cvv":null}"#);
    sad(r#"{"card":{"cvc2":"1234"}}"#, r#"{"card":{"cvc2":null}}"#);
    sad(r#"{"cvv":["123",null,"45"]}"#, r#"{"cvv":[null,null,"45"]}"#);
    sad(r#"{"CVV":{"value":"123"}}"#, r#"{"CVV":{"value":null}}"#);
    sad(r#"{"\u0063vv":"\u0031\u0032\u0033"}"#, r#"{"\u0063vv":null}"#);
    sad(r#"{"pinBlock":"0412AC89ABCDEF67"}"#, r#"{"pinBlock":null}"#);
    sad(r#"{"track2":"4111111111111112D29121010000"}"#, r#"{"track2":null}"#);
    for harmless in [
        r#"{"cvv":null}"#,
        r#"{"cvv":""}"#,
        r#"{"cvv":"***"}"#,
        r#"{"cvv":true}"#,
        r#"{"cvv":"M"}"#,
        r#"{"cvv_result":"100"}"#,
        r#"{"cvc":{"check":"pass","attempts":123}}"#,
        r#"{"pin_block":"see HSM"}"#,
        r#"{"track1":"Hey Jude"}"#,
        r#"{"cid":101}"#,
        r#"{"code":404}"#,
        r#"{"pin":"1234"}"#,
        r#"{"note":"123"}"#,
    ] {
        passes(harmless);
    }
}

#[test]
fn what_may_be_a_code_is_one_beside_card_data() {
    sad(
        r#"{"security_code":"123","number":"4111111111111111"}"#,
        r#"{"security_code":null,"number":"************1111"}"#,
    );
    sad(
        r#"{"pin":"1234","card_number":"************1111"}"#,
        r#"{"pin":null,"card_number":"************1111"}"#,
    );
    sad(r#"[{"csc":1234,"exp_year":2029}]"#, r#"[{"csc":null,"exp_year":2029}]"#);
    sad(
        r#"{"number":"4111111111111111","exp":"12/29","code":"123"}"#,
        r#"{"number":"************1111","exp":"12/29","code":null}"#,
    );
    sad(
        r#"{"cid":["123"],"ccNumber":"x","nameOnCard":"A"}"#,
        r#"{"cid":[null],"ccNumber":"x","nameOnCard":"A"}"#,
    );
    scans(
        r#"{"code":200,"card_number":"4111111111111111"}"#,
        r#"{"code":200,"card_number":"************1111"}"#,
    );
    passes(r#"{"cid":101,"name":"A","card_number":"************1111"}"#);
    passes(r#"{"pin":"1234","expires_at":"2029-01-01"}"#);
    passes(r#"{"orders":[{"card_number":null}],"pin":"1234"}"#);
}

#[test]
fn what_the_masker_knows_of_the_document_counts_in_it() {
    let under = |meaning| MASKER.under(Some(meaning));
    let masked = under(Meaning::CardCode).json(b"[\"123\"]", &[]).unwrap();
    assert!(masked.sad && masked.bytes == b"[null]");
    let masked = under(Meaning::Pan).json(b"4222222222222", &[]).unwrap();
    assert_eq!(masked.bytes, b"\"*********2222\"");
    let masked = MASKER.about_cards(true).json(br#"{"n":4222222222222}"#, &[]).unwrap();
    assert_eq!(masked.bytes, br#"{"n":"*********2222"}"#);
}

#[test]
fn what_is_labelled_no_card_data_is_not_judged() {
    let rules = [("$.trace", "not_pan"), ("$.trace.card", "pan")];
    ruled(
        r#"{"trace":{"id":"4111111111111111","cvv":"123","card":"4111111111111111"},"id":"4111111111111111"}"#,
        &rules,
        r#"{"trace":{"id":"4111111111111111","cvv":"123","card":"************1111"},"id":"************1111"}"#,
    );
    ruled_passes(r#"{"trace":{"4111111111111111":1}}"#, &rules);
    ruled(r#"{"a":{"b":"x"}}"#, &[("$.a", "secret"), ("$.a.b", "not_pan")], r#"{"a":"****"}"#);
    ruled("pan 4111111111111111", &[("$.a", "not_pan")], "pan ************1111");
}

const MASKER: Masker = Masker::new(Profile::Last4);

fn scans(text: &str, expected: &str) {
    ruled(text, &[], expected);
}

/// Checks that `text` is withheld, and what it would be.
fn sad(text: &str, expected: &str) {
    let masked = mask(MASKER, text.as_bytes(), &[]).unwrap_or_else(|| panic!("{text} passes"));
    assert!(masked.sad, "{text}");
    assert_eq!(str::from_utf8(&masked.bytes), Ok(expected), "{text}");
    assert!(mask(MASKER, &masked.bytes, &[]).is_none(), "{text}, again");
}

fn passes(text: &str) {
    ruled_passes(text, &[]);
}

fn ruled(text: &str, rules: &[(&str, &str)], expected: &str) {
    let masked =
        mask(MASKER, text.as_bytes(), &read(rules)).map(|masked| String::from_utf8(masked.bytes).unwrap());
    assert_eq!(masked.as_deref(), Some(expected), "{text}");
}

fn ruled_passes(text: &str, rules: &[(&str, &str)]) {
    let masked =
        mask(MASKER, text.as_bytes(), &read(rules)).map(|masked| String::from_utf8(masked.bytes).unwrap());
    assert_eq!(masked, None);
}

fn read(rules: &[(&str, &str)]) -> Vec<JsonRule> {
    rules
        .iter()
        .map(|(path, class)| match (JsonPath::parse(path).unwrap(), *class) {
            (path, "not_pan") => JsonRule::not_pan(path),
            (path, class) => JsonRule::new(path, class.parse().unwrap()),
        })
        .collect()
}

#[test]
fn escapes_of_escapes_are_read_in_documents_within_documents() {
    let masker = Masker::new(Profile::Last4);
    let digits: String = "4111111111111111".chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let mut document = format!(r#"{{"pan":"{digits}"}}"#);
    for depth in 1..5 {
        document = serde_json::to_string(&serde_json::json!({ "d": document })).unwrap();
        let masked = masker.json(document.as_bytes(), &[]).unwrap_or_else(|| panic!("{depth}: {document}"));
        let told: serde_json::Value = serde_json::from_slice(&masked.bytes).unwrap();
        assert!(told["d"].as_str().unwrap().bytes().all(|byte| byte == b'*'), "{depth}: {told}");
        assert!(!masker.leaves_json(document.as_bytes()));
    }
    for plain in [r#"{"d":"{\"a\":\"caf\\u00e9\"}"}"#, r#"{"d":"C:\\users\\u"}"#] {
        assert_eq!(masker.json(plain.as_bytes(), &[]), None, "{plain}");
    }
}
