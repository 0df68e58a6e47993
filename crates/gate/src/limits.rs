//! How much each principal may ask for on one connection: requests a minute, and requests at a time.
//!
//! Counters without a clock; whoever holds them says who asks and when.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use access::{Kind, Principal, Timestamp};

/// What each principal may ask for on one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute; after a minute's pause as many at once.
    pub per_minute: Option<u32>,
    /// Requests at a time.
    pub concurrent: Option<u32>,
}

/// Why a request is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// There were as many a minute as may be; so many seconds from now there is room for one.
    Often {
        /// How many a minute may be.
        per_minute: u32,
        /// Whole seconds, 1 at least.
        retry_after_seconds: u64,
    },
    /// As many as may be are running; when one ends nobody can say.
    AtOnce {
        /// How many may run.
        concurrent: u32,
    },
    /// There are more principals than are counted. None is let in uncounted.
    Principals,
}

/// Counts what the principals on one connection ask for.
///
/// Each has a bucket of as many requests as a minute allows, which fills evenly, kept as the one moment at which it is
/// full again (the form of GCRA). A request that is refused takes nothing out of it.
#[derive(Debug)]
pub struct Limits {
    allowance: Allowance,
    counted: HashMap<Who, Counted>,
    /// How many are kept before those that count nothing any more are looked for.
    sweep_at: usize,
}

/// Who is counted: not by the token, of which a principal may have many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Who {
    kind: Kind,
    issuer: Box<str>,
    id: Box<str>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    full_at: Timestamp,
    running: u32,
}

impl From<&Principal> for Who {
    fn from(principal: &Principal) -> Self {
        // Whoever lends access names the agents as they like: what these ask for is theirs.
        let whose = principal.lent().and_then(|lent| lent.lenders.first()).unwrap_or(principal);
        Self { kind: whose.kind, issuer: whose.issuer.clone(), id: whose.id.clone() }
    }
}

impl Limits {
    /// With nothing asked for yet.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, counted: HashMap::new(), sweep_at: SWEEP_AT_FIRST }
    }

    /// Lets one more request in, which [`Limits::leave`] must follow when it has ended.
    ///
    /// # Errors
    /// [`TooMany`]: it is not let in, and has taken nothing.
    pub fn enter(&mut self, who: &Who, now: Timestamp) -> Result<(), TooMany> {
        if self.allowance == Allowance::default() {
            return Ok(());
        }
        self.sweep(now);
        let known = self.counted.get(who).copied();
        if known.is_none() && self.counted.len() >= PRINCIPALS_MAX {
            return Err(TooMany::Principals);
        }
        let mut counted = known.unwrap_or(Counted { full_at: now, running: 0 });
        if let Some(concurrent) = self.allowance.concurrent.filter(|most| counted.running >= *most) {
            return Err(TooMany::AtOnce { concurrent });
        }
        if let Some(per_minute) = self.allowance.per_minute {
            counted.full_at = taken(counted.full_at, per_minute, now)?;
        }
        counted.running = counted.running.saturating_add(1);
        self.counted.insert(who.clone(), counted);
        Ok(())
    }

    /// Takes note that a request that was let in has ended.
    pub fn leave(&mut self, who: &Who) {
        if let Some(counted) = self.counted.get_mut(who) {
            counted.running = counted.running.saturating_sub(1);
        }
    }

    /// Forgets those who run nothing and whose buckets are full: they are as if they had never come.
    fn sweep(&mut self, now: Timestamp) {
        if self.counted.len() < self.sweep_at {
            return;
        }
        self.counted.retain(|_, counted| counted.running > 0 || counted.full_at > now);
        self.sweep_at = (self.counted.len() * 2).clamp(SWEEP_AT_FIRST, PRINCIPALS_MAX);
    }
}

/// When the bucket is full again once one more is taken out of it.
fn taken(full_at: Timestamp, per_minute: u32, now: Timestamp) -> Result<Timestamp, TooMany> {
    // A bucket that would need longer than a minute to fill is from before the clock was set back.
    let before = full_at.micros().saturating_sub(now.micros());
    let missing = if (0..=MINUTE_MICROS).contains(&before) { before } else { 0 };
    // Rounded up, so that no minute has one more than it may.
    let one = (MINUTE_MICROS + i64::from(per_minute.max(1)) - 1) / i64::from(per_minute.max(1));
    let room = MINUTE_MICROS.max(one) - one;
    if missing > room {
        let wait = (missing - room).unsigned_abs().div_ceil(1_000_000);
        return Err(TooMany::Often { per_minute, retry_after_seconds: wait.max(1) });
    }
    Ok(Timestamp(now.micros().saturating_add(missing + one)))
}

const MINUTE_MICROS: i64 = 60_000_000;
const SWEEP_AT_FIRST: usize = 1024;
/// Principals of one connection that are counted at a time.
const PRINCIPALS_MAX: usize = 100_000;
