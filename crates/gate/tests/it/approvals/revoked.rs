//! What people whose access was revoked have asked for and let run.

use std::collections::BTreeMap;

use gate::{Revocation, What};

use super::*;

impl Desk {
    fn revokes(&self, all: &[Revocation]) {
        self.gate.revoke(all.to_vec(), &BTreeMap::new(), NOW);
    }
}

fn subject(name: &str) -> Revocation {
    Revocation::new("r-1", What::Subject, name)
}

#[test]
fn nothing_runs_for_whom_access_was_revoked_and_they_approve_nothing() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x'");
    is_held(&mut verdict);
    let id = id.to_string();
    desk.revokes(&[subject("bea")]);
    assert_eq!(desk.say(&owner("bea"), &id, true, "yes").unwrap_err(), Unanswered::Revoked);
    desk.revokes(&[Revocation::new("r-2", What::Agent, &desk.admission.principal.id)]);
    desk.say(&owner("bea"), &id, true, "yes").unwrap();
    assert_eq!(denied(&mut verdict).code, Code::Revoked);
    assert!(desk.log.entries().iter().all(|it| it.event.name() != "command_intent"));
}

/// Somebody else may have had their account.
#[test]
fn what_somebody_approved_or_broke_the_glass_for_does_not_run_once_their_access_was_revoked() {
    for verb in [Verb::Approve, Verb::BreakGlass] {
        let store = Shared::default();
        let mut desk = desk(&store);
        let admitted = desk.admit().unwrap();
        let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x'");
        is_held(&mut verdict);
        let bea = user("bea", if verb == Verb::Approve { "owners" } else { "oncall" });
        let saying = Saying { verb, comment: "it is urgent", ..Saying::no("") };
        now_or_never(desk.gate.answer(&bea, &id.to_string(), &saying, NOW)).unwrap().unwrap();
        desk.revokes(&[subject("bea")]);
        assert_eq!(denied(&mut verdict).code, Code::NeedsApproval, "{verb:?}");
        assert!(desk.log.entries().iter().all(|it| it.event.name() != "command_intent"));
    }
}

/// Whoever has signed out has said before what they have said.
#[test]
fn that_somebodys_tokens_were_ended_says_nothing_of_what_they_approved() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'y'");
    is_held(&mut verdict);
    desk.say(&owner("bea"), &id.to_string(), true, "yes").unwrap();
    desk.revokes(&[Revocation { issued_until: Some(NOW.micros()), ..subject("bea") }]);
    assert!(matches!(said(&mut verdict), Some(Verdict::Allow(_))));
}
