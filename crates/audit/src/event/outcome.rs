//! What came of a command, as it is recorded.

use access::{Outcome, Said, Status};
use serde::{Deserialize, Serialize};

use super::Event;

impl From<&Outcome> for Event {
    fn from(outcome: &Outcome) -> Self {
        let (status, code) = match &outcome.status {
            Status::Completed(tag) => (StatusWord::Completed, tag.clone()),
            Status::Failed(code) => (StatusWord::Failed, code.clone()),
            Status::Withheld(why) => (StatusWord::Withheld, (*why).into()),
            Status::RolledBack(tag) => (StatusWord::RolledBack, tag.clone()),
            Status::Skipped => (StatusWord::Skipped, "".into()),
            Status::Unknown => (StatusWord::Unknown, "".into()),
        };
        let Outcome { rows, masked, bytes, .. } = *outcome;
        let said = outcome.said.as_deref().map(|said| Box::new(SaidNote::from(said)));
        Self::Outcome { status, code, rows, masked, bytes, said, answer: None }
    }
}

/// What came of asking a model, as it is recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidNote {
    /// Its words, masked, and shortened when the entry would be longer than a tile can hold.
    pub text: Box<str>,
    /// Whether they were shortened.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shortened: bool,
    /// The names of the tools that it called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Box<str>>,
    /// Tokens of what it was asked, as its provider counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Tokens of both by the length of what was asked and said, where its provider has not told, or not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_tokens: Option<u64>,
}

impl SaidNote {
    /// All tokens that it cost.
    pub fn tokens(&self) -> u64 {
        let told = self.input_tokens.unwrap_or(0).saturating_add(self.output_tokens.unwrap_or(0));
        told.max(self.estimated_tokens.unwrap_or(0))
    }
}

impl From<&Said> for SaidNote {
    fn from(said: &Said) -> Self {
        Self {
            text: said.text.expose().clone(),
            shortened: false,
            tools: said.tools.clone(),
            input_tokens: said.input_tokens,
            output_tokens: said.output_tokens,
            estimated_tokens: said.estimated_tokens,
        }
    }
}

/// [`access::Status`] as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    /// The upstream says it is done.
    Completed,
    /// The upstream refused it.
    Failed,
    /// panguard withheld the answer.
    Withheld,
    /// panguard had it rolled back: it touched more rows than were approved.
    RolledBack,
    /// It never ran: one before it in its pipeline failed, or the agent withdrew it.
    Skipped,
    /// Not known: the session ended first.
    Unknown,
}

impl StatusWord {
    /// As it stands in the entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Withheld => "withheld",
            Self::RolledBack => "rolled_back",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}
