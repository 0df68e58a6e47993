//! Who asks for what: the token and the connection of a request.

use access::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, Method, Request, Version};
use wire_http::Target;

/// Where a request wants to go, within what agents can reach.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A connection by its name, and the target within it.
    Named(String, String),
    /// A connection by the host that was asked for, and the target.
    Host(String, String),
    /// Nowhere: why, in a few words.
    Nowhere(&'static str),
}

/// The fields in which SDKs send an API key, beside `Authorization`.
const KEY_FIELDS: [&str; 4] = ["x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// For agents whose `Authorization` is taken.
const OWN_FIELD: &str = "x-gateway-authorization";

/// The token that a request carries. `None`: none, or more than one where one is meant.
pub(super) fn token(headers: &HeaderMap) -> Option<Secret> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(http::HeaderValue::as_bytes)
    };
    if headers.contains_key(OWN_FIELD) {
        return one(OWN_FIELD).and_then(presented);
    }
    if headers.contains_key(AUTHORIZATION) {
        return one(AUTHORIZATION.as_str()).and_then(presented);
    }
    let field = KEY_FIELDS.into_iter().find(|name| headers.contains_key(*name))?;
    one(field).map(|value| Secret::from(value.trim_ascii().to_vec()))
}

/// `Bearer TOKEN`, or `Basic` with the token as the password.
fn presented(value: &[u8]) -> Option<Secret> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = value.split_at_checked(at)?;
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(Secret::from(rest.to_vec()));
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let both = Secret::from(STANDARD.decode(rest).ok()?);
    let colon = both.expose().iter().position(|byte| *byte == b':')?;
    both.expose().get(colon + 1..).map(|password| Secret::from(password.to_vec()))
}

/// Where a request wants to go. `knows_host` says whether a host is one by which a connection is asked for.
pub(super) fn place<B>(request: &Request<B>, knows_host: impl Fn(&str) -> bool) -> Place {
    if *request.method() == Method::CONNECT {
        return Place::Nowhere("tunnels are not opened here");
    }
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let is_h2 = request.version() >= Version::HTTP_2;
    let named = uri.host();
    if !is_h2 && let Some(host) = named {
        // Absolute form (RFC 9112 §3.2.2): what it names is asked for, and no other.
        let host = host.to_ascii_lowercase();
        return if knows_host(&host) {
            Place::Host(host, target)
        } else {
            Place::Nowhere("that host is no connection")
        };
    }
    let host = match named {
        Some(host) => Some(host.to_ascii_lowercase()),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(without_port),
    };
    if let Some(host) = host.filter(|host| knows_host(host)) {
        return Place::Host(host, target);
    }
    match Target::connection(&target) {
        Some((name, rest)) => Place::Named(name.to_owned(), rest),
        None => Place::Nowhere("a path begins with the name of a connection"),
    }
}

fn without_port(host: &str) -> String {
    let end = match host.starts_with('[') {
        true => host.find(']').map_or(host.len(), |at| at + 1),
        false => host.find(':').unwrap_or(host.len()),
    };
    host.get(..end).unwrap_or(host).to_ascii_lowercase()
}
