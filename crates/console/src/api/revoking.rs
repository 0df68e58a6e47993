//! `/api/access…`: people with a right to take access away, and give it back (docs/access.md).

use std::sync::Arc;
use std::time::Duration;

use access::{Principal, Timestamp};
use gate::{Revocation, Voter, What};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use super::problem::Problem;
use crate::State;

/// What a body says is to be taken away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoked {
    pub(super) what: What,
    #[serde(default)]
    pub(super) name: Box<str>,
    pub(super) reason: Box<str>,
    /// For how long.
    #[serde(default)]
    pub(super) seconds: Option<u32>,
    /// Only as this issuer names it.
    #[serde(default)]
    pub(super) issuer: Option<Box<str>>,
    /// Only by tokens that were issued until now.
    #[serde(default)]
    pub(super) until_new_token: bool,
}

/// Takes access away, if policy lets `voter` do so.
pub(super) async fn revoke(state: &State, voter: &Voter, it: Revoked) -> Result<Value, Problem> {
    let Revoked { what, name, reason, seconds, issuer, until_new_token } = it;
    let is_named = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    if is_named == (what == What::Everything) || reason.trim().is_empty() || seconds == Some(0) {
        return Err(Problem::Revoked);
    }
    may(state, voter, (what, &name), &reason).await?;
    let now = (state.clock)();
    let it = Revocation {
        issuer,
        issued_until: until_new_token.then(|| now.plus_seconds(state.clock_skew_seconds.into()).micros()),
        until: seconds.map(|seconds| now.plus_seconds(seconds.into()).micros()),
        reason: Revocation::words(state.gate.masker(), &reason),
        by: by(state, voter),
        since: now.micros(),
        ..Revocation::new(&state.access.fresh_id().map_err(broken)?, what, &name)
    };
    warn!(id = &*it.id, what = what.as_str(), by = &*it.by, "access is revoked by the API");
    let shown = shown(&it, false);
    let in_force = put(state, it).await?;
    Ok(with(shown, in_force))
}

/// Gives it back.
pub(super) async fn restore(state: &State, voter: &Voter, id: &str) -> Result<Value, Problem> {
    let found = state.gate.revocations().all().into_iter().find(|it| *it.id == *id);
    let found = match found {
        Some(found) => found,
        // Whoever may not see what is revoked does not learn what is not.
        None => {
            may(state, voter, (What::Everything, ""), "").await?;
            return Err(Problem::NotRevoked);
        }
    };
    may(state, voter, (found.what, &found.of), "").await?;
    let (access, lifted, by) = (Arc::clone(&state.access), found.id.clone(), by(state, voter));
    warn!(id, by = &*by, "access is restored by the API");
    let lifting = tokio::task::spawn_blocking(move || access.lift(&lifted, &by));
    lifting.await.map_err(broken)?.map_err(broken)?;
    let is_lifted = wait(state, |all| !all.iter().any(|it| it.id == found.id)).await;
    Ok(with(shown(&found, true), !is_lifted))
}

/// What is revoked.
pub(super) async fn list(state: &State, voter: &Voter) -> Result<Value, Problem> {
    may(state, voter, (What::Everything, ""), "").await?;
    let all = state.gate.revocations().all();
    Ok(json!({ "revoked": all.iter().map(|it| shown(it, true)).collect::<Vec<_>>() }))
}

/// Puts it where the gateway takes it from; whether that has been done.
pub(super) async fn put(state: &State, it: Revocation) -> Result<bool, Problem> {
    let (access, id) = (Arc::clone(&state.access), it.id.clone());
    tokio::task::spawn_blocking(move || access.put(&it)).await.map_err(broken)?.map_err(broken)?;
    Ok(wait(state, |all| all.iter().any(|it| it.id == id)).await)
}

/// Of a connection it is asked of that one, of anybody else of all: also of one that is not there, as it may be soon.
pub(super) async fn may(
    state: &State,
    voter: &Voter,
    (what, of): (What, &str),
    why: &str,
) -> Result<(), Problem> {
    let all = (state.connections)();
    let is_meant = |name: &str| what != What::Connection || *name == *of;
    let meant: Vec<_> = all.iter().filter(|(name, _)| is_meant(name)).cloned().collect();
    let asked = if meant.is_empty() { all } else { meant };
    Ok(state.gate.may_revoke(voter, &asked, why, (state.clock)()).await?)
}

/// Whether what is in force is as `is_so` wants it, soon.
async fn wait(state: &State, is_so: impl Fn(&[Revocation]) -> bool) -> bool {
    let end = Instant::now() + TAKEN_TIME_MAX;
    loop {
        if is_so(&state.gate.revocations().all()) {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(LOOK_EVERY).await;
    }
}

pub(super) fn by(state: &State, voter: &Voter) -> Box<str> {
    let Principal { kind, id, issuer, .. } = &*voter.principal;
    let by = format!("{kind} {id} of {issuer}, by the API");
    Revocation::words(state.gate.masker(), &by)
}

fn shown(it: &Revocation, in_force: bool) -> Value {
    with(serde_json::to_value(it).unwrap_or_default(), in_force)
}

fn with(mut shown: Value, in_force: bool) -> Value {
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("in_force".into(), in_force.into());
    }
    shown
}

fn broken(error: impl std::fmt::Display) -> Problem {
    error!(%error, "what is revoked cannot be written");
    Problem::Broken
}

/// As long as a name in a token may be.
const NAME_BYTES_MAX: usize = 512;

/// The gateway takes it within a fifth of a second.
const TAKEN_TIME_MAX: Duration = Duration::from_secs(3);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Until when what an issuer says of tokens is kept: none that was issued before lives longer.
pub(super) fn kept_until(now: Timestamp) -> i64 {
    now.plus_seconds(7 * 86_400).micros()
}
