use access::Code;
use proptest::prelude::*;

use super::*;
use crate::startup::Opening;

const LOOPBACK: Transport = Transport { tls: false, tls_offered: true, plain_allowed: true };
const ELSEWHERE: Transport = Transport { tls: false, tls_offered: true, plain_allowed: false };
const DIRECT_TLS: Transport = Transport { tls: true, tls_offered: true, plain_allowed: false };
const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

fn agent(transport: Transport) -> Agent {
    Agent::new(SessionId(1), transport, Auth::default())
}

fn oauth_agent() -> Agent {
    let discovery = Discovery {
        openid_configuration: "https://idp.example.com/.well-known/openid-configuration".into(),
        scope: "openid \"db\"".into(),
    };
    Agent::new(SessionId(1), LOOPBACK, Auth { method: Method::OAuthBearer, discovery: Some(discovery) })
}

fn packet(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &packet(body)].concat()
}

fn code(code: u32) -> Vec<u8> {
    packet(&code.to_be_bytes())
}

fn ssl_request() -> Vec<u8> {
    code(80_877_103)
}

fn startup(version: u32, parameters: &str) -> Vec<u8> {
    packet(&[&version.to_be_bytes()[..], parameters.as_bytes()].concat())
}

fn psql() -> Vec<u8> {
    startup(0x3_0000, "user\0agent\0database\0payments-db\0application_name\0psql\0\0")
}

fn password(token: &str) -> Vec<u8> {
    tagged(b'p', format!("{token}\0").as_bytes())
}

fn bearer(response: &[u8]) -> Vec<u8> {
    let length = u32::try_from(response.len()).unwrap().to_be_bytes();
    tagged(b'p', &[b"OAUTHBEARER\0", &length[..], response].concat())
}

/// One line for each step: messages as text, with tags and NULs made visible.
fn steps(agent: &mut Agent) -> Vec<String> {
    std::iter::from_fn(|| agent.poll()).map(|step| describe(&step)).collect()
}

fn describe(step: &Step) -> String {
    match step {
        Step::Send(bytes) if bytes.len() == 1 => format!("send {}", text(bytes)),
        Step::Send(bytes) => format!("send {}", messages(bytes)),
        Step::UpgradeTls => "upgrade".into(),
        Step::Cancel { process_id, key } => format!("cancel {process_id} {key:?}"),
        Step::Authenticate(Presented { token, user, database, parameters, protocol_minor, .. }) => {
            let token = token.expose_str().unwrap();
            format!("authenticate {user}@{database} 3.{protocol_minor} token={token} {parameters:?}")
        }
        Step::Close(Ended::Refused(refusal)) => format!("close {} {}", refusal.code, refusal.detail),
        Step::Close(Ended::Violation(violation)) => format!("close {}", violation.rule),
        Step::Close(ended) => format!("close {ended:?}"),
    }
}

/// Each message as its tag and its body, an ErrorResponse as its SQLSTATE and hint.
fn messages(mut bytes: &[u8]) -> String {
    let mut all = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let length = u32::from_be_bytes(*rest.first_chunk().unwrap()) as usize;
        let (body, after) = rest.split_at(length);
        let body = text(&body[4..]);
        let field =
            |kind| body.split('.').find_map(|field| field.strip_prefix(kind)).unwrap_or_default().to_owned();
        all.push(match tag {
            b'E' => format!("Error {}", field('C')),
            tag => format!("{} {body}", char::from(*tag)),
        });
        bytes = after;
    }
    all.join("; ")
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' }).collect()
}

/// Feeds `input` in one piece, and checks that every way of cutting it in equal pieces gives the same.
fn run(new: impl Fn() -> Agent, input: &[u8]) -> Vec<String> {
    let mut whole = new();
    whole.receive(input);
    let whole = steps(&mut whole);
    let sizes = if input.len() < 1_000 { 1..input.len() } else { input.len() / 2..input.len() / 2 + 10 };
    for size in sizes {
        let mut cut = new();
        input.chunks(size).for_each(|chunk| cut.receive(chunk));
        assert_eq!(steps(&mut cut), whole, "cut in pieces of {size}");
    }
    whole
}

fn on_loopback(input: &[u8]) -> Vec<String> {
    run(|| agent(LOOPBACK), input)
}

/// The ErrorResponse that `input` is answered with on loopback, NULs as full stops.
fn told(transport: Transport, input: &[u8]) -> String {
    let mut agent = agent(transport);
    agent.receive(input);
    let sent = std::iter::from_fn(|| agent.poll()).filter_map(|step| match step {
        Step::Send(bytes) => Some(text(&bytes)),
        _ => None,
    });
    sent.last().unwrap()
}

#[test]
fn a_token_comes_as_the_password() {
    assert_eq!(
        on_loopback(&[psql(), password("eyJ")].concat()),
        ["send R ....", r#"authenticate agent@payments-db 3.0 token=eyJ [("application_name", "psql")]"#,]
    );
}

#[test]
fn tls_is_granted_before_anything_is_said() {
    let mut agent = agent(ELSEWHERE);
    agent.receive(&ssl_request());
    assert_eq!(steps(&mut agent), ["send S", "upgrade"]);
    agent.tls_established();
    agent.receive(&psql());
    assert_eq!(steps(&mut agent), ["send R ...."]);
}

#[test]
fn direct_tls_needs_no_request() {
    assert_eq!(run(|| agent(DIRECT_TLS), &psql()), ["send R ...."]);
    assert!(super::super::first_byte_is_tls(0x16));
    assert!(!super::super::first_byte_is_tls(psql()[0]));
}

#[test]
fn gss_encryption_is_declined_and_tls_can_still_be_asked_for() {
    let mut agent = agent(ELSEWHERE);
    agent.receive(&code(80_877_104));
    assert_eq!(steps(&mut agent), ["send N"]);
    agent.receive(&ssl_request());
    assert_eq!(steps(&mut agent), ["send S", "upgrade"]);
}

#[test]
fn without_a_certificate_tls_is_declined_and_loopback_goes_on_in_plain_text() {
    let without = Transport { tls_offered: false, ..LOOPBACK };
    assert_eq!(run(|| agent(without), &[ssl_request(), psql()].concat()), ["send N", "send R ...."]);
}

#[test]
fn plain_text_from_elsewhere_is_refused_before_a_token_is_asked_for() {
    assert_eq!(
        run(|| agent(ELSEWHERE), &[psql(), password("eyJ")].concat()),
        ["send Error 0A000", "close PGD-0014 an unencrypted connection from another machine"]
    );
    assert!(told(ELSEWHERE, &psql()).contains("HConnect with sslmode=require."));
    assert!(told(Transport { tls_offered: false, ..ELSEWHERE }, &psql()).contains("configure `tls`"));
}

#[test]
fn bytes_stuffed_between_ssl_request_and_handshake_end_the_connection() {
    let stuffed = [ssl_request(), psql()].concat();
    let mut agent = agent(ELSEWHERE);
    agent.receive(&stuffed);
    assert_eq!(steps(&mut agent), ["send Error 08P01", "close bytes between SSLRequest and TLS handshake"]);

    let mut late = super::Agent::new(SessionId(1), ELSEWHERE, Auth::default());
    late.receive(&ssl_request());
    late.receive(&psql());
    assert_eq!(
        steps(&mut late)[2..],
        ["send Error 08P01", "close bytes between SSLRequest and TLS handshake"]
    );
}

#[test]
fn encryption_is_asked_for_once_and_not_inside_tls() {
    let gss = code(80_877_104);
    assert_eq!(
        on_loopback(&[gss.clone(), gss].concat())[1..],
        ["send Error 08P01", "close a GSSENCRequest inside TLS, or a second one"]
    );
    assert_eq!(run(|| agent(DIRECT_TLS), &ssl_request())[0], "send Error 08P01");
}

#[test]
fn a_cancel_request_has_no_answer_and_may_come_in_plain_text() {
    let request = packet(&[&80_877_102_u32.to_be_bytes()[..], &7_u32.to_be_bytes(), &[1, 2, 3, 4]].concat());
    assert_eq!(run(|| agent(ELSEWHERE), &request), ["cancel 7 [1, 2, 3, 4]", "close Cancel"]);
}

#[test]
fn a_cancel_key_is_4_to_256_bytes_long() {
    for (length, fits) in [(0, false), (3, false), (4, true), (256, true), (257, false)] {
        let request = packet(&[&80_877_102_u32.to_be_bytes()[..], &[0; 4], &vec![9; length]].concat());
        assert_eq!(on_loopback(&request)[0].starts_with("cancel"), fits, "{length}");
    }
}

#[test]
fn a_cancel_request_of_ours_is_read_as_it_was_meant() {
    let request = crate::startup::cancel_request(7, &[1, 2, 3, 4]);
    assert_eq!(on_loopback(&request)[0], "cancel 7 [1, 2, 3, 4]");
}

#[test]
fn a_malformed_startup_packet_is_told_what_is_wrong() {
    for (parameters, rule) in [
        ("user", "a startup packet without a terminator"),
        ("user\0", "a startup parameter without a value"),
        ("user\0agent\0", "a startup packet without a terminator"),
        ("user\0agent\0\0x", "a startup packet with something after its terminator"),
        ("user\0a\0user\0b\0\0", "a startup packet that names the user or the database twice"),
    ] {
        let close = format!("close {rule}");
        assert_eq!(on_loopback(&startup(0x3_0000, parameters)), ["send Error 08P01", &close]);
    }
    assert_eq!(on_loopback(&[0, 0, 0, 3])[1], "close a startup packet whose length is below 4");
    assert_eq!(on_loopback(&[0, 0, 0, 4])[1], "close a startup packet without a protocol version");
    assert_eq!(on_loopback(b"GET / HTTP/1.1\r\n\r\n")[1], "close a startup packet longer than 10,000 bytes");
}

#[test]
fn the_longest_startup_packet_is_10_000_bytes() {
    let with_name = |length: usize| {
        let name = "x".repeat(length - 4 - "user\0a\0application_name\0\0\0".len());
        startup(0x3_0000, &format!("user\0a\0application_name\0{name}\0\0"))
    };
    assert_eq!(on_loopback(&with_name(10_000)), ["send R ...."]);
    assert_eq!(on_loopback(&with_name(10_001))[1], "close a startup packet longer than 10,000 bytes");
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    let body = [&[0, 3, 0, 0][..], b"user\0\xff\0\0"].concat();
    assert_eq!(on_loopback(&packet(&body))[1], "close a startup parameter that is not UTF-8");
}

#[test]
fn a_user_is_needed_and_an_absent_database_is_the_user() {
    assert_eq!(on_loopback(&startup(0x3_0000, "\0"))[1], "close PGD-0001 the startup packet names no user");
    assert_eq!(on_loopback(&startup(0x3_0000, "user\0\0\0"))[0], "send Error 28P01");
    let only_user = startup(0x3_0000, "user\0agent\0\0");
    assert_eq!(
        on_loopback(&[only_user, password("t")].concat())[1],
        "authenticate agent@agent 3.0 token=t []"
    );
}

#[test]
fn a_database_that_is_the_users_name_is_taken_for_absent_when_the_connection_is_unknown() {
    let refusal = Refusal {
        code: Code::UnknownConnection,
        request: SessionId(1).request(0),
        detail: "agent".into(),
        columns: Vec::new(),
        policies: Vec::new(),
    };
    let told = |database_is_user| text(&Answer { protocol_minor: 0, database_is_user }.refuse(&refusal));
    assert!(told(true).contains("HName a connection you may use as the database"));
    assert!(told(false).contains("HCheck the database name"));
}

#[test]
fn replication_is_refused_and_its_absence_may_be_spelled_out() {
    for value in ["true", "database", "1", "on", ""] {
        let wish = startup(0x3_0000, &format!("user\0a\0replication\0{value}\0\0"));
        assert_eq!(on_loopback(&wish)[1], "close PGD-0014 a replication connection");
    }
    assert_eq!(on_loopback(&startup(0x3_0000, "user\0a\0replication\0false\0\0")), ["send R ...."]);
}

#[test]
fn an_unfit_parameter_is_named_without_its_value() {
    let wish = startup(0x3_0000, "user\0a\0role\0hunter2\0\0");
    assert_eq!(on_loopback(&wish)[1], "close PGD-0014 the startup parameter `role`");
    assert!(!told(LOOPBACK, &wish).contains("hunter2"));
}

#[test]
fn other_protocols_are_refused() {
    assert_eq!(on_loopback(&startup(0x2_0000, ""))[1], "close PGD-0014 version 2 of the protocol");
    assert_eq!(on_loopback(&startup(0x4_0000, "user\0a\0\0"))[1], "close PGD-0014 version 4 of the protocol");
}

#[test]
fn a_newer_minor_version_and_unknown_options_are_negotiated_down() {
    for (version, parameters, answer) in [
        (0x3_0002, "user\0a\0\0", "send R ...."),
        (0x3_0001, "user\0a\0\0", "send v ........; R ...."),
        (0x3_270f, "user\0a\0\0", "send v ........; R ...."),
        (0x3_0000, "user\0a\0_pq_.x\0y\0\0", "send v ........_pq_.x.; R ...."),
    ] {
        assert_eq!(on_loopback(&startup(version, parameters)), [answer], "{version:x}");
    }
    let mut agent = agent(LOOPBACK);
    agent.receive(&startup(0x3_270f, "user\0a\0_pq_.x\0y\0\0"));
    let Some(Step::Send(sent)) = agent.poll() else { panic!("nothing sent") };
    assert!(sent.starts_with(b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0"));
}

#[test]
fn an_empty_or_malformed_password_is_refused() {
    let with = |message: Vec<u8>| on_loopback(&[psql(), message].concat());
    assert_eq!(with(password(""))[2], "close PGD-0001 the password was empty");
    assert_eq!(with(tagged(b'p', b"no terminator"))[2], "close a password message that is not one string");
    assert_eq!(with(tagged(b'p', b"a\0b\0"))[2], "close a password message that is not one string");
    assert_eq!(with(tagged(b'p', b""))[2], "close a password message that is not one string");
    assert_eq!(with(tagged(b'Q', b"select 1\0"))[2], "close another message in the place of a password");
    assert_eq!(with(tagged(b'X', b""))[1..], ["close Gone"]);
}

#[test]
fn a_token_may_be_65_534_bytes_long() {
    let longest = "t".repeat(65_534);
    assert!(on_loopback(&[psql(), password(&longest)].concat())[1].starts_with("authenticate"));
    let longer = [psql(), password(&format!("{longest}t"))].concat();
    assert_eq!(on_loopback(&longer)[2], "close PGD-0013 the token is longer than 65,535 bytes");
}

#[test]
fn a_token_comes_by_oauthbearer() {
    for response in [
        &b"n,,\x01auth=Bearer e.y-J_~+/=\x01\x01"[..],
        b"y,,\x01auth=bearer   e.y-J_~+/=\x01\x01",
        b"n,,\x01host=h\x01auth=BEARER e.y-J_~+/=\x01port=1\x01\x01",
    ] {
        let steps = run(oauth_agent, &[psql(), bearer(response)].concat());
        assert_eq!(steps[0], "send R ....OAUTHBEARER..");
        assert!(steps[1].contains(" token=e.y-J_~+/= "), "{}", steps[1]);
    }
}

#[test]
fn a_client_may_ask_for_oauthbearer_in_its_options() {
    let wish = startup(0x3_0000, "user\0a\0options\0-c panguard.auth=oauthbearer\0\0");
    assert_eq!(on_loopback(&wish), ["send R ....OAUTHBEARER.."]);
    let wish = startup(0x3_0000, "user\0a\0options\0-c panguard.auth=password\0\0");
    assert_eq!(run(oauth_agent, &wish), ["send R ...."]);
}

#[test]
fn oauthbearer_without_a_token_is_told_where_tokens_are_given() {
    let asks = [psql(), bearer(b"n,,\x01auth=\x01\x01"), tagged(b'p', b"\x01")].concat();
    assert_eq!(
        run(oauth_agent, &asks)[1..],
        [
            concat!(
                r#"send R ....{"status":"invalid_token","#,
                r#""openid-configuration":"https://idp.example.com/.well-known/openid-configuration","#,
                r#""scope":"openid \"db\""}"#
            ),
            "send Error 28P01",
            "close PGD-0001 the password was empty",
        ]
    );
}

#[test]
fn oauthbearer_without_an_initial_response_is_asked_for_it() {
    let none = tagged(b'p', b"OAUTHBEARER\0\xff\xff\xff\xff");
    let response = tagged(b'p', b"n,,\x01auth=Bearer t\x01\x01");
    let steps = run(oauth_agent, &[psql(), none, response].concat());
    assert_eq!(steps[1], "send R ....");
    assert!(steps[2].contains("token=t"));
}

#[test]
fn malformed_oauthbearer_is_refused() {
    for response in [
        &b""[..],
        b"n,,",
        b"p=tls-unique,,\x01auth=Bearer t\x01\x01",
        b"n,a=root,\x01auth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
        b"n,,\x01auth=Basic t\x01\x01",
        b"n,,\x01auth=Bearer \x01\x01",
        b"n,,\x01auth=Bearer t\0\x01\x01",
        b"n,,\x01auth=Bearer t u\x01\x01",
        b"n,,\x01host=h\x01\x01",
        b"n,,\x01\x01",
        b"n,,\x01",
        b"n,,\x01auth\x01\x01",
    ] {
        let steps = run(oauth_agent, &[psql(), bearer(response)].concat());
        assert_eq!(steps[1], "send Error 08P01", "{}", text(response));
    }
    let other = tagged(b'p', b"SCRAM-SHA-256\0\0\0\0\x01n");
    assert_eq!(run(oauth_agent, &[psql(), other].concat())[1], "send Error 0A000");
    let goes_on =
        [psql(), bearer(b"n,,\x01auth=\x01\x01"), tagged(b'p', b"n,,\x01auth=Bearer t\x01\x01")].concat();
    assert_eq!(run(oauth_agent, &goes_on)[2], "send Error 08P01");
}

#[test]
fn an_accepted_agent_gets_parameters_a_key_of_its_protocols_length_and_ready() {
    let parameters = [("server_version".to_owned(), "16.4".to_owned())];
    let opening = Opening { parameters: &parameters, process_id: 7, key: KEY };
    let accept = |protocol_minor| Answer { protocol_minor, database_is_user: false }.accept(opening);
    let old = accept(0);
    assert_eq!(messages(&old.send), "R ....; S server_version.16.4.; K ....0123; Z I");
    assert_eq!(*old.key, *b"0123");
    let new = accept(2);
    assert_eq!(messages(&new.send), format!("R ....; S server_version.16.4.; K ....{}; Z I", text(&KEY)));
    assert_eq!(*new.key, KEY);
}

#[test]
fn what_follows_the_token_is_kept_for_the_session_within_bounds() {
    let mut agent = agent(LOOPBACK);
    agent.receive(&[psql(), password("t"), tagged(b'Q', b"select 1\0")].concat());
    assert_eq!(steps(&mut agent).len(), 2);
    assert_eq!(agent.into_rest(), tagged(b'Q', b"select 1\0"));

    let mut greedy = super::Agent::new(SessionId(1), LOOPBACK, Auth::default());
    greedy.receive(&[psql(), password("t"), vec![0; 70_000]].concat());
    assert_eq!(steps(&mut greedy)[3], "close commands before the session is open");
}

#[test]
fn hanging_up_and_being_turned_away_end_it_once() {
    let refusal = Refusal {
        code: Code::LimitReached,
        request: SessionId(1).request(0),
        detail: "signing in took longer than 10 s".into(),
        columns: Vec::new(),
        policies: Vec::new(),
    };
    let mut gone = agent(LOOPBACK);
    gone.receive(&psql());
    gone.closed();
    gone.closed();
    gone.refuse(refusal.clone());
    assert_eq!(steps(&mut gone), ["send R ....", "close Gone"]);

    let mut slow = agent(LOOPBACK);
    slow.refuse(refusal.clone());
    slow.receive(&psql());
    assert_eq!(steps(&mut slow), ["send Error 54000", "close PGD-0013 signing in took longer than 10 s"]);

    let mut shaking_hands = agent(ELSEWHERE);
    shaking_hands.receive(&ssl_request());
    shaking_hands.refuse(refusal);
    assert_eq!(steps(&mut shaking_hands)[2..], ["close PGD-0013 signing in took longer than 10 s"]);
}

#[test]
fn no_token_is_in_what_the_agent_is_sent() {
    for response in [password("hunter2"), bearer(b"n,,\x01auth=Bearer hunter2\0\x01\x01")] {
        for new in [|| agent(LOOPBACK), oauth_agent] {
            let sent = run(new, &[psql(), response.clone()].concat());
            assert!(sent.iter().all(|step| step.starts_with("authenticate") || !step.contains("hunter2")));
        }
    }
}

fn corpus() -> Vec<Vec<u8>> {
    vec![
        [psql(), password("t")].concat(),
        [ssl_request(), psql(), password("t")].concat(),
        [code(80_877_104), psql()].concat(),
        startup(0x3_0002, "user\0a\0_pq_.x\0y\0options\0-c geqo=off\0\0"),
        [psql(), bearer(b"n,,\x01auth=Bearer t\x01\x01")].concat(),
        packet(&[&80_877_102_u32.to_be_bytes()[..], &[1; 8]].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_break_it(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_agent_startup(&data);
    }

    #[test]
    fn no_change_to_a_good_beginning_breaks_it(
        seed in 0..6_usize, flags in any::<u8>(), cut in any::<u8>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut data = [vec![flags, cut], corpus()[seed].clone()].concat();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzz_agent_startup(&data);
    }
}
