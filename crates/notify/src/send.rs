//! One attempt to tell a channel something. Moving: what is said is worded elsewhere.

use std::time::Duration;

use access::{Secret, Timestamp};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use serde_json::Value;
use tokio::time::timeout;
use vault::{Name, Vault};

use crate::signature::sign_webhook;
use proxy::Trust;

/// Why a channel was not told. In words from a fixed list and numbers: it is shown to people, and nothing of an address,
/// a secret or an answer may be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub why: String,
    /// For how many seconds it wants to be left alone, if it says.
    pub wanted: Option<u32>,
}

impl Failed {
    pub(crate) fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), wanted: None }
    }
}

/// Calls a method of Slack's Web API. What it answers if it was done.
///
/// # Errors
/// [`Failed`].
pub(crate) async fn slack(
    trust: &Trust,
    method_url: &str,
    token: &Secret,
    arguments: &Value,
) -> Result<Value, Failed> {
    let token = token.expose_str().map(str::trim).unwrap_or_default();
    let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Failed::because("the token cannot be sent"))?;
    authorization.set_sensitive(true);
    let request = post(method_url)?
        .header(AUTHORIZATION, authorization)
        .header(CONTENT_TYPE, "application/json; charset=utf-8");
    let body = call(trust, request, arguments.to_string().into()).await?;
    let said: Value = serde_json::from_slice(&body).map_err(|_| Failed::because("the answer is no JSON"))?;
    match said.get("ok").and_then(Value::as_bool) {
        Some(true) => Ok(said),
        Some(false) | None => Err(Failed::because(format!("slack says {}", word(said.get("error"))))),
    }
}

/// Posts JSON to an address.
///
/// # Errors
/// [`Failed`].
pub(crate) async fn json(trust: &Trust, url: &str, body: &Value) -> Result<(), Failed> {
    let request = post(url)?.header(CONTENT_TYPE, "application/json");
    call(trust, request, body.to_string().into()).await.map(drop)
}

/// Posts an event, signed by `key`.
///
/// # Errors
/// [`Failed`].
pub(crate) async fn webhook(
    trust: &Trust,
    url: &str,
    key: &Secret,
    id: &str,
    body: &Value,
    now: Timestamp,
) -> Result<(), Failed> {
    let body = body.to_string();
    let seconds = now.micros() / 1_000_000;
    let signature = sign_webhook(key, id, seconds, body.as_bytes()).ok_or_else(|| {
        Failed::because("the key in the vault is none: `whsec_` and 24 to 64 bytes in base64")
    })?;
    let request = post(url)?
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature);
    call(trust, request, body.into()).await.map(drop)
}

/// The secret of this name.
///
/// # Errors
/// [`Failed`].
pub(crate) fn secret(vault: &Vault, name: &Name) -> Result<Secret, Failed> {
    match vault.get(name) {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(Failed::because(format!("there is no secret `{name}` in the vault"))),
        Err(_) => Err(Failed::because("the vault cannot be read")),
    }
}

fn post(url: &str) -> Result<http::request::Builder, Failed> {
    let wrong = || Failed::because("the address is none: write `https://HOST/PATH`");
    let uri: Uri = url.trim().parse().map_err(|_| wrong())?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") if !host.is_empty() => {}
        // One that is in the vault has been seen by nobody before.
        Some("http") if is_loopback => {}
        _ => return Err(wrong()),
    }
    Ok(Request::post(uri).header(USER_AGENT, concat!("panguard/", env!("CARGO_PKG_VERSION"))))
}

async fn call(trust: &Trust, request: http::request::Builder, body: Bytes) -> Result<Bytes, Failed> {
    let is_plain = request.uri_ref().and_then(Uri::scheme_str) == Some("http");
    let client: proxy::Client<Full<Bytes>> = proxy::client((!is_plain).then_some(trust))
        .map_err(|_| Failed::because("there is nothing to verify its certificate by"))?;
    let request =
        request.body(Full::new(body)).map_err(|_| Failed::because("the request cannot be written"))?;
    let answer = timeout(TIME_MAX, async {
        let response = client.request(request).await.map_err(|_| Failed::because("it cannot be reached"))?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            return Ok(body.map_err(|_| Failed::because("its answer broke off, or is too long"))?.to_bytes());
        }
        let wanted = head.headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
        let wanted = wanted.filter(|_| {
            matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        });
        Err(Failed { why: format!("it answers {}", head.status.as_u16()), wanted })
    });
    answer
        .await
        .unwrap_or_else(|_| Err(Failed::because(format!("no answer in {} seconds", TIME_MAX.as_secs()))))
}

/// A word that Slack says, if it is one of those that it has.
fn word(said: Option<&Value>) -> &str {
    let word = said.and_then(Value::as_str).unwrap_or_default();
    let is_word =
        (1..=40).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_word { word } else { "no" }
}

/// For one attempt, whatever it waits for.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(10);

/// Slack repeats the message in its answer.
const ANSWER_BYTES_MAX: usize = 256 << 10;
