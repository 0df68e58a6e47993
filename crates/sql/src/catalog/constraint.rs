//! What a table's indexes and constraints compare, so that a change of its rows may fail by it.

use super::{Catalog, Column, Kind, Links, held};

/// Columns that are looked at together whenever a row is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Constraint {
    pub compares: Compares,
    /// Those that it is over, by name.
    pub columns: Vec<Box<str>>,
}

/// What a row that is written is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compares {
    /// With other rows, for equality of the columns as they stand: a unique index, a foreign key.
    Equal,
    /// With other rows in whatever way: an exclusion, a unique index on expressions or on some of the rows.
    Other,
    /// With nothing but itself: a check.
    Itself,
    /// With other rows, by the order in which they come afterwards: an index. It never makes a change fail.
    Order,
}

/// Whether a row that does not give it a value may tell by it.
fn may_be_default(column: &Column) -> bool {
    column.has_default && !held(column).is_empty()
}

impl Catalog {
    /// Gives relations their constraints, of those that are over labelled columns.
    pub(super) fn constrain(&mut self, links: &Links) {
        let mut found: Vec<(u32, Constraint)> = Vec::new();
        let mut sorted: Vec<_> = links.constraints.iter().collect();
        sorted.sort_unstable_by_key(|it| (it.relation, it.constraint));
        for members in sorted.chunk_by(|a, b| (a.relation, a.constraint) == (b.relation, b.constraint)) {
            let Some(first) = members.first() else { continue };
            let mut numbers: Vec<i16> = members.iter().map(|it| it.number).collect();
            let mut compares = first.compares;
            if members.iter().any(|it| it.compares == Compares::Other) {
                compares = Compares::Other;
            }
            // A generated column is another whenever one of those is that it is made of.
            for &(relation, number, from) in &links.generated {
                if relation == first.relation && numbers.contains(&number) && !numbers.contains(&from) {
                    numbers.push(from);
                    compares = if compares == Compares::Itself { compares } else { Compares::Other };
                }
            }
            let columns =
                numbers.iter().filter_map(|&number| Some(self.column(first.relation, number)?.name.clone()));
            found.push((first.relation, Constraint { compares, columns: columns.collect() }));
        }
        for (relation, constraint) in found {
            self.add_constraint(relation, constraint);
        }
        self.inherit_constraints(links);
    }

    /// Rows written to a table may go to its children, and rows written to a view to what it reads.
    fn inherit_constraints(&mut self, links: &Links) {
        let reads = links.views.iter().filter(|link| link.view != link.relation);
        let reads: Vec<(u32, u32)> = reads.map(|link| (link.relation, link.view)).collect();
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for &(child, parent) in &links.inherits {
                let constraints =
                    self.relation(child).map(|child| child.constraints.clone()).unwrap_or_default();
                for constraint in constraints {
                    changed |= self.add_constraint(parent, constraint);
                }
            }
            for &(under, view) in &reads {
                let constraints = self.relation(under).map(|under| under.constraints.as_slice());
                let constraints = constraints.unwrap_or_default();
                let compares = match constraints.iter().all(|it| it.compares == Compares::Order) {
                    true => Compares::Order,
                    false => Compares::Other,
                };
                let constrained = !constraints.is_empty();
                let Some(it) = self.relation(view).filter(|it| constrained && it.kind == Kind::View) else {
                    continue;
                };
                // Its columns have names of its own: any may be any.
                let has_default =
                    self.relation(under).is_some_and(|under| under.columns.iter().any(may_be_default));
                let columns = it.columns.iter().map(|column| column.name.clone()).collect();
                changed |= self.add_constraint(view, Constraint { compares, columns });
                let view = self.by_oid.get(&view).and_then(|&at| self.relations.get_mut(at));
                for column in view.into_iter().flat_map(|view| &mut view.columns).filter(|_| has_default) {
                    changed |= !std::mem::replace(&mut column.has_default, true);
                }
            }
        }
    }

    pub(super) fn add_constraint(&mut self, relation: u32, constraint: Constraint) -> bool {
        let Some(relation) = self.by_oid.get(&relation).and_then(|&at| self.relations.get_mut(at)) else {
            return false;
        };
        let over = relation.columns.iter().filter(|column| constraint.columns.contains(&column.name));
        let tells = over.flat_map(held).next().is_some();
        if !tells || relation.constraints.contains(&constraint) {
            return false;
        }
        relation.constraints.push(constraint);
        true
    }

    /// What refers to a labelled column holds the same values, and so does what a labelled column refers to.
    pub(super) fn spread_by_references(&mut self, links: &Links) -> bool {
        let mut changed = false;
        for &[from, to] in &links.references {
            changed |= self.spread_to_column(from, to);
            changed |= self.spread_to_column(to, from);
        }
        changed
    }

    fn spread_to_column(&mut self, from: (u32, i16), to: (u32, i16)) -> bool {
        let Some(of) = self.column(from.0, from.1).and_then(|column| column.label) else { return false };
        let Some(name) = self.relation(to.0).zip(self.column(to.0, to.1)).and_then(|(relation, column)| {
            column.label.is_none().then(|| format!("{}.{}", relation.name, column.name))
        }) else {
            return false;
        };
        let Some(id) = self.add_holding(name, of) else { return false };
        let relation = self.by_oid.get(&to.0).and_then(|&at| self.relations.get_mut(at));
        let columns = relation.into_iter().flat_map(|relation| relation.columns.iter_mut());
        columns.filter(|column| column.number == to.1).for_each(|column| column.label = Some(id));
        true
    }
}
