use std::fmt;

use access::Secret;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::tree::{Hash, sha256};

/// The head of a log at some size (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name; here the same as its key's.
    pub origin: Box<str>,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// Reads the text that is signed. Extension lines after the third are let be (C2SP tlog-checkpoint).
    fn parse(body: &str) -> Option<Self> {
        let mut lines = body.strip_suffix('\n')?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?;
        let size = lines.next()?;
        // One spelling a number: no sign, no leading zero.
        let plain = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        let size = size.parse().ok().filter(|_| plain)?;
        let root = BASE64.decode(lines.next()?).ok()?.try_into().ok()?;
        lines.all(|line| !line.is_empty()).then(|| Self { origin: origin.into(), size, root })
    }
}

/// The key that signs a log's checkpoints: Ed25519 with a name (C2SP signed-note).
pub struct Signer {
    name: Box<str>,
    key: Ed25519KeyPair,
}

impl Signer {
    /// The key with this 32-byte seed (RFC 8032 §5.1.5), under a name.
    ///
    /// # Errors
    /// A seed of another length; a name that is empty or has spaces or `+` in it.
    pub fn from_seed(seed: &Secret, name: &str) -> Result<Self, BadKey> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| BadKey::Seed)?;
        Ok(Self { name: checked(name)?.into(), key })
    }

    /// The other half, which anyone may have.
    pub fn verifier(&self) -> Verifier {
        let mut key = [0; 32];
        key.copy_from_slice(self.key.public_key().as_ref());
        Verifier { name: self.name.clone(), key }
    }

    /// The log's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The checkpoint as a signed note.
    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        self.sign_text(&checkpoint.body())
    }

    /// A text that ends with a line's end as a signed note.
    ///
    /// The key signs checkpoints, so any other text must begin such that nobody can take it for one.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let mut signature = self.verifier().id().to_vec();
        signature.extend_from_slice(self.key.sign(text.as_bytes()).as_ref());
        format!("{text}\n\u{2014} {} {}\n", self.name, BASE64.encode(signature))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier())
    }
}

/// The key that checks a log's checkpoints. Shown and read as a C2SP verifier key, `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: Box<str>,
    key: [u8; 32],
}

impl Verifier {
    /// Reads a verifier key, `name+id+key` (C2SP signed-note, "Verifier keys").
    ///
    /// # Errors
    /// Anything else, an id that is not the key's, or a key that is not Ed25519.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Form);
        };
        let key = BASE64.decode(key).map_err(|_| BadKey::Form)?;
        let Some((&ALGORITHM, key)) = key.split_first() else { return Err(BadKey::Algorithm) };
        let key = key.try_into().map_err(|_| BadKey::Form)?;
        let verifier = Self { name: checked(name)?.into(), key };
        if u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(verifier.id())) {
            return Err(BadKey::Id);
        }
        Ok(verifier)
    }

    /// Checks that `note` is a checkpoint of this log with a good signature of this key, and reads it.
    /// Signatures of other keys (witnesses) are let be.
    ///
    /// # Errors
    /// Whatever does not hold.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NotSigned> {
        let checkpoint = Checkpoint::parse(&self.signed(note)?).ok_or(NotSigned::Form)?;
        if checkpoint.origin != self.name {
            return Err(NotSigned::Origin(checkpoint.origin));
        }
        Ok(checkpoint)
    }

    /// The text of a note, with its last line's end, if this key signed it.
    pub(crate) fn signed(&self, note: &str) -> Result<String, NotSigned> {
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NotSigned::Form)?;
        let text = format!("{text}\n");
        let signature = self.signature_in(signatures)?.ok_or(NotSigned::Unsigned)?;
        let good = UnparsedPublicKey::new(&ED25519, &self.key).verify(text.as_bytes(), &signature);
        good.map(|()| text).map_err(|_| NotSigned::Forged)
    }

    /// The signature with this key's name and id among the lines `\u{2014} name base64(id ‖ signature)`, of which all have to
    /// be: no words can stand among them as if they were signed.
    fn signature_in(&self, lines: &str) -> Result<Option<Vec<u8>>, NotSigned> {
        let mut mine = None;
        for line in lines.strip_suffix('\n').ok_or(NotSigned::Form)?.split('\n') {
            let (name, id, signature) = signature(line).ok_or(NotSigned::Form)?;
            if name == &*self.name && id == self.id() {
                mine.get_or_insert(signature);
            }
        }
        Ok(mine)
    }

    /// The log's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the start of a hash over name, algorithm and key (C2SP signed-note, "Signatures").
    fn id(&self) -> [u8; 4] {
        let named = [self.name.as_bytes(), b"\n", &[ALGORITHM], &self.key].concat();
        let [a, b, c, d, ..] = sha256(&named);
        [a, b, c, d]
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id());
        let key = BASE64.encode([&[ALGORITHM], self.key.as_slice()].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}

/// A seed, name or verifier key that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 bytes.
    #[error("the seed of the audit log's key must be 32 bytes")]
    Seed,
    /// Empty, or with a space or `+`.
    #[error("the audit log's name must not be empty and must hold no space and no `+`")]
    Name,
    /// Not three parts, or not base64.
    #[error("a verifier key has the form name+id+key")]
    Form,
    /// Not Ed25519.
    #[error("the verifier key is not an Ed25519 key")]
    Algorithm,
    /// The id is another key's.
    #[error("the verifier key's id does not belong to its name and key, it may have been mistyped")]
    Id,
}

/// Why a text is not a checkpoint signed by the key asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Not a signed note, or not of a checkpoint.
    #[error("it is not a signed checkpoint")]
    Form,
    /// No signature by this key.
    #[error("it has no signature of the log's key")]
    Unsigned,
    /// The signature is not good: text or signature were changed.
    #[error("its signature is not good, it was changed or forged")]
    Forged,
    /// It is of another log.
    #[error("it is of the log `{0}`, another one")]
    Origin(Box<str>),
}

/// The name, id and signature of a line.
pub(crate) fn signature(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let signature = BASE64.decode(signature).ok()?;
    let (id, signature) = signature.split_first_chunk::<4>()?;
    Some((checked(name).ok()?, *id, signature.to_vec()))
}

pub(crate) fn checked(name: &str) -> Result<&str, BadKey> {
    let good = !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
    good.then_some(name).ok_or(BadKey::Name)
}

/// Ed25519 among the signature types of C2SP signed-note.
const ALGORITHM: u8 = 1;

#[cfg(test)]
mod tests;
