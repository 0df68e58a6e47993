mod contents;
mod disk;
mod keys;

use access::{Secret, Timestamp};

use crate::document::Document;
use crate::{MasterKey, Name};

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
    let mut document = Document::new(&key(0), [7; 16], [[250; 12], [251; 12]]).unwrap();
    for (n, (called, value)) in secrets.iter().enumerate() {
        let n = n as u8;
        document.set(&name(called), &secret(value), NOW, [[2 * n; 12], [2 * n + 1; 12]]).unwrap();
    }
    document
}

/// The secret as text, so that it can be compared.
pub(crate) fn shown(secret: Option<Secret>) -> Option<String> {
    secret.map(|secret| secret.expose_str().unwrap().to_owned())
}
