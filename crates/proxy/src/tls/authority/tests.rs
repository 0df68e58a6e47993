use tokio::io::duplex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::tls::{Trust, certificates, fetching};

fn now() -> Timestamp {
    crate::clock::now()
}

fn authority() -> (tempfile::TempDir, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let key = vault::MasterKey::from_bytes(Secret::from((1..=32).collect::<Vec<u8>>())).unwrap();
    let vault = Vault::open(&folder.path().join("vault.json"), key, access::Timestamp(0)).unwrap();
    let authority = Authority::of(&vault, now()).unwrap();
    assert_eq!(authority.fingerprint(), Authority::of(&vault, now()).unwrap().fingerprint(), "one key");
    assert!(vault.list().unwrap().is_empty(), "it is nobody's but panguard's");
    (folder, authority)
}

fn hosts(all: &[&str]) -> BTreeSet<Box<str>> {
    all.iter().map(|host| Box::from(*host)).collect()
}

/// Whether whoever believes the root for `good_for` believes that they speak with `host`.
async fn believes(authority: &Authority, good_for: &[&str], host: &str) -> bool {
    let root = authority.root(&hosts(good_for), now()).unwrap();
    let trust = Trust::Only(certificates(root.as_bytes()).unwrap());
    let client = Arc::new(fetching(&trust).unwrap());
    let server = authority.answering(host, now()).unwrap();
    let (near, far) = duplex(1 << 16);
    tokio::spawn(async move { TlsAcceptor::from(server).accept(far).await.map(drop) });
    TlsConnector::from(client).connect(host.to_owned().try_into().unwrap(), near).await.is_ok()
}

#[tokio::test]
async fn a_root_is_good_for_the_hosts_it_names_and_no_others() {
    let (_folder, authority) = authority();
    let all = ["api.example.com", "127.0.0.1", "::1"];
    for host in all {
        assert!(believes(&authority, &all, host).await, "{host}");
    }
    for other in ["example.com", "api.example.com.evil.test", "other.example.com", "127.0.0.2", "::2"] {
        assert!(!believes(&authority, &all, other).await, "{other}");
    }
    assert!(
        !believes(&authority, &["api.example.com"], "127.0.0.1").await,
        "no address where only names are"
    );
    assert!(!believes(&authority, &["api.example.com"], "::1").await);
    assert!(
        !believes(&authority, &["127.0.0.1"], "api.example.com").await,
        "no name where only addresses are"
    );
}

#[tokio::test]
async fn an_old_root_stays_good_for_what_it_was_and_nothing_else() {
    let (_folder, authority) = authority();
    assert!(believes(&authority, &["old.example.com"], "old.example.com").await);
    assert!(!believes(&authority, &["old.example.com"], "new.example.com").await);
    assert!(believes(&authority, &["old.example.com", "new.example.com"], "new.example.com").await);
}

#[tokio::test]
async fn no_other_authority_is_believed() {
    let (_folder, ours) = authority();
    let (_other_folder, theirs) = authority();
    let root = theirs.root(&hosts(&["api.example.com"]), now()).unwrap();
    let trust = Trust::Only(certificates(root.as_bytes()).unwrap());
    let server = ours.answering("api.example.com", now()).unwrap();
    let (near, far) = duplex(1 << 16);
    tokio::spawn(async move { TlsAcceptor::from(server).accept(far).await.map(drop) });
    let client = Arc::new(fetching(&trust).unwrap());
    assert!(TlsConnector::from(client).connect("api.example.com".try_into().unwrap(), near).await.is_err());
}

#[test]
fn a_hosts_certificate_is_made_anew_when_half_its_time_is_over() {
    let (_folder, authority) = authority();
    let now = now();
    let at = |seconds: i64| authority.answering("a.test", Timestamp(now.0 + seconds * 1_000_000)).unwrap();
    let first = at(0);
    assert!(Arc::ptr_eq(&first, &at(12 * 3600 - 1)));
    assert!(!Arc::ptr_eq(&first, &at(12 * 3600)));
}
