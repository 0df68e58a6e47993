//! Texts beside the log that its key vouches for.

use crate::evidence::hex;
use crate::tree::sha256;
use crate::{Signer, Verifier};

/// A signed note (C2SP signed-note) by which the log's key says that `text` is `what`: of which log, and its SHA-256.
///
/// Its first line begins with `panguard`, so that it is never taken for a checkpoint. `what` is a line of its own.
pub fn attest(signer: &Signer, what: &str, text: &[u8]) -> String {
    signer.sign_text(&body(signer.name(), what, text))
}

/// Whether `note` is the note of this key over `text` as `what`, and nothing else: nobody but the log signs here.
pub fn is_attested(verifier: &Verifier, what: &str, note: &str, text: &[u8]) -> bool {
    let body = body(verifier.name(), what, text);
    let below = note.strip_prefix(&*format!("{body}\n"));
    below.is_some_and(|below| below.lines().count() == 1) && verifier.signed(note).is_ok()
}

fn body(log: &str, what: &str, text: &[u8]) -> String {
    format!("panguard {what}\n{log}\n{}\n", hex(&sha256(text)))
}
