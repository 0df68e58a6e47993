//! The fields of a request that policies ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use access::{Field, Part, Wanted};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Deserializer;
use serde_json::de::SliceRead;

use crate::header;
use crate::target::form_fields;

/// Those of a query.
pub(super) fn query(fields: &[(String, String)], wanted: &Wanted) -> Vec<Field> {
    named(Part::Query, fields, &wanted.query)
}

/// Those of a header. A field that is there more than once has more than one value, and so has one whose name some servers
/// take for it.
pub(super) fn headers(headers: &HeaderMap, wanted: &Wanted) -> Vec<Field> {
    let field = |name: &str| {
        let taken = header::taken_for(name);
        let found = headers.iter().filter(|(found, _)| header::taken_for(found.as_str()) == taken);
        let values: Vec<Box<str>> =
            found.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()).into()).collect();
        (!values.is_empty()).then(|| Field { part: Part::Header, name: name.into(), values })
    };
    wanted.headers.iter().filter_map(|name| field(name)).collect()
}

/// Those of a body. `None`: it is neither JSON nor a form, or could be read in more than one way.
pub(super) fn body(body: &[u8], headers: &HeaderMap, wanted: &Wanted) -> Option<Vec<Field>> {
    if headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    // Of two types a server takes the one or the other.
    let mut kinds = headers.get_all(CONTENT_TYPE).iter();
    let kind = kinds.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kinds.next().is_some() {
        return None;
    }
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/x-www-form-urlencoded" {
        // A place in JSON is none in a form, whatever a field there calls itself.
        let wanted = wanted.body.iter().filter(|name| !name.starts_with(ROOT)).cloned().collect();
        return Some(named(Part::Body, &form_fields(str::from_utf8(body).ok()?), &wanted));
    }
    let mut reader = Deserializer::new(SliceRead::new(body));
    let mut members = Members::of(&wanted.body);
    let value = Value { members: &mut members, path: ROOT, is_sure: true };
    serde::de::DeserializeSeed::deserialize(value, &mut reader).ok()?;
    reader.end().ok()?;
    let Members { found, is_unclear: false, .. } = members else { return None };
    let fields = found.into_iter();
    Some(fields.map(|(name, values)| Field { part: Part::Body, name, values }).collect())
}

/// The document itself, in the path of a place in it.
const ROOT: &str = "$";

fn named(part: Part, fields: &[(String, String)], wanted: &BTreeSet<Box<str>>) -> Vec<Field> {
    let field = |name: &str| {
        let values = fields.iter().filter(|(found, _)| found == name);
        let values: Vec<Box<str>> = values.map(|(_, value)| value.as_str().into()).collect();
        (!values.is_empty()).then(|| Field { part, name: name.into(), values })
    };
    wanted.iter().filter_map(|name| field(name)).collect()
}

/// The members of a document that are asked for, by their paths.
struct Members<'w> {
    wanted: &'w BTreeSet<Box<str>>,
    /// The same in one case.
    folded: BTreeSet<String>,
    found: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// Whether one was found that some servers find elsewhere, or do not find.
    is_unclear: bool,
}

impl<'w> Members<'w> {
    fn of(wanted: &'w BTreeSet<Box<str>>) -> Self {
        let folded = wanted.iter().map(|path| folded(path)).collect();
        Self { wanted, folded, found: BTreeMap::new(), is_unclear: false }
    }

    /// Takes a value at a path, which `is_sure` unless a member's name looks like several.
    fn take(&mut self, path: &str, is_sure: bool, value: impl fmt::Display) {
        match self.wanted.get(path) {
            Some(name) if is_sure => {
                self.found.entry(name.clone()).or_default().push(value.to_string().into());
            }
            Some(_) => self.is_unclear = true,
            // Go's servers read `Amount` as `amount`.
            None => self.is_unclear |= self.folded.contains(&folded(path)),
        }
    }
}

/// A path without its case, as servers fold it that do: of `K` there are three, and of `s` too.
fn folded(path: &str) -> String {
    path.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Reads one value of a document. An object with two members of one name is refused: servers differ in which they take
/// (RFC 8259 §4).
struct Value<'m, 'w, 'p> {
    members: &'m mut Members<'w>,
    path: &'p str,
    is_sure: bool,
}

impl<'de> serde::de::DeserializeSeed<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> serde::de::Visitor<'de> for Value<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, value);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, value);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.members.take(self.path, self.is_sure, "null");
        Ok(())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let path = format!("{}[*]", self.path);
        let is_sure = self.is_sure;
        while list.next_element_seed(Value { members: &mut *self.members, path: &path, is_sure })?.is_some() {
        }
        Ok(())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = format!("{}.{name}", self.path);
            let is_sure = self.is_sure && !name.contains(['.', '[']);
            map.next_value_seed(Value { members: &mut *self.members, path: &path, is_sure })?;
            if !names.insert(name) {
                return Err(serde::de::Error::custom("two members of one name"));
            }
        }
        Ok(())
    }
}
