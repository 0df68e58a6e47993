//! An approval approves exactly one thing (DESIGN.md, promise 7).

mod effect;
mod glass;
mod grants;
mod lent;
mod model;
mod revoked;

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use access::{
    Approving, Bound, Code, Delegation, Kind, Parameter, Principal, Question, Redacted, Refusal, RequestId,
    Secret, Timestamp, Verdict,
};
use audit::Event;
use gate::{
    Admitted, Approvals, Down, Memory, NotCounted, Pending, Request, Requests, Saying, State, Storing,
    Unanswered, Verb, Voter,
};

use crate::desk::{Desk, NOW, policies, write};

const RULES: &str = r#"
    permit (principal, action == Action::"connect", resource);
    permit (principal, action == Action::"write", resource) when { context.approvals >= 1 };
    permit (principal, action == Action::"administer", resource) when { context.approvals >= 2 };
    permit (principal in Group::"owners", action == Action::"approve", resource in Connection::"payments-db");
    permit (principal in Group::"oncall", action == Action::"break_glass", resource);
    permit (principal in Group::"owners", action == Action::"grant", resource);
    forbid (principal, action == Action::"approve", resource) unless { context.comment || principal == User::"ann" || principal == User::"dan" };
"#;

/// A store that several gateways share, and that can be out of reach.
#[derive(Clone, Default)]
struct Shared {
    kept: Arc<Memory>,
    down: Arc<std::sync::atomic::AtomicBool>,
    /// What happens right before the next change.
    meanwhile: Arc<std::sync::Mutex<Option<Meanwhile>>>,
    /// Whether it takes its time to say what it has done.
    slow: Arc<std::sync::atomic::AtomicBool>,
}

type Meanwhile = Box<dyn FnOnce(&Memory) + Send>;

impl Shared {
    fn or_down<T: Send + 'static>(&self, answer: Storing<T>) -> Storing<T> {
        let down = self.down.load(std::sync::atomic::Ordering::SeqCst);
        if down { Box::pin(async { Err(Down("out of reach".into())) }) } else { answer }
    }

    fn set_down(&self, down: bool) {
        self.down.store(down, std::sync::atomic::Ordering::SeqCst);
    }

    fn all(&self) -> Vec<Request> {
        now_or_never(self.kept.list(false, 10_000)).unwrap().unwrap()
    }

    fn one(&self, id: &str) -> Request {
        self.all().into_iter().find(|it| &*it.id == id).unwrap()
    }
}

impl Requests for Shared {
    fn insert(&self, request: &Request) -> Storing<()> {
        if self.down.load(std::sync::atomic::Ordering::SeqCst) {
            return self.or_down(Box::pin(async { Ok(()) }));
        }
        self.kept.insert(request)
    }

    fn replace(&self, request: &Request) -> Storing<bool> {
        if self.down.load(std::sync::atomic::Ordering::SeqCst) {
            return self.or_down(Box::pin(async { Ok(true) }));
        }
        let meanwhile = self.meanwhile.lock().unwrap().take();
        meanwhile.into_iter().for_each(|meanwhile| meanwhile(&self.kept));
        let replaced = self.kept.replace(request);
        let mut slow = self.slow.load(std::sync::atomic::Ordering::SeqCst);
        Box::pin(async move {
            std::future::poll_fn(|_| match std::mem::take(&mut slow) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            })
            .await;
            replaced.await
        })
    }

    fn get(&self, id: &str) -> Storing<Option<Request>> {
        self.or_down(self.kept.get(id))
    }

    fn bound(&self, binding: &str) -> Storing<Vec<Request>> {
        self.or_down(self.kept.bound(binding))
    }

    fn list(&self, open: bool, limit: u32) -> Storing<Vec<Request>> {
        self.or_down(self.kept.list(open, limit))
    }

    fn forget(&self, asked: i64) -> Storing<u64> {
        self.or_down(self.kept.forget(asked))
    }

    fn changed(&self, change: Option<u64>) -> Storing<(Vec<Box<str>>, u64)> {
        self.or_down(self.kept.changed(change))
    }
}

pub fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(it) => Some(it),
        Poll::Pending => None,
    }
}

/// A gateway with approvals in `store`.
fn desk(store: &Shared) -> Desk {
    // Parsed once: there are thousands of gateways here.
    static POLICIES: LazyLock<policy::Policies> = LazyLock::new(|| policies(RULES));
    let desk = Desk::of(POLICIES.clone());
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    Desk { gate: desk.gate.with_approvals(approvals), ..desk }
}

fn ticketing(store: &Shared) -> Desk {
    let mut desk = desk(store);
    desk.admission.approval = Approving { waits: false, ..Approving::default() };
    desk
}

fn user(id: &str, group: &str) -> Voter {
    let principal = Principal {
        kind: Kind::User,
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: id.into(),
        groups: [group.into()].into(),
        delegation: None,
        person: None,
        authentication: access::Authentication::default(),
        token_id: "jti-2".into(),
        valid_from: Timestamp(0),
        valid_until: NOW.plus_seconds(100_000),
    };
    Voter { principal: Arc::new(principal), from: "127.0.0.1:9".into(), client: "test".into() }
}

fn owner(id: &str) -> Voter {
    user(id, "owners")
}

impl Desk {
    fn update(&mut self, text: &str, id: &str) -> Question {
        let question = self.question(write(), text, vec![Parameter::Text(id.as_bytes().into())]);
        Question {
            bound: Bound::Text(
                |text| Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
                Box::default(),
            ),
            ..question
        }
    }

    fn put(&mut self, admitted: &Admitted, text: &str) -> (RequestId, Pending<Verdict>) {
        let question = self.update(text, "7");
        (question.request, self.gate.ask(admitted, &question, NOW).verdict)
    }

    fn say(&self, voter: &Voter, id: &str, approves: bool, comment: &str) -> Result<Request, Unanswered> {
        now_or_never(self.gate.answer(voter, id, &saying(approves, comment), NOW))
            .expect("it is answered at once")
    }

    fn look(&self, now: Timestamp) -> Result<(), Down> {
        now_or_never(self.gate.approvals().unwrap().look(now)).expect("it looks at once")
    }
}

fn saying(approves: bool, comment: &str) -> Saying<'_> {
    if approves { Saying::yes(comment) } else { Saying::no(comment) }
}

#[test]
fn a_client_a_policy_or_the_connection_says_whether_it_waits() {
    let waits = |policy: &str, client: Option<bool>, connection: bool| {
        let rules = format!(
            r#"permit (principal, action, resource);
            {policy} forbid (principal, action == Action::"write", resource) unless {{ context.approvals >= 1 }};
            @approvals("wait") forbid (principal, action == Action::"write", resource) unless {{ context.approvals >= 1 }};"#
        );
        let own = Desk::new(&rules);
        let approvals = Approvals::new(Shared::default(), &Secret::from(vec![9; 32]), || NOW);
        let mut desk = Desk { gate: own.gate.with_approvals(approvals), ..own };
        desk.admission.approval = Approving { waits: connection, chosen: client, ..Approving::default() };
        let admitted = desk.admit().unwrap();
        let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
        matches!(said(&mut verdict), Some(Verdict::Hold(_)))
    };
    let (ticket, wait) = (r#"@approvals("ticket")"#, r#"@approvals("wait")"#);
    assert!(waits("", None, false), "a policy outweighs the connection");
    assert!(!waits(ticket, None, true), "one that lets nobody wait outweighs others");
    assert!(
        waits(ticket, Some(true), false) && !waits(wait, Some(false), true),
        "a client knows what it can"
    );
}

/// What is said now, if anything is.
fn said(pending: &mut Pending<Verdict>) -> Option<Verdict> {
    match Pin::new(pending).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(verdict) => Some(verdict),
        Poll::Pending => None,
    }
}

#[track_caller]
fn is_held(pending: &mut Pending<Verdict>) {
    assert!(matches!(said(pending), Some(Verdict::Hold(_))), "it is held");
    assert!(said(pending).is_none(), "and waits");
}

#[track_caller]
fn denied(pending: &mut Pending<Verdict>) -> Box<Refusal> {
    match said(pending) {
        Some(Verdict::Deny(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn runs(pending: &mut Pending<Verdict>) -> RequestId {
    match said(pending) {
        Some(Verdict::Allow(permit)) => permit.request(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_command_waits_and_runs_once_it_is_approved() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x' where id = $1");
    is_held(&mut verdict);
    desk.say(&owner("bea"), &id.to_string(), true, "looks right").unwrap();
    assert_eq!(runs(&mut verdict), id);
    assert_eq!(
        desk.log.events(),
        ["session_opened", "approval_asked", "approval_answered", "command_intent"]
    );
    let Event::CommandIntent { approval, .. } = desk.log.last().event else { panic!() };
    assert_eq!(approval.as_deref(), Some(&*id.to_string()));
    assert_eq!(store.one(&id.to_string()).state, State::Used);
    assert!(said(&mut verdict).is_none(), "there is one permit to one approval");
}

#[test]
fn a_denial_reaches_the_agent_with_its_reason() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x'");
    is_held(&mut verdict);
    desk.say(&owner("bea"), &id.to_string(), false, "by its id, please; not 4111 1111 1111 1111").unwrap();
    let refusal = denied(&mut verdict);
    assert_eq!(refusal.code, Code::ApprovalDenied);
    assert_eq!(&*refusal.detail, "`bea` denied it: by its id, please; not **** **** **** 1111");
}

/// Half a number looks like none, so that what is cut off is looked at too.
#[test]
fn a_comment_is_masked_before_it_is_cut() {
    for before in 1978..2002 {
        let store = Shared::default();
        let mut desk = desk(&store);
        let admitted = desk.admit().unwrap();
        let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x'");
        is_held(&mut verdict);
        let comment = format!("{} 4111 1111 1111 1111", "ü".repeat(before));
        desk.say(&owner("bea"), &id.to_string(), false, &comment).unwrap();
        let refusal = denied(&mut verdict);
        assert!(refusal.detail.contains("üü") && !refusal.detail.contains('4'), "{before}");
    }
}

#[test]
fn who_may_not_answer_changes_nothing() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let lent = Delegation::from("carl");
    let asker =
        Principal { subject: "carl".into(), delegation: Some(lent), ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(asker);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set name = 'x'");
    is_held(&mut verdict);
    let id = &*id.to_string();
    let own = NotCounted::Own;
    assert_eq!(
        desk.say(&owner("carl"), id, true, "mine").unwrap_err(),
        Unanswered::NotCounted(own),
        "who lent access"
    );
    assert_eq!(desk.say(&user("carl", "others"), id, true, "mine").unwrap_err(), Unanswered::NotCounted(own));
    assert_eq!(
        desk.say(&user("eve", "others"), id, true, "yes").unwrap_err(),
        Unanswered::Unknown,
        "no approver"
    );
    let agent = |principal: Principal| Voter { principal: Arc::new(principal), ..owner("bot") };
    let bot = Principal { kind: Kind::Agent, ..(*owner("bot").principal).clone() };
    assert_eq!(desk.say(&agent(bot), id, true, "yes").unwrap_err(), Unanswered::Unknown, "an agent");
    assert!(
        matches!(desk.say(&owner("bea"), id, true, " ").unwrap_err(), Unanswered::NotAllowed(_)),
        "without a word"
    );
    let old = Principal { valid_until: NOW, ..(*owner("bea").principal).clone() };
    assert_eq!(desk.say(&agent(old), id, true, "yes").unwrap_err(), Unanswered::Expired);
    assert!(said(&mut verdict).is_none());
    assert_eq!(store.one(id).state, State::Waiting);
}

#[test]
fn one_person_with_two_identities_is_one() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let known = |id: &str, person: &str| {
        let principal = (*owner(id).principal).clone();
        let principal = Principal {
            issuer: "https://other.example.com".into(),
            person: Some(person.into()),
            ..principal
        };
        Voter { principal: Arc::new(principal), ..owner(id) }
    };
    let asker = Principal { person: Some("ann@example.com".into()), ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(asker);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    let id = &*id.to_string();
    let own = desk.say(&known("ann", "ann@example.com"), id, true, "").unwrap_err();
    assert_eq!(own, Unanswered::NotCounted(NotCounted::Own));
    desk.say(&known("dan", "dan@example.com"), id, true, "").unwrap();
    runs(&mut verdict);
}

#[test]
fn who_has_to_sign_in_anew_may_look_and_not_answer() {
    let store = Shared::default();
    let rules = format!(
        r#"{RULES} forbid (principal, action == Action::"approve", resource)
        unless {{ context.acr == "mfa" && context.signed_in_seconds >= 0 && context.signed_in_seconds <= 300 }};"#
    );
    let strict = Desk::new(&rules);
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    let mut desk = Desk { gate: strict.gate.with_approvals(approvals), ..strict };
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    let id = &*id.to_string();
    let signed_in = |class: &str, ago: Option<i64>| {
        let at = ago.map(|ago| NOW.plus_seconds(-ago));
        let authentication = access::Authentication { class: Some(class.into()), at, ..Default::default() };
        let principal = Principal { authentication, ..(*owner("ann").principal).clone() };
        Voter { principal: Arc::new(principal), ..owner("ann") }
    };
    for stale in [signed_in("mfa", Some(301)), signed_in("mfa", None)] {
        assert!(now_or_never(desk.gate.see(&stale, id, NOW)).unwrap().is_ok(), "it may be looked at");
        assert!(matches!(desk.say(&stale, id, true, "").unwrap_err(), Unanswered::NotAllowed(_)));
    }
    assert_eq!(desk.say(&signed_in("pwd", Some(1)), id, true, "").unwrap_err(), Unanswered::Unknown);
    desk.say(&signed_in("mfa", Some(300)), id, true, "").unwrap();
    runs(&mut verdict);
}

#[test]
fn policies_of_answers_see_what_a_request_over_http_is_and_people_see_its_fields() {
    let store = Shared::default();
    let rules = format!(
        r#"{RULES} forbid (principal, action == Action::"approve", resource) when {{ context.path like "/payroll/*" }};"#
    );
    let own = Desk::new(&rules);
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    let mut desk = Desk { gate: own.gate.with_approvals(approvals), ..own };
    let admitted = desk.admit().unwrap();
    for (path, may) in [("/payroll/7", false), ("/refunds/7", true)] {
        let endpoint =
            access::Endpoint { method: "DELETE".into(), path: path.into(), ..access::Endpoint::default() };
        let call = access::Call { endpoint, ..access::Call::default() };
        let facts = access::Facts { call: Some(Box::new(call)), ..write() };
        let fields = vec![("x-card".into(), Redacted::new("4111111111111111".into()))];
        let bound = Bound::Bytes(Redacted::new(path.as_bytes().into()), fields);
        let question = Question { bound, ..desk.question(facts, &format!("DELETE {path}"), Vec::new()) };
        let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
        is_held(&mut verdict);
        let id = question.request.to_string();
        assert_eq!(store.one(&id).fields, [("x-card".into(), "************1111".into())]);
        assert_eq!(desk.say(&owner("ann"), &id, true, "").is_ok(), may, "{path}");
    }
}

#[test]
fn two_who_are_asked_for_are_two_people() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let facts = access::Facts {
        uses: vec![access::Use {
            action: access::Action::Administer,
            resource: access::Resource::Table("public.cards".into()),
        }],
        ..write()
    };
    let question = desk.question(facts, "drop table cards", Vec::new());
    let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
    is_held(&mut verdict);
    let id = &*question.request.to_string();
    assert_eq!(store.one(id).needed, 2);
    desk.say(&owner("ann"), id, true, "").unwrap();
    assert_eq!(desk.say(&owner("ann"), id, true, "").unwrap_err(), Unanswered::NotCounted(NotCounted::Twice));
    assert!(said(&mut verdict).is_none(), "one is not two");
    desk.say(&owner("dan"), id, true, "").unwrap();
    runs(&mut verdict);
    let late = desk.say(&owner("bea"), id, false, "no").unwrap_err();
    assert_eq!(late, Unanswered::NotCounted(NotCounted::Over(State::Used)));
}

#[test]
fn an_approved_ticket_lets_the_very_same_command_run_once() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut first) = desk.put(&admitted, "update cards set name = 'x' where id = $1");
    let refusal = denied(&mut first);
    assert_eq!(refusal.code, Code::NeedsApproval);
    assert!(refusal.detail.contains(&id.to_string()), "{}", refusal.detail);
    let (_, mut again) = desk.put(&admitted, "update cards set name = 'x' where id = $1");
    assert!(denied(&mut again).detail.contains(&id.to_string()), "the same request");
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();

    let (_, mut other) = desk.put(&admitted, "update cards set name = 'y' where id = $1");
    assert_eq!(denied(&mut other).code, Code::NeedsApproval, "another literal");
    let question = desk.update("update cards set name = 'x' where id = $1", "8");
    let mut other = desk.gate.ask(&admitted, &question, NOW).verdict;
    assert_eq!(denied(&mut other).code, Code::NeedsApproval, "another parameter");

    let (_, mut same) = desk.put(&admitted, "update  cards\n set name = 'x' where id = $1");
    runs(&mut same);
    let (_, mut twice) = desk.put(&admitted, "update cards set name = 'x' where id = $1");
    assert_eq!(denied(&mut twice).code, Code::NeedsApproval, "it is used up");
}

#[test]
fn another_principal_connection_or_policy_is_another_request() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut first) = desk.put(&admitted, "update cards");
    denied(&mut first);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    let own = desk.admission.clone();
    let principal = Principal { subject: "sub-2".into(), ..(*own.principal).clone() };
    desk.admission.principal = Arc::new(principal);
    let (_, mut other) = desk.put(&desk.admit().unwrap(), "update cards");
    assert_eq!(denied(&mut other).code, Code::NeedsApproval, "somebody else");
    desk.admission = access::Admission { connection: "other-db".into(), ..own };
    let (_, mut other) = desk.put(&desk.admit().unwrap(), "update cards");
    assert_eq!(denied(&mut other).code, Code::NeedsApproval, "elsewhere");
    let stricter = format!("{RULES} permit (principal, action == Action::\"read\", resource);");
    desk.gate.replace_policies(policies(&stricter), NOW).wait().unwrap();
    let (_, mut later) = desk.put(&admitted, "update cards");
    assert_eq!(denied(&mut later).code, Code::NeedsApproval, "under other policies");
    assert!(store.all().iter().all(|it| it.state != State::Used));
}

#[test]
fn a_held_command_does_not_run_when_policies_changed_or_its_token_ran_out() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    let stricter = format!("{RULES} permit (principal, action == Action::\"read\", resource);");
    desk.gate.replace_policies(policies(&stricter), NOW).wait().unwrap();
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval, "and it need not wait for that");
    drop(verdict);
    assert_eq!(store.one(&id.to_string()).state, State::Withdrawn);

    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    let late = NOW.plus_seconds(60);
    now_or_never(desk.gate.answer(&owner("ann"), &id.to_string(), &Saying::yes(""), late)).unwrap().unwrap();
    assert_eq!(denied(&mut verdict).code, Code::TokenExpired);
}

#[test]
fn a_request_that_nobody_answers_expires_and_so_does_an_approval() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    desk.look(NOW.plus_seconds(899)).unwrap();
    assert!(said(&mut verdict).is_none());
    desk.look(NOW.plus_seconds(900)).unwrap();
    let refusal = denied(&mut verdict);
    assert_eq!(refusal.code, Code::NeedsApproval);
    assert!(refusal.detail.ends_with("nobody answered in time"), "{}", refusal.detail);
    assert_eq!(store.one(&id.to_string()).state, State::Expired);
    let late = desk.say(&owner("ann"), &id.to_string(), true, "").unwrap_err();
    assert_eq!(late, Unanswered::NotCounted(NotCounted::Over(State::Expired)));

    let mut ticketing = ticketing(&store);
    ticketing.admission.session.0 += 1;
    let admitted = ticketing.admit().unwrap();
    let (id, mut first) = ticketing.put(&admitted, "update cards set a = 1");
    denied(&mut first);
    ticketing.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    let question = ticketing.update("update cards set a = 1", "7");
    let question = Question { command: Redacted::new("update cards set a = 1".into()), ..question };
    let mut late = ticketing.gate.ask(&admitted, &question, NOW.plus_seconds(30)).verdict;
    runs(&mut late);
}

#[test]
fn whoever_goes_away_withdraws_the_request() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    assert_eq!(desk.gate.approvals().unwrap().held(), 1);
    drop(verdict);
    assert_eq!(desk.gate.approvals().unwrap().held(), 0);
    assert_eq!(store.one(&id.to_string()).state, State::Withdrawn);
    assert_eq!(desk.log.last().event.name(), "approval_ended");
    let late = desk.say(&owner("ann"), &id.to_string(), true, "").unwrap_err();
    assert_eq!(late, Unanswered::NotCounted(NotCounted::Over(State::Withdrawn)));
}

#[test]
fn a_store_that_is_down_approves_nothing_and_what_waits_goes_on_waiting() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    store.set_down(true);
    assert!(matches!(desk.say(&owner("ann"), &id.to_string(), true, ""), Err(Unanswered::Down(_))));
    let (_, mut other) = desk.put(&admitted, "update cards set a = 1");
    assert_eq!(denied(&mut other).code, Code::NeedsApproval);
    assert!(desk.look(NOW.plus_seconds(1000)).is_err());
    assert!(said(&mut verdict).is_none(), "nobody can say whether it was answered in time");
    store.set_down(false);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    runs(&mut verdict);
}

#[test]
fn an_approval_that_cannot_be_recorded_does_not_count() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    desk.log.fail("approval_answered", crate::desk::Fault::Before);
    assert_eq!(desk.say(&owner("ann"), &id.to_string(), true, "").unwrap_err(), Unanswered::NotRecorded);
    assert!(said(&mut verdict).is_none());
    desk.log.fail("command_intent", crate::desk::Fault::Before);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    assert_eq!(denied(&mut verdict).code, Code::NotRecorded, "it is used up, and does not run");
    assert_eq!(store.one(&id.to_string()).state, State::Used);
}

#[test]
fn what_cannot_be_bound_whole_is_not_asked_about() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let question = Question {
        bound: Bound::Nothing("its data comes after it"),
        ..desk.update("copy cards from stdin", "7")
    };
    let refusal = denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    assert_eq!(refusal.code, Code::NeedsApproval);
    assert!(refusal.detail.ends_with("its data comes after it"), "{}", refusal.detail);
    assert!(store.all().is_empty());
}

#[test]
fn what_is_only_prepared_is_not_asked_about() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let question = Question { stage: access::Stage::Prepare, ..desk.update("update cards", "7") };
    runs(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    assert!(store.all().is_empty());
}

#[test]
fn what_was_approved_for_one_who_waits_runs_nothing_of_another_session() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut waits) = desk.put(&admitted, "update cards");
    is_held(&mut waits);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    // The same words, where another search path or a temporary table of this name may be.
    desk.admission.session.0 += 1;
    let other = desk.admit().unwrap();
    let (_, mut same) = desk.put(&other, "update cards");
    is_held(&mut same);
    assert_eq!(runs(&mut waits), id);
}

#[test]
fn whoever_goes_away_withdraws_what_was_answered_meanwhile() {
    let store = Shared::default();
    let (mut desk, elsewhere) = (desk(&store), desk(&store));
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    // Another gateway takes the answer, and the agent goes before this one has seen it.
    elsewhere.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    drop(verdict);
    desk.look(NOW).unwrap();
    assert_eq!(store.one(&id.to_string()).state, State::Withdrawn);
    assert_eq!(desk.log.last().event.name(), "approval_ended");
}

#[test]
fn what_cannot_be_withdrawn_while_the_store_is_down_is_once_it_is_back() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    store.set_down(true);
    drop(verdict);
    assert!(desk.look(NOW).is_err());
    assert_eq!(desk.log.last().event.name(), "approval_asked", "nothing has ended");
    store.set_down(false);
    desk.look(NOW).unwrap();
    assert_eq!(store.one(&id.to_string()).state, State::Withdrawn);
    assert_eq!(desk.log.last().event.name(), "approval_ended");
}

#[test]
fn what_was_used_is_not_said_to_be_withdrawn() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    store.slow.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(said(&mut verdict).is_none(), "the store has used it up, and not said so yet");
    drop(verdict);
    desk.look(NOW).unwrap();
    desk.look(NOW).unwrap();
    assert_eq!(store.one(&id.to_string()).state, State::Used);
    assert_eq!(desk.log.last().event.name(), "approval_answered");
}

#[test]
fn an_approval_by_fewer_than_are_wanted_now_is_not_used() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let stricter = r#"
        permit (principal, action == Action::"connect", resource);
        permit (principal, action == Action::"write", resource) when { context.approvals >= 1 };
        forbid (principal in Group::"contractors", action == Action::"write", resource) unless { context.approvals >= 2 };
        permit (principal in Group::"owners", action == Action::"approve", resource);
    "#;
    desk.gate.replace_policies(policies(stricter), NOW).wait().unwrap();
    let (id, mut first) = desk.put(&desk.admit().unwrap(), "update cards");
    denied(&mut first);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    let groups = ["contractors".into()].into();
    let contractor = Principal { groups, ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(contractor);
    let (other, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards");
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval);
    assert_eq!(store.one(&other.to_string()).needed, 2);
}

thread_local! {
    static CLOCK: std::cell::Cell<Timestamp> = const { std::cell::Cell::new(NOW) };
}

#[test]
fn an_agent_that_does_not_take_its_verdict_does_not_stop_the_clock() {
    let (store, Desk { gate, log, admission, asked }) = (Shared::default(), Desk::new(RULES));
    let key = Secret::from(vec![9; 32]);
    let gate = gate.with_approvals(Approvals::new(store.clone(), &key, || CLOCK.get()));
    let mut desk = Desk { gate, log, admission, asked };
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    CLOCK.set(NOW.plus_seconds(60));
    assert_eq!(denied(&mut verdict).code, Code::TokenExpired);
    assert_eq!(desk.log.last().time, NOW.plus_seconds(60));
    drop(verdict);

    let lasting = Principal { valid_until: NOW.plus_seconds(10_000), ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(lasting);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards");
    is_held(&mut verdict);
    now_or_never(desk.gate.answer(&owner("ann"), &id.to_string(), &Saying::yes(""), CLOCK.get()))
        .unwrap()
        .unwrap();
    CLOCK.set(NOW.plus_seconds(60 + 600));
    assert_eq!(denied(&mut verdict).code, Code::NeedsApproval, "it can no longer be used");
}

#[test]
fn an_answer_under_other_policies_does_not_count_under_these() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    let (id, mut first) = desk.put(&admitted, "update cards");
    denied(&mut first);
    let open =
        format!("{RULES} permit (principal in Group::\"others\", action == Action::\"approve\", resource);");
    desk.gate.replace_policies(policies(&open), NOW).wait().unwrap();
    let eve = desk.say(&user("eve", "others"), &id.to_string(), true, "yes");
    assert!(matches!(eve, Err(Unanswered::NotAllowed(_))), "{eve:?}");
    assert_eq!(desk.log.last().event.name(), "approval_not_counted");
    desk.gate.replace_policies(policies(RULES), NOW).wait().unwrap();
    let (_, mut same) = desk.put(&admitted, "update cards");
    assert_eq!(denied(&mut same).code, Code::NeedsApproval);
}

#[test]
fn an_answer_that_comes_second_is_decided_on_as_the_second() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let four_eyes = format!(
        "{RULES} forbid (principal, action == Action::\"approve\", resource) when {{ context.approvals >= 1 }} unless {{ principal == User::\"ann\" }};"
    );
    desk.gate.replace_policies(policies(&four_eyes), NOW).wait().unwrap();
    let admitted = desk.admit().unwrap();
    let facts = access::Facts {
        uses: vec![access::Use {
            action: access::Action::Administer,
            resource: access::Resource::Table("public.cards".into()),
        }],
        ..write()
    };
    let question = desk.question(facts, "drop table cards", Vec::new());
    let id = question.request.to_string();
    let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
    is_held(&mut verdict);
    let of = id.clone();
    *store.meanwhile.lock().unwrap() = Some(Box::new(move |kept: &Memory| {
        let mut request = now_or_never(kept.get(&of)).unwrap().unwrap().unwrap();
        request.answer(&audit::Who::from(&*owner("bea").principal), &Saying::yes("first"), NOW).unwrap();
        assert!(now_or_never(kept.replace(&request)).unwrap().unwrap());
    }));
    let late = desk.say(&owner("dan"), &id, true, "me too");
    assert!(matches!(late, Err(Unanswered::NotAllowed(_))), "{late:?}");
    assert_eq!(store.one(&id).approvals(), 1);
    assert!(said(&mut verdict).is_none());
}

#[test]
fn what_cannot_be_shown_whole_is_not_asked_about() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let hidden = format!("update cards set a = 1 where id = 7 /*{}*/ or true", " ".repeat(300 << 10));
    let (_, mut verdict) = desk.put(&admitted, &hidden);
    let refusal = denied(&mut verdict);
    assert_eq!(refusal.code, Code::NeedsApproval);
    assert!(refusal.detail.contains("too long to be shown whole"), "{}", refusal.detail);
    let mut question = desk.update("update cards set a = $1", "7");
    question.parameters = vec![Redacted::new(Parameter::Text(vec![b'a'; 300 << 10].into()))];
    assert_eq!(denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict).code, Code::NeedsApproval);
    assert!(store.all().is_empty());
}

#[test]
fn what_else_a_text_means_is_bound_with_it() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    let mut put = |beside: &[u8]| {
        let question =
            Question { bound: Bound::Text(|_| None, beside.into()), ..desk.update("update cards", "7") };
        denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    };
    put(b"by days");
    put(b"by seconds");
    put(b"by days");
    assert_eq!(store.all().len(), 2);
}

#[test]
fn what_hangs_on_its_session_is_approved_while_it_waits_or_not_at_all() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let once = |desk: &mut Desk| Question {
        bound: Bound::Once("it has set something"),
        ..desk.update("update cards", "7")
    };
    let question = once(&mut desk);
    let refusal = denied(&mut desk.gate.ask(&desk.admit().unwrap(), &question, NOW).verdict);
    assert!(refusal.detail.ends_with("it has set something"), "{}", refusal.detail);
    assert!(store.all().is_empty());
    desk.admission.approval.waits = true;
    let admitted = desk.admit().unwrap();
    let question = once(&mut desk);
    let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
    is_held(&mut verdict);
    desk.say(&owner("ann"), &question.request.to_string(), true, "").unwrap();
    runs(&mut verdict);
}

#[test]
fn what_nobody_waits_for_ends_too_when_its_time_is_up() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    let (unanswered, mut verdict) = desk.put(&admitted, "update cards");
    denied(&mut verdict);
    let (unused, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    denied(&mut verdict);
    let late = NOW.plus_seconds(800);
    now_or_never(desk.gate.answer(&owner("ann"), &unused.to_string(), &Saying::yes(""), late))
        .unwrap()
        .unwrap();
    let end = |seconds| now_or_never(desk.gate.end_overdue(NOW.plus_seconds(seconds))).unwrap().unwrap();
    assert_eq!((end(899), end(900), end(1399), end(1400), end(9999)), (0, 1, 0, 1, 0));
    for id in [unanswered, unused] {
        assert_eq!(store.one(&id.to_string()).state, State::Expired);
    }
    let ended = desk.log.entries().into_iter().filter(|it| it.event.name() == "approval_ended");
    assert_eq!(ended.map(|it| it.request.unwrap()).collect::<Vec<_>>(), [unanswered, unused]);
}

#[test]
fn one_who_waits_is_told_of_the_end_once() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let (_, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards");
    is_held(&mut verdict);
    assert_eq!(now_or_never(desk.gate.end_overdue(NOW.plus_seconds(900))).unwrap(), Ok(1));
    assert!(denied(&mut verdict).detail.ends_with("nobody answered in time"));
    drop(verdict);
    let ends = desk.log.events().into_iter().filter(|event| *event == "approval_ended").count();
    assert_eq!(ends, 1);
}

#[test]
fn nobody_asks_for_more_than_people_can_look_at() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let admitted = desk.admit().unwrap();
    for at in 0..50 {
        let (_, mut verdict) = desk.put(&admitted, &format!("update cards set a = {at}"));
        denied(&mut verdict);
    }
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 50");
    let refusal = denied(&mut verdict);
    assert!(refusal.detail.contains("50 requests of yours are open"), "{}", refusal.detail);
    assert_eq!(store.all().len(), 50);
    let other = Principal { subject: "sub-2".into(), ..(*desk.admission.principal).clone() };
    desk.admission.principal = Arc::new(other);
    let (_, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 50");
    denied(&mut verdict);
    assert_eq!(store.all().len(), 51, "another's are their own");
    let id = store.all()[50].id.clone();
    desk.say(&owner("ann"), &id, false, "no").unwrap();
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 50");
    denied(&mut verdict);
    assert_eq!(store.all().len(), 52, "once one is answered there is room for another");
}

#[test]
fn what_others_ask_for_hides_nothing_in_the_list() {
    let store = Shared::default();
    let mut desk = ticketing(&store);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards");
    denied(&mut verdict);
    desk.admission.connection = "other-db".into();
    let elsewhere = desk.admit().unwrap();
    for at in 0..5 {
        denied(&mut desk.put(&elsewhere, &format!("update cards set a = {at}")).1);
    }
    let listed = now_or_never(desk.gate.requests(&owner("ann"), true, 1, NOW)).unwrap().unwrap();
    assert_eq!(listed.iter().map(|it| &*it.id).collect::<Vec<_>>(), [&*id.to_string()]);
}

#[test]
fn an_approved_comparison_counts_as_a_guess() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let few = r#"
        permit (principal, action == Action::"connect", resource);
        permit (principal, action == Action::"write", resource) when { context.approvals >= 1 };
        permit (principal, action == Action::"match", resource) when { context.matches <= 3 };
        permit (principal in Group::"owners", action == Action::"approve", resource);
    "#;
    desk.gate.replace_policies(policies(few), NOW).wait().unwrap();
    let admitted = desk.admit().unwrap();
    let put = |desk: &mut Desk| {
        let column = "public.cards.pan".into();
        let it = access::Match { column, class: access::DataClass::Pan, values: 2, values_of: None };
        let facts = access::Facts { matches: vec![it], ..write() };
        let question = desk.question(facts, "update cards set a = 1 where pan in ($1, $2)", Vec::new());
        (question.request, desk.gate.ask(&admitted, &question, NOW).verdict)
    };
    let (id, mut first) = put(&mut desk);
    is_held(&mut first);
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    runs(&mut first);
    let (_, mut second) = put(&mut desk);
    assert_eq!(denied(&mut second).code, Code::PolicyDenied, "no approval lets it make four");
}

#[test]
fn a_command_whose_agent_left_before_anybody_was_asked_is_recorded_all_the_same() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let (id, verdict) = desk.put(&admitted, "update cards");
    drop(verdict);
    let last = desk.log.last();
    assert_eq!(last.request, Some(id));
    let Event::CommandRefused { code, .. } = last.event else { panic!("{:?}", last.event) };
    assert_eq!(code, Code::Withdrawn);
    let (_, mut verdict) = desk.put(&admitted, "update cards");
    is_held(&mut verdict);
    drop(verdict);
    let refused = desk.log.events().into_iter().filter(|event| *event == "command_refused").count();
    assert_eq!(refused, 1, "of the one that was asked about the end is recorded");
}

#[test]
fn policies_of_answers_see_whether_it_says_which_rows() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let rules = r#"
        permit (principal, action in [Action::"connect", Action::"write"], resource) when { context.approvals >= 1 };
        permit (principal, action == Action::"connect", resource);
        permit (principal in Group::"owners", action == Action::"approve", resource) when { context.has_where };
        permit (principal in Group::"seniors", action == Action::"approve", resource) when { !context.has_where };
    "#;
    desk.gate.replace_policies(policies(rules), NOW).wait().unwrap();
    let admitted = desk.admit().unwrap();
    let ask = |desk: &mut Desk, has_where| {
        let facts = access::Facts { has_where, ..write() };
        let question = desk.question(facts, if has_where { "one" } else { "all" }, Vec::new());
        (question.request.to_string(), desk.gate.ask(&admitted, &question, NOW).verdict)
    };
    let (some, mut waits) = ask(&mut desk, true);
    is_held(&mut waits);
    let (all, mut waits_too) = ask(&mut desk, false);
    is_held(&mut waits_too);
    desk.say(&owner("ann"), &some, true, "").unwrap();
    assert_eq!(desk.say(&owner("ann"), &all, true, "").unwrap_err(), Unanswered::Unknown);
    assert_eq!(desk.say(&user("sue", "seniors"), &some, false, "").unwrap_err(), Unanswered::Unknown);
    desk.say(&user("sue", "seniors"), &all, true, "").unwrap();
    runs(&mut waits_too);
}

#[test]
fn policies_of_answers_see_in_which_mode_the_command_was_asked() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let careful = format!(
        "{RULES} forbid (principal, action == Action::\"approve\", resource) when {{ context.mode == \"admin\" }};"
    );
    desk.gate.replace_policies(policies(&careful), NOW).wait().unwrap();
    desk.admission.mode = access::Mode::Admin;
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards");
    is_held(&mut verdict);
    assert_eq!(desk.say(&owner("ann"), &id.to_string(), true, "").unwrap_err(), Unanswered::Unknown);
}

#[test]
fn no_labelled_value_of_a_request_over_http_is_kept() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let endpoint = access::Endpoint {
        method: "DELETE".into(),
        path: "/checks/737".into(),
        route: "/checks/{code}".into(),
        ..access::Endpoint::default()
    };
    let column = |column: &str| access::ColumnUse {
        column: column.into(),
        class: access::DataClass::Sad,
        position: access::Position::Assigned,
    };
    let call = access::Call { endpoint, ..access::Call::default() };
    let columns = vec![column("parameters.code"), column("headers.x-code")];
    let facts = access::Facts { call: Some(Box::new(call)), columns, ..write() };
    let fields = [("x-code", "737"), ("x-tenant", "a")]
        .map(|(name, value)| (name.into(), Redacted::new(value.into())));
    let bound = Bound::Bytes(Redacted::new(b"all of it".as_slice().into()), fields.into());
    let question = Question { bound, ..desk.question(facts, "DELETE /checks/{code}", Vec::new()) };
    let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
    is_held(&mut verdict);
    let kept = store.one(&question.request.to_string());
    assert!(!format!("{kept:?}").contains("737"), "{kept:?}");
    assert!(kept.fields.contains(&("x-tenant".into(), "a".into())));
}

#[test]
fn a_command_whose_text_may_not_be_shown_is_not_asked_about() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let admitted = desk.admit().unwrap();
    let facts = crate::desk::using(write(), access::DataClass::CardholderName, access::Position::Assigned);
    let question = desk.question(facts.clone(), "update cards set holder = 'Ada' where id = 7", Vec::new());
    let refusal = denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    assert!(refusal.detail.ends_with("send them as parameters"), "{}", refusal.detail);
    assert!(store.all().is_empty());
    let body = vec![Parameter::Text(br#"{"holder": "Ada"}"#.as_slice().into())];
    let bound = Bound::Bytes(Redacted::new(b"all of it".as_slice().into()), Vec::new());
    let question = Question { bound, ..desk.question(facts.clone(), "PUT /cards/7", body) };
    let refusal = denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    assert!(refusal.detail.ends_with("may not be shown to whoever would answer"), "{}", refusal.detail);
    let question = desk.question(facts, "update cards set holder = $1 where id = $2", Vec::new());
    is_held(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
}
