use std::sync::Arc;

use access::{Facts, Question, Stage};
use audit::{FactsNote, PolicyNote};
use policy::Policies;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::Admitted;
use crate::checks::{Denied, Ruling, rule};
use crate::hide::Hide;
use crate::record::Recorder;

/// One policy set, and what it has decided so far. Another set begins with nothing decided.
pub(crate) struct Rules {
    pub(crate) policies: Policies,
    pub(crate) version: Arc<str>,
    decided: Cache<Key, Arc<Decided>, Size>,
}

/// What was counted of who asks, for decisions that are not kept.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counted<'a> {
    /// How many values will have been compared with the column of each of [`Facts::matches`].
    pub(crate) matches: &'a [u64],
    /// How many tokens of models have been used.
    pub(crate) tokens: u64,
}

/// All that a decision depends on, within one policy set. There is no clock in it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    asker: u64,
    prepare: bool,
    facts: Arc<Facts>,
}

/// What holds for every command of one shape that one asker asks about.
pub(crate) struct Decided {
    pub(crate) ruling: Ruling,
    /// The policies that decided, as they are recorded.
    pub(crate) policies: Vec<PolicyNote>,
    /// The facts, as they are recorded.
    pub(crate) facts: Arc<FactsNote>,
    /// What of the command's values must not be recorded.
    pub(crate) hide: Hide,
    size: u64,
}

impl Rules {
    pub(crate) fn new(policies: Policies) -> Self {
        let version = policies.version().into();
        Self { policies, version, decided: Cache::with_weighter(DECIDED_ESTIMATE, DECIDED_BYTES_MAX, Size) }
    }

    /// The decision on `question`, from the cache if it was asked before. Of one that compares, [`Self::decide`] says
    /// more.
    pub(crate) fn decided(
        &self,
        admitted: &Admitted,
        question: &Question,
        recorder: &Recorder,
    ) -> Arc<Decided> {
        let key = Key {
            asker: admitted.asker,
            prepare: question.stage == Stage::Prepare,
            facts: Arc::clone(&question.facts),
        };
        if let Some(decided) = self.decided.get(&key) {
            return decided;
        }
        let decided =
            Arc::new(self.decide(admitted, &question.facts, question.stage, Counted::default(), recorder));
        self.decided.insert(key, Arc::clone(&decided));
        decided
    }

    pub(crate) fn decide(
        &self,
        admitted: &Admitted,
        facts: &Facts,
        stage: Stage,
        counted: Counted<'_>,
        recorder: &Recorder,
    ) -> Decided {
        let about = |approvals| {
            let inquiry = self.policies.about(&admitted.subject, admitted.scope(), facts, stage, approvals);
            inquiry.having_used(counted.tokens)
        };
        let ruling = rule(facts, counted.matches, recorder.scanned(), about);
        let ruling = match ruling {
            // What is only prepared does nothing yet: it is approved when it is to run.
            Err(Denied { approvable: Some(it), .. }) if stage == Stage::Prepare => Ok(it.allowed),
            ruling => ruling,
        };
        let policies = match &ruling {
            Ok(allowed) => &allowed.policies,
            Err(denied) => &denied.policies,
        };
        Decided {
            policies: policies.iter().map(PolicyNote::from).collect(),
            ruling,
            facts: Arc::new(recorder.facts(facts)),
            hide: Hide::of(facts),
            size: size(facts),
        }
    }
}

/// Bytes of names that decisions may hold in memory together; the names are an agent's to choose.
const DECIDED_BYTES_MAX: u64 = 32 << 20;

/// Decisions expected: a few thousand shapes of commands.
const DECIDED_ESTIMATE: usize = 8192;

#[derive(Clone)]
struct Size;

impl Weighter<Key, Arc<Decided>> for Size {
    fn weight(&self, _: &Key, decided: &Arc<Decided>) -> u64 {
        decided.size
    }
}

/// Bytes that a decision on `facts` holds, roughly: its names twice, in the facts and as recorded, and what
/// stands around each.
fn size(facts: &Facts) -> u64 {
    let names =
        facts.kinds.iter().chain(&facts.functions).chain(&facts.not_understood).map(|name| name.len());
    let columns = facts.columns.iter().map(|used| used.column.len());
    let uses = facts.uses.iter().map(|used| match &used.resource {
        access::Resource::Schema(name)
        | access::Resource::Table(name)
        | access::Resource::Function(name)
        | access::Resource::Model(name) => name.len(),
        access::Resource::Endpoint(endpoint) => endpoint.path.len() + endpoint.route.len(),
        access::Resource::Class(class) => class.as_str().len(),
        access::Resource::Connection => 0,
    });
    let call = facts.call.iter().flat_map(|call| {
        let fields = call.fields.iter().flat_map(|field| field.values.iter().map(|value| value.len()));
        fields.chain(call.tools.iter().chain(&call.tools_called).map(|name| name.len()))
    });
    let bytes: usize = names.chain(columns).chain(uses).chain(call).map(|length| 2 * length + 128).sum();
    bytes as u64 + 512
}
