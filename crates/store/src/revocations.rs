use gate::Storing;

/// One that is revoked, or was, as gateways that share a store tell each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Names it.
    pub id: Box<str>,
    /// Whether it is lifted.
    pub is_lifted: bool,
    /// It, as its owners write it.
    pub document: String,
    /// That it is one of theirs; the store does not look at it.
    pub tag: String,
}

/// What gateways that share a store have revoked.
pub trait Revocations: Send + Sync {
    /// Adds `mine` to what is there, and gives all of it. What is lifted once stays so, and is forgotten after 90 days.
    fn exchange(&self, mine: &[Revoked]) -> Storing<Vec<Revoked>>;

    /// Puts `mine` in the place of what there is by their ids, whatever that says.
    fn put_right(&self, mine: &[Revoked]) -> Storing<()>;

    /// A number that is another whenever something was added or lifted.
    fn count(&self) -> Storing<u64>;
}
