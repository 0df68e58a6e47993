//! For any policies and facts: what a permit proves.

use access::{Action, ColumnUse, DataClass, Effect, Facts, Position, RequestId, Resource, Use};
use policy::Policies;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::desk::{Desk, Fault, NOW, intends, policies};

/// Any of these may be in force.
const POLICIES: [&str; 7] = [
    "permit (principal, action, resource);",
    r#"permit (principal, action == Action::"read", resource);"#,
    r#"permit (principal, action == Action::"reveal", resource in DataClass::"pan");"#,
    r#"permit (principal, action, resource == Feature::"do block");"#,
    r#"forbid (principal, action in Action::"change", resource) unless { context.approvals >= 1 };"#,
    r#"forbid (principal, action, resource == Table::"payments-db/public.b");"#,
    r#"forbid (principal, action, resource) when { 9223372036854775806 + context.statements < 0 };"#,
];

fn action() -> impl Strategy<Value = Action> {
    select(vec![Action::Read, Action::Write, Action::Administer, Action::Session, Action::Call])
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![
        Just(Resource::Connection),
        select(vec!["public.a", "public.b", "a.b.c"]).prop_map(|name| Resource::Table(name.into())),
        Just(Resource::Function("f".into())),
    ]
}

fn column() -> impl Strategy<Value = ColumnUse> {
    let class = select(vec![DataClass::Pan, DataClass::Sad, DataClass::Own("iban".into())]);
    let position = select(vec![Position::Output, Position::Derived, Position::Computed, Position::Assigned]);
    (class, position).prop_map(|(class, position)| ColumnUse {
        column: format!("public.a.{class}").into(),
        class,
        position,
    })
}

prop_compose! {
    fn facts()(
        uses in prop::collection::vec((action(), resource()).prop_map(|(action, resource)| Use { action, resource }), 0..3),
        columns in prop::collection::vec(column(), 0..3),
        kinds in prop::collection::vec(Just(Box::from("select")), 0..3),
        not_understood in subsequence(vec![Box::from("do block"), Box::from("merge")], 0..=2),
        effect in select(vec![Effect::None, Effect::Session, Effect::Data]),
    ) -> Facts {
        Facts { kinds, uses, columns, has_where: true, effect, not_understood, ..Facts::default() }
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    select(vec![None, None, Some(Fault::Before), Some(Fault::AfterButReportedFailed)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_permit_exists_only_for_a_command_that_is_recorded_and_allowed(
        chosen in subsequence((0..POLICIES.len()).collect::<Vec<_>>(), 0..=POLICIES.len()),
        asked in prop::collection::vec((facts(), fault(), 0_i64..80), 1..6),
    ) {
        let mut desk = Desk::new("permit (principal, action == Action::\"connect\", resource);");
        let admitted = desk.admit().unwrap();
        let text: String = chosen.iter().map(|at| POLICIES[*at]).collect();
        desk.gate.replace_policies(policies(&text), NOW).wait().unwrap();
        for (facts, fault, seconds) in asked {
            desk.log.fail(if fault.is_some() { "command_intent" } else { "none" }, fault.unwrap_or(Fault::Before));
            let answer = desk.ask_at(&admitted, facts.clone(), NOW.plus_seconds(seconds));
            let Ok(permit) = answer.verdict else { continue };
            let request: RequestId = permit.request();
            let at = desk.log.entries().iter().position(|entry| intends(entry, request));
            prop_assert_eq!(at.map(|at| at as u64), Some(permit.receipt().index));
            prop_assert!(fault.is_none() && seconds < 60);
            prop_assert!(!facts.not_understood.iter().any(|name| &**name == "merge"));
            prop_assert!(facts.not_understood.is_empty() || chosen.contains(&3));
            let computes = |class: &DataClass| {
                facts.columns.iter().any(|used| used.position == Position::Computed && used.class == *class)
            };
            prop_assert!(!computes(&DataClass::Sad));
            prop_assert!(!computes(&DataClass::Pan) || chosen.contains(&0) || chosen.contains(&2));
            prop_assert!(!permit.terms().reveal.contains(&DataClass::Sad));
            prop_assert!(chosen.contains(&0) || facts.uses.iter().all(|used| used.action == Action::Read));
            let refused = Resource::Table("public.b".into());
            prop_assert!(!chosen.contains(&5) || facts.uses.iter().all(|used| used.resource != refused));
        }
    }

    #[test]
    fn with_no_policies_nothing_gets_a_permit(facts in facts()) {
        let mut desk = Desk::new("permit (principal, action == Action::\"connect\", resource);");
        let admitted = desk.admit().unwrap();
        desk.gate.replace_policies(Policies::empty(), NOW).wait().unwrap();
        prop_assert!(desk.ask(&admitted, facts).verdict.is_err());
    }
}
