//! What stands in for an upstream and a vault in tests.

use std::future::Future;
use std::sync::Arc;

use access::{Secret, Timestamp};
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
        let vault = Vault::open(&dir.path().join("vault.json"), MasterKey::generate([3; 32])).unwrap();
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
