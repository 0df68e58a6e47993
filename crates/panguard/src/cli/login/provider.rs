//! Asks an OpenID provider for tokens.

use std::time::Duration;

use access::Secret;
use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use proxy::Trust;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::device::{Polled, Started, Tokens, Wrong, polled};
use crate::cli::plain::plain;
use crate::config::is_loopback;

/// An issuer, as it says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414).
pub struct Provider {
    client: proxy::Client<Full<Bytes>>,
    said: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
}

/// What is asked for.
#[derive(Clone)]
pub struct Wanted {
    pub client_id: String,
    pub scope: Option<String>,
    /// Names of what the token is for, as issuers ask for them: `audience`, and `resource` (RFC 8707).
    pub audience: Option<String>,
    pub resource: Option<String>,
}

impl Wanted {
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let some = [("scope", &self.scope), ("audience", &self.audience), ("resource", &self.resource)];
        let some = some.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        [("client_id", &*self.client_id)].into_iter().chain(some).collect()
    }
}

impl Provider {
    /// Reads what `issuer` says of itself.
    ///
    /// # Errors
    /// It cannot be reached, or says it of another, or names places that no secret should go to.
    pub async fn of(issuer: &str, trust: &Trust) -> anyhow::Result<Self> {
        is_safe(issuer)?;
        let client = proxy::client(issuer.starts_with("https://").then_some(trust))?;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let request =
            Request::get(&url).header(ACCEPT, JSON).header(USER_AGENT, AGENT).body(Full::default())?;
        let (is_success, body) = ask(&client, request).await?;
        if !is_success {
            bail!("`{url}` is not there; is `{}` the issuer?", plain(issuer));
        }
        let said: Metadata = serde_json::from_slice(&body)
            .with_context(|| format!("what `{url}` says is no OpenID provider's metadata"))?;
        if said.issuer != issuer {
            bail!("`{url}` is that of `{}`; name that as the issuer", plain(&said.issuer));
        }
        let places = [&said.device_authorization_endpoint, &said.revocation_endpoint];
        for place in places.into_iter().flatten().chain([&said.token_endpoint]) {
            is_safe(place)?;
        }
        Ok(Self { client, said })
    }

    /// Begins to sign somebody in who answers elsewhere (RFC 8628 §3.1).
    ///
    /// # Errors
    /// It has no such way, or does not want to.
    pub async fn start(&self, wanted: &Wanted) -> anyhow::Result<Started> {
        let Some(place) = &self.said.device_authorization_endpoint else {
            bail!(
                "`{}` has no device flow; get a token in another way, and put it into PANGUARD_TOKEN",
                plain(&self.said.issuer)
            );
        };
        self.said_by(place, &wanted.fields(), None).await
    }

    /// Whether somebody has answered.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn poll(&self, wanted: &Wanted, started: &Started, every: Duration) -> anyhow::Result<Polled> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", &*started.device_code),
            ("client_id", &*wanted.client_id),
        ];
        let (is_success, body) = ask(&self.client, form(&self.said.token_endpoint, &fields, None)?).await?;
        Ok(polled(is_success, &body, every))
    }

    /// New tokens for old (RFC 6749 §6).
    ///
    /// # Errors
    /// They are not given.
    pub async fn refresh(&self, client_id: &str, refresh_token: &str) -> anyhow::Result<Tokens> {
        let fields =
            [("grant_type", "refresh_token"), ("refresh_token", refresh_token), ("client_id", client_id)];
        self.tokens(&fields, None).await
    }

    /// A client's own token (RFC 6749 §4.4).
    ///
    /// # Errors
    /// It is not given.
    pub async fn client_credentials(&self, wanted: &Wanted, secret: &Secret) -> anyhow::Result<Tokens> {
        let fields = wanted.fields().into_iter().filter(|(name, _)| *name != "client_id");
        let fields: Vec<_> = [("grant_type", "client_credentials")].into_iter().chain(fields).collect();
        self.tokens(&fields, Some((&wanted.client_id, secret))).await
    }

    /// Ends a refresh token, where the issuer has a way for that (RFC 7009); whether it did.
    pub async fn revoke(&self, client_id: &str, refresh_token: &str) -> bool {
        let Some(place) = &self.said.revocation_endpoint else { return false };
        let fields =
            [("token", refresh_token), ("token_type_hint", "refresh_token"), ("client_id", client_id)];
        let Ok(request) = form(place, &fields, None) else { return false };
        ask(&self.client, request).await.is_ok_and(|(is_success, _)| is_success)
    }

    async fn tokens(&self, fields: &[(&str, &str)], by: Option<(&str, &Secret)>) -> anyhow::Result<Tokens> {
        let (is_success, body) = ask(&self.client, form(&self.said.token_endpoint, fields, by)?).await?;
        match polled(is_success, &body, Duration::ZERO) {
            Polled::Tokens(tokens) => Ok(tokens),
            Polled::No(why) => bail!("`{}` gives no token: {}", plain(&self.said.issuer), plain(&why)),
            Polled::Pending(_) => bail!("`{}` gives no token yet", plain(&self.said.issuer)),
        }
    }

    async fn said_by<T: DeserializeOwned>(
        &self,
        place: &str,
        fields: &[(&str, &str)],
        by: Option<(&str, &Secret)>,
    ) -> anyhow::Result<T> {
        let (is_success, body) = ask(&self.client, form(place, fields, by)?).await?;
        if is_success {
            return serde_json::from_slice(&body).context("what the issuer says is not understood");
        }
        let why = serde_json::from_slice::<Wrong>(&body).map(|wrong| wrong.said());
        bail!(
            "`{}` does not want to: {}",
            plain(&self.said.issuer),
            plain(&why.unwrap_or_else(|_| "it does not say why".into()))
        )
    }
}

/// A place that secrets may be sent to.
fn is_safe(url: &str) -> anyhow::Result<()> {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match uri.as_ref().and_then(|uri| uri.scheme_str()) {
        Some("https") if !host.is_empty() => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        _ => bail!("`{}` is no place for secrets; an issuer is an `https` URL", plain(url)),
    }
}

fn form(
    url: &str,
    fields: &[(&str, &str)],
    by: Option<(&str, &Secret)>,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(ACCEPT, JSON)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some((client, secret)) = by {
        // Both are encoded first (RFC 6749 §2.3.1).
        let secret = secret.expose_str().context("the client's secret is no text")?;
        let both = Zeroizing::new(format!("{}:{}", encoded(client), encoded(secret)));
        let mut field = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(&*both)))?;
        field.set_sensitive(true);
        request = request.header(AUTHORIZATION, field);
    }
    Ok(request.body(Full::new(body.join("&").into()))?)
}

/// As a form has it: all but letters, digits and `-._~` in percent.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Whether it went well, and what was said.
async fn ask(
    client: &proxy::Client<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(bool, Bytes)> {
    let place = request.uri().to_string();
    let asked = timeout(ANSWER_TIME_MAX, async {
        let response = client.request(request).await?;
        let is_success = response.status().is_success();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        body.map(|body| (is_success, body.to_bytes()))
            .map_err(|error| anyhow::anyhow!("it broke off: {error}"))
    });
    let asked = asked.await.map_err(|_| anyhow::anyhow!("no answer within {} s", ANSWER_TIME_MAX.as_secs()));
    asked.and_then(|it| it).with_context(|| format!("`{}` cannot be asked", plain(&place)))
}

const JSON: &str = "application/json";
const AGENT: &str = concat!("panguard/", env!("CARGO_PKG_VERSION"));
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: usize = 256 << 10;
