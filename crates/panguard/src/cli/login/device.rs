//! Device Authorization Grant (RFC 8628): what a provider's answers come to.

use std::time::Duration;

use serde::Deserialize;

/// What a provider says to somebody who wants to sign in on another device (§3.2).
#[derive(Debug, Deserialize)]
pub struct Started {
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    pub verification_uri_complete: Option<String>,
    pub expires_in: u64,
    /// Seconds between one question and the next.
    #[serde(default = "five")]
    pub interval: u64,
}

/// Tokens (RFC 6749 §5.1).
#[derive(Deserialize)]
pub struct Tokens {
    pub access_token: String,
    #[serde(default)]
    pub token_type: String,
    #[serde(default)]
    pub expires_in: Option<u64>,
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// An error (§5.2; RFC 8628 §3.5).
#[derive(Debug, Deserialize)]
pub struct Wrong {
    pub error: String,
    #[serde(default)]
    pub error_description: Option<String>,
}

/// What the answer of a token endpoint comes to.
pub enum Polled {
    Tokens(Tokens),
    /// Nobody has answered yet: it is asked again after so long.
    Pending(Duration),
    /// It will never be given.
    No(String),
}

/// What `body` says with this status, to whoever asks every `interval`.
pub fn polled(is_success: bool, body: &[u8], interval: Duration) -> Polled {
    if is_success {
        return match serde_json::from_slice::<Tokens>(body) {
            Ok(tokens) if is_bearer(&tokens) => Polled::Tokens(tokens),
            Ok(tokens) => {
                Polled::No(format!("it gives a token of the type `{}`, and not `Bearer`", tokens.token_type))
            }
            Err(_) => Polled::No("what it says is no token".into()),
        };
    }
    match serde_json::from_slice::<Wrong>(body) {
        Ok(Wrong { error, .. }) if error == "authorization_pending" => Polled::Pending(interval),
        Ok(Wrong { error, .. }) if error == "slow_down" => Polled::Pending(interval + SLOWER),
        Ok(Wrong { error, .. }) if error == "access_denied" => Polled::No("it was denied".into()),
        Ok(Wrong { error, .. }) if error == "expired_token" => {
            Polled::No("the time for it is over; run `panguard login` again".into())
        }
        Ok(wrong) => Polled::No(wrong.said()),
        Err(_) => Polled::No("what it says is not understood".into()),
    }
}

fn is_bearer(tokens: &Tokens) -> bool {
    let is_token =
        !tokens.access_token.is_empty() && tokens.access_token.bytes().all(|it| it.is_ascii_graphic());
    is_token && (tokens.token_type.is_empty() || tokens.token_type.eq_ignore_ascii_case("bearer"))
}

impl Wrong {
    /// In words.
    pub fn said(&self) -> String {
        match &self.error_description {
            Some(description) => format!("{}: {description}", self.error),
            None => self.error.clone(),
        }
    }
}

fn five() -> u64 {
    5
}

/// By so much more is waited after each `slow_down`.
const SLOWER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(5);

    fn said(is_success: bool, body: &str) -> Result<String, Result<u64, String>> {
        match polled(is_success, body.as_bytes(), EVERY) {
            Polled::Tokens(tokens) => Ok(tokens.access_token),
            Polled::Pending(after) => Err(Ok(after.as_secs())),
            Polled::No(why) => Err(Err(why)),
        }
    }

    #[test]
    fn it_is_asked_again_until_somebody_has_answered() {
        assert_eq!(said(false, r#"{"error":"authorization_pending"}"#), Err(Ok(5)));
        assert_eq!(said(false, r#"{"error":"slow_down"}"#), Err(Ok(10)));
        assert_eq!(
            said(true, r#"{"access_token":"a.b.c","token_type":"bearer","expires_in":60}"#),
            Ok("a.b.c".into())
        );
        assert_eq!(said(false, r#"{"error":"access_denied"}"#), Err(Err("it was denied".into())));
        assert!(
            matches!(said(false, r#"{"error":"expired_token"}"#), Err(Err(why)) if why.contains("again"))
        );
        let other = r#"{"error":"invalid_client","error_description":"who?"}"#;
        assert_eq!(said(false, other), Err(Err("invalid_client: who?".into())));
    }

    #[test]
    fn what_is_no_answer_is_no_token() {
        for body in
            ["", "[]", "{}", r#"{"access_token":7}"#, r#"{"access_token":""}"#, "{\"access_token\":\"a b\"}"]
        {
            assert!(matches!(said(true, body), Err(Err(_))), "{body}");
        }
        assert!(matches!(said(true, r#"{"access_token":"a","token_type":"DPoP"}"#), Err(Err(_))));
        assert!(matches!(said(false, "<html>"), Err(Err(_))));
    }

    #[test]
    fn the_interval_is_five_seconds_unless_it_is_said() {
        let started =
            r#"{"device_code":"d","user_code":"U","verification_uri":"https://x","expires_in":600}"#;
        assert_eq!(serde_json::from_str::<Started>(started).unwrap().interval, 5);
    }
}
