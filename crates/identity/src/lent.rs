//! Access that panguard itself lends: a signed JWT of its own (RFC 7519), by a key that all gateways of a deployment have.
//!
//! `act` names the agent, and in it those through whose hands it came (RFC 8693 §4.1). What else it says is for panguard alone.

use std::collections::BTreeSet;

use access::{Action, Authentication, Delegation, Kind, Lent, Loan, Principal, Secret, Timestamp};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Untrusted;
use crate::token::{TOKEN_BYTES_MAX, Token};

/// What makes the tokens of lent access, and knows them.
pub struct Lending(hmac::Key);

/// The claims (RFC 7519 §4).
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: Box<str>,
    jti: Box<str>,
    iat: i64,
    exp: i64,
    sub: Box<str>,
    act: Actor,
    connections: BTreeSet<Box<str>>,
    actions: BTreeSet<Box<str>>,
    lender: Lender,
    /// Those who handed it on, the first one first.
    through: Vec<Through>,
}

/// An agent, and who had it before (RFC 8693 §4.1).
#[derive(Serialize, Deserialize)]
struct Actor {
    sub: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Box<Actor>>,
}

/// Who has the access of their own, by the token with which they lent it.
#[derive(Serialize, Deserialize)]
struct Lender {
    is_agent: bool,
    id: Box<str>,
    issuer: Box<str>,
    groups: BTreeSet<Box<str>>,
    on_behalf_of: Option<Box<str>>,
    person: Option<Box<str>>,
    token_id: Box<str>,
    issued_at: Option<i64>,
    client: Option<Box<str>>,
    sign_in: Option<Box<str>>,
    actor: Option<Box<str>>,
}

/// An agent who handed on what it was lent, and the id of that.
#[derive(Serialize, Deserialize)]
struct Through {
    agent: Box<str>,
    id: Box<str>,
}

impl Lending {
    /// By a key of 32 bytes or more.
    pub fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// A tag by which gateways know what one of them has written, which is no part of any token.
    pub fn tag(&self, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(NOTE);
        context.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(context.sign())
    }

    /// Whether a tag is that of this text.
    pub fn is_tagged(&self, text: &str, tag: &str) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(tag) else { return false };
        hmac::verify(&self.0, &[NOTE, text.as_bytes()].concat(), &tag).is_ok()
    }

    /// Whether a token says that it is one of these. Nobody has to believe it.
    pub fn is_meant(token: &str) -> bool {
        Token::split(token).is_ok_and(|token| token.says_type(TYPE))
    }

    /// The token by which an agent has what it was lent. `None` for a principal to whom nothing was, or if it were too long.
    pub fn token(&self, principal: &Principal) -> Option<Secret> {
        let claims = serde_json::to_vec(&Claims::of(principal)?).ok()?;
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = format!(r#"{{"alg":"HS256","typ":"{TYPE}"}}"#);
        let signed = format!("{}.{}", part(header.as_bytes()), part(&claims));
        let tag = hmac::sign(&self.0, signed.as_bytes());
        let token = format!("{signed}.{}", part(tag.as_ref()));
        (token.len() <= TOKEN_BYTES_MAX).then(|| Secret::from(token))
    }

    /// Says who presents `token` at `now`: the agent, with what it was lent.
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Untrusted> {
        let token = Token::split(token)?;
        if !token.says_type(TYPE) {
            return Err(Untrusted::Header("typ"));
        }
        // By nothing that the header says: there is one algorithm, and one key.
        hmac::verify(&self.0, token.signed.as_bytes(), &token.signature()?)
            .map_err(|_| Untrusted::Signature)?;
        let claims: Claims =
            serde_json::from_value(Value::Object(token.claims()?)).map_err(|_| Untrusted::Malformed)?;
        let principal = claims.principal()?;
        if now < principal.valid_from {
            return Err(Untrusted::NotYetValid);
        }
        match now < principal.valid_until {
            true => Ok(principal),
            false => Err(Untrusted::Expired),
        }
    }
}

/// What a token of it would say of lent access, unsigned: for those who keep it. `None` for a principal to whom nothing was lent.
pub fn described(principal: &Principal) -> Option<Value> {
    serde_json::to_value(Claims::of(principal)?).ok()
}

/// The principal of such a description.
pub fn of_description(said: Value) -> Option<Principal> {
    serde_json::from_value::<Claims>(said).ok()?.principal().ok()
}

impl Claims {
    fn of(principal: &Principal) -> Option<Self> {
        let Lent { lenders, connections, actions } = &**principal.lent()?;
        let (first, through) = lenders.split_first()?;
        let hand = |before, agent: &Principal| Some(Box::new(Actor { sub: agent.id.clone(), act: before }));
        let signed_in = &first.authentication;
        Some(Self {
            iss: ISSUER.into(),
            jti: principal.token_id.clone(),
            iat: seconds(principal.valid_from.plus_seconds(SKEW_SECONDS)),
            exp: seconds(principal.valid_until),
            sub: first.subject.clone(),
            act: Actor { sub: principal.id.clone(), act: through.iter().fold(None, hand) },
            connections: connections.clone(),
            actions: actions.iter().map(|action| action.as_str().into()).collect(),
            lender: Lender {
                is_agent: first.kind == Kind::Agent,
                id: first.id.clone(),
                issuer: first.issuer.clone(),
                groups: first.groups.clone(),
                on_behalf_of: first.delegation.as_ref().map(|it| it.on_behalf_of.clone()),
                person: first.person.clone(),
                token_id: first.token_id.clone(),
                issued_at: signed_in.issued_at.map(seconds),
                client: signed_in.client.clone(),
                sign_in: signed_in.sign_in.clone(),
                actor: signed_in.actor.clone(),
            },
            through: through
                .iter()
                .map(|agent| Through { agent: agent.id.clone(), id: agent.token_id.clone() })
                .collect(),
        })
    }

    fn principal(self) -> Result<Principal, Untrusted> {
        let lasts = self.exp.saturating_sub(self.iat);
        if !(1..=i64::from(Loan::SECONDS_MAX)).contains(&lasts) {
            return Err(Untrusted::Claim("exp"));
        }
        let until = Timestamp::from_seconds(self.exp);
        let from = Timestamp::from_seconds(self.iat).plus_seconds(-SKEW_SECONDS);
        let actions: Option<BTreeSet<Action>> = self.actions.iter().map(|name| named(name)).collect();
        let actions = actions.ok_or(Untrusted::Claim("actions"))?;
        let first = self.lender;
        let first = Principal {
            kind: if first.is_agent { Kind::Agent } else { Kind::User },
            id: first.id,
            issuer: first.issuer,
            subject: self.sub,
            groups: first.groups,
            delegation: first.on_behalf_of.as_deref().map(Delegation::from),
            person: first.person,
            authentication: Authentication {
                issued_at: first.issued_at.map(Timestamp::from_seconds),
                client: first.client,
                sign_in: first.sign_in,
                actor: first.actor,
                ..Authentication::default()
            },
            token_id: first.token_id,
            valid_from: from,
            valid_until: until,
        };
        let last = Through { agent: self.act.sub, id: self.jti };
        let mut hands = self.through.into_iter().chain([last]);
        let lent = hands.try_fold(first, |lender, Through { agent, id }| {
            let (connections, actions) = (self.connections.clone(), actions.clone());
            lender.lending(Loan { agent, id, connections, actions, from, until })
        });
        lent.ok_or(Untrusted::Claim("act"))
    }
}

fn named(name: &str) -> Option<Action> {
    Action::ALL.into_iter().find(|action| action.as_str() == name)
}

fn seconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(1_000_000)
}

/// It is no access token (RFC 8725 §3.11), to nobody else and to no other part of panguard.
const TYPE: &str = "panguard-lent+jwt";

/// What is signed of a token has no such beginning: that is base64url.
const NOTE: &[u8] = b"\0panguard note\0";

const ISSUER: &str = "panguard";

/// Gateways' clocks may be so far apart.
const SKEW_SECONDS: i64 = 30;
