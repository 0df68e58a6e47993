//! What people and their tools reach: health, readiness, metrics, and the requests for approval.
//!
//! | path | answers |
//! | --- | --- |
//! | `/healthz` | 200 as long as the process can answer |
//! | `/readyz` | 200 when agents can be served, else 503; JSON that lists what is not ready |
//! | `/metrics` | the gateway's figures as OpenMetrics text |
//! | `/api/requests…` | who may answer requests for approval, and does so (docs/console.md) |
//! | `/api/access…` | who may take access away, and does so (docs/access.md) |
//! | `/api/delegations…` | who lends agents some of their access, lists and ends it (docs/delegation.md) |
//! | `/api/logout`, `/api/security-events` | what issuers say of sessions and accounts, signed (docs/access.md) |
//! | `/api/hooks/…` | messages that are signed by the channels where people answer (docs/notify.md) |
//!
//! The first three tell nothing that a passer-by may not know, and change nothing. Whoever comes to the API signs in by a
//! token at each call; what they may see and whether their answer counts is the gate's to say.

mod api;
mod heard;
mod serve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use access::{Labelled, Principal, Secret, Timestamp};
use gate::{Down, Gate, Revocation, Seen};
use identity::Notice;
use notify::Notify;
use proxy::Unidentified;
use store::{KeptLender, Loans};

pub use heard::Heard;
pub use serve::serve;

/// What the console tells of, and whom it asks.
pub struct State {
    /// The gateway's figures.
    pub metrics: Arc<proxy::Metrics>,
    /// Asked at each `/readyz`.
    pub checks: Vec<Check>,
    /// Has the requests, says who may see them, and takes answers.
    pub gate: Arc<Gate>,
    /// Tells channels of requests, and takes what comes in from there; `None` where there are no channels.
    pub notify: Option<Arc<Notify>>,
    /// Says who presents a token.
    pub identify: Identify,
    /// The labels of a connection, if there is one of that name.
    pub labels: Labels,
    /// Every connection, with its labels.
    pub connections: Connections,
    /// Says what an issuer says of sessions and accounts by a token, and which issuer that is.
    pub hear: Hear,
    /// Where what is revoked lies.
    pub access: Arc<dyn Access>,
    /// Makes the token by which an agent has what it was lent.
    pub lend: Lend,
    /// What is known of a lender, as gateways tell each other.
    pub tell: Tell,
    /// Whether an issuer has an agent of this id, as far as that is known of its agents.
    pub may_be_agent: MayBeAgent,
    /// Where what was lent is kept.
    pub loans: Arc<dyn Loans>,
    /// What issuers have said of late.
    pub heard: Heard,
    /// How far issuers' clocks may be ahead of this one.
    pub clock_skew_seconds: u32,
    /// The time of day.
    pub clock: fn() -> Timestamp,
}

/// Says who presents a token.
pub type Identify = Box<dyn Fn(Secret) -> Identifying + Send + Sync>;

/// Gives the labels of a connection by its name.
pub type Labels = Box<dyn Fn(&str) -> Option<Arc<[Box<str>]>> + Send + Sync>;

/// Every connection, with its labels.
pub type Connections = Box<dyn Fn() -> Vec<Labelled> + Send + Sync>;

/// Makes the token of a principal to whom access was lent; `None` if it were too long, or nothing was lent; [`Down`] while none can be
/// made.
pub type Lend = Box<dyn Fn(&Principal) -> Result<Option<Secret>, Down> + Send + Sync>;

/// What is known of a lender, as it is kept; [`Down`] while it cannot be said so that others believe it.
pub type Tell = Box<dyn Fn(&Seen) -> Result<KeptLender, Down> + Send + Sync>;

/// Whether an issuer, by its name, has an agent of this id.
pub type MayBeAgent = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// Says what an issuer says by a token.
pub type Hear = Box<dyn Fn(Secret) -> Hearing + Send + Sync>;

/// An issuer that is being listened to.
pub type Hearing = Pin<Box<dyn Future<Output = Result<(Box<str>, Notice), Unidentified>> + Send>>;

/// Where what is revoked lies, for the gateway to take it. What it does may block for as long as a disk does.
pub trait Access: Send + Sync {
    /// An id that nobody has yet.
    ///
    /// # Errors
    /// There is no randomness.
    fn fresh_id(&self) -> io::Result<Box<str>>;

    /// Revokes.
    ///
    /// # Errors
    /// It cannot be written.
    fn put(&self, it: &Revocation) -> io::Result<()>;

    /// Whether there is one with this id, lifted or not.
    fn knows(&self, id: &str) -> bool;

    /// Lifts; whether there is such a one. `by` is who does it, in words.
    ///
    /// # Errors
    /// It cannot be written.
    fn lift(&self, id: &str, by: &str) -> io::Result<bool>;
}

/// Somebody who is being identified.
pub type Identifying = Pin<Box<dyn Future<Output = Result<Principal, Unidentified>> + Send>>;

/// One thing that must be so before agents can be served.
pub struct Check {
    /// Its name in the answer: `audit_log`.
    pub name: &'static str,
    /// What is not ready, each in words that a passer-by may read; empty when all is. Must not block.
    pub not_ready: NotReady,
}

/// Lists what is not ready.
pub type NotReady = Box<dyn Fn() -> Vec<Box<str>> + Send + Sync>;

impl Check {
    /// A check by the name of `name`.
    pub fn new(name: &'static str, not_ready: impl Fn() -> Vec<Box<str>> + Send + Sync + 'static) -> Self {
        Self { name, not_ready: Box::new(not_ready) }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}
