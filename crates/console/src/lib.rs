//! What people and their tools reach: health, readiness, metrics.
//!
//! | path | answers |
//! | --- | --- |
//! | `/healthz` | 200 as long as the process can answer |
//! | `/readyz` | 200 when agents can be served, else 503; JSON that lists what is not ready |
//! | `/metrics` | the gateway's figures as OpenMetrics text |
//!
//! There is nothing here that a passer-by may not know, and nothing that changes anything: sign-in, pages
//! and the admin API have an issue of their own.

mod serve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use serve::serve;

/// What the console tells of.
pub struct State {
    /// The gateway's figures.
    pub metrics: Arc<proxy::Metrics>,
    /// Asked at each `/readyz`.
    pub checks: Vec<Check>,
}

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
