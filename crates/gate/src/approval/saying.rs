/// What a person says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saying<'a> {
    /// What is to become of it.
    pub verb: Verb,
    /// Why, in their words.
    pub comment: &'a str,
    /// With a yes: the command may touch so many rows and no more.
    pub rows_max: Option<u64>,
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
        Self { verb: Verb::Approve, comment, rows_max: None }
    }

    /// No.
    pub fn no(comment: &'a str) -> Self {
        Self { verb: Verb::Deny, comment, rows_max: None }
    }

    /// The same in other words.
    #[must_use]
    pub(crate) fn in_words<'b>(&self, comment: &'b str) -> Saying<'b> {
        Saying { verb: self.verb, comment, rows_max: self.rows_max }
    }
}
