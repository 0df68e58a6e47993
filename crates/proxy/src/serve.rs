//! The gateway: one listener, the connections and issuers of the moment, and all sessions.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::{Admission, HolderKey, Kind, Labelled, Principal, Secret, SessionId};
use arc_swap::{ArcSwap, ArcSwapOption};
use gate::Gate;
use identity::{Issuer, Lending, Notice, Untrusted};
use mask::Masker;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use vault::Vault;
use wire_postgres::Analyses;
use wire_postgres::startup::Auth;

use crate::admit::Door;
use crate::cancel::Cancels;
use crate::catalog::CatalogWatch;
use crate::clock::now;
use crate::connection::Connection;
use crate::drive::Order;
use crate::http::{HttpConnection, Https};
use crate::issuer::{Issuers, Unidentified};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::preview::Previews;
use crate::proofs::Proofs;
use crate::session::UpstreamKey;
use crate::tls::{TlsError, Trust};
use crate::witness::Witness;

/// What a gateway is made with and keeps until it ends.
pub struct Settings {
    /// Decides and records.
    pub gate: Arc<Gate>,
    /// Lends the upstreams' credentials.
    pub vault: Arc<Vault>,
    /// Knows the tokens of access that panguard lent; nothing as long as they cannot be known.
    pub lending: Arc<ArcSwapOption<Lending>>,
    /// The deployment's masking profile.
    pub masker: Masker,
    /// How agents are asked for their tokens.
    pub auth: Auth,
    /// Bounds on what clients may use up.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// What can be exchanged while the gateway runs.
pub struct Live {
    /// What agents may reach. Of two with the same name the later counts.
    pub connections: Vec<Connection>,
    /// What agents may reach by HTTP. The same holds.
    pub https: Vec<HttpConnection>,
    /// Whose tokens are accepted, and whose certificates are believed when their keys are fetched.
    pub issuers: Vec<(Issuer, Trust)>,
    /// The certificate shown to agents ([`crate::listening`]). Without it only loopback is served.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A running gateway.
pub struct Gateway {
    pub(crate) settings: Settings,
    connections: ArcSwap<HashMap<Arc<str>, Arc<Reachable>>>,
    https: Https,
    issuers: ArcSwap<Issuers>,
    tls: ArcSwapOption<ServerConfig>,
    pub(crate) cancels: Arc<Cancels<UpstreamKey>>,
    /// A place for each session that may be open.
    pub(crate) places: Arc<Semaphore>,
    /// The open ones.
    open: Mutex<Sessions>,
    /// Told when what is revoked has changed.
    revoked: watch::Sender<()>,
    /// Proofs that have come.
    proofs: Proofs,
    closing: watch::Sender<bool>,
}

/// How each session is reached, and whose it is.
type Sessions = HashMap<SessionId, OpenSession>;

/// A session that is open.
struct OpenSession {
    orders: mpsc::Sender<Order>,
    admission: Arc<Admission>,
    since: Instant,
    /// When something moved in it last, in milliseconds since it was opened.
    moved: Arc<AtomicU64>,
    /// How its upstream is told to stop.
    upstream: Arc<UpstreamKey>,
}

/// A connection, and what all its sessions share.
pub(crate) struct Reachable {
    pub(crate) connection: Arc<Connection>,
    pub(crate) catalog: CatalogWatch,
    pub(crate) analyses: Arc<Analyses>,
    pub(crate) witness: Arc<Witness>,
}

impl Gateway {
    /// Starts to fetch issuers' keys and read catalogs; agents are served by [`Gateway::run`].
    ///
    /// # Errors
    /// [`TlsError`] if there is nothing to verify an https issuer's certificate by.
    pub fn new(settings: Settings, live: Live) -> Result<Arc<Self>, TlsError> {
        let gateway = Self {
            connections: ArcSwap::default(),
            https: Https::default(),
            issuers: ArcSwap::from_pointee(Issuers::watch(Vec::new(), None)?),
            tls: ArcSwapOption::empty(),
            cancels: Cancels::new(),
            places: Arc::new(Semaphore::new(settings.limits.sessions)),
            open: Mutex::default(),
            closing: watch::Sender::new(false),
            revoked: watch::Sender::new(()),
            proofs: Proofs::default(),
            settings,
        };
        gateway.replace(live)?;
        let gateway = Arc::new(gateway);
        if let Some(approvals) = gateway.settings.gate.approvals() {
            approvals.preview_by(Arc::new(Previews::new(&gateway)));
        }
        Ok(gateway)
    }

    /// Puts other connections, issuers and certificates in the place of those there are. Sessions that are
    /// open keep theirs, but those of HTTP whose issuer may be believed no more; what is the same before and after keeps
    /// what was fetched for it.
    ///
    /// # Errors
    /// As [`Gateway::new`]; then everything stays as it was.
    pub fn replace(&self, live: Live) -> Result<(), TlsError> {
        let issuers_before = self.issuers.load_full();
        let issuers = Issuers::watch(live.issuers, Some(&issuers_before))?;
        let still_believed = issuers.believes_all_of(&issuers_before);
        self.https.replace(live.https, &self.settings.vault, &self.settings.gate)?;
        let before = self.connections.load();
        let reachable = |connection: Connection| match before.get(&connection.name) {
            Some(known) if *known.connection == connection => known.clone(),
            _ => Arc::new(Reachable::start(connection, self.settings.vault.clone())),
        };
        let connections =
            live.connections.into_iter().map(|connection| (connection.name.clone(), reachable(connection)));
        self.connections.store(Arc::new(connections.collect()));
        self.issuers.store(Arc::new(issuers));
        if !still_believed {
            self.https.end_all(&self.settings.gate, "issuers have changed");
        }
        self.tls.store(live.tls);
        Ok(())
    }

    /// Serves agents that come to `listener` until `shutdown` is ready; then takes no more, lets running
    /// commands end for as long as the limits say, and closes what is left.
    pub async fn run(self: &Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        crate::listen::run(self, listener, shutdown).await;
    }

    /// Serves agents that come to `listener` by HTTP, as [`Gateway::run`] serves those of PostgreSQL.
    pub async fn run_http(self: &Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        crate::http::run(self, listener, shutdown).await;
    }

    /// The labels of the connection of this name, whatever its protocol; `None` if there is none.
    pub fn labels(&self, connection: &str) -> Option<Arc<[Box<str>]>> {
        let database = self.connection(connection).map(|it| it.connection.labels.clone());
        database.or_else(|| self.https.labels(connection))
    }

    /// Every connection, whatever its protocol, with its labels.
    pub fn connections(&self) -> Vec<Labelled> {
        let databases = self.connections.load();
        let databases =
            databases.values().map(|it| (it.connection.name.clone(), it.connection.labels.clone()));
        databases.chain(self.https.all()).collect()
    }

    pub(crate) fn https(&self) -> &Https {
        &self.https
    }

    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.load_full()
    }

    /// Says who presents `token`, by the issuers of the moment, for those who come by another door than the agents'. Waits
    /// 2 seconds at most, for an issuer's keys. A token that is no good is counted; whoever asks records it.
    ///
    /// # Errors
    /// [`Unidentified`].
    pub async fn identify(&self, token: &Secret) -> Result<Principal, Unidentified> {
        self.identify_by(token, None).await
    }

    /// The same of somebody who has shown a certificate, by its thumbprint.
    pub(crate) async fn identify_by(
        &self,
        token: &Secret,
        certificate: Option<&str>,
    ) -> Result<Principal, Unidentified> {
        let principal = self.identify_holder(token).await?;
        match &principal.authentication.bound_to {
            None => Ok(principal),
            Some(HolderKey::Certificate(bound)) if certificate == Some(&**bound) => Ok(principal),
            Some(_) => Err(self.not_identified(Untrusted::Unbound)),
        }
    }

    /// The same where it is seen to elsewhere that whoever presents the token holds the key that it may be bound to.
    pub(crate) async fn identify_holder(&self, token: &Secret) -> Result<Principal, Unidentified> {
        let identified = match token.expose_str() {
            Some(token) if Lending::is_meant(token) => self.borrower(token),
            Some(token) => self.issuers().identify(token).await,
            None => Err(Untrusted::Malformed.into()),
        };
        identified.inspect_err(|why| self.settings.metrics.not_authenticated(why.as_str()))
    }

    /// An agent to whom access was lent: in whose name is still to be believed by the configuration of the moment.
    fn borrower(&self, token: &str) -> Result<Principal, Unidentified> {
        let lending = self.settings.lending.load_full().ok_or(Unidentified::NoKeys)?;
        let agent = lending.verify(token, now())?;
        let hands = agent.lent().into_iter().flat_map(|lent| lent.lenders.iter().skip(1));
        for borrower in hands.chain([&agent]) {
            self.issuers().may_have_agent(&borrower.issuer, &borrower.id)?;
        }
        Ok(self.settings.gate.as_now(agent))
    }

    /// Whether an issuer, by its name, is believed and may have an agent of this id.
    pub fn may_be_agent(&self, issuer: &str, agent: &str) -> bool {
        self.issuers().may_have_agent(issuer, agent).is_ok()
    }

    pub(crate) fn not_identified(&self, why: Untrusted) -> Unidentified {
        let why = Unidentified::from(why);
        self.settings.metrics.not_authenticated(why.as_str());
        why
    }

    /// Says what an issuer says of sessions and accounts without being asked, and which issuer that is. Waits as
    /// [`Gateway::identify`] does.
    ///
    /// # Errors
    /// [`Unidentified`].
    pub async fn hear_issuer(&self, token: &Secret) -> Result<(Box<str>, Notice), Unidentified> {
        let heard = match token.expose_str() {
            Some(token) => self.issuers().hear(token).await,
            None => Err(Untrusted::Malformed.into()),
        };
        heard.inspect_err(|why| self.settings.metrics.not_authenticated(why.as_str()))
    }

    /// The issuers whose keys are not there.
    pub fn issuers_not_ready(&self) -> Vec<Box<str>> {
        self.issuers.load().not_ready()
    }

    /// Every issuer, and why its keys could not be fetched the last time, if so.
    pub fn issuers_fetched(&self) -> Vec<(Box<str>, Result<(), String>)> {
        self.issuers.load().fetched()
    }

    pub(crate) fn reachable(&self) -> Vec<Arc<Reachable>> {
        self.connections.load().values().cloned().collect()
    }

    /// The connections whose catalog is not there.
    pub fn catalogs_not_ready(&self) -> Vec<Box<str>> {
        let connections = self.connections.load();
        let missing = connections.values().filter(|reachable| !reachable.catalog.is_ready());
        let mut names: Vec<Box<str>> = missing.map(|reachable| (*reachable.connection.name).into()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn door(&self) -> Door {
        let Settings { auth, limits, .. } = &self.settings;
        Door { tls: self.tls.load_full(), auth: auth.clone(), limits: *limits }
    }

    pub(crate) fn issuers(&self) -> Arc<Issuers> {
        self.issuers.load_full()
    }

    pub(crate) fn connection(&self, name: &str) -> Option<Arc<Reachable>> {
        self.connections.load().get(name).cloned()
    }

    /// Becomes true when the gateway shuts down.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Takes note of an open session. One that opens while the gateway shuts down is told so at once.
    pub(crate) fn opened(
        &self,
        admission: &Admission,
        orders: mpsc::Sender<Order>,
        upstream: Arc<UpstreamKey>,
    ) -> Open<'_> {
        let id = admission.session;
        let (since, moved) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let admission_kept = Arc::new(admission.clone());
        let session = OpenSession {
            orders: orders.clone(),
            admission: admission_kept,
            since,
            moved: moved.clone(),
            upstream,
        };
        self.lock().insert(id, session);
        if *self.closing.borrow() {
            let _ = orders.try_send(Order::WindDown);
        }
        // What was revoked since it was admitted has told all that were open then.
        if self.settings.gate.is_revoked(admission, now()) {
            let (reply, _) = oneshot::channel();
            let _ = orders.try_send(Order::Revoked(reply));
        }
        Open { gateway: self, id, since, moved }
    }

    /// Ends the sessions in which a person has asked nothing for too long, and those whose time is over.
    pub(crate) fn end_overdue(&self) {
        let Limits { idle_time, session_time, .. } = self.settings.limits;
        for OpenSession { orders, admission, since, moved, .. } in self.lock().values() {
            let open = since.elapsed();
            let still = open.saturating_sub(Duration::from_millis(moved.load(Ordering::Relaxed)));
            let is_person = admission.principal.kind == Kind::User;
            if session_time.is_some_and(|most| open >= most) {
                let _ = orders.try_send(Order::Over);
            } else if is_person && idle_time.is_some_and(|most| still >= most) {
                let _ = orders.try_send(Order::Idle);
            }
        }
    }

    /// Ends the sessions and requests whose access is revoked, of every protocol; what they run is broken off.
    pub fn end_revoked(self: &Arc<Self>) {
        let (gate, now) = (&*self.settings.gate, now());
        for OpenSession { orders, admission, upstream, .. } in self.lock().values() {
            if gate.is_revoked(admission, now) {
                let (reply, runs) = oneshot::channel();
                // One that has not looked at eight orders is stuck, and runs nothing more: each command is asked about.
                let _ = orders.try_send(Order::Revoked(reply));
                let (gateway, upstream) = (self.clone(), upstream.clone());
                tokio::spawn(async move {
                    // What it runs there would go on until it has an answer to give. Of one that says nothing that is not known.
                    if runs.await.unwrap_or(true) {
                        gateway.tell_to_cancel(&upstream).await;
                    }
                });
            }
        }
        self.https.end_revoked(gate);
        self.revoked.send_replace(());
    }

    pub(crate) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// Is told when what is revoked has changed.
    pub(crate) fn revoked(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }

    /// Tells every session to end, when its command has ended.
    pub(crate) fn wind_down(&self) {
        self.closing.send_replace(true);
        self.tell_all(|| Order::WindDown);
    }

    /// Tells every session to end now.
    pub(crate) fn close(&self) {
        self.tell_all(|| Order::Close);
    }

    fn tell_all(&self, order: impl Fn() -> Order) {
        for OpenSession { orders, .. } in self.lock().values() {
            // A session that has ended needs none; one that has not looked at eight is stuck, and will be
            // dropped.
            let _ = orders.try_send(order());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One session among the open ones, until this is dropped.
pub(crate) struct Open<'g> {
    gateway: &'g Gateway,
    id: SessionId,
    since: Instant,
    moved: Arc<AtomicU64>,
}

impl Open<'_> {
    /// Something moves in it.
    pub(crate) fn moves(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(millis, Ordering::Relaxed);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.gateway.lock().remove(&self.id);
    }
}

impl Reachable {
    pub(crate) fn name(&self) -> Box<str> {
        (*self.connection.name).into()
    }

    fn start(connection: Connection, vault: Arc<Vault>) -> Self {
        let connection = Arc::new(connection);
        let catalog = CatalogWatch::start(connection.clone(), vault.clone());
        let witness = Arc::new(Witness::start(connection.clone(), vault));
        Self { connection, catalog, analyses: Arc::default(), witness }
    }
}
