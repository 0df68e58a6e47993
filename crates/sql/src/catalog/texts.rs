//! Texts of definitions that PostgreSQL tells: defaults, predicates of indexes, comments, options.
//!
//! Card numbers have no place in them, and in most databases there are none, so that whoever looks at a database may
//! compute on them. Where one is found, texts of that sort are told as they stand, which the search of every answer
//! masks, and computed on only by those who may reveal card numbers.

use std::collections::HashSet;

use access::DataClass;

use super::{Catalog, LabelledId};
use crate::label::Label;
use crate::manifest;

/// What a function tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// Of which column it has to be given a value for that; `None` if it tells this whatever it is given.
    of: Option<&'static str>,
    column: LabelledId,
}

impl Catalog {
    /// Whether a row of the answer to [`Catalog::QUERY`] is a text in which `holds_card` finds no card number. One of a
    /// sort of which there are too many texts to look at is none.
    pub fn may_be_left_out(row: &[Option<impl AsRef<str>>], holds_card: impl FnOnce(&str) -> bool) -> bool {
        let field = |at: usize| row.get(at).and_then(Option::as_ref).map(AsRef::as_ref);
        field(0) == Some("text") && field(4).is_some_and(|text| !holds_card(text))
    }

    /// Whether texts are told by a function of PostgreSQL's own of which some hold card numbers.
    pub(crate) fn may_tell_text(&self, function: &str) -> bool {
        self.texts.contains_key(function)
    }

    /// What a function of PostgreSQL's own tells, given a value of the labelled column `of` or of nobody knows what, if that is
    /// a text of a sort in which card numbers are.
    pub(crate) fn text_told_by(&self, function: &str, of: Option<LabelledId>) -> Option<LabelledId> {
        let of = of.and_then(|id| self.own_column(id));
        let told = self.texts.get(function)?.iter();
        let mut fits = told.filter(|told| told.of.is_none() || of.is_none() || told.of == of);
        fits.next().map(|told| told.column)
    }

    /// Whether a labelled column is one of PostgreSQL's own that functions show expressions of.
    pub(crate) fn is_shown(&self, column: LabelledId) -> bool {
        let given = |column: &str| manifest::texts().any(|(.., it)| it.trim_matches(['(', ')']) == column);
        self.labelled(column).is_some_and(|it| it.system) && self.own_column(column).is_some_and(given)
    }

    /// What a column of PostgreSQL's own is called, or one whose values another has.
    fn own_column(&self, column: LabelledId) -> Option<&str> {
        self.origin(column)?.strip_prefix("pg_catalog.")?.rsplit('.').next()
    }

    /// What functions tell that a definition of a view may call.
    pub(super) fn texts_named_in(&self, definition: Option<&str>) -> Vec<LabelledId> {
        let Some(definition) = definition else { return Vec::new() };
        let named = self.texts.iter().filter(|(function, _)| definition.contains(**function));
        let mut named: Vec<LabelledId> =
            named.flat_map(|(_, told)| told.iter().map(|it| it.column)).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Labels what tells texts of these sorts.
    pub(super) fn label_texts(&mut self, sorts: &HashSet<&str>) {
        for (_, what, column) in manifest::texts().filter(|(sort, ..)| sorts.contains(sort)) {
            let given = column.strip_prefix('(').and_then(|column| column.strip_suffix(')'));
            let Some(given) = given else {
                self.label_own(what, column, DataClass::Pan, true);
                continue;
            };
            let of = (!given.is_empty()).then_some(given);
            let first = self.texts.get(what).and_then(|told| told.first()).map(|told| told.column);
            let column = first.unwrap_or_else(|| {
                let id = self.add_labelled(format!("pg_catalog.{what}"), &Label::Class(DataClass::Pan));
                self.mark_own(true);
                id
            });
            self.texts.entry(what).or_default().push(Told { of, column });
        }
    }

    /// Labels a column of PostgreSQL's own that shows more than the rest of its relation.
    pub(super) fn label_system(&mut self, relation: &str, column: &str) {
        self.label_own(relation, column, DataClass::Secret, false);
    }

    fn label_own(&mut self, relation: &str, column: &str, class: DataClass, is_text: bool) {
        let label = Label::Class(class);
        let places = self.by_name.get(relation).cloned().unwrap_or_default();
        for at in places {
            let Some(found) = self.relations.get(at) else { continue };
            let own = matches!(&*found.schema, "pg_catalog" | "information_schema");
            if !own || !found.columns.iter().any(|it| *it.name == *column) {
                continue;
            }
            let name = format!("{}.{column}", found.name);
            let id = self.add_labelled(name, &label);
            self.mark_own(is_text);
            let columns = self.relations.get_mut(at).into_iter().flat_map(|it| it.columns.iter_mut());
            columns.filter(|it| *it.name == *column).for_each(|it| it.label = Some(id));
        }
    }

    /// Says of the label added last that it is of something of PostgreSQL's own.
    fn mark_own(&mut self, is_text: bool) {
        if let Some(labelled) = self.labelled.last_mut() {
            (labelled.system, labelled.is_text) = (true, is_text);
        }
    }
}
