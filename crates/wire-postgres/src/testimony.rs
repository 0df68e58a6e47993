//! What the upstream itself makes of a statement, asked in a session of panguard's own ([§55.2.3]): see
//! [`sql::Testimony`].
//!
//! ```text
//!   BEGIN, settings ─▶ Parse, Describe: its parameters' types ─▶ their names
//!                                                                 │
//!   ROLLBACK ◀── what the function depends on ◀── CREATE FUNCTION ┘
//! ```
//! The statement is sent as one that is parsed alone (`Parse` takes one command), so that no text of it can be another
//! command; nothing of it runs, and what is made is gone with its transaction.
//!
//! [§55.2.3]: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY

use bytes::{BufMut, Bytes, BytesMut};
use sql::Testimony;
use wire::{Inquiry, Rows, Side, Violation};

use crate::frame::{self, Fields, Frame, Frames};
use crate::simple::{SimpleError, row};
use crate::startup;

/// One inquiry under one search path, as a pure state machine.
pub struct Look {
    step: Step,
    frames: Frames,
    read_bytes: usize,
    command: String,
    has_parameters: bool,
    types: Vec<u32>,
    rows: Rows,
    /// Why there is no testimony; the transaction is ended all the same.
    refused: Option<(Box<str>, Step)>,
}

/// What is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    /// What its parameters are.
    Types,
    /// What these types are called.
    Names,
    /// The function, and what it depends on.
    Function,
    Rollback,
    Over,
}

/// What comes of bytes that the upstream sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// Send these, and go on.
    Next(Bytes),
    /// Read more.
    More,
    /// It says this; the session may be asked again.
    Said(Rows),
    /// It does not say: the statement means nothing in this session, or nothing can be asked. The SQLSTATE says which;
    /// the session may be asked again.
    Refused {
        /// Five characters, or empty if the server gave none.
        sqlstate: Box<str>,
        /// Whether it was the function that was refused, and not the statement.
        function: bool,
    },
}

impl Look {
    /// What is sent at once, and what reads the answers. `path` is the search path, `None` for that of a new session.
    pub fn new(inquiry: &Inquiry, path: Option<&str>) -> (Bytes, Self) {
        let mut begin = String::from(BEGIN);
        match path {
            Some(path) => {
                begin.push_str("; SET LOCAL search_path TO ");
                begin.push_str(path);
            }
            None => begin.push_str("; SET LOCAL search_path TO DEFAULT"),
        }
        let look = Self {
            step: Step::Begin,
            frames: Frames::new(Side::Upstream, READ_BYTES_MAX),
            read_bytes: 0,
            command: inquiry.command.expose().to_string(),
            has_parameters: inquiry.parameters.is_some(),
            types: inquiry.parameters.clone().unwrap_or_default(),
            rows: Rows::new(),
            refused: None,
        };
        (query(&begin), look)
    }

    /// Takes what the upstream sent.
    ///
    /// # Errors
    /// [`SimpleError`] if the session is of no further use.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Looked, SimpleError> {
        self.read_bytes = self.read_bytes.saturating_add(bytes.len());
        if self.read_bytes > READ_BYTES_MAX {
            return Err(SimpleError::TooLong("1 MiB"));
        }
        self.frames.push(bytes);
        while let Some(frame) = self.frames.next().map_err(SimpleError::Violation)? {
            if frame.tag() == b'Z' {
                return self.goes_on();
            }
            self.take(&frame)?;
        }
        Ok(Looked::More)
    }

    fn take(&mut self, frame: &Frame) -> Result<(), SimpleError> {
        match (self.step, frame.tag()) {
            (Step::Over, _) => return Err(broken("an answer to no query")),
            (step, b'E') => {
                let (sqlstate, message) = startup::error_fields(frame.fields());
                if matches!(step, Step::Begin | Step::Rollback) {
                    return Err(SimpleError::Refused { sqlstate, message });
                }
                self.refused.get_or_insert((sqlstate, step));
            }
            (Step::Types, b't') => {
                self.types =
                    types(frame.fields()).ok_or_else(|| broken("a malformed ParameterDescription"))?;
            }
            (Step::Names | Step::Function, b'D') => {
                if self.rows.len() >= ROWS_MAX {
                    return Err(SimpleError::TooLong("10,000 rows"));
                }
                let mut fields = frame.fields();
                let columns = fields.u16().ok_or_else(|| broken("a malformed DataRow"))?;
                let row = row(frame.fields(), columns).ok_or_else(|| broken("a malformed DataRow"))?;
                self.rows.push(row);
            }
            // Completions and descriptions, and what may come at any time (§55.2.7).
            (_, b'1' | b'2' | b'3' | b'C' | b'T' | b'n' | b'N' | b'S' | b'A' | b'I') => {}
            _ => return Err(broken("a message that has no place in the answer to an inquiry")),
        }
        Ok(())
    }

    /// The upstream is ready for what comes next.
    fn goes_on(&mut self) -> Result<Looked, SimpleError> {
        if self.frames.len() > 0 {
            return Err(broken("bytes after ReadyForQuery that nothing asked for"));
        }
        let failed = self.refused.is_some();
        let (next, send) = match self.step {
            Step::Over => return Err(broken("an answer to no query")),
            Step::Rollback => {
                self.step = Step::Over;
                return Ok(match self.refused.take() {
                    Some((sqlstate, at)) => Looked::Refused { sqlstate, function: at == Step::Function },
                    None => Looked::Said(std::mem::take(&mut self.rows)),
                });
            }
            Step::Begin if self.has_parameters => (Step::Types, self.described()),
            Step::Begin => (Step::Function, self.function("")),
            _ if failed => (Step::Rollback, query("ROLLBACK")),
            Step::Types if self.types.is_empty() => (Step::Function, self.function("")),
            Step::Types => (Step::Names, self.named()),
            Step::Names => {
                let names = self.rows.pop().and_then(|row| row.into_iter().next().flatten());
                let names = names.ok_or_else(|| broken("no names of types"))?;
                self.rows.clear();
                (Step::Function, self.function(&names))
            }
            Step::Function => (Step::Rollback, query("ROLLBACK")),
        };
        self.step = next;
        Ok(Looked::Next(send))
    }

    /// Asks what the statement's parameters are.
    fn described(&self) -> Bytes {
        let mut out = BytesMut::new();
        parse(&mut out, &self.command, &self.types);
        frame::message(&mut out, b'D', |body| body.put_slice(b"S\0"));
        frame::message(&mut out, b'S', |_| {});
        out.freeze()
    }

    /// Asks what types are called.
    fn named(&self) -> Bytes {
        let oids: Vec<String> = self.types.iter().map(u32::to_string).collect();
        query(&format!(
            "SELECT pg_catalog.string_agg(pg_catalog.format_type(type, NULL), ', ' ORDER BY number) \
             FROM ROWS FROM (pg_catalog.unnest('{{{}}}'::pg_catalog.oid[])) WITH ORDINALITY AS it(type, number)",
            oids.join(",")
        ))
    }

    /// Makes the function, and asks what it depends on.
    fn function(&self, types: &str) -> Bytes {
        let (name, command) = (Testimony::FUNCTION, &self.command);
        let text = format!(
            "CREATE FUNCTION pg_temp.{name}({types}) RETURNS void LANGUAGE sql BEGIN ATOMIC\n{command}\n;\nEND"
        );
        let mut out = BytesMut::new();
        for text in [text.as_str(), Testimony::QUERY] {
            parse(&mut out, text, &[]);
            frame::message(&mut out, b'B', |body| body.put_slice(&[0; 8]));
            frame::message(&mut out, b'E', |body| body.put_slice(&[0; 5]));
        }
        frame::message(&mut out, b'S', |_| {});
        out.freeze()
    }
}

fn query(sql: &str) -> Bytes {
    let mut out = BytesMut::new();
    frame::message(&mut out, b'Q', |body| frame::put_cstring(body, sql.as_bytes()));
    out.freeze()
}

/// Prepares `sql` without a name.
fn parse(out: &mut BytesMut, sql: &str, types: &[u32]) {
    let types = types.get(..types.len().min(usize::from(u16::MAX))).unwrap_or_default();
    frame::message(out, b'P', |body| {
        body.put_u8(0);
        frame::put_cstring(body, sql.as_bytes());
        body.put_u16(u16::try_from(types.len()).unwrap_or(u16::MAX));
        types.iter().for_each(|oid| body.put_u32(*oid));
    });
}

fn types(mut fields: Fields<'_>) -> Option<Vec<u32>> {
    let count = fields.u16()?;
    let types = (0..count).map(|_| fields.u32()).collect::<Option<Vec<_>>>()?;
    fields.is_empty().then_some(types)
}

fn broken(rule: &'static str) -> SimpleError {
    SimpleError::Violation(Violation { by: Side::Upstream, rule })
}

/// Feeds `data` to the reading of a testimony.
#[doc(hidden)]
pub fn fuzz_testimony(data: &[u8]) {
    let Some((cut, data)) = data.split_first() else { return };
    let command = access::Redacted::new("select $1".into());
    let inquiry = Inquiry { command, parameters: Some(Vec::new()), paths: Vec::new() };
    let (_, mut look) = Look::new(&inquiry, None);
    for chunk in data.chunks(usize::from(*cut).max(1)) {
        if look.receive(chunk).is_err() {
            return;
        }
    }
}

/// A transaction that waits for nobody's locks and is short, whatever this role's defaults are.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '100ms'; \
                     SET LOCAL statement_timeout = '1s'; SET LOCAL standard_conforming_strings = on; \
                     SET LOCAL check_function_bodies = on";

/// Most rows read: a statement names fewer columns.
const ROWS_MAX: usize = 10_000;

/// Most bytes read.
const READ_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests;
