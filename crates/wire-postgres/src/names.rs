//! What names of a session stand for: prepared statements and portals, as far as the upstream has confirmed.
//!
//! An agent may name a statement, fail to make it, and use the name for an older one, all in one burst. The
//! decision must then be about the older one. So a name counts as changed only once the upstream has said
//! so, with one exception: within its own segment (up to the next Sync), where a failed change means that
//! nothing after it runs (§55.2.3).

use std::collections::{HashMap, VecDeque};

/// Longest name that is let through, in bytes: PostgreSQL takes names of statements and portals that agree
/// this far for one name (`NAMEDATALEN` less one), so a longer one could stand for another's statement.
pub(crate) const NAME_BYTES_MAX: usize = 63;

/// A session's names of one kind.
pub(crate) struct Names<T> {
    confirmed: HashMap<Box<str>, T>,
    /// Changes sent upstream and not yet confirmed, oldest first.
    proposed: VecDeque<Change<T>>,
    /// How many changes have left `proposed`: the number of its first one.
    settled: usize,
    /// The number of the latest proposed change of each name, so that a long pipeline is not searched.
    latest: HashMap<Box<str>, usize>,
    /// The number of the latest proposed change of every name.
    latest_of_all: Option<usize>,
}

struct Change<T> {
    segment: u64,
    /// `None` stands for every name.
    name: Option<Box<str>>,
    /// `None` takes the name away.
    value: Option<T>,
}

/// What a name stands for now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup<T> {
    Known(T),
    Unknown,
    /// Only the upstream's answer to something already sent can tell.
    Wait,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            confirmed: HashMap::new(),
            proposed: VecDeque::new(),
            settled: 0,
            latest: HashMap::new(),
            latest_of_all: None,
        }
    }
}

impl<T: Clone> Names<T> {
    /// Notes a change that goes upstream in `segment`.
    pub(crate) fn propose(&mut self, segment: u64, name: &str, value: Option<T>) {
        self.push(Change { segment, name: Some(name.into()), value });
    }

    /// Notes that every name goes (`DEALLOCATE ALL`), in `segment`.
    pub(crate) fn propose_none(&mut self, segment: u64) {
        self.push(Change { segment, name: None, value: None });
    }

    fn push(&mut self, change: Change<T>) {
        let number = self.settled + self.proposed.len();
        match &change.name {
            Some(name) => drop(self.latest.insert(name.clone(), number)),
            None => self.latest_of_all = Some(number),
        }
        self.proposed.push_back(change);
    }

    /// What `name` stands for, to a message of `segment`.
    pub(crate) fn get(&self, segment: u64, name: &str) -> Lookup<T> {
        let latest = self.latest.get(name).copied().max(self.latest_of_all);
        // One that is settled is no proposal any more.
        let latest = latest.and_then(|number| self.proposed.get(number.checked_sub(self.settled)?));
        match latest {
            Some(change) if change.segment != segment => Lookup::Wait,
            Some(Change { value: Some(value), .. }) => Lookup::Known(value.clone()),
            Some(_) => Lookup::Unknown,
            None => self.confirmed.get(name).map_or(Lookup::Unknown, |value| Lookup::Known(value.clone())),
        }
    }

    /// Whether a change of this very name has gone upstream and is not confirmed.
    pub(crate) fn is_proposed(&self, name: &str) -> bool {
        self.latest.contains_key(name)
    }

    /// Takes the oldest proposed change, the upstream having answered it.
    fn settle(&mut self) -> Option<Change<T>> {
        let change = self.proposed.pop_front()?;
        if let Some(name) = &change.name
            && self.latest.get(name) == Some(&self.settled)
        {
            self.latest.remove(name);
        }
        self.settled += 1;
        Some(change)
    }

    /// The upstream has done the oldest proposed change.
    pub(crate) fn confirm(&mut self) {
        let Some(change) = self.settle() else { return };
        match (change.name, change.value) {
            (Some(name), Some(value)) => drop(self.confirmed.insert(name, value)),
            (Some(name), None) => drop(self.confirmed.remove(&name)),
            (None, _) => self.confirmed.clear(),
        }
    }

    /// The upstream has not done the oldest proposed change, and will not.
    pub(crate) fn discard(&mut self) {
        self.settle();
    }

    /// Whether the upstream did the oldest proposed change cannot be told: its name stands for nothing now.
    pub(crate) fn distrust(&mut self) {
        match self.settle().map(|change| change.name) {
            Some(Some(name)) => drop(self.confirmed.remove(&name)),
            Some(None) => self.confirmed.clear(),
            None => {}
        }
    }

    /// Forgets the confirmed names of what does not `last`: a transaction has ended, and they with it.
    pub(crate) fn retain(&mut self, last: impl Fn(&T) -> bool) {
        self.confirmed.retain(|_, value| last(value));
    }

    /// Names confirmed and proposed, for limits.
    pub(crate) fn len(&self) -> usize {
        self.confirmed.len() + self.proposed.len()
    }
}

#[cfg(test)]
mod tests;
