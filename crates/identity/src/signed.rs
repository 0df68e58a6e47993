use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use serde_json::{Map, Value};

use crate::claim::name;
use crate::key::Key;
use crate::token::Token;
use crate::{Algorithm, Issuer, Keys, Untrusted};

/// The claims of a token that says by its `typ` that it is one of `types`, or nothing: `issuer` signed it by one of its `keys`, names itself
/// in it, and means us.
pub(crate) fn claims(
    token: &Token<'_>,
    types: &[&str],
    issuer: &Issuer,
    keys: &Keys,
) -> Result<Map<String, Value>, Untrusted> {
    let header = token.header(types)?;
    let key = keys.choose(header.key_id.as_deref(), header.algorithm)?;
    check_signature(token, key, header.algorithm)?;
    let claims = token.claims()?;
    if name(claims.get("iss"), "iss")? != Some(issuer.as_str()) {
        return Err(Untrusted::UnknownIssuer);
    }
    check_audience(&claims, issuer)?;
    Ok(claims)
}

pub(crate) fn check_signature(token: &Token<'_>, key: &Key, algorithm: Algorithm) -> Result<(), Untrusted> {
    let algorithm = match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    };
    // The provider by name, so that no other crate's features can choose another one.
    let verifier =
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key.verifier).map_err(|_| Untrusted::Signature)?;
    verifier.verify(token.signed.as_bytes(), &token.signature()?).map_err(|_| Untrusted::Signature)
}

/// `aud` is one name or a list (RFC 7519 §4.1.3); one of them must be ours.
fn check_audience(claims: &Map<String, Value>, issuer: &Issuer) -> Result<(), Untrusted> {
    let ours = |name: &str| issuer.audience.iter().any(|audience| **audience == *name);
    let meant = match claims.get("aud") {
        Some(Value::String(one)) => ours(one),
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str().is_some_and(ours)),
        Some(_) | None => return Err(Untrusted::Claim("aud")),
    };
    if meant { Ok(()) } else { Err(Untrusted::Audience) }
}
