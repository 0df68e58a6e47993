//! What the operator says of the data: which columns hold which class.

use std::sync::Arc;

use access::{DataClass, Timestamp};

use crate::template::Templates;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// Every value is of this class.
    Class(DataClass),
    /// A JSON document that holds classes at these paths (`$.card.number`). Never empty.
    Json(Vec<(String, DataClass)>),
}

impl Label {
    /// The classes that a value may hold, each once, the strictest first.
    pub fn classes(&self) -> Vec<&DataClass> {
        let mut classes: Vec<&DataClass> = match self {
            Self::Class(class) => vec![class],
            Self::Json(paths) => paths.iter().map(|(_, class)| class).collect(),
        };
        classes.sort_by_key(|class| (severity(class), class.as_str().to_owned()));
        classes.dedup();
        classes
    }

    /// Orders labels, the strictest first. Of two with the same class the one that covers the whole value
    /// is the stricter.
    pub(crate) fn rank(&self) -> (u8, bool) {
        let strictest = self.classes().first().map_or(u8::MAX, |class| severity(class));
        (strictest, matches!(self, Self::Json(_)))
    }
}

/// How bad it is that a value of `class` gets out, 0 the worst.
fn severity(class: &DataClass) -> u8 {
    match class {
        DataClass::Sad => 0,
        DataClass::Pan => 1,
        DataClass::Secret => 2,
        DataClass::CardholderName => 3,
        DataClass::Expiry => 4,
        DataClass::Own(_) => 5,
    }
}

/// What the operator vouches for: that a column, or a place in its JSON documents, holds no cardholder data.
///
/// Such a column is not sensitive: statements may do with it as with any other. It is only not searched, where the
/// server says that an output is that very column, and until the day that the operator named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPan {
    /// The place (`$.trace.id`); `None` is the whole column.
    pub path: Option<Box<str>>,
    /// From then on it is searched again.
    pub until: Timestamp,
}

/// What the operator says of one connection: columns by name with their labels (`data:`), and registered statements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    pub(crate) entries: Vec<Entry>,
    pub(crate) not_pan: Vec<Vouched>,
    pub(crate) templates: Arc<Templates>,
}

/// One column, or place in it, that holds no cardholder data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub schema: Box<str>,
    pub table: Box<str>,
    pub column: Box<str>,
    pub not_pan: NotPan,
}

/// One configured column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub schema: Box<str>,
    pub table: Box<str>,
    pub column: Box<str>,
    pub label: Label,
}

impl Labels {
    /// Takes names as `schema.table.column` with what the columns hold.
    ///
    /// Names follow PostgreSQL: folded to lower case unless in double quotes, where `""` is a quote.
    ///
    /// # Errors
    /// [`LabelError`] names the entry that is not such a name, comes twice, or has no path.
    pub fn new<N: AsRef<str>>(entries: impl IntoIterator<Item = (N, Label)>) -> Result<Self, LabelError> {
        let mut labels = Self::default();
        for (name, label) in entries {
            let name = name.as_ref();
            let Some([schema, table, column]) = split(name) else {
                return Err(LabelError::NotAColumn { name: name.into() });
            };
            if matches!(&label, Label::Json(paths) if paths.is_empty()) {
                return Err(LabelError::NoPath { name: name.into() });
            }
            let same = |e: &Entry| e.schema == schema && e.table == table && e.column == column;
            if labels.entries.iter().any(same) {
                return Err(LabelError::Twice { name: name.into() });
            }
            labels.entries.push(Entry { schema, table, column, label });
        }
        Ok(labels)
    }

    /// Takes the statements that are registered for the connection.
    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Self {
        Self { templates: Arc::new(templates), ..self }
    }

    /// Takes what holds no cardholder data beside the labels, by the same names.
    ///
    /// # Errors
    /// [`LabelError`] names the entry that is no such name, or is there already.
    pub fn with_not_pan<N: AsRef<str>>(
        mut self,
        entries: impl IntoIterator<Item = (N, NotPan)>,
    ) -> Result<Self, LabelError> {
        for (name, not_pan) in entries {
            let name = name.as_ref();
            let Some([schema, table, column]) = split(name) else {
                return Err(LabelError::NotAColumn { name: name.into() });
            };
            let whole = not_pan.path.is_none();
            let labelled = self.entries.iter().any(|e| {
                (&e.schema, &e.table, &e.column) == (&schema, &table, &column)
                    && (whole || !matches!(e.label, Label::Json(_)))
            });
            let vouched = self.not_pan.iter().any(|v| {
                (&v.schema, &v.table, &v.column) == (&schema, &table, &column)
                    && (whole || v.not_pan.path.is_none() || v.not_pan.path == not_pan.path)
            });
            if labelled || vouched {
                return Err(LabelError::Twice { name: name.into() });
            }
            self.not_pan.push(Vouched { schema, table, column, not_pan });
        }
        Ok(self)
    }
}

/// A label that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Not three identifiers.
    #[error("`{name}` does not name a column, write `schema.table.column`")]
    NotAColumn {
        /// The name as configured.
        name: Box<str>,
    },
    /// The same column again.
    #[error("`{name}` is labelled twice, keep one")]
    Twice {
        /// The name as configured.
        name: Box<str>,
    },
    /// A JSON label that says nothing.
    #[error("`{name}` is labelled `json` without a path, name one such as `$.card.number: pan`")]
    NoPath {
        /// The name as configured.
        name: Box<str>,
    },
}

/// Splits `a."B.c".d` into its three identifiers.
fn split(name: &str) -> Option<[Box<str>; 3]> {
    let mut parts = Vec::new();
    let mut rest = name;
    loop {
        let (part, after) = identifier(rest)?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return None,
        }
    }
    parts.try_into().ok()
}

/// Takes one identifier off the front of `text`.
fn identifier(text: &str) -> Option<(Box<str>, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let (plain, rest) = text.split_at_checked(text.find(['.', '"']).unwrap_or(text.len()))?;
        return (!plain.is_empty()).then(|| (plain.to_lowercase().into(), rest));
    };
    let mut part = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return (!part.is_empty()).then(|| (part.into(), after)),
        }
    }
}

#[cfg(test)]
mod tests;
