//! What gateways keep and share beside the audit log: requests for approval.
//!
//! [`Embedded`] is SQLite in the data directory, for one gateway and nothing else to run.

mod embedded;
#[cfg(test)]
mod tests;

pub use embedded::{Embedded, NotOpened};
