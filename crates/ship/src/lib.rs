//! The audit log for others' collectors: the forms in which they read entries.

mod form;
pub mod line;

pub use form::{Form, Leaf};
