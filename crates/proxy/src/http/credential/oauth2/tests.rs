use std::sync::Arc;

use access::{Secret, Timestamp};
use wire_http::Echo;

use super::{ClientAuth, Due, Grant, Granted, OAuth2, Token, Upkeep, error};

const NOW: Timestamp = Timestamp(1_000_000_000_000_000);

fn client(auth: ClientAuth, grant: Grant) -> OAuth2 {
    OAuth2 {
        token_url: "https://idp.example.com/token".parse().unwrap(),
        client_id: "panguard 1".into(),
        client_secret: Some("idp".parse().unwrap()),
        auth,
        grant,
        scope: Some("read write".into()),
        audience: None,
    }
}

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn token() -> Token {
    Token { header: "Bearer t".parse().unwrap(), echo: Echo::default() }
}

fn later(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// One that has been fetched at `NOW`, and used.
fn used(lives_seconds: i64) -> Upkeep {
    let mut upkeep = Upkeep::default();
    upkeep.want(NOW);
    upkeep.start();
    upkeep.fetched(token(), lives_seconds, NOW);
    assert!(upkeep.usable(NOW).is_some());
    upkeep
}

#[test]
fn a_client_says_who_it_is_by_basic_authentication_with_what_is_reserved_encoded() {
    let request = client(ClientAuth::Basic, Grant::ClientCredentials).request(Some(&secret("a:b c")), None);
    // panguard%201:a%3Ab%20c
    assert_eq!(request.authorization.unwrap(), "Basic cGFuZ3VhcmQlMjAxOmElM0FiJTIwYw==");
    assert_eq!(request.body.expose_str(), Some("grant_type=client_credentials&scope=read%20write"));
}

#[test]
fn a_client_says_who_it_is_in_the_body_where_it_is_told_to_or_has_no_secret() {
    let post = client(ClientAuth::Post, Grant::Refresh("r".parse().unwrap()));
    let request = post.request(Some(&secret("s&t")), Some(&secret("r/1")));
    assert!(request.authorization.is_none());
    let body = "grant_type=refresh_token&refresh_token=r%2F1&scope=read%20write&client_id=panguard%201";
    assert_eq!(request.body.expose_str(), Some(format!("{body}&client_secret=s%26t").as_str()));
    assert_eq!(post.request(None, Some(&secret("r/1"))).body.expose_str(), Some(body));
}

#[test]
fn what_is_granted_is_read_with_how_long_it_lives_and_a_new_refresh_token() {
    let answer = br#"{"access_token":"at","token_type":"bearer","expires_in":3600,"refresh_token":"r2"}"#;
    let granted = Granted::read(answer).unwrap();
    assert_eq!((granted.header.to_str().unwrap(), granted.lives_seconds), ("Bearer at", 3600));
    assert_eq!(granted.refresh.unwrap().expose(), b"r2");
    let text = br#"{"access_token":"at","token_type":"Bearer","expires_in":"60"}"#;
    assert_eq!(Granted::read(text).unwrap().lives_seconds, 60);
    assert_eq!(Granted::read(br#"{"access_token":"at","token_type":"Bearer"}"#).unwrap().lives_seconds, 300);
}

#[test]
fn what_is_no_grant_is_refused_in_words_that_hold_nothing_of_it() {
    for answer in [
        "secret-at",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":"secret-at","token_type":"mac"}"#,
        r#"{"access_token":"secret\n-at","token_type":"Bearer"}"#,
        r#"{"access_token":"secret-at","token_type":"Bearer","expires_in":"secret"}"#,
    ] {
        let why = Granted::read(answer.as_bytes()).err().unwrap();
        assert!(!why.contains("secret"), "{why}");
    }
    assert_eq!(error(br#"{"error":"invalid_grant","error_description":"secret"}"#), Some("invalid_grant"));
    assert_eq!(error(br#"{"error":"secret"}"#), None);
}

#[test]
fn nothing_is_fetched_until_it_is_wanted_and_then_once() {
    let mut upkeep = Upkeep::default();
    assert_eq!(upkeep.due(NOW), Due::Never);
    assert!(upkeep.want(NOW));
    assert_eq!(upkeep.due(NOW), Due::Now);
    upkeep.start();
    assert!(upkeep.want(NOW), "one is on its way");
    assert_eq!(upkeep.due(NOW), Due::Never);
    upkeep.fetched(token(), 3600, NOW);
    assert!(upkeep.usable(NOW).is_some());
}

#[test]
fn a_token_that_is_used_is_renewed_before_it_runs_out_and_one_that_is_not_is_not() {
    let mut upkeep = used(3600);
    assert_eq!(upkeep.due(NOW), Due::At(later(3480)));
    assert_eq!(upkeep.due(later(3480)), Due::Now);
    upkeep.start();
    assert!(upkeep.usable(later(3589)).is_some(), "the old one is used meanwhile");
    upkeep.fetched(token(), 3600, later(3481));
    assert_eq!(upkeep.due(later(3482)), Due::At(later(6961)), "somebody may use it until then");
    assert_eq!(upkeep.due(later(7000)), Due::Never, "nobody has used it");
    assert!(upkeep.usable(later(3481 + 3590)).is_none());
}

#[test]
fn a_token_is_not_used_in_the_last_moments_of_its_life() {
    assert!(used(3600).usable(later(3589)).is_some());
    assert!(used(3600).usable(later(3590)).is_none());
    assert!(used(10).usable(later(8)).is_some());
    assert!(used(10).usable(later(9)).is_none());
    assert!(Granted::read(br#"{"access_token":"a","expires_in":-5}"#).unwrap().lives_seconds == 0);
}

#[test]
fn a_server_that_fails_is_asked_less_and_less_often() {
    let mut upkeep = Upkeep::default();
    let mut now = NOW;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        upkeep.want(now);
        assert_eq!(upkeep.due(now), Due::Now);
        upkeep.start();
        upkeep.failed(now);
        assert!(!upkeep.want(now), "whoever wants one is told so at once");
        assert_eq!(upkeep.due(now), Due::At(now.plus_seconds(wait)));
        now = now.plus_seconds(wait);
    }
    assert!(upkeep.want(Timestamp(0)), "a clock that was set back stops nothing");
}

#[test]
fn a_renewal_that_fails_leaves_the_token_in_use_until_its_end() {
    let mut upkeep = used(3600);
    upkeep.start();
    upkeep.failed(later(3480));
    assert!(upkeep.usable(later(3480)).is_some());
    assert_eq!(upkeep.due(later(3480)), Due::At(later(3481)));
}

#[test]
fn a_token_that_is_not_accepted_is_dropped_and_fetched_anew_once_at_once() {
    let mut upkeep = used(3600);
    let first = upkeep.usable(NOW).unwrap();
    upkeep.rejected(&first, NOW);
    assert!(upkeep.usable(NOW).is_none());
    assert!(upkeep.want(NOW));
    assert_eq!(upkeep.due(NOW), Due::Now);
    upkeep.start();
    upkeep.fetched(token(), 3600, NOW);
    upkeep.rejected(&first, NOW);
    let second = upkeep.usable(NOW).expect("the old one says nothing of the new one");
    assert!(!Arc::ptr_eq(&first, &second));
    upkeep.rejected(&second, NOW);
    assert!(!upkeep.want(NOW), "an upstream that accepts none does not make the server be asked each time");
}

#[test]
fn a_token_that_was_accepted_for_long_is_fetched_anew_at_once_when_it_no_longer_is() {
    let mut upkeep = used(3600);
    let token = upkeep.usable(later(600)).unwrap();
    upkeep.rejected(&token, later(600));
    assert!(upkeep.want(later(600)));
    assert_eq!(upkeep.due(later(600)), Due::Now);
}
