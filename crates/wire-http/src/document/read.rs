//! A document is read: its operations, on routes that are told apart, each with what it takes and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{DataClass, Part};
use http::{HeaderName, Method};
use serde_json::{Map, Value};

use super::media::Range;
use super::operation::{Answers, Media, Names, Operation, Parameter, Statuses};
use super::place::Place;
use super::root::Root;
use super::route::Route;
use super::schema::Schemas;
use super::server::bases;
use super::{Document, Unknown, Wrong};

/// The methods that a path may have, by the names that documents give them.
const METHODS: [(&str, Method); 8] = [
    ("get", Method::GET),
    ("put", Method::PUT),
    ("post", Method::POST),
    ("delete", Method::DELETE),
    ("options", Method::OPTIONS),
    ("head", Method::HEAD),
    ("patch", Method::PATCH),
    ("trace", Method::TRACE),
];

/// See [`Document::read`].
pub(super) fn read(document: &Value, base: &str, unknown: Unknown) -> Result<Document, Vec<Wrong>> {
    version(document).map_err(|wrong| vec![wrong])?;
    let root = Root(document);
    let mut reading = Reading {
        root,
        schemas: Schemas::new(root),
        base,
        ids: BTreeMap::new(),
        everywhere: BTreeSet::new(),
        queries: BTreeMap::new(),
        labels_bodies: false,
        operations: 0,
        wrong: Vec::new(),
    };
    let located = reading.paths();
    let routes = reading.routes(located);
    let Reading { schemas, everywhere, queries, labels_bodies, operations, mut wrong, .. } = reading;
    wrong.extend(schemas.into_wrong());
    if routes.is_empty() && wrong.is_empty() {
        wrong.push(Wrong::new(&[], "the document has no operations; write them under `paths`"));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let everywhere = everywhere.iter().map(Place::rule).collect();
    Ok(Document { routes, unknown, everywhere, queries, labels_bodies, operations })
}

/// Whether it is a document of a version that is read.
fn version(document: &Value) -> Result<(), Wrong> {
    if document.get("swagger").is_some() {
        return Err(Wrong::new(
            &["swagger"],
            "this is a document of Swagger 2.0; convert it to OpenAPI 3.0 or 3.1, for example by `npx swagger2openapi`",
        ));
    }
    let Some(version) = document.get("openapi") else {
        return Err(Wrong::new(&[], "this is no OpenAPI document; it begins with `openapi: 3.1.0`"));
    };
    let known = version.as_str().is_some_and(|it| it.starts_with("3.0.") || it.starts_with("3.1."));
    if known {
        Ok(())
    } else {
        Err(Wrong::new(&["openapi"], "only OpenAPI 3.0 and 3.1 are read; write `openapi: 3.1.0`"))
    }
}

struct Reading<'d> {
    root: Root<'d>,
    schemas: Schemas<'d>,
    base: &'d str,
    /// Where each operation's id stands.
    ids: BTreeMap<&'d str, String>,
    everywhere: BTreeSet<Place<'d>>,
    queries: BTreeMap<Box<str>, DataClass>,
    labels_bodies: bool,
    operations: usize,
    wrong: Vec<Wrong>,
}

/// An operation with where it is, from the root of the system.
struct Located<'d> {
    path: &'d str,
    base: String,
    method: Method,
    operation: Arc<Operation>,
}

impl<'d> Reading<'d> {
    fn paths(&mut self) -> Vec<Located<'d>> {
        let paths = self.root.0.get("paths").and_then(Value::as_object);
        let mut located = Vec::new();
        for (path, item) in paths.into_iter().flatten().filter(|(path, _)| !path.starts_with("x-")) {
            let Some(item) = self.resolved(item).and_then(Value::as_object) else {
                self.note(&["paths", path], "a path holds operations by method: `get: { responses: … }`");
                continue;
            };
            for (word, method) in METHODS {
                let Some(operation) = item.get(word) else { continue };
                let at = ["paths", path, word];
                let Some(operation) = operation.as_object() else {
                    self.note(&at, "an operation holds what it takes and answers: `{ responses: … }`");
                    continue;
                };
                let servers = [operation.get("servers"), item.get("servers"), self.root.0.get("servers")];
                let bases = bases(servers.into_iter().flatten().next());
                let operation = Arc::new(self.operation(&at, item, operation));
                self.operations += 1;
                located.extend(bases.into_iter().map(|base| Located {
                    path,
                    base,
                    method: method.clone(),
                    operation: Arc::clone(&operation),
                }));
            }
        }
        located
    }

    /// The routes within the connection. Where no path of the document is below its base URL, they count from there.
    fn routes(&mut self, located: Vec<Located<'d>>) -> BTreeMap<usize, Vec<Route>> {
        let inside = |it: &Located<'_>| {
            let full = format!("{}{}", it.base, it.path);
            full.strip_prefix(self.base).filter(|rest| rest.starts_with('/')).map(str::to_owned)
        };
        let any = located.iter().any(|it| inside(it).is_some());
        let templates: Vec<Option<String>> =
            located.iter().map(|it| if any { inside(it) } else { Some(it.path.to_owned()) }).collect();
        let mut by_shape: BTreeMap<String, Route> = BTreeMap::new();
        for (it, template) in located.into_iter().zip(templates) {
            let Some(template) = template else { continue };
            let read = match Route::parse(&template) {
                Ok(read) => read,
                Err(why) => {
                    self.note(&["paths", it.path], why);
                    continue;
                }
            };
            let names = read.names();
            let route = by_shape.entry(read.shape()).or_insert(read);
            match route.own(&it.method).map(|known| known.template.to_string()) {
                None => route.add(it.method, &template, names, it.operation),
                // Two servers of one path.
                Some(known) if known == template => {}
                Some(known) => {
                    let why =
                        format!("`{}` takes the same requests as `{known}`; make one path of them", it.path);
                    self.note(&["paths", it.path], why);
                }
            }
        }
        let mut routes: BTreeMap<usize, Vec<Route>> = BTreeMap::new();
        for route in by_shape.into_values() {
            routes.entry(route.len()).or_default().push(route);
        }
        routes
    }

    fn operation(
        &mut self,
        at: &[&str],
        item: &'d Map<String, Value>,
        operation: &'d Map<String, Value>,
    ) -> Operation {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        if let Some(first) = (!id.is_empty()).then(|| self.ids.insert(id, at.join(" "))).flatten() {
            self.note(
                at,
                format!("`operationId: {id}` stands at `{first}` too; each operation has one of its own"),
            );
        }
        let body = operation.get("requestBody").and_then(|body| self.resolved(body));
        let takes = body.map(|body| self.bodies(body)).unwrap_or_default();
        let takes: Vec<Media> = takes.into_iter().map(|(media, _)| media).collect();
        self.labels_bodies |= takes.iter().any(|media| !media.places.is_empty());
        let parameters = self.parameters(item.get("parameters"), operation.get("parameters"));
        for parameter in parameters.iter().filter(|it| it.part == Part::Query) {
            let class = parameter.classes.first().cloned();
            self.queries.extend(class.map(|class| (parameter.name.clone(), class)));
        }
        Operation { id: id.into(), parameters, takes, answers: self.answers(at, operation.get("responses")) }
    }

    /// Those of the path and those of the operation, which outweigh them.
    fn parameters(&mut self, of_path: Option<&'d Value>, own: Option<&'d Value>) -> Vec<Parameter> {
        let mut all: Vec<Parameter> = Vec::new();
        let list = |value: Option<&'d Value>| value.and_then(Value::as_array).into_iter().flatten();
        for written in list(own).chain(list(of_path)) {
            let Some(parameter) = self.resolved(written) else { continue };
            for parameter in self.parameter(parameter) {
                let is_known = all.iter().any(|it| (it.part, &it.name) == (parameter.part, &parameter.name));
                if !is_known || parameter.names == Names::Any {
                    all.push(parameter);
                }
            }
        }
        all
    }

    fn parameter(&mut self, parameter: &'d Value) -> Vec<Parameter> {
        let text = |name: &str| parameter.get(name).and_then(Value::as_str);
        let name = text("name").unwrap_or_default();
        let part = match text("in") {
            Some("path") => Part::Path,
            Some("query") => Part::Query,
            Some("header") => Part::Header,
            // Cookies of an agent are not sent.
            Some(_) | None => return Vec::new(),
        };
        let content = parameter.get("content").and_then(Value::as_object);
        let schemas = parameter.get("schema").into_iter().chain(
            content.into_iter().flat_map(|content| content.values()).filter_map(|media| media.get("schema")),
        );
        let schemas: Vec<&'d Value> = schemas.collect();
        // What is said of the parameter counts as if it were said of its schema.
        let of = |schemas: &[&'d Value]| {
            let classes: BTreeSet<_> =
                schemas.iter().flat_map(|schema| self.schemas.classes(schema)).collect();
            classes.into_iter().collect()
        };
        let whole = || of(&[&[parameter][..], &schemas].concat());
        let explodes = parameter.get("explode").and_then(Value::as_bool);
        let style = text("style").unwrap_or("form");
        let spread = (part, style, explodes.unwrap_or(true)) == (Part::Query, "form", true)
            && schemas.iter().any(|schema| self.schemas.is_object(schema))
            && content.is_none();
        if spread {
            let members = schemas.iter().flat_map(|schema| self.schemas.members(schema));
            let members = members.map(|(member, schema)| Parameter {
                part,
                name: member.unwrap_or_default().into(),
                names: if member.is_some() { Names::Own } else { Names::Any },
                classes: of(&[parameter, schema]),
            });
            return members.collect();
        }
        let names = if style == "deepObject" { Names::Inside } else { Names::Own };
        let name = if part == Part::Header { name.to_ascii_lowercase() } else { name.to_owned() };
        vec![Parameter { part, name: name.into(), names, classes: whole() }]
    }

    /// Bodies by their types, each with the schema of what is in it.
    fn bodies(&mut self, body: &'d Value) -> Vec<(Media, &'d Value)> {
        let content = body.get("content").and_then(Value::as_object);
        let bodies = content.into_iter().flatten().map(|(kind, media)| {
            let schema = media.get("schema").unwrap_or(&Value::Null);
            let places = self.schemas.places(schema);
            let labels = places.iter().map(Place::rule).collect();
            let places = places.iter().map(|place| (place.to_string(), place.class.clone())).collect();
            (Media { range: Range::read(kind), labels, places }, schema)
        });
        bodies.collect()
    }

    fn answers(&mut self, at: &[&str], responses: Option<&'d Value>) -> Vec<Answers> {
        let mut answers = Vec::new();
        for (status, response) in responses.and_then(Value::as_object).into_iter().flatten() {
            if status.starts_with("x-") {
                continue;
            }
            let at = [at, &["responses", status]].concat();
            let Some(statuses) = Statuses::read(status) else {
                self.note(&at, "an answer is known by its status: `\"200\"`, `\"4XX\"` or `default`");
                continue;
            };
            let Some(response) = self.resolved(response) else { continue };
            let bodies = self.bodies(response);
            for (_, schema) in &bodies {
                self.everywhere.extend(self.schemas.places_by_name(schema));
            }
            let headers = self.headers(response);
            let bodies = bodies.into_iter().map(|(media, _)| media).collect();
            answers.push(Answers { statuses, bodies, headers });
        }
        answers
    }

    /// The fields of the header that hold something.
    fn headers(&mut self, response: &'d Value) -> Vec<(HeaderName, Vec<DataClass>)> {
        let mut headers = Vec::new();
        for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let Some(header) = self.resolved(header) else { continue };
            let schema = header.get("schema").unwrap_or(&Value::Null);
            let classes: BTreeSet<_> =
                self.schemas.classes(header).into_iter().chain(self.schemas.classes(schema)).collect();
            let Ok(name) = name.parse::<HeaderName>() else { continue };
            if !classes.is_empty() {
                headers.push((name, classes.into_iter().collect()));
            }
        }
        headers
    }

    fn resolved(&mut self, value: &'d Value) -> Option<&'d Value> {
        self.root.resolve(value).map_err(|wrong| self.wrong.push(wrong)).ok()
    }

    fn note(&mut self, at: &[&str], why: impl Into<String>) {
        self.wrong.push(Wrong::new(at, why));
    }
}
