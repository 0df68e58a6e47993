use thiserror::Error;

use crate::discovery::is_fetchable;
use crate::{AgentRule, ClaimPath};

/// An OpenID Connect issuer whose tokens are accepted, and how they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    pub(crate) issuer: Box<str>,
    pub(crate) audience: Vec<Box<str>>,
    pub(crate) agents: AgentRule,
    pub(crate) groups: Option<ClaimPath>,
    pub(crate) person: Option<ClaimPath>,
    pub(crate) clock_skew_seconds: u32,
}

/// An issuer that cannot be configured so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IssuerError {
    /// Not an address from which keys can be had safely.
    #[error("the issuer must be an https URL, or http on loopback, without query or fragment")]
    Address,
    /// No audience, or an empty one.
    #[error("the issuer needs an audience, else tokens meant for others would be accepted")]
    Audience,
    /// More clock skew than is safe.
    #[error("the clock skew is at most {max} seconds", max = Issuer::CLOCK_SKEW_SECONDS_MAX)]
    ClockSkew,
}

impl Issuer {
    /// Clock skew unless set otherwise.
    pub const CLOCK_SKEW_SECONDS_DEFAULT: u32 = 30;
    /// Most clock skew: an expired token lives on for that long.
    pub const CLOCK_SKEW_SECONDS_MAX: u32 = 120;

    /// An issuer by its `iss`, character for character, with the audiences of which a token must name one,
    /// and the rule by which its agents are known. Tokens have no groups until [`Issuer::with_groups`].
    ///
    /// # Errors
    /// [`IssuerError::Address`] and [`IssuerError::Audience`].
    pub fn new(
        issuer: &str,
        audience: impl IntoIterator<Item = impl Into<Box<str>>>,
        agents: AgentRule,
    ) -> Result<Self, IssuerError> {
        if !is_fetchable(issuer) || issuer.contains(['?', '#']) {
            return Err(IssuerError::Address);
        }
        let audience: Vec<Box<str>> = audience.into_iter().map(Into::into).collect();
        if audience.is_empty() || audience.iter().any(|name| name.is_empty()) {
            return Err(IssuerError::Audience);
        }
        let clock_skew_seconds = Self::CLOCK_SKEW_SECONDS_DEFAULT;
        Ok(Self { issuer: issuer.into(), audience, agents, groups: None, person: None, clock_skew_seconds })
    }

    /// The same issuer with groups read from `claim`: a list of text, or a text that is one group.
    #[must_use]
    pub fn with_groups(mut self, claim: ClaimPath) -> Self {
        self.groups = Some(claim);
        self
    }

    /// The same issuer with the person behind an identity read from `claim`, such as `email`: text, compared in lower case.
    /// Whoever has two identities with the same one, here or at another issuer, is one person to approvals.
    #[must_use]
    pub fn with_person(mut self, claim: ClaimPath) -> Self {
        self.person = Some(claim);
        self
    }

    /// The same issuer with another clock skew, by which tokens hold earlier and longer.
    ///
    /// # Errors
    /// [`IssuerError::ClockSkew`] above [`Issuer::CLOCK_SKEW_SECONDS_MAX`].
    pub fn with_clock_skew_seconds(mut self, seconds: u32) -> Result<Self, IssuerError> {
        if seconds > Self::CLOCK_SKEW_SECONDS_MAX {
            return Err(IssuerError::ClockSkew);
        }
        self.clock_skew_seconds = seconds;
        Ok(self)
    }

    /// Whether it may have an agent of this id.
    pub fn may_have_agent(&self, id: &str) -> bool {
        self.agents.may_be(id)
    }

    /// How far its clock and ours may be apart.
    pub fn clock_skew_seconds(&self) -> u32 {
        self.clock_skew_seconds
    }

    /// Its `iss`.
    pub fn as_str(&self) -> &str {
        &self.issuer
    }

    /// Where its metadata is (OpenID Connect Discovery 1.0 §4.1), to be read by [`crate::Discovery::parse`].
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'))
    }
}
