//! Places in JSON that a schema labels.

use std::fmt;

use access::DataClass;
use mask::{JsonPath, JsonRule};

use crate::connection::Rule;

/// A place and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'d> {
    pub way: Vec<Step<'d>>,
    pub class: DataClass,
}

/// A step of the way there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step<'d> {
    /// The member of that name.
    Member(&'d str),
    /// The same, at any depth.
    Below(&'d str),
    /// Every member or element.
    All,
    /// The element there.
    Element(usize),
}

impl Place<'_> {
    /// What is known of the place.
    pub fn rule(&self) -> Rule {
        // What no path leads to is in the document, which then goes as a whole.
        let path = JsonPath::parse(&self.to_string()).unwrap_or_default();
        let rule = JsonRule::new(path, self.class.clone());
        Rule { class: Some(self.class.clone()), rule, until: None }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.way.iter().try_for_each(|step| match step {
            Step::Member(name) => member(f, "", ".", name),
            Step::Below(name) => member(f, "..", "..", name),
            Step::All => f.write_str("[*]"),
            Step::Element(at) => write!(f, "[{at}]"),
        })
    }
}

/// One member as a path names it: in quotes, where it must; a name that no quotes fit stands for any.
fn member(f: &mut fmt::Formatter<'_>, before: &str, dots: &str, name: &str) -> fmt::Result {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(is_plain) {
        return write!(f, "{dots}{name}");
    }
    match (name.contains('\''), name.contains('"')) {
        (false, _) => write!(f, "{before}['{name}']"),
        (true, false) => write!(f, "{before}[\"{name}\"]"),
        (true, true) => write!(f, "{before}[*]"),
    }
}
