use crate::{Redacted, RequestId};

/// How one command ended, as its lane saw it. Becomes the outcome entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The command it is the outcome of.
    pub request: RequestId,
    /// How it ended.
    pub status: Status,
    /// Rows in the answer; 0 where the protocol has none.
    pub rows: u64,
    /// Values that were masked, made NULL or withheld in the answer.
    pub masked: u64,
    /// Bytes of the answer as released to the agent.
    pub bytes: u64,
    /// The values that were revealed where each counts ([`Metered`](crate::Metered)).
    pub revealed: Vec<Revealed>,
    /// What a model said, where one was asked.
    pub said: Option<Box<Said>>,
    /// The answer as it was told, where it is kept.
    pub told: Option<Box<Told>>,
}

/// An answer as it was told, as far as it is kept. Never one in which something was revealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its values or its body. The gate masks it before it is recorded.
    pub text: Redacted<Box<str>>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// A value that was told as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    /// The column that it is in, as `schema.table.column`.
    pub column: Box<str>,
    /// As it would have been told masked.
    pub masked: Box<str>,
}

/// What came of asking a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Its words as they were told, as far as they are kept. The gate masks them before they are recorded.
    pub text: Redacted<Box<str>>,
    /// The names of the tools that it called.
    pub tools: Vec<Box<str>>,
    /// Tokens of what it was asked, as its provider counts them.
    pub input_tokens: Option<u64>,
    /// Tokens of its answer.
    pub output_tokens: Option<u64>,
    /// Tokens of both by the length of what was asked and said, where its provider has not told, or not all.
    pub estimated_tokens: Option<u64>,
}

/// The end of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The upstream says it is done: `INSERT 0 1`.
    Completed(Box<str>),
    /// The upstream refused it, by its own code (a SQLSTATE).
    Failed(Box<str>),
    /// panguard withheld the answer: what came was not what had been decided upon.
    Withheld(&'static str),
    /// panguard had the upstream roll it back, since it did more than it may: `UPDATE 7`.
    RolledBack(Box<str>),
    /// It was decided upon and never ran: an earlier command of its pipeline failed, or the agent withdrew
    /// it.
    Skipped,
    /// The session ended first; whether the command had its effect is not known.
    Unknown,
}
