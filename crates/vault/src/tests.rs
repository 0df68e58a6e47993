mod contents;
mod disk;
mod keys;

use access::{Secret, Timestamp};

use crate::document::{Document, Sealed, key_place};
use crate::{Corrupt, DataKey, KeySeal, MasterKey, Name};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

pub(crate) fn key(seed: u8) -> MasterKey {
    MasterKey::generate(std::array::from_fn(|i| seed.wrapping_add(i as u8)))
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

/// A document with these secrets under `key(0)`, its nonces counted up.
pub(crate) fn document(secrets: &[(&str, &str)]) -> Document {
    let sealed = key(0).seal(&data_key(), &key_place(&[7; 16])).unwrap();
    let mut document = Document::new(data_key(), sealed, [7; 16], NOW, [[250; 12], [251; 12]]).unwrap();
    for (n, (called, value)) in secrets.iter().enumerate() {
        let n = n as u8;
        document.set(&name(called), &secret(value), NOW, [[2 * n; 12], [2 * n + 1; 12]]).unwrap();
    }
    document
}

pub(crate) fn data_key() -> DataKey {
    DataKey::from(std::array::from_fn(|i| 100 + i as u8))
}

/// The vault in a file, whose data key `key` opens.
pub(crate) fn parse(json: &[u8], key: &MasterKey) -> Result<Document, Corrupt> {
    let sealed = Sealed::read(json)?;
    let data_key = match sealed.key() {
        Some((sealed, place)) => key.unseal(sealed, &place).map_err(|_| Corrupt::WrongKey)?,
        None => key.first().unwrap(),
    };
    sealed.open(data_key)
}

/// The secret as text, so that it can be compared.
pub(crate) fn shown(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose_str().unwrap().to_owned())
}
