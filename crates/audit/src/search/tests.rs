use std::sync::Arc;

use access::{Code, SessionId};
use proptest::prelude::*;

use super::*;
use crate::{ColumnNote, Command, Event, FactsNote, PolicyNote, StageWord, StatusWord, UseNote, Who};

fn parse(text: &str) -> Search {
    Search::parse(text, NOW).unwrap()
}

/// Where, and what.
fn wrong(text: &str) -> (usize, String) {
    let Misunderstood { at, what } = Search::parse(text, NOW).unwrap_err();
    (at, what)
}

fn fits(text: &str) -> bool {
    parse(text).fits(&refused())
}

fn refused() -> Entry {
    entry(3, "delete from cards where pan = '****'", 1_000_000)
}

#[test]
fn each_field_has_what_the_entry_says() {
    for one in [
        "principal = ci-bot",
        "principal = 5f1b",
        "delegation = ada",
        "connection = payments",
        "lane = postgres",
        "from = 10.0.0.7",
        "object = public.cards",
        "object = 'table public.cards'",
        "column = public.cards.pan",
        "action = write",
        "kind = delete",
        "event = command_refused",
        "decision = refused",
        "policy = no-deletes",
        "class = pan",
        "statement ~ 'FROM cards'",
        "request = 00000000000000ab-3",
        "session = 00000000000000ab",
        "code = PGD-0005",
        "result = failure",
        "time >= 1970-01-01 and time < 1970-01-02",
        "time >= 9s and time <= '1970-01-01T00:00:01Z'",
    ] {
        assert!(fits(one), "{one}");
    }
    assert!(
        !fits("status = completed") && !fits("delegation = grace") && !fits("time < 1970-01-01T00:00:01Z")
    );
}

#[test]
fn what_an_answer_is_of_is_found_by_its_request() {
    let of = "00000000000000ab-3".into();
    let seen = Entry::of_gateway(NOW, "gw".into(), Event::ApprovalSeen { of });
    assert!(parse("request = 00000000000000ab-3").fits(&seen));
    assert!(parse("object = 'request 00000000000000ab-3'").fits(&seen));
}

#[test]
fn not_binds_closer_than_and_and_and_closer_than_or() {
    assert_eq!(
        parse("event = a or event = b and not event = c"),
        parse("event=a or (event=b and (not event=c))")
    );
    assert_ne!(
        parse("(event = a or event = b) and event = c"),
        parse("event = a or event = b and event = c")
    );
    assert_eq!(parse("NOT event != x"), parse("not (not (event = x))"));
}

#[test]
fn not_equal_is_that_no_value_is() {
    assert!(
        !fits("object != public.cards") && fits("object != public.orders") && fits("status != completed")
    );
}

#[test]
fn a_quoted_value_may_be_anything() {
    let is = |value: &str| Search::Is(Field::Statement, value.into());
    assert_eq!(parse(r#"statement = "a \"b\" \\ (c) and""#), is(r#"a "b" \ (c) and"#));
    assert_eq!(parse("statement = ''"), is(""));
    assert_eq!(parse("statement='it\\'s'"), is("it's"));
    assert_eq!(parse("statement = and"), is("and"));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (text, at, what) in [
        ("", 0, "a field is missing here"),
        ("princpal = x", 0, "there is no such field"),
        ("event = a and princpal = x", 14, "there is no such field"),
        ("event a", 6, "`=`, `!=` or `~`"),
        ("event = ", 8, "a value is missing"),
        ("event = a event = b", 10, "`and` or `or` is missing"),
        ("(event = a", 10, "the `(` at byte 0 is not closed"),
        ("event = a)", 9, "closes nothing"),
        ("(event = a event", 11, "`and`, `or` or `)`"),
        ("statement ~ 'x", 12, "is not closed"),
        ("event > a", 6, "only `time`"),
        ("time = 2026-11-22", 5, "a time is compared by"),
        ("time > yesterday", 7, "not a time"),
        ("time > 2026-11-22T09:00", 7, "not a time"),
        ("event = a and", 13, "a field is missing"),
    ] {
        let (found, told) = wrong(text);
        assert!(found == at && told.contains(what), "`{text}`: {found}, {told}");
    }
    let deep = "(".repeat(1000);
    assert!(wrong(&deep).1.contains("within each other"));
    assert!(wrong(&"not ".repeat(1000)).1.contains("within each other"));
    assert!(wrong(&" ".repeat(10_000)).1.contains("at most"));
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in r#"[a-e~=!<>()'"\\ \u{0}-\u{ff}]{0,40}|(event|not|and|or|time|=|~|\(|\)| |'x'){0,20}"#) {
        let place = Search::parse(&text, NOW).map_err(|wrong| wrong.at);
        prop_assert!(place.map_or_else(|at| text.is_char_boundary(at), |_| true));
    }
}

const NOW: Timestamp = Timestamp(10_000_000);

/// The refusal of a statement.
pub(crate) fn entry(number: u32, statement: &str, time: i64) -> Entry {
    let session = SessionId(0xab);
    let facts = FactsNote {
        kinds: vec!["delete".into()],
        uses: vec![UseNote { action: "write".into(), resource: "table public.cards".into() }],
        columns: vec![ColumnNote {
            column: "public.cards.pan".into(),
            class: "pan".into(),
            position: "matched".into(),
        }],
        effect: "data".into(),
        ..FactsNote::default()
    };
    Entry {
        time: Timestamp(time),
        gateway: "gw1".into(),
        session: Some(session),
        request: Some(session.request(number)),
        principal: Some(Arc::new(who("ci-bot"))),
        from: Some("10.0.0.7".into()),
        client: None,
        connection: Some("payments".into()),
        lane: Some("postgres".into()),
        event: Event::CommandRefused {
            command: Box::new(Command {
                stage: StageWord::Run,
                statement: statement.into(),
                statement_bytes: statement.len() as u64,
                shortened: false,
                parameters: vec![],
                fingerprint: "b5bb".into(),
                facts: Arc::new(facts),
                mode: None,
                trace: None,
            }),
            policies: vec![PolicyNote { id: "no-deletes".into(), reason: None, requirement: None }],
            policy_version: "c2f1".into(),
            code: Code::PolicyDenied,
            detail: "write".into(),
        },
    }
}

fn who(id: &str) -> Who {
    Who {
        kind: "agent".into(),
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: "5f1b".into(),
        groups: vec![],
        person: None,
        token_id: "9c7e".into(),
        on_behalf_of: Some("ada".into()),
        lent: None,
    }
}

/// Entries of a few sorts whose values meet those of [`searches`] now and then.
pub(crate) fn entries() -> impl Strategy<Value = Entry> {
    let statement = "(select |SELECT |pan|\u{0}|\"|'|ä|Ä|\u{fffe}|%|\\*| ){0,6}";
    (0..5u8, statement, "[a-c]{1,2}", 0..40i64, 0..3u32).prop_map(|(sort, statement, name, time, number)| {
        let mut entry = entry(number, &statement, time * 1_000_000);
        entry.connection = (sort != 1).then(|| name.as_str().into());
        entry.principal = (sort != 2).then(|| Arc::new(who(&name)));
        match sort {
            0 => {
                let (status, code) = (StatusWord::Completed, "SELECT 1".into());
                entry.event =
                    Event::Outcome { status, code, rows: 1, masked: 0, bytes: 5, said: None, answer: None };
            }
            1 => entry.event = Event::ApprovalSeen { of: "00000000000000ab-1".into() },
            _ => {}
        }
        entry
    })
}

/// Expressions of any shape.
pub(crate) fn searches() -> impl Strategy<Value = Search> {
    let field = prop::sample::select(Field::ALL.to_vec());
    let value = prop::sample::select(vec![
        "a",
        "b",
        "ab",
        "ADA",
        "pan",
        "public.cards",
        "completed",
        "refused",
        "00000000000000ab-1",
        "success",
    ]);
    let part = "[a-cA-C]{0,2}|(select |SELECT |pan|\u{0}|\"|'|ä|Ä|\u{fffe}|%| ){0,3}";
    let leaf = prop_oneof![
        (field.clone(), value).prop_map(|(field, value)| Search::Is(field, value.into())),
        (field, part).prop_map(|(field, part)| Search::Holds(field, part.into())),
        part.prop_map(|part| Search::Holds(Field::Statement, part.into())),
        part.prop_map(|part| Search::Is(Field::Statement, part.into())),
        (0..40i64).prop_map(|time| Search::Since(Timestamp(time * 1_000_000))),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Search::All),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Search::Any),
            inner.prop_map(|one| Search::Not(Box::new(one))),
        ]
    })
}
