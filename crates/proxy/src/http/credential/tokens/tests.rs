use std::sync::atomic::{AtomicUsize, Ordering};

use access::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vault::MasterKey;

use super::*;
use crate::http::credential::ClientAuth;

/// An authorization server that gives each answer once, and the last for ever, and what it was sent.
struct Server {
    address: String,
    asked: Arc<AtomicUsize>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/token", listener.local_addr().unwrap());
        let answers: Vec<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).into())).collect();
        let (asked, bodies) = (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<Vec<String>>>::default());
        let (counts, kept) = (asked.clone(), bodies.clone());
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                loop {
                    let mut bytes = [0; 4096];
                    let read = socket.read(&mut bytes).await.unwrap();
                    request.extend_from_slice(&bytes[..read]);
                    let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                    if body.len() >= length.parse().unwrap() {
                        break;
                    }
                }
                let number = counts.fetch_add(1, Ordering::Relaxed);
                let text = String::from_utf8(request).unwrap();
                kept.lock().unwrap().push(text.split_once("\r\n\r\n").unwrap().1.to_owned());
                let (status, body) = &answers[number.min(answers.len() - 1)];
                let answer = format!(
                    "HTTP/1.1 {status} It\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                socket.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, asked, bodies }
    }

    fn tokens(&self, vault: &Arc<Vault>, grant: Grant) -> Tokens {
        let config = OAuth2 {
            token_url: self.address.parse().unwrap(),
            client_id: "panguard".into(),
            client_secret: Some("idp".parse().unwrap()),
            auth: ClientAuth::Post,
            grant,
            scope: None,
            audience: None,
        };
        let turns = Arc::default();
        Tokens::start(config, &Trust::Platform, "billing".into(), vault.clone(), turns).unwrap()
    }
}

fn vault(secrets: &[(&str, &str)]) -> (TempDir, Arc<Vault>) {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::generate([7; 32]);
    let vault = Vault::open(&folder.path().join("vault.json"), key, access::Timestamp(0)).unwrap();
    for (name, value) in secrets {
        vault.set(&name.parse().unwrap(), &Secret::from((*value).to_owned()), Timestamp(0)).unwrap();
    }
    (folder, Arc::new(vault))
}

fn refresh() -> Grant {
    Grant::Refresh("refresh".parse().unwrap())
}

#[tokio::test]
async fn many_who_want_a_token_at_once_wait_for_one_fetch() {
    let server =
        Server::start(&[(200, r#"{"access_token":"at-1","token_type":"Bearer","expires_in":3600}"#)]).await;
    let (_folder, vault) = vault(&[("idp", "client-secret")]);
    let tokens = Arc::new(server.tokens(&vault, Grant::ClientCredentials));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let tokens = tokens.clone();
        all.spawn(async move { tokens.get().await.unwrap().header.to_str().unwrap().to_owned() });
    }
    assert!(all.join_all().await.iter().all(|header| header == "Bearer at-1"));
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
    let token = tokens.get().await.unwrap();
    for secret in ["at-1-is-too-short", "client-secret"] {
        let hidden = token.echo.hide(secret.as_bytes()).is_some();
        assert_eq!(hidden, secret == "client-secret", "{secret}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_rotated_is_in_the_vault_before_its_access_token_is_lent() {
    let server = Server::start(&[
        (200, r#"{"access_token":"at-1","expires_in":3600,"refresh_token":"r-2"}"#),
        (200, r#"{"access_token":"at-2","expires_in":3600}"#),
    ])
    .await;
    let (_folder, vault) = vault(&[("idp", "client-secret"), ("refresh", "r-1")]);
    let tokens = server.tokens(&vault, refresh());
    let first = tokens.get().await.unwrap();
    let stored = vault.get(&"refresh".parse().unwrap()).unwrap().unwrap();
    assert_eq!(stored.expose(), b"r-2");
    tokens.rejected(&first);
    assert_eq!(tokens.get().await.unwrap().header, "Bearer at-2");
    let bodies = server.bodies.lock().unwrap();
    assert!(bodies[0].contains("refresh_token=r-1") && bodies[1].contains("refresh_token=r-2"), "{bodies:?}");
}

#[tokio::test]
async fn a_rotated_refresh_token_that_cannot_be_stored_lends_nothing_and_is_stored_later() {
    let server =
        Server::start(&[(200, r#"{"access_token":"at-1","expires_in":3600,"refresh_token":"r-2"}"#)]).await;
    let (folder, vault) = vault(&[("idp", "client-secret"), ("refresh", "r-1")]);
    // What stands where the new file would be written is a folder that is not empty.
    std::fs::create_dir_all(folder.path().join("vault.json.new/in-the-way")).unwrap();
    let tokens = server.tokens(&vault, refresh());
    assert!(matches!(tokens.get().await, Err(NoToken::None)));
    std::fs::remove_dir_all(folder.path().join("vault.json.new")).unwrap();
    let mut keeper = Keeper {
        config: OAuth2 { ..config_of(&server) },
        client: client(Some(&Trust::Platform)).unwrap(),
        connection: "billing".into(),
        vault: vault.clone(),
        turns: Arc::default(),
        unstored: Some((Secret::from("r-2".to_owned()), Secret::from("r-1".to_owned()))),
    };
    assert!(keeper.fetch().await.is_ok());
    assert_eq!(vault.get(&"refresh".parse().unwrap()).unwrap().unwrap().expose(), b"r-2");
    // An operator's own is newer.
    vault.set(&"refresh".parse().unwrap(), &Secret::from("r-9".to_owned()), Timestamp(0)).unwrap();
    keeper.unstored = Some((Secret::from("r-3".to_owned()), Secret::from("r-2".to_owned())));
    keeper.store_what_was_left(&"refresh".parse().unwrap()).await.unwrap();
    assert_eq!(vault.get(&"refresh".parse().unwrap()).unwrap().unwrap().expose(), b"r-9");
}

fn config_of(server: &Server) -> OAuth2 {
    OAuth2 {
        token_url: server.address.parse().unwrap(),
        client_id: "panguard".into(),
        client_secret: None,
        auth: ClientAuth::Basic,
        grant: refresh(),
        scope: None,
        audience: None,
    }
}

#[tokio::test]
async fn why_there_is_no_token_is_said_without_any_secret() {
    let server =
        Server::start(&[(400, r#"{"error":"invalid_grant","error_description":"r-1 is over"}"#)]).await;
    let (_folder, full) = vault(&[("idp", "client-secret"), ("refresh", "r-1")]);
    let tokens = server.tokens(&full, refresh());
    assert!(tokens.get().await.is_err());
    assert!(tokens.get().await.is_err(), "and at once: it waits a second before it asks again");
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
    let (_folder, empty) = vault(&[]);
    let mut keeper = Keeper {
        client: client(Some(&Trust::Platform)).unwrap(),
        config: config_of(&server),
        connection: "billing".into(),
        vault: empty,
        turns: Arc::default(),
        unstored: None,
    };
    let missing = keeper.fetch().await.err().unwrap().to_string();
    assert!(missing.contains("panguard secrets set refresh"), "{missing}");
    keeper.vault = full;
    let refused = keeper.fetch().await.err().unwrap().to_string();
    assert_eq!(refused, "the token endpoint answers 400 Bad Request (invalid_grant)");
}
