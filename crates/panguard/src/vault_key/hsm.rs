//! A key in an HSM, by PKCS #11 (CKM_AES_GCM): it never leaves that.

use access::Secret;
use anyhow::{Context, bail};
use aws_lc_rs::rand;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use vault::{DataKey, KeySeal, NotUnsealed};

use super::{of_place, placed, secret_text};
use crate::config;

/// An HSM's key, for each use of which a session is opened.
pub struct Hsm {
    library: Pkcs11,
    slot: Slot,
    config: config::Pkcs11,
}

impl Hsm {
    /// Opens the library, and looks for the token and the key.
    ///
    /// # Errors
    /// They are not there.
    pub fn open(config: &config::Pkcs11) -> anyhow::Result<Self> {
        let module = config.module.display();
        let library = Pkcs11::new(&config.module)
            .with_context(|| format!("the HSM's library `{module}` cannot be used"))?;
        match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => bail!("the HSM's library `{module}` does not start: {error}"),
        }
        let slots = library.get_slots_with_token().context("the HSM does not say which tokens there are")?;
        let is_meant = |slot: &Slot| {
            library.get_token_info(*slot).is_ok_and(|token| token.label().trim_end() == config.token)
        };
        let slot = slots.into_iter().find(is_meant);
        let slot = slot.with_context(|| format!("the HSM has no token `{}`", config.token))?;
        let hsm = Self { library, slot, config: config.clone() };
        let session = hsm.session().map_err(anyhow::Error::msg)?;
        hsm.key(&session).map_err(anyhow::Error::msg)?;
        drop(session);
        Ok(hsm)
    }

    fn session(&self) -> Result<Session, String> {
        let pin = secret_text(&self.config.pin_file, "the HSM's PIN")?;
        let pin = AuthPin::from(pin.expose_str().ok_or("the HSM's PIN is no text")?.to_owned());
        let session = self.library.open_ro_session(self.slot).map_err(|error| said(&error))?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(session),
            Err(error) => Err(said(&error)),
        }
    }

    fn key(&self, session: &Session) -> Result<ObjectHandle, String> {
        let wanted = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::Label(self.config.key.clone().into_bytes()),
        ];
        let found = session.find_objects(&wanted).map_err(|error| said(&error))?;
        match found.as_slice() {
            [key] => Ok(*key),
            [] => Err(format!("the HSM's token `{}` has no key `{}`", self.config.token, self.config.key)),
            _ => {
                Err(format!("the HSM's token `{}` has several keys `{}`", self.config.token, self.config.key))
            }
        }
    }

    fn sealed(&self, plain: &Secret) -> Result<Vec<u8>, String> {
        let session = self.session()?;
        let key = self.key(&session)?;
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| "the system has no randomness")?;
        let gcm = GcmParams::new(&mut nonce, &[], TAG_BITS.into()).map_err(|error| said(&error))?;
        let encrypted = session.encrypt(&Mechanism::AesGcm(gcm), key, plain.expose());
        let encrypted = encrypted.map_err(|error| said(&error))?;
        // An HSM may have put one of its own there.
        Ok([&nonce[..], &encrypted].concat())
    }

    /// `None`: another key sealed it.
    fn opened(&self, sealed: &[u8]) -> Result<Option<Secret>, String> {
        let Some((nonce, rest)) = sealed.split_first_chunk::<NONCE_BYTES>() else { return Ok(None) };
        let session = self.session()?;
        let key = self.key(&session)?;
        let mut nonce = *nonce;
        let gcm = GcmParams::new(&mut nonce, &[], TAG_BITS.into()).map_err(|error| said(&error))?;
        match session.decrypt(&Mechanism::AesGcm(gcm), key, rest) {
            Ok(plain) => Ok(Some(Secret::from(plain))),
            // What a library says of a tag that is wrong: each another thing.
            Err(Error::Pkcs11(
                RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
                | RvError::DataInvalid
                | RvError::GeneralError,
                _,
            )) => Ok(None),
            Err(error) => Err(said(&error)),
        }
    }
}

impl KeySeal for Hsm {
    fn seal(&self, key: &DataKey, place: &[u8]) -> Result<Vec<u8>, NotUnsealed> {
        self.sealed(&placed(key, place)).map_err(|why| NotUnsealed::Away(why.into()))
    }

    fn unseal(&self, sealed: &[u8], place: &[u8]) -> Result<DataKey, NotUnsealed> {
        let opened = self.opened(sealed).map_err(|why| NotUnsealed::Away(why.into()))?;
        of_place(&opened.ok_or(NotUnsealed::WrongKey)?, place)
    }
}

fn said(error: &Error) -> String {
    format!("the HSM says: {error}")
}

const NONCE_BYTES: usize = 12;
const TAG_BITS: std::ffi::c_ulong = 128;
