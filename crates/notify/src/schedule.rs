#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use access::Timestamp;

/// When a delivery that was tried `attempts` times without success is tried again; `None`: it is given up.
///
/// `wanted` is for how many seconds the channel wants to be left alone, if it says.
pub fn next(attempts: u32, wanted: Option<u32>, now: Timestamp) -> Option<Timestamp> {
    let pause = attempts.checked_sub(1).and_then(|failed| PAUSES_SECONDS.get(failed as usize))?;
    let wanted = wanted.unwrap_or(0).min(WANTED_SECONDS_MAX);
    Some(now.plus_seconds(i64::from(wanted.max(*pause))))
}

/// How many attempts have begun in this minute, by the channel.
#[derive(Default)]
pub struct Pace {
    minute: i64,
    begun: BTreeMap<Box<str>, u32>,
}

impl Pace {
    /// How many they are at `channel`; `now` in microseconds since 1970.
    pub fn begun(&mut self, channel: &str, now: i64) -> u32 {
        let minute = now.div_euclid(60_000_000);
        if minute != self.minute {
            (self.minute, self.begun) = (minute, BTreeMap::new());
        }
        self.begun.get(channel).copied().unwrap_or(0)
    }

    /// Counts one more.
    pub fn begin(&mut self, channel: &str) {
        *self.begun.entry(channel.into()).or_default() += 1;
    }
}

/// Eight tries within an hour: soon where a connection broke, and long enough for a system to be started again.
const PAUSES_SECONDS: [u32; 7] = [2, 8, 30, 120, 300, 900, 1800];

/// A channel that asks for more is tried all the same.
const WANTED_SECONDS_MAX: u32 = 600;
