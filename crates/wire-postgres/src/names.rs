//! What names of a session stand for: prepared statements and portals, as far as the upstream has confirmed.
//!
//! An agent may name a statement, fail to make it, and use the name for an older one, all in one burst. The
//! decision must then be about the older one. So a name counts as changed only once the upstream has said
//! so, with one exception: within its own segment (up to the next Sync), where a failed change means that
//! nothing after it runs (§55.2.3).

use std::collections::{HashMap, VecDeque};

/// A session's names of one kind.
pub(crate) struct Names<T> {
    confirmed: HashMap<Box<str>, T>,
    /// Changes sent upstream and not yet confirmed, oldest first.
    proposed: VecDeque<Change<T>>,
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
        Self { confirmed: HashMap::new(), proposed: VecDeque::new() }
    }
}

impl<T: Clone> Names<T> {
    /// Notes a change that goes upstream in `segment`.
    pub(crate) fn propose(&mut self, segment: u64, name: &str, value: Option<T>) {
        self.proposed.push_back(Change { segment, name: Some(name.into()), value });
    }

    /// Notes that every name goes (`DEALLOCATE ALL`), in `segment`.
    pub(crate) fn propose_none(&mut self, segment: u64) {
        self.proposed.push_back(Change { segment, name: None, value: None });
    }

    /// What `name` stands for, to a message of `segment`.
    pub(crate) fn get(&self, segment: u64, name: &str) -> Lookup<T> {
        let latest = self
            .proposed
            .iter()
            .rev()
            .find(|change| change.name.as_deref().is_none_or(|changed| changed == name));
        match latest {
            Some(change) if change.segment != segment => Lookup::Wait,
            Some(Change { value: Some(value), .. }) => Lookup::Known(value.clone()),
            Some(_) => Lookup::Unknown,
            None => self.confirmed.get(name).map_or(Lookup::Unknown, |value| Lookup::Known(value.clone())),
        }
    }

    /// The upstream has done the oldest proposed change.
    pub(crate) fn confirm(&mut self) {
        let Some(change) = self.proposed.pop_front() else { return };
        match (change.name, change.value) {
            (Some(name), Some(value)) => drop(self.confirmed.insert(name, value)),
            (Some(name), None) => drop(self.confirmed.remove(&name)),
            (None, _) => self.confirmed.clear(),
        }
    }

    /// The upstream has not done the oldest proposed change, and will not.
    pub(crate) fn discard(&mut self) {
        self.proposed.pop_front();
    }

    /// Whether the upstream did the oldest proposed change cannot be told: its name stands for nothing now.
    pub(crate) fn distrust(&mut self) {
        match self.proposed.pop_front().map(|change| change.name) {
            Some(Some(name)) => drop(self.confirmed.remove(&name)),
            Some(None) => self.confirmed.clear(),
            None => {}
        }
    }

    /// Names confirmed and proposed, for limits.
    pub(crate) fn len(&self) -> usize {
        self.confirmed.len() + self.proposed.len()
    }
}

#[cfg(test)]
mod tests;
