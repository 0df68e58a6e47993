use proptest::prelude::*;

use crate::classes::Classes;
use crate::engine::{Engine, Step, Views};
use crate::finding::Finding;
use crate::secret::example;
use crate::self_test::random::Random;
use crate::sieve::Sieve;
use crate::sieve::tests::spelled::{noise, spelled};
use crate::text::Text;

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };

/// Bytes that something is found of, and whether that is sensitive authentication data: what a text holds.
fn found(mut engine: Engine, text: &[u8]) -> Vec<(usize, bool)> {
    let text = Text::whole(text);
    let mut found: Vec<Finding> = Vec::new();
    while let Step::Region(findings, _) = engine.step(&text) {
        found.extend(findings);
    }
    let bytes = |one: &Finding| one.range.clone().map(|at| (at, one.kind.is_sad())).collect::<Vec<_>>();
    let mut bytes: Vec<_> = found.iter().flat_map(bytes).collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// Readers that go to what has been noted find in `text` what they find when they go over all of it.
fn check(text: &[u8], from: usize) {
    for views in [Views::Text, Views::JsonString] {
        let read = found(Engine::unsieved(ALL, views, from), text);
        for sieve in Sieve::all() {
            let noted = found(Engine::new(ALL, views, from).seen_by(sieve, from), text);
            let differs = read.iter().zip(&noted).find(|(read, noted)| read != noted);
            let shown: String = String::from_utf8_lossy(text).chars().take(2000).collect();
            assert_eq!(differs, None, "{sieve:?} from {from}: {shown:?}");
            assert_eq!(read.len(), noted.len(), "{sieve:?} from {from}: {shown:?}");
        }
    }
}

/// What is looked for, in one piece each, or nearly.
fn things() -> Vec<Vec<u8>> {
    let mut things: Vec<Vec<u8>> = THINGS.iter().map(|thing| thing.as_bytes().to_vec()).collect();
    things.extend(PACKED.iter().map(|thing| thing.to_vec()));
    let mut random = Random::new(7);
    let tokens = (0..220).filter_map(|index| example::token(&mut random, index));
    things.extend(tokens.map(|(anchor, token)| [anchor.as_bytes(), token.as_bytes()].concat()));
    things
}

fn thing() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::sample::select(things()),
        spelled(),
        noise(),
        proptest::sample::select(BESIDE.to_vec()).prop_map(|beside| beside.as_bytes().to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_same_is_found_where_only_what_was_noted_is_read(
        pieces in proptest::collection::vec(thing(), 1..12),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
        from in any::<proptest::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut text = pieces.concat();
        for (at, byte) in changes {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        let from = if cut { from.index(text.len().max(1)) } else { 0 };
        check(&text, from);
    }
}

#[test]
fn everything_is_noted_at_every_place_of_a_window_and_of_a_page() {
    for thing in things().iter().step_by(7) {
        for before in (0..70).step_by(3).chain([3800, 3835, 3840, 3850]) {
            check(&[" ".repeat(before).as_bytes(), thing, b" "].concat(), 0);
        }
    }
}

#[test]
fn where_too_much_shows_to_note_each_place_all_is_read() {
    let many = "cvv=123 +49 30 901820 a@b.com password='hunter2!x' ";
    check(many.repeat(600).as_bytes(), 0);
}

#[test]
fn long_runs_of_digits_are_read_to_their_ends() {
    for digits in ["34", "42", "4111111111111111", "\\u0034", "%34", "NDEx", "4 ", "4-", "41 "] {
        for length in [100, 2000, 9000] {
            check(digits.repeat(length / digits.len()).as_bytes(), 0);
        }
    }
}

const PACKED: &[&[u8]] = &[
    b"\x5a\x08\x41\x11\x11\x11\x11\x11\x11\x11\x5f\x24\x03",
    b"\x57\x11\x41\x11\x11\x11\x11\x11\x11\x11\xd2\x51\x21\x01\x00\x00\x00\x00\x0f",
    b"\x16\x41\x11\x11\x11\x11\x11\x11\x11",
    b"0200\x72\x3c\x44\x81\x28\xe0\x98\x00\x16\x41\x11\x11\x11\x11\x11\x11\x11\x00\x00\x00",
];

const THINGS: &[&str] = &[
    "4111111111111111",
    "cvv=123",
    "\"cvc2\": \"1234\"",
    "<pinBlock>0412AC89ABCDEF67</pinBlock>",
    "4111111111111111 Security code: 123",
    "cvv%3D123",
    "cvv%22%3A%20%22123",
    "my cvv code is 123",
    "card=4111111111111111&cid: 1234",
    "5A0841111111111111115F2403",
    "5A 08 41 11 11 11 11 11 11 11 5F 24 03",
    "57:11:41:11:11:11:11:11:11:11:D2:51:21:01:00:00:00:00:0F",
    "164111111111111111",
    "+49 30 901820",
    "tel:030-901820",
    "+1-202-555-0143",
    "DE89370400440532013000",
    "GB82 WEST 1234 5698 7654 32",
    "536-22-8731",
    "ssn 536228731",
    "SSN: 536 22 8731",
    "Social Security 536228731",
    "\\nssn=536-22-8731",
    "ssn%20536228731",
    "someone@example.com",
    "\"first.last+tag@mail.example.co.uk\"",
    "password='hunter2!x'",
    "\"api_key\": \"k3y-8fJ2mQ9xV7bN4\"",
    "client_secret  =  \"8fJ2mQ9xV7bN4k3y\"",
    "Authorization: Bearer 8fJ2mQ9xV7bN4k3yZ1",
    "authorization: basic dXNlcjpwYXNzd29yZDE=",
    "mysql --password hunter2!x9",
    "PGPASSWORD=hunter2!x9",
    "pw: hunter2!x9",
    "<password>hunter2!x9</password>",
    "host=db user=app password=x9!",
    "postgres://app:s3cr3t!pw@db.example.com/x",
    "curl -u admin:s3cr3t!pw https://example.com",
    "curl --user \"admin:s3cr3t!pw\" x",
    "aws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzKEYx",
    "AKIAQYLPMN5HFIQR7XYA wJalrXUtnFEMI/K7MDENG/bPxRfiCYz0a1b2c3d4",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "123456789:AAFh2k9Qw8Zr7Yx6Vn5Bm4Lp3Tq2Sd1Fg0H",
    "abc8Q~8fJ2mQ9xV7bN4k3yZ1wE5rT6yU7iO8pA9",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq0cM8fJ2mQ9xV7bN4k3yZ1wE5rT6yU7iO8pA9sD0\n-----END RSA PRIVATE KEY-----",
    "Private-Lines: 8\nAAABAQC8fJ2mQ9xV7bN4k3yZ1wE5rT6yU7iO8pA9sD0fG1hJ\n",
];

const BESIDE: &[&str] = &[
    " ", "\n", "\"", "'", "=", ": ", ",", "\\n", "\\\"", "\\u0022", "%20", "%22", "--", "-", "****", "x",
    "1", "@", "~", "key", "id=", "==", " = ", "        ", "\t\t", "\r\n", "é", "\u{a0}", "card", "/", "://",
];
