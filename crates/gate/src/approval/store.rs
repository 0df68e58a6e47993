use std::fmt;
use std::pin::Pin;

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

    /// The ids of the requests that have changed since `change`, and the number to ask by next: 0 asks for all that are open.
    fn changed(&self, change: u64) -> Storing<(Vec<Box<str>>, u64)>;
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store of requests cannot be reached: {}", self.0)
    }
}
