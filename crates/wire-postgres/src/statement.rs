//! Prepared statements and portals, as panguard remembers them to decide and to mask.

use std::sync::{Arc, OnceLock};

use access::{Answer, Facts, Parameter, Redacted, Terms};
use sql::{Analysis, Catalog};

use crate::columns::Columns;
use crate::command::Format;
use crate::kept::{Kept, Share};

/// A prepared statement: what was decided upon, and how its rows were described.
pub(crate) struct Statement {
    /// The text that was prepared, or in which it was.
    pub(crate) sql: Arc<str>,
    pub(crate) origin: Origin,
    /// Parameter types, as far as the agent gave them; 0 where it left one to the server.
    declared: Vec<u32>,
    /// Parameter types, from the upstream's own description.
    parameters: OnceLock<Vec<u32>>,
    /// The terms under which it was prepared: they say which masked numbers are described as text.
    terms: OnceLock<Terms>,
    /// What was decided upon then, with what it runs by name.
    facts: OnceLock<Arc<Facts>>,
    /// How its rows were described when it was prepared.
    rows: OnceLock<Rows>,
    kept: Share,
}

/// How the statement came to be, and what it means.
pub(crate) enum Origin {
    /// By a `Parse` message.
    Parse { analysis: Arc<Analysis>, understood: Understood },
    /// By SQL (`PREPARE`, `DECLARE`): only its facts are known.
    Sql { facts: Arc<Facts>, understood: Understood, named: Named },
}

/// Under which version of the catalog a statement was understood, and whether that was doubted.
pub(crate) type Understood = (u64, bool);

/// What SQL made, by its name.
pub(crate) enum Named {
    Statement(Box<str>),
    Cursor(Box<str>),
}

/// A description of rows; of none for a statement that gives none.
struct Rows {
    columns: Option<Columns>,
    _kept: Share,
}

impl Statement {
    pub(crate) fn parsed(
        sql: Arc<str>,
        declared: Vec<u32>,
        analysis: Arc<Analysis>,
        (catalog, doubted): (&Catalog, bool),
        kept: &Kept,
    ) -> Arc<Self> {
        Self::new(sql, declared, Origin::Parse { analysis, understood: (catalog.version(), doubted) }, kept)
    }

    /// `sql` is the whole text that holds the `PREPARE` or `DECLARE`.
    pub(crate) fn in_sql(
        sql: Arc<str>,
        facts: Arc<Facts>,
        (catalog, doubted): (&Catalog, bool),
        named: Named,
        kept: &Kept,
    ) -> Arc<Self> {
        let understood = (catalog.version(), doubted);
        Self::new(sql, Vec::new(), Origin::Sql { facts, understood, named }, kept)
    }

    fn new(sql: Arc<str>, declared: Vec<u32>, origin: Origin, kept: &Kept) -> Arc<Self> {
        let kept = kept.share(sql.len().saturating_add(size_of_val(declared.as_slice())));
        let (parameters, rows) = (OnceLock::new(), OnceLock::new());
        let (terms, facts) = (OnceLock::new(), OnceLock::new());
        Arc::new(Self { sql, origin, declared, parameters, terms, facts, rows, kept })
    }

    /// Takes note of the terms under which it was prepared, on these facts.
    pub(crate) fn prepared_under(&self, terms: Terms, facts: Arc<Facts>) {
        drop(self.terms.set(terms));
        drop(self.facts.set(facts));
    }

    /// In what answer it gives something is made of labelled columns, by what was known when it was prepared.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        let made = match &self.origin {
            Origin::Parse { analysis, .. } => &analysis.facts,
            Origin::Sql { facts, .. } => facts,
        };
        self.facts.get().unwrap_or(made).answers.first()
    }

    /// The terms under which its rows are described to the agent; the strictest where none are known.
    pub(crate) fn terms(&self) -> Terms {
        self.terms.get().cloned().unwrap_or_default()
    }

    /// Whether what the upstream says of it in words may pass.
    pub(crate) fn tells_errors(&self) -> bool {
        self.terms.get().is_some_and(|terms| terms.tells_errors)
    }

    /// The types of its parameters, as far as the agent gave them.
    pub(crate) fn declared(&self) -> &[u32] {
        &self.declared
    }

    /// Takes note of the types of its parameters.
    pub(crate) fn has_parameters(&self, types: Vec<u32>) {
        drop(self.parameters.set(types));
    }

    /// Takes the first description of its rows.
    pub(crate) fn describe(&self, columns: Option<Columns>) {
        drop(self.rows.set(Rows::new(columns, &self.kept)));
    }

    /// How its rows were described when it was prepared.
    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.rows.get()?.columns.as_ref()
    }
}

impl Rows {
    fn new(columns: Option<Columns>, beside: &Share) -> Self {
        let bytes = columns.as_ref().map_or(0, Columns::bytes);
        Self { columns, _kept: beside.another(bytes) }
    }
}

/// A bound statement, ready to run.
pub(crate) struct Portal {
    pub(crate) statement: Arc<Statement>,
    parameters: Vec<Redacted<Parameter>>,
    pub(crate) result_formats: Vec<Format>,
    /// What its rows hold. The description of its statement does not say: what the names in a statement
    /// stand for (tables, cursors, other statements) is settled anew with each `Bind`.
    rows: OnceLock<Rows>,
    /// By how many turns of the session it was bound.
    bound_in: u64,
    kept: Share,
}

impl Portal {
    pub(crate) fn new(
        statement: Arc<Statement>,
        parameters: Vec<Redacted<Parameter>>,
        result_formats: Vec<Format>,
        kept: &Kept,
    ) -> Self {
        let bytes: usize = parameters.iter().map(|parameter| bytes(parameter.expose())).sum();
        // The statement may be closed and is kept all the same.
        let kept = kept.share(bytes.saturating_add(statement.sql.len()));
        Self { statement, parameters, result_formats, rows: OnceLock::new(), bound_in: 0, kept }
    }

    /// Takes note of when it was bound.
    pub(crate) fn bound_in(self, turn: u64) -> Self {
        Self { bound_in: turn, ..self }
    }

    /// Whether nothing has gone upstream since it was bound that may change what names stand for.
    pub(crate) fn is_bound_in(&self, turns: u64) -> bool {
        self.bound_in == turns
    }

    /// Takes the description of its rows.
    pub(crate) fn describe(&self, columns: Option<Columns>) {
        drop(self.rows.set(Rows::new(columns, &self.kept)));
    }

    /// Whether the upstream has described its rows.
    pub(crate) fn is_described(&self) -> bool {
        self.rows.get().is_some()
    }

    /// What its rows hold, once the upstream has described them.
    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.rows.get()?.columns.as_ref()
    }

    /// Whether it can outlive the transaction that made it: only a cursor `WITH HOLD` can.
    pub(crate) fn may_last(&self) -> bool {
        matches!(&self.statement.origin, Origin::Sql { named: Named::Cursor(_), .. })
    }

    /// The parameters with the types that the upstream gave them; those that the agent gave them, while the
    /// upstream has not said (in a pipeline it runs before it is described).
    pub(crate) fn typed_parameters(&self) -> Vec<Redacted<Parameter>> {
        let types = self.statement.parameters.get().unwrap_or(&self.statement.declared);
        let typed = |(index, parameter): (usize, &Redacted<Parameter>)| match parameter.expose() {
            Parameter::Binary(value, _) => {
                Redacted::new(Parameter::Binary(value.clone(), types.get(index).copied().unwrap_or(0)))
            }
            Parameter::Null | Parameter::Text(_) => parameter.clone(),
        };
        self.parameters.iter().enumerate().map(typed).collect()
    }
}

fn bytes(parameter: &Parameter) -> usize {
    size_of::<Parameter>()
        + match parameter {
            Parameter::Null => 0,
            Parameter::Text(value) | Parameter::Binary(value, _) => value.len(),
        }
}
