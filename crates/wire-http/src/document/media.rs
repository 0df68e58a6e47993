//! Types of bodies, as a document declares them.

/// A type of body, or a range of such: `application/json`, `text/*`, `*/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range(Box<str>);

impl Range {
    /// Reads one, without its parameters.
    pub fn read(text: &str) -> Self {
        Self(essence(text).into())
    }

    /// Whether it takes bodies of this type, which is without parameters and in lower case.
    pub fn takes(&self, essence: &str) -> bool {
        match self.0.strip_suffix("/*") {
            Some("*") => true,
            Some(family) => essence.split_once('/').is_some_and(|(of, _)| of == family),
            None => *self.0 == *essence,
        }
    }

    /// How much it leaves open.
    pub fn width(&self) -> usize {
        self.0.bytes().filter(|byte| *byte == b'*').count()
    }
}

/// What `Content-Type` says, without parameters and in lower case.
pub(crate) fn essence(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether places in JSON are places in bodies of this type: documents, lines of them, and events that hold them.
pub(super) fn is_json(essence: &str) -> bool {
    essence.ends_with("json")
        || essence.ends_with("json-seq")
        || essence.ends_with("jsonl")
        || essence.ends_with("jsonlines")
        || essence == "text/event-stream"
}
