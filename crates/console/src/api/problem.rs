//! What the API answers when it has to say no: `application/problem+json` (RFC 9457).

use gate::{NotCounted, Unanswered};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode};
use serde_json::json;

use crate::serve::text;

/// Why there is no answer. Holds no value of what was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// There is nothing at this path.
    NoSuchPath,
    /// The path is asked by these methods alone.
    Method(&'static [Method]),
    /// A page of somebody else's asks.
    CrossSite,
    NoToken,
    /// Why the token was not accepted, in words for whoever sent it.
    BadToken(&'static str),
    /// What to write in the query instead.
    Query(&'static str),
    /// There is a body, and it is not said to be JSON.
    NotJson,
    /// How many KiB are read.
    TooLong(usize),
    Late,
    /// It is no such JSON.
    Body,
    /// It is no access that can be asked for.
    Wish,
    /// It is nothing that can be revoked.
    Revoked,
    /// Nothing is revoked by this id.
    NotRevoked,
    /// It is nothing that can be lent.
    Loan,
    /// They have lent as much as is looked after.
    TooManyLoans,
    /// Whoever lends is in more groups than a token holds.
    LentTooLong,
    /// It does not say why something is to be ended.
    Ending,
    /// Nothing is lent by this id, or nothing that they may end.
    NotLent,
    /// What came to a hook is not what it says to be: signed, now, and for the first time.
    Untrusted,
    /// A hook's sender speaks for somebody whom nobody knows.
    Stranger,
    /// What came to a hook is signed, and no answer.
    Hook,
    /// The channel was not shown all of a command that is approved there.
    NotShown,
    /// An error of ours.
    Broken,
    /// What the gate says.
    Unanswered(Unanswered),
}

impl From<Unanswered> for Problem {
    fn from(why: Unanswered) -> Self {
        Self::Unanswered(why)
    }
}

impl Problem {
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let (status, kind, title) = self.told();
        let body = json!({
            "type": format!("urn:panguard:console:{kind}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail(),
        });
        let mut response = text(status, PROBLEM, format!("{body}\n"));
        if let Self::Method(methods) = self
            && let Ok(methods) = HeaderValue::from_str(&listed(methods))
        {
            response.headers_mut().insert(ALLOW, methods);
        }
        // A hook has another way to say who one is.
        if status == StatusCode::UNAUTHORIZED && *self != Self::Untrusted {
            // RFC 6750 §3.1: nothing more is said to those who have sent no token.
            let challenge = match self {
                Self::NoToken => "Bearer",
                _ => "Bearer error=\"invalid_token\"",
            };
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }

    /// Status, the last part of `type`, and `title`. docs/console.md has the list.
    fn told(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no-such-path", "there is nothing here"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method", "this is not done so"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", "another page may not ask here"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no-token", "who asks is not known"),
            Self::BadToken(_) => (StatusCode::UNAUTHORIZED, "bad-token", "the token is not accepted"),
            Self::Query(_) => (StatusCode::BAD_REQUEST, "query", "the query is not understood"),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "the body has to be JSON"),
            Self::TooLong(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too-long", "the body is too long"),
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "late", "the body did not come in time"),
            Self::Body => (StatusCode::BAD_REQUEST, "body", "the body is not understood"),
            Self::Wish => (StatusCode::BAD_REQUEST, "wish", "what is asked for is not understood"),
            Self::Revoked => {
                (StatusCode::BAD_REQUEST, "revocation", "what is to be revoked is not understood")
            }
            Self::NotRevoked => (StatusCode::NOT_FOUND, "not-revoked", "nothing is revoked by this id"),
            Self::Loan => (StatusCode::BAD_REQUEST, "loan", "what is to be lent is not understood"),
            Self::TooManyLoans => (StatusCode::TOO_MANY_REQUESTS, "too-many-loans", "too much is lent"),
            Self::LentTooLong => (StatusCode::BAD_REQUEST, "lent-too-long", "this cannot be lent"),
            Self::Ending => (StatusCode::BAD_REQUEST, "ending", "why it is to be ended is not said"),
            Self::NotLent => (StatusCode::NOT_FOUND, "not-lent", "nothing is lent by this id"),
            Self::Untrusted => (StatusCode::UNAUTHORIZED, "untrusted", "the message is not accepted"),
            Self::Stranger => (StatusCode::FORBIDDEN, "stranger", "who answers is not known"),
            Self::Hook => (StatusCode::BAD_REQUEST, "hook", "the message is no answer"),
            Self::NotShown => (StatusCode::FORBIDDEN, "not-shown", "not all of the command was shown"),
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken", "panguard has made an error"),
            Self::Unanswered(why) => match why {
                Unanswered::Unknown => (StatusCode::NOT_FOUND, "unknown", "there is no such request"),
                Unanswered::NoApprovals => {
                    (StatusCode::NOT_FOUND, "no-approvals", "nobody is asked for approvals here")
                }
                Unanswered::Expired => {
                    (StatusCode::UNAUTHORIZED, "expired", "the token does not hold any more")
                }
                Unanswered::MayNotRevoke => {
                    (StatusCode::FORBIDDEN, "may-not-revoke", "policy does not allow this")
                }
                Unanswered::Revoked => (StatusCode::FORBIDDEN, "revoked", "access is revoked"),
                Unanswered::MayNotLend(_) => {
                    (StatusCode::FORBIDDEN, "may-not-lend", "policy does not allow this")
                }
                Unanswered::NoLoan(_) => (StatusCode::BAD_REQUEST, "no-loan", "this cannot be lent"),
                Unanswered::NotAllowed(_) => {
                    (StatusCode::FORBIDDEN, "not-allowed", "policy does not allow this answer")
                }
                Unanswered::NotCounted(NotCounted::Own) => {
                    (StatusCode::FORBIDDEN, "own", "nobody answers for themselves")
                }
                Unanswered::NotCounted(NotCounted::Agent) => {
                    (StatusCode::FORBIDDEN, "agent", "only people answer")
                }
                Unanswered::NotCounted(NotCounted::Over(_)) => {
                    (StatusCode::CONFLICT, "over", "it can be answered no more")
                }
                Unanswered::NotCounted(NotCounted::Twice) => {
                    (StatusCode::CONFLICT, "twice", "each person answers once")
                }
                Unanswered::NotCounted(NotCounted::NoRows) => {
                    (StatusCode::BAD_REQUEST, "no-rows", "it is not bounded by rows")
                }
                Unanswered::NotCounted(NotCounted::OtherKind) => {
                    (StatusCode::BAD_REQUEST, "other-kind", "this is not said to such a request")
                }
                Unanswered::NotCounted(NotCounted::NotNarrower) => {
                    (StatusCode::BAD_REQUEST, "not-narrower", "it would be more than was asked for")
                }
                Unanswered::NoGrant(_) => (StatusCode::BAD_REQUEST, "no-grant", "this cannot be asked for"),
                Unanswered::NoConnection => {
                    (StatusCode::NOT_FOUND, "no-connection", "there is no such connection")
                }
                Unanswered::TooMany(_) => {
                    (StatusCode::TOO_MANY_REQUESTS, "too-many", "too much is asked for")
                }
                Unanswered::NotCounted(NotCounted::NoReview) => {
                    (StatusCode::CONFLICT, "no-review", "there is nothing to review")
                }
                Unanswered::NotRecorded => {
                    (StatusCode::SERVICE_UNAVAILABLE, "not-recorded", "it could not be recorded")
                }
                Unanswered::Down(_) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "store-down", "the requests cannot be reached")
                }
            },
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::NoSuchPath => "there is GET and POST /api/requests, GET /api/requests/ID, and POST \
                /api/requests/ID/approve, /deny, /break-glass, /review or /revoke; GET and POST /api/access, \
                and POST /api/access/ID/restore; GET and POST /api/delegations, and POST /api/delegations/ID/revoke"
                .into(),
            Self::Method(methods) => format!("only {}", listed(methods)),
            Self::CrossSite => "the `Origin` is not that of this console: open the console itself".into(),
            Self::NoToken => "send `Authorization: Bearer TOKEN` with your access token".into(),
            Self::BadToken(why) => (*why).into(),
            Self::Query(instead) => (*instead).into(),
            Self::NotJson => "send it with `Content-Type: application/json`".into(),
            Self::TooLong(most) => format!("at most {most} KiB are read: say it in fewer words"),
            Self::Late => "it is waited for 10 seconds: send it again".into(),
            Self::Body => {
                "write `{\"comment\": \"…\"}`, with `\"rows_max\": NUMBER` if you like, or send no body"
                    .into()
            }
            Self::Wish => "write `{\"connection\": …, \"actions\": […], \"objects\": […], \"classes\": […], \
                \"seconds\": …, \"reveals\": …, \"reason\": …}`; classes and reveals with `reveal` alone"
                .into(),
            Self::Revoked => "write `{\"what\": …, \"name\": …, \"reason\": …}`, with `\"seconds\"`, `\"issuer\"` or \
                `\"until_new_token\"` if you like; `what` is `agent`, `subject`, `person`, `client`, `group`, `token`, \
                `sign_in`, `session`, `connection`, or `everything` without a name"
                .into(),
            Self::NotRevoked => "GET /api/access lists what is".into(),
            Self::Loan => "write `{\"agent\": …, \"connections\": […], \"actions\": […], \"seconds\": …, \"reason\": …}`; \
                actions are `read`, `write`, `administer`, `call`, `reveal` and `match`"
                .into(),
            Self::TooManyLoans => "too many delegations of this access are not over: end some, or wait".into(),
            Self::LentTooLong => "you are in more groups than a token can hold: let the issuer send fewer".into(),
            Self::Ending => "write `{\"reason\": …}`".into(),
            Self::NotLent => "GET /api/delegations lists what you have lent".into(),
            // What is wrong with it helps whoever forges one; the audit log has it.
            Self::Untrusted => "it has to be signed by the channel's key, now, and sent once".into(),
            Self::Stranger => "`by` is nobody in `people` of this channel".into(),
            Self::Hook => {
                "write `{\"request\": ID, \"answer\": \"approve\" or \"deny\", \"by\": NAME, \"comment\": \"…\"}`".into()
            }
            Self::NotShown => {
                "it is longer than this channel is told: look at it whole at the console, and answer there".into()
            }
            Self::Broken => "whether your answer counts is not known: look at the request".into(),
            Self::Unanswered(why) => why.to_string(),
        }
    }
}

fn listed(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

const PROBLEM: &str = "application/problem+json";
