//! What the lane knows of a connection.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use access::{Code, DataClass, Terms, Timestamp};
use http::Method;
use mask::{JsonRule, Masker};

use crate::body::{Care, Opaque};
use crate::document::Document;
use crate::echo::Echo;
use crate::llm::{Dialect, Operation};
use crate::target::Target;

/// How the paths of OpenAI's API begin behind its version.
const UNVERSIONED: [&str; 14] = [
    "chat",
    "completions",
    "responses",
    "embeddings",
    "models",
    "files",
    "images",
    "audio",
    "moderations",
    "batches",
    "fine_tuning",
    "uploads",
    "vector_stores",
    "conversations",
];

/// An HTTP system behind panguard, as its requests and answers are read.
#[derive(Clone)]
pub struct Connection {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Where it is.
    pub origin: Origin,
    /// Whether models are asked there.
    pub asks_models: bool,
    /// What is known of places in the JSON of its answers.
    pub rules: Vec<Rule>,
    /// What its OpenAPI document says of it, if it has one.
    pub document: Option<Arc<Document>>,
    /// Whether what might be card data in disguise is taken for it.
    pub strict: bool,
    /// What becomes of bodies that cannot be understood.
    pub opaque: Opaque,
    /// What becomes of card data in requests.
    pub outgoing: Outgoing,
    /// How much of requests and answers passes.
    pub bounds: Bounds,
}

/// How much of requests and answers passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Which requests are held whole beyond those that policy must see whole.
    pub holds: Holds,
    /// Bytes of a request's body.
    pub request_bytes_max: Option<u64>,
    /// Bytes of an answer's body, as the upstream sends it.
    pub response_bytes_max: Option<u64>,
}

/// Which requests are held whole before they are sent: their credential may be made of their bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Holds {
    /// None for that.
    #[default]
    None,
    /// Those that are not too long for it.
    Fitting,
    /// All; one that is too long for it is refused.
    All,
}

/// What is known of one place in JSON.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The class of its values; `None` where no card data is.
    pub class: Option<DataClass>,
    /// The place.
    pub rule: JsonRule,
    /// When that is no longer taken on trust.
    pub until: Option<Timestamp>,
}

/// What becomes of card data that an agent sends, if it may not reveal it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing {
    /// The request is refused.
    Refuse,
    /// It is masked by this: truncated, or given surrogates.
    Mask(Masker),
}

/// Where an upstream is: the scheme, host and port of its base URL, and the path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether by TLS.
    pub tls: bool,
    /// Its host, in lower case: a name, or an address without brackets.
    pub host: Box<str>,
    /// Its port.
    pub port: u16,
    /// What stands before every path, without a slash at its end: `/api`, or empty.
    pub base: Box<str>,
}

/// A base URL that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOrigin(pub &'static str);

impl Connection {
    /// What a model is asked to do by a request, if it is one to a model. A target in which the version of OpenAI's API is
    /// left out, as its SDKs leave it to their base URL, is given it.
    pub(crate) fn asked(&self, method: &Method, target: &mut Target) -> Option<(Dialect, Operation)> {
        if !self.asks_models {
            return None;
        }
        let first = target.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if self.origin.base.is_empty() && UNVERSIONED.contains(&first) {
            target.path.insert_str(0, "/v1");
            target.sent.insert_str(0, "/v1");
        }
        Dialect::at(&target.path).filter(|_| *method == Method::POST)
    }

    /// How what comes back is looked at under a permit's terms.
    pub(crate) fn answers(&self, masker: Masker, terms: &Terms, now: Timestamp, echo: &Echo) -> Care {
        let rules =
            self.rules.iter().filter(|it| it.class.as_ref().is_none_or(|class| !terms.reveals(class)));
        let rules = rules.filter(|it| it.until.is_none_or(|until| now < until));
        Care {
            masker: masker.revealing(terms),
            rules: rules.map(|it| it.rule.clone()).collect(),
            strict: self.strict && !terms.reveals(&DataClass::Pan),
            opaque: if terms.reveals(&DataClass::Pan) { Opaque::Pass } else { self.opaque },
            refuses: false,
            echo: echo.clone(),
            seen: None,
            is_json_alone: false,
        }
    }

    /// How what is sent is looked at.
    pub(crate) fn requests(&self, masker: Masker, terms: &Terms) -> Care {
        let (masker, refuses) = match self.outgoing {
            Outgoing::Refuse => (masker, true),
            Outgoing::Mask(masker) => (masker, false),
        };
        let reveals = terms.reveals(&DataClass::Pan);
        Care {
            masker: masker.revealing(terms),
            rules: Arc::default(),
            strict: self.strict && !reveals,
            opaque: if reveals { Opaque::Pass } else { self.opaque },
            refuses,
            echo: Echo::default(),
            seen: None,
            is_json_alone: false,
        }
    }
}

impl Origin {
    /// Reads a base URL: `https://api.example.com/v2`.
    ///
    /// # Errors
    /// [`NotAnOrigin`]: it is none, or holds what belongs elsewhere (a user, a query).
    pub fn parse(url: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, rest) = url.split_once("://").ok_or(NotAnOrigin("it has no scheme"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(NotAnOrigin("its scheme is neither `https` nor `http`")),
        };
        if rest.contains(['?', '#']) {
            return Err(NotAnOrigin("it has a query or a fragment"));
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        if authority.contains('@') {
            return Err(NotAnOrigin("it holds a user; write it as the connection's `credential`"));
        }
        let (host, port) = host_and_port(authority).ok_or(NotAnOrigin("its host or port is none"))?;
        let base = path.trim_end_matches('/');
        if !base.is_empty() {
            Target::read(base).map_err(|malformed| NotAnOrigin(malformed.0))?;
        }
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host: host.to_ascii_lowercase().into(), port, base: base.into() })
    }

    /// `https://api.example.com:8443`, as the upstream is dialled.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_string() };
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// Where `target` is there.
    ///
    /// # Errors
    /// It is too long to be one.
    pub(crate) fn uri(&self, target: &Target) -> Result<http::Uri, http::Error> {
        let query = target.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{}{query}", self.base, target.sent);
        http::Uri::builder().scheme(self.scheme()).authority(self.authority()).path_and_query(path).build()
    }

    /// Its scheme.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// The target within this connection of a target of the upstream's; `None` if it is none of its.
    pub fn below(&self, target: &str) -> Option<String> {
        let rest = target.strip_prefix(&*self.base).filter(|rest| is_below(rest))?;
        Some(if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") })
    }

    /// Where an answer points, for an agent who knows the upstream by its own name: as it is, but nowhere in a private
    /// network beside that.
    pub(crate) fn by_own_name(&self, place: &str) -> Option<String> {
        let absolute = match place.strip_prefix("//") {
            Some(rest) => format!("{}://{rest}", self.scheme()),
            None if !has_scheme(place) => return Some(place.to_owned()),
            None => place.to_owned(),
        };
        let url = absolute.split(['?', '#']).next().unwrap_or_default();
        let named = Self::parse(url).ok()?;
        let is_this = named.host == self.host && named.port == self.port;
        (is_this || !is_private(&named.host)).then(|| place.to_owned())
    }

    /// Where an answer points, as the agent can follow it: places in this connection by panguard, under `prefix`; others
    /// as they are, but none in a private network. `from` is the path that was asked for, within this connection. `None`: it
    /// is not told.
    pub(crate) fn inside(&self, place: &str, prefix: &str, from: &str) -> Option<String> {
        // A slash, for many.
        if place.contains('\\') {
            return None;
        }
        if let Some(rest) = place.strip_prefix("//") {
            return self.inside(&format!("{}://{rest}", self.scheme()), prefix, from);
        }
        if !has_scheme(place) {
            // A path from the root, within this connection or not; or one that counts from the request's own.
            let Some(path) =
                place.strip_prefix(&*self.base).filter(|path| place.starts_with('/') && is_below(path))
            else {
                let stays = !place.starts_with('/') && (prefix.is_empty() || stays_below(place, from));
                return stays.then(|| place.to_owned());
            };
            return stays_below(path.trim_start_matches('/'), "/").then(|| format!("{prefix}{path}"));
        }
        let end = place.find(['?', '#']).unwrap_or(place.len());
        let (url, rest) = place.split_at_checked(end)?;
        let Ok(named) = Self::parse(url) else { return None };
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
        let path = path.unwrap_or("/");
        if (named.tls, &named.host, named.port) != (self.tls, &self.host, self.port) {
            return (!is_private(&named.host)).then(|| place.to_owned());
        }
        let path = path.strip_prefix(&*self.base).filter(|path| is_below(path))?;
        Some(format!("{prefix}{path}{rest}"))
    }
}

/// Whether what is left of a path behind a base is in that base.
fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['/', '?', '#'])
}

/// Whether a place that counts from the path `from` is below the same root, however its dots are written (RFC 3986 §5.2.4).
fn stays_below(place: &str, from: &str) -> bool {
    let path = place.split(['?', '#']).next().unwrap_or_default();
    let mut depth = from.matches('/').count().saturating_sub(1);
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        depth = match &*segment.to_ascii_lowercase().replace("%2e", ".") {
            ".." => match depth.checked_sub(1) {
                Some(depth) => depth,
                None => return false,
            },
            "." => depth,
            // What follows the last slash is no step down.
            _ => depth + usize::from(segments.peek().is_some()),
        };
    }
    true
}

fn has_scheme(place: &str) -> bool {
    let colon = place.find(':');
    let other = place.find(['/', '?', '#']).unwrap_or(place.len());
    colon.is_some_and(|colon| colon < other)
}

/// Whether a host is of a private network: an address that is not routed (RFC 1918, RFC 4193, RFC 3927), or a name that
/// only such a network knows.
fn is_private(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_private_v4 = |ip: Ipv4Addr| {
        ip.is_private() || ip.is_loopback() || ip.is_link_local() || matches!(ip.octets()[0], 0 | 100)
    };
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => is_private_v4(ip),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || v4_within(ip).is_some_and(is_private_v4)
        }
        // A last part that is a number makes an address in one of the older spellings (`127.1`, `0x7f.0.0.1`), each of which
        // is read in more than one way.
        Err(_) => {
            let last = host.rsplit('.').next().unwrap_or_default();
            let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
            is_number
                || !host.contains('.')
                || [".internal", ".local", ".lan", ".corp", ".home", ".intranet", ".localhost", ".svc"]
                    .iter()
                    .any(|suffix| host.ends_with(suffix))
        }
    }
}

/// The address of version 4 that one of version 6 stands for: mapped (RFC 4291 §2.5.5), behind NAT64 (RFC 6052) or 6to4.
fn v4_within(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some("")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("")),
        },
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(is_host) {
        return None;
    }
    match port? {
        "" => Some((host, None)),
        port => port.parse().ok().filter(|port| *port != 0).map(|port| (host, Some(port))),
    }
}

/// What a connection knows and one request of it needs, with what the gateway adds at that moment.
pub struct Settings {
    /// The connection.
    pub connection: Arc<Connection>,
    /// What stands before its paths on the agent's side: `/billing-api`, or nothing.
    pub prefix: Box<str>,
    /// Whether the agent knows the upstream by the upstream's own name, through a forward proxy: then what an answer says of
    /// itself by that name stays.
    pub by_own_name: bool,
    /// What masks this gateway's answers.
    pub masker: Masker,
    /// When the request came.
    pub now: Timestamp,
    /// The fields that policies ask for.
    pub wanted: Arc<access::Wanted>,
    /// The upstream's credential, to be starred out should it come back.
    pub echo: Echo,
    /// Random bytes for the key of a WebSocket, on a stream that may become one.
    pub nonce: Option<[u8; 16]>,
    /// Why the request is refused whatever it asks for.
    pub turned_away: Option<TurnedAway>,
    /// How many bytes of the answer are kept for the audit log, as it is told.
    pub answer_bytes_max: usize,
}

/// Why a request is refused before it is decided upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// What sort of refusal.
    pub code: Code,
    /// Why, for whoever asked.
    pub detail: Box<str>,
    /// After how long it may be let in.
    pub retry_after_seconds: Option<u64>,
}
