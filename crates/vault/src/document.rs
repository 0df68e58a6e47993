use std::collections::BTreeMap;

use access::{Secret, Timestamp};
use aws_lc_rs::aead::LessSafeKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Name;
use crate::key::DataKey;
use crate::record::{self, NonceBytes, Record};

/// A vault in memory: every secret sealed under its data key, and the whole authenticated.
///
/// INVARIANT: made only by [`Document::new`], [`Sealed::open`] and [`Document::anew`], so its `check` and `seal` are right for
/// its key whenever one exists.
pub(crate) struct Document {
    key: DataKey,
    cipher: LessSafeKey,
    file: File,
}

/// A vault whose data key is sealed, and which nobody believes yet.
pub(crate) struct Sealed(File);

/// What is on disk, as JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: Box<str>,
    /// 128 random bits that tell this vault from others under the same key.
    #[serde(with = "base64")]
    id: Vec<u8>,
    /// The data key, as the vault's key sealed it; nothing in the first format, whose data key is that key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<SealedKey>,
    /// Nothing, sealed: opens under the right key whatever became of the rest.
    #[serde(with = "base64")]
    check: Vec<u8>,
    records: BTreeMap<Box<str>, Record>,
    /// Nothing, sealed with all the records as its context.
    #[serde(with = "base64")]
    seal: Vec<u8>,
}

/// The data key at rest.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedKey {
    /// From 1, one more with every data key.
    version: u32,
    /// Microseconds since the epoch.
    made_at: i64,
    /// From 1, one more whenever another key has sealed it.
    seal_version: u32,
    sealed_at: i64,
    #[serde(with = "base64")]
    sealed: Vec<u8>,
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
    /// A file of before was put in its place.
    #[error("an older one was put in its place, restore the newest from a backup and start anew")]
    Older,
    /// The key is right, and the contents were changed by somebody without it.
    #[error("it was changed by something else than panguard, restore it from a backup")]
    Tampered,
}

/// The randomness of one change: a nonce for the record and one for the whole.
pub(crate) type ChangeNonces = [NonceBytes; 2];

impl Document {
    /// An empty vault under a data key, which is sealed as `sealed` for the place of [`key_place`].
    pub(crate) fn new(
        key: DataKey,
        sealed: Vec<u8>,
        id: [u8; 16],
        now: Timestamp,
        nonces: ChangeNonces,
    ) -> Option<Self> {
        let cipher = key.cipher()?;
        let at = now.micros();
        let sealed = SealedKey { version: 1, made_at: at, seal_version: 1, sealed_at: at, sealed };
        let file = File {
            format: FORMAT.into(),
            id: id.into(),
            key: Some(sealed),
            check: Vec::new(),
            records: BTreeMap::new(),
            seal: Vec::new(),
        };
        Self { key, cipher, file }.checked(nonces)
    }

    /// With what stands for its key and for the whole.
    fn checked(mut self, [check_nonce, seal_nonce]: ChangeNonces) -> Option<Self> {
        self.file.check = record::seal(&self.cipher, &check_place(&self.file.id), &[], check_nonce)?;
        self.file.seal = self.sealed_whole(seal_nonce)?;
        Some(self)
    }

    /// The same secrets under another data key, which is sealed as `sealed`. `nonces` gives as many as there are records.
    pub(crate) fn anew(
        &self,
        key: DataKey,
        sealed: Vec<u8>,
        now: Timestamp,
        nonces: ChangeNonces,
        mut record_nonces: impl FnMut() -> Option<NonceBytes>,
    ) -> Option<Self> {
        let cipher = key.cipher()?;
        let mut records = BTreeMap::new();
        for (named, record) in &self.file.records {
            let name = Name::any(named).ok()?;
            let secret = record.open(&self.cipher, &name)?;
            let at = Timestamp(record.changed_at);
            let record = Record::seal(&cipher, &name, record.version, at, &secret, record_nonces()?)?;
            records.insert(named.clone(), record);
        }
        let before = self.file.key.as_ref();
        let at = now.micros();
        let sealed = SealedKey {
            version: before.map_or(0, |it| it.version).checked_add(1)?,
            made_at: at,
            seal_version: before.map_or(1, |it| it.seal_version),
            sealed_at: before.map_or(at, |it| it.sealed_at),
            sealed,
        };
        let file = File { format: FORMAT.into(), key: Some(sealed), records, ..self.file.clone() };
        Self { key, cipher, file }.checked(nonces)
    }

    /// The same with its data key sealed by another key, as `sealed`. `None` for one of the first format.
    pub(crate) fn resealed(&self, sealed: Vec<u8>, now: Timestamp, nonces: ChangeNonces) -> Option<Self> {
        let before = self.file.key.as_ref()?;
        let seal_version = before.seal_version.checked_add(1)?;
        let key = SealedKey { seal_version, sealed_at: now.micros(), sealed, ..before.clone() };
        let file = File { key: Some(key), ..self.file.clone() };
        Self { key: self.key.clone(), cipher: self.key.cipher()?, file }.checked(nonces)
    }

    /// Whether it is of the first format, in which the vault's key sealed each secret itself.
    pub(crate) fn is_of_first_format(&self) -> bool {
        self.file.key.is_none()
    }

    /// The data key as it is sealed; `None` in the first format.
    pub(crate) fn sealed_key(&self) -> Option<&[u8]> {
        self.file.key.as_ref().map(|key| &*key.sealed)
    }

    /// Whether it is of an earlier data key, or seal of that, than `other`.
    pub(crate) fn is_older_than(&self, other: &Self) -> bool {
        let versions = |it: &Self| it.file.key.as_ref().map_or((0, 0), |key| (key.version, key.seal_version));
        let ((key, seal), (other_key, other_seal)) = (versions(self), versions(other));
        self.file.id == other.file.id && (key < other_key || seal < other_seal)
    }

    /// What the data key is sealed for.
    pub(crate) fn key_place(&self) -> Vec<u8> {
        key_place(&self.file.id)
    }

    /// The data key.
    pub(crate) fn key(&self) -> &DataKey {
        &self.key
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

    /// Which data key it is, and by which vault's key that is sealed.
    pub(crate) fn keys(&self) -> Vec<Listed> {
        let Some(key) = &self.file.key else { return Vec::new() };
        let of = |name, version, at| {
            let name = Name::internal(name).ok()?;
            Some(Listed { name, version, changed_at: Timestamp(at) })
        };
        let keys =
            [of("data-key", key.version, key.made_at), of("vault-key", key.seal_version, key.sealed_at)];
        keys.into_iter().flatten().collect()
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

impl Sealed {
    /// Reads what should be a vault.
    pub(crate) fn read(json: &[u8]) -> Result<Self, Corrupt> {
        let file: File = serde_json::from_slice(json).map_err(|_| Corrupt::Malformed)?;
        match (&*file.format, &file.key) {
            (FORMAT, Some(_)) | (FIRST_FORMAT, None) => Ok(Self(file)),
            (FORMAT, None) | (FIRST_FORMAT, Some(_)) => Err(Corrupt::Malformed),
            _ => Err(Corrupt::Format),
        }
    }

    /// The data key as it is sealed, and the place that it is sealed for; `None` in the first format.
    pub(crate) fn key(&self) -> Option<(&[u8], Vec<u8>)> {
        let key = self.0.key.as_ref()?;
        Some((&key.sealed, key_place(&self.0.id)))
    }

    /// Whether this is its data key.
    pub(crate) fn is_under(&self, key: &DataKey) -> bool {
        let place = check_place(&self.0.id);
        key.cipher().is_some_and(|cipher| record::open(&cipher, &place, &self.0.check).is_some())
    }

    /// Makes sure that it is a vault, under this data key, unchanged.
    pub(crate) fn open(self, key: DataKey) -> Result<Document, Corrupt> {
        let Self(file) = self;
        let cipher = key.cipher().ok_or(Corrupt::WrongKey)?;
        record::open(&cipher, &check_place(&file.id), &file.check).ok_or(Corrupt::WrongKey)?;
        record::open(&cipher, &file.whole(), &file.seal).ok_or(Corrupt::Tampered)?;
        if file.records.keys().any(|name| Name::any(name).is_err()) {
            return Err(Corrupt::Tampered);
        }
        Ok(Document { key, cipher, file })
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
        if let Some(key) = &self.key {
            part(&key.version.to_be_bytes());
            part(&key.made_at.to_be_bytes());
            part(&key.seal_version.to_be_bytes());
            part(&key.sealed_at.to_be_bytes());
            part(&key.sealed);
        }
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

/// What the data key of the vault with this id is sealed for.
pub(crate) fn key_place(id: &[u8]) -> Vec<u8> {
    [b"panguard-vault/2 data key\0", id].concat()
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
    let key = || DataKey::from(std::array::from_fn(|i| i as u8));
    if let Ok(document) = Sealed::read(data).and_then(|sealed| sealed.open(key())) {
        for listed in document.list() {
            assert!(document.get(&listed.name).is_ok(), "a record of an authentic file does not open");
        }
    }
}

const FORMAT: &str = "panguard-vault/2";

/// That of panguard before it had data keys.
const FIRST_FORMAT: &str = "panguard-vault/1";
