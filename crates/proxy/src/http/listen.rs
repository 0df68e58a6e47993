use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};

use super::caller::{Caller, Next, Within};
use super::guarded::{Guarded, Watch};
use crate::presence::AgentSocket;
use crate::serve::Gateway;
use crate::stream::{Stream, prepare};

/// Accepts agents until `shutdown` is ready; then lets what runs end for as long as the limits say.
pub(crate) async fn run(gateway: &Arc<Gateway>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let mut sockets = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let (stop, stopping) = watch::channel(Stopping::No);
    let mut sweep = interval(SWEEP_EVERY);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = sockets.join_next() => continue,
            _ = sweep.tick() => {
                gateway.https().end_idle(&gateway.settings.gate);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let Ok(place) = gateway.places.clone().try_acquire_owned() else {
                    warn!(%peer, "all sessions are in use, an agent was dropped");
                    continue;
                };
                sockets.spawn(hear(gateway.clone(), socket, peer, place, stopping.clone()));
            }
            Err(error) => {
                // Out of file descriptors, say: trying again at once would only spin.
                warn!(%error, "cannot accept");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(Stopping::Ending);
    let drain = async { while sockets.join_next().await.is_some() {} };
    if timeout(gateway.settings.limits.shutdown_time, drain).await.is_err() {
        warn!(sockets = sockets.len(), "requests still running are given up");
        stop.send_replace(Stopping::Ended);
        let _ = timeout(CLOSE_TIME_MAX, async { while sockets.join_next().await.is_some() {} }).await;
    }
    sockets.shutdown().await;
    gateway.https().end_all(&gateway.settings.gate, "the gateway is shutting down");
}

/// How far the end of the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    No,
    /// What runs may end.
    Ending,
    /// Nothing may run any more.
    Ended,
}

/// Hears one socket to its end.
async fn hear(
    gateway: Arc<Gateway>,
    socket: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    stopping: watch::Receiver<Stopping>,
) {
    let startup = gateway.settings.limits.startup_time;
    let Ok(Some((stream, here))) = timeout(startup, open(&gateway, socket, peer)).await else { return };
    let from: Box<str> = peer.ip().to_canonical().to_string().into();
    let socket = AgentSocket::of(stream.socket());
    let certificate = stream.certificate();
    serve(Heard { gateway, from, here, certificate, within: None, socket }, stream, stopping).await;
    drop(place);
}

/// Whom a stream comes from, and what it is within.
struct Heard {
    gateway: Arc<Gateway>,
    from: Box<str>,
    /// By which address the gateway was reached.
    here: SocketAddr,
    /// The thumbprint of the certificate that was shown there.
    certificate: Option<Box<str>>,
    within: Option<Within>,
    socket: AgentSocket,
}

/// Serves the requests of one stream, and then what it has become by the last of them. Within a tunnel that is another such
/// stream, which is why this is boxed.
fn serve<S>(heard: Heard, stream: S, mut stopping: watch::Receiver<Stopping>) -> Serving
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Box::pin(async move {
        let watch = Arc::new(Watch::default());
        // Each exchange listens to this while it runs, and so it is known how many do.
        let (given_up, giving_up) = watch::channel(false);
        let Heard { gateway, from, here, certificate, within, socket } = heard;
        let caller = Caller::new(
            gateway.clone(),
            from.clone(),
            (here, certificate.clone()),
            within,
            socket.clone(),
            watch.clone(),
            giving_up,
        );
        let caller = Arc::new(caller);
        let service = {
            let caller = caller.clone();
            service_fn(move |request| {
                let caller = caller.clone();
                async move { caller.answer(request).await.ok_or(Gone) }
            })
        };
        let startup = gateway.settings.limits.startup_time;
        let builder = builder(startup);
        let guarded = TokioIo::new(Guarded::new(stream, watch.clone()));
        let mut served = pin!(builder.serve_connection_with_upgrades(guarded, service));
        // hyper times heads, but only those of HTTP/1, and only once it has been given something to read.
        let mut late = pin!(sleep(startup));
        let mut waits = true;
        let (mut asked, mut idle) = (0, 0);
        let mut ending = false;
        loop {
            // Also where it was said before this stream began, as one within another.
            match *stopping.borrow_and_update() {
                Stopping::Ending if !ending => {
                    ending = true;
                    served.as_mut().graceful_shutdown();
                }
                Stopping::No | Stopping::Ending => {}
                Stopping::Ended => drop(given_up.send_replace(true)),
            }
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%error, "an agent's connection broke");
                    }
                    break;
                }
                () = late.as_mut(), if waits => {
                    if !watch.has_begun() {
                        debug!("an agent did not ask for anything in time");
                        break;
                    }
                    waits = watch.is_h2();
                    late.as_mut().reset(Instant::now() + startup);
                    let runs = given_up.receiver_count() > 1;
                    idle = if watch.served() == asked && !runs { idle + 1 } else { 0 };
                    asked = watch.served();
                    match idle {
                        0 => {}
                        1 => served.as_mut().graceful_shutdown(),
                        2..IDLE_MAX => {}
                        IDLE_MAX.. => break,
                    }
                }
                Ok(()) = stopping.changed() => {}
            }
        }
        match caller.next() {
            None => {}
            Some(Next::Tunnel(tunnel, upgrade)) => {
                let heard = Heard { gateway, from, here, certificate, within: Some(tunnel.within), socket };
                let Ok(inner) = upgrade.await else { return };
                go_through(heard, tunnel.tls, TokioIo::new(inner), stopping).await;
            }
            Some(Next::Socket(socket, upgrade)) => {
                let ending = async move {
                    let _ = stopping.wait_for(|stopping| *stopping != Stopping::No).await;
                };
                // An agent that goes before its socket opens has had an exchange all the same.
                match upgrade.await {
                    Ok(agent) => socket.run(TokioIo::new(agent), ending).await,
                    Err(error) => debug!(%error, "an agent went before its socket was open"),
                }
            }
        }
    })
}

/// Serves what comes through a tunnel, by TLS where the server that was asked for speaks it.
async fn go_through(
    heard: Heard,
    tls: Option<Arc<ServerConfig>>,
    stream: TokioIo<Upgraded>,
    stopping: watch::Receiver<Stopping>,
) {
    let startup = heard.gateway.settings.limits.startup_time;
    let Some(config) = tls else { return serve(heard, stream, stopping).await };
    match timeout(startup, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => serve(heard, stream, stopping).await,
        Ok(Err(error)) => {
            // Most often an agent that does not believe panguard's authority.
            info!(from = &*heard.from, %error, "no TLS came about in a tunnel");
        }
        Err(_) => debug!(from = &*heard.from, "no TLS came about in a tunnel in time"),
    }
}

fn builder(startup: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(startup)
        .max_buf_size(wire_http::HEAD_BYTES_MAX * 2)
        .max_headers(HEADERS_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX_H2)
        .keep_alive_interval(Some(KEEP_ALIVE_EVERY));
    builder
}

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The answer cannot be given: its head never came. hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the exchange ended without an answer")]
struct Gone;

/// Looks at the first byte to tell TLS from plain text, which is spoken on loopback alone.
async fn open(gateway: &Gateway, socket: TcpStream, peer: SocketAddr) -> Option<(Stream, SocketAddr)> {
    prepare(&socket).ok()?;
    let here = socket.local_addr().ok()?;
    let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let plain_allowed = is_loopback(peer) && is_loopback(here);
    let mut first = [0; 1];
    if socket.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first == [TLS_HANDSHAKE] {
        let config = gateway.tls()?;
        return TlsAcceptor::from(speaking_http(&config))
            .accept(socket)
            .await
            .ok()
            .map(|stream| (Stream::Server(Box::new(stream)), here));
    }
    if !plain_allowed {
        let mut socket = socket;
        let _ = socket.write_all(PLAIN_TEXT_REFUSED).await;
        return None;
    }
    Some((Stream::Plain(socket), here))
}

fn speaking_http(config: &Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The first byte of TLS (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;
const PLAIN_TEXT_REFUSED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade, close\r\nContent-Type: text/plain\r\nContent-Length: 53\r\n\r\nplain text is refused off loopback; use https instead";
const HEADERS_MAX: usize = 130;
const HEAD_BYTES_MAX_H2: u32 = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
/// For how many times what a header may take a connection of HTTP/2 is kept on which nothing is asked, once it has been told
/// to go: it may be slow to take its last answer.
const IDLE_MAX: u32 = 30;
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(60);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A little more than what the last words may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(6);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
