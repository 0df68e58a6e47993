use std::collections::BTreeMap;

use access::{Secret, Timestamp};
use aws_lc_rs::aead::LessSafeKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::{self, NonceBytes, Record};
use crate::{MasterKey, Name};

/// A vault in memory: every secret sealed, and the whole authenticated.
///
/// INVARIANT: made only by [`Document::new`] and [`Document::parse`], so its `check` and `seal` are right for
/// its key whenever one exists.
pub(crate) struct Document {
    cipher: LessSafeKey,
    file: File,
}

/// What is on disk, as JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Box<str>,
    /// 128 random bits that tell this vault from others under the same key.
    #[serde(with = "base64")]
    id: Vec<u8>,
    /// Nothing, sealed: opens under the right key whatever became of the rest.
    #[serde(with = "base64")]
    check: Vec<u8>,
    records: BTreeMap<Box<str>, Record>,
    /// Nothing, sealed with all the records as its context.
    #[serde(with = "base64")]
    seal: Vec<u8>,
}

/// What a listing shows of a secret: everything but the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// From 1, one more with every change.
    pub version: u32,
    /// When it was last changed.
    #[serde(serialize_with = "micros")]
    pub changed_at: Timestamp,
}

/// A vault's file that cannot be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Corrupt {
    /// Cut short, or never a vault.
    #[error("it is cut short or not a vault")]
    Malformed,
    /// Written by another version of panguard.
    #[error("its format is not known to this version of panguard")]
    Format,
    /// The master key is another one than it was written with.
    #[error("the key is not the one it was sealed with")]
    WrongKey,
    /// The key is right, and the contents were changed by somebody without it.
    #[error("it was changed by something else than panguard, restore it from a backup")]
    Tampered,
}

/// The randomness of one change: a nonce for the record and one for the whole.
pub(crate) type ChangeNonces = [NonceBytes; 2];

impl Document {
    /// An empty vault.
    pub(crate) fn new(key: &MasterKey, id: [u8; 16], nonces: ChangeNonces) -> Option<Self> {
        let cipher = key.cipher()?;
        let [check_nonce, seal_nonce] = nonces;
        let check = record::seal(&cipher, &check_place(&id), &[], check_nonce)?;
        let file =
            File { format: FORMAT.into(), id: id.into(), check, records: BTreeMap::new(), seal: Vec::new() };
        let mut document = Self { cipher, file };
        document.file.seal = document.sealed_whole(seal_nonce)?;
        Some(document)
    }

    /// Reads a vault and makes sure that it is one, under this key, unchanged.
    pub(crate) fn parse(json: &[u8], key: &MasterKey) -> Result<Self, Corrupt> {
        let file: File = serde_json::from_slice(json).map_err(|_| Corrupt::Malformed)?;
        if &*file.format != FORMAT {
            return Err(Corrupt::Format);
        }
        let cipher = key.cipher().ok_or(Corrupt::WrongKey)?;
        record::open(&cipher, &check_place(&file.id), &file.check).ok_or(Corrupt::WrongKey)?;
        record::open(&cipher, &file.whole(), &file.seal).ok_or(Corrupt::Tampered)?;
        if file.records.keys().any(|name| Name::any(name).is_err()) {
            return Err(Corrupt::Tampered);
        }
        Ok(Self { cipher, file })
    }

    /// The file's content.
    pub(crate) fn to_json(&self) -> Option<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(&self.file).ok()?;
        json.push(b'\n');
        Some(json)
    }

    /// The secret of that name, if there is one.
    pub(crate) fn get(&self, name: &Name) -> Result<Option<Secret>, Corrupt> {
        let Some(record) = self.file.records.get(name.as_str()) else { return Ok(None) };
        record.open(&self.cipher, name).map(Some).ok_or(Corrupt::Tampered)
    }

    /// Seals `secret` under `name`, in the place of the one before it; returns its version. `None` if the
    /// cipher fails or the versions are used up, the document being as before.
    pub(crate) fn set(
        &mut self,
        name: &Name,
        secret: &Secret,
        now: Timestamp,
        nonces: ChangeNonces,
    ) -> Option<u32> {
        let [record_nonce, seal_nonce] = nonces;
        let version =
            self.file.records.get(name.as_str()).map_or(0, |record| record.version).checked_add(1)?;
        let record = Record::seal(&self.cipher, name, version, now, secret, record_nonce)?;
        let before = self.file.records.insert(name.as_str().into(), record);
        self.reseal(name, before, seal_nonce).then_some(version)
    }

    /// Forgets a secret; `Some(false)` if there was none, `None` if the cipher fails.
    pub(crate) fn remove(&mut self, name: &Name, seal_nonce: NonceBytes) -> Option<bool> {
        let Some(before) = self.file.records.remove(name.as_str()) else { return Some(false) };
        self.reseal(name, Some(before), seal_nonce).then_some(true)
    }

    /// The secrets that are not panguard's own, by name.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let named = self.file.records.iter().filter_map(|(name, record)| {
            let name = Name::any(name).ok().filter(|name| !name.is_internal())?;
            Some(Listed { name, version: record.version, changed_at: Timestamp(record.changed_at) })
        });
        named.collect()
    }

    /// Whether there is a secret of that name.
    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.file.records.contains_key(name.as_str())
    }

    /// How many records there are, panguard's own included.
    pub(crate) fn len(&self) -> usize {
        self.file.records.len()
    }

    /// Seals the whole after a change to `name`, or takes the change back.
    fn reseal(&mut self, name: &Name, before: Option<Record>, nonce: NonceBytes) -> bool {
        match self.sealed_whole(nonce) {
            Some(seal) => {
                self.file.seal = seal;
                true
            }
            None => {
                match before {
                    Some(record) => self.file.records.insert(name.as_str().into(), record),
                    None => self.file.records.remove(name.as_str()),
                };
                false
            }
        }
    }

    fn sealed_whole(&self, nonce: NonceBytes) -> Option<Vec<u8>> {
        record::seal(&self.cipher, &self.file.whole(), &[], nonce)
    }
}

impl File {
    /// Everything that the seal stands for, each part after its length, so that no two files share it.
    fn whole(&self) -> Vec<u8> {
        let mut whole = b"panguard-vault/1 whole\0".to_vec();
        let mut part = |bytes: &[u8]| {
            whole.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            whole.extend_from_slice(bytes);
        };
        part(&self.id);
        part(&self.check);
        for (name, record) in &self.records {
            part(name.as_bytes());
            part(&record.version.to_be_bytes());
            part(&record.changed_at.to_be_bytes());
            part(&record.sealed);
        }
        whole
    }
}

fn check_place(id: &[u8]) -> Vec<u8> {
    [b"panguard-vault/1 check\0", id].concat()
}

fn micros<S: serde::Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    at.micros().serialize(to)
}

/// Bytes as a base64 text.
pub(crate) mod base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Box::<str>::deserialize(from)?;
        STANDARD.decode(&*text).map_err(|_| de::Error::custom("not base64"))
    }
}

/// Fuzz entry: `data` as a vault's file. Nothing that was not sealed under the key may open.
#[doc(hidden)]
pub fn fuzz_document(data: &[u8]) {
    let key = MasterKey::generate(std::array::from_fn(|i| i as u8));
    if let Ok(document) = Document::parse(data, &key) {
        for listed in document.list() {
            assert!(document.get(&listed.name).is_ok(), "a record of an authentic file does not open");
        }
    }
}

const FORMAT: &str = "panguard-vault/1";
