//! What a good token says of its principal, and what a badly made one does not.

use access::{Kind, Principal, Timestamp};
use serde_json::{Value, json};

use super::mint::{ISSUER, NOW, NOW_SECONDS, claims, issuer, keys, rule, signer};
use crate::{AgentRule, Issuer, Untrusted, issuer_of, verify};

fn read_as(issuer: &Issuer, changes: Value, now: Timestamp) -> Result<Principal, Untrusted> {
    verify(&signer().token(&claims(changes)), issuer, &keys(&[signer().jwk()]), now)
}

fn read(changes: Value) -> Result<Principal, Untrusted> {
    read_as(&issuer(), changes, NOW)
}

fn groups(principal: &Principal) -> Vec<&str> {
    principal.groups.iter().map(|group| &**group).collect()
}

#[test]
fn a_persons_token_names_the_person() {
    let anna = read(json!({})).unwrap();
    assert_eq!((anna.kind, &*anna.id, &*anna.subject), (Kind::User, "anna", "anna"));
    assert_eq!((&*anna.issuer, &*anna.token_id, &anna.delegation), (ISSUER, "t-1", &None));
    assert_eq!(groups(&anna), ["dba", "payments"]);
    assert_eq!(anna.valid_from, Timestamp::from_seconds(NOW_SECONDS - 60 - 30));
    assert_eq!(anna.valid_until, Timestamp::from_seconds(NOW_SECONDS + 300 + 30));
    assert_eq!(issuer_of(&signer().token(&claims(json!({})))).as_deref(), Ok(ISSUER));
}

#[test]
fn an_agents_token_names_the_agent_by_its_claim() {
    let bot = read(json!({ "azp": "ci-bot", "sub": "service-account-7" })).unwrap();
    assert_eq!((bot.kind, &*bot.id, &*bot.subject), (Kind::Agent, "ci-bot", "service-account-7"));
}

#[test]
fn every_form_of_rule_tells_agents_from_people() {
    let cases = [
        (json!({ "claim": "agent_id" }), json!({ "agent_id": "a1" }), Ok(Some("a1"))),
        (json!({ "claim": "agent_id" }), json!({ "agent_id": "" }), Ok(None)),
        (json!({ "claim": "agent_id" }), json!({}), Ok(None)),
        (json!({ "claim": "agent_id" }), json!({ "agent_id": 7 }), Err(Untrusted::Claim("agent"))),
        (json!({ "claim": "azp", "prefix": "agent-" }), json!({ "azp": "agent-7" }), Ok(Some("agent-7"))),
        (json!({ "claim": "azp", "prefix": "agent-" }), json!({ "azp": "my-agent-7" }), Ok(None)),
        (json!({ "claim": "azp", "values": ["ci-bot"] }), json!({ "azp": "ci-bot2" }), Ok(None)),
        (json!({ "claim": "azp", "values": ["ci-bot"] }), json!({ "azp": "CI-BOT" }), Ok(None)),
        (
            json!({ "claim": "gty", "equals": "client-credentials", "id": "azp" }),
            json!({ "gty": "client-credentials", "azp": "x" }),
            Ok(Some("x")),
        ),
        (
            json!({ "claim": "gty", "equals": "client-credentials", "id": "client_id" }),
            json!({ "gty": "client-credentials" }),
            Err(Untrusted::Claim("agent id")),
        ),
        (
            json!({ "claim": "realm.kind", "equals": "bot", "id": "sub" }),
            json!({ "realm": { "kind": "bot" } }),
            Ok(Some("anna")),
        ),
    ];
    for (agents, changes, expected) in cases {
        let shown = format!("{agents} {changes}");
        let issuer = Issuer::new(ISSUER, ["panguard"], rule(agents)).unwrap();
        let got = read_as(&issuer, changes, NOW);
        let agent = got.map(|got| (got.kind == Kind::Agent).then(|| got.id.to_string()));
        assert_eq!(agent, expected.map(|id| id.map(str::to_owned)), "{shown}");
    }
}

#[test]
fn a_rule_that_cannot_be_meant_is_refused() {
    for bad in [
        json!({}),
        json!({ "claim": "" }),
        json!({ "claim": "azp", "values": [] }),
        json!({ "claim": "azp", "values": ["", "a"] }),
        json!({ "claim": "azp", "prefix": "" }),
        json!({ "claim": "azp", "prefix": "a", "equals": "b" }),
        json!({ "claim": "azp", "values": ["a"], "prefix": "b" }),
        json!({ "claim": "azp", "pattern": "a.*" }),
    ] {
        assert!(serde_json::from_value::<AgentRule>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_token_with_an_actor_is_an_agents_on_behalf_of_the_user() {
    let run = read(json!({ "act": { "sub": "ci-bot", "act": { "sub": "somebody-before" } } })).unwrap();
    assert_eq!((run.kind, &*run.id, &*run.subject), (Kind::Agent, "ci-bot", "anna"));
    assert_eq!(&*run.delegation.as_ref().unwrap().on_behalf_of, "anna");
    assert_eq!(groups(&run), ["dba", "payments"]);
    // The actor's own client claim goes before its sub.
    let run = read(json!({ "act": { "sub": "service-account-7", "azp": "report-bot" } })).unwrap();
    assert_eq!(&*run.id, "report-bot");
}

#[test]
fn an_actor_who_is_no_agent_or_cannot_be_read_is_refused() {
    for (act, expected) in [
        (json!({ "sub": "bob" }), Untrusted::Actor),
        (json!({ "sub": "ci-bot", "iss": "https://other.example" }), Untrusted::Actor),
        (json!({ "sub": "ci-bot", "iss": 1 }), Untrusted::Actor),
        (json!({}), Untrusted::Claim("act")),
        (json!({ "sub": 7 }), Untrusted::Claim("act")),
        (json!("ci-bot"), Untrusted::Claim("act")),
        (json!([]), Untrusted::Claim("act")),
    ] {
        assert_eq!(read(json!({ "act": act })), Err(expected), "{act}");
    }
}

#[test]
fn groups_are_found_at_any_path() {
    for (path, changes, expected) in [
        ("groups", json!({}), Ok(vec!["dba", "payments"])),
        ("groups", json!({ "groups": null }), Ok(vec![])),
        ("groups", json!({ "groups": [] }), Ok(vec![])),
        ("groups", json!({ "groups": "dba" }), Ok(vec!["dba"])),
        ("groups", json!({ "groups": ["b", "a", "b", ""] }), Ok(vec!["a", "b"])),
        ("realm_access.roles", json!({ "realm_access": { "roles": ["r"] } }), Ok(vec!["r"])),
        ("realm_access.roles", json!({ "realm_access.roles": ["literal"] }), Ok(vec!["literal"])),
        ("realm_access.roles", json!({ "realm_access": ["roles"] }), Ok(vec![])),
        ("https://x.example/groups", json!({ "https://x.example/groups": ["g"] }), Ok(vec!["g"])),
        (
            "https://x.example/app.roles",
            json!({ "https://x.example/app": { "roles": ["g"] } }),
            Ok(vec!["g"]),
        ),
        (
            "resource_access.my.app.roles",
            json!({ "resource_access": { "my.app": { "roles": ["g"] } } }),
            Ok(vec!["g"]),
        ),
        ("groups", json!({ "groups": ["a", 1] }), Err(Untrusted::Claim("groups"))),
        ("groups", json!({ "groups": { "a": true } }), Err(Untrusted::Claim("groups"))),
        ("groups", json!({ "groups": ["a\nb"] }), Err(Untrusted::Claim("groups"))),
        (
            "groups",
            json!({ "groups": null, "_claim_names": { "groups": "src1" } }),
            Err(Untrusted::GroupsElsewhere),
        ),
    ] {
        let issuer = issuer().with_groups(path.parse().unwrap());
        let got = read_as(&issuer, changes.clone(), NOW);
        assert_eq!(got.as_ref().map(groups).map_err(|error| *error), expected, "{path} {changes}");
    }
}

#[test]
fn a_token_holds_from_its_start_to_its_end_and_the_skew_beyond() {
    let at = |seconds| Timestamp::from_seconds(NOW_SECONDS + seconds);
    let dated = |changes: Value, now| read_as(&issuer(), changes, now).map(|_| ());
    let plain = json!({ "iat": null, "nbf": NOW_SECONDS, "exp": NOW_SECONDS + 100 });
    assert_eq!(dated(plain.clone(), at(-31)), Err(Untrusted::NotYetValid));
    assert_eq!(dated(plain.clone(), at(-30)), Ok(()));
    assert_eq!(dated(plain.clone(), at(129)), Ok(()));
    assert_eq!(dated(plain, at(130)), Err(Untrusted::Expired));
    assert_eq!(dated(json!({ "iat": NOW_SECONDS + 31 }), NOW), Err(Untrusted::NotYetValid));
    assert_eq!(dated(json!({ "iat": null }), NOW), Ok(()));
    assert_eq!(dated(json!({ "exp": NOW_SECONDS as f64 + 0.5 }), at(0)), Ok(()));
    let strict = issuer().with_clock_skew_seconds(0).unwrap();
    assert_eq!(read_as(&strict, json!({ "exp": NOW_SECONDS }), NOW), Err(Untrusted::Expired));
}

#[test]
fn the_principal_says_the_same_of_its_validity_as_verify() {
    let anna = read(json!({ "nbf": NOW_SECONDS - 10 })).unwrap();
    for seconds in [-41, -40, 0, 329, 330, 1000] {
        let now = Timestamp::from_seconds(NOW_SECONDS + seconds);
        let verified = read_as(&issuer(), json!({ "nbf": NOW_SECONDS - 10 }), now).is_ok();
        assert_eq!(anna.is_valid_at(now), verified, "{seconds}");
    }
}

#[test]
fn what_is_missing_or_misshapen_is_named() {
    for (changes, expected) in [
        (json!({ "iss": null }), Untrusted::UnknownIssuer),
        (json!({ "iss": "https://idp.example.com/" }), Untrusted::UnknownIssuer),
        (json!({ "iss": "https://IDP.example.com" }), Untrusted::UnknownIssuer),
        (json!({ "iss": [ISSUER] }), Untrusted::Claim("iss")),
        (json!({ "aud": null }), Untrusted::Claim("aud")),
        (json!({ "aud": 1 }), Untrusted::Claim("aud")),
        (json!({ "aud": "other" }), Untrusted::Audience),
        (json!({ "aud": "panguard2" }), Untrusted::Audience),
        (json!({ "aud": [] }), Untrusted::Audience),
        (json!({ "aud": ["other", ["panguard"]] }), Untrusted::Audience),
        (json!({ "exp": null }), Untrusted::Claim("exp")),
        (json!({ "exp": "1700000300" }), Untrusted::Claim("exp")),
        (json!({ "exp": -1 }), Untrusted::Claim("exp")),
        (json!({ "exp": NOW_SECONDS * 1000 }), Untrusted::Claim("exp")),
        (json!({ "exp": 1e300 }), Untrusted::Claim("exp")),
        (json!({ "exp": u64::MAX }), Untrusted::Claim("exp")),
        (json!({ "nbf": "soon" }), Untrusted::Claim("nbf")),
        (json!({ "iat": true }), Untrusted::Claim("iat")),
        (json!({ "sub": null }), Untrusted::Claim("sub")),
        (json!({ "sub": "" }), Untrusted::Claim("sub")),
        (json!({ "sub": 5 }), Untrusted::Claim("sub")),
        (json!({ "sub": "an\u{0}na" }), Untrusted::Claim("sub")),
        (json!({ "sub": "a".repeat(513) }), Untrusted::Claim("sub")),
        (json!({ "jti": 5 }), Untrusted::Claim("jti")),
    ] {
        assert_eq!(read(changes.clone()), Err(expected), "{changes}");
    }
    assert!(read(json!({ "aud": ["other", "panguard"] })).is_ok());
}

#[test]
fn a_token_without_an_id_gets_one_that_is_its_own_and_tells_nothing() {
    let id = |changes| read(changes).unwrap().token_id;
    let first = id(json!({ "jti": null }));
    assert!(first.starts_with("sha256:") && first.len() == "sha256:".len() + 32, "{first}");
    assert_eq!(first, id(json!({ "jti": null })));
    assert_ne!(first, id(json!({ "jti": null, "exp": NOW_SECONDS + 301 })));
}

#[test]
fn how_and_when_somebody_signed_in_is_told_where_it_can_be_read() {
    let signed_in = |changes: Value| read(changes).unwrap().authentication;
    let known = signed_in(json!({ "acr": "mfa", "auth_time": NOW_SECONDS - 5 }));
    assert_eq!(known.class.as_deref(), Some("mfa"));
    assert_eq!(known.at, Some(Timestamp::from_seconds(NOW_SECONDS - 5)));
    for unreadable in [json!({}), json!({ "acr": 2, "auth_time": "today" })] {
        let told = signed_in(unreadable);
        assert_eq!((told.class, told.at), (None, None));
    }
}

/// By these access is revoked, so none may be passed over.
#[test]
fn to_which_client_when_and_of_which_sign_in_a_token_is_told() {
    let told = |changes: Value| read(changes).map(|principal| principal.authentication);
    let known =
        told(json!({ "azp": "cli", "client_id": "other", "sid": "s-1", "iat": NOW_SECONDS - 7 })).unwrap();
    assert_eq!((known.client.as_deref(), known.sign_in.as_deref()), (Some("cli"), Some("s-1")));
    assert_eq!(known.issued_at, Some(Timestamp::from_seconds(NOW_SECONDS - 7)));
    let known = told(json!({ "azp": null, "client_id": "other", "iat": null })).unwrap();
    assert_eq!((known.client.as_deref(), known.sign_in, known.issued_at), (Some("other"), None, None));
    assert_eq!(told(json!({ "sid": 5 })), Err(Untrusted::Claim("sid")));
    assert_eq!(told(json!({ "azp": null, "client_id": ["a"] })), Err(Untrusted::Claim("client_id")));
}

#[test]
fn a_person_is_known_by_the_claim_that_their_identities_share() {
    let by_mail = issuer().with_person("email".parse().unwrap());
    let person = |changes: Value| read_as(&by_mail, changes, NOW).map(|principal| principal.person);
    assert_eq!(person(json!({ "email": "Anna@Example.com" })), Ok(Some("anna@example.com".into())));
    // Whoever asks for a token could leave it out, and be somebody else.
    assert_eq!(person(json!({})), Err(Untrusted::Person));
    assert_eq!(
        person(json!({ "act": { "sub": "ci-bot" } })),
        Err(Untrusted::Person),
        "nor may an agent of theirs"
    );
    assert_eq!(
        person(json!({ "azp": "ci-bot", "sub": "service-account-7" })),
        Ok(None),
        "a machine is no person"
    );
    assert_eq!(person(json!({ "email": ["a", "b"] })), Err(Untrusted::Claim("person")));
    assert_eq!(read(json!({ "email": "anna@example.com" })).unwrap().person, None, "where no claim is named");
}
