//! A command as it is recorded, and what was understood of it.

use std::sync::Arc;

use access::{DataClass, Effect, Facts, Position, Resource, Stage, Trace};
use serde::{Deserialize, Serialize};

/// A command as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Whether it was being prepared or about to run.
    pub stage: StageWord,
    /// Its text, masked; shortened when the entry would be longer than a tile can hold.
    pub statement: Arc<str>,
    /// Bytes of the text as the agent sent it.
    pub statement_bytes: u64,
    /// Whether `statement`, `parameters` or `facts` were shortened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shortened: bool,
    /// Its parameters in order, masked; `None` is NULL.
    pub parameters: Vec<Option<Box<str>>>,
    /// A keyed digest of the text and parameters as sent, in hex: tells equal commands from others and
    /// tells nothing else.
    pub fingerprint: Box<str>,
    /// What panguard understood of it.
    pub facts: Arc<FactsNote>,
    /// In which way it was asked (PCI DSS 4.0.1, 7.2.6): `templates` or `admin`; none is `filtered`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Box<str>>,
    /// Where it stands in its client's trace, as the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceNote>,
}

/// A place in a trace (W3C Trace Context), in hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceNote {
    /// The trace's id.
    pub id: Box<str>,
    /// The id of the span by which the command was sent.
    pub parent: Box<str>,
}

impl From<Trace> for TraceNote {
    fn from(trace: Trace) -> Self {
        Self { id: trace.id().into(), parent: trace.parent().into() }
    }
}

/// [`access::Facts`] as they are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsNote {
    /// What each statement is.
    pub kinds: Vec<Box<str>>,
    /// What is done to what.
    pub uses: Vec<UseNote>,
    /// Columns with a data class that it touches.
    pub columns: Vec<ColumnNote>,
    /// How many values it compares with which of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<MatchNote>,
    /// Functions that are not known to be harmless.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<Box<str>>,
    /// The registered statement that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<str>>,
    /// `none`, `session` or `data`.
    pub effect: Box<str>,
    /// What was not understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_understood: Vec<Box<str>>,
}

/// One thing done to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseNote {
    /// The action's id.
    pub action: Box<str>,
    /// The resource, such as `table public.cards`.
    pub resource: Box<str>,
}

/// A column with a data class, and what is done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnNote {
    /// `schema.table.column`.
    pub column: Box<str>,
    /// The class's word.
    pub class: Box<str>,
    /// `output`, `derived`, `computed`, `matched` or `assigned`.
    pub position: Box<str>,
}

/// How many values a command compares with one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchNote {
    /// `schema.table.column`.
    pub column: Box<str>,
    /// The class's word.
    pub class: Box<str>,
    /// How many values.
    pub values: u32,
    /// The column by which they are counted, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_of: Option<Box<str>>,
}

impl From<&Facts> for FactsNote {
    fn from(facts: &Facts) -> Self {
        let uses = facts.uses.iter().map(|one| UseNote {
            action: one.action.as_str().into(),
            resource: resource(&one.resource).into(),
        });
        let columns = facts.columns.iter().map(|one| ColumnNote {
            column: one.column.clone(),
            class: DataClass::as_str(&one.class).into(),
            position: position(one.position).into(),
        });
        let matches = facts.matches.iter().map(|one| MatchNote {
            column: one.column.clone(),
            class: DataClass::as_str(&one.class).into(),
            values: one.values,
            values_of: one.values_of.clone(),
        });
        Self {
            matches: matches.collect(),
            template: facts.template.clone(),
            kinds: facts.kinds.clone(),
            uses: uses.collect(),
            columns: columns.collect(),
            functions: facts.functions.clone(),
            effect: effect(facts.effect).into(),
            not_understood: facts.not_understood.clone(),
        }
    }
}

/// A policy that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyNote {
    /// Its `@id`, or its file and place.
    pub id: Box<str>,
    /// Its `@reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Box<str>>,
    /// Its `@requirement`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<Box<str>>,
}

impl From<&access::PolicyNote> for PolicyNote {
    fn from(note: &access::PolicyNote) -> Self {
        Self { id: note.id.clone(), reason: note.reason.clone(), requirement: note.requirement.clone() }
    }
}

/// [`access::Stage`] as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageWord {
    /// Prepared for later.
    Prepare,
    /// Run.
    Run,
}

impl From<Stage> for StageWord {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Prepare => Self::Prepare,
            Stage::Run => Self::Run,
        }
    }
}

fn resource(resource: &Resource) -> String {
    match resource {
        Resource::Connection => "connection".into(),
        Resource::Schema(name) => format!("schema {name}"),
        Resource::Table(name) => format!("table {name}"),
        Resource::Function(name) => format!("function {name}"),
        Resource::Endpoint(endpoint) => format!("endpoint {}", endpoint.name()),
        Resource::Model(name) => format!("model {name}"),
        Resource::Class(class) => format!("class {class}"),
    }
}

fn position(position: Position) -> &'static str {
    match position {
        Position::Output => "output",
        Position::Derived => "derived",
        Position::Computed => "computed",
        Position::Matched => "matched",
        Position::Assigned => "assigned",
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::Session => "session",
        Effect::Data => "data",
    }
}
