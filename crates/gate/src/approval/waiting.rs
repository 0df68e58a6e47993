use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};

use access::{Secret, Timestamp};
use futures_channel::oneshot;

use super::live::Grants;
use super::{Binder, Down, Preview, Requests};

/// Says whether whoever waits for a command is still there.
pub type Presence = Arc<dyn Fn() -> bool + Send + Sync>;

/// The requests for approval of all gateways, and who waits for them here.
pub struct Approvals {
    pub(crate) store: Arc<dyn Requests>,
    pub(crate) binder: Binder,
    /// What this gateway is called in the store, if not by its name.
    pub(crate) instance: Option<Box<str>>,
    waiting: Mutex<HashMap<Box<str>, Waiter>>,
    /// The withdrawals that the store has not confirmed yet.
    pub(super) leaving: Mutex<Vec<Leaving>>,
    /// Up to which change of the store the waiters have been told.
    seen: Mutex<Option<u64>>,
    /// What access there is for a time.
    pub(crate) grants: Grants,
    /// Who finds out what commands would do, once somebody does.
    pub(super) preview: OnceLock<Arc<dyn Preview>>,
    /// The time of day, for those who go away without a word, and for those who are told of an answer long after it.
    pub(super) clock: fn() -> Timestamp,
}

/// A request being withdrawn, whoever waited for it being gone.
pub(super) type Leaving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whoever waits for one request.
struct Waiter {
    /// When to look again whatever happens, in microseconds since 1970.
    by: i64,
    wake: oneshot::Sender<Timestamp>,
}

impl Approvals {
    /// Requests that are kept in `store`. `key` keys the digests of what they bind: gateways that share a store share it.
    pub fn new(store: impl Requests + 'static, key: &Secret, clock: fn() -> Timestamp) -> Self {
        let (store, binder) = (Arc::new(store), Binder::new(key));
        Self {
            store,
            binder,
            waiting: Mutex::default(),
            leaving: Mutex::default(),
            seen: Mutex::default(),
            grants: Grants::default(),
            preview: OnceLock::new(),
            instance: None,
            clock,
        }
    }

    /// The same at a gateway that is called `instance` in the store: of gateways that share one, each by another name, and
    /// by the same again after a restart.
    #[must_use]
    pub fn at(self, instance: &str) -> Self {
        Self { instance: Some(instance.into()), ..self }
    }

    /// From now on `preview` finds out what commands would do. The first one stays.
    pub fn preview_by(&self, preview: Arc<dyn Preview>) {
        _ = self.preview.set(preview);
    }

    /// Wakes those whose request has changed in the store, by another gateway say, and those whose time is up; and goes on
    /// with what is being withdrawn. To be called about once a second.
    ///
    /// # Errors
    /// [`Down`], when the store cannot say; those whose time is up are woken all the same.
    pub async fn look(self: &Arc<Self>, now: Timestamp) -> Result<(), Down> {
        self.give_back_unused(now);
        self.go_on_leaving();
        let due = |waiter: &Waiter| waiter.by <= now.micros();
        let late: Vec<_> = self.waiting().extract_if(|_, waiter| due(waiter)).collect();
        // One that is gone needs no waking.
        late.into_iter().for_each(|(_, waiter)| _ = waiter.wake.send(now));
        let seen = *self.seen();
        let (changed, next) = self.store.changed(seen).await?;
        for id in &changed {
            if let Some(found) = self.store.get(id).await? {
                self.grants.read(found);
            }
            self.wake(id, now);
        }
        if seen.is_none() {
            // Their requests may be over.
            self.wake_all(now);
        }
        *self.seen() = Some(next);
        self.grants.looked(now);
        Ok(())
    }

    /// Forgets what is over and was asked more than 90 days ago: the audit log keeps it. How many requests that were.
    ///
    /// # Errors
    /// [`Down`].
    pub async fn forget(&self, now: Timestamp) -> Result<u64, Down> {
        self.store.forget(now.plus_seconds(-KEPT_DAYS * 86_400).micros()).await
    }

    /// How many commands wait here.
    pub fn held(&self) -> usize {
        self.waiting().len()
    }

    pub(crate) fn wake(&self, id: &str, now: Timestamp) {
        if let Some(waiter) = self.waiting().remove(id) {
            _ = waiter.wake.send(now);
        }
    }

    /// Wakes all who wait here.
    pub(crate) fn wake_all(&self, now: Timestamp) {
        let waiters: Vec<_> = self.waiting().drain().collect();
        waiters.into_iter().for_each(|(_, waiter)| _ = waiter.wake.send(now));
    }

    /// The time it is, `then` having been. Whoever asked may not have been looked after since: an agent that does not read
    /// what it is told holds its session up for as long as it likes.
    pub(super) fn at_least(&self, then: Timestamp) -> Timestamp {
        then.max((self.clock)())
    }

    /// Does something for which nobody waits: now as far as the store has answered, and the rest by the next looks.
    pub(crate) fn later(&self, what: impl Future<Output = ()> + Send + 'static) {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(what));
        self.go_on_leaving();
    }

    /// Each goes as far as the store has answered.
    pub(super) fn go_on_leaving(&self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        leaving.retain_mut(|it| it.as_mut().poll(&mut context).is_pending());
    }

    fn seen(&self) -> MutexGuard<'_, Option<u64>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self, id: &str, by: i64) -> oneshot::Receiver<Timestamp> {
        let (wake, woken) = oneshot::channel();
        self.waiting().insert(id.into(), Waiter { by, wake });
        woken
    }

    /// Nobody waits for `id` any more.
    pub(super) fn unwatch(&self, id: &str) {
        self.waiting().remove(id);
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Box<str>, Waiter>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets whoever waits for `id` be woken by the next look.
    pub(super) fn hasten(&self, id: &str, by: i64) {
        if let Some(waiter) = self.waiting().get_mut(id) {
            waiter.by = waiter.by.min(by);
        }
    }
}

/// For how many days requests that are over can be looked at.
const KEPT_DAYS: i64 = 90;
