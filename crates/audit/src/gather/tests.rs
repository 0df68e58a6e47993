use proptest::prelude::*;

use super::*;

const FLUSH: Duration = Duration::from_micros(100);

/// After many flushes for `served`, while `came` came.
fn after(served: usize, came: usize) -> Gather {
    let mut gather = Gather::default();
    for _ in 0..100 {
        gather.flushed(served, came, FLUSH);
    }
    gather
}

#[test]
fn nobody_waits_before_the_first_flush_and_never_for_notes_alone() {
    assert_eq!(Gather::default().patience(1), None);
    assert_eq!(after(8, 0).patience(0), None);
}

#[test]
fn a_session_that_is_alone_is_never_kept_waiting() {
    let mut gather = after(1, 0);
    for _ in 0..1000 {
        assert_eq!(gather.patience(1), None);
        gather.flushed(1, 0, FLUSH);
    }
}

#[test]
fn those_served_and_those_who_came_meanwhile_are_waited_for_half_a_flush() {
    let patience = after(3, 2).patience(2).unwrap();
    assert_eq!(patience.until, 5);
    assert!(patience.at_most <= FLUSH / 2 && patience.at_most > FLUSH / 3, "{patience:?}");
    assert_eq!(after(3, 2).patience(5), None);
}

#[test]
fn a_session_left_alone_waits_once_at_most() {
    let mut gather = after(8, 0);
    assert!(gather.patience(1).is_some());
    gather.waited(1, 1);
    for _ in 0..1000 {
        gather.flushed(1, 0, FLUSH);
        assert_eq!(gather.patience(1), None);
    }
}

#[test]
fn a_wait_that_does_not_pay_is_tried_ever_less_often_and_one_that_does_at_once_again() {
    let mut gather = after(4, 4);
    let mut tries = 0;
    for _ in 0..1000 {
        if gather.patience(4).is_some() {
            tries += 1;
            gather.waited(4, 5);
        }
        gather.flushed(4, 4, FLUSH);
    }
    assert!((6..=22).contains(&tries), "{tries}");
    while gather.patience(4).is_none() {}
    gather.waited(4, 6);
    assert!(gather.patience(4).is_some());
}

proptest! {
    #[test]
    fn a_wait_is_bounded_whatever_came_before(
        flushes in prop::collection::vec((0..1000_usize, 0..1000_usize, 0..10_000_000_u64), 0..50),
        waiting in 0..1000_usize,
    ) {
        let mut gather = Gather::default();
        let mut longest = Duration::ZERO;
        for (served, came, micros) in flushes {
            let took = Duration::from_micros(micros);
            longest = longest.max(took);
            gather.flushed(served, came, took);
            if let Some(patience) = gather.patience(waiting) {
                prop_assert!(patience.at_most <= GATHER_TIME_MAX && patience.at_most <= longest / 2);
                prop_assert!(waiting > 0 && waiting < patience.until && patience.until == served + came);
                gather.waited(waiting, waiting);
            }
        }
    }
}
