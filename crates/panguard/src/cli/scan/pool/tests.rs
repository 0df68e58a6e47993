use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn what_is_said_comes_in_the_order_of_the_jobs() {
    let mut heard = Vec::new();
    in_order(
        |give| (0..2000).for_each(give),
        |job: usize, say| {
            // The first job of each ten has the most to say.
            for part in 0..(10 - job % 10) * 100 {
                say((job, part));
            }
        },
        |event| heard.extend(event),
    );
    let expected: Vec<(usize, usize)> =
        (0..2000).flat_map(|job| (0..(10 - job % 10) * 100).map(move |part| (job, part))).collect();
    assert!(heard == expected);
}

#[test]
fn nobody_gets_further_ahead_than_is_stated() {
    let given = AtomicUsize::new(0);
    let mut ahead = 0;
    let mut heard = 0;
    in_order(
        |give| {
            for job in 0..20_000 {
                given.fetch_add(1, Ordering::SeqCst);
                give(job);
            }
        },
        |job: usize, say| say(job),
        |event| {
            if event.is_some() {
                heard += 1;
                ahead = ahead.max(given.load(Ordering::SeqCst) - heard);
            }
        },
    );
    assert_eq!(heard, 20_000);
    assert!(ahead <= 2 * AHEAD + WORKERS_MAX + 2, "{ahead}");
}
