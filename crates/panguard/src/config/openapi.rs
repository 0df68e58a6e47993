//! OpenAPI documents of connections: read from their files with bounds, and judged by the lane.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use wire_http::document::{Document, Spot, Unknown, Wrong};

use super::place::{At, Problem, Problems};

/// Longest document. The longest that is known in public, GitHub's, has 14 MB.
const DOCUMENT_BYTES_MAX: u64 = 32 << 20;

/// How deep it may nest. Documents that refer to their schemas come to some 30; each level takes stack.
const DEPTH_MAX: usize = 64;

/// Problems that are told at once.
const PROBLEMS_MAX: usize = 20;

/// The OpenAPI document of a connection.
#[derive(Clone)]
pub struct Openapi {
    pub file: PathBuf,
    pub unknown: Unknown,
    /// What it says, and its digest, once it has been read.
    pub(super) read: Option<(Arc<Document>, String)>,
}

impl Openapi {
    /// Reads the file, and gives its text. Paths count from `base`, the path of the connection's base URL.
    ///
    /// # Errors
    /// It cannot be read, or all that is wrong with it.
    pub(super) fn read(&mut self, base: &str) -> Result<String, Problems> {
        let problem =
            |line, message| Problems(vec![Problem { file: self.file.as_path().into(), line, message }]);
        let text = text(&self.file).map_err(|message| problem(0, message))?;
        let value = parse(&text).map_err(|(line, message)| problem(line, message))?;
        let document =
            Document::read(&value, base, self.unknown).map_err(|wrong| self.problems(&text, &wrong))?;
        self.read = Some((Arc::new(document), super::version(&text)));
        Ok(text)
    }

    /// What it says.
    ///
    /// # Errors
    /// It has not been read.
    pub fn document(&self) -> anyhow::Result<Arc<Document>> {
        let unread = || anyhow::anyhow!("the document `{}` has not been read", self.file.display());
        self.read.as_ref().map(|(document, _)| Arc::clone(document)).ok_or_else(unread)
    }

    fn problems(&self, text: &str, wrong: &[Wrong]) -> Problems {
        let located = located(text);
        let problem = |wrong: &Wrong| Problem {
            file: self.file.as_path().into(),
            line: match &wrong.at {
                Spot::Value(way) => located.as_ref().map_or(0, |root| root.line(way)),
                Spot::Text(said) => {
                    text.lines().zip(1..).find(|(line, _)| line.contains(said)).map_or(0, |(_, line)| line)
                }
            },
            message: wrong.why.clone(),
        };
        let mut problems: Vec<Problem> = wrong.iter().map(problem).collect();
        problems.sort_by_key(|problem| problem.line);
        problems.truncate(PROBLEMS_MAX);
        Problems(problems)
    }
}

/// Tells one content from another.
impl fmt::Debug for Openapi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.read.as_ref().map(|(_, version)| version);
        f.debug_struct("Openapi")
            .field("file", &self.file)
            .field("unknown", &self.unknown)
            .field("version", &version)
            .finish()
    }
}

fn text(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| unreadable(&error))?.len();
    if size > DOCUMENT_BYTES_MAX {
        let mib = DOCUMENT_BYTES_MAX >> 20;
        return Err(format!(
            "the document is longer than {mib} MiB; leave descriptions, examples and the operations that no agent needs out"
        ));
    }
    std::fs::read_to_string(file).map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such file; put the OpenAPI document there, or leave `openapi` out".to_owned()
        }
        std::io::ErrorKind::InvalidData => "the document is not UTF-8 text".to_owned(),
        _ => format!("the document cannot be read: {error}"),
    }
}

/// Reads JSON, or else YAML.
fn parse(text: &str) -> Result<Value, (u64, String)> {
    if text.trim_start().starts_with('{') {
        let read = serde_json::from_str::<Once>(text);
        return read.map(|Once(value)| value).map_err(|error| {
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            (error.line() as u64, format!("the document is not JSON as it should be: {message}"))
        });
    }
    serde_saphyr::from_str_with_options::<Once>(text, options()).map(|Once(value)| value).map_err(|error| {
        let error = error.without_snippet();
        let line = error.location().map_or(0, |place| place.line());
        let message = error.to_string();
        (
            line,
            format!(
                "the document is not YAML as it should be: {}",
                message.lines().next().unwrap_or_default()
            ),
        )
    })
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, max_nodes: 4_000_000, max_events: 16_000_000 },
    }
}

/// A document in which no object has two members of one name.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Within(DEPTH_MAX).deserialize(deserializer).map(Self)
    }
}

/// A value that may nest so deep.
struct Within(usize);

impl<'de> DeserializeSeed<'de> for Within {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Within {
    fn inner<E: serde::de::Error>(&self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("it nests too deep"))
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element_seed(self.inner()?)? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(self.inner()?)?;
            if members.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format_args!("`{name}` stands there twice; keep one of them")));
            }
        }
        Ok(Value::Object(members))
    }
}

/// A document with the lines of what is in it.
struct Located {
    line: u64,
    members: Vec<(String, Located)>,
}

/// JSON is YAML too; where it is not, no line is told.
fn located(text: &str) -> Option<Located> {
    serde_saphyr::from_str_with_options(text, options()).ok()
}

impl Located {
    /// The line of the value at the end of `way`, or of the last on the way that is there.
    fn line(&self, way: &[String]) -> u64 {
        let Some((name, way)) = way.split_first() else { return self.line };
        match self.members.iter().find(|(known, _)| known == name) {
            Some((_, inner)) => inner.line(way),
            None => self.line,
        }
    }
}

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let At { value: Members(members), line } = At::deserialize(deserializer)?;
        Ok(Self { line, members })
    }
}

/// The members or elements of a value, by their names and indexes.
struct Members(Vec<(String, Located)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Members, E> {
        Ok(Members(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Members, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element()? {
            all.push((all.len().to_string(), value));
        }
        Ok(Members(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = map.next_entry()? {
            all.push(member);
        }
        Ok(Members(all))
    }
}
