//! Discovery and the issuer's configuration.

use serde_json::json;

use super::mint::{ISSUER, issuer, rule};
use crate::{Discovery, DiscoveryError, Issuer, IssuerError};

fn discover(document: &serde_json::Value) -> Result<String, DiscoveryError> {
    Discovery::parse(document.to_string().as_bytes(), ISSUER).map(|discovery| discovery.jwks_uri.into())
}

#[test]
fn metadata_names_the_address_of_the_keys() {
    let document = json!({ "issuer": ISSUER, "jwks_uri": "https://keys.example.com/jwks", "more": [1] });
    assert_eq!(discover(&document).as_deref(), Ok("https://keys.example.com/jwks"));
}

#[test]
fn metadata_of_another_issuer_is_refused() {
    for issuer in
        [json!("https://idp.example.com/"), json!("https://evil.example"), json!(null), json!([ISSUER])]
    {
        let document = json!({ "issuer": issuer, "jwks_uri": "https://keys.example.com/jwks" });
        assert_eq!(discover(&document), Err(DiscoveryError::Issuer), "{document}");
    }
    assert_eq!(Discovery::parse(b"<html>", ISSUER), Err(DiscoveryError::Malformed));
    assert_eq!(Discovery::parse(&vec![b' '; (256 << 10) + 1], ISSUER), Err(DiscoveryError::TooLong));
}

#[test]
fn keys_come_over_https_or_from_this_machine() {
    for good in [
        "https://keys.example.com",
        "https://keys.example.com:8443/a/b?c=d#e",
        "https://10.0.0.1/jwks",
        "https://[2001:db8::1]:8443/jwks",
        "http://localhost:9000/jwks",
        "http://127.0.0.1:9000/jwks",
        "http://127.8.8.8/jwks",
        "http://[::1]:9000/jwks",
    ] {
        let document = json!({ "issuer": ISSUER, "jwks_uri": good });
        assert_eq!(discover(&document).as_deref(), Ok(good));
    }
    for bad in [
        "",
        "https://",
        "https:///jwks",
        "http://keys.example.com/jwks",
        "http://localhost.evil.example/jwks",
        "http://127.0.0.1.evil.example/jwks",
        "http://127.0.0.1@evil.example/jwks",
        "http://localhost:80@evil.example/jwks",
        "http://evil.example#@127.0.0.1/",
        "http://evil.example\\@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:+1/",
        "http://127.0.0.1:/",
        "http://0.0.0.0/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[::ffff:10.0.0.1]/",
        "HTTPS://keys.example.com",
        "https://user@keys.example.com/",
        "https://keys.example.com/a b",
        "https://keys.exämple.com/",
        "https://keys.example.com/\r\nHost: evil",
        "file:///etc/passwd",
        "//keys.example.com",
    ] {
        let document = json!({ "issuer": ISSUER, "jwks_uri": bad });
        assert_eq!(discover(&document), Err(DiscoveryError::JwksUri), "{bad}");
    }
}

#[test]
fn an_issuer_needs_a_safe_address_an_audience_and_little_skew() {
    let new = |address: &str, audience: &[&str]| {
        Issuer::new(address, audience.iter().copied(), rule(json!({ "claim": "a" }))).map(|_| ())
    };
    assert_eq!(new("https://idp.example.com/realms/a", &["panguard"]), Ok(()));
    assert_eq!(new("http://127.0.0.1:9000", &["panguard"]), Ok(()));
    assert_eq!(new("http://idp.example.com", &["panguard"]), Err(IssuerError::Address));
    assert_eq!(new("https://idp.example.com/?a", &["panguard"]), Err(IssuerError::Address));
    assert_eq!(new("idp.example.com", &["panguard"]), Err(IssuerError::Address));
    assert_eq!(new(ISSUER, &[]), Err(IssuerError::Audience));
    assert_eq!(new(ISSUER, &["panguard", ""]), Err(IssuerError::Audience));
    assert!(issuer().with_clock_skew_seconds(120).is_ok());
    assert_eq!(issuer().with_clock_skew_seconds(121), Err(IssuerError::ClockSkew));
}

#[test]
fn the_metadata_is_under_the_issuer() {
    let url =
        |address| Issuer::new(address, ["panguard"], rule(json!({ "claim": "a" }))).unwrap().discovery_url();
    assert_eq!(url(ISSUER), "https://idp.example.com/.well-known/openid-configuration");
    assert_eq!(url("https://a.example/r/"), "https://a.example/r/.well-known/openid-configuration");
}
