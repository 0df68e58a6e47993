//! `/api/requests`: people see what waits for them, and answer. `/api/hooks/CHANNEL`: they do so from elsewhere. `/api/access`: they
//! take access away. `/api/delegations`: they lend it. `/api/logout` and `/api/security-events`: issuers do.
//!
//! The checks before the gate is asked stand in [`asked`], in order. Whether somebody may see a request, and whether their
//! answer counts, is the gate's to say.

mod asked;
pub(crate) mod hook;
mod json;
mod lending;
pub(crate) mod notice;
mod problem;
mod revoking;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Secret, SessionId};
use aws_lc_rs::rand;
use gate::{Grant, Saying, Stranger, Unanswered, Verb, Voter, Wish};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, ORIGIN, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::State;
use crate::serve::{JSON, text};
use asked::{Listing, Route, Said, Wished};
use problem::Problem;

/// Answers one request to the API.
pub(crate) async fn answer(
    request: Request<Incoming>,
    from: SocketAddr,
    state: &Arc<State>,
) -> Response<Full<Bytes>> {
    match asked(request, from, state).await {
        Ok(value) => text(StatusCode::OK, JSON, format!("{value}\n")),
        Err(problem) => problem.response(),
    }
}

/// The sequence of checks, and then what the gate says.
async fn asked(request: Request<Incoming>, from: SocketAddr, state: &Arc<State>) -> Result<Value, Problem> {
    let (parts, body) = request.into_parts();
    let route = Route::of(parts.uri.path()).ok_or(Problem::NoSuchPath)?;
    if !route.methods().contains(&parts.method) {
        return Err(Problem::Method(route.methods()));
    }
    if !is_from_here(&parts.uri, &parts.headers) {
        return Err(Problem::CrossSite);
    }
    let voter = sign_in(&parts.headers, from, state).await?;
    let (gate, now) = (&state.gate, state.clock);
    match route {
        Route::Requests if parts.method == Method::POST => {
            let wished = document(&parts.headers, body).await?;
            let wished = asked::wished(&wished).ok_or(Problem::Wish)?;
            let request = ask_for(state, &voter, wished).await?;
            Ok(json::whole(&request, now()))
        }
        Route::Access if parts.method == Method::POST => {
            let revoked = asked::revoked(&document(&parts.headers, body).await?).ok_or(Problem::Revoked)?;
            let (state, voter) = (state.clone(), voter);
            // To its end, even if whoever asks hangs up.
            let done = tokio::spawn(async move { revoking::revoke(&state, &voter, revoked).await });
            done.await.map_err(|_| Problem::Broken)?
        }
        Route::Access => revoking::list(state, &voter).await,
        Route::Delegations if parts.method == Method::POST => {
            let offered = asked::offered(&document(&parts.headers, body).await?).ok_or(Problem::Loan)?;
            let state = state.clone();
            // To its end, even if whoever asks hangs up: what is recorded as lent is listed.
            let done = tokio::spawn(async move { lending::lend(&state, &voter, offered).await });
            done.await.map_err(|_| Problem::Broken)?
        }
        Route::Delegations => lending::list(state, &voter).await,
        Route::End(id) => {
            let why = asked::ending(&document(&parts.headers, body).await?).ok_or(Problem::Ending)?;
            let (state, id) = (state.clone(), id.to_owned());
            let done = tokio::spawn(async move { lending::end(&state, &voter, &id, why).await });
            done.await.map_err(|_| Problem::Broken)?
        }
        Route::Restore(id) => {
            let (state, id) = (state.clone(), id.to_owned());
            let done = tokio::spawn(async move { revoking::restore(&state, &voter, &id).await });
            done.await.map_err(|_| Problem::Broken)?
        }
        Route::Requests => {
            let Listing { all, limit } = Listing::read(parts.uri.query())?;
            let listed = gate.requests(&voter, !all, limit, now()).await?;
            let listed: Vec<Value> = listed.iter().map(|it| json::listed(it, now())).collect();
            Ok(json!({ "requests": listed }))
        }
        Route::One(id) => {
            let id = asked::id(id).ok_or(Unanswered::Unknown)?;
            let mut shown = json::whole(&gate.see(&voter, &id, now()).await?, now());
            if let (Some(notify), Some(shown)) = (&state.notify, shown.as_object_mut()) {
                let told = notify.deliveries(&id).await.map_err(Unanswered::Down)?;
                shown.insert("deliveries".into(), told.iter().map(json::delivery).collect());
            }
            Ok(shown)
        }
        Route::Answer { id, verb } => {
            let said = match body.is_end_stream() {
                true => Said::default(),
                false => asked::said(&document(&parts.headers, body).await?).ok_or(Problem::Body)?,
            };
            let Said { comment, rows_max, narrower } = said;
            let id = asked::id(id).ok_or(Unanswered::Unknown)?;
            let state = state.clone();
            // To its end, even if whoever asks hangs up: no entry tells of an answer that the store never got.
            let said = tokio::spawn(async move {
                let saying = Saying { verb, comment: &comment, rows_max, narrower: narrower.as_ref() };
                let answered = state.gate.answer(&voter, &id, &saying, now()).await;
                if answered.is_ok() && verb == Verb::BreakGlass {
                    warn!(request = id, by = %voter.principal.id, "the glass is broken: to be reviewed");
                }
                answered
            });
            let request = said.await.map_err(|error| {
                error!(%error, "an answer to a request broke off");
                Problem::Broken
            })??;
            Ok(json::whole(&request, now()))
        }
    }
}

/// Whether a browser that says from which page it asks says that it is one of ours (RFC 6454 §7).
fn is_from_here(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => one(headers, &HOST),
    };
    let (origin, more) = (origin.to_str().ok(), origins.next());
    more.is_none() && origin.zip(host).is_some_and(|(origin, host)| asked::is_origin_of(origin, host))
}

/// Who asks, by their token alone. A cookie says nothing here, since a browser sends it for any page.
async fn sign_in(headers: &HeaderMap, from: SocketAddr, state: &State) -> Result<Voter, Problem> {
    let (from, client) = (from.to_string(), client(headers));
    let (problem, why) = match token(headers) {
        None => (Problem::NoToken, "no token".to_owned()),
        Some(token) => match (state.identify)(token).await {
            Ok(principal) => {
                return Ok(Voter {
                    principal: Arc::new(principal),
                    from: from.into(),
                    client: client.into(),
                });
            }
            Err(why) => (Problem::BadToken(why.user_message()), why.to_string()),
        },
    };
    record(state, &from, &client, &why, "").await?;
    Err(problem)
}

/// Records that somebody is not who they say they are, by a way that has no token.
async fn not_identified(
    headers: &HeaderMap,
    from: SocketAddr,
    why: &str,
    claimed: &str,
    state: &State,
) -> Result<(), Problem> {
    record(state, &from.to_string(), &client(headers), why, claimed).await
}

async fn record(state: &State, from: &str, client: &str, why: &str, claimed: &str) -> Result<(), Problem> {
    let session = session_id().ok_or(Unanswered::NotRecorded)?;
    info!(%session, from, why, "not identified");
    let stranger = Stranger { session, from, client, claimed_user: claimed, connection: "", lane: LANE };
    // What is told of it is worded here.
    _ = state.gate.refused_at_door(stranger, why, (state.clock)()).await;
    Ok(())
}

/// The token of `Authorization: Bearer TOKEN` (RFC 6750 §2.1), where there is one such field.
fn token(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = one(headers, &AUTHORIZATION)?.split_once(' ')?;
    let token = token.trim();
    let is_there = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    is_there.then(|| Secret::from(token.to_owned()))
}

/// What the client calls itself.
fn client(headers: &HeaderMap) -> String {
    let named = headers.get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()));
    named.unwrap_or_default().into_owned()
}

/// Asks for access for a time.
async fn ask_for(state: &Arc<State>, voter: &Voter, wished: Wished) -> Result<gate::Request, Problem> {
    let labels = (state.labels)(&wished.connection).ok_or(Unanswered::NoConnection)?;
    let session = session_id().ok_or(Unanswered::NotRecorded)?;
    let Wished { connection, actions, objects, classes, seconds, reveals, reason, approvals } = wished;
    let grant = Grant { actions, objects, classes, seconds, reveals, revealed: 0, reason };
    let (state, voter) = (state.clone(), voter.clone());
    let asking = tokio::spawn(async move {
        let wish = Wish { session, connection: &connection, labels: &labels, grant, needed: approvals };
        state.gate.ask_for(&voter, wish, (state.clock)()).await
    });
    let asked = asking.await.map_err(|error| {
        error!(%error, "a request for access broke off");
        Problem::Broken
    });
    Ok(asked??)
}

/// A body that is JSON.
async fn document(headers: &HeaderMap, body: Incoming) -> Result<Bytes, Problem> {
    // A form on another page can send a body as text or as a form, and as nothing else.
    if !one(headers, &CONTENT_TYPE).is_some_and(asked::is_json) {
        return Err(Problem::NotJson);
    }
    timeout(BODY_TIME_MAX, read(body, BODY_BYTES_MAX)).await.map_err(|_| Problem::Late)?
}

/// A body of at most `bytes`.
async fn read(body: Incoming, bytes: usize) -> Result<Bytes, Problem> {
    let read = Limited::new(body, bytes).collect().await;
    let read = read.map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::TooLong(bytes >> 10),
        false => Problem::Body,
    })?;
    Ok(read.to_bytes())
}

/// The value of a field that is there once, as text.
fn one<'h>(headers: &'h HeaderMap, name: &hyper::header::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// A name for what was tried by somebody who has none.
fn session_id() -> Option<SessionId> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).ok()?;
    Some(SessionId::of_random(u64::from_be_bytes(bytes)))
}

/// Bytes of a body: a comment is cut off far below.
const BODY_BYTES_MAX: usize = 16 << 10;
const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// The console's name in entries.
const LANE: &str = "console";
