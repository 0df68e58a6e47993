//! PostgreSQL's error conditions ([appendix A]), as far as an agent is told them when protected values are in reach.
//!
//! What is not listed here depends on values, or may: class 22 (data) and 23 (integrity) to begin with, then all that
//! code in the database chooses itself (`P0001` and any SQLSTATE that PostgreSQL does not know), a view's check option
//! (`44000`), a subquery that gives too many rows (`21000`).
//!
//! [appendix A]: https://www.postgresql.org/docs/current/errcodes-appendix.html

#[cfg(test)]
mod tests;

/// What every other condition is told as: PostgreSQL's `integrity_constraint_violation`, the head of class 23, so that
/// drivers raise what clients expect of a row that is not taken.
pub(crate) const FOLDED: &str = "23000";

/// A condition that keeps its SQLSTATE.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    sqlstate: &'static str,
    words: &'static str,
}

impl Kept {
    /// What it is, in PostgreSQL's own name for it or words that never vary.
    pub(crate) fn words(self) -> &'static str {
        self.words
    }

    /// Whether it says how the server is doing and not what the command is: whatever runs may meet it, and a client
    /// has to know it to do the right thing (to try again, to wait, to connect anew).
    pub(crate) fn is_of_the_server(self) -> bool {
        let classes = ["08", "25", "40", "53", "57", "58", "XX"];
        self.sqlstate == "55P03" || classes.iter().any(|class| self.sqlstate.starts_with(class))
    }
}

/// The condition of this SQLSTATE, if an agent may know it whatever is in reach.
pub(crate) fn kept(sqlstate: &str) -> Option<Kept> {
    let found = KEPT.iter().find(|(code, _)| *code == sqlstate)?;
    Some(Kept { sqlstate: found.0, words: found.1 })
}

/// Whether a source file of the server's is one that only reads statements.
pub(crate) fn reads_statements(file: &str) -> bool {
    ANALYSIS.contains(&file)
}

/// Whether a source file of the server's is one that defines and drops what exists, or looks at the rights to it: what
/// it says holds names.
pub(crate) fn defines(file: &str) -> bool {
    DEFINITIONS.contains(&file)
}

/// Whether a source file is one by which code in a procedural language raises errors of its own.
pub(crate) fn is_of_a_language(file: &str) -> bool {
    LANGUAGES.contains(&file)
}

/// Of `src/backend/parser`.
const ANALYSIS: [&str; 19] = [
    "analyze.c",
    "gram.y",
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

/// Of `src/backend/catalog` and `src/backend/commands`. Of `tablecmds.c` this holds for class 42 and for notices alone.
const DEFINITIONS: [&str; 7] =
    ["aclchk.c", "createas.c", "dropcmds.c", "heap.c", "index.c", "indexcmds.c", "tablecmds.c"];

/// Of `src/pl` and of what is often installed beside it. PL/pgSQL's are told by their routine.
const LANGUAGES: [&str; 5] = ["plperl.c", "plpy_elog.c", "plv8.cc", "plv8_func.cc", "pltcl.c"];

#[rustfmt::skip]
const KEPT: &[(&str, &str)] = &[
    ("08000", "connection exception"),
    ("08003", "connection does not exist"),
    ("08006", "connection failure"),
    ("08P01", "protocol violation"),
    ("0A000", "feature not supported"),
    ("24000", "invalid cursor state"),
    ("25000", "invalid transaction state"),
    ("25001", "active sql transaction"),
    ("25006", "read only sql transaction"),
    ("25P01", "no active sql transaction"),
    ("25P02", "current transaction is aborted, commands ignored until end of transaction block"),
    ("25P03", "terminating connection due to idle-in-transaction timeout"),
    ("25P04", "terminating connection due to transaction timeout"),
    ("26000", "invalid sql statement name"),
    ("28000", "invalid authorization specification"),
    ("2BP01", "dependent objects still exist"),
    ("2D000", "invalid transaction termination"),
    ("34000", "invalid cursor name"),
    ("3B001", "invalid savepoint specification"),
    ("3D000", "invalid catalog name"),
    ("3F000", "invalid schema name"),
    ("40000", "transaction rollback"),
    ("40001", "could not serialize access"),
    ("40003", "statement completion unknown"),
    ("40P01", "deadlock detected"),
    ("42000", "syntax error or access rule violation"),
    ("42501", "permission denied"),
    ("42601", "syntax error"),
    ("42602", "invalid name"),
    ("42611", "invalid column definition"),
    ("42622", "name too long"),
    ("42701", "duplicate column"),
    ("42702", "ambiguous column"),
    ("42703", "undefined column"),
    ("42704", "undefined object"),
    ("42710", "duplicate object"),
    ("42712", "duplicate alias"),
    ("42723", "duplicate function"),
    ("42725", "ambiguous function"),
    ("42803", "grouping error"),
    ("42804", "datatype mismatch"),
    ("42809", "wrong object type"),
    ("42830", "invalid foreign key"),
    ("42846", "cannot coerce"),
    ("42883", "undefined function"),
    ("42939", "reserved name"),
    ("42P01", "undefined table"),
    ("42P02", "undefined parameter"),
    ("42P03", "duplicate cursor"),
    ("42P04", "duplicate database"),
    ("42P05", "duplicate prepared statement"),
    ("42P06", "duplicate schema"),
    ("42P07", "duplicate table"),
    ("42P08", "ambiguous parameter"),
    ("42P09", "ambiguous alias"),
    ("42P10", "invalid column reference"),
    ("42P11", "invalid cursor definition"),
    ("42P12", "invalid database definition"),
    ("42P13", "invalid function definition"),
    ("42P14", "invalid prepared statement definition"),
    ("42P15", "invalid schema definition"),
    ("42P16", "invalid table definition"),
    ("42P17", "invalid object definition"),
    ("42P18", "indeterminate datatype"),
    ("42P19", "invalid recursion"),
    ("42P20", "windowing error"),
    ("42P21", "collation mismatch"),
    ("42P22", "indeterminate collation"),
    ("53000", "insufficient resources"),
    ("53100", "disk full"),
    ("53200", "out of memory"),
    ("53300", "too many connections"),
    ("53400", "configuration limit exceeded"),
    ("54000", "program limit exceeded"),
    ("54001", "statement too complex"),
    ("54011", "too many columns"),
    ("54023", "too many arguments"),
    ("55000", "object not in prerequisite state"),
    ("55006", "object in use"),
    ("55P02", "cannot change runtime parameter"),
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
