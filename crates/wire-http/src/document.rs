//! OpenAPI documents: which operations an HTTP system has, and what its bodies hold.
//!
//! A document is read once, into routes that are matched on the path in the form in which it is decided upon
//! (`target.rs`), and into the places that its schemas label. What of a document cannot be expressed is masked with more
//! around it, never with less (OpenAPI 3.1 §4; JSON Schema 2020-12).

mod media;
mod operation;
mod place;
mod read;
mod root;
mod route;
mod schema;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use access::DataClass;
use http::Method;
use serde_json::Value;

use crate::connection::Rule;
pub(crate) use media::essence;
pub(crate) use operation::{Media, Operation, is_elsewhere};
use route::{Route, best};

/// What a connection's document says of it.
pub struct Document {
    /// By how many segments they have.
    routes: BTreeMap<usize, Vec<Route>>,
    unknown: Unknown,
    /// What is labelled in any of its answers, at any depth.
    everywhere: Vec<Rule>,
    /// The fields of queries that are labelled in any operation.
    queries: BTreeMap<Box<str>, DataClass>,
    /// Whether something is labelled in any body of a request.
    labels_bodies: bool,
    operations: usize,
}

/// What becomes of requests that the document does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are not understood: policy may allow them by name.
    Refuse,
    /// They are decided upon as without a document.
    Allow,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where it is.
    pub at: Spot,
    /// What is wrong, and what to write instead.
    pub why: String,
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A value, by its names and indexes from the root.
    Value(Vec<String>),
    /// The first place where this text stands.
    Text(String),
}

/// What the document says of one request.
pub(crate) enum Found<'d> {
    /// It knows the operation.
    Operation(Place<'d>),
    /// It knows none.
    Nothing,
    /// It knows two that could be meant, and neither is the more concrete.
    Several,
}

/// An operation that was found, with what the path says.
pub(crate) struct Place<'d> {
    /// The path with its parameters named.
    pub route: &'d str,
    pub operation: &'d Arc<Operation>,
    /// The values of its parameters, each under its name, and the segment (from 0) that each is in.
    pub parameters: Vec<(&'d str, String, usize)>,
    /// Whether a segment could be cut into parameters in more than one way.
    pub is_unclear: bool,
}

impl Document {
    /// Reads a document. `base` is the path of the connection's base URL, without a slash at its end: what the document
    /// says of places outside it is left out.
    ///
    /// # Errors
    /// All that is wrong with it, as far as it can be read.
    pub fn read(document: &Value, base: &str, unknown: Unknown) -> Result<Self, Vec<Wrong>> {
        read::read(document, base, unknown)
    }

    /// Whether what it does not know is refused.
    pub(crate) fn refuses_unknown(&self) -> bool {
        self.unknown == Unknown::Refuse
    }

    /// What a field of a query holds in some operation.
    pub(crate) fn class_of_query(&self, name: &str) -> Option<&DataClass> {
        self.queries.get(name)
    }

    /// Whether it labels something in the body of any request.
    pub(crate) fn labels_bodies(&self) -> bool {
        self.labels_bodies
    }

    /// How many operations it knows.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// The operation that a request is. HEAD is what GET is where it has none of its own (RFC 9110 §9.3.2).
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(inner) = path.strip_prefix('/') else { return Found::Nothing };
        let segments: Vec<&str> = inner.split('/').collect();
        let routes = self.routes.get(&segments.len()).map(Vec::as_slice).unwrap_or_default();
        let matched: Vec<&Route> = routes.iter().filter(|route| route.takes(&segments)).collect();
        let Some(route) = best(&matched) else {
            return if matched.is_empty() { Found::Nothing } else { Found::Several };
        };
        let Some(known) = route.known(method) else { return Found::Nothing };
        let (parameters, is_unclear) = route.parameters(known, &segments);
        Found::Operation(Place {
            route: &known.template,
            operation: &known.operation,
            parameters,
            is_unclear,
        })
    }

    /// What is labelled in the answers of `operation`, or, where that is not known, in any.
    pub(crate) fn labels<'d>(&'d self, operation: Option<&'d Operation>) -> Vec<&'d Rule> {
        match operation {
            Some(operation) => operation.labels(),
            None => self.everywhere.iter().collect(),
        }
    }

    /// Where something is labelled in the answers of the operation that a request is, or, where that is not known, in any.
    pub fn places(&self, method: &Method, path: &str) -> Vec<(String, DataClass)> {
        let operation = match self.find(method, path) {
            Found::Operation(place) => Some(&**place.operation),
            Found::Nothing | Found::Several => None,
        };
        let labels = self.labels(operation).into_iter();
        labels.filter_map(|rule| Some((rule.rule.to_string(), rule.class.clone()?))).collect()
    }

    /// The classes of those, each once.
    pub(crate) fn classes(&self, operation: Option<&Operation>) -> Vec<DataClass> {
        let labels = self.labels(operation).into_iter().filter_map(|rule| rule.class.clone());
        let headers = operation.into_iter().flat_map(Operation::header_classes);
        let mut classes: Vec<DataClass> = labels.chain(headers).collect();
        classes.sort();
        classes.dedup();
        classes
    }
}

impl Wrong {
    fn new(at: &[&str], why: impl Into<String>) -> Self {
        Self { at: Spot::Value(at.iter().map(|&name| name.to_owned()).collect()), why: why.into() }
    }
}
