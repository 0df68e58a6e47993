//! What issuers say comes once: each is remembered for as long as it would be believed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::Timestamp;

/// What issuers have said of late, by its issuer and its id.
#[derive(Default)]
pub struct Heard(Mutex<Known>);

impl Heard {
    /// Takes note of one; whether it has not come before.
    pub(crate) fn is_new(&self, issuer: &str, id: &str, now: Timestamp) -> bool {
        let mut heard = self.lock();
        if heard.len() >= HEARD_MAX {
            heard.retain(|_, until| *until > now);
        }
        let until = now.plus_seconds(SECONDS);
        heard.insert((issuer.into(), id.into()), until).is_none_or(|before| before <= now)
    }

    /// It is as if it had not come.
    pub(crate) fn forget(&self, issuer: &str, id: &str) {
        self.lock().remove(&(issuer.into(), id.into()));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Known = HashMap<(Box<str>, Box<str>), Timestamp>;

/// An hour, and what clocks may be apart.
const SECONDS: i64 = 3600 + 300;

/// Those of which the time is over are forgotten when there are so many.
const HEARD_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_new_once_until_nobody_would_believe_it() {
        let heard = Heard::default();
        let at = Timestamp::from_seconds;
        assert!(heard.is_new("a", "1", at(0)) && !heard.is_new("a", "1", at(10)));
        assert!(heard.is_new("b", "1", at(10)) && heard.is_new("a", "2", at(10)));
        heard.forget("a", "1");
        assert!(heard.is_new("a", "1", at(20)));
        assert!(heard.is_new("a", "1", at(20 + SECONDS)));
    }
}
