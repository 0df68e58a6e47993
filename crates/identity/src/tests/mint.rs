//! An issuer for tests: real keys, and tokens as well made or as badly as a test wants.

use std::sync::LazyLock;

use access::Timestamp;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::{AgentRule, Algorithm, Issuer, Keys};

pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
pub(crate) const NOW_SECONDS: i64 = 1_700_000_000;

/// A private key of each kind, made once per test process and only if asked for.
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    key: &'static Private,
}

enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

static RSA: LazyLock<Private> =
    LazyLock::new(|| Private::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
static P256: LazyLock<Private> =
    LazyLock::new(|| Private::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()));
static P384: LazyLock<Private> =
    LazyLock::new(|| Private::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()));
static ED: LazyLock<Private> = LazyLock::new(|| Private::Ed(Ed25519KeyPair::generate().unwrap()));
static OTHER_ED: LazyLock<Private> = LazyLock::new(|| Private::Ed(Ed25519KeyPair::generate().unwrap()));

impl Signer {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let key = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => &*RSA,
            Algorithm::Es256 => &*P256,
            Algorithm::Es384 => &*P384,
            Algorithm::EdDsa => &*ED,
        };
        Self { algorithm, key }
    }

    /// An attacker's key.
    pub(crate) fn other() -> Self {
        Self { algorithm: Algorithm::EdDsa, key: &OTHER_ED }
    }

    /// The public key as a JWK, named `k`.
    pub(crate) fn jwk(&self) -> Value {
        match self.key {
            Private::Rsa(pair) => {
                // RSAPublicKey in DER ends with the modulus, two bytes of header and the exponent 65537.
                let der = pair.public_key().as_ref();
                let modulus = &der[der.len() - 5 - 256..der.len() - 5];
                json!({ "kid": "k", "kty": "RSA", "n": b64(modulus), "e": "AQAB" })
            }
            Private::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kid": "k", "kty": "EC", "crv": crv, "x": b64(x), "y": b64(y) })
            }
            Private::Ed(pair) => {
                json!({ "kid": "k", "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref()) })
            }
        }
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.key {
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                if self.algorithm == Algorithm::Ps256 {
                    pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature).unwrap();
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                }
                signature
            }
            Private::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Private::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with this header and payload, whatever they are.
    pub(crate) fn sign_text(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(payload));
        let signature = b64(self.signature(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token with these claims and an ordinary header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": self.algorithm.as_str(), "kid": "k", "typ": "at+jwt" }), claims)
    }
}

/// The signer that tests use when the algorithm does not matter.
pub(crate) fn signer() -> Signer {
    Signer::new(Algorithm::EdDsa)
}

pub(crate) fn keys(jwks: &[Value]) -> Keys {
    Keys::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

pub(crate) fn rule(rule: Value) -> AgentRule {
    serde_json::from_value(rule).unwrap()
}

/// Agents are the clients `ci-bot` and `report-bot`; groups are in `groups`.
pub(crate) fn issuer() -> Issuer {
    let agents = rule(json!({ "claim": "azp", "values": ["ci-bot", "report-bot"] }));
    Issuer::new(ISSUER, ["panguard"], agents).unwrap().with_groups("groups".parse().unwrap())
}

/// What a person's token says, with `changes` made to it; a change to null takes the claim away.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "panguard", "sub": "anna", "azp": "web", "jti": "t-1",
        "iat": NOW_SECONDS - 60, "exp": NOW_SECONDS + 300, "groups": ["dba", "payments"],
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
