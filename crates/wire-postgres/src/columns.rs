//! What the columns of an answer hold, and what is done to their values.

use std::borrow::Cow;
use std::sync::Arc;

use access::{DataClass, Terms};
use bytes::{BufMut, BytesMut};
use mask::{JsonPath, JsonRule, Masker};
use sql::{Catalog, Label};
use wire::{Side, Violation};

use crate::command::{Format, at};
use crate::frame::{Frame, message, put_cstring, put_length};
use crate::value::{self, Seen, oid};

/// The columns of a `RowDescription`, with what panguard knows of them.
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// Whether a column is one that the catalog snapshot does not hold.
    pub(crate) stale: bool,
}

struct Column {
    label: Option<Labelled>,
    type_oid: u32,
    /// The agent was told that it is text, for a masked number is none.
    told_text: bool,
    /// The format that the description named (a simple query's rows come in it).
    format: Format,
}

#[derive(Clone)]
enum Labelled {
    Class(DataClass),
    Json(Arc<[(DataClass, JsonRule)]>),
}

/// What is done to the values of each column of one answer, under one permit's terms.
pub(crate) struct Plan {
    actions: Vec<(Action, Format)>,
    /// No value needs a look.
    passes: bool,
}

enum Action {
    /// The type cannot hold a card number.
    Pass,
    /// Look for card numbers, by the type.
    Scan { type_oid: u32, reveal: bool },
    /// A labelled card number: truncate it.
    Truncate { type_oid: u32 },
    /// Labelled, and the agent may see it; written as text if that is what the agent was told.
    Reveal { type_oid: u32, as_text: bool },
    /// Labelled with a class of which nothing may show.
    Whole,
    /// Labelled inside: JSON with paths.
    Json { rules: Vec<JsonRule>, type_oid: u32 },
    /// Nothing of it may leave, or nothing that fits the type could.
    Null,
}

/// What became of one row.
#[derive(Default)]
pub(crate) struct RowOutcome {
    /// Values masked or made NULL.
    pub(crate) masked: u64,
    /// Sensitive authentication data stood where no label says so: the answer must be withheld.
    pub(crate) sad: bool,
}

impl Columns {
    /// Reads a `RowDescription` against the catalog; `terms` say which numbers will be masked, and so have
    /// to be described as text.
    pub(crate) fn read(frame: &Frame, catalog: &Catalog, terms: &Terms) -> Result<Self, Violation> {
        let short = Violation { by: Side::Upstream, rule: "RowDescription shorter than it says" };
        let mut fields = frame.fields();
        let count = fields.u16().ok_or(short)?;
        let mut columns = Vec::with_capacity(usize::from(count));
        let mut stale = false;
        for _ in 0..count {
            let name = fields.cstring().ok_or(short)?;
            let relation = fields.u32().ok_or(short)?;
            let attribute = fields.u16().ok_or(short)?.cast_signed();
            let type_oid = fields.u32().ok_or(short)?;
            fields.take(6).ok_or(short)?;
            let format = fields.u16().and_then(Format::from_code).ok_or(short)?;
            let known = relation == 0 || catalog.knows_column(relation, attribute);
            stale |= !known;
            let label = match relation {
                0 => None,
                _ if known => catalog.label(relation, attribute),
                // A column younger than the snapshot: what it is called is all there is.
                _ => str::from_utf8(name).ok().and_then(|name| catalog.label_by_name(name)),
            };
            let label = label.map(Labelled::from);
            let told_text = matches!(&label, Some(Labelled::Class(class))
                if *class != DataClass::Sad && !terms.reveals(class) && !oid::is_text(type_oid));
            columns.push(Column { label, type_oid, told_text, format });
        }
        if !fields.is_empty() {
            return Err(Violation { by: Side::Upstream, rule: "RowDescription longer than it says" });
        }
        Ok(Self { columns, stale })
    }

    /// The same columns, with the masked numbers described as `earlier` described them, if it is a
    /// description of the same types: an agent that was told once reads all rows by that.
    pub(crate) fn told_as(mut self, earlier: Option<&Self>) -> Self {
        let types = |columns: &Self| columns.columns.iter().map(|column| column.type_oid).collect::<Vec<_>>();
        if let Some(earlier) = earlier.filter(|earlier| types(earlier) == types(&self)) {
            for (column, earlier) in self.columns.iter_mut().zip(&earlier.columns) {
                column.told_text = earlier.told_text;
            }
        }
        self
    }

    /// Memory that it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.columns.len() * size_of::<Column>()
    }

    /// Writes the description as the agent is told it: card numbers in names masked, masked numbers text.
    pub(crate) fn describe(&self, frame: &Frame, masker: Masker, out: &mut BytesMut) {
        message(out, b'T', |out| {
            let mut fields = frame.fields();
            out.put_u16(fields.u16().unwrap_or(0));
            for column in &self.columns {
                let (Some(name), Some(origin), Some(kind), Some(format)) =
                    (fields.cstring(), fields.take(6), fields.take(10), fields.take(2))
                else {
                    return;
                };
                match masker.text(name) {
                    Some(masked) => put_cstring(out, &masked.bytes),
                    None => put_cstring(out, name),
                }
                out.put_slice(origin);
                if column.told_text {
                    out.put_u32(oid::TEXT);
                    out.put_i16(-1);
                    out.put_i32(-1);
                } else {
                    out.put_slice(kind);
                }
                out.put_slice(format);
            }
        });
    }

    /// What to do with the rows: in the formats that a portal asked for, or those of the description.
    pub(crate) fn plan(&self, portal_formats: Option<&[Format]>, terms: &Terms) -> Plan {
        let actions: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let format = portal_formats.map_or(column.format, |formats| at(formats, index));
                (column.action(terms), format)
            })
            .collect();
        let passes = actions.iter().all(|(action, _)| matches!(action, Action::Pass));
        Plan { actions, passes }
    }
}

impl From<&Label> for Labelled {
    fn from(label: &Label) -> Self {
        match label {
            Label::Class(class) => Self::Class(class.clone()),
            Label::Json(paths) => {
                let rule = |(path, class): &(String, DataClass)| {
                    JsonPath::parse(path).map(|path| (class.clone(), JsonRule::new(path, class.clone())))
                };
                // Paths are checked when the configuration is read; one that is none hides the whole value.
                let rules: Result<Vec<_>, _> = paths.iter().map(rule).collect();
                rules.map_or(Self::Class(DataClass::Secret), |rules| Self::Json(rules.into()))
            }
        }
    }
}

impl Column {
    fn action(&self, terms: &Terms) -> Action {
        let type_oid = self.type_oid;
        match &self.label {
            None if oid::holds_no_card(type_oid) => Action::Pass,
            None => Action::Scan { type_oid, reveal: terms.reveals(&DataClass::Pan) },
            Some(Labelled::Class(DataClass::Sad)) => Action::Null,
            Some(Labelled::Class(class)) if terms.reveals(class) => {
                Action::Reveal { type_oid, as_text: self.told_text }
            }
            // Described as a number under terms that have since been narrowed: no mask fits a number.
            Some(Labelled::Class(_)) if !self.told_text && !oid::is_text(type_oid) => Action::Null,
            Some(Labelled::Class(DataClass::Pan)) => Action::Truncate { type_oid },
            Some(Labelled::Class(_)) => Action::Whole,
            Some(Labelled::Json(rules)) => {
                let hidden = rules.iter().filter(|(class, _)| !terms.reveals(class));
                let hidden: Vec<_> = hidden.map(|(_, rule)| rule.clone()).collect();
                if hidden.is_empty() && terms.reveals(&DataClass::Pan) {
                    return Action::Scan { type_oid, reveal: true };
                }
                Action::Json { rules: hidden, type_oid }
            }
        }
    }
}

impl Plan {
    /// Writes one `DataRow` as the agent gets it.
    ///
    /// # Errors
    /// A row that is not as long as it says, or not as wide as was described.
    pub(crate) fn row(
        &self,
        frame: &Frame,
        masker: Masker,
        out: &mut BytesMut,
    ) -> Result<RowOutcome, Violation> {
        let mut outcome = RowOutcome::default();
        if self.passes {
            out.put_slice(frame.bytes());
            return Ok(outcome);
        }
        let start = out.len();
        let row = self.rewrite(frame, masker, out, &mut outcome);
        if outcome.sad || row.is_err() {
            out.truncate(start);
        }
        row.map(|()| outcome)
    }

    /// Copies a row but for the values that are told otherwise: what stands between them goes in one piece.
    fn rewrite(
        &self,
        frame: &Frame,
        masker: Masker,
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
        for (action, format) in &self.actions {
            let at = bytes.len() - fields.rest().len();
            let Some(value) = fields.value().ok_or(broken)? else { continue };
            let told = action.apply(value, *format, masker);
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
enum Told<'a> {
    AsItCame,
    /// In another form, with nothing hidden; `None` is NULL.
    Rewritten(Option<Cow<'a, [u8]>>),
    /// With something hidden, all of it when NULL.
    Masked(Option<Cow<'a, [u8]>>),
    /// Not at all, and nothing else of the answer either.
    Sad,
}

impl Action {
    fn apply<'a>(&self, value: &'a [u8], format: Format, masker: Masker) -> Told<'a> {
        let seen = match self {
            Self::Pass | Self::Reveal { as_text: false, .. } => Seen::Clean,
            Self::Scan { type_oid, reveal } => match value::scan(masker, *type_oid, format, value) {
                Seen::Masked(_) | Seen::Unfit if *reveal => Seen::Clean,
                seen => seen,
            },
            Self::Truncate { type_oid } => value::truncate(masker, *type_oid, format, value),
            Self::Reveal { type_oid, as_text: true } => {
                return Told::Rewritten(value::as_text(*type_oid, format, value));
            }
            Self::Whole => return Told::Masked(Some(masker.whole().into())),
            Self::Json { rules, type_oid } => value::json(masker, *type_oid, format, value, rules),
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
fn put_value(out: &mut BytesMut, value: Option<&[u8]>) {
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
