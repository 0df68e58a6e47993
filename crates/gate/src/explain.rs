use access::{Facts, Principal, Stage};
use mask::Classes;
use policy::{Policies, Scope, Subject};

use crate::checks::{Allowed, Denied, rule};
use crate::gate::connect;
use crate::record::scanned;

/// Who would ask for a command, and where.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Who. Whether their token is valid is not looked at.
    pub principal: &'a Principal,
    /// The connection.
    pub scope: Scope<'a>,
    /// What is masked there beside card data.
    pub classes: Classes,
    /// How many people have approved this very command.
    pub approvals: u32,
}

/// Says what the gate would: by the checks that it makes of a session and of a command, and without an
/// entry, a permit, or any effect.
///
/// # Errors
/// [`Denied`], if the session or the command would be refused as it is.
pub fn explain(policies: &Policies, asking: Asking<'_>, facts: &Facts) -> Result<Allowed, Denied> {
    let Asking { principal, scope, classes, approvals } = asking;
    let (subject, scanned) = (Subject::new(principal), scanned(classes));
    let says = |facts: &Facts, given: u32| {
        let about = |more: u32| policies.about(&subject, scope, facts, Stage::Run, more.max(given));
        // As if it were the first within a day.
        let matches: Vec<u64> = facts.matches.iter().map(|it| it.values.into()).collect();
        rule(facts, &matches, &scanned, about)
    };
    // Nobody approves a session.
    says(&connect(), 0)?;
    says(facts, approvals)
}
