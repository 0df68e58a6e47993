//! One attempt to post entries somewhere.

use std::time::Duration;

use access::{Secret, Timestamp};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use proxy::{Client, Trust};
use tokio::time::timeout;
use vault::{Name, Vault};

use super::{Brought, Failed};
use crate::read::Batch;
use crate::sink::Sink;
use crate::{Form, form, pack};

/// Posts to one address.
#[derive(Default)]
pub(crate) struct Poster {
    /// It has read the authorities that certificates are verified by, which takes its time.
    client: Option<Client<Full<Bytes>>>,
}

/// What an answer says.
enum Said {
    Taken(Bytes),
    Refused(StatusCode),
}

impl Poster {
    pub(crate) async fn otlp(
        &mut self,
        trust: &Trust,
        url: &str,
        headers: &[(HeaderName, Name)],
        batch: &Batch,
        vault: &Vault,
    ) -> Brought {
        let headers = match secrets(headers, vault) {
            Ok(headers) => headers,
            Err(failed) => return Brought::failed(failed),
        };
        let body = form::request(&batch.lines());
        match self.post(trust, url, headers, body).await {
            Ok(Said::Taken(answer)) => Brought { rejected: form::rejected(&answer), ..Brought::KEPT },
            Ok(Said::Refused(status)) => Brought::refused(answers(status)),
            Err(failed) => Brought::failed(failed),
        }
    }

    pub(crate) async fn webhook(
        &mut self,
        sink: &Sink,
        (url, key, headers, form): (&str, &Name, &[(HeaderName, Name)], Form),
        batch: &Batch,
        vault: &Vault,
        now: Timestamp,
    ) -> Brought {
        let told = &batch.span.told;
        let (id, time) = (pack::id(&batch.hash, told), moment(now));
        let body = pack::message(form, &sink.name, told, &batch.lines(), &time);
        let headers = secrets(headers, vault).and_then(|mut headers| {
            sign(&mut headers, &secret(vault, key)?, &id, now, &body)?;
            Ok(headers)
        });
        let said = match headers {
            Ok(headers) => self.post(&sink.trust, url, headers, body).await,
            Err(failed) => Err(failed),
        };
        match said {
            Ok(Said::Taken(_)) => Brought::KEPT,
            Ok(Said::Refused(status)) => Brought::refused(answers(status)),
            Err(failed) => Brought::failed(failed),
        }
    }

    async fn post(
        &mut self,
        trust: &Trust,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> Result<Said, Failed> {
        let uri: Uri = url.parse().map_err(|_| Failed::because("the address is none"))?;
        let is_plain = uri.scheme_str() == Some("http");
        let client = match &self.client {
            Some(client) => client,
            None => {
                let client = proxy::client((!is_plain).then_some(trust))
                    .map_err(|_| Failed::because("there is nothing to verify its certificate by"))?;
                self.client.insert(client)
            }
        };
        let mut request = Request::post(uri)
            .header(USER_AGENT, concat!("panguard/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failed::because("the request cannot be written"))?;
        request.headers_mut().extend(headers);
        let answer = timeout(TIME_MAX, async {
            let response =
                client.request(request).await.map_err(|_| Failed::because("it cannot be reached"))?;
            let (head, body) = response.into_parts();
            if head.status.is_success() {
                let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
                // It has said that it has taken them; what else it says is of use, and no more.
                return Ok(Said::Taken(body.map(|body| body.to_bytes()).unwrap_or_default()));
            }
            said(head.status, &head.headers)
        });
        answer.await.unwrap_or_else(|_| {
            Err(Failed::because(format!("it does not answer in {} seconds", TIME_MAX.as_secs())))
        })
    }
}

/// What a status says that is none of success. Only those are a refusal of what was sent that are about it: all others may
/// be another tomorrow, when somebody has set something right.
fn said(status: StatusCode, headers: &HeaderMap) -> Result<Said, Failed> {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            Ok(Said::Refused(status))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let wanted = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok()?.parse().ok());
            Err(Failed { why: answers(status), wanted })
        }
        other => Err(Failed::because(answers(other))),
    }
}

fn answers(status: StatusCode) -> String {
    format!("it answers {}", status.as_u16())
}

fn secrets(headers: &[(HeaderName, Name)], vault: &Vault) -> Result<HeaderMap, Failed> {
    let mut map = HeaderMap::new();
    for (name, of) in headers {
        let secret = secret(vault, of)?;
        let value = secret.expose_str().map(str::trim).unwrap_or_default();
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| Failed::because(format!("the secret `{of}` cannot be sent in a header")))?;
        value.set_sensitive(true);
        map.append(name.clone(), value);
    }
    Ok(map)
}

fn sign(headers: &mut HeaderMap, key: &Secret, id: &str, now: Timestamp, body: &str) -> Result<(), Failed> {
    let seconds = now.micros() / 1_000_000;
    let wrong = || Failed::because("the key in the vault is none: `whsec_` and 24 to 64 bytes in base64");
    let signature = notify::sign_webhook(key, id, seconds, body.as_bytes()).ok_or_else(wrong)?;
    let fields =
        [("webhook-id", id), ("webhook-timestamp", &seconds.to_string()), ("webhook-signature", &signature)];
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).map_err(|_| Failed::because("it cannot be signed"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(())
}

fn secret(vault: &Vault, name: &Name) -> Result<Secret, Failed> {
    match vault.get(name) {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(Failed::because(format!("there is no secret `{name}` in the vault"))),
        Err(_) => Err(Failed::because("the vault cannot be read")),
    }
}

fn moment(now: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// For one attempt, whatever it waits for.
const TIME_MAX: Duration = Duration::from_secs(30);

/// What else is in an answer is not looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;
