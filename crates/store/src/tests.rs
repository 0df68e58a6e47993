use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use access::Timestamp;
use audit::{Command, FactsNote, StageWord, Who};
use gate::{Memory, Request, Requests, Saying, State, Verb};
use proptest::prelude::*;

use crate::{Deliveries, Delivery, Embedded, KeptLender, KeptLoan, Loans, NotOpened, Stands};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = Box::pin(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(it) => return it,
            Poll::Pending => thread::park(),
        }
    }
}

fn request(number: u32, binding: &str) -> Request {
    let asker = Who {
        kind: "agent".into(),
        id: "claude".into(),
        issuer: "https://idp.example.com".into(),
        subject: "claude".into(),
        groups: vec!["agents".into()],
        person: None,
        token_id: "jti".into(),
        on_behalf_of: Some("carl".into()),
        lent: None,
    };
    let command = Command {
        stage: StageWord::Run,
        statement: "delete from cards where note = 'é\u{1f512}\\'".into(),
        statement_bytes: 40,
        shortened: false,
        parameters: vec![None, Some("7".into())],
        fingerprint: "abcd".into(),
        facts: Arc::new(FactsNote { kinds: vec!["delete".into()], ..FactsNote::default() }),
        mode: None,
        trace: None,
    };
    Request {
        id: format!("0000000000003f9a-{number}").into(),
        revision: 0,
        binding: binding.into(),
        asker,
        connection: "payments-db".into(),
        labels: vec!["cde".into()],
        lane: "postgres".into(),
        gateway: "gw-1".into(),
        waits: true,
        command,
        fields: vec![("x-tenant".into(), "a".into())],
        called: Some(gate::Called { method: "POST".into(), ..gate::Called::default() }),
        grant: None,
        effect: gate::Effect { rows: Some(7), ..gate::Effect::default() },
        why: "it needs a person".into(),
        policies: Vec::new(),
        policy_version: "v1".into(),
        needed: 1,
        asked: i64::from(number),
        expires: 1_000_000 + i64::from(number),
        life: 600,
        answers: Vec::new(),
        glass: None,
        state: State::Waiting,
    }
}

fn store() -> (tempfile::TempDir, Embedded) {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(&dir.path().join("store.db")).unwrap();
    (dir, store)
}

#[test]
fn a_request_is_the_same_after_the_store_was_opened_again() {
    let (dir, store) = store();
    let mut asked = request(1, "a");
    wait(store.insert(&asked)).unwrap();
    assert!(asked.withdraw());
    assert!(wait(store.replace(&asked)).unwrap());
    drop(store);
    let again = Embedded::open(&dir.path().join("store.db")).unwrap();
    assert_eq!(wait(again.get(&asked.id)).unwrap(), Some(asked));
    assert_eq!(wait(again.get("0000000000003f9a-2")).unwrap(), None);
}

#[test]
fn of_two_who_change_the_same_revision_one_does() {
    let (_dir, store) = store();
    let asked = request(1, "a");
    wait(store.insert(&asked)).unwrap();
    let store = &store;
    let won: usize = thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let mut used = asked.clone();
                scope.spawn(move || {
                    used.withdraw();
                    wait(store.replace(&used)).unwrap()
                })
            })
            .collect();
        tries.into_iter().map(|it| usize::from(it.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
}

#[test]
fn what_is_asked_and_not_waited_for_is_done_all_the_same() {
    let (_dir, store) = store();
    let mut asked = request(1, "a");
    drop(store.insert(&asked));
    asked.withdraw();
    drop(store.replace(&asked));
    assert_eq!(wait(store.get(&asked.id)).unwrap().unwrap().state, State::Withdrawn);
}

#[test]
fn its_files_are_for_one_user_alone() {
    let (dir, store) = store();
    wait(store.insert(&request(1, "a"))).unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[test]
fn an_id_is_taken_once() {
    let (_dir, store) = store();
    wait(store.insert(&request(1, "a"))).unwrap();
    assert!(wait(store.insert(&request(1, "b"))).is_err());
}

#[test]
fn a_file_that_is_no_store_of_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("store.db");
    std::fs::write(&file, "no database at all, but long enough to be looked at ".repeat(100)).unwrap();
    assert!(matches!(Embedded::open(&file), Err(NotOpened::Sqlite { .. })));
    let later = dir.path().join("later.db");
    let connection = rusqlite::Connection::open(&later).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(Embedded::open(&later), Err(NotOpened::Later { version: 99, .. })));
}

fn delivery(request: &str, channel: &str, event: &str) -> Delivery {
    Delivery {
        request: request.into(),
        channel: channel.into(),
        event: event.into(),
        gateway: "gw-1".into(),
        planned: 10,
        stands: Stands::Pending,
        attempts: 0,
        next: 10,
        error: None,
        handle: None,
    }
}

#[test]
fn a_delivery_is_planned_once_and_is_as_it_was_after_the_store_was_opened_again() {
    let (dir, store) = store();
    let asked = delivery("1-1", "ops", "asked");
    wait(store.plan(&asked)).unwrap();
    let tried = Delivery { attempts: 1, next: 20, error: Some("http 503".into()), ..asked.clone() };
    wait(store.tried(&tried)).unwrap();
    wait(store.plan(&asked)).unwrap();
    drop(store);
    let again = Embedded::open(&dir.path().join("store.db")).unwrap();
    assert_eq!(wait(again.deliveries_of("1-1")).unwrap(), std::slice::from_ref(&tried));
    let told = Delivery { stands: Stands::Delivered, error: None, handle: Some("C1 1.2".into()), ..tried };
    wait(again.tried(&told)).unwrap();
    assert_eq!(wait(again.deliveries_of("1-1")).unwrap(), [told]);
    assert_eq!(wait(again.deliveries_of("1-2")).unwrap(), []);
}

#[test]
fn due_is_what_is_pending_at_this_gateway_and_its_time() {
    let (_dir, store) = store();
    for it in [
        delivery("1-1", "b", "asked"),
        delivery("1-1", "a", "asked"),
        Delivery { next: 5, ..delivery("1-2", "a", "asked") },
        Delivery { next: 11, ..delivery("1-3", "a", "asked") },
        Delivery { gateway: "gw-2".into(), ..delivery("1-4", "a", "asked") },
        Delivery { stands: Stands::GivenUp, ..delivery("1-5", "a", "asked") },
    ] {
        wait(store.plan(&it)).unwrap();
    }
    let due = |limit| -> Vec<String> {
        let due = wait(store.due("gw-1", 10, limit)).unwrap();
        due.iter().map(|it| format!("{} {}", it.request, it.channel)).collect()
    };
    assert_eq!(due(9), ["1-2 a", "1-1 a", "1-1 b"]);
    assert_eq!(due(1), ["1-2 a"]);
}

#[test]
fn what_has_not_ended_is_looked_at_again() {
    let (_dir, store) = store();
    for it in [
        delivery("1-1", "a", "asked"),
        delivery("1-1", "b", "asked"),
        delivery("1-2", "a", "asked"),
        delivery("1-2", "a", "used"),
        Delivery { gateway: "gw-2".into(), ..delivery("1-3", "a", "asked") },
    ] {
        wait(store.plan(&it)).unwrap();
    }
    assert_eq!(wait(store.unended("gw-1", &["used", "denied"])).unwrap(), ["1-1".into()]);
}

#[test]
fn a_signed_message_comes_once_until_it_holds_no_more() {
    let (dir, store) = store();
    assert!(wait(store.is_first("ops:ab", 50)).unwrap());
    assert!(!wait(store.is_first("ops:ab", 60)).unwrap());
    assert!(wait(store.is_first("ops:cd", 50)).unwrap());
    drop(store);
    let again = Embedded::open(&dir.path().join("store.db")).unwrap();
    wait(again.forget_deliveries(0, 50)).unwrap();
    assert!(!wait(again.is_first("ops:ab", 50)).unwrap(), "not after a restart either");
    wait(again.forget_deliveries(0, 51)).unwrap();
    assert!(wait(again.is_first("ops:ab", 50)).unwrap());
}

fn loan(id: &str, lender: &str, until: i64) -> KeptLoan {
    KeptLoan {
        id: id.into(),
        lender: lender.into(),
        is_direct: true,
        is_ended: false,
        until,
        document: format!("{{\"id\": \"{id}\"}}"),
    }
}

#[test]
fn what_was_lent_is_listed_until_its_time_is_over() {
    let (dir, store) = store();
    let keep = |it: &KeptLoan, now, most| wait(store.keep(it, None, now, most));
    for it in [loan("d-1", "a", 20), loan("d-2", "b", 30), loan("d-3", "a", 30)] {
        assert!(keep(&it, 10, 2).unwrap());
    }
    assert!(keep(&loan("d-1", "b", 90), 10, 9).is_err(), "an id is one loan's");
    assert!(!keep(&loan("d-4", "a", 90), 10, 2).unwrap(), "they have as many");
    let handed = KeptLoan { is_direct: false, ..loan("d-5", "a", 26) };
    assert!(keep(&handed, 10, 2).unwrap(), "what is handed on is counted apart");
    assert!(keep(&loan("d-4", "a", 25), 20, 2).unwrap(), "one of theirs is over");
    wait(store.end_loans(&["d-3".into(), "d-9".into()])).unwrap();
    assert!(keep(&loan("d-6", "a", 24), 20, 2).unwrap(), "one of theirs was ended");
    drop(store);
    let again = Embedded::open(&dir.path().join("store.db")).unwrap();
    let ended = KeptLoan { is_ended: true, ..loan("d-3", "a", 30) };
    let all = [
        loan("d-2", "b", 30),
        ended,
        handed,
        loan("d-4", "a", 25),
        loan("d-6", "a", 24),
        loan("d-1", "a", 20),
    ];
    assert_eq!(wait(again.lent(None, 19, 10)).unwrap(), all);
    assert_eq!(wait(again.lent(None, 19, 2)).unwrap(), all[..2]);
    assert_eq!(wait(again.lent(Some("a"), 24, 10)).unwrap(), all[1..4]);
    assert_eq!(wait(again.loan("d-1")).unwrap(), Some(loan("d-1", "a", 20)));
    assert_eq!(wait(again.loan("d-9")).unwrap(), None);
    wait(again.forget_loans(26)).unwrap();
    assert_eq!(wait(again.lent(None, 0, 10)).unwrap(), all[..2]);
}

fn lender(name: &str, issued_at: i64, groups: &str, until: i64) -> KeptLender {
    let tag = format!("{name} {issued_at} {groups}");
    KeptLender { lender: name.into(), issued_at, until, groups: groups.into(), tag }
}

#[test]
fn of_a_lender_the_latest_token_counts_as_long_as_something_is_lent() {
    let (_dir, store) = store();
    assert!(wait(store.keep(&loan("d-1", "a", 99), Some(&lender("alice", 10, "a", 100)), 0, 1)).unwrap());
    assert!(!wait(store.keep(&loan("d-2", "a", 99), Some(&lender("carl", 10, "a", 100)), 0, 1)).unwrap());
    for it in [lender("alice", 30, "b", 90), lender("alice", 20, "c", 80), lender("bob", 0, "", 50)] {
        wait(store.see(&it)).unwrap();
    }
    let mut found = wait(store.lenders(0)).unwrap();
    found.sort_by(|a, b| a.lender.cmp(&b.lender));
    assert_eq!(found, [lender("alice", 30, "b", 100), lender("bob", 0, "", 50)]);
    assert_eq!(wait(store.lenders(50)).unwrap(), [lender("alice", 30, "b", 100)]);
    wait(store.forget_loans(100)).unwrap();
    assert_eq!(wait(store.lenders(0)).unwrap(), []);
}

#[test]
fn the_first_key_of_a_name_stays() {
    let (_dir, store) = store();
    let key = |name, fresh| wait(store.common_key(name, fresh)).unwrap();
    assert_eq!(key("lending", None), None);
    assert_eq!(key("lending", Some("one")).as_deref(), Some("one"));
    assert_eq!(key("lending", Some("two")).as_deref(), Some("one"));
    assert_eq!(key("lending", None).as_deref(), Some("one"));
    assert_eq!(key("other", Some("three")).as_deref(), Some("three"));
}

#[test]
fn a_file_from_before_deliveries_is_taken_over() {
    let (dir, store) = store();
    let asked = request(1, "a");
    wait(store.insert(&asked)).unwrap();
    drop(store);
    let file = dir.path().join("store.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("DROP TABLE deliveries; DROP TABLE messages; DROP TABLE loans; DROP TABLE lenders; DROP TABLE common_keys").unwrap();
    drop(connection);
    let again = Embedded::open(&file).unwrap();
    assert_eq!(wait(again.get(&asked.id)).unwrap(), Some(asked));
    wait(again.plan(&delivery("1-1", "a", "asked"))).unwrap();
    wait(again.forget_deliveries(11, 0)).unwrap();
    assert_eq!(wait(again.deliveries_of("1-1")).unwrap(), []);
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, &'static str),
    Withdraw(u32),
    /// Somebody does not wait for an answer, and nobody has reviewed that when it is used.
    BreakGlass(u32),
    Stale(u32),
    Bound(&'static str),
    List(bool, u32),
    Changed(Option<u64>),
    Forget(i64),
    Overdue(i64, u32),
    OpenOf(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let binding = prop::sample::select(vec!["a", "b"]);
    prop_oneof![
        3 => (0..6_u32, binding.clone()).prop_map(|(number, binding)| Step::Insert(number, binding)),
        2 => (0..6_u32).prop_map(Step::Withdraw),
        1 => (0..6_u32).prop_map(Step::BreakGlass),
        1 => (0..6_u32).prop_map(Step::Stale),
        1 => binding.prop_map(Step::Bound),
        1 => (any::<bool>(), 0..5_u32).prop_map(|(open, limit)| Step::List(open, limit)),
        1 => prop::option::weighted(0.8, 0..8_u64).prop_map(Step::Changed),
        1 => (0..6_i64).prop_map(Step::Forget),
        1 => (999_998..1_000_006_i64, 0..4_u32).prop_map(|(now, limit)| Step::Overdue(now, limit)),
        1 => prop::sample::select(vec!["claude", "other"]).prop_map(Step::OpenOf),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn it_says_what_the_one_in_memory_says(steps in prop::collection::vec(step(), 1..40)) {
        let (_dir, store) = store();
        same(&store, &steps)?;
    }
}

/// Does the same with `store` and one in memory, and holds every answer of the one against the other's.
fn same(store: &impl Requests, steps: &[Step]) -> Result<(), TestCaseError> {
    let memory = Memory::default();
    let mut known: Vec<Request> = Vec::new();
    for step in steps {
        match step {
            Step::Insert(number, binding) => {
                let new = request(*number, binding);
                if known.iter().all(|it| it.id != new.id) {
                    wait(memory.insert(&new)).unwrap();
                    wait(store.insert(&new)).unwrap();
                    known.push(new);
                }
            }
            Step::Withdraw(at) => {
                if let Some(it) = known.get_mut(*at as usize).filter(|it| it.state.is_open()) {
                    it.withdraw();
                    prop_assert!(wait(memory.replace(it)).unwrap());
                    prop_assert!(wait(store.replace(it)).unwrap());
                }
            }
            Step::BreakGlass(at) => {
                let oncall = Who {
                    kind: "user".into(),
                    on_behalf_of: None,
                    lent: None,
                    subject: "ona".into(),
                    ..request(0, "a").asker
                };
                let saying =
                    Saying { verb: Verb::BreakGlass, comment: "now", rows_max: None, narrower: None };
                let Some(it) = known.get_mut(*at as usize) else { continue };
                if it.answer(&oncall, &saying, Timestamp(0)).is_ok() {
                    for _ in 0..2 {
                        prop_assert!(wait(memory.replace(it)).unwrap());
                        prop_assert!(wait(store.replace(it)).unwrap());
                        if it.take(Timestamp(0)).is_err() {
                            break;
                        }
                    }
                }
            }
            Step::Stale(at) => {
                if let Some(it) = known.get(*at as usize) {
                    prop_assert!(!wait(memory.replace(it)).unwrap());
                    prop_assert!(!wait(store.replace(it)).unwrap());
                }
            }
            Step::Bound(binding) => {
                let sorted = |mut all: Vec<Request>| {
                    all.sort_by(|a, b| a.id.cmp(&b.id));
                    all
                };
                let ours = sorted(wait(store.bound(binding)).unwrap());
                prop_assert_eq!(ours, sorted(wait(memory.bound(binding)).unwrap()));
            }
            Step::List(open, limit) => {
                let mut all = wait(memory.list(*open, 100)).unwrap();
                all.sort_by_key(|it| std::cmp::Reverse(it.asked));
                all.truncate(*limit as usize);
                prop_assert_eq!(wait(store.list(*open, *limit)).unwrap(), all);
            }
            Step::Overdue(now, limit) => {
                let ours = wait(store.overdue(*now, *limit)).unwrap();
                prop_assert_eq!(ours, wait(memory.overdue(*now, *limit)).unwrap());
            }
            Step::OpenOf(subject) => {
                let who = Who { subject: (*subject).into(), ..request(0, "a").asker };
                let ours = wait(store.open_of(&who)).unwrap();
                prop_assert_eq!(ours, wait(memory.open_of(&who)).unwrap());
            }
            Step::Forget(asked) => {
                prop_assert_eq!(wait(store.forget(*asked)).unwrap(), wait(memory.forget(*asked)).unwrap());
            }
            Step::Changed(change) => {
                let (mut ours, last) = wait(store.changed(*change)).unwrap();
                let (mut theirs, expected) = wait(memory.changed(*change)).unwrap();
                ours.sort();
                theirs.sort();
                prop_assert_eq!((ours, last), (theirs, expected));
            }
        }
    }
    Ok(())
}
