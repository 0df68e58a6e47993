use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::{Algorithm, Untrusted, object};

/// A JWS in compact form (RFC 7515 §7.1), taken apart and not believed.
pub(crate) struct Token<'a> {
    /// What is signed: header and payload with the dot between them.
    pub(crate) signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// What of a header is looked at. A key that the token brings along (`jwk`, `jku`, `x5c`, `x5u`) is not.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
}

impl<'a> Token<'a> {
    /// Takes a token of at most 16 KiB apart.
    pub(crate) fn split(token: &'a str) -> Result<Self, Untrusted> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Untrusted::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Untrusted::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Untrusted::Malformed)?;
        if payload.contains('.') {
            return Err(Untrusted::Malformed);
        }
        Ok(Self { signed, header, payload, signature })
    }

    /// Reads the header of a token that may say by its `typ` that it is one of `types`, or nothing, and refuses what it may
    /// not ask for.
    pub(crate) fn header(&self, types: &[&str]) -> Result<Header, Untrusted> {
        let header = read(self.header)?;
        for unsupported in ["crit", "b64"] {
            if header.contains_key(unsupported) {
                return Err(Untrusted::Header(unsupported));
            }
        }
        match header.get("typ") {
            None => {}
            Some(Value::String(typ)) if types.iter().any(|known| typ.eq_ignore_ascii_case(known)) => {}
            Some(_) => return Err(Untrusted::Header("typ")),
        }
        let name = header.get("alg").and_then(Value::as_str).ok_or(Untrusted::Malformed)?;
        let algorithm = Algorithm::named(name).ok_or(Untrusted::Algorithm)?;
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Untrusted::Header("kid")),
        };
        Ok(Header { algorithm, key_id })
    }

    /// Whether it says by its `typ` that it is of this type.
    pub(crate) fn says_type(&self, typ: &str) -> bool {
        read(self.header).is_ok_and(|header| header.get("typ").is_some_and(|said| said == typ))
    }

    /// The header of a proof (RFC 9449 §4.2), with the public key that it brings along: it is believed as what it is alone.
    pub(crate) fn header_with_key(&self) -> Option<(Header, Map<String, Value>)> {
        let header = self.header(&["dpop+jwt"]).ok()?;
        let mut read = read(self.header).ok()?;
        read.get("typ")?;
        match read.remove("jwk")? {
            Value::Object(jwk) => Some((header, jwk)),
            _ => None,
        }
    }

    /// The claims, which are nobody's word until the signature is checked.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, Untrusted> {
        read(self.payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, Untrusted> {
        URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| Untrusted::Malformed)
    }
}

fn read(part: &str) -> Result<Map<String, Value>, Untrusted> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Untrusted::Malformed)?;
    object::parse(&json).ok_or(Untrusted::Malformed)
}

/// Tokens with hundreds of groups fit; a header of more is refused by most HTTP servers as well.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 << 10;
