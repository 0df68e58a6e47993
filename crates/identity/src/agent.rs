use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::Untrusted;
use crate::claim::{ClaimPath, name};

/// How an agent's token is told from a person's.
///
/// A token whose `claim` matches is an agent's; any other is a person's. In configuration:
///
/// | rule | an agent is |
/// | --- | --- |
/// | `{ claim: agent_id }` | whoever has that claim, not empty |
/// | `{ claim: azp, values: [ci-bot, report-bot] }` | one of these clients |
/// | `{ claim: azp, prefix: agent- }` | any client whose name begins so |
/// | `{ claim: gty, equals: client-credentials, id: azp }` | whoever signed in as a client, named by `azp` |
///
/// The agent's id is the value of `id`, which is `claim` unless given. Note that `azp` alone does not make an
/// agent: a person's token has it too, so give `values` or `prefix` with it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Form")]
pub struct AgentRule {
    claim: ClaimPath,
    is: Match,
    id: ClaimPath,
}

/// What the claim of an [`AgentRule`] must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Anything but absent or empty.
    Present,
    /// One of these.
    OneOf(BTreeSet<Box<str>>),
    /// Anything that begins so.
    Prefix(Box<str>),
}

/// A rule that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AgentRuleError {
    /// More than one of `values`, `equals` and `prefix`.
    #[error("give only one of `values`, `equals` and `prefix`")]
    SeveralMatches,
    /// No value to match, or an empty one.
    #[error("`values`, `equals` and `prefix` need text, leave them out to take any value")]
    Empty,
}

impl AgentRule {
    /// A rule by which `claim` both tells an agent and names it.
    ///
    /// # Errors
    /// [`AgentRuleError::Empty`] if `is` has nothing to compare with.
    pub fn new(claim: ClaimPath, is: Match) -> Result<Self, AgentRuleError> {
        let empty = match &is {
            Match::Present => false,
            Match::OneOf(values) => values.is_empty() || values.iter().any(|value| value.is_empty()),
            Match::Prefix(prefix) => prefix.is_empty(),
        };
        if empty {
            return Err(AgentRuleError::Empty);
        }
        Ok(Self { id: claim.clone(), claim, is })
    }

    /// The same rule with the agent's id taken from another claim.
    #[must_use]
    pub fn with_id(mut self, id: ClaimPath) -> Self {
        self.id = id;
        self
    }

    /// The agent's id if the token is an agent's own, `None` if it is a person's.
    ///
    /// # Errors
    /// [`Untrusted::Claim`] if the claim is no text, so that nobody can tell, or if the agent has no id.
    pub(crate) fn agent<'a>(&self, claims: &'a Map<String, Value>) -> Result<Option<&'a str>, Untrusted> {
        match name(self.claim.find(claims), "agent")? {
            Some(value) if self.is.accepts(value) => {
                name(self.id.find(claims), "agent id")?.map(Some).ok_or(Untrusted::Claim("agent id"))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// The id of the agent that a delegated token names in `act` (RFC 8693 §4.1): its `id` claim there, else
    /// `act.sub`.
    ///
    /// # Errors
    /// [`Untrusted::Actor`] if the rule tells agents by name and this is none of them: else a person's `sub`
    /// could pass for an agent's id.
    pub(crate) fn actor<'a>(&self, act: &'a Map<String, Value>) -> Result<&'a str, Untrusted> {
        let id = match name(self.id.find(act), "act")? {
            Some(id) => id,
            None => name(act.get("sub"), "act")?.ok_or(Untrusted::Claim("act"))?,
        };
        match self.may_be(id) {
            true => Ok(id),
            false => Err(Untrusted::Actor),
        }
    }

    /// Whether this may be the id of an agent: where agents are told by name, it has to be one of these.
    pub(crate) fn may_be(&self, id: &str) -> bool {
        self.id != self.claim || self.is.accepts(id)
    }
}

impl Match {
    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Present => !value.is_empty(),
            Self::OneOf(values) => values.contains(value),
            Self::Prefix(prefix) => value.starts_with(&**prefix),
        }
    }
}

/// The rule as configuration writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    claim: ClaimPath,
    values: Option<BTreeSet<Box<str>>>,
    equals: Option<Box<str>>,
    prefix: Option<Box<str>>,
    id: Option<ClaimPath>,
}

impl TryFrom<Form> for AgentRule {
    type Error = AgentRuleError;

    fn try_from(form: Form) -> Result<Self, AgentRuleError> {
        let is = match (form.values, form.equals, form.prefix) {
            (None, None, None) => Match::Present,
            (Some(values), None, None) => Match::OneOf(values),
            (None, Some(value), None) => Match::OneOf(BTreeSet::from([value])),
            (None, None, Some(prefix)) => Match::Prefix(prefix),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(AgentRuleError::SeveralMatches);
            }
        };
        let rule = Self::new(form.claim, is)?;
        Ok(match form.id {
            Some(id) => rule.with_id(id),
            None => rule,
        })
    }
}
