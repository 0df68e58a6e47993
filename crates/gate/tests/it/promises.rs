use access::{Action, Code, DataClass, Facts, Position, Resource, Timestamp, Use};
use audit::Event;

use crate::desk::{ALL, Desk, NOW, policies, read, using, write};

#[test]
fn a_token_that_expires_between_two_commands_ends_the_second() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let end = desk.admission.principal.valid_until;
    assert!(desk.ask_at(&admitted, read(), Timestamp(end.micros() - 1)).verdict.is_ok());
    let answer = desk.ask_at(&admitted, read(), end);
    assert_eq!((answer.ahead, answer.code()), (false, Some(Code::TokenExpired)));
    assert_eq!(desk.log.last().event.name(), "command_refused");
}

#[test]
fn a_token_that_has_expired_opens_no_session() {
    let desk = Desk::new(ALL);
    let late = desk.admission.principal.valid_until;
    let refusal = desk.gate.admit(&desk.admission, "postgres", late).wait().err().unwrap();
    assert_eq!(refusal.code, Code::TokenExpired);
    assert_eq!(desk.log.events(), ["session_refused"]);
}

#[test]
fn policies_replaced_between_two_commands_decide_the_second() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
    let without = r#"permit (principal, action == Action::"connect", resource);"#;
    desk.gate.replace_policies(policies(without), NOW).wait().unwrap();
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::PolicyDenied));
    desk.gate.replace_policies(policies(ALL), NOW).wait().unwrap();
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
    let changes = desk.log.events().iter().filter(|name| **name == "policy_changed").count();
    assert_eq!(changes, 2);
}

#[test]
fn only_a_command_without_an_effect_goes_ahead_of_its_entry() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, read()).ahead);
    assert!(!desk.ask(&admitted, write()).ahead);
    let begin = Facts { effect: access::Effect::Session, ..Facts::default() };
    assert!(!desk.ask(&admitted, begin).ahead);
}

#[test]
fn one_use_that_is_not_allowed_refuses_the_command() {
    let mut desk =
        Desk::new(r#"permit (principal, action in [Action::"connect", Action::"read"], resource);"#);
    let admitted = desk.admit().unwrap();
    let mut both = read();
    both.uses.extend(write().uses);
    let answer = desk.ask(&admitted, both);
    assert_eq!(answer.code(), Some(Code::PolicyDenied));
    let detail = answer.verdict.unwrap_err().detail;
    assert_eq!(&*detail, "`select` needs `write` on table public.cards: no policy allows it");
}

#[test]
fn a_command_that_uses_nothing_is_decided_all_the_same() {
    let mut desk =
        Desk::new(r#"permit (principal, action in [Action::"connect", Action::"read"], resource);"#);
    let admitted = desk.admit().unwrap();
    assert_eq!(desk.ask(&admitted, Facts::default()).code(), Some(Code::PolicyDenied));
}

#[test]
fn a_permit_of_everything_does_not_let_through_what_is_not_understood() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let unclear = |what: &str| Facts { not_understood: vec![what.into()], ..write() };
    let answer = desk.ask(&admitted, unclear("do block"));
    assert_eq!(answer.code(), Some(Code::NotUnderstood));
    assert!(answer.verdict.unwrap_err().detail.contains("`do block`"));

    let named = format!(r#"{ALL} permit (principal, action, resource == Feature::"do block");"#);
    desk.gate.replace_policies(policies(&named), NOW).wait().unwrap();
    assert!(desk.ask(&admitted, unclear("do block")).verdict.is_ok());
    assert_eq!(desk.ask(&admitted, unclear("merge")).code(), Some(Code::NotUnderstood));
    let both = Facts { not_understood: vec!["do block".into(), "merge".into()], ..write() };
    assert_eq!(desk.ask(&admitted, both).code(), Some(Code::NotUnderstood));
}

#[test]
fn what_is_named_as_allowed_must_still_be_allowed_to_do_what_it_does() {
    let mut desk = Desk::new(
        r#"permit (principal, action == Action::"connect", resource);
           permit (principal, action, resource == Feature::"do block");"#,
    );
    let admitted = desk.admit().unwrap();
    let answer = desk.ask(&admitted, Facts { not_understood: vec!["do block".into()], ..write() });
    assert_eq!(answer.code(), Some(Code::PolicyDenied));
}

#[test]
fn a_policy_that_fails_to_evaluate_refuses_and_the_log_says_what_failed() {
    let mut desk = Desk::new(
        r#"permit (principal, action, resource);
           @id("overflows") forbid (principal, action == Action::"read", resource)
           when { 9223372036854775807 + context.statements < 0 };"#,
    );
    let admitted = desk.admit().unwrap();
    let answer = desk.ask(&admitted, read());
    assert_eq!(answer.code(), Some(Code::PolicyError));
    assert!(!answer.verdict.unwrap_err().detail.contains("overflows"));
    let Event::CommandRefused { detail, .. } = desk.log.last().event else { panic!() };
    assert!(detail.contains("overflows"), "{detail}");
}

#[test]
fn a_protected_column_is_shown_masked_and_not_computed_on_without_the_right_to_reveal() {
    let mut desk =
        Desk::new(r#"permit (principal, action in [Action::"connect", Action::"read"], resource);"#);
    let admitted = desk.admit().unwrap();
    let permit = desk.ask(&admitted, using(read(), DataClass::Pan, Position::Output)).verdict.unwrap();
    assert!(!permit.terms().reveals(&DataClass::Pan));
    let answer = desk.ask(&admitted, using(read(), DataClass::Pan, Position::Computed));
    assert_eq!(answer.code(), Some(Code::RevealDenied));
    assert!(answer.verdict.unwrap_err().detail.contains("public.cards.pan"));
}

#[test]
fn who_may_reveal_a_class_gets_terms_that_say_so_and_of_no_other() {
    let mut desk = Desk::new(
        r#"permit (principal, action in [Action::"connect", Action::"read"], resource);
           permit (principal, action == Action::"reveal", resource in DataClass::"pan");"#,
    );
    let admitted = desk.admit().unwrap();
    let permit = desk.ask(&admitted, using(read(), DataClass::Pan, Position::Computed)).verdict.unwrap();
    assert_eq!(permit.terms().reveal, [DataClass::Pan].into());
    let own = DataClass::Own("iban".into());
    assert_eq!(desk.ask(&admitted, using(read(), own, Position::Computed)).code(), Some(Code::RevealDenied));
}

#[test]
fn errors_are_told_as_they_are_worded_only_where_all_that_is_in_reach_may_be_revealed() {
    let mut desk = Desk::new(
        r#"permit (principal, action in [Action::"connect", Action::"read"], resource);
           permit (principal, action == Action::"reveal", resource in DataClass::"pan");"#,
    );
    let admitted = desk.admit().unwrap();
    let mut tells = |in_reach: &[DataClass]| {
        let facts = Facts { in_reach: in_reach.to_vec(), ..read() };
        desk.ask(&admitted, facts).verdict.unwrap().terms().tells_errors
    };
    let own = DataClass::Own("iban".into());
    assert!(tells(&[]) && tells(&[DataClass::Pan]));
    assert!(!tells(&[DataClass::Sad]) && !tells(&[DataClass::Pan, own]));
}

#[test]
fn sad_is_never_revealed_whatever_policy_says() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let permit = desk.ask(&admitted, using(read(), DataClass::Sad, Position::Output)).verdict.unwrap();
    assert!(!permit.terms().reveal.contains(&DataClass::Sad));
    assert!(permit.terms().reveals(&DataClass::Pan));
    let answer = desk.ask(&admitted, using(read(), DataClass::Sad, Position::Computed));
    assert_eq!(answer.code(), Some(Code::RevealDenied));
    assert!(desk.ask(&admitted, using(write(), DataClass::Sad, Position::Assigned)).verdict.is_ok());
}

#[test]
fn a_command_that_an_approval_would_let_pass_says_so_and_does_not_run() {
    let mut desk = Desk::new(
        r#"permit (principal, action, resource);
           @id("two-people") @reason("changes need two people")
           forbid (principal, action == Action::"write", resource) unless { context.approvals >= 2 };"#,
    );
    let admitted = desk.admit().unwrap();
    let answer = desk.ask(&admitted, write());
    assert_eq!(answer.code(), Some(Code::NeedsApproval));
    let refusal = answer.verdict.unwrap_err();
    assert_eq!(&*refusal.policies[0].id, "two-people");
    assert!(refusal.detail.ends_with("policy `two-people`: changes need two people"), "{}", refusal.detail);
    let sad = desk.ask(&admitted, using(write(), DataClass::Sad, Position::Computed));
    assert_eq!(sad.code(), Some(Code::PolicyDenied), "no approval could let it pass");
}

#[test]
fn who_may_not_connect_gets_no_session_and_an_entry() {
    let desk = Desk::new("");
    let refusal = desk.admit().err().unwrap();
    assert_eq!(refusal.code, Code::ConnectDenied);
    let entry = desk.log.last();
    assert_eq!(entry.event.name(), "session_refused");
    assert_eq!((entry.session, entry.request), (Some(desk.admission.session), Some(refusal.request)));
    assert_eq!(&*entry.principal.unwrap().id, "claude");
}

#[test]
fn a_decision_on_one_principal_is_not_that_on_another() {
    let mut desk = Desk::new(r#"permit (principal in Group::"agents", action, resource);"#);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
    let mut other = (*desk.admission.principal).clone();
    other.groups = ["agents".into(), "others".into()].into();
    desk.admission.principal = std::sync::Arc::new(other.clone());
    let second = desk.admit().unwrap();
    assert!(desk.ask(&second, read()).verdict.is_ok());
    let only_agents = r#"permit (principal in Group::"agents", action, resource);
                         forbid (principal in Group::"others", action == Action::"read", resource);"#;
    desk.gate.replace_policies(policies(only_agents), NOW).wait().unwrap();
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
    assert_eq!(desk.ask(&second, read()).code(), Some(Code::PolicyDenied));
}

#[test]
fn preparing_and_running_are_decided_apart() {
    let mut desk = Desk::new(
        r#"permit (principal, action, resource);
           forbid (principal, action == Action::"write", resource) when { context.stage == "run" };"#,
    );
    let admitted = desk.admit().unwrap();
    let mut question = desk.question(write(), "update", Vec::new());
    for (stage, allowed) in
        [(access::Stage::Prepare, true), (access::Stage::Run, false), (access::Stage::Prepare, true)]
    {
        question.stage = stage;
        let answer = crate::desk::Answer::from(desk.gate.ask(&admitted, &question, NOW));
        assert_eq!(answer.verdict.is_ok(), allowed, "{stage:?}");
    }
}

#[test]
fn somebody_unidentified_is_recorded_and_learns_nothing_of_why() {
    let desk = Desk::new(ALL);
    let stranger = gate::Stranger {
        session: desk.admission.session,
        from: "203.0.113.9:1",
        client: "psql",
        claimed_user: "4111111111111111",
        connection: "payments-db",
        lane: "postgres",
    };
    let refusal = desk.gate.refused_at_door(stranger, "the signature is wrong", NOW).wait();
    assert_eq!(refusal.code, Code::NotIdentified);
    assert!(!refusal.detail.contains("signature"));
    let Event::AuthenticationFailed { reason, claimed_user } = desk.log.last().event else { panic!() };
    assert_eq!(&*reason, "the signature is wrong");
    assert!(!claimed_user.contains("4111111111111111"));
}

#[test]
fn an_agents_names_are_masked_in_refusals_and_entries() {
    let mut desk = Desk::new(r#"permit (principal, action == Action::"connect", resource);"#);
    let admitted = desk.admit().unwrap();
    let table = Resource::Table("public.4111111111111111".into());
    let facts = Facts { uses: vec![Use { action: Action::Read, resource: table }], ..read() };
    let refusal = desk.ask(&admitted, facts).verdict.unwrap_err();
    assert!(!refusal.detail.contains("4111111111111111"));
    assert!(!format!("{:?}", desk.log.last()).contains("4111111111111111"));
}

/// Half a number looks like none, so that what is cut off is looked at too.
#[test]
fn a_clients_name_is_masked_before_it_is_cut() {
    for before in 0..70 {
        let mut desk = Desk::new(ALL);
        desk.admission.client = format!("{} 4111111111111111 psql", "x".repeat(before)).into();
        let admitted = desk.admit().unwrap();
        assert!(desk.ask(&admitted, read()).verdict.is_ok());
        desk.gate.not_admitted(&desk.admission, "postgres", Code::UpstreamUnavailable, "down", NOW).wait();
        let stranger = gate::Stranger {
            session: desk.admission.session,
            from: "203.0.113.9:1",
            client: &desk.admission.client,
            claimed_user: "agent",
            connection: "payments-db",
            lane: "postgres",
        };
        desk.gate.refused_at_door(stranger, "no token", NOW).wait();
        for entry in desk.log.entries() {
            let client = entry.client.unwrap();
            assert!(client.chars().count() <= 64 && !client.contains("41111"), "{client}");
        }
    }
}

#[test]
fn one_gate_serves_all_sessions_on_any_runtime() {
    fn shared<T: Send + Sync>() {}
    fn awaited<T: Future + Send + Unpin>() {}
    shared::<gate::Gate>();
    shared::<gate::Admitted>();
    awaited::<gate::Pending<access::Verdict>>();
}

#[test]
fn a_command_that_is_turned_away_is_recorded_as_refused_whatever_policy_says() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let question = desk.question(read(), "select 4111111111111111", Vec::new());
    let told = desk.gate.refuse(&admitted, &question, Code::LimitReached, "60 requests a minute", NOW).wait();
    let access::Verdict::Deny(refusal) = told else { panic!("it is refused") };
    assert_eq!((refusal.code, &*refusal.detail), (Code::LimitReached, "60 requests a minute"));
    let Event::CommandRefused { command, code, policies, .. } = desk.log.last().event else {
        panic!("recorded")
    };
    assert_eq!((code, policies.len()), (Code::LimitReached, 0));
    assert!(!command.statement.contains("4111111111111111"), "{}", command.statement);
    assert_eq!(admitted.commands(), 1);
}
