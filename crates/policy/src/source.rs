use std::fmt;

use cedar_policy::{Policy, PolicySet};
use miette::Diagnostic;

/// What is wrong with a policy file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, what, instead } = self;
        write!(f, "{file}:{line}:{column}: {what}")?;
        instead.as_ref().map_or(Ok(()), |instead| write!(f, "; {instead}"))
    }
}

impl std::error::Error for Problem {}

/// One policy file.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The policies of the file, with Cedar's own provisional ids.
    pub(crate) fn parse(self) -> Result<Vec<Policy>, Vec<Problem>> {
        let set: PolicySet = self.text.parse().map_err(|errors: cedar_policy::ParseErrors| {
            errors.iter().map(|error| self.problem(error)).collect::<Vec<_>>()
        })?;
        if set.num_of_templates() > 0 {
            let offset = self.text.find(['?']).unwrap_or(0);
            return Err(vec![self.problem_at(
                offset,
                "a policy template has nothing to fill its slot".into(),
                Some("write the principal or resource itself in place of `?principal` or `?resource`".into()),
            )]);
        }
        Ok(set.policies().cloned().collect())
    }

    /// Where `policy` begins, as a byte offset.
    pub(crate) fn offset(self, policy: &Policy) -> usize {
        let parsed = policy.as_ref();
        parsed.loc().map_or(0, |place| place.start())
    }

    /// What Cedar finds wrong, at the first place it points to.
    pub(crate) fn problem(self, found: &dyn Diagnostic) -> Problem {
        let offset = found.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
        self.problem_at(offset, found.to_string(), found.help().map(|help| help.to_string()))
    }

    pub(crate) fn problem_at(self, offset: usize, what: String, instead: Option<String>) -> Problem {
        let (line, column) = self.place(offset);
        Problem { file: self.file.to_owned(), line, column, what, instead }
    }

    /// Line and column of a byte offset, from 1. An offset beyond the end is the end.
    pub(crate) fn place(self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..self.text.floor_char_boundary(offset)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }
}
