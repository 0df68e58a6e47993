use access::Timestamp;

/// When to fetch one issuer's keys, as a state machine without a clock.
///
/// Keys are fetched at the start, every five minutes, and when a token names a key that is not known; that
/// last reason counts twice in a row at most and then once in 30 seconds, since anyone can make up a key's
/// name. After a failure the next try waits 1 second, then twice as long each time, up to a minute.
///
/// ```text
///          due(now)                     start(now)
/// Waiting ─────────▶ a caller fetches ─────────────▶ Fetching ──fetched / failed──▶ Waiting
///    ▲  unknown_key: due at once, if the allowance lasts
/// ```
///
/// The keys themselves are the caller's. After a failure it keeps the old ones for as long as
/// [`Refresh::keys_hold`]: an issuer that is down for an hour takes nobody's session, one that has been gone
/// for a day is no longer believed.
#[derive(Debug, Clone)]
pub struct Refresh {
    state: State,
    fetched_at: Option<Timestamp>,
    failures: u32,
    /// The moment at which the allowance for unknown keys is full again (a token bucket kept as one time).
    allowance_full_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Until `next`; `since` tells a clock that was set back.
    Waiting { since: Timestamp, next: Timestamp },
    /// For the answer to a fetch.
    Fetching,
}

impl Refresh {
    /// A new issuer, due at once.
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: State::Waiting { since: now, next: now },
            fetched_at: None,
            failures: 0,
            allowance_full_at: now,
        }
    }

    /// Whether keys should be fetched now. Not while a fetch is under way.
    pub fn due(&self, now: Timestamp) -> bool {
        match self.state {
            State::Waiting { since, next } => next <= now || now < since,
            State::Fetching => false,
        }
    }

    /// When keys should be fetched next, or `None` while a fetch is under way.
    pub fn next_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting { next, .. } => Some(next),
            State::Fetching => None,
        }
    }

    /// Notes that a fetch begins; [`Refresh::fetched`] or [`Refresh::failed`] must follow.
    pub fn start(&mut self) {
        self.state = State::Fetching;
    }

    /// Takes note of a token whose key is not known. `true`: a fetch is due now, or under way already, and it
    /// is worth trying the token again after it.
    pub fn unknown_key(&mut self, now: Timestamp) -> bool {
        match self.state {
            State::Fetching => return true,
            State::Waiting { .. } if self.due(now) => return true,
            // The issuer is not answering; asking more often does not help it.
            State::Waiting { .. } if self.failures > 0 => return false,
            State::Waiting { .. } => {}
        }
        let bucket_end = now.plus_seconds(UNKNOWN_KEY_SECONDS * UNKNOWN_KEY_BURST);
        // Further away than it can be: the clock was set back, and the allowance begins anew.
        let full_at = if self.allowance_full_at > bucket_end { now } else { self.allowance_full_at.max(now) };
        let full_at = full_at.plus_seconds(UNKNOWN_KEY_SECONDS);
        if full_at > bucket_end {
            return false;
        }
        self.allowance_full_at = full_at;
        self.state = State::Waiting { since: now, next: now };
        true
    }

    /// Takes note of keys fetched and read.
    pub fn fetched(&mut self, now: Timestamp) {
        self.failures = 0;
        self.fetched_at = Some(now);
        self.state = State::Waiting { since: now, next: now.plus_seconds(TIMER_SECONDS) };
    }

    /// Takes note of a fetch that failed, or of keys that could not be read.
    pub fn failed(&mut self, now: Timestamp) {
        let wait = 1_i64.checked_shl(self.failures).unwrap_or(BACK_OFF_SECONDS_MAX).min(BACK_OFF_SECONDS_MAX);
        self.failures = self.failures.saturating_add(1).min(FAILURES_COUNTED_MAX);
        self.state = State::Waiting { since: now, next: now.plus_seconds(wait) };
    }

    /// Whether the keys fetched last may still be used. `false` before the first are there.
    pub fn keys_hold(&self, now: Timestamp) -> bool {
        self.fetched_at.is_some_and(|fetched| now < fetched.plus_seconds(KEYS_SECONDS_MAX))
    }

    /// When keys were last fetched.
    pub fn fetched_at(&self) -> Option<Timestamp> {
        self.fetched_at
    }
}

const TIMER_SECONDS: i64 = 5 * 60;
const UNKNOWN_KEY_SECONDS: i64 = 30;
const UNKNOWN_KEY_BURST: i64 = 2;
const BACK_OFF_SECONDS_MAX: i64 = 60;
/// 2^6 seconds is past the longest wait already.
const FAILURES_COUNTED_MAX: u32 = 6;
const KEYS_SECONDS_MAX: i64 = 24 * 60 * 60;
