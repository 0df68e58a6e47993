//! Access that principals lend to agents: who may, and what they have of it now.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Action, Loan, Mode, Principal, Resource, Stage, Timestamp};
use audit::{Event, Who};
use policy::{Answering, Asked, Granting, Scope, Subject};
use serde::{Deserialize, Serialize};

use crate::gate::connect;
use crate::{Gate, Unanswered, Voter};

/// Access that somebody would lend.
#[derive(Debug, Clone)]
pub struct Offer {
    /// By what it is to be known.
    pub id: Box<str>,
    /// The agent's id.
    pub agent: Box<str>,
    /// Whether the issuer of whoever lends it may have an agent of this id.
    pub is_agents: bool,
    /// Each connection, with its labels; without where there is none of that name, which only those learn who may lend it.
    pub connections: Vec<Offered>,
    /// What may be done there.
    pub actions: BTreeSet<Action>,
    /// For how long.
    pub seconds: u32,
    /// Why.
    pub reason: Box<str>,
}

/// A connection by its name, with its labels if there is one.
pub type Offered = (Arc<str>, Option<Arc<[Box<str>]>>);

/// Why something cannot be lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLoan {
    /// No name of an agent.
    Agent,
    /// The name of none of the issuer's agents.
    Stranger,
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
        let is_name = (1..=NAME_BYTES_MAX).contains(&self.agent.len())
            && self.agent.trim() == &*self.agent
            && !self.agent.chars().any(is_unseen);
        if !is_name {
            return Err(NoLoan::Agent);
        }
        if self.connections.is_empty() || self.connections.len() > CONNECTIONS_MAX {
            return Err(NoLoan::Connections);
        }
        if self.actions.is_empty() || !self.actions.iter().all(is_lent) {
            return Err(NoLoan::Actions);
        }
        if !(1..=Loan::SECONDS_MAX).contains(&self.seconds) {
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
        let (connections, actions, until) = (loan.connections.clone(), loan.actions.clone(), loan.until);
        let lent = match self.lendable(voter, offer, loan, now) {
            Ok(lent) => lent,
            Err(why) => {
                let reason = self.recorder.shortened(&why.to_string(), REASON_CHARS_MAX);
                let code = access::Code::PolicyDenied;
                let event = Event::SessionRefused { code, reason, policies: Vec::new() };
                // It is refused whether or not that is recorded.
                _ = self.log.append(&self.said(voter, event, now)).await;
                return Err(why);
            }
        };
        let event = Event::AccessLent {
            id: offer.id.clone(),
            to: offer.agent.clone(),
            connections: connections.into_iter().collect(),
            actions: actions.iter().map(|action| action.as_str().into()).collect(),
            until: until.micros(),
            reason: self.recorder.shortened(&offer.reason, REASON_CHARS_MAX),
        };
        if self.log.append(&self.said(voter, event, now)).await.is_err() {
            return Err(Unanswered::NotRecorded);
        }
        if voter.principal.lent().is_none() {
            self.lenders.lends(&voter.principal, until);
        }
        Ok(lent)
    }

    /// The agent with what it is lent, if whoever lends it has as much, and policy lets them.
    fn lendable(
        &self,
        voter: &Voter,
        offer: &Offer,
        loan: Loan,
        now: Timestamp,
    ) -> Result<Principal, Unanswered> {
        if let Some(own) = voter.principal.lent() {
            let has_it = loan.connections.is_subset(&own.connections) && loan.actions.is_subset(&own.actions);
            if !has_it || loan.until > voter.principal.valid_until {
                return Err(Unanswered::NoLoan(NoLoan::More));
            }
        }
        self.may_lend(voter, offer, now).map_err(|why| Unanswered::MayNotLend(why.into()))?;
        if offer.connections.iter().any(|(_, labels)| labels.is_none()) {
            return Err(Unanswered::NoConnection);
        }
        if !offer.is_agents {
            return Err(Unanswered::NoLoan(NoLoan::Stranger));
        }
        let lender = Principal::clone(&voter.principal);
        lender.lending(loan).ok_or(Unanswered::NoLoan(NoLoan::Hands))
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
            let scope =
                Scope { connection, labels: labels.as_deref().unwrap_or_default(), mode: Mode::default() };
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

    fn said(&self, voter: &Voter, event: Event, now: Timestamp) -> audit::Entry {
        audit::Entry {
            principal: Some(Arc::new(Who::from(&*voter.principal))),
            from: Some((&*voter.from).into()),
            client: Some(self.recorder.client(&voter.client).into()),
            lane: Some("console".into()),
            ..audit::Entry::of_gateway(now, Arc::clone(&self.name), event)
        }
    }

    /// What a principal is now, to whom access was lent: in the groups in which whoever lent it was when they were last seen.
    pub fn as_now(&self, principal: Principal) -> Principal {
        self.lenders.as_now(&principal).unwrap_or(principal)
    }

    /// Whether a principal is what they were when they came: whoever lent them their access may be in other groups since.
    pub fn is_as_then(&self, principal: &Principal) -> bool {
        self.lenders.as_now(principal).is_none()
    }

    /// Takes note of lenders as they are known elsewhere, and forgets those of whom nothing is lent any more.
    pub fn learn(&self, seen: Vec<Seen>, now: Timestamp) {
        let mut known = self.lenders.known();
        for it in seen {
            let (lender, until) = (it.lender.clone(), it.until);
            let is_new = !known.seen.contains_key(&lender);
            known.take(it);
            // They may have been here just before it was known that they have lent something.
            if is_new && let Some((issued_at, _, groups)) = known.recent.remove(&lender) {
                let groups = BTreeSet::clone(&groups);
                known.take_own(Seen { lender, issued_at, groups, until });
            }
        }
        known.seen.retain(|_, (_, until, _)| *until > now.micros());
    }

    /// What is known of somebody who has lent something.
    pub fn seen(&self, principal: &Principal) -> Option<Seen> {
        self.lenders.known().of(&Lender::of(principal))
    }

    /// Others have not learnt of this one yet.
    pub fn see_anew(&self, seen: Seen) {
        self.lenders.known().changed.insert(seen.lender);
    }

    /// The lenders that have been seen anew since this was asked last, for others to learn.
    pub fn seen_anew(&self) -> Vec<Seen> {
        let mut known = self.lenders.known();
        let changed = std::mem::take(&mut known.changed);
        changed.into_iter().filter_map(|lender| known.of(&lender)).collect()
    }
}

/// Who has lent access that is not over: by the token by which they did, since an issuer may tell each client of other groups, and gives
/// whoever acts for somebody groups of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lender {
    kind: Box<str>,
    id: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
    on_behalf_of: Option<Box<str>>,
    client: Option<Box<str>>,
}

/// In which groups a lender is, by their latest token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub lender: Lender,
    /// When that token was issued, in microseconds since 1970; 0 if it does not say.
    pub issued_at: i64,
    /// The groups.
    pub groups: BTreeSet<Box<str>>,
    /// Until when something holds that they have lent, in microseconds since 1970.
    pub until: i64,
}

impl Seen {
    /// Somebody who comes by a token of their own, and has lent something until then.
    pub fn of(principal: &Principal, until: Timestamp) -> Self {
        let issued_at = principal.authentication.issued_at.map_or(0, |at| at.micros());
        let (lender, groups) = (Lender::of(principal), principal.groups.clone());
        Self { lender, issued_at, groups, until: until.micros() }
    }
}

/// The lenders of all gateways, as far as they are known here.
#[derive(Default)]
pub(crate) struct Lenders(Mutex<Known>);

/// When their latest token was issued, until when something is lent, and the groups.
type Of = (i64, i64, Arc<BTreeSet<Box<str>>>);

#[derive(Default)]
struct Known {
    seen: HashMap<Lender, Of>,
    changed: BTreeSet<Lender>,
    /// Those who came of late and have lent nothing as far as is known, with until when that is of use.
    recent: HashMap<Lender, Of>,
}

impl Lenders {
    /// Takes note of somebody who comes by a token of their own, if they have lent something.
    pub(crate) fn see(&self, principal: &Principal, now: Timestamp) {
        let issued_at = principal.authentication.issued_at.filter(|_| principal.lent().is_none());
        let Some(issued_at) = issued_at else { return };
        let lender = Lender::of(principal);
        let mut known = self.known();
        let groups = principal.groups.clone();
        let until = known.seen.get(&lender).map(|(_, until, _)| *until);
        match until {
            Some(until) => known.take_own(Seen { lender, issued_at: issued_at.micros(), groups, until }),
            None => {
                let until = now.plus_seconds(RECENT_SECONDS).micros();
                if known.recent.len() >= RECENT_MAX {
                    known.recent.retain(|_, (_, until, _)| *until > now.micros());
                }
                if known.recent.len() < RECENT_MAX || known.recent.contains_key(&lender) {
                    let seen = Seen { lender, issued_at: issued_at.micros(), groups, until };
                    merge(&mut known.recent, seen);
                }
            }
        }
    }

    /// Takes note of somebody who lends something until then.
    fn lends(&self, principal: &Principal, until: Timestamp) {
        self.known().take_own(Seen::of(principal, until));
    }

    /// What a principal is now, if that is something else.
    pub(crate) fn as_now(&self, principal: &Principal) -> Option<Principal> {
        let first = principal.lent()?.lenders.first()?;
        let known = self.known();
        let (issued_at, _, groups) = known.seen.get(&Lender::of(first))?;
        let is_newer = first.authentication.issued_at.is_none_or(|then| then.micros() <= *issued_at);
        (is_newer && **groups != first.groups).then(|| principal.in_groups(groups))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Whether it says anything new.
    fn take(&mut self, it: Seen) -> bool {
        merge(&mut self.seen, it)
    }

    /// As [`Known::take`], of what others do not know yet.
    fn take_own(&mut self, it: Seen) {
        let lender = it.lender.clone();
        if self.take(it) {
            self.changed.insert(lender);
        }
    }

    fn of(&self, lender: &Lender) -> Option<Seen> {
        let (issued_at, until, groups) = self.seen.get(lender)?;
        let groups = BTreeSet::clone(groups);
        Some(Seen { lender: lender.clone(), issued_at: *issued_at, groups, until: *until })
    }
}

/// Takes what is known of one: of two tokens the later counts. Whether it says anything new.
fn merge(known: &mut HashMap<Lender, Of>, it: Seen) -> bool {
    let Seen { lender, issued_at, groups, until } = it;
    match known.entry(lender) {
        Entry::Vacant(vacant) => {
            vacant.insert((issued_at, until, Arc::new(groups)));
            true
        }
        Entry::Occupied(mut occupied) => {
            let (known_at, known_until, known) = occupied.get_mut();
            let is_longer = until > *known_until;
            *known_until = until.max(*known_until);
            // Of two tokens of one moment nobody can say which is the later: what both say counts.
            let groups = match issued_at == *known_at {
                true => known.intersection(&groups).cloned().collect(),
                false => groups,
            };
            let is_newer = issued_at >= *known_at && (issued_at > *known_at || **known != groups);
            if is_newer {
                (*known_at, *known) = (issued_at, Arc::new(groups));
            }
            is_newer || is_longer
        }
    }
}

impl Lender {
    fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind.as_str().into(),
            id: principal.id.clone(),
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            on_behalf_of: principal.delegation.as_ref().map(|it| it.on_behalf_of.clone()),
            client: principal.authentication.client.clone(),
        }
    }
}

impl fmt::Display for NoLoan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => {
                "say to which agent, by its id of up to 200 bytes, without controls and unseen signs"
            }
            Self::Stranger => "by the configuration (`agents`) this is the id of no agent of your issuer",
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

/// What does something to a line, or makes one name look like another: controls, and the formats of Unicode that are no letters.
fn is_unseen(c: char) -> bool {
    let formats = [
        '\u{ad}', '\u{34f}', '\u{61c}', '\u{115f}', '\u{1160}', '\u{180e}', '\u{3164}', '\u{feff}',
        '\u{ffa0}',
    ];
    c.is_control()
        || formats.contains(&c)
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Bytes of an agent's id.
const NAME_BYTES_MAX: usize = 200;
/// Connections that are lent at a time.
const CONNECTIONS_MAX: usize = 50;
/// Different ones that come in so many seconds: another gateway's word that somebody has lent something takes no longer.
const RECENT_MAX: usize = 20_000;
const RECENT_SECONDS: i64 = 15;
/// Gateways' clocks may be so far apart.
const SKEW_SECONDS: i64 = 30;
/// As much of a reason as is kept.
const REASON_CHARS_MAX: usize = 2000;
