use access::{Secret, Timestamp};
use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use serde::{Deserialize, Serialize};

use crate::Name;

/// 96 random bits. INVARIANT: never used twice under one key; a vault is written by people, some thousands of
/// times, far from the 2^32 at which chance repeats one (NIST SP 800-38D §8.3).
pub(crate) type NonceBytes = [u8; NONCE_LEN];

/// One secret as it stands in the file: sealed, and of use in no other place than its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// From 1, one more with every change.
    pub(crate) version: u32,
    /// Microseconds since the epoch.
    pub(crate) changed_at: i64,
    /// Nonce, ciphertext, tag.
    #[serde(with = "crate::document::base64")]
    pub(crate) sealed: Vec<u8>,
}

impl Record {
    /// Seals `secret` for its place: the name, version and time are bound to it.
    pub(crate) fn seal(
        cipher: &LessSafeKey,
        name: &Name,
        version: u32,
        changed_at: Timestamp,
        secret: &Secret,
        nonce: NonceBytes,
    ) -> Option<Self> {
        let aad = place(name, version, changed_at.micros());
        let sealed = seal(cipher, &aad, secret.expose(), nonce)?;
        Some(Self { version, changed_at: changed_at.micros(), sealed })
    }

    /// The secret, or `None` if the record is not what was sealed for `name`.
    pub(crate) fn open(&self, cipher: &LessSafeKey, name: &Name) -> Option<Secret> {
        open(cipher, &place(name, self.version, self.changed_at), &self.sealed)
    }
}

/// What a record's seal is bound to.
fn place(name: &Name, version: u32, changed_at: i64) -> Vec<u8> {
    [
        b"panguard-vault/1 secret\0".as_slice(),
        name.as_str().as_bytes(),
        b"\0",
        &version.to_be_bytes(),
        &changed_at.to_be_bytes(),
    ]
    .concat()
}

/// Nonce, ciphertext and tag of `plain`.
pub(crate) fn seal(cipher: &LessSafeKey, aad: &[u8], plain: &[u8], nonce: NonceBytes) -> Option<Vec<u8>> {
    // Sized first: a vector that grows leaves its old bytes behind, and they are still plain here.
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + TAG_LEN);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let body = sealed.get_mut(NONCE_LEN..)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(aad), body).ok()?;
    sealed.extend_from_slice(tag.as_ref());
    Some(sealed)
}

/// What [`seal`] sealed, or `None` if it was not under this key and for this place.
pub(crate) fn open(cipher: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut plain = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = cipher.open_in_place(nonce, Aad::from(aad), &mut plain).ok()?.len();
    // The tag's bytes are cut off within the same allocation, which `Secret` then copies and wipes.
    plain.truncate(length);
    Some(Secret::from(plain))
}

const TAG_LEN: usize = 16;
