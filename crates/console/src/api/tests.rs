use std::sync::atomic::Ordering;

use access::{
    Action, Admission, Approving, Bound, ColumnUse, DataClass, Effect, Facts, Mode, Parameter, Position,
    Question, Redacted, Resource, SessionId, Stage, Use,
};
use audit::Event;
use gate::{Admitted, Down, State};
use proptest::prelude::*;

use super::*;
use crate::tests::{Console, NOW, Paper, asker, console_of, gate};

/// An answer of the console, taken apart.
struct Said {
    status: u16,
    head: String,
    body: Value,
}

impl Console {
    /// One exchange, in which `by` is the token, and `fields` are header fields with their line ends.
    async fn call(&self, method: &str, path: &str, by: &str, fields: &str, body: &str) -> Said {
        let sign_in = if by.is_empty() { String::new() } else { format!("authorization: Bearer {by}\r\n") };
        let length = body.len();
        let framing = if body.is_empty() { String::new() } else { format!("content-length: {length}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: h:1\r\nuser-agent: test\r\nconnection: close\r\n{sign_in}{framing}{fields}\r\n{body}"
        );
        let answer = self.says(&request).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Said { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    async fn get_as(&self, by: &str, path: &str) -> Said {
        self.call("GET", path, by, "", "").await
    }

    async fn say(&self, by: &str, id: &str, verb: &str, comment: &str) -> Said {
        let body = json!({ "comment": comment }).to_string();
        let path = format!("/api/requests/{id}/{verb}");
        self.call("POST", &path, by, "content-type: application/json\r\n", &body).await
    }

    async fn admit(&self) -> Admitted {
        let admission = Admission {
            session: SessionId(0x3f9a),
            principal: Arc::new(asker()),
            connection: "payments-db".into(),
            labels: Arc::new(["cde".into()]),
            mode: Mode::Filtered,
            approval: Approving { waits: false, ..Approving::default() },
            from: "127.0.0.1:5000".into(),
            client: "psql".into(),
        };
        self.gate.admit(&admission, "postgres", NOW).await.unwrap()
    }

    /// Asks for the approval of a statement as the session's command `number`; its id.
    async fn ask(&self, admitted: &Admitted, number: u32, action: Action, text: &str) -> String {
        let facts = Facts {
            kinds: vec!["update".into()],
            uses: vec![Use { action, resource: Resource::Table("public.cards".into()) }],
            columns: vec![ColumnUse {
                column: "public.cards.holder".into(),
                class: DataClass::CardholderName,
                position: Position::Assigned,
            }],
            has_where: true,
            effect: Effect::Data,
            ..Facts::default()
        };
        let request = SessionId(0x3f9a).request(number);
        let question = Question {
            request,
            stage: Stage::Run,
            facts: Arc::new(facts),
            command: Redacted::new(text.into()),
            parameters: vec![
                Redacted::new(Parameter::Text(b"4111 1111 1111 1111".as_slice().into())),
                Redacted::new(Parameter::Null),
            ],
            bound: Bound::Text(|_| None, Box::default()),
            waits: None,
            before: None,
            trace: None,
            alike: Ok(access::Alike::default()),
        };
        self.gate.ask(admitted, &question, NOW).verdict.await;
        request.to_string()
    }

    /// One request for the approval of a write.
    async fn one(&self) -> String {
        self.ask(&self.admit().await, 1, Action::Write, "update cards set holder = $1 where id = $2").await
    }
}

#[tokio::test]
async fn a_request_is_shown_whole_and_that_is_recorded() {
    let console = Console::start().await;
    let id = console.one().await;
    let said = console.get_as("bea", &format!("/api/requests/{id}")).await;
    assert_eq!(said.status, 200);
    let mut shown = said.body;
    assert_eq!(shown["fingerprint"].as_str().unwrap().len(), 32);
    shown.as_object_mut().unwrap().remove("fingerprint");
    let why = shown.as_object_mut().unwrap().remove("why").unwrap();
    assert!(why.as_str().unwrap().contains("needs `write`"), "{why}");
    assert_eq!(
        shown,
        json!({
            "id": "0000000000003f9a-1",
            "state": "waiting",
            "asker": {
                "kind": "agent", "id": "claude", "issuer": "https://idp.example.com",
                "on_behalf_of": "sub-carl", "groups": ["agents"],
            },
            "connection": "payments-db",
            "labels": ["cde"],
            "lane": "postgres",
            "waits": false,
            "statement": "update cards set holder = $1 where id = $2",
            "parameters": ["<withheld: it may hold values that must not be recorded>", null],
            "shortened": false,
            "facts": {
                "kinds": ["update"],
                "uses": [{ "action": "write", "resource": "table public.cards" }],
                "columns": [
                    { "column": "public.cards.holder", "class": "cardholder_name", "position": "assigned" },
                ],
                "effect": "data",
                "functions": [],
                "not_understood": [],
            },
            "fields": [],
            "grant": null,
            "effect": {
                "tables": ["public.cards"],
                "has_where": true,
                "unsampled": "nothing of it may be run before it is approved",
            },
            "policies": [],
            "needed": 1,
            "approvals": 0,
            "rows_max": null,
            "answers": [],
            "glass": null,
            "asked": "2023-11-14T22:13:20.000Z",
            "expires": "2023-11-14T22:28:20.000Z",
            "approved_until": null,
        })
    );
    let entry = console.log.last();
    assert!(matches!(entry.event, Event::ApprovalSeen { .. }), "{entry:?}");
    assert_eq!(entry.client.as_deref(), Some("test"));
}

#[tokio::test]
async fn a_person_approves_and_it_is_theirs() {
    let console = Console::start().await;
    let id = console.one().await;
    let said = console.say("bea", &id, "approve", "looks right").await;
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(said.body["state"], "approved");
    assert_eq!(said.body["approved_until"], "2023-11-14T22:23:20.000Z");
    assert_eq!(said.body["approvals"], 1);
    let answer = &said.body["answers"][0];
    assert_eq!((&answer["by"]["id"], &answer["approves"]), (&json!("bea"), &json!(true)));
    assert_eq!(
        (&answer["comment"], &answer["at"]),
        (&json!("looks right"), &json!("2023-11-14T22:13:20.000Z"))
    );
    assert!(!said.body.to_string().contains("binding"));
}

#[tokio::test]
async fn a_person_denies_in_their_words_which_are_masked() {
    let console = Console::start().await;
    let id = console.one().await;
    let said = console.say("bea", &id, "deny", "not for 4111 1111 1111 1111").await;
    assert_eq!((said.status, &said.body["state"]), (200, &json!("denied")));
    assert_eq!(said.body["answers"][0]["comment"], "not for **** **** **** 1111");
}

#[tokio::test]
async fn an_answer_needs_no_body() {
    let console = Console::start().await;
    let id = console.one().await;
    let said = console.call("POST", &format!("/api/requests/{id}/approve"), "ann", "", "").await;
    assert_eq!((said.status, &said.body["answers"][0]["comment"]), (200, &json!("")));
}

#[tokio::test]
async fn two_who_are_needed_are_two_people() {
    let console = Console::start().await;
    let id = console.ask(&console.admit().await, 1, Action::Administer, "drop table cards").await;
    let first = console.say("bea", &id, "approve", "yes").await;
    assert_eq!((&first.body["state"], &first.body["approvals"]), (&json!("waiting"), &json!(1)));
    let again = console.say("bea", &id, "approve", "yes").await;
    assert_eq!((again.status, again.kind()), (409, "twice"));
    let second = console.say("ann", &id, "approve", "yes").await;
    assert_eq!((&second.body["state"], &second.body["needed"]), (&json!("approved"), &json!(2)));
}

#[tokio::test]
async fn a_list_has_what_waits_newest_first_and_all_of_it_where_that_is_asked_for() {
    let console = Console::start().await;
    let admitted = console.admit().await;
    let long = format!("update cards set a = b where c{}", " and c".repeat(1000));
    let first = console.ask(&admitted, 1, Action::Write, "update cards set a = b").await;
    let second = console.ask(&admitted, 2, Action::Write, &long).await;
    console.say("bea", &first, "deny", "no").await;

    let ids = |said: &Said| {
        let all = said.body["requests"].as_array().unwrap();
        all.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let open = console.get_as("bea", "/api/requests").await;
    assert_eq!(ids(&open), std::slice::from_ref(&second));
    let listed = &open.body["requests"][0];
    assert_eq!((listed["statement"].as_str().unwrap().len(), &listed["shortened"]), (1000, &json!(true)));
    assert_eq!(ids(&console.get_as("bea", "/api/requests?all=true").await), [second.clone(), first]);
    assert_eq!(ids(&console.get_as("bea", "/api/requests?all=true&limit=1").await), [second]);
    assert!(ids(&console.get_as("eve", "/api/requests?all=true").await).is_empty());
    for wrong in ["all=yes", "limit=0", "limit=1001", "limit=-1", "limit=1&limit=1", "state=open", "all"] {
        let said = console.get_as("bea", &format!("/api/requests?{wrong}")).await;
        assert_eq!((said.status, said.kind()), (400, "query"), "{wrong}");
    }
}

#[tokio::test]
async fn access_for_a_time_is_asked_for_narrowed_given_and_revoked() {
    let console = Console::start().await;
    let json = "content-type: application/json\r\n";
    let wish = |more: Value| {
        let mut wish = json!({
            "connection": "payments-db", "actions": ["write"], "objects": ["public.*"], "seconds": 900, "reason": "OPS-71",
        });
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wish.to_string()
    };
    let asked = console.call("POST", "/api/requests", "bot", json, &wish(json!({}))).await;
    assert_eq!((asked.status, &asked.body["state"]), (200, &json!("waiting")), "{}", asked.body);
    assert_eq!(asked.body["statement"], "access: write on public.* for 15 min");
    let id = asked.body["id"].as_str().unwrap().to_owned();
    let say = async |by: &str, verb: &str, body: Value| {
        console.call("POST", &format!("/api/requests/{id}/{verb}"), by, json, &body.to_string()).await
    };
    let more = say("bea", "approve", json!({ "narrower": { "seconds": 901 } })).await;
    assert_eq!((more.status, more.kind()), (400, "not-narrower"));
    let other = say("bea", "break-glass", json!({ "comment": "now" })).await;
    assert_eq!(other.status, 403, "{}", other.body);
    let unknown = say("bea", "approve", json!({ "narrower": { "labels": [] } })).await;
    assert_eq!((unknown.status, unknown.kind()), (400, "body"));
    let less = json!({ "comment": "fine", "narrower": { "seconds": 60, "objects": ["public.orders"] } });
    let given = say("bea", "approve", less).await;
    assert_eq!((given.status, &given.body["state"]), (200, &json!("approved")), "{}", given.body);
    assert_eq!(given.body["statement"], "access: write on public.orders for 1 min");
    assert_eq!(given.body["approved_until"], "2023-11-14T22:14:20.000Z");
    assert_eq!(say("eve", "revoke", json!({})).await.status, 404);
    assert_eq!(say("ann", "revoke", json!({})).await.body["state"], "revoked");
    assert_eq!(say("ann", "revoke", json!({})).await.kind(), "over");
    for (more, status, kind) in [
        (json!({ "connection": "nowhere" }), 404, "no-connection"),
        (json!({ "actions": ["connect"] }), 400, "no-grant"),
        (json!({ "seconds": -1 }), 400, "wish"),
        (json!({ "user": "ann" }), 400, "wish"),
    ] {
        let said = console.call("POST", "/api/requests", "bot", json, &wish(more.clone())).await;
        assert_eq!((said.status, said.kind()), (status, kind), "{more}");
    }
    let command = console.one().await;
    let body = json!({ "narrower": {} }).to_string();
    let said = console.call("POST", &format!("/api/requests/{command}/approve"), "bea", json, &body).await;
    assert_eq!((said.status, said.kind()), (400, "other-kind"));
}

#[tokio::test]
async fn somebody_lends_an_agent_their_access_and_sees_what_they_lent() {
    let console = Console::start().await;
    let offer = json!({
        "agent": "claude", "connections": ["payments-db", "payments-db"], "actions": ["read"],
        "seconds": 600, "reason": "INC 4111111111111111",
    });
    let lend = async |by: &str, more: Value| {
        let mut offer = offer.clone();
        offer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let json = "content-type: application/json\r\n";
        console.call("POST", "/api/delegations", by, json, &offer.to_string()).await
    };
    let lent = lend("ann", json!({})).await;
    assert_eq!(lent.status, 200, "{}", lent.body);
    let id = lent.body["id"].as_str().unwrap();
    assert_eq!(lent.body["token"], format!("the token of {id}"));
    assert!(lent.head.contains("cache-control: no-store"), "{}", lent.head);
    assert_eq!((&lent.body["by"], &lent.body["connections"]), (&json!("ann"), &json!(["payments-db"])));
    let Event::AccessLent { reason, to, .. } = console.log.last().event else { panic!("it is recorded") };
    assert_eq!((&*reason, &*to), ("INC ************1111", "claude"));
    let listed = console.get_as("ann", "/api/delegations").await.body;
    assert_eq!(listed["delegations"][0]["id"], id);
    assert_eq!(listed["delegations"][0]["reason"], "INC ************1111");
    assert_eq!(listed["delegations"][0]["token"], Value::Null, "it is told once");
    assert_eq!(console.get_as("bea", "/api/delegations").await.body, json!({ "delegations": [] }));
    for (by, more, status, kind) in [
        ("ann", json!({ "connections": ["nowhere"] }), 404, "no-connection"),
        ("ann", json!({ "connections": [] }), 400, "no-loan"),
        ("ann", json!({ "actions": ["connect"] }), 400, "no-loan"),
        ("ann", json!({ "actions": ["fly"] }), 400, "loan"),
        ("ann", json!({ "seconds": 3601 }), 403, "may-not-lend"),
        ("ann", json!({ "seconds": 0 }), 400, "no-loan"),
        ("ann", json!({ "agent": "ann" }), 400, "no-loan"),
        ("ann", json!({ "agent": "cla\u{202e}ude" }), 400, "no-loan"),
        ("ann", json!({ "reason": "" }), 400, "no-loan"),
        ("ann", json!({ "user": "bea" }), 400, "loan"),
        ("eve", json!({}), 403, "may-not-lend"),
        ("eve", json!({ "connections": ["nowhere"] }), 403, "may-not-lend"),
        ("late", json!({}), 401, "expired"),
    ] {
        let said = lend(by, more.clone()).await;
        assert_eq!((said.status, said.kind()), (status, kind), "{by} {more}");
    }
    for _ in 1..100 {
        assert_eq!(lend("ann", json!({})).await.status, 200);
    }
    let one_more = lend("ann", json!({})).await;
    assert_eq!((one_more.status, one_more.kind()), (429, "too-many-loans"));
    assert_eq!(lend("bea", json!({})).await.status, 200, "others have their own");
    let json = "content-type: application/json\r\n";
    let path = format!("/api/delegations/{id}/revoke");
    for (by, body, status, kind) in [
        ("bea", json!({ "reason": "no" }), 404, "not-lent"),
        ("ann", json!({ "reason": " " }), 400, "ending"),
        ("ann", json!({}), 400, "ending"),
    ] {
        let said = console.call("POST", &path, by, json, &body.to_string()).await;
        assert_eq!((said.status, said.kind()), (status, kind), "{by} {body}");
    }
}

#[tokio::test]
async fn nobody_comes_in_without_a_good_token_and_it_is_recorded() {
    let console = Console::start().await;
    let id = console.one().await;
    for path in ["/api/requests".to_owned(), format!("/api/requests/{id}")] {
        let said = console.get_as("", &path).await;
        assert_eq!((said.status, said.kind()), (401, "no-token"));
        assert!(said.head.contains("www-authenticate: Bearer\r\n"), "{}", said.head);
        assert!(said.body["detail"].as_str().unwrap().contains("Authorization: Bearer"));
        let Event::AuthenticationFailed { reason, .. } = console.log.last().event else { panic!() };
        assert_eq!(&*reason, "no token");
    }
    let forged = console.say("forged", &id, "approve", "").await;
    assert_eq!((forged.status, forged.kind()), (401, "bad-token"));
    assert!(forged.head.contains("www-authenticate: Bearer error=\"invalid_token\"\r\n"), "{}", forged.head);
    let entry = console.log.last();
    assert_eq!((entry.lane.as_deref(), entry.event.name()), (Some("console"), "authentication_failed"));
    assert!(entry.session.is_some() && entry.from.as_deref().unwrap().starts_with("127.0.0.1:"));

    for other in ["authorization: Basic YmVhOmJlYQ==", "cookie: token=bea", "x-api-key: bea"] {
        let said = console.call("GET", "/api/requests", "", &format!("{other}\r\n"), "").await;
        assert_eq!(said.kind(), "no-token", "{other}");
    }
    let twice = console.call("GET", "/api/requests", "bea", "authorization: Bearer ann\r\n", "").await;
    assert_eq!(twice.kind(), "no-token");
    assert_eq!(console.get_as("late", "/api/requests").await.kind(), "expired");
}

#[tokio::test]
async fn an_answer_that_does_not_count_says_why_and_changes_nothing() {
    let console = Console::start().await;
    let id = console.one().await;
    let own = console.say("carl", &id, "approve", "mine").await;
    assert_eq!((own.status, own.kind()), (403, "own"));
    let no_comment = console.say("dan", &id, "approve", " ").await;
    assert_eq!((no_comment.status, no_comment.kind()), (403, "not-allowed"));
    for stranger in ["eve", "bot"] {
        let said = console.say(stranger, &id, "approve", "yes").await;
        assert_eq!((said.status, said.kind()), (404, "unknown"), "{stranger}");
        assert_eq!(console.get_as(stranger, &format!("/api/requests/{id}")).await.status, 404);
    }
    for nothing in ["0000000000003f9a-9", "3f9a-1", "x", "", "..%2f"] {
        assert_eq!(console.say("bea", nothing, "approve", "").await.kind(), "unknown", "{nothing}");
    }
    let shown = console.get_as("bea", &format!("/api/requests/{id}")).await;
    assert_eq!((&shown.body["state"], &shown.body["answers"]), (&json!("waiting"), &json!([])));
    console.say("bea", &id, "deny", "no").await;
    let late = console.say("ann", &id, "approve", "yes").await;
    assert_eq!((late.status, late.kind()), (409, "over"));
    assert_eq!(late.body["detail"], "it is denied already");
}

#[tokio::test]
async fn a_page_of_somebody_else_can_do_nothing() {
    let console = Console::start().await;
    let id = console.one().await;
    let path = format!("/api/requests/{id}/approve");
    let json = "content-type: application/json\r\n";
    for origin in ["http://evil.example", "null", "http://h", "http://h:1.evil.example", "h:1", "http://"] {
        let fields = format!("origin: {origin}\r\n{json}");
        let said = console.call("POST", &path, "bea", &fields, "{}").await;
        assert_eq!((said.status, said.kind()), (403, "cross-site"), "{origin}");
        assert!(!said.head.contains("access-control"), "{}", said.head);
        assert_eq!(console.call("GET", "/api/requests", "bea", &fields, "").await.status, 403, "{origin}");
    }
    for kind in ["", "content-type: text/plain\r\n", "content-type: application/x-www-form-urlencoded\r\n"] {
        let said = console.call("POST", &path, "bea", kind, "{}").await;
        assert_eq!((said.status, said.kind()), (415, "not-json"), "{kind}");
    }
    let asked = console.call("OPTIONS", &path, "", "origin: http://evil.example\r\n", "").await;
    assert_eq!(asked.status, 405);
    let own = format!("origin: https://H:1\r\n{json}");
    assert_eq!(console.call("POST", &path, "bea", &own, "{}").await.status, 200);
}

#[tokio::test]
async fn a_body_is_a_comment_or_refused() {
    let console = Console::start().await;
    let id = console.one().await;
    let path = format!("/api/requests/{id}/approve");
    let json = "content-type: application/json; charset=utf-8\r\n";
    for body in ["[\"yes\"]", "{\"comment\":1}", "{\"comment\":\"a\",\"x\":1}", "{", "\"yes\"", "{} {}"] {
        let said = console.call("POST", &path, "bea", json, body).await;
        assert_eq!((said.status, said.kind()), (400, "body"), "{body}");
    }
    let long = format!("{{\"comment\":\"{}\"}}", "x".repeat(16 << 10));
    let said = console.call("POST", &path, "bea", json, &long).await;
    assert_eq!((said.status, said.kind()), (413, "too-long"));
    let chunked =
        format!("transfer-encoding: chunked\r\n{json}\r\n11\r\n{{\"comment\":\"yes\"}}\r\n0\r\n\r\n");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: h:1\r\nauthorization: Bearer bea\r\nconnection: close\r\n{chunked}"
    );
    assert!(console.says(&request).await.contains("\"comment\":\"yes\""));
}

#[tokio::test]
async fn each_path_has_its_method_and_no_answer_is_kept() {
    let console = Console::start().await;
    let id = console.one().await;
    for (method, path, allowed) in [
        ("PUT", "/api/requests".to_owned(), "GET, POST"),
        ("DELETE", format!("/api/requests/{id}"), "GET"),
        ("GET", format!("/api/requests/{id}/approve"), "POST"),
        ("PUT", format!("/api/requests/{id}/deny"), "POST"),
    ] {
        let said = console.call(method, &path, "bea", "", "").await;
        assert_eq!((said.status, said.kind()), (405, "method"), "{method} {path}");
        assert!(said.head.contains(&format!("allow: {allowed}")), "{}", said.head);
    }
    for path in ["/api/", "/api/requests/1/2/3", "/api/requestsx", "/api/requests/1/use"] {
        assert_eq!(console.get_as("bea", path).await.kind(), "no-such-path", "{path}");
    }
    for path in ["/api/requests", "/api/nothing"] {
        let said = console.get_as("bea", path).await;
        assert!(said.head.contains("cache-control: no-store"), "{}", said.head);
        assert!(said.head.contains("x-content-type-options: nosniff"), "{}", said.head);
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_neither_shown_nor_counted() {
    let console = Console::start().await;
    let id = console.one().await;
    console.log.is_full.store(true, Ordering::Relaxed);
    for said in [
        console.get_as("bea", &format!("/api/requests/{id}")).await,
        console.say("bea", &id, "approve", "").await,
    ] {
        assert_eq!((said.status, said.kind()), (503, "not-recorded"));
    }
    console.log.is_full.store(false, Ordering::Relaxed);
    let shown = console.get_as("bea", &format!("/api/requests/{id}")).await;
    assert_eq!(shown.body["state"], "waiting");
}

#[tokio::test]
async fn a_gateway_that_asks_for_no_approvals_says_so() {
    let log = Paper::default();
    let console = console_of(gate(&log), log).await;
    let said = console.get_as("bea", "/api/requests").await;
    assert_eq!((said.status, said.kind()), (404, "no-approvals"));
    assert_eq!(said.body["detail"], "this gateway asks for no approvals");
}

/// An answer is recorded before the store has it, so one that is begun is brought to its end.
#[tokio::test]
async fn whoever_hangs_up_has_answered_or_has_not() {
    use tokio::io::AsyncWriteExt;
    let console = Console::start().await;
    let id = console.one().await;
    let mut socket = tokio::net::TcpStream::connect(console.address).await.unwrap();
    let request =
        format!("POST /api/requests/{id}/approve HTTP/1.1\r\nhost: h:1\r\nauthorization: Bearer bea\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    drop(socket);
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let is_recorded = console.log.events().contains(&"approval_answered");
        let shown = console.get_as("ann", &format!("/api/requests/{id}")).await;
        assert!(!is_recorded || shown.body["state"] == "approved", "{}", shown.body);
    }
}

impl Said {
    /// The last part of a problem's type; and a problem is whole.
    fn kind(&self) -> &str {
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        assert_eq!(self.body["status"], self.status);
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{}", self.body);
        self.body["type"].as_str().unwrap().strip_prefix("urn:panguard:console:").unwrap()
    }
}

#[test]
fn every_problem_has_a_status_of_its_own_kind() {
    let check = |why: Unanswered, status: u16| {
        let text = why.to_string();
        let response = Problem::from(why).response();
        assert_eq!(response.status().as_u16(), status, "{text}");
    };
    check(Unanswered::Unknown, 404);
    check(Unanswered::NoApprovals, 404);
    check(Unanswered::Expired, 401);
    check(Unanswered::Revoked, 403);
    check(Unanswered::NotAllowed("".into()), 403);
    check(Unanswered::NotCounted(gate::NotCounted::Own), 403);
    check(Unanswered::NotCounted(gate::NotCounted::Agent), 403);
    check(Unanswered::NotCounted(gate::NotCounted::Twice), 409);
    check(Unanswered::NotCounted(gate::NotCounted::Over(State::Used)), 409);
    check(Unanswered::NotCounted(gate::NotCounted::NoRows), 400);
    check(Unanswered::NotCounted(gate::NotCounted::NoReview), 409);
    check(Unanswered::NotRecorded, 503);
    check(Unanswered::Down(Down("gone".into())), 503);
}

#[test]
fn the_documents_name_every_kind_of_problem() {
    let text = include_str!("../../../../docs/console.md");
    let source = include_str!("problem.rs");
    let kinds = source.split("StatusCode::").skip(1).filter_map(|rest| {
        let (_, rest) = rest.split_once(", \"")?;
        rest.split_once('"').map(|(kind, _)| kind)
    });
    let kinds: Vec<&str> = kinds.collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    for kind in kinds {
        assert!(text.contains(&format!("| `{kind}` |")), "docs/console.md does not speak of `{kind}`");
    }
}

proptest! {
    /// Whatever comes, it is a comment or refused; and a comment comes as it was sent.
    #[test]
    fn a_body_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        _ = asked::said(&bytes);
    }

    #[test]
    fn a_comment_is_read_as_it_was_written(text in ".*", spaces in "[ \n\t]{0,3}") {
        let body = format!("{spaces}{}{spaces}", json!({ "comment": text }));
        let read = asked::said(body.as_bytes()).map(|said| said.comment);
        prop_assert_eq!(read.as_deref(), Some(&*text));
        let more = json!({ "comment": text, "approves": true }).to_string();
        prop_assert_eq!(asked::said(more.as_bytes()), None);
    }

    #[test]
    fn any_path_and_query_are_understood_or_refused(path in "/api/requests[/a-z0-9%.-]{0,40}", query in "[a-z0-9=&+%-]{0,40}") {
        if let Some(Route::One(id) | Route::Answer { id, .. }) = Route::of(&path) {
            prop_assert!(!id.contains('/'));
            prop_assert!(asked::id(id).is_none_or(|read| read == id));
        }
        if let Ok(Listing { limit, .. }) = Listing::read(Some(&query)) {
            prop_assert!((1..=1000).contains(&limit));
        }
    }

    /// A page is at the console's own host, or it is somebody else's.
    #[test]
    fn no_other_host_is_ours(host in "[a-z.:0-9]{1,12}", other in "[a-zA-Z.:0-9/@]{0,20}") {
        let own = format!("http://{host}");
        prop_assert!(asked::is_origin_of(&own, &host));
        prop_assert_eq!(asked::is_origin_of(&format!("https://{other}"), &host), other.eq_ignore_ascii_case(&host));
        prop_assert!(!asked::is_origin_of(&other, &host));
    }

    #[test]
    fn any_time_is_a_time_or_none(micros in any::<i64>()) {
        _ = json::time(micros);
    }
}

#[tokio::test]
async fn a_hook_that_is_none_is_answered_as_one_that_is_forged_and_recorded() {
    let console = Console::start().await;
    let said = console.call("POST", "/api/hooks/ops", "", "", "payload=x").await;
    assert_eq!((said.status, said.body["type"].as_str()), (401, Some("urn:panguard:console:untrusted")));
    assert!(!said.head.to_lowercase().contains("www-authenticate"), "{}", said.head);
    let Event::AuthenticationFailed { reason, .. } = console.log.last().event else { panic!("not recorded") };
    assert_eq!(&*reason, "there is no such hook");
}

#[tokio::test]
async fn a_hook_takes_a_message_of_64_kib_by_post() {
    let console = Console::start().await;
    assert_eq!(console.call("GET", "/api/hooks/ops", "", "", "").await.status, 405);
    assert_eq!(console.call("POST", "/api/hooks/ops", "", "", &"x".repeat(64 << 10)).await.status, 401);
    assert_eq!(console.call("POST", "/api/hooks/ops", "", "", &"x".repeat((64 << 10) + 1)).await.status, 413);
    assert_eq!(console.call("POST", "/api/hooks/ops/more", "", "", "").await.status, 404);
}
