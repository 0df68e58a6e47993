//! Proofs that somebody holds a key come once: each is remembered for as long as it would be believed (RFC 9449 §11.1).

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, PoisonError};

use access::{Principal, Timestamp};
use aws_lc_rs::digest;
use identity::{Proven, SECONDS_BELIEVED};

/// The proofs that have come of late.
///
/// There are two generations, of which the older is forgotten whole: nobody looks through them, however many there are.
#[derive(Default)]
pub(crate) struct Proofs(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// When the younger generation began.
    since: Timestamp,
    younger: Generation,
    older: Generation,
}

#[derive(Default)]
struct Generation {
    proofs: HashSet<Hash>,
    /// How many of them are whose: keys are made as one likes, so that it is not of which.
    of: HashMap<Hash, u32>,
}

/// Half of a SHA-256: names are as long as somebody likes.
type Hash = [u8; 16];

impl Proofs {
    /// Takes one of `principal`'s; whether it has not come before. When there are too many to remember, of all or of theirs, none is
    /// new.
    pub(crate) fn take(&self, principal: &Principal, proven: &Proven, now: Timestamp) -> bool {
        let proof = hash(&[&proven.thumbprint, &proven.id]);
        let whose = hash(&[&principal.issuer, &principal.subject, &principal.id]);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.since.plus_seconds(SECONDS_BELIEVED) <= now {
            known.older = mem::take(&mut known.younger);
            known.since = now;
        }
        let has_come = known.older.proofs.contains(&proof);
        !has_come && known.younger.take(proof, whose)
    }
}

impl Generation {
    fn take(&mut self, proof: Hash, whose: Hash) -> bool {
        let theirs = self.of.get(&whose).copied().unwrap_or_default();
        if self.proofs.len() >= PROOFS_MAX || theirs >= PROOFS_OF_ONE_MAX || !self.proofs.insert(proof) {
            return false;
        }
        self.of.insert(whose, theirs + 1);
        true
    }
}

fn hash(parts: &[&str]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut half = Hash::default();
    half.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    half
}

/// Some ten megabytes in each generation, of two minutes: two thousand requests a second.
const PROOFS_MAX: usize = 240_000;

/// Two hundred requests a second of one principal, who so keeps nobody else out.
const PROOFS_OF_ONE_MAX: u32 = 24_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use access::{Authentication, Kind};

    use super::*;

    fn proven(id: &str) -> Proven {
        Proven { thumbprint: "key".into(), id: id.into() }
    }

    fn whose(name: &str) -> Principal {
        Principal {
            kind: Kind::Agent,
            id: name.into(),
            issuer: "https://idp.example.com".into(),
            subject: name.into(),
            groups: BTreeSet::new(),
            delegation: None,
            person: None,
            authentication: Authentication::default(),
            token_id: "t".into(),
            valid_from: at(0),
            valid_until: at(600),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000 + seconds)
    }

    #[test]
    fn a_proof_comes_once() {
        let (proofs, ada) = (Proofs::default(), whose("ada"));
        assert!(proofs.take(&ada, &proven("1"), at(0)) && proofs.take(&ada, &proven("2"), at(0)));
        assert!(!proofs.take(&ada, &proven("1"), at(1)) && !proofs.take(&whose("eve"), &proven("1"), at(1)));
        let other = Proven { thumbprint: "another".into(), ..proven("1") };
        assert!(proofs.take(&ada, &other, at(1)));
    }

    /// Whenever it came and whoever came in between.
    #[test]
    fn it_is_remembered_for_as_long_as_it_is_believed() {
        for came in [0, 1, 60, SECONDS_BELIEVED - 1, SECONDS_BELIEVED] {
            let (proofs, ada) = (Proofs::default(), whose("ada"));
            assert!(proofs.take(&ada, &proven("first"), at(0)));
            assert!(proofs.take(&ada, &proven("1"), at(came)) || came == 0);
            for later in 1..SECONDS_BELIEVED {
                proofs.take(&ada, &proven(&later.to_string()), at(came + later));
                assert!(!proofs.take(&ada, &proven("1"), at(came + later)), "{came} {later}");
            }
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nothing_is_believed_beyond() {
        let proofs = Proofs::default();
        let everybody = (0..PROOFS_MAX).map(|number| (number, whose(&(number / 20_000).to_string())));
        let taken = everybody.map(|(number, it)| proofs.take(&it, &proven(&number.to_string()), at(0)));
        assert!(taken.into_iter().all(|is_new| is_new));
        assert!(!proofs.take(&whose("ada"), &proven("more"), at(1)));
        assert!(proofs.take(&whose("ada"), &proven("more"), at(2 * SECONDS_BELIEVED)));
    }

    #[test]
    fn nobody_keeps_others_out_by_proofs_of_their_own() {
        let (proofs, eve) = (Proofs::default(), whose("eve"));
        let taken =
            (0..PROOFS_OF_ONE_MAX).map(|number| proofs.take(&eve, &proven(&number.to_string()), at(0)));
        assert!(taken.into_iter().all(|is_new| is_new));
        assert!(!proofs.take(&eve, &proven("more"), at(1)), "whatever key they make");
        assert!(proofs.take(&whose("ada"), &proven("more"), at(1)));
    }
}
