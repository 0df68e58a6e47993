//! Searching the log: an expression over entries, what it says of one, and what an index knows of that.
//!
//! ```text
//! expression  and-list { "or" and-list }
//! and-list    term { "and" term }
//! term        "not" term | "(" expression ")" | field operator value
//! operator    = != ~ < <= > >=           the last four for `time` alone
//! value       a word, or "…" or '…' with \ before what it would end at
//! ```
//! Pure: what "now" is, is an argument.

mod field;
mod parse;

use access::Timestamp;

pub use field::Field;
pub use parse::Misunderstood;

use crate::Entry;

/// Which entries are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// Those that all of these fit; every entry if there are none.
    All(Vec<Search>),
    /// Those that any of these fits; no entry if there are none.
    Any(Vec<Search>),
    /// Those that this does not fit.
    Not(Box<Search>),
    /// Those in which the field has this very value, among others perhaps.
    Is(Field, Box<str>),
    /// Those in which a value of the field holds this, in small letters or capitals (of ASCII).
    Holds(Field, Box<str>),
    /// Those not older than this.
    Since(Timestamp),
}

impl Search {
    /// Reads an expression. `now` is what whiles such as `2h` are taken off.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Misunderstood> {
        parse::expression(text, now)
    }

    /// Whether it fits the entry.
    pub fn fits(&self, entry: &Entry) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.fits(entry)),
            Self::Any(any) => any.iter().any(|one| one.fits(entry)),
            Self::Not(other) => !other.fits(entry),
            Self::Is(field, wanted) => field.any(entry, |value| *value == **wanted),
            Self::Holds(field, part) => {
                let part = folded(part);
                field.any(entry, |value| folded(value).contains(&part))
            }
            Self::Since(time) => entry.time >= *time,
        }
    }

    /// Whether it fits every entry, whatever there is in it.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(all) if all.iter().all(Self::is_everything))
    }
}

/// The text as it is compared where letters and capitals are the same.
pub(crate) fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

#[cfg(test)]
pub(crate) mod tests;
