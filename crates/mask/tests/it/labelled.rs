use crate::{FIRST6_LAST4, LAST4};

#[test]
fn twelve_to_nineteen_digits_are_truncated_whatever_they_are() {
    check("4111111111111112", "************1112", "411111******1112");
    check("4111-1111 1111.1112", "****-**** ****.1112", "4111-11** ****.1112");
    check("123456789012", "********9012", "********9012");
    check("1234567890123", "*********0123", "*********0123");
    check("12345678901234", "**********1234", "123456****1234");
    check("1234567890123456789", "***************6789", "123456*********6789");
    check(" 4111111111111112\n", " ************1112\n", " 411111******1112\n");
}

#[test]
fn what_was_masked_before_is_masked_no_less_and_stays_readable() {
    check("************1112", "************1112", "************1112");
    check("411111******1112", "************1112", "411111******1112");
    check("XXXX-XXXX-XXXX-1112", "****-****-****-1112", "XXXX-XX**-****-1112");
}

#[test]
fn what_is_no_one_number_shows_nothing() {
    let values = [
        "unknown",
        "4111",
        "12345678901",
        "12345678901234567890",
        "tok_4111111111111111",
        "{4111111111111112}",
        "4.111e15",
        "***1112",
    ];
    for value in values {
        check(value, "****", "****");
    }
    check("", "", "");
}

#[test]
fn the_whole_mask_tells_nothing_of_the_value() {
    assert_eq!(LAST4.whole(), FIRST6_LAST4.whole());
    assert!(!mask::holds_card(LAST4.whole()));
}

fn check(value: &str, last4: &str, first6_last4: &str) {
    assert_eq!(String::from_utf8(LAST4.pan(value.as_bytes())).unwrap(), last4);
    assert_eq!(String::from_utf8(FIRST6_LAST4.pan(value.as_bytes())).unwrap(), first6_last4);
}
