//! An archive in a bucket: the four requests of S3 that one needs.
//!
//! A client of all of S3 would be many times this, and bring a second way of signing, of TLS and of HTTP: there is one of each
//! here. Nothing is ever deleted.

use std::io;
use std::time::Duration;

use access::{Secret, Timestamp};
use anyhow::Context;
use audit::archive::{Archive, Stay};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::HeaderValue;
use hyper::{Method, Request, StatusCode};
use proxy::sigv4::{Payload, Signer};
use proxy::{Client, Trust, causes};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use vault::Vault;

use crate::config::{Lock, S3, S3At};
use crate::serve::trust;

/// A bucket of a store that speaks S3.
pub struct Bucket {
    /// `https://HOST/BUCKET`.
    address: String,
    prefix: Box<str>,
    signer: Signer,
    lock: Option<(Lock, Duration)>,
    client: Client<Full<Bytes>>,
    /// Its own, since whoever archives or restores waits for each answer.
    runtime: Runtime,
}

/// As whom requests are signed.
pub struct Keys {
    pub id: Secret,
    pub secret: Secret,
    pub token: Option<Secret>,
}

/// What the store answers.
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Bucket {
    pub fn open(s3: &S3, vault: &Vault, all: Duration) -> anyhow::Result<Self> {
        let secret = |name: &vault::Name| -> anyhow::Result<Secret> {
            let secret = vault.get(name)?;
            secret.with_context(|| {
                format!("the vault holds no secret `{name}`; add it with `panguard secrets set {name}`")
            })
        };
        let keys = Keys {
            id: Secret::from(s3.access_key_id.to_string()),
            secret: secret(&s3.secret_access_key)?,
            token: s3.session_token.as_ref().map(secret).transpose()?,
        };
        let lock = s3.lock.map(|lock| (lock, all));
        Ok(Self { lock, ..Self::with(&s3.at, keys)? })
    }

    /// One that is read, or whose objects are not locked.
    pub fn with(s3: &S3At, keys: Keys) -> anyhow::Result<Self> {
        let signer = Signer::s3(&s3.region, keys.id, keys.secret, keys.token);
        let trust: Option<Trust> = match s3.endpoint.scheme_str() {
            Some("http") => None,
            _ => Some(trust(s3.ca.as_deref())?),
        };
        let client = proxy::client(trust.as_ref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let endpoint = s3.endpoint.to_string();
        Ok(Self {
            address: format!("{}/{}", endpoint.trim_end_matches('/'), s3.bucket),
            prefix: s3.prefix.clone(),
            signer,
            lock: None,
            client,
            runtime,
        })
    }

    fn request(&self, method: Method, target: &str) -> io::Result<Request<()>> {
        Request::builder()
            .method(method)
            .uri(format!("{}{target}", self.address))
            .body(())
            .map_err(io::Error::other)
    }

    fn object(&self, name: &str) -> String {
        format!("/{}{name}", self.prefix)
    }

    /// Signs a request, sends it and waits for the whole answer.
    fn ask(&self, request: Request<()>, body: Bytes) -> io::Result<Answer> {
        let (mut parts, ()) = request.into_parts();
        self.signer.sign(&mut parts, Payload::Whole(&body), now()).map_err(io::Error::other)?;
        let request = Request::from_parts(parts, Full::new(body));
        let answered = async {
            let answer = self.client.request(request).await.map_err(|error| causes(&error))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| "its answer broke off, or is too long".to_owned())?.to_bytes();
            Ok(Answer { status, body })
        };
        let answered = self.runtime.block_on(async { timeout(ANSWER_TIME_MAX, answered).await });
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the store does not answer");
        answered.map_err(late)?.map_err(|why: String| io::Error::other(format!("the store: {why}")))
    }
}

impl Archive for Bucket {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let answer = self.ask(self.request(Method::GET, &self.object(name))?, Bytes::new())?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer.body.into())),
            StatusCode::NOT_FOUND if answer.code() == "NoSuchKey" => Ok(None),
            _ => Err(answer.refused()),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], stay: Stay) -> io::Result<()> {
        let mut request = self.request(Method::PUT, &self.object(name))?;
        let headers = request.headers_mut();
        let value = |text: &str| HeaderValue::from_str(text).map_err(io::Error::other);
        headers.insert("content-type", HeaderValue::from_static("application/octet-stream"));
        // An object with a lock has to come with a checksum (Amazon S3 API, PutObject).
        let sum = BASE64.encode(digest::digest(&digest::SHA256, bytes));
        headers.insert("x-amz-sdk-checksum-algorithm", HeaderValue::from_static("SHA256"));
        headers.insert("x-amz-checksum-sha256", value(&sum)?);
        if let (Stay::Forever, Some((lock, all))) = (stay, self.lock) {
            let mode = match lock {
                Lock::Compliance => "COMPLIANCE",
                Lock::Governance => "GOVERNANCE",
            };
            let until = jiff::Timestamp::now().checked_add(all).map_err(io::Error::other)?;
            headers.insert("x-amz-object-lock-mode", HeaderValue::from_static(mode));
            let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            headers.insert("x-amz-object-lock-retain-until-date", value(&until)?);
        }
        let answer = self.ask(request, Bytes::copy_from_slice(bytes))?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.refused()) }
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{}{folder}/", self.prefix);
        let (mut names, mut from) = (Vec::new(), String::new());
        loop {
            let target = format!("?list-type=2&prefix={}{from}", escaped(&prefix));
            let answer = self.ask(self.request(Method::GET, &target)?, Bytes::new())?;
            if answer.status != StatusCode::OK {
                return Err(answer.refused());
            }
            let text = String::from_utf8_lossy(&answer.body);
            let keys = elements(&text, "Key");
            names.extend(keys.filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned));
            let Some(token) = elements(&text, "NextContinuationToken").next() else { return Ok(names) };
            from = format!("&continuation-token={}", escaped(&unescaped(token)));
        }
    }
}

impl Answer {
    /// The store's own word for what is wrong.
    fn code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let code = elements(&text, "Code").next().unwrap_or_default();
        code.chars().filter(char::is_ascii_alphanumeric).take(CODE_CHARS_MAX).collect()
    }

    fn refused(&self) -> io::Error {
        io::Error::other(format!("the store answers {} {}", self.status.as_u16(), self.code()).trim_end())
    }
}

/// What stands in the elements of this name, as it is written. Names of ours have nothing in them that XML escapes.
fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, after) = after.split_once(&close)?;
        rest = after;
        Some(inside)
    })
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// As a value of a query.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

/// A bundle has 16 MiB at most.
const ANSWER_BYTES_MAX: usize = 32 << 20;

/// For a bundle each way.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Codes are words such as `AccessDenied`.
const CODE_CHARS_MAX: usize = 64;

#[cfg(test)]
mod tests;
