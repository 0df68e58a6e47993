//! What gateways keep and share beside the audit log: requests for approval, who has been told of them, and what was lent.
//!
//! [`Embedded`] is SQLite in the data directory, for one gateway and nothing else to run. [`Shared`] is a PostgreSQL
//! database, for any number of them, who there tell each other what is revoked, too.

mod delivery;
mod embedded;
mod loans;
mod revocations;
mod shared;
#[cfg(test)]
mod tests;

pub use delivery::{Deliveries, Delivery, Stands};
pub use embedded::{Embedded, NotOpened};
pub use loans::{KeptLender, KeptLoan, Loans};
pub use revocations::{Revocations, Revoked};
pub use shared::{Dial, Rows, Session, Shared};
