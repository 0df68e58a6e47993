//! Which columns a name can mean at one place of a query.

use crate::catalog::{LabelledId, Relation};
use crate::member::{ITSELF, Way};

/// That a column of a query's answer holds values of a labelled column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trace {
    pub column: LabelledId,
    /// As they stand, so that the server names their origin. Otherwise they are made into something else,
    /// and no use of them is an output that a mask can reach.
    pub plain: bool,
    /// Inside of how many other values they are: rows, arrays, documents.
    pub within: u8,
    /// Where in the column's value they are, if that is a document.
    pub way: Way,
    /// Whether they are there as they stand in their column, so that the mask of their class fits.
    pub stands: bool,
}

/// Most values that are followed inside one another. Each may write the signs of what is in it twice as long, so that
/// without end the length would tell whether there are such signs.
pub(crate) const WITHIN_MAX: u8 = 8;

impl Trace {
    /// What is made of a labelled column, which is the value itself.
    pub fn made(column: LabelledId) -> Self {
        Self { column, plain: false, within: 0, way: ITSELF, stands: false }
    }

    /// The same, as a part of another value.
    pub fn inside(self) -> Self {
        Self { plain: false, within: self.within.saturating_add(1), ..self }
    }
}

/// One column of a table or of a query's answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column<'a> {
    /// `None` for an expression's column whose name was not worked out.
    pub name: Option<&'a str>,
    pub traces: Vec<Trace>,
    /// Where the text last names it, in bytes.
    pub at: Option<usize>,
}

/// The columns of a table or of a query's answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns<'a> {
    pub list: Vec<Column<'a>>,
    /// Whether `list` holds every column. If not, there may be columns of any name.
    pub exact: bool,
    /// Whether `list` is also in the order in which the server counts.
    pub in_place: bool,
    /// Whether columns of a relation that the catalog does not hold may be among those not listed.
    pub unknown: bool,
    /// Whether they are a relation's, which may have others since the snapshot.
    pub doubted: bool,
    /// Whether the names of all are in the text, so that whatever the catalog says they are called so.
    pub spelled: bool,
}

/// One member of a FROM clause.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    /// What columns are qualified with.
    pub name: Option<&'a str>,
    pub columns: Columns<'a>,
}

/// The FROM clause of one query, so far.
#[derive(Debug, Default)]
pub(crate) struct Scope<'a> {
    pub items: Vec<Item<'a>>,
    /// Whether a join merges columns (USING, NATURAL), so that `*` gives them once, and first.
    pub merges: bool,
    /// Whether its columns are seen by a qualified name alone.
    pub only_qualified: bool,
}

impl<'a> Columns<'a> {
    /// The columns of the relations that one name may mean.
    pub fn of(relations: &[&'a Relation]) -> Self {
        let mut list = Vec::with_capacity(relations.first().map_or(0, |relation| relation.columns.len()));
        for column in relations.iter().flat_map(|relation| &relation.columns) {
            let plain =
                column.label.iter().map(|&column| Trace { plain: true, stands: true, ..Trace::made(column) });
            let made = column.made_of.iter().map(|&column| Trace::made(column));
            list.push(Column { name: Some(&column.name), traces: plain.chain(made).collect(), at: None });
        }
        let exact = relations.len() == 1;
        let unknown = relations.is_empty();
        Self { list, exact, in_place: exact, unknown, doubted: false, spelled: false }
    }

    /// Columns that hold nothing sensitive, under these names and no others.
    pub fn clean(names: impl Iterator<Item = Option<&'a str>>) -> Self {
        let list = names.map(|name| Column { name, traces: Vec::new(), at: None }).collect();
        Self::exactly(list)
    }

    /// These columns and no others.
    pub fn exactly(list: Vec<Column<'a>>) -> Self {
        Self { list, exact: true, in_place: true, unknown: false, doubted: false, spelled: false }
    }

    /// The same names, holding nothing.
    pub fn cleaned(mut self) -> Self {
        for column in &mut self.list {
            column.traces = Vec::new();
        }
        self
    }

    /// The same, but as something that no mask reaches.
    pub fn derived(mut self) -> Self {
        for trace in self.list.iter_mut().flat_map(|column| column.traces.iter_mut()) {
            trace.plain = false;
        }
        self
    }

    /// Everything that the columns hold.
    pub fn traces(&self) -> impl Iterator<Item = Trace> + '_ {
        self.list.iter().flat_map(|column| column.traces.iter().copied())
    }

    /// Whether these are all, and the name of each is known: what is not found here is not here.
    pub fn is_certain(&self) -> bool {
        self.exact && self.list.iter().all(|column| column.name.is_some())
    }

    /// Adds what those columns hold that may have any name.
    pub fn unnamed(&self, traces: &mut Vec<Trace>) {
        for column in self.list.iter().filter(|column| column.name.is_none()) {
            let made: Vec<Trace> =
                column.traces.iter().map(|trace| Trace { plain: false, ..*trace }).collect();
            add(traces, &made);
        }
    }

    /// What the columns of this name hold, and whether there is one.
    pub fn find(&self, name: &str, traces: &mut Vec<Trace>) -> bool {
        let mut found = false;
        for column in self.list.iter().filter(|column| column.name == Some(name)) {
            found = true;
            add(traces, &column.traces);
        }
        found
    }
}

/// Adds what is not there yet.
pub(crate) fn add(traces: &mut Vec<Trace>, more: &[Trace]) {
    for trace in more {
        if !traces.contains(trace) {
            traces.push(*trace);
        }
    }
}
