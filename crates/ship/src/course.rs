//! Where a sink is in the log, and how it goes on after what came of each attempt. Pure.
//!
//! ```text
//! 0 ───────── kept ───────── sent ───────── durable
//!             │              └ all before it is on its way
//!             └ all before it the receiver has, or that it has not is an entry of the log
//! ```
//!
//! | what came | kept | sent | next |
//! | --- | --- | --- | --- |
//! | the receiver has it | after it | after it | at once |
//! | it was written, and nobody has said that it is there | | after it | at once |
//! | nothing | | back to kept | after a pause that grows until something is kept, half as many |
//! | refused, several entries | | back to kept | at once, half of them |
//! | refused, one entry | | back to kept | after a pause; the fifth time in a row it is given up |
//!
//! INVARIANT: `kept` is all that outlives the process, and it never passes an entry of which neither holds.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

/// Where a sink is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    kept: u64,
    sent: u64,
    room: usize,
    failed: u32,
    refused: u32,
}

/// What an attempt was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// From the first entry that was told to after the last.
    pub told: Range<u64>,
    /// How many were, at least one: those between that do not fit are passed over.
    pub entries: usize,
    /// How far the log has been looked at.
    pub to: u64,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The receiver has it.
    Kept,
    /// It was written.
    Sent,
    /// Nothing, as far as is known.
    Failed {
        /// For how many seconds the receiver wants to be left alone, if it says.
        wanted: Option<u32>,
    },
    /// The receiver will not have it, however often.
    Refused,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Go on.
    GoOn,
    /// Wait, then try what is after `kept` again.
    Wait(Duration),
    /// Record that these are not brought there, and say so by [`Course::passed`].
    GiveUp(Range<u64>),
}

impl Course {
    /// At an index of the log.
    pub fn at(kept: u64) -> Self {
        Self { kept, sent: kept, room: ENTRIES_MAX, failed: 0, refused: 0 }
    }

    /// All before it is done with.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// All before it is on its way.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many entries the next attempt is about, at most.
    pub fn room(&self) -> usize {
        self.room
    }

    /// Takes note of an attempt, which began at [`Course::sent`].
    pub fn came(&mut self, span: &Span, came: Came) -> Then {
        match came {
            Came::Kept => {
                *self = Self { room: (self.room * 2).min(ENTRIES_MAX), ..Self::at(span.to) };
                Then::GoOn
            }
            Came::Sent => {
                self.sent = span.to;
                Then::GoOn
            }
            Came::Failed { wanted } => self.failed(wanted),
            Came::Refused if span.entries > 1 => {
                (self.sent, self.room) = (self.kept, span.entries / 2);
                Then::GoOn
            }
            Came::Refused => {
                self.refused += 1;
                if self.refused >= REFUSALS_MAX {
                    return Then::GiveUp(span.told.clone());
                }
                self.failed(None)
            }
        }
    }

    /// Takes note that nothing came of an attempt, or that a connection broke.
    pub fn failed(&mut self, wanted: Option<u32>) -> Then {
        // Fewer, for it may be that so many take too long.
        (self.sent, self.room) = (self.kept, (self.room / 2).max(1));
        self.failed = self.failed.saturating_add(1);
        let grown = 1_u32.checked_shl(self.failed - 1).unwrap_or(PAUSE_SECONDS_MAX).min(PAUSE_SECONDS_MAX);
        let wanted = wanted.unwrap_or(0).min(WANTED_SECONDS_MAX);
        Then::Wait(Duration::from_secs(grown.max(wanted).into()))
    }

    /// Takes note that the receiver has all that was written.
    pub fn arrived(&mut self) {
        *self = Self { room: self.room, ..Self::at(self.sent) };
    }

    /// Takes note that there is nothing to bring there up to `to`: none fits, or a gap has been recorded.
    pub fn passed(&mut self, to: u64) {
        if self.kept == self.sent {
            self.kept = to;
        }
        (self.sent, self.refused) = (to, 0);
    }
}

/// In one attempt.
pub const ENTRIES_MAX: usize = 256;

/// Longer than a receiver takes to be started again, and short enough that nobody waits for it afterwards.
const PAUSE_SECONDS_MAX: u32 = 60;

/// A receiver that asks for more is tried all the same.
const WANTED_SECONDS_MAX: u32 = 600;

/// In a row, of one entry alone. With the pauses between it takes 15 seconds at least.
const REFUSALS_MAX: u32 = 5;
