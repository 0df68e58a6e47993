//! How many tokens of models each principal has used lately.
//!
//! Policy says how many are too many (`context.tokens_today`). What an answer costs is known when it has ended, so that
//! those that run at once may together pass the bound by what they cost.

use std::sync::{Mutex, PoisonError};

use access::Timestamp;
use audit::{Entry, Event, SaidNote, Who};

use crate::Admitted;
use crate::daily::{Counts, key};

/// What was used, of all principals and connections.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<Counts>);

impl Tokens {
    /// How many a principal has used on its connection until `now`.
    pub fn used(&self, admitted: &Admitted, now: Timestamp) -> u64 {
        let key = key(admitted.who(), &admitted.admission().connection, "");
        self.counts(|counts| counts.sum(&key, now))
    }

    /// Counts what an answer cost.
    pub fn count(&self, admitted: &Admitted, said: &SaidNote, now: Timestamp) {
        self.add(admitted.who(), &admitted.admission().connection, said, now);
    }

    /// Counts what an entry of the log says was used.
    pub fn recall(&self, entry: &Entry) {
        let Event::Outcome { said: Some(said), .. } = &entry.event else { return };
        let (Some(who), Some(connection)) = (&entry.principal, &entry.connection) else { return };
        self.add(who, connection, said, entry.time);
    }

    fn add(&self, who: &Who, connection: &std::sync::Arc<str>, said: &SaidNote, now: Timestamp) {
        let tokens = said.tokens();
        if tokens > 0 {
            self.counts(|counts| counts.count(key(who, connection, ""), tokens, now));
        }
    }

    fn counts<T>(&self, with: impl FnOnce(&mut Counts) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
