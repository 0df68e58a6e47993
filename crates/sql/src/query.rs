//! SELECT, VALUES and WITH: what is read, and what of it comes out as it stands.

use access::{Action, Effect, Position};
use pg_query::Node;
use pg_query::protobuf::{
    Alias, CommonTableExpr, JoinExpr, JsonTable, RangeFunction, RangeSubselect, RangeTableFunc, RangeVar,
    ResTarget, SelectStmt, SetOperation, WithClause, a_const,
};

use crate::expression::figure_name;
use crate::lineage::Place;
use crate::reading::{Kind, Reading, WithQuery, WithState, strings};
use crate::scope::{Column, Columns, Item, Scope, add};

impl<'a> Reading<'a> {
    /// Reads a query, also one that changes rows, and gives the columns of its answer.
    pub fn query(&mut self, node: &'a Node) -> Columns<'a> {
        match &node.node {
            Some(Kind::SelectStmt(select)) => self.select(select),
            Some(Kind::InsertStmt(insert)) => self.insert(insert),
            Some(Kind::UpdateStmt(update)) => self.update(update),
            Some(Kind::DeleteStmt(delete)) => self.delete(delete),
            Some(Kind::MergeStmt(merge)) => self.merge(merge),
            _ => {
                self.not_understood("a query");
                Columns::default()
            }
        }
    }

    pub fn select(&mut self, select: &'a SelectStmt) -> Columns<'a> {
        let outer = self.enter(select.with_clause.as_ref());
        let columns = if let (Some(left), Some(right)) = (&select.larg, &select.rarg) {
            self.set_operation(select, left, right)
        } else if select.values_lists.is_empty() {
            self.simple_select(select)
        } else {
            self.values(&select.values_lists)
        };
        self.in_place(Place::OrderBy, |reading| reading.sort(&select.sort_clause, &columns));
        self.expression_of(select.limit_count.as_deref());
        self.expression_of(select.limit_offset.as_deref());
        if !select.locking_clause.is_empty() {
            self.effect(Effect::Data);
        }
        let columns = match &select.into_clause {
            Some(into) => {
                self.creates_from(into, &columns);
                Columns::default()
            }
            None => columns,
        };
        self.leave(outer);
        columns
    }

    /// Begins a query of its own; its WITH queries come first, as they see nothing of its FROM.
    pub fn enter(&mut self, with: Option<&'a WithClause>) -> usize {
        let outer = self.with.len();
        self.scopes.push(Scope::default());
        if let Some(with) = with {
            self.with_clause(with);
        }
        outer
    }

    pub fn leave(&mut self, outer: usize) {
        self.scopes.pop();
        self.with.truncate(outer);
    }

    /// The server compares rows (but for UNION ALL), and no longer says where a column comes from.
    fn set_operation(
        &mut self,
        both: &'a SelectStmt,
        left: &'a SelectStmt,
        right: &'a SelectStmt,
    ) -> Columns<'a> {
        let left = self.select(left);
        let right = self.select(right);
        let placed = |columns: &Columns<'_>| columns.exact && columns.in_place && !columns.unknown;
        let fit = placed(&left) && placed(&right) && left.list.len() == right.list.len();
        if fit && both.all && both.op() == SetOperation::SetopUnion {
            let mut columns = left;
            for (column, other) in columns.list.iter_mut().zip(&right.list) {
                add(&mut column.traces, &other.traces);
            }
            return columns.derived();
        }
        self.in_place(Place::SetOperation, |reading| {
            reading.mark_computed(&left);
            reading.mark_computed(&right);
        });
        left.cleaned()
    }

    fn simple_select(&mut self, select: &'a SelectStmt) -> Columns<'a> {
        for node in &select.from_clause {
            self.member(node);
        }
        let outer = self.unordered;
        self.unordered |= counts_alone(select);
        self.in_place(Place::Where, |reading| reading.condition(select.where_clause.as_deref()));
        self.unordered = outer;
        let columns = self.targets(&select.target_list);
        self.in_place(Place::GroupBy, |reading| reading.sort(&select.group_clause, &columns));
        self.in_place(Place::Having, |reading| reading.expression_of(select.having_clause.as_deref()));
        self.in_place(Place::Window, |reading| reading.expressions(&select.window_clause));
        self.in_place(Place::Distinct, |reading| match select.distinct_clause.as_slice() {
            [] => {}
            [all] if all.node.is_none() => reading.mark_computed(&columns),
            on => reading.sort(on, &columns),
        });
        columns
    }

    fn values(&mut self, rows: &'a [Node]) -> Columns<'a> {
        self.expressions(rows);
        let width = match rows.first().and_then(|row| row.node.as_ref()) {
            Some(Kind::List(row)) => row.items.len(),
            _ => 0,
        };
        const NAMES: [&str; 6] = ["column1", "column2", "column3", "column4", "column5", "column6"];
        Columns::clean((0..width).map(|at| NAMES.get(at).copied()))
    }

    /// Reads the list of an answer's columns.
    pub fn targets(&mut self, targets: &'a [Node]) -> Columns<'a> {
        let mut columns = Columns::exactly(Vec::with_capacity(targets.len()));
        columns.spelled = true;
        for node in targets {
            let Some(Kind::ResTarget(target)) = &node.node else {
                self.not_understood("a column of the answer");
                continue;
            };
            let part = self.target(target);
            columns.exact &= part.exact;
            columns.in_place &= part.in_place;
            columns.unknown |= part.unknown;
            columns.spelled &= is_spelled(target) && part.list.iter().all(|column| column.name.is_some());
            columns.list.extend(part.list);
        }
        columns
    }

    fn target(&mut self, target: &'a ResTarget) -> Columns<'a> {
        let alias = (!target.name.is_empty()).then_some(target.name.as_str());
        let Some(value) = target.val.as_deref() else { return Columns::default() };
        if let Some(Kind::ColumnRef(reference)) = &value.node {
            let mut columns = self.reference(reference);
            if let (Some(alias), [column]) = (alias, columns.list.as_mut_slice()) {
                column.name = Some(alias);
            }
            return columns;
        }
        if let Some(Kind::AIndirection(it)) = &value.node
            && let Some(mut columns) = self.field_of_row(it)
        {
            if let (Some(alias), [column]) = (alias, columns.list.as_mut_slice()) {
                column.name = Some(alias);
            }
            return columns;
        }
        if let Some(Kind::AIndirection(it)) = &value.node
            && matches!(it.indirection.last().map(|step| &step.node), Some(Some(Kind::AStar(_))))
        {
            // `(x).*`: as many columns as its type has.
            self.expression(value);
            return Columns::default();
        }
        let traces = self.derive(value);
        let name = alias.or_else(|| figure_name(value));
        let column = Column { name, traces, at: usize::try_from(target.location).ok() };
        Columns::exactly(vec![column])
    }

    /// Reads ORDER BY, GROUP BY or DISTINCT ON, which may name columns of the answer, or count them.
    fn sort(&mut self, nodes: &'a [Node], answer: &Columns<'a>) {
        for node in nodes {
            let Some(kind) = &node.node else {
                self.not_understood("an expression");
                continue;
            };
            match kind {
                Kind::SortBy(by) => {
                    self.operator_if_any(&by.use_op);
                    self.sort(by.node.as_deref().map(std::slice::from_ref).unwrap_or_default(), answer);
                }
                Kind::GroupingSet(set) => self.sort(&set.content, answer),
                Kind::RowExpr(row) => self.sort(&row.args, answer),
                Kind::List(list) => self.sort(&list.items, answer),
                Kind::AConst(value) => {
                    self.at_offset(value.location, |reading| reading.ordinal(value.val.as_ref(), answer));
                }
                Kind::ColumnRef(reference) => {
                    // A plain name may mean the query's column or the answer's: both are taken.
                    let mut traces = Vec::new();
                    let unknown = self.facts.unknown_columns;
                    let is_answers = match reference.fields.as_slice() {
                        [Node { node: Some(Kind::String(name)) }] => {
                            answer.find(&name.sval, &mut traces) || !answer.is_certain()
                        }
                        _ => false,
                    };
                    self.at_offset(reference.location, |reading| reading.mark(&traces, Position::Computed));
                    self.expression(node);
                    if is_answers {
                        self.facts.unknown_columns = unknown;
                    }
                }
                _ => self.expression(node),
            }
        }
    }

    fn ordinal(&mut self, value: Option<&a_const::Val>, answer: &Columns<'a>) {
        // Also for what is no integer, and an error: the same text with an integer in its place is none.
        self.literal_free = false;
        let Some(a_const::Val::Ival(number)) = value else { return };
        let at = usize::try_from(number.ival).ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| answer.list.get(at)).filter(|_| answer.in_place) {
            Some(column) => self.mark(&column.traces, Position::Computed),
            None => self.mark_computed(answer),
        }
    }

    fn with_clause(&mut self, with: &'a WithClause) {
        let first = self.with.len();
        let queries = || {
            with.ctes.iter().filter_map(|node| match &node.node {
                Some(Kind::CommonTableExpr(query)) => Some(query.as_ref()),
                _ => None,
            })
        };
        if queries().count() < with.ctes.len() {
            self.not_understood("a query of WITH");
        }
        if with.recursive {
            let ahead = |query: &'a CommonTableExpr| WithQuery {
                name: &query.ctename,
                state: WithState::Ahead { used: false },
            };
            self.with.extend(queries().map(ahead));
        }
        for (at, query) in queries().enumerate() {
            let columns = self.with_query(query);
            if !with.recursive {
                self.with.push(WithQuery { name: &query.ctename, state: WithState::Read(columns) });
                continue;
            }
            let Some(place) = self.with.get_mut(first + at) else { continue };
            let ahead = std::mem::replace(&mut place.state, WithState::Read(columns.clone()));
            // Whoever used it before it was read could not know what it holds.
            if matches!(ahead, WithState::Ahead { used: true }) {
                self.mark_computed(&columns);
            }
        }
    }

    fn with_query(&mut self, query: &'a CommonTableExpr) -> Columns<'a> {
        let Some(node) = query.ctequery.as_deref() else { return Columns::default() };
        if !matches!(node.node, Some(Kind::SelectStmt(_))) {
            self.kind_of(node);
        }
        let columns = self.query(node);
        let columns = self.rename(columns, &query.aliascolnames);
        if query.search_clause.is_none() && query.cycle_clause.is_none() {
            return columns;
        }
        // SEARCH and CYCLE compare rows and add columns made of them.
        self.mark_computed(&columns);
        Columns { exact: false, in_place: false, ..columns.cleaned() }
    }

    /// Gives columns the names of an alias, by their places.
    fn rename(&mut self, mut columns: Columns<'a>, names: &'a [Node]) -> Columns<'a> {
        if names.is_empty() {
            return columns;
        }
        if !columns.in_place {
            self.mark_computed(&columns);
            return Columns { exact: false, in_place: false, ..Columns::clean(strings(names).map(Some)) };
        }
        columns.spelled = false;
        for (column, name) in columns.list.iter_mut().zip(strings(names)) {
            column.name = Some(name);
        }
        columns
    }

    /// Reads one member of FROM into the scope.
    pub fn member(&mut self, node: &'a Node) {
        match &node.node {
            Some(Kind::RangeVar(table)) => self.table_member(table),
            Some(Kind::RangeSubselect(query)) => self.query_member(query),
            Some(Kind::JoinExpr(join)) => self.join(join),
            Some(Kind::RangeFunction(function)) => self.function_member(function),
            Some(Kind::RangeTableFunc(table)) => self.xml_table(table),
            Some(Kind::JsonTable(table)) => self.json_table(table),
            Some(Kind::RangeTableSample(sample)) => {
                if let Some(table) = sample.relation.as_deref() {
                    self.member(table);
                }
                match strings(&sample.method).collect::<Vec<_>>().as_slice() {
                    ["system" | "bernoulli"] | ["pg_catalog", "system" | "bernoulli"] => {}
                    _ => self.not_understood("a sampling method"),
                }
                self.apart_from_members(|reading| {
                    reading.expressions(&sample.args);
                    reading.expression_of(sample.repeatable.as_deref());
                });
            }
            _ => self.not_understood("a member of FROM"),
        }
    }

    fn table_member(&mut self, table: &'a RangeVar) {
        let columns = match self.columns_of_with(table) {
            Some(columns) => columns,
            None => {
                let relations = self.touch(table, Action::Read);
                self.columns_of(&relations)
            }
        };
        self.push_aliased(columns, Some(&table.relname), table.alias.as_ref());
    }

    /// The columns of the WITH query that a name without schema means.
    fn columns_of_with(&mut self, table: &RangeVar) -> Option<Columns<'a>> {
        if !table.schemaname.is_empty() {
            return None;
        }
        let query = self.with.iter_mut().rev().find(|query| query.name == table.relname)?;
        Some(match &mut query.state {
            WithState::Read(columns) => columns.clone(),
            WithState::Ahead { used } => {
                *used = true;
                Columns::default()
            }
        })
    }

    fn query_member(&mut self, query: &'a RangeSubselect) {
        let Some(node) = query.subquery.as_deref() else { return };
        let columns = match query.lateral {
            true => self.query(node),
            false => self.apart_from_members(|reading| reading.query(node)),
        };
        self.push_aliased(columns, None, query.alias.as_ref());
    }

    pub fn push_aliased(&mut self, columns: Columns<'a>, name: Option<&'a str>, alias: Option<&'a Alias>) {
        let columns = self.rename(columns, alias.map(|alias| alias.colnames.as_slice()).unwrap_or_default());
        let name = alias.map(|alias| alias.aliasname.as_str()).or(name);
        self.push(Item { name, columns });
    }

    fn join(&mut self, join: &'a JoinExpr) {
        let start = self.here().len();
        for side in [&join.larg, &join.rarg] {
            if let Some(side) = side.as_deref() {
                self.member(side);
            }
        }
        // The grammar does not say where USING and NATURAL are.
        let joined = join.rarg.as_deref().map_or(-1, place_of_member);
        if let Some(scope) = self.scopes.last_mut() {
            scope.merges |= join.is_natural || !join.using_clause.is_empty();
        }
        self.in_place(Place::Join, |reading| {
            reading.at_offset(joined, |reading| {
                if join.is_natural {
                    reading.natural(start);
                }
                for name in strings(&join.using_clause) {
                    reading.joined_by(start, name);
                }
            });
            reading.joined_on(start, join.quals.as_deref());
        });
        if let Some(alias) = &join.join_using_alias {
            let columns = Columns::clean(strings(&join.using_clause).map(Some));
            self.push(Item { name: Some(&alias.aliasname), columns });
        }
        if let Some(alias) = &join.alias {
            // Which column has which name after a join with an alias is not worked out.
            self.at_offset(joined, |reading| reading.mark_joined(start, |_| true));
            // Under the alias alone they are seen from here on.
            if let Some(scope) = self.scopes.last_mut() {
                scope.items.truncate(start);
            }
            self.push(Item { name: Some(&alias.aliasname), columns: Columns::default() });
        }
    }

    /// A condition sees the two sides, and nothing before them.
    fn joined_on(&mut self, start: usize, condition: Option<&'a Node>) {
        let before: Vec<Item<'a>> = match self.scopes.last_mut() {
            Some(scope) if start <= scope.items.len() => scope.items.drain(..start).collect(),
            _ => Vec::new(),
        };
        self.expression_of(condition);
        if let Some(scope) = self.scopes.last_mut() {
            scope.items.splice(0..0, before);
        }
    }

    /// NATURAL compares every column whose name is on both sides.
    fn natural(&mut self, start: usize) {
        let items = self.here().get(start..).unwrap_or_default();
        let certain = items.iter().all(|item| item.columns.is_certain());
        let mut names: Vec<&str> =
            items.iter().flat_map(|item| &item.columns.list).filter_map(|column| column.name).collect();
        names.sort_unstable();
        let twice: Vec<&str> = names
            .windows(2)
            .filter_map(|pair| (pair.first() == pair.last()).then(|| pair.first().copied())?)
            .collect();
        self.mark_joined(start, |name| {
            !certain || name.is_some_and(|name| twice.binary_search(&name).is_ok())
        });
    }

    fn joined_by(&mut self, start: usize, name: &str) {
        self.mark_joined(start, |column| column.is_none_or(|column| column == name));
        if self.here().get(start..).unwrap_or_default().iter().any(|item| !item.columns.is_certain()) {
            self.mark_name(name, Position::Computed);
        }
    }

    fn mark_joined(&mut self, start: usize, compared: impl Fn(Option<&str>) -> bool) {
        if !self.work(self.here().len()) {
            return;
        }
        let columns = self.here().get(start..).unwrap_or_default().iter().flat_map(|item| &item.columns.list);
        let traces: Vec<_> =
            columns.filter(|column| compared(column.name)).flat_map(|column| column.traces.clone()).collect();
        self.mark(&traces, Position::Computed);
    }

    fn here(&self) -> &[Item<'a>] {
        self.scopes.last().map(|scope| scope.items.as_slice()).unwrap_or_default()
    }

    fn function_member(&mut self, function: &'a RangeFunction) {
        for node in &function.functions {
            // Each is a list of the call and its column definitions.
            match &node.node {
                Some(Kind::List(list)) => {
                    self.expression_of(list.items.first());
                }
                _ => self.not_understood("a function in FROM"),
            }
        }
        let name = function.alias.as_ref().map(|alias| alias.aliasname.as_str());
        self.push(Item { name, columns: Columns::default() });
    }

    fn xml_table(&mut self, table: &'a RangeTableFunc) {
        self.expression_of(table.docexpr.as_deref());
        self.expression_of(table.rowexpr.as_deref());
        self.expressions(&table.namespaces);
        for node in &table.columns {
            let Some(Kind::RangeTableFuncCol(column)) = &node.node else {
                self.not_understood("a column of XMLTABLE");
                continue;
            };
            self.expression_of(column.colexpr.as_deref());
            self.expression_of(column.coldefexpr.as_deref());
        }
        let name = table.alias.as_ref().map(|alias| alias.aliasname.as_str());
        self.push(Item { name, columns: Columns::default() });
    }

    fn json_table(&mut self, table: &'a JsonTable) {
        self.json_value(table.context_item.as_deref());
        self.expressions(&table.passing);
        self.json_behaviour(table.on_error.as_deref());
        self.json_table_columns(&table.columns);
        let name = table.alias.as_ref().map(|alias| alias.aliasname.as_str());
        self.push(Item { name, columns: Columns::default() });
    }

    fn json_table_columns(&mut self, columns: &'a [Node]) {
        for node in columns {
            let Some(Kind::JsonTableColumn(column)) = &node.node else {
                self.not_understood("a column of JSON_TABLE");
                continue;
            };
            self.json_behaviour(column.on_empty.as_deref());
            self.json_behaviour(column.on_error.as_deref());
            self.json_table_columns(&column.columns);
        }
    }
}

/// Whether all that a query gives is how many rows there are.
fn counts_alone(select: &SelectStmt) -> bool {
    let counts = |node: &Node| match &node.node {
        Some(Kind::ResTarget(target)) => match target.val.as_deref().map(|value| &value.node) {
            Some(Some(Kind::FuncCall(call))) => {
                matches!(
                    strings(&call.funcname).collect::<Vec<_>>().as_slice(),
                    ["count"] | ["pg_catalog", "count"]
                ) && call.over.is_none()
            }
            _ => false,
        },
        _ => false,
    };
    !select.target_list.is_empty() && select.group_clause.is_empty() && select.target_list.iter().all(counts)
}

/// Whether a target is one column, and not all of something.
fn is_spelled(target: &ResTarget) -> bool {
    let last = match target.val.as_deref().map(|value| &value.node) {
        Some(Some(Kind::ColumnRef(it))) => it.fields.last(),
        Some(Some(Kind::AIndirection(it))) => it.indirection.last(),
        _ => None,
    };
    !last.is_some_and(|last| matches!(last.node, Some(Kind::AStar(_))))
}

/// Where a member of FROM stands, in bytes; negative if that is not known.
fn place_of_member(member: &Node) -> i32 {
    match &member.node {
        Some(Kind::RangeVar(table)) => table.location,
        _ => -1,
    }
}
