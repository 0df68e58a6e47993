//! `/api/delegations…`: people lend agents some of their access, and agents hand it on (docs/delegation.md).

use std::collections::BTreeSet;

use access::{Action, Labelled, Principal};
use aws_lc_rs::rand;
use gate::{Offer, Revocation, Unanswered, Voter, What};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::KeptLoan;
use tracing::{error, warn};

use super::problem::Problem;
use super::revoking;
use crate::State;

/// What a body says is to be lent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offered {
    agent: Box<str>,
    connections: Vec<Box<str>>,
    actions: Vec<Box<str>>,
    seconds: u32,
    reason: Box<str>,
}

/// What a body says of what is to be ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    reason: Box<str>,
}

/// What is kept of what was lent, to be listed.
#[derive(Serialize, Deserialize)]
struct Kept {
    agent: Box<str>,
    /// Whoever has it of their own first, then each who handed it on.
    lenders: Vec<Known>,
    /// The ids of their tokens.
    tokens: Vec<Box<str>>,
    connections: BTreeSet<Box<str>>,
    actions: BTreeSet<Box<str>>,
    since: i64,
    reason: Box<str>,
}

/// Somebody as they were known.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Known {
    kind: Box<str>,
    id: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
}

/// Lends, if policy lets `voter` do so.
pub(super) async fn lend(state: &State, voter: &Voter, it: Offered) -> Result<Value, Problem> {
    let now = (state.clock)();
    let offer = offered(state, voter, it)?;
    let lent = state.gate.lend(voter, &offer, now).await?;
    // A token that is too long would be refused everywhere.
    let token = (state.lend)(&lent).ok_or(Problem::LentTooLong)?;
    let lenders = || lent.lent().into_iter().flat_map(|it| &it.lenders);
    let kept = Kept {
        agent: lent.id.clone(),
        lenders: lenders().map(Known::of).collect(),
        tokens: lenders().map(|lender| lender.token_id.clone()).collect(),
        connections: lent.lent().map(|it| it.connections.clone()).unwrap_or_default(),
        actions: offer.actions.iter().map(|action| action.as_str().into()).collect(),
        since: now.micros(),
        reason: Revocation::words(state.gate.masker(), &offer.reason),
    };
    let document = serde_json::to_string(&kept).map_err(broken)?;
    let loan = KeptLoan { id: offer.id.clone(), until: lent.valid_until.micros(), document };
    // What nobody could find to end it is not lent.
    state.loans.keep(&loan, now.micros()).await.map_err(Unanswered::Down)?;
    let mut shown = shown(&loan, &kept, false);
    if let (Some(shown), Some(token)) = (shown.as_object_mut(), token.expose_str()) {
        shown.insert("token".into(), token.into());
    }
    Ok(shown)
}

/// What `voter` has lent and handed on; all of it to those who may take all access away.
pub(super) async fn list(state: &State, voter: &Voter) -> Result<Value, Problem> {
    let now = (state.clock)();
    state.gate.may_come(voter, now)?;
    let all = state.loans.lent(now.micros(), LISTED_MAX).await.map_err(Unanswered::Down)?;
    let mut read = Vec::new();
    for loan in &all {
        read.push((loan, serde_json::from_str::<Kept>(&loan.document).map_err(broken)?));
    }
    let own = Known::of(&voter.principal);
    if !state.gate.could_revoke(voter, &(state.connections)(), now) {
        read.retain(|(_, kept)| kept.lenders.contains(&own));
    }
    let revoked = |loan: &KeptLoan, kept: &Kept| is_revoked(state, &loan.id, kept);
    let listed = read.iter().map(|(loan, kept)| shown(loan, kept, revoked(loan, kept)));
    Ok(json!({ "delegations": listed.collect::<Vec<_>>() }))
}

/// Ends what was lent, if `voter` had a hand in it or may take access away.
pub(super) async fn end(state: &State, voter: &Voter, id: &str, why: Ending) -> Result<Value, Problem> {
    let now = (state.clock)();
    if why.reason.trim().is_empty() {
        return Err(Problem::Ending);
    }
    state.gate.may_come(voter, now)?;
    let all = state.loans.lent(now.micros(), LISTED_MAX).await.map_err(Unanswered::Down)?;
    let own = Known::of(&voter.principal);
    let found = all.iter().filter(|loan| *loan.id == *id).find_map(|loan| {
        let kept: Kept = serde_json::from_str(&loan.document).ok()?;
        Some((loan, kept))
    });
    let is_own = found.as_ref().is_some_and(|(_, kept)| kept.lenders.contains(&own));
    if !is_own {
        // Whoever may not take access away does not learn what others have lent.
        revoking::may(state, voter, (What::Token, id), &why.reason).await.map_err(|_| Problem::NotLent)?;
    }
    let (loan, kept) = found.ok_or(Problem::NotLent)?;
    let it = Revocation {
        until: Some(loan.until),
        reason: Revocation::words(state.gate.masker(), &why.reason),
        by: revoking::by(state, voter),
        since: now.micros(),
        ..Revocation::new(&state.access.fresh_id().map_err(broken)?, What::Token, &loan.id)
    };
    warn!(id = &*it.id, lent = &*loan.id, by = &*it.by, "access that was lent is ended by the API");
    let in_force = revoking::put(state, it).await?;
    Ok(shown(loan, &kept, in_force))
}

/// The offer that a body makes: of connections that there are.
fn offered(state: &State, voter: &Voter, it: Offered) -> Result<Offer, Problem> {
    let Offered { agent, connections, actions, seconds, reason } = it;
    let named = |name: &str| Action::ALL.into_iter().find(|action| action.as_str() == name);
    let actions =
        actions.iter().map(|name| named(name)).collect::<Option<BTreeSet<_>>>().ok_or(Problem::Loan)?;
    let there = |name: &str| -> Option<Labelled> { Some((name.into(), (state.labels)(name)?)) };
    let connections = connections.iter().collect::<BTreeSet<_>>().into_iter().map(|name| there(name));
    let connections = connections.collect::<Option<Vec<_>>>().ok_or(Unanswered::NoConnection)?;
    if !(state.may_be_agent)(&voter.principal.issuer, &agent) {
        return Err(Problem::NoAgent);
    }
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(broken)?;
    let id = format!("d-{:016x}", u64::from_be_bytes(random)).into();
    Ok(Offer { id, agent, connections, actions, seconds, reason })
}

/// Whether it was ended by its id or that of what it was handed on from, or the access of an agent or lender of it was.
fn is_revoked(state: &State, id: &str, kept: &Kept) -> bool {
    let is_it = |it: &Revocation| match it.what {
        What::Token => *it.of == *id || kept.tokens.contains(&it.of),
        What::Agent => *it.of == *kept.agent || kept.lenders.iter().any(|lender| lender.id == it.of),
        What::Subject => kept.lenders.iter().any(|lender| lender.subject == it.of),
        What::Everything => true,
        _ => false,
    };
    state.gate.revocations().all().iter().any(|it| is_it(it) && !it.is_over((state.clock)()))
}

fn shown(loan: &KeptLoan, kept: &Kept, is_revoked: bool) -> Value {
    let (first, through) = kept.lenders.split_first().map_or(("", &[][..]), |(it, rest)| (&*it.id, rest));
    json!({
        "id": loan.id,
        "agent": kept.agent,
        "by": first,
        "through": through.iter().map(|agent| &*agent.id).collect::<Vec<_>>(),
        "connections": kept.connections,
        "actions": kept.actions,
        "since": kept.since,
        "until": loan.until,
        "reason": kept.reason,
        "is_revoked": is_revoked,
    })
}

impl Known {
    fn of(principal: &Principal) -> Self {
        Self {
            kind: principal.kind.as_str().into(),
            id: principal.id.clone(),
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
        }
    }
}

fn broken(error: impl std::fmt::Display) -> Problem {
    error!(%error, "access cannot be lent or ended");
    Problem::Broken
}

/// More than can be looked at.
const LISTED_MAX: u32 = 10_000;
