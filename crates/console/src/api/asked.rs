//! What is asked of the API, read from its bytes.

use access::RequestId;
use gate::{Narrower, Verb};
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lending::{Ending, Offered};
use super::problem::Problem;
use super::revoking::Revoked;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// The requests, or another one.
    Requests,
    /// The request that should have this id.
    One(&'a str),
    /// An answer to it.
    Answer { id: &'a str, verb: Verb },
    /// What is revoked, or more of it.
    Access,
    /// What is revoked by this id, to be given back.
    Restore(&'a str),
    /// What is lent, or more of it.
    Delegations,
    /// What is lent by this id, to be ended.
    End(&'a str),
}

impl<'a> Route<'a> {
    pub(super) fn of(path: &'a str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/api/access") {
            let mut parts = rest.split('/');
            return match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(""), None, None, None) => Some(Self::Access),
                (Some(""), Some(id), Some("restore"), None) => Some(Self::Restore(id)),
                _ => None,
            };
        }
        if let Some(rest) = path.strip_prefix("/api/delegations") {
            let mut parts = rest.split('/');
            return match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(""), None, None, None) => Some(Self::Delegations),
                (Some(""), Some(id), Some("revoke"), None) => Some(Self::End(id)),
                _ => None,
            };
        }
        let mut parts = path.strip_prefix("/api/requests")?.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(""), None, None, None) => Some(Self::Requests),
            (Some(""), Some(id), None, None) => Some(Self::One(id)),
            (Some(""), Some(id), Some(verb), None) => Some(Self::Answer { id, verb: verb_of(verb)? }),
            _ => None,
        }
    }

    /// The methods by which it is asked.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Self::Requests | Self::Access | Self::Delegations => &[Method::GET, Method::POST],
            Self::One(_) => &[Method::GET],
            Self::Answer { .. } | Self::Restore(_) | Self::End(_) => &[Method::POST],
        }
    }
}

/// Which requests are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// Those, too, of which nothing can come any more.
    pub(super) all: bool,
    /// How many at most.
    pub(super) limit: u32,
}

impl Listing {
    /// Reads `all=true&limit=20`. What it does not know it refuses: half an answer would look like a whole one.
    pub(super) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let (mut all, mut limit) = (None, None);
        for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("all", value)) if all.is_none() => {
                    all = Some(value.parse().map_err(|_| Problem::Query("`all` is `true` or `false`"))?);
                }
                Some(("limit", value)) if limit.is_none() => {
                    let number = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                    limit = Some(number.ok_or(Problem::Query("`limit` is a number from 1 to 1000"))?);
                }
                _ => return Err(Problem::Query("write `all=true`, `limit=NUMBER`, or nothing; each once")),
            }
        }
        Ok(Self { all: all.unwrap_or(false), limit: limit.unwrap_or(LIMIT_DEFAULT) })
    }
}

/// A request's id, if `text` is one.
pub(super) fn id(text: &str) -> Option<String> {
    RequestId::read(text).map(|id| id.to_string())
}

/// What is said in `{"comment": "…", "rows_max": 5}`, or nothing. `None`: it is something else.
pub(super) fn said(body: &[u8]) -> Option<Said> {
    match body.trim_ascii() {
        b"" => Some(Said::default()),
        body => document(body),
    }
}

/// What access is asked for. `None`: it is something else.
pub(super) fn wished(body: &[u8]) -> Option<Wished> {
    document(body.trim_ascii())
}

/// What is to be taken away. `None`: it is something else.
pub(super) fn revoked(body: &[u8]) -> Option<Revoked> {
    document(body.trim_ascii())
}

/// What is to be lent. `None`: it is something else.
pub(super) fn offered(body: &[u8]) -> Option<Offered> {
    document(body.trim_ascii())
}

/// Why something is to be ended. `None`: it is something else.
pub(super) fn ending(body: &[u8]) -> Option<Ending> {
    document(body.trim_ascii())
}

fn document<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    // serde would read an array as well, member by member.
    body.first().filter(|first| **first == b'{')?;
    serde_json::from_slice(body).ok()
}

/// What a body says of access that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wished {
    /// The connection.
    pub(super) connection: Box<str>,
    pub(super) actions: Vec<Box<str>>,
    pub(super) objects: Vec<Box<str>>,
    #[serde(default)]
    pub(super) classes: Vec<Box<str>>,
    pub(super) seconds: u32,
    #[serde(default)]
    pub(super) reveals: Option<u32>,
    pub(super) reason: Box<str>,
    /// How many people have to give it.
    #[serde(default = "one")]
    pub(super) approvals: u32,
}

fn one() -> u32 {
    1
}

/// What a body says of an answer.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    /// Why.
    #[serde(default)]
    pub(super) comment: Box<str>,
    /// How many rows the command may touch.
    #[serde(default)]
    pub(super) rows_max: Option<u64>,
    /// What is left of access that was asked for.
    #[serde(default)]
    pub(super) narrower: Option<Narrower>,
}

fn verb_of(path: &str) -> Option<Verb> {
    match path {
        "approve" => Some(Verb::Approve),
        "deny" => Some(Verb::Deny),
        "break-glass" => Some(Verb::BreakGlass),
        "review" => Some(Verb::Review),
        "revoke" => Some(Verb::Revoke),
        _ => None,
    }
}

/// Whether a `Content-Type` is that of JSON, whatever its parameters.
pub(super) fn is_json(kind: &str) -> bool {
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind);
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// Whether `origin` is that of a page at `host`. What stands before panguard may speak TLS, so the scheme is either.
pub(super) fn is_origin_of(origin: &str, host: &str) -> bool {
    let at = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    at.is_some_and(|at| !at.is_empty() && at.eq_ignore_ascii_case(host))
}

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MAX: u32 = 1000;
