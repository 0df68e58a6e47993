//! How labels spread: to what holds the same values, and to what is made of them.

use std::collections::HashSet;

use super::row::{ViewColumn, ViewLink};
use super::{Catalog, Column, Kind, LabelledId, Links, held};

impl Catalog {
    /// Lets labels reach what holds the same values, then what is computed from them.
    pub(super) fn spread(&mut self, links: &Links) {
        let mut changed = true;
        while std::mem::take(&mut changed) {
            changed |= self.spread_to_family(&links.inherits);
            changed |= self.spread_by_references(links);
        }
        changed = true;
        while std::mem::take(&mut changed) {
            changed |= self.spread_within(links);
        }
        let understood = self.spread_by_definitions(links);
        self.spread_to_views(links, &understood);
        self.spread_session(links);
    }

    /// A generated column is made of others of its row; a column of a row type, of a row's columns.
    fn spread_within(&mut self, links: &Links) -> bool {
        let mut changed = false;
        for &(relation, number, from) in &links.generated {
            let made_of = self.column(relation, from).map(held).unwrap_or_default();
            changed |= self.make_of(relation, number, &made_of);
        }
        for &(relation, number, row_of) in &links.rows {
            let made_of: Vec<LabelledId> =
                self.relation(row_of).into_iter().flat_map(|row| row.columns.iter().flat_map(held)).collect();
            changed |= self.make_of(relation, number, &made_of);
        }
        changed
    }

    /// A table and its children (partitions, inheritance) hold the same rows, so a label on a column of one
    /// is a label on that column of all. To be repeated until nothing changes: a family has generations.
    fn spread_to_family(&mut self, inherits: &[(u32, u32)]) -> bool {
        let mut changed = false;
        for &(child, parent) in inherits {
            changed |= self.spread_between(child, parent);
            changed |= self.spread_between(parent, child);
        }
        changed
    }

    fn spread_between(&mut self, from: u32, to: u32) -> bool {
        let Some(source) = self.relation(from) else { return false };
        let labels: Vec<(Box<str>, LabelledId)> =
            source.columns.iter().filter_map(|column| Some((column.name.clone(), column.label?))).collect();
        let mut changed = false;
        for (name, id) in labels {
            let Some(target) = self.relation(to) else { return changed };
            if !target.columns.iter().any(|column| column.name == name && column.label.is_none()) {
                continue;
            }
            let full = format!("{}.{name}", target.name);
            let Some(new) = self.add_holding(full, id) else { continue };
            let Some(&at) = self.by_oid.get(&to) else { continue };
            let columns =
                self.relations.get_mut(at).into_iter().flat_map(|relation| relation.columns.iter_mut());
            for column in columns.filter(|column| column.name == name) {
                column.label = Some(new);
                changed = true;
            }
        }
        changed
    }

    /// A view computes from what its rule reads, and from all that the views it reads compute from.
    /// What is `understood` by its definition is no such computation.
    fn spread_to_views(&mut self, links: &Links, understood: &HashSet<u32>) {
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for link in &links.views {
                let from = if understood.contains(&link.view) { Vec::new() } else { self.read_by(link) };
                let calls =
                    self.relation(link.relation).map(|relation| relation.calls.clone()).unwrap_or_default();
                changed |= self.add_to_view(link.view, &from, &calls);
            }
            for (view, function) in &links.calls {
                changed |= self.add_to_view(*view, &[], std::slice::from_ref(function));
            }
        }
    }

    pub(super) fn read_by(&self, link: &ViewLink) -> Vec<LabelledId> {
        let Some(relation) = self.relation(link.relation) else { return Vec::new() };
        let mut from = relation.computed_from.clone();
        let read = |column: &&Column| match link.column {
            ViewColumn::None => false,
            ViewColumn::One(number) => column.number == number,
            ViewColumn::All => true,
        };
        from.extend(relation.columns.iter().filter(read).flat_map(held));
        from
    }

    pub(super) fn add_to_view(&mut self, view: u32, from: &[LabelledId], calls: &[Box<str>]) -> bool {
        let Some(relation) = self.by_oid.get(&view).and_then(|&at| self.relations.get_mut(at)) else {
            return false;
        };
        if relation.kind != Kind::View {
            return false;
        }
        let before = relation.computed_from.len() + relation.calls.len();
        // Whoever labels a column of a view has looked at the view, and said what its columns hold.
        if relation.columns.iter().all(|column| column.label.is_none()) {
            for &id in from {
                if !relation.computed_from.contains(&id) {
                    relation.computed_from.push(id);
                }
            }
        }
        for call in calls {
            if !relation.calls.contains(call) {
                relation.calls.push(call.clone());
            }
        }
        relation.computed_from.len() + relation.calls.len() > before
    }

    fn make_of(&mut self, relation: u32, number: i16, made_of: &[LabelledId]) -> bool {
        let relation = self.by_oid.get(&relation).and_then(|&at| self.relations.get_mut(at));
        let columns = relation.into_iter().flat_map(|relation| relation.columns.iter_mut());
        let mut changed = false;
        for column in columns.filter(|column| column.number == number) {
            for &id in made_of {
                if !column.made_of.contains(&id) && column.label != Some(id) {
                    column.made_of.push(id);
                    changed = true;
                }
            }
        }
        changed
    }
}
