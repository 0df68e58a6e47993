//! In which order rows come that nobody ordered: in that of an index, where PostgreSQL finds them by it.
//!
//! An index over a labelled column so tells which of two values is the greater, and whoever may write values of their
//! own beside those that are there finds any of them in a few steps.
//!
//! PostgreSQL goes by an index where the statement asks for what the index is about, or where all that it asks for is
//! in the index (an index-only scan). Sessions on such a database begin without the second
//! ([`Catalog::begins_with`]). Of the first, comparing the column is refused or counted anyhow; what is left is to
//! look for rows in which it is not NULL, and what other columns of the same index, or the condition of a partial
//! one, are looked for.

use std::collections::HashSet;

use super::row::OrderedBy;
use super::{Catalog, Compares, Constraint, LabelledId, Links, held};

/// What indexes order rows by, as far as labelled columns are.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    /// Whether there is such an index.
    exists: bool,
    /// The columns, by their names or by those that their values are of, in whose order rows are that have a value.
    by_presence: HashSet<Box<str>>,
}

impl Catalog {
    /// Whether there is an index that gives rows the order of a labelled column.
    pub(crate) fn is_ordered(&self) -> bool {
        self.order.exists
    }

    /// The settings that a session has to begin with, so that no index gives rows an order that nobody asked for. An agent
    /// cannot change them.
    pub fn begins_with(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.is_ordered().then_some(("enable_indexonlyscan", "off")).into_iter()
    }

    /// Whether rows that have a value in this column may be found in the order of their values.
    pub(crate) fn orders_what_is_there(&self, column: LabelledId) -> bool {
        self.origin(column).is_some_and(|name| self.order.by_presence.contains(name))
    }

    pub(super) fn origin(&self, column: LabelledId) -> Option<&str> {
        let labelled = self.labelled(column)?;
        Some(labelled.values_of.as_deref().unwrap_or(&labelled.name))
    }

    pub(super) fn find_order(&mut self, links: &Links) {
        let mut order = Order::default();
        let mut behind: Vec<(u32, u32)> = Vec::new();
        for ordered in &links.ordered {
            let labelled = self.column(ordered.relation, ordered.number).map(held).unwrap_or_default();
            if labelled.is_empty() {
                continue;
            }
            order.exists = true;
            match ordered.by {
                OrderedBy::First => {}
                OrderedBy::Nullable => {
                    let names = labelled.iter().filter_map(|&id| self.origin(id)).map(Box::from);
                    order.by_presence.extend(names);
                }
                OrderedBy::Behind => behind.push((ordered.relation, ordered.index)),
            }
        }
        behind.sort_unstable();
        behind.dedup();
        for (relation, index) in behind {
            let keys = links.ordered.iter().filter(|it| (it.relation, it.index) == (relation, index));
            let columns = keys.filter_map(|key| Some(self.column(relation, key.number)?.name.clone()));
            let columns: Vec<Box<str>> = columns.collect();
            self.add_constraint(relation, Constraint { compares: Compares::Order, columns });
        }
        self.order = order;
    }
}
