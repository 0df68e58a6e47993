mod document;

use std::sync::Arc;

use access::{
    Action, Bound, Code, DataClass, Mint, Outcome, Question, Receipt, Refusal, RequestId, SessionId, Status,
    Terms, Verdict, Wanted,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use mask::{Masker, Profile};
use wire::Side;

use super::{Effect, Exchange, HELD_BYTES_MAX};
use crate::body::Opaque;
use crate::connection::{Bounds, Connection, Holds, Origin, Outgoing, Settings, TurnedAway};
use crate::echo::Echo;

const MASKER: Masker = Masker::new(Profile::Last4);
const CARD: &str = "4000056655665556";

fn id() -> RequestId {
    SessionId(7).request(1)
}

fn connection() -> Connection {
    Connection {
        name: "billing".into(),
        origin: Origin::parse("http://up.test:8080/api").unwrap(),
        asks_models: false,
        rules: Vec::new(),
        document: None,
        strict: false,
        opaque: Opaque::Refuse,
        outgoing: Outgoing::Refuse,
        bounds: Bounds::default(),
    }
}

fn settings(connection: Connection) -> Settings {
    Settings {
        connection: Arc::new(connection),
        prefix: "/billing".into(),
        by_own_name: false,
        masker: MASKER,
        now: access::Timestamp(0),
        wanted: Arc::default(),
        echo: Echo::of(&[b"sk-injected-1"]),
        nonce: Some([7; 16]),
        turned_away: None,
        answer_bytes_max: 0,
    }
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    all.iter().map(pair).collect()
}

fn allow(terms: Terms) -> Verdict {
    Verdict::Allow(Mint::for_tests().permit(id(), Receipt { index: 0 }, terms))
}

fn reveal() -> Terms {
    Terms { reveal: [DataClass::Pan].into(), tells_errors: true, ..Terms::default() }
}

fn deny() -> Verdict {
    let (detail, columns, policies) = ("post needs `write`".into(), Vec::new(), Vec::new());
    Verdict::Deny(Box::new(Refusal { code: Code::PolicyDenied, request: id(), detail, columns, policies }))
}

/// What an exchange has done so far.
#[derive(Default)]
struct Seen {
    asked: Option<Question>,
    refused: Option<(Code, Box<str>)>,
    sent: Option<String>,
    sent_body: Vec<u8>,
    sent_ended: bool,
    told: Option<(u16, HeaderMap)>,
    told_body: Vec<u8>,
    told_ended: bool,
    told_trailers: Option<HeaderMap>,
    left: bool,
    aborted: bool,
    opening: Option<Box<crate::ws::Opening>>,
    done: Option<Outcome>,
}

struct Script {
    exchange: Exchange,
    seen: Seen,
}

impl Script {
    fn new(method: Method, target: &str, fields: &[(&str, &str)], has_body: bool) -> Self {
        Self::on(settings(connection()), method, target, fields, has_body)
    }

    fn on(settings: Settings, method: Method, target: &str, fields: &[(&str, &str)], has_body: bool) -> Self {
        let exchange = Exchange::open(settings, id(), method, target, headers(fields), has_body);
        let mut script = Self { exchange, seen: Seen::default() };
        script.run();
        script
    }

    fn get(target: &str) -> Self {
        Self::new(Method::GET, target, &[], false)
    }

    fn post(body: &str) -> Self {
        let mut script = Self::new(Method::POST, "/charges", &[("content-type", "application/json")], true);
        script.step(|exchange| exchange.request_data(body.as_bytes()));
        script.step(|exchange| exchange.request_end());
        script
    }

    fn step(&mut self, step: impl FnOnce(&mut Exchange)) -> &mut Self {
        step(&mut self.exchange);
        self.run();
        self
    }

    fn verdict(&mut self, verdict: Verdict) -> &mut Self {
        self.step(|exchange| exchange.answer(verdict))
    }

    fn told(&mut self, status: u16, fields: &[(&str, &str)], body: &str) -> &mut Self {
        let mut parts = Response::new(()).into_parts().0;
        (parts.status, parts.headers) = (StatusCode::from_u16(status).unwrap(), headers(fields));
        self.step(|exchange| exchange.response(parts));
        self.step(|exchange| exchange.response_data(body.as_bytes()));
        self.step(|exchange| exchange.response_end(None))
    }

    fn run(&mut self) {
        while let Some(effect) = self.exchange.poll() {
            let seen = &mut self.seen;
            match effect {
                Effect::Ask(question) => assert!(seen.asked.replace(question).is_none(), "asked twice"),
                Effect::Refuse { code, detail, .. } => {
                    assert!(seen.refused.replace((code, detail)).is_none(), "refused twice");
                }
                Effect::Request(parts) => {
                    assert!(seen.asked.is_some(), "sent before it was asked about");
                    let uri = parts.uri;
                    assert!(seen.sent.replace(format!("{} {uri}", parts.method)).is_none(), "sent twice");
                }
                Effect::RequestData(bytes) => seen.sent_body.extend(bytes),
                Effect::RequestEnd => seen.sent_ended = true,
                Effect::Response(parts) => {
                    assert!(
                        seen.told.replace((parts.status.as_u16(), parts.headers)).is_none(),
                        "told twice"
                    );
                }
                Effect::ResponseData(bytes) => {
                    assert!(seen.told.is_some() && !seen.told_ended, "a body without a head");
                    seen.told_body.extend(bytes);
                }
                Effect::ResponseEnd(trailers) => {
                    seen.told_trailers = trailers;
                    seen.told_ended = true;
                }
                Effect::Abort => seen.aborted = true,
                Effect::Leave => seen.left = true,
                Effect::Switch(opening) => {
                    assert!(seen.told.is_some(), "a socket that nobody was told of");
                    seen.opening = Some(opening);
                }
                Effect::Done(outcome) => assert!(seen.done.replace(outcome).is_none(), "done twice"),
            }
        }
    }

    fn status(&self) -> u16 {
        self.seen.told.as_ref().map_or(0, |(status, _)| *status)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.seen.told.as_ref()?.1.get(name)?.to_str().ok()
    }

    fn body(&self) -> String {
        String::from_utf8_lossy(&self.seen.told_body).into_owned()
    }

    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.seen.told_body).unwrap();
        body["code"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_request_that_is_allowed_is_sent_as_it_was_asked_about_and_its_answer_told() {
    let mut it = Script::get("/v1/%63harges?limit=3");
    let asked = it.seen.asked.as_ref().unwrap();
    let used = &asked.facts.uses[0];
    assert_eq!((used.action, asked.facts.effect), (Action::Read, access::Effect::None));
    assert_eq!(asked.command.expose().to_string(), "GET /v1/charges?limit=3");
    assert!(it.seen.sent.is_none());
    it.verdict(allow(Terms::default()));
    assert_eq!(it.seen.sent.as_deref(), Some("GET http://up.test:8080/api/v1/charges?limit=3"));
    it.told(200, &[("content-type", "text/plain"), ("content-length", "5"), ("etag", "\"a\"")], "hello");
    assert_eq!((it.status(), it.body().as_str(), it.field("content-length")), (200, "hello", Some("5")));
    assert_eq!(it.field("etag"), Some("\"a\""));
    assert_eq!(it.seen.done.as_ref().unwrap().status, Status::Completed("200".into()));
}

#[test]
fn a_request_that_is_denied_is_not_sent() {
    let mut it = Script::post("{}");
    it.verdict(deny());
    assert_eq!((it.status(), it.code().as_str()), (403, "PGD-0005"));
    assert!(it.seen.sent.is_none() && it.seen.done.is_none() && it.exchange.is_over());
}

#[test]
fn what_only_reads_goes_ahead_and_its_answer_waits_for_the_permit() {
    let mut it = Script::get("/v1/charges");
    it.verdict(Verdict::Ahead(Mint::for_tests().ahead(id())));
    assert!(it.seen.sent.is_some() && !it.exchange.wants(Side::Upstream));
    let mut parts = Response::new(()).into_parts().0;
    parts.headers = headers(&[("content-type", "text/event-stream")]);
    it.step(|exchange| exchange.response(parts));
    assert!(it.seen.told.is_none(), "nothing is told before the permit");
    it.verdict(allow(Terms::default()));
    assert_eq!(it.status(), 200);
    assert!(it.exchange.wants(Side::Upstream));
}

#[test]
fn what_went_ahead_and_is_denied_after_all_is_left_untold() {
    let mut it = Script::get("/v1/charges");
    it.verdict(Verdict::Ahead(Mint::for_tests().ahead(id()))).verdict(deny());
    assert!(it.seen.left);
    assert_eq!(it.status(), 403);
    it.told(200, &[], "never");
    assert!(!it.body().contains("never"));
}

#[test]
fn an_upstream_that_fails_ahead_of_the_permit_is_told_of_after_it() {
    let mut it = Script::get("/v1/charges");
    it.verdict(Verdict::Ahead(Mint::for_tests().ahead(id())));
    it.step(|exchange| exchange.upstream_failed("it cannot be reached"));
    assert!(it.seen.told.is_none());
    it.verdict(allow(Terms::default()));
    assert_eq!((it.status(), it.code().as_str()), (502, "PGD-0011"));
}

#[test]
fn a_body_is_held_until_it_is_decided_upon() {
    let mut it = Script::post(r#"{"amount": 500}"#);
    assert!(it.seen.sent.is_none() && !it.exchange.wants(Side::Agent));
    it.verdict(allow(Terms::default()));
    assert_eq!(it.seen.sent_body, br#"{"amount": 500}"#);
    assert!(it.seen.sent_ended);
}

#[test]
fn a_body_that_is_longer_than_what_is_held_passes_in_pieces_after_its_verdict() {
    let mut it = Script::new(Method::POST, "/files", &[("content-type", "text/plain")], true);
    let piece = vec![b'a'; HELD_BYTES_MAX + 1];
    it.step(|exchange| exchange.request_data(&piece));
    assert!(it.seen.asked.is_some() && it.seen.sent.is_none());
    it.verdict(allow(Terms::default()));
    it.step(|exchange| exchange.request_data(b" end")).step(|exchange| exchange.request_end());
    assert_eq!(it.seen.sent_body.len(), HELD_BYTES_MAX + 5);
    assert!(it.seen.sent_ended);
}

#[test]
fn card_data_in_a_request_needs_the_right_to_reveal_it_there() {
    let body = format!(r#"{{"pan": "{CARD}"}}"#);
    for (mut it, place) in [
        (Script::post(&body), "the body"),
        (Script::get(&format!("/search?q={CARD}")), "the query"),
        (Script::get("/search?q=4000%30%3566%355665556"), "the query"),
        (Script::get(&format!("/cards/{CARD}")), "the path"),
        (Script::new(Method::GET, "/", &[("x-note", CARD)], false), "the header"),
    ] {
        let facts = &it.seen.asked.as_ref().unwrap().facts;
        let used = &facts.columns[0];
        assert_eq!((&*used.column, &used.class), (place, &DataClass::Pan));
        assert_eq!(used.position, access::Position::Computed);
        it.verdict(deny());
        assert!(it.seen.sent.is_none());
    }
    let mut it = Script::post(&body);
    it.verdict(allow(reveal()));
    assert_eq!(it.seen.sent_body, body.as_bytes(), "whoever may reveal it sends it");
}

#[test]
fn card_data_in_a_request_is_masked_where_the_connection_says_so() {
    let body = format!(r#"{{"text": "pay with {CARD}"}}"#);
    let on = || settings(Connection { outgoing: Outgoing::Mask(MASKER), ..connection() });
    for (terms, sent) in
        [(Terms::default(), body.replace("400005665566", "************")), (reveal(), body.clone())]
    {
        let mut it = Script::on(on(), Method::POST, "/", &[("content-type", "application/json")], true);
        it.step(|exchange| exchange.request_data(body.as_bytes())).step(|exchange| exchange.request_end());
        let facts = &it.seen.asked.as_ref().unwrap().facts;
        assert!(facts.columns.is_empty() && facts.call.as_ref().unwrap().holds_cards);
        it.verdict(allow(terms));
        assert_eq!(String::from_utf8_lossy(&it.seen.sent_body), sent);
    }
}

#[test]
fn card_data_beyond_what_is_held_breaks_the_request_off() {
    let mut it = Script::new(Method::POST, "/files", &[("content-type", "text/plain")], true);
    let piece = vec![b'a'; HELD_BYTES_MAX + 1];
    it.step(|exchange| exchange.request_data(&piece)).verdict(allow(Terms::default()));
    it.step(|exchange| exchange.request_data(format!(" {CARD} ").as_bytes()));
    it.step(|exchange| exchange.request_data(&piece));
    it.step(|exchange| exchange.request_end());
    let sent = String::from_utf8_lossy(&it.seen.sent_body).into_owned();
    assert!(!sent.contains(CARD) && it.seen.left && !it.seen.sent_ended, "{}", sent.len());
    assert_eq!((it.status(), it.code().as_str()), (403, "PGD-0006"));
}

#[test]
fn a_card_number_in_an_answer_is_masked_in_its_body_and_its_header() {
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default()));
    let fields = [("content-type", "application/json"), ("x-card", CARD), ("etag", "\"a\"")];
    it.told(200, &fields, &format!(r#"{{"pan":"{CARD}"}}"#));
    assert_eq!(it.body(), r#"{"pan":"************5556"}"#);
    assert_eq!((it.field("x-card"), it.field("etag")), (Some("************5556"), Some("W/\"a\"")));
    assert_eq!(it.seen.done.as_ref().unwrap().masked, 2);
}

#[test]
fn an_answer_whose_length_is_known_is_withheld_whole() {
    let track = "%B4000056655665556^DOE/JANE^29121010000000000?";
    let body = format!("{} {track}", "a".repeat(4000));
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(reveal()));
    it.told(200, &[("content-type", "text/plain"), ("content-length", &body.len().to_string())], &body);
    assert_eq!((it.status(), it.code().as_str()), (502, "PGD-0012"));
    assert!(!it.body().contains("aaaa") && it.seen.left);
    assert!(matches!(it.seen.done.as_ref().unwrap().status, Status::Withheld(_)));
}

#[test]
fn an_answer_that_has_begun_is_broken_off() {
    let track = "%B4000056655665556^DOE/JANE^29121010000000000?";
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(reveal()));
    it.told(
        200,
        &[("content-type", "text/event-stream")],
        &format!("data: a\n\ndata: {track}\n\ndata: b\n\n"),
    );
    assert_eq!(it.status(), 200);
    assert!(it.seen.aborted && !it.seen.told_ended && !it.body().contains("DOE"));
}

#[test]
fn the_upstreams_credential_its_cookies_and_its_address_do_not_come_back() {
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default()));
    let fields = [
        ("content-type", "text/plain"),
        ("set-cookie", "session=1"),
        ("location", "http://up.test:8080/api/v1/charges/7?x"),
        ("x-echo", "Bearer sk-injected-1"),
    ];
    it.told(302, &fields, "Authorization: Bearer sk-injected-1");
    assert_eq!(it.field("location"), Some("/billing/v1/charges/7?x"));
    assert_eq!(it.field("set-cookie"), None);
    assert!(!it.body().contains("injected") && !it.field("x-echo").unwrap().contains("injected"));
}

#[test]
fn a_credential_that_is_not_accepted_is_not_the_agents_business() {
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default()));
    it.told(401, &[("www-authenticate", "Basic realm=\"billing\"")], "bad key");
    assert_eq!((it.status(), it.field("www-authenticate")), (502, None));
    assert!(!it.body().contains("bad key"));
}

#[test]
fn an_answer_whose_framing_is_in_doubt_is_withheld() {
    for fields in [
        &[("transfer-encoding", "gzip, chunked")][..],
        &[("transfer-encoding", "chunked"), ("content-length", "5")],
    ] {
        let mut it = Script::get("/v1/charges");
        it.verdict(allow(Terms::default()));
        it.told(200, fields, "hello");
        assert_eq!((it.status(), it.code().as_str()), (502, "PGD-0012"), "{fields:?}");
    }
}

#[test]
fn an_answer_to_head_tells_no_length() {
    let mut it = Script::new(Method::HEAD, "/v1/charges", &[], false);
    it.verdict(allow(Terms::default()));
    it.told(200, &[("content-type", "application/json"), ("content-length", "4")], "");
    assert_eq!((it.status(), it.field("content-length")), (200, None));
}

#[test]
fn a_target_that_is_not_well_formed_is_never_sent_whatever_the_verdict() {
    for target in ["/ok/../secret", "/%00", "//ok\\x"] {
        let mut it = Script::get(target);
        assert!(!it.seen.asked.as_ref().unwrap().facts.not_understood.is_empty(), "{target}");
        it.verdict(allow(reveal()));
        assert!(it.seen.sent.is_none(), "{target}");
        assert_eq!((it.status(), it.code().as_str()), (400, "PGD-0020"));
    }
}

#[test]
fn a_request_whose_agent_went_while_it_was_asked_about_is_never_sent() {
    let mut it = Script::post("{}");
    it.step(Exchange::agent_gone).verdict(allow(Terms::default()));
    assert!(it.seen.sent.is_none());
    assert_eq!(it.seen.done.as_ref().unwrap().status, Status::Skipped);
}

#[test]
fn policies_get_the_fields_that_they_ask_for() {
    let names = |all: &[&str]| all.iter().map(|&name| name.into()).collect();
    let wanted = Wanted {
        parameters: Default::default(),
        query: names(&["status", "other"]),
        headers: names(&["x-tenant"]),
        body: names(&["$.card.brand", "$.items[*].id", "$.amount"]),
        tokens: false,
    };
    let on = || Settings { wanted: Arc::new(wanted.clone()), ..settings(connection()) };
    let fields = [("content-type", "application/json"), ("x-tenant", "acme")];
    let ask = |body: &str| {
        let mut it = Script::on(on(), Method::POST, "/a?status=open&status=held", &fields, true);
        it.step(|exchange| exchange.request_data(body.as_bytes())).step(|exchange| exchange.request_end());
        it.seen.asked.unwrap().facts
    };
    let facts =
        ask(r#"{"card": {"brand": "visa"}, "items": [{"id": 1}, {"id": "b"}], "amount": 5.50, "x": [1]}"#);
    let shown: Vec<String> = facts
        .call
        .as_ref()
        .unwrap()
        .fields
        .iter()
        .map(|f| format!("{}={}", f.name, f.values.join(",")))
        .collect();
    assert_eq!(
        shown,
        ["status=open,held", "x-tenant=acme", "$.amount=5.5", "$.card.brand=visa", "$.items[*].id=1,b"]
    );
    for unclear in [r#"{"amount": 1, "amount": 1000000}"#, "{", "amount=1", r#"{"a":1} {"amount":2}"#] {
        assert_eq!(ask(unclear).not_understood, ["request body".into()], "{unclear}");
    }
}

#[test]
fn an_agent_that_goes_in_the_middle_leaves_the_upstream() {
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default())).step(Exchange::agent_gone);
    assert!(it.seen.left);
    assert_eq!(it.seen.done.as_ref().unwrap().status, Status::Unknown);
}

#[test]
fn what_is_told_never_depends_on_how_it_is_cut() {
    let body = format!("a {CARD} b {CARD} c");
    let tell = |size: usize| {
        let mut it = Script::get("/v1/charges");
        it.verdict(allow(Terms::default()));
        let mut parts = Response::new(()).into_parts().0;
        parts.headers = headers(&[("content-type", "text/plain")]);
        it.step(|exchange| exchange.response(parts));
        body.as_bytes().chunks(size).for_each(|piece| {
            it.step(|exchange| exchange.response_data(piece));
        });
        it.step(|exchange| exchange.response_end(None));
        Bytes::from(it.seen.told_body)
    };
    let whole = tell(body.len());
    assert!((1..body.len()).all(|size| tell(size) == whole));
}

// --- WebSocket -----------------------------------------------------------------------------------------

const SOCKET: [(&str, &str); 5] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("authorization", "Bearer its-own"),
];

/// The upstream's answer to what it was asked with [`settings`]' nonce.
fn switching(accept: &str) -> http::response::Parts {
    let mut parts = Response::new(()).into_parts().0;
    parts.status = StatusCode::SWITCHING_PROTOCOLS;
    parts.headers = headers(&[
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-accept", accept),
        ("set-cookie", "a=b"),
    ]);
    parts
}

const ACCEPT: &str = "CdXSYUsvsaMthlEXWDNURGWA/1o=";

#[test]
fn a_socket_is_asked_about_as_what_reads_and_writes() {
    let it = Script::new(Method::GET, "/live", &SOCKET, false);
    let facts = &it.seen.asked.as_ref().unwrap().facts;
    let actions: Vec<Action> = facts.uses.iter().map(|it| it.action).collect();
    assert_eq!(actions, [Action::Read, Action::Write]);
    assert_eq!(facts.effect, access::Effect::Data, "it is never sent ahead");
    assert_eq!(facts.kinds.as_slice(), ["get".into(), "websocket".into()]);
    assert!(it.seen.sent.is_none());
}

#[test]
fn a_socket_opens_on_its_permit_and_the_upstreams_word() {
    let mut it = Script::new(Method::GET, "/live", &SOCKET, false);
    it.step(|exchange| exchange.answer(allow(Terms::default())));
    assert!(it.seen.sent.is_some());
    it.step(|exchange| exchange.response(switching(ACCEPT)));
    let (status, told) = it.seen.told.as_ref().unwrap();
    assert_eq!(*status, 101);
    assert_eq!(told["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(!told.contains_key("set-cookie"));
    assert!(it.seen.opening.is_some() && it.exchange.is_over());
    assert!(it.seen.done.is_none(), "how it ended is the socket's to say");
}

#[test]
fn another_answer_than_that_of_the_handshake_opens_nothing() {
    let mut it = Script::new(Method::GET, "/live", &SOCKET, false);
    it.step(|exchange| exchange.answer(allow(Terms::default())));
    it.step(|exchange| exchange.response(switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    assert_eq!(it.status(), 502);
    assert!(it.seen.opening.is_none() && it.seen.left);
}

#[test]
fn a_request_that_cannot_be_upgraded_is_sent_without_a_word_of_it() {
    let it_asks = Settings { nonce: None, ..settings(connection()) };
    let mut it = Script::on(it_asks, Method::GET, "/live", &SOCKET, false);
    it.step(|exchange| exchange.answer(allow(Terms::default())));
    it.step(|exchange| exchange.response(switching(ACCEPT)));
    assert_eq!(it.status(), 502);
    assert!(it.seen.opening.is_none());
}

// --- a forward proxy -----------------------------------------------------------------------------------

#[test]
fn an_agent_who_knows_the_upstream_by_name_is_told_where_it_points_by_name() {
    let point = |place: &str| {
        let by_name = Settings { by_own_name: true, prefix: "/api".into(), ..settings(connection()) };
        let mut it = Script::on(by_name, Method::GET, "/charges", &[], false);
        it.step(|exchange| exchange.answer(allow(Terms::default())));
        let mut parts = Response::new(()).into_parts().0;
        parts.status = StatusCode::FOUND;
        parts.headers = headers(&[("location", place)]);
        it.step(|exchange| exchange.response(parts));
        it.step(|exchange| exchange.response_end(None));
        let (_, told) = it.seen.told.as_ref().unwrap();
        told.get("location").map(|place| place.to_str().unwrap().to_owned())
    };
    for stays in ["http://up.test:8080/api/next?page=2", "/api/next", "next", "https://other.example.com/x"] {
        assert_eq!(point(stays).as_deref(), Some(stays));
    }
    assert_eq!(point("http://10.0.0.7/x"), None);
    assert_eq!(point("//db.internal/x"), None);
}

#[test]
fn only_what_is_below_an_origins_path_is_its() {
    let origin = Origin::parse("https://api.example.com/v1").unwrap();
    let cases = [
        ("/v1/charges?limit=1", Some("/charges?limit=1")),
        ("/v1", Some("/")),
        ("/v1?a=b", Some("/?a=b")),
        ("/v10/charges", None),
        ("/admin", None),
        ("/%761/charges", None),
        ("/v1%2fcharges", None),
    ];
    for (target, expected) in cases {
        assert_eq!(origin.below(target).as_deref(), expected, "{target}");
    }
}

#[test]
fn what_is_no_path_or_value_is_looked_at_too() {
    let strict = || Settings {
        connection: Arc::new(Connection { strict: true, ..connection() }),
        ..settings(connection())
    };
    let method = Method::from_bytes(CARD.as_bytes()).unwrap();
    for (it, place) in [
        (Script::new(method, "/charges", &[], false), "the method"),
        (Script::on(strict(), Method::GET, "/charges?a=40000566&b=55665556", &[], false), "the query"),
        (
            Script::new(Method::GET, "/charges", &[("cache-control", "max-age=4000056655665556")], false),
            "the header",
        ),
    ] {
        let columns = &it.seen.asked.as_ref().unwrap().facts.columns;
        assert_eq!(columns.iter().map(|used| &*used.column).collect::<Vec<_>>(), [place]);
    }
    let it = Script::on(strict(), Method::GET, "/charges?page=4000&size=0566&status=open", &[], false);
    assert!(it.seen.asked.unwrap().facts.columns.is_empty());
}

#[test]
fn parts_of_an_answer_that_nobody_asked_for_are_withheld() {
    let ranges = "Multipart/ByteRanges; boundary=x";
    for (status, fields) in [(206, [("content-type", "text/plain")]), (200, [("content-type", ranges)])] {
        let mut it = Script::get("/v1/charges");
        it.verdict(allow(Terms::default())).told(status, &fields, "40000566");
        assert_eq!((it.status(), it.code().as_str()), (502, "PGD-0012"));
    }
}

#[test]
fn trailers_are_told_where_they_were_announced() {
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default()));
    let mut parts = Response::new(()).into_parts().0;
    parts.headers =
        headers(&[("content-type", "text/plain"), ("trailer", "X-Sum, Set-Cookie, Content-Length")]);
    it.step(|exchange| exchange.response(parts)).step(|exchange| exchange.response_data(b"x"));
    it.step(|exchange| exchange.response_end(Some(headers(&[("x-sum", CARD), ("set-cookie", "a=1")]))));
    assert_eq!((it.field("trailer"), it.field("content-length")), (Some("x-sum"), None));
    assert_eq!(it.seen.told_trailers, Some(headers(&[("x-sum", "************5556")])));
    let mut it = Script::get("/v1/charges");
    it.verdict(allow(Terms::default())).told(200, &[("trailer", "X-Sum")], "x");
    assert_eq!((it.field("trailer"), it.field("content-length")), (None, Some("1")));
}

fn bounded(bounds: Bounds) -> Settings {
    settings(Connection { bounds, ..connection() })
}

#[test]
fn a_request_that_says_it_is_too_long_is_refused_before_its_body_is_read() {
    let bounds = Bounds { request_bytes_max: Some(10), ..Bounds::default() };
    let long = [("content-length", "11"), ("content-type", "application/json")];
    let mut script = Script::on(bounded(bounds), Method::POST, "/charges", &long, true);
    assert!(!script.exchange.wants(Side::Agent), "its body is not read");
    let (code, detail) = script.seen.refused.clone().expect("it is refused");
    assert_eq!((code, &*detail), (Code::LimitReached, "a request's body has at most 10 bytes here"));
    script.step(|exchange| exchange.answer(limited()));
    let (status, headers) = script.seen.told.as_ref().unwrap();
    assert_eq!((*status, headers.get("retry-after")), (413, None));
    assert_eq!(headers["x-should-retry"], "false");
    assert!(script.seen.sent.is_none());
}

#[test]
fn a_request_that_turns_out_too_long_is_refused_as_soon_as_it_is() {
    let bounds = Bounds { request_bytes_max: Some(10), ..Bounds::default() };
    let mut script = Script::on(bounded(bounds), Method::POST, "/charges", &[], true);
    script.step(|exchange| exchange.request_data(b"0123456789"));
    assert!(script.seen.refused.is_none(), "so many may pass");
    script.step(|exchange| exchange.request_data(b"0"));
    assert!(script.seen.refused.is_some() && !script.exchange.wants(Side::Agent));
    assert!(script.seen.asked.is_none(), "policy is not asked too");
}

#[test]
fn a_request_that_passes_as_it_comes_is_broken_off_where_it_is_too_long() {
    let max = HELD_BYTES_MAX as u64 + 100;
    let bounds = Bounds { request_bytes_max: Some(max), ..Bounds::default() };
    let mut script = Script::on(bounded(bounds), Method::POST, "/charges", &[], true);
    script.step(|exchange| exchange.request_data(&vec![b'a'; HELD_BYTES_MAX + 1]));
    script.step(|exchange| exchange.answer(allow(Terms::default())));
    assert!(script.seen.sent.is_some());
    script.step(|exchange| exchange.request_data(&[b'a'; 100]));
    assert!(script.seen.left && !script.seen.sent_ended);
    assert_eq!(script.seen.told.as_ref().unwrap().0, 413);
    assert_eq!(script.seen.done.as_ref().unwrap().status, Status::Unknown);
}

#[test]
fn a_body_that_is_signed_is_held_whole_and_refused_where_it_is_too_long_for_that() {
    let bounds = Bounds { holds: Holds::All, ..Bounds::default() };
    let mut script = Script::on(bounded(bounds), Method::POST, "/charges", &[], true);
    script.step(|exchange| exchange.request_data(&vec![b'a'; 4 * HELD_BYTES_MAX]));
    assert!(script.seen.asked.is_none(), "more of it may come");
    script.step(|exchange| exchange.request_data(&vec![b'a'; super::PROMPT_BYTES_MAX]));
    assert!(script.seen.refused.is_some());
    let bounds = Bounds { holds: Holds::Fitting, ..Bounds::default() };
    let mut script = Script::on(bounded(bounds), Method::POST, "/charges", &[], true);
    script.step(|exchange| exchange.request_data(&vec![b'a'; super::PROMPT_BYTES_MAX + 1]));
    assert!(script.seen.refused.is_none() && script.seen.asked.is_some());
}

#[test]
fn an_answer_that_is_too_long_is_withheld_or_broken_off() {
    let bounds = Bounds { response_bytes_max: Some(10), ..Bounds::default() };
    for length in [Some("11"), None] {
        let mut script = Script::on(bounded(bounds), Method::GET, "/charges", &[], false);
        script.step(|exchange| exchange.answer(allow(Terms::default())));
        let mut answer = Response::builder().header("content-type", "text/plain");
        if let Some(length) = length {
            answer = answer.header("content-length", length);
        }
        let (parts, ()) = answer.body(()).unwrap().into_parts();
        script.step(|exchange| exchange.response(parts));
        script.step(|exchange| exchange.response_data(b"0123456789a"));
        assert!(matches!(script.seen.done.as_ref().unwrap().status, Status::Withheld(_)), "{length:?}");
        assert!(script.seen.left && script.seen.told.as_ref().is_none_or(|told| told.0 == 502));
    }
}

#[test]
fn who_is_turned_away_is_told_when_to_come_again() {
    let away = TurnedAway {
        code: Code::LimitReached,
        detail: "60 requests a minute".into(),
        retry_after_seconds: Some(17),
    };
    let settings = Settings { turned_away: Some(away), ..settings(connection()) };
    let mut script = Script::on(settings, Method::POST, "/charges", &[], true);
    assert!(script.seen.refused.is_some() && script.seen.asked.is_none());
    script.step(|exchange| exchange.answer(limited()));
    let (status, headers) = script.seen.told.as_ref().unwrap();
    assert_eq!((*status, &headers["retry-after"]), (429, &HeaderValue::from_static("17")));
    assert_eq!(headers["x-should-retry"], "true");
}

fn limited() -> Verdict {
    let (detail, columns, policies) = ("so many".into(), Vec::new(), Vec::new());
    Verdict::Deny(Box::new(Refusal { code: Code::LimitReached, request: id(), detail, columns, policies }))
}

/// What an approval of a request is bound to.
fn bound(method: &Method, target: &str, fields: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut script = Script::new(method.clone(), target, fields, !body.is_empty());
    if !body.is_empty() {
        script.step(|exchange| exchange.request_data(body.as_bytes()));
        script.step(|exchange| exchange.request_end());
    }
    match script.seen.asked.unwrap().bound {
        Bound::Bytes(bytes, _) => bytes.expose().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_is_bound_to_the_method_the_path_the_query_and_the_body() {
    let own = bound(&Method::DELETE, "/v1/refunds?id=1", &[], "x");
    assert_eq!(bound(&Method::DELETE, "/v1/refunds?id=1", &[], "x"), own);
    for (method, target, body) in [
        (Method::POST, "/v1/refunds?id=1", "x"),
        (Method::DELETE, "/v1/refunds?id=2", "x"),
        (Method::DELETE, "/v1/refunds?id=1&all=true", "x"),
        (Method::DELETE, "/v1/refunds?", "x"),
        (Method::DELETE, "/v1/refunds", "x"),
        (Method::DELETE, "/v1/refund?s?id=1", "x"),
        (Method::DELETE, "/v1/refunds?id=1", "y"),
        (Method::DELETE, "/v1/refunds?id=1", ""),
    ] {
        assert_ne!(bound(&method, target, &[], body), own, "{method} {target} {body}");
    }
    let mut elsewhere = connection();
    elsewhere.origin = Origin::parse("http://other.test:8080/api").unwrap();
    let asked = Script::on(settings(elsewhere), Method::GET, "/v1/refunds", &[], false).seen.asked;
    let Bound::Bytes(bytes, _) = asked.unwrap().bound else { panic!() };
    assert_ne!(bytes.expose().to_vec(), bound(&Method::GET, "/v1/refunds", &[], ""), "another server");
}

#[test]
fn an_approval_is_bound_to_the_header_but_for_what_says_nothing() {
    let with = |fields: &[(&str, &str)]| bound(&Method::POST, "/v1/refunds", fields, "x");
    let own = with(&[("x-tenant", "a"), ("x-to", "1"), ("x-to", "2"), ("user-agent", "one")]);
    assert_eq!(with(&[("x-to", "1"), ("x-tenant", "a"), ("x-to", "2"), ("accept-language", "de")]), own);
    for fields in [
        &[("x-tenant", "b"), ("x-to", "1"), ("x-to", "2")][..],
        &[("x-tenant", "a"), ("x-to", "2"), ("x-to", "1")],
        &[("x-tenant", "a"), ("x-to", "1, 2")],
        &[("x-tenant", "a"), ("x-to", "1"), ("x-to", "2"), ("user_agent", "one")],
        &[("x-tenant", "a"), ("x-to", "1"), ("x-to", "2"), ("content-type", "text/plain")],
        &[("x-tenant", "a"), ("x-to", "1"), ("x-to", "2"), ("accept", "application/vnd.api.v2+json")],
    ] {
        assert_ne!(with(fields), own, "{fields:?}");
    }
}

#[test]
fn what_whoever_answers_could_not_see_cannot_be_approved() {
    for (fields, body) in [
        (&[("content-encoding", "gzip")][..], b"x".to_vec()),
        (&[], vec![0xff; 4]),
        (&[], vec![b'x'; (64 << 10) + 1]),
    ] {
        let mut script = Script::new(Method::POST, "/v1/refunds", fields, true);
        script.step(|exchange| exchange.request_data(&body));
        script.step(|exchange| exchange.request_end());
        assert!(matches!(script.seen.asked.unwrap().bound, Bound::Nothing(_)), "{fields:?}");
    }
}

#[test]
fn an_approval_of_what_only_reads_is_bound_to_all_of_it_too() {
    let own = bound(&Method::GET, "/v1/reports?of=4000056655665556", &[("x-tenant", "a")], "");
    assert_ne!(bound(&Method::GET, "/v1/reports?of=4000056655665564", &[("x-tenant", "a")], ""), own);
    assert_ne!(bound(&Method::GET, "/v1/reports?of=4000056655665556", &[("x-tenant", "b")], ""), own);
}

/// What is kept of an answer, by a connection that keeps so many bytes.
fn kept(bytes_max: usize, terms: Terms, fields: &[(&str, &str)], body: &[u8]) -> Option<(String, bool)> {
    let settings = Settings { answer_bytes_max: bytes_max, ..settings(connection()) };
    let mut it = Script::on(settings, Method::GET, "/charges", &[], false);
    it.verdict(allow(terms));
    let mut parts = Response::new(()).into_parts().0;
    parts.headers = headers(fields);
    it.step(|exchange| exchange.response(parts));
    it.step(|exchange| exchange.response_data(body));
    it.step(|exchange| exchange.response_end(None));
    let told = it.seen.done.as_ref().unwrap().told.as_ref()?;
    Some((told.text.expose().to_string(), told.is_whole))
}

#[test]
fn an_answer_is_kept_as_it_was_told() {
    let json = [("content-type", "application/json")];
    let body = format!(r#"{{"pan":"{CARD}","note":"ö"}}"#);
    let (text, is_whole) = kept(1000, Terms::default(), &json, body.as_bytes()).unwrap();
    assert_eq!((text.as_str(), is_whole), (r#"{"pan":"************5556","note":"ö"}"#, true));

    let (text, is_whole) = kept(34, Terms::default(), &json, body.as_bytes()).unwrap();
    assert!(text.ends_with(r#""note":""#) && !is_whole, "no letter is cut: {text}");

    let packed = crate::body::packed_as("gzip", body.as_bytes()).unwrap();
    let coded = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let (text, is_whole) = kept(1000, Terms::default(), &coded, &packed).unwrap();
    assert_eq!((text.as_str(), is_whole), (r#"{"pan":"************5556","note":"ö"}"#, true));
}

#[test]
fn nothing_is_kept_of_what_is_revealed_of_what_is_no_text_and_where_nothing_is_to_be_kept() {
    let json = [("content-type", "application/json")];
    let body = format!(r#"{{"pan":"{CARD}"}}"#);
    assert_eq!(kept(1000, reveal(), &json, body.as_bytes()), None);
    assert_eq!(kept(0, Terms::default(), &json, body.as_bytes()), None);
    assert_eq!(kept(1000, Terms::default(), &[("content-type", "image/png")], b"\x89PNG\xff\xfe"), None);
}
