//! What panguard lends comes back as it was lent, to whoever has the token, and as nothing else.

use std::collections::BTreeSet;

use access::{Action, Delegation, Kind, Lent, Loan, Principal, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::mint::{NOW, claims, issuer, keys, signer};
use crate::{Lending, Untrusted, verify};

fn lending() -> Lending {
    Lending::new(&Secret::from(vec![7; 32]))
}

fn user() -> Principal {
    let signer = signer();
    let token = signer.sign(
        &json!({ "alg": signer.algorithm.as_str(), "typ": "JWT" }),
        &claims(json!({ "sub": "sub-alice", "groups": ["analysts"], "sid": "s-1", "azp": "cli" })),
    );
    verify(&token, &issuer(), &keys(&[signer.jwk()]), NOW).unwrap()
}

fn loan(agent: &str, id: &str) -> Loan {
    Loan {
        agent: agent.into(),
        id: id.into(),
        connections: BTreeSet::from(["payments".into()]),
        actions: BTreeSet::from([Action::Read, Action::Call]),
        from: NOW.plus_seconds(-30),
        until: NOW.plus_seconds(600),
    }
}

fn lent() -> Principal {
    user().lending(loan("claude", "d-1")).unwrap()
}

fn text(token: &Secret) -> String {
    token.expose_str().unwrap().to_owned()
}

/// Lenders as the token holds them: how they signed in themselves is no part of it, and until when, that of what was lent.
fn as_told(principal: Principal) -> Principal {
    let lent = principal.lent().unwrap();
    let lenders = lent.lenders.iter().cloned().map(|lender| {
        let told = match lender.lent() {
            Some(_) => as_told(lender),
            None => lender,
        };
        let (valid_from, valid_until) = (principal.valid_from, principal.valid_until);
        let authentication = access::Authentication { class: None, at: None, ..told.authentication.clone() };
        Principal { valid_from, valid_until, authentication, ..told }
    });
    let lent = Lent { lenders: lenders.collect(), ..(**lent).clone() };
    let delegation =
        Delegation { lent: Some(std::sync::Arc::new(lent)), ..principal.delegation.clone().unwrap() };
    Principal { delegation: Some(delegation), ..principal }
}

#[test]
fn an_agent_has_what_it_was_lent_in_the_name_of_whoever_lent_it() {
    let read = lending().verify(&text(&lending().token(&lent()).unwrap()), NOW).unwrap();
    assert_eq!(read, as_told(lent()));
    assert_eq!(
        (read.kind, &*read.id, &*read.subject, &*read.token_id),
        (Kind::Agent, "claude", "sub-alice", "d-1")
    );
    assert!(read.groups.contains("analysts"));
    assert_eq!(read.authentication.sign_in.as_deref(), Some("s-1"), "what ends the sign-in ends it");
    let lent = read.lent().unwrap();
    assert!(lent.covers("payments", Action::Read) && lent.covers("payments", Action::Connect));
    assert!(!lent.covers("payments", Action::Write) && !lent.covers("billing", Action::Read));
    assert_eq!((lent.lenders[0].kind, lent.lenders[0].id.as_ref()), (Kind::User, "sub-alice"));
}

#[test]
fn it_says_through_whose_hands_it_came_as_rfc_8693_has_it() {
    let handed = lent().lending(loan("helper", "d-2")).unwrap().lending(loan("third", "d-3")).unwrap();
    let token = text(&lending().token(&handed).unwrap());
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let said: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        said["act"],
        json!({ "sub": "third", "act": { "sub": "helper", "act": { "sub": "claude" } } })
    );
    assert_eq!(said["sub"], "sub-alice");
    let read = lending().verify(&token, NOW).unwrap();
    assert_eq!(read.lent().unwrap().chain().collect::<Vec<_>>(), ["claude", "helper"]);
    assert_eq!(read.lent().unwrap().lenders[1].token_id.as_ref(), "d-1");
}

#[test]
fn it_is_handed_on_so_often_and_no_more() {
    let mut lent = user();
    for at in 0..Lent::LENDERS_MAX {
        lent = lent.lending(loan(&format!("agent-{at}"), "d")).unwrap();
    }
    assert!(lending().verify(&text(&lending().token(&lent).unwrap()), NOW).is_ok());
    assert_eq!(lent.lending(loan("one too many", "d")), None);
}

#[test]
fn it_holds_for_its_time() {
    let token = text(&lending().token(&lent()).unwrap());
    let at = |seconds| lending().verify(&token, NOW.plus_seconds(seconds)).map(|it| it.valid_until);
    assert_eq!(at(599), Ok(NOW.plus_seconds(600)));
    assert_eq!(at(600), Err(Untrusted::Expired));
    assert_eq!(at(-31), Err(Untrusted::NotYetValid));
}

#[test]
fn neither_an_access_token_nor_one_by_another_key_passes_for_one() {
    let token = text(&lending().token(&lent()).unwrap());
    assert!(Lending::is_meant(&token));
    let other = Lending::new(&Secret::from(vec![8; 32]));
    assert_eq!(other.verify(&token, NOW), Err(Untrusted::Signature));
    let signer = signer();
    let own = signer.sign(&json!({ "alg": signer.algorithm.as_str(), "typ": "JWT" }), &claims(json!({})));
    assert!(!Lending::is_meant(&own));
    assert_eq!(lending().verify(&own, NOW), Err(Untrusted::Header("typ")));
    let posing = signer
        .sign(&json!({ "alg": signer.algorithm.as_str(), "typ": "panguard-lent+jwt" }), &claims(json!({})));
    assert_eq!(lending().verify(&posing, NOW), Err(Untrusted::Signature));
    assert_eq!(verify(&token, &issuer(), &keys(&[signer.jwk()]), NOW), Err(Untrusted::Header("typ")));
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"panguard-lent+jwt"}"#);
    for forged in [format!("{none}.{}.", parts[1]), format!("{none}.{}.{}", parts[1], parts[2])] {
        assert_eq!(lending().verify(&forged, NOW), Err(Untrusted::Signature));
    }
}

#[test]
fn a_tag_is_of_one_text_by_one_key() {
    let tag = lending().tag("alice is in no groups");
    assert!(lending().is_tagged("alice is in no groups", &tag));
    assert!(!lending().is_tagged("alice is in all groups", &tag));
    assert!(!Lending::new(&Secret::from(vec![8; 32])).is_tagged("alice is in no groups", &tag));
    assert!(!lending().is_tagged("alice is in no groups", "no tag"));
}

#[test]
fn what_was_lent_to_nobody_or_is_too_long_has_no_token() {
    assert!(lending().token(&user()).is_none());
    let many = (0..2000).map(|at| format!("a group of some length {at}").into()).collect();
    let lender = Principal { groups: many, ..user() };
    assert!(lending().token(&lender.lending(loan("claude", "d-1")).unwrap()).is_none());
}

proptest! {
    #[test]
    fn nothing_in_it_can_be_changed(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let token = text(&lending().token(&lent()).unwrap());
        let mut forged = token.clone().into_bytes();
        let at = at.index(forged.len());
        forged[at] = to;
        if let Ok(forged) = String::from_utf8(forged)
            && forged != token
        {
            prop_assert!(lending().verify(&forged, NOW).is_err());
        }
    }

    #[test]
    fn whatever_is_signed_is_read_or_refused(claims in "\\PC{0,200}", seconds in any::<i64>()) {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"panguard-lent+jwt"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[7; 32]);
        let tag = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
        _ = lending().verify(&format!("{signed}.{tag}"), Timestamp(seconds));
    }
}
