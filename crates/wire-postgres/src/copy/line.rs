//! Copies in text and CSV: a line for a row.

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use mask::Masker;
use sql::{CopyForm, Forced};

use super::written::{self, Field};
use super::{BROKEN, ROW_BYTES_MAX, SAD, TOO_LONG, Taken};
use crate::columns::{Plan, Told};
use crate::frame::put_length;

/// The lines of one copy.
pub(super) struct Lines {
    form: CopyForm,
    /// Which columns are quoted whatever they hold.
    forced: Vec<bool>,
    masker: Masker,
    /// The first line holds the names of the columns.
    header_due: bool,
    /// A line of which the end has not come.
    begun: Vec<u8>,
    quotes: Quotes,
}

/// Where in a line of CSV the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Outside,
    Inside,
    /// After an escape inside.
    Escaped,
}

impl Lines {
    pub(super) fn new(form: CopyForm, names: &[Box<[u8]>], masker: Masker) -> Self {
        let (header_due, forced) = match &form {
            CopyForm::Text { header, .. } => (*header, Vec::new()),
            CopyForm::Csv { header, forced, .. } => {
                let is_forced = |name: &[u8]| match forced {
                    Forced::All => true,
                    Forced::Named(forced) => forced.iter().any(|forced| forced.as_bytes() == name),
                };
                (*header, names.iter().map(|name| is_forced(name)).collect())
            }
            CopyForm::Binary => (false, Vec::new()),
        };
        Self { form, forced, masker, header_due, begun: Vec::new(), quotes: Quotes::Outside }
    }

    pub(super) fn data(
        &mut self,
        bytes: &[u8],
        plan: &Plan,
        out: &mut BytesMut,
    ) -> Result<Taken, &'static str> {
        let mut taken = Taken::default();
        let mut rest = bytes;
        while let Some((line, after)) = self.end(rest).and_then(|end| rest.split_at_checked(end)) {
            if self.begun.is_empty() {
                self.line(line, plan, out, &mut taken)?;
            } else {
                let mut begun = std::mem::take(&mut self.begun);
                begun.extend_from_slice(line);
                self.line(&begun, plan, out, &mut taken)?;
            }
            rest = after;
        }
        if self.begun.len().saturating_add(rest.len()) > ROW_BYTES_MAX {
            return Err(TOO_LONG);
        }
        self.begun.extend_from_slice(rest);
        Ok(taken)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.begun.is_empty()
    }

    /// Where the line ends that goes on with these bytes, its newline included. In text a newline in a value is
    /// written otherwise; in CSV it stands in quotes.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let CopyForm::Csv { quote, escape, .. } = self.form else {
            return memchr::memchr(b'\n', bytes).map(|at| at + 1);
        };
        for (at, byte) in bytes.iter().enumerate() {
            self.quotes = match self.quotes {
                Quotes::Outside if *byte == b'\n' => return Some(at + 1),
                Quotes::Outside if *byte == quote => Quotes::Inside,
                Quotes::Outside => Quotes::Outside,
                // Where a quote is its own escape, the second of two begins it anew.
                Quotes::Inside if *byte == quote => Quotes::Outside,
                Quotes::Inside if *byte == escape => Quotes::Escaped,
                Quotes::Inside | Quotes::Escaped => Quotes::Inside,
            };
        }
        None
    }

    /// Writes one line as the agent gets it.
    fn line(
        &mut self,
        line: &[u8],
        plan: &Plan,
        out: &mut BytesMut,
        taken: &mut Taken,
    ) -> Result<(), &'static str> {
        let is_header = std::mem::take(&mut self.header_due);
        let start = out.len();
        out.put_u8(b'd');
        out.put_u32(0);
        let masked = match self.told(line, (!is_header).then_some(plan), plan.width(), out) {
            Ok(masked) => masked,
            Err(why) => {
                out.truncate(start);
                return Err(why);
            }
        };
        put_length(out, start);
        taken.masked += masked;
        taken.rows += u64::from(!is_header);
        Ok(())
    }

    /// Writes a line but for its frame: by a plan, or of names. How many of its values are masked.
    fn told(
        &self,
        line: &[u8],
        plan: Option<&Plan>,
        width: usize,
        out: &mut BytesMut,
    ) -> Result<u64, &'static str> {
        let text = line.strip_suffix(b"\n").ok_or(BROKEN)?;
        let (mut at, mut copied, mut masked) = (0, 0, 0);
        for index in 0..width {
            let Range { start, end } = written::field(&self.form, text, at).ok_or(BROKEN)?;
            let is_last = index + 1 == width;
            if is_last != (end == text.len()) {
                return Err(BROKEN);
            }
            at = end + 1;
            if plan.is_some_and(|plan| plan.passes_at(index)) {
                continue;
            }
            let field = Field::read(&self.form, text.get(start..end).unwrap_or_default());
            let Some(value) = field.value() else { continue };
            let told = match plan {
                Some(plan) => plan.tell(index, &value).ok_or(BROKEN)?,
                None => match self.masker.text(&value) {
                    Some(name) => Told::Masked(Some(name.bytes.into())),
                    None => Told::AsItCame,
                },
            };
            masked += u64::from(matches!(told, Told::Masked(_)));
            match told {
                Told::AsItCame => {}
                Told::Rewritten(told) | Told::Masked(told) => {
                    out.put_slice(line.get(copied..start).unwrap_or_default());
                    let forced = plan.is_some() && self.forced.get(index).is_some_and(|forced| *forced);
                    written::put(&self.form, told.as_deref(), forced, out);
                    copied = end;
                }
                Told::Sad => return Err(SAD),
            }
        }
        if width == 0 && !text.is_empty() {
            return Err(BROKEN);
        }
        out.put_slice(line.get(copied..).unwrap_or_default());
        Ok(masked)
    }
}
