//! A proof that somebody holds a key holds for one request, one token and one moment, and by the key that it brings along alone.

use access::HolderKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::mint::{NOW, NOW_SECONDS, Signer, claims, issuer, keys, signer};
use crate::{Algorithm, Proven, SECONDS_BELIEVED, Untrusted, prove, verify};

const URL: &str = "https://panguard.example.com/billing/v1/refunds";
const TOKEN: &[u8] = b"the.access.token";

fn hash(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

/// The public key alone, as a client sends it.
fn jwk(signer: &Signer) -> Value {
    let mut jwk = signer.jwk();
    jwk.as_object_mut().unwrap().remove("kid");
    jwk
}

fn proof(signer: &Signer, header: Value, changes: Value) -> String {
    let mut said = json!({ "alg": signer.algorithm.as_str(), "typ": "dpop+jwt", "jwk": jwk(signer) });
    let mut claims =
        json!({ "jti": "p-1", "htm": "POST", "htu": URL, "iat": NOW_SECONDS, "ath": hash(TOKEN) });
    for (to, from) in [(&mut said, header), (&mut claims, changes)] {
        let to = to.as_object_mut().unwrap();
        to.extend(from.as_object().unwrap().clone());
        to.retain(|_, value| !value.is_null());
    }
    signer.sign(&said, &claims)
}

fn proven(proof: &str) -> Result<Proven, Untrusted> {
    prove(proof, TOKEN, "POST", |url| url == URL, NOW)
}

fn by(changes: Value) -> Result<Proven, Untrusted> {
    proven(&proof(&signer(), json!({}), changes))
}

#[test]
fn a_proof_shows_which_key_is_held_whatever_its_kind() {
    for algorithm in Algorithm::ALL {
        let signer = Signer::new(algorithm);
        let shown = proven(&proof(&signer, json!({}), json!({}))).unwrap();
        assert_eq!(&*shown.id, "p-1");
        // RFC 7638 §3: the required members, by their names, without space.
        let mut members: Vec<_> = jwk(&signer).as_object().unwrap().clone().into_iter().collect();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        assert_eq!(
            *shown.thumbprint,
            *hash(format!("{{{}}}", members.join(",")).as_bytes()),
            "{algorithm:?}"
        );
    }
}

#[test]
fn a_proof_for_another_request_token_or_time_is_none() {
    for (changes, claim) in [
        (json!({ "htm": "GET" }), "htm"),
        (json!({ "htm": "post" }), "htm"),
        (json!({ "htu": "https://panguard.example.com/billing/v1/other" }), "htu"),
        (json!({ "htu": null }), "htu"),
        (json!({ "ath": hash(b"another token") }), "ath"),
        (json!({ "ath": null }), "ath"),
        (json!({ "jti": null }), "jti"),
        (json!({ "iat": NOW_SECONDS - 61 }), "iat"),
        (json!({ "iat": NOW_SECONDS + 61 }), "iat"),
        (json!({ "iat": null }), "iat"),
        (json!({ "iat": "now" }), "iat"),
    ] {
        assert_eq!(by(changes.clone()), Err(Untrusted::Proof(claim)), "{changes}");
    }
    assert!(by(json!({ "iat": NOW_SECONDS - 59 })).is_ok());
}

#[test]
fn a_proof_is_believed_for_no_longer_than_it_is_to_be_remembered() {
    let early = proof(&signer(), json!({}), json!({ "iat": NOW_SECONDS + SECONDS_BELIEVED / 2 }));
    let at = |seconds| prove(&early, TOKEN, "POST", |url| url == URL, NOW.plus_seconds(seconds)).is_ok();
    assert_eq!([-1, 0, SECONDS_BELIEVED - 1, SECONDS_BELIEVED].map(at), [false, true, true, false]);
}

#[test]
fn a_proof_is_signed_by_the_key_that_it_brings_and_by_no_other() {
    let header = |changes: Value| proven(&proof(&signer(), changes, json!({})));
    assert_eq!(header(json!({ "jwk": jwk(&Signer::other()) })), Err(Untrusted::Proof("signature")));
    let of_another_kind = jwk(&Signer::new(Algorithm::Es256));
    assert_eq!(header(json!({ "jwk": of_another_kind })), Err(Untrusted::Proof("alg")));
    let mut private = jwk(&signer());
    private["d"] = json!("AAAA");
    assert_eq!(header(json!({ "jwk": private })), Err(Untrusted::Proof("jwk")));
    assert_eq!(header(json!({ "jwk": { "kty": "oct", "k": "AAAA" } })), Err(Untrusted::Proof("jwk")));
    for (changes, why) in [
        (json!({ "jwk": null }), "no key"),
        (json!({ "jwk": "https://attacker.example.com" }), "a key elsewhere"),
        (json!({ "typ": null }), "no type"),
        (json!({ "typ": "JWT" }), "a type of another token"),
        (json!({ "alg": "none" }), "no signature"),
        (json!({ "alg": "HS256" }), "a key that is no secret"),
        (json!({ "crit": ["x"] }), "what is not understood"),
    ] {
        assert_eq!(header(changes), Err(Untrusted::Proof("header")), "{why}");
    }
}

#[test]
fn what_a_token_is_bound_to_is_told_or_the_token_is_refused() {
    let bound = |cnf: Value| {
        let token = signer().token(&claims(json!({ "cnf": cnf })));
        verify(&token, &issuer(), &keys(&[signer().jwk()]), NOW).map(|it| it.authentication.bound_to)
    };
    assert_eq!(bound(json!({ "jkt": "k" })), Ok(Some(HolderKey::Key("k".into()))));
    assert_eq!(bound(json!({ "x5t#S256": "c" })), Ok(Some(HolderKey::Certificate("c".into()))));
    for cnf in [
        json!({}),
        json!({ "kid": "k" }),
        json!({ "jwk": {} }),
        json!({ "jkt": "k", "x5t#S256": "c" }),
        json!({ "jkt": "k", "kid": "k" }),
        json!({ "jkt": 5 }),
        json!("k"),
        json!({ "jkt": "" }),
    ] {
        assert_eq!(bound(cnf.clone()), Err(Untrusted::Claim("cnf")), "{cnf}");
    }
}

/// A proof is no token.
#[test]
fn nobody_comes_in_by_a_proof() {
    let proof = proof(
        &signer(),
        json!({}),
        json!({ "iss": super::mint::ISSUER, "aud": "panguard", "sub": "anna", "exp": NOW_SECONDS + 60 }),
    );
    let verified = verify(&proof, &issuer(), &keys(&[signer().jwk()]), NOW);
    assert_eq!(verified.unwrap_err(), Untrusted::Header("typ"));
}
