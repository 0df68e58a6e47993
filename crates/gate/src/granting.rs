//! Access for a time: it is asked for, and commands run by it.

use std::sync::Arc;

use access::{
    Action, Bound, Effect, Metered, Mode, Outcome, Question, Resource, SessionId, Stage, Terms, Timestamp,
    Verdict,
};
use audit::{Command, Event, FactsNote, PolicyNote, StageWord, Who};
use policy::{Scope, Subject};

use crate::answer::{Unanswered, Voter};
use crate::approval::{Approvals, Grant, NoGrant, OPEN_MAX, Request, State};
use crate::checks::{Allowed, Views, check};
use crate::gate::{connect, guessed, recorded};
use crate::record::RECORDED;
use crate::rules::{Decided, Rules};
use crate::written::writes_a_mask;
use crate::{Admitted, Asked, Gate, Pending};

/// Access that somebody asks for.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The name of the request.
    pub session: SessionId,
    /// The connection.
    pub connection: &'a str,
    /// Its labels.
    pub labels: &'a [Box<str>],
    /// What access.
    pub grant: Grant,
    /// How many people have to give it: policies that want more approvals of a command want them of it.
    pub needed: u32,
}

/// A command that may run by a grant.
struct ByGrant {
    request: Arc<Request>,
    allowed: Allowed,
}

impl Gate {
    /// Asks for access for a time, which people may give.
    ///
    /// # Errors
    /// [`Unanswered`]; then nobody is asked.
    pub async fn ask_for(
        &self,
        voter: &Voter,
        wish: Wish<'_>,
        now: Timestamp,
    ) -> Result<Request, Unanswered> {
        let approvals = self.approvals().ok_or(Unanswered::NoApprovals)?;
        self.holds(voter, now)?;
        let request = self.wished(voter, wish, now)?;
        let open = approvals.store.open_of(&request.asker).await.map_err(Unanswered::Down)?;
        if open >= OPEN_MAX {
            return Err(Unanswered::TooMany(open));
        }
        let (grant, reason) = request.grant.as_deref().map(|it| (it.to_string(), &it.reason)).unzip();
        let event = Event::GrantAsked {
            of: request.id.clone(),
            grant: grant.unwrap_or_default().into(),
            reason: reason.cloned().unwrap_or_default(),
        };
        if self.log.append(&self.entry(voter, &request.asker, &request, event, now)).await.is_err() {
            return Err(Unanswered::NotRecorded);
        }
        approvals.store.insert(&request).await.map_err(Unanswered::Down)?;
        Ok(request)
    }

    /// The request for what somebody wishes, if it can be asked for.
    fn wished(&self, voter: &Voter, wish: Wish<'_>, now: Timestamp) -> Result<Request, Unanswered> {
        let Wish { session, connection, labels, grant, needed } = wish;
        let (rules, subject, facts) = (self.rules.load(), Subject::new(&voter.principal), connect());
        let scope = Scope { connection, labels, mode: Mode::default() };
        let inquiry = rules.policies.about(&subject, scope, &facts, Stage::Run, 0);
        if !inquiry.may(Action::Connect, &Resource::Connection).allowed {
            return Err(Unanswered::NoConnection);
        }
        grant.check().map_err(Unanswered::NoGrant)?;
        // What is masked in it would be another object.
        if grant.objects.iter().any(|object| self.recorder.name(object) != *object) {
            return Err(Unanswered::NoGrant(NoGrant::Objects));
        }
        let grant = Grant { reason: self.recorder.name(&grant.reason), revealed: 0, ..grant };
        let text = grant.words();
        let command = Command {
            stage: StageWord::Run,
            statement_bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
            statement: text.into(),
            shortened: false,
            parameters: Vec::new(),
            fingerprint: "".into(),
            facts: Arc::new(FactsNote::default()),
            mode: None,
            trace: None,
        };
        Ok(Request {
            id: session.request(1).to_string().into(),
            revision: 1,
            // No command has it.
            binding: "".into(),
            asker: Who::from(&*voter.principal),
            connection: connection.into(),
            labels: labels.to_vec(),
            lane: "console".into(),
            gateway: self.instance().into(),
            waits: false,
            command,
            fields: Vec::new(),
            called: None,
            effect: crate::approval::Effect::default(),
            why: grant.reason.clone(),
            policies: Vec::new(),
            policy_version: (&*rules.version).into(),
            needed: needed.clamp(1, crate::checks::APPROVALS_MAX),
            asked: now.micros(),
            expires: now.plus_seconds(ANSWER_SECONDS).micros(),
            life: grant.seconds,
            grant: Some(Box::new(grant)),
            answers: Vec::new(),
            glass: None,
            state: State::Waiting,
        })
    }

    /// The command as one that may run by access that was given, if that allows more than it may do anyway.
    pub(crate) fn granted(
        &self,
        rules: &Arc<Rules>,
        admitted: &Admitted,
        question: &Question,
        decided: &Decided,
        now: Timestamp,
    ) -> Option<Asked> {
        let approvals = self.approvals.as_ref()?;
        let admission = admitted.admission();
        let theirs = approvals.grants.of(admitted.who(), &admission.connection, now);
        // What nobody could approve by itself, since it does not say what it does, is not had by a grant either.
        let says_what_it_does = !matches!(question.bound, Bound::Nothing(_));
        let is_to_run = question.stage == Stage::Run && says_what_it_does && !writes_a_mask(question);
        if theirs.is_empty() || !is_to_run || !admission.principal.is_valid_at(now) {
            return None;
        }
        let by =
            theirs.into_iter().find_map(|it| self.by_grant(rules, admitted, question, decided, it, now))?;
        let facts = &question.facts;
        let guesses = guessed(facts, &by.allowed.terms);
        self.guesses.open().count(admitted.who(), &admission.connection, &guesses, now);
        let mode = recorded(admission.mode);
        let command =
            self.recorder.command(RECORDED, question, decided.hide, Arc::clone(&decided.facts), mode);
        let Allowed { terms, policies } = by.allowed;
        let ahead = facts.effect == Effect::None && terms.metered.is_none();
        let event = Event::CommandIntent {
            command: Box::new(command),
            policies: policies.iter().map(PolicyNote::from).collect(),
            policy_version: Arc::clone(&rules.version),
            ahead,
            approval: Some(by.request.id.clone()),
            reveals_max: terms.metered.as_ref().map(|it| it.values_max),
        };
        let (id, minting) = (question.request, Arc::clone(&self.minting));
        let entry = admitted.entry(now, id, event);
        if terms.metered.is_none() {
            let verdict =
                Pending::new(self.log.append(&entry), move |receipt| minting.permitted(id, terms, receipt));
            return Some(Asked { ahead: ahead.then(|| Verdict::Ahead(self.minting.ahead(id))), verdict });
        }
        let (approvals, log, grant) = (Arc::clone(approvals), Arc::clone(&self.log), by.request);
        let verdict = Pending::step(async move {
            let values = approvals.take_reveals(&grant, now).await;
            approvals.grants.runs(id, &grant.id, values);
            let metered = terms.metered.clone().filter(|_| values > 0);
            let metered = metered.map(|it| Metered { values_max: values, ..it });
            let recorded = log.append(&entry).await;
            if recorded.is_err() {
                approvals.command_ended(id, 0, now);
            }
            (minting.permitted(id, Terms { metered, ..terms }, recorded), None)
        });
        Some(Asked { ahead: None, verdict })
    }

    /// What policy says to a command with the approvals of a grant, as far as that covers it.
    fn by_grant(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        question: &Question,
        decided: &Decided,
        request: Arc<Request>,
        now: Timestamp,
    ) -> Option<ByGrant> {
        let grant = request.grant.as_deref()?;
        if request.let_by().any(|who| self.revocations.of_who(who, now).is_some()) {
            return None;
        }
        let (facts, connection) = (&question.facts, &admitted.admission().connection);
        let made = self.guesses.open().with(admitted.who(), connection, &facts.matches, now);
        let tokens = match facts.call.as_ref().is_some_and(|call| call.model.is_some()) {
            true => self.tokens.used(admitted, now),
            false => 0,
        };
        let about = |approvals| {
            let (subject, scope) = (&admitted.subject, admitted.scope());
            rules.policies.about(subject, scope, facts, Stage::Run, approvals).having_used(tokens)
        };
        let views = Views::of(about(0)).with(about(request.approvals()).granted(), grant, facts);
        let allowed = check(facts, &made, self.recorder.scanned(), &views).ok()?;
        let Allowed { mut terms, policies } = allowed;
        let gained: Vec<_> = terms.reveal.iter().filter(|class| views.gains(class)).cloned().collect();
        // What the upstream says besides may be of what is not among its objects: triggers and the like.
        terms.tells_errors = facts.in_reach.iter().all(|it| terms.reveals(it) && !gained.contains(it));
        if let Some(left) = grant.left() {
            let here = self.approvals.as_ref().map_or(0, |it| it.grants.left_here(&request.id));
            let left = left.saturating_add(here);
            terms.reveal.retain(|class| !gained.contains(class));
            let classes = gained.iter().cloned().collect();
            terms.metered = (left > 0 && !gained.is_empty()).then_some(Metered { classes, values_max: left });
        }
        let gains = match &decided.ruling {
            Err(_) => true,
            Ok(plain) => terms.metered.is_some() || !terms.reveal.is_subset(&plain.terms.reveal),
        };
        gains.then_some(ByGrant { allowed: Allowed { terms, policies }, request })
    }

    /// Records the values that a command has revealed one by one, and gives back those that it could have.
    pub(crate) fn revealed(&self, admitted: &Admitted, outcome: &Outcome, now: Timestamp) {
        let Some(approvals) = &self.approvals else { return };
        let Some(grant) = approvals.command_ended(outcome.request, outcome.revealed.len(), now) else {
            return;
        };
        for value in &outcome.revealed {
            let event = Event::Revealed {
                grant: grant.clone(),
                column: self.recorder.name(&value.column),
                masked: self.recorder.name(&value.masked),
            };
            self.log.note(&admitted.entry(now, outcome.request, event));
        }
    }
}

impl Approvals {
    /// Takes all the values that a grant may still reveal. None, where the store cannot say, or others were quicker.
    async fn take_reveals(&self, grant: &Request, now: Timestamp) -> u32 {
        let here = self.grants.takes(&grant.id);
        if here > 0 {
            return here;
        }
        for _ in 0..TRIES_MAX {
            let Ok(Some(mut request)) = self.store.get(&grant.id).await else { return 0 };
            let left = request.grant.as_ref().and_then(|it| it.left()).unwrap_or(0);
            if left == 0 || !request.take_reveals(left, now) {
                return 0;
            }
            match self.store.replace(&request).await {
                Ok(true) => {
                    self.grants.note(request);
                    return left;
                }
                Ok(false) => {}
                Err(_) => return 0,
            }
        }
        0
    }

    /// A command has ended that could reveal values, and has revealed so many; by which grant. The others are there for the
    /// next.
    fn command_ended(&self, command: access::RequestId, revealed: usize, now: Timestamp) -> Option<Box<str>> {
        let (grant, taken) = self.grants.ended(command)?;
        let unused = taken.saturating_sub(u32::try_from(revealed).unwrap_or(u32::MAX));
        if unused > 0 {
            self.grants.leaves(&grant, unused, now);
        }
        Some(grant)
    }

    /// Gives back what no command has taken for a while.
    pub(crate) fn give_back_unused(self: &Arc<Self>, now: Timestamp) {
        for (grant, values) in self.grants.to_give_back(now) {
            let approvals = Arc::clone(self);
            self.later(async move { approvals.give_back(&grant, values).await });
        }
    }

    /// Gives values back that were not revealed. Where the store cannot take them they are lost.
    async fn give_back(&self, grant: &str, values: u32) {
        for _ in 0..TRIES_MAX {
            let Ok(Some(mut request)) = self.store.get(grant).await else { return };
            request.give_back(values);
            match self.store.replace(&request).await {
                Ok(true) => return self.grants.note(request),
                Ok(false) => {}
                Err(_) => return,
            }
        }
    }
}

/// For how long access can be given that was asked for: a day.
const ANSWER_SECONDS: i64 = 86_400;

/// How often a change is tried again that others came before.
const TRIES_MAX: u32 = 20;
