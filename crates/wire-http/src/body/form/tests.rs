use crate::body::testing::{care, check, same, strict};
use crate::body::{Withheld, testing};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn values_and_names_are_masked_and_written_again_as_forms_are() {
    check(&care(), FORM, "a=b+c&pan=4111+1111+1111+1111&z=%C3%A9", "a=b+c&pan=****+****+****+1111&z=%C3%A9");
    check(&care(), FORM, "pan=%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31", "pan=************1111");
    check(&care(), FORM, "4111111111111111=x&y", "************1111=x&y");
    check(
        &care(),
        FORM,
        "payload=%7B%22pan%22%3A%224111111111111111%22%7D",
        "payload=%7B%22pan%22%3A%22************1111%22%7D",
    );
}

#[test]
fn names_tell_what_values_are_in_whatever_order_they_come() {
    // A number with a typing error, under a card number's name.
    check(&care(), FORM, "card_number=4111111111111112&a=1", "card_number=************1112&a=1");
    for form in
        ["cvv=123&a=b", "cid=123&card_number=4111111111111111&expiry=12/29", "card%5Bcvc%5D=%31%32%33"]
    {
        assert_eq!(testing::told(&care(), FORM, form.as_bytes()), Err(Withheld::Sad), "{form}");
    }
    same(&care(), FORM, b"cid=123&course=algebra");
}

#[test]
fn a_form_in_which_nothing_is_found_is_as_it_was() {
    for form in ["", "&", "=", "a", "a=", "&&a=b&", "a=%zz%4&%=+", "a=b=c&a=b", "a=\u{e9}"] {
        same(&care(), FORM, form.as_bytes());
        same(&strict(), FORM, form.as_bytes());
    }
}

#[test]
fn strict_mode_puts_fields_together() {
    let form = "a=41111111&b=11111111&c=1";
    same(&care(), FORM, form.as_bytes());
    check(&strict(), FORM, form, "a=********&b=********&c=1");
    same(&strict(), FORM, b"a=41111111&b=x&c=11111111");
}

#[test]
fn a_long_form_is_masked_field_by_field() {
    let fields = "a=some+words+and+more&".repeat(20_000);
    let long = "x".repeat(600_000);
    let form = format!("{fields}pan=4111111111111111&l={long}4111111111111111&card_number=4111111111111112");
    let gone = format!("{fields}pan=************1111&l={long}************1111&card_number=************1112");
    for width in [1000, 4096, form.len()] {
        let out = testing::run(&care(), FORM, form.as_bytes(), width).unwrap();
        assert!(out == gone.as_bytes(), "in pieces of {width}");
    }
    assert_eq!(testing::run(&care(), FORM, format!("{form}&cvv=123").as_bytes(), 1000), Err(Withheld::Sad));
}
