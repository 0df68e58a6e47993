use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{RequestId, Timestamp};
use audit::Who;

use super::{Request, State};

/// The access for a time that is given now, as the store had it when it was last looked at: every command is held against it,
/// so that it is in memory. What is revoked at another gateway ends here with the next look.
#[derive(Default)]
pub(crate) struct Grants {
    known: Mutex<HashMap<Box<str>, Known>>,
    /// When the store was last looked at, in microseconds since 1970.
    looked: AtomicI64,
    /// What running commands may reveal at most, by the command: of which grant, and how many values.
    running: Mutex<HashMap<RequestId, (Box<str>, u32)>>,
    /// What commands have taken and not revealed, by the grant: how many values, and since when. The next command takes them
    /// from here; after a while they are given back.
    unused: Mutex<HashMap<Box<str>, (u32, i64)>>,
}

/// A request for access, and for how many looks it has been over: what is read from the store meanwhile may be older.
struct Known {
    request: Arc<Request>,
    looks: u8,
}

impl Grants {
    /// Takes note of a request as it has been written to the store: before the first look none counts, and that brings those
    /// that are not over by then.
    pub(crate) fn note(&self, request: Request) {
        if self.looked.load(Ordering::Relaxed) > 0 {
            self.read(request);
        }
    }

    /// Takes note of a request as it is in the store.
    pub(super) fn read(&self, request: Request) {
        if request.grant.is_none() {
            return;
        }
        let mut known = self.known();
        // What is in memory may be newer: it was changed here since.
        if known.get(&request.id).is_none_or(|it| it.request.revision < request.revision) {
            known.insert(request.id.clone(), Known { request: Arc::new(request), looks: 0 });
        }
    }

    /// All that had changed in the store by `now` has been noted.
    pub(super) fn looked(&self, now: Timestamp) {
        self.looked.fetch_max(now.micros(), Ordering::Relaxed);
        self.known().retain(|_, it| {
            it.looks += u8::from(!is_live(&it.request, now));
            it.looks <= LOOKS_MAX
        });
    }

    /// What `who` has been given on `connection`, oldest first. Nothing where the store has not been heard of for a while: what
    /// was revoked in it must not count.
    pub(crate) fn of(&self, who: &Who, connection: &str, now: Timestamp) -> Vec<Arc<Request>> {
        let known = self.known();
        if known.is_empty() || now.micros() - self.looked.load(Ordering::Relaxed) > STALE_MICROS {
            return Vec::new();
        }
        let is_theirs = |it: &&Arc<Request>| {
            let it: &Request = it;
            let asker = &it.asker;
            is_same(asker, who) && *it.connection == *connection && is_live(it, now)
        };
        let mut theirs: Vec<_> = known.values().map(|it| &it.request).filter(is_theirs).cloned().collect();
        theirs.sort_by(|a, b| (a.asked, &a.id).cmp(&(b.asked, &b.id)));
        theirs
    }

    /// A command may reveal so many values by a grant.
    pub(crate) fn runs(&self, command: RequestId, grant: &str, values: u32) {
        self.running().insert(command, (grant.into(), values));
    }

    /// By which grant a command that has ended could reveal values, and how many.
    pub(crate) fn ended(&self, command: RequestId) -> Option<(Box<str>, u32)> {
        let mut running = self.running();
        if running.is_empty() { None } else { running.remove(&command) }
    }

    /// A command that has ended has not revealed so many values.
    pub(crate) fn leaves(&self, grant: &str, values: u32, now: Timestamp) {
        let mut unused = self.unused();
        let left = unused.entry(grant.into()).or_default();
        *left = (left.0.saturating_add(values), now.micros());
    }

    /// What others have left here.
    pub(crate) fn left_here(&self, grant: &str) -> u32 {
        self.unused().get(grant).map_or(0, |(values, _)| *values)
    }

    /// Takes what others have left here.
    pub(crate) fn takes(&self, grant: &str) -> u32 {
        self.unused().remove(grant).map_or(0, |(values, _)| values)
    }

    /// Takes what has been left for so long that others, at other gateways, should have it.
    pub(crate) fn to_give_back(&self, now: Timestamp) -> Vec<(Box<str>, u32)> {
        let is_old = |(_, since): &(u32, i64)| now.micros() - since >= UNUSED_MICROS;
        let old = self.unused().extract_if(|_, left| is_old(left)).collect::<Vec<_>>();
        old.into_iter().map(|(grant, (values, _))| (grant, values)).collect()
    }

    fn unused(&self) -> MutexGuard<'_, HashMap<Box<str>, (u32, i64)>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Box<str>, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RequestId, (Box<str>, u32)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether they are one to those who give access. Two agents that one person lent their access to have that person's `sub`; and who
/// hands access on calls the next as they like, so that it counts through whose hands it came.
fn is_same(one: &Who, other: &Who) -> bool {
    let named = |who: &Who| {
        let Who { kind, id, issuer, subject, on_behalf_of, lent, .. } = who.clone();
        (kind, id, issuer, subject, on_behalf_of, lent)
    };
    named(one) == named(other)
}

fn is_live(request: &Request, now: Timestamp) -> bool {
    matches!(request.state_at(now), State::Approved { .. })
}

/// For how long values that a command has not revealed wait here for the next.
const UNUSED_MICROS: i64 = 2_000_000;

/// Looks for which what is over is remembered.
const LOOKS_MAX: u8 = 3;

/// For how long what is in memory counts without the store: some looks, of which there are two a second.
const STALE_MICROS: i64 = 5_000_000;
