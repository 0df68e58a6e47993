use std::fmt;

use gate::Storing;

/// That one channel is to be told of one thing about a request, and how far that has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The request's id.
    pub request: Box<str>,
    /// The channel's name in the configuration.
    pub channel: Box<str>,
    /// What it is told: a word such as `asked`.
    pub event: Box<str>,
    /// The gateway that tells it, as it is called in the store.
    pub gateway: Box<str>,
    /// When it was planned, in microseconds since 1970.
    pub planned: i64,
    /// How far it has come.
    pub stands: Stands,
    /// How often it has been tried.
    pub attempts: u32,
    /// When it is tried next, in microseconds since 1970.
    pub next: i64,
    /// What went wrong the last time, in words from a fixed list and numbers.
    pub error: Option<Box<str>>,
    /// By what the channel knows the message, so that it can be changed.
    pub handle: Option<Box<str>>,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is to be tried.
    Pending,
    /// The channel has taken it.
    Delivered,
    /// It was tried as often as it is.
    GivenUp,
    /// There is no use in it any more.
    Dropped,
}

/// Where it is kept who is to be told of what, and which signed messages have come in: shared by all gateways, and durable.
///
/// As with [`gate::Requests`], each call begins at once, and what it says to have written is there after a crash.
pub trait Deliveries: Send + Sync {
    /// Puts a delivery there, unless there is one of the same request, channel and event.
    fn plan(&self, delivery: &Delivery) -> Storing<()>;

    /// Puts `delivery` in the place of the one of the same request, channel and event.
    fn tried(&self, delivery: &Delivery) -> Storing<()>;

    /// Up to `limit` deliveries of `gateway` that are to be tried at `now` (microseconds since 1970), those first that are due
    /// longest.
    fn due(&self, gateway: &str, now: i64, limit: u32) -> Storing<Vec<Delivery>>;

    /// The deliveries of one request, in the order in which they were planned.
    fn deliveries_of(&self, request: &str) -> Storing<Vec<Delivery>>;

    /// The requests of which `gateway` has planned to tell, and nothing yet of those `ends`.
    fn unended(&self, gateway: &str, ends: &[&str]) -> Storing<Vec<Box<str>>>;

    /// Takes note of a signed message that holds until `until` (microseconds since 1970). Whether it had not come before.
    fn is_first(&self, message: &str, until: i64) -> Storing<bool>;

    /// Forgets deliveries that were planned before `planned`, and messages that held until before `now`.
    fn forget_deliveries(&self, planned: i64, now: i64) -> Storing<()>;
}

impl Stands {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::GivenUp, Self::Dropped]
            .into_iter()
            .find(|it| it.as_str() == word)
    }
}

impl fmt::Display for Stands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
