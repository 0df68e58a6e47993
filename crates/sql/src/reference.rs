//! What a name in an expression means: a column, a row, or a function in disguise.

use access::Position;
use pg_query::protobuf::{AIndirection, ColumnRef};

use crate::catalog::LabelledId;
use crate::member::{Put, Step, is_name};
use crate::reading::{Kind, Reading, note};
use crate::scope::{Column, Columns, Item, Scope, Trace, WITHIN_MAX, add};

impl<'a> Reading<'a> {
    /// What a column name, `t.name`, `*` or `t.*` means here.
    ///
    /// What may be a function in disguise is noted at once.
    pub fn reference(&mut self, reference: &'a ColumnRef) -> Columns<'a> {
        let columns = self.referred(reference);
        columns.traces().for_each(|trace| self.names_column(trace.column));
        columns
    }

    /// Notes that a labelled column is named.
    pub fn names_column(&mut self, column: LabelledId) {
        note(&mut self.mentioned, column);
    }

    fn referred(&mut self, reference: &'a ColumnRef) -> Columns<'a> {
        self.at_offset(reference.location, |reading| {
            let mut columns = reading.meaning(reference);
            for column in &mut columns.list {
                column.at = reading.spot.offset;
            }
            columns
        })
    }

    fn meaning(&mut self, reference: &'a ColumnRef) -> Columns<'a> {
        let mut fields = reference.fields.iter().rev().map(|field| field.node.as_ref());
        match (fields.next().flatten(), fields.next().flatten()) {
            (Some(Kind::String(name)), None) => self.unqualified(&name.sval),
            (Some(Kind::String(name)), Some(Kind::String(of))) => self.qualified(&of.sval, &name.sval),
            (Some(Kind::AStar(_)), None) => self.star(None),
            (Some(Kind::AStar(_)), Some(Kind::String(of))) => self.star(Some(&of.sval)),
            _ => {
                self.not_understood("a column reference");
                Columns::default()
            }
        }
    }

    /// PostgreSQL takes the column of the innermost query that has it, and only then a whole row of that
    /// name. Where the catalog cannot tell whether a query has it, every possibility counts.
    pub fn unqualified(&mut self, name: &'a str) -> Columns<'a> {
        if !self.work(self.scopes.iter().map(|scope| scope.items.len()).sum()) {
            return Columns::default();
        }
        let (mut traces, mut found, mut certain, mut open) = (Vec::new(), false, false, false);
        for scope in self.scopes.iter().rev().filter(|scope| !scope.only_qualified) {
            for item in &scope.items {
                let here = item.columns.find(name, &mut traces);
                if !here {
                    item.columns.unnamed(&mut traces);
                }
                found |= here;
                certain |= here && item.columns.exact;
            }
            if certain {
                break;
            }
            open |= !found && scope.items.iter().any(|item| !item.columns.is_certain());
        }
        if open || !found {
            self.mark_name(name, Position::Computed);
        }
        if !certain {
            let row = self.whole_row(name);
            add(&mut traces, &row);
        }
        let is_row = self.named(name).next().is_some();
        // A relation that is doubted has columns that are known, and maybe others.
        let doubted = |item: &Item<'a>| item.columns.doubted && !item.columns.list.is_empty();
        let open = open && !self.scopes.iter().flat_map(|scope| &scope.items).any(doubted);
        if !found && !open && traces.is_empty() && !is_row && !SYSTEM_COLUMNS.contains(&name) {
            self.facts.unknown_columns = true;
        }
        one(name, traces)
    }

    /// The qualifier is the nearest member of FROM that has this name, whatever others have it further out.
    fn qualified(&mut self, of: &'a str, name: &'a str) -> Columns<'a> {
        if SYSTEM_COLUMNS.contains(&name) && self.named(of).next().is_some() {
            return one(name, Vec::new());
        }
        let (mut traces, mut found, mut certain) = (Vec::new(), false, false);
        if !self.work(self.scopes.iter().map(|scope| scope.items.len()).sum()) {
            return Columns::default();
        }
        for item in self.named(of) {
            let here = item.columns.find(name, &mut traces);
            if !here {
                item.columns.unnamed(&mut traces);
            }
            found |= here;
            certain |= here && item.columns.exact;
        }
        if !found {
            self.mark_name(name, Position::Computed);
            let doubted = |item: &Item<'a>| item.columns.doubted && !item.columns.list.is_empty();
            let is_known = self.named(of).all(|item| item.columns.is_certain() || doubted(item));
            self.facts.unknown_columns |= is_known;
        }
        if !certain {
            // `c.to_jsonb` is `to_jsonb(c)` when `c` has no such column.
            self.attribute(name);
            // Of a relation that the snapshot does not hold most names are columns.
            if self.named(of).any(|item| item.columns.exact) || self.takes_a_row(name) {
                let row = self.whole_row(of);
                self.mark(&row, Position::Computed);
            }
        }
        one(name, traces)
    }

    fn star(&mut self, of: Option<&'a str>) -> Columns<'a> {
        let items: Vec<&Item<'a>> = match of {
            Some(name) => self.named(name).collect(),
            None => self.scopes.last().into_iter().flat_map(|scope| &scope.items).collect(),
        };
        let exact = !items.is_empty() && items.iter().all(|item| item.columns.exact);
        let width: usize = items.iter().map(|item| item.columns.list.len()).sum();
        if width > COLUMNS_MAX {
            self.not_understood("too many columns");
            return Columns::default();
        }
        let list = items.iter().flat_map(|item| item.columns.list.iter().cloned()).collect();
        let unknown = items.iter().any(|item| item.columns.unknown);
        let merges = of.is_none() && self.scopes.last().is_some_and(|scope| scope.merges);
        let in_place = exact && !merges && items.iter().all(|item| item.columns.in_place);
        self.work(width);
        Columns { list, exact, in_place, unknown, doubted: false, spelled: false }
    }

    /// What all of a row holds, taken as one value.
    fn whole_row(&mut self, of: &'a str) -> Vec<Trace> {
        let (mut held, mut unknown) = (Vec::new(), false);
        for item in self.named(of) {
            for column in item.columns.list.iter().filter(|column| !column.traces.is_empty()) {
                // The names of a table's columns are the catalog's; others may be cut or spelled in small letters.
                let is_kept =
                    |name: &&str| item.columns.spelled && is_name(name) && name.len() < NAME_BYTES_MAX;
                let put = match column.name.filter(is_kept) {
                    Some(name) => Put::Under(Step::Name(name.into())),
                    None => Put::Nowhere,
                };
                held.push((column.traces.clone(), put));
            }
            unknown |= item.columns.unknown;
        }
        if unknown {
            self.not_understood("all columns of an unknown relation");
        }
        let mut traces = Vec::new();
        for (column, put) in held {
            let inside = self.put(column, &put);
            add(&mut traces, &inside);
        }
        traces
    }

    /// Puts values inside another; too many inside one another are a computation.
    pub fn put_inside(&mut self, traces: Vec<Trace>) -> Vec<Trace> {
        if traces.iter().any(|trace| trace.within >= WITHIN_MAX) {
            self.mark(&traces.iter().copied().map(Trace::inside).collect::<Vec<_>>(), Position::Computed);
            return Vec::new();
        }
        let mut inside = Vec::with_capacity(traces.len());
        traces.into_iter().for_each(|trace| add(&mut inside, &[trace.inside()]));
        inside
    }

    /// What `(t).name` and `(t).*` mean where `t` is a member of FROM, and certainly no column: the same as without
    /// the parentheses.
    pub fn field_of_row(&mut self, it: &'a AIndirection) -> Option<Columns<'a>> {
        let Some(Kind::ColumnRef(row)) = &it.arg.as_deref()?.node else { return None };
        let ([of], [step]) = (row.fields.as_slice(), it.indirection.as_slice()) else { return None };
        let (Some(Kind::String(of)), step) = (&of.node, step.node.as_ref()?) else { return None };
        let is_column =
            |item: &Item<'a>| !item.columns.is_certain() || item.columns.find(&of.sval, &mut Vec::new());
        let steps = self.scopes.iter().map(|scope| scope.items.len()).sum();
        if !self.work(steps) || self.scopes.iter().flat_map(|scope| &scope.items).any(is_column) {
            return None;
        }
        self.named(&of.sval).next()?;
        let columns = self.at_offset(row.location, |reading| {
            let mut columns = match step {
                Kind::String(name) => reading.qualified(&of.sval, &name.sval),
                Kind::AStar(_) => reading.star(Some(&of.sval)),
                _ => return None,
            };
            columns.list.iter_mut().for_each(|column| column.at = reading.spot.offset);
            Some(columns)
        })?;
        columns.traces().for_each(|trace| self.names_column(trace.column));
        Some(columns)
    }

    /// The members of FROM of this name: those of the nearest query that has one.
    fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Item<'a>> {
        let has = |scope: &&Scope<'a>| scope.items.iter().any(|item| item.name == Some(name));
        let scope = self.scopes.iter().rev().find(has);
        scope.into_iter().flat_map(|scope| &scope.items).filter(move |item| item.name == Some(name))
    }

    /// Reads something that does not see the members of FROM beside it, but those further out.
    pub fn apart_from_members<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let place = self.scopes.len();
        let here = self.scopes.last_mut().map(|scope| std::mem::take(&mut scope.items)).unwrap_or_default();
        let done = read(self);
        if let Some(scope) = place.checked_sub(1).and_then(|at| self.scopes.get_mut(at)) {
            scope.items = here;
        }
        done
    }
}

/// Names of so many bytes are cut, and where depends on their encoding (`NAMEDATALEN`).
const NAME_BYTES_MAX: usize = 63;

/// Columns that every table has (§5.6), which hold nothing of anybody's.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

fn one<'a>(name: &'a str, traces: Vec<Trace>) -> Columns<'a> {
    Columns::exactly(vec![Column { name: Some(name), traces, at: None }])
}

/// Most columns of an answer: PostgreSQL's own limit (`MaxTupleAttributeNumber`).
const COLUMNS_MAX: usize = 1_664;
