//! Headers as they pass: what is a hop's own business stays on that hop, what is panguard's stays with it, and the rest is
//! looked at like any other text.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use http::header;
use http::{HeaderMap, HeaderName, HeaderValue};
use mask::{Masked, Masker};

use crate::echo::Echo;

/// Fields of one hop (RFC 9110 §7.6.1): never passed on, in either direction.
const OF_A_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// By which a client chooses how it comes to an approval.
pub(crate) const APPROVALS: &str = "panguard-approvals";

/// Fields of a request that are not passed on: by which an agent says who it is, which panguard answers for alone; by which
/// it would say where a request comes from or what it really is, behind the back of what was decided; by which it asks for
/// parts of an answer, which cannot be masked as parts.
const NOT_SENT: [&str; 39] = [
    APPROVALS,
    "host",
    "content-length",
    "expect",
    "authorization",
    "dpop",
    "x-gateway-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
    "cookie",
    "cookie2",
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-original-host",
    "x-original-method",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "via",
    "max-forwards",
    "range",
    "if-range",
    // Whom a proxy before the server has identified.
    "remote-user",
    "x-remote-user",
    "x-remote-groups",
    "x-webauth-user",
    "x-authenticated-user",
    "x-ssl-client-cert",
    "ssl-client-cert",
    // CGI's `HTTP_PROXY` is by which proxy the server's own requests go.
    "proxy",
];

/// How fields begin that are not sent: whatever a proxy says of where a request comes from.
const NOT_SENT_ANY: &str = "x-forwarded-";

/// Fields that say how a body is read, and are sent by this name alone.
const NOT_TAKEN_FOR: [&str; 3] = ["content-type", "content-encoding", "accept-encoding"];

/// Fields of an answer that are not passed on: what the upstream keeps with panguard (cookies), what would lead an agent
/// round it, what speaks for a whole host, and what is not true any more of what is sent.
const NOT_TOLD: [&str; 14] = [
    "set-cookie",
    "set-cookie2",
    "alt-svc",
    "alt-used",
    "strict-transport-security",
    "public-key-pins",
    "clear-site-data",
    "content-length",
    "accept-ranges",
    "content-md5",
    "via",
    "authentication-info",
    "service-worker-allowed",
    "refresh",
];

/// Digests of what the upstream sent: not told where what is sent may be something else (RFC 9530).
const DIGESTS: [&str; 4] = ["digest", "content-digest", "repr-digest", "want-content-digest"];

/// Codings that panguard can undo.
const CODINGS: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity", "*"];

/// Fields whose values are made of what an HTTP server counts: those of several are no parts of one number.
const OF_HTTP: [&str; 8] =
    ["content-type", "content-encoding", "date", "age", "vary", "expires", "last-modified", "cache-control"];

/// What came of looking at a header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// How many things were found and masked.
    pub found: u64,
    /// Whether sensitive authentication data was among them.
    pub sad: bool,
}

/// The header of a request as it is sent on, but for the credential.
pub(crate) fn sent(from: &HeaderMap) -> HeaderMap {
    let mut sent = passed(from, &NOT_SENT);
    drop_where(&mut sent, |name| {
        let is_known =
            |taken: &&str| [&OF_A_HOP[..], &NOT_SENT, &NOT_TAKEN_FOR].iter().any(|all| all.contains(taken));
        match taken_for(name) {
            Cow::Borrowed(name) => name.starts_with(NOT_SENT_ANY),
            Cow::Owned(taken) => taken.starts_with(NOT_SENT_ANY) || is_known(&&*taken),
        }
    });
    codings(&mut sent);
    sent
}

/// The name that some servers take a field's for: by CGI's rules `X_Tenant` is `X-Tenant` (RFC 3875 §4.1.18).
pub(crate) fn taken_for(name: &str) -> Cow<'_, str> {
    let is_taken = |byte: u8| byte != b'_' && !byte.is_ascii_uppercase();
    if name.bytes().all(is_taken) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.to_ascii_lowercase().replace('_', "-"))
}

/// Takes out every field that servers take for the one of this name, that itself excepted.
pub fn drop_like(headers: &mut HeaderMap, name: &HeaderName) {
    let taken = taken_for(name.as_str());
    drop_where(headers, |found| found != name.as_str() && taken_for(found) == taken);
}

fn drop_where(headers: &mut HeaderMap, is: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| is(name.as_str())).cloned().collect();
    names.iter().for_each(|name| _ = headers.remove(name));
}

/// The header of an answer as it is told, but for what depends on its body.
pub(crate) fn told(from: &HeaderMap) -> HeaderMap {
    passed(from, &NOT_TOLD)
}

/// The names of the trailers that an answer announces (RFC 9110 §6.6.2), of those that are passed on: HTTP/1 sends no others.
pub(crate) fn announced(from: &HeaderMap) -> Option<HeaderValue> {
    let values = from.get_all(header::TRAILER).iter().filter_map(|value| value.to_str().ok());
    let names =
        values.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let named: HeaderMap = names.map(|name| (name, HeaderValue::from_static(""))).collect();
    let kept: Vec<String> = trailers(&named).keys().map(ToString::to_string).collect();
    (!kept.is_empty()).then(|| HeaderValue::from_str(&kept.join(", ")).ok()).flatten()
}

/// Trailers as they are passed on.
pub(crate) fn trailers(from: &HeaderMap) -> HeaderMap {
    let mut kept = passed(from, &NOT_TOLD);
    remove(&mut kept, &NOT_SENT);
    remove(&mut kept, &DIGESTS);
    kept
}

/// Takes out what is said of a body's bytes; `ETag` becomes a weak one, which says that it stands for the same thing
/// (RFC 9110 §8.8.1).
pub(crate) fn forget_bytes(headers: &mut HeaderMap) {
    remove(headers, &DIGESTS);
    let weak = headers
        .get(header::ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"))
        .and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

/// Masks what is in the values, and takes out a field whose name holds something; a credential of panguard's that is there
/// is starred out.
pub(crate) fn mask(headers: &mut HeaderMap, masker: Masker, echo: &Echo, strict: bool) -> Looked {
    let mut looked = Looked::default();
    let is_named = |name: &&HeaderName| masker.text(name.as_str().as_bytes()).is_some();
    let named: Vec<HeaderName> = headers.keys().filter(is_named).cloned().collect();
    looked.found += named.len() as u64;
    named.iter().for_each(|name| _ = headers.remove(name));
    for (name, value) in headers.iter_mut() {
        let hidden = echo.hide(value.as_bytes());
        let seen = hidden.as_deref().unwrap_or(value.as_bytes());
        let masked = if name == header::CONTENT_TYPE { media_type(seen, masker) } else { masker.text(seen) };
        looked.found += masked.as_ref().map_or(0, |masked| u64::from(masked.found));
        looked.sad |= masked.as_ref().is_some_and(|masked| masked.sad);
        looked.found += u64::from(hidden.is_some());
        if let Some(bytes) = masked.map(|masked| masked.bytes).or(hidden) {
            *value = HeaderValue::from_bytes(&bytes).unwrap_or(HeaderValue::from_static("****"));
        }
    }
    if strict {
        looked.found += mask_joined(headers, masker);
    }
    looked
}

/// A media type masked, but for its boundary: that stands in the body too, and is looked at there. Clients make it of
/// digits by chance.
fn media_type(value: &[u8], masker: Masker) -> Option<Masked> {
    let is_boundary = |part: &&[u8]| {
        part.trim_ascii_start().get(..9).is_some_and(|name| name.eq_ignore_ascii_case(b"boundary="))
    };
    let parts = || value.split(|byte| *byte == b';');
    let others: Vec<&[u8]> = parts().filter(|part| !is_boundary(part)).collect();
    let mut masked = masker.text(&others.join(&b';'))?;
    for boundary in parts().filter(is_boundary) {
        masked.bytes.push(b';');
        masked.bytes.extend_from_slice(boundary);
    }
    Some(masked)
}

/// A number that was taken apart over several fields goes with all of them.
fn mask_joined(headers: &mut HeaderMap, masker: Masker) -> u64 {
    let is_part = |value: &HeaderValue| {
        let value = value.as_bytes();
        (PART_DIGITS_MIN..=PART_DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
    };
    let parts: Vec<(HeaderName, HeaderValue)> = headers
        .iter()
        .filter(|(name, value)| is_part(value) && !OF_HTTP.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut found = 0;
    for from in 0..parts.len() {
        for to in from + 2..=(from + PARTS_MAX).min(parts.len()) {
            let Some(run) = parts.get(from..to) else { continue };
            let joined: Vec<u8> = run.iter().flat_map(|(_, value)| value.as_bytes()).copied().collect();
            let holds = joined.len() <= NUMBER_DIGITS_MAX && masker.text(&joined).is_some();
            if holds {
                found += 1;
                run.iter().for_each(|(name, _)| {
                    headers.insert(name, HeaderValue::from_static("****"));
                });
            }
        }
    }
    found
}

/// The digits of a part of a number: fewer are counts, more are the number itself.
const PART_DIGITS_MIN: usize = 3;
const PART_DIGITS_MAX: usize = 16;
/// Into how many fields a number is taken apart.
const PARTS_MAX: usize = 6;
const NUMBER_DIGITS_MAX: usize = 19;

/// All fields but those of a hop, those that `Connection` names, and `others`.
fn passed(from: &HeaderMap, others: &[&str]) -> HeaderMap {
    let named: Vec<String> = from
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let passes = |name: &HeaderName| {
        let name = name.as_str();
        !OF_A_HOP.contains(&name) && !others.contains(&name) && !named.iter().any(|named| named == name)
    };
    let mut kept = HeaderMap::with_capacity(from.keys_len());
    for (name, value) in from.iter().filter(|(name, _)| passes(name)) {
        kept.append(name, value.clone());
    }
    kept
}

/// Asks the upstream for codings that can be undone, and no others.
fn codings(headers: &mut HeaderMap) {
    let asked: Vec<&str> = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(str::trim)
        .collect();
    let known = asked.into_iter().filter(|coding| {
        let name = coding.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        CODINGS.contains(&name.as_str()) && name != "*"
    });
    let known = known.collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "identity" } else { &known };
    let value = HeaderValue::from_str(known).unwrap_or(HeaderValue::from_static("identity"));
    headers.insert(header::ACCEPT_ENCODING, value);
}

fn remove(headers: &mut HeaderMap, names: &[&str]) {
    let there: Vec<HeaderName> =
        headers.keys().filter(|name| names.contains(&name.as_str())).cloned().collect();
    there.iter().for_each(|name| _ = headers.remove(name));
}
