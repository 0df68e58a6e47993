use super::Narrower;

/// What a person says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saying<'a> {
    /// What is to become of it.
    pub verb: Verb,
    /// Why, in their words.
    pub comment: &'a str,
    /// With a yes: the command may touch so many rows and no more.
    pub rows_max: Option<u64>,
    /// With a yes to access for a time: what is left of it.
    pub narrower: Option<&'a Narrower>,
}

/// What is to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It may run.
    Approve,
    /// It may not.
    Deny,
    /// It may run at once, whoever has answered; and somebody else has to look at that afterwards.
    BreakGlass,
    /// Somebody has looked at why the glass was broken for it.
    Review,
    /// Access that was given ends at once, or is asked for no more.
    Revoke,
}

impl Verb {
    /// Whether it can let the command run.
    pub fn lets_run(self) -> bool {
        matches!(self, Self::Approve | Self::BreakGlass)
    }
}

impl<'a> Saying<'a> {
    /// Yes.
    pub fn yes(comment: &'a str) -> Self {
        Self { verb: Verb::Approve, ..Self::no(comment) }
    }

    /// No.
    pub fn no(comment: &'a str) -> Self {
        Self { verb: Verb::Deny, comment, rows_max: None, narrower: None }
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn in_words<'b>(self, comment: &'b str) -> Saying<'b>
    where
        'a: 'b,
    {
        Saying { comment, ..self }
    }
}
