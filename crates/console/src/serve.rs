use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::{State, api};

/// Answers on `listener` until `shutdown` is ready; then lets what is being answered end, for 5 seconds.
pub async fn serve(listener: TcpListener, state: Arc<State>, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let mut answering = JoinSet::new();
    let places = Arc::new(Semaphore::new(SOCKETS_MAX));
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = answering.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, from)) => {
                // One too many is closed without a word: whoever comes here tries again.
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                let state = state.clone();
                answering.spawn(async move {
                    let _place = place;
                    connection(socket, from, state).await;
                });
            }
            Err(error) => {
                warn!(%error, "console cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let _ = timeout(SHUTDOWN_TIME_MAX, async { while answering.join_next().await.is_some() {} }).await;
}

async fn connection(socket: TcpStream, from: SocketAddr, state: Arc<State>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let state = state.clone();
        async move {
            let path = request.uri().path().to_owned();
            if let Some(way) = api::notice::way(&path) {
                return Ok(api::notice::answer(request, way, from, &state).await);
            }
            Ok::<_, Infallible>(match (api::hook::channel(&path), path.starts_with("/api/")) {
                (Some(channel), _) => api::hook::answer(request, channel, from, &state).await,
                (None, true) => api::answer(request, from, &state).await,
                (None, false) => answer(&request, &state),
            })
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .keep_alive(true)
        .serve_connection(TokioIo::new(socket), answer);
    match timeout(CONNECTION_TIME_MAX, served).await {
        Ok(Ok(())) | Err(_) => {}
        Ok(Err(error)) => debug!(%error, "console connection broke"),
    }
}

fn answer(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    let page: fn(&State) -> Response<Full<Bytes>> = match request.uri().path() {
        "/healthz" => |_| text(StatusCode::OK, TEXT, "ok\n"),
        "/readyz" => readyz,
        "/metrics" => metrics,
        _ => {
            return text(
                StatusCode::NOT_FOUND,
                TEXT,
                "there is /healthz, /readyz, /metrics, /api/requests and /api/access\n",
            );
        }
    };
    match *request.method() {
        Method::GET | Method::HEAD => page(state),
        _ => {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            refused
        }
    }
}

fn readyz(state: &State) -> Response<Full<Bytes>> {
    let mut not_ready = serde_json::Map::new();
    for check in &state.checks {
        let missing = (check.not_ready)();
        if !missing.is_empty() {
            not_ready.insert(check.name.into(), json!(missing));
        }
    }
    let ready = not_ready.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, JSON, json!({ "ready": ready, "not_ready": not_ready }).to_string())
}

fn metrics(state: &State) -> Response<Full<Bytes>> {
    match state.metrics.encode() {
        Ok(figures) => text(StatusCode::OK, OPEN_METRICS, figures),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the figures cannot be written\n"),
    }
}

/// An answer that is kept nowhere, and is what it says it is.
pub(crate) fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Probes and scrapers are few, and so are those who answer for a gateway's agents.
const SOCKETS_MAX: usize = 64;
const HEADERS_MAX: usize = 64;
/// A token that names hundreds of groups fits.
const HEADER_BYTES_MAX: usize = 32 << 10;
const HEADER_TIME_MAX: Duration = Duration::from_secs(5);
/// However busy a connection is kept, it makes place for others in the end.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(300);
const SHUTDOWN_TIME_MAX: Duration = Duration::from_secs(5);
/// Out of file descriptors, say: trying at once again would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
