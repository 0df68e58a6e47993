//! How many values each principal has compared with each column lately.
//!
//! Who may compare a column with values of their own could go through all numbers that there are. Policy says how many
//! are too many (`context.matches`), and this counts them, within a day.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Match, Timestamp};
use audit::{Entry, Event, StageWord, Who};

use crate::daily::{Counts, key};

/// What was compared, of all principals and connections. In one place, so that two commands at once are two.
#[derive(Default)]
pub(crate) struct Guesses(Mutex<Counts>);

/// The counts, while a command is decided by them.
pub(crate) struct Open<'a>(MutexGuard<'a, Counts>);

impl Guesses {
    /// The counts, for one decision.
    pub fn open(&self) -> Open<'_> {
        Open(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts what an entry of the log says was allowed.
    pub fn recall(&self, entry: &Entry) {
        let Event::CommandIntent { command, .. } = &entry.event else { return };
        let (Some(who), Some(connection)) = (&entry.principal, &entry.connection) else { return };
        if command.stage != StageWord::Run {
            return;
        }
        let mut open = self.open();
        for it in &command.facts.matches {
            let column = it.values_of.as_deref().unwrap_or(&it.column);
            open.0.count(key(who, connection, column), it.values.into(), entry.time);
        }
    }
}

impl Open<'_> {
    /// How many values `who` has compared with the column of each of `matches` until `now`, and those of `matches`.
    pub fn with(&mut self, who: &Who, connection: &Arc<str>, matches: &[Match], now: Timestamp) -> Vec<u64> {
        let sum = |it: &Match| {
            let made = self.0.sum(&key(who, connection, it.counted()), now);
            made.saturating_add(it.values.into())
        };
        matches.iter().map(sum).collect()
    }

    /// Counts `matches`, which are allowed.
    pub fn count(&mut self, who: &Who, connection: &Arc<str>, matches: &[Match], now: Timestamp) {
        for it in matches {
            self.0.count(key(who, connection, it.counted()), it.values.into(), now);
        }
    }
}

#[cfg(test)]
mod tests;
