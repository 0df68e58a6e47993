//! A copy to the agent: its data has no description, so every field is looked at as it stands.

use bytes::{BufMut, Bytes, BytesMut};
use mask::Masker;
use wire::{Side, Violation};

use crate::command::Format;
use crate::frame::{Fields, Frame, message};
use crate::value::{self, Seen};

/// A copy to the agent under way.
pub(super) struct CopyOut {
    format: Format,
    /// The first message of a binary copy begins with a header.
    header_due: bool,
    /// What masks it, but for what the terms reveal.
    masker: Masker,
}

/// What every binary copy begins with (§ "Binary Format" of COPY).
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

const WHY: &str = "card data in a binary copy, where no mask fits";
const SAD: &str = "sensitive authentication data in a copy";
const BROKEN: &str = "a binary copy that panguard cannot read";

impl CopyOut {
    pub(super) fn read(frame: &Frame, masker: Masker) -> Result<Self, Violation> {
        let format = frame.fields().u8().and_then(|code| Format::from_code(u16::from(code)));
        let format = format.ok_or(Violation { by: Side::Upstream, rule: "a copy in an unknown format" })?;
        Ok(Self { format, header_due: format == Format::Binary, masker })
    }

    /// One CopyData as the agent gets it, with the number of values masked in it; or why it is withheld.
    pub(super) fn data(&mut self, frame: &Frame) -> Result<(Bytes, u64), &'static str> {
        match self.format {
            Format::Text => self.text(frame),
            Format::Binary => self.binary(frame).map(|()| (Bytes::copy_from_slice(frame.bytes()), 0)),
        }
    }

    /// Text and CSV: one message holds one line. Fields between tabs are looked at each for itself, so that
    /// two neighbours are not taken for one number; a line without tabs is looked at whole.
    fn text(&self, frame: &Frame) -> Result<(Bytes, u64), &'static str> {
        let mut fields = Vec::new();
        let mut masked = 0;
        for field in frame.body().split(|byte| *byte == b'\t') {
            match self.masker.text(field) {
                Some(found) if found.sad => return Err(SAD),
                Some(found) => {
                    masked += 1;
                    fields.push(found.bytes);
                }
                None => fields.push(field.to_vec()),
            }
        }
        if masked == 0 {
            return Ok((Bytes::copy_from_slice(frame.bytes()), 0));
        }
        let mut out = BytesMut::new();
        message(&mut out, b'd', |out| out.put_slice(&fields.join(&b'\t')));
        Ok((out.freeze(), masked))
    }

    /// Binary: a header, then one row in each message, then -1.
    fn binary(&mut self, frame: &Frame) -> Result<(), &'static str> {
        let mut fields = frame.fields();
        if std::mem::take(&mut self.header_due) {
            header(&mut fields).ok_or(BROKEN)?;
        }
        while !fields.is_empty() {
            let count = fields.u16().ok_or(BROKEN)?;
            if count == u16::MAX {
                break;
            }
            for _ in 0..count {
                let Some(value) = fields.value().ok_or(BROKEN)? else { continue };
                match value::scan(self.masker, UNTYPED, Format::Binary, value) {
                    Seen::Clean => {}
                    Seen::Masked(_) | Seen::Unfit => return Err(WHY),
                    Seen::Sad => return Err(SAD),
                }
            }
        }
        Ok(())
    }
}

/// No type is known in a copy: a value is looked at as everything it could be.
const UNTYPED: u32 = 0;

fn header(fields: &mut Fields<'_>) -> Option<()> {
    (fields.take(SIGNATURE.len())? == SIGNATURE).then_some(())?;
    fields.u32()?;
    let extension = fields.u32()?;
    fields.take(usize::try_from(extension).ok()?)?;
    Some(())
}
