//! Masks on their way back: what an agent was shown in the place of a value must not become the value.

use access::{Facts, Parameter, Position, Question};

use crate::parameter::{Shown, show};

/// Whether the command gives a protected column a value while it holds a mask: as a parameter, or in quotes in its text.
///
/// Which of its values goes to which column is not looked at. A value that looks like a mask has no other business in a
/// command that writes such columns.
pub(crate) fn writes_a_mask(question: &Question) -> bool {
    assigns(&question.facts)
        && (holds_a_quoted_mask(question.command.expose())
            || question.parameters.iter().any(|parameter| is_mask(parameter.expose())))
}

fn assigns(facts: &Facts) -> bool {
    facts.columns.iter().any(|used| used.position == Position::Assigned)
}

fn is_mask(parameter: &Parameter) -> bool {
    let Shown::Text(text) = show(parameter) else { return false };
    text.contains(STARS) && (text.bytes().all(is_of_mask) || holds_a_quoted_mask(&text))
}

/// Whether a mask stands between quotes, as in SQL and in JSON.
fn holds_a_quoted_mask(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.match_indices(STARS).any(|(at, _)| {
        let (before, after) = bytes.split_at_checked(at).unwrap_or_default();
        let opening = before.iter().rev().find(|byte| !is_of_mask(**byte));
        let closing = after.iter().find(|byte| !is_of_mask(**byte));
        // Within a text in quotes, JSON's own quotes have a backslash before them.
        matches!(opening, Some(b'\'' | b'"')) && matches!(closing, Some(b'\'' | b'"' | b'\\'))
    })
}

/// Whether a mask may hold it: what is hidden, what is left, and what stood between.
fn is_of_mask(byte: u8) -> bool {
    matches!(byte, b'*' | b'0'..=b'9' | b' ' | b'-')
}

/// The least that every mask holds.
const STARS: &str = "****";

#[cfg(test)]
mod tests;
