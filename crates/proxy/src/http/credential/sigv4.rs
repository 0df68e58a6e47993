//! AWS Signature Version 4 (IAM User Guide, "Create a signed AWS API request").
//!
//! Pure: a request's parts, keys and a time in; the same parts with what proves them out.

#[cfg(test)]
mod tests;

use access::{Secret, Timestamp};
use aws_lc_rs::{digest, hmac};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, request};
use thiserror::Error;

/// Whose request it is, and of which service in which region.
pub struct Signer {
    pub(super) region: Box<str>,
    pub(super) service: Box<str>,
    pub(super) access_key: Secret,
    pub(super) secret_key: Secret,
    pub(super) session_token: Option<Secret>,
}

/// What is signed of a request's body.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It is not known yet.
    Streamed,
}

/// A request that cannot be signed. Holds nothing of the keys.
#[derive(Debug, Error)]
pub enum NotSigned {
    /// A body that is not known yet, of a service that wants it signed.
    #[error("the body is sent as it comes, and service `{0}` wants all of it signed")]
    Streamed(Box<str>),
    /// Keys that cannot be written.
    #[error("the access key or the session token holds what no header may: set it anew, without line ends")]
    Unfit,
    /// A time that cannot be written.
    #[error("the clock is beyond what can be written")]
    Clock,
    /// A path or query that cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
}

/// The one service that takes a body of which nothing is signed, and paths encoded once.
pub(super) const S3: &str = "s3";

/// Fields that the signature is made of; what an agent sent in them is of a signature of its own.
const OF_SIGNATURES: [&str; 4] =
    ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// Fields of a query by which a signature of an agent's own would stand beside this one.
const OF_SIGNED_QUERIES: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
];

impl Signer {
    /// For S3.
    pub fn s3(region: &str, access_key: Secret, secret_key: Secret, session_token: Option<Secret>) -> Self {
        Self { region: region.into(), service: S3.into(), access_key, secret_key, session_token }
    }

    /// Signs a request. Its path and query are written anew in the one way that no service reads in two (every byte that
    /// need not stand for itself is encoded), so that what is signed is what is read.
    ///
    /// # Errors
    /// [`NotSigned`]; the request is not to be sent.
    pub fn sign(
        &self,
        parts: &mut request::Parts,
        payload: Payload<'_>,
        now: Timestamp,
    ) -> Result<(), NotSigned> {
        let payload = match payload {
            Payload::Whole(body) => sha256(body),
            Payload::Streamed if &*self.service == S3 => "UNSIGNED-PAYLOAD".to_owned(),
            Payload::Streamed => return Err(NotSigned::Streamed(self.service.clone())),
        };
        let time = time(now).ok_or(NotSigned::Clock)?;
        write_anew(parts)?;
        OF_SIGNATURES.iter().for_each(|name| drop(parts.headers.remove(*name)));
        let plain = |text: &str| HeaderValue::from_str(text).map_err(|_| NotSigned::Unfit);
        parts.headers.insert(HeaderName::from_static("x-amz-date"), plain(&time)?);
        parts.headers.insert(HeaderName::from_static("x-amz-content-sha256"), plain(&payload)?);
        if let Some(token) = &self.session_token {
            let mut token = HeaderValue::from_bytes(token.expose()).map_err(|_| NotSigned::Unfit)?;
            token.set_sensitive(true);
            parts.headers.insert(HeaderName::from_static("x-amz-security-token"), token);
        }
        let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
        let signed = signed(&parts.headers, &authority.unwrap_or_default());
        let request = Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &signed,
            payload: &payload,
        };
        let mut value =
            HeaderValue::from_bytes(&self.authorization(&request, &time)).map_err(|_| NotSigned::Unfit)?;
        value.set_sensitive(true);
        parts.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// The value of `Authorization`. `time` is as in `X-Amz-Date`: `20150830T123600Z`.
    fn authorization(&self, request: &Request<'_>, time: &str) -> Vec<u8> {
        let day = time.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let canonical = request.canonical(&*self.service == S3);
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(&canonical));
        let first = Secret::from([b"AWS4", self.secret_key.expose()].concat());
        let steps = [day, &self.region, &self.service, "aws4_request"];
        let key = steps.iter().fold(first, |key, step| Secret::from(mac(key.expose(), step.as_bytes())));
        let signature = hex(&mac(key.expose(), to_sign.as_bytes()));
        let rest = format!("/{scope}, SignedHeaders={}, Signature={signature}", names(request.headers));
        [b"AWS4-HMAC-SHA256 Credential=", self.access_key.expose(), rest.as_bytes()].concat()
    }
}

/// What of a request is signed.
struct Request<'a> {
    method: &'a str,
    /// As it is sent.
    path: &'a str,
    /// As it is sent.
    query: &'a str,
    /// Names in lower case with their values, sorted by name.
    headers: &'a [(String, Vec<u8>)],
    payload: &'a str,
}

impl Request<'_> {
    fn canonical(&self, path_is_encoded_once: bool) -> Vec<u8> {
        let path = match path_is_encoded_once {
            true => self.path.to_owned(),
            false => encode(&without_dots(self.path)),
        };
        let mut text = format!("{}\n{path}\n{}\n", self.method, canonical_query(self.query)).into_bytes();
        for (name, value) in self.headers {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        text.extend_from_slice(format!("\n{}\n{}", names(self.headers), self.payload).as_bytes());
        text
    }
}

fn names(headers: &[(String, Vec<u8>)]) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.join(";")
}

/// The fields that must be signed: `Host`, `Content-Type` and all that begin with `x-amz-`.
fn signed(headers: &HeaderMap, authority: &str) -> Vec<(String, Vec<u8>)> {
    let is_signed = |name: &HeaderName| *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let mut signed: Vec<(String, Vec<u8>)> = headers
        .keys()
        .filter(|name| is_signed(name))
        .map(|name| {
            let values: Vec<Vec<u8>> =
                headers.get_all(name).iter().map(|it| trimmed(it.as_bytes())).collect();
            (name.as_str().to_owned(), values.join(&b','))
        })
        .collect();
    signed.push(("host".to_owned(), authority.as_bytes().to_vec()));
    signed.sort();
    signed
}

/// Without blanks at the ends, and with one in the place of several.
fn trimmed(value: &[u8]) -> Vec<u8> {
    let words: Vec<&[u8]> = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// Writes the path and the query in the one way in which they are signed.
fn write_anew(parts: &mut request::Parts) -> Result<(), http::Error> {
    let path = written(parts.uri.path(), false);
    let query = query_written(parts.uri.query().unwrap_or_default());
    let target = if query.is_empty() { path } else { format!("{path}?{query}") };
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(target.try_into()?);
    parts.uri = Uri::from_parts(uri)?;
    Ok(())
}

/// A query with each of its fields written so, and without those of a signature of an agent's own.
fn query_written(query: &str) -> String {
    let fields = query.split('&').filter(|field| !field.is_empty());
    let fields = fields.map(|field| match field.split_once('=') {
        Some((name, value)) => format!("{}={}", written(name, true), written(value, true)),
        None => written(field, true),
    });
    let own = |field: &String| {
        let name = field.split('=').next().unwrap_or_default();
        OF_SIGNED_QUERIES.iter().any(|own| own.eq_ignore_ascii_case(name))
    };
    fields.filter(|field| !own(field)).collect::<Vec<_>>().join("&")
}

/// `text` with all encoded but what need not be (RFC 3986 §2.3), and nothing encoded twice. In a field of a query a `+` is
/// a space, and a slash is encoded too.
fn written(text: &str, field: bool) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let (byte, encoded, next) = match (*byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                (u8::try_from(high * 16 + low).unwrap_or_default(), true, after.get(2..).unwrap_or_default())
            }
            (b'+', ..) if field => (b' ', true, after),
            (byte, ..) => (byte, false, after),
        };
        rest = next;
        match byte {
            b'/' if !field && !encoded => written.push('/'),
            byte => encode_byte(byte, &mut written),
        }
    }
    written
}

/// The query sorted by name and then value, with a `=` in every field.
fn canonical_query(query: &str) -> String {
    let fields = query.split('&').filter(|field| !field.is_empty());
    let mut fields: Vec<(&str, &str)> =
        fields.map(|field| field.split_once('=').unwrap_or((field, ""))).collect();
    fields.sort_unstable();
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.join("&")
}

/// A path without `.`, `..` and empty segments (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// A path as it is signed: encoded once more than it is sent.
fn encode(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut encoded, byte| {
        match byte {
            b'/' => encoded.push('/'),
            byte => encode_byte(byte, &mut encoded),
        }
        encoded
    })
}

fn encode_byte(byte: u8, to: &mut String) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(char::from(byte)),
        byte => to.push_str(&format!("%{byte:02X}")),
    }
}

/// `20150830T123600Z`.
fn time(now: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
    Some(time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
