//! What gateways keep and share beside the audit log: requests for approval.
//!
//! [`Embedded`] is SQLite in the data directory, for one gateway and nothing else to run. [`Shared`] is a PostgreSQL
//! database, for any number of them.

mod embedded;
mod shared;
#[cfg(test)]
mod tests;

pub use embedded::{Embedded, NotOpened};
pub use shared::{Dial, Rows, Session, Shared};
