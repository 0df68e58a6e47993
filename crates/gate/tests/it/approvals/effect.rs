//! What is found out of a command before people are asked about it.

use super::*;

/// Says that seven rows would be touched, and notes what the log held when it was asked.
struct Asked {
    log: crate::desk::Paper,
    seen: Arc<std::sync::Mutex<Vec<Vec<&'static str>>>>,
}

impl gate::Preview for Asked {
    fn of(&self, _: gate::Previewed) -> gate::Previewing {
        self.seen.lock().unwrap().push(self.log.events());
        Box::pin(async { gate::Effect { rows: Some(7), ..gate::Effect::default() } })
    }
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
    let (_, mut verdict) = desk.put(&admitted, "update cards set a = 1 where b = 2");
    is_held(&mut verdict);
    assert!(seen.lock().unwrap().is_empty(), "they may not read the table");

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
