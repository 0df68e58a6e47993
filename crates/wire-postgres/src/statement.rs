//! Prepared statements and portals, as panguard remembers them to decide and to mask.

use std::sync::{Arc, OnceLock};

use access::{Parameter, Redacted};
use sql::{Analysis, Catalog, NameUse};

use crate::columns::Columns;
use crate::command::Format;

/// A prepared statement: what was decided upon, and what its rows hold.
pub(crate) struct Statement {
    pub(crate) sql: Arc<str>,
    pub(crate) origin: Origin,
    /// Parameter types, from the upstream's own description.
    pub(crate) parameters: OnceLock<Vec<u32>>,
    /// What its rows hold and how they were described to the agent; `None` inside for a statement without
    /// rows. Set by the description that panguard asks for itself.
    pub(crate) columns: OnceLock<Option<Columns>>,
}

/// How the statement came to be.
pub(crate) enum Origin {
    /// By a `Parse` message; understood under a version of the catalog.
    Parse { analysis: Arc<Analysis>, catalog_version: u64 },
    /// By SQL (`PREPARE`, `DECLARE`): only its facts are known.
    Sql(Arc<access::Facts>),
}

impl Statement {
    pub(crate) fn parsed(sql: Arc<str>, analysis: Arc<Analysis>, catalog: &Catalog) -> Arc<Self> {
        let origin = Origin::Parse { analysis, catalog_version: catalog.version() };
        Arc::new(Self { sql, origin, parameters: OnceLock::new(), columns: OnceLock::new() })
    }

    pub(crate) fn in_sql(facts: Arc<access::Facts>) -> Arc<Self> {
        Arc::new(Self {
            sql: "".into(),
            origin: Origin::Sql(facts),
            parameters: OnceLock::new(),
            columns: OnceLock::new(),
        })
    }
}

/// A bound statement, ready to run.
pub(crate) struct Portal {
    pub(crate) statement: Arc<Statement>,
    pub(crate) parameters: Vec<Redacted<Parameter>>,
    pub(crate) result_formats: Vec<Format>,
    /// What the rows hold where the statement alone cannot tell (`FETCH`, `EXECUTE`): described anew for
    /// every portal, for what the name stands for may have changed since the statement was prepared.
    pub(crate) columns: OnceLock<Option<Columns>>,
}

impl Portal {
    pub(crate) fn new(
        statement: Arc<Statement>,
        parameters: Vec<Redacted<Parameter>>,
        result_formats: Vec<Format>,
    ) -> Arc<Self> {
        Arc::new(Self { statement, parameters, result_formats, columns: OnceLock::new() })
    }

    /// Whether its rows depend on what a name stands for when it runs.
    pub(crate) fn is_by_name(&self) -> bool {
        match &self.statement.origin {
            Origin::Parse { analysis, .. } => analysis.names.iter().any(runs),
            Origin::Sql(_) => true,
        }
    }

    /// What its rows hold, once the upstream has described them.
    pub(crate) fn columns(&self) -> Option<&Columns> {
        let described = if self.is_by_name() { &self.columns } else { &self.statement.columns };
        described.get()?.as_ref()
    }

    /// The parameters with the types that the upstream gave them.
    pub(crate) fn typed_parameters(&self) -> Vec<Redacted<Parameter>> {
        let types = self.statement.parameters.get().map(Vec::as_slice).unwrap_or_default();
        let typed = |(index, parameter): (usize, &Redacted<Parameter>)| match parameter.expose() {
            Parameter::Binary(value, _) => {
                Redacted::new(Parameter::Binary(value.clone(), types.get(index).copied().unwrap_or(0)))
            }
            Parameter::Null | Parameter::Text(_) => parameter.clone(),
        };
        self.parameters.iter().enumerate().map(typed).collect()
    }
}

/// Whether the rows of a statement are those of another that it names.
fn runs(name: &NameUse) -> bool {
    matches!(name, NameUse::Execute { .. } | NameUse::Fetch { .. })
}
