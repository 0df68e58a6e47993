//! What the columns of an answer hold, and what is done to their values.
//!
//! A label says what a column holds, by its identity. Of a column without one its names say something, the one in
//! the answer and the one in its table, and so do those of the columns beside it (`mask::Name`): numbers of weaker
//! brands count among card data, and a card code under its name is sensitive authentication data that nobody
//! expected.

mod ahead;
mod plan;

use std::sync::Arc;

use access::{Answer, DataClass, Terms};
use bytes::{BufMut, BytesMut};
use mask::{Beside, JsonPath, JsonRule, Masker, Meaning, Name};
use sql::{Catalog, Label};
use wire::{Side, Violation};

use crate::command::{Format, at};
use crate::frame::{Frame, message, put_cstring};
use crate::value::oid;
use plan::Action;
pub(crate) use plan::{Plan, Told, put_value};

/// The columns of a `RowDescription`, with what panguard knows of them.
pub(crate) struct Columns {
    columns: Vec<Column>,
    /// Whether a column is one that the catalog snapshot does not hold.
    pub(crate) stale: bool,
}

struct Column {
    /// Table and column, where it is a plain column of one; 0 and 0 otherwise.
    origin: (u32, i16),
    label: Option<Labelled>,
    context: Context,
    type_oid: u32,
    /// The agent was told that it is text, for a masked number is none.
    told_text: bool,
    /// The format that the description named (a simple query's rows come in it).
    format: Format,
}

/// What the names of a column and of those beside it say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Context {
    about_cards: bool,
    meaning: Option<Meaning>,
}

#[derive(Clone)]
enum Labelled {
    Class(DataClass),
    /// Made of columns of these classes: there is nothing to truncate.
    Made(Arc<[DataClass]>),
    Json(Arc<[(DataClass, JsonRule)]>),
}

impl Columns {
    /// Reads a `RowDescription` against the catalog; `terms` say which numbers will be masked, and so have
    /// to be described as text. `answer` says what is made of labelled columns.
    pub(crate) fn read(
        frame: &Frame,
        catalog: &Catalog,
        terms: &Terms,
        answer: Option<&Answer>,
    ) -> Result<Self, Violation> {
        let short = Violation { by: Side::Upstream, rule: "RowDescription shorter than it says" };
        let mut fields = frame.fields();
        let count = fields.u16().ok_or(short)?;
        let mut columns = Vec::with_capacity(usize::from(count));
        let mut names = Vec::with_capacity(usize::from(count));
        let mut stale = false;
        for index in 0..count {
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
                // It may have had a label.
                _ if catalog.may_have_had(relation, attribute) => Some(&Label::Class(DataClass::Secret)),
                // A column younger than the snapshot: what it is called is all there is.
                _ => str::from_utf8(name).ok().and_then(|name| catalog.label_by_name(name)),
            };
            let made = made_of(answer, usize::from(index), catalog, relation, attribute);
            let label = made.or_else(|| label.map(Labelled::from));
            let hidden = match &label {
                Some(Labelled::Class(class)) => *class != DataClass::Sad && !terms.reveals(class),
                // NULL is in every type, and a document stands in the place of another.
                Some(Labelled::Made(classes)) => {
                    !classes.contains(&DataClass::Sad)
                        && !oid::is_json(type_oid)
                        && !reveals_all(terms, classes)
                }
                Some(Labelled::Json(_)) | None => false,
            };
            let told_text = hidden && !oid::is_text(type_oid);
            names.push([Name::of(name), own_name(catalog, relation, attribute)]);
            let origin = (relation, attribute);
            columns.push(Column { origin, label, context: Context::default(), type_oid, told_text, format });
        }
        if !fields.is_empty() {
            return Err(Violation { by: Side::Upstream, rule: "RowDescription longer than it says" });
        }
        let beside = beside(&columns, &names);
        for (column, names) in columns.iter_mut().zip(names) {
            column.context.about_cards = beside.about_cards();
            column.context.meaning = names.into_iter().flatten().filter_map(|name| beside.settle(name)).min();
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

    /// The same where the value at a place is for a column of `label`: it is masked as that, whatever it was made of.
    pub(crate) fn given(mut self, at: usize, label: &Label) -> Self {
        if let Some(column) = self.columns.get_mut(at) {
            let label = Labelled::from(label);
            let is_hidden = matches!(&label, Labelled::Class(class) if *class != DataClass::Sad);
            column.told_text = is_hidden && !oid::is_text(column.type_oid);
            column.label = Some(label);
        }
        self
    }

    /// The same for a copy, which tells no types: in binary a value has to be of the type that it has.
    pub(crate) fn of_copy(mut self, format: Format) -> Self {
        if format == Format::Binary {
            self.columns.iter_mut().for_each(|column| column.told_text = false);
        }
        self
    }

    /// Which of them a copy of a whole table gives.
    pub(crate) fn copied(&self, catalog: &Catalog) -> Vec<bool> {
        let is_copied = |column: &Column| !catalog.is_generated(column.origin.0, column.origin.1);
        self.columns.iter().map(is_copied).collect()
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

    /// Whether these are the columns of `answer`: as many, and what is made of others at its places. Where tables have
    /// changed since the snapshot, what was decided upon may be another column.
    pub(crate) fn agree(&self, answer: Option<&Answer>, catalog: &Catalog) -> bool {
        let Some(answer) = answer else { return true };
        let is_made = |(at, _): &(u32, DataClass)| {
            let column = usize::try_from(*at).ok().and_then(|at| self.columns.get(at));
            column.is_some_and(|column| {
                let (relation, attribute) = column.origin;
                relation == 0 || !catalog.classes_of(relation, attribute).is_empty()
            })
        };
        u32::try_from(self.columns.len()) == Ok(answer.width) && answer.derived.iter().all(is_made)
    }

    /// What to do with the rows: in the formats that a portal asked for, or those of the description. What
    /// `catalog` vouches for today is not looked at.
    pub(crate) fn plan(
        &self,
        portal_formats: Option<&[Format]>,
        terms: &Terms,
        catalog: &Catalog,
        masker: Masker,
        answer: Option<&Answer>,
    ) -> Plan {
        let actions: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let format = portal_formats.map_or(column.format, |formats| at(formats, index));
                let made = answer.map(|answer| made_at(answer, index)).unwrap_or_default();
                let members = answer.map(|answer| members_at(answer, index, terms)).unwrap_or_default();
                (column.action(&made, members, terms, catalog), format)
            })
            .collect();
        Plan::new(actions, masker.revealing(terms))
    }
}

/// The names in a `RowDescription` that has been read.
pub(crate) fn names(frame: &Frame) -> Vec<Box<[u8]>> {
    let mut fields = frame.fields();
    let count = fields.u16().unwrap_or(0);
    let name = |_| {
        let name = fields.cstring()?;
        fields.take(18).map(|_| name.into())
    };
    (0..count).map_while(name).collect()
}

/// What the name says that a plain column has in its table, whatever the statement calls it.
fn own_name(catalog: &Catalog, relation: u32, attribute: i16) -> Option<Name> {
    catalog.column_name(relation, attribute).and_then(|name| Name::of(name.as_bytes()))
}

/// That a column is made of others: by its place in the answer, or by its own identity, as a column of a view is.
fn made_of(
    answer: Option<&Answer>,
    index: usize,
    catalog: &Catalog,
    relation: u32,
    attribute: i16,
) -> Option<Labelled> {
    let mut classes = answer.map(|answer| made_at(answer, index)).unwrap_or_default();
    if catalog.label(relation, attribute).is_none() {
        classes.extend(catalog.classes_of(relation, attribute));
    }
    (!classes.is_empty()).then(|| Labelled::Made(classes.into()))
}

/// The classes that the column at a place of the answer is made of.
fn made_at(answer: &Answer, index: usize) -> Vec<DataClass> {
    let here = answer.derived.iter().filter(|(at, _)| usize::try_from(*at) == Ok(index));
    here.map(|(_, class)| class.clone()).collect()
}

/// What is done at the places in the documents of a column, where they are known; none if nothing there is hidden.
fn members_at(answer: &Answer, index: usize, terms: &Terms) -> Vec<JsonRule> {
    let here = answer.members.iter().filter(|member| usize::try_from(member.column) == Ok(index));
    let hidden = here.filter(|member| !reveals_all(terms, &member.classes));
    let rules = hidden.map(|member| {
        let class = match member.classes.as_slice() {
            classes if classes.contains(&DataClass::Sad) => DataClass::Sad,
            [class] if member.stands => class.clone(),
            // Nothing of it may show.
            _ => DataClass::Secret,
        };
        JsonPath::parse(&member.path).map(|path| JsonRule::new(path, class))
    });
    // With a path that is none the column is redacted whole.
    rules.collect::<Result<_, _>>().unwrap_or_default()
}

fn reveals_all(terms: &Terms, classes: &[DataClass]) -> bool {
    classes.iter().all(|class| terms.reveals(class))
}

/// What the columns of a row say together, by their names and labels.
fn beside(columns: &[Column], names: &[[Option<Name>; 2]]) -> Beside {
    let mut beside = Beside::default();
    names.iter().flatten().flatten().for_each(|name| beside.add(*name));
    let meaning = |column: &Column| match &column.label {
        Some(Labelled::Class(DataClass::Pan)) => Some(Meaning::Pan),
        Some(Labelled::Class(DataClass::Sad)) => Some(Meaning::CardCode),
        Some(Labelled::Class(DataClass::CardholderName)) => Some(Meaning::CardholderName),
        Some(Labelled::Class(DataClass::Expiry)) => Some(Meaning::Expiry),
        Some(
            Labelled::Class(DataClass::Secret | DataClass::Own(_)) | Labelled::Made(_) | Labelled::Json(_),
        )
        | None => None,
    };
    columns.iter().filter_map(meaning).for_each(|meaning| beside.add(meaning.into()));
    beside
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
    /// What is done to its values; at its place in the answer it is `made` of these classes besides.
    fn action(&self, made: &[DataClass], members: Vec<JsonRule>, terms: &Terms, catalog: &Catalog) -> Action {
        let (type_oid, context) = (self.type_oid, self.context);
        let reveal = terms.reveals(&DataClass::Pan);
        // The server, too, says that it is a document, and no column of any table.
        if !members.is_empty() && oid::is_json(type_oid) && self.origin.0 == 0 {
            return Action::Json { rules: members, context, type_oid };
        }
        if made.contains(&DataClass::Sad) {
            return Action::Null;
        }
        if !reveals_all(terms, made) {
            return self.redacted();
        }
        match &self.label {
            Some(Labelled::Made(classes)) if classes.contains(&DataClass::Sad) => Action::Null,
            Some(Labelled::Made(classes)) if !reveals_all(terms, classes) => self.redacted(),
            Some(Labelled::Made(_)) if self.told_text => Action::Reveal { type_oid, as_text: true },
            Some(Labelled::Made(_)) => self.unlabelled(catalog, reveal),
            None => self.unlabelled(catalog, reveal),
            Some(Labelled::Class(DataClass::Sad)) => Action::Null,
            Some(Labelled::Class(class)) if terms.reveals(class) => {
                Action::Reveal { type_oid, as_text: self.told_text }
            }
            Some(Labelled::Class(class)) => match self.counted(class, terms, catalog) {
                Some(column) => {
                    let reveal = Box::new(Action::Reveal { type_oid, as_text: self.told_text });
                    let is_number = *class == DataClass::Pan && oid::is_text(type_oid);
                    Action::Metered { reveal, hidden: Box::new(self.hidden(class)), column, is_number }
                }
                None => self.hidden(class),
            },
            Some(Labelled::Json(rules)) => {
                let hidden = rules.iter().filter(|(class, _)| !terms.reveals(class));
                let mut hidden: Vec<_> = hidden.map(|(_, rule)| rule.clone()).collect();
                if hidden.is_empty() && reveal {
                    return Action::Scan { type_oid, context };
                }
                hidden.extend(self.places_not_pan(catalog));
                Action::Json { rules: hidden, context, type_oid }
            }
        }
    }

    /// What is done to the values of a class that may not be told.
    fn hidden(&self, class: &DataClass) -> Action {
        let type_oid = self.type_oid;
        match class {
            // Described as a number under terms that have since been narrowed: no mask fits a number.
            _ if !self.told_text && !oid::is_text(type_oid) => Action::Null,
            DataClass::Pan => Action::Truncate { type_oid },
            _ => Action::Whole,
        }
    }

    /// The column's name, if some of its values may be told and each counts.
    fn counted(&self, class: &DataClass, terms: &Terms, catalog: &Catalog) -> Option<Arc<str>> {
        let (relation, attribute) = self.origin;
        // What else may hold several values, of which each would count.
        let is_one = oid::is_text(self.type_oid) || matches!(self.type_oid, oid::INT8 | oid::NUMERIC);
        catalog.full_name(relation, attribute).filter(|_| is_one && terms.meters(class)).map(Into::into)
    }

    /// Nothing of it is told but whether there is a value, if the agent was told that it is text, or it is JSON.
    fn redacted(&self) -> Action {
        match self.type_oid {
            _ if self.told_text => Action::Whole,
            type_oid if oid::is_text(type_oid) => Action::Whole,
            type_oid if oid::is_json(type_oid) => Action::WholeJson { type_oid },
            _ => Action::Null,
        }
    }

    /// What is done to a column that no label names: it is searched, but for what the operator vouches for.
    fn unlabelled(&self, catalog: &Catalog, reveal: bool) -> Action {
        let (type_oid, context) = (self.type_oid, self.context);
        let (relation, attribute) = self.origin;
        if catalog.not_pan(relation, attribute).iter().any(|not_pan| not_pan.path.is_none()) {
            return Action::Pass;
        }
        if oid::holds_no_card(type_oid) && !(context.expects_sad() && oid::may_hold_code(type_oid)) {
            return Action::Pass;
        }
        let rules = self.places_not_pan(catalog);
        if rules.is_empty() || reveal || !oid::may_be_json(type_oid) {
            return Action::Scan { type_oid, context };
        }
        Action::Json { rules, context, type_oid }
    }

    /// The places in its JSON documents that the operator vouches for.
    fn places_not_pan(&self, catalog: &Catalog) -> Vec<JsonRule> {
        let (relation, attribute) = self.origin;
        let places = catalog.not_pan(relation, attribute).iter();
        // Paths are checked when the configuration is read; one that is none vouches for nothing.
        let paths = places.filter_map(|not_pan| JsonPath::parse(not_pan.path.as_deref()?).ok());
        paths.map(JsonRule::not_pan).collect()
    }
}

impl Context {
    /// Whether sensitive authentication data is to be expected by the column's name.
    fn expects_sad(self) -> bool {
        self.meaning.is_some_and(Meaning::may_be_sad)
    }

    /// The masker that knows of it.
    fn told(self, masker: Masker) -> Masker {
        masker.about_cards(self.about_cards).under(self.meaning)
    }
}
