use gate::{Seen, Storing};

/// Access that was lent, as it is listed. It holds by its token, whether or not it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLoan {
    /// Names it.
    pub id: Box<str>,
    /// Whose access it is, by what their issuer calls them.
    pub lender: Box<str>,
    /// Until when, in microseconds since 1970.
    pub until: i64,
    /// It, as its owners write it.
    pub document: String,
}

/// Where gateways keep what was lent, for those who look after it, and what they know of those who lent it.
pub trait Loans: Send + Sync {
    /// Adds one, unless as many of its lender are there that are not over at `now` (microseconds since 1970). Whether it did.
    fn keep(&self, loan: &KeptLoan, now: i64, most: u32) -> Storing<bool>;

    /// Up to `limit` that are not over at `now`, of this lender or of all, those first that end last.
    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>>;

    /// The one with this id.
    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>>;

    /// Takes note of a lender: of what is known of one, the later counts.
    fn see(&self, seen: &Seen) -> Storing<()>;

    /// The lenders of whom something is lent at `now`.
    fn seen(&self, now: i64) -> Storing<Vec<Seen>>;

    /// Forgets what is over at `now`.
    fn forget_loans(&self, now: i64) -> Storing<()>;

    /// A key that all have in common, as one of them has sealed it: `fresh` if there is none yet by this name.
    fn common_key(&self, name: &str, fresh: &str) -> Storing<String>;
}
