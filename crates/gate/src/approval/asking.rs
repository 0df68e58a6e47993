use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use access::{
    Action, Alike, Approving, Before, Bound, Code, ColumnUse, DataClass, Facts, Part, Position, Question,
    Refusal, Resource, Stage, Timestamp, Use,
};
use audit::{Command, Event, PolicyNote};

use super::{Effect, Held, Previewed, Request, State};
use crate::checks::Denied;
use crate::gate::{guessed, recorded};
use crate::parameter::{Shown, show};
use crate::record::{SHOWN, WITHHELD};
use crate::rules::{Counted, Decided, Rules};
use crate::written::writes_a_mask;
use crate::{Admitted, Gate};

impl Gate {
    /// The command as one that waits for people, if it is one that they can let run; or why they cannot.
    #[expect(clippy::too_many_arguments, reason = "all that is known of the command by then")]
    pub(crate) fn held(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        question: &Question,
        decided: &Decided,
        command: &Command,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Option<Result<Held, &'static str>> {
        let Err(Denied { approvable: Some(approvable), .. }) = &decided.ruling else { return None };
        if refusal.code != Code::NeedsApproval || writes_a_mask(question) {
            return None;
        }
        let approvals = self.approvals.as_ref()?;
        let shown = self.recorder.command(
            SHOWN,
            question,
            decided.hide,
            Arc::clone(&decided.facts),
            recorded(admitted.admission().mode),
        );
        if let Some(why) = unseen(&shown, &question.bound) {
            return Some(Err(why));
        }
        let (admission, who) = (admitted.admission(), admitted.who());
        // Whoever cannot wait knows it best; then whoever wrote the policies that want approval, of which one that lets nobody
        // wait outweighs the others.
        let by_policy = || refusal.policies.iter().filter_map(|it| it.waits).min();
        let chosen = question.waits.or(admission.approval.chosen).or_else(by_policy);
        let waits = chosen.unwrap_or(admission.approval.waits);
        if let (false, Bound::Once(why)) = (waits, &question.bound) {
            return Some(Err(why));
        }
        let binding = match approvals.binder.bind(who, &admission.connection, &rules.version, question) {
            Ok(binding) => binding,
            Err(why) => return Some(Err(why)),
        };
        let Approving { answer_seconds, use_seconds, .. } = admission.approval;
        let about = admitted.entry(now, question.request, Event::GatewayStopped);
        let previewed = self.previewed(rules, admitted, question, now);
        let is_unseen = previewed.is_none() && changes_rows(&question.facts);
        let unsampled =
            is_unseen.then(|| question.alike.as_ref().err().copied().unwrap_or(NOT_BEFORE).into());
        let request = Request {
            id: question.request.to_string().into(),
            revision: 0,
            binding,
            asker: who.clone(),
            connection: (&*admission.connection).into(),
            labels: admission.labels.to_vec(),
            lane: about.lane.as_deref().unwrap_or_default().into(),
            gateway: self.instance().into(),
            waits,
            command: shown,
            fields: self.recorder.fields(&question.bound, &question.facts),
            called: question.facts.call.as_deref().map(|call| self.recorder.called(call, &question.facts)),
            grant: None,
            effect: Effect { unsampled, ..Effect::of(&question.facts) },
            why: refusal.detail.clone(),
            policies: decided.policies.clone(),
            policy_version: (&*rules.version).into(),
            needed: approvable.approvals,
            asked: now.micros(),
            expires: now.plus_seconds(answer_seconds.into()).micros(),
            life: use_seconds,
            answers: Vec::new(),
            glass: None,
            state: State::Waiting,
        };
        Some(Ok(Held {
            approvals: Arc::clone(approvals),
            log: Arc::clone(&self.log),
            minting: Arc::clone(&self.minting),
            controls: Arc::clone(&self.controls),
            revocations: Arc::clone(&self.revocations),
            lenders: Arc::clone(&self.lenders),
            rules: Arc::clone(&self.rules),
            principal: Arc::clone(&admission.principal),
            about,
            id: question.request,
            present: None,
            previewed,
            guesses: Arc::clone(&self.guesses),
            is_recorded: AtomicBool::new(false),
            is_asked: false,
            matches: guessed(&question.facts, &approvable.allowed.terms),
            request,
            command: Box::new(command.clone()),
            terms: approvable.allowed.terms.clone(),
            policies: approvable.allowed.policies.iter().map(PolicyNote::from).collect(),
            refusal: refusal.clone(),
        }))
    }
}

/// Whether it is one statement that changes rows, of which some could be shown.
fn changes_rows(facts: &Facts) -> bool {
    matches!(facts.kinds.as_slice(), [kind] if ["insert", "update", "delete"].contains(&&**kind))
}

/// Why nothing of a command is found out beforehand.
const NOT_BEFORE: &str = "nothing of it may be run before it is approved";

/// Why a command cannot be approved by those to whom this much of it is shown; `None`: it can.
fn unseen(shown: &Command, bound: &Bound) -> Option<&'static str> {
    let is_withheld = |text: &str| text == WITHHELD;
    let withheld = is_withheld(&shown.statement);
    match bound {
        _ if shown.shortened => Some("it is too long to be shown whole to whoever would answer"),
        // A parameter of a request over HTTP is its whole body.
        Bound::Bytes(..) if withheld || shown.parameters.iter().flatten().any(|it| is_withheld(it)) => {
            Some("it holds values that may not be shown to whoever would answer")
        }
        _ if withheld => {
            Some("it holds values that may not be shown to whoever would answer: send them as parameters")
        }
        _ => None,
    }
}

impl Gate {
    /// What may be found out of a command's effect before it is approved. To count rows is to run its conditions: all they
    /// call must be known to be harmless; and whoever asks sees how long it takes, so that they must be free to read, without
    /// anybody's approval, all that is read for it.
    fn previewed(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        question: &Question,
        now: Timestamp,
    ) -> Option<Previewed> {
        let (admission, facts) = (admitted.admission(), &question.facts);
        let inquiry = rules.policies.about(&admitted.subject, admitted.scope(), facts, question.stage, 0);
        let is_free = |it: &Use| match &it.resource {
            table @ Resource::Table(_) => inquiry.may(Action::Read, table).allowed,
            _ => true,
        };
        let computes = |it: &ColumnUse| matches!(it.position, Position::Computed | Position::Matched);
        let runs_conditions = question.before.is_none();
        let tells = runs_conditions && facts.columns.iter().any(computes);
        let tells_nothing = facts.uses.iter().all(is_free) && !tells;
        let is_harmless = facts.functions.is_empty() && facts.not_understood.is_empty() && tells_nothing;
        let shown = |parameter: &access::Redacted<access::Parameter>| match show(parameter.expose()) {
            Shown::Null => Some(access::Redacted::new(None)),
            Shown::Text(text) => Some(access::Redacted::new(Some(text))),
            Shown::Opaque(_) => None,
        };
        // What is put into another statement may stand in the upstream's own log.
        let holds_cards = |it: &Shown| match it {
            Shown::Text(text) => *self.recorder.name(text) != **text,
            Shown::Null | Shown::Opaque(_) => false,
        };
        let is_card = |it: &ColumnUse| matches!(it.class, DataClass::Pan | DataClass::Sad);
        let tells_cards = !question.parameters.is_empty()
            && runs_conditions
            && (facts.columns.iter().any(is_card)
                || question.parameters.iter().any(|it| holds_cards(&show(it.expose()))));
        (is_harmless && !tells_cards).then_some(())?;
        let Alike { types, reads_by, sees_others } = question.alike.clone().ok()?;
        let may_read = |before: &&Arc<Before>| self.may_read(rules, admitted, before, facts, now);
        let before = question.before.as_ref().filter(may_read);
        Some(Previewed {
            connection: Arc::clone(&admission.connection),
            facts: Arc::clone(facts),
            command: question.command.clone(),
            types,
            reads_by,
            sees_others,
            asker: format!("{}\n{}\n{}", admitted.who().issuer, admitted.who().subject, admitted.who().id)
                .into(),
            parameters: question.parameters.iter().map(shown).collect::<Option<_>>()?,
            before: before.cloned(),
        })
    }

    /// Whether whoever asks may read what they change, without anybody's approval; and whether all that policy knows of that
    /// request may be told to whoever answers, so that it can be asked of them too.
    fn may_read(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        before: &Before,
        command: &Facts,
        now: Timestamp,
    ) -> bool {
        let tokens = if rules.policies.wanted().tokens { self.tokens.used(admitted, now) } else { 0 };
        let counted = Counted { tokens, ..Counted::default() };
        let decided = rules.decide(admitted, &before.facts, Stage::Run, counted, &self.recorder);
        let Some(call) = before.facts.call.as_deref() else { return false };
        let is_told = |facts: &Facts| *self.recorder.called(call, facts).path == *call.endpoint.path;
        decided.ruling.is_ok()
            && is_told(&before.facts)
            && is_told(command)
            && call.fields.iter().all(|field| field.part == Part::Path)
    }
}
