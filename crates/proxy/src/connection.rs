use std::sync::Arc;

use access::{Approving, ModeOf};
use sql::Labels;

use crate::dial::Target;

/// A PostgreSQL server behind panguard, as agents may reach it.
#[derive(Clone, PartialEq)]
pub struct Connection {
    /// Its name: what agents give as the database.
    pub name: Arc<str>,
    /// Where it is and how panguard signs in there.
    pub target: Target,
    /// Its labels for policies, such as `cde`.
    pub labels: Arc<[Box<str>]>,
    /// What its columns hold, and which statements are registered.
    pub data: Labels,
    /// Who queries it in which way.
    pub modes: Arc<[ModeOf]>,
    /// How commands on it come to their approval.
    pub approval: Approving,
}
