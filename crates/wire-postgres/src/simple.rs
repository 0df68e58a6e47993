//! One query of panguard's own by the simple protocol ([§55.2.2]): how the catalog is read.
//!
//! [§55.2.2]: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SIMPLE-QUERY

#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use wire::{Side, Violation};

use crate::frame::{self, Fields, Frame, Frames};
use crate::startup;

/// One row: its columns as text, `None` for NULL.
pub type Row = Vec<Option<String>>;

/// One simple query and the rows that come back, as a pure state machine.
///
/// The query is one statement that returns rows, with such before it as return none. At most 1,000,000 rows and 64 MiB are read.
pub struct Read(Simple<AsText>);

/// The protocol of such a query; what its rows become is `to`'s business.
pub(crate) struct Simple<R> {
    state: State,
    frames: Frames,
    read_bytes: usize,
    rows: Vec<Row>,
    to: R,
}

/// What the rows of an answer become.
pub(crate) trait Rows {
    type Error: From<SimpleError>;
    /// Most rows read, and how that is said.
    const ROWS_MAX: (usize, &'static str);
    /// Most bytes read, and how that is said.
    const READ_BYTES_MAX: (usize, &'static str);

    /// Takes the RowDescription.
    fn described(&mut self, description: &Frame) -> Result<(), Self::Error>;

    /// What a DataRow becomes; `frames` is what it was read from.
    fn row(&mut self, row: &Frame, frames: &Frames) -> Result<Row, Self::Error>;
}

/// What is awaited.
enum State {
    Description,
    Rows,
    Ready,
    Over,
}

/// Why a query brought nothing. The connection is of no further use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimpleError {
    /// The server said no.
    #[error("the upstream refused a query of panguard's own: {message} (SQLSTATE {sqlstate})")]
    Refused {
        /// Five characters, or empty if the server gave none.
        sqlstate: Box<str>,
        /// The server's primary message.
        message: Box<str>,
    },
    /// There is more than is read.
    #[error("the answer is longer than {0}")]
    TooLong(&'static str),
    /// The server broke the protocol, or the answer is not what was asked for.
    #[error("the upstream broke the protocol: {}", .0.rule)]
    Violation(Violation),
}

impl Read {
    /// The Query message for `sql`, to be sent at once, and what reads its answer.
    pub fn new(sql: &str) -> (Bytes, Self) {
        let (query, simple) = Simple::new(sql, AsText { columns: 0 });
        (query, Self(simple))
    }

    /// Takes what the upstream sent; the rows, once it is ready for another query.
    ///
    /// # Errors
    /// [`SimpleError`] if no rows come of it; also when called again after the rows were given.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<Row>>, SimpleError> {
        self.0.receive(bytes)
    }
}

impl<R: Rows> Simple<R> {
    pub(crate) fn new(sql: &str, to: R) -> (Bytes, Self) {
        let mut query = BytesMut::new();
        frame::message(&mut query, b'Q', |body| frame::put_cstring(body, sql.as_bytes()));
        let frames = Frames::new(Side::Upstream, R::READ_BYTES_MAX.0);
        (query.freeze(), Self { state: State::Description, frames, read_bytes: 0, rows: Vec::new(), to })
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<Row>>, R::Error> {
        self.read_bytes = self.read_bytes.saturating_add(bytes.len());
        if self.read_bytes > R::READ_BYTES_MAX.0 {
            return Err(SimpleError::TooLong(R::READ_BYTES_MAX.1).into());
        }
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next().map_err(SimpleError::Violation)? {
            self.state = self.advance(&frame)?;
            if matches!(self.state, State::Over) {
                return match self.frames.len() {
                    0 => Ok(Some(std::mem::take(&mut self.rows))),
                    _ => Err(broken("bytes after ReadyForQuery that nothing asked for").into()),
                };
            }
        }
        Ok(None)
    }

    fn advance(&mut self, frame: &Frame) -> Result<State, R::Error> {
        // An error in here leaves `Over` behind, after which nothing is read.
        match (std::mem::replace(&mut self.state, State::Over), frame.tag()) {
            (State::Over, _) => Err(broken("an answer to no query").into()),
            // Notices, parameters and notifications may come at any time (§55.2.7).
            (state, b'N' | b'S' | b'A') => Ok(state),
            (_, b'E') => {
                let (sqlstate, message) = startup::error_fields(frame.fields());
                Err(SimpleError::Refused { sqlstate, message }.into())
            }
            // Of a statement before it, such as SET.
            (State::Description, b'C') => Ok(State::Description),
            (State::Description, b'T') => {
                self.to.described(frame)?;
                Ok(State::Rows)
            }
            (State::Rows, b'D') => {
                if self.rows.len() >= R::ROWS_MAX.0 {
                    return Err(SimpleError::TooLong(R::ROWS_MAX.1).into());
                }
                self.rows.push(self.to.row(frame, &self.frames)?);
                Ok(State::Rows)
            }
            (State::Rows, b'C') => Ok(State::Ready),
            (State::Ready, b'Z') => Ok(State::Over),
            _ => Err(broken("a message that has no place in the answer to one query").into()),
        }
    }
}

/// Rows as they come.
struct AsText {
    columns: u16,
}

impl Rows for AsText {
    type Error = SimpleError;
    // The catalogs of large installations have some hundred thousand columns.
    const ROWS_MAX: (usize, &str) = (1_000_000, "1,000,000 rows");
    const READ_BYTES_MAX: (usize, &str) = (64 << 20, "64 MiB");

    fn described(&mut self, description: &Frame) -> Result<(), SimpleError> {
        self.columns = description.fields().u16().ok_or_else(|| broken("a malformed RowDescription"))?;
        Ok(())
    }

    fn row(&mut self, data: &Frame, _: &Frames) -> Result<Row, SimpleError> {
        row(data.fields(), self.columns).ok_or_else(|| broken("a malformed DataRow"))
    }
}

/// Reads a DataRow of `columns` columns. Simple queries answer in text, and UTF-8 was asked for.
pub(crate) fn row(mut fields: Fields<'_>, columns: u16) -> Option<Row> {
    if fields.u16()? != columns {
        return None;
    }
    let mut row = Vec::new();
    for _ in 0..columns {
        let value = match fields.value()? {
            None => None,
            Some(text) => Some(str::from_utf8(text).ok()?.to_owned()),
        };
        row.push(value);
    }
    fields.is_empty().then_some(row)
}

pub(crate) fn broken(rule: &'static str) -> SimpleError {
    SimpleError::Violation(Violation { by: Side::Upstream, rule })
}

/// Feeds `data` to the reading of an answer.
#[doc(hidden)]
pub fn fuzz_simple(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let (_, mut read) = Read::new("select 1");
    for chunk in data.chunks(usize::from(*cut).max(1)) {
        if read.receive(chunk).is_err() {
            return;
        }
    }
}
