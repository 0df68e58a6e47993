use std::fmt;

use access::Timestamp;
use audit::{Command, PolicyNote, Who};
use serde::{Deserialize, Serialize};

use super::{Effect, Grant, Saying, Verb};

/// One command that waits for people to answer for it, or did.
///
/// Holds nothing that may not be shown to those who answer: its text is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The id of the command that asked: `3f9a61c0d4e8b752-12`.
    pub id: Box<str>,
    /// How often it has been changed. Who changes it says which revision they saw.
    pub revision: u64,
    /// A keyed digest of all that the approval binds, in hex.
    pub binding: Box<str>,
    /// Who asked.
    pub asker: Who,
    /// On which connection.
    pub connection: Box<str>,
    /// The connection's labels.
    pub labels: Vec<Box<str>>,
    /// The protocol it came by.
    pub lane: Box<str>,
    /// The gateway that it came to.
    pub gateway: Box<str>,
    /// Whether its client waits on the wire. If not, the same command may be sent again once it is approved.
    pub waits: bool,
    /// The command, masked.
    pub command: Command,
    /// The fields that are bound and its text does not show, masked: of an HTTP request those of its header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(Box<str>, Box<str>)>,
    /// What it is as an HTTP request, if it is one: method, path, route, operation and model, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Called>,
    /// What access it is, if it is no command but access for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Box<Grant>>,
    /// What it would do.
    #[serde(default)]
    pub effect: Effect,
    /// What policy said that it needs approval for.
    pub why: Box<str>,
    /// The policies that said so.
    pub policies: Vec<PolicyNote>,
    /// The policies under which it was asked; under others it counts for nothing.
    pub policy_version: Box<str>,
    /// How many people must approve it.
    pub needed: u32,
    /// When it was asked, in microseconds since 1970.
    pub asked: i64,
    /// When it can no longer be answered.
    pub expires: i64,
    /// For how many seconds it may be used once it is approved.
    pub life: u32,
    /// What people said, in order.
    pub answers: Vec<Answer>,
    /// Who let it run without waiting for them, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<Box<Glass>>,
    /// Where it stands.
    pub state: State,
}

/// A command as an HTTP request, as far as policies of answers see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// As it is sent.
    pub method: Box<str>,
    /// Percent-decoded, without the query.
    pub path: Box<str>,
    /// The path with its parameters named, where that is known; else the path.
    pub route: Box<str>,
    /// The operation's id, or empty.
    pub operation: Box<str>,
    /// The model that it asks, or empty.
    pub model: Box<str>,
    /// The tools that it offers to the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Box<str>>,
    /// Those that the model has called so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools_called: Vec<Box<str>>,
    /// The most tokens that it lets the model write, if it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Whether card data was in it as it came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_cards: bool,
}

/// What one person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who.
    pub by: Who,
    /// Yes, or no.
    pub approves: bool,
    /// In their words, masked.
    pub comment: Box<str>,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// How many rows the command may touch, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_max: Option<u64>,
}

/// That somebody let a command run without waiting for approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    /// Who.
    pub by: Who,
    /// Why, in their words, masked.
    pub reason: Box<str>,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What somebody else said to it afterwards. Until then it is a duty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Answer>,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It can be answered.
    Waiting,
    /// It may run once, until this moment (microseconds since 1970).
    Approved {
        /// The moment.
        until: i64,
    },
    /// Somebody said no.
    Denied,
    /// It ran, or was let run.
    Used,
    /// Nobody answered in time, or it was not used in time.
    Expired,
    /// Whoever asked went away.
    Withdrawn,
    /// Access for a time was ended before that.
    Revoked,
}

/// Why an answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCounted {
    /// It is no longer waiting.
    Over(State),
    /// Agents answer for nothing.
    Agent,
    /// It is one's own request, or that of an agent to which one has lent access.
    Own,
    /// This person has answered already.
    Twice,
    /// How many rows the command touches does not bound what it does.
    NoRows,
    /// There is nothing to review, or somebody has.
    NoReview,
    /// It is a command, and that is said to access for a time, or the other way round.
    OtherKind,
    /// What should be left of the access is more than was asked for, or nothing.
    NotNarrower,
}

impl Request {
    /// Those by whose word it may run.
    pub(crate) fn let_by(&self) -> impl Iterator<Item = &Who> {
        let approved = self.answers.iter().filter(|answer| answer.approves).map(|answer| &answer.by);
        approved.chain(self.glass.iter().map(|glass| &glass.by))
    }

    /// Takes what `by` says. One who says no ends it; enough who say yes, or one who may break the glass, make it usable for
    /// its life.
    ///
    /// # Errors
    /// [`NotCounted`]; then nothing has changed.
    pub fn answer(&mut self, by: &Who, saying: &Saying<'_>, now: Timestamp) -> Result<(), NotCounted> {
        self.may_answer(by, saying, now)?;
        let Saying { verb, comment, rows_max, .. } = *saying;
        if let Some(grant) = self.left_by(saying)?.filter(|_| verb == Verb::Approve) {
            self.life = grant.seconds;
            self.command.statement = grant.words().into();
            self.grant = Some(Box::new(grant));
        }
        let approved = State::Approved { until: now.plus_seconds(self.life.into()).micros() };
        let approves = verb == Verb::Approve;
        let answer = Answer { by: by.clone(), approves, comment: comment.into(), at: now.micros(), rows_max };
        match verb {
            Verb::Approve => {
                self.answers.push(answer);
                if self.approvals() >= self.needed {
                    self.state = approved;
                }
            }
            Verb::Deny => {
                self.answers.push(answer);
                self.state = State::Denied;
            }
            Verb::BreakGlass => {
                let Answer { by, comment, at, .. } = answer;
                self.glass = Some(Box::new(Glass { by, reason: comment, at, review: None }));
                self.state = approved;
            }
            Verb::Review => {
                let review = Answer { approves: true, ..answer };
                self.glass.iter_mut().for_each(|glass| glass.review = Some(review.clone()));
            }
            Verb::Revoke => self.state = State::Revoked,
        }
        self.revision += 1;
        Ok(())
    }

    /// Whether what `by` says would count at `now`.
    ///
    /// # Errors
    /// [`NotCounted`].
    pub fn may_answer(&self, by: &Who, saying: &Saying<'_>, now: Timestamp) -> Result<(), NotCounted> {
        if saying.narrower.is_some() && saying.verb != Verb::Approve {
            return Err(NotCounted::OtherKind);
        }
        let is_about_grants = match saying.verb {
            Verb::Review => return self.may_review(by),
            Verb::Revoke => return self.may_revoke(by, now),
            Verb::BreakGlass => Some(false),
            Verb::Approve | Verb::Deny => saying.narrower.map(|_| true),
        };
        if is_about_grants.is_some_and(|it| it != self.grant.is_some()) {
            return Err(NotCounted::OtherKind);
        }
        if self.state != State::Waiting {
            return Err(NotCounted::Over(self.state));
        }
        if now.micros() >= self.expires {
            return Err(NotCounted::Over(State::Expired));
        }
        is_person(by)?;
        if saying.rows_max.is_some() && !(saying.verb == Verb::Approve && self.counts_rows()) {
            return Err(NotCounted::NoRows);
        }
        match saying.verb {
            // Whoever may go ahead answers for it afterwards.
            Verb::BreakGlass => Ok(()),
            _ if self.left_by(saying).is_err() => Err(NotCounted::NotNarrower),
            _ if self.is_own(by) => Err(NotCounted::Own),
            _ if self.answers.iter().any(|answer| is_same(&answer.by, by)) => Err(NotCounted::Twice),
            _ => Ok(()),
        }
    }

    /// The access that is left by what somebody says, where it is access.
    ///
    /// # Errors
    /// [`NotCounted::NotNarrower`].
    pub fn left_by(&self, saying: &Saying<'_>) -> Result<Option<Grant>, NotCounted> {
        match (&self.grant, saying.narrower) {
            (Some(grant), Some(to)) => grant.narrowed(to).map(Some).ok_or(NotCounted::NotNarrower),
            (Some(grant), None) => Ok(Some((**grant).clone())),
            (None, _) => Ok(None),
        }
    }

    /// Whether it can be ended: who asked may give it back, and who may give such may take it. Agents take nothing from others.
    fn may_revoke(&self, by: &Who, now: Timestamp) -> Result<(), NotCounted> {
        if self.grant.is_none() {
            return Err(NotCounted::OtherKind);
        }
        if !self.state_at(now).is_open() {
            return Err(NotCounted::Over(self.state_at(now)));
        }
        // Another agent of the same person's is another.
        let is_given_back = self.is_own(by) && (is_person(by).is_ok() || self.asker.id == by.id);
        if is_given_back { Ok(()) } else { is_person(by) }
    }

    /// Takes `values` of those that may be revealed. Whether as many were left.
    pub fn take_reveals(&mut self, values: u32, now: Timestamp) -> bool {
        let is_live = matches!(self.state_at(now), State::Approved { .. });
        let Some(grant) = self.grant.as_mut().filter(|_| is_live) else { return false };
        let is_there = grant.left().is_some_and(|left| values <= left);
        if is_there {
            grant.revealed += values;
            self.revision += 1;
        }
        is_there
    }

    /// Gives back what was taken and not revealed.
    pub fn give_back(&mut self, values: u32) {
        if let Some(grant) = &mut self.grant {
            grant.revealed = grant.revealed.saturating_sub(values);
            self.revision += 1;
        }
    }

    /// Whether `by` may look at why the glass was broken: neither who broke it, nor for whom.
    fn may_review(&self, by: &Who) -> Result<(), NotCounted> {
        is_person(by)?;
        match &self.glass {
            Some(glass) if glass.review.is_none() => match self.is_own(by) || is_same(&glass.by, by) {
                true => Err(NotCounted::Own),
                false => Ok(()),
            },
            _ => Err(NotCounted::NoReview),
        }
    }

    /// Whether somebody still has to look at why the glass was broken.
    pub fn is_to_review(&self) -> bool {
        self.glass.as_ref().is_some_and(|glass| glass.review.is_none())
    }

    /// Whether something may still come of it, or is to be done.
    pub fn is_open(&self) -> bool {
        self.state.is_open() || self.is_to_review()
    }

    /// Whether as many let it run as `needed`.
    pub fn is_enough_for(&self, needed: u32) -> bool {
        self.glass.is_some() || self.approvals() >= needed
    }

    /// How many rows the command may touch: as many as those who answered were shown, where they were counted, or as the
    /// strictest of them said. `None`: nobody knows.
    pub fn rows_max(&self) -> Option<u64> {
        let counted = self.effect.rows.filter(|_| !self.effect.is_estimate);
        let said = self.answers.iter().filter_map(|answer| answer.rows_max).min();
        let bound = [counted, said].into_iter().flatten().min();
        bound.filter(|_| self.counts_rows())
    }

    /// Whether the rows that the upstream says it has touched are all that it touches.
    fn counts_rows(&self) -> bool {
        self.called.is_none() && access::counts_rows(&self.command.facts.kinds)
    }

    /// Whether `by` asked for it, or lent their access to the agent that did.
    pub fn is_own(&self, by: &Who) -> bool {
        let lent = || self.asker.issuer == by.issuer && self.asker.on_behalf_of.as_ref() == Some(&by.subject);
        is_same(&self.asker, by) || lent()
    }

    /// Uses an approval up.
    ///
    /// # Errors
    /// Where it stands, when it cannot be used.
    pub fn take(&mut self, now: Timestamp) -> Result<(), State> {
        match self.state_at(now) {
            State::Approved { .. } if self.grant.is_none() => {
                self.state = State::Used;
                self.revision += 1;
                Ok(())
            }
            state => Err(state),
        }
    }

    /// Ends it if its time has run out. Whether it did.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let expires = self.state_at(now) == State::Expired && self.state != State::Expired;
        if expires {
            (self.state, self.revision) = (State::Expired, self.revision + 1);
        }
        expires
    }

    /// Ends it since nobody waits for it any more. Whether it was open.
    pub fn withdraw(&mut self) -> bool {
        let is_open = matches!(self.state, State::Waiting | State::Approved { .. });
        if is_open {
            (self.state, self.revision) = (State::Withdrawn, self.revision + 1);
        }
        is_open
    }

    /// Where it stands at `now`, whether or not anybody has taken note that its time has run out.
    pub fn state_at(&self, now: Timestamp) -> State {
        match self.state {
            State::Waiting if now.micros() >= self.expires => State::Expired,
            State::Approved { until } if now.micros() >= until => State::Expired,
            state => state,
        }
    }

    /// Until when it is open, in microseconds since 1970, unless somebody changes it; `None` when it is over.
    pub fn open_until(&self) -> Option<i64> {
        match self.state {
            State::Waiting => Some(self.expires),
            State::Approved { until } => Some(until),
            State::Denied | State::Used | State::Expired | State::Withdrawn | State::Revoked => None,
        }
    }

    /// How many have approved it.
    pub fn approvals(&self) -> u32 {
        let approvals = self.answers.iter().filter(|answer| answer.approves).count();
        u32::try_from(approvals).unwrap_or(u32::MAX)
    }

    /// The comment of whoever denied it.
    pub fn denial(&self) -> Option<&Answer> {
        self.answers.iter().find(|answer| !answer.approves)
    }
}

/// An agent is whatever is not said to be a person, also one that acts for somebody.
fn is_person(by: &Who) -> Result<(), NotCounted> {
    match &*by.kind == access::Kind::User.as_str() && by.on_behalf_of.is_none() {
        true => Ok(()),
        false => Err(NotCounted::Agent),
    }
}

/// Whether two are the same person or machine: what an issuer calls them by, not what they are shown as; or the same person
/// by another identity.
fn is_same(one: &Who, other: &Who) -> bool {
    let is_one_person = one.person.is_some() && one.person == other.person;
    is_one_person || (one.issuer == other.issuer && one.subject == other.subject)
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved { .. } => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
        }
    }

    /// Whether something may still come of it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved { .. })
    }
}

impl fmt::Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(State::Approved { .. }) => f.write_str("it is approved already"),
            Self::Over(state) => write!(f, "it is {} already", state.as_str()),
            Self::Agent => f.write_str("agents answer for nothing, a person has to"),
            Self::Own => f.write_str(
                "it is your own request, or that of an agent you lent access to: somebody else has to answer",
            ),
            Self::Twice => f.write_str("you have answered already"),
            Self::NoRows => {
                f.write_str("what it does is not bounded by a number of rows: answer without one")
            }
            Self::OtherKind => f.write_str(
                "a command is approved or denied; access for a time is approved, narrowed, denied or revoked",
            ),
            Self::NotNarrower => f.write_str(
                "what you leave of it is more than was asked for, or nothing: it has to be a part of that",
            ),
            Self::NoReview => f.write_str("there is nothing to review, or somebody has"),
        }
    }
}
