//! Answers in the audit log are sealed by a key of their month, which is destroyed when their time is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Timestamp;
use audit::{AnswerKey, Change, Entry, Event, Log};
use gate::{Answers, Gate};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use tracing::{error, info, warn};
use vault::{Name, Vault, fresh_key};

use super::gateway_name;

/// Sees to the keys.
pub struct Keeper {
    pub gate: Arc<Gate>,
    pub vault: Arc<Vault>,
    pub log: Log,
    /// How many bytes of each answer are kept; 0 is none.
    pub bytes_max: usize,
    /// How long entries are kept, and what seals answers in them.
    pub kept_for: Duration,
    /// The first day of the month whose key seals.
    pub month: Option<Date>,
    /// The day on which keys were looked for that are over.
    pub destroyed: Option<Date>,
    /// When the gateway started, by both clocks.
    pub started: (Timestamp, Instant),
}

impl Keeper {
    /// Has answers sealed by this month's key, and destroys those whose time is over. To be called now and then.
    ///
    /// # Errors
    /// The key of this month cannot be had: no answer is kept then.
    pub fn look(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let now = self.no_later(now);
        let Some(day) = day_of(now) else { return Ok(()) };
        let month = day.first_of_month();
        if self.destroyed != Some(day) && self.destroy(month, now) {
            self.destroyed = Some(day);
        }
        // A clock that was set back makes no key again of a month whose own may be destroyed.
        if self.month.is_some_and(|known| known >= month) {
            return Ok(());
        }
        if self.bytes_max > 0 {
            self.gate.keep_answers(None);
            let name = name(month)?;
            let secret = self.vault.get_or_create(&name, now, fresh_key)?;
            let key = AnswerKey::new(name.as_str(), &secret);
            self.gate.keep_answers(key.map(|key| Answers { key, bytes_max: self.bytes_max }));
        }
        self.month = Some(month);
        Ok(())
    }

    /// The time, of which a clock that is set forward meanwhile makes nothing old.
    fn no_later(&self, now: Timestamp) -> Timestamp {
        let (then, began) = self.started;
        let passed = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
        now.min(then.plus_seconds(passed.saturating_add(CLOCK_SECONDS)))
    }

    /// Destroys the keys of months in which all is older than may be; whether there are none any more.
    fn destroy(&self, month: Date, now: Timestamp) -> bool {
        // What is destroyed for good is recorded, or waits.
        if self.log.state().failed.is_some() {
            return false;
        }
        let mut is_done = true;
        let over =
            (1..=MONTHS_LOOKED_BACK).filter_map(|back| month.checked_sub(Span::new().months(back)).ok());
        for over in over.filter(|over| is_over(*over, self.kept_for, now)) {
            let Ok(name) = name(over) else { continue };
            match self.vault.get(&name).and_then(|key| key.map_or(Ok(false), |_| self.vault.remove(&name))) {
                Ok(false) => {}
                Ok(true) => {
                    info!(
                        key = name.as_str(),
                        "answers of a month can be read no more, its key is destroyed"
                    );
                    let event = Event::SecretChanged { name: name.as_str().into(), change: Change::Removed };
                    if let Err(error) = self.log.note(&Entry::of_gateway(now, gateway_name().into(), event)) {
                        error!(key = name.as_str(), %error, "that a key was destroyed is not recorded");
                    }
                }
                Err(error) => {
                    is_done = false;
                    warn!(key = name.as_str(), %error, "a key that should be destroyed is not");
                }
            }
        }
        is_done
    }
}

/// The day, in UTC.
fn day_of(now: Timestamp) -> Option<Date> {
    let now = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
    Some(now.to_zoned(TimeZone::UTC).date())
}

/// Whether what was answered on the last day of a month is older than `kept_for`.
fn is_over(month: Date, kept_for: Duration, now: Timestamp) -> bool {
    let end = month.checked_add(1.month()).and_then(|end| end.to_zoned(TimeZone::UTC));
    let age = |end: jiff::Zoned| now.micros().saturating_sub(end.timestamp().as_microsecond());
    end.is_ok_and(|end| i128::from(age(end)) > i128::try_from(kept_for.as_micros()).unwrap_or(i128::MAX))
}

/// The key's name in the vault, and in entries.
fn name(month: Date) -> anyhow::Result<Name> {
    Ok(Name::internal(&format!("answers/{:04}-{:02}", month.year(), month.month()))?)
}

/// So much a clock may be put right without a word.
const CLOCK_SECONDS: i64 = 3600;

/// Fifty years: what a vault has had for longer it keeps.
const MONTHS_LOOKED_BACK: i32 = 600;

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(day: Date) -> Timestamp {
        Timestamp(day.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond())
    }

    #[test]
    fn a_months_key_is_over_when_its_last_answer_is_too_old() {
        let kept_for = Duration::from_secs(30 * 86_400);
        assert!(!is_over(date(2026, 9, 1), kept_for, at(date(2026, 10, 31))));
        assert!(is_over(date(2026, 9, 1), kept_for, at(date(2026, 11, 1))));
        assert!(!is_over(date(2026, 12, 1), kept_for, at(date(2026, 11, 1))), "one to come");
    }

    #[test]
    fn a_month_has_one_name() {
        assert_eq!(day_of(at(date(2026, 11, 29))), Some(date(2026, 11, 29)));
        assert_eq!(name(date(2026, 11, 1)).unwrap().as_str(), "internal/answers/2026-11");
    }
}
