use super::*;

fn pauses(speed: Speed, times: &[i64]) -> Vec<u128> {
    let mut play = Play::default();
    times.iter().map(|time| play.pause(Timestamp(*time), speed).as_micros()).collect()
}

#[test]
fn pauses_are_those_of_the_session() {
    assert_eq!(pauses(Some(1.0), &[50, 150, 150, 1_000_150]), [0, 100, 0, 1_000_000]);
    assert_eq!(pauses(Some(10.0), &[0, 1000]), [0, 100]);
    assert_eq!(pauses(Some(0.5), &[0, 1000]), [0, 2000]);
    assert_eq!(pauses(None, &[0, 1_000_000]), [0, 0]);
}

#[test]
fn a_clock_that_was_set_makes_no_pause_and_no_end() {
    assert_eq!(pauses(Some(1.0), &[1000, 0, i64::MAX, i64::MIN]), [0, 0, PAUSE_MAX.as_micros(), 0]);
    assert_eq!(since(Timestamp(i64::MAX), Timestamp(i64::MIN)), "0:00:00.000");
}

#[test]
fn a_speed_is_a_number_above_zero() {
    assert_eq!(speed("2.5"), Ok(2.5));
    for wrong in ["0", "-1", "NaN", "inf", "1e9", "fast", ""] {
        assert!(speed(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn times_are_told_from_the_beginning() {
    assert_eq!(since(Timestamp(5_000), Timestamp(3_723_004_005_000)), "1034:10:04.000");
    assert_eq!(since(Timestamp(0), Timestamp(62_345_678)), "0:01:02.345");
}
