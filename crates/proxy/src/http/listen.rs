use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Admission, Code, Mode, Refusal, SessionId};
use bytes::Bytes;
use gate::{Stranger, TooMany};
use http::header::USER_AGENT;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, info, warn};
use wire_http::{Broken, Exchange, TurnedAway};

use super::Reachable;
use super::body::Sent;
use super::credential::Lent;
use super::door::{self, Place};
use super::drive::Drive;
use super::guarded::{Guarded, Watch};
use super::session::{Session, Token};
use crate::clock::now;
use crate::metrics::ConnectionMetrics;
use crate::random;
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
    mut stopping: watch::Receiver<Stopping>,
) {
    let startup = gateway.settings.limits.startup_time;
    let Ok(Some(stream)) = timeout(startup, open(&gateway, socket, peer)).await else { return };
    let watch = Arc::new(Watch::default());
    let (given_up, giving_up) = watch::channel(false);
    let caller = Caller {
        gateway: gateway.clone(),
        from: peer.ip().to_canonical().to_string().into(),
        watch: watch.clone(),
        giving_up,
    };
    let caller = Arc::new(caller);
    let service = service_fn(move |request| {
        let caller = caller.clone();
        async move { caller.answer(request).await.ok_or(Gone) }
    });
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
    let served = builder.serve_connection(TokioIo::new(Guarded::new(stream, watch)), service);
    let mut served = pin!(served);
    let mut ending = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    debug!(%error, "an agent's connection broke");
                }
                break;
            }
            Ok(_) = stopping.changed() => match *stopping.borrow_and_update() {
                Stopping::No => {}
                Stopping::Ending if ending => {}
                Stopping::Ending => {
                    ending = true;
                    served.as_mut().graceful_shutdown();
                }
                Stopping::Ended => {
                    given_up.send_replace(true);
                }
            },
        }
    }
    drop(place);
}

/// The answer cannot be given: its head never came. hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the exchange ended without an answer")]
struct Gone;

/// Looks at the first byte to tell TLS from plain text, which is spoken on loopback alone.
async fn open(gateway: &Gateway, socket: TcpStream, peer: SocketAddr) -> Option<Stream> {
    prepare(&socket).ok()?;
    let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let plain_allowed = is_loopback(peer) && is_loopback(socket.local_addr().ok()?);
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
            .map(|stream| Stream::Server(Box::new(stream)));
    }
    if !plain_allowed {
        let mut socket = socket;
        let _ = socket.write_all(PLAIN_TEXT_REFUSED).await;
        return None;
    }
    Some(Stream::Plain(socket))
}

fn speaking_http(config: &Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Who asks, on one socket.
struct Caller {
    gateway: Arc<Gateway>,
    from: Box<str>,
    watch: Arc<Watch>,
    giving_up: watch::Receiver<bool>,
}

impl Caller {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Option<Response<Sent>> {
        let broken = self.watch.next();
        match self.begin(request, broken).await {
            Ok(drive) => drive.answer().await,
            Err(refused) => Some(refused.map(|body| Sent::Whole(Some(body)))),
        }
    }

    /// The sequence of checks before an exchange: every refusal that comes of it is recorded before it is told.
    async fn begin(
        &self,
        request: Request<Incoming>,
        broken: Option<Broken>,
    ) -> Result<Drive, Response<Bytes>> {
        let gateway = &self.gateway;
        let Ok(id) = random::session_id() else { return Err(self.unnamed("no randomness for its name")) };
        if let Some(broken) = broken {
            let mut refusal = self.at_door(id, &request, "", broken.rule).await;
            (refusal.code, refusal.detail) = (Code::Malformed, broken.rule.into());
            self.refused(id, &refusal);
            return Err(wire_http::malformed(&refusal, broken.status));
        }
        let (reachable, name, prefix, target) = self.place(&request);
        let session = self.session(id, &request, reachable.as_ref(), &name).await;
        let (reachable, session) = session.map_err(|refusal| {
            self.refused(id, &refusal);
            wire_http::refusal(&refusal)
        })?;
        let Some((number, mut running)) = session.next(now()) else {
            return Err(self.unnamed("a session of too many requests"));
        };
        let (lent, turned_away) = match reachable.enter(&session.who, now()) {
            Ok(slot) => {
                running.keep(slot);
                lend(&reachable, &name).await
            }
            Err(too_many) => (Lent::default(), Some(turned_away(too_many))),
        };
        let settings = wire_http::Settings {
            connection: reachable.connection.lane.clone(),
            prefix,
            masker: gateway.settings.masker,
            now: now(),
            wanted: gateway.settings.gate.wanted(),
            echo: lent.echo.clone(),
            turned_away,
        };
        let (parts, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        let exchange = Exchange::open(settings, number, parts.method, &target, parts.headers, has_body);
        let (gate, closing) = (gateway.settings.gate.clone(), self.giving_up.clone());
        let agent = has_body.then_some(body);
        Ok(Drive::new(exchange, running, gate, reachable, lent, agent, closing))
    }

    /// Where the request goes: the connection, if there is one, the name that was asked for, what stands before its paths,
    /// and the target within it.
    fn place(&self, request: &Request<Incoming>) -> (Option<Arc<Reachable>>, Box<str>, Box<str>, String) {
        let https = self.gateway.https();
        match door::place(request, |host| https.at_host(host).is_some()) {
            Place::Named(name, target) => {
                let prefix = format!("/{name}").into();
                (https.named(&name), name.into(), prefix, target)
            }
            Place::Host(host, target) => {
                let reachable = https.at_host(&host);
                let name = reachable.as_ref().map_or(&*host, |it| &*it.connection.lane.name).into();
                (reachable, name, "".into(), target)
            }
            Place::Nowhere(why) => (None, why.into(), "".into(), "/".into()),
        }
    }

    /// The session of who asks.
    async fn session(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        reachable: Option<&Arc<Reachable>>,
        name: &str,
    ) -> Result<(Arc<Reachable>, Arc<Session>), Refusal> {
        let settings = &self.gateway.settings;
        let Some(token) = door::token(request.headers()) else {
            let mut refusal = self.at_door(id, request, name, "no token").await;
            refusal.detail = "there is no token".into();
            return Err(refusal);
        };
        let key = Token::of(token.expose(), &self.from);
        if let Some(reachable) = reachable
            && let Some(session) = reachable.session(&key)
        {
            return Ok((reachable.clone(), session));
        }
        let identified = match token.expose_str() {
            Some(token) => self.gateway.issuers().identify(token).await,
            None => Err(identity::Untrusted::Malformed.into()),
        };
        let principal = match identified {
            Ok(principal) => principal,
            Err(why) => {
                settings.metrics.not_authenticated(why.as_str());
                info!(session = %id, from = &*self.from, why = why.as_str(), "not identified");
                let mut refusal = self.at_door(id, request, name, &why.to_string()).await;
                refusal.detail = why.user_message().into();
                return Err(refusal);
            }
        };
        let admission = Admission {
            session: id,
            principal: Arc::new(principal),
            connection: name.into(),
            labels: Arc::default(),
            mode: Mode::default(),
            from: self.from.clone(),
            client: self.client(request),
        };
        let gate = &settings.gate;
        let Some(reachable) = reachable else {
            return Err(*gate.not_admitted(&admission, LANE, Code::UnknownConnection, "", now()).await);
        };
        let admission = reachable.admission(admission);
        if !reachable.has_room(gate) {
            let detail = "there are too many sessions on this connection";
            return Err(*gate.not_admitted(&admission, LANE, Code::LimitReached, detail, now()).await);
        }
        let admitted = gate.admit(&admission, LANE, now()).await.map_err(|refusal| *refusal)?;
        info!(session = %id, connection = name, principal = &*admission.principal.id, from = &*self.from, "session opened");
        let metrics = ConnectionMetrics::open(&settings.metrics, &reachable.connection.lane.name);
        let session = Session::new(admitted, metrics, now());
        Ok((reachable.clone(), reachable.keep(key, session, gate, now())))
    }

    /// Records that somebody was not let in, and gives what they are told.
    async fn at_door(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        connection: &str,
        why: &str,
    ) -> Refusal {
        let client = self.client(request);
        let stranger = Stranger {
            session: id,
            from: &self.from,
            client: &client,
            claimed_user: "",
            connection,
            lane: LANE,
        };
        *self.gateway.settings.gate.refused_at_door(stranger, why, now()).await
    }

    /// What the client calls itself, masked and not too long.
    fn client(&self, request: &Request<Incoming>) -> Box<str> {
        let named = request.headers().get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()));
        let name: String = named.unwrap_or_default().chars().take(CLIENT_CHARS_MAX).collect();
        match self.gateway.settings.masker.text(name.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked.bytes).into(),
            None => name.into(),
        }
    }

    fn refused(&self, id: SessionId, refusal: &Refusal) {
        self.gateway.settings.metrics.refused(refusal.code);
        info!(session = %id, from = &*self.from, code = %refusal.code, "refused at the door");
    }

    /// The answer to what cannot even be given a name.
    fn unnamed(&self, why: &'static str) -> Response<Bytes> {
        warn!(why, "a request was refused");
        wire_http::refusal(&refusal(Code::LimitReached, SessionId(0), why))
    }
}

/// The credential of the moment, or why the request is turned away without it.
async fn lend(reachable: &Reachable, name: &str) -> (Lent, Option<TurnedAway>) {
    match reachable.client.lend().await {
        Ok(lent) => (lent, None),
        Err(error) => {
            warn!(connection = name, %error, "no credential");
            let detail = "panguard has no credential for it, tell its operator".into();
            let code = Code::UpstreamUnavailable;
            (Lent::default(), Some(TurnedAway { code, detail, retry_after_seconds: None }))
        }
    }
}

/// What is told of a request that is one too many.
fn turned_away(too_many: TooMany) -> TurnedAway {
    let (detail, seconds) = match too_many {
        TooMany::Often { per_minute, retry_after_seconds } => {
            (format!("there are {per_minute} requests a minute for you here"), retry_after_seconds)
        }
        TooMany::AtOnce { concurrent } => {
            (format!("there are {concurrent} requests at a time for you here"), RETRY_AT_ONCE_SECONDS)
        }
        TooMany::Principals => ("there are too many who ask here".to_owned(), RETRY_SECONDS_MAX),
    };
    let (code, detail) = (Code::LimitReached, detail.into());
    TurnedAway { code, detail, retry_after_seconds: Some(seconds) }
}

/// Nobody can say when a request that runs will end.
const RETRY_AT_ONCE_SECONDS: u64 = 1;
/// When every bucket of this moment is full again.
const RETRY_SECONDS_MAX: u64 = 60;

fn refusal(code: Code, session: SessionId, detail: &str) -> Refusal {
    let (columns, policies) = (Vec::new(), Vec::new());
    Refusal { code, request: session.request(0), detail: detail.into(), columns, policies }
}

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The lane's name in entries.
const LANE: &str = "http";
/// The first byte of TLS (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;
const PLAIN_TEXT_REFUSED: &[u8] = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade, close\r\nContent-Type: text/plain\r\nContent-Length: 53\r\n\r\nplain text is refused off loopback; use https instead";
const HEADERS_MAX: usize = 130;
const HEAD_BYTES_MAX_H2: u32 = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const STREAMS_MAX: u32 = 128;
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(60);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A little more than what the last words may take.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(6);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Longer names of clients are cut off.
const CLIENT_CHARS_MAX: usize = 64;
