//! Approvals: a human answers for exactly one command (DESIGN.md, promise 7).
//!
//! A request is a value with a few states ([`Request`]), kept where all gateways see it ([`Requests`]), changed only by
//! compare and swap on its revision. What it binds is a digest of who asks, where, what, and under which policies.

mod asking;
mod binding;
mod grant;
mod held;
mod live;
mod memory;
mod preview;
mod request;
mod sample;
mod saying;
mod store;
mod waiting;

pub(crate) use binding::Binder;
pub use grant::{Grant, Narrower, NoGrant};
pub(crate) use held::{Held, OPEN_MAX};
pub use memory::Memory;
pub use preview::{Effect, Preview, Previewed, Previewing};
pub use request::{Answer, Called, Glass, NotCounted, Request, State};
pub use sample::{Change, Difference, Line, Read, Sample, SampledRow};
pub use saying::{Saying, Verb};
pub use store::{Down, Requests, Storing};
pub use waiting::{Approvals, Presence};
