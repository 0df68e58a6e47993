use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use identity::{AgentRule, Match};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// An issuer on loopback, with one key for each name it publishes.
struct Idp {
    address: String,
    published: Arc<Mutex<Vec<&'static str>>>,
    fetches: Arc<AtomicUsize>,
}

impl Idp {
    async fn start(published: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(published.to_vec()));
        let fetches = Arc::new(AtomicUsize::new(0));
        let idp = Self { address: address.clone(), published: published.clone(), fetches: fetches.clone() };
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let count = socket.read(&mut request).await.unwrap();
                let body = if request[..count].starts_with(b"GET /.well-known/openid-configuration ") {
                    format!(r#"{{"issuer":"{address}","jwks_uri":"{address}/jwks"}}"#)
                } else {
                    fetches.fetch_add(1, Ordering::Relaxed);
                    key_set(&published.lock().unwrap())
                };
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = socket.write_all([head, body].concat().as_bytes()).await;
            }
        });
        idp
    }

    fn issuer(&self) -> Issuer {
        let rule = AgentRule::new("azp".parse().unwrap(), Match::Present).unwrap();
        Issuer::new(&self.address, ["panguard"], rule).unwrap()
    }

    fn watch(&self) -> Issuers {
        Issuers::watch(vec![(self.issuer(), Trust::Platform)], None).unwrap()
    }

    /// A token that the key of this name has signed.
    fn token(&self, kid: &str) -> String {
        let now = now().micros() / 1_000_000;
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#);
        let claims = format!(
            r#"{{"iss":"{}","aud":"panguard","sub":"s","azp":"agent-1","exp":{}}}"#,
            self.address,
            now + 60
        );
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = key(kid).sign(signed.as_bytes());
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

fn key(kid: &str) -> Ed25519KeyPair {
    let mut seed = [7; 32];
    seed[..kid.len()].copy_from_slice(kid.as_bytes());
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
}

fn key_set(published: &[&str]) -> String {
    let keys: Vec<String> = published
        .iter()
        .map(|kid| {
            let x = BASE64.encode(key(kid).public_key());
            format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}"#)
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[tokio::test]
async fn a_token_is_verified_as_soon_as_the_keys_are_there() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    let principal = issuers.identify(&idp.token("old")).await.unwrap();
    assert_eq!(&*principal.id, "agent-1");
    assert!(issuers.not_ready().is_empty());
}

#[tokio::test]
async fn a_key_published_since_is_fetched_when_a_token_names_it() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    issuers.identify(&idp.token("old")).await.unwrap();
    idp.published.lock().unwrap().push("new");
    issuers.identify(&idp.token("new")).await.unwrap();
}

#[tokio::test]
async fn made_up_key_names_do_not_make_the_issuer_be_asked_each_time() {
    let idp = Idp::start(&["old"]).await;
    let issuers = idp.watch();
    issuers.identify(&idp.token("old")).await.unwrap();
    for n in 0..50 {
        let refused = issuers.identify(&idp.token(&format!("made-up-{n}"))).await;
        assert_eq!(refused, Err(Unidentified::Untrusted(Untrusted::UnknownKey)));
    }
    // The first, and the allowance for unknown keys.
    assert_eq!(idp.fetches.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_is_not_believed() {
    let (ours, theirs) = (Idp::start(&["old"]).await, Idp::start(&["old"]).await);
    let refused = ours.watch().identify(&theirs.token("old")).await;
    assert_eq!(refused, Err(Unidentified::Untrusted(Untrusted::UnknownIssuer)));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_named_as_not_ready_and_lets_nobody_in() {
    let mut idp = Idp::start(&["old"]).await;
    // A port that was free a moment ago, and on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    idp.address = format!("http://{free}");
    let issuers = idp.watch();
    assert_eq!(issuers.identify(&idp.token("old")).await, Err(Unidentified::NoKeys));
    assert_eq!(issuers.not_ready(), [idp.address.as_str().into()]);
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_an_issuer_that_stays() {
    let idp = Idp::start(&["old"]).await;
    let before = idp.watch();
    before.identify(&idp.token("old")).await.unwrap();
    let after = Issuers::watch(vec![(idp.issuer(), Trust::Platform)], Some(&before)).unwrap();
    drop(before);
    assert!(after.not_ready().is_empty());
    idp.published.lock().unwrap().push("new");
    after.identify(&idp.token("new")).await.unwrap();
    assert_eq!(idp.fetches.load(Ordering::Relaxed), 2);
}
