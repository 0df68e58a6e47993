//! What is found out of a command before people are asked about it.

use access::{Action, Resource, Use};

use super::*;

/// Says that seven rows would be touched, shows one of them or a difference, and notes what the log held when it was asked.
struct Asked {
    log: crate::desk::Paper,
    seen: Arc<std::sync::Mutex<Vec<Vec<&'static str>>>>,
}

impl gate::Preview for Asked {
    fn of(&self, asked: gate::Previewed) -> gate::Previewing {
        self.seen.lock().unwrap().push(self.log.events());
        let (sample, diff) = match asked.before {
            None => (Some(sample()), None),
            Some(_) => (None, Some(difference())),
        };
        Box::pin(async { gate::Effect { rows: Some(7), sample, diff, ..gate::Effect::default() } })
    }
}

/// An owner who may read nothing.
fn blind() -> Voter {
    let principal = (*owner("bob").principal).clone();
    let groups = ["owners".into(), "blind".into()].into();
    Voter { principal: Arc::new(access::Principal { groups, ..principal }), ..owner("bob") }
}

fn sample() -> gate::Sample {
    let was = Some(vec![Some("a value of theirs".into()), None]);
    gate::Sample {
        tables: vec!["public.cards".into()],
        columns: vec!["id".into(), "a".into()],
        rows: vec![gate::SampledRow { was, becomes: None }],
        ..gate::Sample::default()
    }
}

fn difference() -> gate::Difference {
    let (path, route, operation) = ("/cards/7".into(), "/cards/{id}".into(), "getCard".into());
    let read = gate::Read { path, route, operation, ..gate::Read::default() };
    gate::Difference { read, ..gate::Difference::default() }
}

/// A desk under more rules, and what its log held each time that an effect was to be found out.
fn previewing(store: &Shared, more: &str) -> (Desk, Arc<std::sync::Mutex<Vec<Vec<&'static str>>>>) {
    let own = Desk::new(&format!("{RULES} {more}"));
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    let desk = Desk { gate: own.gate.with_approvals(approvals), ..own };
    let seen = Arc::default();
    let preview = Asked { log: desk.log.clone(), seen: Arc::clone(&seen) };
    desk.gate.approvals().unwrap().preview_by(Arc::new(preview));
    (desk, seen)
}

const MAY_READ: &str = r#"permit (principal, action == Action::"read", resource);"#;

#[test]
fn nothing_of_a_command_is_found_out_before_it_is_recorded() {
    let store = Shared::default();
    let (mut desk, seen) = previewing(&store, MAY_READ);
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set a = 1 where b = 2");
    is_held(&mut verdict);
    assert_eq!(*seen.lock().unwrap(), [["session_opened", "approval_asked"]]);
    assert_eq!(store.one(&id.to_string()).effect.rows, Some(7));
    desk.log.fail("approval_asked", crate::desk::Fault::Before);
    let (_, mut other) = desk.put(&admitted, "update cards set a = 2");
    assert_eq!(denied(&mut other).code, Code::NotRecorded);
    assert_eq!(seen.lock().unwrap().len(), 1, "what is not recorded is not counted");
}

#[test]
fn what_takes_time_by_what_whoever_asks_may_not_read_is_not_found_out() {
    let store = Shared::default();
    let (mut desk, seen) = previewing(&store, "");
    let admitted = desk.admit().unwrap();
    let (id, mut verdict) = desk.put(&admitted, "update cards set a = 1 where b = 2");
    is_held(&mut verdict);
    assert!(seen.lock().unwrap().is_empty(), "they may not read the table");
    let why = store.one(&id.to_string()).effect.unsampled;
    assert!(why.unwrap().contains("before it is approved"), "and people are told that nothing was looked at");

    let reveal =
        r#"permit (principal, action == Action::"reveal", resource) when { context.approvals >= 1 };"#;
    let (mut desk, seen) = previewing(&Shared::default(), &format!("{MAY_READ} {reveal}"));
    let admitted = desk.admit().unwrap();
    let facts = crate::desk::using(write(), access::DataClass::Pan, access::Position::Computed);
    let question = desk.question(facts, "update cards set a = $1 where pan like $2", Vec::new());
    is_held(&mut desk.gate.ask(&admitted, &question, NOW).verdict);
    assert!(seen.lock().unwrap().is_empty(), "they may not compute on the column");
}

#[test]
fn whoever_asks_is_not_told_how_many_rows_their_condition_holds_for() {
    let store = Shared::default();
    let (mut desk, _) = previewing(&store, MAY_READ);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1 where pan like '4000%'");
    is_held(&mut verdict);
    let asker = Voter { principal: Arc::clone(&desk.admission.principal), ..owner("claude") };
    let rows = |voter: &Voter| {
        let seen = now_or_never(desk.gate.see(voter, &id.to_string(), NOW)).unwrap().unwrap();
        let listed = now_or_never(desk.gate.requests(voter, true, 10, NOW)).unwrap().unwrap();
        (seen.effect.rows, listed[0].effect.rows)
    };
    assert_eq!(rows(&owner("ann")), (Some(7), Some(7)));
    assert_eq!(rows(&asker), (None, None));
    desk.say(&owner("ann"), &id.to_string(), true, "").unwrap();
    assert_eq!(store.one(&id.to_string()).effect.rows, Some(7), "nothing of it is lost");
    runs(&mut verdict);
}

#[test]
fn what_a_command_changes_is_shown_to_those_who_may_read_it_and_in_no_list() {
    let store = Shared::default();
    let readers =
        r#"permit (principal, action == Action::"read", resource) unless { principal in Group::"blind" };"#;
    let (mut desk, _) = previewing(&store, readers);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1 where b = 2");
    is_held(&mut verdict);
    let see =
        |voter: &Voter| now_or_never(desk.gate.see(voter, &id.to_string(), NOW)).unwrap().unwrap().effect;
    let (reader, blind) = (owner("dan"), blind());
    assert_eq!((see(&reader).sample, see(&reader).unsampled), (Some(sample()), None));
    assert_eq!((see(&blind).sample, see(&blind).rows), (None, Some(7)));
    assert!(see(&blind).unsampled.unwrap().contains("does not let you read"), "and that is said");
    let asker = Voter { principal: Arc::clone(&desk.admission.principal), ..owner("claude") };
    let own = see(&asker);
    assert_eq!(
        (own.sample, own.unsampled, own.rows),
        (None, None, None),
        "whoever asks learns nothing by asking"
    );
    for voter in [&reader, &blind, &asker] {
        let listed = now_or_never(desk.gate.requests(voter, true, 10, NOW)).unwrap().unwrap();
        assert_eq!((&listed[0].effect.sample, &listed[0].effect.unsampled), (&None, &None));
    }
    assert_eq!(
        desk.say(&blind, &id.to_string(), true, "fine").unwrap().effect.sample,
        None,
        "nor by answering"
    );
    assert_eq!(store.one(&id.to_string()).effect.sample, Some(sample()), "nothing of it is lost");
    let recorded = format!("{:?}", desk.log.entries());
    assert!(!recorded.contains("of theirs"), "and nothing of it is recorded");
    runs(&mut verdict);
}

/// What a request over HTTP is, and by which it can be read what it changes.
fn put_of(desk: &mut Desk, path: &str, fields: Vec<access::Field>) -> Question {
    let call = |method: &str, operation: &str| {
        let (method, path, route) = (method.into(), path.into(), "/cards/{id}".into());
        access::Endpoint { method, path, route, operation: operation.into() }
    };
    let facts = |endpoint: access::Endpoint, action: Action| access::Facts {
        kinds: vec![endpoint.method.to_lowercase().into()],
        uses: vec![Use { action, resource: Resource::Endpoint(Box::new(endpoint.clone())) }],
        call: Some(Box::new(access::Call { endpoint, ..access::Call::default() })),
        has_where: true,
        ..access::Facts::default()
    };
    let mut get = facts(call("GET", "getCard"), Action::Read);
    get.call.iter_mut().for_each(|call| call.fields = fields.clone());
    let before = access::Before {
        facts: Arc::new(get),
        target: Redacted::new(path.into()),
        method: "PUT".into(),
        body_type: "application/json".into(),
        body: Redacted::new((*b"{}").into()),
    };
    let bound = Bound::Bytes(Redacted::new((*b"PUT").into()), Vec::new());
    let put = facts(call("PUT", "putCard"), Action::Write);
    Question {
        bound,
        before: Some(Arc::new(before)),
        ..desk.question(put, &format!("PUT {path}"), Vec::new())
    }
}

#[test]
fn a_resource_is_read_only_by_what_whoever_asks_may_do_anyhow_and_shown_to_who_may_too() {
    let field = |part| access::Field { part, name: "id".into(), values: vec!["7".into()] };
    let asks_with = |more: &str, path: &str, fields: Vec<access::Field>| {
        let store = Shared::default();
        let (mut desk, _) = previewing(&store, more);
        let admitted = desk.admit().unwrap();
        let question = put_of(&mut desk, path, fields);
        let mut verdict = desk.gate.ask(&admitted, &question, NOW).verdict;
        is_held(&mut verdict);
        let id = question.request.to_string();
        let see = |voter: &Voter| now_or_never(desk.gate.see(voter, &id, NOW)).unwrap().unwrap().effect;
        let blind = see(&blind());
        (
            store.one(&id).effect.diff.is_some(),
            see(&owner("ann")).diff.is_some(),
            blind.diff.is_some(),
            blind.undiffed,
        )
    };
    let asks = |more: &str, path: &str| asks_with(more, path, Vec::new());
    let readers =
        r#"permit (principal, action == Action::"read", resource) unless { principal in Group::"blind" };"#;
    let (found, shown, blind, why) = asks(readers, "/cards/7");
    assert!(found && shown && !blind && why.unwrap().contains("does not let you read"));
    assert!(!asks("", "/cards/7").0, "they may not read it");
    let approved =
        r#"permit (principal, action == Action::"read", resource) when { context.approvals >= 1 };"#;
    assert!(!asks(approved, "/cards/7").0, "nor without somebody's approval");
    assert!(!asks(readers, "/cards/4111111111111111").0, "its name is not one that may be told");
    let asked_for = vec![field(access::Part::Path)];
    assert!(asks_with(readers, "/cards/7", asked_for).0, "what its path says may be told");
    let asked_for = vec![field(access::Part::Query)];
    assert!(!asks_with(readers, "/cards/7", asked_for).0, "policy asks for what is kept of no request");
}

#[test]
fn a_command_may_touch_as_many_rows_as_were_counted_or_as_whoever_answers_says() {
    let counted = |sayings: &[(&str, Option<u64>)]| {
        let store = Shared::default();
        let (mut desk, _) = previewing(&store, MAY_READ);
        let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1");
        is_held(&mut verdict);
        for (who, rows_max) in sayings {
            let saying = Saying { rows_max: *rows_max, ..Saying::yes("") };
            now_or_never(desk.gate.answer(&owner(who), &id.to_string(), &saying, NOW)).unwrap().unwrap();
        }
        match said(&mut verdict) {
            Some(Verdict::Allow(permit)) => permit.terms().rows_max,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(counted(&[("ann", None)]), Some(7));
    assert_eq!(counted(&[("ann", Some(3))]), Some(3), "whoever answers may be stricter");
    assert_eq!(counted(&[("ann", Some(9))]), Some(7), "and not laxer than what they were shown");
}

#[test]
fn nobody_bounds_by_rows_what_is_not_bounded_by_them() {
    let store = Shared::default();
    let mut desk = desk(&store);
    let ddl = access::Facts { kinds: vec!["drop table".into()], ..write() };
    let question = desk.question(ddl, "drop table cards", Vec::new());
    let question = Question { bound: Bound::Text(|_| None, Box::default()), ..question };
    let id = question.request.to_string();
    let mut verdict = desk.gate.ask(&desk.admit().unwrap(), &question, NOW).verdict;
    is_held(&mut verdict);
    let bounded = Saying { rows_max: Some(3), ..Saying::yes("") };
    let answered = now_or_never(desk.gate.answer(&owner("ann"), &id, &bounded, NOW)).unwrap();
    assert_eq!(answered.err(), Some(Unanswered::NotCounted(NotCounted::NoRows)));
}

/// Never says anything.
struct Endless;

impl gate::Preview for Endless {
    fn of(&self, _: gate::Previewed) -> gate::Previewing {
        Box::pin(std::future::pending())
    }
}

#[test]
fn whoever_goes_away_while_it_is_found_out_has_asked_and_withdrawn() {
    let store = Shared::default();
    let own = Desk::new(&format!("{RULES} {MAY_READ}"));
    let approvals = Approvals::new(store.clone(), &Secret::from(vec![9; 32]), || NOW);
    let mut desk = Desk { gate: own.gate.with_approvals(approvals), ..own };
    desk.gate.approvals().unwrap().preview_by(Arc::new(Endless));
    let (_, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1");
    assert!(said(&mut verdict).is_none(), "it is being found out");
    drop(verdict);
    assert_eq!(desk.log.events(), ["session_opened", "approval_asked", "approval_ended"]);
    assert!(store.all().is_empty());
}

#[test]
fn whoever_goes_away_before_they_wait_has_withdrawn() {
    let store = Shared::default();
    let (mut desk, _) = previewing(&store, MAY_READ);
    let (id, mut verdict) = desk.put(&desk.admit().unwrap(), "update cards set a = 1");
    assert!(matches!(said(&mut verdict), Some(Verdict::Hold(_))), "it is told that it is held, and no more");
    drop(verdict);
    assert_eq!(store.one(&id.to_string()).state, State::Withdrawn);
    assert_eq!(desk.log.events().last(), Some(&"approval_ended"));
}
