//! Errors, notices and what else the upstream says unasked: texts in which a value may stand.

use access::RequestId;
use bytes::{BufMut, Bytes, BytesMut};
use mask::Masker;
use sql::Catalog;
use wire::{Side, Violation};

use crate::frame::{Frame, message, put_cstring};

/// An ErrorResponse or NoticeResponse as the agent gets it.
pub(super) struct Fault {
    pub(super) bytes: Bytes,
    pub(super) sqlstate: Box<str>,
    pub(super) masked: u64,
}

/// Masks card numbers in every field of an error or notice (§55.8).
///
/// The detail of an integrity violation (class 23), or of a row that a view's `WITH CHECK OPTION` does not
/// take (class 44), holds whole rows (`Failing row contains (…)`), in which a card code looks like any number:
/// it is left out for a table that holds labelled columns, and where no table is named.
pub(super) fn mask(frame: &Frame, masker: Masker, catalog: &Catalog) -> Result<Fault, Violation> {
    let fields = read(frame)?;
    let find = |wanted: u8| fields.iter().find(|(code, _)| *code == wanted).map(|(_, text)| *text);
    let sqlstate: Box<str> = String::from_utf8_lossy(find(b'C').unwrap_or_default()).into();
    let holds_rows = sqlstate.starts_with("23") || sqlstate.starts_with("44");
    let withholds_detail = holds_rows && holds_labels(catalog, find(b's'), find(b't'));
    let mut masked = 0;
    let mut out = BytesMut::new();
    message(&mut out, frame.tag(), |out| {
        for (code, text) in &fields {
            out.put_u8(*code);
            if *code == b'D' && withholds_detail {
                masked += 1;
                put_cstring(out, DETAIL_WITHHELD);
                continue;
            }
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
    Ok(Fault { bytes: out.freeze(), sqlstate, masked })
}

const DETAIL_WITHHELD: &[u8] = b"Withheld by panguard: the row holds protected columns.";

/// Whether the table that an error names holds labelled columns; an error that names none may be about any.
fn holds_labels(catalog: &Catalog, schema: Option<&[u8]>, table: Option<&[u8]>) -> bool {
    let text = |bytes: Option<&[u8]>| bytes.and_then(|bytes| str::from_utf8(bytes).ok().map(str::to_owned));
    match (text(schema), text(table)) {
        (Some(schema), Some(table)) => catalog.holds_labels(&schema, &table),
        _ => catalog.has_labels(),
    }
}

/// Fields of one error or notice.
const FIELDS_MAX: usize = 64;

fn read(frame: &Frame) -> Result<Vec<(u8, &[u8])>, Violation> {
    let broken = Violation { by: Side::Upstream, rule: "an error or notice not made of fields" };
    let mut fields = frame.fields();
    let mut read = Vec::new();
    loop {
        match fields.u8().ok_or(broken)? {
            0 => return Ok(read),
            // There are some twenty (§55.8), and each may grow when it is masked.
            _ if read.len() >= FIELDS_MAX => return Err(broken),
            code => read.push((code, fields.cstring().ok_or(broken)?)),
        }
    }
}

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

/// A NotificationResponse with channel and payload masked.
pub(super) fn mask_notification(frame: &Frame, masker: Masker) -> Result<Bytes, Violation> {
    let broken = Violation { by: Side::Upstream, rule: "NotificationResponse shorter than its fields" };
    let mut fields = frame.fields();
    let process = fields.u32().ok_or(broken)?;
    let (channel, payload) = (fields.cstring().ok_or(broken)?, fields.cstring().ok_or(broken)?);
    let mut out = BytesMut::new();
    message(&mut out, b'A', |out| {
        out.put_u32(process);
        put_masked(out, channel, masker);
        put_masked(out, payload, masker);
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
