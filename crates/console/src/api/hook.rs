//! `POST /api/hooks/CHANNEL`: what a channel's own people say comes in signed, without a token.
//!
//! Whether it is what it says to be, and who says it, is [`notify::Notify`]'s to find out; whether it counts, the gate's.

use std::net::SocketAddr;
use std::sync::Arc;

use gate::Unanswered;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use notify::{Hook, Taken};
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::error;

use super::problem::Problem;
use super::{BODY_TIME_MAX, not_identified, read};
use crate::State;
use crate::serve::{JSON, text};

/// The name of the channel, if a path is that of a hook.
pub(crate) fn channel(path: &str) -> Option<&str> {
    path.strip_prefix("/api/hooks/").filter(|name| !name.is_empty() && !name.contains('/'))
}

/// Takes what is sent to the hook of `channel`.
pub(crate) async fn answer(
    request: Request<Incoming>,
    channel: &str,
    from: SocketAddr,
    state: &Arc<State>,
) -> Response<Full<Bytes>> {
    match taken(request, channel, from, state).await {
        Ok(value) => text(StatusCode::OK, JSON, format!("{value}\n")),
        Err(problem) => problem.response(),
    }
}

async fn taken(
    request: Request<Incoming>,
    channel: &str,
    from: SocketAddr,
    state: &Arc<State>,
) -> Result<Value, Problem> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Problem::Method(&[Method::POST]));
    }
    let body = timeout(BODY_TIME_MAX, read(body, BODY_BYTES_MAX)).await.map_err(|_| Problem::Late)??;
    let refuse = async |problem: Problem, why: &str, claimed: &str| match not_identified(
        &parts.headers,
        from,
        why,
        claimed,
        state,
    )
    .await
    {
        Ok(()) => problem,
        Err(unrecorded) => unrecorded,
    };
    let Some(notify) = state.notify.clone() else {
        return Err(refuse(Problem::Untrusted, "there is no such hook", "").await);
    };
    let hook =
        Hook { channel: channel.into(), headers: parts.headers.clone(), body, from: from.to_string().into() };
    let gate = state.gate.clone();
    // To its end, even if whoever sent it hangs up: no entry tells of an answer that the store never got.
    let said = tokio::spawn(async move { notify.take(&gate, hook).await });
    let (taken, is_chat) = said.await.map_err(|error| {
        error!(%error, "an answer by a hook broke off");
        Problem::Broken
    })?;
    // A chat tells people what it is told to tell them, and takes another status for a failure.
    let told = taken.in_words();
    match taken {
        Taken::Untrusted(why) => Err(refuse(Problem::Untrusted, &why, "").await),
        Taken::Stranger(by) => {
            let refused =
                refuse(Problem::Stranger, "a hook is signed, and nobody of this name answers there", &by)
                    .await;
            if is_chat { Ok(json!({ "counts": false, "why": told })) } else { Err(refused) }
        }
        Taken::Answered(said) => match *said {
            Ok(request) => Ok(
                json!({ "counts": true, "state": request.state.as_str(), "approvals": request.approvals() }),
            ),
            // Then it has to be sent again.
            Err(Unanswered::Down(down)) => Err(Unanswered::Down(down).into()),
            Err(_) if is_chat => Ok(json!({ "counts": false, "why": told })),
            Err(why) => Err(why.into()),
        },
        Taken::NotShown | Taken::NotUnderstood if is_chat => Ok(json!({ "counts": false, "why": told })),
        Taken::NotShown => Err(Problem::NotShown),
        Taken::NotUnderstood => Err(Problem::Hook),
        Taken::Nothing => Ok(json!({ "counts": false, "why": null })),
    }
}

/// Bytes of a message: Slack sends back the one that it was sent.
const BODY_BYTES_MAX: usize = 64 << 10;
