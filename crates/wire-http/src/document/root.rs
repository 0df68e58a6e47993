//! A document as it is written, and where its references lead.

use serde_json::Value;

use super::{Spot, Wrong};
use crate::target::Target;

/// The whole document.
#[derive(Clone, Copy)]
pub(super) struct Root<'d>(pub &'d Value);

/// References from one to the next before something is reached.
const HOPS_MAX: usize = 16;

impl<'d> Root<'d> {
    /// What a value is: itself, or what it refers to.
    ///
    /// # Errors
    /// The reference leads nowhere, elsewhere, or to itself.
    pub fn resolve(self, mut value: &'d Value) -> Result<&'d Value, Wrong> {
        for _ in 0..HOPS_MAX {
            let Some(reference) = reference(value) else { return Ok(value) };
            value = self.follow(reference)?;
        }
        let reference = reference(value).unwrap_or_default().to_owned();
        Err(Wrong {
            at: Spot::Text(reference),
            why: "this reference leads from one to the next and to nothing".into(),
        })
    }

    /// What a reference is to.
    ///
    /// # Errors
    /// It leads nowhere, or out of the document.
    pub fn follow(self, reference: &str) -> Result<&'d Value, Wrong> {
        let wrong = |why: &str| Wrong { at: Spot::Text(reference.to_owned()), why: why.into() };
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(wrong(
                "only references within the document are followed, `#/components/…`; bundle what it refers to into one file",
            ));
        };
        let pointer = decoded(fragment).ok_or_else(|| wrong("this reference is no JSON pointer"))?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(wrong("a reference is a JSON pointer, `#/components/schemas/NAME`, and no anchor"));
        }
        self.0.pointer(&pointer).ok_or_else(|| wrong("this reference leads to nothing in the document"))
    }
}

/// The reference that a value is, if it is one.
pub(super) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref").and_then(Value::as_str)
}

/// A fragment of a URL, decoded.
fn decoded(fragment: &str) -> Option<String> {
    if !fragment.contains('%') {
        return Some(fragment.to_owned());
    }
    // A pointer is a path, and is encoded as one.
    Target::read(fragment).ok().map(|target| target.path)
}
