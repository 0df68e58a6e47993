//! Agents that speak HTTP: their sockets, who they are, and one exchange after the other.
//!
//! HTTP is hyper's on both sides; what an exchange may do is [`wire_http::Exchange`]'s, and this moves what the two say.

mod before;
mod body;
mod caller;
mod client;
mod credential;
mod door;
mod drive;
mod guarded;
mod listen;
mod session;
mod socket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use access::{Approving, Timestamp};
use arc_swap::ArcSwap;
use gate::{Allowance, Gate, Limits, TooMany, Who};
use vault::Vault;

use crate::tls::{Authority, ClientCertificate, NoAuthority, TlsError, Trust};
use client::Client;
pub use client::causes;
use credential::Turns;
pub use credential::{Aws, ClientAuth, Credential, Grant, OAuth2, sigv4};
use door::{HTTP, HTTPS, Server};
pub(crate) use listen::run;
use session::{Session, Token};

/// An HTTP system behind panguard, as agents may reach it.
#[derive(Clone)]
pub struct HttpConnection {
    /// As its requests and answers are read.
    pub lane: Arc<wire_http::Connection>,
    /// How panguard signs in there.
    pub credential: Credential,
    /// Whose certificates are believed there.
    pub trust: Trust,
    /// What is shown there, where it asks for a certificate.
    pub certificate: Option<ClientCertificate>,
    /// Its labels for policies, such as `cde`.
    pub labels: Arc<[Box<str>]>,
    /// Names by which agents may ask for it beside its path here, in lower case.
    pub hosts: Vec<Box<str>>,
    /// How long the upstream may take to begin an answer, and to go on with it.
    pub patience: Duration,
    /// How requests to it come to their approval.
    pub approval: Approving,
    /// What each principal may ask for there.
    pub allowance: Allowance,
    /// What of its configuration tells it from another version of itself.
    pub version: Box<str>,
}

/// The connections of this lane.
#[derive(Default)]
pub(crate) struct Https {
    by_name: ArcSwap<HashMap<Arc<str>, Arc<Reachable>>>,
    by_host: ArcSwap<HashMap<Box<str>, Arc<Reachable>>>,
    /// What signs for the hosts of them, from the first tunnel on.
    authority: OnceLock<Authority>,
    turns: Arc<Turns>,
}

/// A connection, and what all who reach it share.
pub(crate) struct Reachable {
    connection: HttpConnection,
    client: Client,
    sessions: Mutex<HashMap<Token, Arc<Session>>>,
    limits: Mutex<Limits>,
}

/// A request's place among those that run at a time, until this is dropped.
pub(crate) struct Slot {
    reachable: Arc<Reachable>,
    who: Who,
}

impl Https {
    /// Puts other connections in the place of those there are. One that is the same keeps its sessions.
    pub(crate) fn replace(
        &self,
        connections: Vec<HttpConnection>,
        vault: &Arc<Vault>,
        gate: &Gate,
    ) -> Result<(), TlsError> {
        let before = self.by_name.load();
        let mut by_name = HashMap::new();
        let mut by_host = HashMap::new();
        for connection in connections {
            let name = connection.lane.name.clone();
            let reachable = match before.get(&name) {
                Some(known) if known.connection.version == connection.version => known.clone(),
                _ => Arc::new(Reachable::new(connection, vault.clone(), self.turns.clone())?),
            };
            by_host.extend(reachable.connection.hosts.iter().map(|host| (host.clone(), reachable.clone())));
            by_name.insert(name, reachable);
        }
        for (name, old) in before.iter() {
            if !by_name.get(name).is_some_and(|new| Arc::ptr_eq(new, old)) {
                old.end_all(gate, "the connection's configuration has changed");
            }
        }
        self.by_name.store(Arc::new(by_name));
        self.by_host.store(Arc::new(by_host));
        Ok(())
    }

    /// The labels of a connection, if there is one of that name.
    pub(crate) fn labels(&self, name: &str) -> Option<Arc<[Box<str>]>> {
        self.named(name).map(|it| it.connection.labels.clone())
    }

    /// Every connection with its labels.
    pub(crate) fn all(&self) -> Vec<access::Labelled> {
        let all = self.by_name.load();
        all.values().map(|it| (it.connection.lane.name.clone(), it.connection.labels.clone())).collect()
    }

    /// The connections, as their lanes know them.
    pub(crate) fn lanes(&self) -> Vec<Arc<wire_http::Connection>> {
        self.by_name.load().values().map(|it| it.connection.lane.clone()).collect()
    }

    fn named(&self, name: &str) -> Option<Arc<Reachable>> {
        self.by_name.load().get(name).cloned()
    }

    fn at_host(&self, host: &str) -> Option<Arc<Reachable>> {
        self.by_host.load().get(host).cloned()
    }

    /// The connections that a server is, as clients of a forward proxy name servers.
    fn at(&self, server: &Server) -> Vec<Arc<Reachable>> {
        let by_name = self.by_name.load();
        by_name.values().filter(|it| it.answers_for(server).is_some()).cloned().collect()
    }

    fn authority(&self, vault: &Vault, now: Timestamp) -> Result<&Authority, NoAuthority> {
        match self.authority.get() {
            Some(authority) => Ok(authority),
            None => {
                let made = Authority::of(vault, now)?;
                Ok(self.authority.get_or_init(|| made))
            }
        }
    }

    /// Ends all sessions.
    pub(crate) fn end_all(&self, gate: &Gate, why: &str) {
        self.by_name.load().values().for_each(|reachable| reachable.end_all(gate, why));
    }

    /// Ends the sessions of those whose access is revoked.
    pub(crate) fn end_revoked(&self, gate: &Gate) {
        self.by_name.load().values().for_each(|reachable| reachable.end_revoked(gate));
    }

    /// Ends the sessions that nobody has used for a while.
    pub(crate) fn end_idle(&self, gate: &Gate) {
        for reachable in self.by_name.load().values() {
            reachable.end_idle(gate);
        }
    }
}

impl Reachable {
    fn new(connection: HttpConnection, vault: Arc<Vault>, turns: Arc<Turns>) -> Result<Self, TlsError> {
        let client = Client::new(&connection, vault, turns)?;
        let limits = Mutex::new(Limits::new(connection.allowance));
        Ok(Self { connection, client, sessions: Mutex::default(), limits })
    }

    /// Lets one more request of `who` in, if it is not one too many.
    fn enter(self: &Arc<Self>, who: &Who, now: Timestamp) -> Result<Slot, TooMany> {
        self.limits().enter(who, now).map(|()| Slot { reachable: self.clone(), who: who.clone() })
    }

    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is `server`, and if so, whether TLS is spoken with whoever asks for it. By the names that it has beside
    /// its own it is where such names are by custom.
    fn answers_for(&self, server: &Server) -> Option<bool> {
        let origin = &self.connection.lane.origin;
        let is_named = origin.host == server.host
            || self.connection.hosts.iter().any(|host| host.trim_matches(['[', ']']) == &*server.host);
        let is_own = origin.host == server.host;
        let tls = match server.port {
            port if port == origin.port => origin.tls,
            HTTPS if !is_own => true,
            HTTP if !is_own => false,
            _ => return None,
        };
        (is_named && server.tls.is_none_or(|asked| asked == tls)).then_some(tls)
    }

    /// What stands before its paths at the upstream.
    fn base(&self) -> &str {
        &self.connection.lane.origin.base
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<Token, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.reachable.limits().leave(&self.who);
    }
}
