//! Access that is taken away takes effect on the next command of whoever had it, and on nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Authentication, Code, Delegation, Kind, Principal, Timestamp};
use audit::Event;
use gate::{Revocation, What};

use crate::desk::{ALL, Desk, NOW, read};

fn revocation(what: What, of: &str) -> Revocation {
    let (reason, by) = ("it was taken over".into(), "security".into());
    Revocation {
        reason,
        by,
        since: NOW.micros(),
        ..Revocation::new(&format!("r-{}", what.as_str()), what, of)
    }
}

/// A desk at which an agent to whom a person has lent access asks, with a token that says all that a token can.
fn desk() -> Desk {
    let mut desk = Desk::new(ALL);
    let authentication = Authentication {
        issued_at: Some(Timestamp(500_000)),
        client: Some("client-7".into()),
        sign_in: Some("sid-1".into()),
        ..Authentication::default()
    };
    desk.admission.principal = Arc::new(Principal {
        kind: Kind::Agent,
        id: "ci-bot".into(),
        subject: "carl".into(),
        delegation: Some(Delegation::from("carl")),
        person: Some("carl@example.com".into()),
        token_id: "jti-9".into(),
        authentication,
        ..(*desk.admission.principal).clone()
    });
    desk
}

/// What becomes of the next command of a live session.
fn next(desk: &mut Desk, all: Vec<Revocation>) -> Option<Code> {
    let admitted = desk.admit().unwrap();
    desk.gate.revoke(all, &BTreeMap::new(), NOW);
    let code = desk.ask(&admitted, read()).code();
    assert_eq!(desk.admit().err().map(|refusal| refusal.code), code, "nor may they come again");
    assert_eq!(desk.gate.is_revoked(&desk.admission, NOW), code.is_some());
    desk.gate.revoke(Vec::new(), &BTreeMap::new(), NOW);
    assert!(desk.ask(&admitted, read()).verdict.is_ok(), "it is lifted");
    code
}

#[test]
fn the_next_command_is_refused_by_whatever_name_access_was_taken_and_by_no_other() {
    let mut desk = desk();
    let group = desk.admission.principal.groups.first().unwrap().clone();
    let (session, connection) = (desk.admission.session.to_string(), desk.admission.connection.clone());
    let named = [
        (What::Agent, "ci-bot"),
        (What::Subject, "carl"),
        (What::Person, "Carl@Example.com"),
        (What::Client, "client-7"),
        (What::Group, &group),
        (What::Token, "jti-9"),
        (What::SignIn, "sid-1"),
        (What::Session, &session),
        (What::Connection, &connection),
        (What::Everything, ""),
    ];
    assert_eq!(named.map(|(what, _)| what), What::ALL);
    for (what, of) in named {
        assert_eq!(next(&mut desk, vec![revocation(what, of)]), Some(Code::Revoked), "{what:?}");
        if what != What::Everything {
            assert_eq!(next(&mut desk, vec![revocation(what, "another")]), None, "{what:?}");
        }
    }
    // A user has no agent's name.
    let user = Principal { kind: Kind::User, delegation: None, ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(user);
    assert_eq!(next(&mut desk, vec![revocation(What::Agent, "ci-bot")]), None);
}

#[test]
fn tokens_that_were_issued_later_and_those_of_other_issuers_are_believed_where_that_is_said() {
    let mut desk = desk();
    let by =
        |issued_until| Revocation { issued_until: Some(issued_until), ..revocation(What::Subject, "carl") };
    assert_eq!(next(&mut desk, vec![by(500_000)]), Some(Code::Revoked));
    assert_eq!(next(&mut desk, vec![by(499_999)]), None);
    let issuer = desk.admission.principal.issuer.clone();
    let of = |issuer: &str| Revocation { issuer: Some(issuer.into()), ..revocation(What::Subject, "carl") };
    assert_eq!(next(&mut desk, vec![of(&issuer)]), Some(Code::Revoked));
    assert_eq!(next(&mut desk, vec![of("https://other.example.com")]), None);
    let untold = Authentication { issued_at: None, ..desk.admission.principal.authentication.clone() };
    desk.admission.principal =
        Arc::new(Principal { authentication: untold, ..(*desk.admission.principal).clone() });
    assert_eq!(next(&mut desk, vec![by(0)]), Some(Code::Revoked), "a token that does not say when");
}

#[test]
fn it_ends_when_its_time_is_over() {
    let mut desk = desk();
    let admitted = desk.admit().unwrap();
    let until = NOW.plus_seconds(30);
    desk.gate.revoke(
        vec![Revocation { until: Some(until.micros()), ..revocation(What::Everything, "") }],
        &BTreeMap::new(),
        NOW,
    );
    let just_before = Timestamp(until.micros() - 1);
    assert_eq!(desk.ask_at(&admitted, read(), just_before).code(), Some(Code::Revoked));
    assert_eq!(desk.ask_at(&admitted, read(), until).code(), None);
}

#[test]
fn what_is_told_says_neither_why_nor_by_whom_and_what_is_recorded_is_masked() {
    let mut desk = desk();
    let admitted = desk.admit().unwrap();
    let reason = format!("{} 4111111111111111", "x".repeat(1990));
    let made = Revocation { reason: reason.into(), ..revocation(What::Agent, "ci-bot") };
    let entries = desk.gate.revoke(vec![made.clone()], &BTreeMap::new(), NOW);
    let refusal = desk.ask(&admitted, read()).verdict.unwrap_err();
    assert_eq!((refusal.code, &*refusal.detail), (Code::Revoked, "of this agent (r-agent)"));
    assert!(refusal.code.ends_session());

    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(entry.client.as_deref(), Some("security"));
    let Event::AccessRevoked { reason, of, by, .. } = &entry.event else { panic!("{entry:?}") };
    assert!(&**of == "ci-bot" && &**by == "security" && !reason.contains("4111"), "{reason}");
    assert_eq!(desk.gate.revoke(vec![made], &BTreeMap::new(), NOW), [], "it is told once");
    let lifted = [("r-agent".into(), "sue".into())].into();
    let [entry] = &desk.gate.revoke(Vec::new(), &lifted, NOW)[..] else { panic!() };
    let Event::AccessRestored { id, was_over, by, .. } = &entry.event else { panic!("{entry:?}") };
    assert_eq!(
        (&**id, *was_over, &**by, entry.client.as_deref()),
        ("r-agent", false, "sue", Some("sue")),
        "who gave it back"
    );
}

/// Nobody is passed over for what their token leaves out.
#[test]
fn a_token_that_names_no_sign_in_counts_as_of_the_one_that_was_ended() {
    let mut desk = desk();
    let ended = || Revocation { subject: Some("carl".into()), ..revocation(What::SignIn, "sid-9") };
    assert_eq!(next(&mut desk, vec![ended()]), None, "of another sign-in");
    let untold = Authentication { sign_in: None, ..desk.admission.principal.authentication.clone() };
    desk.admission.principal =
        Arc::new(Principal { authentication: untold, ..(*desk.admission.principal).clone() });
    assert_eq!(next(&mut desk, vec![ended()]), Some(Code::Revoked));
    let others = Revocation { subject: Some("dora".into()), ..revocation(What::SignIn, "sid-9") };
    assert_eq!(next(&mut desk, vec![others]), None, "of another person");
}

#[test]
fn an_agent_is_meant_by_its_own_subject_also_with_access_that_was_lent_to_it() {
    let mut desk = desk();
    let acting = Authentication {
        actor: Some("service-ci-bot".into()),
        ..desk.admission.principal.authentication.clone()
    };
    desk.admission.principal =
        Arc::new(Principal { authentication: acting, ..(*desk.admission.principal).clone() });
    assert_eq!(next(&mut desk, vec![revocation(What::Subject, "service-ci-bot")]), Some(Code::Revoked));
}
