use mask::{Masker, Meaning, Profile};
use proptest::prelude::*;

use super::{Seen, numeric, oid, scan};
use crate::command::Format::{self, Binary, Text};

#[test]
fn a_card_number_is_found_in_every_type_that_can_hold_one() {
    let number = 4_242_424_242_424_242_i64;
    let numeric = [&4_u16.to_be_bytes()[..], &[0, 3, 0, 0, 0, 0], &groups([4242; 4])].concat();
    let array = array(oid::INT8, &[&number.to_be_bytes()]);
    check("masked", oid::TEXT, Text, b"4242424242424242");
    check("masked", oid::TEXT, Binary, b"4242424242424242");
    check("unfit", oid::INT8, Text, b"4242424242424242");
    check("unfit", oid::INT8, Binary, &number.to_be_bytes());
    check("unfit", oid::NUMERIC, Text, b"4242424242424242.00");
    check("unfit", oid::NUMERIC, Binary, &numeric);
    check("unfit", oid::FLOAT8, Text, b"4.242424242424242e+15");
    check("unfit", oid::FLOAT8, Binary, &(number as f64).to_be_bytes());
    check("unfit", 1016, Text, b"{1,4242424242424242}");
    check("unfit", 1016, Binary, &array);
    check("masked", oid::JSONB, Text, br#"{"n": 4242424242424242}"#);
    check("masked", oid::JSONB, Binary, b"\x01{\"n\": 4242424242424242}");
    check("unfit", oid::MONEY, Text, b"$4,242,424,242,424,242.00");
    check("unfit", oid::MONEY, Binary, &(number * 100).to_be_bytes());
    check("unfit", oid::BYTEA, Text, br"\x34323432343234323432343234323432");
    check("unfit", oid::BYTEA, Binary, b"4242424242424242");
}

#[test]
fn a_card_code_is_told_by_its_columns_name_in_every_type_that_can_hold_one() {
    let code = |expected, type_oid, format, value: &[u8]| {
        check_under(Meaning::CardCode, expected, type_oid, format, value);
    };
    let numeric = [&1_u16.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0, 0, 123]].concat();
    code("sad", oid::TEXT, Text, b"123");
    code("sad", oid::BPCHAR, Binary, b"1234 ");
    code("sad", oid::INT2, Text, b"123");
    code("sad", oid::INT2, Binary, &123_i16.to_be_bytes());
    code("sad", oid::INT4, Binary, &123_i32.to_be_bytes());
    code("sad", oid::INT8, Binary, &1234_i64.to_be_bytes());
    code("sad", oid::NUMERIC, Binary, &numeric);
    code("sad", oid::JSONB, Text, br#""123""#);
    code("sad", 1009, Text, b"{NULL,123}");
    code("sad", 1007, Text, b"{1,456}");
    code("sad", 1007, Binary, &array(oid::INT4, &[&456_i32.to_be_bytes()]));
    for (type_oid, format, value) in [
        (oid::TEXT, Text, &b"M"[..]),
        (oid::TEXT, Text, b"***"),
        (oid::INT2, Text, b"1"),
        (oid::INT4, Binary, &1_i32.to_be_bytes()),
        (oid::BOOL, Text, b"t"),
        (1009, Text, b"{M,N}"),
    ] {
        code("clean", type_oid, format, value);
    }
}

#[test]
fn a_pin_block_is_told_by_its_columns_name_in_hex_and_in_bytes() {
    let block = |expected, type_oid, format, value: &[u8]| {
        check_under(Meaning::PinBlock, expected, type_oid, format, value);
    };
    block("sad", oid::TEXT, Text, b"0412AC89ABCDEF67");
    block("sad", oid::BYTEA, Text, br"\x0412ac89abcdef67");
    block("sad", oid::BYTEA, Binary, &[4, 0x12, 0xac, 0x89, 0xab, 0xcd, 0xef, 0x67]);
    block("sad", oid::BYTEA, Binary, &[7; 16]);
    block("clean", oid::BYTEA, Binary, &[7; 15]);
    block("clean", oid::TEXT, Text, b"in the HSM");
}

#[test]
fn a_number_under_a_card_numbers_name_needs_no_right_check_digit() {
    let pan = |expected, type_oid, format, value: &[u8]| {
        check_under(Meaning::Pan, expected, type_oid, format, value);
    };
    pan("masked", oid::TEXT, Text, b"4242424242424241");
    pan("unfit", oid::INT8, Binary, &4_242_424_242_424_241_i64.to_be_bytes());
    pan("unfit", oid::INT8, Text, b"4222222222222");
    pan("clean", oid::INT8, Text, b"1234");
    pan("clean", oid::TEXT, Text, b"tok_4242424242424241");
}

/// What a binary copy gives: values without a type.
#[test]
fn a_card_number_is_found_in_a_value_of_any_type_when_none_is_known() {
    let number = 4_242_424_242_424_242_i64;
    let numeric = [&4_u16.to_be_bytes()[..], &[0, 3, 0, 0, 0, 0], &groups([4242; 4])].concat();
    check("unfit", 0, Binary, b"4242424242424242");
    check("unfit", 0, Binary, &number.to_be_bytes());
    check("unfit", 0, Binary, &(number as f64).to_be_bytes());
    check("unfit", 0, Binary, &numeric);
    check("unfit", 0, Binary, &array(oid::NUMERIC, &[&numeric]));
    check("unfit", 0, Binary, b"\x01{\"n\": 4242424242424242}");
}

#[test]
fn a_binary_numeric_reads_as_the_server_writes_it() {
    for (expected, header, groups) in [
        ("0", [0, 0, 0, 0], &[][..]),
        ("0.00", [0, 0, 0, 2], &[]),
        ("12.50", [2, 0, 0, 2], &[12, 5000]),
        ("-1234.5678", [2, 0, 0x4000, 4], &[1234, 5678]),
        ("0.0001", [1, 0xffff, 0, 4], &[1]),
        ("0.00000012", [1, 0xfffe, 0, 8], &[12]),
        ("120000", [1, 1, 0, 0], &[12]),
        ("10000000000000000000000000", [1, 6, 0, 0], &[10]),
        ("NaN", [0, 0, 0xc000, 0], &[]),
    ] {
        let bytes: Vec<u8> = header.iter().chain(groups).flat_map(|word: &u16| word.to_be_bytes()).collect();
        assert_eq!(numeric(&bytes).as_deref(), Some(expected));
    }
    assert_eq!(numeric(&[0, 1, 0, 0, 0, 0, 0, 0]), None);
    assert_eq!(numeric(&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]), None);
}

#[test]
fn numbers_that_are_no_cards_stay_as_they_are() {
    check("clean", oid::INT8, Text, b"4242424242424241");
    check("clean", oid::INT8, Binary, &17_i64.to_be_bytes());
    check("clean", oid::FLOAT8, Text, b"3.14");
    check("clean", oid::TEXT, Text, b"order 1234");
    check("clean", 1016, Binary, &array(oid::INT8, &[&17_i64.to_be_bytes()]));
}

proptest! {
    #[test]
    fn no_bytes_of_any_type_break_the_scan(
        type_oid in prop_oneof![Just(0), Just(oid::INT8), Just(oid::NUMERIC), Just(oid::JSONB), Just(1016), any::<u32>()],
        binary in any::<bool>(),
        value in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        scan(masker(), type_oid, if binary { Binary } else { Text }, &value);
    }

    #[test]
    fn a_card_number_in_a_record_in_an_array_is_found(before in prop::collection::vec(any::<u8>(), 0..12)) {
        let record = [
            &2_u32.to_be_bytes()[..],
            &field(oid::TEXT, &before),
            &field(oid::INT8, &4_242_424_242_424_242_i64.to_be_bytes()),
        ]
        .concat();
        let seen = scan(masker(), 0, Binary, &array(oid::RECORD, &[&record]));
        prop_assert!(matches!(seen, Seen::Unfit));
    }
}

fn check(expected: &str, type_oid: u32, format: Format, value: &[u8]) {
    check_by(masker(), expected, type_oid, format, value);
}

fn check_under(meaning: Meaning, expected: &str, type_oid: u32, format: Format, value: &[u8]) {
    check_by(masker().under(Some(meaning)), expected, type_oid, format, value);
}

fn check_by(masker: Masker, expected: &str, type_oid: u32, format: Format, value: &[u8]) {
    let seen = match scan(masker, type_oid, format, value) {
        Seen::Clean => "clean",
        Seen::Masked(_) => "masked",
        Seen::Unfit => "unfit",
        Seen::Sad => "sad",
    };
    assert_eq!(seen, expected, "type {type_oid}, {format:?}");
}

fn masker() -> Masker {
    Masker::new(Profile::Last4)
}

fn groups(groups: [u16; 4]) -> Vec<u8> {
    groups.iter().flat_map(|group| group.to_be_bytes()).collect()
}

fn field(type_oid: u32, value: &[u8]) -> Vec<u8> {
    [&type_oid.to_be_bytes()[..], &(value.len() as u32).to_be_bytes(), value].concat()
}

fn array(type_oid: u32, elements: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [1, 0, type_oid, elements.len() as u32, 1]
        .iter()
        .flat_map(|n: &u32| n.to_be_bytes())
        .collect::<Vec<_>>();
    for element in elements {
        bytes.extend((element.len() as u32).to_be_bytes());
        bytes.extend_from_slice(element);
    }
    bytes
}
