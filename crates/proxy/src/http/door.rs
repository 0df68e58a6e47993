//! Who asks for what: the token and the connection of a request.

#[cfg(test)]
mod tests;

use access::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, PROXY_AUTHORIZATION, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Version};
use wire_http::Target;

/// Where a request wants to go, within what agents can reach.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A connection by its name, and the target within it.
    Named(String, String),
    /// A connection by the host that was asked for, and the target.
    Host(String, String),
    /// What a forward proxy is asked for: a server by its own name, and the target there.
    Forward(Server, String),
    /// A tunnel to a server.
    Tunnel(Server),
    /// Nowhere: why, in a few words.
    Nowhere(&'static str),
}

/// A server as a client of a forward proxy names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// In lower case; an address without brackets.
    pub host: Box<str>,
    pub port: u16,
    /// Whether TLS is spoken there, where that is said.
    pub tls: Option<bool>,
}

impl Server {
    fn of(authority: &Authority, tls: Option<bool>) -> Option<Self> {
        // What stands before an `@` would be somebody's password.
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let port = match (authority.port(), tls) {
            (Some(port), _) => port.as_str().parse().ok().filter(|port| *port != 0)?,
            (None, _) if authority.as_str().len() != authority.host().len() => return None,
            (None, Some(true)) => HTTPS,
            (None, Some(false)) => HTTP,
            (None, None) => return None,
        };
        Some(Self { host: host.trim_end_matches('.').to_ascii_lowercase().into(), port, tls })
    }

    /// Whether a request within a tunnel to this server is to it, by its `Host` or `:authority`.
    pub(super) fn is_asked<B>(&self, request: &Request<B>) -> bool {
        let tls = self.tls.or(Some(self.port == HTTPS));
        let is_this = |text: &str| {
            let named = text.parse().ok().and_then(|authority| Self::of(&authority, tls));
            named.is_some_and(|named| named.host == self.host && named.port == self.port)
        };
        let host = request.headers().get(HOST).map(|host| host.to_str().is_ok_and(is_this));
        match request.uri().authority() {
            Some(authority) => is_this(authority.as_str()) && host.unwrap_or(true),
            None => host.unwrap_or(false),
        }
    }

    /// `api.example.com:443`, for records.
    pub(super) fn name(&self) -> Box<str> {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port).into(),
            false => format!("{}:{}", self.host, self.port).into(),
        }
    }
}

pub(super) const HTTPS: u16 = 443;
pub(super) const HTTP: u16 = 80;

/// The fields in which SDKs send an API key, beside `Authorization`.
const KEY_FIELDS: [&str; 4] = ["x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key"];

/// For agents whose `Authorization` is taken.
const OWN_FIELD: &str = "x-gateway-authorization";

/// The token that a request to a forward proxy carries for it (RFC 9110 §11.7.2). `None`: none, or more than one.
pub(super) fn proxy_token(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(PROXY_AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    presented(value.as_bytes())
}

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

/// `Bearer TOKEN`, `DPoP TOKEN`, or `Basic` with the token as the password.
fn presented(value: &[u8]) -> Option<Secret> {
    let at = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = value.split_at_checked(at)?;
    let rest = rest.trim_ascii();
    // With a proof beside it (RFC 9449 §7.1).
    if scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"dpop") {
        return Some(Secret::from(rest.to_vec()));
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let both = Secret::from(STANDARD.decode(rest).ok()?);
    let colon = both.expose().iter().position(|byte| *byte == b':')?;
    both.expose().get(colon + 1..).map(|password| Secret::from(password.to_vec()))
}

/// Whether `url` is what a request asks for, but for query and fragment, and for the scheme, which what stands before panguard may
/// speak in its place.
pub(super) fn is_asked<B>(url: &str, request: &Request<B>) -> bool {
    let Ok(url) = url.split('#').next().unwrap_or_default().parse::<http::Uri>() else { return false };
    let tls = match url.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return false,
    };
    let asked = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()?.parse().ok()),
    };
    let server = |authority: Option<&Authority>| authority.and_then(|it| Server::of(it, Some(tls)));
    let is_same = |(asked, named): (Server, Server)| asked.host == named.host && asked.port == named.port;
    server(asked.as_ref()).zip(server(url.authority())).is_some_and(is_same)
        && url.path() == request.uri().path()
}

/// Whether the answer to a request may say that what follows is no HTTP/1: the same that the guard of its stream says.
pub(super) fn may_switch<B>(request: &Request<B>) -> bool {
    let upgrades = request.headers().get_all(UPGRADE).iter();
    request.version() < Version::HTTP_2
        && (*request.method() == Method::CONNECT
            || upgrades.into_iter().any(|value| wire_http::names_websocket(value.as_bytes())))
}

/// Where a request wants to go. `knows_host` says whether a host is one by which a connection is asked for, `is_here` whether
/// a server is this gateway.
pub(super) fn place<B>(
    request: &Request<B>,
    knows_host: impl Fn(&str) -> bool,
    is_here: impl Fn(&Server) -> bool,
) -> Place {
    let is_h2 = request.version() >= Version::HTTP_2;
    if *request.method() == Method::CONNECT {
        let server = request.uri().authority().filter(|_| !is_h2).and_then(|to| Server::of(to, None));
        return match server {
            Some(server) => Place::Tunnel(server),
            None if is_h2 => Place::Nowhere("a tunnel is asked for in HTTP/1.1"),
            None => Place::Nowhere("a tunnel is asked for by a host and a port"),
        };
    }
    let uri = request.uri();
    let target = uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    if !is_h2 && let Some(authority) = uri.authority() {
        // Absolute form (RFC 9112 §3.2.2): what it names is asked for, and no other.
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Place::Nowhere("a URL that is neither `https` nor `http`"),
        };
        return match Server::of(authority, Some(tls)) {
            // Clients that take every server by the proxy take the proxy by itself too.
            Some(server) if is_here(&server) => within(&target),
            Some(server) => Place::Forward(server, target),
            None => Place::Nowhere("a URL whose host or port is none"),
        };
    }
    let host = match uri.host() {
        Some(host) => Some(host.to_ascii_lowercase()),
        None => request.headers().get(HOST).and_then(|host| host.to_str().ok()).map(without_port),
    };
    if let Some(host) = host.filter(|host| knows_host(host)) {
        return Place::Host(host, target);
    }
    within(&target)
}

/// A target that begins with a connection's name.
fn within(target: &str) -> Place {
    match Target::connection(target) {
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
