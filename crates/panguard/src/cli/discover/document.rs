//! What JSON documents hold, by place. No value is kept, and no name of a member that may be one.

use std::collections::BTreeMap;

use access::DataClass;
use mask::{Beside, Meaning, Name};
use serde_json::{Map, Value};

use super::evidence::held;
use crate::cli::scan::safe;

/// Counts by place over the documents of a column.
#[derive(Default)]
pub struct Document {
    places: BTreeMap<String, Place>,
    /// Some place was not counted, since there are so many.
    is_full: bool,
}

/// A place that holds something.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub path: String,
    pub class: DataClass,
    /// How many values there are of the class.
    pub count: u64,
}

#[derive(Default, Clone, Copy)]
struct Place {
    values: u64,
    cards: u64,
    sad: u64,
    secrets: u64,
    holders: u64,
    expiries: u64,
}

impl Document {
    /// Takes in a document; whether it is one, an object or an array.
    pub fn add(&mut self, text: &str) -> bool {
        if !text.trim_start().starts_with(['{', '[']) {
            return false;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(value) => self.walk(&mut String::from("$"), "", None, &value),
            Err(_) => return false,
        }
        true
    }

    /// The places that hold something, as paths, with what class and how often. `None` where there are too many to name.
    pub fn paths(&self) -> Option<Vec<Found>> {
        let mut found: BTreeMap<String, (DataClass, u64)> = BTreeMap::new();
        for (path, place) in &self.places {
            found.extend(place.class().map(|class| (path.clone(), class)));
        }
        if found.len() > PATHS_MAX || self.is_full {
            // Many places with members of the same names: those names, wherever they stand.
            let mut anywhere: BTreeMap<String, (DataClass, u64)> = BTreeMap::new();
            for (path, (class, count)) in found {
                anywhere.entry(any_level(&path)?).or_insert((class, 0)).1 += count;
            }
            found = anywhere;
        }
        let paths = found.into_iter().map(|(path, (class, count))| Found { path, class, count });
        Some(paths.collect::<Vec<_>>()).filter(|paths| paths.len() <= PATHS_MAX && !self.is_full)
    }

    fn walk(&mut self, path: &mut String, name: &str, meaning: Option<Meaning>, value: &Value) {
        let length = path.len();
        match value {
            Value::Object(members) => {
                let beside = beside(members);
                for (name, value) in members {
                    path.push_str(&step(name));
                    let meaning = Name::of(name.as_bytes()).and_then(|name| beside.settle(name));
                    self.walk(path, name, meaning, value);
                    path.truncate(length);
                }
            }
            Value::Array(elements) => {
                path.push_str("[*]");
                elements.iter().for_each(|value| self.walk(path, name, meaning, value));
                path.truncate(length);
            }
            Value::String(text) => self.count(path, name, meaning, text, true),
            Value::Number(number) => self.count(path, name, meaning, &number.to_string(), false),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn count(&mut self, path: &str, name: &str, meaning: Option<Meaning>, value: &str, is_text: bool) {
        if self.places.len() >= PLACES_MAX && !self.places.contains_key(path) {
            self.is_full = true;
            return;
        }
        let held = held(name.as_bytes(), meaning, value.as_bytes());
        let place = self.places.entry(path.to_owned()).or_default();
        place.values += 1;
        place.cards += u64::from(held.card.is_some());
        place.sad += u64::from(held.sad);
        place.secrets += u64::from(held.others.contains(&"secret"));
        place.holders += u64::from(is_text && meaning == Some(Meaning::CardholderName));
        place.expiries += u64::from(meaning == Some(Meaning::Expiry));
    }
}

impl Place {
    fn class(self) -> Option<(DataClass, u64)> {
        let classes = [
            (self.sad, DataClass::Sad),
            // By chance one number in ten passes for a card's.
            (if self.cards * 4 >= self.values { self.cards } else { 0 }, DataClass::Pan),
            (self.secrets, DataClass::Secret),
            (self.holders, DataClass::CardholderName),
            (self.expiries, DataClass::Expiry),
        ];
        classes.into_iter().find_map(|(found, class)| (found > 0).then_some((class, found)))
    }
}

/// What the members of an object say together.
fn beside(members: &Map<String, Value>) -> Beside {
    let mut beside = Beside::default();
    members.keys().filter_map(|name| Name::of(name.as_bytes())).for_each(|name| beside.add(name));
    beside
}

/// One level of a path. A name that does not look like a programmer's may be a value: it is `*`.
fn step(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() <= NAME_BYTES_MAX
        && name.chars().filter(char::is_ascii_digit).count() <= NAME_DIGITS_MAX
        && safe(name.as_bytes()) == name;
    if plain { format!(".{name}") } else { ".*".to_owned() }
}

/// `$..name`, for a path that ends in `.name`.
fn any_level(path: &str) -> Option<String> {
    let name = path.rsplit('.').next()?.trim_end_matches("[*]");
    (name != "*" && name != "$").then(|| format!("$..{name}"))
}

/// More places are not counted.
const PLACES_MAX: usize = 2000;
/// More paths are not proposed for one column.
const PATHS_MAX: usize = 8;
/// A longer name is none that a programmer gave.
const NAME_BYTES_MAX: usize = 40;
/// One with more digits may be a number.
const NAME_DIGITS_MAX: usize = 3;

#[cfg(test)]
mod tests;
