//! A few of the rows that a statement would change, as a question to the server.

use access::{Action, Effect, Facts, Position, Resource};
use pg_query::Node;
use pg_query::protobuf::{
    Alias, DeleteStmt, InsertStmt, OnConflictAction, RangeVar, ResTarget, SelectStmt, String as Name,
    UpdateStmt, WithClause,
};

use crate::analysis::{analyse, parse};
use crate::catalog::{Catalog, Column, Relation};
use crate::label::Label;
use crate::reading::Kind;
use crate::testimony::deparse;
use crate::touched::{is_shadowed, named, select, with_values};

/// How rows are read of those that a single statement would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// A query of at most [`ROWS_MAX`] rows; it only reads, and nothing in it is computed from what is labelled.
    pub query: String,
    /// What its facts say of its answer.
    pub facts: std::sync::Arc<Facts>,
    /// The columns of the table that are shown, in order: those that are set, and the first ones.
    pub columns: Vec<SampledColumn>,
    /// How many more are set.
    pub sets_more: usize,
}

/// A column of a [`Sampled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledColumn {
    /// Its name in the table.
    pub name: Box<str>,
    /// Where in the answer its value stands as it is.
    pub was: Option<usize>,
    /// How it would be.
    pub becomes: Becomes,
    /// What it holds: a value that it is given is of that class, however it came to be.
    pub label: Option<Label>,
}

/// How a value of a row would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// Not at all: the row would be gone.
    Gone,
    /// As it is.
    Same,
    /// As it stands at this place of the answer.
    Given(usize),
    /// What the table gives a row of itself.
    Default,
}

/// Rows that are shown.
pub const ROWS_MAX: usize = 5;
/// Columns of them.
const COLUMNS_MAX: usize = 8;
/// Of an UPDATE, columns that are shown so that people know the row: its key is mostly the first.
const KNOWN_BY_MAX: usize = 2;

/// Why no rows can be shown, for people.
type Unsampled = &'static str;

/// Rows of those that `text` would change with these parameters (NULL is `None`), if it is one INSERT, UPDATE or DELETE.
///
/// `facts` are the statement's own. The query reads no table that these do not name, calls nothing that is not known to be
/// harmless, and gives labelled columns as they stand or made by what is total, so that its answer is masked as any is. It
/// holds the parameters as literals, so that it is no less secret than those.
///
/// # Errors
/// Why there is no such query. What is no INSERT, UPDATE or DELETE gives `Ok(None)`.
pub fn sampled(
    text: &str,
    parameters: &[Option<String>],
    types: &[u32],
    facts: &Facts,
    catalog: &Catalog,
) -> Result<Option<Sampled>, Unsampled> {
    let Ok(tree) = parse(text) else { return Ok(None) };
    let [raw] = tree.stmts.as_slice() else { return Ok(None) };
    let Some(statement) = raw.stmt.as_ref().and_then(|stmt| stmt.node.as_ref()) else { return Ok(None) };
    let change = match statement {
        Kind::UpdateStmt(it) => Change::of_update(it, facts, catalog)?,
        Kind::DeleteStmt(it) => Change::of_delete(it, facts, catalog)?,
        Kind::InsertStmt(it) => Change::of_insert(it, facts, catalog)?,
        _ => return Ok(None),
    };
    let query = change.query().ok_or(NO_QUERY)?;
    let query = deparse(&Node { node: Some(Kind::SelectStmt(Box::new(query))) }).ok_or(NO_QUERY)?;
    if hangs_on_chance(&query) {
        return Err("what it computes is another each time");
    }
    let query = with_values(&query, parameters, types).ok_or(NO_QUERY)?;
    // The deparser is another's code, and the query is no statement that anybody has decided upon.
    let read = analyse(&query, catalog).facts;
    let columns = u32::try_from(change.width).map_err(|_| NO_QUERY)?;
    let fits = read.answers.iter().all(|answer| answer.statement == 0 && answer.width == columns);
    match is_harmless(&read, facts) && fits {
        true => {
            Ok(Some(Sampled { query, facts: read, columns: change.columns, sets_more: change.sets_more }))
        }
        false => Err("what it computes may not be run beforehand"),
    }
}

/// Whether a harmless function is called that gives something else each time, so that what it gives now says nothing. A column of
/// such a name, or a word in a text, is taken for one.
fn hangs_on_chance(query: &str) -> bool {
    let words = query.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut words = words.map(str::to_ascii_lowercase);
    words.any(|word| OF_THE_MOMENT.contains(&&*word))
}

/// Whether a query of these facts does nothing but read what the statement itself names, as it stands.
fn is_harmless(read: &Facts, statement: &Facts) -> bool {
    let tables = |facts: &Facts| {
        let table = |it: &access::Use| match &it.resource {
            Resource::Table(name) => Some(name.clone()),
            _ => None,
        };
        facts.uses.iter().filter_map(table).collect::<Vec<_>>()
    };
    let known = tables(statement);
    read.effect == Effect::None
        && read.functions.is_empty()
        && read.not_understood.is_empty()
        && !read.unknown_columns
        && read.matches.is_empty()
        && matches!(read.kinds.as_slice(), [kind] if &**kind == "select")
        && read.uses.iter().all(|it| it.action == Action::Read)
        && tables(read).iter().all(|table| known.contains(table))
        && read.columns.iter().all(|it| matches!(it.position, Position::Output | Position::Derived))
}

/// What a statement does to the rows of its table.
struct Change<'a> {
    /// What is read: the table, or the rows that are put there.
    from: Vec<Node>,
    condition: Option<&'a Node>,
    with: Option<&'a WithClause>,
    /// What of it is given, in order: a value, or where it stands.
    given: Vec<Node>,
    width: usize,
    columns: Vec<SampledColumn>,
    sets_more: usize,
}

impl<'a> Change<'a> {
    fn of_update(it: &'a UpdateStmt, facts: &Facts, catalog: &'a Catalog) -> Result<Self, Unsampled> {
        let table = it.relation.as_ref().ok_or(NO_QUERY)?;
        let relation = target(table, it.with_clause.as_ref(), facts, catalog)?;
        let set = it.target_list.iter().map(assigned).collect::<Option<Vec<_>>>().ok_or(NO_FORM)?;
        let is_set = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| *value);
        let shown = |is: bool, count: usize| {
            relation.columns.iter().filter(move |column| is_set(&column.name).is_some() == is).take(count)
        };
        let known_by = shown(false, KNOWN_BY_MAX).count();
        let sets = shown(true, COLUMNS_MAX - known_by).count();
        let mut change = Self::reading(table, &it.from_clause, it.where_clause.as_deref());
        change.with = it.with_clause.as_ref();
        change.sets_more = set.len().saturating_sub(sets);
        for column in shown(false, known_by) {
            let was = Some(change.give(own(table, column)));
            change.columns.push(of(column, was, Becomes::Same, catalog));
        }
        for column in shown(true, sets) {
            let was = Some(change.give(own(table, column)));
            let becomes = match is_set(&column.name) {
                Some(Node { node: Some(Kind::SetToDefault(_)) }) => Becomes::Default,
                Some(value) => Becomes::Given(change.give(called(value.clone(), &column.name))),
                None => Becomes::Same,
            };
            change.columns.push(of(column, was, becomes, catalog));
        }
        Ok(change)
    }

    fn of_delete(it: &'a DeleteStmt, facts: &Facts, catalog: &'a Catalog) -> Result<Self, Unsampled> {
        let table = it.relation.as_ref().ok_or(NO_QUERY)?;
        let relation = target(table, it.with_clause.as_ref(), facts, catalog)?;
        let mut change = Self::reading(table, &it.using_clause, it.where_clause.as_deref());
        change.with = it.with_clause.as_ref();
        for column in relation.columns.iter().take(COLUMNS_MAX) {
            let was = Some(change.give(own(table, column)));
            change.columns.push(of(column, was, Becomes::Gone, catalog));
        }
        Ok(change)
    }

    fn of_insert(it: &'a InsertStmt, facts: &Facts, catalog: &'a Catalog) -> Result<Self, Unsampled> {
        let table = it.relation.as_ref().ok_or(NO_QUERY)?;
        let relation = target(table, None, facts, catalog)?;
        if it.on_conflict_clause.as_ref().is_some_and(|it| it.action() != OnConflictAction::OnconflictNothing)
        {
            return Err("it changes rows that are there already, or adds some");
        }
        let source = it.select_stmt.as_deref().ok_or("it gives no values of its own")?;
        let named: Option<Vec<&str>> = it.cols.iter().map(column_name).collect();
        let all: Vec<&str> = relation.columns.iter().map(|column| &*column.name).collect();
        let (names, width) = match (named.ok_or(NO_FORM)?, width(source)) {
            (named, Some(width)) if named.is_empty() => (all, width),
            (named, width) => (named.clone(), width.unwrap_or(named.len())),
        };
        let names: Vec<&str> = names.into_iter().take(width).collect();
        // One name for each of its columns: where one is not known, the next would be taken for it.
        if names.len() != width || width == 0 {
            return Err(NO_FORM);
        }
        let mut change = Self::reading_from(vec![as_new_row(source, &names)?]);
        change.with = it.with_clause.as_ref();
        for name in names.iter().take(COLUMNS_MAX) {
            let column = relation.columns.iter().find(|column| *column.name == **name).ok_or(NO_FORM)?;
            let place = change.give(plain(NEW_ROW, name));
            change.columns.push(of(column, None, Becomes::Given(place), catalog));
        }
        change.sets_more = width.saturating_sub(COLUMNS_MAX);
        Ok(change)
    }

    fn reading(table: &RangeVar, others: &[Node], condition: Option<&'a Node>) -> Self {
        let own = Node { node: Some(Kind::RangeVar(table.clone())) };
        let from = std::iter::once(own).chain(others.iter().cloned()).collect();
        Self { condition, ..Self::reading_from(from) }
    }

    fn reading_from(from: Vec<Node>) -> Self {
        let (given, columns) = (Vec::new(), Vec::new());
        Self { from, condition: None, with: None, given, width: 0, columns, sets_more: 0 }
    }

    /// Takes one more column into the answer. Its place there.
    fn give(&mut self, value: Node) -> usize {
        self.given.push(value);
        self.width = self.given.len();
        self.width - 1
    }

    fn query(&self) -> Option<SelectStmt> {
        let mut query = select(&format!("SELECT FROM it LIMIT {ROWS_MAX}"), self.with)?;
        query.from_clause.clone_from(&self.from);
        query.where_clause = self.condition.cloned().map(Box::new);
        query.target_list.clone_from(&self.given);
        Some(query)
    }
}

/// The one table that a statement changes, if all that it is is a table whose columns are known.
fn target<'a>(
    table: &'a RangeVar,
    with: Option<&WithClause>,
    facts: &Facts,
    catalog: &'a Catalog,
) -> Result<&'a Relation, Unsampled> {
    if is_shadowed(table, with) {
        return Err("a WITH query of it has the name of its table");
    }
    let schema = (!table.schemaname.is_empty()).then_some(table.schemaname.as_str());
    let is_written = |relation: &&Relation| {
        let named = Resource::Table(relation.name.clone());
        facts.uses.iter().any(|it| it.action == Action::Write && it.resource == named)
    };
    let mut found = catalog.relations(schema, &table.relname).filter(is_written);
    match (found.next(), found.next()) {
        (Some(relation), None) if relation.is_view() => Err("it changes a view"),
        (Some(relation), None) if !relation.columns.is_empty() => Ok(relation),
        (Some(_) | None, _) => Err("it is not known which table it changes"),
    }
}

/// `column = value`, if it is as plain as that.
fn assigned(node: &Node) -> Option<(&str, &Node)> {
    let Some(Kind::ResTarget(target)) = &node.node else { return None };
    let value = target.val.as_deref()?;
    let is_plain = target.indirection.is_empty() && !matches!(value.node, Some(Kind::MultiAssignRef(_)));
    is_plain.then_some((target.name.as_str(), value))
}

/// The name of a column that an INSERT gives values, if it gives it whole ones.
fn column_name(node: &Node) -> Option<&str> {
    match &node.node {
        Some(Kind::ResTarget(target)) if target.indirection.is_empty() => Some(&target.name),
        _ => None,
    }
}

/// How many columns a query has, if its text says.
fn width(query: &Node) -> Option<usize> {
    let Some(Kind::SelectStmt(select)) = &query.node else { return None };
    if let Some(Node { node: Some(Kind::List(values)) }) = select.values_lists.first() {
        return Some(values.items.len());
    }
    let star = |node: &Node| match &node.node {
        Some(Kind::ResTarget(target)) => match target.val.as_ref().and_then(|value| value.node.as_ref()) {
            Some(Kind::ColumnRef(it)) => {
                it.fields.iter().any(|field| matches!(field.node, Some(Kind::AStar(_))))
            }
            _ => false,
        },
        _ => true,
    };
    let is_plain = !select.target_list.is_empty() && !select.target_list.iter().any(star);
    is_plain.then_some(select.target_list.len())
}

/// The rows of a query under the names of the columns that they are for.
fn as_new_row(source: &Node, names: &[&str]) -> Result<Node, Unsampled> {
    let mut holder = select(&format!("SELECT FROM (SELECT) {NEW_ROW}"), None).ok_or(NO_QUERY)?;
    let Some(Node { node: Some(Kind::RangeSubselect(mut it)) }) = holder.from_clause.pop() else {
        return Err(NO_QUERY);
    };
    it.subquery = Some(Box::new(source.clone()));
    let name = |name: &&str| Node { node: Some(Kind::String(Name { sval: (*name).to_owned() })) };
    it.alias = Some(Alias { aliasname: NEW_ROW.to_owned(), colnames: names.iter().map(name).collect() });
    Ok(Node { node: Some(Kind::RangeSubselect(it)) })
}

/// A column of the table that is changed, as it stands.
fn own(table: &RangeVar, column: &Column) -> Node {
    plain(named(table), &column.name)
}

fn plain(row: &str, column: &str) -> Node {
    let name = |name: &str| Node { node: Some(Kind::String(Name { sval: name.to_owned() })) };
    let fields = vec![name(row), name(column)];
    let value = pg_query::protobuf::ColumnRef { fields, location: 0 };
    called(Node { node: Some(Kind::ColumnRef(value)) }, column)
}

/// A value under the name of the column that it is for: what that says of it counts.
fn called(value: Node, name: &str) -> Node {
    let target =
        ResTarget { name: name.to_owned(), indirection: Vec::new(), val: Some(Box::new(value)), location: 0 };
    Node { node: Some(Kind::ResTarget(Box::new(target))) }
}

fn of(column: &Column, was: Option<usize>, becomes: Becomes, catalog: &Catalog) -> SampledColumn {
    let label = column.label.and_then(|id| catalog.labelled(id)).map(|it| it.label.clone());
    SampledColumn { name: column.name.clone(), was, becomes, label }
}

/// Functions of PostgreSQL's own that are harmless (`functions.tsv`) and volatile (`pg_proc.provolatile`).
const OF_THE_MOMENT: [&str; 8] = [
    "clock_timestamp",
    "gen_random_uuid",
    "random",
    "random_normal",
    "setseed",
    "timeofday",
    "uuidv4",
    "uuidv7",
];
/// What the rows of an INSERT are called.
const NEW_ROW: &str = "new_row";
const NO_QUERY: Unsampled = "there is no query for its rows";
const NO_FORM: Unsampled = "it gives values in a form of which no sample is made";
