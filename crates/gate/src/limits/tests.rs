use access::{Kind, Timestamp};

use super::{Allowance, Limits, PRINCIPALS_MAX, SWEEP_AT_FIRST, TooMany, Who};

const NOW: Timestamp = Timestamp(1_000_000_000_000_000);

fn who(id: &str) -> Who {
    Who { kind: Kind::Agent, issuer: "https://idp.example.com".into(), id: id.into() }
}

fn often(per_minute: u32) -> Limits {
    Limits::new(Allowance { per_minute: Some(per_minute), concurrent: None })
}

fn at(micros: i64) -> Timestamp {
    Timestamp(NOW.micros() + micros)
}

const SECOND: i64 = 1_000_000;

/// Lets a request in and out again.
fn pass(limits: &mut Limits, id: &str, now: Timestamp) -> Result<(), TooMany> {
    limits.enter(&who(id), now).map(|()| limits.leave(&who(id)))
}

#[test]
fn as_many_as_a_minute_allows_come_at_once_and_then_one_by_one() {
    let mut limits = often(3);
    for _ in 0..3 {
        pass(&mut limits, "a", NOW).unwrap();
    }
    let too_many = TooMany::Often { per_minute: 3, retry_after_seconds: 20 };
    assert_eq!(pass(&mut limits, "a", NOW), Err(too_many));
    assert_eq!(pass(&mut limits, "b", NOW), Ok(()), "each is counted alone");
    assert!(pass(&mut limits, "a", at(19 * SECOND)).is_err());
    assert_eq!(pass(&mut limits, "a", at(20 * SECOND)), Ok(()));
    assert!(pass(&mut limits, "a", at(20 * SECOND)).is_err());
}

#[test]
fn whoever_waits_as_long_as_is_said_is_let_in_and_no_second_earlier_is_said_than_is_true() {
    for per_minute in [1, 2, 3, 7, 59, 60, 61, 600, 6_000] {
        for step in [0, 1, 17, 333_333, 999_999, SECOND, 7 * SECOND + 1] {
            let mut limits = often(per_minute);
            let mut now = NOW;
            let mut refused = 0;
            for _ in 0..per_minute * 3 {
                match pass(&mut limits, "a", now) {
                    Ok(()) => now = Timestamp(now.micros() + step),
                    Err(TooMany::Often { retry_after_seconds, .. }) => {
                        refused += 1;
                        let wait = i64::try_from(retry_after_seconds).unwrap();
                        let earlier = Timestamp(now.micros() + (wait - 1) * SECOND);
                        assert!(wait == 1 || pass(&mut limits, "a", earlier).is_err(), "{per_minute} {step}");
                        now = now.plus_seconds(wait);
                        assert_eq!(pass(&mut limits, "a", now), Ok(()), "{per_minute} {step}");
                    }
                    Err(other) => panic!("{other:?}"),
                }
                if refused > 20 {
                    break;
                }
            }
        }
    }
}

#[test]
fn what_is_refused_takes_nothing() {
    let mut limits = often(1);
    pass(&mut limits, "a", NOW).unwrap();
    for second in 1..60 {
        assert!(pass(&mut limits, "a", at(second * SECOND)).is_err());
    }
    assert_eq!(pass(&mut limits, "a", at(60 * SECOND)), Ok(()));
}

#[test]
fn a_clock_that_is_set_back_shuts_nobody_out() {
    let mut limits = often(1);
    pass(&mut limits, "a", NOW).unwrap();
    assert_eq!(pass(&mut limits, "a", at(-3600 * SECOND)), Ok(()));
    assert!(pass(&mut limits, "a", at(-3600 * SECOND)).is_err());
}

#[test]
fn no_more_run_at_a_time_than_may_and_who_leaves_makes_room() {
    let mut limits = Limits::new(Allowance { per_minute: None, concurrent: Some(2) });
    for _ in 0..2 {
        limits.enter(&who("a"), NOW).unwrap();
    }
    assert_eq!(limits.enter(&who("a"), NOW), Err(TooMany::AtOnce { concurrent: 2 }));
    assert_eq!(limits.enter(&who("b"), NOW), Ok(()));
    limits.leave(&who("a"));
    assert_eq!(limits.enter(&who("a"), NOW), Ok(()));
    // More leave than came: that makes no more room than there is.
    (0..5).for_each(|_| limits.leave(&who("a")));
    for _ in 0..2 {
        limits.enter(&who("a"), NOW).unwrap();
    }
    assert!(limits.enter(&who("a"), NOW).is_err());
}

#[test]
fn a_person_and_an_agent_of_one_name_and_those_of_two_issuers_are_counted_apart() {
    let mut limits = often(1);
    let person = Who { kind: Kind::User, ..who("a") };
    let elsewhere = Who { issuer: "https://other.example.com".into(), ..who("a") };
    for who in [&who("a"), &person, &elsewhere] {
        assert_eq!(limits.enter(who, NOW), Ok(()));
    }
}

#[test]
fn those_who_count_nothing_any_more_are_forgotten_and_none_comes_in_uncounted() {
    let mut limits = often(60);
    for id in 0..SWEEP_AT_FIRST {
        pass(&mut limits, &id.to_string(), NOW).unwrap();
    }
    pass(&mut limits, "late", at(60 * SECOND)).unwrap();
    assert_eq!(limits.counted.len(), 1);
    for id in 0..PRINCIPALS_MAX - 1 {
        limits.enter(&who(&id.to_string()), at(60 * SECOND)).unwrap();
    }
    assert_eq!(pass(&mut limits, "one more", at(60 * SECOND)), Err(TooMany::Principals));
    assert_eq!(pass(&mut limits, "7", at(60 * SECOND)), Ok(()));
}

#[test]
fn without_limits_nobody_is_counted() {
    let mut limits = Limits::new(Allowance::default());
    (0..100_000).for_each(|_| limits.enter(&who("a"), NOW).unwrap());
    assert!(limits.counted.is_empty());
}
