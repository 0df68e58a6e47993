//! TLS on both sides, on aws-lc-rs by name: what the process has installed as its default does not matter.

mod authority;
mod binding;
mod chain;
mod holder;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use thiserror::Error;

pub use authority::{Authority, NoAuthority, ROOT_LIFETIME};
pub(crate) use binding::tls_server_end_point;
use chain::ChainVerifier;
use holder::Holder;
pub use shown::{ClientCertificate, ClientKey};
pub(crate) use shown::{NotShown, Shown};

/// TLS that cannot be set up. Names no key.
#[derive(Debug, Error)]
pub enum TlsError {
    /// No certificate where there should be one.
    #[error("the certificate file is not PEM with at least one certificate")]
    Certificate,
    /// No key where there should be one.
    #[error("the key file is not PEM with one unencrypted private key")]
    Key,
    /// They cannot be used.
    #[error("the certificate and key cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
    /// There is nothing to verify certificates by.
    #[error("there are no usable root certificates: {0}")]
    Roots(String),
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trust {
    /// Those that the machine believes.
    #[default]
    Platform,
    /// These authorities' alone.
    Only(Vec<CertificateDer<'static>>),
    /// The machine's and these.
    PlatformAnd(Vec<CertificateDer<'static>>),
}

/// Which part of an upstream's certificate is verified (libpq's words). There is no mode that encrypts and
/// verifies nothing: whoever is in the middle would get the credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verify {
    /// Who issued it, and that it is for the host that is dialled.
    #[default]
    Full,
    /// Who issued it. For authorities that issue for this upstream alone.
    Ca,
}

/// The certificates in a PEM file.
///
/// # Errors
/// [`TlsError::Certificate`] if there is none, or one cannot be read.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Certificate)
}

/// How a listener does TLS: 1.2 and 1.3, by a certificate chain (the server's own first) and its key, both PEM. Where clients are
/// `asked` for certificates they may show one, for tokens that are bound to it.
///
/// # Errors
/// [`TlsError`].
pub fn listening(certificate_pem: &[u8], key_pem: &[u8], asked: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| TlsError::Key)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| match asked {
            true => {
                builder.with_client_cert_verifier(Arc::new(Holder(provider()))).with_single_cert(chain, key)
            }
            false => builder.with_no_client_auth().with_single_cert(chain, key),
        })
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// How TLS is done with an upstream. Equal when it verifies alike.
#[derive(Clone)]
pub struct UpstreamTls {
    trust: Trust,
    verify: Verify,
    pub(crate) config: Arc<ClientConfig>,
}

impl UpstreamTls {
    /// TLS 1.2 and 1.3 with an upstream PostgreSQL whose certificate is verified so.
    ///
    /// # Errors
    /// [`TlsError::Roots`].
    pub fn new(trust: Trust, verify: Verify) -> Result<Self, TlsError> {
        let mut config = client(&trust, verify)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { trust, verify, config: Arc::new(config) })
    }
}

impl PartialEq for UpstreamTls {
    fn eq(&self, other: &Self) -> bool {
        self.trust == other.trust && self.verify == other.verify
    }
}

/// How a server is spoken to that is no upstream: an issuer, or a collector.
///
/// # Errors
/// [`TlsError::Roots`].
pub fn fetching(trust: &Trust) -> Result<ClientConfig, TlsError> {
    client(trust, Verify::Full)
}

/// How an HTTPS server is spoken to that is shown a certificate, if it asks for one.
///
/// # Errors
/// [`TlsError::Roots`].
pub(crate) fn fetching_as(trust: &Trust, shown: Option<Arc<Shown>>) -> Result<ClientConfig, TlsError> {
    let mut config = fetching(trust)?;
    if let Some(shown) = shown {
        config.client_auth_cert_resolver = shown;
    }
    Ok(config)
}

/// How a server is spoken to that has no business with TLS: no certificate is believed.
pub(crate) fn fetching_in_plain_text() -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// PostgreSQL's protocol id for ALPN, which direct TLS requires (§55.2.10).
pub(crate) const ALPN: &[u8] = b"postgresql";

fn client(trust: &Trust, verify: Verify) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let verifier: Arc<dyn rustls::client::danger::ServerCertVerifier> = match (trust, verify) {
        (Trust::Only(authorities), Verify::Full) => webpki(authorities)?,
        (Trust::Only(authorities), Verify::Ca) => Arc::new(ChainVerifier(webpki(authorities)?)),
        (Trust::Platform | Trust::PlatformAnd(_), Verify::Ca) => {
            return Err(TlsError::Roots(
                "without a check of the host, give the authority that issues for this upstream alone".into(),
            ));
        }
        (Trust::Platform, Verify::Full) => platform(&[])?,
        (Trust::PlatformAnd(more), Verify::Full) => platform(more)?,
    };
    // "Dangerous" is any verifier that is not made from a root store here; these verify as much or, by
    // configuration, all but the name.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn webpki(authorities: &[CertificateDer<'static>]) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| TlsError::Roots(error.to_string()))?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| TlsError::Roots(error.to_string()))
}

fn platform(more: &[CertificateDer<'static>]) -> Result<Arc<rustls_platform_verifier::Verifier>, TlsError> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(more.iter().cloned(), provider())
        .map(Arc::new)
        .map_err(|error| TlsError::Roots(error.to_string()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
