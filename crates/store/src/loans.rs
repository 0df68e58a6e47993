use gate::Storing;

/// Access that was lent, as it is listed. It holds by its token, whether or not it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLoan {
    /// Names it.
    pub id: Box<str>,
    /// Whose access it is, by what their issuer calls them.
    pub lender: Box<str>,
    /// Whether they have lent it themselves; else somebody handed it on.
    pub is_direct: bool,
    /// Whether it was ended before its time.
    pub is_ended: bool,
    /// Until when, in microseconds since 1970.
    pub until: i64,
    /// It, as its owners write it.
    pub document: String,
}

/// What is known of one who has lent something, as its owners write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLender {
    /// Who.
    pub lender: String,
    /// By a token of when, in microseconds since 1970: the later counts.
    pub issued_at: i64,
    /// Until when they have lent something, in microseconds since 1970.
    pub until: i64,
    /// In which groups they are.
    pub groups: String,
    /// That a gateway says so; the store does not look at it.
    pub tag: String,
}

/// Where gateways keep what was lent, for those who look after it, and what they know of those who lent it.
pub trait Loans: Send + Sync {
    /// Adds one, with what is known of its lender, unless as many of theirs are there that are as direct and neither over at `now`
    /// (microseconds since 1970) nor ended. Whether it did.
    fn keep(&self, loan: &KeptLoan, lender: Option<&KeptLender>, now: i64, most: u32) -> Storing<bool>;

    /// Takes note that these were ended.
    fn end_loans(&self, ids: &[Box<str>]) -> Storing<()>;

    /// Up to `limit` that are not over at `now`, of this lender or of all, those first that end last.
    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>>;

    /// The one with this id.
    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>>;

    /// Takes note of a lender: of what is known of one, the later counts.
    fn see(&self, lender: &KeptLender) -> Storing<()>;

    /// The lenders of whom something is lent at `now`.
    fn lenders(&self, now: i64) -> Storing<Vec<KeptLender>>;

    /// Forgets what is over at `now`.
    fn forget_loans(&self, now: i64) -> Storing<()>;

    /// A key that all have in common, as one of them has sealed it; with `fresh`, that if there is none yet by this name.
    fn common_key(&self, name: &str, fresh: Option<&str>) -> Storing<Option<String>>;
}
