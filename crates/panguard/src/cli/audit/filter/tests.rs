use super::*;

#[test]
fn a_while_is_before_now_however_long() {
    assert_eq!(moment("1970-01-02T00:00:00Z"), Ok(Timestamp::from_seconds(86_400)));
    let ago = |text| (now().micros() - moment(text).unwrap().micros() + 500_000) / 1_000_000;
    assert_eq!((ago("15m"), ago("2h"), ago("3d")), (900, 7_200, 259_200));
    for long in ["9223372036854775807s", "9223372036854775808s", "18446744073709551615d"] {
        assert!(moment(long).unwrap().micros() < 0, "{long}");
    }
    for wrong in ["", "s", "5", "-5m", "-9223372036854775808s", "18446744073709551616s", "5\u{20ac}"] {
        assert!(moment(wrong).is_err(), "{wrong}");
    }
}
