//! What an issuer says of sessions and accounts is believed as far as it is the issuer's word for this audience, now; and no token
//! of another sort passes for it.

use serde_json::{Value, json};

use super::mint::{ISSUER, NOW, NOW_SECONDS, issuer, keys, signer};
use crate::{Happening, Notice, Said, Untrusted, Whom, hear, verify};

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";

/// Claims with `changes`; what is null is left out.
fn token(changes: Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": "panguard", "iat": NOW_SECONDS - 5, "jti": "e-1", "sub": "anna",
        "events": { LOGOUT: {} },
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap().clone() {
        all.insert(name, value);
    }
    all.retain(|_, value| !value.is_null());
    typed("secevent+jwt", &claims)
}

fn typed(typ: &str, claims: &Value) -> String {
    signer().sign(&json!({ "alg": signer().algorithm.as_str(), "kid": "k", "typ": typ }), claims)
}

fn heard(changes: Value) -> Result<Notice, Untrusted> {
    hear(&token(changes), &issuer(), &keys(&[signer().jwk()]), NOW)
}

fn said(changes: Value) -> (Happening, Whom) {
    let Notice { said, .. } = heard(changes).unwrap();
    let [Said { what, whom }] = <[Said; 1]>::try_from(said).unwrap();
    (what, whom)
}

#[test]
fn a_logout_token_ends_a_sign_in_or_all_of_a_subjects() {
    let subject = |name: &str| Whom::Subject(name.into());
    assert_eq!(said(json!({})), (Happening::TokensEnded, subject("anna")));
    assert_eq!(
        said(json!({ "sid": "s-7" })),
        (Happening::TokensEnded, Whom::SignIn("s-7".into(), Some("anna".into())))
    );
    assert_eq!(said(json!({ "sid": "s-7", "sub": null })).1, Whom::SignIn("s-7".into(), None));
    assert_eq!(heard(json!({ "sub": null })), Err(Untrusted::Claim("sub")));
}

#[test]
fn shared_signals_are_read_as_they_are_specified_and_as_drafts_had_them() {
    let event = |uri: String, payload: Value| json!({ uri: payload });
    let iss_sub = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "anna" });
    let told = |uri: String, sub_id: Value| {
        said(json!({ "sub": null, "sub_id": sub_id, "events": event(uri, json!({ "event_timestamp": 5 })) }))
    };
    let anna = Whom::Subject("anna".into());
    for ends in ["session-revoked", "token-claims-change", "credential-change"] {
        assert_eq!(told(format!("{CAEP}{ends}"), iss_sub.clone()), (Happening::TokensEnded, anna.clone()));
    }
    for closes in ["account-disabled", "account-purged", "credential-compromise"] {
        assert_eq!(
            told(format!("{RISC}{closes}"), iss_sub.clone()),
            (Happening::AccountClosed, anna.clone())
        );
    }
    assert_eq!(told(format!("{RISC}account-enabled"), iss_sub.clone()).0, Happening::AccountOpened);
    let other = "https://schemas.openid.net/secevent/ssf/event-type/verification".to_owned();
    assert_eq!(told(other, json!({ "format": "opaque", "id": "stream-1" })).0, Happening::Other);

    let session = format!("{CAEP}session-revoked");
    let mail = json!({ "format": "email", "email": "Anna@Example.com" });
    assert_eq!(told(session.clone(), mail.clone()).1, Whom::Unknown, "nobody is known by it");
    let by_mail = issuer().with_person("email".parse().unwrap());
    let ends = token(json!({ "sub": null, "sub_id": mail, "events": event(session.clone(), json!({})) }));
    let heard = hear(&ends, &by_mail, &keys(&[signer().jwk()]), NOW).unwrap();
    assert_eq!(heard.said.first().unwrap().whom, Whom::Person("anna@example.com".into()));
    assert_eq!(told(session.clone(), json!({ "format": "opaque", "id": "anna" })).1, anna);
    let complex =
        json!({ "format": "complex", "user": iss_sub, "session": { "format": "opaque", "id": "s-7" } });
    assert_eq!(told(session.clone(), complex.clone()).1, Whom::SignIn("s-7".into(), Some("anna".into())));
    let closed = told(format!("{RISC}account-disabled"), complex);
    assert_eq!(closed, (Happening::AccountClosed, anna.clone()), "an account is closed whole");
    let user_alone = json!({ "user": iss_sub, "device": { "format": "opaque", "id": "d" } });
    assert_eq!(told(session.clone(), user_alone).1, anna);
    // Nobody speaks for another issuer's people.
    let theirs = json!({ "format": "iss_sub", "iss": "https://other.example.com", "sub": "anna" });
    assert_eq!(told(session.clone(), theirs).1, Whom::Unknown);

    let draft = json!({ "subject": { "subject_type": "iss-sub", "iss": ISSUER, "sub": "anna" } });
    assert_eq!(said(json!({ "sub": null, "events": event(session, draft) })).1, anna);
}

#[test]
fn what_is_none_is_not_heard() {
    for (changes, expected) in [
        (json!({ "iss": "https://other.example.com" }), Untrusted::UnknownIssuer),
        (json!({ "aud": "other" }), Untrusted::Audience),
        (json!({ "iat": null }), Untrusted::Claim("iat")),
        (json!({ "jti": null }), Untrusted::Claim("jti")),
        (json!({ "nonce": "n" }), Untrusted::Claim("nonce")),
        (json!({ "events": null }), Untrusted::Claim("events")),
        (json!({ "events": {} }), Untrusted::Claim("events")),
        (json!({ "events": [LOGOUT] }), Untrusted::Claim("events")),
        (json!({ "events": { LOGOUT: "yes" } }), Untrusted::Claim("events")),
        (json!({ "iat": NOW_SECONDS + 60 }), Untrusted::NotYetValid),
        (json!({ "exp": NOW_SECONDS - 60 }), Untrusted::Expired),
        (json!({ "iat": NOW_SECONDS - 3700 }), Untrusted::Expired),
        (json!({ "iat": NOW_SECONDS - 3700, "exp": NOW_SECONDS + 600 }), Untrusted::Expired),
    ] {
        assert_eq!(heard(changes.clone()), Err(expected), "{changes}");
    }
    let good = token(json!({}));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let other = token(json!({ "sub": "bob" }));
    let (_, signature) = other.rsplit_once('.').unwrap();
    let forged = hear(&format!("{signed}.{signature}"), &issuer(), &keys(&[signer().jwk()]), NOW);
    assert_eq!(forged, Err(Untrusted::Signature));
}

/// One is no way to be let in, and nor does an access token end anybody's access.
#[test]
fn neither_sort_of_token_passes_for_the_other() {
    let keys = keys(&[signer().jwk()]);
    assert_eq!(verify(&token(json!({})), &issuer(), &keys, NOW).unwrap_err(), Untrusted::Header("typ"));
    let access = super::mint::claims(json!({}));
    assert_eq!(hear(&typed("at+jwt", &access), &issuer(), &keys, NOW), Err(Untrusted::Header("typ")));
    // Nor where neither says by its type what it is.
    assert_eq!(hear(&typed("JWT", &access), &issuer(), &keys, NOW), Err(Untrusted::Claim("events")));
    let logout = json!({ "iss": ISSUER, "aud": "panguard", "iat": NOW_SECONDS, "jti": "e-1", "sub": "anna", "events": { LOGOUT: {} } });
    assert!(hear(&typed("JWT", &logout), &issuer(), &keys, NOW).is_ok());
    assert_eq!(
        verify(&typed("JWT", &logout), &issuer(), &keys, NOW).unwrap_err(),
        Untrusted::Claim("events")
    );
    let ends = json!({ "iss": ISSUER, "aud": "panguard", "iat": NOW_SECONDS, "exp": NOW_SECONDS + 60, "jti": "e-1", "sub": "anna", "events": { LOGOUT: {} } });
    assert_eq!(verify(&typed("JWT", &ends), &issuer(), &keys, NOW).unwrap_err(), Untrusted::Claim("events"));
}
