//! Approvals and grants of commands that come by access that was lent.

use access::{Action, Loan};

use super::*;

fn lent(by: &Principal, agent: &str, id: &str) -> Principal {
    let loan = Loan {
        agent: agent.into(),
        id: id.into(),
        connections: ["payments-db".into()].into(),
        actions: [Action::Read, Action::Write].into(),
        from: Timestamp(0),
        until: NOW.plus_seconds(3600),
    };
    by.clone().lending(loan).unwrap()
}

/// A gateway at which `principal` asks.
fn asking(store: &Shared, principal: Principal) -> Desk {
    let mut desk = ticketing(store);
    desk.admission.principal = Arc::new(principal);
    desk
}

#[test]
fn an_approval_is_not_for_who_was_given_the_same_name_by_another_agent() {
    let store = Shared::default();
    let carl = (*user("carl", "agents").principal).clone();
    let mut desk = asking(&store, lent(&carl, "claude", "d-1"));
    let admitted = desk.admit().unwrap();
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    let [waiting] = store.all().try_into().unwrap();
    now_or_never(desk.gate.answer(&owner("dan"), &waiting.id, &saying(true, ""), NOW)).unwrap().unwrap();
    let helper = lent(&carl, "helper", "d-2");
    let mut posing = asking(&store, lent(&helper, "claude", "d-3"));
    let admitted = posing.admit().unwrap();
    let (_, mut verdict) = posing.put(&admitted, "update cards set a = 1");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    let admitted = desk.admit().unwrap();
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    assert!(matches!(said(&mut verdict), Some(Verdict::Allow(_))), "it is for whom it was given");
}

#[test]
fn whoever_lent_the_access_sees_what_is_asked_and_answers_none_of_it() {
    let store = Shared::default();
    let carl = user("carl", "owners");
    let mut desk = asking(&store, lent(&carl.principal, "claude", "d-1"));
    let admitted = desk.admit().unwrap();
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    let [waiting] = store.all().try_into().unwrap();
    assert!(now_or_never(desk.gate.see(&carl, &waiting.id, NOW)).unwrap().is_ok());
    let answered = now_or_never(desk.gate.answer(&carl, &waiting.id, &saying(true, ""), NOW)).unwrap();
    assert!(answered.is_err());
}

#[test]
fn an_agent_sees_what_it_asked_itself_and_nothing_else_of_its_lenders() {
    let store = Shared::default();
    let carl = user("carl", "agents");
    let mut own = asking(&store, (*carl.principal).clone());
    let admitted = own.admit().unwrap();
    let (_, mut verdict) = own.put(&admitted, "update cards set a = 1");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    let [of_carl] = store.all().try_into().unwrap();
    let claude = lent(&carl.principal, "claude", "d-1");
    let mut desk = asking(&store, claude.clone());
    desk.admission.session = access::SessionId(0x77);
    let admitted = desk.admit().unwrap();
    let (request, mut verdict) = desk.put(&admitted, "update cards set a = 2");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    let looks = |principal: Principal, id: &str| {
        let voter = Voter { principal: Arc::new(principal), ..carl.clone() };
        now_or_never(desk.gate.see(&voter, id, NOW)).unwrap().is_ok()
    };
    assert!(looks(claude.clone(), &request.to_string()));
    assert!(!looks(claude.clone(), &of_carl.id));
    assert!(!looks(lent(&carl.principal, "helper", "d-2"), &request.to_string()));
    assert!(!looks(lent(&lent(&carl.principal, "helper", "d-2"), "claude", "d-3"), &request.to_string()));
}

#[test]
fn what_waits_does_not_run_when_its_lender_is_in_other_groups_since() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let mut carl = (*user("carl", "agents").principal).clone();
    carl.authentication.issued_at = Some(Timestamp(500_000));
    let lender = gate::Seen::of(&carl, NOW.plus_seconds(3600));
    desk.admission.principal = Arc::new(lent(&carl, "claude", "d-1"));
    let admitted = desk.admit().unwrap();
    let (request, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    let groups = ["visitors".into()].into();
    desk.gate.learn(vec![gate::Seen { issued_at: NOW.micros(), groups, ..lender }], NOW);
    now_or_never(desk.gate.answer(&owner("dan"), &request.to_string(), &saying(true, ""), NOW))
        .unwrap()
        .unwrap();
    desk.look(NOW).unwrap();
    assert_eq!(denied(&mut verdict).code, Code::TokenExpired);
}
