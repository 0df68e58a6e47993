use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use access::{Admission, Mode, RequestId, Timestamp};
use aws_lc_rs::digest;
use gate::{Admitted, Gate, Who};
use tracing::info;

use super::{Reachable, Slot};
use crate::metrics::ConnectionMetrics;

/// Names a token that was presented from one address: never the token itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Token([u8; 32]);

/// One agent on one connection, over any number of sockets.
///
/// HTTP has no sessions. What is kept here spares to verify the same token anew and to record the same agent's coming with
/// each request; whether the token holds is asked at each, and what the agent may do too.
pub(super) struct Session {
    pub(super) admitted: Admitted,
    pub(super) metrics: ConnectionMetrics,
    /// As whom its requests are counted.
    pub(super) who: Who,
    number: AtomicU32,
    used: AtomicU64,
    running: AtomicU32,
    ended: AtomicBool,
}

/// A request that runs in a session.
pub(super) struct Running {
    session: Arc<Session>,
    /// Its place among those that run at a time.
    slot: Option<Slot>,
}

impl Running {
    /// Keeps a place for as long as the request runs.
    pub(super) fn keep(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }
}

impl Token {
    pub(super) fn of(token: &[u8], from: &str) -> Self {
        let mut digest = digest::Context::new(&digest::SHA256);
        digest.update(&(token.len() as u64).to_be_bytes());
        digest.update(token);
        digest.update(from.as_bytes());
        let mut name = [0; 32];
        name.iter_mut().zip(digest.finish().as_ref()).for_each(|(to, byte)| *to = *byte);
        Self(name)
    }
}

impl Session {
    pub(super) fn new(admitted: Admitted, metrics: ConnectionMetrics, now: Timestamp) -> Self {
        let (number, used, running) = (AtomicU32::new(0), AtomicU64::new(seconds(now)), AtomicU32::new(0));
        let who = Who::from(&*admitted.admission().principal);
        Self { admitted, metrics, who, number, used, running, ended: AtomicBool::new(false) }
    }

    /// The next request's id; `None` when there have been as many as can be told apart.
    pub(super) fn next(self: &Arc<Self>, now: Timestamp) -> Option<(RequestId, Running)> {
        let step = |number: u32| number.checked_add(1);
        let number = self.number.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).ok()?;
        self.used.store(seconds(now), Ordering::Release);
        self.running.fetch_add(1, Ordering::AcqRel);
        Some((
            self.admitted.admission().session.request(number + 1),
            Running { session: self.clone(), slot: None },
        ))
    }

    /// Whether whoever it is of may go on at `now`: `None` if
    /// their token holds no more, `false` if the connection is not the one that they came to.
    pub(super) fn goes_on(&self, now: Timestamp) -> Option<bool> {
        let is_valid = self.admitted.admission().principal.is_valid_at(now);
        is_valid.then(|| !self.ended.load(Ordering::Acquire))
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        let since = seconds(now).saturating_sub(self.used.load(Ordering::Acquire));
        let expired = !self.admitted.admission().principal.is_valid_at(now);
        self.running.load(Ordering::Acquire) == 0 && (since > IDLE_SECONDS_MAX || expired)
    }
}

impl Running {
    /// The same request in other hands, with the place that it takes.
    pub(super) fn hand_on(&mut self) -> Self {
        self.session.running.fetch_add(1, Ordering::AcqRel);
        Self { session: self.session.clone(), slot: self.slot.take() }
    }
}

impl std::ops::Deref for Running {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.session.running.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Reachable {
    /// The session of who presented this token, if there is one.
    pub(super) fn session(&self, token: &Token) -> Option<Arc<Session>> {
        self.sessions().get(token).cloned()
    }

    /// Whether there is room for one more session.
    pub(super) fn has_room(&self, gate: &Gate) -> bool {
        if self.sessions().len() >= SESSIONS_MAX {
            self.end_idle(gate);
        }
        self.sessions().len() < SESSIONS_MAX
    }

    /// Keeps a session for the next requests; one that was opened meanwhile is kept in its place.
    pub(super) fn keep(&self, token: Token, session: Session, gate: &Gate, now: Timestamp) -> Arc<Session> {
        let mut sessions = self.sessions();
        if let Some(known) = sessions.get(&token) {
            close(&session, gate, "another of its requests has opened one", now);
            return known.clone();
        }
        let session = Arc::new(session);
        sessions.insert(token, session.clone());
        session
    }

    /// How `principal` comes in here.
    pub(super) fn admission(&self, admission: Admission) -> Admission {
        let connection = self.connection.lane.name.clone();
        let (labels, approval) = (self.connection.labels.clone(), self.connection.approval);
        Admission { connection, labels, mode: Mode::default(), approval, ..admission }
    }

    pub(super) fn end_idle(&self, gate: &Gate) {
        self.end(gate, "nothing was asked for a while", |session, now| {
            session.is_idle(now) && !gate.is_session_revoked(session.admitted.admission(), now)
        });
    }

    /// One that is revoked by its own id stays, and is refused: with the same token another would be opened.
    pub(super) fn end_revoked(&self, gate: &Gate) {
        self.end(gate, "access was revoked", |session, now| {
            let admission = session.admitted.admission();
            gate.is_revoked(admission, now) && !gate.is_session_revoked(admission, now)
        });
    }

    fn end(&self, gate: &Gate, why: &str, which: impl Fn(&Session, Timestamp) -> bool) {
        let now = crate::clock::now();
        let ended: Vec<_> = self.sessions().extract_if(|_, session| which(session, now)).collect();
        ended.iter().for_each(|(_, session)| close(session, gate, why, now));
    }

    /// Ends all sessions: the gateway closes, or the connection is another now.
    pub(super) fn end_all(&self, gate: &Gate, why: &str) {
        let now = crate::clock::now();
        let ended: Vec<_> = self.sessions().drain().map(|(_, session)| session).collect();
        ended.iter().for_each(|session| close(session, gate, why, now));
    }
}

fn close(session: &Session, gate: &Gate, why: &str, now: Timestamp) {
    session.ended.store(true, Ordering::Release);
    let admission = session.admitted.admission();
    info!(session = %admission.session, connection = &*admission.connection, commands = session.admitted.commands(), why, "session closed");
    gate.closed(&session.admitted, why, now);
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.0 / 1_000_000).unwrap_or(0)
}

/// How long a session is kept in which nothing is asked.
const IDLE_SECONDS_MAX: u64 = 300;
/// Sessions of one connection.
const SESSIONS_MAX: usize = 10_000;
