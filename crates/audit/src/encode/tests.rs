use access::{Code, Outcome, RequestId, SessionId, Status, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::event::{ColumnNote, StageWord, UseNote};
use crate::{Change, Closes, Control, Leave, PolicyNote};

fn command(statement: &str, parameters: Vec<Option<Box<str>>>) -> Box<Command> {
    Box::new(Command {
        stage: StageWord::Run,
        statement: statement.into(),
        statement_bytes: statement.len() as u64,
        shortened: false,
        parameters,
        fingerprint: "00ff".into(),
        facts: Arc::new(FactsNote {
            kinds: vec!["select".into()],
            uses: vec![UseNote { action: "read".into(), resource: "table public.cards".into() }],
            columns: vec![ColumnNote {
                column: "public.cards.pan".into(),
                class: "pan".into(),
                position: "output".into(),
            }],
            matches: vec![],
            template: None,
            functions: vec![],
            effect: "none".into(),
            not_understood: vec![],
        }),
        mode: None,
        trace: None,
    })
}

fn entry(event: Event) -> Entry {
    let session = SessionId(0x3f9a_61c0_d4e8_b752);
    Entry {
        time: Timestamp(1_764_000_000_123_456),
        gateway: "gw1".into(),
        session: Some(session),
        request: Some(session.request(12)),
        principal: Some(Arc::new(Who {
            kind: "agent".into(),
            id: "billing-bot".into(),
            issuer: "https://idp.example.com".into(),
            subject: "s-1".into(),
            groups: vec!["analysts".into()],
            person: None,
            token_id: "t".into(),
            on_behalf_of: None,
            lent: None,
        })),
        from: Some("10.0.0.7:51234".into()),
        client: Some("psql".into()),
        connection: Some("payments-db".into()),
        lane: Some("postgres".into()),
        event,
    }
}

fn intent(statement: &str) -> Event {
    Event::CommandIntent {
        command: command(statement, vec![Some("1".into()), None]),
        policies: vec![PolicyNote { id: "readers".into(), reason: None, requirement: Some("7.2.5".into()) }],
        policy_version: "v1".into(),
        ahead: true,
        approval: None,
        reveals_max: None,
    }
}

fn every_event() -> Vec<Event> {
    let outcome = Outcome {
        request: RequestId { session: SessionId(1), number: 1 },
        status: Status::Completed("SELECT 2".into()),
        rows: 2,
        masked: 2,
        bytes: 99,
        revealed: Vec::new(),
        told: None,
        said: Some(Box::new(access::Said {
            text: access::Redacted::new("a card of ****".into()),
            tools: vec!["lookup".into()],
            input_tokens: Some(12),
            output_tokens: Some(7),
            estimated_tokens: None,
        })),
    };
    vec![
        Event::LogCreated { verifier: "gw1+00000000+AA".into() },
        Event::GatewayStarted {
            version: "0.1.0".into(),
            clean: false,
            policies: "a".into(),
            configuration: "a".into(),
        },
        Event::GatewayStopped,
        Event::SessionOpened { policies: vec![], policy_version: "v1".into(), mode: Some("admin".into()) },
        Event::SessionRefused { code: Code::ConnectDenied, reason: "no".into(), policies: vec![] },
        Event::AuthenticationFailed { reason: "expired".into(), claimed_user: "agent".into() },
        Event::SessionClosed { reason: "terminated".into(), commands: 3 },
        intent("select pan from cards"),
        Event::CommandRefused {
            command: command("drop table cards", vec![]),
            policies: vec![],
            policy_version: "v1".into(),
            code: Code::PolicyDenied,
            detail: "drop table on public.cards".into(),
        },
        Event::from(&outcome),
        Event::PolicyChanged { version: "v2".into(), previous: "v1".into() },
        Event::ConfigurationChanged { version: "b".into(), previous: "a".into() },
        Event::SecretChanged { name: "payments-db".into(), change: Change::Rotated },
        Event::AccessRevoked {
            id: "r-1".into(),
            what: "agent".into(),
            of: "ci-bot".into(),
            issued_until: Some(5),
            until: None,
            reason: "it was taken over".into(),
            issuer: Some("me".into()),
            by: "me".into(),
        },
        Event::AccessRestored {
            id: "r-1".into(),
            what: "agent".into(),
            of: "ci-bot".into(),
            was_over: true,
            by: "me".into(),
        },
        Event::AccessLent {
            id: "d-1".into(),
            to: "claude".into(),
            connections: vec!["payments".into()],
            actions: vec!["read".into()],
            until: 5,
            reason: "INC-4711".into(),
        },
        Event::LogRead { how: "list".into(), first: 0, end: 10 },
        Event::LogPruned { first: 0, end: 256, why: Leave::Archived },
        Event::ControlFailed {
            control: Control::IdentityKeys,
            of: "https://idp.example.com".into(),
            cause: "no answer".into(),
            since: 1,
            closes: Closes::Nothing,
        },
        Event::ControlRestored {
            control: Control::AuditLog,
            of: "".into(),
            cause: "entry 4 is not the one that was signed".into(),
            since: 1,
            refused: 9,
        },
        Event::SinkGap { sink: "siem".into(), from: 3, to: 5, why: "it answers 400".into() },
        Event::SinkMoved { sink: "siem".into(), from: 9, to: 0 },
    ]
}

#[test]
fn every_event_is_read_back_as_it_was_written_under_its_name() {
    for event in every_event() {
        let written = entry(event.clone());
        let line = written.to_json().unwrap();
        assert!(!line.contains('\n'), "{line}");
        assert!(line.contains(&format!(r#""event":{{"type":"{}""#, event.name())), "{line}");
        assert_eq!(Entry::from_json(line.as_bytes()).unwrap(), written);
    }
}

#[test]
fn an_entry_has_all_elements_of_pci_10_2_2_in_a_fixed_order() {
    let line = entry(intent("select pan from cards")).to_json().unwrap();
    assert_eq!(
        line,
        concat!(
            r#"{"v":1,"time":"2025-11-24T16:00:00.123456Z","gateway":"gw1","result":"success","#,
            r#""session":"3f9a61c0d4e8b752","request":"3f9a61c0d4e8b752-12","#,
            r#""principal":{"kind":"agent","id":"billing-bot","issuer":"https://idp.example.com","#,
            r#""subject":"s-1","groups":["analysts"],"token_id":"t"},"#,
            r#""from":"10.0.0.7:51234","client":"psql","resource":"connection payments-db","#,
            r#""connection":"payments-db","lane":"postgres","#,
            r#""event":{"type":"command_intent","command":{"stage":"run","statement":"select pan from cards","#,
            r#""statement_bytes":21,"parameters":["1",null],"fingerprint":"00ff","#,
            r#""facts":{"kinds":["select"],"uses":[{"action":"read","resource":"table public.cards"}],"#,
            r#""columns":[{"column":"public.cards.pan","class":"pan","position":"output"}],"effect":"none"}},"#,
            r#""policies":[{"id":"readers","requirement":"7.2.5"}],"policy_version":"v1","ahead":true}}"#,
        )
    );
}

#[test]
fn refusals_and_failures_are_marked_as_failures() {
    let failed = |event: &Event| event.indication() == Indication::Failure;
    let failures: Vec<_> = every_event().iter().filter(|event| failed(event)).map(Event::name).collect();
    let expected = [
        "gateway_started",
        "session_refused",
        "authentication_failed",
        "command_refused",
        "control_failed",
        "sink_gap",
    ];
    assert_eq!(failures, expected);
}

#[test]
fn an_entry_of_another_version_or_without_a_member_is_not_read() {
    let line = entry(Event::GatewayStopped).to_json().unwrap();
    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        (r#""gateway":"gw1","#, ""),
        ("gateway_stopped", "gateway_exploded"),
        ("3f9a61c0d4e8b752-12", "3f9a61c0d4e8b752"),
    ] {
        let line = line.replace(from, to);
        assert!(Entry::from_json(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn a_statement_too_long_for_a_tile_is_shortened_and_says_so() {
    // A control character takes six bytes in JSON, the most that any takes.
    for text in ["a".repeat(70_000), "\u{1}".repeat(40_000), "é€😀".repeat(20_000)] {
        let line = entry(intent(&text)).to_json().unwrap();
        assert!(line.len() <= ENTRY_BYTES_MAX, "{}", line.len());
        let Event::CommandIntent { command, .. } = Entry::from_json(line.as_bytes()).unwrap().event else {
            panic!("another event")
        };
        assert!(command.shortened);
        assert!(text.starts_with(&*command.statement) && command.statement.len() >= 1000);
        assert_eq!(command.statement_bytes, text.len() as u64);
    }
}

#[test]
fn thousands_of_parameters_and_facts_are_shortened_too() {
    let mut many = command("insert", vec![Some("x".repeat(30).into()); 65_535]);
    many.facts = Arc::new(FactsNote { kinds: vec!["insert".into(); 100_000], ..FactsNote::default() });
    let event = Event::CommandRefused {
        command: many,
        policies: vec![],
        policy_version: "v1".into(),
        code: Code::LimitReached,
        detail: "x".repeat(100_000).into(),
    };
    assert!(entry(event).to_json().unwrap().len() <= ENTRY_BYTES_MAX);
}

#[test]
fn an_entry_that_no_shortening_helps_is_refused() {
    let mut long = entry(Event::GatewayStopped);
    long.client = Some("x".repeat(70_000).into());
    assert_eq!(long.to_json(), None);
}

proptest! {
    #[test]
    fn any_text_survives_and_stays_on_one_line(statement in ".{0,200}", client in "\\PC{0,20}", time: i64) {
        let mut written = entry(intent(&statement));
        written.client = Some(client.into());
        // The years that RFC 3339 can show.
        written.time = Timestamp(time % 250_000_000_000_000_000);
        let line = written.to_json().unwrap();
        prop_assert!(!line.contains(['\n', '\r']));
        if written.time.micros() > -62_000_000_000_000_000 {
            prop_assert_eq!(Entry::from_json(line.as_bytes()).unwrap(), written);
        }
    }
}

#[test]
fn what_a_command_compares_is_never_cut_from_its_entry() {
    let mut long = command(&"x".repeat(200 << 10), vec![Some("y".repeat(90 << 10).into())]);
    let matches = (0..100).map(|number| crate::MatchNote {
        column: format!("public.cards.{}{number}", "c".repeat(60)).into(),
        class: "pan".into(),
        values: 1,
        values_of: None,
    });
    long.facts = Arc::new(FactsNote { matches: matches.collect(), ..FactsNote::clone(&long.facts) });
    let event = Event::CommandIntent {
        command: long,
        policies: vec![],
        policy_version: "v1".into(),
        ahead: true,
        approval: None,
        reveals_max: None,
    };
    let Ok(encoded) = encode(&entry(event)) else { panic!("too long") };
    let read = Entry::from_json(&encoded.prefixed[1..]).unwrap();
    let Event::CommandIntent { command, .. } = read.event else { panic!() };
    assert!(command.shortened);
    assert_eq!(command.facts.matches.len(), 100);
}
