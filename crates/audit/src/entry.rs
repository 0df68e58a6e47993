use std::sync::Arc;

use access::{Lent, Principal, RequestId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Event;

/// One leaf of the audit log.
///
/// It has every element of PCI DSS 4.0.1, 10.2.2: who (`principal`), the type of event (`event`), date and
/// time, success or failure ([`Event::indication`]), origination (`from`, `client`, `gateway`), and what
/// was affected (`connection`, `lane`, and the resources named in `event`).
///
/// Its texts must have been masked before: the log adds nothing and hides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, by the gateway's clock. Order is the index's business, not the clock's.
    pub time: Timestamp,
    /// The gateway's name.
    pub gateway: Arc<str>,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// The command it belongs to.
    pub request: Option<RequestId>,
    /// Who asked. `None`: the gateway itself, or somebody who was not identified.
    pub principal: Option<Arc<Who>>,
    /// The agent side's network address.
    pub from: Option<Arc<str>>,
    /// What the client calls itself, masked.
    pub client: Option<Arc<str>>,
    /// The connection affected.
    pub connection: Option<Arc<str>>,
    /// The connection's protocol, such as `postgres`.
    pub lane: Option<Arc<str>>,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// The schema version that this program writes, `v` in the entry.
    pub const VERSION: u16 = 1;

    /// An entry of the gateway's own: nobody asked, no connection is affected.
    pub fn of_gateway(time: Timestamp, gateway: Arc<str>, event: Event) -> Self {
        Self {
            time,
            gateway,
            session: None,
            request: None,
            principal: None,
            from: None,
            client: None,
            connection: None,
            lane: None,
            event,
        }
    }

    /// The affected data, component or service by name: the connection, or what the event says.
    pub fn resource(&self) -> String {
        match &self.connection {
            Some(connection) => format!("connection {connection}"),
            None => self.event.resource(),
        }
    }
}

/// A principal as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// `agent` or `user`.
    pub kind: Box<str>,
    /// The name in policies.
    pub id: Box<str>,
    /// The issuer.
    pub issuer: Box<str>,
    /// The `sub` claim.
    pub subject: Box<str>,
    /// Groups, sorted.
    pub groups: Vec<Box<str>>,
    /// Which person it is, where an issuer says by a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Box<str>>,
    /// The token's id, or a digest of it.
    pub token_id: Box<str>,
    /// The `sub` of the user whose access an agent was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Box<str>>,
    /// What it was lent, where panguard did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lent: Option<Box<LentNote>>,
}

/// Access that an agent was lent, as it is recorded with what the agent does by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LentNote {
    /// Whether whoever has the access of their own is an `agent` or a `user`.
    pub by_kind: Box<str>,
    /// Their id.
    pub by: Box<str>,
    /// The ids of the agents through whose hands it came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Box<str>>,
}

impl LentNote {
    fn of(lent: &Lent) -> Option<Self> {
        let first = lent.lenders.first()?;
        let through = lent.chain().map(Box::from).collect();
        Some(Self { by_kind: first.kind.as_str().into(), by: first.id.clone(), through })
    }
}

impl From<&Principal> for Who {
    fn from(principal: &Principal) -> Self {
        Self {
            kind: principal.kind.as_str().into(),
            id: principal.id.clone(),
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            groups: principal.groups.iter().cloned().collect(),
            person: principal.person.clone(),
            token_id: principal.token_id.clone(),
            on_behalf_of: principal.delegation.as_ref().map(|lent| lent.on_behalf_of.clone()),
            lent: principal.lent().and_then(|lent| LentNote::of(lent)).map(Box::new),
        }
    }
}

/// The success or failure indication of PCI DSS 4.0.1, 10.2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indication {
    /// What was tried was done, or was allowed to begin.
    Success,
    /// It was refused, or it failed, or its end is not known.
    Failure,
}
