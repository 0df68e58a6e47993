//! Tokens of an authorization server (RFC 6749): what it is asked, what it answers, and when it is asked again.
//!
//! Pure: answers and times in, requests and tokens out.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use access::{Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use serde_json::Value;
use wire_http::Echo;

/// How panguard gets access tokens for an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: Uri,
    /// As whom it is asked.
    pub client_id: Box<str>,
    /// What proves that; a client that is public has none.
    pub client_secret: Option<vault::Name>,
    /// How that is shown.
    pub auth: ClientAuth,
    /// By what right.
    pub grant: Grant,
    /// What is asked for.
    pub scope: Option<Box<str>>,
    /// For whom.
    pub audience: Option<Box<str>>,
}

/// How a client says who it is (§2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// By Basic authentication.
    Basic,
    /// In the body.
    Post,
}

/// By what right an access token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// As the client itself (§4.4).
    ClientCredentials,
    /// For whom the refresh token of this name stands (§6). A new one takes its place in the vault.
    Refresh(vault::Name),
}

/// What the token endpoint is sent.
pub(super) struct TokenRequest {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) body: Secret,
}

impl OAuth2 {
    /// The request for a token (§4.4.2, §6).
    pub(super) fn request(&self, secret: Option<&Secret>, refresh: Option<&Secret>) -> TokenRequest {
        let mut body = match refresh {
            None => b"grant_type=client_credentials".to_vec(),
            Some(refresh) => {
                [b"grant_type=refresh_token&refresh_token=", form(refresh.expose()).as_bytes()].concat()
            }
        };
        let mut put = |name: &str, value: &[u8]| {
            body.extend_from_slice(format!("&{name}={}", form(value)).as_bytes());
        };
        if let Some(scope) = &self.scope {
            put("scope", scope.as_bytes());
        }
        if let Some(audience) = &self.audience {
            put("audience", audience.as_bytes());
        }
        let mut authorization = None;
        match (secret, self.auth) {
            (Some(secret), ClientAuth::Basic) => {
                let both = format!("{}:{}", form(self.client_id.as_bytes()), form(secret.expose()));
                let value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(both))).ok();
                authorization = value.map(|mut value| {
                    value.set_sensitive(true);
                    value
                });
            }
            (Some(secret), ClientAuth::Post) => {
                put("client_id", self.client_id.as_bytes());
                put("client_secret", secret.expose());
            }
            (None, _) => put("client_id", self.client_id.as_bytes()),
        }
        TokenRequest { authorization, body: Secret::from(body) }
    }
}

/// What a token endpoint grants.
pub(super) struct Granted {
    pub(super) access: Secret,
    pub(super) header: HeaderValue,
    pub(super) lives_seconds: i64,
    /// A refresh token in the place of the one that was sent.
    pub(super) refresh: Option<Secret>,
}

impl Granted {
    /// Reads an answer (§5.1).
    ///
    /// # Errors
    /// What is wrong with it, in words that hold nothing of it.
    pub(super) fn read(answer: &[u8]) -> Result<Self, &'static str> {
        let answer: Value = serde_json::from_slice(answer).map_err(|_| "it is no JSON")?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access = text("access_token").ok_or("it has no `access_token`")?;
        if !text("token_type").is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err("its `token_type` is not `Bearer`");
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {access}"))
            .map_err(|_| "its `access_token` holds what no header may")?;
        header.set_sensitive(true);
        let lives = match answer.get("expires_in") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.parse().map_err(|_| "its `expires_in` is no number")?),
            Some(number) => Some(number.as_f64().ok_or("its `expires_in` is no number")? as i64),
        };
        let lives_seconds = lives.unwrap_or(UNSAID_SECONDS).clamp(0, LIVES_SECONDS_MAX);
        let refresh = text("refresh_token").map(|text| Secret::from(text.to_owned()));
        Ok(Self { access: Secret::from(access.to_owned()), header, lives_seconds, refresh })
    }
}

/// Which of the errors that §5.2 names an answer is, if it is one. Any other word may hold what it should not.
pub(super) fn error(answer: &[u8]) -> Option<&'static str> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let said = answer.get("error")?.as_str()?;
    ERRORS.into_iter().find(|error| *error == said)
}

const ERRORS: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// How long a token is taken to live whose server does not say.
const UNSAID_SECONDS: i64 = 300;
const LIVES_SECONDS_MAX: i64 = 30 * 24 * 60 * 60;

/// An access token as it is sent, and what of it could come back.
pub(crate) struct Token {
    pub(super) header: HeaderValue,
    pub(super) echo: Echo,
}

/// When an upstream's token is fetched, as a state machine without a clock.
///
/// It is fetched when it is wanted and there is none; before it runs out, if it has been used; and when the upstream does
/// not accept it. One fetch at a time. After a failure the next waits a second, then twice as long each time, up to a
/// minute; so it does after a token that was not accepted as soon as it was there.
#[derive(Default)]
pub(super) struct Upkeep {
    held: Option<Held>,
    fetching: bool,
    wanted: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

struct Held {
    token: Arc<Token>,
    since: Timestamp,
    renew_at: Timestamp,
    until: Timestamp,
    used: bool,
}

/// What a [`Upkeep`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    At(Timestamp),
    /// Until it is wanted.
    Never,
}

impl Upkeep {
    /// The token, if there is one that holds; it is used then.
    pub(super) fn usable(&mut self, now: Timestamp) -> Option<Arc<Token>> {
        let held = self.held.as_mut().filter(|held| now < held.until)?;
        held.used = true;
        Some(held.token.clone())
    }

    /// Takes note that a token is wanted. Whether one may come soon: `false` after a failure a moment ago.
    pub(super) fn want(&mut self, now: Timestamp) -> bool {
        self.wanted = true;
        self.fetching || !self.waits(now)
    }

    /// When the next fetch is due.
    pub(super) fn due(&self, now: Timestamp) -> Due {
        let at = match &self.held {
            _ if self.fetching => return Due::Never,
            // Whether it is used shows until then.
            Some(held) if now < held.until && now >= held.renew_at && !held.used => return Due::Never,
            Some(held) if now < held.until => held.renew_at,
            Some(_) | None if self.wanted => now,
            Some(_) | None => return Due::Never,
        };
        match self.not_before.filter(|_| self.waits(now)).map_or(at, |not_before| at.max(not_before)) {
            at if at <= now => Due::Now,
            at => Due::At(at),
        }
    }

    /// Takes note that a fetch begins; [`Upkeep::fetched`] or [`Upkeep::failed`] must follow.
    pub(super) fn start(&mut self) {
        self.fetching = true;
    }

    /// Takes note of a token that lives for so long.
    pub(super) fn fetched(&mut self, token: Token, lives_seconds: i64, now: Timestamp) {
        self.fetching = false;
        self.wanted = false;
        let early = |max: i64, part: i64| now.plus_seconds(lives_seconds - (lives_seconds / part).min(max));
        let (renew_at, until) = (early(RENEWED_SECONDS_BEFORE, 4), early(DROPPED_SECONDS_BEFORE, 10));
        self.held = Some(Held { token: Arc::new(token), since: now, renew_at, until, used: false });
        // What has been refused again and again is believed once it has been accepted for a while, and not before.
        if self.not_before.is_none_or(|since| since.plus_seconds(ACCEPTED_SECONDS) < now) {
            self.failures = 0;
        }
    }

    /// Takes note of a fetch that failed.
    pub(super) fn failed(&mut self, now: Timestamp) {
        self.fetching = false;
        self.wanted = false;
        self.back_off(now);
    }

    /// Takes note that the upstream does not accept `token`. One that has been exchanged meanwhile is nothing new.
    pub(super) fn rejected(&mut self, token: &Arc<Token>, now: Timestamp) {
        let Some(held) = self.held.take_if(|held| Arc::ptr_eq(&held.token, token)) else { return };
        // Another fetched at once would be of no more use than this one, but for the first time.
        if now < held.since.plus_seconds(ACCEPTED_SECONDS) {
            self.back_off(now);
            if self.failures == 1 {
                self.not_before = Some(now);
            }
        }
    }

    fn back_off(&mut self, now: Timestamp) {
        let wait = 1_i64.checked_shl(self.failures).unwrap_or(BACK_OFF_SECONDS_MAX).min(BACK_OFF_SECONDS_MAX);
        self.failures = self.failures.saturating_add(1).min(FAILURES_COUNTED_MAX);
        self.not_before = Some(now.plus_seconds(wait));
    }

    /// Whether no fetch may begin yet. A clock that was set back does not make it wait for longer than it would.
    fn waits(&self, now: Timestamp) -> bool {
        self.not_before.is_some_and(|at| now < at && at <= now.plus_seconds(BACK_OFF_SECONDS_MAX))
    }
}

/// How long before its end a token is renewed, or a quarter of its life.
const RENEWED_SECONDS_BEFORE: i64 = 120;
/// How long before its end a token is not used any more, or a tenth of its life: it has a way to go.
const DROPPED_SECONDS_BEFORE: i64 = 10;
/// How long a token is accepted that was good.
const ACCEPTED_SECONDS: i64 = 60;
const BACK_OFF_SECONDS_MAX: i64 = 60;
/// 2^6 seconds is past the longest wait already.
const FAILURES_COUNTED_MAX: u32 = 6;

/// A value of a form (§2.3.1, appendix B).
fn form(value: &[u8]) -> String {
    value.iter().fold(String::with_capacity(value.len()), |mut form, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                form.push(char::from(*byte))
            }
            byte => form.push_str(&format!("%{byte:02X}")),
        }
        form
    })
}
