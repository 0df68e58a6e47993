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
