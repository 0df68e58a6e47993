//! SET and RESET: which settings a session may change without changing what panguard understands.

use access::{Action, Effect, Resource};
use pg_query::Node;
use pg_query::protobuf::{FuncCall, VariableSetKind, VariableSetStmt, a_const};

use crate::manifest::{Class, SETTINGS};
use crate::reading::{Kind, Reading, strings};

impl<'a> Reading<'a> {
    pub fn set(&mut self, set: &'a VariableSetStmt) {
        self.uses(Action::Session, Resource::Connection);
        self.effect(Effect::Session);
        // What it does hangs on the value.
        self.literal_free = false;
        let name = set.name.to_lowercase();
        self.sets |= match (set.kind(), set.args.as_slice()) {
            (VariableSetKind::VarSetValue, [value]) => !changes_nothing(&name, &written(value)),
            // What it was when the session began.
            (
                VariableSetKind::VarSetDefault | VariableSetKind::VarReset | VariableSetKind::VarResetAll,
                _,
            ) => false,
            _ => true,
        };
        let understood = match set.kind() {
            VariableSetKind::VarSetValue => self.may_be_set(&name, &set.args),
            VariableSetKind::VarSetDefault | VariableSetKind::VarReset => {
                // What it was when the session began is what panguard let it begin with.
                is_free(&name) || matches!(class(&name), Some(Class::Valued | Class::Scans))
            }
            VariableSetKind::VarResetAll => true,
            // SET TRANSACTION and SET SESSION CHARACTERISTICS: only modes, which are constants.
            VariableSetKind::VarSetMulti => {
                matches!(name.as_str(), "transaction" | "session characteristics")
            }
            VariableSetKind::VarSetCurrent | VariableSetKind::Undefined => false,
        };
        if !understood {
            self.not_understood(format!("set {name}"));
        }
    }

    /// Notes `set_config('name', 'value', …)` as the SET that it is, where any value or this one may be set; otherwise it is a call like any.
    pub fn sets_config(&mut self, call: &'a FuncCall) -> bool {
        let parts: Vec<&str> = strings(&call.funcname).collect();
        let (["set_config"] | ["pg_catalog", "set_config"]) = parts.as_slice() else { return false };
        let ([name, value, is_local], false) =
            (call.args.as_slice(), self.catalog.has_own_function("set_config"))
        else {
            return false;
        };
        let given = |node: &Node| matches!(node.node, Some(Kind::AConst(_) | Kind::ParamRef(_)));
        self.literal_free = false;
        let Some(name) = text(name).filter(|_| given(value) && given(is_local)) else { return false };
        if !self.may_be_set(&name.to_lowercase(), std::slice::from_ref(value)) {
            return false;
        }
        self.uses(Action::Session, Resource::Connection);
        self.effect(Effect::Session);
        self.sets = true;
        true
    }

    fn may_be_set(&mut self, name: &str, args: &[Node]) -> bool {
        let mut values = args.iter().map(text);
        match name {
            // Otherwise the text that is parsed here is not the text that the server parses.
            "standard_conforming_strings" => {
                values.all(|value| matches!(value, Some("on" | "true" | "yes" | "1")))
            }
            "client_encoding" => values.all(|value| {
                value.is_some_and(|value| {
                    matches!(value.to_lowercase().as_str(), "utf8" | "utf-8" | "unicode")
                })
            }),
            // Below `notice` the server tells the client what it logs: statements, plans, values.
            "client_min_messages" => values.all(|value| {
                value.is_some_and(|value| {
                    matches!(value.to_lowercase().as_str(), "notice" | "warning" | "error")
                })
            }),
            // Tables and functions are resolved in every schema, whatever the path; a schema that is not
            // known may hold operators.
            "search_path" => {
                let known = values.all(|value| {
                    value.is_some_and(|value| {
                        matches!(value, "$user" | "public" | "pg_catalog" | "")
                            || self.catalog.has_schema(value)
                    })
                });
                let quoted = |value: &str| format!("\"{}\"", value.replace('"', "\"\""));
                let path: Vec<String> = args.iter().filter_map(text).map(quoted).collect();
                self.search_paths.push(path.join(", ").into());
                known
            }
            // Rows that come by an index over a labelled column come in its order.
            name => is_free(name) || (class(name) == Some(Class::Scans) && !self.catalog.is_ordered()),
        }
    }
}

/// Whether no command does anything else by this setting (`SHOW` in any case, `SET` as written), nor are its values shown
/// otherwise; it may not come to its end.
pub fn changes_nothing(name: &str, value: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        // Each value in full, as by default; below, floating-point numbers are rounded as they become text.
        "extra_float_digits" => matches!(value, "1" | "2" | "3"),
        name => CHANGES_NOTHING.contains(&name),
    }
}

/// Settings by whatever value of which no command does anything else.
const CHANGES_NOTHING: [&str; 7] = [
    "application_name",
    "client_encoding",
    "client_min_messages",
    "geqo",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "statement_timeout",
];

/// A constant as it is written; empty if it is something else.
fn written(value: &Node) -> String {
    let Some(Kind::AConst(constant)) = &value.node else { return String::new() };
    match &constant.val {
        Some(a_const::Val::Ival(number)) => number.ival.to_string(),
        _ => text(value).unwrap_or_default().into(),
    }
}

/// Whether a setting changes how values are shown or how queries are run, and nothing else. One that no
/// manifest knows, or that an extension brings, may change anything.
fn is_free(name: &str) -> bool {
    matches!(class(name), Some(Class::Shows | Class::Plans | Class::Limits | Class::Transaction))
}

/// What the server's setting of this name is, in whatever version: one that it does not have it refuses, for
/// nobody can make one without a dot.
fn class(name: &str) -> Option<Class> {
    SETTINGS.of_server(name, None)
}

fn text(value: &Node) -> Option<&str> {
    let Some(Kind::AConst(value)) = &value.node else { return None };
    match &value.val {
        Some(a_const::Val::Sval(text)) => Some(&text.sval),
        _ => None,
    }
}
