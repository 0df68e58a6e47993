use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

use super::{Guarded, IN_ITS_PLACE, Watch};

/// What comes of it without waiting.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    timeout(Duration::ZERO, future).await.ok()
}

#[tokio::test]
async fn what_is_refused_is_read_as_a_request_and_what_follows_it_is_read_away() {
    let (mut agent, socket) = duplex(1 << 20);
    let watch = Arc::new(Watch::default());
    let mut guarded = Guarded::new(socket, watch.clone());
    let mut read = vec![0; IN_ITS_PLACE.len()];
    agent.write_all(b"GET /x HTTP/1.1").await.unwrap();
    assert!(at_once(guarded.read(&mut read)).await.is_none());
    assert!(!watch.has_begun(), "half a head is none");
    agent.write_all(b"\r\n\r\nand more").await.unwrap();
    guarded.read_exact(&mut read).await.unwrap();
    assert_eq!(read, IN_ITS_PLACE);
    assert!(watch.has_begun());
    assert_eq!(watch.next().unwrap().rule, "there is no Host");
    agent.write_all(&[b'x'; 100_000]).await.unwrap();
    assert!(at_once(guarded.read(&mut read)).await.is_none());
    // All of it was taken, and the end of the agent is not that of the answer.
    at_once(agent.write_all(&vec![b'x'; 1 << 20])).await.expect("there is room again").unwrap();
    drop(agent);
    for _ in 0..100 {
        assert!(at_once(guarded.read(&mut read)).await.is_none());
    }
}

/// Whether the exchange of the first request is given up when the agent, having sent `all`, hangs up.
async fn is_given_up_after(all: &str) -> bool {
    let (mut agent, socket) = duplex(1 << 20);
    let (runs, gone) = tokio::sync::oneshot::channel::<()>();
    let runs = std::sync::Mutex::new(Some(runs));
    let service = hyper::service::service_fn(move |_| {
        let runs = runs.lock().unwrap().take();
        async move {
            // As a command that waits for people.
            std::future::pending::<()>().await;
            drop(runs);
            Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
        }
    });
    let guarded = hyper_util::rt::TokioIo::new(Guarded::new(socket, Arc::new(Watch::default())));
    tokio::spawn(async move {
        _ = hyper::server::conn::http1::Builder::new().serve_connection(guarded, service).await;
    });
    agent.write_all(all.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(agent);
    timeout(Duration::from_millis(500), gone).await.is_ok()
}

const REQUEST: &str = "DELETE /x HTTP/1.1\r\nHost: panguard\r\n\r\n";

#[tokio::test]
async fn a_request_whose_agent_hangs_up_is_given_up() {
    assert!(is_given_up_after(REQUEST).await);
    assert!(is_given_up_after(&format!("{REQUEST}GET")).await);
}

#[tokio::test]
#[ignore = "hyper sees no end behind a request that it has read ahead, so that what waits for people runs after its agent hung up"]
async fn a_request_whose_agent_hangs_up_behind_another_is_given_up() {
    assert!(is_given_up_after(&format!("{REQUEST}{REQUEST}")).await);
}
