//! A key of the transit engine of OpenBao or HashiCorp Vault: it never leaves that (API of version 1, `/v1/transit/encrypt` and
//! `/decrypt`).

use std::fs;
use std::time::Duration;

use access::Secret;
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use proxy::Trust;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use vault::{DataKey, KeySeal, NotUnsealed};
use zeroize::Zeroizing;

use super::{of_place, placed, secret_text};
use crate::cli::plain::plain;
use crate::config::Transit;

/// A transit engine's key.
pub struct TransitKey {
    config: Transit,
    trust: Trust,
}

/// What it answers.
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    ciphertext: String,
    #[serde(default)]
    plaintext: String,
}

/// What it answers when it does not.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl TransitKey {
    /// A key as the configuration names it. Nobody is asked yet.
    ///
    /// # Errors
    /// The authorities' certificates cannot be read.
    pub fn new(config: &Transit) -> anyhow::Result<Self> {
        let trust = match &config.ca {
            None => Trust::Platform,
            Some(file) => {
                let shown = file.display();
                let pem = fs::read(file).with_context(|| format!("cannot read `{shown}`"))?;
                Trust::Only(proxy::certificates(&pem).with_context(|| format!("`{shown}` cannot be used"))?)
            }
        };
        Ok(Self { config: config.clone(), trust })
    }

    /// Asks on a thread of its own: whoever needs the key may be at work on a runtime, and waits.
    fn ask(&self, what: &str, body: &Value) -> Result<Data, String> {
        let body = Zeroizing::new(body.to_string());
        std::thread::scope(|scope| {
            let asked = std::thread::Builder::new().name("transit".into()).spawn_scoped(scope, || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                runtime.block_on(async {
                    let said = timeout(ANSWER_TIME_MAX, self.call(what, &body)).await;
                    said.map_err(|_| {
                        format!("it does not answer within {} seconds", ANSWER_TIME_MAX.as_secs())
                    })?
                })
            });
            let done = asked.map_err(|error| error.to_string())?.join();
            done.map_err(|_| "it could not be asked".to_owned())?
        })
        .map_err(|why| format!("`{}`: {why}", self.config.address))
    }

    async fn call(&self, what: &str, body: &str) -> Result<Data, String> {
        let Transit { address, mount, key, token_file, namespace, .. } = &self.config;
        let token = secret_text(token_file, "the token for it")?;
        let mut token = HeaderValue::from_bytes(token.expose()).map_err(|_| "the token for it is none")?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{address}/v1/{mount}/{what}/{key}"))
            .header("x-vault-token", token)
            .header("x-vault-request", "true")
            .header(CONTENT_TYPE, "application/json");
        if let Some(namespace) = namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
        let request = request.map_err(|_| "the request cannot be written".to_owned())?;
        let client = proxy::client(address.starts_with("https://").then_some(&self.trust));
        let client = client.map_err(|error| error.to_string())?;
        let response = client.request(request).await.map_err(|error| said(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| format!("its answer broke off: {error}"))?.to_bytes();
        match status {
            StatusCode::OK => serde_json::from_slice::<Answer>(&body)
                .map(|answer| answer.data)
                .map_err(|_| "its answer is not understood".into()),
            status => {
                let errors = serde_json::from_slice::<Errors>(&body).map(|it| it.errors.join("; "));
                Err(format!("it says {status}: {}", plain(&errors.unwrap_or_default())))
            }
        }
    }
}

impl KeySeal for TransitKey {
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        let plaintext = Zeroizing::new(STANDARD.encode(placed(key, place).expose()));
        let data = self.ask("encrypt", &json!({ "plaintext": *plaintext })).map_err(away)?;
        match data.ciphertext.is_empty() {
            true => Err(away("its answer has no ciphertext".into())),
            false => Ok(data.ciphertext.into_bytes()),
        }
    }

    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed> {
        // A vault that something else sealed.
        let ciphertext = str::from_utf8(sealed).map_err(|_| NotUnsealed::WrongKey)?;
        let data = self.ask("decrypt", &json!({ "ciphertext": ciphertext })).map_err(away)?;
        let plaintext = Zeroizing::new(data.plaintext);
        let both = STANDARD.decode(plaintext.as_bytes()).map_err(|_| NotUnsealed::WrongKey)?;
        of_place(&Secret::from(both), place)
    }
}

fn away(why: String) -> NotUnsealed {
    NotUnsealed::Away(format!("the transit engine has its key, and cannot be asked: {why}").into())
}

/// The innermost cause says most.
fn said(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 1 << 20;
