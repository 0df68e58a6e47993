//! Secrets and personal data, and what only looks like them, as data: each kind is a row of the report.

use crate::classes::Classes;
use crate::finding::FindingKind;
use crate::secret::example;
use crate::self_test::negative::{iban, in_fours};
use crate::self_test::random::Random;
use crate::self_test::report::Part;

/// One kind of what is looked for beside card numbers.
pub(crate) struct Kind {
    pub part: Part,
    pub name: &'static str,
    /// Whether it is looked for.
    pub is_on: fn(&Classes) -> bool,
    /// Whether a finding is of its class.
    pub is_found: fn(FindingKind) -> bool,
    /// What stands before, what is to be found, and what stands behind.
    pub make: fn(&mut Random, usize) -> [String; 3],
}

const fn secret(name: &'static str, make: fn(&mut Random, usize) -> [String; 3]) -> Kind {
    let is_found = |kind| matches!(kind, FindingKind::Secret { .. });
    Kind { part: Part::Secret, name, is_on: |classes| classes.secret, is_found, make }
}

const fn personal(
    name: &'static str,
    is_on: fn(&Classes) -> bool,
    is_found: fn(FindingKind) -> bool,
    make: fn(&mut Random, usize) -> [String; 3],
) -> Kind {
    Kind { part: Part::Personal, name, is_on, is_found, make }
}

fn around(before: &str, what: String, after: &str) -> [String; 3] {
    [before.into(), what, after.into()]
}

/// A password as people are made to choose them.
fn password(random: &mut Random) -> String {
    let (head, tail) = (random.word(6), random.letters(b"ABCDEFGHJKLMNPQRSTUVWXYZ", 3));
    format!("{head}{}{tail}{}", random.letters(b"!#$+-._", 1), random.digits(2))
}

/// A key as machines draw them: letters of both cases and digits.
pub(crate) fn key(random: &mut Random, count: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let tail = format!("{}q{}Q", random.digits(1), random.digits(1));
    random.letters(letters, count.saturating_sub(tail.len())) + &tail
}

/// The lines of a private key.
fn pem(random: &mut Random, break_: &str) -> String {
    let lines: Vec<_> = (0..26).map(|_| key(random, 64)).collect();
    lines.join(break_)
}

fn jwt(random: &mut Random) -> String {
    format!("{}.eyJ{}.{}", key(random, 33), key(random, 120), key(random, 43))
}

fn phone(random: &mut Random) -> String {
    match random.pick(&["1", "49", "44", "33", "380"]) {
        // Area and exchange of North America begin with 2 to 9.
        "1" => {
            format!("1{}{}{}{}", random.within(2, 9), random.digits(2), random.within(2, 9), random.digits(6))
        }
        country => format!("{country}{}{}", random.within(1, 9), random.digits(8)),
    }
}

fn ssn(random: &mut Random) -> [String; 3] {
    let area = random.within(1, 665);
    [
        format!("{area:03}"),
        format!("{:02}", random.within(1, 99)),
        format!("{:04}", random.within(2000, 7000)),
    ]
}

fn is_iban(kind: FindingKind) -> bool {
    kind == FindingKind::Iban
}

/// An IBAN whose country and last four characters stay.
fn account(written: &str) -> [String; 3] {
    let (country, rest) = written.split_at_checked(2).unwrap_or_default();
    let last = rest.char_indices().rev().filter(|(_, c)| *c != ' ').nth(3).map_or(0, |(at, _)| at);
    let (hidden, shown) = rest.split_at_checked(last).unwrap_or_default();
    [format!("IBAN {country}"), hidden.trim_end().into(), format!("{shown}, due")]
}

/// Every kind of the report.
pub(crate) const KINDS: &[Kind] = &[
    secret("tokens of known form", |r, index| {
        let (anchor, token) = example::token(r, index).unwrap_or_default();
        around(&format!("key {anchor}"), token, " end")
    }),
    secret("tokens of known form in JSON", |r, index| {
        let (anchor, token) = example::token(r, index).unwrap_or_default();
        around(&format!("{{\"v\":\"{anchor}"), token, "\"}")
    }),
    secret("private key", |r, _| {
        let kind = r.pick(&["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "]);
        [
            format!("-----BEGIN {kind}PRIVATE KEY-----\n"),
            pem(r, "\n"),
            format!("\n-----END {kind}PRIVATE KEY-----\n"),
        ]
    }),
    secret("private key in JSON", |r, _| {
        around("{\"k\":\"-----BEGIN PRIVATE KEY-----\\n", pem(r, "\\n"), "\\n-----END PRIVATE KEY-----\\n\"}")
    }),
    secret("JSON Web Token", |r, _| around("session=eyJ", jwt(r), "; Path=/")),
    secret("connection string of a URL", |r, _| {
        let scheme = r.pick(&["postgres", "mysql", "mongodb+srv", "amqp", "redis"]);
        [format!("{scheme}://app:"), key(r, 14), "@db.internal:5432/pay".into()]
    }),
    secret("connection string of pairs", |r, _| {
        around("host=db user=app password=", password(r), " dbname=pay")
    }),
    secret("environment", |r, _| {
        let name = r.pick(&["DB_PASSWORD", "SMTP_PASS_WORD_PASSWORD", "ADMIN_PASSWORD"]);
        [format!("export {name}="), password(r), "\n".into()]
    }),
    secret("password in JSON", |r, _| around("{\"password\":\"", password(r), "\"}")),
    secret("password in XML", |r, _| around("<password>", password(r), "</password>")),
    secret("secret in source code", |r, _| around("const clientSecret = \"", key(r, 32), "\";")),
    secret("secret in YAML", |r, _| around("api_key: \"", key(r, 32), "\"\n")),
    secret("secret in a query", |r, _| around("GET /cb?access_token=", key(r, 40), "&x=1")),
    secret("Authorization: Bearer", |r, _| around("Authorization: Bearer ", key(r, 40), "\r\n")),
    secret("Authorization: token", |r, _| around("-H \"Authorization: token ", r.hex(40), "\" x")),
    secret("X-Api-Key", |r, _| around("X-Api-Key: ", key(r, 36), "\r\n")),
    secret("curl -u", |r, _| around("curl -u admin:", password(r), " https://h.example")),
    secret("AWS secret access key", |r, _| around("aws_secret_access_key = ", key(r, 40), "\n")),
    personal(
        "e-mail address",
        |classes| classes.email,
        |kind| kind == FindingKind::Email,
        |r, _| {
            let tld = r.pick(&["com", "de", "co.uk", "org", "io"]);
            let address =
                format!("{}.{}{}@{}-{}.{tld}", r.word(4), r.word(6), r.digits(2), r.word(5), r.word(3));
            around("mail <", address, ">, and")
        },
    ),
    personal(
        "telephone number",
        |classes| classes.phone,
        |kind| kind == FindingKind::Phone,
        |r, _| around("call +", phone(r), ", ok"),
    ),
    personal("IBAN", |classes| classes.iban, is_iban, |r, _| account(&iban(r))),
    personal("IBAN in groups", |classes| classes.iban, is_iban, |r, _| account(&in_fours(&iban(r)))),
    personal(
        "US Social Security number",
        |classes| classes.us_ssn,
        |kind| kind == FindingKind::UsSsn,
        |r, _| around("of ", ssn(r).join("-"), " born"),
    ),
    personal(
        "US Social Security number, by word",
        |classes| classes.us_ssn,
        |kind| kind == FindingKind::UsSsn,
        |r, _| around("ssn: ", ssn(r).concat(), " born"),
    ),
];

/// One kind of text that holds neither secrets nor personal data.
pub(crate) struct Harmless {
    pub name: &'static str,
    pub make: fn(&mut Random) -> String,
}

/// Every kind of these.
pub(crate) const HARMLESS: &[Harmless] = &[
    Harmless { name: "commit of a repository", make: |r| format!("commit {} of {}", r.hex(40), r.hex(64)) },
    Harmless {
        name: "container image",
        make: |r| format!("image: registry.example/{}/{}@sha256:{}", r.word(5), r.word(7), r.hex(64)),
    },
    Harmless {
        name: "integrity of a package",
        make: |r| format!("\"integrity\": \"sha512-{}==\"", key(r, 86)),
    },
    Harmless {
        name: "UUID by a name",
        make: |r| format!("request_id={}-{}-4{}-a{}-{}", r.hex(8), r.hex(4), r.hex(3), r.hex(3), r.hex(12)),
    },
    Harmless {
        name: "data URL",
        make: |r| format!("<img src=\"data:image/png;base64,iVBORw0KGgo{}=\">", key(r, 400)),
    },
    Harmless {
        name: "public key",
        make: |r| format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} me@host", key(r, 43)),
    },
    Harmless {
        name: "certificate",
        make: |r| {
            format!(
                "-----BEGIN CERTIFICATE-----\nMIID{}\n{}\n-----END CERTIFICATE-----",
                key(r, 60),
                key(r, 64)
            )
        },
    },
    Harmless {
        name: "placeholder",
        make: |r| {
            let value = r.pick(&[
                "changeme",
                "your-api-key-here",
                "xxxxxxxxxxxxxxxx",
                "<password>",
                "****************",
            ]);
            format!("{}_password = \"{value}\"", r.word(4))
        },
    },
    Harmless {
        name: "variable of a template",
        make: |r| format!("password: ${{{}_PASSWORD}}", r.word(6).to_uppercase()),
    },
    Harmless {
        name: "identifiers of source code",
        make: |r| {
            format!("let {0}_token = self.{1}.next_token(&mut {0}); // secret: {1}", r.word(5), r.word(8))
        },
    },
    Harmless {
        name: "types of source code",
        make: |r| {
            format!(
                "password: string; token: {}Token; api_key: &str; secret = get_{}(name)",
                r.word(6),
                r.word(5)
            )
        },
    },
    Harmless {
        name: "path of a secret",
        make: |r| format!("password_file=/run/secrets/{}-{}", r.word(6), r.digits(2)),
    },
    Harmless {
        name: "sentence on passwords",
        make: |r| format!("The password must have {} characters or more.", r.within(8, 20)),
    },
    Harmless { name: "masked token", make: |r| format!("token: ghp_{}****************", r.hex(4)) },
    Harmless {
        name: "repository by SSH",
        make: |r| format!("git@github.com:{}/{}.git", r.word(6), r.word(8)),
    },
    Harmless { name: "image for dense displays", make: |r| format!("{}@{}x.png", r.word(6), r.within(2, 3)) },
    Harmless {
        name: "package with a scope",
        make: |r| format!("npm i @{}/{}@{}.{}.0", r.word(5), r.word(7), r.below(9), r.below(30)),
    },
    Harmless { name: "user at a host", make: |r| format!("{}@{} ~ $ ls", r.word(5), r.word(6)) },
    Harmless { name: "decorator", make: |r| format!("@{}.{}(maxsize=None)", r.word(6), r.word(5)) },
    Harmless {
        name: "version with a build",
        make: |r| format!("{}.{}.{}+build.{}", r.below(9), r.below(30), r.below(99), r.below(10_000)),
    },
    Harmless {
        name: "sum",
        make: |r| format!("total = {}+{} = {}", r.below(10_000), r.below(10_000), r.below(20_000)),
    },
    Harmless {
        name: "offset of a time zone",
        make: |r| format!("2026-11-{:02}T12:00:00+{:02}00", r.within(10, 28), r.below(13)),
    },
    Harmless {
        name: "account with wrong check digits",
        make: |r| {
            let right = iban(r);
            let (digits, rest) = right.split_at_checked(4).unwrap_or_default();
            let wrong = digits.get(2..).and_then(|two| two.parse::<u64>().ok()).map_or(0, |two| two % 96 + 1);
            format!("DE{:02}{rest}", if format!("DE{wrong:02}") == digits { wrong + 1 } else { wrong })
        },
    },
    Harmless {
        name: "number that nobody was issued",
        make: |r| format!("{}-{:02}-{}", r.within(900, 999), r.within(1, 99), r.digits(4)),
    },
    Harmless {
        name: "part number",
        make: |r| format!("part {}-{:02}-{}", r.digits(3), r.within(1, 99), r.digits(5)),
    },
    Harmless {
        name: "date",
        make: |r| format!("{}-{:02}-{:02}", r.within(1990, 2029), r.within(1, 12), r.within(1, 28)),
    },
    Harmless {
        name: "telephone number of a country",
        make: |r| format!("tel. 030 {} {}", r.digits(4), r.digits(4)),
    },
];
