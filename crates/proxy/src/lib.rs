//! Listen, admit, drive, dial, drain.

mod drive;

pub use drive::{Asked, Ended, Judge, OUTBOX_BYTES_MAX, Order, Traffic, drive};
