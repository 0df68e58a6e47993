use access::{DataClass, Facts, Position};

/// What of a command's own values must not be recorded, beyond what the content scan finds.
///
/// A value that a command compares a labelled column with, or gives it, is of that column's class, and only
/// card numbers and tracks can be told by their looks (DESIGN.md, promise 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hide {
    /// Nothing more.
    Nothing,
    /// Every digit: parts of card numbers, expiry dates, and all in a text that was not understood.
    Digits,
    /// Every value: names and passwords look like any other word.
    Values,
    /// Every value, and the fingerprint too: what is kept of `sad` may not even be a digest.
    Sad,
}

impl Hide {
    pub(crate) fn of(facts: &Facts) -> Self {
        let columns = facts.columns.iter().map(|used| match (&used.class, used.position) {
            (_, Position::Output) => Self::Nothing,
            // The content scan knows a whole card number.
            (DataClass::Pan, Position::Assigned) => Self::Nothing,
            (
                DataClass::Pan | DataClass::Expiry,
                Position::Derived | Position::Computed | Position::Matched | Position::Assigned,
            ) => Self::Digits,
            (
                DataClass::Sad,
                Position::Derived | Position::Computed | Position::Matched | Position::Assigned,
            ) => Self::Sad,
            (
                DataClass::CardholderName | DataClass::Secret | DataClass::Own(_),
                Position::Derived | Position::Computed | Position::Matched | Position::Assigned,
            ) => Self::Values,
        });
        let unclear = if facts.not_understood.is_empty() { Self::Nothing } else { Self::Digits };
        columns.fold(unclear, Self::max)
    }

    /// What is left of `text` for the record; `None` if nothing may be.
    pub(crate) fn apply(self, text: String) -> Option<String> {
        // `CREATE ROLE … PASSWORD '…'`, and whatever else speaks of one.
        let credential = || text.as_bytes().windows(8).any(|word| word.eq_ignore_ascii_case(b"password"));
        match self {
            Self::Nothing | Self::Digits if credential() && !is_bare(&text) => None,
            Self::Nothing => Some(text),
            Self::Digits => Some(text.chars().map(|c| if c.is_numeric() { '#' } else { c }).collect()),
            Self::Values | Self::Sad => is_bare(&text).then_some(text),
        }
    }
}

/// Whether `text` can hold no value, by any reading: no quote of any kind, no comment, and no number but
/// `$1` and the like and digits within a word. It may say no to a text that holds none.
pub(crate) fn is_bare(text: &str) -> bool {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        let bare = match c {
            '\'' | '"' | '`' | '\\' => false,
            '-' => next != '-',
            '/' => next != '*',
            '#' => false,
            '$' => next.is_ascii_digit() && !before.is_alphanumeric(),
            c if c.is_ascii_digit() => before.is_alphanumeric() || before == '_' || before == '$',
            c => !c.is_numeric(),
        };
        if !bare {
            return false;
        }
        before = c;
    }
    true
}

#[cfg(test)]
mod tests;
