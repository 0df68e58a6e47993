//! Errors, notices and what else the upstream says unasked: texts in which a value may stand.

use access::RequestId;
use bytes::{BufMut, Bytes, BytesMut};
use mask::Masker;
use wire::{Side, Violation};

use crate::condition;
use crate::frame::{Frame, message, put_cstring};

/// An ErrorResponse or NoticeResponse as the agent gets it.
pub(super) struct Fault {
    pub(super) bytes: Bytes,
    /// As the upstream gave it.
    pub(super) sqlstate: Box<str>,
    pub(super) masked: u64,
}

/// Masks card numbers in every field of an error or notice (§55.8).
pub(super) fn mask(frame: &Frame, masker: Masker) -> Result<Fault, Violation> {
    let fields = Fields::read(frame)?;
    let mut masked = 0;
    let mut out = BytesMut::new();
    message(&mut out, frame.tag(), |out| {
        for (code, text) in &fields.0 {
            out.put_u8(*code);
            match masker.text(text) {
                Some(found) => {
                    masked += 1;
                    put_cstring(out, &found.bytes);
                }
                None => put_cstring(out, text),
            }
        }
        out.put_u8(0);
    });
    Ok(Fault { bytes: out.freeze(), sqlstate: fields.sqlstate(), masked })
}

/// Tells an error of which each field could tell of protected values, and which error it is could too: as one that is
/// always the same, but for how the server itself is doing (docs/errors.md).
///
/// What PostgreSQL finds in a statement or in what exists before it looks at a row passes.
pub(super) fn withhold(frame: &Frame, masker: Masker, request: RequestId) -> Result<Fault, Violation> {
    let fields = Fields::read(frame)?;
    let sqlstate = fields.sqlstate();
    if condition::is_of_names(&sqlstate) && fields.tell_of_no_value() {
        return mask(frame, masker);
    }
    let (told, text, hint) = match condition::of_the_server(&sqlstate).filter(|_| !fields.are_chosen()) {
        Some(words) => {
            (&*sqlstate, format!("{words} (panguard withholds the rest: {IN_REACH})"), SERVER_HINT)
        }
        None => (condition::FOLDED, format!("the command failed, and {IN_REACH}"), FOLDED_HINT),
    };
    let severity = match fields.text(b'V') {
        Some("FATAL") => "FATAL",
        Some("PANIC") => "PANIC",
        _ => "ERROR",
    };
    let detail = format!("Request {request}.");
    let mut out = BytesMut::new();
    message(&mut out, b'E', |out| {
        for (code, field) in
            [(b'S', severity), (b'V', severity), (b'C', told), (b'M', &text), (b'D', &detail), (b'H', hint)]
        {
            out.put_u8(code);
            put_cstring(out, field.as_bytes());
        }
        out.put_u8(0);
    });
    Ok(Fault { bytes: out.freeze(), masked: 1, sqlstate })
}

/// Tells a notice of which each field could tell of protected values, and also that it came: not at all, unless it
/// tells of names.
pub(super) fn withhold_notice(frame: &Frame, masker: Masker) -> Result<Option<Fault>, Violation> {
    Fields::read(frame)?.tell_of_no_value().then(|| mask(frame, masker)).transpose()
}

const IN_REACH: &str = "protected columns are in reach";

const FOLDED_HINT: &str = "panguard withholds the reason, most often a value that does not fit a type or a constraint. \
     Check what you send, or leave protected columns out of the command. Do not retry it unchanged.";

const SERVER_HINT: &str =
    "Go by the SQLSTATE. The server's own words are told where no protected column is used.";

/// The fields of an error or notice, as they came.
struct Fields<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Fields<'a> {
    fn read(frame: &'a Frame) -> Result<Self, Violation> {
        let broken = Violation { by: Side::Upstream, rule: "an error or notice not made of fields" };
        let mut fields = frame.fields();
        let mut read = Vec::new();
        loop {
            match fields.u8().ok_or(broken)? {
                0 => return Ok(Self(read)),
                // There are some twenty (§55.8), and each may grow when it is masked.
                _ if read.len() >= FIELDS_MAX => return Err(broken),
                code => read.push((code, fields.cstring().ok_or(broken)?)),
            }
        }
    }

    fn find(&self, wanted: u8) -> Option<&'a [u8]> {
        self.0.iter().find(|(code, _)| *code == wanted).map(|(_, text)| *text)
    }

    fn text(&self, wanted: u8) -> Option<&'a str> {
        str::from_utf8(self.find(wanted)?).ok()
    }

    fn sqlstate(&self) -> Box<str> {
        String::from_utf8_lossy(self.find(b'C').unwrap_or_default()).into()
    }

    /// Whether it tells of the agent's own text and of what exists alone, and no value has been looked at.
    ///
    /// Only reading a statement gives a place in its text (`P`), and nothing runs meanwhile; and what changes what exists
    /// runs by itself. Code that the database runs gives the place in texts of its own (`p`, `q`), or says where it is
    /// itself (`W`).
    fn tell_of_no_value(&self) -> bool {
        if [b'W', b'p', b'q'].iter().any(|code| self.find(*code).is_some()) || self.are_raised() {
            return false;
        }
        let Some(file) = self.text(b'F') else { return false };
        condition::defines(file) || (condition::reads_statements(file) && self.find(b'P').is_some())
    }

    /// Whether code that the database runs may have chosen which error it is: by raising it, or by reaching for what it
    /// knows to fail (a file, a server).
    fn are_chosen(&self) -> bool {
        let reached = self.find(b'W').is_some() && condition::is_to_be_reached(&self.sqlstate());
        self.are_raised() || reached
    }

    /// Whether code in a procedural language made it, and chose all that it says.
    fn are_raised(&self) -> bool {
        self.text(b'R') == Some("exec_stmt_raise") || self.text(b'F').is_some_and(condition::is_of_a_language)
    }
}

/// Fields of one error or notice.
const FIELDS_MAX: usize = 64;

/// A ParameterStatus as the agent gets it.
pub(super) struct Parameter {
    pub(super) bytes: Bytes,
    /// With it the upstream reads texts in another way than panguard.
    pub(super) misreads: bool,
}

/// Masks a ParameterStatus, since settings can be given any value, and looks for those by which texts are
/// read.
pub(super) fn parameter(frame: &Frame, masker: Masker) -> Result<Parameter, Violation> {
    let broken = Violation { by: Side::Upstream, rule: "ParameterStatus shorter than its fields" };
    let mut fields = frame.fields();
    let (name, value) = (fields.cstring().ok_or(broken)?, fields.cstring().ok_or(broken)?);
    let misreads = match name {
        b"client_encoding" => value != b"UTF8",
        b"standard_conforming_strings" => value != b"on",
        _ => false,
    };
    let mut out = BytesMut::new();
    message(&mut out, b'S', |out| {
        put_masked(out, name, masker);
        put_masked(out, value, masker);
    });
    Ok(Parameter { bytes: out.freeze(), misreads })
}

/// A NotificationResponse with channel and payload masked; without its payload, unless the agent `hears` it.
pub(super) fn mask_notification(frame: &Frame, masker: Masker, hears: bool) -> Result<Bytes, Violation> {
    let broken = Violation { by: Side::Upstream, rule: "NotificationResponse shorter than its fields" };
    let mut fields = frame.fields();
    let process = fields.u32().ok_or(broken)?;
    let (channel, payload) = (fields.cstring().ok_or(broken)?, fields.cstring().ok_or(broken)?);
    let mut out = BytesMut::new();
    message(&mut out, b'A', |out| {
        out.put_u32(process);
        put_masked(out, channel, masker);
        put_masked(out, if hears { payload } else { b"" }, masker);
    });
    Ok(out.freeze())
}

fn put_masked(out: &mut BytesMut, text: &[u8], masker: Masker) {
    match masker.text(text) {
        Some(masked) => put_cstring(out, &masked.bytes),
        None => put_cstring(out, text),
    }
}

/// A notice of panguard's own: a command waits for a human.
pub(super) fn notice(text: &str, request: RequestId) -> Bytes {
    let mut out = BytesMut::new();
    message(&mut out, b'N', |out| {
        let request = format!("Request {request}.");
        for (code, field) in
            [(b'S', "NOTICE"), (b'V', "NOTICE"), (b'C', "00000"), (b'M', text), (b'D', &request)]
        {
            out.put_u8(code);
            put_cstring(out, field.as_bytes());
        }
        out.put_u8(0);
    });
    out.freeze()
}
