//! The rows of a copy to the agent: cut out of its data however that is cut, masked as the rows of any answer, and
//! written again as the copy writes them.

mod line;
mod tuple;
mod written;

use bytes::BytesMut;
use mask::Masker;
use sql::CopyForm;

use crate::columns::Plan;
use line::Lines;
pub(crate) use tuple::SIGNATURE;
use tuple::Tuples;

/// A copy to the agent whose columns are known.
pub(crate) struct Copied {
    rows: Rows,
    plan: Plan,
}

enum Rows {
    Lines(Lines),
    Tuples(Tuples),
}

/// What became of one piece of a copy's data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Rows that have ended in it.
    pub(crate) rows: u64,
    /// Values masked or made NULL.
    pub(crate) masked: u64,
}

impl Copied {
    /// A copy in `form` of columns of these `names`, to which `plan` is done. `masker` masks the names.
    pub(crate) fn new(form: &CopyForm, names: &[Box<[u8]>], plan: Plan, masker: Masker) -> Self {
        let rows = match form {
            CopyForm::Binary => Rows::Tuples(Tuples::default()),
            form => Rows::Lines(Lines::new(form.clone(), names, masker)),
        };
        Self { rows, plan }
    }

    /// Takes a piece of the data, and writes each row that ends in it as a CopyData of its own.
    ///
    /// # Errors
    /// Why the rest of the copy is withheld.
    pub(crate) fn data(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<Taken, &'static str> {
        match &mut self.rows {
            Rows::Lines(lines) => lines.data(bytes, &self.plan, out),
            Rows::Tuples(tuples) => tuples.data(bytes, &self.plan, out),
        }
    }

    /// Whether the data may end here.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.rows {
            Rows::Lines(lines) => lines.is_whole(),
            Rows::Tuples(tuples) => tuples.is_whole(),
        }
    }
}

/// Longest row of a copy, in bytes: as much as the longest message, in which PostgreSQL sends a row.
const ROW_BYTES_MAX: usize = crate::frame::FRAME_BYTES_MAX;

/// Why a copy is withheld.
const BROKEN: &str = "a copy that is not written as it was asked for";
const SAD: &str = "sensitive authentication data in a column without a label";
const TOO_LONG: &str = "a row of a copy that is longer than the limit";

#[cfg(test)]
mod tests;
