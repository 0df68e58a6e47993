//! PostgreSQL's own relations: which tell only of what exists, and which of values and of statements.

use crate::catalog::{Catalog, Relation};
use crate::manifest::{self, Class, Major, RELATIONS};

/// Whether none of what this name can mean is a system relation that may hold values of users' columns,
/// text of statements, definitions, or credentials, or one that no manifest knows.
///
/// Extensions put relations like `pg_stat_statements` into any schema, so a name that begins with `pg_` is
/// judged wherever it is.
pub(crate) fn may_be_read(
    catalog: &Catalog,
    schema: Option<&str>,
    name: &str,
    relations: &[&Relation],
) -> bool {
    let system = name.starts_with("pg_")
        || schema.is_some_and(is_own)
        || relations.iter().any(|relation| is_own(&relation.schema));
    // A table of the session's own has no say over what is in it.
    let temporary = schema == Some("pg_temp") && !name.starts_with("pg_");
    // What is in some of its columns is known by those alone.
    let told_apart = manifest::columns().all(|(relation, _)| relation != name)
        || relations.iter().any(|relation| relation.columns.iter().any(|column| column.label.is_some()));
    !system || temporary || (told_apart && RELATIONS.worst(name, catalog.major()) == Some(Class::Tells))
}

/// Whether no system relation of this name holds values of users' columns or texts of others' statements. Definitions
/// hold neither, and the names of `information_schema`'s relations are anybody's words.
pub(crate) fn tells(name: &str, major: Option<Major>) -> bool {
    let in_parts = name.starts_with("pg_stat") && manifest::columns().any(|(relation, _)| relation == name);
    let known = !name.starts_with("pg_") || RELATIONS.worst(name, major).is_none_or(|it| it == Class::Tells);
    known && !in_parts
}

/// Whether a schema is PostgreSQL's own.
pub(crate) fn is_own(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

/// Whether a name may mean one of PostgreSQL's own relations, but for tables of the session's own.
pub(crate) fn is_system(schema: Option<&str>, name: &str, relations: &[&Relation]) -> bool {
    let unknown = match schema {
        Some("pg_temp") => name.starts_with("pg_"),
        Some(schema) => is_own(schema),
        None => name.starts_with("pg_"),
    };
    relations.iter().any(|it| is_own(&it.schema)) || (relations.is_empty() && unknown)
}
