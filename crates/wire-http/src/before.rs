//! What a request would change of the resource that it is sent to: how that is read beforehand, and what differs.
//!
//! Both sides are masked as an answer to an agent is who may reveal nothing, by all that is known of either.

mod diff;

use std::sync::Arc;

use access::{Before, Redacted, RequestId, Terms, Timestamp};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, request, response};
use mask::{JsonRule, Masker};

use crate::body::{Care, Coded, Withheld, open};
use crate::connection::{Connection, Rule, Settings};
use crate::document::{Document, Found, essence};
use crate::echo::Echo;
use crate::exchange::{Effect, Exchange, TEXT_BYTES_MAX};
use crate::header;
use crate::target::Target;
use diff::{How, Tree, Undiffed};

pub use diff::{Change, Difference};

/// How the resource is read that a request changes.
pub struct Reading<'b> {
    connection: &'b Connection,
    target: Target,
    how: How,
    before: &'b Before,
}

/// What a request over HTTP says of how the resource that it changes is read: by GET of the same target. `None`: it changes
/// none that has a name, or not in a way that is understood; or nobody knows a GET of it.
pub(crate) fn before(
    settings: &Settings,
    request: RequestId,
    method: &Method,
    target: &Target,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Before> {
    let connection = &settings.connection;
    let body_type = headers.get(CONTENT_TYPE).map(HeaderValue::to_str).transpose().ok()?.unwrap_or_default();
    let is_understood = !connection.asks_models
        && body.len() <= TEXT_BYTES_MAX
        && !headers.contains_key(CONTENT_ENCODING)
        && headers.get_all(CONTENT_TYPE).iter().count() <= 1
        && header::sent(headers).keys().all(|name| SAYS_NOT_WHICH.contains(&name.as_str()));
    let how = how(method, body_type, body)?;
    let is_known = match &connection.document {
        Some(document) => has_get(document, &target.path, how == How::Names),
        // Of what is posted nobody knows whether it is there already.
        None => how != How::Names,
    };
    (is_understood && is_known).then_some(())?;
    let query = target.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let get = format!("{}{query}", target.sent);
    let own = Settings {
        connection: Arc::clone(connection),
        prefix: settings.prefix.clone(),
        by_own_name: settings.by_own_name,
        masker: settings.masker,
        now: settings.now,
        wanted: Arc::clone(&settings.wanted),
        echo: settings.echo.clone(),
        turned_away: None,
        answer_bytes_max: 0,
        nonce: None,
    };
    let mut exchange = Exchange::open(own, request, Method::GET, &get, asked_for(), false);
    let Some(Effect::Ask(question)) = exchange.poll() else { return None };
    Some(Before {
        facts: question.facts,
        target: Redacted::new(get.into()),
        method: method.as_str().into(),
        body_type: body_type.into(),
        body: Redacted::new(body.into()),
    })
}

/// What a request does to the resource that it is sent to.
fn how(method: &Method, body_type: &str, body: &[u8]) -> Option<How> {
    let kind = essence(body_type);
    let is_json = kind == "application/json" || kind.ends_with("+json");
    match *method {
        Method::DELETE if body.is_empty() => Some(How::Deletes),
        // A list of steps and not a part of the resource (RFC 6902).
        _ if !is_json || kind == "application/json-patch+json" => None,
        Method::PUT => Some(How::Replaces),
        Method::PATCH if body.trim_ascii_start().starts_with(b"{") => Some(How::Merges),
        Method::POST => Some(How::Names),
        _ => None,
    }
}

/// Whether the document knows a GET of what the path names; where `of_one`, of one thing among others.
fn has_get(document: &Document, path: &str, of_one: bool) -> bool {
    match document.find(&Method::GET, path) {
        Found::Operation(place) => !place.is_unclear && (!of_one || place.route.ends_with('}')),
        Found::Nothing | Found::Several => false,
    }
}

/// What is asked for beside the credential.
fn asked_for() -> HeaderMap {
    let fields = [(ACCEPT, "application/json"), (ACCEPT_ENCODING, "identity")];
    fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

impl<'b> Reading<'b> {
    /// How that is read which a request on `connection` changes; `None` if it was no request there.
    pub fn of(connection: &'b Connection, before: &'b Before) -> Option<Self> {
        let method = Method::from_bytes(before.method.as_bytes()).ok()?;
        let how = how(&method, &before.body_type, before.body.expose())?;
        let target = Target::read(before.target.expose()).ok()?;
        Some(Self { connection, target, how, before })
    }

    /// The request that reads it, but for its credential.
    pub fn request(&self) -> Option<request::Parts> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = Method::GET;
        parts.uri = self.connection.origin.uri(&self.target).ok()?;
        parts.headers = asked_for();
        Some(parts)
    }

    /// What the request would change of what was `answered`.
    ///
    /// # Errors
    /// Why that is not known, with nothing of either.
    pub fn differences(
        &self,
        answered: &response::Parts,
        body: &[u8],
        masker: Masker,
        now: Timestamp,
        echo: &Echo,
    ) -> Result<(Vec<Difference>, usize), Undiffed> {
        let mut kinds = answered.headers.get_all(CONTENT_TYPE).iter();
        let kind = kinds.next().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let of_kind = essence(kind);
        match answered.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err("there is no such thing yet"),
            _ => return Err("it cannot be read"),
        }
        if kinds.next().is_some() || !(of_kind == "application/json" || of_kind.ends_with("+json")) {
            return Err("what is there is no JSON");
        }
        if answered.headers.contains_key(CONTENT_ENCODING) {
            return Err("what is there is coded");
        }
        let care = self.care(kind, masker, now, echo);
        let there = tree(&care, kind, body)?;
        let sent = match self.how {
            How::Deletes => None,
            How::Replaces | How::Merges | How::Names => {
                Some(tree(&care, &self.before.body_type, self.before.body.expose())?)
            }
        };
        let found = there.differences(sent.as_ref(), self.how);
        Ok((found.told, found.more))
    }

    /// How both are masked: by what is labelled in either of them, whoever asks.
    fn care(&self, kind: &str, masker: Masker, now: Timestamp, echo: &Echo) -> Care {
        let mut care = self.connection.answers(masker, &Terms::default(), now, echo);
        let mut rules: Vec<JsonRule> = care.rules.to_vec();
        if let Some(document) = &self.connection.document {
            let found = |method: &Method| match document.find(method, &self.target.path) {
                Found::Operation(place) => Some(Arc::clone(place.operation)),
                Found::Nothing | Found::Several => None,
            };
            let read = found(&Method::GET);
            let labels = match &read {
                Some(operation) => operation.answered(StatusCode::OK, Some(kind)).labels,
                None => document.labels(None),
            };
            rules.extend(labels.into_iter().map(|label| label.rule.clone()));
            let writes =
                Method::from_bytes(self.before.method.as_bytes()).ok().and_then(|method| found(&method));
            let taken = writes.iter().flat_map(|operation| &operation.takes);
            rules.extend(taken.flat_map(|media| &media.labels).map(|label: &Rule| label.rule.clone()));
        }
        // What the operator vouches for is looked at all the same: that it passes unmasked is for agents' sake.
        rules.retain(JsonRule::has_class);
        care.rules = rules.into();
        care.is_json_alone = true;
        care
    }
}

/// A document with what may be told of it.
fn tree(care: &Care, kind: &str, body: &[u8]) -> Result<Tree, Undiffed> {
    let mut rewriter = open(care, Coded { content_type: Some(kind), content_encoding: "" });
    let mut masked = Vec::with_capacity(body.len());
    rewriter.push(body, &mut masked).and_then(|()| rewriter.finish(&mut masked)).map_err(words)?;
    Tree::read(body, &masked)
}

fn words(withheld: Withheld) -> Undiffed {
    match withheld {
        Withheld::Sad => "sensitive authentication data stands in it",
        Withheld::CardData => "card data stands in it",
        Withheld::NotUnderstood(_) => "it is not understood",
        Withheld::TooLarge(_) => "it is too long",
    }
}

/// Fields of a request that say nothing of which resource is meant. With any other the resource that is read without it may
/// be somebody else's.
const SAYS_NOT_WHICH: [&str; 20] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "origin",
    "prefer",
    "referer",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-correlation-id",
    "x-request-id",
];

#[cfg(test)]
mod tests;
