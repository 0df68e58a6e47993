//! Approvals: a human answers for exactly one command (DESIGN.md, promise 7).
//!
//! A request is a value with a few states ([`Request`]), kept where all gateways see it ([`Requests`]), changed only by
//! compare and swap on its revision. What it binds is a digest of who asks, where, what, and under which policies.

mod asking;
mod binding;
mod held;
mod memory;
mod preview;
mod request;
mod sample;
mod store;
mod waiting;

pub(crate) use binding::Binder;
pub(crate) use held::Held;
pub use memory::Memory;
pub use preview::{Effect, Preview, Previewed, Previewing};
pub use request::{Answer, Called, NotCounted, Request, State};
pub use sample::{Change, Difference, Line, Read, Sample, SampledRow};
pub use store::{Down, Requests, Storing};
pub use waiting::{Approvals, Presence};
