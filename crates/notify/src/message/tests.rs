use std::sync::Arc;

use access::Timestamp;
use audit::{Command, FactsNote, PolicyNote, StageWord, Who};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gate::{Answer, Effect};
use serde_json::Value;

use super::*;
use crate::Mail;

fn who(kind: &str, id: &str) -> Who {
    Who {
        kind: kind.into(),
        id: id.into(),
        issuer: "https://idp.example.com".into(),
        subject: id.into(),
        groups: vec!["agents".into()],
        person: None,
        token_id: "jti".into(),
        on_behalf_of: None,
        lent: None,
    }
}

pub(crate) fn request(statement: &str) -> Request {
    Request {
        id: "0000000000003f9a-1".into(),
        revision: 0,
        binding: "not to be told".into(),
        asker: Who { on_behalf_of: Some("carl".into()), ..who("agent", "claude") },
        connection: "payments-db".into(),
        labels: vec!["cde".into()],
        lane: "postgres".into(),
        gateway: "gw-1".into(),
        waits: true,
        command: Command {
            stage: StageWord::Run,
            statement: statement.into(),
            statement_bytes: statement.len() as u64,
            shortened: false,
            parameters: vec![Some("7".into()), None],
            fingerprint: "not to be told".into(),
            facts: Arc::new(FactsNote { kinds: vec!["update".into()], ..FactsNote::default() }),
            mode: None,
            trace: None,
        },
        fields: Vec::new(),
        called: None,
        grant: None,
        effect: Effect { tables: vec!["public.cards".into()], rows: Some(7), ..Effect::default() },
        why: "`update` needs `write` on table public.cards".into(),
        policies: vec![PolicyNote {
            id: "ask-first".into(),
            reason: Some("somebody looks at each write".into()),
            requirement: None,
        }],
        policy_version: "v1".into(),
        needed: 1,
        asked: 1_700_000_000_000_000,
        expires: 1_700_000_900_000_000,
        life: 600,
        answers: Vec::new(),
        glass: None,
        state: State::Waiting,
    }
}

/// What would be read as something else than text, in one medium or another.
const HOSTILE: &str = "update cards set a = 1 -- <!channel> <@U1> <https://evil.example|Approve> *bold* [click](https://evil.example) \
     <at>all</at> www.evil.example &amp; ```\n```\n$1 = `9`\r\nBcc: eve@evil.example\n\nTo answer:\u{202e}\u{1b}[2J\u{200b}";

/// Room for as many bytes, and 60 lines.
fn room(bytes: usize) -> Room {
    Room { bytes, rows: 60 }
}

const CONSOLE: Option<&str> = Some("https://panguard.example.com");

/// All texts in a document, each with the key under which it is.
fn texts(value: &Value, key: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((key.to_owned(), text.clone())),
        Value::Array(all) => all.iter().for_each(|it| texts(it, key, found)),
        Value::Object(all) => all.iter().for_each(|(key, it)| texts(it, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The objects with a `type` in a document that have `text` somewhere directly in them.
fn kinds_with(value: &Value, text: &str, found: &mut Vec<String>) {
    if let Value::Object(all) = value
        && all.values().any(|it| it.as_str().is_some_and(|it| it.contains(text)))
    {
        found.push(all.get("type").and_then(Value::as_str).unwrap_or("none").to_owned());
    }
    match value {
        Value::Array(all) => all.iter().for_each(|it| kinds_with(it, text, found)),
        Value::Object(all) => all.values().for_each(|it| kinds_with(it, text, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_message_says_who_where_what_and_why() {
    let message =
        Message::of(&request("update cards set note = $1\nwhere id = $2"), Event::Asked, room(1000));
    assert_eq!(message.title, "Approval wanted: payments-db");
    let lines: Vec<String> = message.lines.iter().map(|(label, text)| format!("{label}: {text}")).collect();
    assert_eq!(
        lines,
        [
            "Who: agent claude, for user carl (known to https://idp.example.com)",
            "Where: payments-db [cde], by postgres",
            "Does: update",
            "Touches: NO WHERE: 7 rows of public.cards",
            "Why: `update` needs `write` on table public.cards",
            "Policy: ask-first: somebody looks at each write",
            "State: waits, 0 of 1 approvals, until 2023-11-14T22:28:20Z",
            "Request: 0000000000003f9a-1",
        ]
    );
    assert_eq!(message.statement, "update cards set note = $1\nwhere id = $2");
    assert_eq!(message.values, ["$1 = `7`", "$2 = NULL"]);
    assert!(message.is_whole && message.waits);
}

#[test]
fn what_has_become_of_it_is_told_with_who_answered() {
    let mut it = request("x");
    let by = who("user", "bea");
    it.answers.push(Answer {
        by,
        approves: false,
        comment: "by its id\nplease".into(),
        at: 1,
        rows_max: None,
    });
    it.state = State::Denied;
    let message = Message::of(&it, Event::Denied, room(1000));
    assert_eq!(message.title, "Denied: payments-db");
    assert!(message.lines.contains(&("Answer", "denied by user bea: by its id\\u{a}please".into())));
    assert!(!message.waits);
    let blocks = slack::render(&message, CONSOLE, true).to_string();
    assert!(!blocks.contains("button") && !blocks.contains("plain_text_input"), "{blocks}");
}

#[test]
fn what_is_longer_than_there_is_room_for_is_cut_and_cannot_be_approved() {
    for (statement, bytes, whole) in [
        ("x".repeat(90), 100, false),
        ("x".repeat(80), 100, true),
        ("é".repeat(2000), 2000, false),
        ("a\n".repeat(59), 1000, false),
        ("a\n".repeat(58), 1000, true),
        ("\u{200b}".repeat(20), 150, false),
    ] {
        let message = Message::of(&request(&statement), Event::Asked, room(bytes));
        assert_eq!(message.is_whole, whole, "{} bytes", statement.len());
        assert!(message.statement.len() <= bytes + 4);
        let document = slack::render(&message, None, true).to_string();
        assert_eq!(document.contains("panguard_approve"), whole);
        assert!(document.contains("panguard_deny"));
        assert_eq!(document.contains("not all of it"), !whole);
    }
    let mut shortened = request("x");
    shortened.command.shortened = true;
    assert!(!Message::of(&shortened, Event::Asked, room(1000)).is_whole);
}

#[test]
fn in_slack_nothing_that_an_agent_chose_is_markup() {
    let mut it = request(HOSTILE);
    it.asker.id = "<!here>".into();
    it.why = "<!channel> &".into();
    it.command.parameters = vec![Some("<!everyone>\n$2 = `0`".into())];
    let document = slack::render(&Message::of(&it, Event::Asked, room(2000)), CONSOLE, true);
    for part in ["<!channel>", "<!here>", "<!everyone>", "evil.example"] {
        let mut kinds = Vec::new();
        kinds_with(&document, part, &mut kinds);
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "text"), "{part}: {kinds:?}");
    }
    let mut found = Vec::new();
    texts(&document, "", &mut found);
    assert!(found.iter().all(|(_, text)| text != "mrkdwn" && text != "link" && text != "user"));
    assert!(
        found.iter().all(|(_, text)| text.chars().all(|c| c == '\n' || !crate::is_unseen(c))),
        "{found:?}"
    );
    assert_eq!(document["text"], "Approval wanted: payments-db (0000000000003f9a-1)");
    assert!(found.iter().any(|(_, text)| text == "$1 = `<!everyone>\\u{a}$2 = `0``"), "a value is one line");
}

#[test]
fn in_teams_nothing_that_an_agent_chose_is_markup() {
    let document = teams::render(&Message::of(&request(HOSTILE), Event::Asked, room(2000)), CONSOLE);
    for part in ["evil.example", "<at>", "*bold*"] {
        let mut kinds = Vec::new();
        kinds_with(&document, part, &mut kinds);
        assert!(!kinds.is_empty() && kinds.iter().all(|kind| kind == "TextRun"), "{part}: {kinds:?}");
    }
    let mut found = Vec::new();
    texts(&document, "", &mut found);
    let urls: Vec<_> = found.iter().filter(|(key, _)| key == "url").map(|(_, url)| &**url).collect();
    assert_eq!(urls, ["https://panguard.example.com"]);
    assert!(!document.to_string().contains("\"TextBlock\""));
}

#[test]
fn in_a_mail_nothing_that_an_agent_chose_is_a_field_a_link_or_a_line_of_panguards() {
    let mut it = request(HOSTILE);
    it.why = "x\r\nBcc: eve@evil.example".into();
    let mail = Mail {
        host: "localhost".into(),
        port: 25,
        tls: crate::MailTls::None,
        credential: None,
        from: "panguard@example.com".into(),
        to: vec!["ops@example.com".into(), "dba@example.com".into()],
    };
    let now = Timestamp(1_700_000_001_000_000);
    let sent =
        mail::compose(&mail, &Message::of(&it, Event::Asked, room(2000)), Event::Asked.into(), CONSOLE, now);
    let sent = String::from_utf8(sent).unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        head,
        "From: panguard <panguard@example.com>\r\nTo: ops@example.com,\r\n dba@example.com\r\n\
         Subject: [panguard] Approval wanted: payments-db (0000000000003f9a-1)\r\n\
         Date: Tue, 14 Nov 2023 22:13:21 +0000\r\nMessage-ID: <0000000000003f9a-1.asked@example.com>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64"
    );
    assert!(body.lines().all(|line| line.len() <= 76) && body.is_ascii());
    let body = BASE64_STANDARD.decode(body.replace("\r\n", "")).unwrap();
    let body = String::from_utf8(body).unwrap().replace("\r\n", "\n");
    assert!(!body.contains("https://evil.example") && !body.contains("www.evil"), "{body}");
    assert!(body.contains("[://]evil.example"));
    let starts = |with: &str| body.lines().filter(|line| line.starts_with(with)).count();
    assert_eq!((starts("Bcc"), starts("To answer")), (0, 1), "{body}");
    assert!(body.contains("\n    | $1 = `9`\n"), "{body}");
    assert!(body.contains("\n    panguard requests approve 0000000000003f9a-1 --comment"));
    assert!(body.chars().all(|c| c == '\n' || !crate::is_unseen(c)));
}

#[test]
fn later_mails_about_a_request_answer_the_first() {
    let (host, from) = ("localhost".into(), "panguard@example.com".into());
    let mail =
        Mail { host, port: 25, tls: crate::MailTls::None, credential: None, from, to: vec!["a@b.c".into()] };
    let message = Message::of(&request("x"), Event::Used, room(1000));
    let sent =
        String::from_utf8(mail::compose(&mail, &message, Event::Used.into(), None, Timestamp(0))).unwrap();
    assert!(sent.contains("\r\nMessage-ID: <0000000000003f9a-1.used@example.com>\r\nIn-Reply-To: <0000000000003f9a-1.asked@example.com>\r\n"));
}

#[test]
fn a_webhook_is_told_what_the_console_tells_and_nothing_of_what_binds_it() {
    let now = Timestamp(1_700_000_001_000_000);
    let it = request("update cards set note = $1");
    let event = webhook::render(&it, Event::Asked, room(1000), CONSOLE, now);
    assert_eq!(event["type"], "approval.asked");
    assert_eq!(event["timestamp"], "2023-11-14T22:13:21Z");
    assert_eq!(event["data"]["statement"], "update cards set note = $1");
    assert_eq!(event["data"]["parameters"], serde_json::json!(["7", null]));
    assert_eq!(event["data"]["shortened"], false);
    assert_eq!(event["data"]["effect"]["rows"], 7);
    assert!(!event.to_string().contains("not to be told"));
    assert_eq!(webhook::id(&it, Event::Used), "msg_0000000000003f9a-1_used");
    let many = webhook::render(
        &request(&"a\n".repeat(90)),
        Event::Asked,
        Room { bytes: 1000, rows: usize::MAX },
        None,
        now,
    );
    assert_eq!(many["data"]["shortened"], false, "a system has no lines");
    let long = webhook::render(&request(&"é".repeat(9000)), Event::Asked, room(1000), CONSOLE, now);
    assert_eq!(long["data"]["shortened"], true);
    assert!(long["data"]["statement"].as_str().unwrap().len() <= 1004);
}

#[test]
fn what_is_told_follows_where_it_stands() {
    let mut it = request("x");
    let all = [
        (State::Waiting, "asked"),
        (State::Approved { until: 1 }, "approved"),
        (State::Denied, "denied"),
        (State::Used, "used"),
        (State::Expired, "expired"),
        (State::Withdrawn, "withdrawn"),
    ];
    for (state, last) in all {
        it.state = state;
        let events = Event::of(&it);
        assert_eq!(events.first(), Some(&Event::Asked));
        assert_eq!(events.last().map(|event| event.as_str()), Some(last));
        assert_eq!(Event::read(last), events.last().copied());
        assert_eq!(Event::ENDS.contains(events.last().unwrap()), !state.is_open());
    }
    assert_eq!(Event::read("other"), None);
}

#[test]
fn a_broken_glass_is_told_whatever_was_told_before_and_so_is_its_review() {
    let mut it = request("delete from notes");
    let oncall = who("user", "ona");
    let saying = gate::Saying { verb: gate::Verb::BreakGlass, ..gate::Saying::yes("the site is down") };
    it.answer(&oncall, &saying, Timestamp(1)).unwrap();
    assert_eq!(Event::of(&it), [Event::Asked, Event::Approved, Event::GlassBroken]);
    assert!(
        !Event::GlassBroken.follows()
            && Event::GlassBroken.is_current(&it)
            && Event::Approved.is_current(&it)
    );
    let message = Message::of(&it, Event::GlassBroken, room(1000));
    assert_eq!(message.title, "THE GLASS IS BROKEN, to be reviewed: payments-db");
    let glass: Vec<_> = message.lines.iter().filter(|(label, _)| *label == "GLASS").collect();
    assert_eq!(glass.len(), 2);
    assert_eq!(glass[0].1, "user ona let it run: the site is down");
    let reviewing = gate::Saying { verb: gate::Verb::Review, ..gate::Saying::yes("it was") };
    it.answer(&who("user", "bea"), &reviewing, Timestamp(2)).unwrap();
    assert_eq!(Event::of(&it).last(), Some(&Event::Reviewed));
    assert_eq!(Event::read("glass_broken"), Some(Event::GlassBroken));
}

#[test]
fn a_message_is_known_by_what_slack_says_of_it_if_that_is_plain() {
    let said = |channel: &str, ts: &str| {
        slack::posted(&serde_json::json!({ "ok": true, "channel": channel, "ts": ts }))
    };
    assert_eq!(said("C1", "1700000000.000100").as_deref(), Some("C1 1700000000.000100"));
    for (channel, ts) in [("", "1.2"), ("C1", ""), ("C 1", "1.2"), ("C1", "1\n2"), ("C1", &"9".repeat(65))] {
        assert_eq!(said(channel, ts), None);
    }
    assert_eq!(slack::posted(&serde_json::json!({ "ok": true })), None);
}

#[test]
fn what_is_in_rows_and_resources_is_told_to_nobody_there() {
    let mut it = request("delete from notes");
    it.effect.unsampled = Some("its rows".into());
    it.effect.undiffed = Some("its resource".into());
    let told = webhook::render(&it, Event::Asked, room(1000), None, Timestamp(1));
    assert_eq!(told["data"]["effect"]["rows"], 7);
    assert!(!told.to_string().contains("its r"), "{told}");
}
