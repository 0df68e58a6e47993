//! Rows of a query of panguard's own that people are shown, masked as those of an agent's who may reveal nothing.

use access::{Answer, Terms};
use bytes::{Bytes, BytesMut};
use mask::Masker;
use sql::{Catalog, Label};
use wire::Violation;

use crate::columns::{Columns, Plan};
use crate::frame::{Fields, Frame, Frames};
use crate::simple::{Row, Rows, Simple, SimpleError, broken, row};

/// One simple query whose rows are masked as they are read, as a pure state machine.
///
/// The query is one statement that returns rows, with such before it as return none. At most 100 rows and 1 MiB are read.
pub struct Shown<'a>(Simple<Masked<'a>>);

/// Rows masked by what their description and the catalog say.
struct Masked<'a> {
    by: By<'a>,
    plan: Option<Plan>,
}

/// By what the rows are masked.
#[derive(Clone, Copy)]
pub struct By<'a> {
    /// What the tables hold.
    pub catalog: &'a Catalog,
    /// What the facts of the query say of its answer.
    pub answer: Option<&'a Answer>,
    /// The deployment's profile.
    pub masker: Masker,
    /// Of a place in the answer, what the column holds that a value there is for.
    pub given: &'a [(usize, Label)],
}

/// Why there are no rows to show. The connection is of no further use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unshown {
    /// The server said no, by this SQLSTATE. What it said may quote a value.
    #[error("the upstream refused a query of panguard's own (SQLSTATE {0})")]
    Refused(Box<str>),
    /// There is more than is read.
    #[error("the rows are too long")]
    TooLong,
    /// Its columns are not those that were expected: the tables have changed since.
    #[error("the tables have changed")]
    Changed,
    /// Sensitive authentication data stood where no label says so.
    #[error("sensitive authentication data stands in the rows")]
    Sad,
    /// The server broke the protocol, or the answer is not what was asked for.
    #[error("the upstream broke the protocol: {}", .0.rule)]
    Violation(Violation),
}

impl From<SimpleError> for Unshown {
    fn from(error: SimpleError) -> Self {
        match error {
            SimpleError::Refused { sqlstate, .. } => Self::Refused(sqlstate),
            SimpleError::TooLong(_) => Self::TooLong,
            SimpleError::Violation(violation) => Self::Violation(violation),
        }
    }
}

impl<'a> Shown<'a> {
    /// The Query message for `sql`, to be sent at once, and what reads its answer.
    pub fn new(sql: &str, by: By<'a>) -> (Bytes, Self) {
        let (query, simple) = Simple::new(sql, Masked { by, plan: None });
        (query, Self(simple))
    }

    /// Takes what the upstream sent; the rows, once it is ready for another query.
    ///
    /// # Errors
    /// [`Unshown`] if no rows come of it; also when called again after the rows were given.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<Row>>, Unshown> {
        self.0.receive(bytes)
    }
}

impl Rows for Masked<'_> {
    type Error = Unshown;
    // Far more than are shown, and longer than people look through.
    const ROWS_MAX: (usize, &'static str) = (100, "100 rows");
    const READ_BYTES_MAX: (usize, &'static str) = (1 << 20, "1 MiB");

    fn described(&mut self, description: &Frame) -> Result<(), Unshown> {
        let By { catalog, answer, masker, given } = self.by;
        let terms = Terms::default();
        let mut columns = Columns::read(description, catalog, &terms, answer).map_err(Unshown::Violation)?;
        if columns.stale || !columns.agree(answer, catalog) {
            return Err(Unshown::Changed);
        }
        for (at, label) in given {
            columns = columns.given(*at, label);
        }
        self.plan = Some(columns.plan(None, &terms, catalog, masker, answer));
        Ok(())
    }

    fn row(&mut self, data: &Frame, frames: &Frames) -> Result<Row, Unshown> {
        let plan = self.plan.as_mut().ok_or_else(|| broken("a DataRow that nothing describes"))?;
        let mut told = BytesMut::new();
        // Nothing is revealed, so that nothing counts.
        let outcome = plan.row(data, frames, &mut 0, &mut told).map_err(Unshown::Violation)?;
        if outcome.sad {
            return Err(Unshown::Sad);
        }
        let columns = u16::try_from(plan.width()).map_err(|_| Unshown::TooLong)?;
        let told = Fields::over(told.get(HEAD_BYTES..).unwrap_or_default());
        row(told, columns).ok_or_else(|| broken("a malformed DataRow").into())
    }
}

/// A message's tag and length.
const HEAD_BYTES: usize = 5;

#[cfg(test)]
mod tests;
