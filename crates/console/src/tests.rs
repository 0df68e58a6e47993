use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;

/// A console whose log is writable or not.
struct Console {
    address: std::net::SocketAddr,
    log_writable: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
}

async fn console() -> Console {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log_writable = Arc::new(AtomicBool::new(true));
    let seen = log_writable.clone();
    let log = Check::new("audit_log", move || match seen.load(Ordering::Relaxed) {
        true => Vec::new(),
        false => vec!["cannot be written".into()],
    });
    let checks = vec![Check::new("issuers", Vec::new), log];
    let state = Arc::new(State { metrics: Arc::new(proxy::Metrics::new()), checks });
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(listener, state, async { drop(stopped.await) }));
    Console { address, log_writable, stop, serving }
}

impl Console {
    /// Sends `request` and reads until the console closes.
    async fn says(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // It may have answered and closed before all was sent.
        let _ = socket.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, path: &str) -> String {
        self.says(&format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await
    }
}

#[tokio::test]
async fn health_is_that_it_answers() {
    assert!(console().await.get("/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn readiness_lists_what_is_not_ready() {
    let console = console().await;
    let ready = console.get("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    assert!(ready.ends_with(r#"{"ready":true,"not_ready":{}}"#), "{ready}");

    console.log_writable.store(false, Ordering::Relaxed);
    let not_ready = console.get("/readyz").await;
    assert!(not_ready.starts_with("HTTP/1.1 503 "), "{not_ready}");
    assert!(
        not_ready.ends_with(r#"{"ready":false,"not_ready":{"audit_log":["cannot be written"]}}"#),
        "{not_ready}"
    );
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let figures = console().await.get("/metrics").await;
    assert!(figures.contains("content-type: application/openmetrics-text; version=1.0.0"), "{figures}");
    assert!(figures.contains("panguard_sockets_open 0"), "{figures}");
    assert!(figures.ends_with("# EOF\n"), "{figures}");
}

#[tokio::test]
async fn nothing_else_is_answered() {
    let console = console().await;
    assert!(console.get("/").await.starts_with("HTTP/1.1 404 "));
    assert!(console.get("/healthz/../metrics").await.starts_with("HTTP/1.1 404 "));
    let posted =
        console.says("POST /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    assert!(posted.await.starts_with("HTTP/1.1 405 "));
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let console = console().await;
    let endless = format!("GET /healthz HTTP/1.1\r\nx: {}", "a".repeat(64 << 10));
    let answer = console.says(&endless).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn it_ends_when_told() {
    let console = console().await;
    console.stop.send(()).unwrap();
    console.serving.await.unwrap();
    assert!(TcpStream::connect(console.address).await.is_err());
}
