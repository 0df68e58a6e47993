//! What an issuer says of sessions and accounts without being asked: logout tokens (OpenID Connect Back-Channel Logout 1.0) and
//! security event tokens (RFC 8417), as the Shared Signals Framework brings them (CAEP 1.0, RISC 1.0).

use access::Timestamp;
use serde_json::{Map, Value};

use crate::claim::{name, seconds};
use crate::token::Token;
use crate::{Issuer, Keys, Untrusted, signed};

/// What an issuer says has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Names the token that says so, at its issuer (`jti`).
    pub id: Box<str>,
    /// When it was issued.
    pub at: Timestamp,
    /// Each thing that it says.
    pub said: Vec<Said>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What has happened.
    pub what: Happening,
    /// To whom; nobody is named where it concerns the stream itself.
    pub whom: Whom,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Tokens that were issued until now say what is so no more: somebody has signed out, their sessions were ended, or what
    /// their tokens say of them is otherwise.
    TokensEnded,
    /// An account is closed, or in the hands of somebody else.
    AccountClosed,
    /// It is open again.
    AccountOpened,
    /// Something that changes nothing here.
    Other,
}

/// Whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A `sub` of the issuer's.
    Subject(Box<str>),
    /// One sign-in, by its `sid`; and whose it is, where that is said.
    SignIn(Box<str>, Option<Box<str>>),
    /// A person, by an address.
    Person(Box<str>),
    /// Nobody whom it names in a way that is understood.
    Unknown,
}

/// Says what `issuer` says by `token` at `now`, if one of its `keys` signed it.
///
/// The token is a logout token (§2.4: `iss`, `aud`, `iat`, `jti`, `events`, and `sub` or `sid`; no `nonce`), or a security event
/// token pushed by a transmitter that is the issuer itself, with its subject in `sub_id` (RFC 9493) or, as drafts had it, in the
/// event. It may have expired no more than an access token, and be no older than an hour.
///
/// # Errors
/// [`Untrusted`].
pub fn hear(token: &str, issuer: &Issuer, keys: &Keys, now: Timestamp) -> Result<Notice, Untrusted> {
    let token = Token::split(token)?;
    let claims = signed::claims(&token, &TYPES, issuer, keys)?;
    let skew = i64::from(issuer.clock_skew_seconds);
    let issued = seconds(claims.get("iat"), "iat")?.ok_or(Untrusted::Claim("iat"))?;
    let at = Timestamp::from_seconds(issued);
    if now < at.plus_seconds(-skew) {
        return Err(Untrusted::NotYetValid);
    }
    let ends = seconds(claims.get("exp"), "exp")?.unwrap_or(issued + AGE_SECONDS_MAX);
    if now >= Timestamp::from_seconds(ends.min(issued + AGE_SECONDS_MAX)).plus_seconds(skew) {
        return Err(Untrusted::Expired);
    }
    // An ID token has one (§2.6), and is none of these.
    if claims.contains_key("nonce") {
        return Err(Untrusted::Claim("nonce"));
    }
    let id = name(claims.get("jti"), "jti")?.ok_or(Untrusted::Claim("jti"))?;
    let events = claims.get("events").and_then(Value::as_object).ok_or(Untrusted::Claim("events"))?;
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Untrusted::Claim("events"));
    }
    let said = events.iter().map(|(event, payload)| of(event, payload, &claims, issuer));
    Ok(Notice { id: id.into(), at, said: said.collect::<Result<_, _>>()? })
}

fn of(event: &str, payload: &Value, claims: &Map<String, Value>, issuer: &Issuer) -> Result<Said, Untrusted> {
    let payload = payload.as_object().ok_or(Untrusted::Claim("events"))?;
    let what = match event {
        LOGOUT => {
            let subject = name(claims.get("sub"), "sub")?.map(Box::<str>::from);
            let of_sign_in =
                name(claims.get("sid"), "sid")?.map(|it| Whom::SignIn(it.into(), subject.clone()));
            let of_subject = subject.map(Whom::Subject);
            // Of a sign-in where it is named: others of the same person go on.
            let whom = of_sign_in.or(of_subject).ok_or(Untrusted::Claim("sub"))?;
            return Ok(Said { what: Happening::TokensEnded, whom });
        }
        _ => happening(event),
    };
    let subject = claims.get("sub_id").or_else(|| payload.get("subject"));
    let whom = match subject {
        Some(subject) => whom(subject, issuer, what),
        None => name(claims.get("sub"), "sub")?.map_or(Whom::Unknown, |sub| Whom::Subject(sub.into())),
    };
    Ok(Said { what, whom })
}

fn happening(event: &str) -> Happening {
    let caep = event.strip_prefix("https://schemas.openid.net/secevent/caep/event-type/");
    let risc = event.strip_prefix("https://schemas.openid.net/secevent/risc/event-type/");
    match (caep, risc) {
        (Some("session-revoked" | "token-claims-change" | "credential-change"), _)
        | (_, Some("sessions-revoked" | "account-credential-change-required" | "identifier-changed")) => {
            Happening::TokensEnded
        }
        (_, Some("account-disabled" | "account-purged" | "credential-compromise")) => {
            Happening::AccountClosed
        }
        (_, Some("account-enabled")) => Happening::AccountOpened,
        _ => Happening::Other,
    }
}

/// A subject identifier (RFC 9493 §3), or one of several members (a complex subject of CAEP). Of an account its `user` is meant, whatever
/// else is named; of tokens the `session`, if there is one.
fn whom(subject: &Value, issuer: &Issuer, what: Happening) -> Whom {
    let one = simple(subject, issuer);
    if one != Whom::Unknown || !is_complex(subject) {
        return one;
    }
    let user = subject.get("user").map_or(Whom::Unknown, |user| simple(user, issuer));
    let session = subject.get("session").filter(|it| it.get("format").is_some_and(|it| it == "opaque"));
    let session = session.and_then(|it| name(it.get("id"), "sub_id").ok().flatten());
    match (session, what) {
        (Some(session), Happening::TokensEnded) => {
            let subject = match user {
                Whom::Subject(subject) => Some(subject),
                _ => None,
            };
            Whom::SignIn(session.into(), subject)
        }
        _ => user,
    }
}

fn is_complex(subject: &Value) -> bool {
    subject.get("format").is_none_or(|format| format == "complex") && subject.get("subject_type").is_none()
}

/// A subject identifier of one member.
fn simple(subject: &Value, issuer: &Issuer) -> Whom {
    let text = |member: &str| name(subject.get(member), "sub_id").ok().flatten();
    let format = text("format").or_else(|| text("subject_type")).unwrap_or_default();
    match format.replace('-', "_").as_str() {
        "iss_sub" if text("iss") == Some(issuer.as_str()) => {
            text("sub").map_or(Whom::Unknown, |sub| Whom::Subject(sub.into()))
        }
        "opaque" => text("id").map_or(Whom::Unknown, |id| Whom::Subject(id.into())),
        // Where nobody is known by such a claim it would mean nobody.
        "email" if issuer.person.is_some() => {
            text("email").map_or(Whom::Unknown, |email| Whom::Person(email.to_lowercase().into()))
        }
        _ => Whom::Unknown,
    }
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What such a token may say that it is; nothing, as many logout tokens do.
const TYPES: [&str; 6] = [
    "logout+jwt",
    "application/logout+jwt",
    "secevent+jwt",
    "application/secevent+jwt",
    "JWT",
    "application/jwt",
];

/// What is older is told again by nobody but who has kept it.
const AGE_SECONDS_MAX: i64 = 3600;

const EVENTS_MAX: usize = 16;
