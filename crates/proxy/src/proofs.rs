//! Proofs that somebody holds a key come once: each is remembered for as long as it would be believed (RFC 9449 §11.1).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use access::Timestamp;
use identity::Proven;

/// The proofs that have come of late.
#[derive(Default)]
pub(crate) struct Proofs(Mutex<HashMap<Name, Timestamp>>);

/// A key and one of its proofs.
type Name = (Box<str>, Box<str>);

impl Proofs {
    /// Takes one; whether it has not come before. When there are too many to remember, none is new.
    pub(crate) fn take(&self, proven: &Proven, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PROOFS_MAX {
            known.retain(|_, until| *until > now);
        }
        let is_room = known.len() < PROOFS_MAX;
        let name = (proven.thumbprint.clone(), proven.id.clone());
        is_room && known.insert(name, proven.until).is_none()
    }
}

/// Some ten megabytes: requests of two minutes at a thousand a second.
const PROOFS_MAX: usize = 120_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(id: &str, until: i64) -> Proven {
        Proven { thumbprint: "key".into(), id: id.into(), until: Timestamp(until) }
    }

    #[test]
    fn a_proof_comes_once() {
        let proofs = Proofs::default();
        assert!(proofs.take(&proven("1", 10), Timestamp(0)) && proofs.take(&proven("2", 10), Timestamp(0)));
        assert!(!proofs.take(&proven("1", 10), Timestamp(1)));
        let other = Proven { thumbprint: "another".into(), ..proven("1", 10) };
        assert!(proofs.take(&other, Timestamp(1)));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nothing_is_believed_beyond() {
        let proofs = Proofs::default();
        assert!((0..PROOFS_MAX).all(|number| proofs.take(&proven(&number.to_string(), 10), Timestamp(0))));
        assert!(!proofs.take(&proven("more", 10), Timestamp(9)));
        assert!(proofs.take(&proven("more", 20), Timestamp(10)), "those of before are forgotten");
    }
}
