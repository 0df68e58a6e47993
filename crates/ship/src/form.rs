//! Entries in the forms that others' collectors read: an entry a line, whatever is in it. Pure.

mod cef;
mod ecs;
mod leaf;
mod ocsf;
mod otlp;
mod syslog;
#[cfg(test)]
mod tests;

use notify::plain_json;
use serde_json::{Value, json};

pub use leaf::Leaf;
pub(crate) use otlp::{record, rejected, request};

/// In which form an entry is told. Each is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// OCSF 1.7, a JSON object a line.
    Ocsf,
    /// Elastic Common Schema 9, a JSON object a line.
    Ecs,
    /// Common Event Format 0.
    Cef,
    /// Syslog messages (RFC 5424), without framing.
    Syslog,
    /// Entries as they are in the log, as `audit list --format json` prints them.
    Json,
}

impl Form {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Ocsf, Self::Ecs, Self::Cef, Self::Syslog, Self::Json];

    /// The word for it in configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ocsf => "ocsf",
            Self::Ecs => "ecs",
            Self::Cef => "cef",
            Self::Syslog => "syslog",
            Self::Json => "json",
        }
    }

    /// The entry as a message of syslog: of this form, or with it as its text.
    pub fn message(self, leaf: &Leaf<'_>) -> String {
        match self {
            Self::Syslog => syslog::message(leaf),
            other => syslog::around(leaf, &other.line(leaf)),
        }
    }

    /// The entry in this form, without a line end.
    pub fn line(self, leaf: &Leaf<'_>) -> String {
        match self {
            Self::Ocsf => plain_json(&ocsf::event(leaf)),
            Self::Ecs => plain_json(&ecs::document(leaf)),
            Self::Cef => cef::line(leaf),
            Self::Syslog => syslog::message(leaf),
            Self::Json => plain_json(&json!({ "index": leaf.index, "entry": of_log(leaf) })),
        }
    }
}

fn of_log(leaf: &Leaf<'_>) -> Value {
    // INVARIANT: it is what `Entry::to_json` wrote.
    serde_json::from_str(&leaf.json).unwrap_or(Value::Null)
}
