//! Cedar: the schema, the loading and validation of policies, and the decision on one question.
//!
//! Values in, values out: the same policies decide the same question the same way at any time, so that a
//! decision can be cached under [`Policies::version`]. Cedar itself skips a `forbid` whose evaluation
//! fails; here any failure of any policy is a refusal ([`Decision::errors`]).

mod call;
mod ever;
mod inquiry;
mod policies;
mod resource;
mod schema;
mod source;
mod subject;
mod wanted;

pub use inquiry::{Asked, Decision, Granting, Inquiry, Whose};
pub use policies::Policies;
pub use resource::Scope;
pub use schema::Answering;
pub use source::Problem;
pub use subject::Subject;

#[cfg(test)]
mod tests;
