//! Functions and operators: what is to be made of a call, by the manifest of what PostgreSQL and its
//! extensions bring, and by what the snapshot of the catalog knows beside that.
//!
//! | the function is | it needs |
//! |---|---|
//! | the server's, and computes or tells | nothing |
//! | the server's, and leaves what is plain to see | nothing, and its effect is noted |
//! | the server's of another sort; an extension's; the operator's | leave to `call` it |
//! | one that shows or runs texts, whoever's | leave to `call`, and is not understood |
//! | in no manifest and not in the snapshot | the same |
//!
//! The last row holds for a function that somebody made since the snapshot was taken, for at most as long as
//! a snapshot lasts. To take it for just another `call` would be laxer: nobody could have looked at it, and a
//! leave to call anything would cover what was made a moment ago.

use access::{Effect, Position};
use pg_query::Node;
use pg_query::protobuf::FuncCall;

use crate::catalog::LabelledId;
use crate::manifest::{Class, FUNCTIONS, Major};
use crate::reading::{Kind, Reading, strings};

impl<'a> Reading<'a> {
    /// Notes a call of the function of this name, in as many parts as it was written with.
    pub fn function(&mut self, name: &'a [Node]) {
        let parts: Vec<&str> = strings(name).collect();
        match parts.as_slice() {
            [name] => self.unqualified_function(name),
            // The grammar writes some that are not in every version (`extract`), and only a superuser could
            // put another there.
            [.., "pg_catalog" | "information_schema", name] => self.built_in(name, None),
            [.., schema, name] => self.users_function(&format!("{schema}.{name}")),
            [] => self.not_understood("a function without a name"),
        }
    }

    fn unqualified_function(&mut self, name: &str) {
        // `pan(c)` is `c.pan`.
        self.mark_name(name, Position::Computed);
        let major = self.catalog.major();
        // An extension's function of a harmless built-in's name (citext has its own `max` and `replace`)
        // is taken to be what its name says; it was installed by whoever may install anything.
        let harmless = matches!(need(name, major), Some(Need::Nothing | Need::Effect(_)));
        if self.catalog.has_own_function(name) || (self.catalog.has_function(name) && !harmless) {
            return self.users_function(name);
        }
        self.built_in(name, major);
    }

    fn built_in(&mut self, name: &str, major: Option<Major>) {
        self.of_session |= is_of_session(name, major);
        self.sets |= matches!(FUNCTIONS.of_server(name, major), Some(Class::Session | Class::Settings));
        match need(name, major) {
            Some(Need::Nothing) => {}
            Some(Need::Effect(effect)) => self.effect(effect),
            Some(Need::Leave) => self.calls(name),
            Some(Need::Understanding) | None => {
                self.calls(name);
                self.unclear(name);
            }
        }
    }

    /// What it does is not known, DDL included.
    pub fn users_function(&mut self, name: &str) {
        self.calls(name);
        self.unclear(name);
        self.changes_catalog = true;
    }

    /// Notes a function that no leave to `call` covers: because of what it may show or run, or because
    /// nobody knows it.
    fn unclear(&mut self, name: &str) {
        let name = name.rsplit('.').next().unwrap_or(name);
        let worst = FUNCTIONS.worst(name, self.catalog.major());
        if worst.is_none() && !self.catalog.has_function(name) {
            // It may do anything, DDL included, and a new snapshot may know it.
            self.changes_catalog = true;
            return self.not_understood(format!("function {name}"));
        }
        if is_opaque(name, self.catalog.major()) {
            self.not_understood(format!("function {name}"));
        }
    }

    /// Whether it is one of PostgreSQL's functions that show an expression of a definition.
    pub fn shows_expression(&self, name: &[Node]) -> bool {
        let parts: Vec<&str> = strings(name).collect();
        let ([name] | ["pg_catalog", name]) = parts.as_slice() else { return false };
        let class = FUNCTIONS.of_server(name, self.catalog.major());
        class == Some(Class::Expressions) && !self.catalog.has_own_function(name)
    }

    /// The column of PostgreSQL's own that holds what a function tells, if it is one of PostgreSQL's that tell whole
    /// definitions.
    pub fn shows_definition(&self, name: &[Node]) -> Option<LabelledId> {
        let parts: Vec<&str> = strings(name).collect();
        let name = match parts.as_slice() {
            [name] if !self.catalog.has_function(name) => *name,
            ["pg_catalog", name] => *name,
            _ => return None,
        };
        let (_, relation, column) = DEFINITIONS.iter().find(|(function, ..)| *function == name)?;
        let known = FUNCTIONS.of_server(name, self.catalog.major()) == Some(Class::Definitions);
        self.catalog.system_label(relation, column).filter(|_| known)
    }

    /// What a call tells, if its function is one of PostgreSQL's that tell texts of definitions in which card numbers are.
    /// One of that name that is the operator's own may well call it.
    pub fn tells_text(&mut self, call: &'a FuncCall) -> Option<LabelledId> {
        let name = strings(&call.funcname).last()?;
        if !self.catalog.may_tell_text(name) {
            return None;
        }
        let of = match call.args.first() {
            Some(Node { node: Some(Kind::ColumnRef(_)) }) => self.plain(call.args.first()?),
            _ => None,
        };
        let of = match of.as_deref() {
            Some([trace]) if trace.plain => Some(trace.column),
            _ => None,
        };
        self.catalog.text_told_by(name, of)
    }

    /// Whether a function of this name may take a row.
    pub fn takes_a_row(&self, name: &str) -> bool {
        self.catalog.has_function(name) || ROW_FUNCTIONS.contains(&name)
    }

    /// Notes `(x).name` or `t.name` where that may be the call `name(x)`.
    ///
    /// Most such names are fields, of which nothing is to be said here. Those that are functions of the
    /// operator's, and those built-in ones that do more than compute, count as calls.
    pub fn attribute(&mut self, name: &str) {
        if self.catalog.has_function(name) {
            return self.unqualified_function(name);
        }
        // What implements a type or an operator (`text_larger`, `date_in`) only computes, and has many names.
        let powerful = FUNCTIONS
            .worst(name, None)
            .is_some_and(|class| class != Class::Internal && !matches!(Need::of(class), Need::Nothing));
        if powerful || POWERFUL_STARTS.iter().any(|start| name.starts_with(start)) {
            self.built_in(name, self.catalog.major());
        }
    }

    /// Notes the use of an operator.
    pub fn operator(&mut self, name: &'a [Node]) {
        let parts: Vec<&str> = strings(name).collect();
        match parts.as_slice() {
            // A built-in name may also be an extension's operator for a type of its own; which of the two
            // it is depends on types that are not known here.
            [name] if OPERATORS.contains(name) => {}
            [] | [.., "pg_catalog", _] => {}
            [name] if self.catalog.has_own_operator(name) => self.calls(&format!("operator {name}")),
            // Installed by whoever may install anything, and there to be written in queries.
            [name] if self.catalog.has_extension_operator(name) => {}
            // Made since the snapshot was taken, by whomever, and a function of any sort is behind it.
            [name] => self.not_understood(format!("operator {name}")),
            [.., schema, name] => self.not_understood(format!("operator {schema}.{name}")),
        }
    }
}

/// Whether a built-in function of this name, in whatever version, only computes, or leaves what is plain to
/// see.
pub(crate) fn is_harmless(name: &str) -> bool {
    matches!(need(name, None), Some(Need::Nothing | Need::Effect(_)))
}

/// Whether the server itself brings a function of this name, and nothing that runs texts.
pub(crate) fn is_the_servers(name: &str, major: Option<Major>) -> bool {
    let class = FUNCTIONS.of_server(name, major);
    class.is_some_and(|class| !matches!(Need::of(class), Need::Understanding))
}

/// Whether what a built-in function of this name gives may hang on the session that calls it, or on what is there to know,
/// beyond the clock, chance and a sequence's next number.
pub(crate) fn is_of_session(name: &str, major: Option<Major>) -> bool {
    let class = FUNCTIONS.of_server(name, major);
    class.is_some_and(|it| !matches!(it, Class::Computes | Class::Waits | Class::Leaves | Class::Internal))
}

/// Whether a function of this name may show or run what no one can tell.
pub(crate) fn is_opaque(name: &str, major: Option<Major>) -> bool {
    let worst = FUNCTIONS.worst(name, major);
    worst.is_some_and(|class| matches!(Need::of(class), Need::Understanding))
        || OPAQUE_STARTS.iter().any(|start| name.starts_with(start))
}

/// What a call needs.
enum Need {
    /// Nothing.
    Nothing,
    /// Nothing, but it leaves something behind.
    Effect(Effect),
    /// Policy's leave to `call` it.
    Leave,
    /// More than leave to `call` it: a policy that names it as what is not understood.
    Understanding,
}

impl Need {
    fn of(class: Class) -> Self {
        match class {
            Class::Computes | Class::Tells | Class::Waits => Self::Nothing,
            Class::Session | Class::Locks => Self::Effect(Effect::Session),
            Class::Leaves => Self::Effect(Effect::Data),
            Class::Settings
            | Class::Expressions
            | Class::Sessions
            | Class::Files
            | Class::Server
            | Class::Writes
            | Class::Internal => Self::Leave,
            Class::Statements
            | Class::Definitions
            | Class::Values
            | Class::Credentials
            | Class::Catalog
            | Class::RunsSql
            | Class::Unreadable => Self::Understanding,
            // Of settings; no function is one.
            Class::Shows
            | Class::Plans
            | Class::Scans
            | Class::Limits
            | Class::Transaction
            | Class::Valued
            | Class::Parses
            | Class::Identity
            | Class::Logs
            | Class::Runs => Self::Understanding,
        }
    }
}

/// What a call of this name needs that no function of the operator's or of an installed extension's answers
/// to. `None` if no manifest knows it.
fn need(name: &str, major: Option<Major>) -> Option<Need> {
    if let Some(class) = FUNCTIONS.of_server(name, major) {
        return Some(Need::of(class));
    }
    // An extension's, which the snapshot does not have.
    Some(match Need::of(FUNCTIONS.worst(name, major)?) {
        Need::Nothing | Need::Effect(_) | Need::Leave => Need::Leave,
        Need::Understanding => Need::Understanding,
    })
}

/// Beginnings of the names of functions that run SQL text, also of those that operators make of them
/// (`crosstab_of_5`) or that an extension adds.
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

/// Beginnings of the names of functions that no column is likely to have.
const POWERFUL_STARTS: [&str; 7] = ["pg_", "lo_", "txid_", "binary_upgrade_", "brin_", "gin_", "currtid"];

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

/// PostgreSQL's functions that tell a whole definition, each with the relation and the column that hold the same.
const DEFINITIONS: [(&str, &str, &str); 4] = [
    ("pg_get_function_sqlbody", "pg_proc", "prosrc"),
    ("pg_get_functiondef", "pg_proc", "prosrc"),
    ("pg_get_ruledef", "pg_rules", "definition"),
    ("pg_get_viewdef", "pg_views", "definition"),
];

/// PostgreSQL's functions that take one argument of any type, or a row.
#[rustfmt::skip]
const ROW_FUNCTIONS: &[&str] = &[
    "any_out", "anycompatible_out", "anycompatiblenonarray_out", "anyelement_out", "anynonarray_out",
    "any_value", "array_agg", "concat", "count", "cume_dist", "dense_rank", "first_value", "hash_record",
    "json_agg", "json_build_array", "json_build_object", "jsonb_agg", "jsonb_build_array",
    "jsonb_build_object", "lag", "last_value", "lead", "max", "min", "mode", "num_nonnulls", "num_nulls",
    "percent_rank", "pg_collation_for", "pg_column_compression", "pg_column_size", "pg_typeof",
    "quote_literal", "quote_nullable", "rank", "record_larger", "record_out", "record_send",
    "record_smaller", "row_to_json", "to_json", "to_jsonb", "json_agg_strict", "jsonb_agg_strict", "format",
];
