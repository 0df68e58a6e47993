//! Cancel requests: panguard's own keys, known to the sessions that own them.
//!
//! An agent never sees the upstream's key. It gets one of ours, and a cancel request with exactly that key
//! reaches exactly that session.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::drive::Order;
use crate::random::{self, NoRandomness};

/// The sessions that can be cancelled. `T` is how a session's upstream is told.
pub(crate) struct Cancels<T> {
    sessions: Mutex<HashMap<u32, Option<Registered<T>>>>,
}

struct Registered<T> {
    key: Box<[u8]>,
    orders: mpsc::Sender<Order>,
    upstream: Arc<T>,
}

/// A process id that one session has until this is dropped.
pub(crate) struct Place<T> {
    pub(crate) process_id: u32,
    /// What its key is to be made from.
    pub(crate) random: [u8; 32],
    cancels: Arc<Cancels<T>>,
}

impl<T> Cancels<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { sessions: Mutex::default() })
    }

    /// A free process id, at random: nobody can tell from it how many sessions there are.
    pub(crate) fn reserve(self: &Arc<Self>) -> Result<Place<T>, NoRandomness> {
        let random = random::bytes()?;
        loop {
            // Clients show it as a signed number.
            let process_id = u32::from_be_bytes(random::bytes()?) & 0x7fff_ffff;
            if let Entry::Vacant(place) = self.lock().entry(process_id) {
                place.insert(None);
                return Ok(Place { process_id, random, cancels: self.clone() });
            }
        }
    }

    /// Cancels what the session of this process id does, if `key` is its key. Returns the upstream that must
    /// be told, if what it does is there.
    pub(crate) async fn cancel(&self, process_id: u32, key: &[u8]) -> Option<Arc<T>> {
        let (orders, upstream) = {
            let sessions = self.lock();
            let session = sessions.get(&process_id)?.as_ref()?;
            verify_slices_are_equal(&session.key, key).ok()?;
            (session.orders.clone(), session.upstream.clone())
        };
        let (reply, done) = oneshot::channel();
        orders.try_send(Order::Cancel(reply)).ok()?;
        let done = timeout(REPLY_TIME_MAX, done).await.ok()?.ok()?;
        (!done).then_some(upstream)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Option<Registered<T>>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Place<T> {
    /// Lets whoever has `key` cancel this session.
    pub(crate) fn open(&self, key: Box<[u8]>, orders: mpsc::Sender<Order>, upstream: Arc<T>) {
        self.cancels.lock().insert(self.process_id, Some(Registered { key, orders, upstream }));
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.cancels.lock().remove(&self.process_id);
    }
}

/// A session looks at its orders at once; one that does not is stuck, and so is its command.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);
