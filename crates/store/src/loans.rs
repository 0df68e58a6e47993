use gate::Storing;

/// Access that was lent, as it is listed. It holds by its token, whether or not it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLoan {
    /// Names it.
    pub id: Box<str>,
    /// Until when, in microseconds since 1970.
    pub until: i64,
    /// It, as its owners write it.
    pub document: String,
}

/// Where gateways keep what was lent, for those who look after it.
pub trait Loans: Send + Sync {
    /// Adds one, and forgets those that are over at `now` (microseconds since 1970).
    fn keep(&self, loan: &KeptLoan, now: i64) -> Storing<()>;

    /// Up to `limit` that are not over at `now`, those first that end last.
    fn lent(&self, now: i64, limit: u32) -> Storing<Vec<KeptLoan>>;
}
