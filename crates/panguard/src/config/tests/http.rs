use gate::Allowance;
use proxy::{Aws, ClientAuth, Credential, Grant, OAuth2};
use wire_http::Holds;

use super::{GOOD, parse};
use crate::config::{CertificateKey, HttpConnection};

/// The connection `api` with more of its lines, from line 28 on.
fn with(lines: &str) -> String {
    format!("{GOOD}  api:\n    type: http\n    base_url: https://api.example.com\n{lines}\n")
}

#[track_caller]
fn read(lines: &str) -> HttpConnection {
    let config = parse(&with(lines)).unwrap_or_else(|problems| panic!("{problems}"));
    config.https["api"].clone()
}

/// Checks that the lines are refused with exactly these problems.
#[track_caller]
fn refused(lines: &str, problems: &[&str]) {
    let Err(found) = parse(&with(lines)) else { panic!("{lines} was accepted") };
    let found: Vec<String> =
        found.0.iter().map(|problem| format!("{}: {}", problem.line, problem.message)).collect();
    assert_eq!(found, problems);
}

fn name(name: &str) -> vault::Name {
    name.parse().unwrap()
}

const AWS: &str = "    credential: { aws: { region: eu-central-1, service: bedrock, access_key: { secret: id }, secret_key: { secret: key } } }";
const OAUTH: &str = "    credential: { oauth2: { token_url: https://idp.example.com/token, client_id: panguard, client_secret: { secret: idp } } }";

#[test]
fn requests_are_signed_for_aws_and_held_whole_for_that() {
    let api = read(AWS);
    let aws = Aws {
        region: "eu-central-1".into(),
        service: "bedrock".into(),
        access_key: name("id"),
        secret_key: name("key"),
        session_token: None,
    };
    assert_eq!(api.credential, Credential::Aws(aws));
    assert_eq!(api.bounds.holds, Holds::All);
    assert_eq!(read(&AWS.replace("bedrock", "s3")).bounds.holds, Holds::Fitting);
    refused(
        &AWS.replace("eu-central-1", "EU/central"),
        &[
            "28: `EU/central` is in no signature; write lower-case letters, digits and `-`, such as `eu-central-1`",
        ],
    );
}

#[test]
fn access_tokens_are_asked_for_as_the_client_itself_or_by_a_refresh_token() {
    let client = OAuth2 {
        token_url: "https://idp.example.com/token".parse().unwrap(),
        client_id: "panguard".into(),
        client_secret: Some(name("idp")),
        auth: ClientAuth::Basic,
        grant: Grant::ClientCredentials,
        scope: None,
        audience: None,
    };
    assert_eq!(read(OAUTH).credential, Credential::OAuth2(client.clone()));
    let more = "client_secret: { secret: idp }, auth: post, scope: a b, audience: api";
    let (scope, audience) = (Some("a b".into()), Some("api".into()));
    let asked = OAuth2 { auth: ClientAuth::Post, scope, audience, ..client.clone() };
    let read_more = read(&OAUTH.replace("client_secret: { secret: idp }", more)).credential;
    assert_eq!(read_more, Credential::OAuth2(asked));
    let public = "refresh_token: { secret: r }";
    let asked = OAuth2 { client_secret: None, grant: Grant::Refresh(name("r")), ..client };
    let read_public = read(&OAUTH.replace("client_secret: { secret: idp }", public)).credential;
    assert_eq!(read_public, Credential::OAuth2(asked));
}

#[test]
fn a_client_of_an_authorization_server_that_proves_nothing_or_too_little_is_refused() {
    refused(
        &OAUTH.replace(", client_secret: { secret: idp }", ""),
        &[
            "28: nothing here proves who asks for a token; write `client_secret: { secret: NAME }`, or `refresh_token: { secret: NAME }`, or both",
        ],
    );
    refused(
        &OAUTH.replace("client_secret: { secret: idp }", "refresh_token: { secret: r }, auth: post"),
        &[
            "28: `auth` says how the client's secret is shown, and there is none; write `client_secret: { secret: NAME }`, or leave `auth` out",
        ],
    );
    refused(
        &OAUTH.replace("{ secret: idp }", "{ secret: idp }, auth: jwt"),
        &["28: `jwt` is no way to show a client's secret; write `basic` or `post`"],
    );
}

#[test]
fn a_token_endpoint_is_asked_in_plain_text_on_loopback_alone() {
    let at = |url: &str| OAUTH.replace("https://idp.example.com/token", &format!("'{url}'"));
    for url in ["http://127.0.0.1:8080/token", "http://[::1]/token", "https://idp.example.com/token?p=b2c"] {
        read(&at(url));
    }
    refused(
        &at("http://idp.example.com/token"),
        &[
            "28: plain text is refused off loopback; write `https://…`, with `ca: FILE` beside `base_url` if the certificate is your own",
        ],
    );
    for url in ["idp.example.com", "https://a:b@idp.example.com/", "ftp://idp.example.com/", "https://idp/#a"]
    {
        refused(
            &at(url),
            &[
                "28: this is no address of a token endpoint; write `https://HOST/PATH`, without a user or a fragment",
            ],
        );
    }
}

#[test]
fn a_mixture_of_credentials_is_refused_with_what_to_write() {
    let advice = "28: a credential is one of `{ bearer: { secret: api } }`, `{ header: X-Api-Key, value: { secret: api } }`, `{ query: key, value: { secret: api } }`, `{ user: USER, password: { secret: api } }`, `{ aws: { … } }` and `{ oauth2: { … } }`";
    refused(&AWS.replace("{ aws", "{ bearer: { secret: a }, aws"), &[advice]);
    refused(&OAUTH.replace("{ oauth2", "{ user: u, oauth2"), &[advice]);
    let both = AWS.replace(
        "{ aws",
        "{ oauth2: { token_url: https://idp/, client_id: a, client_secret: { secret: b } }, aws",
    );
    refused(&both, &[advice]);
    refused("    credential: {}", &[advice]);
}

#[test]
fn a_secret_of_a_token_written_out_is_refused_and_not_repeated() {
    for lines in [OAUTH.replace("{ secret: idp }", "hunter2"), AWS.replace("{ secret: key }", "hunter2")] {
        let Err(problems) = parse(&with(&lines)) else { panic!("it was accepted") };
        let shown = problems.to_string();
        assert!(shown.contains("secrets are never in this file") && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_database_has_no_credential_of_http() {
    let aws = AWS.trim_start().trim_start_matches("credential: ");
    let text = GOOD.replace("{ user: app_rw, password: { secret: payments-db } }", aws);
    let Err(problems) = parse(&text) else { panic!("it was accepted") };
    assert!(problems.to_string().contains("`postgres` takes a user and a password"), "{problems}");
}

const CERTIFICATE: &str = "    client_certificate: { cert: client.pem, key: client.key }";

#[test]
fn a_client_certificate_has_its_key_in_a_file_or_in_the_vault() {
    let certificate = read(CERTIFICATE).certificate.unwrap();
    let files: Vec<_> = certificate.files().map(|file| file.display().to_string()).collect();
    assert_eq!(files, ["/etc/panguard/client.pem", "/etc/panguard/client.key"]);
    let certificate = read(&CERTIFICATE.replace("client.key", "{ secret: client-key }")).certificate.unwrap();
    assert_eq!(certificate.key, CertificateKey::Vault(name("client-key")));
}

#[test]
fn a_client_certificate_without_tls_or_with_its_key_written_out_is_refused() {
    let plain = with(CERTIFICATE).replace("https://api.example.com", "http://127.0.0.1:8080");
    let Err(problems) = parse(&plain) else { panic!("it was accepted") };
    assert!(
        problems.to_string().contains("panguard.yaml:28: a certificate is shown by TLS alone"),
        "{problems}"
    );
    let literal = CERTIFICATE.replace("client.key", "'-----BEGIN PRIVATE KEY----- hunter2'");
    let Err(problems) = parse(&with(&literal)) else { panic!("it was accepted") };
    let shown = problems.to_string();
    assert!(shown.contains("secrets are never in this file") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn limits_are_each_principals_and_none_where_none_is_written() {
    let api = read(
        "    limits: { requests_per_minute: 60, concurrent: 4, request_bytes: 1048576, response_bytes: 10 }",
    );
    assert_eq!(api.allowance, Allowance { per_minute: Some(60), concurrent: Some(4) });
    assert_eq!((api.bounds.request_bytes_max, api.bounds.response_bytes_max), (Some(1 << 20), Some(10)));
    assert_eq!(read("    limits: {}").allowance, Allowance::default());
    refused(
        "    limits: { requests_per_minute: 0, concurrent: 1000001 }",
        &["28: this limit is from 1 to 1000000; leave it out where there is none"; 2],
    );
    let text = GOOD.replace("    labels: [cde, production]", "    limits: { concurrent: 4 }");
    let Err(problems) = parse(&text) else { panic!("it was accepted") };
    assert!(problems.to_string().contains(":21: this key is not for `postgres`"), "{problems}");
}
