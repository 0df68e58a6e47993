//! PostgreSQL's frontend/backend protocol 3 as pure state machines.
//!
//! [`startup`] brings both sides to the point where queries flow, [`Postgres`] is the conversation after it,
//! and [`simple`] asks the upstream something on panguard's own account. If you know the protocol, start
//! with `session.rs`.
//!
//! <https://www.postgresql.org/docs/current/protocol.html>

pub mod startup;

mod session;

mod analyses;
mod columns;
mod command;
mod condition;
mod copy;
pub mod error;
mod frame;
mod kept;
mod names;
pub mod rehearsal;
mod replies;
pub mod sample;
pub mod simple;
mod statement;
pub mod testimony;
mod transcript;
mod value;

pub use analyses::Analyses;
pub use session::{Changes, MESSAGE_BYTES_MAX, Postgres, Settings};
