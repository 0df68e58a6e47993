//! PostgreSQL's error conditions ([appendix A]), and which of them say nothing of values.
//!
//! Most depend on values, or may: class 22 (data) and 23 (integrity) to begin with, a view's check option (`44000`), row
//! security (`42501`), a subquery that gives too many rows (`21000`), a cast to `regclass` (`42P01`), and all that code in
//! the database chooses itself (`P0001`, or any other by `RAISE`).
//!
//! [appendix A]: https://www.postgresql.org/docs/current/errcodes-appendix.html

#[cfg(test)]
mod tests;

/// What every condition is told as of which a value may decide: PostgreSQL's `integrity_constraint_violation`, the head
/// of class 23, so that drivers raise what clients expect of a row that is not taken.
pub(crate) const FOLDED: &str = "23000";

/// How the server is doing, in words that never vary: whatever runs may meet it, and a client has to know it to do the
/// right thing (to try again, to wait, to connect anew).
pub(crate) fn of_the_server(sqlstate: &str) -> Option<&'static str> {
    SERVER.iter().find(|(code, _)| *code == sqlstate).map(|(_, words)| *words)
}

/// Whether a condition of the server's is one that code can bring about at will.
pub(crate) fn is_to_be_reached(sqlstate: &str) -> bool {
    ["08", "58", "XX"].iter().any(|class| sqlstate.starts_with(class))
}

/// Whether a condition tells of names alone when the server finds it in a source file of [`reads_statements`] or
/// [`defines`].
pub(crate) fn is_of_names(sqlstate: &str) -> bool {
    NAMES.iter().any(|class| sqlstate.starts_with(class))
}

/// Whether a source file of the server's is one that only reads statements, when it gives a place in one.
pub(crate) fn reads_statements(file: &str) -> bool {
    ANALYSIS.contains(&file)
}

/// Whether a source file of the server's is one that makes and drops what exists, or looks at the rights to it, before
/// any row is looked at.
pub(crate) fn defines(file: &str) -> bool {
    DEFINITIONS.contains(&file)
}

/// Whether a source file is one by which code in a procedural language raises errors of its own.
pub(crate) fn is_of_a_language(file: &str) -> bool {
    LANGUAGES.contains(&file)
}

/// Features, cursors, statements, rights, dependencies, transactions, schemas, savepoints, syntax and names, limits,
/// states of objects.
const NAMES: [&str; 14] =
    ["0A", "24", "25", "26", "28", "2B", "2D", "34", "3B", "3D", "3F", "42", "54", "55"];

/// Of `src/backend/parser`, and how it looks up names.
const ANALYSIS: [&str; 20] = [
    "analyze.c",
    "gram.y",
    "namespace.c",
    "parse_agg.c",
    "parse_clause.c",
    "parse_coerce.c",
    "parse_collate.c",
    "parse_cte.c",
    "parse_expr.c",
    "parse_func.c",
    "parse_jsontable.c",
    "parse_merge.c",
    "parse_node.c",
    "parse_oper.c",
    "parse_param.c",
    "parse_relation.c",
    "parse_target.c",
    "parse_type.c",
    "parse_utilcmd.c",
    "scan.l",
];

/// Of `src/backend`: `catalog`, `commands`, `rewrite`, `optimizer` and `access/transam`. In none of them is an expression
/// evaluated for a row, but for conditions of other classes than [`NAMES`].
const DEFINITIONS: [&str; 15] = [
    "aclchk.c",
    "copy.c",
    "copyfrom.c",
    "createas.c",
    "dependency.c",
    "dropcmds.c",
    "heap.c",
    "index.c",
    "indexcmds.c",
    "plancat.c",
    "portalcmds.c",
    "prepare.c",
    "rewriteHandler.c",
    "tablecmds.c",
    "xact.c",
];

/// Of `src/pl` and of what is often installed beside it. PL/pgSQL's are told by their routine.
const LANGUAGES: [&str; 5] = ["plperl.c", "plpy_elog.c", "plv8.cc", "plv8_func.cc", "pltcl.c"];

#[rustfmt::skip]
const SERVER: &[(&str, &str)] = &[
    ("08000", "connection exception"),
    ("08003", "connection does not exist"),
    ("08006", "connection failure"),
    ("08P01", "protocol violation"),
    ("25000", "invalid transaction state"),
    ("25001", "active sql transaction"),
    ("25006", "read only sql transaction"),
    ("25P01", "no active sql transaction"),
    ("25P02", "current transaction is aborted, commands ignored until end of transaction block"),
    ("25P03", "terminating connection due to idle-in-transaction timeout"),
    ("25P04", "terminating connection due to transaction timeout"),
    ("40000", "transaction rollback"),
    ("40001", "could not serialize access"),
    ("40003", "statement completion unknown"),
    ("40P01", "deadlock detected"),
    ("53000", "insufficient resources"),
    ("53100", "disk full"),
    ("53200", "out of memory"),
    ("53300", "too many connections"),
    ("53400", "configuration limit exceeded"),
    ("55P03", "lock not available"),
    ("57000", "operator intervention"),
    ("57014", "query canceled"),
    ("57P01", "terminating connection due to administrator command"),
    ("57P02", "terminating connection because of crash of another server process"),
    ("57P03", "cannot connect now"),
    ("57P04", "database dropped"),
    ("57P05", "terminating connection due to idle-session timeout"),
    ("58000", "system error"),
    ("58030", "io error"),
    ("58P01", "undefined file"),
    ("58P02", "duplicate file"),
    ("XX000", "internal error"),
    ("XX001", "data corrupted"),
    ("XX002", "index corrupted"),
];
