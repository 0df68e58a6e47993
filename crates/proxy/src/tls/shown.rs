//! What panguard shows to upstreams that ask for a certificate (mutual TLS).

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use access::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tracing::warn;
use vault::{Vault, VaultError};

use super::{TlsError, certificates, provider};

/// A certificate of panguard's own, and where its key is.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: ClientKey,
}

/// Where the key of a certificate is.
#[derive(Clone)]
pub enum ClientKey {
    /// Here, as PEM.
    Pem(Secret),
    /// In the vault under this name, as PEM.
    Vault(vault::Name),
}

/// A certificate that cannot be shown. Names no key.
#[derive(Debug, Error)]
pub(crate) enum NotShown {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault holds no secret of the name `{0}`: add it with `panguard secrets set {0}`")]
    Missing(vault::Name),
    #[error("the client certificate cannot be used: {0}")]
    Unusable(#[from] TlsError),
}

impl ClientCertificate {
    /// A certificate with those that stand between it and its authority, its own first, as PEM.
    ///
    /// # Errors
    /// [`TlsError`]: it is none, or the key is not its own. A key in the vault is looked at when it is used.
    pub fn new(certificate_pem: &[u8], key: ClientKey) -> Result<Self, TlsError> {
        let chain = certificates(certificate_pem)?;
        if let ClientKey::Pem(key) = &key {
            certified(&chain, key)?;
        }
        Ok(Self { chain, key })
    }

    /// Tells it from another, and says nothing of its key.
    pub fn version(&self) -> String {
        let chain = self.chain.iter().flat_map(|certificate| certificate.as_ref()).copied();
        let key = match &self.key {
            ClientKey::Pem(key) => digest(&SHA256, key.expose()).as_ref().to_vec(),
            ClientKey::Vault(name) => name.as_str().into(),
        };
        let both: Vec<u8> = chain.chain(key).collect();
        digest(&SHA256, &both).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A certificate as it is shown, by the key of the moment.
pub(crate) struct Shown {
    certificate: ClientCertificate,
    vault: Arc<Vault>,
    /// With what was made of it last.
    made: Mutex<Option<(Secret, Arc<CertifiedKey>)>>,
}

impl Shown {
    pub(crate) fn new(certificate: ClientCertificate, vault: Arc<Vault>) -> Self {
        Self { certificate, vault, made: Mutex::default() }
    }

    /// The certificate with its key.
    pub(crate) fn current(&self) -> Result<Arc<CertifiedKey>, NotShown> {
        let key = match &self.certificate.key {
            ClientKey::Pem(key) => key.clone(),
            ClientKey::Vault(name) => self.vault.get(name)?.ok_or_else(|| NotShown::Missing(name.clone()))?,
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, certified)) = made.as_ref().filter(|(of, _)| of.expose() == key.expose()) {
            return Ok(certified.clone());
        }
        let certified = Arc::new(certified(&self.certificate.chain, &key)?);
        *made = Some((key, certified.clone()));
        Ok(certified)
    }
}

fn certified(chain: &[CertificateDer<'static>], key: &Secret) -> Result<CertifiedKey, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| TlsError::Key)?;
    let key = provider().key_provider.load_private_key(key).map_err(TlsError::Unusable)?;
    let certified = CertifiedKey::new(chain.to_vec(), key);
    certified.keys_match().map_err(TlsError::Unusable)?;
    Ok(certified)
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let certified = self.current();
        if let Err(error) = &certified {
            warn!(%error, "no client certificate is shown");
        }
        certified.ok().filter(|it| it.key.choose_scheme(schemes).is_some())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown of {} certificates", self.certificate.chain.len())
    }
}
