use access::SessionId;
use tokio::sync::mpsc;

use super::*;
use crate::stand_in::{StandInVault, message, name, packet, read_message, sign_in, upstream};
use crate::tls::{Trust, UpstreamTls, Verify};

#[tokio::test]
async fn panguard_signs_in_with_the_vaults_password() {
    let (seen, mut passwords) = mpsc::unbounded_channel();
    let target = upstream(move |mut socket| {
        let seen = seen.clone();
        async move {
            seen.send(sign_in(&mut socket).await).unwrap();
            read_message(&mut socket).await;
        }
    })
    .await;
    let dialled = target.dial(&StandInVault::new().vault, Vec::new()).await.ok().unwrap();
    assert_eq!(dialled.ready.parameters, [("server_version".into(), "18.1".into())]);
    assert_eq!((dialled.ready.process_id, &*dialled.ready.key), (42, &[0, 0, 0, 7][..]));
    assert_eq!(passwords.recv().await.unwrap(), b"hunter2\0");
}

#[tokio::test]
async fn a_credential_that_is_not_in_the_vault_is_named_to_the_operator_alone() {
    let mut target = upstream(|_| async {}).await;
    target.password = name("other-db");
    let error = target.dial(&StandInVault::new().vault, Vec::new()).await.err().unwrap();
    assert!(error.to_string().contains("other-db"), "{error}");
    assert!(!error.refusal(SessionId(1).request(0)).detail.contains("other"), "told to the agent");
}

#[tokio::test]
async fn a_server_without_tls_gets_no_credential_when_tls_is_asked_for() {
    let (seen, mut after) = mpsc::unbounded_channel();
    let mut target = upstream(move |mut socket| {
        let seen = seen.clone();
        async move {
            packet(&mut socket).await;
            socket.write_all(b"N").await.unwrap();
            let mut rest = Vec::new();
            socket.read_to_end(&mut rest).await.unwrap();
            seen.send(rest).unwrap();
        }
    })
    .await;
    let roots = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    target.tls = Some(UpstreamTls::new(Trust::Only(vec![roots.cert.der().clone()]), Verify::Full).unwrap());
    let error = target.dial(&StandInVault::new().vault, Vec::new()).await.err().unwrap();
    assert!(matches!(error, DialError::NoTls), "{error}");
    assert!(after.recv().await.unwrap().is_empty(), "something was sent in plain text");
}

#[tokio::test]
async fn a_server_that_says_no_is_told_to_the_operator_in_its_words_and_to_the_agent_in_ours() {
    let target = upstream(|mut socket| async move {
        packet(&mut socket).await;
        let error = message(b'E', b"SFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0\0");
        socket.write_all(&error).await.unwrap();
    })
    .await;
    let error = target.dial(&StandInVault::new().vault, Vec::new()).await.err().unwrap();
    assert!(error.to_string().contains("\"app\""), "{error}");
    let refusal = error.refusal(SessionId(1).request(0));
    assert_eq!(refusal.code, Code::UpstreamUnavailable);
    assert!(!refusal.detail.contains("app"), "{}", refusal.detail);
}

#[tokio::test]
async fn a_server_that_closes_or_talks_nonsense_is_an_error() {
    let vault = StandInVault::new();
    let closes = upstream(|mut socket| async move { drop(packet(&mut socket).await) }).await;
    let error = closes.dial(&vault.vault, Vec::new()).await.err().unwrap();
    assert!(matches!(error, DialError::Closed | DialError::Broke(_)), "{error}");
    let nonsense = upstream(|mut socket| async move {
        packet(&mut socket).await;
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    })
    .await;
    let error = nonsense.dial(&vault.vault, Vec::new()).await.err().unwrap();
    assert!(matches!(error, DialError::Failure(Failure::Violation(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_late() {
    let silent = upstream(|socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let error = silent.dial(&StandInVault::new().vault, Vec::new()).await.err().unwrap();
    assert!(matches!(error, DialError::Late), "{error}");
}

#[tokio::test]
async fn a_cancel_request_carries_the_upstreams_key_and_nothing_else() {
    let (seen, mut packets) = mpsc::unbounded_channel();
    let target = upstream(move |mut socket| {
        let seen = seen.clone();
        async move { seen.send(packet(&mut socket).await).unwrap() }
    })
    .await;
    target.cancel(42, &[0, 0, 0, 7]).await.unwrap();
    assert_eq!(packets.recv().await.unwrap(), [4, 210, 22, 46, 0, 0, 0, 42, 0, 0, 0, 7]);
}
