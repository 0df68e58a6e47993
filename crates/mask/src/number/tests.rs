use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Number, varint, zigzag};
use crate::masker::{Masker, Profile};
use crate::token::TokenKey;

#[test]
fn a_number_reads_as_it_would_be_written() {
    let text = |number: Option<Number>| number.map(|number| number.text());
    for (number, expected) in [
        (Some(Number::from(-17_i64)), Some("-17")),
        (Some(Number::from(i64::MIN)), Some("-9223372036854775808")),
        (Some(Number::from(u64::MAX)), Some("18446744073709551615")),
        (Number::double(-4_111_111_111_111_111.0), Some("-4111111111111111")),
        (Number::double(4_111_111_111_111_111.5), None),
        (Number::double(99_999_999_999.0), None),
        (Number::double(1e19), None),
        (Number::double(f64::NAN), None),
        (Number::double(f64::INFINITY), None),
        (Number::decimal(b"-4111.50"), Some("-4111.50")),
        (Number::decimal(b"0004111"), Some("0004111")),
        (Number::decimal(b"4111."), None),
        (Number::decimal(b".5"), None),
        (Number::decimal(b"-"), None),
        (Number::decimal(b"1.2.3"), None),
        (Number::decimal(b"1e5"), None),
        (Number::decimal(b" 1"), None),
    ] {
        assert_eq!(text(number).as_deref(), expected);
    }
}

#[test]
fn a_numeric_reads_as_the_server_writes_it() {
    for (expected, header, groups) in [
        (Some("0"), [0, 0, 0, 0], &[][..]),
        (Some("0.00"), [0, 0, 0, 2], &[]),
        (Some("12.50"), [2, 0, 0, 2], &[12, 5000]),
        (Some("-1234.5678"), [2, 0, 0x4000, 4], &[1234, 5678]),
        (Some("0.00000012"), [1, 0xfffe, 0, 8], &[12]),
        (Some("10000000000000000000000000"), [1, 6, 0, 0], &[10]),
        (Some("4111111111111111"), [4, 3, 0, 0], &[4111, 1111, 1111, 1111]),
        (Some("NaN"), [0, 0, 0xc000, 0], &[]),
        // Too few groups, too many, one that is no group, a sign that is none.
        (None, [1, 0, 0, 0], &[]),
        (None, [0, 0, 0, 0], &[1]),
        (None, [1, 0, 0, 0], &[10_000]),
        (None, [1, 0, 1, 0], &[1]),
    ] {
        let bytes: Vec<u8> = header.iter().chain(groups).flat_map(|word: &u16| word.to_be_bytes()).collect();
        assert_eq!(Number::numeric(&bytes).map(|number| number.text()).as_deref(), expected);
    }
}

/// From the table of the format's own test vectors: bytes as BSON has them, last first.
#[test]
fn a_decimal128_reads_without_an_exponent() {
    for (expected, bits) in [
        ("0", 0x3040_0000_0000_0000_0000_0000_0000_0000),
        ("1", 0x3040_0000_0000_0000_0000_0000_0000_0001),
        ("-1", 0xb040_0000_0000_0000_0000_0000_0000_0001),
        ("0.1", 0x303e_0000_0000_0000_0000_0000_0000_0001),
        ("0.001234", 0x3034_0000_0000_0000_0000_0000_0000_04d2),
        ("123456789012", 0x3040_0000_0000_0000_0000_001c_be99_1a14),
        ("1000", 0x3046_0000_0000_0000_0000_0000_0000_0001),
        ("1234567890123456789012345678901234", 0x3040_3cde_6fff_9732_de82_5cd0_7e96_aff2),
        ("NaN", 0x7c00_0000_0000_0000_0000_0000_0000_0000),
        ("Infinity", 0x7800_0000_0000_0000_0000_0000_0000_0000),
        ("-Infinity", 0xf800_0000_0000_0000_0000_0000_0000_0000),
        // A significand beyond 34 digits is zero, however it is written.
        ("0", 0x3041_ffff_ffff_ffff_ffff_ffff_ffff_ffff),
        ("0", 0x6c10_0000_0000_0000_0000_0000_0000_0001),
    ] {
        assert_eq!(Number::decimal128(u128::to_le_bytes(bits)).text(), expected);
    }
    let greatest = 0x5ffe_0000_0000_0000_0000_0000_0000_0001;
    assert_eq!(Number::decimal128(u128::to_le_bytes(greatest)).text().len(), 6112);
}

#[test]
fn a_varint_ends_at_its_first_byte_below_128() {
    assert_eq!(varint(&[0]), Some((0, &[][..])));
    assert_eq!(varint(&[0x96, 0x01, 7]), Some((150, &[7][..])));
    assert_eq!(varint(&[0xff; 10]), None);
    assert_eq!(varint(&[0x80]), None);
    assert_eq!(varint(&[]), None);
    let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(varint(&minus_one), Some((u64::MAX, &[][..])));
    assert_eq!([0, 1, 2, 3, u64::MAX, u64::MAX - 1].map(zigzag), [0, -1, 1, -2, i64::MIN, i64::MAX]);
}

#[test]
fn the_mask_keeps_sign_and_fraction() {
    check("4111111111111111", false, Some("************1111"));
    check("-4111111111111111.00", false, Some("-************1111.00"));
    check("000378282246310005", false, Some("000***********0005"));
    check("164111111111111111", false, Some("16************1111"));
    check("41111111111111115555555555554444.25", false, Some("********************************.25"));
    check("0.4111111111111111", false, None);
    check("4111111111111112", false, None);
    check("NaN", false, None);
}

#[test]
fn a_weak_number_counts_where_the_value_is_about_cards() {
    for (number, masked) in [
        ("4222222222222", "*********2222"),
        ("3056930009020004", "************0004"),
        ("6759649826438453", "************8453"),
    ] {
        check(number, false, None);
        check(number, true, Some(masked));
    }
    check("122000000000003", true, None);
    check("67596498264384535019717010103742", false, None);
    check("67596498264384535019717010103742", true, Some(&"*".repeat(32)));
}

#[test]
fn a_number_does_not_print() {
    assert_eq!(format!("{:?}", Number::from(4_111_111_111_111_111_i64)), "Number");
}

proptest! {
    #[test]
    fn an_integer_is_judged_as_its_digits_are_in_text(value in integer()) {
        same(&Number::from(value), value.unsigned_abs().to_string().as_bytes())?;
        same(&Number::from(value.unsigned_abs()), value.unsigned_abs().to_string().as_bytes())?;
    }

    #[test]
    fn a_decimal_is_judged_as_its_whole_part_is_in_text(
        whole in prop_oneof!["0{0,6}[3-6][0-9]{11,18}", "[0-9]{1,60}", "(4111111111111111|3431|5555555555554444|0){1,8}"],
        fraction in prop_oneof![Just(String::new()), "\\.[0-9]{1,20}"],
        sign in "-?",
    ) {
        let text = format!("{sign}{whole}{fraction}");
        let number = Number::decimal(text.as_bytes()).expect("a decimal");
        prop_assert_eq!(number.text(), text);
        same(&number, whole.as_bytes())?;
    }

    #[test]
    fn what_is_written_reads_back(value in any::<i64>(), rest in prop::collection::vec(any::<u8>(), 0..3)) {
        let number = Number::from(value);
        prop_assert_eq!(Number::numeric(&numeric(value)).map(|number| number.text()), Some(number.text()));
        let bits = 6176_u128 << 113 | u128::from(value.unsigned_abs()) | u128::from(value < 0) << 127;
        prop_assert_eq!(Number::decimal128(bits.to_le_bytes()).text(), number.text());
        let unsigned = value.cast_unsigned();
        let bytes = [varint_of(unsigned), rest.clone()].concat();
        prop_assert_eq!(varint(&bytes), Some((unsigned, rest.as_slice())));
        prop_assert_eq!(zigzag(((value << 1) ^ (value >> 63)).cast_unsigned()), value);
    }
}

/// Integers of every length, card numbers among them.
fn integer() -> impl Strategy<Value = i64> {
    let lengths = (0..63_u32, any::<i64>()).prop_map(|(shift, value)| value >> shift);
    let cards = "-?[3-6][0-9]{11,17}".prop_map(|text| text.parse().expect("an integer"));
    let led = "1[3-6][3-6][0-9]{12,15}".prop_map(|text| text.parse().expect("an integer"));
    prop_oneof![lengths, cards, led]
}

/// Whether a number and its digits in text are found, and masked, alike.
fn same(number: &Number, digits: &[u8]) -> Result<(), TestCaseError> {
    for profile in [Profile::Last4, Profile::First6Last4, Profile::Tokenise(&KEY)] {
        let masker = Masker::new(profile);
        let expected = masker.text(digits);
        let text = number.text();
        let masked = masker.number(number);
        prop_assert_eq!(number.holds_card(false), expected.is_some());
        prop_assert_eq!(
            masked.as_ref().map(|masked| masked.found),
            expected.as_ref().map(|masked| masked.found)
        );
        let start = usize::from(text.starts_with('-'));
        let part = masked.map(|masked| {
            let (before, rest) = masked.bytes.split_at(start);
            let (whole, after) = rest.split_at(digits.len());
            assert_eq!(
                [before, after].concat(),
                [&text.as_bytes()[..start], &text.as_bytes()[start + digits.len()..]].concat()
            );
            whole.to_vec()
        });
        prop_assert_eq!(part, expected.map(|masked| masked.bytes));
    }
    Ok(())
}

fn check(text: &str, about_cards: bool, expected: Option<&str>) {
    let number = Number::decimal(text.as_bytes()).unwrap_or(Number(super::Value::Decimal(text.into())));
    let masked = Masker::new(Profile::Last4).about_cards(about_cards).number(&number);
    let masked = masked.map(|masked| String::from_utf8(masked.bytes).expect("text"));
    assert_eq!(masked.as_deref(), expected, "{text}");
    assert_eq!(number.holds_card(about_cards), expected.is_some());
}

/// A `numeric` as the server sends an integer: no group is zero at either end.
fn numeric(value: i64) -> Vec<u8> {
    let mut groups = Vec::new();
    let mut rest = value.unsigned_abs();
    while rest > 0 {
        groups.push(u16::try_from(rest % 10_000).expect("four digits"));
        rest /= 10_000;
    }
    let weight = groups.len().saturating_sub(1);
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    let words: Vec<u16> = groups.into_iter().skip(zeros).rev().collect();
    let sign = if value < 0 { 0x4000 } else { 0 };
    let header = [u16::try_from(words.len()).expect("few"), u16::try_from(weight).expect("few"), sign, 0];
    header.into_iter().chain(words).flat_map(u16::to_be_bytes).collect()
}

fn varint_of(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

static KEY: LazyLock<TokenKey> = LazyLock::new(|| TokenKey::new(&[7; 32]));
