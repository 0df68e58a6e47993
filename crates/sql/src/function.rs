//! Functions and operators: which are known to be harmless.

use std::collections::HashSet;
use std::sync::LazyLock;

use access::{Effect, Position};
use pg_query::Node;

use crate::reading::{Reading, strings};

impl<'a> Reading<'a> {
    /// Notes a call of the function of this name, in as many parts as it was written with.
    pub fn function(&mut self, name: &'a [Node]) {
        let parts: Vec<&str> = strings(name).collect();
        match parts.as_slice() {
            [name] => self.unqualified_function(name),
            [.., "pg_catalog", name] => self.built_in(name),
            // Used by drivers to read keys and indexes; they compute on their arguments.
            [.., "information_schema", name] if name.starts_with("_pg_") => {}
            [.., schema, name] => self.users_function(&format!("{schema}.{name}")),
            [] => self.not_understood("a function without a name"),
        }
    }

    fn unqualified_function(&mut self, name: &str) {
        // `pan(c)` is `c.pan`.
        self.mark_name(name, Position::Computed);
        // An extension's function of a harmless built-in's name (citext has its own `max` and `replace`)
        // is taken to be what its name says; it was installed by whoever may install anything.
        let harmless = is_harmless(name);
        if self.catalog.has_own_function(name) || (self.catalog.has_function(name) && !harmless) {
            return self.users_function(name);
        }
        self.built_in(name);
    }

    fn built_in(&mut self, name: &str) {
        match sort(name) {
            Some(Sort::Harmless) => {}
            Some(Sort::Leaves(effect)) => self.effect(effect),
            None => {
                self.calls(name);
                self.opaque(name);
            }
        }
    }

    /// Notes a function that runs SQL given as text, or shows the text of a definition: no leave to `call`
    /// covers what that text may say.
    fn opaque(&mut self, name: &str) {
        let name = name.rsplit('.').next().unwrap_or(name);
        if OPAQUE.contains(&name) || OPAQUE_STARTS.iter().any(|start| name.starts_with(start)) {
            self.not_understood(format!("function {name}"));
        }
    }

    /// What it does is not known, DDL included.
    fn users_function(&mut self, name: &str) {
        self.calls(name);
        self.opaque(name);
        self.changes_catalog = true;
    }

    /// Notes `(x).name` or `t.name` where that may be the call `name(x)`.
    ///
    /// Most such names are fields, of which nothing is to be said here. Those that are functions of the
    /// operator's, and those built-in ones that do more than compute, count as calls.
    pub fn attribute(&mut self, name: &str) {
        if self.catalog.has_function(name) {
            return self.unqualified_function(name);
        }
        let powerful = ["pg_", "lo_", "txid_", "binary_upgrade_", "brin_", "gin_", "currtid"];
        let named = ["nextval", "ts_stat", "loread", "setseed", "cursor_to_xml", "table_to_xml"];
        if powerful.iter().any(|start| name.starts_with(start)) || named.contains(&name) {
            self.built_in(name);
        }
    }

    /// Notes the use of an operator.
    pub fn operator(&mut self, name: &'a [Node]) {
        let parts: Vec<&str> = strings(name).collect();
        match parts.as_slice() {
            // A built-in name may also be an extension's operator for a type of its own; which of the two
            // it is depends on types that are not known here.
            [name] if OPERATORS.contains(name) => {}
            [name] if !self.catalog.has_operator(name) => {}
            [] | [.., "pg_catalog", _] => {}
            [name] => self.calls(&format!("operator {name}")),
            [.., schema, name] => self.not_understood(format!("operator {schema}.{name}")),
        }
    }
}

/// Whether a built-in function of this name only computes, or leaves what is plain to see.
pub(crate) fn is_harmless(name: &str) -> bool {
    sort(name).is_some()
}

/// What is known of a built-in function.
enum Sort {
    /// It only computes.
    Harmless,
    /// It leaves something behind, but what is plain to see.
    Leaves(Effect),
}

fn sort(name: &str) -> Option<Sort> {
    match name {
        "nextval" | "setval" | "pg_notify" | "txid_current" | "pg_current_xact_id" => {
            Some(Sort::Leaves(Effect::Data))
        }
        "pg_advisory_lock"
        | "pg_advisory_lock_shared"
        | "pg_advisory_unlock"
        | "pg_advisory_unlock_all"
        | "pg_advisory_unlock_shared"
        | "pg_advisory_xact_lock"
        | "pg_advisory_xact_lock_shared"
        | "pg_try_advisory_lock"
        | "pg_try_advisory_lock_shared"
        | "pg_try_advisory_xact_lock"
        | "pg_try_advisory_xact_lock_shared"
        | "setseed" => Some(Sort::Leaves(Effect::Session)),
        name if HARMLESS.contains(name) => Some(Sort::Harmless),
        _ => None,
    }
}

/// Functions, PostgreSQL's and of its own extensions, that run SQL text or show definitions' texts, which may
/// hold values.
const OPAQUE: [&str; 9] = [
    "connectby",
    "pg_get_functiondef",
    "pg_get_ruledef",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "ts_rewrite",
    "ts_stat",
    "xpath_table",
    "plpgsql_check_function",
];

/// Beginnings of the names of more of them.
const OPAQUE_STARTS: [&str; 8] = [
    "crosstab",
    "cursor_to_xml",
    "database_to_xml",
    "dblink",
    "query_to_xml",
    "schema_to_xml",
    "table_to_xml",
    "binary_upgrade_",
];

static HARMLESS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("function/harmless.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// The names of PostgreSQL's own operators.
#[rustfmt::skip]
const OPERATORS: [&str; 79] = [
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "%", "&", "&&", "&<", "&<|", "&>", "*",
    "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/", "<", "<->", "<<", "<<=",
    "<<|", "<=", "<>", "!=", "<@", "<^", "=", ">", ">=", ">>", ">>=", ">^", "?", "?#", "?&", "?-", "?-|", "?|",
    "?||", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^@", "|", "|&>", "|/", "|>>", "||", "||/", "~",
    "~*", "~<=~", "~<~", "~=", "~>=~", "~>~", "~~", "~~*",
    "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC",
];
