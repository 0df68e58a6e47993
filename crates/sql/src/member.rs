//! Where in a document labelled values are, as far as the text alone says it: `json_build_object('pan', pan)`.
//!
//! Such a document is masked at these places, and the rest of it is told. What the text does not say (the members of a
//! table's row, whose names are the catalog's) is redacted whole.

use access::{DataClass, Member};

use crate::label::Label;
use crate::reading::Reading;
use crate::scope::Trace;

/// One step of the way from a document to a value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Any element of an array, or any member of an object.
    Any,
    /// An element, from 0.
    Index(usize),
    /// A member.
    Name(Box<str>),
}

/// How values are put into another.
pub(crate) enum Put {
    /// As what is at this step.
    Under(Step),
    /// As they are.
    Same,
    /// Nobody knows where.
    Nowhere,
}

/// A way by its place in [`Ways`].
pub(crate) type Way = u16;

/// Nobody knows where in it.
pub(crate) const NOWHERE: Way = 0;
/// It is the value itself.
pub(crate) const ITSELF: Way = 1;

/// The ways that one text has.
#[derive(Debug, Default)]
pub(crate) struct Ways(Vec<Vec<Step>>);

/// Most ways that are kept, and most labelled values in one document that are looked at; what is more is nowhere.
const WAYS_MAX: usize = 1_000;
const MEMBERS_MAX: usize = 64;

impl Ways {
    fn steps(&self, way: Way) -> Option<&[Step]> {
        match way {
            NOWHERE => None,
            ITSELF => Some(&[]),
            way => self.0.get(usize::from(way).checked_sub(2)?).map(Vec::as_slice),
        }
    }

    /// The way to what is at `way` in a value that is put under `step`.
    fn under(&mut self, step: &Step, way: Way) -> Way {
        let Some(rest) = self.steps(way) else { return NOWHERE };
        let steps = [std::slice::from_ref(step), rest].concat();
        let at = self.0.iter().position(|known| *known == steps).unwrap_or(self.0.len());
        if at >= WAYS_MAX {
            return NOWHERE;
        }
        if at == self.0.len() {
            self.0.push(steps);
        }
        Way::try_from(at + 2).unwrap_or(NOWHERE)
    }
}

/// How two ways are to each other.
#[derive(Debug, PartialEq, Eq)]
enum Two {
    Same,
    /// No value is at both.
    Apart,
    /// One may lead to or through what the other leads to.
    Unclear,
}

fn two(one: &[Step], other: &[Step]) -> Two {
    match (one.split_first(), other.split_first()) {
        (None, None) => Two::Same,
        (Some((a, one)), Some((b, other))) => match (a, b) {
            (a, b) if a == b => two(one, other),
            (Step::Index(_), Step::Index(_)) | (Step::Name(_), Step::Name(_)) => Two::Apart,
            _ => Two::Unclear,
        },
        _ => Two::Unclear,
    }
}

impl Reading<'_> {
    /// The traces of values that are put into another.
    pub fn put(&mut self, traces: Vec<Trace>, put: &Put) -> Vec<Trace> {
        let traces = traces
            .into_iter()
            .map(|trace| match put {
                Put::Under(step) => Trace { way: self.ways.under(step, trace.way), ..trace },
                Put::Same => trace,
                Put::Nowhere => Trace { way: NOWHERE, ..trace },
            })
            .collect();
        self.put_inside(traces)
    }

    /// Where in the document that a column is labelled values are, if all of them are at known places that cannot be
    /// taken for one another.
    pub fn members_of(&self, column: u32, traces: &[Trace]) -> Vec<Member> {
        if traces.len() > MEMBERS_MAX {
            return Vec::new();
        }
        let mut found: Vec<(&[Step], Vec<DataClass>, bool)> = Vec::new();
        for trace in traces {
            let steps = self.ways.steps(trace.way).filter(|steps| !steps.is_empty());
            let (Some(steps), Some(labelled)) = (steps, self.catalog.labelled(trace.column)) else {
                return Vec::new();
            };
            let stands = trace.stands && matches!(labelled.label, Label::Class(_));
            let mut same = None;
            for (at, (known, ..)) in found.iter().enumerate() {
                match two(known, steps) {
                    Two::Apart => {}
                    Two::Same => same = Some(at),
                    Two::Unclear => return Vec::new(),
                }
            }
            match same.and_then(|at| found.get_mut(at)) {
                Some((_, classes, both_stand)) => {
                    *both_stand &= stands && *classes == labelled.classes;
                    classes.extend(labelled.classes.iter().cloned());
                }
                None => found.push((steps, labelled.classes.clone(), stands)),
            }
        }
        let mut members = Vec::new();
        for (steps, mut classes, stands) in found {
            let Some(path) = path(steps) else { return Vec::new() };
            classes.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
            classes.dedup();
            members.push(Member { column, path: path.into(), classes, stands });
        }
        members.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        members
    }
}

/// The way as a path (RFC 9535); `None` for a name that no quotes fit around.
fn path(steps: &[Step]) -> Option<String> {
    let mut path = String::from("$");
    for step in steps {
        match step {
            Step::Any => path.push_str("[*]"),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Name(name) if !name.contains('\'') => path.push_str(&format!("['{name}']")),
            Step::Name(name) if !name.contains('"') => path.push_str(&format!("[\"{name}\"]")),
            Step::Name(_) => return None,
        }
    }
    Some(path)
}

/// Whether a text is what a member is called, and no value: facts hold it.
pub(crate) fn is_name(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$ ".contains(&byte);
    text.len() <= 63 && digits <= 4 && text.bytes().all(is_sign)
}
