use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Untrusted, object};

/// The signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037 §3.1), and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// The keys by which an issuer signs (JWK set, RFC 7517 §5).
#[derive(Clone)]
pub struct Keys {
    keys: Vec<Key>,
    ignored: Vec<Ignored>,
}

/// A key of a set that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its place in the set, from 0.
    pub index: usize,
    /// Why, for operators.
    pub why: &'static str,
}

/// A key set that cannot be read. Keep using the one before it, for as long as [`crate::Refresh`] lets you.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeysError {
    /// Longer than a key set is.
    #[error("the key set is longer than 512 KiB")]
    TooLong,
    /// More keys than are looked at.
    #[error("the key set has more than {KEYS_MAX} keys")]
    TooMany,
    /// Not an unambiguous JSON object with a list of keys.
    #[error("the key set is not a JSON object with `keys`")]
    Malformed,
}

#[derive(Clone)]
pub(crate) struct Key {
    id: Option<Box<str>>,
    shape: Shape,
    /// The one algorithm that it is for, where the issuer says so.
    algorithm: Option<Algorithm>,
    pub(crate) verifier: DecodingKey,
}

#[derive(Clone, PartialEq, Eq)]
enum Shape {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { curve: Curve, point: Vec<u8> },
    Ed25519(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
}

impl Keys {
    /// Reads a JWK set of at most 512 KiB and 100 keys.
    ///
    /// Keys that cannot be used are left out and listed by [`Keys::ignored`]: for encryption, symmetric, of
    /// an unknown type or curve, RSA of less than 2048 bits, or published with their private half. A set
    /// without any usable key is no error: the issuer has taken its keys back, and no token is accepted.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn parse(jwks_json: &[u8]) -> Result<Self, KeysError> {
        if jwks_json.len() > KEYS_BYTES_MAX {
            return Err(KeysError::TooLong);
        }
        let set = object::parse(jwks_json).ok_or(KeysError::Malformed)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
        if listed.len() > KEYS_MAX {
            return Err(KeysError::TooMany);
        }
        let mut usable = Self { keys: Vec::new(), ignored: Vec::new() };
        for (index, jwk) in listed.iter().enumerate() {
            match jwk.as_object().ok_or("not an object").and_then(Key::read) {
                Ok(key) if usable.keys.iter().any(|known| known.is_same_as(&key)) => {}
                Ok(key) => usable.keys.push(key),
                Err(why) => usable.ignored.push(Ignored { index, why }),
            }
        }
        Ok(usable)
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that are not used.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// The one key that a token's header means.
    ///
    /// # Errors
    /// [`Untrusted::UnknownKey`] if there is none, [`Untrusted::Algorithm`] if the key of that name is of
    /// another kind, [`Untrusted::AmbiguousKey`] if there are several: trying one after the other would let
    /// whoever controls the weakest of them sign for all.
    pub(crate) fn choose(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, Untrusted> {
        let mut named = self.keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id).peekable();
        let absent =
            if id.is_some() && named.peek().is_some() { Untrusted::Algorithm } else { Untrusted::UnknownKey };
        let mut fitting = named.filter(|key| key.fits(algorithm));
        match (fitting.next(), fitting.next()) {
            (None, _) => Err(absent),
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Untrusted::AmbiguousKey),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("usable", &self.keys.len()).field("ignored", &self.ignored).finish()
    }
}

impl Key {
    /// Reads one JWK (RFC 7517 §4), or says why it is not used.
    pub(crate) fn read(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |member: &str| jwk.get(member).and_then(Value::as_str);
        if jwk.contains_key("d") {
            return Err("its private half is published");
        }
        if jwk.contains_key("use") && text("use") != Some("sig") {
            return Err("not for signatures");
        }
        if let Some(operations) = jwk.get("key_ops") {
            let verifies = operations.as_array().is_some_and(|list| list.iter().any(|op| op == "verify"));
            if !verifies {
                return Err("not for verification");
            }
        }
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(id)) if id.len() <= KEY_ID_BYTES_MAX => Some(id.as_str().into()),
            Some(_) => return Err("its kid is no text, or too long"),
        };
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(name) => {
                Some(name.as_str().and_then(Algorithm::named).ok_or("of an algorithm not accepted")?)
            }
        };
        let shape = Shape::read(jwk)?;
        if algorithm.is_some_and(|algorithm| !shape.fits(algorithm)) {
            return Err("its alg does not fit its type");
        }
        Ok(Self { id, verifier: shape.verifier(), shape, algorithm })
    }

    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.shape.fits(algorithm) && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Its thumbprint (RFC 7638) by SHA-256, in base64url.
    pub(crate) fn thumbprint(&self) -> Box<str> {
        let hash = digest::digest(&digest::SHA256, self.shape.members().as_bytes());
        URL_SAFE_NO_PAD.encode(hash.as_ref()).into()
    }

    fn is_same_as(&self, other: &Self) -> bool {
        self.id == other.id && self.algorithm == other.algorithm && self.shape == other.shape
    }
}

impl Shape {
    /// The public key itself (RFC 7518 §6, RFC 8037 §2).
    fn read(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        let bytes = |member: &str| {
            let text = jwk.get(member).and_then(Value::as_str).ok_or("a member of the key is missing")?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| "a member of the key is not base64url")
        };
        let kty = jwk.get("kty").and_then(Value::as_str);
        let crv = jwk.get("crv").and_then(Value::as_str);
        match (kty, crv) {
            (Some("RSA"), _) => rsa(without_leading_zeros(bytes("n")?), without_leading_zeros(bytes("e")?)),
            (Some("EC"), Some("P-256")) => ec(Curve::P256, bytes("x")?, bytes("y")?),
            (Some("EC"), Some("P-384")) => ec(Curve::P384, bytes("x")?, bytes("y")?),
            (Some("OKP"), Some("Ed25519")) => match bytes("x")? {
                point if point.len() == 32 => Ok(Self::Ed25519(point)),
                _ => Err("not a point of its curve"),
            },
            (Some("oct"), _) => Err("symmetric"),
            _ => Err("of a type or curve not accepted"),
        }
    }

    /// The members that make the key, as a thumbprint is taken of them: by their names, and without space (RFC 7638 §3.2, RFC 8037 §2).
    fn members(&self) -> String {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(exponent), b64(modulus))
            }
            Self::Ec { curve, point } => {
                let crv = match curve {
                    Curve::P256 => "P-256",
                    Curve::P384 => "P-384",
                };
                let coordinates = point.get(1..).unwrap_or_default();
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, b64(x), b64(y))
            }
            Self::Ed25519(point) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(point)),
        }
    }

    /// Key confusion ends here: what a key is decides which algorithms it may be used with.
    fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm) {
            (Self::Rsa { .. }, Algorithm::Rs256 | Algorithm::Ps256)
            | (Self::Ec { curve: Curve::P256, .. }, Algorithm::Es256)
            | (Self::Ec { curve: Curve::P384, .. }, Algorithm::Es384)
            | (Self::Ed25519(_), Algorithm::EdDsa) => true,
            (Self::Rsa { .. } | Self::Ec { .. } | Self::Ed25519(_), _) => false,
        }
    }

    fn verifier(&self) -> DecodingKey {
        match self {
            Self::Rsa { modulus, exponent } => DecodingKey::from_rsa_raw_components(modulus, exponent),
            Self::Ec { point, .. } => DecodingKey::from_ec_der(point),
            Self::Ed25519(point) => DecodingKey::from_ed_der(point),
        }
    }
}

fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Result<Shape, &'static str> {
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if bits < RSA_BITS_MIN {
        return Err("RSA of less than 2048 bits");
    }
    if bits > RSA_BITS_MAX {
        return Err("RSA of more than 8192 bits");
    }
    // With an exponent of 1 every signature is right; FIPS 186-5 §5.1 wants more than 2^16, and odd.
    let odd = exponent.last().is_some_and(|last| last % 2 == 1);
    if !odd || !(3..=4).contains(&exponent.len()) {
        return Err("RSA with an unsafe exponent");
    }
    Ok(Shape::Rsa { modulus, exponent })
}

fn ec(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Result<Shape, &'static str> {
    let length = match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
    };
    if x.len() != length || y.len() != length {
        return Err("not a point of its curve");
    }
    // Uncompressed (SEC 1 §2.3.3). Whether it lies on the curve is checked with every signature.
    Ok(Shape::Ec { curve, point: [&[4], x.as_slice(), y.as_slice()].concat() })
}

/// RFC 7518 §2 wants none, and some issuers send one.
fn without_leading_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

impl Algorithm {
    /// Every accepted algorithm.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The algorithm by its name in a header or a key.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    /// Its name in headers and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// Real sets have some 2 to 20 KiB.
const KEYS_BYTES_MAX: usize = 512 << 10;
const KEYS_MAX: usize = 100;
const KEY_ID_BYTES_MAX: usize = 512;
/// NIST SP 800-131A; also what RS256 and PS256 require (RFC 7518 §3.3).
const RSA_BITS_MIN: usize = 2048;
/// Larger ones only cost time.
const RSA_BITS_MAX: usize = 8192;
