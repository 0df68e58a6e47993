//! Two JSON documents, each in clear and masked, as the places in which they differ.
//!
//! What is compared is clear, and what is told masked. Of a place at which anything is masked only that it is set is told:
//! whether it is given the value that it has would be an answer to a guess at it.

use std::collections::{BTreeMap, BTreeSet};

use crate::llm::doc::{Doc, Kind, ROOT};

/// What a request does to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Its body takes the document's place.
    Replaces,
    /// Its body says what changes, and null what goes (RFC 7396).
    Merges,
    /// Its body says what changes.
    Names,
    /// It is gone.
    Deletes,
}

/// One place that differs. All of it is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// A pointer to it (RFC 6901); empty for the whole.
    pub at: String,
    /// What becomes of it.
    pub change: Change,
    /// As it is, as JSON.
    pub was: Option<String>,
    /// As it would be, as JSON.
    pub becomes: Option<String>,
}

/// What becomes of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is not there, and would be.
    Added,
    /// It would be gone.
    Removed,
    /// It would be another.
    Changed,
    /// It is given a value, and whether that is another than it has is not told.
    Set,
}

/// A document, with what is told of each of its values.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// By the names of its members; each has the name that is told.
    Object(BTreeMap<String, (String, Tree)>),
    Array(Vec<Tree>),
    Leaf(Leaf),
}

/// A value that holds no others, or of whose insides nothing is told.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    clear: Clear,
    /// As JSON, masked.
    told: String,
    /// Whether anything of it or of the way to it is masked.
    is_masked: bool,
    /// Whether it is where it was, because nothing was said of it.
    is_kept: bool,
}

/// A value in a form that is the same for what is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Clear {
    String(String),
    /// As it is written.
    Other(Vec<u8>),
}

/// Why two documents are not compared.
pub(super) type Undiffed = &'static str;

impl Tree {
    /// Reads a document, and the same as it was masked.
    ///
    /// # Errors
    /// One of them is no JSON, or says a thing twice: servers differ in which they take (RFC 8259 §4).
    pub fn read(clear: &[u8], masked: &[u8]) -> Result<Self, Undiffed> {
        let (Some(clear), Some(masked)) = (Doc::read(clear), Doc::read(masked)) else { return Err(NO_JSON) };
        Reader { clear: &clear, masked: &masked }.value(ROOT, ROOT, false)
    }

    /// The places in which it differs from what a request makes of it whose body is `body`, in order.
    pub fn differences(&self, body: Option<&Self>, how: How) -> Differences {
        let becomes = body.and_then(|body| match how {
            How::Deletes => None,
            How::Replaces => Some(body.clone()),
            How::Merges => Some(self.merged(body, true)),
            How::Names => Some(self.merged(body, false)),
        });
        let mut found = Differences::default();
        differ(Some(self), becomes.as_ref(), &mut Way::default(), &mut found);
        found
    }

    /// What it becomes where `patch` says what changes (RFC 7396 §2).
    fn merged(&self, patch: &Self, null_removes: bool) -> Self {
        let Self::Object(changes) = patch else { return patch.clone() };
        let mut members = match self {
            Self::Object(members) => {
                let kept = |(name, (told, value)): (&String, &(String, Self))| {
                    (name.clone(), (told.clone(), value.kept()))
                };
                members.iter().map(kept).collect()
            }
            Self::Array(_) | Self::Leaf(_) => BTreeMap::new(),
        };
        for (name, (told, change)) in changes {
            if null_removes && change.is_null() {
                members.remove(name);
                continue;
            }
            // What is not there is made of nothing.
            let nothing = Self::Array(Vec::new());
            let value = match self {
                Self::Object(own) => own.get(name).map_or(&nothing, |(_, own)| own),
                Self::Array(_) | Self::Leaf(_) => &nothing,
            };
            members.insert(name.clone(), (told.clone(), value.merged(change, null_removes)));
        }
        Self::Object(members)
    }

    fn kept(&self) -> Self {
        match self {
            Self::Object(members) => {
                let kept = |(name, (told, value)): (&String, &(String, Self))| {
                    (name.clone(), (told.clone(), value.kept()))
                };
                Self::Object(members.iter().map(kept).collect())
            }
            Self::Array(elements) => Self::Array(elements.iter().map(Self::kept).collect()),
            Self::Leaf(leaf) => Self::Leaf(Leaf { is_kept: true, ..leaf.clone() }),
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Leaf(Leaf { clear: Clear::Other(word), .. }) if word == b"null")
    }

    /// Each value in it that holds no others, at its place below `at`.
    fn each<'t>(&'t self, at: &mut Way<'t>, take: &mut impl FnMut(&Way<'t>, &str)) {
        match self {
            Self::Object(members) if members.is_empty() => take(at, "{}"),
            Self::Array(elements) if elements.is_empty() => take(at, "[]"),
            Self::Object(members) => {
                for (told, value) in members.values() {
                    at.0.push(Step::Name(told));
                    value.each(at, take);
                    at.0.pop();
                }
            }
            Self::Array(elements) => {
                for (index, value) in elements.iter().enumerate() {
                    at.0.push(Step::Index(index));
                    value.each(at, take);
                    at.0.pop();
                }
            }
            Self::Leaf(leaf) => take(at, &leaf.told),
        }
    }
}

/// Where two documents differ: as many places as are told, and how many more there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Differences {
    pub told: Vec<Difference>,
    pub more: usize,
}

impl Differences {
    /// Takes one that is at `at`, which is written only if it is told: a document is as large as its sender likes.
    fn take(&mut self, at: &Way<'_>, difference: impl FnOnce(String) -> Difference) {
        match self.told.len() < LINES_MAX {
            true => self.told.push(difference(at.pointer())),
            false => self.more += 1,
        }
    }
}

/// The way to a place.
#[derive(Debug, Default)]
struct Way<'t>(Vec<Step<'t>>);

#[derive(Debug, Clone, Copy)]
enum Step<'t> {
    Name(&'t str),
    Index(usize),
}

impl Way<'_> {
    /// As a pointer (RFC 6901), of which as much is kept as is told.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.0 {
            if pointer.len() > POINTER_BYTES_MAX {
                break;
            }
            pointer.push('/');
            match step {
                Step::Index(index) => pointer.push_str(&index.to_string()),
                Step::Name(name) => {
                    let name = name.get(..name.floor_char_boundary(POINTER_BYTES_MAX)).unwrap_or_default();
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        pointer
    }
}

/// Notes where `was` and `new`, which stand at the place `at`, differ.
fn differ<'t>(was: Option<&'t Tree>, new: Option<&'t Tree>, at: &mut Way<'t>, found: &mut Differences) {
    match (was, new) {
        (Some(Tree::Object(was)), Some(Tree::Object(new))) => {
            let names: BTreeSet<&String> = was.keys().chain(new.keys()).collect();
            for name in names {
                let (was, new) = (was.get(name), new.get(name));
                // One name may be masked in the one and stand in the other: nothing of it is told.
                let told = [was, new].into_iter().flatten().map(|(told, _)| told);
                let Some(told) = told.min_by_key(|told| *told == name) else { continue };
                at.0.push(Step::Name(told));
                differ(was.map(|(_, it)| it), new.map(|(_, it)| it), at, found);
                at.0.pop();
            }
        }
        (Some(Tree::Array(was)), Some(Tree::Array(new))) => {
            for index in 0..was.len().max(new.len()) {
                at.0.push(Step::Index(index));
                differ(was.get(index), new.get(index), at, found);
                at.0.pop();
            }
        }
        (Some(Tree::Leaf(was)), Some(Tree::Leaf(new))) => {
            let (change, told) = match () {
                () if new.is_kept => return,
                // Not what it was either: of two surrogates one sees whether they are the same.
                () if was.is_masked || new.is_masked => (Change::Set, None),
                () if was.clear == new.clear => return,
                () => (Change::Changed, Some(was.told.clone())),
            };
            let becomes = Some(new.told.clone());
            found.take(at, |at| Difference { at, change, was: told, becomes });
        }
        (was, new) => {
            let mut note = |tree: Option<&'t Tree>, change: Change| {
                let mut take = |at: &Way<'t>, told: &str| {
                    found.take(at, |at| {
                        let told = Some(told.to_owned());
                        match change {
                            Change::Removed => Difference { at, change, was: told, becomes: None },
                            Change::Added | Change::Changed | Change::Set => {
                                Difference { at, change, was: None, becomes: told }
                            }
                        }
                    });
                };
                tree.iter().for_each(|tree| tree.each(at, &mut take));
            };
            note(was, Change::Removed);
            note(new, Change::Added);
        }
    }
}

/// Places that are told: more are not looked at with care.
const LINES_MAX: usize = 50;
/// Bytes of a pointer, and of a name in it, that are kept.
const POINTER_BYTES_MAX: usize = 1000;

/// Reads a document beside the same as it was masked.
struct Reader<'d> {
    clear: &'d Doc<'d>,
    masked: &'d Doc<'d>,
}

impl Reader<'_> {
    /// The value at `at`, for which `there` stands in the masked document.
    fn value(&self, at: usize, there: usize, is_masked: bool) -> Result<Tree, Undiffed> {
        let kind = self.clear.kind(at).ok_or(NO_JSON)?;
        let is_whole = self.masked.kind(there) == Some(kind)
            && self.masked.children(there).count() == self.clear.children(at).count();
        let pairs = || self.clear.children(at).zip(self.masked.children(there));
        match kind {
            Kind::Object if is_whole => {
                let mut members = BTreeMap::new();
                for (at, there) in pairs() {
                    let (name, told) = (self.clear.name(at), self.masked.name(there));
                    let value = self.value(at, there, is_masked || name != told)?;
                    if members.insert(name.into_owned(), (told.into_owned(), value)).is_some() {
                        return Err("a member stands in it twice");
                    }
                }
                Ok(Tree::Object(members))
            }
            Kind::Array if is_whole => {
                let elements = pairs().map(|(at, there)| self.value(at, there, is_masked));
                Ok(Tree::Array(elements.collect::<Result<_, _>>()?))
            }
            // Of what holds others the mask may have left nothing to look into.
            Kind::Object
            | Kind::Array
            | Kind::String
            | Kind::Number
            | Kind::True
            | Kind::False
            | Kind::Null => {
                let (own, told) = (written(self.clear, at), written(self.masked, there));
                let clear = match self.clear.string(at) {
                    Some(text) => Clear::String(text.into_owned()),
                    None => Clear::Other(own.to_vec()),
                };
                let is_masked = is_masked || own != told;
                let told = String::from_utf8_lossy(told).into_owned();
                Ok(Tree::Leaf(Leaf { clear, told, is_masked, is_kept: false }))
            }
        }
    }
}

/// All of a value as it is written, with its quotes.
fn written<'d>(doc: &Doc<'d>, at: usize) -> &'d [u8] {
    doc.node(at).and_then(|node| doc.text().get(node.place.clone())).unwrap_or_default()
}

const NO_JSON: Undiffed = "it is no JSON";

#[cfg(test)]
mod tests;
