//! What people see of the things themselves that a command changes: masked, and bound to who may read those things.

use access::{Action, Call, Endpoint, Facts, Field, Part, Resource, Use};
use serde::{Deserialize, Serialize};

use super::Effect;

/// A few of the rows that a statement would change, as they are and as they would be. All of it is masked already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The tables that were read for it: `public.cards`, sorted. Who may not read them is not shown it.
    pub tables: Vec<Box<str>>,
    /// The columns that are shown, in order.
    pub columns: Vec<Box<str>>,
    /// Those of them that are set.
    pub sets: Vec<Box<str>>,
    /// How many columns are set that are not shown.
    #[serde(default, skip_serializing_if = "is_none")]
    pub sets_more: u32,
    /// The rows; there may be more.
    pub rows: Vec<SampledRow>,
}

/// A row of a [`Sample`], a value for each column; NULL, and what may not be shown in any form, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledRow {
    /// As it is; `None` where it is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Vec<Option<Box<str>>>>,
    /// As it would be; `None` where it would be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<Vec<Option<Box<str>>>>,
}

/// What a request over HTTP would change of the resource that it is sent to. All of it is masked already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The request by which the resource was read. Who may not make it is not shown what came of it.
    pub read: Read,
    /// Each place that changes, in order.
    pub lines: Vec<Line>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: u32,
}

/// A request by which a resource is read, as policy knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Its path, decoded.
    pub path: Box<str>,
    /// The path with its parameters named, where that is known; else the path.
    pub route: Box<str>,
    /// The operation's id, or empty.
    #[serde(default)]
    pub operation: Box<str>,
    /// The parameters of its path that policies ask for, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(Box<str>, Box<str>)>,
}

/// One place of a [`Difference`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Where (RFC 6901): `/card/holder`; empty for the whole.
    pub at: Box<str>,
    /// What becomes of it.
    pub change: Change,
    /// As it is, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Box<str>>,
    /// As it would be, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub becomes: Option<Box<str>>,
}

/// What becomes of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is not there, and would be.
    Added,
    /// It would be gone.
    Removed,
    /// It would be another.
    Changed,
    /// It is given a value that is not shown, or was one: whether it is another one is not told.
    Set,
}

impl Effect {
    /// The same without what it shows of the things themselves: for lists, and for messages to nobody knows whom.
    #[must_use]
    pub fn without_values(self) -> Self {
        Self { sample: None, unsampled: None, diff: None, undiffed: None, ..self }
    }

    /// The same for somebody of whom `reads` says whether they could read what was read for it.
    #[must_use]
    pub(crate) fn shown_to(mut self, reads: impl Fn(&Facts) -> bool) -> Self {
        if self.sample.as_ref().is_some_and(|sample| !reads(&sample.facts())) {
            (self.sample, self.unsampled) = (None, Some(NOT_A_READER_OF_ROWS.into()));
        }
        if self.diff.as_ref().is_some_and(|diff| !reads(&diff.read.facts())) {
            (self.diff, self.undiffed) = (None, Some(NOT_A_READER_OF_IT.into()));
        }
        self
    }
}

impl Sample {
    /// What a statement is that reads its tables.
    fn facts(&self) -> Facts {
        let tables = self.tables.iter().cloned().map(Resource::Table);
        let uses = tables.map(|resource| Use { action: Action::Read, resource }).collect();
        Facts { uses, ..reading("select") }
    }
}

impl Read {
    /// What is told of a request that reads.
    pub fn of(call: &Call) -> Self {
        let Endpoint { path, route, operation, .. } = call.endpoint.clone();
        let of_path = call.fields.iter().filter(|field| field.part == Part::Path);
        let values =
            of_path.flat_map(|field| field.values.iter().map(|value| (field.name.clone(), value.clone())));
        Self { path, route, operation, parameters: values.collect() }
    }

    /// What the request is.
    fn facts(&self) -> Facts {
        let Self { path, route, operation, parameters } = self.clone();
        let endpoint = Endpoint { method: "GET".into(), path, route, operation };
        let field = |(name, value)| Field { part: Part::Path, name, values: vec![value] };
        let fields = parameters.into_iter().map(field).collect();
        let call = Box::new(Call { endpoint: endpoint.clone(), fields, ..Call::default() });
        let read = Use { action: Action::Read, resource: Resource::Endpoint(Box::new(endpoint)) };
        Facts { uses: vec![read], call: Some(call), ..reading("get") }
    }
}

/// What reads and does nothing else.
fn reading(kind: &str) -> Facts {
    Facts { kinds: vec![kind.into()], has_where: true, effect: access::Effect::None, ..Facts::default() }
}

fn is_none(count: &u32) -> bool {
    *count == 0
}

const NOT_A_READER_OF_ROWS: &str = "policy does not let you read its tables";
const NOT_A_READER_OF_IT: &str = "policy does not let you read it";
