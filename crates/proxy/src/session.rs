//! One agent's session: who it is, whether it may connect, its upstream, and then the driver loop.

use std::net::SocketAddr;
use std::sync::Arc;

use access::{Admission, Approving, Code, Mode, ModeOf, Principal, Refusal, SessionId};
use arc_swap::ArcSwap;
use gate::{Admitted, Stranger};
use sql::Catalog;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::{info, warn};
use wire::{Side, Violation};
use wire_postgres::startup::{Agent, Answer, Opening, Presented};
use wire_postgres::{Postgres, Settings};

use crate::admit::{Arrival, Arrived, Refused, say_and_close, send};
use crate::clock::now;
use crate::connection::Connection;
use crate::dial::Dialled;
use crate::drive::{Ended, drive};
use crate::judge::Bench;
use crate::metrics::ConnectionMetrics;
use crate::presence::AgentSocket;
use crate::random;
use crate::serve::{Gateway, Reachable};
use crate::stream::Stream;

/// How a session's upstream is told to stop.
pub(crate) struct UpstreamKey {
    connection: Arc<Connection>,
    process_id: u32,
    key: Box<[u8]>,
}

/// Where an agent is in the gateway's words: its session and its address.
struct Caller {
    id: SessionId,
    from: Box<str>,
}

/// An agent that may be let in, and all that its session needs.
struct Opened {
    admitted: Admitted,
    reachable: Arc<Reachable>,
    catalog: Arc<ArcSwap<Catalog>>,
    upstream: Dialled,
    /// The settings that the agent asked for when it connected.
    asked_for: Vec<(String, String)>,
    _place: OwnedSemaphorePermit,
}

/// Why a known principal gets no session, if not by policy.
struct NotOpened {
    code: Code,
    detail: Box<str>,
}

impl Gateway {
    /// Hears one socket to its end. `arriving` is its place among those that are starting up.
    pub(crate) async fn hear(
        self: Arc<Self>,
        socket: TcpStream,
        peer: SocketAddr,
        arriving: OwnedSemaphorePermit,
    ) {
        let _counted = Counted::new(self.settings.metrics.sockets_open().clone());
        let Ok(id) = random::session_id() else { return };
        let caller = Caller { id, from: peer.ip().to_canonical().to_string().into() };
        match self.door().receive(socket, peer, id, self.closing()).await {
            Arrival::Presents(arrived) => self.admit(*arrived, &caller, arriving).await,
            Arrival::Cancels { process_id, key, stream } => {
                self.cancel(process_id, &key).await;
                drop(stream);
            }
            Arrival::Refused(refused) => self.turn_away(*refused, &caller).await,
            Arrival::Gone => {}
        }
    }

    /// Records that an agent was turned away before it presented a token, then tells it.
    async fn turn_away(&self, refused: Refused, caller: &Caller) {
        let Refused { stream, refusal, told } = refused;
        let stranger = caller.stranger("", "", "");
        let reason = format!("{}: {}", refusal.code, refusal.detail);
        self.settings.gate.refused_at_door(stranger, &reason, now()).await;
        self.refused(&refusal, caller);
        say_and_close(stream, &told).await;
    }

    async fn admit(&self, arrived: Arrived, caller: &Caller, arriving: OwnedSemaphorePermit) {
        let Arrived { stream, agent, presented } = arrived;
        let certificate = stream.certificate();
        let opened = self.open(&presented, caller, certificate.as_deref()).await;
        drop(arriving);
        match opened {
            Ok(opened) => self.run_session(stream, agent, presented.answer, opened).await,
            Err(refusal) => {
                self.refused(&refusal, caller);
                say_and_close(stream, &presented.answer.refuse(&refusal)).await;
            }
        }
    }

    /// The sequence of checks before a session: every refusal that comes of it is recorded.
    async fn open(
        &self,
        presented: &Presented,
        caller: &Caller,
        certificate: Option<&str>,
    ) -> Result<Opened, Box<Refusal>> {
        let gate = &self.settings.gate;
        let principal = self.who(presented, caller, certificate).await?;
        let reachable = self.connection(&presented.database);
        let admission = self.admission(presented, caller, principal, reachable.as_deref());
        let refuse = |why: NotOpened| gate.not_admitted(&admission, LANE, why.code, &why.detail, now());

        let Some(reachable) = reachable else {
            return Err(refuse(NotOpened { code: Code::UnknownConnection, detail: "".into() }).await);
        };
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let detail = format!("all {} sessions are in use", self.settings.limits.sessions);
            return Err(refuse(NotOpened { code: Code::LimitReached, detail: detail.into() }).await);
        };
        let admitted = gate.admit(&admission, LANE, now()).await?;
        match self.reach(&reachable, presented, caller).await {
            Ok((catalog, upstream)) => {
                let asked_for = presented.parameters.clone();
                Ok(Opened { admitted, reachable, catalog, upstream, asked_for, _place: place })
            }
            Err(why) => {
                let refusal = refuse(why).await;
                gate.closed(&admitted, "its upstream could not be reached", now());
                Err(refusal)
            }
        }
    }

    async fn who(
        &self,
        presented: &Presented,
        caller: &Caller,
        certificate: Option<&str>,
    ) -> Result<Principal, Box<Refusal>> {
        let unidentified = match self.identify_by(&presented.token, certificate).await {
            Ok(principal) => return Ok(principal),
            Err(unidentified) => unidentified,
        };
        info!(session = %caller.id, from = &*caller.from, why = unidentified.as_str(), "not identified");
        let client = application_name(presented).unwrap_or_default();
        let stranger = caller.stranger(&presented.user, client, &presented.database);
        let mut refusal =
            self.settings.gate.refused_at_door(stranger, &unidentified.to_string(), now()).await;
        refusal.detail = unidentified.user_message().into();
        Err(refusal)
    }

    fn admission(
        &self,
        presented: &Presented,
        caller: &Caller,
        principal: Principal,
        reachable: Option<&Reachable>,
    ) -> Admission {
        let (connection, labels, mode, approval) = match reachable {
            Some(Reachable { connection, .. }) => {
                let mode = ModeOf::find(&connection.modes, &principal);
                (connection.name.clone(), connection.labels.clone(), mode, connection.approval)
            }
            None => {
                let name = presented.database.as_str().into();
                (name, Arc::default(), Mode::default(), Approving::default())
            }
        };
        let approval = Approving { chosen: chosen(presented), ..approval };
        Admission {
            session: caller.id,
            principal: Arc::new(principal),
            connection,
            labels,
            mode,
            approval,
            from: caller.from.clone(),
            client: application_name(presented).unwrap_or_default().into(),
        }
    }

    /// The catalog by which the session's commands are understood, and an upstream session for them.
    async fn reach(
        &self,
        reachable: &Reachable,
        presented: &Presented,
        caller: &Caller,
    ) -> Result<(Arc<ArcSwap<Catalog>>, Dialled), NotOpened> {
        let Connection { name, target, .. } = &*reachable.connection;
        let Some(catalog) = reachable.catalog.snapshot().await else {
            self.settings.metrics.upstream_error(name, "catalog");
            let detail = "the database's catalog could not be read".into();
            return Err(NotOpened { code: Code::UpstreamUnavailable, detail });
        };
        let mut parameters = presented.parameters.clone();
        parameters.extend(catalog.load().begins_with().map(|(name, value)| (name.into(), value.into())));
        match target.dial(&self.settings.vault, parameters).await {
            Ok(upstream) => Ok((catalog, upstream)),
            Err(error) => {
                self.settings.metrics.upstream_error(name, error.kind());
                warn!(session = %caller.id, connection = &**name, %error, "upstream not reached");
                let Refusal { code, detail, .. } = error.refusal(caller.id.request(0));
                Err(NotOpened { code, detail })
            }
        }
    }

    async fn run_session(&self, mut stream: Stream, agent: Agent, answer: Answer, opened: Opened) {
        let Opened { admitted, reachable, catalog, upstream, asked_for, _place } = opened;
        let admission = admitted.admission();
        let (gate, id, name) = (&*self.settings.gate, admission.session, &admission.connection);
        let (orders, taken) = mpsc::channel(ORDERS_MAX);
        let Ok(place) = self.cancels.reserve() else {
            return gate.closed(&admitted, "no randomness for its key", now());
        };
        let ready = upstream.ready;
        let parameters = &ready.parameters;
        let accepted = answer.accept(Opening { parameters, process_id: place.process_id, key: place.random });
        let connection = reachable.connection.clone();
        let told = UpstreamKey { connection, process_id: ready.process_id, key: ready.key };
        let told = Arc::new(told);
        place.open(accepted.key, orders.clone(), told.clone());
        let open = self.opened(admission, orders, told.clone());
        if send(&mut stream, &accepted.send).await.is_err() {
            return gate.closed(&admitted, "the agent hung up", now());
        }
        info!(session = %id, connection = &**name, principal = &*admission.principal.id, from = &*admission.from, "session opened");

        let metrics = ConnectionMetrics::open(&self.settings.metrics, name);
        let mut session = Postgres::new(Settings {
            session: id,
            catalog,
            changes: reachable.catalog.changes(),
            analyses: reachable.analyses.clone(),
            witness: true,
            masker: self.settings.masker,
            message_bytes_max: self.settings.limits.message_bytes,
            answer_bytes_max: self.settings.limits.answer_bytes,
        });
        session.begins_with(parameters.iter().map(|(name, value)| (&**name, &**value)));
        session.is_asked_for(asked_for.iter().map(|(name, value)| (&**name, &**value)));
        let socket = AgentSocket::of(stream.socket());
        let bench =
            Bench { gate, admitted: &admitted, metrics: &metrics, witness: &reachable.witness, socket };
        let after = |session: &mut Postgres| {
            open.moves();
            if session.take_stale() {
                reachable.catalog.stale();
            }
        };
        let early = agent.into_rest();
        let (ended, traffic) =
            drive(&mut session, &early, stream, upstream.stream, &bench, taken, after).await;

        let is_revoked = gate.is_revoked(admission, now());
        let reason = if is_revoked { "access was revoked".into() } else { self.reason(&ended, name) };
        if is_revoked && matches!(ended, Ended::BrokenOff) {
            // What had not begun there when it was told first.
            self.tell_to_cancel(&told).await;
        }
        info!(
            session = %id, connection = &**name, commands = admitted.commands(), reason,
            from_agent = traffic.from_agent, from_upstream = traffic.from_upstream, "session closed",
        );
        gate.closed(&admitted, &reason, now());
    }

    fn reason(&self, ended: &Ended, connection: &Arc<str>) -> String {
        match ended {
            Ended::Closed | Ended::BrokenOff => "closed".into(),
            Ended::Violation(Violation { by: Side::Agent, rule }) => {
                format!("the agent broke the protocol: {rule}")
            }
            Ended::Violation(Violation { by: Side::Upstream, rule }) => {
                self.settings.metrics.upstream_error(connection, "protocol");
                format!("the upstream broke the protocol: {rule}")
            }
        }
    }

    /// Stops what the session with this key does, here or at its upstream. Whoever asked gets no answer, as
    /// in PostgreSQL, so that nobody can try out keys.
    async fn cancel(&self, process_id: u32, key: &[u8]) {
        if let Some(told) = self.cancels.cancel(process_id, key).await {
            self.tell_to_cancel(&told).await;
        }
    }

    pub(crate) async fn tell_to_cancel(&self, told: &UpstreamKey) {
        let Connection { name, target, .. } = &*told.connection;
        if let Err(error) = target.cancel(told.process_id, &told.key).await {
            self.settings.metrics.upstream_error(name, error.kind());
            warn!(connection = &**name, %error, "upstream not told to cancel");
        }
    }

    fn refused(&self, refusal: &Refusal, caller: &Caller) {
        self.settings.metrics.refused(refusal.code);
        info!(session = %caller.id, from = &*caller.from, code = %refusal.code, "session refused");
    }
}

impl Caller {
    fn stranger<'a>(&'a self, claimed_user: &'a str, client: &'a str, connection: &'a str) -> Stranger<'a> {
        Stranger { session: self.id, from: &self.from, client, claimed_user, connection, lane: LANE }
    }
}

/// One more on a gauge, until it is dropped.
struct Counted(prometheus_client::metrics::gauge::Gauge);

impl Counted {
    fn new(gauge: prometheus_client::metrics::gauge::Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What the client calls itself.
fn application_name(presented: &Presented) -> Option<&str> {
    presented.parameters.iter().find(|(name, _)| name == "application_name").map(|(_, name)| name.as_str())
}

/// Whether the client chose to wait for people, or to come again: by the last word of its `application_name`.
fn chosen(presented: &Presented) -> Option<bool> {
    match application_name(presented)?.split_whitespace().next_back()? {
        "approvals=wait" => Some(true),
        "approvals=ticket" => Some(false),
        _ => None,
    }
}

/// The lane's name in entries.
const LANE: &str = "postgres";
/// Orders that may wait for a session: it looks at each at once.
const ORDERS_MAX: usize = 8;
