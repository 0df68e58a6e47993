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

/// What the gate says once an entry is durable, or could not be made so.
///
/// Dropping it takes nothing back: the entry is appended all the same, and nobody is told.
#[must_use = "nothing may happen before it is there"]
pub struct Pending<T> {
    appending: Appending,
    /// `None` once it has been told.
    then: Option<Then<T>>,
}

type Then<T> = Box<dyn FnOnce(Result<Receipt, NotAppended>) -> T + Send>;

impl<T> Pending<T> {
    pub(crate) fn new(
        appending: Appending,
        then: impl FnOnce(Result<Receipt, NotAppended>) -> T + Send + 'static,
    ) -> Self {
        Self { appending, then: Some(Box::new(then)) }
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

    /// Polled again after it was ready, it stays pending: there is one verdict to one question.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if self.then.is_none() {
            return Poll::Pending;
        }
        match self.appending.as_mut().poll(context) {
            Poll::Ready(receipt) => match self.then.take() {
                Some(then) => Poll::Ready(then(receipt)),
                None => Poll::Pending,
            },
            Poll::Pending => Poll::Pending,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
