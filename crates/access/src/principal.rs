use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::{Mode, SessionId, Timestamp};

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
    /// Whose access an agent was lent (`act`, RFC 8693 §4.1), if any.
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

/// A user lending an agent some of their access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The `sub` of the user on whose behalf the agent acts.
    pub on_behalf_of: Box<str>,
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
