//! Secrets through the whole of the masker: what stays, what goes, in streams and in JSON.

use mask::{Classes, Finding, FindingKind, Masker, Stream, find_all};

use crate::LAST4;

const SECRETS: Masker = LAST4.with(CLASSES);
const CLASSES: Classes = Classes { secret: true, email: false, phone: false, iban: false, us_ssn: false };

#[test]
fn a_secret_is_masked_and_what_says_that_it_is_one_stays() {
    let random = &mut Random(29);
    let token = random.word(36);
    check(&format!("export GITHUB_TOKEN=ghp_{token}\n"), &token);
    check(&format!("{{\"auths\":{{\"token\":\"glpat-{token}\"}}}}"), &token);
    check(&format!("postgres://app:{token}@db.internal:5432/pay"), &token);
    check(&format!("Authorization: Bearer eyJ{0}.eyJ{0}.{0}", token), &format!("{token}.eyJ{token}.{token}"));
    check(&format!("aws_secret_access_key = {}", random.word(40)), "");
    check(&format!("curl -u admin:{token} https://h.example"), &token);
}

#[test]
fn a_class_that_is_off_hides_no_secret() {
    let text = format!("ghp_{}", Random(31).word(36));
    assert_eq!(LAST4.text(text.as_bytes()), None);
}

#[test]
fn a_finding_names_its_rule_and_shows_nothing_of_the_secret() {
    let token = Random(37).word(36);
    let found: Vec<Finding> = find_all(format!("ghp_{token}").as_bytes(), CLASSES).collect();
    let [finding] = found.as_slice() else { panic!("one finding") };
    assert_eq!(finding.kind, FindingKind::Secret { rule: "github-pat" });
    assert!(!format!("{finding:?}").contains(&token));
}

#[test]
fn a_private_key_in_json_leaves_it_valid() {
    let random = &mut Random(41);
    let lines: Vec<String> = (0..25).map(|_| random.base64(64)).collect();
    let text = format!(
        "{{\"type\":\"service_account\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----\\n\",\"id\":7}}",
        lines.join("\\n")
    );
    let masked = SECRETS.json(text.as_bytes(), &[]).expect("something is found");
    let masked = String::from_utf8(masked.bytes).unwrap();
    for line in &lines {
        assert!(!masked.contains(line.as_str()), "{masked}");
    }
    assert!(
        masked.starts_with("{\"type\":\"service_account\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\n*")
    );
    assert!(masked.ends_with("*\\n-----END PRIVATE KEY-----\\n\",\"id\":7}"), "{masked}");
    assert!(SECRETS.json(masked.as_bytes(), &[]).is_none(), "{masked}");
}

#[test]
fn secrets_in_a_stream_are_masked_as_in_the_whole() {
    let random = &mut Random(43);
    for _ in 0..20 {
        let text = format!(
            "log ghp_{} card 4111111111111111, sk-ant-api03-{}AA\n-----BEGIN RSA PRIVATE KEY-----\n{}\n{}\n-----END RSA PRIVATE KEY-----\n\
             url redis://:{}@cache {{\"client_secret\":\"{}\"}} jwt eyJ{}.eyJ{}.{} end",
            random.word(36),
            random.word(93),
            random.base64(64),
            random.base64(700),
            random.word(12),
            random.word(32),
            random.word(30),
            random.word(900),
            random.word(43),
        );
        let whole = masked(text.as_bytes());
        assert_eq!(masked(&whole), whole, "what is masked stays as it is");
        let each: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(streamed(&each), whole);
        for size in [2, 7, 64, 100, 1000] {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(streamed(&pieces), whole, "in pieces of {size}");
        }
    }
}

#[test]
fn a_stream_holds_nothing_back_for_a_secret_that_may_begin() {
    let mut stream = Stream::new(SECRETS);
    let mut out = Vec::new();
    for piece in [
        "the token is ghp_",
        " or glpat-",
        ", an AKIA",
        " or -----BEGIN PRIVATE KEY-----",
        "; password: ",
        "is unknown",
    ] {
        stream.push(piece.as_bytes(), &mut out);
        assert!(stream.held() <= 9, "{} held after {piece:?}", stream.held());
    }
}

/// Masks `text` and asserts that `secret` is gone and all else is left.
fn check(text: &str, secret: &str) {
    let masked = String::from_utf8(masked(text.as_bytes())).unwrap();
    assert_ne!(masked, text);
    assert_eq!(masked.len(), text.len());
    if !secret.is_empty() {
        assert_eq!(masked, text.replace(secret, &"*".repeat(secret.len())));
    }
    assert_eq!(find_all(masked.as_bytes(), CLASSES).count(), 0, "{masked}");
}

fn masked(text: &[u8]) -> Vec<u8> {
    SECRETS.text(text).map_or_else(|| text.to_vec(), |masked| masked.bytes)
}

fn streamed(pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::new(SECRETS);
    let mut out = Vec::new();
    pieces.iter().for_each(|piece| stream.push(piece, &mut out));
    stream.finish(&mut out);
    out
}

/// Letters and digits drawn anew for every run of the tests: nothing that looks like a secret is committed.
struct Random(u64);

impl Random {
    fn word(&mut self, length: usize) -> String {
        self.draw(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
    }

    fn base64(&mut self, length: usize) -> String {
        self.draw(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/", length)
    }

    fn draw(&mut self, letters: &[u8], length: usize) -> String {
        let mut next = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap()
        };
        (0..length).map(|_| char::from(letters[next() % letters.len()])).collect()
    }
}
