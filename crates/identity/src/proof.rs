//! Proof that whoever sends a request holds the key that its token is bound to: DPoP (RFC 9449).

use access::Timestamp;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::Untrusted;
use crate::claim::{name, seconds};
use crate::key::Key;
use crate::signed::check_signature;
use crate::token::Token;

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The key's thumbprint (RFC 7638), as a token's `cnf.jkt` has it.
    pub thumbprint: Box<str>,
    /// The proof's own id, which may come once within [`SECONDS_BELIEVED`] (`jti`).
    pub id: Box<str>,
}

/// Reads a proof for a request by `method` that carries `token`, whose URL without query and fragment `is_url` knows.
///
/// All of RFC 9449 §4.3 is checked but for the nonce, which is not asked for: instead the proof must have been made within a minute.
/// That it comes once is the caller's to see to.
///
/// # Errors
/// [`Untrusted`].
pub fn prove(
    proof: &str,
    token: &[u8],
    method: &str,
    is_url: impl FnOnce(&str) -> bool,
    now: Timestamp,
) -> Result<Proven, Untrusted> {
    let wrong = Untrusted::Proof;
    let proof = Token::split(proof)?;
    let (header, jwk) = proof.header_with_key().ok_or(wrong("header"))?;
    let key = Key::read(&jwk).map_err(|_| wrong("jwk"))?;
    if !key.fits(header.algorithm) {
        return Err(wrong("alg"));
    }
    check_signature(&proof, &key, header.algorithm).map_err(|_| wrong("signature"))?;
    let claims = proof.claims()?;
    let text = |claim: &'static str| name(claims.get(claim), claim).ok().flatten().ok_or(wrong(claim));
    let id = text("jti")?;
    if text("htm")? != method {
        return Err(wrong("htm"));
    }
    let url = claims.get("htu").and_then(Value::as_str).filter(|url| url.len() <= URL_BYTES_MAX);
    if !url.is_some_and(is_url) {
        return Err(wrong("htu"));
    }
    let hash = digest::digest(&digest::SHA256, token);
    if text("ath")? != URL_SAFE_NO_PAD.encode(hash.as_ref()) {
        return Err(wrong("ath"));
    }
    let made = seconds(claims.get("iat"), "iat").ok().flatten().ok_or(wrong("iat"))?;
    let made = Timestamp::from_seconds(made);
    if made.plus_seconds(SECONDS_MAX) <= now || made.plus_seconds(-SECONDS_MAX) > now {
        return Err(wrong("iat"));
    }
    Ok(Proven { thumbprint: key.thumbprint(), id: id.into() })
}

/// How long before and after it was made a proof is believed: clocks differ, and what is remembered is bounded by it.
const SECONDS_MAX: i64 = 60;

/// From when it is believed first until it is no more.
pub const SECONDS_BELIEVED: i64 = 2 * SECONDS_MAX;

const URL_BYTES_MAX: usize = 8192;
