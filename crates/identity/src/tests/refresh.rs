use access::Timestamp;
use proptest::prelude::*;

use super::mint::NOW;
use crate::Refresh;

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// Fetched for the first time at `NOW`.
fn fetched() -> Refresh {
    let mut it = Refresh::new(NOW);
    it.start();
    it.fetched(NOW);
    it
}

#[test]
fn keys_are_fetched_at_the_start_and_every_five_minutes() {
    let mut it = Refresh::new(NOW);
    assert!(it.due(NOW) && !it.keys_hold(NOW));
    it.start();
    assert!(!it.due(NOW), "a fetch is under way");
    assert_eq!(it.next_at(), None);
    it.fetched(after(1));
    assert_eq!(it.next_at(), Some(after(301)));
    assert!(!it.due(after(300)) && it.due(after(301)));
}

#[test]
fn an_unknown_key_is_fetched_for_twice_and_then_every_30_seconds() {
    let mut it = fetched();
    let mut ask = |seconds| {
        let fetch = it.unknown_key(after(seconds));
        if fetch {
            assert!(it.due(after(seconds)));
            it.start();
            it.fetched(after(seconds));
        }
        fetch
    };
    let asked: Vec<bool> = [1, 1, 1, 29, 31, 32, 60, 61].map(&mut ask).to_vec();
    assert_eq!(asked, [true, true, false, false, true, false, false, true]);
}

#[test]
fn those_who_ask_while_a_fetch_is_due_or_under_way_share_it() {
    let mut it = fetched();
    assert!(it.unknown_key(after(1)));
    assert!(it.unknown_key(after(1)), "it is due already");
    it.start();
    assert!(it.unknown_key(after(1)), "it is under way");
    it.fetched(after(2));
    assert!(it.unknown_key(after(2)), "only one of the allowance of two was used");
}

#[test]
fn failures_back_off_and_unknown_keys_do_not_hurry_them() {
    let mut it = fetched();
    let mut now = after(300);
    for wait in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        assert!(it.due(now));
        it.start();
        it.failed(now);
        assert_eq!(it.next_at(), Some(now.plus_seconds(wait)));
        assert!(!it.unknown_key(now));
        now = now.plus_seconds(wait);
    }
    it.start();
    it.fetched(now);
    it.start();
    it.failed(now);
    assert_eq!(it.next_at(), Some(now.plus_seconds(1)), "a success forgets the failures");
}

#[test]
fn keys_are_kept_through_failures_for_a_day_and_no_longer() {
    let mut it = fetched();
    it.start();
    it.failed(after(300));
    assert!(it.keys_hold(after(24 * 3600 - 1)));
    assert!(!it.keys_hold(after(24 * 3600)));
    assert_eq!(it.fetched_at(), Some(NOW));
}

#[test]
fn a_clock_set_back_makes_a_fetch_due_and_locks_nothing() {
    let mut it = fetched();
    assert!(it.unknown_key(after(1)));
    it.start();
    it.fetched(after(1));
    let past = after(-86_400);
    assert!(it.due(past));
    it.start();
    it.fetched(past);
    assert!(it.unknown_key(past.plus_seconds(60)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// However often forged names come, and whatever becomes of the fetches, the issuer is asked for them at
    /// most twice and then once in 30 seconds, beside the timer and the back-off.
    #[test]
    fn forged_key_names_cannot_hammer_the_issuer(steps in prop::collection::vec((0_i64..20, any::<bool>()), 1..200)) {
        let mut it = fetched();
        let (mut now, mut fetches) = (NOW, 0);
        for (wait, succeeds) in steps {
            now = now.plus_seconds(wait);
            it.unknown_key(now);
            if it.due(now) {
                fetches += 1;
                it.start();
                if succeeds { it.fetched(now) } else { it.failed(now) }
            }
        }
        let seconds = (now.micros() - NOW.micros()) / 1_000_000;
        // A failure is tried again after a second, and each of its retries has to fail as well to go on.
        prop_assert!(fetches <= 2 + seconds, "{} fetches in {} s", fetches, seconds);
    }

    #[test]
    fn while_fetches_succeed_forged_names_cost_one_in_30_seconds(steps in prop::collection::vec(0_i64..20, 1..200)) {
        let mut it = fetched();
        let (mut now, mut fetches) = (NOW, 0);
        for wait in steps {
            now = now.plus_seconds(wait);
            it.unknown_key(now);
            if it.due(now) {
                fetches += 1;
                it.start();
                it.fetched(now);
            }
        }
        let seconds = (now.micros() - NOW.micros()) / 1_000_000;
        prop_assert!(fetches <= 2 + seconds / 30 + seconds / 300, "{} fetches in {} s", fetches, seconds);
    }
}
