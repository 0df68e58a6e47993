//! One message's text as it is being read: what has been understood so far.

use std::sync::Arc;

use access::{Action, Answer, ColumnUse, DataClass, Effect, Facts, Match, Position, Resource, Use};
use pg_query::Node;
use pg_query::protobuf::{RangeVar, node};

use crate::catalog::{Catalog, Event, LabelledId, Relation};
use crate::lineage::{Lineage, Place, Spot};
use crate::member::Ways;
use crate::scope::{Columns, Item, Scope, Trace};
use crate::system;
use crate::{Analysis, CopyOut, NameUse};

/// The nodes of the tree.
pub(crate) type Kind = node::Node;

/// Reads statements one after the other into facts. The statements' own parts are in the files of their
/// subjects: `statement`, `definition`, `settings`, `query`, `change`, `expression`, `function`.
pub(crate) struct Reading<'a> {
    pub catalog: &'a Catalog,
    pub facts: Facts,
    pub names: Vec<NameUse>,
    pub changes_catalog: bool,
    pub literal_free: bool,
    /// The search paths that are set.
    pub search_paths: Vec<Box<str>>,
    /// Whether something is set by which later commands may do something else.
    pub sets: bool,
    /// Whether something is asked for that is of one session.
    pub of_session: bool,
    /// Whether a transaction begins that goes on seeing what there was when it began.
    pub keeps_snapshot: bool,
    /// The FROM clauses around the place being read, the innermost last.
    pub scopes: Vec<Scope<'a>>,
    /// The WITH queries in sight, the nearest last.
    pub with: Vec<WithQuery<'a>>,
    /// Whether the current statement reads a table.
    pub reads: bool,
    /// Which statement of the text is read, from 0.
    pub at: u32,
    /// The labelled columns that are computed on, and those that are named at all, each once.
    pub computed: Vec<LabelledId>,
    pub mentioned: Vec<LabelledId>,
    /// Whether relations may have other columns than the catalog says.
    pub doubts: bool,
    /// What the text is, if it is a copy to the agent whose columns the server can be made to describe.
    pub copy: Option<Arc<CopyOut>>,
    /// Whether what is read is a definition, whose columns are asked for by others.
    pub defines: bool,
    /// Whether what is read next has to be true for a row to come.
    pub decides: bool,
    /// Whether nobody is told in which order the rows come of what is read.
    pub unordered: bool,
    /// Where in documents values are.
    pub ways: Ways,
    /// What is being read.
    pub spot: Spot,
    /// Where labelled columns are, if that is asked for.
    pub lineage: Option<Lineage>,
    work: usize,
}

/// A query of a WITH clause.
pub(crate) struct WithQuery<'a> {
    pub name: &'a str,
    pub state: WithState<'a>,
}

pub(crate) enum WithState<'a> {
    /// Its query has been read.
    Read(Columns<'a>),
    /// Its query comes later, or is being read (WITH RECURSIVE).
    Ahead { used: bool },
}

/// Most steps spent on resolving names in one message: several hundred times what a large report needs.
/// Without it, a text of 1 MiB could make every one of many names be looked for among many tables.
const WORK_MAX: usize = 4_000_000;

/// Most statements, and most different uses, columns, functions or things not understood that are listed.
pub const LISTED_MAX: usize = 1_000;

impl<'a> Reading<'a> {
    pub fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            facts: understood(),
            names: Vec::new(),
            changes_catalog: false,
            literal_free: true,
            search_paths: Vec::new(),
            sets: false,
            of_session: false,
            keeps_snapshot: false,
            scopes: Vec::new(),
            with: Vec::new(),
            reads: false,
            at: 0,
            doubts: false,
            defines: false,
            decides: false,
            unordered: false,
            copy: None,
            computed: Vec::new(),
            mentioned: Vec::new(),
            ways: Ways::default(),
            spot: Spot::default(),
            lineage: None,
            work: 0,
        }
    }

    pub fn into_analysis(self) -> Analysis {
        Analysis {
            facts: Arc::new(self.facts),
            names: self.names,
            changes_catalog: self.changes_catalog,
            literal_free: self.literal_free,
            copy: self.copy,
            search_paths: self.search_paths,
            sets: self.sets,
            of_session: self.of_session,
            keeps_snapshot: self.keeps_snapshot,
            attested: false,
            mentioned: self.mentioned,
        }
    }

    /// Reads something into facts of its own.
    pub fn apart(&mut self, read: impl FnOnce(&mut Self)) -> Facts {
        let outer = std::mem::replace(&mut self.facts, understood());
        let at = std::mem::take(&mut self.at);
        let given = self.lineage.as_ref().map_or(0, |lineage| lineage.given.len());
        read(self);
        self.at = at;
        if let Some(lineage) = &mut self.lineage {
            // It is not the text's own answer.
            lineage.given.truncate(given);
        }
        std::mem::replace(&mut self.facts, outer)
    }

    /// Adds facts that were read apart, but for their kinds and answers. In place: a text may hold thousands of them.
    pub fn absorb(&mut self, facts: Facts) {
        /// Adds what is not there yet; says whether all of it could be.
        fn add<T: PartialEq>(to: &mut Vec<T>, items: Vec<T>) -> bool {
            for item in items {
                if !to.contains(&item) {
                    if to.len() > LISTED_MAX {
                        return false;
                    }
                    to.push(item);
                }
            }
            true
        }
        let uses = add(&mut self.facts.uses, facts.uses);
        let columns = add(&mut self.facts.columns, facts.columns);
        let functions = add(&mut self.facts.functions, facts.functions);
        add(&mut self.facts.in_reach, facts.in_reach);
        add(&mut self.facts.not_understood, facts.not_understood);
        facts.matches.iter().for_each(|it| Match::add(&mut self.facts.matches, it));
        self.facts.has_where &= facts.has_where;
        self.facts.unknown_columns |= facts.unknown_columns;
        self.facts.effect = self.facts.effect.max(facts.effect);
        if !(uses && columns && functions) {
            self.not_understood("too many tables, columns or functions");
        }
    }

    pub fn effect(&mut self, effect: Effect) {
        self.facts.effect = self.facts.effect.max(effect);
    }

    pub fn not_understood(&mut self, what: impl Into<Box<str>>) {
        let what = what.into();
        if self.facts.not_understood.len() <= LISTED_MAX && !self.facts.not_understood.contains(&what) {
            self.facts.not_understood.push(what);
        }
        self.effect(Effect::Data);
        self.reaches(&self.catalog.classes());
    }

    /// Notes classes of which an error or a notice may tell.
    pub fn reaches(&mut self, classes: &[DataClass]) {
        for class in classes {
            if !self.facts.in_reach.contains(class) {
                self.facts.in_reach.push(class.clone());
            }
        }
    }

    /// Notes what something that happens to rows of one of these relations sets off.
    pub fn sets_off(&mut self, relations: &[&Relation], events: &[Event]) {
        let catalog = self.catalog;
        for relation in relations {
            events.iter().for_each(|event| self.reaches(catalog.in_reach(relation, *event)));
        }
    }

    pub fn uses(&mut self, action: Action, resource: Resource) {
        self.reads |= action == Action::Read;
        let it = Use { action, resource };
        if self.facts.uses.contains(&it) {
            return;
        }
        if self.facts.uses.len() >= LISTED_MAX {
            return self.not_understood("too many tables");
        }
        self.facts.uses.push(it);
    }

    /// Notes a call of what is not known to be harmless.
    pub fn calls(&mut self, name: &str) {
        self.effect(Effect::Data);
        let catalog = self.catalog;
        self.reaches(catalog.in_reach_of(name));
        if self.facts.functions.iter().any(|known| **known == *name) {
            return;
        }
        if self.facts.functions.len() >= LISTED_MAX {
            return self.not_understood("too many functions");
        }
        self.facts.functions.push(name.into());
        self.uses(Action::Call, Resource::Function(name.into()));
    }

    /// Notes what is done with labelled columns.
    pub fn mark(&mut self, traces: &[Trace], position: Position) {
        for trace in traces {
            let position = if trace.plain { position } else { Position::Computed };
            match trace.within {
                0 => self.mark_column(trace.column, position),
                _ => self.at_row(|reading| reading.mark_column(trace.column, position)),
            }
        }
    }

    /// Notes that the answer is made of these columns: as they stand, or derived, where it is known at which place.
    pub fn mark_output(&mut self, columns: &Columns<'a>) {
        let placed = columns.exact && columns.in_place;
        let (mut derived, mut members) = (Vec::new(), Vec::new());
        for (index, column) in (0..).zip(&columns.list) {
            for trace in &column.traces {
                let catalog = self.catalog;
                if trace.plain && self.is_text_of_definition(trace) {
                    continue;
                }
                let classes = catalog.labelled(trace.column).map(|labelled| labelled.classes.as_slice());
                let classes = classes.unwrap_or_default();
                let is_sad = classes.contains(&DataClass::Sad);
                let position = match trace.plain {
                    true => Position::Output,
                    // Nothing that is made of it alone is told, not even that there is something. What holds other
                    // values beside it is NULL, as it is itself.
                    false if !placed || (is_sad && trace.within == 0) => Position::Computed,
                    false => Position::Derived,
                };
                self.at_column(column.at, |reading| reading.mark_column(trace.column, position));
                if placed && position != Position::Computed {
                    self.gives(index, trace.column, position);
                }
                if position == Position::Derived {
                    derived.extend(classes.iter().map(|class| (index, class.clone())));
                }
            }
            if placed {
                members.extend(self.members_of(index, &column.traces));
            }
        }
        derived.sort_unstable_by(|a: &(u32, DataClass), b| (a.0, a.1.as_str()).cmp(&(b.0, b.1.as_str())));
        derived.dedup();
        if !derived.is_empty() {
            let width = u32::try_from(columns.list.len()).unwrap_or(u32::MAX);
            self.facts.answers.push(Answer { statement: self.at, width, derived, members });
        }
    }

    /// Notes that these columns go where no mask reaches.
    pub fn mark_computed(&mut self, columns: &Columns<'a>) {
        for column in &columns.list {
            self.at_column(column.at, |reading| reading.mark(&column.traces, Position::Computed));
        }
        if columns.unknown {
            self.not_understood("all columns of an unknown relation");
        }
    }

    /// Notes a name that was found nowhere and is a labelled column's somewhere.
    pub fn mark_name(&mut self, name: &str, position: Position) {
        let catalog = self.catalog;
        for &column in catalog.labelled_by_name(name) {
            self.mark_column(column, position);
        }
    }

    pub fn mark_column(&mut self, column: LabelledId, position: Position) {
        let catalog = self.catalog;
        let Some(labelled) = catalog.labelled(column) else { return };
        if matches!(position, Position::Computed | Position::Matched) {
            note(&mut self.computed, column);
            self.mentions(labelled);
        }
        self.reaches(&labelled.classes);
        for class in &labelled.classes {
            let same = |known: &ColumnUse| {
                known.position == position && known.class == *class && known.column == labelled.name
            };
            if self.facts.columns.iter().any(same) {
                continue;
            }
            if self.facts.columns.len() >= LISTED_MAX {
                return self.not_understood("too many sensitive columns");
            }
            let column = labelled.name.clone();
            self.facts.columns.push(ColumnUse { column, class: class.clone(), position });
        }
    }

    /// Spends `steps` of what one message may take; `false` when it is used up.
    pub fn work(&mut self, steps: usize) -> bool {
        self.work = self.work.saturating_add(steps);
        if self.work > WORK_MAX {
            self.not_understood("too many names");
        }
        self.work <= WORK_MAX
    }

    /// Notes what is done to the relations that a name can mean, and gives those that the catalog holds.
    pub fn touch(&mut self, name: &'a RangeVar, action: Action) -> Vec<&'a Relation> {
        let schema = (!name.schemaname.is_empty()).then_some(name.schemaname.as_str());
        self.at_offset(name.location, |reading| reading.touch_named(schema, &name.relname, action))
    }

    pub fn touch_named(&mut self, schema: Option<&'a str>, name: &str, action: Action) -> Vec<&'a Relation> {
        let catalog = self.catalog;
        let relations: Vec<&Relation> = catalog.relations(schema, name).collect();
        if !system::may_be_read(catalog, schema, name, &relations) {
            self.not_understood(format!("reads {name}"));
        }
        let is_system = system::is_system(schema, name, &relations);
        self.of_session |= is_system || relations.iter().any(|it| it.of_session);
        if action == Action::Write && (is_system || relations.iter().any(|it| it.over_system)) {
            // To change a row of `pg_settings` is to SET.
            self.sets = true;
            self.not_understood(format!("writes {name}"));
        }
        if action == Action::Read {
            self.sets_off(&relations, &[Event::Read]);
        }
        for relation in &relations {
            self.uses(action, Resource::Table(relation.name.clone()));
            if action == Action::Administer {
                continue;
            }
            self.in_place(Place::View, |reading| {
                for &column in &relation.computed_from {
                    reading.mark_column(column, Position::Computed);
                }
            });
            for function in &relation.calls {
                self.calls(function);
            }
        }
        if relations.is_empty() {
            self.uses(action, Resource::Table(format!("?.{name}").into()));
            let expected: Vec<DataClass> = catalog.expected(schema, name).cloned().collect();
            self.reaches(&expected);
        }
        relations
    }

    /// The columns of the relations that one name may mean.
    pub fn columns_of(&self, relations: &[&'a Relation]) -> Columns<'a> {
        let columns = Columns::of(relations);
        if self.doubts {
            Columns { exact: false, in_place: false, doubted: true, ..columns }
        } else {
            columns
        }
    }

    pub fn push(&mut self, item: Item<'a>) {
        if !self.work(item.columns.list.len()) {
            return;
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.items.push(item);
        }
    }
}

/// Notes a column once; of so many that it cannot be noted nothing is understood anyhow.
pub(crate) fn note(columns: &mut Vec<LabelledId>, column: LabelledId) {
    if columns.len() < LISTED_MAX && !columns.contains(&column) {
        columns.push(column);
    }
}

/// Facts of nothing.
pub(crate) fn understood() -> Facts {
    Facts { has_where: true, effect: Effect::None, ..Facts::default() }
}

/// The strings of a list of name parts.
pub(crate) fn strings(nodes: &[Node]) -> impl Iterator<Item = &str> {
    nodes.iter().filter_map(|node| match &node.node {
        Some(Kind::String(part)) => Some(part.sval.as_str()),
        _ => None,
    })
}
