//! What the columns of views are made of, by the views' own definitions.
//!
//! PostgreSQL's record of what a view depends on is held against it: a definition in which not every labelled column is
//! found that the record names is not relied on, and then all of the view counts as a computation on all of those.

use std::collections::HashSet;

use super::{Catalog, Column, Kind, LabelledId, Links};
use crate::analysis::parse;
use crate::reading::Reading;
use crate::scope::{Trace, add};

/// What a definition says.
struct ViewLineage {
    /// For each column of the view, what it is made of.
    columns: Vec<Vec<Trace>>,
    /// What shapes its rows, or is computed on in a way that nothing can be told of.
    computed: Vec<LabelledId>,
}

impl Catalog {
    /// Gives the columns of views their labels, and says of which views all is known now.
    pub(super) fn spread_by_definitions(&mut self, links: &Links) -> HashSet<u32> {
        let mut understood = HashSet::new();
        let mut left: Vec<u32> = links.definitions.keys().copied().collect();
        left.sort_unstable();
        loop {
            let waiting: HashSet<u32> = left.iter().copied().collect();
            let read = |view: u32| links.views.iter().filter(move |link| link.view == view);
            let is_next = |view: &u32| {
                !read(*view).any(|link| link.relation != *view && waiting.contains(&link.relation))
            };
            let (now, later): (Vec<u32>, Vec<u32>) = left.iter().copied().partition(is_next);
            if now.is_empty() {
                return understood;
            }
            for view in now {
                let texts = self.texts_named_in(links.definitions.get(&view).map(|text| &**text));
                let mut from = texts.clone();
                read(view).for_each(|link| from.extend(self.read_by(link)));
                if from.is_empty() {
                    continue;
                }
                if self.spread_by_definition(view, &from, links) {
                    understood.insert(view);
                } else {
                    self.add_to_view(view, &texts, &[]);
                }
            }
            left = later;
        }
    }

    /// Whether the definition of a view tells all that is made of the columns that it is recorded to read.
    fn spread_by_definition(&mut self, view: u32, from: &[LabelledId], links: &Links) -> bool {
        let Some(relation) = self.relation(view).filter(|relation| relation.kind == Kind::View) else {
            return false;
        };
        // Whoever labels a column of a view has looked at the view, and said what its columns hold.
        if relation.columns.iter().any(|column| column.label.is_some()) {
            return false;
        }
        let (name, width) = (relation.name.clone(), relation.columns.len());
        let lineage = links.definitions.get(&view).and_then(|text| self.lineage_of(text, width, from));
        let Some(ViewLineage { columns, computed }) = lineage else { return false };
        for (index, traces) in columns.iter().enumerate() {
            let plain = match traces.as_slice() {
                [Trace { column, plain: true, .. }] => Some(*column),
                _ => None,
            };
            let column_name =
                self.relation(view).and_then(|it| it.columns.get(index)).map(|it| it.name.clone());
            let label = plain
                .zip(column_name)
                .and_then(|(of, column)| self.add_holding(format!("{name}.{column}"), of));
            let Some(column) = self.view_column(view, index) else { return false };
            match label {
                Some(label) => column.label = Some(label),
                None => column.made_of = traces.iter().map(|trace| trace.column).collect(),
            }
        }
        let relation = self.by_oid.get(&view).and_then(|&at| self.relations.get_mut(at));
        relation.into_iter().for_each(|relation| relation.computed_from.clone_from(&computed));
        true
    }

    fn view_column(&mut self, view: u32, index: usize) -> Option<&mut Column> {
        let at = *self.by_oid.get(&view)?;
        self.relations.get_mut(at)?.columns.get_mut(index)
    }

    fn lineage_of(&self, definition: &str, width: usize, from: &[LabelledId]) -> Option<ViewLineage> {
        let tree = parse(definition).ok()?;
        let [statement] = tree.stmts.as_slice() else { return None };
        let mut reading = Reading::new(self);
        // Which rows it gives is the operator's to say.
        reading.unordered = true;
        let columns = reading.query(statement.stmt.as_deref()?);
        let known = columns.exact && columns.in_place && !columns.unknown && columns.list.len() == width;
        if !known || !reading.facts.not_understood.is_empty() {
            return None;
        }
        let computed = reading.computed;
        let found = |id: &LabelledId| reading.mentioned.contains(id) || computed.contains(id);
        if !from.iter().all(found) {
            return None;
        }
        let columns = columns.list.into_iter().map(|column| {
            let mut traces = Vec::new();
            add(&mut traces, &column.traces);
            traces
        });
        Some(ViewLineage { columns: columns.collect(), computed })
    }
}
