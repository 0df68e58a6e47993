use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Code, DataClass, Effect, Facts, Mode, PolicyNote, Position, Resource, Terms, Use};
use policy::{Decision, Inquiry};

use crate::approval::Grant;

/// What policy says to a command, whoever's token is valid or not.
pub(crate) type Ruling = Result<Allowed, Denied>;

/// Policy lets a command run.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// What is to be done with its answer.
    pub terms: Terms,
    /// The policies that allowed it.
    pub policies: Vec<PolicyNote>,
}

/// Policy does not let a command run.
#[derive(Debug)]
pub struct Denied {
    /// What sort of refusal it comes to.
    pub code: Code,
    /// What exactly was refused, for whoever asked.
    pub detail: String,
    /// The columns whose use was refused (`schema.table.column`), where that is why.
    pub columns: Vec<Box<str>>,
    /// The policies that decided.
    pub policies: Vec<PolicyNote>,
    /// What went wrong in a policy, for operators: recorded and not told.
    pub errors: Vec<String>,
    /// What policy would say if enough people approved it, where that would let it run.
    pub approvable: Option<Box<Approvable>>,
}

/// What policy says to a command that enough people have approved.
#[derive(Debug, Clone)]
pub struct Approvable {
    /// How many that takes.
    pub approvals: u32,
    /// What it says then.
    pub allowed: Allowed,
}

impl Denied {
    /// For another reason than policy.
    pub(crate) fn because(code: Code, detail: &str) -> Self {
        let (columns, policies, errors) = (Vec::new(), Vec::new(), Vec::new());
        Self { code, detail: detail.into(), columns, policies, errors, approvable: None }
    }

    pub(crate) fn expired() -> Self {
        Self::because(Code::TokenExpired, "the token does not hold any more")
    }
}

/// Most approvals that a policy can ask for.
pub(crate) const APPROVALS_MAX: u32 = 10;

/// Policy, asked about one command; what a grant covers, as if its approvals were for the command.
pub(crate) struct Views<'a> {
    inquiry: Inquiry<'a>,
    granted: Option<Granted<'a>>,
}

/// Policy, asked as if a command had a grant's approvals.
struct Granted<'a> {
    inquiry: Inquiry<'a>,
    grant: &'a Grant,
    facts: &'a Facts,
}

impl<'a> Views<'a> {
    pub(crate) fn of(inquiry: Inquiry<'a>) -> Self {
        Self { inquiry, granted: None }
    }

    /// The same where a grant covers some of it, for which `granted` asks.
    pub(crate) fn with(self, granted: Inquiry<'a>, grant: &'a Grant, facts: &'a Facts) -> Self {
        Self { granted: Some(Granted { inquiry: granted, grant, facts }), ..self }
    }

    /// Whether a class may be revealed by the grant alone.
    pub(crate) fn gains(&self, class: &DataClass) -> bool {
        let resource = Resource::Class(class.clone());
        self.granted.as_ref().is_some_and(|it| it.grant.reveals(class, it.facts))
            && !self.inquiry.may(Action::Reveal, &resource).allowed
    }

    fn mode(&self) -> Mode {
        self.inquiry.mode()
    }

    fn may(&self, action: Action, resource: &Resource) -> Decision {
        let covers = |it: &&Granted<'_>| match (action, resource) {
            (Action::Reveal, Resource::Class(class)) => it.grant.reveals(class, it.facts),
            _ => it.grant.covers(action, resource),
        };
        let granted = self.granted.as_ref().filter(covers);
        granted.map_or(&self.inquiry, |it| &it.inquiry).may(action, resource)
    }

    fn may_use(&self, feature: &str) -> Decision {
        self.inquiry.may_use(feature)
    }

    fn may_match(&self, class: &DataClass, column: &str, values: u64) -> Decision {
        self.inquiry.may_match(class, column, values)
    }
}

/// Decides a command on its facts. `matches` are how many values will have been compared with the column of each of
/// [`Facts::matches`]; `scanned` are the classes that a scan of the answer can meet anywhere; `about` gives the inquiry
/// for a number of approvals.
pub(crate) fn rule<'a>(
    facts: &Facts,
    matches: &[u64],
    scanned: &[DataClass],
    about: impl Fn(u32) -> Inquiry<'a>,
) -> Ruling {
    let check = |approvals| check(facts, matches, scanned, &Views::of(about(approvals)));
    let denied = match check(0) {
        Ok(allowed) => return Ok(allowed),
        Err(denied) => denied,
    };
    // An error or a computation on `sad` is not a thing to approve; the same check says so again.
    let with = |approvals| Some((approvals, check(approvals).ok()?));
    if with(APPROVALS_MAX).is_none() {
        return Err(denied);
    }
    let Some((approvals, allowed)) = (1..=APPROVALS_MAX).find_map(with) else { return Err(denied) };
    let approvable = Some(Box::new(Approvable { approvals, allowed }));
    Err(Denied { code: Code::NeedsApproval, approvable, ..denied })
}

/// The checks on the facts of a command, in their order.
pub(crate) fn check(facts: &Facts, matches: &[u64], scanned: &[DataClass], inquiry: &Views<'_>) -> Ruling {
    let mut notes = Notes::default();
    registered(facts, inquiry.mode())?;
    understood(facts, inquiry, &mut notes)?;
    allowed(facts, inquiry, &mut notes)?;
    let terms = revealed(facts, scanned, inquiry, &mut notes)?;
    compared(facts, matches, &terms, inquiry, &mut notes)?;
    Ok(Allowed { terms, policies: notes.into_policies() })
}

/// Who may run registered statements alone runs one, or what ends transactions and sets what is free to set: without
/// that no client works.
fn registered(facts: &Facts, mode: Mode) -> Result<(), Denied> {
    let is_session = |it: &Use| {
        matches!(it.action, Action::Session | Action::Connect) && it.resource == Resource::Connection
    };
    let of_session = facts.uses.iter().all(is_session)
        && facts.effect != Effect::Data
        && facts.columns.is_empty()
        && facts.functions.is_empty();
    match mode {
        Mode::Filtered | Mode::Admin => Ok(()),
        Mode::Templates if facts.template.is_some() || of_session => Ok(()),
        Mode::Templates => Err(Denied::because(Code::NotATemplate, &kinds(facts))),
    }
}

/// Everything is understood, or a policy names it as allowed.
fn understood(facts: &Facts, inquiry: &Views<'_>, notes: &mut Notes) -> Result<(), Denied> {
    for feature in &facts.not_understood {
        notes.take(Code::NotUnderstood, &inquiry.may_use(feature), || {
            format!("`{feature}` is not understood")
        })?;
    }
    Ok(())
}

/// Policy allows each thing that is done to each resource.
fn allowed(facts: &Facts, inquiry: &Views<'_>, notes: &mut Notes) -> Result<(), Denied> {
    // A command that uses nothing is still decided.
    let nothing = [Use { action: Action::Session, resource: Resource::Connection }];
    let uses = if facts.uses.is_empty() { &nothing[..] } else { &facts.uses };
    for Use { action, resource } in uses {
        let code = match action {
            Action::Connect => Code::ConnectDenied,
            Action::Reveal | Action::Match => Code::RevealDenied,
            Action::Read | Action::Write | Action::Administer | Action::Call | Action::Session => {
                Code::PolicyDenied
            }
        };
        let detail = || format!("{} needs `{action}` on {}", kinds(facts), name(resource));
        notes.take(code, &inquiry.may(*action, resource), detail)?;
    }
    Ok(())
}

/// Policy lets the principal reveal every class that the command computes on; and the terms: what else it
/// may reveal.
fn revealed(
    facts: &Facts,
    scanned: &[DataClass],
    inquiry: &Views<'_>,
    notes: &mut Notes,
) -> Result<Terms, Denied> {
    let mut computed: BTreeMap<&DataClass, Vec<&str>> = BTreeMap::new();
    for used in facts.columns.iter().filter(|used| used.position == Position::Computed) {
        computed.entry(&used.class).or_default().push(&used.column);
    }
    let used = facts.columns.iter().map(|used| &used.class);
    let classes: BTreeSet<_> = scanned.iter().chain(used).chain(&facts.in_reach).collect();
    let mut terms = Terms::default();
    for class in classes {
        let decision = match class {
            // Never, whatever policy says.
            DataClass::Sad => Decision::none_allows(),
            class => inquiry.may(Action::Reveal, &Resource::Class(class.clone())),
        };
        match computed.get(class) {
            Some(columns) => {
                let detail = || {
                    format!(
                        "{} computes on, compares or copies {} ({class})",
                        kinds(facts),
                        columns.join(", ")
                    )
                };
                notes.take(Code::RevealDenied, &decision, detail).map_err(|denied| match denied.code {
                    Code::RevealDenied => {
                        let columns = columns.iter().map(|&column| column.into()).collect();
                        Denied { columns, ..denied }
                    }
                    // A policy that failed says nothing of columns.
                    _ => denied,
                })?;
            }
            None if decision.errors.is_empty() && !decision.allowed => continue,
            None => notes.take(Code::RevealDenied, &decision, || format!("`reveal` of class {class}"))?,
        }
        terms.reveal.insert(class.clone());
    }
    terms.tells_errors = facts.in_reach.iter().all(|class| terms.reveals(class));
    Ok(terms)
}

/// Policy lets the principal compare the columns of each class that it may not reveal with as many values.
fn compared(
    facts: &Facts,
    matches: &[u64],
    terms: &Terms,
    inquiry: &Views<'_>,
    notes: &mut Notes,
) -> Result<(), Denied> {
    for (at, it) in facts.matches.iter().enumerate() {
        if terms.reveals(&it.class) {
            continue;
        }
        // Of what was not counted nobody can say that it is few.
        let values = matches.get(at).copied().unwrap_or(u64::MAX);
        let decision = inquiry.may_match(&it.class, &it.column, values);
        let fewer = || inquiry.may_match(&it.class, &it.column, it.values.into()).allowed;
        let code = match decision.allowed || !fewer() {
            true => Code::RevealDenied,
            false => Code::GuessesSpent,
        };
        let detail = || {
            let many = if it.values == 1 { "a value".into() } else { format!("{} values", it.values) };
            format!("{} compares {} ({}) with {many}", kinds(facts), it.column, it.class)
        };
        let named = |denied: Denied| match denied.code {
            Code::RevealDenied => Denied { columns: vec![it.column.clone()], ..denied },
            _ => denied,
        };
        notes.take(code, &decision, detail).map_err(named)?;
    }
    Ok(())
}

/// The policies that have decided so far, each once.
#[derive(Default)]
struct Notes(BTreeMap<Box<str>, PolicyNote>);

impl Notes {
    /// Takes what a decision says; one that is not allowed ends the check.
    fn take(&mut self, code: Code, decision: &Decision, what: impl Fn() -> String) -> Result<(), Denied> {
        if decision.allowed {
            self.0.extend(decision.policies.iter().map(|note| (note.id.clone(), note.clone())));
            return Ok(());
        }
        let code = if decision.errors.is_empty() { code } else { Code::PolicyError };
        let detail = format!("{}: {}", what(), decision.why());
        let (policies, errors) = (decision.policies.clone(), decision.errors.clone());
        Err(Denied { policies, errors, ..Denied::because(code, &detail) })
    }

    fn into_policies(self) -> Vec<PolicyNote> {
        self.0.into_values().collect()
    }
}

/// `drop table`, or what is said of a command without a kind.
fn kinds(facts: &Facts) -> String {
    let mut kinds: Vec<&str> = facts.kinds.iter().map(|kind| &**kind).collect();
    kinds.dedup();
    match kinds.is_empty() {
        true => "it".into(),
        false => format!("`{}`", kinds.join("; ")),
    }
}

fn name(resource: &Resource) -> String {
    match resource {
        Resource::Connection => "the connection".into(),
        Resource::Schema(name) => format!("schema {name}"),
        Resource::Table(name) => format!("table {name}"),
        Resource::Function(name) => format!("function {name}"),
        Resource::Endpoint(endpoint) => format!("endpoint {}", endpoint.name()),
        Resource::Model(name) => format!("model {name}"),
        Resource::Class(class) => format!("class {class}"),
    }
}
