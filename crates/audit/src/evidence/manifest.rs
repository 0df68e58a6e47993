//! What a pack holds, signed by the log's key.
//!
//! `manifest.json` names each file of the pack with its length and SHA-256. `manifest.note` is a signed note (C2SP
//! signed-note) over the hash of `manifest.json`:
//!
//! ```text
//! panguard evidence manifest v1
//! NAME OF THE LOG
//! SHA-256 of manifest.json, in hex
//!
//! — NAME OF THE LOG base64(key id ‖ Ed25519 signature)
//! ```
//!
//! INVARIANT: the first line has spaces, which no log's name has, so that this is never taken for a checkpoint.

use serde::{Deserialize, Serialize};

use crate::attested::{attest, is_attested};
use crate::{Signer, Verifier};

/// What a pack holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this file.
    pub panguard_evidence: u16,
    /// panguard's version.
    pub made_by: Box<str>,
    /// When it was drawn.
    pub made_at: Box<str>,
    /// The standard that the index is about, with its version.
    pub standard: Box<str>,
    /// The log's name.
    pub log: Box<str>,
    /// The first moment of the period, in UTC.
    pub from: Box<str>,
    /// The first moment after it.
    pub to: Box<str>,
    /// Entries under the checkpoint in the pack.
    pub size: u64,
    /// The first entry of the period, and the index after the last.
    pub entries: (u64, u64),
    /// How samples were drawn.
    pub draw: Draw,
    /// The files, but for this one and its note.
    pub files: Vec<Listed>,
}

/// How samples were drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draw {
    /// The seed.
    pub seed: Box<str>,
    /// How many were wanted.
    pub wanted: u64,
    /// How many commands took part.
    pub population: u64,
    /// Those drawn, lowest rank first.
    pub drawn: Vec<u64>,
}

/// A file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its path in the pack, with `/`.
    pub path: Box<str>,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: Box<str>,
}

/// The note over a manifest's bytes.
pub fn sign(signer: &Signer, manifest: &[u8]) -> String {
    attest(signer, WHAT, manifest)
}

/// Whether `note` is the note of this key over a manifest's bytes, and nothing else: nobody but the log signs here.
pub(super) fn is_signed(verifier: &Verifier, note: &str, manifest: &[u8]) -> bool {
    is_attested(verifier, WHAT, note, manifest)
}

const WHAT: &str = "evidence manifest v1";

/// The form of a manifest.
pub const VERSION: u16 = 1;

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";

/// The file of the note over it.
pub const NOTE: &str = "manifest.note";

/// The file of the signed head that the proofs lead to.
pub const HEAD: &str = "checkpoint";

/// The folder of samples.
pub const SAMPLES: &str = "samples";
