//! A development OpenID Connect issuer on loopback. It gives tokens to whoever holds it, so it is for demos
//! and tests, and listens nowhere else.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::random;

/// A running issuer: discovery and keys over HTTP, tokens from [`Issuer::token`].
pub struct Issuer {
    address: SocketAddr,
    key: EcdsaKeyPair,
    key_id: String,
    serving: tokio::task::JoinHandle<()>,
}

/// Somebody whom the issuer vouches for.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// `sub`.
    pub subject: &'static str,
    /// `azp`: the client that the token was given to. An agent's is its own name.
    pub client: &'static str,
    /// `groups`.
    pub groups: &'static [&'static str],
}

impl Issuer {
    /// Starts an issuer with a new key.
    ///
    /// # Errors
    /// If there is no port or no randomness.
    pub async fn start() -> anyhow::Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let key_id = random::hex()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let documents = Arc::new(Documents {
            discovery: discovery(&url(address)).to_string().into(),
            keys: keys(&key, &key_id)?.to_string().into(),
        });
        let serving = tokio::spawn(serve(listener, documents));
        Ok(Self { address, key, key_id, serving })
    }

    /// Its `iss`.
    pub fn url(&self) -> String {
        url(self.address)
    }

    /// A token for `identity`, for `audience`, that holds for `lifetime` from now.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn token(&self, identity: &Identity, audience: &str, lifetime: Duration) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.key_id });
        let claims = json!({
            "iss": self.url(),
            "aud": audience,
            "sub": identity.subject,
            "azp": identity.client,
            "groups": identity.groups,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime.as_secs(),
            "jti": random::hex()?,
        });
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct Documents {
    discovery: Bytes,
    keys: Bytes,
}

async fn serve(listener: TcpListener, documents: Arc<Documents>) {
    while let Ok((stream, _)) = listener.accept().await {
        let documents = Arc::clone(&documents);
        tokio::spawn(async move {
            let answer = service_fn(|request| std::future::ready(answer(&documents, &request)));
            // A client that goes away is no concern of the issuer's.
            _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

fn answer(documents: &Documents, request: &Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match request.uri().path() {
        "/.well-known/openid-configuration" => (StatusCode::OK, documents.discovery.clone()),
        "/jwks.json" => (StatusCode::OK, documents.keys.clone()),
        _ => (StatusCode::NOT_FOUND, Bytes::from_static(b"{}")),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}

/// The metadata that OpenID Connect Discovery 1.0 §3 requires. It has no endpoints to sign in at.
fn discovery(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "jwks_uri": format!("{url}/jwks.json"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    })
}

/// The public key as a JWK set (RFC 7517 §5, RFC 7518 §6.2.1).
fn keys(key: &EcdsaKeyPair, key_id: &str) -> anyhow::Result<Value> {
    // An uncompressed point: 0x04, then both coordinates (SEC 1 §2.3.3).
    let point = key.public_key().as_ref();
    let (x, y) = point
        .strip_prefix(&[4])
        .and_then(|both| both.split_at_checked(32))
        .ok_or_else(|| anyhow::anyhow!("the key has no public point"))?;
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    Ok(json!({
        "keys": [{ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": key_id, "x": x, "y": y }]
    }))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
