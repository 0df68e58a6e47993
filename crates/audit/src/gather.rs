//! Gathering: whether the committer waits for more before it flushes, and how long.
//!
//! Sessions that share a flush get their receipts together, and so most of them are back with their next
//! entries at about the same time. Whoever flushes for the first of them flushes again for the rest.

use std::time::Duration;

/// What recent flushes teach about the next. Somebody who waits for an entry is a waiter here; entries that
/// nobody waits for do not count.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Waiters that got their receipts from the last flush, and those who came meanwhile: so many are known
    /// to be there at once.
    present: usize,
    /// How long a flush takes, smoothed.
    flush: Duration,
    /// Batches to be taken at once before the next wait is tried.
    rest: u32,
    /// How many those were after the last wait that was in vain; 0 after one that was not.
    rested: u32,
}

/// How long to wait for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// No longer than until so many wait.
    pub(crate) until: usize,
    /// And no longer than this.
    pub(crate) at_most: Duration,
}

impl Gather {
    /// Whether to wait for more now that `waiting` wait, at least one: not when all who are known to be
    /// there wait already, so that a session that is alone is never kept waiting.
    pub(crate) fn patience(&mut self, waiting: usize) -> Option<Patience> {
        if waiting == 0 || waiting >= self.present {
            return None;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        let at_most = (self.flush / 2).min(GATHER_TIME_MAX);
        Some(Patience { until: self.present, at_most })
    }

    /// After a wait: `before` waited when it began, `after` when it ended.
    ///
    /// The wait costs those before it up to half a flush each, and saves those who came about one. When it
    /// does not pay, as with sessions that think for long, it is tried again ever less often.
    pub(crate) fn waited(&mut self, before: usize, after: usize) {
        let came = after.saturating_sub(before);
        self.rested = match came.saturating_mul(2) >= before {
            true => 0,
            false => self.rested.saturating_mul(2).clamp(1, REST_BATCHES_MAX),
        };
        self.rest = self.rested;
    }

    /// After a flush that took `took`, for `served` waiters, while `came` more came.
    pub(crate) fn flushed(&mut self, served: usize, came: usize, took: Duration) {
        self.present = served.saturating_add(came);
        // A flush that the disk kept waiting tells nothing of the next.
        let took = took.min(GATHER_TIME_MAX * 2);
        self.flush = (self.flush * 7 + took) / 8;
    }
}

/// The longest wait for more, however slow the disk.
const GATHER_TIME_MAX: Duration = Duration::from_micros(200);

/// How many batches are taken at once, at most, before a wait is tried again.
const REST_BATCHES_MAX: u32 = 64;

#[cfg(test)]
mod tests;
