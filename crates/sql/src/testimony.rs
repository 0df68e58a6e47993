//! What PostgreSQL itself makes of a text: the third witness, beside what is read here and what RowDescription says.
//!
//! The queries of a text stand as the body of a function (`BEGIN ATOMIC`, PostgreSQL 14 and later) that is made in a
//! transaction which is rolled back. Nothing of it runs, and `pg_depend` then lists the columns and functions that the
//! server found in it. It does not see whole rows, bodies of functions that are texts, nor what MERGE sets.

use std::sync::Arc;

use access::{Action, ColumnUse, Effect, Facts, Position, Resource, Use};
use pg_query::protobuf::{ParseResult, RawStmt};
use pg_query::{DeparseOptions, Node};

use crate::Analysis;
use crate::analysis::parse;
use crate::catalog::Catalog;
use crate::reading::Kind;

/// What the server found in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Testimony {
    /// Columns by the identity that RowDescription gives them.
    columns: Vec<(u32, i16)>,
    /// Functions that neither PostgreSQL nor an extension brought, as `schema.name`.
    functions: Vec<Box<str>>,
    /// Operators of the same sort.
    operators: Vec<Box<str>>,
}

/// An answer that does not have the shape of [`Testimony::QUERY`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row of the testimony is not understood")]
pub struct NoTestimony;

/// What is not understood where the server cannot say.
const LOCKED: &str = "what the database makes of it while a table is locked";

/// What is not understood where the server says otherwise.
const CONTRADICTION: &str = "contradicted by the database";

impl Testimony {
    /// The name of the function, in the schema `pg_temp`.
    pub const FUNCTION: &str = "panguard_testimony";

    /// One statement that reads what [`Testimony::from_rows`] needs, in the transaction that has made the function.
    /// Its answer has three text columns.
    pub const QUERY: &str = include_str!("testimony/query.sql");

    /// Takes the answer to [`Testimony::QUERY`].
    ///
    /// # Errors
    /// [`NoTestimony`] if a row has another shape.
    pub fn from_rows<'a>(rows: impl Iterator<Item = Vec<Option<&'a str>>>) -> Result<Self, NoTestimony> {
        let mut testimony = Self::default();
        for row in rows {
            match row.as_slice() {
                [Some("column"), Some(relation), Some(number)] => {
                    let column = relation.parse().ok().zip(number.parse().ok()).ok_or(NoTestimony)?;
                    testimony.columns.push(column);
                }
                [Some("function"), Some(schema), Some(name)] => {
                    testimony.functions.push(format!("{schema}.{name}").into());
                }
                [Some("operator"), _, Some(name)] => testimony.operators.push((*name).into()),
                _ => return Err(NoTestimony),
            }
        }
        Ok(testimony)
    }
}

impl Analysis {
    /// Whether the server could say something of it that may matter: it reads or changes a table that is not the
    /// server's own.
    pub fn is_attestable(&self) -> bool {
        let is_system =
            |name: &str| name.starts_with("pg_catalog.") || name.starts_with("information_schema.");
        let touches = |it: &Use| {
            matches!(it.action, Action::Read | Action::Write)
                && matches!(&it.resource, Resource::Table(name) if !is_system(name))
        };
        self.facts.uses.iter().any(touches)
    }

    /// The same, held against what the server says; and whether the two contradict each other.
    ///
    /// What either says is sensitive is sensitive. A contradiction is not understood.
    pub fn attest(&self, testimony: Option<&Testimony>, catalog: &Catalog) -> (Self, bool) {
        let mut facts = Facts::clone(&self.facts);
        let contradicted = testimony.is_some_and(|testimony| {
            self.calls(testimony, catalog, &mut facts);
            self.misses(testimony, catalog, &mut facts)
        });
        if contradicted {
            facts.not_understood.push(CONTRADICTION.into());
            facts.in_reach = catalog.classes();
            facts.effect = Effect::Data;
        }
        (Self { facts: Arc::new(facts), attested: true, ..self.clone() }, contradicted)
    }

    /// The same, not understood: the server could not be asked, for something that it names is locked.
    #[must_use]
    pub fn unattested(&self, catalog: &Catalog) -> Self {
        let mut facts = Facts::clone(&self.facts);
        facts.not_understood.push(LOCKED.into());
        facts.in_reach = catalog.classes();
        facts.effect = Effect::Data;
        Self { facts: Arc::new(facts), ..self.clone() }
    }

    /// Adds the functions that the server calls and nobody named: those behind casts and operators.
    fn calls(&self, testimony: &Testimony, catalog: &Catalog, facts: &mut Facts) {
        let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let named: Vec<String> = facts.functions.iter().map(|name| last(name)).collect();
        let operators = testimony.operators.iter().map(|name| format!("operator {name}"));
        for found in testimony.functions.iter().map(ToString::to_string).chain(operators) {
            let is_known = named.contains(&last(&found)) || facts.functions.iter().any(|it| **it == *found);
            if is_known || facts.not_understood.iter().any(|what| what.contains(&last(&found))) {
                continue;
            }
            for class in catalog.in_reach_of(&found) {
                if !facts.in_reach.contains(class) {
                    facts.in_reach.push(class.clone());
                }
            }
            let name: Box<str> = found.into();
            facts.uses.push(Use { action: Action::Call, resource: Resource::Function(name.clone()) });
            facts.functions.push(name);
            facts.effect = Effect::Data;
        }
    }

    /// Adds the labelled columns that the server reads and nobody named; whether there are any that should have been.
    ///
    /// A function in FROM that returns rows of a table names their columns and not the table: it is taken to read them.
    fn misses(&self, testimony: &Testimony, catalog: &Catalog, facts: &mut Facts) -> bool {
        let mut missed = false;
        for &(relation, number) in &testimony.columns {
            for id in catalog.held_by(relation, number) {
                let Some(labelled) = catalog.labelled(id).filter(|labelled| !labelled.system) else {
                    continue;
                };
                let is_used = facts.columns.iter().any(|used| used.column == labelled.name);
                if is_used || self.mentioned.contains(&id) {
                    continue;
                }
                let table = labelled.name.rsplit_once('.').map_or(&*labelled.name, |(table, _)| table);
                let is_of_table =
                    |it: &Use| matches!(&it.resource, Resource::Table(name) if **name == *table);
                let may_be_returned =
                    !testimony.functions.is_empty() && !self.facts.uses.iter().any(is_of_table);
                if may_be_returned {
                    let read = Use { action: Action::Read, resource: Resource::Table(table.into()) };
                    if !facts.uses.contains(&read) {
                        facts.uses.push(read);
                    }
                }
                missed |= !may_be_returned;
                facts.columns.extend(labelled.classes.iter().map(|class| ColumnUse {
                    column: labelled.name.clone(),
                    class: class.clone(),
                    position: Position::Computed,
                }));
            }
        }
        missed
    }
}

/// The queries of `sql`, one after the other, as the body of a function may hold them; `None` if there is none.
///
/// Those that stand in other statements (`EXPLAIN`, `DECLARE`, `COPY`, `CREATE TABLE AS`) are written anew; where all
/// are queries, the text is given as it is.
pub fn queries(sql: &str) -> Option<String> {
    let tree = parse(sql).ok()?;
    let all = || tree.stmts.iter().filter_map(|raw| raw.stmt.as_deref());
    if !tree.stmts.is_empty() && all().all(is_query) {
        return Some(sql.to_owned());
    }
    let texts: Option<Vec<String>> = all().filter_map(inner).map(deparse).collect();
    let text = texts.filter(|texts| !texts.is_empty())?.join(";\n");
    // The deparser writes some things as the grammar does not have them, such as `FETCH FIRST NULL ROWS WITH TIES`.
    parse(&text).ok().map(|_| text)
}

pub(crate) fn is_query(node: &Node) -> bool {
    match &node.node {
        Some(Kind::SelectStmt(select)) => select.into_clause.is_none(),
        Some(Kind::InsertStmt(_) | Kind::UpdateStmt(_) | Kind::DeleteStmt(_) | Kind::MergeStmt(_)) => true,
        _ => false,
    }
}

/// The query that a statement is, or holds.
fn inner(node: &Node) -> Option<&Node> {
    if is_query(node) {
        return Some(node);
    }
    let held = match &node.node {
        Some(Kind::ExplainStmt(it)) => it.query.as_deref(),
        Some(Kind::DeclareCursorStmt(it)) => it.query.as_deref(),
        Some(Kind::CopyStmt(it)) => it.query.as_deref(),
        Some(Kind::CreateTableAsStmt(it)) => it.query.as_deref(),
        Some(Kind::ViewStmt(it)) => it.query.as_deref(),
        // What its parameters are is said by names of types.
        Some(Kind::PrepareStmt(it)) if it.argtypes.is_empty() => it.query.as_deref(),
        _ => None,
    };
    held.filter(|query| is_query(query))
}

pub(crate) fn deparse(query: &Node) -> Option<String> {
    let statement = RawStmt { stmt: Some(Box::new(query.clone())), ..RawStmt::default() };
    let tree = ParseResult { version: 0, stmts: vec![statement] };
    // The deparser is another's code, and must not be more than a testimony that is not to be had.
    std::panic::catch_unwind(|| tree.deparse(DeparseOptions::default()).ok()).ok().flatten()
}
