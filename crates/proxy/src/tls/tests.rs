use ::aws_lc_rs::digest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SignatureAlgorithm};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> Vec<CertificateDer<'static>> {
        vec![self.0.der().clone()]
    }

    fn server(&self, host: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        listening(certificate.pem().as_bytes(), key.serialize_pem().as_bytes(), false).unwrap()
    }
}

fn dialling(trust: Trust, verify: Verify) -> Arc<ClientConfig> {
    UpstreamTls::new(trust, verify).unwrap().config
}

/// A handshake as for a server that is dialled as `db.example.com`.
async fn shake(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> Result<Vec<u8>, std::io::Error> {
    let (near, far) = duplex(1 << 16);
    let serving = tokio::spawn(async move {
        let mut stream = TlsAcceptor::from(server).accept(far).await?;
        stream.write_all(b"hello").await?;
        stream.shutdown().await
    });
    let name = "db.example.com".try_into().unwrap();
    let mut stream = TlsConnector::from(client).connect(name, near).await?;
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).await?;
    assert_eq!(greeting, "hello");
    serving.await.unwrap()?;
    Ok(stream.get_ref().1.alpn_protocol().unwrap().to_vec())
}

#[tokio::test]
async fn a_certificate_of_the_trusted_authority_for_this_host_is_accepted() {
    let authority = Authority::new();
    let client = dialling(Trust::Only(authority.certificate()), Verify::Full);
    assert_eq!(shake(authority.server("db.example.com"), client).await.unwrap(), ALPN);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_unless_only_the_issuer_counts() {
    let authority = Authority::new();
    let trust = Trust::Only(authority.certificate());
    let other = authority.server("other.example.com");
    assert!(shake(other.clone(), dialling(trust.clone(), Verify::Full)).await.is_err());
    assert!(shake(other, dialling(trust.clone(), Verify::Ca)).await.is_ok());
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_in_every_mode() {
    let trust = Trust::Only(Authority::new().certificate());
    for verify in [Verify::Full, Verify::Ca] {
        let client = dialling(trust.clone(), verify);
        assert!(shake(Authority::new().server("db.example.com"), client).await.is_err());
        let client = dialling(trust.clone(), verify);
        assert!(shake(Authority::new().server("other.example.com"), client).await.is_err());
    }
}

#[test]
fn the_machines_authorities_are_no_proof_without_the_host() {
    assert!(matches!(UpstreamTls::new(Trust::Platform, Verify::Ca), Err(TlsError::Roots(_))));
}

#[test]
fn files_without_certificate_or_key_are_named() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    assert!(matches!(listening(b"", key.as_bytes(), false), Err(TlsError::Certificate)));
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    assert!(matches!(listening(certificate.as_bytes(), b"nothing", false), Err(TlsError::Key)));
    assert!(matches!(listening(certificate.as_bytes(), key.as_bytes(), false), Err(TlsError::Unusable(_))));
}

#[test]
fn the_channel_binding_is_the_certificates_hash_by_its_signatures_hash() {
    let binding = |algorithm: &'static SignatureAlgorithm| {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let of = |hash| digest::digest(hash, certificate.der()).as_ref().to_vec();
        (tls_server_end_point(certificate.der()), of(&digest::SHA256), of(&digest::SHA384))
    };
    let (bound, sha256, _) = binding(&rcgen::PKCS_ECDSA_P256_SHA256);
    assert_eq!(bound, Some(sha256));
    let (bound, _, sha384) = binding(&rcgen::PKCS_ECDSA_P384_SHA384);
    assert_eq!(bound, Some(sha384));
    let (bound, ..) = binding(&rcgen::PKCS_ED25519);
    assert_eq!(bound, None);
}

#[test]
fn the_channel_binding_of_nonsense_is_none() {
    for der in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x05\x00", &[0xff; 64]] {
        assert_eq!(tls_server_end_point(der), None);
    }
}
