use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use access::{Admission, Approving, Code, HolderKey, Mode, Principal, Refusal, Secret, SessionId};
use bytes::Bytes;
use gate::{Stranger, TooMany};
use http::header::{CONNECTION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use identity::{Untrusted, prove};
use rustls::ServerConfig;
use tokio::sync::watch;
use tracing::{info, warn};
use wire_http::{Broken, Exchange, TurnedAway};

use super::Reachable;
use super::body::Sent;
use super::credential::Lent;
use super::door::{self, Place, Server};
use super::drive::{Drive, Line};
use super::guarded::Watch;
use super::session::{Session, Token};
use super::socket::Socket;
use crate::clock::now;
use crate::issuer::Unidentified;
use crate::metrics::ConnectionMetrics;
use crate::presence::AgentSocket;
use crate::random;
use crate::serve::Gateway;

/// Who asks, on one stream.
pub(super) struct Caller {
    gateway: Arc<Gateway>,
    from: Box<str>,
    /// By which address the gateway was reached.
    here: SocketAddr,
    /// The thumbprint of the certificate that was shown there.
    certificate: Option<Box<str>>,
    /// The tunnel that the stream is in, if it is in one.
    within: Option<Within>,
    socket: AgentSocket,
    watch: Arc<Watch>,
    giving_up: watch::Receiver<bool>,
    next: Mutex<Option<Next>>,
}

/// A tunnel, as what comes through it is read: requests to one server, of whoever opened it.
pub(super) struct Within {
    server: Server,
    token: Secret,
}

/// A tunnel that may be opened.
pub(super) struct Tunnel {
    pub(super) within: Within,
    /// How TLS is done within, where the server that was asked for speaks it.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// What a stream becomes when no more requests come on it.
pub(super) enum Next {
    Tunnel(Tunnel, OnUpgrade),
    Socket(Box<Socket>, OnUpgrade),
}

/// What came of a request before it is an exchange.
enum Begun {
    Exchange(Box<Drive>),
    Tunnel(Tunnel),
}

/// Where a request goes.
struct Placed {
    reachable: Option<Arc<Reachable>>,
    /// What was asked for, by its name.
    name: Box<str>,
    /// What stands before its paths on the agent's side.
    prefix: Box<str>,
    /// Whether the agent knows the upstream by the upstream's own name.
    by_own_name: bool,
    /// The target within the connection.
    target: String,
    way: Way,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To panguard itself.
    Base,
    /// To panguard as a forward proxy, for this one request.
    Forward,
    /// Through a tunnel.
    Within,
}

impl Caller {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        from: Box<str>,
        (here, certificate): (SocketAddr, Option<Box<str>>),
        within: Option<Within>,
        socket: AgentSocket,
        watch: Arc<Watch>,
        giving_up: watch::Receiver<bool>,
    ) -> Self {
        Self { gateway, from, here, certificate, within, socket, watch, giving_up, next: Mutex::default() }
    }

    /// What the stream becomes, once its last request was answered.
    pub(super) fn next(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) async fn answer(self: Arc<Self>, mut request: Request<Incoming>) -> Option<Response<Sent>> {
        let broken = self.watch.next();
        let switches = door::may_switch(&request);
        let upgrade = hyper::upgrade::on(&mut request);
        let answer = match self.begin(request, broken).await {
            Ok(Begun::Exchange(drive)) => {
                let (answer, socket) = drive.answer().await?;
                if let Some(socket) = socket {
                    return Some(self.become_this(Next::Socket(socket, upgrade), answer));
                }
                answer
            }
            Ok(Begun::Tunnel(tunnel)) => {
                let answer = Response::new(Sent::Whole(None));
                return Some(self.become_this(Next::Tunnel(tunnel, upgrade), answer));
            }
            Err(refused) => refused.map(|body| Sent::Whole(Some(body))),
        };
        Some(if switches { last(answer) } else { answer })
    }

    /// What follows on the stream is no HTTP from here on.
    fn become_this(&self, next: Next, answer: Response<Sent>) -> Response<Sent> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        self.watch.free();
        answer
    }

    /// The sequence of checks before an exchange: every refusal that comes of it is recorded before it is told.
    async fn begin(
        &self,
        request: Request<Incoming>,
        broken: Option<Broken>,
    ) -> Result<Begun, Response<Bytes>> {
        let Ok(id) = random::session_id() else { return Err(self.unnamed("no randomness for its name")) };
        if let Some(broken) = broken {
            let mut refusal = self.at_door(id, &request, "", broken.rule).await;
            (refusal.code, refusal.detail) = (Code::Malformed, broken.rule.into());
            self.refused(id, &refusal);
            return Err(wire_http::malformed(&refusal, broken.status));
        }
        let https = self.gateway.https();
        let placed = match &self.within {
            Some(within) => self.place_within(within, &request),
            None => {
                let is_here = |server: &Server| self.is_here(server);
                match door::place(&request, |host| https.at_host(host).is_some(), is_here) {
                    Place::Tunnel(server) => {
                        return self.tunnel(id, &request, server).await.map(Begun::Tunnel);
                    }
                    place => self.place(place),
                }
            }
        };
        let token = self.token(&request, placed.way);
        let session = self
            .session(id, &request, token.as_ref(), placed.reachable.as_ref(), &placed.name, placed.way)
            .await;
        let session = session.map_err(|refusal| self.refuse(id, &refusal, placed.way))?;
        let drive = self.exchange(request, session, placed).await?;
        Ok(Begun::Exchange(Box::new(drive)))
    }

    async fn exchange(
        &self,
        request: Request<Incoming>,
        (reachable, session): (Arc<Reachable>, Arc<Session>),
        placed: Placed,
    ) -> Result<Drive, Response<Bytes>> {
        let gateway = &self.gateway;
        let Some((number, mut running)) = session.next(now()) else {
            return Err(self.unnamed("a session of too many requests"));
        };
        let (lent, turned_away) = match reachable.enter(&session.who, now()) {
            Ok(slot) => {
                running.keep(slot);
                lend(&reachable, &placed.name).await
            }
            Err(too_many) => (Lent::default(), Some(turned_away(too_many))),
        };
        let is_h1 = request.version() == Version::HTTP_11;
        let settings = wire_http::Settings {
            connection: reachable.connection.lane.clone(),
            prefix: placed.prefix,
            by_own_name: placed.by_own_name,
            masker: gateway.settings.masker,
            now: now(),
            wanted: gateway.settings.gate.wanted(),
            echo: lent.echo.clone(),
            turned_away,
            answer_bytes_max: gateway.settings.limits.answer_bytes,
            nonce: random::bytes().ok().filter(|_| is_h1),
        };
        let (parts, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        let exchange =
            Exchange::open(settings, number, parts.method, &placed.target, parts.headers, has_body);
        let (gate, closing) = (gateway.settings.gate.clone(), self.giving_up.clone());
        let agent = has_body.then_some(body);
        let line = Line { socket: self.socket.clone(), closing, revoked: gateway.revoked() };
        Ok(Drive::new(exchange, running, gate, reachable, lent, agent, line))
    }

    /// Opens a tunnel to a server that is a connection, for whoever may connect to it.
    async fn tunnel(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        server: Server,
    ) -> Result<Tunnel, Response<Bytes>> {
        let https = self.gateway.https();
        let token = door::proxy_token(request.headers());
        let all = https.at(&server);
        let mut admitted = Err(None);
        for reachable in &all {
            let name = reachable.connection.lane.name.clone();
            admitted = self
                .session(id, request, token.as_ref(), Some(reachable), &name, Way::Within)
                .await
                .map_err(Some);
            let is_stranger = matches!(&admitted, Err(Some(refusal)) if refusal.code == Code::NotIdentified);
            if admitted.is_ok() || is_stranger {
                break;
            }
        }
        if let Err(None) = admitted {
            admitted = self
                .session(id, request, token.as_ref(), None, &server.name(), Way::Within)
                .await
                .map_err(Some);
        }
        let told = |refusal: Refusal| self.refuse(id, &refusal, Way::Forward);
        let (reachable, _) = match admitted {
            Ok(admitted) => admitted,
            Err(Some(refusal)) => return Err(told(refusal)),
            Err(None) => return Err(told(refusal(Code::UnknownConnection, id, ""))),
        };
        let (Some(token), Some(speaks_tls)) = (token, reachable.answers_for(&server)) else {
            return Err(told(refusal(Code::UnknownConnection, id, "")));
        };
        let tls = match speaks_tls {
            false => None,
            true => {
                let authority = https.authority(&self.gateway.settings.vault, now());
                let tls = authority.and_then(|authority| authority.answering(&server.host, now()));
                Some(tls.map_err(|error| {
                    warn!(host = &*server.host, %error, "no certificate for a tunnel");
                    told(refusal(
                        Code::UpstreamUnavailable,
                        id,
                        "panguard has no certificate for it, tell its operator",
                    ))
                })?)
            }
        };
        let server = Server { tls: Some(speaks_tls), ..server };
        Ok(Tunnel { within: Within { server, token }, tls })
    }

    /// Where a request goes that is no tunnel.
    fn place(&self, place: Place) -> Placed {
        let https = self.gateway.https();
        match place {
            Place::Named(name, target) => Placed {
                reachable: https.named(&name),
                prefix: format!("/{name}").into(),
                name: name.into(),
                by_own_name: false,
                target,
                way: Way::Base,
            },
            Place::Host(host, target) => {
                let reachable = https.at_host(&host);
                let name = reachable.as_ref().map_or(&*host, |it| &*it.connection.lane.name).into();
                Placed { reachable, name, prefix: "".into(), by_own_name: false, target, way: Way::Base }
            }
            Place::Forward(server, target) => self.place_at(&server, &target, Way::Forward),
            Place::Tunnel(server) => Placed::nowhere(server.name(), Way::Forward),
            Place::Nowhere(why) => Placed::nowhere(why.into(), Way::Base),
        }
    }

    /// Where a request goes that came through a tunnel: to the server of the tunnel, or nowhere.
    fn place_within(&self, within: &Within, request: &Request<Incoming>) -> Placed {
        let is_plain = *request.method() != http::Method::CONNECT;
        if !is_plain || !within.server.is_asked(request) {
            return Placed::nowhere("another server than the tunnel was opened to".into(), Way::Within);
        }
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        self.place_at(&within.server, target, Way::Within)
    }

    /// Where a request to a server by its own name goes: of the connections there, to the one below whose path it is.
    fn place_at(&self, server: &Server, target: &str, way: Way) -> Placed {
        let mut below: Vec<(Arc<Reachable>, String)> = Vec::new();
        for reachable in self.gateway.https().at(server) {
            let Some(target) = reachable.connection.lane.origin.below(target) else { continue };
            match below.first().map(|(best, _)| best.base().len().cmp(&reachable.base().len())) {
                None | Some(std::cmp::Ordering::Equal) => below.push((reachable, target)),
                Some(std::cmp::Ordering::Less) => below = vec![(reachable, target)],
                Some(std::cmp::Ordering::Greater) => {}
            }
        }
        // Of two that are the same in all but their name nobody can say which is meant.
        let Some((reachable, target)) = below.pop().filter(|_| below.is_empty()) else {
            return Placed::nowhere(server.name(), way);
        };
        let origin = &reachable.connection.lane.origin;
        Placed {
            name: (&*reachable.connection.lane.name).into(),
            prefix: origin.base.clone(),
            by_own_name: origin.host == server.host && origin.port == server.port,
            reachable: Some(reachable),
            target,
            way,
        }
    }

    /// Whether a server is this gateway, by the address by which it was reached.
    fn is_here(&self, server: &Server) -> bool {
        let ip = self.here.ip().to_canonical();
        let is_name = &*server.host == "localhost" && ip.is_loopback();
        server.port == self.here.port() && (is_name || server.host.parse() == Ok(ip))
    }

    /// The token of a request, by the way it came.
    fn token(&self, request: &Request<Incoming>, way: Way) -> Option<Secret> {
        match (&self.within, way) {
            (Some(within), _) => Some(within.token.clone()),
            (None, Way::Forward) => {
                door::proxy_token(request.headers()).or_else(|| door::token(request.headers()))
            }
            // Clients that take every server by the proxy sign in at the proxy alone.
            (None, Way::Base) if request.uri().host().is_some() && request.version() < Version::HTTP_2 => {
                door::token(request.headers()).or_else(|| door::proxy_token(request.headers()))
            }
            (None, Way::Base | Way::Within) => door::token(request.headers()),
        }
    }
}

impl Placed {
    fn nowhere(name: Box<str>, way: Way) -> Self {
        let (prefix, target) = ("".into(), "/".into());
        Self { reachable: None, name, prefix, by_own_name: false, target, way }
    }
}

impl Caller {
    /// The session of who asks.
    async fn session(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        token: Option<&Secret>,
        reachable: Option<&Arc<Reachable>>,
        name: &str,
        way: Way,
    ) -> Result<(Arc<Reachable>, Arc<Session>), Refusal> {
        let settings = &self.gateway.settings;
        let Some(token) = token else {
            let mut refusal = self.at_door(id, request, name, "no token").await;
            refusal.detail = "there is no token".into();
            return Err(refusal);
        };
        let key = Token::of(token.expose(), &self.from);
        if let Some(reachable) = reachable
            && let Some(session) = reachable.session(&key)
            && settings.gate.is_as_then(&session.admitted.admission().principal)
        {
            let held = self.holds(&session.admitted.admission().principal, request, token, way);
            if let Err(why) = held {
                return Err(self.not_identified(id, request, name, why).await);
            }
            return Ok((reachable.clone(), session));
        }
        let identified = self.gateway.identify_holder(token).await;
        let held =
            identified.and_then(|principal| self.holds(&principal, request, token, way).map(|()| principal));
        let principal = match held {
            Ok(principal) => principal,
            Err(why) => return Err(self.not_identified(id, request, name, why).await),
        };
        let admission = Admission {
            session: id,
            principal: Arc::new(principal),
            connection: name.into(),
            labels: Arc::default(),
            mode: Mode::default(),
            approval: Approving::default(),
            from: self.from.clone(),
            client: client(request),
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

    /// Whether whoever sends a request holds the key that their token is bound to, if it is to one.
    fn holds(
        &self,
        principal: &Principal,
        request: &Request<Incoming>,
        token: &Secret,
        way: Way,
    ) -> Result<(), Unidentified> {
        let key = match &principal.authentication.bound_to {
            None => return Ok(()),
            Some(HolderKey::Key(key)) => key,
            Some(HolderKey::Certificate(bound)) if self.certificate.as_ref() == Some(bound) => return Ok(()),
            Some(HolderKey::Certificate(_)) => {
                return Err(self.gateway.not_identified(Untrusted::Unbound));
            }
        };
        let mut proofs = request.headers().get_all(DPOP).iter();
        let proof = proofs.next().filter(|_| proofs.next().is_none()).and_then(|proof| proof.to_str().ok());
        // A proof says for which URL it is, and a proxy is asked for others.
        let Some(proof) = proof.filter(|_| way == Way::Base) else {
            return Err(self.gateway.not_identified(Untrusted::Unbound));
        };
        let is_url = |url: &str| door::is_asked(url, request);
        let proven = prove(proof, token.expose(), request.method().as_str(), is_url, now());
        let proven = proven.map_err(|why| self.gateway.not_identified(why))?;
        if proven.thumbprint != *key {
            return Err(self.gateway.not_identified(Untrusted::Proof("jwk")));
        }
        match self.gateway.proofs().take(principal, &proven, now()) {
            true => Ok(()),
            false => Err(self.gateway.not_identified(Untrusted::Proof("jti"))),
        }
    }

    async fn not_identified(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        name: &str,
        why: Unidentified,
    ) -> Refusal {
        info!(session = %id, from = &*self.from, why = why.as_str(), "not identified");
        let mut refusal = self.at_door(id, request, name, &why.to_string()).await;
        refusal.detail = why.user_message().into();
        refusal
    }

    /// Records that somebody was not let in, and gives what they are told.
    async fn at_door(
        &self,
        id: SessionId,
        request: &Request<Incoming>,
        connection: &str,
        why: &str,
    ) -> Refusal {
        let client = client(request);
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

    /// Words a refusal as the way of the request has it.
    fn refuse(&self, id: SessionId, refusal: &Refusal, way: Way) -> Response<Bytes> {
        self.refused(id, refusal);
        match way {
            Way::Base | Way::Within => wire_http::refusal(refusal),
            Way::Forward => wire_http::proxy_refusal(refusal),
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

fn refusal(code: Code, session: SessionId, detail: &str) -> Refusal {
    let (columns, policies) = (Vec::new(), Vec::new());
    Refusal { code, request: session.request(0), detail: detail.into(), columns, policies }
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

/// What the client calls itself.
fn client(request: &Request<Incoming>) -> Box<str> {
    let named = request.headers().get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()));
    named.unwrap_or_default().into()
}

/// Says that no other request is answered on the stream: what follows one that could have ended HTTP is not read as HTTP.
fn last(mut answer: Response<Sent>) -> Response<Sent> {
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The lane's name in entries.
const LANE: &str = "http";

/// The field of a proof (RFC 9449 §4.1).
const DPOP: &str = "dpop";
