//! What no order of events and no bytes may bring about.

use std::collections::VecDeque;
use std::sync::Arc;

use access::{Mint, Receipt, RequestId, SessionId, Terms, Verdict};
use arc_swap::ArcSwap;
use mask::{Masker, Profile};
use proptest::prelude::*;
use wire::{Effect, Session, Side};
use wire_postgres::{Analyses, MESSAGE_BYTES_MAX, Postgres, Settings};

use crate::catalog::catalog;
use crate::message::{From, decode, encode, split};

/// One thing that happens to a session.
#[derive(Debug, Clone)]
enum Event {
    Agent(Vec<u8>),
    Server(Vec<u8>),
    /// A verdict on the oldest question: ahead, allow or deny.
    Answer(u8),
    Cancel,
    Hangup(bool),
}

const CARD: &[u8] = b"4242424242424242";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_card_number_reaches_an_agent_who_may_not_reveal(events in prop::collection::vec(event(), 1..24)) {
        let told = run(&events);
        prop_assert!(!told.windows(CARD.len()).any(|window| window == CARD));
    }

    #[test]
    fn nothing_of_a_command_goes_upstream_without_a_verdict(bytes in prop::collection::vec(agent(), 1..6)) {
        let mut session = session();
        for message in &bytes {
            let _ = session.receive(Side::Agent, message);
        }
        let sent = drain(&mut session).upstream;
        // Only messages that carry no command of their own may have left, and what fails in a command's place.
        for message in decode(From::Agent, &sent) {
            let harmless = ["Sync", "Flush", "Close", "Parse \"panguard_refused\""];
            prop_assert!(harmless.iter().any(|allowed| message.starts_with(allowed)), "sent {message}");
        }
    }

    #[test]
    fn whatever_an_error_and_notices_hold_the_same_is_told_when_protected_columns_are_in_reach(
        error in fault(b'E'),
        notices in prop::collection::vec(fault(b'N'), 0..3),
    ) {
        let said = [notices, vec![error, bytes(From::Server, "ReadyForQuery I")]].concat();
        let plain = bytes(From::Server, r#"ErrorResponse 22012 "division by zero"; ReadyForQuery I"#);
        prop_assert_eq!(told_in_reach(&said), told_in_reach(&[plain]));
    }

    #[test]
    fn no_bytes_break_a_session(agent in prop::collection::vec(any::<u8>(), 0..200), server in prop::collection::vec(any::<u8>(), 0..200)) {
        run(&[Event::Agent(agent), Event::Server(server), Event::Answer(1), Event::Hangup(true)]);
    }
}

/// An error or notice with any fields, of a class that values decide on.
fn fault(tag: u8) -> impl Strategy<Value = Vec<u8>> {
    let codes = prop::sample::select(vec![
        "22P02", "22012", "23505", "23514", "44000", "P0001", "X4111", "42501", "42P01",
    ]);
    let field = (prop::sample::select(b"DHPpqWstcdnFLRZ".to_vec()), "[a-z0-9.]{0,9}");
    (codes, ".{0,9}", prop::collection::vec(field, 0..9)).prop_map(move |(code, text, fields)| {
        let mut body = format!("SERROR\0VERROR\0C{code}\0M{}\0", text.replace('\0', "")).into_bytes();
        for (letter, text) in fields {
            body.push(letter);
            body.extend(text.bytes().chain([0]));
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).unwrap();
        [vec![tag], length.to_be_bytes().to_vec(), body].concat()
    })
}

/// What an agent is told of one command under a permit that lets no words pass, as the upstream says this of it.
fn told_in_reach(said: &[Vec<u8>]) -> Vec<u8> {
    let mut session = session();
    let _ = session.receive(Side::Agent, &bytes(From::Agent, r#"Query "update cards set n = 1""#));
    drain(&mut session);
    let request = SessionId(1).request(1);
    let permit = Mint::for_tests().permit(request, Receipt { index: 0 }, Terms::default());
    let _ = session.answer(Verdict::Allow(permit));
    for message in said {
        let _ = session.receive(Side::Upstream, message);
    }
    drain(&mut session).agent
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => agent().prop_map(Event::Agent),
        4 => server().prop_map(Event::Server),
        4 => (0..3_u8).prop_map(Event::Answer),
        1 => Just(Event::Cancel),
        1 => any::<bool>().prop_map(Event::Hangup),
        1 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Event::Agent),
    ]
}

fn agent() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        r#"Query "select pan from cards""#,
        r#"Query "begin""#,
        r#"Parse "" "select pan, n from cards"; Bind "" ""; Execute ""; Sync"#,
        r#"Parse "s" "select body from notes"; Describe S "s"; Sync"#,
        r#"Bind "" "s" binary; Execute ""; Sync"#,
        r#"Query "copy notes to stdout""#,
        r#"Query "copy cards (pan) to stdout csv""#,
        r#"Parse "" "copy (select upper(pan) from cards) to stdout"; Bind "" ""; Execute ""; Sync"#,
        r#"Query "copy notes from stdin"; CopyData "x"; CopyDone"#,
        r#"Close S "s"; Sync"#,
        "Flush",
        "Sync",
    ])
    .prop_map(|text| bytes(From::Agent, text))
}

fn server() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        r#"RowDescription pan:text@cards.pan"#,
        r#"RowDescription body:text@notes.body"#,
        r#"RowDescription young:text@?.x n:int8@cards.n"#,
        r#"DataRow "4242424242424242""#,
        r#"DataRow "4242424242424242" int8:4242424242424242"#,
        r#"CommandComplete "SELECT 1""#,
        "ReadyForQuery I",
        "ReadyForQuery T",
        "ParseComplete; ParameterDescription; NoData",
        "ParseComplete; ParameterDescription; RowDescription body:text@notes.body",
        "BindComplete",
        "CloseComplete",
        r#"ErrorResponse 22P02 "invalid input 4242424242424242""#,
        r#"NoticeResponse 01000 "4242424242424242""#,
        "CopyOutResponse",
        "CloseComplete; ParseComplete; ParameterDescription; RowDescription pan:text@cards.pan; CloseComplete; CopyOutResponse 1",
        "CloseComplete; ParseComplete; ParameterDescription; RowDescription upper:text",
        "CopyOutResponse 1",
        r#"CopyData "4242424242424242\\n""#,
        "CopyInResponse",
        r#"NotificationResponse "c" "4242424242424242""#,
    ])
    .prop_map(|text| bytes(From::Server, text))
}

fn bytes(from: From, text: &str) -> Vec<u8> {
    split(text).iter().flat_map(|words| encode(from, words)).collect()
}

fn session() -> Postgres {
    Postgres::new(Settings {
        session: SessionId(1),
        catalog: Arc::new(ArcSwap::from_pointee(catalog())),
        changes: Arc::default(),
        analyses: Arc::new(Analyses::default()),
        witness: true,
        masker: Masker::new(Profile::Last4),
        message_bytes_max: MESSAGE_BYTES_MAX,
        answer_bytes_max: 0,
    })
}

#[derive(Default)]
struct Drained {
    agent: Vec<u8>,
    upstream: Vec<u8>,
    asked: Vec<RequestId>,
}

fn drain(session: &mut Postgres) -> Drained {
    let mut drained = Drained::default();
    while let Some(effect) = session.poll() {
        match effect {
            Effect::Send(Side::Agent, bytes) => drained.agent.extend_from_slice(&bytes),
            Effect::Send(Side::Upstream, bytes) => drained.upstream.extend_from_slice(&bytes),
            Effect::Ask(question) => drained.asked.push(question.request),
            Effect::Inquire(_) => drop(session.told(wire::Word::Silent)),
            Effect::Done(_) => {}
            Effect::Close => break,
        }
    }
    drained
}

/// Runs the events and gives back all that the agent was told.
fn run(events: &[Event]) -> Vec<u8> {
    let mint = Mint::for_tests();
    let mut session = session();
    let mut told = Vec::new();
    let mut asked = VecDeque::new();
    for event in events {
        match event {
            Event::Agent(bytes) => receive(&mut session, Side::Agent, bytes),
            Event::Server(bytes) => receive(&mut session, Side::Upstream, bytes),
            Event::Answer(0) => {
                if let Some(request) = asked.front() {
                    let _ = session.answer(Verdict::Ahead(mint.ahead(*request)));
                }
            }
            Event::Answer(_) => {
                if let Some(request) = asked.pop_front() {
                    let permit = mint.permit(request, Receipt { index: 0 }, Terms::default());
                    let _ = session.answer(Verdict::Allow(permit));
                }
            }
            Event::Cancel => {
                if let Some(request) = session.cancel() {
                    asked.retain(|asked| *asked != request);
                }
            }
            Event::Hangup(true) => session.closed(Side::Agent),
            Event::Hangup(false) => session.closed(Side::Upstream),
        }
        let drained = drain(&mut session);
        told.extend(drained.agent);
        asked.extend(drained.asked);
    }
    told
}

/// A violation shows in what the session does next.
fn receive(session: &mut Postgres, side: Side, bytes: &[u8]) {
    let _ = session.receive(side, bytes);
}
