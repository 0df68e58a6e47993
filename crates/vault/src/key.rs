use access::Secret;
use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::record::{self, NonceBytes};

/// The key under which a vault's data key is sealed: 256 random bits, kept outside the data directory.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// The key under which a vault's secrets are sealed: 256 random bits, in the vault, sealed itself.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

/// What seals data keys: a key that stays where it is.
pub trait KeySeal: Send + Sync {
    /// Seals a data key for a place.
    ///
    /// # Errors
    /// [`NotUnsealed::Away`].
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed>;

    /// The data key that was sealed for this place.
    ///
    /// # Errors
    /// [`NotUnsealed`].
    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed>;

    /// Whether somebody else is asked for it, so that it may take its time.
    fn is_elsewhere(&self) -> bool {
        true
    }

    /// The data key of vaults of the first format, which were sealed with the vault's key itself; `None` where that is no such key.
    fn first(&self) -> Option<DataKey> {
        None
    }
}

impl KeySeal for Box<dyn KeySeal> {
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        (**self).seal(key, place)
    }

    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed> {
        (**self).unseal(sealed, place)
    }

    fn is_elsewhere(&self) -> bool {
        (**self).is_elsewhere()
    }

    fn first(&self) -> Option<DataKey> {
        (**self).first()
    }
}

/// A data key that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotUnsealed {
    /// It was not sealed by this key, or for another place.
    #[error("the key is not the one it was sealed with")]
    WrongKey,
    /// Whatever has the key cannot be asked; why, for operators.
    #[error("{0}")]
    Away(Box<str>),
}

/// A master key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Neither 32 bytes nor text for 32 bytes.
    #[error(
        "the vault's key must be 32 random bytes, as they are, in base64 or in hex (`openssl rand -base64 32`)"
    )]
    Form,
    /// 32 characters of text: somebody's passphrase, or hex for half a key.
    #[error(
        "the vault's key is text of 32 characters, not 32 random bytes (make one with `openssl rand -base64 32`)"
    )]
    Text,
    /// The same byte over and over.
    #[error("the vault's key is not random (make one with `openssl rand -base64 32`)")]
    NotRandom,
}

impl MasterKey {
    /// A new key from `random` bytes.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads a key: 32 bytes, or 32 bytes in base64 (either alphabet, padding optional) or hex, white space
    /// at the end ignored.
    ///
    /// # Errors
    /// [`KeyError`]. 32 printable characters are refused, since 32 random bytes never look like that.
    pub fn from_bytes(secret: Secret) -> Result<Self, KeyError> {
        let bytes = secret.expose();
        let key = match <[u8; 32]>::try_from(bytes) {
            Ok(raw) if raw.iter().all(|byte| byte.is_ascii_graphic()) => return Err(KeyError::Text),
            Ok(raw) => Zeroizing::new(raw),
            Err(_) => from_text(bytes.trim_ascii_end()).ok_or(KeyError::Form)?,
        };
        if key.iter().all(|byte| Some(byte) == key.first()) {
            return Err(KeyError::NotRandom);
        }
        Ok(Self(key))
    }

    /// The key as a line of base64, to be written where only panguard reads it.
    pub fn to_text(&self) -> Secret {
        let mut text = STANDARD.encode(*self.0);
        text.push('\n');
        Secret::from(text)
    }
}

impl KeySeal for MasterKey {
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        let mut nonce = NonceBytes::default();
        let sealed = rand::fill(&mut nonce).ok().and_then(|()| {
            let cipher = DataKey(self.0.clone()).cipher()?;
            record::seal(&cipher, place, &*key.0, nonce)
        });
        sealed.ok_or_else(|| NotUnsealed::Away("the system's cryptography failed".into()))
    }

    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed> {
        let cipher = DataKey(self.0.clone()).cipher().ok_or(NotUnsealed::WrongKey)?;
        let opened = record::open(&cipher, place, sealed).ok_or(NotUnsealed::WrongKey)?;
        DataKey::read(&opened).ok_or(NotUnsealed::WrongKey)
    }

    fn is_elsewhere(&self) -> bool {
        false
    }

    fn first(&self) -> Option<DataKey> {
        Some(DataKey(self.0.clone()))
    }
}

impl DataKey {
    /// Reads one that was unsealed elsewhere.
    pub fn read(bytes: &Secret) -> Option<Self> {
        <[u8; 32]>::try_from(bytes.expose()).ok().map(Self::from)
    }

    /// A new one. `None` if the system has no randomness.
    pub(crate) fn fresh() -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(&mut *key).ok()?;
        Some(Self(key))
    }

    /// Its bytes, to be sealed elsewhere.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The cipher of this key. aws-lc wipes its own copy.
    pub(crate) fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &*self.0).ok().map(LessSafeKey::new)
    }
}

impl From<[u8; 32]> for DataKey {
    fn from(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }
}

/// Reads 32 bytes in hex or base64.
fn from_text(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
            let digits =
                str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        return Some(key);
    }
    // The engine writes whole groups, so the buffer is a little longer than the key.
    let mut buffer = Zeroizing::new([0; 48]);
    let length = [&alphabet::STANDARD, &alphabet::URL_SAFE].into_iter().find_map(|alphabet| {
        let engine = GeneralPurpose::new(alphabet, LENIENT_PADDING);
        (text.len() <= 44).then(|| engine.decode_slice(text, buffer.as_mut_slice()).ok()).flatten()
    })?;
    key.copy_from_slice(buffer.get(..length)?.first_chunk::<32>().filter(|_| length == 32)?);
    buffer.zeroize();
    Some(key)
}

const LENIENT_PADDING: GeneralPurposeConfig =
    engine::GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
