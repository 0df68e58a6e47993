//! People's answers to requests for approval, and what they see of them.

use std::fmt;
use std::sync::Arc;

use access::{
    Authentication, Call, DataClass, Endpoint, Facts, Kind, Mode, Position, Principal, RequestId, Stage,
    Timestamp,
};
use audit::{Ended, Entry, Event, Who};
use policy::{Asked, Decision, Granting, Scope, Subject};

use crate::approval::{Approvals, Called, Down, Effect, Grant, NoGrant, NotCounted, Request, Saying, Verb};
use crate::{Gate, NoLoan};

/// Somebody who answers, or looks.
#[derive(Debug, Clone)]
pub struct Voter {
    /// Who, by a token.
    pub principal: Arc<Principal>,
    /// Their network address.
    pub from: Box<str>,
    /// What their client calls itself.
    pub client: Box<str>,
}

/// Why nothing came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// There is no such request, or none that they may know of.
    Unknown,
    /// Approvals are asked for nowhere.
    NoApprovals,
    /// Their token does not hold.
    Expired,
    /// Their access is revoked.
    Revoked,
    /// Policy does not let them take access away.
    MayNotRevoke,
    /// Policy does not let them lend this access: why, in its words.
    MayNotLend(Box<str>),
    /// Access cannot be lent so.
    NoLoan(NoLoan),
    /// Policy wants something more of the answer: why, in its words.
    NotAllowed(Box<str>),
    /// It does not count.
    NotCounted(NotCounted),
    /// Access cannot be asked for so.
    NoGrant(NoGrant),
    /// There is no such connection, or none that they may know of.
    NoConnection,
    /// So many requests of theirs are open already.
    TooMany(u64),
    /// It could not be recorded, so that it does not count.
    NotRecorded,
    /// The store cannot be reached.
    Down(Down),
}

impl Gate {
    /// Takes a person's answer to a request. It counts once its entry is there and the store has it.
    ///
    /// # Errors
    /// [`Unanswered`]; then it does not count.
    pub async fn answer(
        &self,
        voter: &Voter,
        id: &str,
        saying: &Saying<'_>,
        now: Timestamp,
    ) -> Result<Request, Unanswered> {
        let (approvals, who, mut request) = self.look_up(voter, id, now).await?;
        let comment = self.recorder.shortened(saying.comment.trim(), COMMENT_CHARS_MAX);
        let saying = &saying.in_words(&comment);
        if let Err(why) = self.counts(voter, &who, &request, saying, now) {
            // Whoever waits is told, if the policies are why.
            approvals.wake(id, now);
            let reason = why.to_string().into();
            let event = Event::ApprovalNotCounted { of: request.id.clone(), reason };
            _ = self.log.append(&self.entry(voter, &who, &request, event, now)).await;
            return Err(why);
        }
        let event = answered(&request, saying);
        if self.log.append(&self.entry(voter, &who, &request, event, now)).await.is_err() {
            return Err(Unanswered::NotRecorded);
        }
        loop {
            let counts = self.counts(voter, &who, &request, saying, now);
            let answer = |()| request.answer(&who, saying, now).map_err(Unanswered::NotCounted);
            if let Err(late) = counts.and_then(answer) {
                let event =
                    Event::ApprovalNotCounted { of: request.id.clone(), reason: late.to_string().into() };
                self.log.note(&self.entry(voter, &who, &request, event, now));
                return Err(late);
            }
            if approvals.store.replace(&request).await.map_err(Unanswered::Down)? {
                approvals.wake(id, now);
                approvals.grants.note(request.clone());
                return Ok(self.shown(request, voter, &who));
            }
            // Somebody else was quicker: it counts by what there is now.
            let found = approvals.store.get(id).await.map_err(Unanswered::Down)?;
            request = found.ok_or(Unanswered::Unknown)?;
        }
    }

    /// Whether an answer counts, as the request stands.
    fn counts(
        &self,
        voter: &Voter,
        who: &Who,
        request: &Request,
        saying: &Saying<'_>,
        now: Timestamp,
    ) -> Result<(), Unanswered> {
        let Saying { verb, comment, .. } = *saying;
        let left = request.left_by(saying).map_err(Unanswered::NotCounted)?;
        let answer = Answering { verb, comment: !comment.is_empty(), left: left.as_ref() };
        let decision = self.may_answer(answer, &voter.principal, request, now);
        match decision.allowed {
            // Policies that were in force for a while say nothing of what is approved under those before and after.
            true if verb.lets_run() && *self.rules.load().version != *request.policy_version => {
                Err(Unanswered::NotAllowed("the policies have changed since it was asked".into()))
            }
            false if verb == Verb::Revoke && request.is_own(who) => {
                request.may_answer(who, saying, now).map_err(Unanswered::NotCounted)
            }
            true if verb == Verb::BreakGlass && comment.is_empty() => {
                Err(Unanswered::NotAllowed("say why it cannot wait".into()))
            }
            true => request.may_answer(who, saying, now).map_err(Unanswered::NotCounted),
            false if verb != Verb::BreakGlass && request.is_own(who) => {
                Err(Unanswered::NotCounted(NotCounted::Own))
            }
            false => Err(Unanswered::NotAllowed(decision.why().into())),
        }
    }

    /// The request by its id, for somebody who may answer it or has asked for it; and that is recorded.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn see(&self, voter: &Voter, id: &str, now: Timestamp) -> Result<Request, Unanswered> {
        let (_, who, request) = self.look_up(voter, id, now).await?;
        let event = Event::ApprovalSeen { of: request.id.clone() };
        match self.log.append(&self.entry(voter, &who, &request, event, now)).await {
            Ok(_) => Ok(self.shown(request, voter, &who)),
            Err(_) => Err(Unanswered::NotRecorded),
        }
    }

    /// The last `limit` requests that the voter may see, newest first, or of them those that are open.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn requests(
        &self,
        voter: &Voter,
        open: bool,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Request>, Unanswered> {
        let approvals = self.approvals().ok_or(Unanswered::NoApprovals)?;
        self.holds(voter, now)?;
        let who = Who::from(&*voter.principal);
        // Those that are open are few, and others' must not stand in the way of theirs.
        let seen = if open { LEFT_MAX } else { limit };
        let mut all = approvals.store.list(open, seen).await.map_err(Unanswered::Down)?;
        all.retain(|it| {
            (!open || it.state_at(now).is_open() || it.is_to_review())
                && self.may_see(&voter.principal, &who, it, now)
        });
        all.truncate(limit as usize);
        let listed = |it: Request| Request { effect: it.effect.clone().without_values(), ..it };
        Ok(all.into_iter().map(|it| shown(listed(it), &who)).collect())
    }

    /// Withdraws what was waited for at this gateway before it was `started`: nobody does any more.
    ///
    /// # Errors
    /// [`Down`].
    pub async fn withdraw_left(&self, started: Timestamp, now: Timestamp) -> Result<usize, Down> {
        let Some(approvals) = self.approvals() else { return Ok(0) };
        let open = approvals.store.list(true, LEFT_MAX).await?;
        let mut withdrawn = 0;
        // One whose time has run out has expired, and is ended as such.
        let own = self.instance();
        let left = |it: &Request| {
            let is_older = it.waits && it.asked < started.micros();
            is_older && *it.gateway == *own && it.state_at(now).is_open()
        };
        for mut request in open.into_iter().filter(left) {
            if request.withdraw() && approvals.store.replace(&request).await? {
                self.log.note(&self.entry_of_end(&request, Ended::Withdrawn, now));
                withdrawn += 1;
            }
        }
        Ok(withdrawn)
    }

    /// Ends the requests whose time has run out, whether or not anybody waits for them. To be called now and then.
    ///
    /// # Errors
    /// [`Down`]; the rest is ended the next time.
    pub async fn end_overdue(&self, now: Timestamp) -> Result<usize, Down> {
        let Some(approvals) = self.approvals() else { return Ok(0) };
        let mut ended = 0;
        for mut request in approvals.store.overdue(now.micros(), OVERDUE_MAX).await? {
            if request.expire(now) && approvals.store.replace(&request).await? {
                self.log.note(&self.entry_of_end(&request, Ended::Expired, now));
                approvals.wake(&request.id, now);
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// What this gateway is called in the store.
    pub(crate) fn instance(&self) -> &str {
        let own = self.approvals.as_ref().and_then(|approvals| approvals.instance.as_deref());
        own.unwrap_or(&self.name)
    }

    /// That a request ended for which nobody waits.
    fn entry_of_end(&self, request: &Request, how: Ended, now: Timestamp) -> Entry {
        let id = RequestId::read(&request.id);
        let event = Event::ApprovalEnded { of: request.id.clone(), how };
        Entry {
            session: id.map(|id| id.session),
            request: id,
            principal: Some(Arc::new(request.asker.clone())),
            connection: Some((&*request.connection).into()),
            lane: Some((&*request.lane).into()),
            ..Entry::of_gateway(now, Arc::clone(&self.name), event)
        }
    }

    /// Whether the voter's token holds, and their access is not revoked.
    pub(crate) fn holds(&self, voter: &Voter, now: Timestamp) -> Result<(), Unanswered> {
        self.lenders.see(&voter.principal, now);
        match voter.principal.is_valid_at(now) {
            false => Err(Unanswered::Expired),
            true if self.revocations.of(&voter.principal, None, now).is_some() => Err(Unanswered::Revoked),
            true => Ok(()),
        }
    }

    async fn look_up(
        &self,
        voter: &Voter,
        id: &str,
        now: Timestamp,
    ) -> Result<(Arc<Approvals>, Who, Request), Unanswered> {
        let approvals = Arc::clone(self.approvals().ok_or(Unanswered::NoApprovals)?);
        self.holds(voter, now)?;
        let who = Who::from(&*voter.principal);
        let found = approvals.store.get(id).await.map_err(Unanswered::Down)?;
        let seen = found.filter(|request| self.may_see(&voter.principal, &who, request, now));
        Ok((approvals, who, seen.ok_or(Unanswered::Unknown)?))
    }

    /// A request as whoever looks may see it: what it shows of the things themselves is for those who may read these.
    fn shown(&self, request: Request, voter: &Voter, who: &Who) -> Request {
        let request = shown(request, who);
        let (rules, subject) = (self.rules.load(), Subject::new(&voter.principal));
        let scope = Scope { connection: &request.connection, labels: &request.labels, mode: Mode::default() };
        // Other policies may ask for more of a request than is kept of it.
        let is_known = |facts: &Facts| facts.call.is_none() || *rules.version == *request.policy_version;
        let reads = |facts: &Facts| {
            let inquiry = rules.policies.about(&subject, scope, facts, Stage::Run, 0);
            is_known(facts) && facts.uses.iter().all(|it| inquiry.may(it.action, &it.resource).allowed)
        };
        let effect = request.effect.clone().shown_to(reads);
        Request { effect, ..request }
    }

    fn may_see(&self, principal: &Principal, who: &Who, request: &Request, now: Timestamp) -> bool {
        // Whoever has to sign in anew to answer may look before.
        let fresh = Authentication { at: Some(now), ..principal.authentication.clone() };
        let fresh = Principal { authentication: fresh, ..principal.clone() };
        // And may leave little of what is asked for.
        let least = request.grant.as_deref().map(|grant| Grant { seconds: 1, ..grant.clone() });
        let may = |verb| {
            let left = least.as_ref();
            self.may_answer(Answering { verb, comment: true, left }, &fresh, request, now).allowed
        };
        // Who acts for somebody sees what they ask for, on what they were lent, and nothing else of theirs.
        let is_own = match principal.lent() {
            None => request.is_own(who),
            Some(lent) => {
                let asker = &request.asker;
                let is_theirs = (&asker.id, &asker.issuer, &asker.subject, &asker.lent)
                    == (&who.id, &who.issuer, &who.subject, &who.lent);
                is_theirs && lent.connections.contains(&request.connection)
            }
        };
        is_own || may(Verb::Approve) || may(Verb::BreakGlass)
    }

    fn may_answer(
        &self,
        answer: Answering<'_>,
        principal: &Principal,
        request: &Request,
        now: Timestamp,
    ) -> Decision {
        if principal.kind != Kind::User {
            return Decision::none_allows();
        }
        let facts = facts(request);
        let modes = [Mode::Templates, Mode::Filtered, Mode::Admin];
        let recorded = request.command.mode.as_deref();
        // It is recorded where it is not the ordinary one.
        let mode = modes.into_iter().find(|mode| Some(mode.as_str()) == recorded).unwrap_or_default();
        let scope = Scope { connection: &request.connection, labels: &request.labels, mode };
        let signed_in = &principal.authentication;
        let asked = Asked {
            requester: &request.asker.id,
            groups: &request.asker.groups,
            comment: answer.comment,
            acr: signed_in.class.as_deref().unwrap_or_default(),
            signed_in_seconds: signed_in.at.map(|at| (now.micros() - at.micros()).max(0) / 1_000_000),
            granting: answer.left.map(|grant| Granting {
                actions: &grant.actions,
                objects: &grant.objects,
                classes: &grant.classes,
                seconds: grant.seconds,
                reveals: grant.reveals,
            }),
            lent_to: "",
        };
        let answering = match answer.verb {
            Verb::BreakGlass => policy::Answering::BreakGlass,
            _ if request.grant.is_some() => policy::Answering::Grant,
            Verb::Approve | Verb::Deny | Verb::Review | Verb::Revoke => policy::Answering::Approve,
        };
        let rules = self.rules.load();
        let subject = Subject::new(principal);
        let inquiry = rules.policies.about(&subject, scope, &facts, Stage::Run, request.approvals());
        inquiry.may_answer(answering, asked)
    }

    pub(crate) fn entry(
        &self,
        voter: &Voter,
        who: &Who,
        request: &Request,
        event: Event,
        now: Timestamp,
    ) -> Entry {
        let id = RequestId::read(&request.id);
        Entry {
            session: id.map(|id| id.session),
            request: id,
            principal: Some(Arc::new(who.clone())),
            from: Some((&*voter.from).into()),
            client: Some(self.recorder.client(&voter.client).into()),
            connection: Some((&*request.connection).into()),
            lane: Some("console".into()),
            ..Entry::of_gateway(now, Arc::clone(&self.name), event)
        }
    }
}

/// An answer, as policy sees it.
#[derive(Clone, Copy)]
struct Answering<'a> {
    verb: Verb,
    /// Whether it says why.
    comment: bool,
    /// What would be left of the access that is asked for, if it is access.
    left: Option<&'a Grant>,
}

/// The entry of what somebody says, to be there before it counts.
fn answered(request: &Request, saying: &Saying<'_>) -> Event {
    let (of, asker) = (request.id.clone(), Box::new(request.asker.clone()));
    let Saying { verb, comment, rows_max, .. } = *saying;
    let comment = comment.into();
    match verb {
        Verb::Approve | Verb::Deny => {
            let left = request.left_by(saying).ok().flatten().filter(|_| verb == Verb::Approve);
            let grant = left.map(|grant| grant.words().into());
            Event::ApprovalAnswered { of, approves: verb == Verb::Approve, comment, rows_max, grant, asker }
        }
        Verb::BreakGlass => Event::GlassBroken { of, reason: comment, asker },
        Verb::Review => Event::GlassReviewed { of, comment, asker },
        Verb::Revoke => Event::ApprovalEnded { of, how: Ended::Revoked },
    }
}

/// A request as `who` may see it. How many rows the condition of a command holds for tells of what is in them, and so do the
/// rows: whoever asks learns that from the command itself, once it may run.
fn shown(request: Request, who: &Who) -> Request {
    if !request.is_own(who) {
        return request;
    }
    let effect = Effect { rows: None, is_estimate: false, uncounted: None, ..request.effect };
    Request { effect: effect.without_values(), ..request }
}

/// What is recorded of a command's facts, for policies to look at.
fn facts(request: &Request) -> Facts {
    let note = &request.command.facts;
    let effect = match &*note.effect {
        "none" => access::Effect::None,
        "session" => access::Effect::Session,
        _ => access::Effect::Data,
    };
    let columns = note.columns.iter().filter_map(|used| {
        let class = used.class.parse::<DataClass>().ok()?;
        Some(access::ColumnUse { column: used.column.clone(), class, position: Position::Computed })
    });
    Facts {
        kinds: note.kinds.clone(),
        functions: note.functions.clone(),
        not_understood: note.not_understood.clone(),
        template: note.template.clone(),
        columns: columns.collect(),
        has_where: request.effect.has_where,
        effect,
        call: request.called.as_ref().map(|it| Box::new(call(it))),
        ..Facts::default()
    }
}

/// A request over HTTP, without the fields that policies ask for: those are not recorded.
fn call(called: &Called) -> Call {
    let it = called.clone();
    Call {
        endpoint: Endpoint { method: it.method, path: it.path, route: it.route, operation: it.operation },
        fields: Vec::new(),
        model: Some(it.model).filter(|model| !model.is_empty()),
        tools: it.tools,
        tools_called: it.tools_called,
        max_tokens: it.max_tokens,
        holds_cards: it.holds_cards,
    }
}

/// More than one gateway may hold at once.
const LEFT_MAX: u32 = 100_000;

/// Requests that are ended at a time; the others next time.
const OVERDUE_MAX: u32 = 1000;

/// As much of a comment as is kept.
const COMMENT_CHARS_MAX: usize = 2000;

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such request for you: see `panguard requests list`"),
            Self::NoApprovals => f.write_str("this gateway asks for no approvals"),
            Self::Expired => f.write_str("your token has expired: get a fresh one"),
            Self::MayNotRevoke => {
                f.write_str("policy does not let you take this access away or give it back (`revoke`)")
            }
            Self::Revoked => f.write_str("your access is revoked: ask the operator of panguard"),
            Self::MayNotLend(why) => write!(f, "policy does not let you lend this (`delegate`): {why}"),
            Self::NoLoan(why) => why.fmt(f),
            Self::NotAllowed(why) => write!(f, "policy does not let you answer it so: {why}"),
            Self::NotCounted(why) => why.fmt(f),
            Self::NoGrant(why) => why.fmt(f),
            Self::NoConnection => f.write_str("there is no such connection for you"),
            Self::TooMany(open) => {
                write!(f, "{open} requests of yours are open already: wait until some are answered")
            }
            Self::NotRecorded => {
                f.write_str("your answer could not be recorded, so it does not count: try again later")
            }
            Self::Down(down) => down.fmt(f),
        }
    }
}
