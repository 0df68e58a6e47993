//! Where the values that a schema describes are labelled.
//!
//! A schema says `x-data-class`, or something that is known to mean a class: a `format`, or `writeOnly`, which never comes
//! back. Places are paths into JSON. A schema that holds itself, and one that comes to too many places, is labelled by the
//! names of its members at any depth: that masks more.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use access::DataClass;
use serde_json::Value;

use super::place::{Place, Step};
use super::root::{Root, reference};
use super::{Spot, Wrong};

/// Schemas that are gone through to find the places of one.
const VISITS_MAX: usize = 20_000;

/// Places of one schema; more are labelled by name.
const PLACES_MAX: usize = 128;

/// The schemas of one document.
pub(super) struct Schemas<'d> {
    root: Root<'d>,
    /// Schemas that are made of each: with a discriminator, they may stand in its place.
    made_of: HashMap<Node, Vec<&'d Value>>,
    /// What was found wrong, each once.
    wrong: RefCell<BTreeMap<String, Wrong>>,
    /// Whether something is labelled in each that was looked at.
    labelled: RefCell<HashMap<Node, bool>>,
}

/// A schema, by where it is in memory: each is one value of the document.
type Node = *const Value;

/// Of what a schema within another one speaks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'d> {
    /// Of the same.
    Same,
    /// Of the member of that name.
    Member(&'d str),
    /// Of members or elements of which there may be any.
    All,
    /// Of the element there.
    Element(usize),
    /// Of a document within a text.
    Within,
}

/// There are too many places, or they have no end.
struct Endless;

/// A walk to the places of one schema.
struct Walk<'s, 'd> {
    schemas: &'s Schemas<'d>,
    way: Vec<Step<'d>>,
    /// The schemas that it is in.
    within: Vec<Node>,
    visits: usize,
    found: BTreeSet<Place<'d>>,
}

impl<'d> Schemas<'d> {
    pub fn new(root: Root<'d>) -> Self {
        let named = root.0.pointer("/components/schemas").and_then(Value::as_object);
        let mut made_of: HashMap<Node, Vec<&Value>> = HashMap::new();
        for schema in named.into_iter().flat_map(|named| named.values()) {
            let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
            for parent in parts.filter_map(reference).filter_map(|it| root.follow(it).ok()) {
                made_of.entry(parent).or_default().push(schema);
            }
        }
        Self { root, made_of, wrong: RefCell::default(), labelled: RefCell::default() }
    }

    /// What was found wrong in those that were gone through.
    pub fn into_wrong(self) -> Vec<Wrong> {
        self.wrong.into_inner().into_values().collect()
    }

    /// The places that `schema` labels.
    pub fn places(&self, schema: &'d Value) -> BTreeSet<Place<'d>> {
        if !self.holds_labels(schema) {
            return BTreeSet::new();
        }
        let mut walk =
            Walk { schemas: self, way: Vec::new(), within: Vec::new(), visits: 0, found: BTreeSet::new() };
        match walk.go(schema) {
            Ok(()) if walk.found.len() <= PLACES_MAX => walk.found,
            Ok(()) | Err(Endless) => self.places_by_name(schema),
        }
    }

    /// The same by the names of members, at any depth.
    pub fn places_by_name(&self, schema: &'d Value) -> BTreeSet<Place<'d>> {
        let mut places = BTreeSet::new();
        let whole = |classes: BTreeSet<DataClass>, way: Vec<Step<'d>>| {
            classes.into_iter().map(move |class| Place { way: way.clone(), class })
        };
        places.extend(whole(self.classes_without_name(schema), Vec::new()));
        let (mut seen, mut left) = (HashSet::new(), vec![schema]);
        while let Some(schema) = left.pop() {
            if !self.holds_labels(schema) || !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            for (part, inner) in self.parts(schema) {
                left.push(inner);
                if let Part::Member(name) = part {
                    places.extend(whole(self.classes_without_name(inner), vec![Step::Below(name)]));
                }
            }
        }
        places
    }

    /// The classes of all that it describes.
    pub fn classes(&self, schema: &'d Value) -> BTreeSet<DataClass> {
        self.gather(schema, |_| true)
    }

    /// The same, but for what is under the names of members.
    fn classes_without_name(&self, schema: &'d Value) -> BTreeSet<DataClass> {
        self.gather(schema, |part| !matches!(part, Part::Member(_)))
    }

    fn gather(&self, schema: &'d Value, goes: impl Fn(Part<'_>) -> bool) -> BTreeSet<DataClass> {
        let (mut classes, mut seen, mut left) = (BTreeSet::new(), HashSet::new(), vec![schema]);
        while let Some(schema) = left.pop() {
            if !self.holds_labels(schema) || !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            classes.extend(self.label(schema));
            let parts = self.parts(schema).into_iter();
            left.extend(parts.filter(|(part, _)| goes(*part)).map(|(_, inner)| inner));
        }
        classes
    }

    /// The members that an object has, by name, with what each holds; `None` in the place of a name: any.
    pub fn members(&self, schema: &'d Value) -> Vec<(Option<&'d str>, &'d Value)> {
        let (mut members, mut seen, mut left) = (Vec::new(), HashSet::new(), vec![schema]);
        while let Some(schema) = left.pop() {
            if !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            for (part, inner) in self.parts(schema) {
                match part {
                    Part::Same => left.push(inner),
                    Part::Member(name) => members.push((Some(name), inner)),
                    Part::All if *inner != Value::Bool(false) => members.push((None, inner)),
                    Part::All | Part::Element(_) | Part::Within => {}
                }
            }
        }
        members
    }

    /// Whether it may describe an object.
    pub fn is_object(&self, schema: &'d Value) -> bool {
        let (mut seen, mut left) = (HashSet::new(), vec![schema]);
        while let Some(schema) = left.pop() {
            if !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            let kinds = schema.get("type");
            let of_list = kinds.and_then(Value::as_array).into_iter().flatten();
            if kinds.into_iter().chain(of_list).any(|kind| kind == "object")
                || schema.get("properties").is_some()
            {
                return true;
            }
            let parts = self.parts(schema).into_iter();
            left.extend(parts.filter(|(part, _)| matches!(part, Part::Same)).map(|(_, inner)| inner));
        }
        false
    }

    /// The schemas within one, each with what of the same value it speaks of.
    fn parts(&self, schema: &'d Value) -> Vec<(Part<'d>, &'d Value)> {
        let Some(words) = schema.as_object() else { return Vec::new() };
        let mut parts = Vec::new();
        for (word, inner) in words {
            let members = || inner.as_object().into_iter().flatten();
            let all = || inner.as_array().into_iter().flatten();
            match word.as_str() {
                "$ref" => {
                    let behind = inner.as_str().and_then(|it| self.behind(it));
                    parts.extend(behind.map(|it| (Part::Same, it)));
                }
                "allOf" | "anyOf" | "oneOf" => parts.extend(all().map(|inner| (Part::Same, inner))),
                "if" | "then" | "else" => parts.push((Part::Same, inner)),
                "dependentSchemas" => parts.extend(members().map(|(_, inner)| (Part::Same, inner))),
                "discriminator" => parts.extend(self.discriminated(schema, inner)),
                "properties" => {
                    parts.extend(members().map(|(name, inner)| (Part::Member(name.as_str()), inner)));
                }
                "patternProperties" => parts.extend(members().map(|(_, inner)| (Part::All, inner))),
                "items" if inner.is_array() => parts.extend(all().map(|inner| (Part::All, inner))),
                "items"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains" => parts.push((Part::All, inner)),
                "prefixItems" => {
                    parts.extend(all().enumerate().map(|(at, inner)| (Part::Element(at), inner)));
                }
                "contentSchema" => parts.push((Part::Within, inner)),
                "$dynamicRef" | "$recursiveRef" => self.note(Wrong {
                    at: Spot::Text(inner.as_str().unwrap_or_default().to_owned()),
                    why: format!("`{word}` is not followed; write `$ref: \"#/components/schemas/NAME\"`"),
                }),
                _ => {}
            }
        }
        parts
    }

    /// What may stand in the place of a schema with a discriminator.
    fn discriminated(&self, schema: &'d Value, discriminator: &'d Value) -> Vec<(Part<'d>, &'d Value)> {
        let mapping = discriminator.get("mapping").and_then(Value::as_object);
        let named = mapping.into_iter().flat_map(|mapping| mapping.values()).filter_map(Value::as_str);
        let named = named.filter_map(|name| match name.contains(['#', '/']) {
            true => self.behind(name),
            false => self.root.0.get("components")?.get("schemas")?.get(name),
        });
        let made = self.made_of.get(&std::ptr::from_ref(schema)).into_iter().flatten().copied();
        named.chain(made).map(|inner| (Part::Same, inner)).collect()
    }

    /// What a reference is to; one to nothing is noted.
    fn behind(&self, reference: &str) -> Option<&'d Value> {
        self.root.follow(reference).map_err(|wrong| self.note(wrong)).ok()
    }

    fn note(&self, wrong: Wrong) {
        self.wrong.borrow_mut().entry(format!("{:?}", wrong.at)).or_insert(wrong);
    }

    /// What a schema says of a value itself.
    fn label(&self, schema: &'d Value) -> Option<DataClass> {
        if let Some(said) = schema.get("x-data-class") {
            let class = said.as_str().filter(|name| *name != "not_pan").and_then(|name| name.parse().ok());
            if class.is_none() {
                let at = Spot::Text(said.as_str().unwrap_or("x-data-class").to_owned());
                self.note(Wrong { at, why: format!("{said} is no data class; {CLASSES}") });
            }
            return class;
        }
        match schema.get("format").and_then(Value::as_str) {
            Some("credit-card" | "pan") => return Some(DataClass::Pan),
            Some("password") => return Some(DataClass::Secret),
            Some(_) | None => {}
        }
        schema.get("writeOnly").is_some_and(|it| *it == Value::Bool(true)).then_some(DataClass::Secret)
    }

    /// Whether anything in what it describes is labelled. Each schema is looked at once in a document.
    fn holds_labels(&self, schema: &'d Value) -> bool {
        if let Some(known) = self.labelled.borrow().get(&std::ptr::from_ref(schema)) {
            return *known;
        }
        // What holds each of those that are looked at now, and those of them that are labelled.
        let (mut held_by, mut seen) = (HashMap::<Node, Vec<Node>>::new(), HashSet::new());
        let (mut labelled, mut left) = (Vec::<Node>::new(), vec![schema]);
        while let Some(schema) = left.pop() {
            let node: Node = schema;
            if !seen.insert(node) {
                continue;
            }
            if let Some(known) = self.labelled.borrow().get(&node) {
                labelled.extend(known.then_some(node));
                continue;
            }
            labelled.extend(self.label(schema).map(|_| node));
            for (_, inner) in self.parts(schema) {
                held_by.entry(inner).or_default().push(node);
                left.push(inner);
            }
        }
        let mut found: HashSet<Node> = labelled.iter().copied().collect();
        while let Some(node) = labelled.pop() {
            for holder in held_by.get(&node).into_iter().flatten() {
                if found.insert(*holder) {
                    labelled.push(*holder);
                }
            }
        }
        self.labelled.borrow_mut().extend(seen.into_iter().map(|node| (node, found.contains(&node))));
        found.contains(&std::ptr::from_ref(schema))
    }
}

impl<'d> Walk<'_, 'd> {
    fn go(&mut self, schema: &'d Value) -> Result<(), Endless> {
        if !self.schemas.holds_labels(schema) {
            return Ok(());
        }
        let node = std::ptr::from_ref(schema);
        self.visits += 1;
        if self.visits > VISITS_MAX || self.within.contains(&node) {
            return Err(Endless);
        }
        self.found.extend(self.schemas.label(schema).map(|class| Place { way: self.way.clone(), class }));
        self.within.push(node);
        for (part, inner) in self.schemas.parts(schema) {
            let step = match part {
                Part::Same => None,
                Part::Member(name) => Some(Step::Member(name)),
                Part::All => Some(Step::All),
                Part::Element(at) => Some(Step::Element(at)),
                Part::Within => {
                    let classes = self.schemas.classes(inner).into_iter();
                    self.found.extend(classes.map(|class| Place { way: self.way.clone(), class }));
                    continue;
                }
            };
            let depth = self.way.len();
            self.way.extend(step);
            self.go(inner)?;
            self.way.truncate(depth);
        }
        self.within.pop();
        Ok(())
    }
}

const CLASSES: &str = "write `pan`, `sad`, `cardholder_name`, `expiry`, `secret`, or a name of your own in lower-case letters, digits and `_`";
