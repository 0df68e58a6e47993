//! Witnesses: others who vouch that the log's heads are of one history (C2SP tlog-witness, tlog-cosignature).
//!
//! A witness remembers the newest head that it has signed of each log, and signs another only with a proof that the log went on
//! from there. So a log that was rewritten, key and all, has no head that they signed.
//!
//! Heads are published each second and wait for nobody; the newest that enough witnesses signed is beside them in the file
//! `witnessed`, with their signatures below the log's.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::note::{BadKey, Checkpoint, NotSigned, Verifier, checked, signature};
use crate::read::{ReadError, read_if_there};
use crate::segment;
use crate::tree::{Hash, sha256};

/// The key of a witness. Shown and read as a C2SP verifier key of the type for cosignatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    name: Box<str>,
    key: [u8; 32],
}

/// What a witness signed of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness.
    pub name: Box<str>,
    /// When, in seconds since 1970, by its clock.
    pub seconds: u64,
    /// The line of the note, with its end.
    pub line: String,
}

/// A head that witnesses signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The head.
    pub head: Checkpoint,
    /// What those signed of it whose keys are known.
    pub signed: Vec<Cosignature>,
}

impl Witness {
    /// Reads a verifier key, `name+id+key` (C2SP tlog-cosignature, "Format").
    ///
    /// # Errors
    /// Anything else, an id that is not the key's, or a key for other signatures than cosignatures by Ed25519.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Form);
        };
        let key = BASE64.decode(key).map_err(|_| BadKey::Form)?;
        let Some((&COSIGNATURE, key)) = key.split_first() else { return Err(BadKey::Algorithm) };
        let key = key.try_into().map_err(|_| BadKey::Form)?;
        let witness = Self { name: checked(name)?.into(), key };
        if u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(witness.id())) {
            return Err(BadKey::Id);
        }
        Ok(witness)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its signature of the checkpoint that `note` is, among `lines`, if there is a good one. Others are let be.
    pub fn find(&self, note: &str, lines: &str) -> Option<Cosignature> {
        let (text, _) = note.rsplit_once("\n\n")?;
        lines.lines().find_map(|line| {
            let (name, id, signed) = signature(line)?;
            let (seconds, signed) = signed.split_first_chunk::<8>()?;
            if name != &*self.name || id != self.id() {
                return None;
            }
            let seconds = u64::from_be_bytes(*seconds);
            let message = format!("cosignature/v1\ntime {seconds}\n{text}\n");
            UnparsedPublicKey::new(&ED25519, &self.key).verify(message.as_bytes(), signed).ok()?;
            Some(Cosignature { name: name.into(), seconds, line: format!("{line}\n") })
        })
    }

    fn id(&self) -> [u8; 4] {
        let named = [self.name.as_bytes(), b"\n", &[COSIGNATURE], &self.key].concat();
        let [a, b, c, d, ..] = sha256(&named);
        [a, b, c, d]
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        write!(f, "{}+{id:08x}+{}", self.name, BASE64.encode([&[COSIGNATURE], self.key.as_slice()].concat()))
    }
}

/// What a witness is asked: to sign the checkpoint `note`, with the proof that it goes on from the first `old` entries, which
/// is empty for none (C2SP tlog-witness, "add-checkpoint").
pub fn add_checkpoint(old: u64, proof: &[Hash], note: &str) -> String {
    let proof: String = proof.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
    format!("old {old}\n{proof}\n{note}")
}

/// Makes the checkpoint `note`, with what witnesses signed of it, durable as the newest of the log at `dir`.
///
/// # Errors
/// It cannot be written.
pub fn keep_witnessed(dir: &Path, note: &str, signed: &[Cosignature]) -> io::Result<()> {
    let lines: String = signed.iter().map(|one| one.line.as_str()).collect();
    let unfinished = dir.join(WITNESSED).with_extension("new");
    fs::write(&unfinished, format!("{note}{lines}"))?;
    File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, dir.join(WITNESSED))?;
    segment::sync_folder(dir)
}

/// The newest head that witnesses signed, and who of `witnesses` did. `None` if there is no such head.
///
/// # Errors
/// The file cannot be read. In the inner: it is not a checkpoint of the log.
pub fn witnessed(
    dir: &Path,
    verifier: &Verifier,
    witnesses: &[Witness],
) -> Result<Option<Result<Witnessed, NotSigned>>, ReadError> {
    let Some(note) = read_if_there(&dir.join(WITNESSED))? else { return Ok(None) };
    let Ok(note) = String::from_utf8(note) else { return Ok(Some(Err(NotSigned::Form))) };
    let lines = note.rsplit_once("\n\n").map_or("", |(_, lines)| lines);
    let signed = witnesses.iter().filter_map(|witness| witness.find(&note, lines)).collect();
    Ok(Some(verifier.open(&note).map(|head| Witnessed { head, signed })))
}

/// The file of the newest head that witnesses signed.
pub(crate) const WITNESSED: &str = "witnessed";

/// Cosignatures by Ed25519 among the signature types of C2SP signed-note.
const COSIGNATURE: u8 = 4;

#[cfg(test)]
mod tests;
