//! `POST /api/logout` (OpenID Connect Back-Channel Logout 1.0 §2.5) and `POST /api/security-events` (push delivery of security event
//! tokens, RFC 8935): what issuers say of sessions and accounts without being asked. Each token is believed by its issuer's keys alone.

use std::net::SocketAddr;
use std::sync::Arc;

use access::Secret;
use aws_lc_rs::digest;
use gate::{Revocation, What};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Response, StatusCode};
use identity::{Happening, Notice, Untrusted, Whom};
use proxy::Unidentified;
use serde_json::json;
use tokio::time::timeout;
use tracing::{info, warn};

use super::{BODY_TIME_MAX, not_identified, one, read, revoking};
use crate::State;
use crate::serve::{JSON, text};

/// In which way it comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Logout,
    Pushed,
}

/// In which way what is sent to a path comes, if it is one of these.
pub(crate) fn way(path: &str) -> Option<Way> {
    match path {
        "/api/logout" => Some(Way::Logout),
        "/api/security-events" => Some(Way::Pushed),
        _ => None,
    }
}

/// Takes it.
pub(crate) async fn answer(
    request: Request<Incoming>,
    way: Way,
    from: SocketAddr,
    state: &Arc<State>,
) -> Response<Full<Bytes>> {
    match taken(request, way, from, state).await {
        Ok(()) if way == Way::Logout => text(StatusCode::OK, JSON, ""),
        Ok(()) => text(StatusCode::ACCEPTED, JSON, ""),
        Err(Refused { status, err, description }) if way == Way::Logout => {
            text(status, JSON, json!({ "error": err, "error_description": description }).to_string())
        }
        Err(Refused { status, err, description }) => {
            text(status, JSON, json!({ "err": err, "description": description }).to_string())
        }
    }
}

/// Why it is not taken (RFC 8935 §2.4).
struct Refused {
    status: StatusCode,
    err: &'static str,
    description: &'static str,
}

const fn refused(err: &'static str, description: &'static str) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, err, description }
}

async fn taken(
    request: Request<Incoming>,
    way: Way,
    from: SocketAddr,
    state: &Arc<State>,
) -> Result<(), Refused> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refused { status, err: "invalid_request", description: "only POST" });
    }
    let kind = one(&parts.headers, &CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = timeout(BODY_TIME_MAX, read(body, BODY_BYTES_MAX)).await;
    let body = match body {
        Ok(Ok(body)) => body,
        _ => return Err(refused("invalid_request", "the body is too long, or does not come")),
    };
    let token = match (way, &*kind) {
        (Way::Logout, "application/x-www-form-urlencoded") => logout_token(&body),
        (Way::Pushed, "application/secevent+jwt") => {
            str::from_utf8(&body).ok().map(|token| token.trim().to_owned())
        }
        _ => return Err(refused("invalid_request", "the body is of another type")),
    };
    let token = token.ok_or(refused("invalid_request", "there is no token in it"))?;
    let (issuer, notice) = match (state.hear)(Secret::from(token)).await {
        Ok(heard) => heard,
        Err(why) => {
            let told = format!("a security event: {why}");
            _ = not_identified(&parts.headers, from, &told, "", state).await;
            return Err(of(why));
        }
    };
    take(state, &issuer, notice).await
}

/// Does what it says.
async fn take(state: &State, issuer: &str, notice: Notice) -> Result<(), Refused> {
    if !state.heard.is_new(issuer, &notice.id, (state.clock)()) {
        info!(issuer, id = &*notice.id, "a security event that has come before");
        return Ok(());
    }
    let taken = take_new(state, issuer, &notice).await;
    if taken.is_err() {
        // Whoever sends it sends it again.
        state.heard.forget(issuer, &notice.id);
    }
    taken
}

async fn take_new(state: &State, issuer: &str, notice: &Notice) -> Result<(), Refused> {
    for (number, said) in notice.said.iter().enumerate() {
        if said.what == Happening::Other {
            info!(issuer, id = &*notice.id, "a security event that changes nothing here");
            continue;
        }
        let (what, name, subject) = match &said.whom {
            Whom::Subject(name) => (What::Subject, name, None),
            Whom::SignIn(name, subject) => (What::SignIn, name, subject.clone()),
            Whom::Person(name) => (What::Person, name, None),
            Whom::Unknown => {
                warn!(
                    issuer,
                    id = &*notice.id,
                    "a security event about somebody who is named in no way that is understood"
                );
                return Err(refused("invalid_request", "the subject is not understood"));
            }
        };
        let ours = |it: &Revocation| it.issuer.as_deref() == Some(issuer) && *it.by == *by(issuer);
        if said.what == Happening::AccountOpened {
            let all = state.gate.revocations().all();
            // One that was closed later is: this was sent before, or comes a second time.
            let is_earlier = |it: &Revocation| it.since <= notice.at.micros() && it.until.is_none();
            let closed =
                all.into_iter().filter(|it| ours(it) && it.what == what && it.of == *name && is_earlier(it));
            for it in closed {
                state.access.lift(&it.id, &by(issuer)).map_err(|_| UNWRITTEN)?;
            }
            continue;
        }
        let is_closed = said.what == Happening::AccountClosed;
        let now = (state.clock)();
        let id = id(&[
            issuer,
            &notice.id,
            &number.to_string(),
            what.as_str(),
            name,
            if is_closed { "closed" } else { "" },
        ]);
        // It comes again until somebody has said that it came, and perhaps twice at once.
        if state.access.knows(&id) {
            continue;
        }
        let it = Revocation {
            id,
            what,
            of: name.clone(),
            subject,
            issuer: Some(issuer.into()),
            issued_until: (!is_closed).then(|| notice.at.micros()),
            until: (!is_closed).then(|| revoking::kept_until(now)),
            reason: match is_closed {
                true => "the issuer says that the account is closed".into(),
                false => "the issuer says that tokens are ended".into(),
            },
            by: by(issuer).into(),
            since: notice.at.micros(),
        };
        revoking::put(state, it).await.map_err(|_| UNWRITTEN)?;
    }
    Ok(())
}

/// Whoever sends it sends it again.
const UNWRITTEN: Refused =
    Refused { status: StatusCode::SERVICE_UNAVAILABLE, err: "unavailable", description: "try it again" };

fn by(issuer: &str) -> String {
    format!("the issuer {issuer}, by a security event")
}

/// The same for the same event, however often it comes.
fn id(parts: &[&str]) -> Box<str> {
    let hash = digest::digest(&digest::SHA256, parts.join("\n").as_bytes());
    let hex: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("r-{hex}").into()
}

/// `logout_token=…` of a form.
fn logout_token(body: &[u8]) -> Option<String> {
    let body = str::from_utf8(body).ok()?;
    let mut found = body.split('&').filter_map(|field| field.strip_prefix("logout_token="));
    // A token is of letters that need no escape.
    found.next().filter(|_| found.next().is_none()).map(str::to_owned)
}

fn of(why: Unidentified) -> Refused {
    match why {
        Unidentified::NoKeys => UNWRITTEN,
        Unidentified::Untrusted(why) => match why {
            Untrusted::UnknownIssuer => refused("invalid_issuer", "the issuer is not configured"),
            Untrusted::Audience => refused("invalid_audience", "it is for another audience"),
            Untrusted::Signature | Untrusted::UnknownKey | Untrusted::AmbiguousKey | Untrusted::Algorithm => {
                refused("invalid_key", "it is not signed by a key of the issuer's")
            }
            _ => refused("invalid_request", "it is no security event that is understood, or too old"),
        },
    }
}

/// A token has 16 KiB at most.
const BODY_BYTES_MAX: usize = 20 << 10;
