use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{
    Admission, Code, Effect, Facts, Match, Mint, Mode, Outcome, Question, Refusal, Secret, SessionId, Stage,
    Terms, Timestamp, Told, Use, Verdict,
};
use arc_swap::{ArcSwap, ArcSwapOption};
use audit::{AnswerKey, Entry, Event, NotAppended, Sealed};
use mask::Masker;
use policy::Policies;
use quick_cache::sync::Cache;

use crate::admitted::Asker;
use crate::checks::{Allowed, Denied};
use crate::controls::Controls;
use crate::guesses::Guesses;
use crate::hide::Hide;
use crate::lending::Lenders;
use crate::minting::{Minting, not_recorded};
use crate::record::{MARGIN_BYTES, RECORDED, Recorder};
use crate::revocation::Revocations;
use crate::rules::{Counted, Decided, Rules};
use crate::tokens::Tokens;
use crate::written::writes_a_mask;
use crate::{Admitted, Append, Approvals, Pending, Presence};

/// Decides every command, and makes the permits of those that may run. One serves all sessions.
pub struct Gate {
    pub(crate) minting: Arc<Minting>,
    pub(crate) controls: Arc<Controls>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) rules: Arc<ArcSwap<Rules>>,
    pub(crate) log: Arc<dyn Append>,
    pub(crate) recorder: Recorder,
    /// Where approvals are asked for; without it what needs one is refused.
    pub(crate) approvals: Option<Arc<Approvals>>,
    /// The gateway's name in entries.
    pub(crate) name: Arc<str>,
    pub(crate) guesses: Arc<Guesses>,
    pub(crate) tokens: Tokens,
    pub(crate) lenders: Arc<Lenders>,
    answers: ArcSwapOption<Answers>,
    askers: Cache<Asker, u64>,
    asker_next: AtomicU64,
}

/// How answers are kept.
pub struct Answers {
    /// What seals them.
    pub key: AnswerKey,
    /// How many bytes of each are kept. Lanes are to keep [`Answers::MARGIN_BYTES`] more.
    pub bytes_max: usize,
}

impl Answers {
    /// What is masked beyond a cut, so that nothing is missed that is cut by it.
    pub const MARGIN_BYTES: usize = MARGIN_BYTES;
}

/// The answer to one [`Question`].
pub struct Asked {
    /// [`Verdict::Ahead`] for an allowed command that only reads: it may be sent now, and its answer waits.
    pub ahead: Option<Verdict>,
    /// The final verdict: a permit or a refusal.
    pub verdict: Pending<Verdict>,
}

/// Somebody who was not identified, as far as a lane knows them.
#[derive(Debug, Clone, Copy)]
pub struct Stranger<'a> {
    /// The session they opened.
    pub session: SessionId,
    /// Their network address.
    pub from: &'a str,
    /// What their client calls itself.
    pub client: &'a str,
    /// The user name they gave, which proves nothing.
    pub claimed_user: &'a str,
    /// The connection they asked for.
    pub connection: &'a str,
    /// The protocol they came by.
    pub lane: &'a str,
}

impl Gate {
    /// A gate that decides by `policies` and records in `log`, under the gateway's `name`.
    ///
    /// `fingerprint_key` keys the digests by which equal commands are told in the audit log.
    pub fn new(
        mint: Mint,
        policies: Policies,
        log: impl Append + 'static,
        masker: Masker,
        fingerprint_key: &Secret,
        name: &str,
    ) -> Self {
        let controls = Arc::<Controls>::default();
        Self {
            minting: Arc::new(Minting::new(mint, Arc::clone(&controls))),
            controls,
            revocations: Arc::default(),
            rules: Arc::new(ArcSwap::from_pointee(Rules::new(policies))),
            log: Arc::new(log),
            approvals: None,
            recorder: Recorder::new(masker, fingerprint_key),
            name: name.into(),
            guesses: Arc::default(),
            tokens: Tokens::default(),
            lenders: Arc::default(),
            answers: ArcSwapOption::empty(),
            askers: Cache::new(ASKERS_MAX),
            asker_next: AtomicU64::new(0),
        }
    }

    /// The same gate, which asks people where policy wants that.
    #[must_use]
    pub fn with_approvals(self, approvals: Approvals) -> Self {
        Self { approvals: Some(Arc::new(approvals)), ..self }
    }

    /// The requests for approval, where there are any.
    pub fn approvals(&self) -> Option<&Arc<Approvals>> {
        self.approvals.as_ref()
    }

    /// Whether a principal may open a session on a connection. `lane` is the protocol's name.
    pub fn admit(
        &self,
        admission: &Admission,
        lane: &str,
        now: Timestamp,
    ) -> Pending<Result<Admitted, Box<Refusal>>> {
        self.lenders.see(&admission.principal, now);
        let admitted = self.admitted(admission, lane, self.asker(admission));
        let request = admitted.opening();
        let rules = self.rules.load();
        let decided = rules.decide(&admitted, &connect(), Stage::Run, Counted::default(), &self.recorder);
        let shut_out = self.shut_out(&admitted, request, now);
        if let Err(refusal) = shut_out.and_then(|()| self.check(&admitted, &decided, request, now)) {
            return self.turn_away(&admitted, refusal, now);
        }
        let policies = decided.policies;
        let opened = Event::SessionOpened {
            policies,
            policy_version: Arc::clone(&rules.version),
            mode: recorded(admission.mode),
        };
        let controls = Arc::clone(&self.controls);
        Pending::new(self.log.append(&admitted.entry(now, request, opened)), move |receipt| match receipt {
            Ok(_) => Ok(admitted),
            Err(_) => {
                controls.not_recorded();
                Err(not_recorded(request))
            }
        })
    }

    /// Puts `question`: the sequence of checks that every command of every lane goes through.
    pub fn ask(&self, admitted: &Admitted, question: &Question, now: Timestamp) -> Asked {
        self.ask_while(admitted, question, None, now)
    }

    /// The same for somebody who may go away without a word: `present` says whether they are still there. Nothing runs on an
    /// approval that they do not wait for.
    pub fn ask_while(
        &self,
        admitted: &Admitted,
        question: &Question,
        present: Option<Presence>,
        now: Timestamp,
    ) -> Asked {
        admitted.count();
        let rules = self.rules.load();
        let asks_model = question.facts.call.as_ref().is_some_and(|call| call.model.is_some());
        let decided = if !question.facts.matches.is_empty() {
            Arc::new(self.decide_guesses(&rules, admitted, question, now))
        } else if asks_model && rules.policies.wanted().tokens {
            let counted = Counted { tokens: self.tokens.used(admitted, now), ..Counted::default() };
            Arc::new(rules.decide(admitted, &question.facts, question.stage, counted, &self.recorder))
        } else {
            rules.decided(admitted, question, &self.recorder)
        };
        let shut_out = self.shut_out(admitted, question.request, now);
        if shut_out.is_ok()
            && let Some(asked) = self.granted(&rules, admitted, question, &decided, now)
        {
            return asked;
        }
        let mode = recorded(admitted.admission().mode);
        let command =
            self.recorder.command(RECORDED, question, decided.hide, Arc::clone(&decided.facts), mode);
        let (command, policies) = (Box::new(command), decided.policies.clone());
        let policy_version = Arc::clone(&rules.version);
        let request = question.request;
        let entry = |event| admitted.entry(now, request, event);
        let checked = shut_out.and_then(|()| self.check(admitted, &decided, request, now));
        match checked.and_then(|terms| self.leaves_values(question).map(|()| terms)) {
            Ok(terms) => {
                let ahead = question.facts.effect == Effect::None;
                let event = Event::CommandIntent {
                    command,
                    policies,
                    policy_version,
                    ahead,
                    approval: None,
                    reveals_max: None,
                };
                let (minting, terms) = (Arc::clone(&self.minting), terms.clone());
                Asked {
                    ahead: ahead.then(|| Verdict::Ahead(self.minting.ahead(request))),
                    verdict: Pending::new(self.log.append(&entry(event)), move |receipt| {
                        minting.permitted(request, terms, receipt)
                    }),
                }
            }
            Err(Refused { refusal, detail }) => {
                let code = refusal.code;
                let held = self.held(&rules, admitted, question, &decided, &command, &refusal, now);
                let (refusal, detail) = match held {
                    Some(Ok(mut held)) => {
                        held.present = present;
                        let verdict = Pending::step(held.begin(now));
                        return Asked { ahead: None, verdict };
                    }
                    Some(Err(why)) => {
                        let detail: Box<str> = format!("{}; {why}", refusal.detail).into();
                        (Box::new(Refusal { detail: detail.clone(), ..*refusal }), detail)
                    }
                    None => (refusal, detail),
                };
                let policies = if code == Code::TokenExpired { Vec::new() } else { policies };
                let event = Event::CommandRefused { command, policies, policy_version, code, detail };
                // It is told once it is recorded; and if that fails, it is refused all the same.
                let told = move |_| Verdict::Deny(refusal);
                Asked { ahead: None, verdict: Pending::new(self.log.append(&entry(event)), told) }
            }
        }
    }

    /// Refuses a command for another reason than policy, whatever policy would say, and records that: a limit is reached,
    /// or there is no credential for it. It is told once it is recorded; and if that fails, it is refused all the same.
    pub fn refuse(
        &self,
        admitted: &Admitted,
        question: &Question,
        code: Code,
        detail: &str,
        now: Timestamp,
    ) -> Pending<Verdict> {
        admitted.count();
        let rules = self.rules.load();
        let mode = recorded(admitted.admission().mode);
        let (hide, facts) = (Hide::of(&question.facts), Arc::new(self.recorder.facts(&question.facts)));
        let command = Box::new(self.recorder.command(RECORDED, question, hide, facts, mode));
        let Refused { refusal, detail } = self.refused(&Denied::because(code, detail), question.request);
        let (policies, policy_version) = (Vec::new(), Arc::clone(&rules.version));
        let event = Event::CommandRefused { command, policies, policy_version, code, detail };
        let entry = admitted.entry(now, question.request, event);
        Pending::new(self.log.append(&entry), move |_| Verdict::Deny(refusal))
    }

    /// The decision on a command that compares columns with values of its own, which count from then on.
    fn decide_guesses(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        question: &Question,
        now: Timestamp,
    ) -> Decided {
        let (facts, principal) = (&question.facts, &admitted.admission().principal);
        let connection = &admitted.admission().connection;
        let mut guesses = self.guesses.open();
        let made = guesses.with(admitted.who(), connection, &facts.matches, now);
        let counted = Counted { matches: &made, tokens: 0 };
        let decided = rules.decide(admitted, facts, question.stage, counted, &self.recorder);
        let Ok(Allowed { terms, .. }) = &decided.ruling else { return decided };
        // What is only prepared compares nothing yet.
        if question.stage == Stage::Run && principal.is_valid_at(now) {
            guesses.count(admitted.who(), connection, &guessed(facts, terms), now);
        }
        decided
    }

    /// Counts the comparisons and the tokens that an entry of the log tells of: those of the last day, before anything is
    /// asked.
    pub fn recall(&self, entry: &Entry) {
        self.guesses.recall(entry);
        self.tokens.recall(entry);
    }

    /// The checks in their order, all but the last: that the entry is durable.
    ///
    /// The token is looked at each time; the rest is the same for all commands of one shape, and `decided`
    /// holds it: all is understood, policy allows each use and each revealing, no approval is needed.
    fn check<'a>(
        &self,
        admitted: &Admitted,
        decided: &'a Decided,
        request: access::RequestId,
        now: Timestamp,
    ) -> Result<&'a Terms, Refused> {
        if !admitted.admission().principal.is_valid_at(now) {
            return Err(self.refused(&Denied::expired(), request));
        }
        match &decided.ruling {
            Ok(allowed) => Ok(&allowed.terms),
            Err(denied) => Err(self.refused(denied, request)),
        }
    }

    /// The check that is made of each command anew, since it looks at its values.
    fn leaves_values(&self, question: &Question) -> Result<(), Refused> {
        match writes_a_mask(question) {
            false => Ok(()),
            true => Err(self.refused(&Denied::because(Code::MaskWritten, ""), question.request)),
        }
    }

    /// Records how a command ended. Nothing waits for it.
    pub fn done(&self, admitted: &Admitted, outcome: &Outcome, now: Timestamp) {
        self.revealed(admitted, outcome, now);
        let mut event = Event::from(outcome);
        if let Event::Outcome { code, said, answer, .. } = &mut event {
            *answer = outcome.told.as_ref().and_then(|told| self.sealed(outcome.request, told)).map(Box::new);
            // An upstream's word, and a model's.
            *code = self.recorder.name(code);
            if let Some(said) = said {
                self.recorder.said(said);
                self.tokens.count(admitted, said, now);
            }
        }
        self.log.note(&admitted.entry(now, outcome.request, event));
    }

    /// Keeps answers, sealed by this, from now on; or none.
    pub fn keep_answers(&self, answers: Option<Answers>) {
        self.answers.store(answers.map(Arc::new));
    }

    fn sealed(&self, request: access::RequestId, told: &Told) -> Option<Sealed> {
        let answers = self.answers.load();
        let answers = answers.as_ref()?;
        let (text, is_whole) = self.recorder.answer(told.text.expose(), answers.bytes_max)?;
        answers.key.seal(request, &text, is_whole && told.is_whole)
    }

    /// Records that a session ended, and why in a few words. Nothing waits for it.
    pub fn closed(&self, admitted: &Admitted, reason: &str, now: Timestamp) {
        let event =
            Event::SessionClosed { reason: self.recorder.name(reason), commands: admitted.commands() };
        self.log.note(&admitted.entry(now, admitted.opening(), event));
    }

    /// Records that somebody was not identified, and words the refusal, which may be told once it is there.
    ///
    /// `reason` is for operators and the record: nothing of the token.
    pub fn refused_at_door(
        &self,
        stranger: Stranger<'_>,
        reason: &str,
        now: Timestamp,
    ) -> Pending<Box<Refusal>> {
        let name = |text: &str| self.recorder.name(text);
        let event =
            Event::AuthenticationFailed { reason: name(reason), claimed_user: name(stranger.claimed_user) };
        let entry = Entry {
            session: Some(stranger.session),
            request: Some(stranger.session.request(0)),
            from: Some(stranger.from.into()),
            client: Some(self.recorder.client(stranger.client).into()),
            connection: Some(name(stranger.connection).into()),
            lane: Some(stranger.lane.into()),
            ..Entry::of_gateway(now, Arc::clone(&self.name), event)
        };
        let refusal = Box::new(Refusal {
            code: Code::NotIdentified,
            request: stranger.session.request(0),
            // Why a token is no good helps whoever forges one.
            detail: "the token was not accepted".into(),
            columns: Vec::new(),
            policies: Vec::new(),
        });
        Pending::new(self.log.append(&entry), move |_| refusal)
    }

    /// Records that a known principal got no session for another reason than policy: there is no such
    /// connection, or its upstream cannot be reached. The refusal may be told once it is there.
    pub fn not_admitted(
        &self,
        admission: &Admission,
        lane: &str,
        code: Code,
        detail: &str,
        now: Timestamp,
    ) -> Pending<Box<Refusal>> {
        let connection = (&*self.recorder.name(&admission.connection)).into();
        let admission = Admission { connection, ..admission.clone() };
        let admitted = self.admitted(&admission, lane, ASKS_NOTHING);
        let denied = Denied::because(code, detail);
        let Refused { refusal, detail } = self.refused(&denied, admitted.opening());
        let event = Event::SessionRefused { code, reason: detail, policies: Vec::new() };
        Pending::new(self.log.append(&admitted.entry(now, admitted.opening(), event)), move |_| refusal)
    }

    fn admitted(&self, admission: &Admission, lane: &str, asker: u64) -> Admitted {
        let client = self.recorder.client(&admission.client);
        Admitted::new(admission, &client, lane, Arc::clone(&self.name), asker)
    }

    /// Puts other policies in force, from the moment that the change is recorded: when the answer is polled
    /// to its end. Commands that were asked about before keep their verdict.
    pub fn replace_policies(&self, policies: Policies, now: Timestamp) -> Pending<Result<(), NotAppended>> {
        let (version, previous) = (policies.version().into(), Arc::clone(&self.rules.load().version));
        let event = Event::PolicyChanged { version, previous };
        let (rules, approvals) = (Arc::clone(&self.rules), self.approvals.clone());
        let replace = move |_| {
            rules.store(Arc::new(Rules::new(policies)));
            // What waits was asked under the old ones.
            approvals.iter().for_each(|approvals| approvals.wake_all(now));
        };
        let entry = Entry::of_gateway(now, Arc::clone(&self.name), event);
        Pending::new(self.log.append(&entry), |receipt| receipt.map(replace))
    }

    /// Records that another configuration takes over, each known by its digest. It may once this is there.
    pub fn configuration_changed(
        &self,
        version: &str,
        previous: &str,
        now: Timestamp,
    ) -> Pending<Result<(), NotAppended>> {
        let event = Event::ConfigurationChanged { version: version.into(), previous: previous.into() };
        let entry = Entry::of_gateway(now, Arc::clone(&self.name), event);
        Pending::new(self.log.append(&entry), |receipt| receipt.map(drop))
    }

    /// The version of the policies in force.
    pub fn policy_version(&self) -> Arc<str> {
        Arc::clone(&self.rules.load().version)
    }

    /// The fields of requests that the policies in force ask for: a lane reads these into the facts.
    pub fn wanted(&self) -> Arc<access::Wanted> {
        self.rules.load().policies.wanted()
    }

    fn turn_away(
        &self,
        admitted: &Admitted,
        refused: Refused,
        now: Timestamp,
    ) -> Pending<Result<Admitted, Box<Refusal>>> {
        let Refused { refusal, detail } = refused;
        let policies = refusal.policies.iter().map(audit::PolicyNote::from).collect();
        let event = Event::SessionRefused { code: refusal.code, reason: detail, policies };
        Pending::new(self.log.append(&admitted.entry(now, admitted.opening(), event)), move |_| Err(refusal))
    }

    pub(crate) fn refused(&self, denied: &Denied, request: access::RequestId) -> Refused {
        let told = self.recorder.name(&denied.detail);
        let mut recorded = denied.detail.clone();
        for error in &denied.errors {
            recorded.push_str("; ");
            recorded.push_str(error);
        }
        let (columns, policies) = (denied.columns.clone(), denied.policies.clone());
        Refused {
            refusal: Box::new(Refusal { code: denied.code, request, detail: told, columns, policies }),
            detail: self.recorder.name(&recorded),
        }
    }

    /// The name of what policy sees of this session: the same for sessions that are alike.
    fn asker(&self, admission: &Admission) -> u64 {
        let fresh = || Ok::<_, std::convert::Infallible>(self.asker_next.fetch_add(1, Ordering::Relaxed));
        match self.askers.get_or_insert_with(&Asker::from(admission), fresh) {
            Ok(asker) => asker,
        }
    }
}

/// Askers remembered. One that is forgotten gets another number, and its decisions are made again.
const ASKERS_MAX: usize = 16_384;

/// The asker of a session that is never asked about.
const ASKS_NOTHING: u64 = u64::MAX;

/// A refusal, and what the entry says of it: for operators, so with what went wrong in a policy.
pub(crate) struct Refused {
    pub(crate) refusal: Box<Refusal>,
    detail: Box<str>,
}

/// The comparisons of a command that count as guesses under these terms.
pub(crate) fn guessed(facts: &Facts, terms: &Terms) -> Vec<Match> {
    facts.matches.iter().filter(|it| !terms.reveals(&it.class)).cloned().collect()
}

/// What opening a session comes to.
pub(crate) fn connect() -> Facts {
    let connect = Use { action: access::Action::Connect, resource: access::Resource::Connection };
    Facts { uses: vec![connect], effect: Effect::None, ..Facts::default() }
}

/// A mode as it is recorded, where it is not the ordinary one.
pub(crate) fn recorded(mode: Mode) -> Option<Box<str>> {
    (mode != Mode::Filtered).then(|| mode.as_str().into())
}
