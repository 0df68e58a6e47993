//! What is done to the rows of one answer.

use std::borrow::Cow;
use std::sync::Arc;

use access::Revealed;
use bytes::{BufMut, BytesMut};
use mask::{JsonRule, Masker};
use wire::{Side, Violation};

use super::Context;
use super::ahead::Ahead;
use crate::command::Format;
use crate::frame::{Frame, Frames, put_length};
use crate::value::{self, Seen};

/// What is done to the values of each column of one answer, under one permit's terms.
pub(crate) struct Plan {
    actions: Vec<(Action, Format)>,
    /// What masks what a scan finds, but for what the terms reveal.
    masker: Masker,
    /// No value needs a look.
    passes: bool,
    ahead: Ahead,
}

pub(super) enum Action {
    /// The type cannot hold a card number.
    Pass,
    /// Look for card numbers, by the type.
    Scan { type_oid: u32, context: Context },
    /// A labelled card number: truncate it.
    Truncate { type_oid: u32 },
    /// Labelled, and the agent may see it; written as text if that is what the agent was told.
    Reveal { type_oid: u32, as_text: bool },
    /// Labelled, and the agent may see so many such values: of those it is told as `reveal` says, else as `hidden` does.
    /// One that `is_number` is told only if it is one and no more.
    Metered { reveal: Box<Self>, hidden: Box<Self>, column: Arc<str>, is_number: bool },
    /// Labelled with a class of which nothing may show.
    Whole,
    /// The same as a JSON document, which it is made of such.
    WholeJson { type_oid: u32 },
    /// Labelled inside: JSON with paths.
    Json { rules: Vec<JsonRule>, context: Context, type_oid: u32 },
    /// Nothing of it may leave, or nothing that fits the type could.
    Null,
}

/// What became of one row.
#[derive(Default)]
pub(crate) struct RowOutcome {
    /// Values masked or made NULL.
    pub(crate) masked: u64,
    /// Values told as they are, each of which counts.
    pub(crate) revealed: Vec<Revealed>,
    /// Sensitive authentication data stood where no label says so: the answer must be withheld.
    pub(crate) sad: bool,
}

impl Plan {
    /// A plan of what is done to each column, whose values come in these formats.
    pub(super) fn new(actions: Vec<(Action, Format)>, masker: Masker) -> Self {
        let passes = actions.iter().all(|(action, _)| matches!(action, Action::Pass));
        let ahead =
            Ahead::new(actions.iter().map(|(action, format)| action.is_text_alone(*format)).collect());
        Self { actions, masker, passes, ahead }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.actions.len()
    }

    /// Leaves out the columns that are not to be kept, by their places.
    pub(crate) fn retain(&mut self, keeps: &[bool]) {
        let mut keeps = keeps.iter();
        self.actions.retain(|_| keeps.next().is_some_and(|keeps| *keeps));
    }

    /// Whether no value of a column needs a look.
    pub(crate) fn passes_at(&self, index: usize) -> bool {
        matches!(self.actions.get(index), Some((Action::Pass, _)))
    }

    /// How the agent is told one value by itself, as in a copy; `None` if there is no such column.
    pub(crate) fn tell<'a>(&self, index: usize, value: &'a [u8]) -> Option<Told<'a>> {
        let (action, format) = self.actions.get(index)?;
        Some(action.apply(value, *format, self.masker))
    }

    /// Writes one `DataRow` as the agent gets it. Others may `follow`. Of the values that count when they are told, so many
    /// are `left`.
    ///
    /// # Errors
    /// A row that is not as long as it says, or not as wide as was described.
    pub(crate) fn row(
        &mut self,
        frame: &Frame,
        follow: &Frames,
        left: &mut u32,
        out: &mut BytesMut,
    ) -> Result<RowOutcome, Violation> {
        let mut outcome = RowOutcome::default();
        if self.passes {
            out.put_slice(frame.bytes());
            return Ok(outcome);
        }
        let start = out.len();
        let texts_pass = self.ahead.passes(self.masker, frame, follow);
        let row = self.rewrite(frame, texts_pass, *left, out, &mut outcome);
        if outcome.sad || row.is_err() {
            out.truncate(start);
            outcome.revealed.clear();
        }
        *left = left.saturating_sub(u32::try_from(outcome.revealed.len()).unwrap_or(u32::MAX));
        row.map(|()| outcome)
    }

    /// Copies a row but for the values that are told otherwise: what stands between them goes in one piece.
    /// The texts that are looked at ahead may all pass, if so it was found.
    fn rewrite(
        &self,
        frame: &Frame,
        texts_pass: bool,
        left: u32,
        out: &mut BytesMut,
        outcome: &mut RowOutcome,
    ) -> Result<(), Violation> {
        let broken = Violation { by: Side::Upstream, rule: "DataRow not as described" };
        let (bytes, start) = (frame.bytes(), out.len());
        let mut copied = 0;
        let mut fields = frame.fields();
        if fields.u16().map(usize::from) != Some(self.actions.len()) {
            return Err(broken);
        }
        for (index, (action, format)) in self.actions.iter().enumerate() {
            let at = bytes.len() - fields.rest().len();
            let Some(value) = fields.value().ok_or(broken)? else { continue };
            if texts_pass && self.ahead.is_on(index) {
                continue;
            }
            let may_reveal = usize::try_from(left).is_ok_and(|left| outcome.revealed.len() < left);
            let told = match action {
                Action::Metered { reveal, hidden, column, is_number }
                    if may_reveal && (!is_number || is_one_number(value)) =>
                {
                    let masked = hidden.apply(value, *format, self.masker).shown();
                    outcome.revealed.push(Revealed { column: (&**column).into(), masked });
                    reveal.apply(value, *format, self.masker)
                }
                action => action.apply(value, *format, self.masker),
            };
            outcome.masked += u64::from(matches!(told, Told::Masked(_)));
            match told {
                Told::AsItCame => {}
                Told::Rewritten(told) | Told::Masked(told) => {
                    out.put_slice(bytes.get(copied..at).unwrap_or_default());
                    put_value(out, told.as_deref());
                    copied = bytes.len() - fields.rest().len();
                }
                Told::Sad => outcome.sad = true,
            }
        }
        if !fields.is_empty() {
            return Err(broken);
        }
        out.put_slice(bytes.get(copied..).unwrap_or_default());
        if copied > 0 {
            put_length(out, start);
        }
        Ok(())
    }
}

/// How the agent is told one value.
pub(crate) enum Told<'a> {
    AsItCame,
    /// In another form, with nothing hidden; `None` is NULL.
    Rewritten(Option<Cow<'a, [u8]>>),
    /// With something hidden, all of it when NULL.
    Masked(Option<Cow<'a, [u8]>>),
    /// Not at all, and nothing else of the answer either.
    Sad,
}

/// Whether a text is at most one number, and nothing beside: digits, with separators between them.
fn is_one_number(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits <= DIGITS_MAX && text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'))
}

/// Digits of the longest card number (ISO/IEC 7812-1).
const DIGITS_MAX: usize = 19;

impl Told<'_> {
    /// As text, for the record.
    fn shown(&self) -> Box<str> {
        match self {
            Self::Rewritten(Some(told)) | Self::Masked(Some(told)) => String::from_utf8_lossy(told).into(),
            Self::AsItCame | Self::Rewritten(None) | Self::Masked(None) | Self::Sad => "NULL".into(),
        }
    }
}

impl Action {
    /// Whether nothing is done to a value but to mask what a scan finds in it as text.
    fn is_text_alone(&self, format: Format) -> bool {
        match self {
            Self::Scan { type_oid, context } => {
                context.meaning.is_none() && value::is_text_alone(*type_oid, format)
            }
            _ => false,
        }
    }

    fn apply<'a>(&self, value: &'a [u8], format: Format, masker: Masker) -> Told<'a> {
        let seen = match self {
            Self::Pass | Self::Reveal { as_text: false, .. } => Seen::Clean,
            Self::Scan { type_oid, context } => value::scan(context.told(masker), *type_oid, format, value),
            Self::Truncate { type_oid } => value::truncate(masker, *type_oid, format, value),
            Self::Reveal { type_oid, as_text: true } => {
                return Told::Rewritten(value::as_text(*type_oid, format, value));
            }
            // Where nobody counts none is told.
            Self::Metered { hidden, .. } => return hidden.apply(value, format, masker),
            Self::Whole => return Told::Masked(Some(masker.whole().into())),
            Self::WholeJson { type_oid } => {
                return Told::Masked(Some(value::whole_json(masker, *type_oid, format).into()));
            }
            Self::Json { rules, context, type_oid } => {
                value::json(context.told(masker), *type_oid, format, value, rules)
            }
            Self::Null => Seen::Unfit,
        };
        match seen {
            Seen::Clean => Told::AsItCame,
            Seen::Masked(masked) => Told::Masked(Some(masked.into())),
            Seen::Unfit => Told::Masked(None),
            Seen::Sad => Told::Sad,
        }
    }
}

/// Appends a value with its length, or NULL.
pub(crate) fn put_value(out: &mut BytesMut, value: Option<&[u8]>) {
    // A value is part of a frame and its mask is hardly longer, so the length fits by far.
    match value.and_then(|value| Some((i32::try_from(value.len()).ok()?, value))) {
        Some((length, value)) => {
            out.put_i32(length);
            out.put_slice(value);
        }
        None => out.put_i32(-1),
    }
}

#[cfg(test)]
mod tests;
