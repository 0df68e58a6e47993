//! Copies: from the agent, which are its own; to the agent in rows whose columns are known; and to the agent by what
//! was not understood, or beside other statements, where every field is looked at as it stands.

use bytes::{BufMut, Bytes, BytesMut};
use mask::Masker;
use wire::{Side, Violation};

use super::answer::UNEXPECTED;
use super::{Copy, Postgres};
use crate::command::Format;
use crate::copy::{Copied, SIGNATURE};
use crate::frame::{Fields, Frame, message};
use crate::replies::{Copying, Owed, StandIn};
use crate::value::{self, Seen};

impl Postgres {
    pub(super) fn copies_in(&mut self, frame: &Frame) -> Result<(), Violation> {
        if !self.replies.head().is_some_and(|owed| owed.may_copy()) {
            return Err(UNEXPECTED);
        }
        self.replies.forget_syncs();
        self.copy = Copy::In;
        self.release_bytes(frame.bytes());
        Ok(())
    }

    pub(super) fn copies_out(&mut self, frame: &Frame) -> Result<(), Violation> {
        let masker = self.settings.masker.revealing(&self.terms());
        let copying = match self.replies.head() {
            Some(owed) if owed.may_copy() => owed.command.as_mut().and_then(|open| open.copy.take()),
            _ => return Err(UNEXPECTED),
        };
        let Some(copying) = copying else {
            self.copy = Copy::Out(CopyOut::read(frame, masker)?);
            self.release_bytes(frame.bytes());
            return Ok(());
        };
        match self.rows_of(frame, copying, masker)? {
            Some(rows) => {
                self.copy = Copy::Rows(Box::new(rows));
                self.release_bytes(frame.bytes());
            }
            None => {
                self.copy = Copy::Out(CopyOut::read(frame, masker)?);
                self.disagree();
            }
        }
        Ok(())
    }

    /// What is done to the rows of a copy; `None` where it is not of the columns that its stand-in has.
    fn rows_of(
        &mut self,
        frame: &Frame,
        copying: Copying,
        masker: Masker,
    ) -> Result<Option<Copied>, Violation> {
        let Copying { out, described } = copying;
        let (format, width) = shape(frame)?;
        let is_binary = matches!(out.form, sql::CopyForm::Binary);
        let (Some(StandIn { columns, names }), true) = (described, is_binary == (format == Format::Binary))
        else {
            return Ok(None);
        };
        let catalog = self.settings.catalog.load_full();
        let copied = columns.copied(&catalog);
        let columns = columns.of_copy(format);
        let Some(Owed { command: Some(open), .. }) = self.replies.head() else { return Ok(None) };
        let mut plan =
            columns.plan(Some(&[format]), &open.terms(), &catalog, self.settings.masker, open.answer());
        let mut names = names;
        if out.whole_table && width != plan.width() {
            plan.retain(&copied);
            let mut copied = copied.iter();
            names.retain(|_| copied.next().is_some_and(|copied| *copied));
        }
        Ok((width == plan.width()).then(|| Copied::new(&out.form, &names, plan, masker)))
    }

    pub(super) fn copied_out(&mut self, frame: &Frame) -> Result<(), Violation> {
        if self.withholding && matches!(self.copy, Copy::Out(_) | Copy::Rows(_)) {
            return Ok(());
        }
        let mut told = BytesMut::new();
        let taken = match &mut self.copy {
            Copy::Rows(rows) => rows.data(frame.body(), &mut told).map(|taken| (taken.rows, taken.masked)),
            Copy::Out(copy) => copy.data(frame).map(|(bytes, masked)| {
                told.put_slice(&bytes);
                (1, masked)
            }),
            Copy::None | Copy::In => return Err(UNEXPECTED),
        };
        match taken {
            Ok((rows, masked)) => {
                self.release_bytes(&told);
                self.count_masked(masked);
                let is_kept = !self.withholding;
                if let Some(Owed { command: Some(open), .. }) = self.replies.head() {
                    open.rows += rows;
                    if let Some(permit) = open.permit.as_ref().filter(|_| is_kept) {
                        open.transcript.under(permit.terms());
                        open.transcript.copied(&content(&told));
                    }
                }
            }
            Err(why) => self.withhold(why),
        }
        Ok(())
    }

    pub(super) fn copied_all(&mut self, frame: &Frame) -> Result<(), Violation> {
        let is_whole = match &self.copy {
            Copy::Rows(rows) => rows.is_whole(),
            Copy::Out(_) => true,
            Copy::None | Copy::In => return Err(UNEXPECTED),
        };
        if !is_whole && !self.withholding {
            self.withhold(CUT_SHORT);
        }
        self.release_bytes(frame.bytes());
        Ok(())
    }
}

/// What is in CopyData messages.
fn content(told: &[u8]) -> Vec<u8> {
    let (mut rest, mut all) = (told, Vec::new());
    while let Some(length) = rest.get(1..5).and_then(|length| <[u8; 4]>::try_from(length).ok()) {
        let end = 1 + u32::from_be_bytes(length) as usize;
        all.extend_from_slice(rest.get(5..end).unwrap_or_default());
        rest = rest.get(end..).unwrap_or_default();
    }
    all
}

/// The format of a copy, and how many columns it has (CopyOutResponse, §55.7).
fn shape(frame: &Frame) -> Result<(Format, usize), Violation> {
    let mut fields = frame.fields();
    let format = fields.u8().and_then(|code| Format::from_code(u16::from(code)));
    let format = format.ok_or(UNKNOWN_FORMAT)?;
    Ok((format, fields.u16().map(usize::from).ok_or(UNKNOWN_FORMAT)?))
}

const UNKNOWN_FORMAT: Violation = Violation { by: Side::Upstream, rule: "a copy in an unknown format" };

/// Why a copy is withheld that ends within a row.
const CUT_SHORT: &str = "a copy that ends within a row";

/// A copy to the agent of nobody knows which columns.
pub(super) struct CopyOut {
    format: Format,
    /// The first message of a binary copy begins with a header.
    header_due: bool,
    /// What masks it, but for what the terms reveal.
    masker: Masker,
}

const WHY: &str = "card data in a binary copy, where no mask fits";
const SAD: &str = "sensitive authentication data in a copy";
const BROKEN: &str = "a binary copy that panguard cannot read";

impl CopyOut {
    pub(super) fn read(frame: &Frame, masker: Masker) -> Result<Self, Violation> {
        let (format, _) = shape(frame)?;
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
