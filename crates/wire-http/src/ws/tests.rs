use std::fmt::Write;

use access::SessionId;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mask::{Masker, Profile};
use proptest::prelude::*;

use super::deflate::{Deflate, Inflate, WINDOW_BITS_MAX};
use super::*;
use crate::body::Opaque;
use crate::echo::Echo;

const CARD: &str = "4000056655665556";
const KEY: [u8; 4] = [9, 8, 7, 6];
const TAKES_OVER: Agreed =
    Agreed { server_takes_over: true, client_takes_over: true, server_window_bits: 15 };

fn care(strict: bool, refuses: bool) -> Care {
    Care {
        masker: Masker::new(Profile::Last4),
        rules: [].into(),
        strict,
        opaque: Opaque::Scan,
        refuses,
        echo: Echo::of(&[b"sk-injected-1"]),
        seen: None,
        is_json_alone: false,
    }
}

fn relay(strict: bool, agreed: Option<Agreed>) -> Relay {
    bounded(strict, agreed, (None, None))
}

fn bounded(strict: bool, agreed: Option<Agreed>, bytes_max: (Option<u64>, Option<u64>)) -> Relay {
    opening(strict, agreed, bytes_max).begin(Box::new(|| Some(KEY)))
}

fn opening(strict: bool, agreed: Option<Agreed>, bytes_max: (Option<u64>, Option<u64>)) -> Opening {
    Opening {
        request: SessionId(1).request(1),
        answers: care(strict, false),
        requests: care(strict, true),
        with_agent: agreed,
        with_upstream: agreed,
        in_head: 0,
        bytes_max,
        kept_bytes_max: 0,
    }
}

fn frame(kind: Kind, payload: &[u8]) -> Frame {
    Frame { is_last: true, is_compressed: false, kind, payload: payload.to_vec() }
}

fn written(from: Side, frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    let key = (from == Side::Agent).then_some(KEY);
    frames.iter().for_each(|frame| frame.clone().write(key, &mut out));
    out
}

/// What the other side is told of `frames`, in words.
fn passed(relay: &mut Relay, from: Side, frames: &[Frame]) -> String {
    relay.push(from, &written(from, frames));
    told(relay, other(from), None)
}

/// What is to be sent to `side`, in words.
fn told(relay: &mut Relay, side: Side, mut inflate: Option<Inflate>) -> String {
    let mut reader = Reader::new(side == Side::Upstream, true);
    reader.push(&relay.take(side));
    let mut said = String::new();
    while let Some(frame) = reader.next(MESSAGE_BYTES_MAX).unwrap() {
        let payload = match (&mut inflate, frame.is_compressed) {
            (Some(inflate), true) => inflate.message(&frame.payload, MESSAGE_BYTES_MAX).unwrap(),
            _ => frame.payload,
        };
        let text = match frame.kind {
            Kind::Close => match payload.split_first_chunk::<2>() {
                Some((code, reason)) => {
                    format!("{} {}", u16::from_be_bytes(*code), String::from_utf8_lossy(reason))
                }
                None => String::new(),
            },
            _ => String::from_utf8_lossy(&payload).into_owned(),
        };
        writeln!(said, "{:?} {text}", frame.kind).unwrap();
    }
    said
}

#[test]
fn messages_pass_as_they_are_and_their_order_stays() {
    let frames = [
        frame(Kind::Text, "grüße".as_bytes()),
        frame(Kind::Ping, b"are you there"),
        Frame { is_last: false, ..frame(Kind::Text, b"in ") },
        frame(Kind::Pong, b"yes"),
        frame(Kind::Continuation, b"parts"),
        frame(Kind::Text, b""),
        frame(Kind::Close, &[3, 232]),
    ];
    let expected = "Text grüße\nPing are you there\nPong yes\nText in parts\nText \nClose 1000 \n";
    for from in [Side::Agent, Side::Upstream] {
        assert_eq!(passed(&mut relay(true, None), from, &frames), expected);
    }
}

#[test]
fn a_card_number_is_masked_wherever_its_message_is_cut() {
    for cut in 0..=CARD.len() {
        let (first, last) = CARD.split_at(cut);
        let frames = [
            Frame { is_last: false, ..frame(Kind::Text, first.as_bytes()) },
            frame(Kind::Ping, b""),
            frame(Kind::Continuation, last.as_bytes()),
        ];
        assert_eq!(
            passed(&mut relay(false, None), Side::Upstream, &frames),
            "Ping \nText ************5556\n"
        );
    }
}

#[test]
fn control_frames_carry_no_card_number_and_no_credential() {
    for kind in [Kind::Ping, Kind::Pong] {
        let said = passed(&mut relay(false, None), Side::Upstream, &[frame(kind, CARD.as_bytes())]);
        assert_eq!(said, format!("{kind:?} ************5556\n"));
        let said = passed(&mut relay(false, None), Side::Upstream, &[frame(kind, b"sk-injected-1")]);
        assert!(!said.contains("injected"), "{said}");
    }
    let close = frame(Kind::Close, &[&[3, 232], CARD.as_bytes()].concat());
    assert_eq!(passed(&mut relay(false, None), Side::Upstream, &[close]), "Close 1000 ************5556\n");
}

#[test]
fn a_card_number_of_the_agents_ends_the_socket_and_nothing_of_it_is_sent() {
    let mut it = relay(false, None);
    let said = passed(&mut it, Side::Agent, &[frame(Kind::Text, format!("pay {CARD}").as_bytes())]);
    assert_eq!(said, "Close 1001 \n");
    assert_eq!(told(&mut it, Side::Agent, None), "Close 1008 PGD-0006: card data\n");
    assert_eq!(it.outcome().status, Status::Withheld("card data"));
    assert_eq!(passed(&mut it, Side::Agent, &[frame(Kind::Text, b"more")]), "");
}

#[test]
fn a_number_that_is_taken_apart_over_messages_does_not_pass_in_strict_mode() {
    for size in 1..CARD.len() {
        let mut it = relay(true, None);
        let frames: Vec<Frame> = CARD.as_bytes().chunks(size).map(|part| frame(Kind::Text, part)).collect();
        let said = passed(&mut it, Side::Upstream, &frames);
        assert!(said.bytes().filter(u8::is_ascii_digit).count() <= 8, "{size}: {said}");
    }
    let ends = [frame(Kind::Text, b"card 4000056655"), frame(Kind::Text, b"665556 end")];
    assert_eq!(
        passed(&mut relay(true, None), Side::Upstream, &ends),
        "Text card **********\nText ****** end\n"
    );
    let ends = [frame(Kind::Text, b"order 12"), frame(Kind::Text, b"340 pieces")];
    assert_eq!(passed(&mut relay(true, None), Side::Upstream, &ends), "Text order 12\nText 340 pieces\n");
}

#[test]
fn what_is_packed_is_unpacked_looked_at_and_packed_for_the_other_side() {
    let mut it = relay(false, Some(TAKES_OVER));
    let mut deflate = Deflate::new(true, WINDOW_BITS_MAX);
    let frames: Vec<Frame> = ["nothing here", CARD, CARD, ""]
        .iter()
        .map(|text| Frame {
            is_compressed: true,
            ..frame(Kind::Text, &deflate.message(text.as_bytes()).unwrap())
        })
        .collect();
    it.push(Side::Upstream, &written(Side::Upstream, &frames));
    let said = told(&mut it, Side::Agent, Some(Inflate::new(true)));
    assert_eq!(said, "Text nothing here\nText ************5556\nText ************5556\nText \n");
}

#[test]
fn a_message_that_unpacks_to_too_much_ends_the_socket() {
    let mut deflate = Deflate::new(true, WINDOW_BITS_MAX);
    let bomb = deflate.message(&vec![b'a'; MESSAGE_BYTES_MAX + 1]).unwrap();
    let mut it = relay(false, Some(TAKES_OVER));
    let bomb = Frame { is_compressed: true, ..frame(Kind::Text, &bomb) };
    it.push(Side::Agent, &written(Side::Agent, &[bomb]));
    assert!(told(&mut it, Side::Agent, None).starts_with("Close 1009"));
}

#[test]
fn a_message_has_no_more_bytes_than_a_body_may_have() {
    let parts = |size: usize| {
        let part = "a".repeat(size);
        let first = Frame { is_last: false, ..frame(Kind::Text, part.as_bytes()) };
        [first, frame(Kind::Continuation, part.as_bytes())]
    };
    for (side, code) in [(Side::Agent, "Close 1009"), (Side::Upstream, "Close 1011")] {
        let mut it = bounded(false, None, (Some(10), Some(10)));
        assert_eq!(passed(&mut it, side, &parts(5)), "Text aaaaaaaaaa\n");
        assert!(passed(&mut it, side, &parts(6)).starts_with("Close"));
        assert!(side == Side::Upstream || told(&mut it, Side::Agent, None).starts_with(code), "{code}");
    }
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_so_and_the_other_is_left() {
    let cases: [(&[u8], u16); 9] = [
        (&[0xc1, 0], 1002),
        (&[0x91, 0], 1002),
        (&[0x83, 0], 1002),
        (&[0x80, 0], 1002),
        (&[0x09, 0], 1002),
        (&[0x81, 0x80, 0, 0, 0, 0], 1002),
        (&[0x81, 126, 0, 5], 1002),
        (&[0x81, 2, 0xff, 0xfe], 1007),
        (&[0x81, 127, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff], 1009),
    ];
    for (bytes, code) in cases {
        let mut it = relay(false, None);
        it.push(Side::Upstream, bytes);
        assert_eq!(told(&mut it, Side::Upstream, None), format!("Close {code} \n"), "{bytes:?}");
        assert!(told(&mut it, Side::Agent, None).starts_with("Close 1011 PGD-0011"));
        assert!(it.is_over());
    }
}

/// What is kept of `frames` of the upstream, by a connection that keeps so many bytes, once the socket is closed.
fn kept(bytes_max: usize, frames: &[Frame]) -> Option<(String, bool)> {
    let opening = Opening { kept_bytes_max: bytes_max, ..opening(false, None, (None, None)) };
    let mut relay = opening.begin(Box::new(|| Some(KEY)));
    relay.push(Side::Upstream, &written(Side::Upstream, frames));
    relay.push(Side::Agent, &written(Side::Agent, &[frame(Kind::Text, b"what the agent says is not")]));
    relay.shut_down();
    let told = relay.outcome().told?;
    Some((told.text.expose().to_string(), told.is_whole))
}

#[test]
fn the_texts_that_the_agent_is_told_are_kept_masked_up_to_a_bound() {
    let texts = [frame(Kind::Text, CARD.as_bytes()), frame(Kind::Text, "zwölf".as_bytes())];
    assert_eq!(kept(1000, &texts), Some(("************5556\nzwölf\n".into(), true)));
    assert_eq!(kept(19, &texts), Some(("************5556\nzw".into(), false)), "no letter is cut");
    assert_eq!(kept(0, &texts), None);
    assert_eq!(kept(1000, &[frame(Kind::Binary, b"pixels")]), None);
    let both = [frame(Kind::Binary, b"pixels"), frame(Kind::Text, b"a word")];
    assert_eq!(kept(1000, &both), Some(("a word\n".into(), false)));
    assert_eq!(kept(1000, &[]), None);
}

#[test]
fn a_token_that_holds_no_more_closes_both_sides() {
    let mut it = relay(false, None);
    it.expired();
    assert!(told(&mut it, Side::Agent, None).starts_with("Close 1008 PGD-0002"));
    assert_eq!(told(&mut it, Side::Upstream, None), "Close 1001 \n");
    assert_eq!(passed(&mut it, Side::Agent, &[frame(Kind::Text, b"more")]), "");
}

#[test]
fn both_sides_close_and_the_outcome_says_how() {
    let mut it = relay(false, None);
    assert_eq!(passed(&mut it, Side::Agent, &[frame(Kind::Text, b"hello")]), "Text hello\n");
    let close = frame(Kind::Close, &[&4001_u16.to_be_bytes()[..], b"enough"].concat());
    assert_eq!(passed(&mut it, Side::Agent, std::slice::from_ref(&close)), "Close 4001 enough\n");
    assert!(it.is_closing() && !it.is_over());
    assert_eq!(passed(&mut it, Side::Upstream, &[close]), "Close 4001 enough\n");
    assert!(it.is_over());
    let Outcome { status, rows, .. } = it.outcome();
    assert_eq!((status, rows), (Status::Completed("4001".into()), 1));
}

// --- the handshake -------------------------------------------------------------------------------------

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    all.iter().map(pair).collect()
}

const ASKED: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn asked(more: &[(&str, &str)]) -> Handshake {
    Handshake::asked(&Method::GET, &headers(&[&ASKED, more].concat()), [7; 16]).unwrap()
}

/// What the upstream is asked, and what it answers that agrees to it.
fn agreeing(it: &Handshake, more: &[(&str, &str)]) -> HeaderMap {
    let mut sent = HeaderMap::new();
    it.ask(&mut sent);
    assert_ne!(sent["sec-websocket-key"], ASKED[3].1, "the agent's key stays here");
    let hash = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
        &[sent["sec-websocket-key"].as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat(),
    );
    let accept = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    let all =
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", accept.as_str())];
    headers(&[&all, more].concat())
}

#[test]
fn the_agent_is_answered_by_its_own_key() {
    let it = asked(&[]);
    let opened = it.check(&agreeing(&it, &[])).unwrap();
    let mut told = HeaderMap::new();
    assert_eq!(it.tell(&opened, &mut told), None);
    // The example of RFC 6455 §1.3.
    assert_eq!(told["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn a_handshake_that_is_none_is_an_ordinary_request() {
    let one_else = |name: &str, value: &'static str| {
        let all = ASKED.map(|(field, was)| (field, if field == name { value } else { was }));
        Handshake::asked(&Method::GET, &headers(&all), [7; 16]).is_none()
    };
    assert!(one_else("upgrade", "h2c"));
    assert!(one_else("connection", "keep-alive"));
    assert!(one_else("sec-websocket-version", "8"));
    assert!(one_else("sec-websocket-key", "c2hvcnQ="));
    assert!(Handshake::asked(&Method::POST, &headers(&ASKED), [7; 16]).is_none());
}

#[test]
fn an_upstream_agrees_only_to_what_it_was_offered() {
    let it = asked(&[("sec-websocket-protocol", "chat, superchat")]);
    let check = |more: &[(&str, &str)]| it.check(&agreeing(&it, more)).is_ok();
    assert!(check(&[]));
    assert!(check(&[("sec-websocket-protocol", "superchat")]));
    assert!(!check(&[("sec-websocket-protocol", "other")]));
    assert!(!check(&[("sec-websocket-protocol", "chat, superchat")]));
    assert!(!check(&[("sec-websocket-extensions", "permessage-deflate")]));
    let mut wrong = agreeing(&it, &[]);
    wrong.insert("sec-websocket-accept", HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(it.check(&wrong).is_err());
}

#[test]
fn compression_is_agreed_on_with_each_side_by_itself() {
    let words = |offer: &str| {
        let it = asked(&[("sec-websocket-extensions", offer)]);
        let opened = it.check(&agreeing(&it, &[])).unwrap();
        let mut told = HeaderMap::new();
        it.tell(&opened, &mut told);
        told.get("sec-websocket-extensions").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(words("permessage-deflate").as_deref(), Some("permessage-deflate"));
    let python = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12";
    assert_eq!(words(python).as_deref(), Some("permessage-deflate; server_max_window_bits=12"));
    let both = "x-other, permessage-deflate; server_max_window_bits=8, permessage-deflate; server_no_context_takeover";
    assert_eq!(words(both).as_deref(), Some("permessage-deflate; server_no_context_takeover"));
    assert_eq!(words("permessage-deflate; server_max_window_bits=99"), None);
    assert_eq!(words("permessage-deflate; client_max_window_bits; client_max_window_bits"), None);
    assert_eq!(words("x-other"), None);
    let it = asked(&[("sec-websocket-extensions", "permessage-deflate")]);
    let answer = |words| it.check(&agreeing(&it, &[("sec-websocket-extensions", words)]));
    let agreed = answer("permessage-deflate; client_no_context_takeover").unwrap().deflate;
    assert_eq!(agreed, Some(Agreed { client_takes_over: false, ..TAKES_OVER }));
    assert!(answer("permessage-deflate; client_max_window_bits=9").is_err());
    assert!(answer("permessage-deflate, permessage-deflate").is_err());
    assert!(answer("x-webkit-deflate-frame").is_err());
}

// --- whatever comes ------------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_packed_is_unpacked_as_it_was(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 1..6),
        takes_over in any::<bool>(),
        bits in 9_u8..=15,
    ) {
        let (mut deflate, mut inflate) = (Deflate::new(takes_over, bits), Inflate::new(takes_over));
        for message in messages {
            let packed = deflate.message(&message).unwrap();
            prop_assert_eq!(inflate.message(&packed, MESSAGE_BYTES_MAX).unwrap(), message);
        }
    }

    #[test]
    fn whatever_is_written_is_read_as_it_was_however_it_is_cut(
        payload in prop::collection::vec(any::<u8>(), 0..70_000),
        is_masked in any::<bool>(),
        width in 1_usize..5000,
    ) {
        let it = frame(Kind::Binary, &payload);
        let mut bytes = Vec::new();
        it.clone().write(is_masked.then_some(KEY), &mut bytes);
        let mut reader = Reader::new(is_masked, false);
        let mut read = Vec::new();
        for piece in bytes.chunks(width) {
            reader.push(piece);
            read.extend(reader.next(MESSAGE_BYTES_MAX).unwrap());
        }
        prop_assert_eq!(read, vec![it]);
    }

    #[test]
    fn however_it_is_cut_it_comes_to_the_same(data in prop::collection::vec(any::<u8>(), 2..400)) {
        fuzz_socket(&data);
    }

    #[test]
    fn however_frames_are_cut_they_come_to_the_same(
        flags in any::<u8>(),
        width in any::<u8>(),
        frames in prop::collection::vec((0_u8..12, any::<bool>(), "[ -~]{0,40}"), 0..8),
    ) {
        let from = if flags & 1 == 0 { Side::Agent } else { Side::Upstream };
        let kinds = [Kind::Text, Kind::Text, Kind::Text, Kind::Binary, Kind::Continuation, Kind::Ping, Kind::Pong];
        let frames: Vec<Frame> = frames
            .iter()
            .map(|(kind, is_last, text)| Frame {
                is_last: *is_last || *kind > 4,
                ..frame(kinds.get(usize::from(*kind)).copied().unwrap_or(Kind::Text), text.as_bytes())
            })
            .collect();
        fuzz_socket(&[&[flags, width][..], &written(from, &frames)].concat());
    }
}
