//! What is counted of each principal within a day, in slots, so that what is kept does not grow with what is counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use access::Timestamp;
use audit::Who;

/// Counts of all principals and connections.
#[derive(Default)]
pub(crate) struct Counts {
    counted: HashMap<Key, VecDeque<Slot>>,
    /// From how many keys on those are looked for whose time is over.
    sweep_at: usize,
}

/// Who, and what of theirs. The principal is the one who asks: access that an issuer says was lent counts for the agent, whoever
/// lent it. What panguard lent counts for whoever has it of their own, who names the agents as they like.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    kind: Box<str>,
    issuer: Box<str>,
    id: Box<str>,
    connection: Arc<str>,
    what: Box<str>,
}

/// What was counted within one stretch of [`SLOT_SECONDS`].
struct Slot {
    number: i64,
    amount: u64,
}

/// For how long it counts.
const WINDOW_SECONDS: i64 = 24 * 60 * 60;

/// It counts for at most so much longer.
const SLOT_SECONDS: i64 = 10 * 60;

/// Most pairs of a principal and a thing that are counted; of more than that no sum is known, and it is taken for the
/// highest. A pair takes up to 3 KiB.
const KEYS_MAX: usize = 65_536;

/// From how many pairs on it is worth while to look for those that are over.
const SWEEP_AT: usize = 4_096;

impl Counts {
    /// What was counted until `now`.
    pub(crate) fn sum(&self, key: &Key, now: Timestamp) -> u64 {
        match self.counted.get(key) {
            None if self.counted.len() >= KEYS_MAX => u64::MAX,
            None => 0,
            Some(slots) => {
                let counted = slots.iter().filter(|slot| slot.counts_at(now));
                counted.fold(0, |sum, slot| sum.saturating_add(slot.amount))
            }
        }
    }

    pub(crate) fn count(&mut self, key: Key, amount: u64, now: Timestamp) {
        if self.counted.len() >= self.sweep_at.max(SWEEP_AT) {
            self.counted.retain(|_, slots| slots.iter().any(|slot| slot.counts_at(now)));
            self.sweep_at = self.counted.len().saturating_mul(2);
        }
        let slots = self.counted.entry(key).or_default();
        slots.retain(|slot| slot.counts_at(now));
        let number = number(now);
        // A clock that is set back must not make them count for longer than they do.
        match slots.iter_mut().find(|slot| slot.number == number) {
            Some(slot) => slot.amount = slot.amount.saturating_add(amount),
            None => slots.push_back(Slot { number, amount }),
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

pub(crate) fn key(who: &Who, connection: &Arc<str>, what: &str) -> Key {
    let (kind, id) = who.lent.as_deref().map_or((&who.kind, &who.id), |lent| (&lent.by_kind, &lent.by));
    Key {
        kind: kind.clone(),
        issuer: who.issuer.clone(),
        id: id.clone(),
        connection: Arc::clone(connection),
        what: what.into(),
    }
}

#[cfg(test)]
mod tests;
