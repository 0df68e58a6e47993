//! What the connection's document says of a request and of its answer.

use std::sync::Arc;

use access::{ColumnUse, DataClass, Facts, Field, Parameter, Part, Position, Redacted, Terms, Wanted};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Method};
use mask::JsonRule;

use super::Exchange;
use super::question::TEXT_BYTES_MAX;
use crate::body::{Care, Withheld};
use crate::connection::Connection;
use crate::document::{Document, Found, Media, Operation, essence, is_elsewhere};
use crate::target::{Target, field_name, form_fields};

/// The operation that a request is.
pub(super) struct Known {
    pub route: Box<str>,
    pub operation: Arc<Operation>,
    /// The parameters of its path, each with the segment (from 0) that it is in.
    parameters: Vec<(Box<str>, Box<str>, usize)>,
}

impl Known {
    /// What is known of a request, and what is not understood of it.
    pub fn of(
        connection: &Connection,
        method: &Method,
        target: Option<&Target>,
    ) -> (Option<Self>, Option<&'static str>) {
        let (Some(document), Some(target)) = (&connection.document, target) else { return (None, None) };
        let unknown = |what| document.refuses_unknown().then_some(what);
        match document.find(method, &target.path) {
            Found::Nothing => (None, unknown("unknown operation")),
            Found::Several => (None, unknown("ambiguous operation")),
            Found::Operation(place) => {
                let parameters = place.parameters.into_iter();
                let parameters =
                    parameters.map(|(name, value, at)| (name.into(), value.into(), at)).collect();
                let operation = Arc::clone(place.operation);
                // Whatever is refused: a policy on one reading of a path says nothing of another.
                let unclear = place.is_unclear.then_some("ambiguous path parameter");
                (Some(Self { route: place.route.into(), operation, parameters }), unclear)
            }
        }
    }

    /// The parameters of the path that policies ask for.
    pub fn fields(&self, wanted: &Wanted) -> Vec<Field> {
        let field = |(name, value, _): &(Box<str>, Box<str>, usize)| Field {
            part: Part::Path,
            name: name.clone(),
            values: vec![value.clone()],
        };
        self.parameters.iter().filter(|(name, ..)| wanted.parameters.contains(name)).map(field).collect()
    }

    /// Whether it declares each field of the query.
    fn knows_query(&self, fields: &[(String, String)]) -> bool {
        fields.iter().all(|(name, _)| self.operation.of_query(name).is_some())
    }

    /// What it says of a body with these headers; `None` if it takes no such.
    fn body(&self, headers: &HeaderMap) -> Option<&Media> {
        let mut types = headers.get_all(CONTENT_TYPE).iter();
        let (Some(kind), None) = (types.next(), types.next()) else { return None };
        self.operation.body(kind.to_str().ok()?)
    }

    /// The bodies that one with these headers may be.
    fn bodies(&self, headers: &HeaderMap) -> Vec<&Media> {
        match self.body(headers) {
            Some(media) => vec![media],
            None => self.operation.takes.iter().collect(),
        }
    }

    /// What a parameter of the path holds.
    fn classes_of_path(&self, name: &str) -> &[DataClass] {
        self.classes(|part, known| part == Part::Path && known == name)
    }

    fn classes(&self, is: impl Fn(Part, &str) -> bool) -> &[DataClass] {
        let found = self.operation.parameters.iter().find(|it| is(it.part, &it.name));
        found.map(|it| it.classes.as_slice()).unwrap_or_default()
    }

    fn classes_of_query(&self, name: &str) -> &[DataClass] {
        self.operation.of_query(name).map(|it| it.classes.as_slice()).unwrap_or_default()
    }
}

impl Exchange {
    /// Adds what the document says of the request: what of it is unknown, and which values of it are labelled. Whoever
    /// sends such a value holds it, so that takes no right; but it is recorded nowhere.
    pub(super) fn look_at_document(&self, facts: &mut Facts) {
        let connection = &self.settings.connection;
        facts.in_reach.extend(connection.rules.iter().filter_map(|rule| rule.class.clone()));
        let Some(document) = &connection.document else { return in_order(&mut facts.in_reach) };
        let operation = self.known.as_ref().map(|known| &*known.operation);
        facts.in_reach.extend(document.classes(operation));
        in_order(&mut facts.in_reach);
        let (Some(known), Ok(target)) = (&self.known, &self.head.target) else { return };
        let fields = target.fields();
        let has_body = !self.body.held.is_empty() || !self.body.ended;
        if document.refuses_unknown() {
            let mut unknown = |is: bool, what: &str| facts.not_understood.extend(is.then(|| what.into()));
            unknown(!known.knows_query(&fields), "unknown query parameter");
            unknown(has_body && known.body(&self.head.headers).is_none(), "undeclared content type");
        }
        let mut assigned = |column: String, classes: &[DataClass]| {
            for class in classes {
                let (column, class) = (column.as_str().into(), class.clone());
                let used = ColumnUse { column, class, position: Position::Assigned };
                if !facts.columns.contains(&used) {
                    facts.columns.push(used);
                }
            }
        };
        for (name, ..) in &known.parameters {
            assigned(format!("parameters.{name}"), known.classes_of_path(name));
        }
        for (name, _) in &fields {
            assigned(format!("query.{name}"), known.classes_of_query(name));
        }
        let of_header = known.operation.parameters.iter().filter(|it| it.part == Part::Header);
        for parameter in of_header.filter(|it| self.head.headers.contains_key(&*it.name)) {
            assigned(format!("headers.{}", parameter.name), &parameter.classes);
        }
        for media in known.bodies(&self.head.headers).into_iter().filter(|_| has_body) {
            for (place, class) in &media.places {
                assigned(format!("body.{place}"), std::slice::from_ref(class));
            }
        }
    }

    /// The target as it is recorded: with no value that the document labels.
    pub(super) fn recorded(&self, target: &Target) -> String {
        let (known, document) = (self.known.as_ref(), self.settings.connection.document.as_ref());
        let mut segments: Vec<String> = target.sent.split('/').skip(1).map(str::to_owned).collect();
        for (name, _, at) in known.iter().flat_map(|known| &known.parameters) {
            let class = known.and_then(|known| known.classes_of_path(name).first());
            if let (Some(class), Some(segment)) = (class, segments.get_mut(*at)) {
                *segment = format!("<{class}>");
            }
        }
        let class_of = |name: &str| match known {
            Some(known) => known.classes_of_query(name).first(),
            None => document.and_then(|document| document.class_of_query(name)),
        };
        let hidden = |field: &str| match class_of(&field_name(field)) {
            Some(class) => format!("{}=<{class}>", field.split('=').next().unwrap_or_default()),
            None => field.to_owned(),
        };
        let query = target.query.as_deref().map(|query| query.split('&').map(hidden).collect::<Vec<_>>());
        let query = query.map(|fields| format!("?{}", fields.join("&"))).unwrap_or_default();
        format!("/{}{query}", segments.join("/"))
    }

    /// The body as a parameter of the command, where the document labels something in it: the gate records of parameters
    /// what their classes allow, and sees to it that no mask is written in the place of what it stands for.
    pub(super) fn labelled_body(&self) -> Option<Vec<Redacted<Parameter>>> {
        let headers = &self.head.headers;
        let Some(known) = &self.known else {
            // Nobody knows which of its values some operation labels.
            let labels = self.settings.connection.document.as_ref()?.labels_bodies();
            return (labels && !self.body.held.is_empty()).then(Vec::new);
        };
        let bodies = known.bodies(headers);
        if self.body.held.is_empty() || bodies.iter().all(|media| media.places.is_empty()) {
            return None;
        }
        if headers.contains_key(CONTENT_ENCODING) {
            return Some(Vec::new());
        }
        let held = &self.body.held;
        let seen = held.get(..held.len().min(TEXT_BYTES_MAX)).unwrap_or_default();
        let text = |bytes: &[u8]| Redacted::new(Parameter::Text(bytes.into()));
        let mut parameters = vec![text(seen)];
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| essence(kind) == FORM)
            && let Ok(form) = str::from_utf8(seen)
        {
            // A mask in a form stands in no quotes.
            parameters.extend(form_fields(form).iter().map(|(_, value)| text(value.as_bytes())));
        }
        Some(parameters)
    }

    /// How the answer that has begun is looked at, with what the document says of its like.
    pub(super) fn care_of_answer(&mut self) -> Result<Option<Care>, Withheld> {
        let (Some(care), Some(answer)) = (&self.care, &mut self.answer) else { return Ok(None) };
        let mut care = care.clone();
        if let Some(document) = &self.settings.connection.document {
            let operation = self.known.as_ref().map(|known| &*known.operation);
            let rules = answer.labelled(document, operation, &self.terms)?;
            care.rules = care.rules.iter().cloned().chain(rules).collect();
        }
        // An error is often a page of whatever stands before the system.
        care.is_json_alone = !answer.is_error() && care.rules.iter().any(JsonRule::has_class);
        Ok(Some(care))
    }
}

impl super::Answer {
    /// The places in it that `document` labels with what may not be revealed under `terms`. Fields of its header with such
    /// are left out.
    fn labelled(
        &mut self,
        document: &Document,
        operation: Option<&Operation>,
        terms: &Terms,
    ) -> Result<Vec<JsonRule>, Withheld> {
        let hidden = |classes: &[DataClass]| classes.iter().any(|class| !terms.reveals(class));
        let rules = |labels: Vec<&crate::connection::Rule>| {
            let labels = labels.into_iter().filter(|rule| hidden(rule.class.as_slice()));
            labels.map(|rule| rule.rule.clone()).collect::<Vec<_>>()
        };
        let (status, kind) = self.kind();
        let (rules, is_elsewhere) = match operation {
            Some(operation) => {
                let answered = operation.answered(status, kind.as_deref());
                let hidden = answered.headers.iter().filter(|(_, classes)| hidden(classes));
                hidden.for_each(|(name, _)| self.forget(name));
                (rules(answered.labels), answered.is_elsewhere)
            }
            None => {
                let essence = essence(kind.as_deref().unwrap_or_default());
                let is_elsewhere = document.refuses_unknown() && is_elsewhere(status, &essence);
                (rules(document.labels(None)), is_elsewhere)
            }
        };
        if is_elsewhere && self.has_body() && !rules.is_empty() {
            return Err(Withheld::NotUnderstood("labelled values in a body that is not JSON"));
        }
        Ok(rules)
    }
}

fn in_order(classes: &mut Vec<DataClass>) {
    classes.sort();
    classes.dedup();
}

const FORM: &str = "application/x-www-form-urlencoded";
