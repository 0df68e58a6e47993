use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{Action, Admission, Kind, Mode, RequestId, Timestamp};
use audit::{Entry, Event, Who};
use policy::{Scope, Subject};

/// A session that the gate has let in: what every question of it has in common, prepared once.
///
/// It is made by [`crate::Gate::admit`] alone, so that nobody asks about a command who may not connect.
pub struct Admitted {
    admission: Admission,
    /// Names what policy sees of the principal and the connection: the same for sessions that are alike.
    pub(crate) asker: u64,
    pub(crate) subject: Subject,
    /// The parts of the session's entries.
    gateway: Arc<str>,
    who: Arc<Who>,
    from: Arc<str>,
    client: Arc<str>,
    lane: Arc<str>,
    commands: AtomicU64,
}

impl Admitted {
    /// Of a client that calls itself `client`, as it may be recorded.
    pub(crate) fn new(
        admission: &Admission,
        client: &str,
        lane: &str,
        gateway: Arc<str>,
        asker: u64,
    ) -> Self {
        Self {
            asker,
            subject: Subject::new(&admission.principal),
            gateway,
            who: Arc::new(Who::from(&*admission.principal)),
            from: (*admission.from).into(),
            client: client.into(),
            lane: lane.into(),
            commands: AtomicU64::new(0),
            admission: admission.clone(),
        }
    }

    /// Who was admitted where.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The principal, as it is recorded.
    pub(crate) fn who(&self) -> &Who {
        &self.who
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        let Admission { connection, labels, mode, .. } = &self.admission;
        Scope { connection, labels, mode: *mode }
    }

    /// An entry of this session, about one of its commands or its opening.
    pub(crate) fn entry(&self, time: Timestamp, request: RequestId, event: Event) -> Entry {
        Entry {
            time,
            gateway: Arc::clone(&self.gateway),
            session: Some(self.admission.session),
            request: Some(request),
            principal: Some(Arc::clone(&self.who)),
            from: Some(Arc::clone(&self.from)),
            client: Some(Arc::clone(&self.client)),
            connection: Some(Arc::clone(&self.admission.connection)),
            lane: Some(Arc::clone(&self.lane)),
            event,
        }
    }

    pub(crate) fn count(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    /// The session's opening, as a request.
    pub(crate) fn opening(&self) -> RequestId {
        self.admission.session.request(0)
    }

    /// How many commands have been asked about.
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }
}

/// What policy sees of a principal and a connection: sessions for which this is equal are decided alike.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Asker {
    kind: Kind,
    id: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
    groups: Vec<Box<str>>,
    on_behalf_of: Option<Box<str>>,
    lent: Option<Lent>,
    connection: Arc<str>,
    labels: Arc<[Box<str>]>,
    mode: Mode,
}

/// What policy sees of access that was lent by panguard.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Lent {
    kind: Kind,
    id: Box<str>,
    /// For whom they do it themselves.
    on_behalf_of: Option<Box<str>>,
    /// Through whose hands it came.
    chain: Vec<Box<str>>,
    connections: BTreeSet<Box<str>>,
    actions: BTreeSet<Action>,
}

impl Lent {
    /// Issuer, subject and groups of whoever lent it are the agent's.
    fn of(lent: &access::Lent) -> Option<Self> {
        let first = lent.lenders.first()?;
        let chain = lent.chain().map(Box::from).collect();
        let (connections, actions) = (lent.connections.clone(), lent.actions.clone());
        let on_behalf_of = first.delegation.as_ref().map(|it| it.on_behalf_of.clone());
        Some(Self { kind: first.kind, id: first.id.clone(), on_behalf_of, chain, connections, actions })
    }
}

impl From<&Admission> for Asker {
    fn from(admission: &Admission) -> Self {
        let principal = &admission.principal;
        Self {
            kind: principal.kind,
            id: principal.id.clone(),
            issuer: principal.issuer.clone(),
            subject: principal.subject.clone(),
            groups: principal.groups.iter().cloned().collect(),
            on_behalf_of: principal.delegation.as_ref().map(|lent| lent.on_behalf_of.clone()),
            lent: principal.lent().and_then(|lent| Lent::of(lent)),
            connection: Arc::clone(&admission.connection),
            labels: Arc::clone(&admission.labels),
            mode: admission.mode,
        }
    }
}
