//! How many values each principal has compared with each column lately.
//!
//! Who may compare a column with values of their own could go through all numbers that there are. Policy says how many
//! are too many (`context.matches`), and this counts them: within a day, in slots, so that what is kept does not grow
//! with what is guessed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Match, Timestamp};
use audit::{Entry, Event, StageWord, Who};

/// What was compared, of all principals and connections. In one place, so that two commands at once are two.
#[derive(Default)]
pub(crate) struct Guesses(Mutex<Counts>);

/// The counts, while a command is decided by them.
pub(crate) struct Open<'a>(MutexGuard<'a, Counts>);

#[derive(Default)]
struct Counts {
    made: HashMap<Key, VecDeque<Slot>>,
    /// From how many keys on those are looked for whose time is over.
    sweep_at: usize,
}

/// The principal is the one who asks: access that is lent counts for the agent, whoever lent it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    kind: Box<str>,
    issuer: Box<str>,
    id: Box<str>,
    connection: Arc<str>,
    column: Box<str>,
}

/// Values compared within one stretch of [`SLOT_SECONDS`].
struct Slot {
    number: i64,
    values: u64,
}

/// For how long a comparison counts.
const WINDOW_SECONDS: i64 = 24 * 60 * 60;

/// One counts for at most so much longer.
const SLOT_SECONDS: i64 = 10 * 60;

/// Most pairs of a principal and a column that are counted; with more than that no comparison is allowed. A pair takes
/// up to 3 KiB.
const KEYS_MAX: usize = 65_536;

/// From how many pairs on it is worth while to look for those that are over.
const SWEEP_AT: usize = 4_096;

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
            let made = self.0.made(&key(who, connection, it.counted()), now);
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

impl Counts {
    fn made(&self, key: &Key, now: Timestamp) -> u64 {
        match self.made.get(key) {
            None if self.made.len() >= KEYS_MAX => u64::MAX,
            None => 0,
            Some(slots) => {
                let counted = slots.iter().filter(|slot| slot.counts_at(now));
                counted.fold(0, |sum, slot| sum.saturating_add(slot.values))
            }
        }
    }

    fn count(&mut self, key: Key, values: u64, now: Timestamp) {
        if self.made.len() >= self.sweep_at.max(SWEEP_AT) {
            self.made.retain(|_, slots| slots.iter().any(|slot| slot.counts_at(now)));
            self.sweep_at = self.made.len().saturating_mul(2);
        }
        let slots = self.made.entry(key).or_default();
        slots.retain(|slot| slot.counts_at(now));
        let number = number(now);
        // A clock that is set back must not make them count for longer than they do.
        match slots.iter_mut().find(|slot| slot.number == number) {
            Some(slot) => slot.values = slot.values.saturating_add(values),
            None => slots.push_back(Slot { number, values }),
        }
    }
}

impl Slot {
    /// What is ahead of `now` counts too: a clock that is set back forgets nothing.
    fn counts_at(&self, now: Timestamp) -> bool {
        self.number >= number(now.plus_seconds(-WINDOW_SECONDS))
    }
}

fn number(time: Timestamp) -> i64 {
    time.micros().div_euclid(SLOT_SECONDS * 1_000_000)
}

fn key(who: &Who, connection: &Arc<str>, column: &str) -> Key {
    Key {
        kind: who.kind.clone(),
        issuer: who.issuer.clone(),
        id: who.id.clone(),
        connection: Arc::clone(connection),
        column: column.into(),
    }
}

#[cfg(test)]
mod tests;
