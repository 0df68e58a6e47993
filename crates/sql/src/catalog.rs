//! What exists in one database, as far as facts need it, with the operator's labels applied.

mod constraint;
mod order;
mod reach;
mod row;
mod session;
mod spread;
mod texts;
mod views;
mod vouched;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use access::DataClass;

use order::Order;
use reach::{Code, Reach};
use row::{ColumnRow, Member, Ordered, Row, ViewLink};
use texts::Told;

pub(crate) use constraint::{Compares, Constraint};
pub(crate) use reach::Event;

pub(crate) use crate::label::Label;
use crate::label::{Entry, Labels, NotPan};
use crate::manifest::{self, Major};
use crate::template::Templates;
use crate::{function, system};

/// Snapshot of one connection's catalog with the operator's labels applied.
///
/// A label spreads to where the same values are: to partitions and other children of a table, and to
/// parents. What is computed from a labelled column (a view's column, a generated column, a column of a
/// table's row type) is known to depend on it.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    version: u64,
    major: Option<Major>,
    relations: Vec<Relation>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<Box<str>, Vec<usize>>,
    schemas: HashSet<Box<str>>,
    functions: HashSet<Box<str>>,
    extension_functions: HashSet<Box<str>>,
    operators: HashSet<Box<str>>,
    extension_operators: HashSet<Box<str>>,
    /// Names of types that are not PostgreSQL's, where PostgreSQL's own texts have the same.
    types: HashSet<Box<str>>,
    labelled: Vec<Labelled>,
    labelled_by_name: HashMap<Box<str>, Vec<LabelledId>>,
    /// What holds no cardholder data, by the identity of its column.
    not_pan: HashMap<(u32, i16), Vec<NotPan>>,
    unmatched: Vec<String>,
    reach: Reach,
    /// What functions of PostgreSQL's own tell, where it holds card numbers.
    texts: HashMap<&'static str, Vec<Told>>,
    order: Order,
    pub(crate) templates: Arc<Templates>,
}

/// A labelled column by its place in [`Catalog::labelled`].
pub(crate) type LabelledId = u32;

/// A column that holds a data class.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    /// `schema.table.column`.
    pub name: Box<str>,
    pub classes: Vec<DataClass>,
    /// Whether it is one of PostgreSQL's own.
    pub system: bool,
    /// Whether it is a text in which card numbers may stand among others: as it stands it is searched, and not masked as one.
    pub is_text: bool,
    pub label: Label,
    /// The labelled column that its values are of, if they are not its own.
    pub values_of: Option<Box<str>>,
}

/// A table, view, sequence or the like.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub schema: Box<str>,
    /// `schema.name`.
    pub name: Box<str>,
    /// In the order of `SELECT *`. Empty for system relations, which hold no labelled column.
    pub columns: Vec<Column>,
    /// What is compared when its rows are written, as far as labelled columns are.
    pub constraints: Vec<Constraint>,
    /// Labelled columns that this view computes from; none when the view has labels of its own.
    pub computed_from: Vec<LabelledId>,
    /// Functions of the operator's that this view calls, as `schema.name`.
    pub calls: Vec<Box<str>>,
    /// Whether its rows are PostgreSQL's own, or those of a view over some.
    pub over_system: bool,
    /// Whether what this view shows may hang on the session that reads it.
    pub of_session: bool,
    oid: u32,
    kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: Box<str>,
    pub label: Option<LabelledId>,
    /// Labelled columns that its values are made of: a generated column, a row of another table.
    pub made_of: Vec<LabelledId>,
    /// Whether it is computed from others of its table.
    generated: bool,
    /// Whether a row that does not give it a value has one there all the same; of a view, whether it may.
    pub has_default: bool,
    number: i16,
}

/// A column by its names, and by the identity that RowDescription gives it.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its table's schema.
    pub schema: &'a str,
    /// Its table.
    pub relation: &'a str,
    /// Its own.
    pub column: &'a str,
    /// Its table's OID.
    pub oid: u32,
    /// Its number there.
    pub number: i16,
}

const NAMED_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    View,
    Other,
}

impl Relation {
    /// Whether its rows are those of others.
    pub fn is_view(&self) -> bool {
        self.kind == Kind::View
    }
}

/// A catalog snapshot that does not have the shape of [`Catalog::QUERY`]'s answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the catalog's answer is not understood: {rule}")]
pub struct CatalogError {
    /// Which row, from 1.
    pub row: usize,
    /// What it broke.
    pub rule: &'static str,
}

impl Catalog {
    /// One statement that reads what [`Catalog::from_rows`] needs, on PostgreSQL 13 to 18, with any role.
    ///
    /// Its answer has six text columns. The first says what a row is; the others, where not NULL, are:
    ///
    /// | row | 2 | 3 | 4 | 5 | 6 |
    /// |---|---|---|---|---|---|
    /// | `server` | `server_version_num` | | | | |
    /// | `schema` | | | | name | |
    /// | `relation` | oid | | relkind | schema | name |
    /// | `column` | relation | number | table of whose row type it is, or 0 | name | `d` if it has a default |
    /// | `view` | view | relation it reads | column number, 0 for none, -1 for all | | |
    /// | `definition` | view | | | text | |
    /// | `calls` | view | `e` for an extension's | | schema | function that it calls |
    /// | `generated` | relation | number | number of the column it is computed from | | |
    /// | `constraint` | relation | number of a column that it is over | its oid | `equal`, `other` or `itself` | |
    /// | `references` | relation | number | relation that it refers to | number of the column there | |
    /// | `inherits` | child | parent | | | |
    /// | `function` | | `e` for an extension's | | schema | name |
    /// | `operator` | function behind it | `e` for an extension's | | schema | name |
    /// | `type` | | | | | name, if one of PostgreSQL's own texts has the same |
    /// | `fires` | relation, or 0 | function that is run on events | `e` for an extension's | events | its name |
    /// | `cascades` | relation | relation that is changed on events | | events | events there |
    /// | `looks` | relation | relation that is looked at on events | column, or 0 for all | events | |
    /// | `ordered` | relation | number of a column that an index orders by | the index | `first`, `nullable` or `behind` | |
    /// | `text` | sort of it | | | a definition's text, NULL where there are too many | |
    /// | `body` | function that neither PostgreSQL nor an extension brought | | language | text | name |
    ///
    /// Events are letters: `r`ead, `i`nsert, `u`pdate, `d`elete, `t`runcate.
    ///
    /// A view's whole-row references are not in `pg_depend`, so they are looked for in the rule itself.
    /// Generated columns depend through `pg_attrdef` since PostgreSQL 15, directly before.
    ///
    /// Whoever asks looks for card numbers in the texts, and leaves out the rows of those in which there are none
    /// ([`Catalog::may_be_left_out`]): each that is left says that texts of its sort hold some.
    pub const QUERY: &str = include_str!("catalog/query.sql");

    /// Builds the snapshot from the answer to [`Catalog::QUERY`]. `version` is the caller's own count, for
    /// keys of caches.
    ///
    /// # Errors
    /// [`CatalogError`] if a row has another shape than the query gives.
    pub fn from_rows<'a>(
        rows: impl Iterator<Item = Vec<Option<&'a str>>>,
        labels: &Labels,
        version: u64,
    ) -> Result<Self, CatalogError> {
        let templates = Arc::clone(&labels.templates);
        let mut catalog = Self { version, templates, ..Self::default() };
        let mut links = Links::default();
        let mut code = Code::default();
        let mut columns = Vec::new();
        let mut texts = HashSet::new();
        for (index, row) in rows.enumerate() {
            let error = |rule| CatalogError { row: index + 1, rule };
            match Row::read(&row).map_err(error)? {
                // 150004 is 15.4.
                Row::Server { version } => catalog.major = Major::try_from(version / 10_000).ok(),
                Row::Schema { name } => drop(catalog.schemas.insert(name.into())),
                Row::Function { extension: true, name } => {
                    catalog.extension_functions.insert(name.into());
                }
                Row::Function { extension: false, name } => drop(catalog.functions.insert(name.into())),
                Row::Operator { extension: true, name, .. } => {
                    catalog.extension_operators.insert(name.into());
                }
                Row::Operator { extension: false, name, function } => {
                    catalog.operators.insert(name.into());
                    code.operators.push((name, function));
                }
                Row::Type { name } => drop(catalog.types.insert(name.into())),
                Row::Text { place } => drop(texts.insert(place)),
                Row::Ordered(ordered) => links.ordered.push(ordered),
                Row::Fires(fires) => code.fires.push(fires),
                Row::Cascades(cascades) => code.cascades.push(cascades),
                Row::Looks(looks) => code.looks.push(looks),
                Row::Body(body) => code.bodies.push(body),
                Row::Relation { oid, kind, schema, name } => catalog.add_relation(oid, kind, schema, name),
                Row::Column(column) => columns.push(column),
                Row::View(link) => links.views.push(link),
                Row::Definition { view, text } => drop(links.definitions.insert(view, text.into())),
                // An extension's own kind of `max` or `replace` does what its name says.
                Row::Calls { extension: true, name, .. } if function::is_harmless(name) => {}
                Row::Calls { view, schema, name, .. } => {
                    links.calls.push((view, format!("{schema}.{name}").into()))
                }
                Row::Generated { relation, number, from } => links.generated.push((relation, number, from)),
                Row::Constraint(member) => links.constraints.push(member),
                Row::References(pair) => links.references.push(pair),
                Row::Inherits { child, parent } => links.inherits.push((child, parent)),
            }
        }
        columns.sort_unstable_by_key(|column| (column.relation, column.number));
        for ColumnRow { relation, number, row_of, name, has_default } in columns {
            let Some(relation) = catalog.by_oid.get(&relation).and_then(|&at| catalog.relations.get_mut(at))
            else {
                continue;
            };
            if row_of != 0 {
                links.rows.push((relation.oid, number, row_of));
            }
            let name = name.into();
            relation.columns.push(Column {
                name,
                label: None,
                made_of: Vec::new(),
                generated: false,
                has_default,
                number,
            });
        }
        for &(relation, number, _) in &links.generated {
            catalog.column_mut(relation, number).into_iter().for_each(|column| column.generated = true);
        }
        for entry in &labels.entries {
            catalog.apply(entry);
        }
        for vouched in &labels.not_pan {
            catalog.vouch(vouched);
        }
        manifest::columns().for_each(|(relation, column)| catalog.label_system(relation, column));
        catalog.label_texts(&texts);
        catalog.spread(&links);
        catalog.find_order(&links);
        catalog.constrain(&links);
        catalog.index_labels();
        catalog.find_reach(&links, &code);
        Ok(catalog)
    }

    /// What the column of a plain output holds, by the identity that RowDescription gives it.
    pub fn label(&self, relation_oid: u32, attnum: i16) -> Option<&Label> {
        let relation = self.relations.get(*self.by_oid.get(&relation_oid)?)?;
        let column = relation.columns.iter().find(|column| column.number == attnum)?;
        let labelled = column.label.and_then(|id| self.labelled(id)).filter(|labelled| !labelled.is_text);
        labelled.map(|labelled| &labelled.label)
    }

    /// Columns of the operator's tables all of whose values are of a class: 64 of them at most.
    pub fn labelled_whole(&self) -> impl Iterator<Item = Named<'_>> {
        let tables = self.relations.iter().filter(|it| !it.over_system && !it.is_view());
        let columns = tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)));
        let is_whole =
            |it: &(&Relation, &Column)| matches!(self.label(it.0.oid, it.1.number), Some(Label::Class(_)));
        columns.filter(is_whole).take(NAMED_MAX).map(|(table, column)| Named {
            schema: &table.schema,
            relation: table
                .name
                .strip_prefix(&*table.schema)
                .and_then(|name| name.strip_prefix('.'))
                .unwrap_or(&table.name),
            column: &column.name,
            oid: table.oid,
            number: column.number,
        })
    }

    /// Every class that a column holds or is made of, by the identity that RowDescription gives it; 0 is a whole row.
    pub fn classes_of(&self, relation_oid: u32, attnum: i16) -> Vec<DataClass> {
        let columns =
            self.relation(relation_oid).map(|relation| relation.columns.as_slice()).unwrap_or_default();
        let columns = columns.iter().filter(|column| attnum == 0 || column.number == attnum);
        let mut classes: Vec<DataClass> = Vec::new();
        let is_text = |id: LabelledId| self.labelled(id).is_some_and(|labelled| labelled.is_text);
        let of_column = |column: &Column| {
            let own = column.label.filter(|id| !is_text(*id));
            own.into_iter().chain(column.made_of.iter().copied()).collect::<Vec<_>>()
        };
        for labelled in columns.flat_map(of_column).filter_map(|id| self.labelled(id)) {
            classes.extend(
                labelled.classes.iter().filter(|class| !classes.contains(class)).cloned().collect::<Vec<_>>(),
            );
        }
        classes
    }

    /// The labelled columns whose values a column holds in some form, by the identity that RowDescription gives it.
    pub(crate) fn held_by(&self, relation_oid: u32, attnum: i16) -> Vec<LabelledId> {
        self.column(relation_oid, attnum).map(held).unwrap_or_default()
    }

    /// Whether a column that the snapshot does not hold may be one that is gone, of a relation with labelled columns.
    pub fn may_have_had(&self, relation_oid: u32, attnum: i16) -> bool {
        self.relation(relation_oid).is_some_and(|relation| {
            relation.columns.iter().any(|column| !held(column).is_empty())
                && relation.columns.iter().any(|column| column.number > attnum)
        })
    }

    /// Whether a column is computed from others of its table. No column becomes one that was none.
    pub fn is_generated(&self, relation_oid: u32, attnum: i16) -> bool {
        self.column(relation_oid, attnum).is_some_and(|column| column.generated)
    }

    /// Whether the snapshot holds this relation. One that it does not hold (a temporary table, one created
    /// since) has to be judged by [`Catalog::label_by_name`].
    pub fn knows(&self, relation_oid: u32) -> bool {
        self.by_oid.contains_key(&relation_oid)
    }

    /// Whether the snapshot holds this column of a relation. One that it does not hold (of a relation that it
    /// does not know, or added to one that it knows) has to be judged by [`Catalog::label_by_name`].
    pub fn knows_column(&self, relation_oid: u32, attnum: i16) -> bool {
        let relation = self.by_oid.get(&relation_oid).and_then(|&at| self.relations.get(at));
        // PostgreSQL's own columns (`ctid`, below 0) are not listed, and hold nothing of anybody's; 0 is a whole row.
        relation.is_some_and(|relation| {
            attnum <= 0 || relation.columns.iter().any(|column| column.number == attnum)
        })
    }

    /// The strictest label that any column of this name has, here or in the configuration.
    pub fn label_by_name(&self, column: &str) -> Option<&Label> {
        let ids = self.labelled_by_name.get(column)?;
        ids.iter()
            .filter_map(|&id| self.labelled(id))
            .map(|labelled| &labelled.label)
            .min_by_key(|label| label.rank())
    }

    /// The number given to [`Catalog::from_rows`].
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The server's major version, if the snapshot tells.
    pub(crate) fn major(&self) -> Option<Major> {
        self.major
    }

    /// Configured columns that do not exist, as `schema.table.column`: worth a warning, for a column that
    /// was renamed is no longer protected by identity.
    pub fn unmatched(&self) -> Vec<String> {
        self.unmatched.clone()
    }

    /// Whether any column is labelled at all.
    pub fn has_labels(&self) -> bool {
        self.labelled.iter().any(|labelled| !labelled.system)
    }

    /// The relations that a name can mean, in every schema when it names none: the search path of the
    /// session is the agent's to change.
    pub(crate) fn relations<'a>(
        &'a self,
        schema: Option<&'a str>,
        name: &str,
    ) -> impl Iterator<Item = &'a Relation> + use<'a> {
        let places = self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        places
            .iter()
            .filter_map(|&at| self.relations.get(at))
            .filter(move |relation| schema.is_none_or(|schema| *relation.schema == *schema))
    }

    /// The relations of one schema.
    pub(crate) fn relations_of(&self, schema: &str) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(move |relation| *relation.schema == *schema)
    }

    /// Whether there is a function of this name in any schema that neither PostgreSQL nor an extension
    /// brought.
    pub(crate) fn has_own_function(&self, name: &str) -> bool {
        self.functions.contains(name)
    }

    /// Whether there is a function of this name in any schema that PostgreSQL did not bring.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.functions.contains(name) || self.extension_functions.contains(name)
    }

    /// Whether there is an operator of this name in any schema that neither PostgreSQL nor an extension
    /// brought.
    pub(crate) fn has_own_operator(&self, name: &str) -> bool {
        self.operators.contains(name)
    }

    /// Whether an extension brought an operator of this name.
    pub(crate) fn has_extension_operator(&self, name: &str) -> bool {
        self.extension_operators.contains(name)
    }

    /// Whether there is a type of this name in any schema, or of any session's own, beside PostgreSQL's of a text.
    pub(crate) fn has_own_type(&self, name: &str) -> bool {
        self.types.contains(name)
    }

    pub(crate) fn has_schema(&self, name: &str) -> bool {
        self.schemas.contains(name)
    }

    pub(crate) fn labelled(&self, id: LabelledId) -> Option<&Labelled> {
        self.labelled.get(usize::try_from(id).ok()?)
    }

    /// The label of a column of `pg_catalog`.
    pub(crate) fn system_label(&self, relation: &str, column: &str) -> Option<LabelledId> {
        let columns = self.relations(Some("pg_catalog"), relation).flat_map(|relation| &relation.columns);
        columns.into_iter().find(|it| *it.name == *column)?.label
    }

    /// Every labelled column of this name, wherever it is.
    pub(crate) fn labelled_by_name(&self, column: &str) -> &[LabelledId] {
        self.labelled_by_name.get(column).map(Vec::as_slice).unwrap_or_default()
    }

    fn add_relation(&mut self, oid: u32, kind: Kind, schema: &str, name: &str) {
        let at = self.relations.len();
        self.by_oid.insert(oid, at);
        self.by_name.entry(name.into()).or_default().push(at);
        self.relations.push(Relation {
            schema: schema.into(),
            name: format!("{schema}.{name}").into(),
            columns: Vec::new(),
            constraints: Vec::new(),
            computed_from: Vec::new(),
            calls: Vec::new(),
            over_system: system::is_own(schema),
            of_session: system::is_own(schema),
            oid,
            kind,
        });
    }

    /// Gives a configured label to its column.
    fn apply(&mut self, entry: &Entry) {
        let id =
            self.add_labelled(format!("{}.{}.{}", entry.schema, entry.table, entry.column), &entry.label);
        let places = self.by_name.get(&entry.table).map(Vec::as_slice).unwrap_or_default();
        let mut matched = false;
        for &at in places {
            let Some(relation) =
                self.relations.get_mut(at).filter(|relation| relation.schema == entry.schema)
            else {
                continue;
            };
            for column in relation.columns.iter_mut().filter(|column| column.name == entry.column) {
                column.label = Some(id);
                matched = true;
            }
        }
        if !matched {
            self.unmatched.push(format!("{}.{}.{}", entry.schema, entry.table, entry.column));
            self.expect(&entry.schema, &entry.table, entry.label.classes().into_iter().cloned().collect());
        }
        // Under its name even if it is not there: a table that is created under this name later is not
        // known by identity before the next snapshot.
        self.labelled_by_name.entry(entry.column.clone()).or_default().push(id);
    }

    fn add_labelled(&mut self, name: String, label: &Label) -> LabelledId {
        let id = LabelledId::try_from(self.labelled.len()).unwrap_or(LabelledId::MAX);
        let classes = label.classes().into_iter().cloned().collect();
        let (label, name) = (label.clone(), name.into());
        self.labelled.push(Labelled { name, classes, system: false, is_text: false, label, values_of: None });
        id
    }

    /// As [`Self::add_labelled`], for a column that holds the values of another.
    fn add_holding(&mut self, name: String, of: LabelledId) -> Option<LabelledId> {
        let of = self.labelled(of)?;
        let values_of = of.values_of.clone().unwrap_or_else(|| of.name.clone());
        let (label, is_text) = (of.label.clone(), of.is_text);
        let id = self.add_labelled(name, &label);
        let labelled = self.labelled.last_mut()?;
        (labelled.values_of, labelled.is_text) = (Some(values_of), is_text);
        Some(id)
    }

    /// Labels that came by inheritance count under their column's name too.
    fn index_labels(&mut self) {
        let system = |id: LabelledId| self.labelled(id).is_some_and(|labelled| labelled.system);
        let labelled = self.relations.iter().flat_map(|relation| &relation.columns);
        let labelled = labelled.filter_map(|column| Some((&column.name, column.label?)));
        let labelled: Vec<_> =
            labelled.filter(|(_, id)| !system(*id)).map(|(name, id)| (name.clone(), id)).collect();
        for (name, id) in labelled {
            let ids = self.labelled_by_name.entry(name).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }

    fn relation(&self, oid: u32) -> Option<&Relation> {
        self.relations.get(*self.by_oid.get(&oid)?)
    }

    fn column(&self, oid: u32, number: i16) -> Option<&Column> {
        self.relation(oid)?.columns.iter().find(|column| column.number == number)
    }

    fn column_mut(&mut self, oid: u32, number: i16) -> Option<&mut Column> {
        let relation = self.relations.get_mut(*self.by_oid.get(&oid)?)?;
        relation.columns.iter_mut().find(|column| column.number == number)
    }
}

/// The labelled columns whose values a column holds in some form.
fn held(column: &Column) -> Vec<LabelledId> {
    column.label.into_iter().chain(column.made_of.iter().copied()).collect()
}

/// How relations hang together, while the snapshot is being built.
#[derive(Default)]
struct Links {
    views: Vec<ViewLink>,
    definitions: HashMap<u32, Box<str>>,
    calls: Vec<(u32, Box<str>)>,
    generated: Vec<(u32, i16, i16)>,
    constraints: Vec<Member>,
    /// A column and the one that it refers to.
    references: Vec<[(u32, i16); 2]>,
    inherits: Vec<(u32, u32)>,
    ordered: Vec<Ordered>,
    rows: Vec<(u32, i16, u32)>,
}

#[cfg(test)]
mod tests;
