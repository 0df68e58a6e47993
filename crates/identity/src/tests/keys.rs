use serde_json::{Value, json};

use super::mint::{Signer, b64, keys, signer};
use crate::{Algorithm, Keys, KeysError};

fn why_ignored(jwk: Value) -> Option<&'static str> {
    let keys = keys(std::slice::from_ref(&jwk));
    assert_eq!(keys.len() + keys.ignored().len(), 1, "{jwk}");
    keys.ignored().first().map(|ignored| ignored.why)
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

#[test]
fn keys_that_cannot_be_used_are_left_out_with_a_reason() {
    let ed = || signer().jwk();
    let ec = || Signer::new(Algorithm::Es256).jwk();
    let rsa = |bytes: usize, e: &[u8]| json!({ "kty": "RSA", "n": b64(vec![0xff; bytes]), "e": b64(e) });
    let f4 = &[1, 0, 1];
    for (jwk, expected) in [
        (ed(), None),
        (with(ed(), "use", json!("sig")), None),
        (with(ed(), "key_ops", json!(["verify"])), None),
        (with(ed(), "alg", json!("EdDSA")), None),
        (rsa(256, f4), None),
        (rsa(1024, f4), None),
        (with(ed(), "use", json!("enc")), Some("not for signatures")),
        (with(ed(), "use", json!(1)), Some("not for signatures")),
        (with(ed(), "key_ops", json!(["sign"])), Some("not for verification")),
        (with(ed(), "alg", json!("ES256")), Some("its alg does not fit its type")),
        (with(ed(), "alg", json!("HS256")), Some("of an algorithm not accepted")),
        (with(ed(), "alg", json!("none")), Some("of an algorithm not accepted")),
        (with(ed(), "alg", json!(null)), Some("of an algorithm not accepted")),
        (with(ed(), "kid", json!(1)), Some("its kid is no text, or too long")),
        (with(ed(), "d", json!("AAAA")), Some("its private half is published")),
        (with(ed(), "crv", json!("Ed448")), Some("of a type or curve not accepted")),
        (with(ed(), "x", json!("AAAA")), Some("not a point of its curve")),
        (with(ed(), "x", json!("%")), Some("a member of the key is not base64url")),
        (with(ed(), "kty", json!("XYZ")), Some("of a type or curve not accepted")),
        (with(ec(), "crv", json!("P-521")), Some("of a type or curve not accepted")),
        (with(ec(), "crv", json!("secp256k1")), Some("of a type or curve not accepted")),
        (with(ec(), "crv", json!("P-384")), Some("not a point of its curve")),
        (json!({ "kty": "oct", "k": "AAAA" }), Some("symmetric")),
        (json!({ "kty": "RSA", "e": "AQAB" }), Some("a member of the key is missing")),
        (rsa(255, f4), Some("RSA of less than 2048 bits")),
        (rsa(0, f4), Some("RSA of less than 2048 bits")),
        (rsa(1025, f4), Some("RSA of more than 8192 bits")),
        (rsa(256, &[1]), Some("RSA with an unsafe exponent")),
        (rsa(256, &[0, 0, 1]), Some("RSA with an unsafe exponent")),
        (rsa(256, &[3]), Some("RSA with an unsafe exponent")),
        (rsa(256, &[1, 0, 0]), Some("RSA with an unsafe exponent")),
        (rsa(256, &[]), Some("RSA with an unsafe exponent")),
        (json!("text"), Some("not an object")),
        (json!({}), Some("of a type or curve not accepted")),
    ] {
        assert_eq!(why_ignored(jwk.clone()), expected, "{jwk}");
    }
    // Leading zeros are no part of the size.
    let padded = [&[0_u8; 16], [0xff_u8; 250].as_slice()].concat();
    let jwk = json!({ "kty": "RSA", "n": b64(padded), "e": "AQAB" });
    assert_eq!(why_ignored(jwk), Some("RSA of less than 2048 bits"));
}

#[test]
fn one_bad_key_does_not_spoil_the_others() {
    let keys = keys(&[json!({ "kty": "oct", "k": "AA" }), signer().jwk(), json!(7)]);
    assert_eq!((keys.len(), keys.ignored().len()), (1, 2));
    assert_eq!(keys.ignored()[1].index, 2);
}

#[test]
fn what_is_no_key_set_is_an_error_and_an_empty_one_is_not() {
    let parse = |json: &str| Keys::parse(json.as_bytes()).map(|keys| keys.len());
    assert_eq!(parse(r#"{"keys":[]}"#), Ok(0));
    for bad in ["", "null", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
        assert_eq!(parse(bad), Err(KeysError::Malformed), "{bad}");
    }
    assert_eq!(parse(&json!({ "keys": vec![0; 101] }).to_string()), Err(KeysError::TooMany));
    assert_eq!(parse(&" ".repeat((512 << 10) + 1)), Err(KeysError::TooLong));
}

#[test]
fn debug_shows_counts_alone() {
    assert_eq!(format!("{:?}", keys(&[signer().jwk()])), "Keys { usable: 1, ignored: [] }");
}
