use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use access::{Action, Facts, PolicyNote, Resource, Stage, Wanted};
use aws_lc_rs::digest;
use cedar_policy::{
    ActionConstraint, Effect, EntityUid, Policy, PolicyId, PolicySet, ResourceConstraint, ValidationMode,
    Validator,
};

use crate::inquiry::{Decision, Inquiry};
use crate::schema::{self, Answering, USE_FEATURE, VOCABULARY};
use crate::source::{Problem, Source};
use crate::wanted;
use crate::{Scope, Subject};

/// A valid set of policies, ready to decide. Cheap to clone.
#[derive(Clone)]
pub struct Policies(Arc<Loaded>);

struct Loaded {
    version: String,
    /// For each action the policies whose scope admits it: Cedar has no index of its own, and looks at
    /// every policy of the set it is given.
    by_action: BTreeMap<Action, PolicySet>,
    any_feature: PolicySet,
    /// For each of what those who answer may do: the permits whose scope names it, with the forbids.
    answers: BTreeMap<Answering, PolicySet>,
    /// The first policy that asks for approvals.
    asking: Option<Box<str>>,
    /// For each feature that a permit names: those permits, and every forbid that may apply.
    //
    // INVARIANT: a permit that does not name the feature is not in its set, so it cannot let the feature
    // through, whatever else it permits (DESIGN.md, promise 2).
    by_feature: HashMap<String, PolicySet>,
    notes: HashMap<PolicyId, PolicyNote>,
    wanted: Arc<Wanted>,
}

impl Policies {
    /// Loads `files`, pairs of a name and a text, and validates them strictly against [`Self::schema`].
    ///
    /// What Cedar only warns of is refused too: a policy that can never apply protects nothing, and
    /// characters that look like others deceive its reader.
    ///
    /// # Errors
    /// The problems found, one for a place, in the order of the files. Nothing of an invalid set is used.
    pub fn parse(files: &[(String, String)]) -> Result<Self, Vec<Problem>> {
        let mut files: Vec<_> = files.iter().map(|(file, text)| Source { file, text }).collect();
        files.sort_by_key(|source| source.file);
        let mut problems = Vec::new();
        let mut named = Named::default();
        for source in &files {
            match source.parse() {
                Ok(policies) => {
                    policies.iter().for_each(|policy| problems.extend(named.take(*source, policy)))
                }
                Err(found) => problems.extend(found),
            }
        }
        problems.extend(named.validate());
        if !problems.is_empty() {
            // Cedar says the same of one place for every kind of request that it concerns.
            problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            problems.dedup_by(|a, b| (&a.file, a.line, a.column) == (&b.file, b.line, b.column));
            return Err(problems);
        }
        Ok(Self(Arc::new(named.load(version(&files)))))
    }

    /// No policies, which allow nothing.
    pub fn empty() -> Self {
        Self(Arc::new(Named::default().load(version(&[]))))
    }

    /// SHA-256 of the schema and the files with their names, in hex: the same text is the same version.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The Cedar schema that policies are written against.
    pub fn schema() -> &'static str {
        schema::TEXT
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.0.notes.len()
    }

    /// Whether there are none, so that nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.notes.is_empty()
    }

    /// Everything that policy can be asked about one command. `approvals` is how many people have
    /// approved exactly this one.
    pub fn about<'a>(
        &'a self,
        subject: &'a Subject,
        scope: Scope<'a>,
        facts: &'a Facts,
        stage: Stage,
        approvals: u32,
    ) -> Inquiry<'a> {
        Inquiry::new(self, subject, scope, facts, stage, approvals)
    }

    /// One question: may `subject` do `action` to `resource`, on these facts? [`Self::about`] is for more.
    ///
    /// What is not understood is asked about apart, by [`Inquiry::may_use`].
    #[expect(clippy::too_many_arguments, reason = "the parts of a question, each of its own type")]
    pub fn decide(
        &self,
        subject: &Subject,
        scope: Scope<'_>,
        action: Action,
        resource: &Resource,
        facts: &Facts,
        stage: Stage,
        approvals: u32,
    ) -> Decision {
        self.about(subject, scope, facts, stage, approvals).may(action, resource)
    }

    /// A policy that asks for approvals, where nobody may give one: by its id.
    pub fn asks_nobody(&self) -> Option<&str> {
        let giving = self.0.answers.iter().filter(|(answering, _)| answering.gives_approval());
        let answers = giving.flat_map(|(_, policies)| policies.policies());
        let may_answer = answers.into_iter().any(|policy| policy.effect() == Effect::Permit);
        let asking = self.0.asking.as_deref();
        asking.filter(|_| !may_answer)
    }

    /// The fields of requests that the policies ask for.
    pub fn wanted(&self) -> Arc<Wanted> {
        Arc::clone(&self.0.wanted)
    }

    /// The policies that may apply to `action`.
    pub(crate) fn on(&self, action: Action) -> Option<&PolicySet> {
        self.0.by_action.get(&action)
    }

    /// The permits that name `feature`, with the forbids; `None` if no permit does.
    pub(crate) fn on_feature(&self, feature: &str) -> Option<&PolicySet> {
        self.0.by_feature.get(feature)
    }

    /// The permits whose scope names `use_feature`, with the forbids.
    pub(crate) fn on_features(&self) -> &PolicySet {
        &self.0.any_feature
    }

    /// The permits whose scope names what those who answer may do, with the forbids.
    pub(crate) fn on_answers(&self, answering: Answering) -> Option<&PolicySet> {
        self.0.answers.get(&answering)
    }

    /// The features that permits name.
    pub(crate) fn features(&self) -> impl Iterator<Item = &str> {
        self.0.by_feature.keys().map(String::as_str)
    }

    pub(crate) fn note(&self, id: &PolicyId) -> PolicyNote {
        self.0.notes.get(id).cloned().unwrap_or_else(|| PolicyNote {
            id: id.to_string().into(),
            reason: None,
            requirement: None,
            waits: None,
        })
    }
}

/// Policies under the ids that refusals and entries show, not yet validated.
#[derive(Default)]
struct Named<'a> {
    set: PolicySet,
    /// In which file each is, and at which byte it begins.
    place: HashMap<PolicyId, (Source<'a>, usize)>,
}

impl<'a> Named<'a> {
    /// Takes one policy of `source`, under its `@id`, or `FILE:LINE:COLUMN` if it has none.
    fn take(&mut self, source: Source<'a>, policy: &Policy) -> Vec<Problem> {
        let offset = source.offset(policy);
        let (line, column) = source.place(offset);
        let id = match policy.annotation("id") {
            Some(id) if !id.is_empty() => PolicyId::new(id),
            _ => PolicyId::new(format!("{}:{line}:{column}", source.file)),
        };
        if let Some((other, at)) = self.place.get(&id) {
            let what = format!("the policy id `{id}` is taken, by {}:{}", other.file, other.place(*at).0);
            let instead = Some("give each policy an `@id(\"…\")` of its own".into());
            return vec![Problem { file: source.file.into(), line, column, what, instead }];
        }
        self.place.insert(id.clone(), (source, offset));
        match self.set.add(everywhere(policy.new_id(id))) {
            Ok(()) => Vec::new(),
            Err(error) => vec![source.problem(&error)],
        }
    }

    fn validate(&self) -> Vec<Problem> {
        let result = Validator::new(VOCABULARY.schema.clone()).validate(&self.set, ValidationMode::Strict);
        let locate = |id: &PolicyId, found: &dyn miette::Diagnostic| {
            self.place.get(id).map(|(source, _)| source.problem(found))
        };
        let errors = result.validation_errors().filter_map(|e| locate(e.policy_id(), e));
        // A policy with an error often "can never apply" as well, which says nothing new.
        let wrong: HashSet<_> = result.validation_errors().map(|e| e.policy_id()).collect();
        let warnings = result.validation_warnings().filter(|w| !wrong.contains(w.policy_id()));
        let warnings = warnings.filter_map(|w| locate(w.policy_id(), w));
        let ours = self.unnamed_features().chain(self.unnamed_fields()).chain(self.fields_of_answers());
        let ours = ours.chain(self.other_ways_to_wait());
        errors.chain(warnings).chain(ours).collect()
    }

    /// Policies that ask for a field of a request without saying which: nobody would read it from the request.
    fn unnamed_fields(&self) -> impl Iterator<Item = Problem> {
        self.set.policies().filter_map(|policy| {
            wanted::add(policy, &mut Wanted::default()).err()?;
            let (source, offset) = self.place.get(policy.id())?;
            Some(source.problem_at(
                *offset,
                "this asks for a field of a request, and it cannot be told which".into(),
                Some(
                    "write its name as a text, as in `context.query.hasTag(\"status\")`, and numbers as in `context.numbers.getTag(\"body.$.amount\")`"
                        .into(),
                ),
            ))
        })
    }

    /// Policies that say how approval is waited for in a word that is none.
    fn other_ways_to_wait(&self) -> impl Iterator<Item = Problem> {
        self.set.policies().filter(|policy| waits(policy).is_err()).filter_map(|policy| {
            let (source, offset) = self.place.get(policy.id())?;
            Some(source.problem_at(
                *offset,
                "`@approvals` says how approval is waited for, and this is no way to".into(),
                Some("write `@approvals(\"wait\")` or `@approvals(\"ticket\")`".into()),
            ))
        })
    }

    /// Policies of those who answer that ask for a field of a request: of a command that waits none is known, so that a forbid would
    /// never apply.
    fn fields_of_answers(&self) -> impl Iterator<Item = Problem> {
        let answering = Answering::ALL.map(|it| VOCABULARY.answering(it));
        self.set.policies().filter_map(move |policy| {
            let mut fields = Wanted::default();
            let asks = policy.action_constraint() != ActionConstraint::Any
                && answering.iter().any(|it| admits(policy, it))
                && wanted::add(policy, &mut fields).is_ok()
                && fields != Wanted::default();
            if !asks {
                return None;
            }
            let (source, offset) = self.place.get(policy.id())?;
            Some(source.problem_at(
                *offset,
                "this is about who approves, and asks for what is not recorded of a command that waits".into(),
                Some("ask for its method, path, route, operation, model, kinds or columns, and leave fields and tokens out".into()),
            ))
        })
    }

    /// Permits of `use_feature` that would never count, because they do not name the feature, and are not for
    /// administrators either.
    fn unnamed_features(&self) -> impl Iterator<Item = Problem> {
        let use_feature = VOCABULARY.use_feature();
        self.set.policies().filter_map(move |policy| {
            let asked = match policy.action_constraint() {
                ActionConstraint::Any => false,
                ActionConstraint::Eq(action) => action == use_feature,
                ActionConstraint::In(actions) => actions.contains(&use_feature),
            };
            if policy.effect() != Effect::Permit || !asked || feature(policy).is_some() || asks_mode(policy) {
                return None;
            }
            let (source, offset) = self.place.get(policy.id())?;
            Some(source.problem_at(
                *offset,
                format!("a permit of `{USE_FEATURE}` that names no feature allows nothing"),
                Some(
                    "write `resource == Feature::\"…\"` with the words of the refusal PGD-0007, or `when { context.mode == \"admin\" }`"
                        .into(),
                ),
            ))
        })
    }

    fn load(&self, version: String) -> Loaded {
        let slice = |action: &EntityUid, wanted: &dyn Fn(&Policy) -> bool| {
            let policies = self.set.policies().filter(|policy| admits(policy, action) && wanted(policy));
            // The ids are those of one set, so none occurs twice.
            PolicySet::from_policies(policies.cloned()).unwrap_or_default()
        };
        // A permit of everything was written without a thought of how many values may be compared.
        let wanted = |action: Action, policy: &Policy| {
            action != Action::Match
                || policy.effect() == Effect::Forbid
                || policy.action_constraint() != ActionConstraint::Any
        };
        let use_feature = VOCABULARY.use_feature();
        let features = self.set.policies().filter(|policy| admits(policy, &use_feature)).filter_map(feature);
        let named =
            |p: &Policy| p.effect() == Effect::Forbid || p.action_constraint() != ActionConstraint::Any;
        let mut fields = Wanted::default();
        for policy in self.set.policies() {
            // Those that cannot be told were refused by `validate`.
            let _ = wanted::add(policy, &mut fields);
        }
        Loaded {
            version,
            wanted: Arc::new(fields),
            any_feature: slice(&use_feature, &named),
            answers: Answering::ALL.map(|it| (it, slice(&VOCABULARY.answering(it), &named))).into(),
            asking: self
                .set
                .policies()
                .filter(|it| asks(it, "approvals"))
                .map(|it| it.id().to_string().into())
                .min(),
            by_action: Action::ALL
                .map(|action| (action, slice(&VOCABULARY.action(action), &|policy| wanted(action, policy))))
                .into(),
            by_feature: features
                .map(|name| {
                    let of_it =
                        |p: &Policy| p.effect() == Effect::Forbid || feature(p).as_ref() == Some(&name);
                    let slice = slice(&use_feature, &of_it);
                    (name, slice)
                })
                .collect(),
            notes: self.set.policies().map(|policy| (policy.id().clone(), note(policy))).collect(),
        }
    }
}

/// The policy, with `resource == DataClass::"pan"` in its scope read as `resource in DataClass::"pan"`.
///
/// The class of no connection is never what is asked about, so that the one would apply to nothing, and
/// whoever writes it means the class wherever it is.
fn everywhere(policy: Policy) -> Policy {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(named)
            if *named.type_name() == VOCABULARY.class && !named.id().unescaped().contains('/') => {}
        _ => return policy,
    }
    let widened = policy.to_json().ok().and_then(|mut json| {
        *json.pointer_mut("/resource/op")? = "in".into();
        Policy::from_json(Some(policy.id().clone()), json).ok()
    });
    widened.unwrap_or(policy)
}

/// Whether the policy's scope admits `action`, itself or by a group that it is in.
fn admits(policy: &Policy, action: &EntityUid) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(named) => named == *action,
        ActionConstraint::In(named) => {
            named.iter().any(|named| named == action || VOCABULARY.actions.is_ancestor_of(named, action))
        }
    }
}

/// Whether a policy asks in which way the principal queries.
fn asks_mode(policy: &Policy) -> bool {
    asks(policy, "mode")
}

/// Whether a policy asks for a fact.
fn asks(policy: &Policy, fact: &str) -> bool {
    let conditions = policy.to_json().ok().and_then(|json| json.get("conditions").map(ToString::to_string));
    conditions.is_some_and(|text| text.contains(&format!(r#""attr":"{fact}""#)))
}

/// The feature that a permit's scope names.
fn feature(policy: &Policy) -> Option<String> {
    match policy.resource_constraint() {
        ResourceConstraint::Eq(named)
            if policy.effect() == Effect::Permit && *named.type_name() == VOCABULARY.feature =>
        {
            Some(named.id().unescaped().to_owned())
        }
        _ => None,
    }
}

fn note(policy: &Policy) -> PolicyNote {
    let annotation = |key| policy.annotation(key).filter(|text| !text.is_empty()).map(Box::from);
    PolicyNote {
        id: policy.id().to_string().into(),
        reason: annotation("reason"),
        requirement: annotation("requirement"),
        waits: waits(policy).unwrap_or_default(),
    }
}

/// What a policy's `@approvals` says of those who wait for approval.
///
/// # Errors
/// It is neither of the two.
fn waits(policy: &Policy) -> Result<Option<bool>, ()> {
    match policy.annotation("approvals") {
        None => Ok(None),
        Some("wait") => Ok(Some(true)),
        Some("ticket") => Ok(Some(false)),
        Some(_) => Err(()),
    }
}

/// Each part goes in with its length before it, so that no two sets of files run together.
fn version(files: &[Source<'_>]) -> String {
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in [schema::TEXT].into_iter().chain(files.iter().flat_map(|source| [source.file, source.text])) {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
