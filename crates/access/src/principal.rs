use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::{Action, Mode, SessionId, Timestamp};

/// Who asks: one agent or one person, as an issuer's token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Agent or person.
    pub kind: Kind,
    /// The name in policies and entries: for an agent the value of the configured claim, else `sub`.
    pub id: Box<str>,
    /// The issuer, as its `iss` claim.
    pub issuer: Box<str>,
    /// The `sub` claim.
    pub subject: Box<str>,
    /// Groups, from the configured claim.
    pub groups: BTreeSet<Box<str>>,
    /// Whose access an agent was lent (`act`, RFC 8693 §4.1), if any. Groups and `subject` are then theirs.
    pub delegation: Option<Delegation>,
    /// Which person this is, by a claim that all of their identities share, where the issuer is set up so.
    pub person: Option<Box<str>>,
    /// How and when they signed in.
    pub authentication: Authentication,
    /// The token's own id (`jti`), or a digest of it: names the token, and is of no use to anyone.
    pub token_id: Box<str>,
    /// When the token begins to hold, clock skew taken into account.
    pub valid_from: Timestamp,
    /// When it stops, clock skew taken into account. Checked at every command.
    pub valid_until: Timestamp,
}

impl Principal {
    /// The agent to whom this principal lends some of their access, until then at the latest. `None` when it has been handed on
    /// too often.
    ///
    /// It goes by the name, the groups and the sign-in of whoever lent it first: what ends theirs ends it.
    #[must_use]
    pub fn lending(self, to: Loan) -> Option<Self> {
        let handed_on = self.delegation.as_ref().and_then(|it| it.lent.as_ref());
        let mut lenders = handed_on.map_or_else(Vec::new, |lent| lent.lenders.clone());
        lenders.push(self);
        let first = lenders.first().filter(|_| lenders.len() <= Lent::LENDERS_MAX)?;
        let Loan { agent, id, connections, actions, from, until } = to;
        Some(Self {
            kind: Kind::Agent,
            issuer: first.issuer.clone(),
            subject: first.subject.clone(),
            groups: first.groups.clone(),
            person: first.person.clone(),
            authentication: Authentication {
                class: None,
                at: None,
                actor: Some(agent.clone()),
                bound_to: None,
                ..first.authentication.clone()
            },
            delegation: Some(Delegation {
                on_behalf_of: first.subject.clone(),
                lent: Some(Arc::new(Lent { lenders, connections, actions })),
            }),
            id: agent,
            token_id: id,
            valid_from: from,
            valid_until: until,
        })
    }

    /// The same with whoever first lent this principal their access in these groups, and so the principal.
    #[must_use]
    pub fn in_groups(&self, groups: &BTreeSet<Box<str>>) -> Self {
        let delegation = self.delegation.as_ref().map(|it| {
            let in_groups = |lender: &Self| lender.in_groups(groups);
            let lent = it.lent.as_ref().map(|lent| {
                let lenders = lent.lenders.iter().map(in_groups).collect();
                Arc::new(Lent { lenders, ..Lent::clone(lent) })
            });
            Delegation { lent, ..it.clone() }
        });
        Self { groups: groups.clone(), delegation, ..self.clone() }
    }

    /// What was lent to this principal by panguard.
    pub fn lent(&self) -> Option<&Arc<Lent>> {
        self.delegation.as_ref()?.lent.as_ref()
    }

    /// Whether the token holds at `now`.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid_from <= now && now < self.valid_until
    }
}

/// Whether a principal is a machine or a human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A machine identity, an OIDC client or a delegated run.
    Agent,
    /// A human.
    User,
}

impl Kind {
    /// The word for it in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How somebody signed in, as far as their token says (OpenID Connect Core §2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authentication {
    /// The class of the sign-in, `acr`.
    pub class: Option<Box<str>>,
    /// When they signed in themselves, `auth_time`.
    pub at: Option<Timestamp>,
    /// When the token was issued, `iat`.
    pub issued_at: Option<Timestamp>,
    /// The OAuth client that it was issued to, `azp` or `client_id`.
    pub client: Option<Box<str>>,
    /// The sign-in at the issuer that it comes of, `sid` (OpenID Connect Front-Channel Logout 1.0 §3).
    pub sign_in: Option<Box<str>>,
    /// The `sub` of the agent to whom access was lent (`act.sub`), where the token says it.
    pub actor: Option<Box<str>>,
    /// What whoever presents the token has to hold.
    pub bound_to: Option<HolderKey>,
}

/// A key that a token is bound to (`cnf`, RFC 7800): nobody else can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HolderKey {
    /// One that is shown by a proof with each request (DPoP, RFC 9449), by its thumbprint.
    Key(Box<str>),
    /// That of a certificate that is shown in TLS (RFC 8705), by the certificate's thumbprint.
    Certificate(Box<str>),
}

/// Somebody lending an agent some of their access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The `sub` of whoever lent it first, a user in most cases: on their behalf the agent acts.
    pub on_behalf_of: Box<str>,
    /// What was lent, where it was by panguard: an issuer's `act` says no more than who to whom.
    pub lent: Option<Arc<Lent>>,
}

/// Access that was lent by panguard: some of what each of those has who lent it and handed it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    /// Who lent it, as they were known then: first who has it of their own, then each agent who handed on what it was lent.
    /// Never empty, and at most [`Lent::LENDERS_MAX`].
    pub lenders: Vec<Principal>,
    /// The connections that may be reached.
    pub connections: BTreeSet<Box<str>>,
    /// What may be done there. To open sessions and to change these alone goes with any.
    pub actions: BTreeSet<Action>,
}

impl Lent {
    /// How often access can be handed on, the first time counted.
    pub const LENDERS_MAX: usize = 4;

    /// Whether it is about doing `action` on `connection`.
    pub fn covers(&self, connection: &str, action: Action) -> bool {
        let goes_with_any = matches!(action, Action::Connect | Action::Session);
        self.connections.contains(connection) && (goes_with_any || self.actions.contains(&action))
    }

    /// The ids of the agents through whose hands it came, in that order.
    pub fn chain(&self) -> impl Iterator<Item = &str> {
        self.lenders.iter().skip(1).map(|agent| &*agent.id)
    }
}

/// What is lent to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// The agent's name.
    pub agent: Box<str>,
    /// The id by which it is known, and ended.
    pub id: Box<str>,
    /// As [`Lent::connections`].
    pub connections: BTreeSet<Box<str>>,
    /// As [`Lent::actions`].
    pub actions: BTreeSet<Action>,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Loan {
    /// For how long access can be lent at most: half a day, by the end of which whoever lends it has left.
    pub const SECONDS_MAX: u32 = 12 * 3600;
}

impl From<&str> for Delegation {
    /// As an issuer says it, on behalf of whoever has this `sub`.
    fn from(on_behalf_of: &str) -> Self {
        Self { on_behalf_of: on_behalf_of.into(), lent: None }
    }
}

/// How commands of a connection come to their approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approving {
    /// Whether the client waits on the wire; if not, it is told to send the command again once it is approved.
    pub waits: bool,
    /// What the client has said of that itself.
    pub chosen: Option<bool>,
    /// For how many seconds a request can be answered.
    pub answer_seconds: u32,
    /// For how many seconds an approval can be used.
    pub use_seconds: u32,
}

impl Default for Approving {
    fn default() -> Self {
        Self { waits: true, chosen: None, answer_seconds: 900, use_seconds: 600 }
    }
}

/// A connection by its name in the configuration, with its labels.
pub type Labelled = (Arc<str>, Arc<[Box<str>]>);

/// One principal's session on one connection: what every question of the session has in common.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The session.
    pub session: SessionId,
    /// Who was admitted.
    pub principal: Arc<Principal>,
    /// The connection's name in the configuration.
    pub connection: Arc<str>,
    /// Its labels, such as `cde`.
    pub labels: Arc<[Box<str>]>,
    /// In which way the principal may query it.
    pub mode: Mode,
    /// How commands on it are approved that need it.
    pub approval: Approving,
    /// The agent side's network address.
    pub from: Box<str>,
    /// What the client calls itself (`application_name`, `User-Agent`), as it says it: what is recorded of it, the gate masks.
    pub client: Box<str>,
}
