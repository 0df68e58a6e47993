use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use access::Receipt;
use audit::{Entry, Log, NotAppended};

/// An entry on its way to the disk.
pub type Appending = Pin<Box<dyn Future<Output = Result<Receipt, NotAppended>> + Send>>;

/// Where entries become durable: the audit log, or in tests one that fails when told to.
pub trait Append: Send + Sync {
    /// Appends `entry`, at once and in the order of the calls, whether or not the answer is waited for.
    ///
    /// The receipt comes when the entry is durable; an error means that it must be taken as not recorded.
    fn append(&self, entry: &Entry) -> Appending;

    /// Appends `entry`, for which nobody waits: it need not be flushed for its own sake.
    fn note(&self, entry: &Entry) {
        drop(self.append(entry));
    }
}

impl Append for Log {
    fn append(&self, entry: &Entry) -> Appending {
        Box::pin(Log::append(self, entry))
    }

    fn note(&self, entry: &Entry) {
        // A log that takes no more lets no further command through, which says it loudly enough.
        let _ = Log::note(self, entry);
    }
}

/// What the gate says once an entry is durable, or could not be made so; or once people have decided.
///
/// Dropping it takes nothing back: the entry is appended all the same, and nobody is told. What waits for people is
/// withdrawn.
#[must_use = "nothing may happen before it is there"]
pub struct Pending<T>(Inner<T>);

enum Inner<T> {
    /// One entry is on its way.
    Appending(Appending, Then<T>),
    /// Something is said that more may follow.
    Step(Step<T>),
    /// All has been said.
    Over,
}

type Then<T> = Box<dyn FnOnce(Result<Receipt, NotAppended>) -> T + Send>;
type Step<T> = Pin<Box<dyn Future<Output = (T, Option<Pending<T>>)> + Send>>;

impl<T> Pending<T> {
    pub(crate) fn new(
        appending: Appending,
        then: impl FnOnce(Result<Receipt, NotAppended>) -> T + Send + 'static,
    ) -> Self {
        Self(Inner::Appending(appending, Box::new(then)))
    }

    /// What `step` says, and then what it says comes after.
    pub(crate) fn step(step: impl Future<Output = (T, Option<Self>)> + Send + 'static) -> Self {
        Self(Inner::Step(Box::pin(step)))
    }

    /// Blocks the thread until it is there.
    pub fn wait(mut self) -> T {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(told) => return told,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = T;

    /// Polled again after a hold, it says what follows that; after anything else it stays pending: there is one final
    /// verdict to one question.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Inner::Over => Poll::Pending,
            Inner::Appending(appending, _) => {
                let Poll::Ready(receipt) = appending.as_mut().poll(context) else { return Poll::Pending };
                match std::mem::replace(&mut self.0, Inner::Over) {
                    Inner::Appending(_, then) => Poll::Ready(then(receipt)),
                    Inner::Step(_) | Inner::Over => Poll::Pending,
                }
            }
            Inner::Step(step) => {
                let Poll::Ready((said, next)) = step.as_mut().poll(context) else { return Poll::Pending };
                self.0 = next.map_or(Inner::Over, |next| next.0);
                Poll::Ready(said)
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
