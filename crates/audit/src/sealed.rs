//! Answers in the log, each sealed by a key of its month: when that is destroyed nobody reads them any more, and the tree over
//! the entries stays as it is.

use std::io::Read;

use access::{RequestId, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// An answer as it was told, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The name of the key.
    pub key: Box<str>,
    /// A nonce and what it was sealed with, compressed before, in base64. Empty: it was too long for the entry.
    pub data: Box<str>,
    /// A keyed digest of it, in hex: tells equal answers from others, to those who have the key.
    pub digest: Box<str>,
    /// Bytes of what is sealed.
    pub bytes: u64,
    /// Whether that is all of the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Seals the answers of one month, and opens them (AES-256-GCM, HMAC-SHA-256; keys by HKDF of RFC 5869).
pub struct AnswerKey {
    name: Box<str>,
    seals: LessSafeKey,
    digests: hmac::Key,
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It was sealed by another key.
    #[error("it is sealed by another key")]
    OtherKey,
    /// It is not what was sealed, or of another command.
    #[error("it is not what was sealed")]
    Changed,
    /// It was too long for its entry.
    #[error("it was too long to be kept")]
    NotKept,
}

impl AnswerKey {
    /// The key of this name, out of 32 secret bytes.
    ///
    /// `None`: the system's cryptography does not take them.
    pub fn new(name: &str, secret: &Secret) -> Option<Self> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"panguard answers");
        let derived = salt.extract(secret.expose());
        let seals = derived.expand(&[b"seal"], &AES_256_GCM).ok().map(UnboundKey::from)?;
        let digests = derived.expand(&[b"digest"], hmac::HMAC_SHA256).ok().map(hmac::Key::from)?;
        Some(Self { name: name.into(), seals: LessSafeKey::new(seals), digests })
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Seals the answer to a command, which is masked.
    ///
    /// `None`: the system has no randomness, or its cryptography fails.
    pub fn seal(&self, request: RequestId, text: &str, is_whole: bool) -> Option<Sealed> {
        let mut sealed = zstd::bulk::compress(text.as_bytes(), zstd::DEFAULT_COMPRESSION_LEVEL).ok()?;
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).ok()?;
        let about = Aad::from(request.to_string());
        self.seals.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), about, &mut sealed).ok()?;
        let digest = hmac::sign(&self.digests, text.as_bytes());
        Some(Sealed {
            key: self.name.clone(),
            data: BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()).into(),
            digest: digest.as_ref().iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect(),
            bytes: text.len() as u64,
            cut: !is_whole,
        })
    }

    /// Opens the answer to a command.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(&self, request: RequestId, sealed: &Sealed) -> Result<String, NotOpened> {
        if *sealed.key != *self.name {
            return Err(NotOpened::OtherKey);
        }
        if sealed.data.is_empty() {
            return Err(NotOpened::NotKept);
        }
        let mut data = BASE64_STANDARD.decode(&*sealed.data).map_err(|_| NotOpened::Changed)?;
        let (nonce, body) = data.split_at_mut_checked(NONCE_BYTES).ok_or(NotOpened::Changed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotOpened::Changed)?;
        let about = Aad::from(request.to_string());
        let plain = self.seals.open_in_place(nonce, about, body).map_err(|_| NotOpened::Changed)?;
        let reader = zstd::Decoder::new(&*plain).map_err(|_| NotOpened::Changed)?;
        let mut text = String::new();
        reader.take(TEXT_BYTES_MAX).read_to_string(&mut text).map_err(|_| NotOpened::Changed)?;
        Ok(text)
    }
}

const NONCE_BYTES: usize = 12;

const DIGEST_BYTES: usize = 16;

/// More than any entry holds.
const TEXT_BYTES_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use access::SessionId;

    use super::*;

    fn key(name: &str) -> AnswerKey {
        AnswerKey::new(name, &Secret::from(vec![7; 32])).unwrap()
    }

    fn one() -> RequestId {
        SessionId(7).request(1)
    }

    #[test]
    fn what_is_sealed_is_opened_by_its_key_for_its_command() {
        let key = key("answers-2026-11");
        let text = "[\"1\",\"************1111\"]\n".repeat(100);
        let sealed = key.seal(one(), &text, true).unwrap();
        assert_eq!(key.open(one(), &sealed), Ok(text.clone()));
        assert!(sealed.data.len() < text.len(), "it is compressed");
        assert_eq!(key.open(SessionId(7).request(2), &sealed), Err(NotOpened::Changed));
        let changed = Sealed { data: sealed.data.replace(['A', 'B'], "C").into(), ..sealed.clone() };
        assert_eq!(key.open(one(), &changed), Err(NotOpened::Changed));
    }

    #[test]
    fn another_key_opens_nothing() {
        let sealed = key("answers-2026-11").seal(one(), "x", true).unwrap();
        assert_eq!(key("answers-2026-12").open(one(), &sealed), Err(NotOpened::OtherKey));
        let other = AnswerKey::new("answers-2026-11", &Secret::from(vec![8; 32])).unwrap();
        assert_eq!(other.open(one(), &sealed), Err(NotOpened::Changed));
    }

    #[test]
    fn equal_answers_have_equal_digests_and_no_other_likeness() {
        let key = key("answers-2026-11");
        let [a, b] = [1, 2].map(|number| key.seal(SessionId(7).request(number), "x", true).unwrap());
        assert_eq!(a.digest, b.digest);
        assert_ne!(a.data, b.data);
        assert_ne!(a.digest, key.seal(one(), "y", true).unwrap().digest);
    }
}
