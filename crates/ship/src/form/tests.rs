use std::sync::Arc;

use access::{Code, SessionId, Timestamp};
use audit::{
    Closes, ColumnNote, Command, Control, Entry, Event, FactsNote, Leave, PolicyNote, StageWord, StatusWord,
    UseNote, Who,
};
use notify::is_unseen;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A refusal in which every text is `text`.
fn refused(text: &str) -> Entry {
    let session = SessionId(0xab);
    let facts = FactsNote {
        kinds: vec![text.into()],
        uses: vec![UseNote { action: text.into(), resource: format!("table {text}").into() }],
        columns: vec![ColumnNote { column: text.into(), class: text.into(), position: "output".into() }],
        effect: "data".into(),
        ..FactsNote::default()
    };
    Entry {
        time: Timestamp(1_764_000_000_123_456),
        gateway: text.into(),
        session: Some(session),
        request: Some(session.request(7)),
        principal: Some(Arc::new(Who {
            kind: "agent".into(),
            id: text.into(),
            issuer: text.into(),
            subject: text.into(),
            groups: vec![text.into()],
            person: None,
            token_id: text.into(),
            on_behalf_of: Some(text.into()),
            lent: None,
        })),
        from: Some(text.into()),
        client: Some(text.into()),
        connection: Some(text.into()),
        lane: Some("postgres".into()),
        event: Event::CommandRefused {
            command: Box::new(Command {
                stage: StageWord::Run,
                statement: text.into(),
                statement_bytes: 1,
                shortened: false,
                parameters: vec![Some(text.into())],
                fingerprint: "b5bb".into(),
                facts: Arc::new(facts),
                mode: None,
                trace: None,
            }),
            policies: vec![PolicyNote { id: text.into(), reason: Some(text.into()), requirement: None }],
            policy_version: text.into(),
            code: Code::PolicyDenied,
            detail: text.into(),
        },
    }
}

/// The same with other events.
fn others(text: &str) -> Vec<Entry> {
    let who = refused(text).principal.unwrap();
    let events = [
        Event::AuthenticationFailed { reason: text.into(), claimed_user: text.into() },
        Event::SessionRefused { code: Code::ConnectDenied, reason: text.into(), policies: vec![] },
        Event::GlassBroken { of: text.into(), reason: text.into(), asker: Box::new(Who::clone(&who)) },
        Event::Outcome {
            status: StatusWord::Failed,
            code: text.into(),
            rows: 1,
            masked: 2,
            bytes: 3,
            said: None,
            answer: None,
        },
        Event::GrantAsked { of: text.into(), grant: text.into(), reason: text.into() },
        Event::Revealed { grant: text.into(), column: text.into(), masked: text.into() },
        Event::AccessRevoked {
            id: text.into(),
            what: text.into(),
            of: text.into(),
            issued_until: Some(5),
            until: None,
            reason: text.into(),
            issuer: Some(text.into()),
            by: text.into(),
        },
        Event::AccessRestored {
            id: text.into(),
            what: text.into(),
            of: text.into(),
            was_over: true,
            by: text.into(),
        },
        Event::AccessLent {
            id: text.into(),
            to: text.into(),
            connections: vec![text.into()],
            actions: vec![text.into()],
            until: 5,
            reason: text.into(),
        },
        Event::LogRead { how: text.into(), first: 0, end: 1 },
        Event::LogPruned { first: 0, end: 256, why: Leave::Expired },
        Event::ControlFailed {
            control: Control::Clock,
            of: text.into(),
            cause: text.into(),
            since: 0,
            closes: Closes::Nothing,
        },
        Event::ControlRestored {
            control: Control::Vault,
            of: text.into(),
            cause: text.into(),
            since: 0,
            refused: 1,
        },
        Event::SinkGap { sink: text.into(), from: 0, to: 1, why: text.into() },
        Event::SinkMoved { sink: text.into(), from: 0, to: 1 },
    ];
    let of_gateway = |event: &Event| Entry::of_gateway(Timestamp(i64::MAX), text.into(), event.clone());
    let of_agent = |event: &Event| Entry { event: event.clone(), lane: None, ..refused(text) };
    events.iter().flat_map(|event| [of_gateway(event), of_agent(event)]).collect()
}

fn exported(entry: &Entry, form: Form) -> String {
    form.line(&Leaf::of(12, entry).unwrap())
}

#[test]
fn a_syslog_message_reads_so() {
    let hash = Leaf::of(12, &refused(r#"a "b" ]"#)).unwrap().hash;
    let message = exported(&refused(r#"a "b" ]"#), Form::Syslog);
    let (head, rest) = message.split_once(" [").unwrap();
    assert_eq!(head, r#"<108>1 2025-11-24T16:00:00.123456Z a_"b"_] panguard - command_refused"#);
    let (id, what) = rest.split_once("][").unwrap();
    assert_eq!(id, format!("id@32473 seq=\"12\" hash=\"{hash}\""));
    assert!(
        what.starts_with(
            r#"panguard@32473 outcome="failure" decision="refused" reason="PGD-0005 a \"b\" \]""#
        )
    );
    assert!(
        what.ends_with(" statement=\"a \\\"b\\\" \\]\"] \u{feff}REFUSED PGD-0005  a \"b\" ]  [a \"b\" ]]"),
        "{what}"
    );
}

#[test]
fn a_cef_line_reads_so() {
    let line = exported(&refused(r"a|b=c\d"), Form::Cef);
    let version = env!("CARGO_PKG_VERSION");
    assert!(line.starts_with(&format!(
        "CEF:0|panguard|panguard|{version}|command_refused|command refused|6|rt=1764000000123 "
    )));
    assert!(line.contains(r" suser=a|b\=c\\d "), "{line}");
    assert!(line.contains(" cs2Label=fingerprint cs2=b5bb "), "{line}");
    assert!(line.ends_with(r" msg=a|b\=c\\d"), "{line}");
}

#[test]
fn an_address_is_told_as_what_it_is() {
    let from = |from: &str, form| exported(&Entry { from: Some(from.into()), ..refused("x") }, form);
    assert!(from("10.0.0.7", Form::Cef).contains(" src=10.0.0.7 "));
    assert!(from("2001:db8::1", Form::Cef).contains(" c6a2Label=source IPv6 address c6a2=2001:db8::1 "));
    assert!(from("10.0.0.7", Form::Ecs).contains(r#""source":{"address":"10.0.0.7","ip":"10.0.0.7"}"#));
    assert!(from("somewhere", Form::Ecs).contains(r#""source":{"address":"somewhere"}"#));
    assert!(from("somewhere", Form::Ocsf).contains(r#""src_endpoint":{"name":"somewhere"}"#));
}

#[test]
fn ocsf_has_what_each_class_requires() {
    for entry in others("x").into_iter().chain([refused("x")]) {
        let event: Value = serde_json::from_str(&exported(&entry, Form::Ocsf)).unwrap();
        let class = event["class_uid"].as_u64().unwrap();
        assert_eq!(event["type_uid"].as_u64().unwrap(), class * 100 + event["activity_id"].as_u64().unwrap());
        assert_eq!(event["category_uid"].as_u64().unwrap(), class / 1000);
        let required: &[&str] = match class {
            1008 => &["log_name"],
            2004 => &["finding_info"],
            3002 => &["user", "service"],
            3004 => &["entity"],
            6003 => &["actor", "api", "src_endpoint"],
            6005 => &["actor", "src_endpoint", "database"],
            other => panic!("class {other}"),
        };
        let always = ["time", "severity_id", "metadata", "status_id"];
        for name in required.iter().chain(&always) {
            assert!(!event[*name].is_null(), "{class} without {name}: {event}");
        }
        assert!(event["raw_data"].is_null());
        // A finding is of no one's doing.
        assert_eq!(event["actor"]["user"]["name"].is_string(), class != 2004);
    }
}

#[test]
fn other_forms_are_the_text_of_a_syslog_message() {
    let entry = refused("x");
    let leaf = Leaf::of(12, &entry).unwrap();
    let cef = Form::Cef.message(&leaf);
    let head = "<108>1 2025-11-24T16:00:00.123456Z x panguard - command_refused - ";
    assert_eq!(cef, format!("{head}{}", Form::Cef.line(&leaf)));
    assert_eq!(Form::Syslog.message(&leaf), Form::Syslog.line(&leaf));
}

#[test]
fn a_record_of_opentelemetry_reads_so() {
    let record: Value = serde_json::from_str(&record(&Leaf::of(12, &refused("x")).unwrap())).unwrap();
    assert_eq!(record["timeUnixNano"], "1764000000123456000");
    assert_eq!((&record["severityNumber"], &record["severityText"]), (&json!(13), &json!("WARN")));
    assert_eq!(record["body"], json!({ "stringValue": "command refused" }));
    assert_eq!(record["eventName"], "panguard.command_refused");
    let of = |name: &str| {
        let attributes = record["attributes"].as_array().unwrap();
        attributes.iter().find(|one| one["key"] == name).map(|one| one["value"].clone())
    };
    assert_eq!(of("event.sequence"), Some(json!({ "intValue": "12" })));
    assert_eq!(
        of("event.category"),
        Some(json!({ "arrayValue": { "values": [{ "stringValue": "database" }] } }))
    );
    assert_eq!(of("panguard.statement"), Some(json!({ "stringValue": "x" })));
    assert_eq!(of("user.name"), Some(json!({ "stringValue": "x" })));
    assert!(["message", "@timestamp", "ecs.version"].iter().all(|name| of(name).is_none()));
}

#[test]
fn what_an_answer_says_was_rejected_is_heard() {
    assert_eq!(rejected(br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#), 3);
    assert_eq!(rejected(br#"{"partialSuccess":{"rejectedLogRecords":2}}"#), 2);
    for nothing in [
        &b""[..],
        b"{}",
        b"[",
        br#"{"partialSuccess":{}}"#,
        br#"{"partialSuccess":{"rejectedLogRecords":-1}}"#,
    ] {
        assert_eq!(rejected(nothing), 0);
    }
}

proptest! {
    #[test]
    fn whatever_is_in_an_entry_it_is_one_line_that_does_nothing(
        text in "[ -~]{0,8}|([|=\\]\"\\\\\n\r\t\u{0}\u{1b}\u{7f}\u{85}\u{9b}\u{202e}\u{2028}\u{2029}\u{feff}\u{e0041}ä]|<110>1 |CEF:0| a=b |\\[x@1 y=\"z\"\\]){0,12}",
    ) {
        for entry in others(&text).into_iter().chain([refused(&text)]) {
            for form in [Form::Ocsf, Form::Ecs, Form::Cef, Form::Syslog, Form::Json] {
                let line = exported(&entry, form);
                let marks = line.chars().filter(|c| is_unseen(*c)).count();
                // The mark before the text of a syslog message is the only one.
                prop_assert_eq!(marks, usize::from(form == Form::Syslog), "{:?}: {:?}", form, line);
                if matches!(form, Form::Ocsf | Form::Ecs | Form::Json) {
                    prop_assert!(serde_json::from_str::<Value>(&line).is_ok());
                }
                let message = form.message(&Leaf::of(12, &entry).unwrap());
                prop_assert!(message.starts_with('<') && message.ends_with(&line));
                prop_assert_eq!(message.chars().filter(|c| is_unseen(*c)).count(), marks);
            }
            let record = record(&Leaf::of(12, &entry).unwrap());
            prop_assert!(!record.chars().any(is_unseen));
            prop_assert!(serde_json::from_str::<Value>(&request(&[&record])).is_ok());
        }
    }

    #[test]
    fn what_json_forms_say_of_a_statement_is_the_statement(text in "\\PC{0,20}|[\u{0}-\u{ff}]{0,20}") {
        let entry = refused(&text);
        let ecs: Value = serde_json::from_str(&exported(&entry, Form::Ecs)).unwrap();
        prop_assert_eq!(ecs["panguard"]["statement"].as_str().unwrap(), &text);
        let ocsf: Value = serde_json::from_str(&exported(&entry, Form::Ocsf)).unwrap();
        prop_assert_eq!(ocsf["query_info"]["query_string"].as_str().unwrap(), &text);
    }
}
