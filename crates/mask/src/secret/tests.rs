use std::ops::Range;

use super::alphabet::Alphabet;
use super::key::Key;
use super::rule::{self, Check};
use super::{Secrets, work};
use crate::finding::FindingKind;
use crate::reader::{BEHIND, Reader};
use crate::text::Text;

#[test]
fn the_table_has_at_least_sixty_providers_and_every_line_of_it_reads() {
    let lines = include_str!("rules.tsv").lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(rule::all().count(), lines);
    let mut names: Vec<_> = rule::all().map(|rule| rule.name).collect();
    names.dedup();
    assert!(names.len() >= 60, "{} names", names.len());
    for rule in rule::all() {
        assert!(rule.anchor.len() >= 2 && rule.min >= 8 && rule.min <= rule.max, "{rule:?}");
    }
}

#[test]
fn every_rule_is_in_the_documents() {
    let page = include_str!("../../../../docs/detection-classes.md");
    for rule in rule::all() {
        let (name, anchor) = (format!("`{}`", rule.name), format!("`{}`", rule.anchor));
        let line = page.lines().find(|line| line.starts_with(&format!("| {name}")));
        assert!(line.is_some_and(|line| line.contains(&anchor)), "{name} with {anchor} is not in the page");
    }
}

#[test]
fn every_rule_finds_its_tokens_whole_and_leaves_the_anchor() {
    let mut random = Random(7);
    for rule in rule::all() {
        for round in 0..20 {
            let length = if round % 2 == 0 { rule.min } else { rule.max };
            let token = random.token(rule.alphabet, rule.check, length);
            for (before, after) in
                [("", ""), ("key ", " end"), ("\"", "\""), ("a\\n", "\\n"), ("`", "`, and"), ("X: ", "\r\n")]
            {
                let text = format!("{before}{}{token}{after}", rule.anchor);
                let found = found(text.as_bytes());
                let start = before.len() + rule.anchor.len();
                let stars = covered(&found, text.len());
                assert!(
                    (start..start + token.len()).all(|at| stars[at]),
                    "{} in {text}: {found:?}",
                    rule.name
                );
                assert!((start + token.len()..text.len()).all(|at| !stars[at]), "{} in {text}", rule.name);
                assert!((0..start - 1).all(|at| !stars[at]), "{}'s anchor in {text}", rule.name);
                assert!(found.iter().any(|(_, name)| *name == rule.name), "{text}: {found:?}");
            }
        }
    }
}

#[test]
fn tokens_known_by_their_middle_are_found() {
    let r = &mut Random(11);
    let cases = [
        ("telegram-bot-token", format!("{}:", r.digits(10)), format!("A{}", r.of(Alphabet::Word, 34))),
        (
            "telegram-bot-token",
            format!("https://api.telegram.org/bot{}:", r.digits(9)),
            format!("A{}", r.of(Alphabet::Word, 34)),
        ),
        ("azure-client-secret", format!("{}8Q~", r.of(Alphabet::Alnum, 3)), r.of(Alphabet::Word, 34)),
        ("airtable-token", format!("pat{}.", r.of(Alphabet::Alnum, 14)), r.of(Alphabet::Hex, 64)),
        (
            "discord-bot-token",
            format!("M{}.{}.", r.of(Alphabet::Alnum, 23), r.of(Alphabet::Alnum, 6)),
            r.of(Alphabet::Alnum, 38),
        ),
        (
            "jwt",
            "eyJ".into(),
            format!(
                "{}.eyJ{}.{}",
                r.of(Alphabet::Alnum, 33),
                r.of(Alphabet::Word, 80),
                r.of(Alphabet::Alnum, 43)
            ),
        ),
        (
            "jwt",
            "Authorization: Bearer eyJ".into(),
            format!(
                "{}.eyJ{}.{}",
                r.of(Alphabet::Alnum, 33),
                r.of(Alphabet::Word, 3000),
                r.of(Alphabet::Alnum, 342)
            ),
        ),
        (
            "openai-api-key",
            "sk-".into(),
            format!("{}T3BlbkFJ{}", r.of(Alphabet::Alnum, 20), r.of(Alphabet::Alnum, 20)),
        ),
        ("connection-password", "postgres://app:".into(), r.of(Alphabet::Alnum, 9)),
        ("connection-password", "DATABASE_URL=mysql://root:".into(), "hunter2".into()),
        ("connection-password", "redis://:".into(), "s3cr@t".into()),
        ("connection-password", "host=db user=app password=".into(), "tiger".into()),
        ("connection-password", "Server=db;User Id=sa;Password=".into(), "Tiger1!".into()),
        ("password", "DB_PASSWORD=".into(), "hunter2hunter!".into()),
        ("password", "\"password\": \"".into(), "hunter2-Hunter!".into()),
        ("password", "{\\\"password\\\":\\\"".into(), "hunter2!Hunter".into()),
        ("password", "login --password ".into(), "correct9horse!".into()),
        ("password", "<password>".into(), "Battery77Staple".into()),
        ("generic-secret", "api_key = '".into(), r.of(Alphabet::Alnum, 32)),
        ("generic-secret", "config[\"clientSecret\"] = \"".into(), r.of(Alphabet::Word, 40)),
        ("generic-secret", "https://h.example/cb?access_token=".into(), r.of(Alphabet::Hex, 40)),
        ("generic-secret", "X-Api-Key: ".into(), r.of(Alphabet::Hex, 32)),
        ("generic-secret", "token: ".into(), r.of(Alphabet::Hex, 20)),
        ("aws-secret-access-key", "aws_secret_access_key = ".into(), r.mixed(Alphabet::Alnum, 40)),
        ("aws-secret-access-key", "AKIA****************,".into(), r.mixed(Alphabet::Alnum, 40)),
        ("http-bearer-token", "authorization: Bearer ".into(), r.of(Alphabet::Word, 40)),
        ("http-bearer-token", "-H \"Authorization: token ".into(), r.of(Alphabet::Hex, 40)),
        ("http-basic-credentials", "\"Authorization\": \"Basic ".into(), "dXNlcjpodW50ZXIy".into()),
        ("command-line-password", "curl -u admin:".into(), "hunter2".into()),
    ];
    for (name, before, secret) in cases {
        let after = if before.contains("://") && name == "connection-password" { "@db:5432/app" } else { "" };
        let close = match before.as_bytes() {
            [.., b'\\', b'"'] => "\\\"}",
            _ if before.ends_with('\'') => "'",
            _ if before.contains('"') => "\" rest",
            _ if before.contains("<p") => "</password>",
            _ => " rest",
        };
        let text = format!("{before}{secret}{after}{close}");
        let found = found(text.as_bytes());
        let stars = covered(&found, text.len());
        let range = before.len()..before.len() + secret.len();
        assert!(range.clone().all(|at| stars[at]), "{name} in {text}: {found:?}");
        assert!(found.iter().any(|(_, rule)| *rule == name), "{name} in {text}: {found:?}");
        assert!((range.end..text.len()).all(|at| !stars[at]), "{name} in {text}: {found:?}");
        assert!((0..range.start).all(|at| !stars[at]), "{name} in {text}: {found:?}");
    }
}

#[test]
fn private_keys_are_found_to_their_last_line() {
    let mut random = Random(3);
    let lines: Vec<String> = (0..40).map(|_| random.mixed(Alphabet::Base64, 64)).collect();
    for (begin, end) in [
        ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
        ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B2C3D\n",
            "-----END",
        ),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n", "-----END PGP PRIVATE KEY BLOCK-----"),
        ("PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 14", "Private-MAC: 00"),
    ] {
        for newline in ["\n", "\r\n", "\\n", "\\r\\n", "\\u000a", "\n    ", "\\n\" +\n  \"", " "] {
            let body = lines.join(newline) + newline + "q0/x==";
            let begin = begin.replace('\n', newline);
            if newline == " " && begin.contains(": ") {
                continue;
            }
            let text = format!("key {begin}{newline}{body}{newline}{end}{newline}and text that stays");
            let found = found(text.as_bytes());
            let stars = covered(&found, text.len());
            let masked = starred(&text, &found);
            for line in lines.iter().map(String::as_str).chain(["q0/x=="]) {
                let at = text.find(line).unwrap();
                assert!((at..at + line.len()).all(|at| stars[at]), "{masked}");
            }
            assert!(masked.contains("text that stays"), "{masked}");
            assert!(masked.starts_with(&format!("key {begin}{newline}")), "{masked}");
            assert!(!masked.contains("\\*"), "an escape stays one: {masked}");
            if !end.starts_with("Private-MAC") {
                assert!(masked.contains(end), "{masked}");
            }
        }
    }
}

#[test]
fn a_private_key_is_found_up_to_sixteen_kibibytes_and_its_mention_is_none() {
    let line = Random(5).mixed(Alphabet::Base64, 64);
    let text = format!("-----BEGIN PRIVATE KEY-----\n{}", format!("{line}\n").repeat(400));
    let found = found(text.as_bytes());
    let end = found.last().unwrap().0.end;
    assert!((16 << 10) - 80 < end && end <= (16 << 10) + 30, "{end}");
    for text in [
        "if line == \"-----BEGIN RSA PRIVATE KEY-----\" { return parse_the_rest_of_it(line) }",
        "-----BEGIN PRIVATE KEY-----",
        "it starts with -----BEGIN PRIVATE KEY----- and then comes base64",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0A1B2C3D4E5F\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\nVersion: none\n\nThe quick brown fox",
    ] {
        assert_none(text);
    }
}

#[test]
fn what_is_no_secret_passes() {
    let r = &mut Random(13);
    let texts = [
        format!("commit {} of {}", r.hex(40), r.hex(64)),
        format!("\"integrity\": \"sha512-{}==\"", r.of(Alphabet::Alnum, 86)),
        "id 550e8400-e29b-41d4-a716-446655440000, token_type: bearer, expires_in: 3600".into(),
        format!("<img src=\"data:image/png;base64,iVBORw0KGgo{}=\">", r.of(Alphabet::Base64, 2000)),
        format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} me@host", r.of(Alphabet::Alnum, 43)),
        format!("//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJ{}", r.of(Alphabet::Alnum, 3000)),
        "!function(e,t){var n=t.token(),s=e.password||n.secretKey;return s.apiKey=function(){return r1}}(a,b)".into(),
        "password: string; token: Token; api_key: &str, secret = get_secret(name1), pwd=$(cat pw1)".into(),
        "password = \"changeme\" password=\"${DB_PASSWORD_1}\" token: <your-token-1> secret: {{ secret1 }}".into(),
        "api_key = \"xxxxxxxxxxxxxxxxxxxx\" password: \"****************\" secret: 'example-secret-123'".into(),
        "AKIAIOSFODNN7EXAMPLE sk_test_your_key_here_123456 ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".into(),
        "postgres://user:password@localhost/db https://user:${PASSWORD}@host http://host:8080/a@b".into(),
        "ghp_abcd**** sk-ant-api03-Ab1cD2eF**** password=ghp_Ab1cD2eF3gH4**** https://u:Ab1cD2****@host".into(),
        "mongodb://user:<password>@cluster0 amqp://guest:****@mq redis://host:6379 https://h.example:443".into(),
        "secret_name: db-password-v2, password_file=/run/secrets/db1, \"secret\": \"vault/data/app1\"".into(),
        "The password must be 12 characters long. Token: see page 12. Authorization: Bearer <token>".into(),
        "next_page_token: \"CAUQAA12345abc\" max_tokens: 1024, tokens=81920, primary_key: id_12345".into(),
        "jsonwebtoken::DIGEST_SHA256, signing_key: Ed25519SigningKey, dot2_token: node.dot2_token, user=u, password=None".into(),
        "see sk-learn, task-12345678901234567890123456789012345678901234567890 and risk-free".into(),
        "https://docs.example/pypi-AgEI hf_transfer npm_config_registry glpat- AKIA SK SG. dapi AIza".into(),
        format!("X{} xAKIA{} 0SK{}", r.upper(20), r.upper(16), r.hex(32)),
        "\"password\": \"Passwort\", \"password_hint\": \"Please enter 8 characters\"".into(),
        "gpg: -----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBFabcdEFGH0123456789abcdefghijklmnopqrst\n=0aBc".into(),
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQsw\n-----END CERTIFICATE-----".into(),
    ];
    for text in texts {
        assert_none(&text);
    }
}

#[test]
fn a_few_crosses_in_a_long_token_are_chance_and_a_row_of_them_is_a_placeholder() {
    let random = &mut Random(23);
    for crosses in ["xXxX", "XxxX", "xxxx", "XXXX"] {
        let (head, tail) = (random.of(Alphabet::Alnum, 80), random.of(Alphabet::Alnum, 43));
        let text = format!("session=eyJ{}.eyJ{head}{crosses}{head}.{tail}", random.of(Alphabet::Alnum, 33));
        assert!(!found(text.as_bytes()).is_empty(), "{text}");
    }
    let text = format!("ghp_{}xXxX{}", random.of(Alphabet::Alnum, 16), random.of(Alphabet::Alnum, 16));
    assert!(!found(text.as_bytes()).is_empty(), "{text}");
    assert_none(&format!("ghp_{}xxxx{}", random.of(Alphabet::Alnum, 16), random.of(Alphabet::Alnum, 16)));
    assert_none("token: \"AbCdEf-XXXX-123456\"");
}

#[test]
fn random_digests_and_blobs_are_no_secrets() {
    let random = &mut Random(17);
    for _ in 0..2000 {
        for text in [
            random.hex(40),
            random.hex(64),
            format!(
                "{}-{}-4{}-a{}-{}",
                random.hex(8),
                random.hex(4),
                random.hex(3),
                random.hex(3),
                random.hex(12)
            ),
            random.of(Alphabet::Base64, 76),
            random.of(Alphabet::Word, 43),
        ] {
            assert_none(&format!("sum {text} ok"));
        }
    }
}

#[test]
fn what_is_found_is_the_same_however_the_text_is_cut() {
    let random = &mut Random(19);
    for round in 0..60 {
        let text = random.text(12);
        let whole = found(text.as_bytes());
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(found_cut(&bytes), whole, "round {round}, byte by byte: {text}");
        let mut rest = text.as_bytes();
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(random.below(40).clamp(1, rest.len()));
            pieces.push(piece);
            rest = after;
        }
        assert_eq!(found_cut(&pieces), whole, "round {round}: {text}");
    }
}

#[test]
fn nothing_starts_at_a_place_that_is_gone_over() {
    let random = &mut Random(37);
    for _ in 0..300 {
        let text = random.text(8);
        check_places(text.as_bytes(), text.len());
    }
}

/// Pieces of what tells of a secret, put together in every way: most come to nothing.
#[test]
fn nothing_starts_at_a_place_that_is_gone_over_in_odd_spellings() {
    let random = &mut Random(53);
    let anchors: Vec<_> = rule::all().map(|rule| rule.anchor).collect();
    let names: Vec<_> = { super::assignment::names() }.0.collect();
    for round in 0..6000 {
        let mut text = random.from(b"a \n\"\xc3", round % 70).into_bytes();
        for _ in 0..random.below(7) {
            let thing = match random.below(9) {
                0 => anchors[random.below(anchors.len())].to_string(),
                1 => names[random.below(names.len())].to_string(),
                2 => {
                    let joints = ["_", "-", ".", "", "", "", ""];
                    let name = names[random.below(names.len())].chars();
                    let name = name.map(|c| if random.below(3) == 0 { c.to_ascii_uppercase() } else { c });
                    let name: Vec<_> = name.collect();
                    name.iter().map(|c| format!("{c}{}", joints[random.below(joints.len())])).collect()
                }
                3 => ODD[random.below(ODD.len())].to_string(),
                4 => random.mixed(Alphabet::Alnum, 40),
                _ => SIGNS[random.below(SIGNS.len())].repeat(1 + random.below(4) / 3 * random.below(200)),
            };
            text.extend(thing.into_bytes());
        }
        let length = [9, 20, 36, 43, 64][random.below(5)];
        text.extend(random.of(Alphabet::Word, length).into_bytes());
        text.extend(b"@db \".");
        let known = random.below(text.len() + 1);
        check_places(&text, text.len());
        check_places(&text, known);
    }
}

/// Asserts that every place is marked where a secret starts in `text`, when `known` bytes of it are.
fn check_places(text: &[u8], known: usize) {
    let whole = Text::whole(text);
    let part = Text::new(&text[..known], known == text.len());
    let mut places = super::place::Places::default();
    let mut marked = places.next(&part, 0, usize::MAX);
    for at in 0..known {
        if marked < at {
            marked = places.next(&part, at, usize::MAX);
        }
        let begins = text[at] != b'-' && Key::begun(whole.words_before(at, super::BEFORE)).is_some();
        let begins = begins || super::may_start(text[at]) && super::judge(&whole, at).is_some();
        let from_here = || super::place::Places::default().next(&part, at, usize::MAX);
        assert!(
            !begins || (marked == at && from_here() == at),
            "{at} of {known} known of {:?}",
            String::from_utf8_lossy(text)
        );
    }
}

const ODD: &[&str] = &[
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "Private-Lines:",
    "postgres://app:",
    "redis://:",
    "curl -u admin:",
    " --user='me:",
    " --user \"me:",
    "Authorization: Bearer ",
    "\"authorization\": \"Basic\n ",
    "proxy-authorization => token \t ",
    "aws_key ",
    "AKIA",
    "SecretAccessKey",
    "123456789:A",
    "/bot12345678901:A",
    "abc8Q~",
    "patABCDEFGHIJKLMN.",
    "MTAxMjM0NTY3ODkwMTIzNDU2.abcdef.",
    "eyJhbGciOiJIUzI1NiJ9.eyJ",
    "host=db user=x ",
    "<password>",
    "['token']",
    "--token",
    "%20",
    "\\n",
    "\\u0022",
    "é",
];
const SIGNS: &[&str] =
    &[" ", "\t", "\n", "=", ":", ">", "\"", "'", "`", "\\", "]", "-", "_", ".", "/", "x", "a1"];

#[test]
fn what_is_masked_is_not_found_again() {
    let random = &mut Random(23);
    for _ in 0..300 {
        let text = random.text(8);
        let masked = starred(&text, &found(text.as_bytes()));
        assert_eq!(found(masked.as_bytes()), [], "{text}\n{masked}");
    }
}

#[test]
fn nothing_is_held_back_of_ordinary_text_nor_for_what_may_begin() {
    let mut secrets = Secrets::new(0);
    let text =
        b"Hello, see ghp_ and glpat- or AKIA; postgres://user: password= and -----BEGIN RSA PRIVATE KEY-----";
    for end in 1..=text.len() {
        let known = Text::new(&text[..end], false);
        assert!(secrets.next(&known, usize::MAX).is_none());
        let held = end - secrets.at();
        assert!(held <= 8, "{held} held of {:?}", String::from_utf8_lossy(&text[..end]));
    }
    assert_eq!(secrets.at(), text.len());
}

#[test]
fn work_is_linear_whatever_the_bytes_are() {
    for piece in [
        "a",
        "sk-",
        "xoxb-",
        "eyJ",
        "eyJa.",
        "-----BEGIN PRIVATE KEY-----",
        "password=",
        "password=\"a1!",
        "://a:b",
        ":@",
        "aws_ ",
        "Authorization: Bearer ",
        "--token ",
        "=",
        "\\",
        "\"",
        " ",
        "ghp_",
        "a.",
        "A",
        "-u a:",
        "Private-Lines: 1\n",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n",
    ] {
        let mut done = [0; 2];
        for (slot, bytes) in done.iter_mut().zip([1 << 13, 1 << 14]) {
            let text = piece.repeat(bytes / piece.len());
            work::take();
            found(text.as_bytes());
            *slot = work::take();
            assert!(*slot < text.len() * 1500, "{piece:?}: {} a byte", *slot / text.len());
        }
        assert!(done[1] * 10 <= done[0] * 22, "{piece:?}: {done:?}");
    }
}

fn assert_none(text: &str) {
    assert_eq!(found(text.as_bytes()), [], "{text}");
}

type Found = Vec<(Range<usize>, &'static str)>;

fn found(text: &[u8]) -> Found {
    found_cut(&[text])
}

/// What is found in a stream of `pieces`, of which no more is kept than a stream keeps.
fn found_cut(pieces: &[&[u8]]) -> Found {
    let mut secrets = Secrets::new(0);
    let mut window = Vec::new();
    let mut passed = 0;
    let mut found = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        window.extend_from_slice(piece);
        let text = Text::new(&window, index + 1 == pieces.len());
        while let Some(finding) = secrets.next(&text, usize::MAX) {
            let FindingKind::Secret { rule } = finding.kind else { panic!("another kind") };
            assert!(finding.range.len() <= super::PIECE && !finding.range.is_empty());
            found.push((finding.range.start + passed..finding.range.end + passed, rule));
        }
        assert!(window.len() - secrets.at() <= 512, "too much is held");
        let over = secrets.at().saturating_sub(BEHIND);
        window.drain(..over);
        secrets.forget(over);
        passed += over;
    }
    found
}

fn covered(found: &Found, length: usize) -> Vec<bool> {
    let mut stars = vec![false; length];
    found.iter().flat_map(|(range, _)| range.clone()).for_each(|at| stars[at] = true);
    stars
}

fn starred(text: &str, found: &Found) -> String {
    let stars = covered(found, text.len());
    text.bytes().zip(stars).map(|(byte, star)| if star { '*' } else { char::from(byte) }).collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn from(&mut self, letters: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }

    fn hex(&mut self, length: usize) -> String {
        self.from(b"0123456789abcdef", length)
    }

    fn upper(&mut self, length: usize) -> String {
        self.from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
    }

    fn digits(&mut self, length: usize) -> String {
        format!("{}{}", 1 + self.below(9), self.from(b"0123456789", length - 1))
    }

    /// Letters, digits and, within, the signs of `alphabet` that a token may have anywhere.
    fn of(&mut self, alphabet: Alphabet, length: usize) -> String {
        let signs: &[u8] = match alphabet {
            Alphabet::Word | Alphabet::Dotted => b"_-",
            Alphabet::Base64 | Alphabet::Signed => b"+/",
            Alphabet::Escaped => b"%",
            Alphabet::Path | Alphabet::Webhook => b"/",
            _ => b"",
        };
        let letters: Vec<u8> =
            (b'0'..=b'z').filter(|byte| byte.is_ascii_alphanumeric() && alphabet.has(*byte)).collect();
        let inner: Vec<u8> = letters.iter().chain(signs).copied().collect();
        let middle = self.from(&inner, length.saturating_sub(2));
        let (first, last) = (self.from(&letters, 1), self.from(&letters, 1));
        format!("{first}{middle}{last}")
    }

    fn mixed(&mut self, alphabet: Alphabet, length: usize) -> String {
        loop {
            let token = self.of(alphabet, length);
            if super::worth::is_mixed(token.as_bytes()) && super::worth::entropy(token.as_bytes()) >= 4.25 {
                return token;
            }
        }
    }

    fn token(&mut self, alphabet: Alphabet, check: Check, length: usize) -> String {
        loop {
            let token = match check {
                Check::Uuid => {
                    format!(
                        "{}-{}-4{}-a{}-{}",
                        self.hex(8),
                        self.hex(4),
                        self.hex(3),
                        self.hex(3),
                        self.hex(12)
                    )
                }
                Check::Random | Check::Mixed | Check::OpenAi => self.of(alphabet, length),
            };
            let mixed =
                check == Check::Random || check == Check::Uuid || super::worth::is_mixed(token.as_bytes());
            if mixed && super::worth::is_random(token.as_bytes()) {
                return token;
            }
        }
    }

    /// Secrets and other things in a row.
    fn text(&mut self, things: usize) -> String {
        let rules: Vec<_> = rule::all().collect();
        let mut text = String::new();
        for _ in 0..things {
            let thing = match self.below(12) {
                0..=3 => {
                    let rule = rules[self.below(rules.len())];
                    let length = rule.min + self.below(rule.max - rule.min + 1);
                    format!("{}{}", rule.anchor, self.token(rule.alphabet, rule.check, length))
                }
                4 => format!("eyJ{}.eyJ{}.{}", self.hex(40), self.of(Alphabet::Word, 700), self.hex(43)),
                5 => format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n",
                    self.mixed(Alphabet::Base64, 64),
                    self.of(Alphabet::Base64, 900)
                ),
                6 => format!("postgres://app:{}@db/x", self.of(Alphabet::Alnum, 12)),
                7 => format!("\"client_secret\":\"{}\"", self.of(Alphabet::Word, 30)),
                8 => format!("password={}", self.mixed(Alphabet::Base64, 24)),
                9 => {
                    let sign = ["", "\"", "'", "(", "\t", "\\n", "-", "."][self.below(8)];
                    format!("aws_x {sign}{}", self.mixed(Alphabet::Base64, 40))
                }
                10 => format!("commit {}", self.hex(40)),
                _ => "some words (and signs): a=b; c://d:e@f -----BEGIN x".into(),
            };
            text += &thing;
            text += [" ", "\n", "", "\\n", "\"", ","][self.below(6)];
        }
        text
    }
}

#[test]
fn every_token_shows_from_the_start_of_its_anchor_on() {
    for rule in super::rule::all() {
        let anchor = rule.anchor.trim_start_matches(|sign: char| !sign.is_ascii_alphanumeric());
        assert!(anchor.len() > 1 && anchor.bytes().all(super::is_of_token), "{}", rule.anchor);
        assert!(anchor.len() + rule.min >= super::sign::TOKEN_BYTES_MIN, "{}", rule.anchor);
        let others = (0..128).filter(|byte| rule.alphabet.has(*byte) && !super::is_of_token(*byte));
        assert!(others.count() == 0 || anchor.len() >= super::sign::TOKEN_BYTES_MIN, "{}", rule.anchor);
    }
}
