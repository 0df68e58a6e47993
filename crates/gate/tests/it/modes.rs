//! In which way a principal queries a connection.

use access::{Action, Code, Effect, Facts, Mode, Resource, Use};
use audit::Event;

use crate::desk::{ALL, Desk, read, write};

fn desk(mode: Mode, policies: &str) -> Desk {
    let mut desk = Desk::new(policies);
    desk.admission.mode = mode;
    desk
}

fn transaction() -> Facts {
    let uses = vec![Use { action: Action::Session, resource: Resource::Connection }];
    Facts { kinds: vec!["begin".into()], uses, effect: Effect::Session, ..Facts::default() }
}

#[test]
fn who_may_run_templates_runs_them_and_what_a_client_cannot_do_without() {
    let mut desk = desk(Mode::Templates, ALL);
    let admitted = desk.admit().unwrap();
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::NotATemplate));
    assert_eq!(desk.ask(&admitted, write()).code(), Some(Code::NotATemplate));
    let registered = Facts { template: Some("by-id".into()), ..read() };
    assert!(desk.ask(&admitted, registered).verdict.is_ok());
    assert!(desk.ask(&admitted, transaction()).verdict.is_ok());
    let mut calls = transaction();
    calls.functions.push("pg_sleep".into());
    assert_eq!(desk.ask(&admitted, calls).code(), Some(Code::NotATemplate));
    let writes = Facts { effect: Effect::Data, ..transaction() };
    assert_eq!(desk.ask(&admitted, writes).code(), Some(Code::NotATemplate));
}

#[test]
fn a_template_is_decided_by_policy_like_any_statement() {
    let mut desk = desk(Mode::Templates, r#"permit (principal, action == Action::"connect", resource);"#);
    let admitted = desk.admit().unwrap();
    let registered = Facts { template: Some("by-id".into()), ..read() };
    assert_eq!(desk.ask(&admitted, registered).code(), Some(Code::PolicyDenied));
}

#[test]
fn what_an_administrator_does_is_recorded_as_such() {
    let broad = format!(
        r#"{ALL} permit (principal, action == Action::"use_feature", resource) when {{ context.mode == "admin" }};"#
    );
    let unclear = || Facts { not_understood: vec!["do block".into()], ..write() };
    let mut desk = desk(Mode::Admin, &broad);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, unclear()).verdict.is_ok());
    let entries = desk.log.entries();
    let modes = entries.iter().filter_map(|entry| match &entry.event {
        Event::SessionOpened { mode, .. } => Some(mode.clone()),
        Event::CommandIntent { command, .. } => Some(command.mode.clone()),
        _ => None,
    });
    assert_eq!(modes.collect::<Vec<_>>(), [Some("admin".into()), Some("admin".into())]);

    let mut other = Desk::new(&broad);
    let admitted = other.admit().unwrap();
    assert_eq!(other.ask(&admitted, unclear()).code(), Some(Code::NotUnderstood));
}
