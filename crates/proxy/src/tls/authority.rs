//! panguard's own certificate authority: for the hosts that are connections, and for no others.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::{Secret, Timestamp};
use aws_lc_rs::digest;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SerialNumber,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;
use vault::{Name, NameError, Vault, VaultError};

use super::provider;
use crate::random;

/// Signs certificates by which agents believe that they speak with the hosts that they name in a forward proxy's tunnels.
///
/// There is one key, sealed in the vault, and a root certificate of it that is good for the hosts that are connections
/// (RFC 5280 §4.2.1.10). Where these change there is another root certificate, of the same key and name: whoever believes
/// an old one believes panguard for the hosts of then, and for no other until they take the new one. An unconstrained root
/// with constrained ones below it would spare them that, and would be worth everything to whoever got at its key.
pub struct Authority {
    key: KeyPair,
    /// Of all leaves. Of this process alone.
    leaf_key: KeyPair,
    leaves: Mutex<HashMap<Box<str>, Leaf>>,
}

/// How one host is answered for.
struct Leaf {
    config: Arc<ServerConfig>,
    /// When another is made.
    until: Timestamp,
}

/// An authority that cannot sign. Names no key.
#[derive(Debug, Error)]
pub enum NoAuthority {
    /// Its key cannot be had.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be set up with it.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl From<random::NoRandomness> for NoAuthority {
    fn from(_: random::NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl Authority {
    /// The authority whose key `vault` holds, which is made if there is none yet.
    ///
    /// # Errors
    /// [`NoAuthority`].
    pub fn of(vault: &Vault, now: Timestamp) -> Result<Self, NoAuthority> {
        let fresh = || {
            let key = KeyPair::generate().map_err(|_| VaultError::Cryptography)?;
            Ok(Secret::from(key.serialize_der()))
        };
        let key = vault.get_or_create(&Name::internal(KEY_NAME)?, now, fresh)?;
        let key = KeyPair::try_from(key.expose())?;
        Ok(Self { key, leaf_key: KeyPair::generate()?, leaves: Mutex::default() })
    }

    /// Names the key: what is the same in every root certificate of it.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &self.key.subject_public_key_info());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A root certificate for `hosts` (names, and addresses without brackets), in PEM, good for [`ROOT_LIFETIME`].
    ///
    /// # Errors
    /// [`NoAuthority`].
    pub fn root(&self, hosts: &BTreeSet<Box<str>>, now: Timestamp) -> Result<String, NoAuthority> {
        let mut root = CertificateParams::default();
        root.distinguished_name = name();
        let now = since_epoch(now);
        root.not_before = rcgen::date_time_ymd(1970, 1, 1) + now.saturating_sub(BEFORE);
        root.not_after = rcgen::date_time_ymd(1970, 1, 1) + now + ROOT_LIFETIME;
        root.serial_number = Some(serial()?);
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        root.name_constraints = Some(constraints(hosts));
        Ok(root.self_signed(&self.key)?.pem())
    }

    /// How `host` is answered for in TLS.
    ///
    /// # Errors
    /// [`NoAuthority`].
    pub(crate) fn answering(&self, host: &str, now: Timestamp) -> Result<Arc<ServerConfig>, NoAuthority> {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(host).filter(|leaf| now < leaf.until) {
            return Ok(leaf.config.clone());
        }
        leaves.retain(|_, leaf| now < leaf.until);
        let config = self.leaf(host, now)?;
        let until = Timestamp(now.0.saturating_add(micros(LEAF_LIFETIME / 2)));
        leaves.insert(host.into(), Leaf { config: config.clone(), until });
        Ok(config)
    }

    fn leaf(&self, host: &str, now: Timestamp) -> Result<Arc<ServerConfig>, NoAuthority> {
        let mut leaf = CertificateParams::new(vec![host.to_owned()])?;
        leaf.distinguished_name = name();
        let now = since_epoch(now);
        leaf.not_before = rcgen::date_time_ymd(1970, 1, 1) + now.saturating_sub(BEFORE);
        leaf.not_after = rcgen::date_time_ymd(1970, 1, 1) + now + LEAF_LIFETIME;
        leaf.serial_number = Some(serial()?);
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        let mut root = CertificateParams::default();
        root.distinguished_name = name();
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = Issuer::from_params(&root, &self.key);
        let certificate = leaf.signed_by(&self.leaf_key, &issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// What the root is good for: these, and no name or address beside them. Of a name it is good for those below it too, since
/// that is how RFC 5280 has it; leaves are never made for those.
fn constraints(hosts: &BTreeSet<Box<str>>) -> NameConstraints {
    let mut names: Vec<GeneralSubtree> = hosts
        .iter()
        .filter(|host| host.parse::<IpAddr>().is_err())
        .map(|host| GeneralSubtree::DnsName(host.to_string()))
        .collect();
    if names.is_empty() {
        // A sort of name of which nothing is said is not constrained. This is no host (RFC 6761 §6.4).
        names.push(GeneralSubtree::DnsName("invalid".to_owned()));
    }
    let addresses: Vec<GeneralSubtree> = hosts
        .iter()
        .filter_map(|host| host.parse().ok())
        .map(|ip| GeneralSubtree::IpAddress(one(ip)))
        .collect();
    let excluded_subtrees = match addresses.is_empty() {
        true => vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
        false => Vec::new(),
    };
    NameConstraints { permitted_subtrees: [names, addresses].concat(), excluded_subtrees }
}

fn one(ip: IpAddr) -> CidrSubnet {
    match ip {
        IpAddr::V4(ip) => CidrSubnet::V4(ip.octets(), [255; 4]),
        IpAddr::V6(ip) => CidrSubnet::V6(ip.octets(), [255; 16]),
    }
}

/// The same for all certificates: chains are found by it.
fn name() -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "panguard");
    name.push(DnType::OrganizationalUnitName, "for connections alone");
    name
}

/// 20 bytes, of which the first bit is none (RFC 5280 §4.1.2.2).
fn serial() -> Result<SerialNumber, NoAuthority> {
    let mut bytes = random::bytes::<20>()?;
    bytes.iter_mut().take(1).for_each(|byte| *byte = *byte & 0x7f | 0x40);
    Ok(SerialNumber::from_slice(&bytes))
}

fn since_epoch(now: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(now.0 / 1_000_000).unwrap_or(0))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The key's name in the vault.
const KEY_NAME: &str = "authority";
/// How long a root certificate holds. As long as any that browsers take of a server.
pub const ROOT_LIFETIME: Duration = Duration::from_secs(397 * 86_400);
/// How long a host's certificate holds; one is made anew after half of it.
const LEAF_LIFETIME: Duration = Duration::from_secs(86_400);
/// Clocks differ.
const BEFORE: Duration = Duration::from_secs(3_600);
