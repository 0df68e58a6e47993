use std::fmt;
use std::pin::Pin;

use audit::Who;

use super::Request;

/// What comes of asking a store.
pub type Storing<T> = Pin<Box<dyn Future<Output = Result<T, Down>> + Send>>;

/// A store that cannot say: nothing is approved for it, and what waits goes on waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down(
    /// Why, for operators.
    pub Box<str>,
);

/// Where requests for approval are kept: shared by all gateways, and durable.
///
/// Each call begins at once, and in the order of the calls, whether or not its answer is waited for. What it says to have
/// written is there after a crash.
pub trait Requests: Send + Sync {
    /// Puts a request there that is new.
    fn insert(&self, request: &Request) -> Storing<()>;

    /// Puts `request` in the place of the one with the same id, if that has the revision before it. Whether it did.
    fn replace(&self, request: &Request) -> Storing<bool>;

    /// The request with this id.
    fn get(&self, id: &str) -> Storing<Option<Request>>;

    /// The open requests that bind the same, oldest first.
    fn bound(&self, binding: &str) -> Storing<Vec<Request>>;

    /// The last `limit` requests, newest first, or of them those that are open.
    fn list(&self, open: bool, limit: u32) -> Storing<Vec<Request>>;

    /// Up to `limit` open requests whose time has run out at `now` (microseconds since 1970), those first for which it did first.
    fn overdue(&self, now: i64, limit: u32) -> Storing<Vec<Request>> {
        let open = self.list(true, OPEN_MAX);
        Box::pin(async move {
            let mut over = open.await?;
            over.retain(|it| it.open_until().is_some_and(|until| until <= now));
            over.sort_by(|a, b| (a.open_until(), &a.id).cmp(&(b.open_until(), &b.id)));
            over.truncate(limit as usize);
            Ok(over)
        })
    }

    /// How many requests of `asker`, by what its issuer calls it, are open.
    fn open_of(&self, asker: &Who) -> Storing<u64> {
        let (open, asker) = (self.list(true, OPEN_MAX), asker.clone());
        let is_same =
            move |it: &&Request| it.asker.issuer == asker.issuer && it.asker.subject == asker.subject;
        Box::pin(async move { Ok(open.await?.iter().filter(is_same).count() as u64) })
    }

    /// Forgets the requests that are over and were asked before `asked` (microseconds since 1970). How many they were.
    fn forget(&self, asked: i64) -> Storing<u64>;

    /// The ids of the requests that have changed since `change`, or of those that are open, and the number to ask by next.
    fn changed(&self, change: Option<u64>) -> Storing<(Vec<Box<str>>, u64)>;
}

/// More than are open at a time.
const OPEN_MAX: u32 = 100_000;

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store of requests cannot be reached: {}", self.0)
    }
}
