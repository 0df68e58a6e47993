//! Who may not wait breaks the glass, and others look at that afterwards.

use super::*;

fn breaking(reason: &str) -> Saying<'_> {
    Saying { verb: Verb::BreakGlass, comment: reason, ..Saying::no("") }
}

fn reviewing(comment: &str) -> Saying<'_> {
    Saying { verb: Verb::Review, comment, ..Saying::no("") }
}

impl Desk {
    fn tell(&self, voter: &Voter, id: RequestId, saying: &Saying<'_>) -> Result<Request, Unanswered> {
        now_or_never(self.gate.answer(voter, &id.to_string(), saying, NOW)).expect("it is answered at once")
    }
}

fn not_counted(why: NotCounted) -> Option<Unanswered> {
    Some(Unanswered::NotCounted(why))
}

#[test]
fn the_glass_lets_a_command_run_at_once_and_somebody_else_has_to_look_at_that() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    let oncall = user("ona", "oncall");
    let said = desk.tell(&oncall, id, &breaking("the site is down"));
    assert!(said.unwrap().is_to_review());
    assert!(matches!(said_now(&mut verdict), Verdict::Allow(_)));
    let entries = desk.log.events();
    assert_eq!(
        entries,
        ["session_opened", "approval_asked", "glass_broken", "command_intent"],
        "it is recorded before it counts"
    );
    // It is used, and still there to be seen, as nothing else that is over.
    let open = |voter: &Voter| now_or_never(desk.gate.requests(voter, true, 10, NOW)).unwrap().unwrap().len();
    assert_eq!((open(&owner("ann")), open(&oncall)), (1, 1));
    assert_eq!(
        now_or_never(desk.gate.approvals().unwrap().forget(NOW.plus_seconds(365 * 86_400))),
        Some(Ok(0))
    );
    // Neither who broke it, nor who may not approve, nor an agent.
    let both = user("ona", "owners");
    assert_eq!(desk.tell(&both, id, &reviewing("fine")).err(), not_counted(NotCounted::Own));
    assert!(matches!(desk.tell(&user("eve", "others"), id, &reviewing("fine")), Err(Unanswered::Unknown)));
    assert!(desk.tell(&owner("ann"), id, &reviewing("it was down indeed")).is_ok());
    assert_eq!(desk.tell(&owner("dan"), id, &reviewing("fine")).err(), not_counted(NotCounted::NoReview));
    assert_eq!(open(&owner("ann")), 0);
    assert_eq!(desk.log.events().last(), Some(&"approval_not_counted"));
    let glass = store.one(&id.to_string()).glass.unwrap();
    assert_eq!((&*glass.by.id, &*glass.reason), ("ona", "the site is down"));
    assert_eq!(&*glass.review.unwrap().comment, "it was down indeed");
}

#[test]
fn only_who_policy_names_breaks_it_with_a_reason_and_while_it_waits() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    assert!(matches!(desk.tell(&owner("ann"), id, &breaking("now")), Err(Unanswered::NotAllowed(_))));
    let oncall = user("ona", "oncall");
    assert!(matches!(desk.tell(&oncall, id, &breaking("  ")), Err(Unanswered::NotAllowed(_))));
    assert!(
        matches!(desk.tell(&oncall, id, &Saying::yes("fine")), Err(Unanswered::NotAllowed(_))),
        "it is no approval"
    );
    let agent = Principal { kind: Kind::Agent, ..(*oncall.principal).clone() };
    let agent = Voter { principal: Arc::new(agent), ..oncall.clone() };
    assert!(desk.tell(&agent, id, &breaking("now")).is_err(), "no agent");
    let lent = Delegation::from("carl");
    let lent = Principal { delegation: Some(lent), ..(*oncall.principal).clone() };
    let lent = Voter { principal: Arc::new(lent), ..oncall.clone() };
    assert_eq!(desk.tell(&lent, id, &breaking("now")).err(), not_counted(NotCounted::Agent));
    assert!(said(&mut verdict).is_none(), "it waits");
    desk.tell(&owner("ann"), id, &Saying::no("no")).unwrap();
    assert_eq!(desk.tell(&oncall, id, &breaking("now")).err(), not_counted(NotCounted::Over(State::Denied)));
}

#[test]
fn a_person_may_break_it_for_themselves_and_not_review_it() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let ona = user("ona", "oncall");
    desk.admission.principal = Arc::clone(&ona.principal);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    desk.tell(&ona, id, &breaking("the site is down")).unwrap();
    assert!(matches!(said_now(&mut verdict), Verdict::Allow(_)));
    let both = user("ona", "owners");
    assert_eq!(desk.tell(&both, id, &reviewing("fine")).err(), not_counted(NotCounted::Own));
}

#[test]
fn what_is_not_recorded_breaks_no_glass() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1");
    is_held(&mut verdict);
    desk.log.fail("glass_broken", crate::desk::Fault::Before);
    assert_eq!(desk.tell(&user("ona", "oncall"), id, &breaking("now")).err(), Some(Unanswered::NotRecorded));
    assert!(said(&mut verdict).is_none(), "it waits");
}

fn said_now(pending: &mut Pending<Verdict>) -> Verdict {
    said(pending).expect("a verdict")
}
