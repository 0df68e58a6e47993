use std::sync::Arc;

use access::{RequestId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Command, FactsNote};
use crate::tree::{Hash, LEAF_PREFIX, sha256};
use crate::{Entry, Event, Indication, Who};

/// Longest entry: an entry bundle gives each a length of 16 bits (C2SP tlog-tiles, "Log entries").
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// An entry's bytes and its leaf hash.
pub(crate) struct Encoded {
    /// The leaf prefix of RFC 6962 §2.1 and then the JSON, so that both are hashed in one run.
    prefixed: Vec<u8>,
    /// The leaf hash.
    pub(crate) leaf: Hash,
}

impl Encoded {
    /// The JSON.
    pub(crate) fn json(&self) -> &[u8] {
        self.prefixed.get(1..).unwrap_or_default()
    }
}

/// An entry that even shortened is longer than [`ENTRY_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Bytes that are not an entry of a version that this program knows.
#[derive(Debug, thiserror::Error)]
#[error("not an entry that this version of panguard knows: {0}")]
pub struct Unreadable(serde_json::Error);

impl Entry {
    /// The entry as one JSON object on one line, its members in a fixed order.
    ///
    /// What is too long for a tile is shortened and says so; `None` when that does not help.
    pub fn to_json(&self) -> Option<String> {
        let encoded = encode(self).ok()?;
        Some(String::from_utf8_lossy(encoded.json()).into_owned())
    }

    /// Reads an entry back.
    ///
    /// # Errors
    /// Anything but an entry of a schema version that this program knows.
    pub fn from_json(json: &[u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice::<Read>(json).map(Self::from).map_err(Unreadable)
    }
}

/// Encodes `entry`, shortening its command if need be.
pub(crate) fn encode(entry: &Entry) -> Result<Encoded, TooLong> {
    let first = line(entry, &entry.event)?;
    if first.len() <= ENTRY_BYTES_MAX + 1 {
        return Ok(seal(first));
    }
    for budget in [32 << 10, 8 << 10, 1 << 10] {
        let again = line(entry, &shortened(&entry.event, budget))?;
        if again.len() <= ENTRY_BYTES_MAX + 1 {
            return Ok(seal(again));
        }
    }
    Err(TooLong)
}

fn seal(prefixed: Vec<u8>) -> Encoded {
    let leaf = sha256(&prefixed);
    Encoded { prefixed, leaf }
}

fn line(entry: &Entry, event: &Event) -> Result<Vec<u8>, TooLong> {
    let line = Written {
        v: Entry::VERSION,
        time: entry.time,
        gateway: &entry.gateway,
        result: event.indication(),
        session: entry.session,
        request: entry.request,
        principal: entry.principal.as_deref(),
        from: entry.from.as_deref(),
        client: entry.client.as_deref(),
        resource: entry.resource(),
        connection: entry.connection.as_deref(),
        lane: entry.lane.as_deref(),
        event,
    };
    let mut bytes = Vec::with_capacity(1024);
    bytes.push(LEAF_PREFIX);
    // Only a map with keys that are not text, or a failing `Serialize` of ours, could err; neither exists.
    serde_json::to_writer(&mut bytes, &line).map_err(|_| TooLong)?;
    Ok(bytes)
}

/// `event` with its statement, all its parameters together, and each list of its facts cut to `budget`
/// bytes.
fn shortened(event: &Event, budget: usize) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::CommandIntent { command, .. } | Event::ApprovalAsked { command, .. } => {
            shorten(command, budget)
        }
        Event::ApprovalAnswered { comment, .. }
        | Event::GlassBroken { reason: comment, .. }
        | Event::GlassReviewed { comment, .. }
        | Event::GrantAsked { reason: comment, .. }
        | Event::AccessRevoked { reason: comment, .. }
        | Event::AccessLent { reason: comment, .. }
        | Event::ControlFailed { cause: comment, .. }
        | Event::ControlRestored { cause: comment, .. } => *comment = cut(comment, budget).into(),
        Event::CommandRefused { command, detail, .. } => {
            shorten(command, budget);
            *detail = cut(detail, budget).into();
        }
        Event::AuthenticationFailed { claimed_user, .. } => *claimed_user = cut(claimed_user, budget).into(),
        Event::LogCreated { .. }
        | Event::GatewayStarted { .. }
        | Event::GatewayStopped
        | Event::SessionOpened { .. }
        | Event::SessionRefused { .. }
        | Event::SessionClosed { .. }
        | Event::ApprovalSeen { .. }
        | Event::ApprovalNotCounted { .. }
        | Event::Revealed { .. }
        | Event::ApprovalEnded { .. }
        | Event::PolicyChanged { .. }
        | Event::ConfigurationChanged { .. }
        | Event::SecretChanged { .. }
        | Event::AccessRestored { .. }
        | Event::LogRead { .. }
        | Event::LogPruned { .. }
        | Event::SinkGap { .. }
        | Event::SinkMoved { .. } => {}
        Event::Outcome { said, answer, .. } => {
            if let Some(said) = said {
                said.shortened = true;
                said.text = cut(&said.text, budget).into();
                within(&mut said.tools, budget, |one| one.len() + 8);
            }
            if let Some(answer) = answer.as_mut().filter(|answer| answer.data.len() > budget) {
                answer.data = "".into();
            }
        }
    }
    event
}

fn shorten(command: &mut Command, budget: usize) {
    command.shortened = true;
    command.statement = cut(&command.statement, budget).into();
    within(&mut command.parameters, budget, |one| one.as_ref().map_or(8, |text| text.len() + 8));
    let mut facts = FactsNote::clone(&command.facts);
    within(&mut facts.kinds, budget, |one| one.len());
    within(&mut facts.uses, budget, |one| one.action.len() + one.resource.len() + 32);
    within(&mut facts.columns, budget, |one| one.column.len() + one.class.len() + 64);
    // What it compares is kept whole: it is counted again out of the log.
    within(&mut facts.functions, budget, |one| one.len());
    within(&mut facts.not_understood, budget, |one| one.len());
    command.facts = facts.into();
}

/// Keeps the first items of `list` that together cost no more than `budget`.
fn within<T>(list: &mut Vec<T>, budget: usize, cost: impl Fn(&T) -> usize) {
    let mut left = budget;
    let keep = list.iter().take_while(|one| match left.checked_sub(cost(one)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    let keep = keep.count();
    list.truncate(keep);
}

/// The longest prefix of `text` of at most `budget` bytes.
fn cut(text: &str, budget: usize) -> &str {
    text.get(..text.floor_char_boundary(budget)).unwrap_or_default()
}

/// An entry as written: `result` and `resource` stand there for whoever reads the line, and are made anew
/// when it is read back.
#[derive(Serialize)]
struct Written<'a> {
    v: u16,
    #[serde(with = "time")]
    time: Timestamp,
    gateway: &'a str,
    result: Indication,
    #[serde(with = "session", skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    #[serde(with = "request", skip_serializing_if = "Option::is_none")]
    request: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a Who>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<&'a str>,
    event: &'a Event,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "v", deserialize_with = "known_version")]
    _v: u16,
    #[serde(with = "time")]
    time: Timestamp,
    gateway: Arc<str>,
    #[serde(with = "session", default)]
    session: Option<SessionId>,
    #[serde(with = "request", default)]
    request: Option<RequestId>,
    #[serde(default)]
    principal: Option<Arc<Who>>,
    #[serde(default)]
    from: Option<Arc<str>>,
    #[serde(default)]
    client: Option<Arc<str>>,
    #[serde(default)]
    connection: Option<Arc<str>>,
    #[serde(default)]
    lane: Option<Arc<str>>,
    event: Event,
}

impl From<Read> for Entry {
    fn from(read: Read) -> Self {
        Self {
            time: read.time,
            gateway: read.gateway,
            session: read.session,
            request: read.request,
            principal: read.principal,
            from: read.from,
            client: read.client,
            connection: read.connection,
            lane: read.lane,
            event: read.event,
        }
    }
}

fn known_version<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    match u16::deserialize(from)? {
        Entry::VERSION => Ok(Entry::VERSION),
        other => Err(serde::de::Error::custom(format_args!("schema version {other}"))),
    }
}

/// RFC 3339 in UTC with six decimals, so that the text sorts as the time does.
mod time {
    use access::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        // A clock beyond the year 9999 is wrong in any case; what happened is recorded all the same.
        let time = jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(jiff::Timestamp::MAX);
        to.collect_str(&format_args!("{time:.6}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        let time: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Timestamp(time.as_microsecond()))
    }
}

/// A session's id as its 16 hex digits.
mod session {
    use access::SessionId;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(session: &Option<SessionId>, to: S) -> Result<S::Ok, S::Error> {
        match session {
            Some(session) => to.collect_str(session),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SessionId>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| de::Error::custom("a session id is 16 hex digits"))
    }

    pub fn parse(text: &str) -> Option<SessionId> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(SessionId)).flatten()
    }
}

/// A request's id as `session-number`.
mod request {
    use access::RequestId;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(request: &Option<RequestId>, to: S) -> Result<S::Ok, S::Error> {
        match request {
            Some(request) => to.collect_str(request),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RequestId>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| de::Error::custom("a request id is a session id, `-`, a number"))
    }

    fn parse(text: &str) -> Option<RequestId> {
        let (session, number) = text.split_once('-')?;
        Some(super::session::parse(session)?.request(number.parse().ok()?))
    }
}

#[cfg(test)]
mod tests;
