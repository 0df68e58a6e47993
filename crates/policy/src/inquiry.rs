use access::{Action, DataClass, Facts, Mode, PolicyNote, Position, Resource, Stage};
use cedar_policy::{
    Authorizer, Context, Decision as Answer, Entities, EntityUid, PolicySet, Request, RestrictedExpression,
};

use crate::call;
use crate::resource::Placed;
use crate::schema::{Answering, VOCABULARY};
use crate::{Policies, Scope, Subject};

/// What policy says to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be: some policy permits it, none forbids it, and none failed.
    pub allowed: bool,
    /// The policies that decided: the permits of what is allowed, the forbids of what is not. Empty when
    /// no policy allows it. Sorted by id.
    pub policies: Vec<PolicyNote>,
    /// What went wrong, for operators. Not empty: refused.
    pub errors: Vec<String>,
    /// To whom of those whose access it is policy has said so.
    pub of: Whose,
}

/// Whose access a decision is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    /// That of whoever asks.
    #[default]
    Theirs,
    /// That of somebody who lent it, by their id.
    Lender(Box<str>),
    /// What was lent, by which it is no part of it; no policy was asked.
    Loan,
}

/// Everything that policy can be asked about one command.
pub struct Inquiry<'a> {
    policies: &'a Policies,
    subject: &'a Subject,
    scope: Scope<'a>,
    facts: &'a Facts,
    stage: Stage,
    approvals: u32,
    tokens: u64,
    granted: bool,
    request: Option<Asked<'a>>,
    /// The subject, the actions and the connection; or why they cannot be put to Cedar.
    entities: Result<Entities, String>,
    /// The same of everybody who lent the subject its access: it has no more than each of them.
    lenders: Vec<Self>,
}

/// What a grant would allow, for policies to look at.
#[derive(Debug, Clone, Copy)]
pub struct Granting<'a> {
    /// The ids of the actions.
    pub actions: &'a [Box<str>],
    /// On what.
    pub objects: &'a [Box<str>],
    /// The names of the data classes.
    pub classes: &'a [Box<str>],
    /// For how long.
    pub seconds: u32,
    /// How many values it lets be revealed, if it says.
    pub reveals: Option<u32>,
}

/// What is known of a request for approval beside the facts of its command.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The id of whoever asks.
    pub requester: &'a str,
    /// Their groups.
    pub groups: &'a [Box<str>],
    /// Whether the answer says why.
    pub comment: bool,
    /// How whoever answers signed in.
    pub acr: &'a str,
    /// How many seconds ago, if that is known.
    pub signed_in_seconds: Option<i64>,
    /// What it would allow, if it is no command but access for a time, or access that is lent.
    pub granting: Option<Granting<'a>>,
    /// The agent to whom access is lent.
    pub lent_to: &'a str,
}

/// What of the facts a question is about, where that is less than all.
#[derive(Default)]
struct Narrowed<'a> {
    /// Columns of this class alone.
    class: Option<&'a DataClass>,
    /// This column alone.
    column: Option<&'a str>,
    /// With how many values it is compared.
    matches: u64,
}

impl<'a> Inquiry<'a> {
    pub(crate) fn new(
        policies: &'a Policies,
        subject: &'a Subject,
        scope: Scope<'a>,
        facts: &'a Facts,
        stage: Stage,
        approvals: u32,
    ) -> Self {
        let entities = scope.check().and_then(|()| with(subject.entities.clone()?, [scope.connection()?]));
        let lenders = subject.lenders.iter();
        let lenders = lenders.map(|it| Self::new(policies, it, scope, facts, stage, approvals)).collect();
        Self {
            policies,
            subject,
            scope,
            facts,
            stage,
            approvals,
            tokens: 0,
            granted: false,
            request: None,
            entities,
            lenders,
        }
    }

    /// The same of a subject that has used so many tokens of models on the connection lately.
    #[must_use]
    pub fn having_used(self, tokens: u64) -> Self {
        let lenders = self.lenders.into_iter().map(|it| it.having_used(tokens)).collect();
        Self { tokens, lenders, ..self }
    }

    /// The same where the approvals are those of a grant.
    #[must_use]
    pub fn granted(self) -> Self {
        let lenders = self.lenders.into_iter().map(Self::granted).collect();
        Self { granted: true, lenders, ..self }
    }

    /// Whether the subject may answer what somebody asks for, on these facts. Only permits that name it count.
    #[must_use]
    pub fn may_answer(self, answering: Answering, request: Asked<'a>) -> Decision {
        let Some(policies) = self.policies.on_answers(answering) else { return Decision::none_allows() };
        self.about(request).each(|it| {
            let placed = it.scope.place(&Resource::Connection);
            it.ask(policies, VOCABULARY.answering(answering), placed, Narrowed::default())
        })
    }

    fn about(self, request: Asked<'a>) -> Self {
        let lenders = self.lenders.into_iter().map(|it| it.about(request)).collect();
        Self { request: Some(request), lenders, ..self }
    }

    /// What is said to the subject, as long as the same is said to everybody who lent it its access.
    fn each(&self, said: impl Fn(&Self) -> Decision) -> Decision {
        let mut decision = said(self);
        for lender in &self.lenders {
            if !decision.allowed {
                break;
            }
            let theirs = said(lender);
            if !theirs.allowed {
                return Decision { of: Whose::Lender(lender.subject.id()), ..theirs };
            }
            decision.policies.extend(theirs.policies);
            decision.policies.sort_by(|a, b| a.id.cmp(&b.id));
            decision.policies.dedup_by(|a, b| a.id == b.id);
        }
        decision
    }

    /// Whether what was lent to the subject, if anything was, is about doing this.
    fn is_lent(&self, action: Action) -> bool {
        self.subject.lent.as_ref().is_none_or(|lent| lent.covers(self.scope.connection, action))
    }

    /// In which way the subject queries the connection.
    pub fn mode(&self) -> Mode {
        self.scope.mode
    }

    /// Whether the subject may do `action` to `resource`. What is not understood is asked about apart, by
    /// [`Self::may_use`]. `sad` may never be revealed, and no policy is asked.
    /// To `match` is asked about apart too, by [`Self::may_match`]: here it is asked as if nothing were compared.
    pub fn may(&self, action: Action, resource: &Resource) -> Decision {
        let class = match resource {
            Resource::Class(DataClass::Sad) => return Decision::none_allows(),
            Resource::Class(class) => Some(class),
            Resource::Connection
            | Resource::Schema(_)
            | Resource::Table(_)
            | Resource::Function(_)
            | Resource::Endpoint(_)
            | Resource::Model(_) => None,
        };
        if !self.is_lent(action) {
            return Decision { of: Whose::Loan, ..Decision::none_allows() };
        }
        let Some(policies) = self.policies.on(action) else { return Decision::none_allows() };
        self.each(|it| {
            let (placed, narrowed) = (it.scope.place(resource), Narrowed { class, ..Narrowed::default() });
            it.ask(policies, VOCABULARY.action(action), placed, narrowed)
        })
    }

    /// Whether the subject may compare `column`, which is of `class`, with values of its own, when it has compared it
    /// with `values` of them lately, these included. `sad` may never be compared, and no policy is asked.
    pub fn may_match(&self, class: &DataClass, column: &str, values: u64) -> Decision {
        if *class == DataClass::Sad {
            return Decision::none_allows();
        }
        if !self.is_lent(Action::Match) {
            return Decision { of: Whose::Loan, ..Decision::none_allows() };
        }
        let Some(policies) = self.policies.on(Action::Match) else { return Decision::none_allows() };
        self.each(|it| {
            let placed = it.scope.place(&Resource::Class(class.clone()));
            let narrowed = Narrowed { class: Some(class), column: Some(column), matches: values };
            it.ask(policies, VOCABULARY.action(Action::Match), placed, narrowed)
        })
    }

    /// Whether the subject may run a command in which `feature`, one of
    /// [`Facts::not_understood`], is not understood. Only permits that name it count, but to an administrator.
    pub fn may_use(&self, feature: &str) -> Decision {
        let policies = match self.scope.mode {
            Mode::Admin => Some(self.policies.on_features()),
            Mode::Templates | Mode::Filtered => self.policies.on_feature(feature),
        };
        let Some(policies) = policies else { return Decision::none_allows() };
        self.each(|it| {
            let placed = Ok(it.scope.feature(feature));
            it.ask(policies, VOCABULARY.use_feature(), placed, Narrowed::default())
        })
    }

    fn ask(
        &self,
        policies: &PolicySet,
        action: EntityUid,
        resource: Result<Placed, String>,
        narrowed: Narrowed<'_>,
    ) -> Decision {
        if policies.is_empty() {
            return Decision::none_allows();
        }
        match self.put(policies, action, resource, narrowed) {
            Ok(decision) => decision,
            Err(error) => Decision { errors: vec![error], ..Decision::none_allows() },
        }
    }

    fn put(
        &self,
        policies: &PolicySet,
        action: EntityUid,
        resource: Result<Placed, String>,
        narrowed: Narrowed<'_>,
    ) -> Result<Decision, String> {
        let resource = resource?;
        let entities = with(self.entities.clone()?, resource.entities)?;
        let entities = with(entities, call::fields(self.facts.call.as_deref())?)?;
        let context = self.context(narrowed)?;
        let schema = Some(&VOCABULARY.schema);
        let request = Request::new(self.subject.uid.clone(), action, resource.uid, context, schema)
            .map_err(|error| error.to_string())?;
        let response = Authorizer::new().is_authorized(&request, policies, &entities);
        let errors: Vec<_> = response.diagnostics().errors().map(ToString::to_string).collect();
        let mut notes: Vec<_> = response.diagnostics().reason().map(|id| self.policies.note(id)).collect();
        notes.sort_by(|a, b| a.id.cmp(&b.id));
        let allowed = response.decision() == Answer::Allow && errors.is_empty();
        if response.decision() == Answer::Allow && !allowed {
            // The permits that applied are not why it is refused.
            notes.clear();
        }
        Ok(Decision { allowed, policies: notes, errors, of: Whose::Theirs })
    }

    /// The facts as the schema types them.
    fn context(&self, narrowed: Narrowed<'_>) -> Result<Context, String> {
        let facts = self.facts;
        let stage = match self.stage {
            Stage::Prepare => "prepare",
            Stage::Run => "run",
        };
        let effect = match facts.effect {
            access::Effect::None => "none",
            access::Effect::Session => "session",
            access::Effect::Data => "data",
        };
        // A column that is only given a value tells nothing of the values it holds.
        let columns = facts.columns.iter().filter(|used| match narrowed.class {
            Some(class) => used.class == *class && used.position != Position::Assigned,
            None => true,
        });
        let columns = columns.filter(|used| narrowed.column.is_none_or(|column| *used.column == *column));
        let count = |n: usize| RestrictedExpression::new_long(i64::try_from(n).unwrap_or(i64::MAX));
        let pairs = [
            ("kinds", set(facts.kinds.iter())),
            ("statements", count(facts.kinds.len())),
            ("has_where", RestrictedExpression::new_bool(facts.has_where)),
            ("functions", set(facts.functions.iter())),
            ("not_understood", set(facts.not_understood.iter())),
            ("stage", RestrictedExpression::new_string(stage.into())),
            ("effect", RestrictedExpression::new_string(effect.into())),
            ("approvals", RestrictedExpression::new_long(self.approvals.into())),
            ("labels", set(self.scope.labels.iter())),
            ("columns", set(columns.map(|used| &used.column))),
            ("mode", RestrictedExpression::new_string(self.scope.mode.as_str().into())),
            (
                "template",
                RestrictedExpression::new_string(facts.template.as_deref().unwrap_or_default().into()),
            ),
            ("matches", RestrictedExpression::new_long(i64::try_from(narrowed.matches).unwrap_or(i64::MAX))),
            ("tokens_today", RestrictedExpression::new_long(i64::try_from(self.tokens).unwrap_or(i64::MAX))),
        ];
        let asked = self.request;
        let requester = asked.map(|asked| asked.requester).unwrap_or_default();
        let asking = [
            ("requester", RestrictedExpression::new_string(requester.into())),
            ("requester_groups", set(asked.map(|asked| asked.groups).unwrap_or_default().iter())),
            ("comment", RestrictedExpression::new_bool(asked.is_some_and(|asked| asked.comment))),
            (
                "acr",
                RestrictedExpression::new_string(asked.map(|asked| asked.acr).unwrap_or_default().into()),
            ),
            ("lent_to", RestrictedExpression::new_string(asked.map_or("", |asked| asked.lent_to).into())),
            (
                "signed_in_seconds",
                RestrictedExpression::new_long(asked.and_then(|asked| asked.signed_in_seconds).unwrap_or(-1)),
            ),
        ];
        let granting = asked.and_then(|asked| asked.granting);
        let reveals = granting.map_or(0, |it| it.reveals.map_or(-1, i64::from));
        let granting = [
            ("granted", RestrictedExpression::new_bool(self.granted)),
            ("grant_actions", set(granting.map(|it| it.actions).unwrap_or_default().iter())),
            ("grant_objects", set(granting.map(|it| it.objects).unwrap_or_default().iter())),
            ("grant_classes", set(granting.map(|it| it.classes).unwrap_or_default().iter())),
            ("grant_seconds", RestrictedExpression::new_long(granting.map_or(0, |it| it.seconds.into()))),
            ("grant_reveals", RestrictedExpression::new_long(reveals)),
        ];
        let pairs =
            pairs.into_iter().chain(asking).chain(granting).chain(call::context(facts.call.as_deref()));
        Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value))).map_err(|e| e.to_string())
    }
}

impl Decision {
    /// The decision where no policy allows it.
    pub fn none_allows() -> Self {
        Self { allowed: false, policies: Vec::new(), errors: Vec::new(), of: Whose::Theirs }
    }

    /// Why, for whoever asked: the reasons of the policies that decided, or that no policy allows it.
    pub fn why(&self) -> String {
        if !self.errors.is_empty() {
            return "a policy could not be evaluated".into();
        }
        match &self.of {
            Whose::Theirs => {}
            Whose::Loan => return "it is no part of what was lent".into(),
            Whose::Lender(id) => {
                let theirs = Self { of: Whose::Theirs, ..self.clone() };
                return format!("`{id}`, who lent the access, may not: {}", theirs.why());
            }
        }
        if self.policies.is_empty() {
            return "no policy allows it".into();
        }
        let reasons = self.policies.iter().map(|note| match &note.reason {
            Some(reason) => format!("policy `{}`: {reason}", note.id),
            None => format!("policy `{}`", note.id),
        });
        reasons.collect::<Vec<_>>().join("; ")
    }
}

fn set<'a>(texts: impl Iterator<Item = &'a Box<str>>) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.map(|text| RestrictedExpression::new_string(text.to_string())))
}

/// `entities` with more, each checked against the schema.
fn with(
    entities: Entities,
    more: impl IntoIterator<Item = cedar_policy::Entity>,
) -> Result<Entities, String> {
    entities.add_entities(more, Some(&VOCABULARY.schema)).map_err(|error| error.to_string())
}
