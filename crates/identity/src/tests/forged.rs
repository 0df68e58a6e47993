//! Tokens that somebody made who is not the issuer, and what the issuer never meant as an access token.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use super::mint::{ISSUER, NOW, Signer, b64, claims, issuer, keys, signer};
use crate::{Algorithm, Keys, Untrusted, issuer_of, verify};

fn check(token: &str, keys: &Keys, expected: Result<(), Untrusted>, what: &str) {
    assert_eq!(verify(token, &issuer(), keys, NOW).map(|_| ()), expected, "{what}");
}

#[test]
fn a_token_of_every_algorithm_is_accepted_under_its_own_key_alone() {
    let signers = Algorithm::ALL.map(Signer::new);
    for signer in &signers {
        let token = signer.token(&claims(json!({})));
        for holder in &signers {
            let same_kind =
                signer.jwk()["kty"] == holder.jwk()["kty"] && signer.jwk()["crv"] == holder.jwk()["crv"];
            let expected = if same_kind { Ok(()) } else { Err(Untrusted::Algorithm) };
            let what = format!("{:?} under the key of {:?}", signer.algorithm, holder.algorithm);
            check(&token, &keys(&[holder.jwk()]), expected, &what);
        }
        // The same claims signed under another algorithm's name.
        for other in Algorithm::ALL.into_iter().filter(|other| *other != signer.algorithm) {
            let lying = signer.sign(&json!({ "alg": other.as_str(), "kid": "k" }), &claims(json!({})));
            let refused = verify(&lying, &issuer(), &keys(&[signer.jwk()]), NOW);
            assert!(matches!(refused, Err(Untrusted::Algorithm | Untrusted::Signature)), "{other:?}");
        }
        let mut bound = signer.jwk();
        bound["alg"] = signer.algorithm.as_str().into();
        check(&token, &keys(&[bound]), Ok(()), "a key that says its algorithm");
    }
    let mut for_pss_alone = Signer::new(Algorithm::Rs256).jwk();
    for_pss_alone["alg"] = "PS256".into();
    let token = Signer::new(Algorithm::Rs256).token(&claims(json!({})));
    check(&token, &keys(&[for_pss_alone]), Err(Untrusted::Algorithm), "RS256 under a key for PS256");
}

#[test]
fn no_algorithm_but_the_five_is_accepted() {
    let keys = keys(&[signer().jwk()]);
    for name in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS384", "PS512",
        "RS1", "ES512", "ES256K", "Ed25519", "eddsa", "EdDSA ", "ECDH-ES", "dir",
    ] {
        let header = json!({ "alg": name, "kid": "k" });
        check(&signer().sign(&header, &claims(json!({}))), &keys, Err(Untrusted::Algorithm), name);
    }
    for header in
        [json!({ "kid": "k" }), json!({ "alg": null }), json!({ "alg": ["EdDSA"] }), json!({ "alg": 1 })]
    {
        check(&signer().sign(&header, &claims(json!({}))), &keys, Err(Untrusted::Malformed), "no alg");
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let keys = keys(&[signer().jwk()]);
    let payload = b64(claims(json!({})).to_string());
    for (alg, expected) in [("none", Untrusted::Algorithm), ("EdDSA", Untrusted::Signature)] {
        let header = b64(json!({ "alg": alg, "kid": "k" }).to_string());
        check(&format!("{header}.{payload}."), &keys, Err(expected), alg);
    }
}

/// The public key is known to all; taken as the secret of an HMAC it would let anyone sign.
#[test]
fn a_public_key_is_no_hmac_secret() {
    let rsa = Signer::new(Algorithm::Rs256);
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let header = b64(r#"{"alg":"HS256","kid":"k","typ":"JWT"}"#);
    let signed = format!("{header}.{}", b64(claims(json!({})).to_string()));
    for secret in [modulus.as_bytes(), rsa.jwk().to_string().as_bytes()] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        let token = format!("{signed}.{}", b64(tag.as_ref()));
        check(&token, &keys(&[rsa.jwk()]), Err(Untrusted::Algorithm), "HS256 with the public key");
        // Nor is a secret that the issuer published by mistake, under an algorithm that is accepted.
        let symmetric = json!({ "kid": "k", "kty": "oct", "k": b64(secret), "alg": "HS256" });
        check(&token, &keys(&[symmetric]), Err(Untrusted::Algorithm), "HS256 with a published secret");
    }
}

#[test]
fn a_key_that_the_token_brings_along_is_not_used() {
    let (keys, attacker) = (keys(&[signer().jwk()]), Signer::other());
    for extra in [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = json!({ "alg": "EdDSA", "kid": "k" });
        header[extra.0] = extra.1;
        check(&attacker.sign(&header, &claims(json!({}))), &keys, Err(Untrusted::Signature), extra.0);
        // The issuer's own token with such a header is as good as without.
        check(&signer().sign(&header, &claims(json!({}))), &keys, Ok(()), extra.0);
    }
}

#[test]
fn what_the_header_must_not_ask_for_is_refused() {
    let keys = keys(&[signer().jwk()]);
    for (extra, expected) in [
        (json!({ "crit": ["b64"], "b64": false }), Err(Untrusted::Header("crit"))),
        (json!({ "crit": [] }), Err(Untrusted::Header("crit"))),
        (json!({ "b64": false }), Err(Untrusted::Header("b64"))),
        (json!({ "typ": "logout+jwt" }), Err(Untrusted::Header("typ"))),
        (json!({ "typ": "dpop+jwt" }), Err(Untrusted::Header("typ"))),
        (json!({ "typ": 1 }), Err(Untrusted::Header("typ"))),
        (json!({ "typ": "jwt" }), Ok(())),
        (json!({ "typ": "AT+JWT" }), Ok(())),
        (json!({ "typ": "application/at+jwt" }), Ok(())),
        (json!({ "kid": 5 }), Err(Untrusted::Header("kid"))),
        (json!({ "kid": "../../dev/null" }), Err(Untrusted::UnknownKey)),
        (json!({ "kid": "' OR 1=1 --" }), Err(Untrusted::UnknownKey)),
        (json!({ "kid": "" }), Err(Untrusted::UnknownKey)),
    ] {
        let mut header = json!({ "alg": "EdDSA", "kid": "k" });
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        check(&signer().sign(&header, &claims(json!({}))), &keys, expected, &extra.to_string());
    }
}

#[test]
fn a_token_without_a_key_name_needs_exactly_one_key_that_fits() {
    let token = signer().sign(&json!({ "alg": "EdDSA" }), &claims(json!({})));
    let ec = Signer::new(Algorithm::Es256).jwk();
    let mut renamed = Signer::other().jwk();
    renamed["kid"] = "other".into();
    check(&token, &keys(&[signer().jwk(), ec.clone()]), Ok(()), "one fits");
    check(&token, &keys(std::slice::from_ref(&ec)), Err(Untrusted::UnknownKey), "none fits");
    check(&token, &keys(&[signer().jwk(), renamed]), Err(Untrusted::AmbiguousKey), "two fit");
}

#[test]
fn a_key_name_given_twice_names_no_key_unless_the_type_tells() {
    let token = signer().token(&claims(json!({})));
    let ec = Signer::new(Algorithm::Es256).jwk();
    check(
        &token,
        &keys(&[signer().jwk(), Signer::other().jwk()]),
        Err(Untrusted::AmbiguousKey),
        "two of a kind",
    );
    check(&token, &keys(&[signer().jwk(), ec]), Ok(()), "of different kinds");
    check(&token, &keys(&[signer().jwk(), signer().jwk()]), Ok(()), "the same key twice");
    check(&token, &keys(&[]), Err(Untrusted::UnknownKey), "no keys");
}

#[test]
fn a_signature_of_somebody_else_or_over_something_else_is_wrong() {
    let keys = keys(&[signer().jwk()]);
    let good = signer().token(&claims(json!({})));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let other_payload = b64(claims(json!({ "sub": "root" })).to_string());
    check(&Signer::other().token(&claims(json!({}))), &keys, Err(Untrusted::Signature), "another key");
    check(&format!("{header}.{other_payload}.{signature}"), &keys, Err(Untrusted::Signature), "other claims");
    let other_header = b64(r#"{"alg":"EdDSA","kid":"k"}"#);
    check(
        &format!("{other_header}.{payload}.{signature}"),
        &keys,
        Err(Untrusted::Signature),
        "another header",
    );
    let zeros = b64([0; 64]);
    check(&format!("{signed}.{zeros}"), &keys, Err(Untrusted::Signature), "zeros");
    // The ECDSA signature r = s = 0 was once taken as right (CVE-2022-21449).
    for algorithm in [Algorithm::Es256, Algorithm::Es384] {
        let signer = Signer::new(algorithm);
        let token = signer.token(&claims(json!({})));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        for forged in
            [b64(vec![0; 64]), b64(vec![0; 96]), b64(vec![0xff; 64]), b64([0x30, 6, 2, 1, 0, 2, 1, 0])]
        {
            let token = format!("{signed}.{forged}");
            check(
                &token,
                &super::mint::keys(&[signer.jwk()]),
                Err(Untrusted::Signature),
                "a blank signature",
            );
        }
        assert!(!signature.is_empty());
    }
}

#[test]
fn what_is_not_a_token_is_called_malformed() {
    let keys = keys(&[signer().jwk()]);
    let good = signer().token(&claims(json!({})));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    let five_parts = format!("{header}.x.x.{payload}.{signature}");
    for bad in [
        "",
        ".",
        "..",
        "...",
        "hunter2",
        &five_parts,
        &format!("{signed}.{signature}="),
        &format!("{signed}.{signature}."),
        &format!(" {good}"),
        &format!("{good}\n"),
        &format!("{header}.{payload}"),
        &format!("Bearer {good}"),
        &format!("{}.{payload}.{signature}", b64(b"\xff\xfe")),
        &format!("{}.{payload}.{signature}", b64("[]")),
        &format!("{}.{payload}.{signature}", b64(r#"{"alg":"EdDSA"}{}"#)),
        &format!("{}.{payload}.{signature}", b64("[".repeat(10_000))),
        &format!("{}.{payload}.{signature}", b64(r#"{"alg":"EdDSA","alg":"none"}"#)),
        // The URL-unsafe alphabet, and bits beyond the last byte.
        &format!("{signed}.{}", "+/".repeat(43)),
        &format!("{signed}.{}B", "A".repeat(85)),
    ] {
        check(bad, &keys, Err(Untrusted::Malformed), bad);
    }
    for payload in [r#"{"sub":"anna","sub":"root"}"#, "null", "\"x\"", "{", r#"{"a":{"b":1,"b":2}}"#] {
        let token = signer().sign_text(r#"{"alg":"EdDSA","kid":"k"}"#, payload);
        check(&token, &keys, Err(Untrusted::Malformed), payload);
        assert_eq!(issuer_of(&token), Err(Untrusted::Malformed));
    }
}

#[test]
fn a_token_beyond_16_kib_is_not_looked_at() {
    let keys = keys(&[signer().jwk()]);
    let padded = |bytes: usize| signer().token(&claims(json!({ "pad": "x".repeat(bytes) })));
    check(&padded(11_000), &keys, Ok(()), "just under");
    check(&padded(13_000), &keys, Err(Untrusted::TooLong), "over");
    assert_eq!(issuer_of(&"a".repeat((16 << 10) + 1)), Err(Untrusted::TooLong));
}

/// A token is checked before it is believed: its claims cannot choose the error.
#[test]
fn the_claims_of_a_forged_token_do_not_matter() {
    let keys = keys(&[signer().jwk()]);
    for changes in [json!({}), json!({ "exp": 1 }), json!({ "aud": "other" }), json!({ "iss": "x" })] {
        check(&Signer::other().token(&claims(changes)), &keys, Err(Untrusted::Signature), "forged");
    }
}

#[test]
fn no_message_tells_anything_of_the_token() {
    let keys = keys(&[signer().jwk()]);
    let secret = "s3cr3t-subject";
    for changes in
        [json!({ "sub": format!("{secret}\n") }), json!({ "iss": secret }), json!({ "aud": secret })]
    {
        let error = verify(&signer().token(&claims(changes)), &issuer(), &keys, NOW).unwrap_err();
        let said = format!("{error} {error:?} {} {}", error.user_message(), error.as_str());
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    assert_eq!(issuer_of(&signer().token(&json!({ "iss": ISSUER }))).as_deref(), Ok(ISSUER));
    let none: Value = json!({});
    assert_eq!(issuer_of(&signer().token(&none)), Err(Untrusted::Claim("iss")));
}
