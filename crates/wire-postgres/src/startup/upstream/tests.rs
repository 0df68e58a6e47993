mod server;

use access::{Code, SessionId};
use proptest::prelude::*;

use super::*;
use server::Server;

const END_POINT: &[u8] = b"hash of the certificate";

fn login(channel_binding: ChannelBinding) -> Login {
    Login {
        user: "app_rw".into(),
        password: Secret::from(String::from("pencil")),
        database: "payments".into(),
        parameters: vec![("application_name".into(), "psql".into())],
        clear_text_allowed: true,
        channel_binding,
    }
}

fn bound() -> ChannelBinding {
    ChannelBinding::ServerEndPoint(END_POINT.into())
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn authentication(kind: u32, data: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes()[..], data].concat())
}

fn ok() -> Vec<u8> {
    authentication(0, b"")
}

/// What a server says after AuthenticationOk.
fn settled() -> Vec<u8> {
    [
        message(b'S', b"server_version\x0016.4\0"),
        message(b'N', b"SWARNING\0C01000\0Mhello\0\0"),
        message(b'S', b"client_encoding\0UTF8\0"),
        message(b'S', b"server_version\x0017.1\0"),
        message(b'K', &[&7_u32.to_be_bytes()[..], &[9; 32]].concat()),
        message(b'Z', b"I"),
    ]
    .concat()
}

fn ready() -> Ready {
    Ready {
        parameters: vec![("client_encoding".into(), "UTF8".into()), ("server_version".into(), "17.1".into())],
        process_id: 7,
        key: [9; 32].into(),
    }
}

/// A beginning whose StartupMessage is sent.
fn begun(login: Login) -> Upstream {
    let mut upstream = Upstream::new(login);
    assert!(matches!(upstream.poll(), Some(UpstreamStep::Send(_))));
    upstream
}

fn sent(upstream: &mut Upstream) -> Vec<u8> {
    match upstream.poll() {
        Some(UpstreamStep::Send(bytes)) => bytes.to_vec(),
        Some(UpstreamStep::Ready(_)) => panic!("ready, where a message was expected"),
        None => panic!("nothing was sent"),
    }
}

fn ends(upstream: &mut Upstream) -> Ready {
    match upstream.poll() {
        Some(UpstreamStep::Ready(ready)) => ready,
        Some(UpstreamStep::Send(_)) | None => panic!("not ready"),
    }
}

/// What comes of `input`, which every way of cutting it in equal pieces must agree on.
fn outcome(login: &Login, input: &[u8]) -> Result<Option<Ready>, Failure> {
    let run = |size: usize| {
        let mut upstream = begun(login.clone());
        let received = input.chunks(size).try_for_each(|chunk| upstream.receive(chunk));
        let ready = std::iter::from_fn(|| upstream.poll()).find_map(|step| match step {
            UpstreamStep::Ready(ready) => Some(ready),
            UpstreamStep::Send(_) => None,
        });
        received.map(|()| ready)
    };
    let whole = run(input.len());
    (1..input.len()).for_each(|size| assert_eq!(run(size), whole, "cut in pieces of {size}"));
    whole
}

fn rule(login: &Login, input: &[u8]) -> &'static str {
    match outcome(login, input) {
        Err(Failure::Violation(violation)) => violation.rule,
        other => panic!("no violation but {other:?}"),
    }
}

/// Goes through SCRAM up to the server's proof, which it returns with the machine.
fn scram(login: Login, mechanisms: &[u8], server: &mut Server) -> (Upstream, String, Option<Vec<u8>>) {
    let mut upstream = begun(login);
    upstream.receive(&authentication(10, mechanisms)).unwrap();
    let initial = sent(&mut upstream);
    let end = 5 + initial[5..].iter().position(|byte| *byte == 0).unwrap();
    let mechanism = String::from_utf8(initial[5..end].to_vec()).unwrap();
    let length = u32::from_be_bytes(*initial[end + 1..].first_chunk().unwrap());
    assert_eq!(length as usize, initial.len() - end - 5);
    upstream.receive(&authentication(11, &server.first(&initial[end + 5..]))).unwrap();
    let last = server.last(&sent(&mut upstream)[5..]);
    (upstream, mechanism, last)
}

#[test]
fn it_asks_for_3_0_and_utf8_whatever_the_agent_asks_for() {
    let mut login = login(ChannelBinding::None);
    login.parameters.push(("client_encoding".into(), "LATIN1".into()));
    let startup = [
        &b"\0\x03\0\0user\0app_rw\0database\0payments\0"[..],
        b"client_encoding\0UTF8\0standard_conforming_strings\0on\0application_name\0psql\0\0",
    ]
    .concat();
    assert_eq!(sent(&mut Upstream::new(login))[4..], startup[..]);
}

#[test]
fn a_server_that_trusts_is_ready_at_once() {
    let input = [ok(), settled()].concat();
    assert_eq!(outcome(&login(ChannelBinding::None), &input), Ok(Some(ready())));
}

#[test]
fn a_password_in_clear_text_is_sent_only_where_that_is_allowed() {
    let mut upstream = begun(login(ChannelBinding::None));
    upstream.receive(&authentication(3, b"")).unwrap();
    assert_eq!(sent(&mut upstream), message(b'p', b"pencil\0"));
    upstream.receive(&[ok(), settled()].concat()).unwrap();
    assert_eq!(ends(&mut upstream), ready());

    let mut plain = begun(Login { clear_text_allowed: false, ..login(ChannelBinding::None) });
    assert!(matches!(plain.receive(&authentication(3, b"")), Err(Failure::Method(_))));
    assert!(plain.poll().is_none());
}

#[test]
fn md5_is_answered_with_the_salted_hash() {
    let mut upstream = begun(Login { user: "md5_user".into(), ..login(ChannelBinding::None) });
    upstream.receive(&authentication(5, &[0x2a, 0x3d, 0x8f, 0xe0])).unwrap();
    // md5(md5("pencil" || "md5_user") || salt), by the server's own rule (§55.2.1).
    let inner = postgres_protocol::authentication::md5_hash(b"md5_user", b"pencil", [0x2a, 0x3d, 0x8f, 0xe0]);
    assert_eq!(sent(&mut upstream), message(b'p', format!("{inner}\0").as_bytes()));
}

#[test]
fn scram_proves_both_sides() {
    let mut server = Server::new("pencil", None);
    let (mut upstream, mechanism, last) =
        scram(login(ChannelBinding::None), b"SCRAM-SHA-256\0\0", &mut server);
    assert_eq!(mechanism, "SCRAM-SHA-256");
    let end = [authentication(12, &last.unwrap()), ok(), settled()].concat();
    upstream.receive(&end).unwrap();
    assert_eq!(ends(&mut upstream), ready());
}

#[test]
fn scram_is_bound_to_the_channel_where_both_can() {
    let mut server = Server::new("pencil", Some(END_POINT));
    let (mut upstream, mechanism, last) =
        scram(login(bound()), b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", &mut server);
    assert_eq!(mechanism, "SCRAM-SHA-256-PLUS");
    upstream.receive(&[authentication(12, &last.unwrap()), ok(), settled()].concat()).unwrap();
    assert_eq!(ends(&mut upstream), ready());
}

#[test]
fn a_server_behind_another_certificate_does_not_believe_a_bound_proof() {
    let mut server = Server::new("pencil", Some(b"hash of another certificate"));
    assert_eq!(scram(login(bound()), b"SCRAM-SHA-256-PLUS\0\0", &mut server).2, None);
}

#[test]
fn a_server_whose_offer_of_binding_was_cut_out_notices() {
    let mut server = Server::new("pencil", Some(END_POINT));
    assert_eq!(scram(login(bound()), b"SCRAM-SHA-256\0\0", &mut server).2, None);
}

#[test]
fn a_server_that_does_not_know_the_password_is_not_believed() {
    let mut server = Server::new("pencil", None);
    let (mut upstream, _, last) = scram(login(ChannelBinding::None), b"SCRAM-SHA-256\0\0", &mut server);
    let mut forged = last.unwrap();
    forged[2] = if forged[2] == b'A' { b'B' } else { b'A' };
    let end = [authentication(12, &forged), ok(), settled()].concat();
    assert!(matches!(upstream.receive(&end), Err(Failure::Unproven(_))));
    assert!(upstream.poll().is_none());
}

#[test]
fn ok_is_not_believed_before_the_servers_proof() {
    let sasl = authentication(10, b"SCRAM-SHA-256\0\0");
    let early = [sasl, ok(), settled()].concat();
    assert!(matches!(outcome(&login(ChannelBinding::None), &early), Err(Failure::Unproven(_))));

    let mut server = Server::new("pencil", None);
    let (mut upstream, ..) = scram(login(ChannelBinding::None), b"SCRAM-SHA-256\0\0", &mut server);
    assert!(matches!(upstream.receive(&[ok(), settled()].concat()), Err(Failure::Unproven(_))));
}

#[test]
fn a_nonce_that_does_not_begin_with_ours_is_not_believed() {
    let mut upstream = begun(login(ChannelBinding::None));
    upstream.receive(&authentication(10, b"SCRAM-SHA-256\0\0")).unwrap();
    let first = authentication(11, b"r=other,s=c2FsdA==,i=4096");
    assert!(matches!(upstream.receive(&first), Err(Failure::Unproven(_))));
}

#[test]
fn other_ways_of_signing_in_are_refused() {
    for request in [
        authentication(2, b""),
        authentication(7, b""),
        authentication(9, b""),
        authentication(10, b"OAUTHBEARER\0\0"),
        authentication(10, b"SCRAM-SHA-256-PLUS\0\0"),
        authentication(10, b"\0"),
    ] {
        assert!(
            matches!(outcome(&login(ChannelBinding::None), &request), Err(Failure::Method(_))),
            "{request:?}"
        );
    }
}

#[test]
fn one_request_is_answered_once() {
    let twice = [authentication(3, b""), authentication(3, b"")].concat();
    assert!(rule(&login(ChannelBinding::None), &twice).contains("does not follow"));
    let final_first = authentication(12, b"v=AAAA");
    assert!(rule(&login(ChannelBinding::None), &final_first).contains("does not follow"));
}

#[test]
fn a_refusal_keeps_the_servers_words_for_operators() {
    let error =
        message(b'E', b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"app_rw\"\0\0");
    let Err(failure) = outcome(&login(ChannelBinding::None), &error) else { panic!("no failure") };
    assert_eq!(
        failure.to_string(),
        "the upstream refused the session: password authentication failed for user \"app_rw\" (SQLSTATE 28P01)"
    );
    let told = failure.refusal(SessionId(1).request(0));
    assert_eq!(told.code, Code::UpstreamUnavailable);
    assert!(!told.detail.contains("app_rw"));
}

#[test]
fn an_agent_whose_setting_the_server_rejects_is_told_so() {
    let failure = Failure::Refused { sqlstate: "22023".into(), message: "invalid value".into() };
    assert_eq!(failure.refusal(SessionId(1).request(0)).code, Code::NotSupported);
}

#[test]
fn what_has_no_place_is_a_violation() {
    let login = login(ChannelBinding::None);
    for (input, part) in [
        (message(b'Z', b"I"), "before authentication"),
        (message(b'S', b"a\0b\0"), "before authentication"),
        (message(b'v', &[0; 8]), "NegotiateProtocolVersion"),
        ([ok(), ok()].concat(), "before ReadyForQuery"),
        ([ok(), message(b'D', &[0, 0])].concat(), "before ReadyForQuery"),
        ([ok(), message(b'Z', b"I")].concat(), "without BackendKeyData"),
        ([ok(), message(b'K', &[0; 8]), message(b'Z', b"T")].concat(), "inside a transaction"),
        ([ok(), message(b'K', &[0; 7])].concat(), "BackendKeyData"),
        ([ok(), message(b'K', &[0; 261])].concat(), "BackendKeyData"),
        ([ok(), message(b'K', &[0; 8]), message(b'K', &[0; 8])].concat(), "BackendKeyData"),
        ([ok(), message(b'S', b"a\0b")].concat(), "ParameterStatus"),
        (
            [ok(), message(b'S', b"client_encoding\0LATIN1\0"), message(b'K', &[0; 8]), message(b'Z', b"I")]
                .concat(),
            "client_encoding",
        ),
        (
            [
                ok(),
                message(b'S', b"standard_conforming_strings\0off\0"),
                message(b'K', &[0; 8]),
                message(b'Z', b"I"),
            ]
            .concat(),
            "standard_conforming_strings",
        ),
        (vec![b'R', 0, 0, 0, 3], "length below 4"),
        (vec![b'R', 0xff, 0, 0, 0], "longer than the limit"),
        (message(b'R', &[0, 0]), "too short"),
    ] {
        let rule = rule(&login, &input);
        assert!(rule.contains(part), "{rule}");
    }
}

#[test]
fn nothing_may_follow_ready_for_query() {
    let mut upstream = begun(login(ChannelBinding::None));
    let input = [ok(), settled(), message(b'Z', b"I")].concat();
    assert!(upstream.receive(&input).is_err());
}

#[test]
fn a_server_that_never_gets_ready_is_left() {
    let mut upstream = begun(login(ChannelBinding::None));
    upstream.receive(&ok()).unwrap();
    let notice = message(b'N', &[b'x'; 1000]);
    let left = (0..1000).find(|_| upstream.receive(&notice).is_err());
    assert!(left.is_some_and(|notices| notices < 300));
}

#[test]
fn the_answer_to_ssl_request_is_one_byte() {
    assert_eq!(ssl_request(), &[0, 0, 0, 8, 4, 210, 22, 47][..]);
    assert_eq!(ssl_answer(b""), Ok(None));
    assert_eq!(ssl_answer(b"S"), Ok(Some(TlsAnswer::Upgrade)));
    assert_eq!(ssl_answer(b"N"), Ok(Some(TlsAnswer::Unavailable)));
    for answer in [&b"SR"[..], b"NR", b"E\0\0\0\x05\0", b"\x15"] {
        assert!(ssl_answer(answer).is_err(), "{answer:?}");
    }
}

#[test]
fn a_cancel_request_carries_a_key_of_any_length() {
    assert_eq!(cancel_request(7, &[1, 2, 3, 4]), &[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 1, 2, 3, 4][..]);
    assert_eq!(cancel_request(7, &[1; 32])[..4], [0, 0, 0, 44]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_break_it(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_upstream_startup(&data);
    }

    #[test]
    fn no_change_to_a_good_beginning_breaks_it(
        seed in 0..3_usize, cut in any::<u8>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let corpus = [
            [ok(), settled()].concat(),
            [authentication(10, b"SCRAM-SHA-256\0\0"), authentication(11, b"r=a,s=c2FsdA==,i=64")].concat(),
            [authentication(5, &[1, 2, 3, 4]), ok(), settled()].concat(),
        ];
        let mut data = [vec![cut], corpus[seed].clone()].concat();
        for (at, byte) in changes {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzz_upstream_startup(&data);
    }
}
