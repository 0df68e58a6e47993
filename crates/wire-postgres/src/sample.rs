//! Rows of a query of panguard's own that people are shown, masked as those of an agent's who may reveal nothing.

use access::{Answer, Terms};
use bytes::{Bytes, BytesMut};
use mask::Masker;
use sql::{Catalog, Label};
use wire::{Side, Violation};

use crate::columns::{Columns, Plan};
use crate::frame::{self, Fields, Frame, Frames};
use crate::simple::{Row, row};
use crate::startup;

/// One simple query whose rows are masked as they are read, as a pure state machine.
///
/// The query is one statement that returns rows, with such before it as return none. At most 100 rows and 1 MiB are read.
pub struct Shown<'a> {
    state: State,
    frames: Frames,
    read_bytes: usize,
    rows: Vec<Row>,
    by: By<'a>,
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

/// What is awaited.
enum State {
    Description,
    Rows(Box<Plan>),
    Ready,
    Over,
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

impl<'a> Shown<'a> {
    /// The Query message for `sql`, to be sent at once, and what reads its answer.
    pub fn new(sql: &str, by: By<'a>) -> (Bytes, Self) {
        let mut query = BytesMut::new();
        frame::message(&mut query, b'Q', |body| frame::put_cstring(body, sql.as_bytes()));
        let frames = Frames::new(Side::Upstream, READ_BYTES_MAX);
        (query.freeze(), Self { state: State::Description, frames, read_bytes: 0, rows: Vec::new(), by })
    }

    /// Takes what the upstream sent; the rows, once it is ready for another query.
    ///
    /// # Errors
    /// [`Unshown`] if no rows come of it; also when called again after the rows were given.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<Row>>, Unshown> {
        self.read_bytes = self.read_bytes.saturating_add(bytes.len());
        if self.read_bytes > READ_BYTES_MAX {
            return Err(Unshown::TooLong);
        }
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next().map_err(Unshown::Violation)? {
            self.state = self.advance(&frame)?;
            if matches!(self.state, State::Over) {
                return match self.frames.len() {
                    0 => Ok(Some(std::mem::take(&mut self.rows))),
                    _ => Err(broken("bytes after ReadyForQuery that nothing asked for")),
                };
            }
        }
        Ok(None)
    }

    fn advance(&mut self, frame: &Frame) -> Result<State, Unshown> {
        // An error in here leaves `Over` behind, after which nothing is read.
        match (std::mem::replace(&mut self.state, State::Over), frame.tag()) {
            (State::Over, _) => Err(broken("an answer to no query")),
            // Notices, parameters and notifications may come at any time (§55.2.7).
            (state, b'N' | b'S' | b'A') => Ok(state),
            (_, b'E') => Err(Unshown::Refused(startup::error_fields(frame.fields()).0)),
            // Of a statement before it, such as SET.
            (State::Description, b'C') => Ok(State::Description),
            (State::Description, b'T') => Ok(State::Rows(Box::new(self.plan(frame)?))),
            (State::Rows(mut plan), b'D') => {
                let masked = self.row(&mut plan, frame)?;
                self.rows.push(masked);
                Ok(State::Rows(plan))
            }
            (State::Rows(_), b'C') => Ok(State::Ready),
            (State::Ready, b'Z') => Ok(State::Over),
            _ => Err(broken("a message that has no place in the answer to one query")),
        }
    }

    /// What is done to the rows: by where the server says that each column comes from, and what is known of it.
    fn plan(&self, description: &Frame) -> Result<Plan, Unshown> {
        let By { catalog, answer, masker, given } = self.by;
        let terms = Terms::default();
        let mut columns = Columns::read(description, catalog, &terms, answer).map_err(Unshown::Violation)?;
        if columns.stale || !columns.agree(answer, catalog) {
            return Err(Unshown::Changed);
        }
        for (at, label) in given {
            columns = columns.given(*at, label);
        }
        Ok(columns.plan(None, &terms, catalog, masker, answer))
    }

    fn row(&self, plan: &mut Plan, frame: &Frame) -> Result<Row, Unshown> {
        if self.rows.len() >= ROWS_MAX {
            return Err(Unshown::TooLong);
        }
        let mut told = BytesMut::new();
        // Nothing is revealed, so that nothing counts.
        let outcome = plan.row(frame, &self.frames, &mut 0, &mut told).map_err(Unshown::Violation)?;
        if outcome.sad {
            return Err(Unshown::Sad);
        }
        let columns = u16::try_from(plan.width()).map_err(|_| Unshown::TooLong)?;
        row(Fields::over(told.get(HEAD_BYTES..).unwrap_or_default()), columns)
            .ok_or_else(|| broken("a malformed DataRow"))
    }
}

fn broken(rule: &'static str) -> Unshown {
    Unshown::Violation(Violation { by: Side::Upstream, rule })
}

/// A message's tag and length.
const HEAD_BYTES: usize = 5;
/// Most rows read: far more than are shown.
const ROWS_MAX: usize = 100;
/// Most bytes read: rows that people look through are not longer.
const READ_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
