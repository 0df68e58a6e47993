//! Every step that can fail × how it fails: no permit, and nothing taken as done that is not.

use access::Code;

use crate::desk::{ALL, Desk, Fault, NOW, policies, read, write};

const HOW: [Fault; 2] = [Fault::Before, Fault::AfterButReportedFailed];

#[test]
fn a_command_whose_entry_fails_gets_no_permit() {
    for how in HOW {
        for (facts, ahead) in [(read(), true), (write(), false)] {
            let mut desk = Desk::new(ALL);
            let admitted = desk.admit().unwrap();
            desk.log.fail("command_intent", how);
            let answer = desk.ask(&admitted, facts);
            assert_eq!((answer.ahead, answer.code()), (ahead, Some(Code::NotRecorded)), "{how:?}");
        }
    }
}

#[test]
fn a_refusal_whose_entry_fails_is_a_refusal_still() {
    for how in HOW {
        let mut desk = Desk::new(r#"permit (principal, action == Action::"connect", resource);"#);
        let admitted = desk.admit().unwrap();
        desk.log.fail("command_refused", how);
        let answer = desk.ask(&admitted, read());
        assert_eq!((answer.ahead, answer.code()), (false, Some(Code::PolicyDenied)), "{how:?}");
    }
}

#[test]
fn a_session_whose_entry_fails_is_not_opened() {
    for how in HOW {
        let desk = Desk::new(ALL);
        desk.log.fail("session_opened", how);
        assert_eq!(desk.admit().err().unwrap().code, Code::NotRecorded, "{how:?}");
        let desk = Desk::new("");
        desk.log.fail("session_refused", how);
        assert_eq!(desk.admit().err().unwrap().code, Code::ConnectDenied, "{how:?}");
    }
}

#[test]
fn policies_whose_entry_fails_do_not_take_over() {
    for how in HOW {
        let mut desk = Desk::new("");
        let before = desk.gate.policy_version();
        desk.log.fail("policy_changed", how);
        assert!(desk.gate.replace_policies(policies(ALL), NOW).wait().is_err());
        assert_eq!(desk.gate.policy_version(), before);
        assert!(desk.admit().is_err(), "{how:?}");
        desk.log.fail("none", how);
        assert_eq!(desk.gate.replace_policies(policies(ALL), NOW).wait(), Ok(()));
        let admitted = desk.admit().unwrap();
        assert!(desk.ask(&admitted, read()).verdict.is_ok());
    }
}

#[test]
fn an_outcome_whose_entry_fails_harms_nobody() {
    let desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    desk.log.fail("outcome", Fault::Before);
    let outcome = access::Outcome {
        request: desk.admission.session.request(1),
        status: access::Status::Unknown,
        rows: 0,
        masked: 0,
        bytes: 0,
        revealed: Vec::new(),
        told: None,
        said: None,
    };
    desk.gate.done(&admitted, &outcome, NOW);
    desk.gate.closed(&admitted, "the agent left", NOW);
    assert_eq!(desk.log.events(), ["session_opened", "session_closed"]);
}

#[test]
fn a_log_that_is_closed_lets_no_command_through() {
    let folder = tempfile::tempdir().unwrap();
    let signer = audit::Signer::from_seed(&access::Secret::from(vec![3; 32]), "test.example/gw-1").unwrap();
    let log = audit::Log::open(folder.path(), signer, audit::Options::new("gw-1", "0", NOW)).unwrap();
    let mut desk = Desk::new(ALL);
    desk.gate = gate::Gate::new(
        access::Mint::for_tests(),
        policies(ALL),
        log.clone(),
        mask::Masker::new(mask::Profile::Last4),
        &access::Secret::from(vec![7; 32]),
        "gw-1",
    );
    let admitted = desk.admit().unwrap();
    let permit = desk.ask(&admitted, write()).verdict.unwrap();
    let entry =
        audit::entries(folder.path(), permit.receipt().index..permit.receipt().index + 1).next().unwrap();
    assert!(
        crate::desk::intends(&entry.unwrap().1, permit.request()),
        "the receipt is that of the command's entry"
    );
    log.close(NOW).unwrap();
    assert_eq!(desk.ask(&admitted, write()).code(), Some(Code::NotRecorded));
}
