use proptest::prelude::*;

use super::*;
use crate::classes::Classes;
use crate::json::{Treatment, Walk};
use crate::masker::{Masked, Profile};

/// The document with its masks, with and without what is known of whole blocks.
fn both(masker: Masker, text: &str) -> [Option<Masked>; 2] {
    [Calm::default(), Calm::never()].map(|calm| {
        let mut walk = Walk { calm, ..Walk::new(masker, text.as_bytes(), &[]) };
        assert!(walk.document(Treatment::Scan).is_ok(), "{text}");
        walk.finish()
    })
}

fn maskers() -> [Masker; 3] {
    let plain = Masker::new(Profile::Last4);
    let all = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
    [plain, plain.with(Classes { secret: true, ..Classes::default() }), plain.with(all)]
}

/// Names and values of many sorts, as they are written in JSON.
fn leaf() -> impl Strategy<Value = String> {
    let fixed = [
        "4111111111111111",
        "\"4111 1111 1111 1111\"",
        "\"5500-0000-0000-0004\"",
        "378282246310005",
        "4.111111111111111e15",
        "\"NDExMTExMTExMTExMTExMQ==\"",
        "\"34313131313131313131313131313131\"",
        "\"\\u0034111111111111111\"",
        "6759649826438453",
        "\"%B4111111111111111^DOE/JANE^29121010000000000?\"",
        "\"card 4111111111111111 of Jane\"",
        "\"cvv=123\"",
        "123",
        "\"123\"",
        "1234",
        "\"AKIAIOSFODNN7EXAMPLE\"",
        "\"ghp_16C7e42F292c6912E7710c838347Ae178B4a\"",
        "\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
        "\"jane@example.com\"",
        "\"+1 212 555 0123\"",
        "\"DE89370400440532013000\"",
        "\"078-05-1120\"",
        "\"2026-03-14T15:09:26Z\"",
        "\"postgres://app:hunter2secret@db/x\"",
        "17.25",
        "-4111111111111111",
        "\"\"",
        "true",
        "null",
        "\"word\"",
        "2024",
        "20261129",
        "\"4111\"",
        "\"1111\"",
        "99999999",
        "0",
        "\"3f9a61c0-d4e8-4752-9a61-c0d4e8b75212\"",
        "\"\\n\\t4111111111111111\\n\"",
    ];
    prop_oneof![3 => prop::sample::select(fixed.map(str::to_owned).to_vec()), 1 => "\"[0-9a-zA-Z =:/.@+-]{0,40}\"", 1 => "[1-9][0-9]{0,17}"]
}

fn name() -> impl Strategy<Value = String> {
    let names = [
        "id",
        "pan",
        "card",
        "card_number",
        "cvv",
        "cvc",
        "code",
        "exp",
        "expiry",
        "exp_month",
        "holder",
        "name",
        "secret",
        "password",
        "api_key",
        "token",
        "client_secret",
        "aws_secret_access_key",
        "email",
        "phone",
        "iban",
        "ssn",
        "a",
        "note",
        "amount",
        "created",
    ];
    prop::sample::select(names.map(str::to_owned).to_vec())
}

fn document() -> impl Strategy<Value = String> {
    let member =
        (name(), leaf(), "[ ]{0,2}").prop_map(|(name, value, space)| format!("\"{name}\":{space}{value}"));
    let object = prop::collection::vec(member, 0..7).prop_map(|all| format!("{{{}}}", all.join(", ")));
    let list = prop::collection::vec(leaf(), 0..7).prop_map(|all| format!("[{}]", all.join(",")));
    let filler = (0_usize..1200)
        .prop_map(|length| format!("\"{}\"", "some words that say nothing ".repeat(length / 28)));
    let item = prop_oneof![4 => object, 2 => list, 1 => filler];
    prop::collection::vec(item, 1..14).prop_map(|all| format!("[{}]", all.join(",\n")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_known_of_a_whole_document_never_hides_anything(text in document()) {
        for masker in maskers() {
            let [calm, never] = both(masker, &text);
            if masker.leaves_json(text.as_bytes()) {
                prop_assert!(never.is_none(), "{text}");
            }
            prop_assert!(calm == never, "{text}");
        }
    }
}

#[test]
fn a_name_is_read_once_and_known_again() {
    let mut calm = Calm::default();
    let text = b"pan.nap.pan";
    let mut reads = 0;
    for range in [0..3, 4..7, 8..11] {
        calm.name(text, &range, |name| {
            reads += 1;
            Name::of(name)
        });
    }
    assert_eq!(reads, 2);
}

#[test]
fn an_ordinary_document_is_clean_at_a_look() {
    let masker = Masker::new(Profile::Last4).with(Classes { secret: true, ..Classes::default() });
    let ordinary = br#"[{"id": "or_7f3a", "created" : "2026-03-14T15:09:26Z", "amount": 129.5, "customer": {"name": "Ada"}}]"#;
    assert!(masker.leaves_json(ordinary));
    for wary in [
        r#"{"cvv": 123}"#,
        r#"{"cvv" : "123"}"#,
        r#"{"\u0063vv": "123"}"#,
        r#"{"pan": "4111111111111112"}"#,
        r#"{"a": "4111111111111111"}"#,
        r#"{"api_key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"}"#,
    ] {
        let masked = masker.json(wary.as_bytes(), &[]).is_some();
        assert!(!masked || !masker.leaves_json(wary.as_bytes()), "{wary}");
    }
}
