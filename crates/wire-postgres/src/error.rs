//! What an agent is told when panguard refuses: an ErrorResponse ([§55.8]).
//!
//! The fields are read by programs (SQLSTATE) and by language models (the texts), so that each says one
//! thing: the message what happened, DETAIL which policies and which request, HINT what to do instead.
//! None holds a value of the command.
//!
//! [§55.8]: https://www.postgresql.org/docs/current/protocol-error-fields.html

#[cfg(test)]
mod tests;

use std::fmt::Write;

use access::{Code, PolicyNote, Refusal, RequestId};
use bytes::{BufMut, Bytes, BytesMut};
use sql::Mention;

use crate::frame;

/// Whether the session goes on after the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The command failed, the session goes on.
    Error,
    /// The session is over.
    Fatal,
}

/// The ErrorResponse for `refusal`: `PGD-0005: policy does not allow this command (drop table)`.
pub fn response(refusal: &Refusal, severity: Severity) -> Bytes {
    respond(refusal, severity, sqlstate(refusal.code), &sentence(refusal.code.instead()), None)
}

/// As [`response`], for a statement of the text `sql` that is refused for what `mention` shows: it also says
/// where that is, to the eye and to the client, and what to write there instead.
pub(crate) fn response_at(refusal: &Refusal, mention: &Mention, sql: &str) -> Bytes {
    let mut hint = sentence(refusal.code.instead());
    if refusal.code == Code::RevealDenied {
        let _ = write!(hint, " {}", sentence(&mention.instead()));
    }
    let character = mention.character(sql);
    let at = character.map_or_else(String::new, |character| format!(", at character {character}"));
    let used = format!("{} is used {}{at}.", mention.column, mention.place.words());
    let place = Shown { used, character };
    respond(refusal, Severity::Error, sqlstate(refusal.code), &hint, Some(&place))
}

/// Where in a statement something is.
struct Shown {
    /// In words.
    used: String,
    /// In characters of the text, from 1.
    character: Option<usize>,
}

/// As [`response`], for a session that does not begin; `hint` is what is best done next. A limit reached
/// there is PostgreSQL's own `too_many_connections`, which pools know to wait upon.
pub(crate) fn startup_response(refusal: &Refusal, hint: &str) -> Bytes {
    let hint = sentence(hint);
    match refusal.code {
        Code::LimitReached => respond(refusal, Severity::Fatal, "53300", &hint, None),
        code => respond(refusal, Severity::Fatal, sqlstate(code), &hint, None),
    }
}

fn respond(
    refusal: &Refusal,
    severity: Severity,
    sqlstate: &str,
    hint: &str,
    place: Option<&Shown>,
) -> Bytes {
    let mut message = format!("{}: {}", refusal.code, refusal.code.what());
    if !refusal.detail.is_empty() {
        let _ = write!(message, " ({})", refusal.detail);
    }
    let mut detail = String::new();
    if let Some(place) = place {
        let _ = writeln!(detail, "{}", place.used);
    }
    for policy in &refusal.policies {
        let _ = writeln!(detail, "{}", note(policy));
    }
    let _ = write!(detail, "Request {}.", refusal.request);
    let position = place.and_then(|place| place.character);
    write_response(severity, sqlstate, &message, &detail, hint, position)
}

/// The ErrorResponse for an agent that broke the protocol; `rule` says which rule, as in a
/// [`wire::Violation`]. The session is over.
pub fn violation(rule: &str, request: RequestId) -> Bytes {
    let hint = "Use a PostgreSQL client that speaks protocol 3, and report this if it does.";
    let message = format!("the client broke the PostgreSQL protocol: {rule}");
    write_response(Severity::Fatal, "08P01", &message, &format!("Request {request}."), hint, None)
}

/// An error in PostgreSQL's own words, for what PostgreSQL itself would say.
pub(crate) fn plain(sqlstate: &str, message: &str) -> Bytes {
    let mut out = BytesMut::new();
    frame::message(&mut out, b'E', |body| {
        for (field, text) in [(b'S', "ERROR"), (b'V', "ERROR"), (b'C', sqlstate), (b'M', message)] {
            body.put_u8(field);
            frame::put_cstring(body, text.as_bytes());
        }
        body.put_u8(0);
    });
    out.freeze()
}

/// The SQLSTATE of each refusal ([appendix A]), so that a driver raises the exception that fits.
///
/// [appendix A]: https://www.postgresql.org/docs/current/errcodes-appendix.html
pub fn sqlstate(code: Code) -> &'static str {
    match code {
        Code::NotIdentified => "28P01", // invalid_password
        Code::TokenExpired | Code::ConnectDenied | Code::Revoked => "28000", // invalid_authorization_specification
        Code::UnknownConnection => "3D000",                                  // invalid_catalog_name
        Code::PolicyDenied
        | Code::RevealDenied
        | Code::NotUnderstood
        | Code::NeedsApproval
        | Code::NotATemplate
        | Code::ApprovalDenied
        | Code::MoreThanApproved
        | Code::AnswerWithheld => "42501", // insufficient_privilege
        Code::PolicyError | Code::NotRecorded | Code::ControlFailed => "58000", // system_error
        Code::UpstreamUnavailable => "08006",                                // connection_failure
        Code::LimitReached => "54000",                                       // program_limit_exceeded
        Code::NotSupported => "0A000",                                       // feature_not_supported
        Code::ShuttingDown => "57P01",                                       // admin_shutdown
        Code::SessionOver => "57P05",                                        // idle_session_timeout
        Code::Withdrawn => "57014",                                          // query_canceled
        Code::GuessesSpent => "53400",                                       // configuration_limit_exceeded
        Code::MaskWritten => "22023",                                        // invalid_parameter_value
        Code::Malformed => "08P01",                                          // protocol_violation
    }
}

/// `Policy no-drop: tables are dropped by people only (PCI DSS 7.2.5).`
fn note(policy: &PolicyNote) -> String {
    let mut text = format!("Policy {}", policy.id);
    if let Some(reason) = &policy.reason {
        let _ = write!(text, ": {reason}");
    }
    if let Some(requirement) = &policy.requirement {
        let _ = write!(text, " (PCI DSS {requirement})");
    }
    text.push('.');
    text
}

/// PostgreSQL writes DETAIL and HINT as sentences, the catalogue does not.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn write_response(
    severity: Severity,
    sqlstate: &str,
    message: &str,
    detail: &str,
    hint: &str,
    position: Option<usize>,
) -> Bytes {
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    let fields =
        [(b'S', severity), (b'V', severity), (b'C', sqlstate), (b'M', message), (b'D', detail), (b'H', hint)];
    let mut out = BytesMut::new();
    frame::message(&mut out, b'E', |body| {
        for (field, text) in fields {
            body.put_u8(field);
            frame::put_cstring(body, text.as_bytes());
        }
        if let Some(position) = position {
            body.put_u8(b'P');
            frame::put_cstring(body, position.to_string().as_bytes());
        }
        body.put_u8(0);
    });
    out.freeze()
}
