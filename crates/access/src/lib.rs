//! The vocabulary: who asks, what is asked, what is answered, and the proof that it may happen.
//!
//! Every other crate imports this one; it imports none of ours. It decides nothing and does nothing:
//! the words are here so that a lane, the gate, the policy and the audit log mean the same by them.

mod call;
mod class;
mod facts;
mod mode;
mod outcome;
mod permit;
mod principal;
mod question;
mod redacted;
mod refusal;
mod request;
mod time;
mod trace;

pub use call::{Call, Endpoint, Field, Part, Wanted};
pub use class::{DataClass, UnknownClass};
pub use facts::{
    Action, Answer, ColumnUse, Effect, Facts, Match, Member, Position, Resource, Use, counts_rows,
};
pub use mode::{Mode, ModeOf};
pub use outcome::{Outcome, Revealed, Said, Status, Told};
pub use permit::{Ahead, Metered, Mint, Permit, Receipt, Terms};
pub use principal::{
    Admission, Approving, Authentication, Delegation, HolderKey, Kind, Labelled, Lent, Loan, Principal,
};
pub use question::{Alike, Before, Bound, Parameter, Question, Stage, Ticket, Verdict};
pub use redacted::{Redacted, Secret};
pub use refusal::{Code, PolicyNote, Refusal};
pub use request::{RequestId, SessionId};
pub use time::Timestamp;
pub use trace::Trace;
