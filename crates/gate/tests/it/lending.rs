//! An agent has no more of somebody's access than that somebody has at that moment, and than was lent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Action, Authentication, Code, DataClass, Facts, Kind, Position, Principal, Timestamp};
use audit::Event;
use gate::{Admitted, NoLoan, Offer, Revocation, Unanswered, Voter, What};
use proptest::prelude::*;

use crate::desk::{Desk, Fault, NOW, read, using, write};

const RULES: &str = r#"
    permit (principal, action == Action::"connect", resource);
    permit (principal in Group::"analysts", action == Action::"read", resource);
    permit (principal in Group::"analysts", action == Action::"write", resource);
    permit (principal in Group::"analysts", action == Action::"reveal", resource);
    permit (principal in Group::"analysts", action == Action::"match", resource) when { context.matches <= 3 };
    permit (principal, action == Action::"delegate", resource) when { context.grant_seconds <= 7200 };
"#;

fn alice() -> Voter {
    let principal = Principal {
        kind: Kind::User,
        id: "alice".into(),
        issuer: "https://idp.example.com".into(),
        subject: "alice".into(),
        groups: ["analysts".into()].into(),
        delegation: None,
        person: Some("alice@example.com".into()),
        authentication: Authentication {
            issued_at: Some(Timestamp(500_000)),
            client: Some("cli".into()),
            sign_in: Some("sid-1".into()),
            ..Authentication::default()
        },
        token_id: "jti-alice".into(),
        valid_from: Timestamp(0),
        valid_until: NOW.plus_seconds(300),
    };
    by(principal)
}

fn by(principal: Principal) -> Voter {
    Voter { principal: Arc::new(principal), from: "127.0.0.1:9".into(), client: "test".into() }
}

fn place(name: &str) -> gate::Offered {
    (name.into(), Some(Arc::new(["cde".into()])))
}

fn offer(actions: &[Action]) -> Offer {
    Offer {
        id: "d-1".into(),
        agent: "claude".into(),
        is_agents: true,
        connections: vec![place("payments-db")],
        actions: actions.iter().copied().collect(),
        seconds: 3600,
        reason: "INC-4711".into(),
    }
}

fn desk(more: &str) -> Desk {
    Desk::new(&format!("{RULES} {more}"))
}

impl Desk {
    fn lent(&self, by: &Voter, offer: &Offer) -> Result<Principal, Unanswered> {
        let mut lending = Box::pin(self.gate.lend(by, offer, NOW));
        match lending.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(lent) => lent,
            std::task::Poll::Pending => panic!("the log answers at once"),
        }
    }

    /// A session of somebody who comes by a token of their own.
    fn seen(&self, principal: Principal) -> Admitted {
        let admission = access::Admission { principal: Arc::new(principal), ..self.admission.clone() };
        self.gate.admit(&admission, "postgres", NOW).wait().unwrap()
    }

    /// A session of whoever was lent something.
    fn session(&mut self, lent: Principal) -> Admitted {
        self.admission.principal = Arc::new(self.gate.as_now(lent));
        self.admit().unwrap()
    }
}

#[test]
fn an_agent_does_what_was_lent_and_what_whoever_lent_it_may_do_and_nothing_else() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let admitted = desk.session(lent);
    assert_eq!(desk.ask(&admitted, read()).code(), None);
    let refused = desk.ask(&admitted, write()).verdict.unwrap_err();
    assert_eq!(refused.code, Code::PolicyDenied);
    assert!(refused.detail.contains("no part of what was lent"), "{}", refused.detail);
    let pan = using(read(), DataClass::Pan, Position::Computed);
    assert_eq!(desk.ask(&admitted, pan.clone()).code(), Some(Code::RevealDenied), "to reveal was not lent");
    let lent = desk.lent(&alice(), &offer(&[Action::Read, Action::Reveal])).unwrap();
    let admitted = desk.session(lent);
    assert_eq!(desk.ask(&admitted, pan).code(), None);
}

#[test]
fn a_policy_for_the_agent_gives_it_nothing_that_its_lender_does_not_have() {
    let mut desk = desk(r#"permit (principal == Agent::"claude", action, resource);"#);
    let lent = desk.lent(&alice(), &offer(&[Action::Read, Action::Administer])).unwrap();
    let admitted = desk.session(lent);
    let drop = Facts {
        uses: vec![access::Use {
            action: Action::Administer,
            resource: access::Resource::Table("public.cards".into()),
        }],
        ..write()
    };
    let refused = desk.ask(&admitted, drop).verdict.unwrap_err();
    assert!(refused.detail.contains("`alice`, who lent the access, may not"), "{}", refused.detail);
}

#[test]
fn a_policy_against_the_agent_counts_whatever_its_lender_may_do() {
    let mut desk = desk(
        r#"forbid (principal, action == Action::"write", resource) when { principal has on_behalf_of };"#,
    );
    let lent = desk.lent(&alice(), &offer(&[Action::Write])).unwrap();
    let admitted = desk.session(lent);
    assert_eq!(desk.ask(&admitted, write()).code(), Some(Code::PolicyDenied));
}

#[test]
fn it_is_for_the_connections_that_were_lent() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &Offer { connections: vec![place("billing")], ..offer(&[Action::Read]) });
    desk.admission.principal = Arc::new(lent.unwrap());
    assert_eq!(desk.admit().map(drop).unwrap_err().code, Code::ConnectDenied);
}

#[test]
fn it_ends_with_its_time_and_not_with_the_token_by_which_it_was_lent() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let admitted = desk.session(lent);
    assert_eq!(desk.ask_at(&admitted, read(), NOW.plus_seconds(3000)).code(), None);
    assert_eq!(desk.ask_at(&admitted, read(), NOW.plus_seconds(3601)).code(), Some(Code::TokenExpired));
}

#[test]
fn whatever_takes_access_from_a_lender_takes_it_from_whoever_was_lent_it() {
    let mut desk = desk("");
    let first = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let next = Offer { id: "d-2".into(), agent: "helper".into(), seconds: 60, ..offer(&[Action::Read]) };
    let second = desk.lent(&by(first), &next).unwrap();
    let admitted = desk.session(second);
    let taken = [
        (What::Subject, "alice"),
        (What::Person, "alice@example.com"),
        (What::Group, "analysts"),
        (What::Client, "cli"),
        (What::SignIn, "sid-1"),
        (What::Token, "jti-alice"),
        (What::Token, "d-1"),
        (What::Token, "d-2"),
        (What::Agent, "claude"),
        (What::Agent, "helper"),
        (What::Subject, "claude"),
    ];
    for (what, of) in taken {
        let revoked = vec![Revocation::new("r-1", what, of)];
        desk.gate.revoke(revoked, &BTreeMap::new(), NOW);
        assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::Revoked), "{what:?} {of}");
        assert!(desk.gate.is_revoked(&desk.admission, NOW));
        desk.gate.revoke(Vec::new(), &BTreeMap::new(), NOW);
        assert_eq!(desk.ask(&admitted, read()).code(), None);
    }
    // All tokens that whoever lent it had until then.
    let until =
        Revocation { issued_until: Some(NOW.micros()), ..Revocation::new("r-1", What::Subject, "alice") };
    desk.gate.revoke(vec![until], &BTreeMap::new(), NOW);
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::Revoked));
}

#[test]
fn whoever_is_in_other_groups_has_lent_no_more_than_these_allow() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let admitted = desk.session(lent.clone());
    assert_eq!(desk.ask(&admitted, read()).code(), None);
    let mut left = (*alice().principal).clone();
    left.authentication.issued_at = Some(NOW);
    left.groups = ["interns".into()].into();
    desk.admission.principal = Arc::new(left.clone());
    drop(desk.admit().unwrap());
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::TokenExpired), "a session that goes on");
    let again = desk.session(lent.clone());
    assert_eq!(desk.ask(&again, read()).code(), Some(Code::PolicyDenied), "a new one");
    // An older token tells nothing new, nor does one for another client.
    desk.admission.principal = alice().principal;
    drop(desk.admit().unwrap());
    let mut other = (*alice().principal).clone();
    other.authentication = Authentication {
        issued_at: Some(NOW.plus_seconds(5)),
        client: Some("web".into()),
        ..other.authentication
    };
    desk.admission.principal = Arc::new(other);
    drop(desk.admit().unwrap());
    let again = desk.session(lent);
    assert_eq!(desk.ask(&again, read()).code(), Some(Code::PolicyDenied));
}

#[test]
fn who_acts_for_a_lender_by_an_issuers_word_says_nothing_of_the_lenders_groups() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &offer(&[Action::Read, Action::Reveal])).unwrap();
    for (kind, id) in [(Kind::Agent, "x"), (Kind::User, "another name")] {
        let mut other = (*alice().principal).clone();
        (other.kind, other.id) = (kind, id.into());
        other.authentication.issued_at = Some(NOW);
        other.groups = ["visitors".into()].into();
        other.delegation = (kind == Kind::Agent).then(|| access::Delegation::from("alice"));
        desk.admission.principal = Arc::new(other);
        drop(desk.admit().unwrap());
    }
    let admitted = desk.session(lent);
    assert_eq!(desk.ask(&admitted, read()).code(), None);
}

#[test]
fn what_is_known_of_a_lender_outlives_the_gateway_and_is_known_to_others() {
    let first = desk("");
    let lent = first.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let mut left = (*alice().principal).clone();
    left.authentication.issued_at = Some(NOW);
    left.groups = ["interns".into()].into();
    drop(first.seen(left));
    let told = first.gate.seen_anew();
    assert_eq!(told.len(), 1);
    assert_eq!(first.gate.seen_anew(), [], "once");
    let mut other = desk("");
    other.gate.learn(told.clone(), NOW);
    let admitted = other.session(lent.clone());
    assert_eq!(other.ask(&admitted, read()).code(), Some(Code::PolicyDenied));
    // Of whom nothing is lent any more nothing is known.
    let mut later = desk("");
    later.gate.learn(told, NOW.plus_seconds(3600));
    let admitted = later.session(lent);
    assert_eq!(later.ask(&admitted, read()).code(), None);
}

#[test]
fn a_lender_who_came_just_before_they_were_known_to_be_one_is_remembered() {
    let first = desk("");
    let lent = first.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let mut other = desk("");
    let mut left = (*alice().principal).clone();
    left.authentication.issued_at = Some(NOW);
    left.groups = ["interns".into()].into();
    drop(other.seen(left));
    // An older token of theirs, shown after that, brings nothing back.
    let mut older = (*alice().principal).clone();
    older.authentication.issued_at = Some(Timestamp(700_000));
    drop(other.seen(older));
    other.gate.learn(first.gate.seen_anew(), NOW);
    assert_eq!(other.gate.seen_anew().len(), 1, "others are to know");
    let admitted = other.session(lent);
    assert_eq!(other.ask(&admitted, read()).code(), Some(Code::PolicyDenied));
}

#[test]
fn of_two_tokens_of_one_moment_what_both_say_counts() {
    let mut desk = desk("");
    let lent = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    for groups in [["analysts", "interns"], ["interns", "others"], ["analysts", "others"]] {
        let mut again = (*alice().principal).clone();
        again.authentication.issued_at = Some(NOW);
        again.groups = groups.map(Box::from).into();
        drop(desk.seen(again));
    }
    let admitted = desk.session(lent);
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::PolicyDenied));
}

#[test]
fn access_that_one_agent_lent_in_two_ways_is_decided_apart() {
    let mut desk = desk(
        r#"permit (principal == Agent::"y", action == Action::"read", resource);
           permit (principal == Agent::"x", action == Action::"read", resource) when { principal has on_behalf_of };"#,
    );
    let mut own = (*alice().principal).clone();
    (own.kind, own.id, own.groups) = (Kind::Agent, "x".into(), BTreeSet::new());
    let for_somebody = Principal { delegation: Some(access::Delegation::from("alice")), ..own.clone() };
    let y = || Offer { agent: "y".into(), ..offer(&[Action::Read]) };
    let (by_own, by_lent) = (desk.lent(&by(own), &y()).unwrap(), desk.lent(&by(for_somebody), &y()).unwrap());
    for _ in 0..2 {
        let admitted = desk.session(by_own.clone());
        assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::PolicyDenied));
        let admitted = desk.session(by_lent.clone());
        assert_eq!(desk.ask(&admitted, read()).code(), None);
    }
}

#[test]
fn an_agent_hands_on_no_more_than_it_was_lent() {
    let desk = desk("");
    let first = by(desk.lent(&alice(), &offer(&[Action::Read, Action::Reveal])).unwrap());
    let more = |offer: Offer| desk.lent(&first, &Offer { id: "d-2".into(), agent: "helper".into(), ..offer });
    assert!(more(Offer { seconds: 3600, ..offer(&[Action::Read]) }).is_ok());
    let cannot = Err(Unanswered::NoLoan(NoLoan::More));
    assert_eq!(more(Offer { seconds: 3601, ..offer(&[Action::Read]) }), cannot);
    assert_eq!(more(offer(&[Action::Read, Action::Write])), cannot);
    assert_eq!(
        more(Offer { connections: vec![place("payments-db"), place("billing")], ..offer(&[Action::Read]) }),
        cannot
    );
    assert!(matches!(desk.log.last().event, Event::SessionRefused { .. }), "that it was tried is on record");
}

#[test]
fn through_more_than_so_many_hands_it_does_not_go() {
    let desk = desk("");
    let mut lent = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    for at in 1..access::Lent::LENDERS_MAX {
        lent = desk
            .lent(&by(lent), &Offer { agent: format!("a-{at}").into(), ..offer(&[Action::Read]) })
            .unwrap();
    }
    assert_eq!(desk.lent(&by(lent), &offer(&[Action::Read])), Err(Unanswered::NoLoan(NoLoan::Hands)));
}

#[test]
fn nobody_lends_what_policy_does_not_let_them() {
    let own = Desk::new(r#"permit (principal, action, resource);"#);
    let denied = own.lent(&alice(), &offer(&[Action::Read]));
    assert!(matches!(denied, Err(Unanswered::MayNotLend(_))), "a permit of everything is not about this");
    assert!(matches!(own.log.last().event, Event::SessionRefused { .. }));
    let bounded = desk("");
    assert!(matches!(
        bounded.lent(&alice(), &Offer { seconds: 7201, ..offer(&[Action::Read]) }),
        Err(Unanswered::MayNotLend(_))
    ));
    let other = desk(
        r#"forbid (principal, action == Action::"delegate", resource) unless { context.lent_to == "ci-bot" };"#,
    );
    assert!(matches!(other.lent(&alice(), &offer(&[Action::Read])), Err(Unanswered::MayNotLend(_))));
    assert!(other.lent(&alice(), &Offer { agent: "ci-bot".into(), ..offer(&[Action::Read]) }).is_ok());
    let unreachable = desk(r#"forbid (principal == User::"alice", action == Action::"connect", resource);"#);
    assert!(matches!(unreachable.lent(&alice(), &offer(&[Action::Read])), Err(Unanswered::MayNotLend(_))));
}

#[test]
fn what_cannot_be_lent_is_refused_with_what_to_say() {
    let desk = desk("");
    let lent = |offer| desk.lent(&alice(), &offer).map(drop);
    let wrong = |why| Err(Unanswered::NoLoan(why));
    let it = || offer(&[Action::Read]);
    assert_eq!(lent(Offer { agent: "".into(), ..it() }), wrong(NoLoan::Agent));
    assert_eq!(lent(Offer { agent: "4111111111111111".into(), ..it() }), wrong(NoLoan::Agent));
    for agent in ["cla\nude", "claude\0", "cla\u{202e}ude", "claude\u{200b}", " claude", &"a".repeat(201)] {
        assert_eq!(lent(Offer { agent: agent.into(), ..it() }), wrong(NoLoan::Agent), "{agent:?}");
    }
    assert_eq!(lent(Offer { is_agents: false, ..it() }), wrong(NoLoan::Stranger));
    assert_eq!(
        lent(Offer { connections: vec![("nowhere".into(), None)], ..it() }),
        Err(Unanswered::NoConnection)
    );
    assert_eq!(lent(Offer { connections: Vec::new(), ..it() }), wrong(NoLoan::Connections));
    assert_eq!(lent(offer(&[])), wrong(NoLoan::Actions));
    assert_eq!(lent(offer(&[Action::Connect])), wrong(NoLoan::Actions));
    assert_eq!(lent(Offer { seconds: 0, ..it() }), wrong(NoLoan::Seconds));
    assert_eq!(lent(Offer { seconds: 12 * 3600 + 1, ..it() }), wrong(NoLoan::Seconds));
    assert_eq!(lent(Offer { reason: " ".into(), ..it() }), wrong(NoLoan::Reason));
    let expired = Principal { valid_until: NOW, ..(*alice().principal).clone() };
    assert_eq!(desk.lent(&by(expired), &it()), Err(Unanswered::Expired));
    desk.gate.revoke(vec![Revocation::new("r-1", What::Subject, "alice")], &BTreeMap::new(), NOW);
    assert_eq!(lent(it()), Err(Unanswered::Revoked));
}

#[test]
fn nothing_is_lent_that_is_not_recorded() {
    let desk = desk("");
    for fault in [Fault::Before, Fault::AfterButReportedFailed] {
        desk.log.fail("access_lent", fault);
        assert_eq!(desk.lent(&alice(), &offer(&[Action::Read])), Err(Unanswered::NotRecorded));
    }
}

#[test]
fn the_log_says_who_lent_what_to_whom_and_with_each_command_through_whose_hands_it_came() {
    let mut desk = desk("");
    let first = desk.lent(&alice(), &offer(&[Action::Read])).unwrap();
    let entry = desk.log.last();
    assert_eq!(&*entry.principal.unwrap().id, "alice");
    let Event::AccessLent { id, to, connections, actions, until, reason } = entry.event else {
        panic!("it is recorded")
    };
    assert_eq!((&*id, &*to, &*reason), ("d-1", "claude", "INC-4711"));
    assert_eq!((connections, actions), (vec!["payments-db".into()], vec!["read".into()]));
    assert_eq!(until, NOW.plus_seconds(3600).micros());
    let next = Offer { id: "d-2".into(), agent: "helper".into(), seconds: 60, ..offer(&[Action::Read]) };
    let second = desk.lent(&by(first), &next).unwrap();
    let admitted = desk.session(second);
    assert_eq!(desk.ask(&admitted, read()).code(), None);
    let who = desk.log.last().principal.unwrap();
    let lent = who.lent.as_deref().unwrap();
    assert_eq!((&*who.id, who.on_behalf_of.as_deref(), &*who.token_id), ("helper", Some("alice"), "d-2"));
    assert_eq!((&*lent.by_kind, &*lent.by, &lent.through[..]), ("user", "alice", &["claude".into()][..]));
}

#[test]
fn values_are_compared_within_the_bound_of_whoever_lent_it_however_many_agents_they_name() {
    let mut desk = desk(r#"forbid (principal, action == Action::"reveal", resource);"#);
    let compare = || Facts {
        matches: vec![access::Match {
            column: "public.cards.pan".into(),
            class: DataClass::Pan,
            values: 1,
            values_of: None,
        }],
        ..read()
    };
    let mut codes = Vec::new();
    for at in 0..4 {
        let offer = Offer { agent: format!("agent-{at}").into(), ..offer(&[Action::Read, Action::Match]) };
        let lent = desk.lent(&alice(), &offer).unwrap();
        let admitted = desk.session(lent);
        codes.push(desk.ask(&admitted, compare()).code());
    }
    assert_eq!(codes, [None, None, None, Some(Code::GuessesSpent)]);
    desk.admission.principal = alice().principal;
    let own = desk.admit().unwrap();
    assert_eq!(desk.ask(&own, compare()).code(), Some(Code::GuessesSpent), "nor do they themselves");
}

/// Policies of which some are in force, about people, agents and those who act for others.
const SOME: [&str; 9] = [
    r#"permit (principal, action == Action::"read", resource);"#,
    r#"permit (principal == User::"alice", action == Action::"write", resource);"#,
    r#"permit (principal == Agent::"claude", action, resource);"#,
    r#"permit (principal in Group::"analysts", action == Action::"reveal", resource);"#,
    r#"permit (principal is Agent, action == Action::"write", resource);"#,
    r#"forbid (principal == User::"alice", action == Action::"read", resource);"#,
    r#"forbid (principal, action == Action::"write", resource) when { principal has on_behalf_of };"#,
    r#"forbid (principal is Agent, action == Action::"reveal", resource) when { principal has chain };"#,
    r#"forbid (principal, action == Action::"write", resource) unless { context.approvals >= 1 };"#,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nobody_to_whom_access_was_lent_may_do_what_a_lender_may_not(
        in_force in prop::collection::vec(any::<bool>(), SOME.len()),
        lent in prop::collection::btree_set(prop::sample::select(vec![Action::Read, Action::Write, Action::Reveal]), 1..3),
        hands in 1..4_usize,
    ) {
        let chosen: Vec<_> = SOME.iter().zip(&in_force).filter(|(_, it)| **it).map(|(text, _)| *text).collect();
        let first = r#"permit (principal, action == Action::"connect", resource);
            permit (principal, action == Action::"delegate", resource);"#;
        let mut desk = Desk::new(&format!("{first} {}", chosen.join("\n")));
        let actions: Vec<Action> = lent.iter().copied().collect();
        let mut all = vec![(*alice().principal).clone()];
        for at in 0..hands {
            let agent = if at == 0 { "claude".into() } else { format!("helper-{at}").into() };
            let last = by(all.last().unwrap().clone());
            all.push(desk.lent(&last, &Offer { agent, ..offer(&actions) }).unwrap());
        }
        let commands =
            [read(), write(), using(read(), DataClass::Pan, Position::Computed)];
        let mut may = Vec::new();
        for principal in all {
            let admitted = desk.session(principal);
            let allowed = commands.iter().map(|it| desk.ask(&admitted, it.clone()).code().is_none());
            may.push(allowed.collect::<Vec<_>>());
        }
        let wanted: [BTreeSet<Action>; 3] =
            [[Action::Read].into(), [Action::Write].into(), [Action::Read, Action::Reveal].into()];
        for (lender, borrower) in may.iter().zip(&may[1..]) {
            for at in 0..commands.len() {
                prop_assert!(!borrower[at] || lender[at], "{:?}: {may:?}", commands[at].kinds);
                prop_assert!(!borrower[at] || wanted[at].is_subset(&lent));
            }
        }
    }
}
