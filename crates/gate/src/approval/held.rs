use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use access::{Code, Match, Principal, Refusal, RequestId, Terms, Ticket, Timestamp, Verdict};
use arc_swap::ArcSwap;
use audit::{Command, Ended, Entry, Event, PolicyNote};

use super::waiting::{Approvals, Presence};
use super::{Down, Previewed, Request, Requests, State};
use crate::Append;
use crate::controls::Controls;
use crate::guesses::Guesses;
use crate::lending::Lenders;
use crate::minting::{Minting, not_recorded};
use crate::pending::Pending;
use crate::revocation::Revocations;
use crate::rules::Rules;

/// A command that runs only if people approve it, until that is decided.
pub(crate) struct Held {
    pub(crate) approvals: Arc<Approvals>,
    pub(crate) log: Arc<dyn Append>,
    pub(crate) minting: Arc<Minting>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) lenders: Arc<Lenders>,
    pub(crate) rules: Arc<ArcSwap<Rules>>,
    pub(crate) principal: Arc<Principal>,
    /// What the entries about it have in common.
    pub(crate) about: Entry,
    /// The command's own id.
    pub(crate) id: RequestId,
    /// Whether whoever waits is still there, where that can be told.
    pub(crate) present: Option<Presence>,
    /// What is to be found out about it, where that is safe.
    pub(crate) previewed: Option<Previewed>,
    /// The values that it compares with protected columns, which count once it may run.
    pub(crate) guesses: Arc<Guesses>,
    pub(crate) matches: Vec<Match>,
    /// Whether an entry tells of the command.
    pub(crate) is_recorded: AtomicBool,
    /// What is asked, unless it has been before.
    pub(crate) request: Request,
    /// Whether an entry tells that it is asked, and nobody waits for it yet.
    pub(crate) is_asked: bool,
    pub(crate) command: Box<Command>,
    /// What is to be done with its answer, and the policies that allow it, once it is approved.
    pub(crate) terms: Terms,
    pub(crate) policies: Vec<PolicyNote>,
    /// What it is told while it is not.
    pub(crate) refusal: Refusal,
}

/// A request that somebody waits for. Whoever goes away withdraws it.
struct Waited {
    approvals: Arc<Approvals>,
    log: Arc<dyn Append>,
    about: Entry,
    /// As it was when last looked at; `None` once it is decided.
    request: Option<Request>,
}

/// What came of an attempt to use an approval.
enum Taken {
    /// It is used: the verdict.
    Verdict(Verdict),
    /// It must not be, and is not: the verdict.
    Refused(Verdict),
    /// It cannot be; where it stands.
    Not(State),
}

impl Held {
    /// The first verdict, and what follows it if that is a hold.
    pub(crate) async fn begin(mut self, now: Timestamp) -> (Verdict, Option<Pending<Verdict>>) {
        let now = self.approvals.at_least(now);
        let bound = match self.approvals.store.bound(&self.request.binding).await {
            Ok(bound) => bound,
            Err(down) => return (self.deny(Code::NeedsApproval, &down.to_string(), now).await, None),
        };
        // What somebody waits for is theirs: it was approved for their session, with what that has set and made. And under
        // other groups or counts another number of people may be wanted.
        let bound: Vec<_> = bound.into_iter().filter(|it| !it.waits).collect();
        let is_enough = |it: &&Request| it.is_enough_for(self.request.needed);
        let approved = bound.iter().filter(|it| matches!(it.state_at(now), State::Approved { .. }));
        for request in approved.filter(is_enough) {
            match self.take(request, now).await {
                Ok(Taken::Verdict(verdict) | Taken::Refused(verdict)) => return (verdict, None),
                Ok(Taken::Not(_)) | Err(Down(_)) => {}
            }
        }
        let is_same = |it: &Request| it.state_at(now) == State::Waiting && it.needed >= self.request.needed;
        let asked = bound.into_iter().find(is_same);
        if let Some(asked) = asked.filter(|_| !self.request.waits) {
            return (self.come_again(&asked, now).await, None);
        }
        match self.approvals.store.open_of(&self.request.asker).await {
            Ok(open) if open < OPEN_MAX => {}
            Ok(open) => {
                let why = format!("{open} requests of yours are open already: wait until some are answered");
                return (self.deny(Code::NeedsApproval, &why, now).await, None);
            }
            Err(down) => return (self.deny(Code::NeedsApproval, &down.to_string(), now).await, None),
        }
        if let Err(refused) = self.ask(now).await {
            return (refused, None);
        }
        if !self.request.waits {
            let request = self.request.clone();
            return (self.come_again(&request, now).await, None);
        }
        let ticket = Ticket { request: self.id, message: self.request.held_message().into() };
        (Verdict::Hold(ticket), Some(Pending::step(async move { (self.wait(now).await, None) })))
    }

    /// Puts the request where people see it, once its entry is there.
    async fn ask(&mut self, now: Timestamp) -> Result<(), Verdict> {
        let Request { needed, waits, expires, policies, policy_version, .. } = &self.request;
        let event = Event::ApprovalAsked {
            command: self.command.clone(),
            policies: policies.clone(),
            policy_version: (&**policy_version).into(),
            needed: *needed,
            waits: *waits,
            expires: *expires,
        };
        if self.log.append(&self.entry(event, now)).await.is_err() {
            return Err(Verdict::Deny(not_recorded(self.id)));
        }
        self.is_asked = true;
        // Not before: to count what it would touch is to run its conditions.
        if let Some((preview, previewed)) = self.approvals.preview.get().zip(self.previewed.take()) {
            self.request.effect = preview.of(previewed).await;
        }
        let inserted = self.approvals.store.insert(&self.request).await;
        // A ticket waits for nobody, and of what is not there its refusal tells.
        self.is_asked = inserted.is_ok() && self.request.waits;
        match inserted {
            Ok(()) => Ok(()),
            Err(down) => Err(self.deny(Code::NeedsApproval, &down.to_string(), now).await),
        }
    }

    /// Waits until it is decided, however long that takes.
    async fn wait(mut self, mut now: Timestamp) -> Verdict {
        let id = self.request.id.clone();
        let mut waited = Waited {
            approvals: Arc::clone(&self.approvals),
            log: Arc::clone(&self.log),
            about: self.about.clone(),
            request: Some(self.request.clone()),
        };
        self.is_asked = false;
        let mut by = self.request.expires;
        loop {
            // Before it is looked at, so that no change is missed.
            let woken = self.approvals.watch(&id, by);
            match self.approvals.store.get(&id).await {
                Ok(Some(request)) => {
                    by = request.expires;
                    now = self.approvals.at_least(now);
                    let state = request.state_at(now);
                    waited.request = Some(request.clone());
                    let decided = match state {
                        // It counts for nothing any more: what it leaves behind is withdrawn.
                        State::Waiting if self.is_outdated() => return self.outdated(now).await,
                        State::Waiting => None,
                        // What it leaves behind is withdrawn.
                        State::Approved { .. } if self.present.as_ref().is_some_and(|present| !present()) => {
                            return self.deny(Code::Withdrawn, "whoever asked has hung up", now).await;
                        }
                        State::Approved { .. } => match self.take(&request, now).await {
                            Ok(Taken::Verdict(verdict)) => Some(verdict),
                            Ok(Taken::Refused(verdict)) => return verdict,
                            Ok(Taken::Not(State::Waiting | State::Approved { .. })) => None,
                            Ok(Taken::Not(state)) => Some(self.over(&request, state, now).await),
                            Err(Down(_)) => None,
                        },
                        state => Some(self.over(&request, state, now).await),
                    };
                    if let Some(verdict) = decided {
                        waited.request = None;
                        return verdict;
                    }
                    if state != State::Waiting {
                        by = now.micros();
                    }
                }
                Ok(None) => {
                    waited.request = None;
                    return self.deny(Code::NeedsApproval, "the request is not there any more", now).await;
                }
                // Nothing is approved while the store cannot say so; it is asked again soon.
                Err(Down(_)) => by = now.micros(),
            }
            if by <= now.micros() {
                self.approvals.hasten(&id, by);
            }
            match woken.await {
                Ok(then) => now = self.approvals.at_least(then),
                // Another waits in its place, or the gateway ends.
                Err(_) => return self.deny(Code::ShuttingDown, "", now).await,
            }
        }
    }

    /// Uses the approval up, and then lets the command run once its entry is there.
    async fn take(&self, request: &Request, now: Timestamp) -> Result<Taken, Down> {
        let now = self.approvals.at_least(now);
        if !self.principal.is_valid_at(now) {
            let refused = self.deny(Code::TokenExpired, "the token does not hold any more", now).await;
            return Ok(Taken::Refused(refused));
        }
        let at = Some((&*request.connection, self.id.session));
        if let Some(revoked) = self.revocations.of(&self.principal, at, now) {
            return Ok(Taken::Refused(self.deny(Code::Revoked, &revoked.told(), now).await));
        }
        if self.lenders.as_now(&self.principal).is_some() {
            let why = "whoever lent this access is in other groups since: connect again";
            return Ok(Taken::Refused(self.deny(Code::TokenExpired, why, now).await));
        }
        if request.let_by().any(|who| self.revocations.of_who(who, now).is_some()) {
            let why = "the access of somebody who let it run was revoked since";
            return Ok(Taken::Refused(self.deny(Code::NeedsApproval, why, now).await));
        }
        if self.is_outdated() {
            return Ok(Taken::Refused(self.outdated(now).await));
        }
        if let Some(why) = self.controls.refuses(&request.connection, &request.labels) {
            return Ok(Taken::Refused(self.deny(Code::ControlFailed, &why, now).await));
        }
        let mut used = request.clone();
        if let Err(state) = used.take(now) {
            return Ok(Taken::Not(state));
        }
        if !self.approvals.store.replace(&used).await? {
            let found = self.approvals.store.get(&request.id).await?;
            return Ok(Taken::Not(found.map_or(State::Used, |found| found.state_at(now))));
        }
        let connection: Arc<str> = (&*request.connection).into();
        self.guesses.open().count(&request.asker, &connection, &self.matches, now);
        let event = Event::CommandIntent {
            command: self.command.clone(),
            policies: self.policies.clone(),
            policy_version: (&*request.policy_version).into(),
            ahead: false,
            approval: Some(request.id.clone()),
            reveals_max: None,
        };
        let recorded = self.log.append(&self.entry(event, now)).await;
        let terms = Terms { rows_max: request.rows_max(), ..self.terms.clone() };
        Ok(Taken::Verdict(self.minting.permitted(self.id, terms, recorded)))
    }

    /// Whether other policies are in force than when it was asked.
    fn is_outdated(&self) -> bool {
        *self.rules.load().version != *self.request.policy_version
    }

    async fn outdated(&self, now: Timestamp) -> Verdict {
        let why = "the policies have changed since it was asked: send it again";
        self.deny(Code::NeedsApproval, why, now).await
    }

    /// It ended without leave to run.
    async fn over(&self, request: &Request, state: State, now: Timestamp) -> Verdict {
        let mut ended = request.clone();
        if ended.expire(now) {
            // Whoever comes first takes note of it.
            if let Ok(true) = self.approvals.store.replace(&ended).await {
                self.log.note(
                    &self.entry(Event::ApprovalEnded { of: request.id.clone(), how: Ended::Expired }, now),
                );
            }
        }
        match (state, request.denial()) {
            (State::Denied, Some(answer)) => {
                let by = &answer.by.id;
                let why = match &*answer.comment {
                    "" => format!("`{by}` denied it"),
                    comment => format!("`{by}` denied it: {comment}"),
                };
                self.deny(Code::ApprovalDenied, &why, now).await
            }
            (State::Expired, _) => self.deny(Code::NeedsApproval, "nobody answered in time", now).await,
            (state, _) => {
                let why = format!("the request is {}", state.as_str());
                self.deny(Code::NeedsApproval, &why, now).await
            }
        }
    }

    /// It does not run now, and may once `request` is approved.
    async fn come_again(&self, request: &Request, now: Timestamp) -> Verdict {
        self.deny(Code::NeedsApproval, &request.ticket_message(now), now).await
    }

    async fn deny(&self, code: Code, why: &str, now: Timestamp) -> Verdict {
        let detail: Box<str> = match (&*self.refusal.detail, why) {
            (detail, "") => detail.into(),
            (detail, why) if code == Code::NeedsApproval => format!("{detail}; {why}").into(),
            (_, why) => why.into(),
        };
        let refusal = Refusal { code, detail: detail.clone(), ..self.refusal.clone() };
        let event = self.refused(code, detail);
        // It is told once it is recorded; and if that fails, it is refused all the same.
        _ = self.log.append(&self.entry(event, now)).await;
        Verdict::Deny(Box::new(refusal))
    }

    /// An entry of the command, which tells of it from then on.
    fn entry(&self, event: Event, now: Timestamp) -> Entry {
        self.is_recorded.store(true, Ordering::Relaxed);
        Entry { time: now, event, ..self.about.clone() }
    }

    fn refused(&self, code: Code, detail: Box<str>) -> Event {
        Event::CommandRefused {
            command: self.command.clone(),
            policies: self.request.policies.clone(),
            policy_version: (&*self.request.policy_version).into(),
            code,
            detail,
        }
    }
}

impl Drop for Held {
    /// What was asked for is recorded, also where whoever asked went away before anybody else was asked; and what they went
    /// away from is withdrawn.
    fn drop(&mut self) {
        if std::mem::take(&mut self.is_asked) {
            let (store, log) = (Arc::clone(&self.approvals.store), Arc::clone(&self.log));
            let leaving = leave(store, log, self.about.clone(), self.request.clone(), self.approvals.clock);
            self.approvals.later(leaving);
        }
        if !*self.is_recorded.get_mut() {
            let event = self.refused(Code::Withdrawn, "".into());
            self.log.note(&self.entry(event, self.approvals.at_least(Timestamp(self.request.asked))));
        }
    }
}

impl Drop for Waited {
    fn drop(&mut self) {
        let Some(request) = self.request.take() else { return };
        let Self { approvals, log, about, .. } = self;
        approvals.unwatch(&request.id);
        let (store, log) = (Arc::clone(&approvals.store), Arc::clone(log));
        let leaving = leave(store, log, about.clone(), request, approvals.clock);
        approvals.later(leaving);
    }
}

/// Withdraws a request, however it has changed since it was looked at, and records that if it was still open.
async fn leave(
    store: Arc<dyn Requests>,
    log: Arc<dyn Append>,
    about: Entry,
    mut request: Request,
    clock: fn() -> Timestamp,
) {
    let mut is_done = false;
    while !is_done {
        let mut withdrawn = request.clone();
        if !withdrawn.withdraw() {
            return;
        }
        let replaced = store.replace(&withdrawn).await;
        is_done = replaced == Ok(true);
        if !is_done {
            // Somebody has answered meanwhile; or the store cannot say, and may have done it all the same.
            let found = loop {
                match store.get(&withdrawn.id).await {
                    Ok(found) => break found,
                    Err(Down(_)) => next_look().await,
                }
            };
            // It never got there.
            let Some(found) = found else { break };
            is_done = replaced.is_err() && found == withdrawn;
            request = found;
        }
    }
    let event = Event::ApprovalEnded { of: request.id, how: Ended::Withdrawn };
    log.note(&Entry { time: clock(), event, ..about });
}

/// Until it is polled again.
async fn next_look() {
    let mut was_polled = false;
    poll_fn(|_| match std::mem::replace(&mut was_polled, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// Requests of one principal that are open at a time: more than people can look at with care, and few enough that nobody
/// else's are lost among them.
pub(crate) const OPEN_MAX: u64 = 50;

impl Request {
    /// What an agent is told whose command waits.
    fn held_message(&self) -> String {
        let people = if self.needed == 1 {
            "a person approves".into()
        } else {
            format!("{} people approve", self.needed)
        };
        let minutes = (self.expires - self.asked) / 60_000_000;
        format!(
            "this command waits until {people} it, at most {minutes} minutes; to answer: panguard requests approve {}",
            self.id
        )
    }

    /// What an agent is told that does not wait.
    fn ticket_message(&self, now: Timestamp) -> String {
        let minutes = (self.expires - now.micros()).max(0) / 60_000_000;
        let missing = self.needed.saturating_sub(self.approvals());
        format!(
            "request {} waits for {missing} approval(s), for {minutes} more minutes; once it is approved, send the very same command again within {} minutes",
            self.id,
            self.life / 60
        )
    }
}
