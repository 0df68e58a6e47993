use std::path::Path;

use access::DataClass;

use sql::Label;

use super::{Config, PanProfile, UpstreamTls, VaultKey};
use mask::Classes;

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
    Config::parse(Path::new("/etc/panguard/panguard.yaml"), text, &env)
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
    assert_eq!(config.postgres.port(), 6432);
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
            "2: unknown key `extra`; write one of `data_dir`, `policies`, `listen`, `tls`, `vault`, `masking`, `identity`, `connections`, `limits`",
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
    let text = GOOD.replacen("  console: 127.0.0.1:8443", "  http: 127.0.0.1:8080", 1)
        + "  openai:\n    type: llm\n    base_url: https://api.openai.com/v1\n    credential: { bearer: { secret: openai } }\n";
    let config = parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.connections.len(), 1, "nobody can reach it");
    let said: Vec<&str> = config.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(said.len(), 2);
    assert!(said.iter().any(|message| message.contains("nothing listens there")), "{said:?}");
    assert!(said.iter().any(|message| message.contains("nobody can reach `openai`")), "{said:?}");
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
        "data_dir: ./data\nstore: postgres://h/d",
        &["2: this build keeps its store on the local disk only; write `data_dir: ./data`"],
    );
    refused(
        "{ file: ./vault.key }",
        "{ transit: { url: x } }",
        &[
            "6: this build takes the vault's key from a file, the environment or standard input only; write `{ file: … }`, `{ env: … }` or `{ stdin: true }`",
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
        ["data_dir", "policies", "listen", "tls", "vault", "masking", "identity", "connections", "limits"]
    );
    assert_eq!(schema["additionalProperties"], false);
    assert!(!serde_json::to_string(&schema).unwrap().contains("base_url"));
}
