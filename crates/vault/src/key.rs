use access::Secret;
use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// The key under which a vault's secrets are sealed: 256 random bits, kept outside the data directory.
pub struct MasterKey(Zeroizing<[u8; 32]>);

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

    /// The cipher of this key. aws-lc wipes its own copy.
    pub(crate) fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &*self.0).ok().map(LessSafeKey::new)
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
