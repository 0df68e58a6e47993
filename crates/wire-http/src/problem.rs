//! What an agent is told when panguard refuses: `application/problem+json` (RFC 9457).
//!
//! The members are read by programs (`code`, `status`), by SDKs that look for an `error` with a `message`, and by language
//! models (the texts). None holds a value of the request.

#[cfg(test)]
mod tests;

use access::{Code, Refusal};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, PROXY_AUTHENTICATE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// The answer to a request that is refused.
pub fn response(refusal: &Refusal) -> Response<Bytes> {
    respond(refusal, status(refusal.code), instead(refusal.code))
}

/// The answer to a request that panguard refuses as a forward proxy (RFC 9110 §15.5.8): by other statuses than those of the
/// server that was asked for.
pub fn of_proxy(refusal: &Refusal) -> Response<Bytes> {
    let is_stranger = matches!(refusal.code, Code::NotIdentified | Code::TokenExpired);
    let status = match refusal.code {
        _ if is_stranger => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        Code::UnknownConnection => StatusCode::FORBIDDEN,
        code => status(code),
    };
    let instead = match refusal.code {
        _ if is_stranger => {
            "get a fresh token from the issuer, and give it as the password of the proxy's URL: http://agent:TOKEN@HOST:PORT"
        }
        Code::UnknownConnection => {
            "ask only for hosts that are connections here; panguard passes nothing on to any other"
        }
        code => instead(code),
    };
    let mut response = respond(refusal, status, instead);
    if response.headers_mut().remove(WWW_AUTHENTICATE).is_some() {
        response
            .headers_mut()
            .insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"panguard\""));
    }
    response
}

/// The answer to a request that is not well formed; `status` is the one that RFC 9110 has for it.
pub fn malformed(refusal: &Refusal, status: u16) -> Response<Bytes> {
    respond(refusal, StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), instead(refusal.code))
}

/// The answer to a request that may be let in after so many seconds.
pub(crate) fn later(refusal: &Refusal, seconds: u64) -> Response<Bytes> {
    let mut response = response(refusal);
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// The answer to a request that is too long: however late it is sent again, it is as long.
pub(crate) fn too_large(refusal: &Refusal) -> Response<Bytes> {
    let mut response = respond(refusal, StatusCode::PAYLOAD_TOO_LARGE, instead(refusal.code));
    response.headers_mut().remove(RETRY_AFTER);
    response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    response
}

fn respond(refusal: &Refusal, status: StatusCode, instead: &str) -> Response<Bytes> {
    let code = refusal.code;
    let mut message = format!("{code}: {}", code.what());
    if !refusal.detail.is_empty() {
        message = format!("{message} ({})", refusal.detail);
    }
    let policies: Vec<Value> = refusal
        .policies
        .iter()
        .map(|policy| json!({ "id": policy.id, "reason": policy.reason, "requirement": policy.requirement }))
        .collect();
    let body = json!({
        "type": format!("urn:panguard:{code}"),
        "title": code.what(),
        "status": status.as_u16(),
        "detail": message,
        "instead": instead,
        "code": code.as_str(),
        "request_id": refusal.request.to_string(),
        "policies": policies,
        // Where the SDKs of OpenAI, Anthropic and their like look.
        "error": { "type": "panguard_refusal", "code": code.as_str(), "message": format!("{message}; {instead}"), "param": null },
    });
    let body = Bytes::from(format!("{body}\n"));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    fields(response.headers_mut(), code);
    let length = response.body().len();
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn fields(headers: &mut HeaderMap, code: Code) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The SDKs try again by the status alone; what was refused is refused again, and what ran may have run.
    let again = if is_worth_another_try(code) { "true" } else { "false" };
    headers.insert("x-should-retry", HeaderValue::from_static(again));
    if matches!(code, Code::NotIdentified | Code::TokenExpired) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"panguard\""));
    }
    if matches!(code, Code::LimitReached | Code::NotRecorded | Code::ControlFailed | Code::ShuttingDown) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
}

/// The status of each refusal (RFC 9110 §15.5 and §15.6).
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::NotIdentified | Code::TokenExpired | Code::SessionOver => StatusCode::UNAUTHORIZED,
        Code::UnknownConnection => StatusCode::NOT_FOUND,
        Code::ConnectDenied
        | Code::Revoked
        | Code::PolicyDenied
        | Code::RevealDenied
        | Code::NotUnderstood
        | Code::NeedsApproval
        | Code::PolicyError
        | Code::NotATemplate
        | Code::ApprovalDenied
        | Code::MoreThanApproved
        | Code::NotSupported => StatusCode::FORBIDDEN,
        Code::NotRecorded | Code::ControlFailed | Code::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        Code::UpstreamUnavailable | Code::AnswerWithheld => StatusCode::BAD_GATEWAY,
        Code::LimitReached | Code::GuessesSpent => StatusCode::TOO_MANY_REQUESTS,
        Code::Withdrawn => StatusCode::CONFLICT,
        Code::MaskWritten => StatusCode::UNPROCESSABLE_ENTITY,
        Code::Malformed => StatusCode::BAD_REQUEST,
    }
}

fn is_worth_another_try(code: Code) -> bool {
    matches!(
        code,
        Code::NotRecorded
            | Code::ControlFailed
            | Code::ShuttingDown
            | Code::LimitReached
            | Code::UpstreamUnavailable
    )
}

/// What the agent can do instead, in the words of this lane.
fn instead(code: Code) -> &'static str {
    match code {
        Code::NotIdentified | Code::TokenExpired => {
            "get a fresh token from the issuer and send it as `Authorization: Bearer`, or as your SDK's API key"
        }
        Code::UnknownConnection => {
            "check the first segment of the path, it must be the name of a connection you may use"
        }
        Code::RevealDenied => "leave the card data out, or send what you were given in its place",
        Code::NotUnderstood => {
            "send plain JSON to a path that is written as in the documentation, without what is named here"
        }
        Code::AnswerWithheld => {
            "do not send it again, ask for other fields or another format, and tell the operator of panguard"
        }
        Code::NotSupported => "use ordinary requests instead",
        Code::LimitReached => {
            "wait for as long as `Retry-After` says if it is there, send less at once, or ask the operator to raise the limit"
        }
        Code::PolicyDenied
        | Code::ConnectDenied
        | Code::Revoked
        | Code::SessionOver
        | Code::NeedsApproval
        | Code::PolicyError
        | Code::NotRecorded
        | Code::ControlFailed
        | Code::UpstreamUnavailable
        | Code::ShuttingDown
        | Code::Withdrawn
        | Code::GuessesSpent
        | Code::MaskWritten
        | Code::NotATemplate
        | Code::ApprovalDenied
        | Code::MoreThanApproved
        | Code::Malformed => code.instead(),
    }
}
