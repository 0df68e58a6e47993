//! What stands in for an upstream, a vault and an issuer in tests.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use access::{Secret, Timestamp};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use identity::{AgentRule, Issuer, Match};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vault::{MasterKey, Name, Vault};

use crate::dial::Target;

/// A vault that holds the password `hunter2` by the name of `db`.
pub(crate) struct StandInVault {
    pub(crate) vault: Arc<Vault>,
    _dir: TempDir,
}

impl StandInVault {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let vault =
            Vault::open(&dir.path().join("vault.json"), MasterKey::generate([3; 32]), access::Timestamp(0))
                .unwrap();
        vault.set(&name("db"), &Secret::from(String::from("hunter2")), Timestamp::default()).unwrap();
        Self { vault: Arc::new(vault), _dir: dir }
    }
}

pub(crate) fn name(name: &str) -> Name {
    name.parse().unwrap()
}

/// Starts a server on loopback that plays `script` on every connection.
pub(crate) async fn upstream<F>(script: impl Fn(TcpStream) -> F + Send + 'static) -> Target
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(script(socket));
        }
    });
    Target {
        host: "127.0.0.1".into(),
        port,
        tls: None,
        database: "payments".into(),
        user: "app".into(),
        password: name("db"),
    }
}

/// One message: its tag, its length and `body`.
pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], &length[..], body].concat()
}

/// Reads a packet without a tag.
pub(crate) async fn packet(socket: &mut TcpStream) -> Vec<u8> {
    let length = socket.read_u32().await.unwrap() as usize;
    let mut body = vec![0; length - 4];
    socket.read_exact(&mut body).await.unwrap();
    body
}

/// Reads a message; `None` at the end of the stream.
pub(crate) async fn read_message(socket: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let tag = socket.read_u8().await.ok()?;
    Some((tag, packet(socket).await))
}

/// Signs a client in by its clear-text password, as PostgreSQL would, and returns the password.
pub(crate) async fn sign_in(socket: &mut TcpStream) -> Vec<u8> {
    packet(socket).await;
    socket.write_all(&message(b'R', &3u32.to_be_bytes())).await.unwrap();
    let (_, password) = read_message(socket).await.unwrap();
    let ready = [
        message(b'R', &0u32.to_be_bytes()),
        message(b'S', b"server_version\x0018.1\0"),
        message(b'K', b"\0\0\0\x2a\0\0\0\x07"),
        message(b'Z', b"I"),
    ];
    socket.write_all(&ready.concat()).await.unwrap();
    password
}

/// An issuer on loopback, with one key for each name it publishes.
pub(crate) struct Idp {
    pub(crate) address: String,
    pub(crate) published: Arc<Mutex<Vec<&'static str>>>,
    pub(crate) fetches: Arc<AtomicUsize>,
}

impl Idp {
    pub(crate) async fn start(published: &[&'static str]) -> Self {
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

    pub(crate) fn issuer(&self) -> Issuer {
        let rule = AgentRule::new("azp".parse().unwrap(), Match::Present).unwrap();
        Issuer::new(&self.address, ["panguard"], rule).unwrap()
    }

    /// A token that the key of this name has signed.
    pub(crate) fn token(&self, kid: &str) -> String {
        let now = crate::clock::now().micros() / 1_000_000;
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

/// The rows that [`sql::Catalog::QUERY`] gives for `tables` of the schema `public`, from oid 20,000 on.
pub(crate) fn catalog_answer(tables: &[&str]) -> Vec<u8> {
    let mut answer = message(b'T', &6u16.to_be_bytes());
    for (index, table) in tables.iter().enumerate() {
        let oid = (20_000 + index).to_string();
        answer.extend(row(&["relation", &oid, "", "r", "public", table]));
    }
    answer.extend(message(b'C', b"SELECT 1\0"));
    answer.extend(message(b'Z', b"I"));
    answer
}

/// A DataRow; an empty text is NULL.
pub(crate) fn row(columns: &[&str]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for column in columns {
        match *column {
            "" => body.extend((-1i32).to_be_bytes()),
            text => {
                body.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                body.extend(text.as_bytes());
            }
        }
    }
    message(b'D', &body)
}
