//! Question in; permit or refusal out. The one place where the promises of DESIGN.md are kept.
//!
//! Every lane goes through [`Gate::ask`], which is the whole sequence of checks, written once. It does
//! nothing by itself: time is an argument, and what it waits for is a future that any runtime can poll.
//!
//! ```text
//! ask ──▶ 0 do the controls work that it needs?
//!         1 is the principal's token valid?      ─┐
//!         2 is all of it understood, or named?    │ 2 to 5 are cached by who asks,
//!         3 does policy allow each use?           │ the facts, and the policies
//!         4 may it reveal what it computes on?    │
//!         5 would an approval let it pass?       ─┘   (but for comparisons, which are counted)
//!         6 does it write no mask over a value?
//!         7 its entry is durable  ──▶ 8 permit   (a read may be sent ahead of 7)
//! ```
//!
//! A human's approval has its place between 6 and 7: a command that would be allowed with one waits for it, or is refused
//! as [`access::Code::NeedsApproval`] until it is given ([`Approvals`]).

mod admitted;
mod answer;
mod approval;
mod checks;
mod controls;
mod daily;
mod explain;
mod gate;
mod granting;
mod guesses;
mod hide;
mod lending;
mod limits;
mod minting;
mod parameter;
mod pending;
mod record;
mod revocation;
mod rules;
mod tokens;
mod written;

pub use admitted::Admitted;
pub use answer::{Unanswered, Voter};
pub use approval::{
    Answer, Approvals, Called, Change, Difference, Down, Effect, Glass, Grant, Line, Memory, Narrower,
    NoGrant, NotCounted, Presence, Preview, Previewed, Previewing, Read, Request, Requests, Sample,
    SampledRow, Saying, State, Storing, Verb,
};
pub use checks::{Allowed, Approvable, Denied};
pub use controls::{Controls, Failure, Found, Turned};
pub use explain::{Asking, explain};
pub use gate::{Answers, Asked, Gate, Stranger};
pub use granting::Wish;
pub use lending::{Lender, NoLoan, Offer, Offered, Seen};
pub use limits::{Allowance, Limits, TooMany, Who};
pub use pending::{Append, Appending, Pending};
pub use revocation::{Revocation, Revocations, What};
