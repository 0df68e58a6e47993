//! `/api/delegations…`: people lend agents some of their access, and agents hand it on (docs/delegation.md).

use std::collections::BTreeSet;

use access::{Action, Principal};
use audit::Who;
use aws_lc_rs::rand;
use gate::{Offer, Revocation, Unanswered, Voter, What};
use identity::{described, of_description};
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
    /// The agent with what it has, as its token says.
    said: Value,
    since: i64,
    reason: Box<str>,
}

/// Lends, if policy lets `voter` do so.
pub(super) async fn lend(state: &State, voter: &Voter, it: Offered) -> Result<Value, Problem> {
    let now = (state.clock)();
    let offer = offered(state, voter, it)?;
    // While no token can be made nothing is lent.
    (state.lend)(&voter.principal).map_err(Unanswered::Down)?;
    let lender = lender(&voter.principal);
    let is_direct = voter.principal.lent().is_none();
    let most = if is_direct { LOANS_MAX } else { HANDED_ON_MAX };
    let open = state.loans.lent(Some(&lender), now.micros(), LISTED_MAX).await.map_err(Unanswered::Down)?;
    let open = open.iter().filter(|it| it.is_direct == is_direct && !it.is_ended).count();
    if open >= most as usize {
        return Err(Problem::TooManyLoans);
    }
    let lent = state.gate.lend(voter, &offer, now).await?;
    // A token that is too long would be refused everywhere.
    let token = (state.lend)(&lent).map_err(Unanswered::Down)?.ok_or(Problem::LentTooLong)?;
    let said = described(&lent).ok_or(Problem::LentTooLong)?;
    let reason = Revocation::words(state.gate.masker(), &offer.reason);
    let kept = Kept { said, since: now.micros(), reason };
    let document = serde_json::to_string(&kept).map_err(broken)?;
    let (id, until) = (offer.id.clone(), lent.valid_until.micros());
    let loan = KeptLoan { id, lender, is_direct, is_ended: false, until, document };
    let seen = state.gate.seen(&voter.principal).map(|seen| (state.tell)(&seen)).transpose();
    let seen = seen.map_err(Unanswered::Down)?;
    // What nobody could find to end it is not lent, nor what would outlive the groups of whoever lends it.
    let keeping = state.loans.keep(&loan, seen.as_ref(), now.micros(), most).await;
    if !keeping.map_err(Unanswered::Down)? {
        return Err(Problem::TooManyLoans);
    }
    let mut shown = shown(&loan, &kept, &lent, false);
    if let (Some(shown), Some(token)) = (shown.as_object_mut(), token.expose_str()) {
        shown.insert("token".into(), token.into());
    }
    Ok(shown)
}

/// What `voter` has lent and handed on; all of it to those who may take all access away.
pub(super) async fn list(state: &State, voter: &Voter) -> Result<Value, Problem> {
    let now = (state.clock)();
    state.gate.may_come(voter, now)?;
    let sees_all = state.gate.could_revoke(voter, &(state.connections)(), now);
    let lender = Some(lender(&voter.principal)).filter(|_| !sees_all);
    let all = state.loans.lent(lender.as_deref(), now.micros(), LISTED_MAX).await;
    let mut listed = Vec::new();
    for loan in all.map_err(Unanswered::Down)? {
        // One that cannot be read keeps nobody from the others.
        let Ok((kept, lent)) = read(&loan) else { continue };
        if sees_all || has_lent(&voter.principal, &lent) {
            listed.push(shown(&loan, &kept, &lent, is_revoked(state, &lent)));
        }
    }
    Ok(json!({ "delegations": listed }))
}

/// Ends what was lent, if `voter` had a hand in it or may take access away.
pub(super) async fn end(state: &State, voter: &Voter, id: &str, why: Ending) -> Result<Value, Problem> {
    let now = (state.clock)();
    if why.reason.trim().is_empty() {
        return Err(Problem::Ending);
    }
    state.gate.may_come(voter, now)?;
    let found = state.loans.loan(id).await.map_err(Unanswered::Down)?;
    let found = match found.filter(|loan| loan.until > now.micros()) {
        Some(loan) => Some((read(&loan)?, loan)),
        None => None,
    };
    let is_own = found.as_ref().is_some_and(|((_, lent), _)| has_lent(&voter.principal, lent));
    if !is_own {
        // Whoever may not take access away does not learn what others have lent.
        revoking::may(state, voter, (What::Token, id), &why.reason).await.map_err(|_| Problem::NotLent)?;
    }
    let ((kept, lent), loan) = found.ok_or(Problem::NotLent)?;
    let is_ended = |it: &Revocation| {
        let is_of_all = it.issuer.is_none() && it.issued_until.is_none();
        let lasts = it.until.is_none_or(|until| until >= loan.until);
        it.what == What::Token && it.of == loan.id && is_of_all && lasts
    };
    // Once is enough.
    if state.gate.revocations().all().iter().any(is_ended) {
        return Ok(shown(&loan, &kept, &lent, true));
    }
    let it = Revocation {
        until: Some(loan.until),
        reason: Revocation::words(state.gate.masker(), &why.reason),
        by: revoking::by(state, voter),
        since: now.micros(),
        ..Revocation::new(&state.access.fresh_id().map_err(broken)?, What::Token, &loan.id)
    };
    warn!(id = &*it.id, lent = &*loan.id, by = &*it.by, "access that was lent is ended by the API");
    let in_force = revoking::put(state, it).await?;
    // They do not count any more, as what was handed on of it does not; if that is not taken note of, they do until their time.
    let of_lender = state.loans.lent(Some(&loan.lender), now.micros(), LISTED_MAX).await.unwrap_or_default();
    let is_of_it = |it: &KeptLoan| read(it).is_ok_and(|(_, lent)| comes_of(&lent, &loan.id));
    let ended: Vec<_> = of_lender.iter().filter(|it| is_of_it(it)).map(|it| it.id.clone()).collect();
    if !ended.is_empty() {
        _ = state.loans.end_loans(&ended).await;
    }
    Ok(shown(&loan, &kept, &lent, in_force))
}

/// Whether something is what was lent by this id, or was handed on of it.
fn comes_of(lent: &Principal, id: &str) -> bool {
    let lenders = lent.lent().into_iter().flat_map(|it| &it.lenders);
    lenders.into_iter().chain([lent]).any(|it| *it.token_id == *id)
}

/// The offer that a body makes.
fn offered(state: &State, voter: &Voter, it: Offered) -> Result<Offer, Problem> {
    let Offered { agent, connections, actions, seconds, reason } = it;
    let named = |name: &str| Action::ALL.into_iter().find(|action| action.as_str() == name);
    let actions = actions.iter().map(|name| named(name)).collect::<Option<BTreeSet<_>>>();
    let connections = connections.iter().collect::<BTreeSet<_>>().into_iter();
    let connections = connections.map(|name| ((&**name).into(), (state.labels)(name))).collect();
    let is_agents = (state.may_be_agent)(&voter.principal.issuer, &agent);
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(broken)?;
    let id = format!("d-{:016x}", u64::from_be_bytes(random)).into();
    Ok(Offer { id, agent, is_agents, connections, actions: actions.ok_or(Problem::Loan)?, seconds, reason })
}

/// Whose access it is that somebody lends: theirs, or that of whoever lent it to them.
fn lender(principal: &Principal) -> Box<str> {
    let first = principal.lent().and_then(|lent| lent.lenders.first()).unwrap_or(principal);
    json!([first.issuer, first.subject, first.kind.as_str(), first.id]).to_string().into()
}

fn read(loan: &KeptLoan) -> Result<(Kept, Principal), Problem> {
    let kept: Kept = serde_json::from_str(&loan.document).map_err(broken)?;
    let lent = of_description(kept.said.clone());
    Ok((kept, lent.ok_or_else(|| broken("what is kept of what was lent cannot be read"))?))
}

/// Whether somebody had a hand in it. Who hands access on calls the next as they like, so that it counts through whose hands they have
/// theirs.
fn has_lent(principal: &Principal, lent: &Principal) -> bool {
    let named = |it: &Principal| {
        let Who { kind, id, issuer, subject, on_behalf_of, lent, .. } = Who::from(it);
        (kind, id, issuer, subject, on_behalf_of, lent)
    };
    let lenders = lent.lent().into_iter().flat_map(|it| &it.lenders);
    lenders.into_iter().any(|lender| named(lender) == named(principal))
}

fn is_revoked(state: &State, lent: &Principal) -> bool {
    state.gate.revocations().of(lent, None, (state.clock)()).is_some()
}

fn shown(loan: &KeptLoan, kept: &Kept, lent: &Principal, is_revoked: bool) -> Value {
    let it = lent.lent();
    json!({
        "id": loan.id,
        "agent": lent.id,
        "by": it.and_then(|it| it.lenders.first()).map(|first| &*first.id),
        "through": it.into_iter().flat_map(|it| it.chain()).collect::<Vec<_>>(),
        "connections": it.map(|it| &it.connections),
        "actions": it.into_iter().flat_map(|it| &it.actions).map(|it| it.as_str()).collect::<Vec<_>>(),
        "since": kept.since,
        "until": loan.until,
        "reason": kept.reason,
        "is_revoked": is_revoked,
    })
}

fn broken(error: impl std::fmt::Display) -> Problem {
    error!(%error, "access cannot be lent or ended");
    Problem::Broken
}

/// What somebody has lent that is neither over nor ended: more than can be looked after.
const LOANS_MAX: u32 = 100;

/// What was handed on of it: so that agents keep nobody from lending.
const HANDED_ON_MAX: u32 = 1000;

/// More than can be looked at.
const LISTED_MAX: u32 = 10_000;
