//! What is refused while one of panguard's own controls does not work, and what is recorded of it.

use access::{Code, Timestamp};
use audit::{Closes, Control, Event};
use gate::{Found, Turned};

use crate::approvals::now_or_never;
use crate::desk::{ALL, Desk, Fault, NOW, read};

fn fails(cause: &str, closes: Closes) -> Found {
    Found::Fails { cause: cause.into(), closes }
}

impl Desk {
    fn finds(&self, control: Control, of: &str, found: Found) -> Option<Turned> {
        now_or_never(self.gate.look(control, of, found, NOW)).expect("the log is on paper")
    }
}

#[test]
fn nothing_runs_on_a_connection_whose_lane_leaks_until_it_does_not() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let of = desk.admission.connection.clone();
    let leaks = fails("4111111111111111 came through", Closes::Connection);
    assert!(matches!(desk.finds(Control::Detection, &of, leaks), Some(Turned::Failed(_))));

    let answer = desk.ask(&admitted, read());
    assert_eq!(answer.code(), Some(Code::ControlFailed));
    assert_eq!(&*answer.verdict.unwrap_err().detail, "detection");
    assert_eq!(desk.log.last().event.name(), "command_refused");
    assert_eq!(desk.admit().err().unwrap().code, Code::ControlFailed);

    let Some(Turned::Restored(ended)) = desk.finds(Control::Detection, &of, Found::Works) else { panic!() };
    assert_eq!(ended.refused, 2);
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
    let told: Vec<_> = desk.log.entries().into_iter().map(|entry| entry.event).collect();
    let cause = told.iter().find_map(|event| match event {
        Event::ControlFailed { cause, .. } => Some(&**cause),
        _ => None,
    });
    assert_eq!(cause, Some("************1111 came through"), "masked like all that is recorded");
    assert!(told.iter().any(|event| matches!(event, Event::ControlRestored { refused: 2, .. })));
}

#[test]
fn another_connections_lane_and_what_closes_nothing_refuse_nothing() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    desk.finds(Control::Detection, "another", fails("leaks", Closes::Connection));
    desk.finds(Control::Clock, "", fails("two minutes ahead", Closes::Nothing));
    assert!(desk.ask(&admitted, read()).verdict.is_ok());
}

#[test]
fn a_changed_log_refuses_what_is_of_the_cardholder_data_environment() {
    for (labels, refused) in [(vec!["cde".into()], true), (vec!["production".into()], false)] {
        let mut desk = Desk::new(ALL);
        desk.admission.labels = labels.into();
        let admitted = desk.admit().unwrap();
        desk.finds(Control::AuditLog, "", fails("entry 3 was changed", Closes::Cde));
        assert_eq!(desk.ask(&admitted, read()).code() == Some(Code::ControlFailed), refused);
    }
}

#[test]
fn a_failure_is_told_once_and_its_end_once() {
    let desk = Desk::new(ALL);
    for _ in 0..3 {
        desk.finds(Control::Vault, "", fails("no such file", Closes::Nothing));
    }
    for _ in 0..3 {
        desk.finds(Control::Vault, "", Found::Works);
    }
    assert_eq!(desk.log.events(), ["control_failed", "control_restored"]);
}

#[test]
fn a_failure_that_could_not_be_recorded_is_recorded_before_its_end() {
    let desk = Desk::new(ALL);
    desk.log.fail("control_failed", Fault::Before);
    desk.finds(Control::Policies, "", fails("line 3", Closes::Nothing));
    assert!(!desk.gate.controls().failures()[0].is_recorded);
    desk.log.mend();
    desk.finds(Control::Policies, "", Found::Works).unwrap();
    assert_eq!(desk.log.events(), ["control_failed", "control_restored"]);
}

#[test]
fn the_end_of_a_failure_counts_once_it_is_recorded() {
    let mut desk = Desk::new(ALL);
    let of = desk.admission.connection.clone();
    let admitted = desk.admit().unwrap();
    desk.finds(Control::Detection, &of, fails("leaks", Closes::Connection));
    desk.log.fail("control_restored", Fault::Before);
    assert!(desk.finds(Control::Detection, &of, Found::Works).is_none());
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::ControlFailed));
}

#[test]
fn what_failed_before_a_restart_is_the_same_failure() {
    let desk = Desk::new(ALL);
    desk.finds(Control::IdentityKeys, "https://idp.example.com", fails("no answer", Closes::Nothing));
    let kept = desk.gate.controls().failures();
    let next = Desk::new(ALL);
    next.gate.controls().resume(kept.clone());
    let again = fails("no answer", Closes::Nothing);
    assert!(next.finds(Control::IdentityKeys, "https://idp.example.com", again).is_none());
    let ended = next.finds(Control::IdentityKeys, "https://idp.example.com", Found::Works).unwrap();
    assert_eq!(ended.failure().since, Timestamp(NOW.micros()).micros());
    assert_eq!(next.log.events(), ["control_restored"]);
}

#[test]
fn what_was_refused_before_anybody_looked_at_the_log_counts() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    desk.log.fail("command_intent", Fault::Before);
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::NotRecorded));
    desk.finds(Control::AuditLog, "", fails("no space", Closes::Nothing));
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::NotRecorded));
    desk.log.mend();
    let ended = desk.finds(Control::AuditLog, "", Found::Works).unwrap();
    assert_eq!(ended.failure().refused, 2);
}

#[test]
fn what_turns_out_worse_is_told_and_refuses_more() {
    let mut desk = Desk::new(ALL);
    desk.admission.labels = vec!["cde".into()].into();
    let admitted = desk.admit().unwrap();
    desk.finds(Control::AuditLog, "", fails("it cannot be written", Closes::Nothing));
    let worse = desk.finds(Control::AuditLog, "", fails("it has been changed", Closes::Cde));
    assert!(matches!(worse, Some(Turned::Failed(failure)) if &*failure.cause == "it has been changed"));
    assert!(desk.finds(Control::AuditLog, "", fails("it cannot be written", Closes::Nothing)).is_none());
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::ControlFailed));
    assert_eq!(desk.log.events().iter().filter(|name| **name == "control_failed").count(), 2);
}

#[test]
fn what_could_not_be_looked_at_is_as_it_was() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let of = desk.admission.connection.clone();
    assert!(desk.finds(Control::Detection, &of, Found::Unknown).is_none());
    desk.finds(Control::Detection, &of, fails("leaks", Closes::Connection));
    assert!(desk.finds(Control::Detection, &of, Found::Unknown).is_none());
    assert_eq!(desk.ask(&admitted, read()).code(), Some(Code::ControlFailed));
}
