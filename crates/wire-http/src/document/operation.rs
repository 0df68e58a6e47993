//! One operation: what it takes and what it answers.

use access::{DataClass, Part};
use http::{HeaderName, StatusCode};

use super::media::{Range, essence, is_json};
use crate::connection::Rule;

/// An operation of a document.
#[derive(Default)]
pub(crate) struct Operation {
    /// Its `operationId`, or empty.
    pub id: Box<str>,
    pub parameters: Vec<Parameter>,
    /// The bodies that it takes.
    pub takes: Vec<Media>,
    pub answers: Vec<Answers>,
}

/// A parameter.
pub(crate) struct Parameter {
    pub part: Part,
    /// Its name; lower-case, of a header.
    pub name: Box<str>,
    pub names: Names,
    /// What its values hold.
    pub classes: Vec<DataClass>,
}

/// The names that fields of a query have by a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Its own.
    Own,
    /// Its own, and places in it: `filter[status]`.
    Inside,
    /// Any: the members of an object are fields, and it may have any.
    Any,
}

/// Bodies of one type.
pub(crate) struct Media {
    pub(super) range: Range,
    /// The places that hold something, in JSON.
    pub labels: Vec<Rule>,
    /// The same places, as they are written, with what they hold.
    pub places: Vec<(String, DataClass)>,
}

/// The answers of some statuses.
pub(crate) struct Answers {
    pub(super) statuses: Statuses,
    pub(super) bodies: Vec<Media>,
    pub(super) headers: Vec<(HeaderName, Vec<DataClass>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statuses {
    One(u16),
    /// `2XX`, by its first digit.
    Family(u16),
    /// All others.
    Default,
}

impl Statuses {
    /// `200`, `2XX` or `default`.
    pub fn read(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        match text.strip_suffix("XX").or_else(|| text.strip_suffix("xx")) {
            Some(family) => family.parse().ok().filter(|it| (1..=5).contains(it)).map(Self::Family),
            None => text.parse().ok().filter(|it| (100..=599).contains(it)).map(Self::One),
        }
    }
}

/// What is labelled in one answer.
#[derive(Default)]
pub(crate) struct Answered<'d> {
    pub labels: Vec<&'d Rule>,
    /// Whether the body is said to be no JSON, so that these places cannot be found in it: one that is declared so, and any
    /// that tells of success.
    pub is_elsewhere: bool,
    pub headers: Vec<&'d (HeaderName, Vec<DataClass>)>,
}

/// Whether a body of this type in the answer to what succeeded holds what places in JSON cannot name: systems answer in other
/// forms than their documents say, if they are asked to. What has no type is read as what it is.
pub(crate) fn is_elsewhere(status: StatusCode, essence: &str) -> bool {
    !status.is_client_error() && !status.is_server_error() && !essence.is_empty() && !is_json(essence)
}

impl Operation {
    /// The parameter that a field of a query is of.
    pub fn of_query(&self, field: &str) -> Option<&Parameter> {
        let of_query = || self.parameters.iter().filter(|it| it.part == Part::Query);
        let own = of_query().find(|it| it.names != Names::Any && *it.name == *field);
        let inside = || {
            of_query().find(|it| {
                it.names == Names::Inside
                    && field.strip_prefix(&*it.name).is_some_and(|rest| rest.starts_with('['))
            })
        };
        own.or_else(inside).or_else(|| of_query().find(|it| it.names == Names::Any))
    }

    /// What it says of bodies of the type that `header` names; `None` if it takes no such. The most concrete counts.
    pub fn body(&self, header: &str) -> Option<&Media> {
        let essence = essence(header);
        self.takes.iter().filter(|media| media.range.takes(&essence)).min_by_key(|media| media.range.width())
    }

    /// What is labelled in any of its answers.
    pub fn labels(&self) -> Vec<&Rule> {
        self.answers.iter().flat_map(|answers| &answers.bodies).flat_map(|media| &media.labels).collect()
    }

    pub fn header_classes(&self) -> impl Iterator<Item = DataClass> {
        self.answers.iter().flat_map(|answers| &answers.headers).flat_map(|(_, classes)| classes.clone())
    }

    /// What is labelled in an answer of this status and type; in any of those that it could be, where that is not sure.
    pub fn answered(&self, status: StatusCode, header: Option<&str>) -> Answered<'_> {
        let said = self.said_of(status.as_u16());
        let essence = essence(header.unwrap_or_default());
        let bodies = || said.iter().flat_map(|answers| &answers.bodies);
        let mut fitting: Vec<&Media> = bodies().filter(|media| media.range.takes(&essence)).collect();
        fitting.sort_by_key(|media| media.range.width());
        let best = fitting.first().map_or(usize::MAX, |media| media.range.width());
        let fitting = || fitting.iter().filter(|media| media.range.width() == best);
        let labels = match is_json(&essence) && fitting().next().is_some() {
            true => fitting().flat_map(|media| &media.labels).collect(),
            false => bodies().flat_map(|media| &media.labels).collect(),
        };
        Answered {
            labels,
            is_elsewhere: is_elsewhere(status, &essence)
                || (!is_json(&essence) && fitting().any(|it| !it.labels.is_empty())),
            headers: said.iter().flat_map(|answers| &answers.headers).collect(),
        }
    }

    /// What it says of a status: of itself, else of its family, else of all others; of a status that it does not know,
    /// whatever it says of any.
    fn said_of(&self, status: u16) -> Vec<&Answers> {
        let of = |statuses: Statuses| {
            self.answers.iter().filter(move |answers| answers.statuses == statuses).collect::<Vec<_>>()
        };
        [Statuses::One(status), Statuses::Family(status / 100), Statuses::Default]
            .into_iter()
            .map(of)
            .find(|found| !found.is_empty())
            .unwrap_or_else(|| self.answers.iter().collect())
    }
}
