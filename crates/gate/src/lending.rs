//! Access that principals lend to agents: who may, and what they have of it now.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use access::{Action, Labelled, Loan, Mode, Principal, Resource, Stage, Timestamp};
use audit::{Entry, Event, Who};
use policy::{Answering, Asked, Granting, Scope, Subject};
use quick_cache::sync::Cache;

use crate::gate::connect;
use crate::{Gate, Unanswered, Voter};

/// Access that somebody would lend.
#[derive(Debug, Clone)]
pub struct Offer {
    /// By what it is to be known.
    pub id: Box<str>,
    /// The agent's id.
    pub agent: Box<str>,
    /// Each connection, with its labels.
    pub connections: Vec<Labelled>,
    /// What may be done there.
    pub actions: BTreeSet<Action>,
    /// For how long.
    pub seconds: u32,
    /// Why.
    pub reason: Box<str>,
}

/// Why something cannot be lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLoan {
    /// No name of an agent.
    Agent,
    /// No connection, or too many.
    Connections,
    /// Nothing that can be lent, or something that goes with any access.
    Actions,
    /// No time, or too long.
    Seconds,
    /// No reason.
    Reason,
    /// What whoever lends it was lent themselves is less, or ends sooner.
    More,
    /// It has gone through too many hands.
    Hands,
}

impl Offer {
    /// Whether it can be lent by somebody.
    fn check(&self) -> Result<(), NoLoan> {
        let is_lent = |action: &Action| !matches!(action, Action::Connect | Action::Session);
        if self.agent.trim() != &*self.agent || self.agent.is_empty() || self.agent.len() > NAME_BYTES_MAX {
            return Err(NoLoan::Agent);
        }
        if self.connections.is_empty() || self.connections.len() > CONNECTIONS_MAX {
            return Err(NoLoan::Connections);
        }
        if self.actions.is_empty() || !self.actions.iter().all(is_lent) {
            return Err(NoLoan::Actions);
        }
        if !(1..=SECONDS_MAX).contains(&self.seconds) {
            return Err(NoLoan::Seconds);
        }
        match self.reason.trim().is_empty() {
            true => Err(NoLoan::Reason),
            false => Ok(()),
        }
    }

    /// What is lent from `now` on.
    fn loan(&self, now: Timestamp) -> Loan {
        let seconds = now.micros().div_euclid(1_000_000);
        Loan {
            agent: self.agent.clone(),
            id: self.id.clone(),
            connections: self.connections.iter().map(|(name, _)| (&**name).into()).collect(),
            actions: self.actions.clone(),
            from: Timestamp::from_seconds(seconds).plus_seconds(-SKEW_SECONDS),
            until: Timestamp::from_seconds(seconds).plus_seconds(self.seconds.into()),
        }
    }
}

impl Gate {
    /// Lends an agent some of somebody's access, if policy lets them. It may be told once the entry is there: then it counts.
    ///
    /// # Errors
    /// [`Unanswered`]; then nothing is lent. That policy does not let them is recorded.
    pub async fn lend(&self, voter: &Voter, offer: &Offer, now: Timestamp) -> Result<Principal, Unanswered> {
        self.holds(voter, now)?;
        offer.check().map_err(Unanswered::NoLoan)?;
        // What is masked in it would be another agent.
        if self.recorder.name(&offer.agent) != offer.agent {
            return Err(Unanswered::NoLoan(NoLoan::Agent));
        }
        let loan = offer.loan(now);
        if let Some(own) = voter.principal.lent() {
            let has_it = loan.connections.is_subset(&own.connections) && loan.actions.is_subset(&own.actions);
            if !has_it || loan.until > voter.principal.valid_until {
                return Err(Unanswered::NoLoan(NoLoan::More));
            }
        }
        let (connections, actions) = (loan.connections.clone(), loan.actions.clone());
        let until = loan.until.micros();
        let lender = Principal::clone(&voter.principal);
        let lent = lender.lending(loan).ok_or(Unanswered::NoLoan(NoLoan::Hands))?;
        if let Err(why) = self.may_lend(voter, offer, now) {
            let reason = self.recorder.shortened(&why, REASON_CHARS_MAX);
            let code = access::Code::PolicyDenied;
            let event = Event::SessionRefused { code, reason, policies: Vec::new() };
            // It is refused whether or not that is recorded.
            _ = self.log.append(&self.said(voter, event, now)).await;
            return Err(Unanswered::MayNotLend(why.into()));
        }
        let event = Event::AccessLent {
            id: offer.id.clone(),
            to: offer.agent.clone(),
            connections: connections.into_iter().collect(),
            actions: actions.iter().map(|action| action.as_str().into()).collect(),
            until,
            reason: self.recorder.shortened(&offer.reason, REASON_CHARS_MAX),
        };
        match self.log.append(&self.said(voter, event, now)).await {
            Ok(_) => Ok(lent),
            Err(_) => Err(Unanswered::NotRecorded),
        }
    }

    /// Whether somebody may come at all.
    ///
    /// # Errors
    /// [`Unanswered`]: their token does not hold, or their access is revoked.
    pub fn may_come(&self, voter: &Voter, now: Timestamp) -> Result<(), Unanswered> {
        self.holds(voter, now)
    }

    /// Whether policy lets somebody reach each connection and lend what is offered of it; else why not.
    fn may_lend(&self, voter: &Voter, offer: &Offer, now: Timestamp) -> Result<(), String> {
        let (rules, subject, facts) = (self.rules.load(), Subject::new(&voter.principal), connect());
        let signed_in = &voter.principal.authentication;
        let actions: Vec<Box<str>> = offer.actions.iter().map(|action| action.as_str().into()).collect();
        let granting =
            Granting { actions: &actions, objects: &[], classes: &[], seconds: offer.seconds, reveals: None };
        for (connection, labels) in &offer.connections {
            let scope = Scope { connection, labels, mode: Mode::default() };
            let inquiry = rules.policies.about(&subject, scope, &facts, Stage::Run, 0);
            let reaches = inquiry.may(Action::Connect, &Resource::Connection);
            let asked = Asked {
                requester: "",
                groups: &[],
                comment: true,
                acr: signed_in.class.as_deref().unwrap_or_default(),
                signed_in_seconds: signed_in.at.map(|at| (now.micros() - at.micros()).max(0) / 1_000_000),
                granting: Some(granting),
                lent_to: &offer.agent,
            };
            let lends =
                if reaches.allowed { inquiry.may_answer(Answering::Delegate, asked) } else { reaches };
            if !lends.allowed {
                return Err(format!("of connection {connection}: {}", lends.why()));
            }
        }
        Ok(())
    }

    fn said(&self, voter: &Voter, event: Event, now: Timestamp) -> Entry {
        Entry {
            principal: Some(Arc::new(Who::from(&*voter.principal))),
            from: Some((&*voter.from).into()),
            client: Some(self.recorder.client(&voter.client).into()),
            lane: Some("console".into()),
            ..Entry::of_gateway(now, Arc::clone(&self.name), event)
        }
    }

    /// What a principal is now, to whom access was lent: in the groups in which whoever lent it was when they were last seen here.
    pub fn as_now(&self, principal: Principal) -> Principal {
        self.lenders.as_now(&principal).unwrap_or(principal)
    }

    /// Whether a principal is what they were when they came: whoever lent them their access may be in other groups since.
    pub fn is_as_then(&self, principal: &Principal) -> bool {
        self.lenders.as_now(principal).is_none()
    }
}

/// The groups of those who may have lent access, as their latest token has them.
pub(crate) struct Lenders(Cache<Lender, Arc<Seen>>);

/// Who: by the client that their token is for, since an issuer may tell each client of other groups.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Lender {
    issuer: Box<str>,
    subject: Box<str>,
    client: Option<Box<str>>,
}

struct Seen {
    issued_at: Timestamp,
    groups: BTreeSet<Box<str>>,
}

impl Default for Lenders {
    fn default() -> Self {
        Self(Cache::new(LENDERS_MAX))
    }
}

impl Lenders {
    /// Takes note of somebody who comes by a token of their own.
    pub(crate) fn see(&self, principal: &Principal) {
        let Some(issued_at) = principal.authentication.issued_at.filter(|_| principal.lent().is_none())
        else {
            return;
        };
        let lender = Lender::of(principal);
        if self.0.get(&lender).is_none_or(|seen| seen.issued_at < issued_at) {
            self.0.insert(lender, Arc::new(Seen { issued_at, groups: principal.groups.clone() }));
        }
    }

    /// What a principal is now, if that is something else.
    fn as_now(&self, principal: &Principal) -> Option<Principal> {
        let lent = principal.lent()?;
        let first = lent.lenders.first()?;
        let seen = self.0.get(&Lender::of(first))?;
        let is_newer = first.authentication.issued_at.is_none_or(|then| then < seen.issued_at);
        (is_newer && seen.groups != first.groups).then(|| principal.in_groups(&seen.groups))
    }
}

impl Lender {
    fn of(principal: &Principal) -> Self {
        Self {
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            client: principal.authentication.client.clone(),
        }
    }
}

impl fmt::Display for NoLoan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "say to which agent, by its id of up to 200 bytes",
            Self::Connections => "say which connections, up to 50 of those that there are",
            Self::Actions => {
                "say what may be done: `read`, `write`, `administer`, `call`, `reveal` or `match`"
            }
            Self::Seconds => "say for how long: from 1 second to 12 hours",
            Self::Reason => "say what for",
            Self::More => {
                "you were lent less than this, or for less time: nobody hands on more than they have"
            }
            Self::Hands => "this access has gone through too many hands: let whoever has it lend it anew",
        })
    }
}

/// Bytes of an agent's id.
const NAME_BYTES_MAX: usize = 200;
/// Connections that are lent at a time.
const CONNECTIONS_MAX: usize = 50;
/// Half a day: whoever lends it has left by then.
const SECONDS_MAX: u32 = 12 * 3600;
/// Gateways' clocks may be so far apart.
const SKEW_SECONDS: i64 = 30;
/// As much of a reason as is kept.
const REASON_CHARS_MAX: usize = 2000;
/// People and agents of whom it is remembered.
const LENDERS_MAX: usize = 50_000;
