use super::*;

#[test]
fn it_is_tried_eight_times_within_an_hour() {
    let mut now = Timestamp::from_seconds(0);
    let mut tries = 1;
    while let Some(then) = next(tries, None, now) {
        assert!(then > now);
        (now, tries) = (then, tries + 1);
    }
    assert_eq!(tries, 8);
    assert!(now.micros() <= 3_600_000_000, "{now:?}");
}

#[test]
fn a_channel_that_wants_to_be_left_alone_is_for_ten_minutes_at_most() {
    let now = Timestamp::from_seconds(100);
    assert_eq!(next(1, Some(30), now), Some(now.plus_seconds(30)));
    assert_eq!(next(1, Some(1), now), Some(now.plus_seconds(2)), "and not less than any other");
    assert_eq!(next(1, Some(u32::MAX), now), Some(now.plus_seconds(600)));
    assert_eq!(next(8, Some(30), now), None);
    assert_eq!(next(0, None, now), None, "what was not tried did not fail");
}

#[test]
fn attempts_are_counted_by_the_channel_and_the_minute() {
    let mut pace = Pace::default();
    let minute = 60_000_000;
    assert_eq!(pace.begun("ops", 5 * minute), 0);
    pace.begin("ops");
    pace.begin("ops");
    assert_eq!((pace.begun("ops", 6 * minute - 1), pace.begun("other", 5 * minute)), (2, 0));
    assert_eq!(pace.begun("ops", 6 * minute), 0);
}
