use std::collections::BTreeSet;
use std::fmt::Write;

use access::{Authentication, Delegation, HolderKey, Kind, Principal, Timestamp};
use aws_lc_rs::digest;
use serde_json::{Map, Value};

use crate::claim::{ClaimPath, name, seconds};
use crate::token::Token;
use crate::{Issuer, Keys, Untrusted, signed};

/// The `iss` of a token that nobody has verified yet: good for choosing the issuer whose keys to use, and
/// for nothing else.
///
/// # Errors
/// [`Untrusted`] if there is none to be found.
pub fn issuer_of(token: &str) -> Result<String, Untrusted> {
    let claims = Token::split(token)?.claims()?;
    Ok(name(claims.get("iss"), "iss")?.ok_or(Untrusted::Claim("iss"))?.to_owned())
}

/// Says who presents `token` at `now`, if `issuer` says so by one of its `keys`.
///
/// The token must be a JWT of at most 16 KiB, signed by one of [`Algorithm`], with `iss`, `aud`, `exp` and
/// `sub`; `nbf` and `iat` are honoured. The principal is an agent or a person by the issuer's
/// [`crate::AgentRule`]. A token with `act` (RFC 8693 §4.1) is that of an agent to whom the user in `sub` has
/// lent access: the agent is the actor in `act`, the outermost one alone, and the groups are the user's.
///
/// # Errors
/// [`Untrusted`]; after [`Untrusted::UnknownKey`] ask [`crate::Refresh::unknown_key`].
pub fn verify(token: &str, issuer: &Issuer, keys: &Keys, now: Timestamp) -> Result<Principal, Untrusted> {
    let token = Token::split(token)?;
    let claims = signed::claims(&token, &TYPES, issuer, keys)?;
    // A logout token or another security event, which is signed by the same keys (RFC 8417 §4.2).
    if claims.contains_key("events") {
        return Err(Untrusted::Claim("events"));
    }
    let (valid_from, valid_until) = validity(&claims, issuer)?;
    if now >= valid_until {
        return Err(Untrusted::Expired);
    }
    if now < valid_from {
        return Err(Untrusted::NotYetValid);
    }

    let subject = name(claims.get("sub"), "sub")?.ok_or(Untrusted::Claim("sub"))?;
    let (kind, id, delegation) = who(&claims, subject, issuer)?;
    let is_of_person = kind == Kind::User || delegation.is_some();
    Ok(Principal {
        kind,
        id: id.into(),
        issuer: issuer.issuer.clone(),
        subject: subject.into(),
        groups: groups(&claims, issuer.groups.as_ref())?,
        delegation,
        person: person(&claims, issuer.person.as_ref(), is_of_person)?,
        authentication: Authentication {
            // What cannot be read says nothing: whoever needs it is refused for that.
            class: name(claims.get("acr"), "acr").ok().flatten().map(Box::from),
            at: seconds(claims.get("auth_time"), "auth_time").ok().flatten().map(Timestamp::from_seconds),
            issued_at: seconds(claims.get("iat"), "iat")?.map(Timestamp::from_seconds),
            // By these access is revoked, so one that cannot be read is not passed over.
            client: match name(claims.get("azp"), "azp")? {
                Some(client) => Some(client.into()),
                None => name(claims.get("client_id"), "client_id")?.map(Box::from),
            },
            sign_in: name(claims.get("sid"), "sid")?.map(Box::from),
            actor: name(claims.get("act").and_then(|act| act.get("sub")), "act")?.map(Box::from),
            bound_to: bound(&claims)?,
        },
        token_id: token_id(&claims, token.signed)?,
        valid_from,
        valid_until,
    })
}

/// From the later of `nbf` and `iat` until `exp`, both widened by the clock skew.
fn validity(claims: &Map<String, Value>, issuer: &Issuer) -> Result<(Timestamp, Timestamp), Untrusted> {
    let skew = i64::from(issuer.clock_skew_seconds);
    let exp = seconds(claims.get("exp"), "exp")?.ok_or(Untrusted::Claim("exp"))?;
    let nbf = seconds(claims.get("nbf"), "nbf")?;
    let iat = seconds(claims.get("iat"), "iat")?;
    let start = nbf.max(iat).unwrap_or_default();
    Ok((Timestamp::from_seconds(start).plus_seconds(-skew), Timestamp::from_seconds(exp).plus_seconds(skew)))
}

/// Agent or person, by which name, and on whose behalf.
fn who<'a>(
    claims: &'a Map<String, Value>,
    subject: &'a str,
    issuer: &Issuer,
) -> Result<(Kind, &'a str, Option<Delegation>), Untrusted> {
    match claims.get("act") {
        None | Some(Value::Null) => {}
        Some(Value::Object(act)) => {
            // An actor of another issuer could have the name of one of this issuer's.
            if act.get("iss").is_some_and(|iss| iss != issuer.as_str()) {
                return Err(Untrusted::Actor);
            }
            let delegation = Delegation::from(subject);
            return Ok((Kind::Agent, issuer.agents.actor(act)?, Some(delegation)));
        }
        Some(_) => return Err(Untrusted::Claim("act")),
    }
    Ok(match issuer.agents.agent(claims)? {
        Some(id) => (Kind::Agent, id, None),
        None => (Kind::User, subject, None),
    })
}

/// The key that the token is bound to (RFC 7800 §3): by its thumbprint (RFC 9449 §6.1), or by that of a certificate (RFC 8705 §3.1). What
/// binds it in another way, or in two, is not understood, and so not passed over.
fn bound(claims: &Map<String, Value>) -> Result<Option<HolderKey>, Untrusted> {
    let confirmation = match claims.get("cnf") {
        None => return Ok(None),
        Some(Value::Object(members)) if members.len() == 1 => members,
        Some(_) => return Err(Untrusted::Claim("cnf")),
    };
    let text = |member: &str| name(confirmation.get(member), "cnf");
    match (text("jkt")?, text("x5t#S256")?) {
        (Some(key), None) => Ok(Some(HolderKey::Key(key.into()))),
        (None, Some(certificate)) => Ok(Some(HolderKey::Certificate(certificate.into()))),
        _ => Err(Untrusted::Claim("cnf")),
    }
}

/// The groups, none where the claim is absent. A claim of another shape is refused rather than read as no
/// groups, since a group may also be what a policy forbids something to.
fn groups(claims: &Map<String, Value>, path: Option<&ClaimPath>) -> Result<BTreeSet<Box<str>>, Untrusted> {
    let Some(path) = path else { return Ok(BTreeSet::new()) };
    let listed = match path.find(claims) {
        None if is_elsewhere(claims, path) => return Err(Untrusted::GroupsElsewhere),
        None => &[],
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one @ Value::String(_)) => std::slice::from_ref(one),
        Some(_) => return Err(Untrusted::Claim("groups")),
    };
    let named = listed.iter().map(|group| match group {
        Value::String(_) => name(Some(group), "groups"),
        _ => Err(Untrusted::Claim("groups")),
    });
    named.filter_map(Result::transpose).map(|group| group.map(Box::from)).collect()
}

/// The claim by which all identities of one person are known. Who asks for a token may leave it out of what they ask for, and
/// could then approve what they asked for themselves: a token of a person, or one that they lent an agent, has to have it.
fn person(
    claims: &Map<String, Value>,
    path: Option<&ClaimPath>,
    is_of_person: bool,
) -> Result<Option<Box<str>>, Untrusted> {
    let Some(path) = path else { return Ok(None) };
    match name(path.find(claims), "person")? {
        Some(person) => Ok(Some(person.to_lowercase().into())),
        None if is_of_person => Err(Untrusted::Person),
        None => Ok(None),
    }
}

/// Whether the claim is to be asked for elsewhere (distributed claims, OpenID Connect Core §5.6.2): Entra ID
/// does so for whoever is in more than 200 groups.
fn is_elsewhere(claims: &Map<String, Value>, path: &ClaimPath) -> bool {
    claims
        .get("_claim_names")
        .and_then(Value::as_object)
        .is_some_and(|names| names.contains_key(path.as_str()))
}

/// `jti`, or half of the SHA-256 of what is signed. The signature is left out: an ECDSA signature has a
/// twin, and the same token must not have two ids.
fn token_id(claims: &Map<String, Value>, signed: &str) -> Result<Box<str>, Untrusted> {
    if let Some(id) = name(claims.get("jti"), "jti")? {
        return Ok(id.into());
    }
    let hash = digest::digest(&digest::SHA256, signed.as_bytes());
    let mut id = String::from("sha256:");
    for byte in hash.as_ref().iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id.into())
}

/// The types that an access token may have (RFC 9068 §2.1, RFC 7519 §5.1). Others, such as `logout+jwt` and
/// `dpop+jwt`, are signed by the same keys and mean something else (RFC 8725 §3.11).
const TYPES: [&str; 4] = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];

/// Fuzz entry: `data` as a token, a key set and a metadata document, in turn.
#[doc(hidden)]
pub fn fuzz_verify(data: &[u8]) {
    const ISSUER: &str = "https://idp.example.com";
    let _ = Keys::parse(data);
    let _ = crate::Discovery::parse(data, ISSUER);
    let (Ok(token), Ok(claim)) = (str::from_utf8(data), "groups".parse::<ClaimPath>()) else { return };
    // The public key of RFC 8037 appendix A.2, whose private half is published there.
    let keys =
        br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let rule = crate::AgentRule::new(claim.clone(), crate::Match::Present);
    let (Ok(keys), Ok(rule)) = (Keys::parse(keys), rule) else { return };
    let Ok(issuer) = Issuer::new(ISSUER, ["panguard"], rule).map(|issuer| issuer.with_groups(claim)) else {
        return;
    };
    let now = Timestamp::from_seconds(1_700_000_000);
    let _ = crate::hear(token, &issuer, &keys, now);
    let _ = crate::Lending::new(&access::Secret::from(vec![7; 32])).verify(token, now);
    let _ = crate::prove(token, data, "GET", |_| true, now);
    let accepted = verify(token, &issuer, &keys, now).is_ok_and(|principal| principal.is_valid_at(now));
    assert!(!accepted || issuer_of(token).as_deref() == Ok(ISSUER), "accepted for another issuer");
}
