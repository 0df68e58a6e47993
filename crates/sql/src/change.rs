//! INSERT, UPDATE, DELETE and MERGE: which columns get values, and which values are looked at.

use access::{Action, Effect, Position};
use pg_query::Node;
use pg_query::protobuf::{
    CmdType, DeleteStmt, InferClause, InsertStmt, MergeStmt, OnConflictClause, RangeVar, ReturningClause,
    ReturningOptionKind, UpdateStmt,
};

use crate::catalog::{Compares, Event, Relation};
use crate::lineage::Place;
use crate::matching::{New, Values, named_targets};
use crate::reading::{Kind, Reading, strings};
use crate::scope::{Columns, Item, Scope};

impl<'a> Reading<'a> {
    pub fn insert(&mut self, insert: &'a InsertStmt) -> Columns<'a> {
        let outer = self.enter(insert.with_clause.as_ref());
        let (relations, target) = self.changed(insert.relation.as_ref(), false, &[Event::Insert]);
        if insert.cols.is_empty() && insert.select_stmt.is_some() {
            for trace in target.traces().collect::<Vec<_>>() {
                self.mark(&[trace], Position::Assigned);
            }
        }
        self.assignments(&insert.cols, &target);
        let named: Vec<&str> = named_targets(&insert.cols).map(|(name, _)| name).collect();
        let new = New {
            relations: &relations,
            given: (!named.is_empty()).then_some(&named),
            values: self.values_inserted(insert.select_stmt.as_deref()),
        };
        self.in_place(Place::Constraint, |reading| reading.inserts(new));
        if let Some(source) = insert.select_stmt.as_deref() {
            let columns = self.query(source);
            self.in_place(Place::Copied, |reading| reading.mark_computed(&columns));
        }
        self.push_target(insert.relation.as_ref(), target.clone());
        if let Some(conflict) = insert.on_conflict_clause.as_deref() {
            self.conflict(conflict, insert.relation.as_ref(), new, &target);
        }
        let columns = self.returning(insert.returning_clause.as_ref(), insert.relation.as_ref(), &target);
        self.leave(outer);
        columns
    }

    pub fn update(&mut self, update: &'a UpdateStmt) -> Columns<'a> {
        let outer = self.enter(update.with_clause.as_ref());
        let looks = update.where_clause.is_some() || !update.from_clause.is_empty();
        let (relations, target) = self.changed(update.relation.as_ref(), looks, &[Event::Update]);
        self.facts.has_where &= update.where_clause.is_some();
        self.push_target(update.relation.as_ref(), target.clone());
        for node in &update.from_clause {
            self.member(node);
        }
        self.assignments(&update.target_list, &target);
        self.sets(&relations, &update.target_list);
        self.in_place(Place::Where, |reading| reading.condition(update.where_clause.as_deref()));
        let columns = self.returning(update.returning_clause.as_ref(), update.relation.as_ref(), &target);
        self.leave(outer);
        columns
    }

    pub fn delete(&mut self, delete: &'a DeleteStmt) -> Columns<'a> {
        let outer = self.enter(delete.with_clause.as_ref());
        let looks = delete.where_clause.is_some() || !delete.using_clause.is_empty();
        let (_, target) = self.changed(delete.relation.as_ref(), looks, &[Event::Delete]);
        self.facts.has_where &= delete.where_clause.is_some();
        self.push_target(delete.relation.as_ref(), target.clone());
        for node in &delete.using_clause {
            self.member(node);
        }
        self.in_place(Place::Where, |reading| reading.condition(delete.where_clause.as_deref()));
        let columns = self.returning(delete.returning_clause.as_ref(), delete.relation.as_ref(), &target);
        self.leave(outer);
        columns
    }

    pub fn merge(&mut self, merge: &'a MergeStmt) -> Columns<'a> {
        let outer = self.enter(merge.with_clause.as_ref());
        let (relations, target) = self.changed(merge.relation.as_ref(), true, &Event::ALL);
        self.push_target(merge.relation.as_ref(), target.clone());
        if let Some(source) = merge.source_relation.as_deref() {
            self.member(source);
        }
        self.in_place(Place::Join, |reading| reading.expression_of(merge.join_condition.as_deref()));
        for node in &merge.merge_when_clauses {
            let Some(Kind::MergeWhenClause(when)) = &node.node else {
                self.not_understood("a branch of MERGE");
                continue;
            };
            self.in_place(Place::Where, |reading| reading.expression_of(when.condition.as_deref()));
            self.assignments(&when.target_list, &target);
            if when.command_type() == CmdType::CmdInsert {
                // As many rows as the source has.
                let named: Vec<&str> = named_targets(&when.target_list).map(|(name, _)| name).collect();
                let given = (!named.is_empty()).then_some(named.as_slice());
                let new = New { relations: &relations, given, values: Values::Unbounded };
                self.in_place(Place::Constraint, |reading| reading.inserts(new));
            } else {
                self.sets(&relations, &when.target_list);
            }
            self.in_place(Place::Copied, |reading| reading.expressions(&when.values));
        }
        let columns = self.returning(merge.returning_clause.as_ref(), merge.relation.as_ref(), &target);
        self.leave(outer);
        // `*` gives the source's columns first, whatever was read first here.
        Columns { in_place: false, ..columns }
    }

    /// Notes that a table's rows are changed, and whether they are also looked at: as in PostgreSQL, that
    /// needs the right to read.
    fn changed(
        &mut self,
        table: Option<&'a RangeVar>,
        looks: bool,
        events: &[Event],
    ) -> (Vec<&'a Relation>, Columns<'a>) {
        self.effect(Effect::Data);
        let Some(table) = table else {
            self.not_understood("a change of no table");
            return (Vec::new(), Columns::default());
        };
        let relations = self.touch(table, Action::Write);
        self.sets_off(&relations, events);
        if looks {
            self.touch(table, Action::Read);
        }
        let columns = self.columns_of(&relations);
        (relations, columns)
    }

    /// Notes what rows tell that are given these values, by failing.
    fn sets(&mut self, relations: &[&'a Relation], targets: &'a [Node]) {
        let given: Vec<(&str, Values)> = named_targets(targets).collect();
        self.in_place(Place::Constraint, |reading| reading.updates(relations, &given));
    }

    fn push_target(&mut self, table: Option<&'a RangeVar>, columns: Columns<'a>) {
        let Some(table) = table else { return };
        self.push_aliased(columns, Some(&table.relname), table.alias.as_ref());
    }

    /// Reads `column = value` pairs, or the columns of an INSERT.
    fn assignments(&mut self, targets: &'a [Node], columns: &Columns<'a>) {
        for node in targets {
            let Some(Kind::ResTarget(target)) = &node.node else {
                self.not_understood("a column to be set");
                continue;
            };
            let mut traces = Vec::new();
            // Setting a part of a value keeps the rest of it, so it is looked at.
            let position =
                if target.indirection.is_empty() { Position::Assigned } else { Position::Computed };
            self.in_place(Place::Copied, |reading| {
                reading.at_offset(target.location, |reading| {
                    if columns.find(&target.name, &mut traces) {
                        reading.mark(&traces, position);
                    } else {
                        // It may be a row of a labelled table, of which this sets one field.
                        for name in std::iter::once(&*target.name).chain(strings(&target.indirection)) {
                            reading.mark_name(name, position);
                        }
                    }
                });
                for step in &target.indirection {
                    if !matches!(step.node, Some(Kind::String(_))) {
                        reading.expression(step);
                    }
                }
                reading.expression_of(target.val.as_deref());
            });
        }
    }

    fn conflict(
        &mut self,
        conflict: &'a OnConflictClause,
        table: Option<&'a RangeVar>,
        new: New<'_, 'a>,
        target: &Columns<'a>,
    ) {
        match conflict.infer.as_deref() {
            Some(infer) if infer.conname.is_empty() => self.in_place(Place::Conflict, |reading| {
                reading.at_offset(infer.location, |reading| reading.inference(infer, new));
            }),
            // Whichever constraint it is, it tells whether a value is there already.
            _ => self.in_place(Place::Conflict, |reading| reading.any_constraint(conflict, new)),
        }
        if conflict.target_list.is_empty() {
            return;
        }
        if let Some(table) = table {
            let relations = self.touch(table, Action::Read);
            self.sets_off(&relations, &[Event::Update]);
        }
        // The server counts all of its columns as named.
        target.traces().for_each(|trace| self.names_column(trace.column));
        // The row that was to be inserted: its values are the principal's own.
        let excluded = target.clone().cleaned();
        self.push(Item {
            name: Some("excluded"),
            columns: Columns { exact: !excluded.list.is_empty(), ..excluded },
        });
        self.assignments(&conflict.target_list, target);
        self.sets(new.relations, &conflict.target_list);
        self.in_place(Place::Where, |reading| reading.expression_of(conflict.where_clause.as_deref()));
        // RETURNING does not see it.
        if let Some(scope) = self.scopes.last_mut() {
            scope.items.pop();
        }
    }

    /// `ON CONFLICT` without a column tells the same of every column that a unique index is on.
    fn any_constraint(&mut self, conflict: &'a OnConflictClause, new: New<'_, 'a>) {
        self.at_offset(conflict.location, |reading| {
            for relation in new.relations {
                let may_fail = |compares| !matches!(compares, Compares::Itself | Compares::Order);
                let compared = relation.constraints.iter().filter(|it| may_fail(it.compares));
                let compared: Vec<&str> = compared.flat_map(|it| &it.columns).map(|name| &**name).collect();
                for column in relation.columns.iter().filter(|it| compared.contains(&&*it.name)) {
                    if reading.is_counted(new, &column.name) {
                        continue;
                    }
                    for id in column.label.iter().chain(&column.made_of) {
                        reading.mark_column(*id, Position::Computed);
                    }
                }
            }
        });
    }

    /// `ON CONFLICT (column)` tells whether a value is there already.
    fn inference(&mut self, infer: &'a InferClause, new: New<'_, 'a>) {
        for node in &infer.index_elems {
            let Some(Kind::IndexElem(element)) = &node.node else {
                self.not_understood("a conflict target");
                continue;
            };
            if element.expr.is_none() && self.is_counted(new, &element.name) {
                continue;
            }
            self.index_element(element);
        }
        self.expression_of(infer.where_clause.as_deref());
    }

    fn returning(
        &mut self,
        returning: Option<&'a ReturningClause>,
        table: Option<&'a RangeVar>,
        target: &Columns<'a>,
    ) -> Columns<'a> {
        let Some(returning) = returning else { return Columns::clean(std::iter::empty()) };
        if let Some(table) = table {
            self.touch(table, Action::Read);
        }
        // `old` and `new` (PostgreSQL 18): whether the server names their origin is not relied on. They are
        // not members of FROM, so `*` does not hold them.
        let (mut old, mut new) = ("old", "new");
        for node in &returning.options {
            let Some(Kind::ReturningOption(option)) = &node.node else {
                self.not_understood("an option of RETURNING");
                continue;
            };
            match option.option() {
                ReturningOptionKind::ReturningOptionOld => old = &option.value,
                ReturningOptionKind::ReturningOptionNew => new = &option.value,
                ReturningOptionKind::Undefined => self.not_understood("an option of RETURNING"),
            }
        }
        let items = [old, new].map(|name| Item { name: Some(name), columns: target.clone().derived() });
        let before = Scope { items: items.into(), only_qualified: true, ..Scope::default() };
        let inner = self.scopes.len().saturating_sub(1);
        self.scopes.insert(inner, before);
        let columns = self.targets(&returning.exprs);
        self.scopes.remove(inner);
        columns
    }
}
