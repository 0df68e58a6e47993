//! What the agent may say after it is admitted, each message read into what it means (§55.7).

use access::{Parameter, Redacted};
use wire::{Side, Violation};

use crate::frame::Frame;

/// A message from the agent, read. The frame itself goes upstream unchanged, or not at all.
pub(crate) enum Command<'a> {
    Query(&'a str),
    Parse {
        name: &'a str,
        sql: &'a str,
        /// The types of the first parameters, as far as the agent says; 0 where it leaves one open.
        types: Vec<u32>,
    },
    Bind(Bind<'a>),
    DescribeStatement(&'a str),
    DescribePortal(&'a str),
    Execute {
        portal: &'a str,
        /// Its rows come some at a time.
        in_pieces: bool,
    },
    CloseStatement(&'a str),
    ClosePortal(&'a str),
    Flush,
    Sync,
    CopyData,
    CopyDone,
    CopyFail,
    Terminate,
    /// A message that panguard does not let through, by its name.
    Refused(&'static str),
}

impl<'a> Command<'a> {
    /// The names of statements and portals in it; empty where it has fewer than two.
    pub(crate) fn names(&self) -> [&'a str; 2] {
        match self {
            Self::Parse { name, .. }
            | Self::Execute { portal: name, .. }
            | Self::DescribeStatement(name)
            | Self::DescribePortal(name)
            | Self::CloseStatement(name)
            | Self::ClosePortal(name) => [name, ""],
            Self::Bind(bind) => [bind.portal, bind.statement],
            Self::Query(_)
            | Self::Flush
            | Self::Sync
            | Self::CopyData
            | Self::CopyDone
            | Self::CopyFail
            | Self::Terminate
            | Self::Refused(_) => ["", ""],
        }
    }
}

/// A `Bind`: a portal made of a statement, parameters, and the formats its rows shall come in.
pub(crate) struct Bind<'a> {
    pub(crate) portal: &'a str,
    pub(crate) statement: &'a str,
    /// In order; types are not known here.
    pub(crate) parameters: Vec<Redacted<Parameter>>,
    pub(crate) result_formats: Vec<Format>,
}

/// How a value is written (§55.2.3, format codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Binary,
}

impl Format {
    pub(crate) fn from_code(code: u16) -> Option<Self> {
        match code {
            0 => Some(Self::Text),
            1 => Some(Self::Binary),
            _ => None,
        }
    }
}

/// Reads one message of the agent's.
///
/// # Errors
/// A message whose body does not fit its tag, or a tag that no client sends.
pub(crate) fn read(frame: &Frame) -> Result<Command<'_>, Violation> {
    let mut fields = frame.fields();
    let short = violation("message shorter than its fields");
    let command = match frame.tag() {
        b'Q' => Command::Query(fields.str().ok_or(violation("query text is not UTF-8 ended by NUL"))?),
        b'P' => {
            let name = fields.str().ok_or(short)?;
            let sql = fields.str().ok_or(violation("query text is not UTF-8 ended by NUL"))?;
            let types = fields.u16().ok_or(short)?;
            let types = (0..types).map(|_| fields.u32()).collect::<Option<_>>().ok_or(short)?;
            Command::Parse { name, sql, types }
        }
        b'B' => Command::Bind(bind(&mut fields).ok_or(short)?),
        b'D' => match (fields.u8(), fields.str().ok_or(short)?) {
            (Some(b'S'), name) => Command::DescribeStatement(name),
            (Some(b'P'), name) => Command::DescribePortal(name),
            _ => return Err(violation("Describe of neither a statement nor a portal")),
        },
        b'E' => {
            let portal = fields.str().ok_or(short)?;
            let in_pieces = fields.u32().ok_or(short)? != 0;
            Command::Execute { portal, in_pieces }
        }
        b'C' => match (fields.u8(), fields.str().ok_or(short)?) {
            (Some(b'S'), name) => Command::CloseStatement(name),
            (Some(b'P'), name) => Command::ClosePortal(name),
            _ => return Err(violation("Close of neither a statement nor a portal")),
        },
        b'H' => Command::Flush,
        b'S' => Command::Sync,
        b'X' => Command::Terminate,
        // The data of a copy is the agent's own: it is bytes here.
        b'd' => return Ok(Command::CopyData),
        b'c' => Command::CopyDone,
        b'f' => return Ok(Command::CopyFail),
        b'F' => return Ok(Command::Refused("the function call message")),
        b'p' => return Err(violation("an authentication message after authentication")),
        _ => return Err(violation("a message type that no client sends")),
    };
    if fields.is_empty() { Ok(command) } else { Err(violation("message longer than its fields")) }
}

fn bind<'a>(fields: &mut crate::frame::Fields<'a>) -> Option<Bind<'a>> {
    let portal = fields.str()?;
    let statement = fields.str()?;
    let formats = formats(fields)?;
    let count = fields.u16()?;
    let mut parameters = Vec::with_capacity(usize::from(count).min(64));
    for index in 0..usize::from(count) {
        let format = at(&formats, index);
        parameters.push(Redacted::new(match (fields.value()?, format) {
            (None, _) => Parameter::Null,
            (Some(value), Format::Text) => Parameter::Text(value.into()),
            (Some(value), Format::Binary) => Parameter::Binary(value.into(), 0),
        }));
    }
    Some(Bind { portal, statement, parameters, result_formats: self::formats(fields)? })
}

fn formats(fields: &mut crate::frame::Fields<'_>) -> Option<Vec<Format>> {
    let count = fields.u16()?;
    (0..count).map(|_| Format::from_code(fields.u16()?)).collect()
}

/// The format of column or parameter `index`: none given means text, one given is for all (§55.2.3).
pub(crate) fn at(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [one] => *one,
        many => many.get(index).copied().unwrap_or(Format::Text),
    }
}

fn violation(rule: &'static str) -> Violation {
    Violation { by: Side::Agent, rule }
}
