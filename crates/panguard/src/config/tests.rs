mod audit;
mod http;
mod notify;
mod sinks;

use std::path::Path;

use access::{DataClass, Timestamp};
use jiff::civil::date;
use sql::{Label, NotPan};

use super::{Config, PanProfile, Requests, UpstreamTls, VaultKey};
use mask::Classes;
use proxy::Credential;
use wire_http::Opaque;

const GOOD: &str = r#"data_dir: ./data
policies: ./policies
listen:
  postgres: 127.0.0.1:6432
  console: 127.0.0.1:8443
vault: { key: { file: ./vault.key } }
masking: { pan: last4 }
identity:
  issuers:
    - issuer: https://idp.example.com
      audience: panguard
      groups_claim: realm_access.roles
      agents: { claim: azp, prefix: agent- }
connections:
  payments-db:
    type: postgres
    address: db.internal:5432
    database: payments
    tls: verify-full
    credential: { user: app_rw, password: { secret: payments-db } }
    labels: [cde, production]
    data:
      public.cards.pan: pan
      public.customers.raw_doc: { json: { $.card.number: pan } }
"#;

fn parse(text: &str) -> Result<Config, super::Problems> {
    let env = |name: &str| (name == "DB_HOST").then(|| "db.prod".to_owned());
    Config::parse(Path::new("/etc/panguard/panguard.yaml"), text, &env, date(2026, 11, 28))
}

/// Checks that GOOD with `from` replaced by `to` is refused with exactly these problems.
#[track_caller]
fn refused(from: &str, to: &str, problems: &[&str]) {
    assert!(GOOD.contains(from), "GOOD has {from}");
    let Err(found) = parse(&GOOD.replacen(from, to, 1)) else { panic!("{to} was accepted") };
    let found: Vec<String> =
        found.0.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect();
    assert_eq!(found, problems);
}

#[test]
fn a_good_file_is_read_as_it_is_meant() {
    let config = parse(GOOD).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.data_dir, Path::new("/etc/panguard/./data"));
    assert_eq!(config.postgres.map(|at| at.port()), Some(6432));
    assert_eq!(config.vault_key, VaultKey::File("/etc/panguard/./vault.key".into()));
    assert_eq!(config.pan, PanProfile::Last4);
    assert_eq!(config.issuers[0].trust.as_str(), "https://idp.example.com");
    let connection = &config.connections["payments-db"];
    assert_eq!((&*connection.host, connection.port), ("db.internal", 5432));
    assert_eq!(connection.tls, UpstreamTls::VerifyFull);
    assert_eq!(connection.password.as_str(), "payments-db");
    let labels = [
        ("public.cards.pan", Label::Class(DataClass::Pan)),
        ("public.customers.raw_doc", Label::Json(vec![("$.card.number".into(), DataClass::Pan)])),
    ];
    assert_eq!(connection.data, sql::Labels::new(labels).unwrap());
}

#[test]
fn a_variable_of_the_environment_is_put_in_and_a_missing_one_is_refused() {
    let config = parse(&GOOD.replace("db.internal", "${DB_HOST}")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(&*config.connections["payments-db"].host, "db.prod");
    refused(
        "db.internal",
        "${DB_HOSTT}",
        &["17: the variable `DB_HOSTT` is not set in the environment; set it, or write the value here"],
    );
    refused(
        "db.internal",
        "${DB_HOST",
        &["17: `${` without `}`; write `${NAME}`, or `$${` for a plain `${`"],
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let advice = "secrets are never in this file; write `{ secret: NAME }` and store the value with `panguard secrets set NAME`";
    for literal in [
        "hunter2",
        "'hunter2'",
        "12345678901234567890123",
        "1.5",
        "true",
        "${DB_HOST}",
        "{ literal: hunter2 }",
    ] {
        let text = GOOD.replace("{ secret: payments-db }", literal);
        let Err(problems) = parse(&text) else { panic!("{literal} was accepted") };
        let shown = problems.to_string();
        assert!(shown.contains("panguard.yaml:20: "), "{literal}: {shown}");
        assert!(shown.contains(advice), "{literal}: {shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_password_that_is_empty_or_a_list_is_refused_with_what_to_write() {
    refused(
        "{ secret: payments-db }",
        "[hunter2]",
        &["20: the value here is not what belongs here; write `{ secret: NAME }`"],
    );
    refused(
        "{ secret: payments-db }",
        "",
        &["20: the credential has no `password`; write `password: { secret: payments-db }`"],
    );
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_meant() {
    refused(
        "    database: payments",
        "    databse: payments",
        &["18: unknown key `databse`; write `database`"],
    );
    refused(
        "masking: { pan: last4 }",
        "masking: { cvv: last4 }",
        &["7: unknown key `cvv`; write one of `pan`, `classes`"],
    );
    refused(
        "data_dir: ./data",
        "data_dir: ./data\nextra: 1",
        &[
            "2: unknown key `extra`; write one of `data_dir`, `policies`, `listen`, `tls`, `vault`, `masking`, `identity`, `connections`, `notify`, `audit`, `limits`, `controls`",
        ],
    );
}

#[test]
fn a_missing_key_is_named_with_an_example() {
    refused("policies: ./policies\n", "", &["0: `policies` is missing; write `policies: ./policies`"]);
    refused(
        "    type: postgres\n",
        "",
        &["21: `type` is missing from the entry that ends here; write `type: postgres`"],
    );
}

#[test]
fn a_key_twice_is_refused() {
    refused(
        "policies: ./policies",
        "data_dir: ./other\npolicies: ./policies",
        &["2: `data_dir` stands here twice; keep one of them"],
    );
}

#[test]
fn a_lane_that_this_build_does_not_have_is_left_out_and_said() {
    let text = format!("{GOOD}  tools:\n    type: mcp\n    base_url: https://tools.example.com\n");
    let config = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((config.connections.len(), config.https.len()), (1, 0), "nobody can reach it");
    let said: Vec<&str> = config.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("nobody can reach `tools`"), "{said:?}");
}

/// GOOD with one more connection, `api`, of these lines.
fn with_api(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    let good = GOOD.replacen("  console:", "  http: 127.0.0.1:8080\n  console:", 1);
    format!("{good}  api:\n{lines}")
}

#[test]
fn an_http_connection_is_stricter_where_card_data_is_expected() {
    let read = |lines: &[&str]| {
        let mut config = parse(&with_api(lines)).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(config.http.map(|at| at.port()), Some(8080));
        config.https.remove("api").unwrap()
    };
    let url = "base_url: https://api.example.com/v2";
    let plain = read(&["type: http", url, "credential: { bearer: { secret: api } }"]);
    assert_eq!((plain.strict, plain.opaque, plain.requests), (false, Opaque::Scan, Requests::Refuse));
    assert_eq!(plain.credential, Credential::Bearer("api".parse().unwrap()));
    let cde = read(&["type: http", url, "labels: [cde]", "data: { $.card.number: pan }"]);
    assert_eq!((cde.strict, cde.opaque, cde.data.len()), (true, Opaque::Refuse, 1));
    let llm =
        read(&["type: llm", url, "labels: [cde]", "opaque: pass", "disguises: false", "requests: mask"]);
    assert_eq!((llm.strict, llm.opaque, llm.requests), (false, Opaque::Pass, Requests::Mask));
    assert_eq!(read(&["type: llm", url]).requests, Requests::Tokenise);
}

#[test]
fn an_http_connection_that_cannot_be_used_is_refused_with_what_to_write() {
    for (lines, wrong) in [
        (&["type: http"][..], "27: `api` has no `base_url`; write `base_url: https://HOST`"),
        (&["type: http", "base_url: http://api.example.com"], "28: plain text is refused off loopback"),
        (
            &["type: http", "base_url: https://u:p@api.example.com"],
            "28: this is no base URL: it holds a user",
        ),
        (&["type: http", "base_url: https://a", "address: a:1"], "29: `address` is not for `http` and `llm`"),
        (
            &["type: http", "base_url: https://a", "credential: { bearer: hunter2 }"],
            "29: secrets are never in this file",
        ),
        (&["type: http", "base_url: https://a", "credential: { header: X }"], "29: a credential is one of"),
        (&["type: http", "base_url: https://a", "data: { pan: pan }"], "29: `pan` is not a path into JSON"),
        (&["type: http", "base_url: https://a", "opaque: maybe"], "29: `maybe` is nothing to do with a body"),
        (&["type: http", "base_url: https://a", "hosts: ['a:80']"], "29: `a:80` is no host name"),
        (&["type: http", "base_url: https://a", "timeout_seconds: 0"], "29: this limit is from 1 to 86400"),
    ] {
        let Err(problems) = parse(&with_api(lines)) else { panic!("{lines:?} was accepted") };
        let found: Vec<String> = problems.0.iter().map(|it| format!("{}: {}", it.line, it.message)).collect();
        assert!(found.len() == 1 && found[0].starts_with(wrong), "{lines:?}: {found:?}");
        assert!(!found[0].contains("hunter2"));
    }
    refused(
        "    labels: [cde, production]",
        "    opaque: pass\n    labels: [cde, production]",
        &["21: this key is not for `postgres`; see `panguard check --schema` for which are"],
    );
}

#[test]
fn masking_is_one_profile_and_what_else_is_masked() {
    let masked = |written: &str| {
        let config = parse(&GOOD.replacen("{ pan: last4 }", written, 1));
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        (config.pan, config.classes)
    };
    let secrets = Classes { secret: true, ..Classes::default() };
    assert_eq!(masked("{}"), (PanProfile::Last4, secrets));
    assert_eq!(masked("{ pan: tokenise, classes: [] }"), (PanProfile::Tokenise, Classes::default()));
    assert_eq!(
        masked("{ pan: first6last4, classes: [us_ssn, email] }"),
        (PanProfile::First6Last4, Classes { us_ssn: true, email: true, ..Classes::default() })
    );
}

#[test]
fn two_masking_profiles_are_refused_since_together_they_show_more() {
    refused(
        "pan: last4",
        "pan: [last4, first6last4]",
        &[
            "7: a deployment has one masking profile: who sees a card number masked in two ways learns more of it than by either (PCI DSS 3.5.1); write `last4`, `first6last4` or `tokenise`",
        ],
    );
    refused(
        "pan: last4",
        "pan: last6",
        &["7: `last6` is no masking profile; write `last4`, `first6last4` or `tokenise`"],
    );
    refused(
        "pan: last4",
        "classes: [secret, phones]",
        &[
            "7: `phones` is nothing that a scan finds; write some of `secret`, `email`, `phone`, `iban`, `us_ssn`",
        ],
    );
}

#[test]
fn what_this_build_does_not_do_is_refused_by_name() {
    refused(
        "data_dir: ./data",
        "data_dir: ./data\nstore: sqlite://h/d",
        &[
            "2: the store is no PostgreSQL database; write `postgres://USER@HOST:5432/DATABASE`, and its password by `panguard secrets set store`",
        ],
    );
}

#[test]
fn the_vaults_key_comes_from_one_place_and_passes_through_nobodys_hands() {
    let config = |key: &str| GOOD.replace("{ file: ./vault.key }", key);
    let transit = "{ transit: { address: \"https://bao:8200/\", key: panguard, token_file: ./t } }";
    let read = parse(&config(transit)).unwrap();
    let VaultKey::Transit(it) = read.vault_key else { panic!("it is a key elsewhere") };
    assert_eq!((&*it.address, &*it.mount, &*it.key), ("https://bao:8200", "transit", "panguard"));
    for address in ["http://bao:8200", "bao:8200", "https://u:p@bao", "https://bao?x=1"] {
        let key = format!("{{ transit: {{ address: \"{address}\", key: panguard, token_file: ./t }} }}");
        refused(
            "{ file: ./vault.key }",
            &key,
            &["6: the address is to be `https://HOST:PORT`, or `http://…` on loopback: keys pass there"],
        );
    }
    refused(
        "{ file: ./vault.key }",
        "{ transit: { address: \"https://bao\", key: ../sys/raw, token_file: ./t } }",
        &["6: write a name of letters, digits, `-`, `_` and `.`"],
    );
    refused(
        "{ file: ./vault.key }",
        "{ file: ./vault.key, pkcs11: { module: ./m.so, token: t, key: k, pin_file: ./p } }",
        &[
            "6: the vault's key comes from exactly one place; write `{ file: … }`, `{ env: … }`, `{ stdin: true }`, `{ transit: … }` or `{ pkcs11: … }`",
        ],
    );
}

#[test]
fn plain_text_is_refused_off_loopback() {
    refused(
        "postgres: 127.0.0.1:6432",
        "postgres: 0.0.0.0:6432",
        &[
            "4: plain text is refused off loopback; write `tls: { cert: FILE, key: FILE }` beside `listen`, or listen on 127.0.0.1",
        ],
    );
    refused(
        "console: 127.0.0.1:8443",
        "console: 10.0.0.1:8443",
        &[
            "5: the console of this build speaks plain HTTP, which is refused off loopback; write an address such as `127.0.0.1:8443`",
        ],
    );
    refused(
        "tls: verify-full",
        "tls: disable",
        &[
            "19: plain text is refused off loopback; write `tls: verify-full`, with `ca: FILE` if the certificate is your own",
        ],
    );
    refused(
        "tls: verify-full",
        "tls: require",
        &[
            "19: certificates are always verified; write `tls: verify-full`, with `ca: FILE` if the certificate is your own",
        ],
    );
    let open = GOOD.replace("postgres: 127.0.0.1:6432", "postgres: '[::]:6432'");
    assert!(parse(&format!("tls: {{ cert: c.pem, key: k.pem }}\n{open}")).is_ok());
    let local = GOOD.replace("db.internal", "127.0.0.1").replace("verify-full", "disable");
    assert!(parse(&local).is_ok());
}

#[test]
fn everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("127.0.0.1:6432", "localhost")
        .replace("audience: panguard", "audience: []")
        .replace("db.internal:5432", "db.internal")
        .replace("public.cards.pan: pan", "cards.pan: pan")
        .replace("$.card.number: pan", "card.number: pan");
    let Err(problems) = parse(&text) else { panic!("accepted") };
    assert_eq!(problems.to_string(), "\
/etc/panguard/panguard.yaml:4: `localhost` is not an address to listen on; write IP:PORT, such as `127.0.0.1:6432`
/etc/panguard/panguard.yaml:11: the issuer needs an audience, else tokens meant for others would be accepted
/etc/panguard/panguard.yaml:17: `db.internal` is not an address; write HOST:PORT, such as `db.internal:5432`
/etc/panguard/panguard.yaml:23: `cards.pan` does not name a column, write `schema.table.column`
/etc/panguard/panguard.yaml:24: `card.number` is not a path into JSON; a path starts with `$`; write a path such as `$.card.number`, `$.cards[*].pan` or `$..pan`");
}

#[test]
fn an_issuer_must_be_safe_to_believe() {
    refused(
        "https://idp.example.com",
        "http://idp.example.com",
        &["10: the issuer must be an https URL, or http on loopback, without query or fragment"],
    );
    refused(
        "prefix: agent-",
        "prefix: a, equals: b",
        &["13: give only one of `values`, `equals` and `prefix`"],
    );
    refused(
        "audience: panguard",
        "audience: panguard\n      clock_skew_seconds: 3600",
        &["12: the clock skew is at most 120 seconds"],
    );
    refused(
        "    - issuer: https://idp.example.com
      audience: panguard
      groups_claim: realm_access.roles
      agents: { claim: azp, prefix: agent- }",
        "    []",
        &["10: nobody can sign in without an issuer; write at least one"],
    );
}

/// GOOD, and what is said of one more column.
fn with_column(holds: &str) -> String {
    format!("{GOOD}      public.orders.id: {holds}\n")
}

#[test]
fn what_is_vouched_for_has_a_reason_and_a_day() {
    let text = with_column(
        r#"{ not_pan: { reason: "order numbers, sampled 2026-11-01", until: 2027-06-30 } }"#,
    ) + "      public.orders.doc: { json: { $.pan: pan, $.trace.id: { not_pan: { reason: ids, until: 2026-11-29 } } } }\n"
        + "      public.orders.log: { json: { $.id: { not_pan: { reason: ids, until: 2027-11-28 } } } }\n";
    let config = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(config.notices.is_empty());
    let until = |date: jiff::civil::Date| {
        Timestamp(date.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_microsecond())
    };
    let not_pan = |path: Option<&str>, day| NotPan { path: path.map(Into::into), until: until(day) };
    let labels = [
        ("public.cards.pan", Label::Class(DataClass::Pan)),
        ("public.customers.raw_doc", Label::Json(vec![("$.card.number".into(), DataClass::Pan)])),
        ("public.orders.doc", Label::Json(vec![("$.pan".into(), DataClass::Pan)])),
    ];
    let expected = sql::Labels::new(labels).unwrap().with_not_pan([
        ("public.orders.doc", not_pan(Some("$.trace.id"), date(2026, 11, 29))),
        ("public.orders.id", not_pan(None, date(2027, 6, 30))),
        ("public.orders.log", not_pan(Some("$.id"), date(2027, 11, 28))),
    ]);
    assert_eq!(config.connections["payments-db"].data, expected.unwrap());
}

#[test]
fn what_is_vouched_for_no_longer_is_searched_again_and_said() {
    let text = with_column("{ not_pan: { reason: ids, until: 2026-11-28 } }")
        + "      public.orders.log: { json: { $.id: { not_pan: { reason: ids, until: 2020-01-01 } } } }\n";
    let config = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let said: Vec<String> = config.notices.iter().map(|n| format!("{}: {}", n.line, n.message)).collect();
    let after = "it is searched again; sample its values and write a later day, or remove it";
    assert_eq!(
        said,
        [
            format!("25: `not_pan` of `public.orders.id` has run out on 2026-11-28: {after}"),
            format!("26: `not_pan` of `public.orders.log` at `$.id` has run out on 2020-01-01: {after}"),
        ]
    );
    let without = parse(GOOD).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.connections["payments-db"].data, without.connections["payments-db"].data);
}

#[test]
fn what_is_vouched_for_without_reason_or_for_too_long_is_refused() {
    let wrong = |holds: &str, message: &str| {
        let Err(problems) = parse(&with_column(holds)) else { panic!("{holds} was accepted") };
        let found: Vec<String> = problems.0.iter().map(|p| format!("{}: {}", p.line, p.message)).collect();
        assert_eq!(found, [format!("25: {message}")], "{holds}");
    };
    let reason = "`not_pan` needs a reason; write how it is known, such as `reason: \"order numbers, sampled 2026-11-01\"`";
    wrong("{ not_pan: { reason: ' ', until: 2027-01-01 } }", reason);
    wrong(
        "not_pan",
        "`not_pan` needs a reason and a day; write `{ not_pan: { reason: …, until: 2027-06-30 } }`",
    );
    wrong(
        "{ not_pan: { reason: ids, until: 2027-11-29 } }",
        "`until` is at most twelve months ahead; write `until: 2027-11-28` or earlier, and sample the values again then",
    );
    for day in ["tomorrow", "2027-02-30", "30.06.2027", "20270630x"] {
        let holds = format!("{{ not_pan: {{ reason: ids, until: {day} }} }}");
        wrong(&holds, "`until` is a day; write one such as `until: 2027-06-30`");
    }
    wrong(
        "{ not_pan: { reason: ids } }",
        "`until` is missing from the entry that ends here; write `until: …`",
    );
    wrong(
        "{ not_pan: { reason: ids, until: 2027-01-01, by: me } }",
        "unknown key `by`; write one of `reason`, `until`",
    );
    let column = "a column holds a data class such as `pan`, or `{ json: { $.path: pan } }`, or `{ not_pan: { reason: …, until: 2027-06-30 } }`";
    wrong("{ no_pan: { reason: ids, until: 2027-01-01 } }", column);
    wrong(
        "{ json: { $.a: { class: pan } } }",
        "at a path is a data class such as `pan`, or `{ not_pan: { reason: …, until: 2027-06-30 } }`",
    );
}

#[test]
fn time_servers_are_hosts_with_or_without_a_port() {
    let controls =
        "controls: { time_servers: [time1.example.com, '10.0.0.5:1123', '[::1]:123'], clock_offset_ms: 250 }";
    let config = parse(&GOOD.replacen("data_dir: ./data", &format!("data_dir: ./data\n{controls}"), 1));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let servers: Vec<_> = config.controls.time_servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["time1.example.com", "10.0.0.5:1123", "[::1]"]);
    assert_eq!(config.controls.clock_offset, std::time::Duration::from_millis(250));
    refused(
        "data_dir: ./data",
        "data_dir: ./data\ncontrols: { time_servers: ['no host', 'a:0'], clock_offset_ms: 5 }",
        &[
            "2: this limit is from 10 to 60000",
            "2: `no host` is no time server; write HOST or HOST:PORT, such as `time1.example.com` or `10.0.0.5:123`",
            "2: `a:0` is no time server; write HOST or HOST:PORT, such as `time1.example.com` or `10.0.0.5:123`",
        ],
    );
}

#[test]
fn a_limit_out_of_range_is_refused() {
    refused(
        "data_dir: ./data",
        "data_dir: ./data\nlimits: { connections: 0 }",
        &["2: this limit is from 1 to 100000"],
    );
    refused(
        "data_dir: ./data",
        "data_dir: ./data\nlimits: { connections: many }",
        &["2: the value here is not what belongs here; write a whole number"],
    );
}

#[test]
fn a_file_that_is_no_yaml_or_empty_is_refused_with_its_line() {
    let Err(problems) = parse("data_dir: [") else { panic!("accepted") };
    assert_eq!(problems.0.len(), 1);
    let Err(problems) = parse("") else { panic!("accepted") };
    assert!(!problems.to_string().is_empty());
}

#[test]
fn the_schema_names_every_key_that_is_served_and_no_other() {
    let schema = serde_json::to_value(Config::schema()).unwrap();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "data_dir",
            "store",
            "policies",
            "listen",
            "tls",
            "vault",
            "masking",
            "identity",
            "connections",
            "notify",
            "audit",
            "limits",
            "controls"
        ]
    );
    assert_eq!(schema["additionalProperties"], false);
    let schema_text = serde_json::to_string(&schema).unwrap();
    for key in ["base_url", "client_certificate", "oauth2", "aws"] {
        assert!(schema_text.contains(&format!("\"{key}\"")), "{key}");
    }
    let not_pan = &schema["$defs"]["NotPan"];
    assert_eq!(not_pan["required"], serde_json::json!(["reason", "until"]));
    assert_eq!(not_pan["additionalProperties"], false);
}
