use access::Timestamp;
use rcgen::{CertifiedKey as Issued, KeyPair, generate_simple_self_signed};
use vault::MasterKey;

use super::*;

fn issued() -> Issued<KeyPair> {
    generate_simple_self_signed(["panguard.test".to_owned()]).unwrap()
}

fn pem(issued: &Issued<KeyPair>) -> (Vec<u8>, Secret) {
    (issued.cert.pem().into_bytes(), Secret::from(issued.signing_key.serialize_pem()))
}

fn vault(folder: &tempfile::TempDir) -> Arc<Vault> {
    Arc::new(
        Vault::open(&folder.path().join("vault.json"), MasterKey::generate([7; 32]), access::Timestamp(0))
            .unwrap(),
    )
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let ((certificate, key), (_, other)) = (pem(&issued()), pem(&issued()));
    assert!(ClientCertificate::new(&certificate, ClientKey::Pem(key)).is_ok());
    let mixed = ClientCertificate::new(&certificate, ClientKey::Pem(other));
    assert!(matches!(mixed.err(), Some(TlsError::Unusable(_))));
    let nothing = ClientCertificate::new(b"nothing", ClientKey::Pem(Secret::from(Vec::new())));
    assert!(matches!(nothing.err(), Some(TlsError::Certificate)));
}

#[test]
fn a_key_in_the_vault_is_the_one_of_the_moment() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let (issued, name): (_, vault::Name) = (issued(), "upstream-key".parse().unwrap());
    let (certificate, key) = pem(&issued);
    let certificate = ClientCertificate::new(&certificate, ClientKey::Vault(name.clone())).unwrap();
    let shown = Shown::new(certificate, vault.clone());
    let missing = shown.current().err().unwrap().to_string();
    assert!(missing.contains("panguard secrets set upstream-key"), "{missing}");
    vault.set(&name, &key, Timestamp(0)).unwrap();
    let first = shown.current().unwrap();
    assert!(Arc::ptr_eq(&first, &shown.current().unwrap()), "it is made once");
    let (_, other) = pem(&self::issued());
    vault.set(&name, &other, Timestamp(0)).unwrap();
    assert!(matches!(shown.current(), Err(NotShown::Unusable(_))), "not the old one");
}

#[test]
fn another_certificate_or_key_is_another_version_which_holds_neither() {
    let (one, two) = (pem(&issued()), pem(&issued()));
    let version = |(certificate, key): &(Vec<u8>, Secret)| {
        ClientCertificate::new(certificate, ClientKey::Pem(key.clone())).unwrap().version()
    };
    assert_eq!(version(&one), version(&one));
    assert_ne!(version(&one), version(&two));
    assert_eq!(version(&one).len(), 64);
}
