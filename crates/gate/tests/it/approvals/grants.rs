//! Access for a time: what it lets run, for how long, and how often.

use access::{
    ColumnUse, DataClass, Facts, Outcome, Position, Resource, Revealed, SessionId, Status, Terms, Use,
};
use gate::{Grant, Narrower, NoGrant, Wish};

use super::*;

const GRANTING: &str = r#"
    permit (principal, action == Action::"read", resource);
    permit (principal, action == Action::"reveal", resource) when { context.approvals >= 1 };
    forbid (principal, action == Action::"grant", resource) unless { context.grant_seconds <= 3600 };
"#;

fn granting(store: &Shared, more: &str) -> Desk {
    let desk = starting(store, more);
    desk.look(NOW).unwrap();
    desk
}

/// A gateway that has not looked at its store yet.
fn starting(store: &Shared, more: &str) -> Desk {
    let own = Desk::new(&format!("{RULES} {GRANTING} {more}"));
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    Desk { gate: own.gate.with_approvals(approvals), ..own }
}

fn texts(texts: &[&str]) -> Vec<Box<str>> {
    texts.iter().map(|&text| text.into()).collect()
}

fn writing() -> Grant {
    Grant {
        actions: texts(&["write"]),
        objects: texts(&["public.cards"]),
        seconds: 600,
        reason: "INC-4711".into(),
        ..Grant::default()
    }
}

fn revealing(values: Option<u32>) -> Grant {
    Grant {
        actions: texts(&["read", "reveal"]),
        objects: texts(&["public.cards"]),
        classes: texts(&["pan"]),
        seconds: 600,
        reveals: values,
        reason: "INC-4711".into(),
        ..Grant::default()
    }
}

impl Desk {
    fn asker(&self) -> Voter {
        Voter { principal: Arc::clone(&self.admission.principal), ..owner("claude") }
    }

    fn wish(&self, session: u64, grant: Grant) -> Result<Request, Unanswered> {
        let wish = Wish {
            session: SessionId(session),
            connection: &self.admission.connection,
            labels: &self.admission.labels,
            grant,
            needed: 1,
        };
        now_or_never(self.gate.ask_for(&self.asker(), wish, NOW)).unwrap()
    }

    /// Access that ann gives.
    fn given(&self, grant: Grant) -> Request {
        let asked = self.wish(0x7000, grant).unwrap();
        now_or_never(self.gate.answer(&owner("ann"), &asked.id, &Saying::yes(""), NOW)).unwrap().unwrap()
    }

    /// A query that gives card numbers as they stand.
    fn select(&mut self, position: Position) -> Question {
        let facts = Facts {
            kinds: vec!["select".into()],
            uses: vec![Use {
                action: access::Action::Read,
                resource: Resource::Table("public.cards".into()),
            }],
            columns: vec![ColumnUse { column: "public.cards.pan".into(), class: DataClass::Pan, position }],
            effect: access::Effect::None,
            ..Facts::default()
        };
        self.question(facts, "select pan from cards", Vec::new())
    }

    fn terms(&mut self, admitted: &Admitted, question: &Question, now: Timestamp) -> Terms {
        match said(&mut self.gate.ask(admitted, question, now).verdict) {
            Some(Verdict::Allow(permit)) => permit.terms().clone(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn commands_run_by_it_as_long_as_it_lasts_and_each_says_so() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    let grant = desk.given(Grant { seconds: 30, ..writing() });
    for _ in 0..2 {
        let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
        assert!(matches!(said(&mut verdict), Some(Verdict::Allow(_))));
        let Event::CommandIntent { approval, .. } = desk.log.last().event else { panic!() };
        assert_eq!(approval, Some(grant.id.clone()));
    }
    let late = NOW.plus_seconds(30);
    desk.look(late).unwrap();
    let question = desk.update("update cards set a = 1", "7");
    let mut verdict = desk.gate.ask(&admitted, &question, late).verdict;
    is_held(&mut verdict);
    drop(verdict);
    assert_eq!(now_or_never(desk.gate.end_overdue(late)).unwrap(), Ok(1), "it ends by itself");
    assert_eq!(store.one(&grant.id).state, State::Expired);
}

#[test]
fn it_lets_nothing_through_that_it_does_not_cover() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(Grant { objects: texts(&["public.orders", "app.*"]), ..writing() });
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    drop(verdict);
    // What policy gives nobody is not had by a grant either; nor is more than one approval by one person's.
    let mut desk = granting(&Shared::default(), "");
    let admitted = desk.admit().unwrap();
    desk.given(Grant {
        actions: texts(&["write", "administer", "call"]),
        objects: texts(&["*"]),
        ..writing()
    });
    let use_of = |action| Facts {
        kinds: vec!["alter table".into()],
        uses: vec![Use { action, resource: Resource::Table("public.cards".into()) }],
        ..write()
    };
    let question = desk.question(use_of(access::Action::Call), "select f()", Vec::new());
    assert_eq!(denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict).code, Code::PolicyDenied);
    let ddl = desk.question(use_of(access::Action::Administer), "alter table cards", Vec::new());
    let ddl = Question { bound: Bound::Text(|_| None, Box::default()), ..ddl };
    is_held(&mut desk.gate.ask(&admitted, &ddl, NOW).verdict);
}

#[test]
fn policy_may_want_an_answer_to_the_very_command() {
    let store = Shared::default();
    let each = r#"forbid (principal, action == Action::"write", resource) when { context.granted };"#;
    let mut desk = granting(&store, each);
    let admitted = desk.admit().unwrap();
    desk.given(writing());
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
}

#[test]
fn it_is_for_whom_it_was_given_where_it_was_given() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    desk.given(writing());
    let own = desk.admission.clone();
    let others: [&dyn Fn(&mut access::Admission); 4] = [
        &|it| it.principal = Arc::new(Principal { subject: "other".into(), ..(*it.principal).clone() }),
        &|it| {
            let lent = Some(Delegation::from("carl"));
            it.principal = Arc::new(Principal { delegation: lent, ..(*it.principal).clone() });
        },
        &|it| it.connection = "other-db".into(),
        // Another agent of the same person has the same `sub`.
        &|it| it.principal = Arc::new(Principal { id: "other-bot".into(), ..(*it.principal).clone() }),
    ];
    for change in others {
        desk.admission = own.clone();
        change(&mut desk.admission);
        let admitted = desk.admit().unwrap();
        let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
        is_held(&mut verdict);
    }
}

#[test]
fn it_ends_at_once_when_it_is_revoked_or_given_back() {
    for revoker in ["ann", "claude"] {
        let store = Shared::default();
        let mut desk = granting(&store, "");
        let admitted = desk.admit().unwrap();
        let grant = desk.given(writing());
        let voter = if revoker == "ann" { owner("dan") } else { desk.asker() };
        let revoke = Saying { verb: Verb::Revoke, ..Saying::no("over") };
        assert!(matches!(
            now_or_never(desk.gate.answer(&user("eve", "others"), &grant.id, &revoke, NOW)).unwrap(),
            Err(Unanswered::Unknown)
        ));
        now_or_never(desk.gate.answer(&voter, &grant.id, &revoke, NOW)).unwrap().unwrap();
        let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
        is_held(&mut verdict);
        assert_eq!(store.one(&grant.id).state, State::Revoked);
        let again = now_or_never(desk.gate.answer(&voter, &grant.id, &revoke, NOW)).unwrap();
        assert_eq!(again.err(), Some(Unanswered::NotCounted(NotCounted::Over(State::Revoked))));
    }
}

#[test]
fn what_is_revoked_at_another_gateway_counts_no_more_once_the_store_has_been_looked_at() {
    let store = Shared::default();
    let (mut here, there) = (granting(&store, ""), granting(&store, ""));
    let admitted = here.admit().unwrap();
    let grant = there.given(writing());
    let (_, mut verdict) = here.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    drop(verdict);
    here.look(NOW).unwrap();
    let (_, mut verdict) = here.put(&admitted, "update cards set a = 1");
    assert!(matches!(said(&mut verdict), Some(Verdict::Allow(_))));
    let revoke = Saying { verb: Verb::Revoke, ..Saying::no("") };
    now_or_never(there.gate.answer(&owner("dan"), &grant.id, &revoke, NOW)).unwrap().unwrap();
    here.look(NOW).unwrap();
    let (_, mut verdict) = here.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
}

#[test]
fn what_is_given_here_and_revoked_elsewhere_before_the_next_look_counts_no_more_after_it() {
    let started: [fn(&Shared, &str) -> Desk; 2] = [starting, granting];
    for started in started {
        let store = Shared::default();
        let (mut here, there) = (started(&store, ""), granting(&store, ""));
        let admitted = here.admit().unwrap();
        let grant = here.given(writing());
        let revoke = Saying { verb: Verb::Revoke, ..Saying::no("") };
        now_or_never(there.gate.answer(&owner("dan"), &grant.id, &revoke, NOW)).unwrap().unwrap();
        here.look(NOW).unwrap();
        let (_, mut verdict) = here.put(&admitted, "update cards set a = 1");
        is_held(&mut verdict);
    }
}

#[test]
fn what_is_given_before_the_first_look_counts_from_that_on() {
    let store = Shared::default();
    let mut desk = starting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(writing());
    desk.look(NOW).unwrap();
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1");
    assert!(matches!(said(&mut verdict), Some(Verdict::Allow(_))));
}

#[test]
fn whoever_waits_is_told_at_the_first_look_of_what_was_decided_elsewhere() {
    let store = Shared::default();
    let (mut here, there) = (starting(&store, ""), granting(&store, ""));
    let admitted = here.admit().unwrap();
    let (_, mut verdict) = here.put(&admitted, "update cards set a = 1");
    is_held(&mut verdict);
    let [waiting] = store.all().try_into().unwrap();
    now_or_never(there.gate.answer(&owner("dan"), &waiting.id, &Saying::no(""), NOW)).unwrap().unwrap();
    here.look(NOW).unwrap();
    assert_eq!(denied(&mut verdict).code, Code::ApprovalDenied);
}

#[test]
fn it_counts_for_nothing_while_the_store_is_not_heard_of() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(writing());
    store.set_down(true);
    let soon = NOW.plus_seconds(6);
    assert!(desk.look(soon).is_err());
    let question = desk.update("update cards set a = 1", "7");
    assert_eq!(denied(&mut desk.gate.ask(&admitted, &question, soon).verdict).code, Code::NeedsApproval);
}

#[test]
fn who_gives_it_may_leave_less_of_it_and_no_more() {
    let store = Shared::default();
    let desk = granting(&store, "");
    let asked = desk.wish(1, Grant { seconds: 7200, objects: texts(&["public.*"]), ..writing() }).unwrap();
    let give = |to: Option<Narrower>| {
        let saying = Saying { narrower: to.as_ref(), ..Saying::yes("") };
        now_or_never(desk.gate.answer(&owner("ann"), &asked.id, &saying, NOW)).unwrap()
    };
    assert!(matches!(give(None), Err(Unanswered::NotAllowed(_))), "policy lets nobody give two hours");
    let more = Narrower { objects: Some(texts(&["*"])), ..Narrower::default() };
    assert_eq!(give(Some(more)).err(), Some(Unanswered::NotCounted(NotCounted::NotNarrower)));
    let less =
        Narrower { seconds: Some(60), objects: Some(texts(&["public.orders"])), ..Narrower::default() };
    let given = give(Some(less)).unwrap();
    assert_eq!(given.state, State::Approved { until: NOW.plus_seconds(60).micros() });
    assert_eq!(given.grant.unwrap().objects, texts(&["public.orders"]));
}

#[test]
fn nobody_gives_themselves_anything_and_no_agent_gives() {
    let store = Shared::default();
    let desk = granting(&store, "");
    let asked = desk.wish(1, writing()).unwrap();
    let say = |voter: &Voter, saying: Saying<'_>| {
        now_or_never(desk.gate.answer(voter, &asked.id, &saying, NOW)).unwrap()
    };
    assert_eq!(say(&desk.asker(), Saying::yes("")).err(), Some(Unanswered::NotCounted(NotCounted::Own)));
    assert!(say(&user("eve", "others"), Saying::yes("")).is_err());
    let agent = Principal { kind: Kind::Agent, ..(*owner("bot").principal).clone() };
    let agent = Voter { principal: Arc::new(agent), ..owner("bot") };
    assert!(say(&agent, Saying::yes("")).is_err());
    let glass = Saying { verb: Verb::BreakGlass, ..Saying::yes("now") };
    assert!(say(&user("ona", "oncall"), glass).is_err(), "the glass is broken for one command");
    assert!(say(&owner("ann"), Saying::no("no")).is_ok());
}

#[test]
fn what_nobody_could_approve_by_itself_is_not_had_by_it() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(writing());
    let question = desk.question(write(), "copy cards from stdin", Vec::new());
    let question = Question { bound: Bound::Nothing("what it writes comes after it"), ..question };
    assert_eq!(denied(&mut desk.gate.ask(&admitted, &question, NOW).verdict).code, Code::NeedsApproval);
}

#[test]
fn the_log_says_what_was_given_and_a_no_leaves_it_as_it_was_asked_for() {
    let store = Shared::default();
    let desk = granting(&store, "");
    let asked = desk.wish(1, writing()).unwrap();
    let less = Narrower { seconds: Some(60), ..Narrower::default() };
    let say = |verb| {
        let saying = Saying { verb, narrower: Some(&less), ..Saying::yes("") };
        now_or_never(desk.gate.answer(&owner("ann"), &asked.id, &saying, NOW)).unwrap()
    };
    for verb in [Verb::Deny, Verb::Revoke] {
        assert_eq!(say(verb).err(), Some(Unanswered::NotCounted(NotCounted::OtherKind)), "{verb:?}");
    }
    assert_eq!(store.one(&asked.id).grant.unwrap().seconds, 600);
    say(Verb::Approve).unwrap();
    let Event::ApprovalAnswered { grant, .. } = desk.log.last().event else { panic!() };
    assert_eq!(grant.as_deref(), Some("access: write on public.cards for 1 min"));
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_what_to_write() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let wrong = |grant| desk.wish(1, grant).err();
    assert_eq!(wrong(Grant { seconds: 0, ..writing() }), Some(Unanswered::NoGrant(NoGrant::Seconds)));
    let card = Grant { objects: texts(&["public.4111111111111111"]), ..writing() };
    assert_eq!(wrong(card), Some(Unanswered::NoGrant(NoGrant::Objects)));
    let asked = desk.wish(1, Grant { reason: "for 4111 1111 1111 1111".into(), ..writing() }).unwrap();
    assert_eq!(&*asked.grant.unwrap().reason, "for **** **** **** 1111");
    assert_eq!(desk.log.events().last(), Some(&"grant_asked"));
    desk.log.fail("grant_asked", crate::desk::Fault::Before);
    assert_eq!(desk.wish(2, writing()).err(), Some(Unanswered::NotRecorded));
    desk.admission.connection = "nowhere".into();
    let own = Desk::new("");
    let approvals = Approvals::new(store, &Secret::from(vec![9; 32]), || NOW);
    let strict = Desk { gate: own.gate.with_approvals(approvals), ..own };
    assert_eq!(
        strict.wish(1, writing()).err(),
        Some(Unanswered::NoConnection),
        "who may not connect may not ask"
    );
}

#[test]
fn values_are_revealed_one_by_one_as_many_as_were_given() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    let question = desk.select(Position::Output);
    assert!(desk.terms(&admitted, &question, NOW).reveal.is_empty(), "without leave it is masked");
    let grant = desk.given(revealing(Some(3)));
    let question = desk.select(Position::Output);
    let terms = desk.terms(&admitted, &question, NOW);
    assert!(!terms.reveals(&DataClass::Pan), "nothing is revealed that is not counted");
    assert_eq!(terms.metered.as_ref().unwrap().values_max, 3);
    // Meanwhile nothing is left for others.
    let other = desk.select(Position::Output);
    assert_eq!(desk.terms(&admitted, &other, NOW).metered, None);
    let revealed = |values: usize| {
        vec![Revealed { column: "public.cards.pan".into(), masked: "************1111".into() }; values]
    };
    let outcome = |question: &Question, values| Outcome {
        request: question.request,
        status: Status::Completed("SELECT 1".into()),
        rows: 1,
        masked: 0,
        bytes: 9,
        revealed: revealed(values),
        said: None,
        told: None,
    };
    desk.gate.done(&admitted, &outcome(&question, 1), NOW);
    let events = desk.log.events();
    assert_eq!(&events[events.len() - 2..], ["revealed", "outcome"]);
    assert_eq!(store.one(&grant.id).grant.unwrap().revealed, 3, "the others are for the next command here");
    let again = desk.select(Position::Output);
    assert_eq!(desk.terms(&admitted, &again, NOW).metered.unwrap().values_max, 2);
    desk.gate.done(&admitted, &outcome(&again, 2), NOW);
    let spent = desk.select(Position::Output);
    let terms = desk.terms(&admitted, &spent, NOW);
    assert_eq!((terms.metered, terms.reveal.is_empty()), (None, true), "all are spent");
    assert_eq!(store.one(&grant.id).grant.unwrap().revealed, 3);
}

#[test]
fn what_is_not_revealed_here_is_there_for_other_gateways_after_a_while() {
    let store = Shared::default();
    let (mut here, mut there) = (granting(&store, ""), granting(&store, ""));
    let (admitted, others) = (here.admit().unwrap(), there.admit().unwrap());
    let grant = here.given(revealing(Some(3)));
    let question = here.select(Position::Output);
    assert_eq!(here.terms(&admitted, &question, NOW).metered.unwrap().values_max, 3);
    let outcome = Outcome {
        request: question.request,
        status: Status::Completed("SELECT 0".into()),
        rows: 0,
        masked: 0,
        bytes: 0,
        revealed: Vec::new(),
        told: None,
        said: None,
    };
    here.gate.done(&admitted, &outcome, NOW);
    there.look(NOW).unwrap();
    let question = there.select(Position::Output);
    assert_eq!(there.terms(&others, &question, NOW).metered, None, "they are for the next command here");
    let later = NOW.plus_seconds(3);
    here.look(later).unwrap();
    assert_eq!(store.one(&grant.id).grant.unwrap().revealed, 0);
    there.look(later).unwrap();
    let question = there.select(Position::Output);
    assert_eq!(there.terms(&others, &question, later).metered.unwrap().values_max, 3);
}

#[test]
fn where_values_are_counted_nothing_is_computed_on_them() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(revealing(Some(3)));
    let question = desk.select(Position::Computed);
    let question = Question { bound: Bound::Text(|_| None, Box::default()), ..question };
    is_held(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    let desk_of_all = Shared::default();
    let mut desk = granting(&desk_of_all, "");
    let admitted = desk.admit().unwrap();
    desk.given(revealing(None));
    let question = desk.select(Position::Computed);
    assert!(desk.terms(&admitted, &question, NOW).reveals(&DataClass::Pan));
}

#[test]
fn values_that_cannot_be_counted_are_not_revealed() {
    let store = Shared::default();
    let mut desk = granting(&store, "");
    let admitted = desk.admit().unwrap();
    desk.given(revealing(Some(3)));
    store.set_down(true);
    let question = desk.select(Position::Output);
    let terms = desk.terms(&admitted, &question, NOW);
    assert_eq!((terms.metered, terms.reveal.is_empty()), (None, true));
}
