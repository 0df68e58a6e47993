//! Card numbers in the numeric types of wire protocols, and in the fixed widths and lengths of text records.

use mask::{Number, holds_card, varint, zigzag};

use crate::{FIRST6_LAST4, LAST4, bare_cards, cards, check, masked};

/// A type of some protocol: its name, how it holds a number (`None` if it cannot), and how a lane reads that.
type Type = (&'static str, fn(&str) -> Option<Vec<u8>>, fn(&[u8]) -> Option<Number>);

const TYPES: &[Type] = &[
    (
        "PostgreSQL int8",
        |n| Some(i64(n)?.to_be_bytes().into()),
        |b| Some(i64::from_be_bytes(bytes(b)).into()),
    ),
    (
        "PostgreSQL float8",
        |n| Some(f64(n)?.to_be_bytes().into()),
        |b| Number::double(f64::from_be_bytes(bytes(b))),
    ),
    ("PostgreSQL numeric", |n| Some(numeric(n)), Number::numeric),
    ("MySQL bigint", |n| Some(i64(n)?.to_le_bytes().into()), |b| Some(i64::from_le_bytes(bytes(b)).into())),
    (
        "MySQL unsigned bigint",
        |n| Some(u64(n).to_le_bytes().into()),
        |b| Some(u64::from_le_bytes(bytes(b)).into()),
    ),
    ("MySQL decimal", |n| Some(n.into()), Number::decimal),
    ("MySQL decimal(30,2)", |n| Some(format!("{n}.00").into()), Number::decimal),
    ("BSON int64", |n| Some(i64(n)?.to_le_bytes().into()), |b| Some(i64::from_le_bytes(bytes(b)).into())),
    ("BSON double", |n| Some(f64(n)?.to_le_bytes().into()), |b| Number::double(f64::from_le_bytes(bytes(b)))),
    ("BSON decimal128", |n| Some(decimal128(n, 0).into()), |b| Some(Number::decimal128(bytes(b)))),
    (
        "BSON decimal128, in hundredths",
        |n| Some(decimal128(&format!("{n}00"), -2).into()),
        |b| Some(Number::decimal128(bytes(b))),
    ),
    ("protobuf uint64", |n| Some(varint_of(u64(n))), |b| Some(varint(b)?.0.into())),
    (
        "protobuf int64, less than zero",
        |n| Some(varint_of(i64(n)?.wrapping_neg().cast_unsigned())),
        |b| Some(varint(b)?.0.cast_signed().into()),
    ),
    ("protobuf sint64", |n| Some(varint_of(u64(n) << 1)), |b| Some(zigzag(varint(b)?.0).into())),
    (
        "protobuf fixed64",
        |n| Some(u64(n).to_le_bytes().into()),
        |b| Some(u64::from_le_bytes(bytes(b)).into()),
    ),
];

#[test]
fn every_published_number_in_every_type_is_found_and_masked_with_its_floor() {
    for (name, write, read) in TYPES {
        let mut count = 0;
        for (brand, number) in cards().filter(|(brand, _)| *brand != "uatp") {
            let Some(value) = write(number) else { continue };
            let value = read(&value).expect(name);
            // What takes a word in text takes one here.
            assert_eq!(value.holds_card(false), holds_card(number.as_bytes()), "{brand} {number} as {name}");
            assert!(value.holds_card(true), "{brand} {number} as {name}");
            for (masker, first) in [(LAST4, 0), (FIRST6_LAST4, if number.len() < 14 { 0 } else { 6 })] {
                let masked = masker.about_cards(true).number(&value).expect(name);
                let hidden = number.len() - first - 4;
                let expected =
                    format!("{}{}{}", &number[..first], "*".repeat(hidden), &number[first + hidden..]);
                let text = String::from_utf8(masked.bytes).expect("text");
                assert_eq!(value.text().replace(number, &expected), text, "{brand} {number} as {name}");
                assert!(hidden >= if number.len() == 15 { 5 } else { 4 }, "the floor");
                assert!((masked.found, masked.sad) == (1, false));
            }
            count += 1;
        }
        // A double holds all but the one of 19 digits.
        assert!(count >= 53, "{name}: {count}");
    }
}

#[test]
fn moments_and_snowflakes_in_eight_bytes_are_no_cards() {
    let mut random = Random(21);
    for _ in 0..20_000 {
        let ms = 1_600_000_000_000 + random.number() % 400_000_000_000;
        let moments = [ms, ms * 1000 + random.number() % 1000, ms * 1_000_000 + random.number() % 1_000_000];
        // X counts from November 2010, Discord from 2015, in milliseconds with 22 bits behind.
        let snowflakes =
            [1_288_834_974_657, 1_420_070_400_000].map(|epoch| (ms - epoch) << 22 | random.number() >> 42);
        for value in moments.into_iter().chain(snowflakes) {
            assert!(!Number::from(value).holds_card(false), "{value}");
        }
    }
}

#[test]
fn random_integers_are_cards_by_chance_alone() {
    let mut random = Random(22);
    let count = |random: &mut Random, make: fn(u64) -> u64| {
        (0..20_000).filter(|_| Number::from(make(random.number())).holds_card(false)).count()
    };
    let anything = count(&mut random, |value| value);
    assert!(anything <= 40, "{anything} of 20,000 u64");
    let positive = count(&mut random, |value| value >> 1);
    assert!(positive <= 60, "{positive} of 20,000 i64");
    // pci.md measures 2.6 % for text.
    let sixteen = count(&mut random, |value| 1_000_000_000_000_000 + value % 9_000_000_000_000_000);
    assert!((400..650).contains(&sixteen), "{sixteen} of 20,000 with 16 digits");
    let small = count(&mut random, |value| value % 100_000_000_000);
    assert_eq!(small, 0);
}

#[test]
fn a_fixed_width_padded_with_zeros_hides_nothing() {
    for number in bare_cards() {
        let (hidden, last) = number.split_at(number.len() - 4);
        for width in number.len() + 1..=32 {
            let zeros = "0".repeat(width - number.len());
            for (before, after) in [("", ""), ("G", "H"), ("\"", "\",")] {
                let text = format!("{before}{zeros}{number}{after}");
                if width <= 19 {
                    check(&text, &format!("{before}{zeros}{}{last}{after}", "*".repeat(hidden.len())));
                } else {
                    // In a longer run any part may be a number, so no digit of it stays.
                    check(&text, &format!("{before}{}{after}", "*".repeat(width)));
                }
            }
        }
    }
}

#[test]
fn a_length_in_two_digits_before_a_number_hides_nothing() {
    for number in bare_cards() {
        let field = format!("{:02}{number}", number.len());
        let (hidden, last) = number.split_at(number.len() - 4);
        match number.len() {
            ..=16 => check(&field, &format!("{}{}{last}", number.len(), "*".repeat(hidden.len()))),
            // With its length before it this is a run in which any part may be a number.
            _ => check(&field, &"*".repeat(field.len())),
        }
        let record = format!("0100{field}000000000000001500");
        assert!(!masked(&record).contains(number), "{record}");
    }
}

fn bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes")
}

fn i64(number: &str) -> Option<i64> {
    number.parse().ok()
}

fn u64(number: &str) -> u64 {
    number.parse().expect("every card number fits")
}

/// The double that is the number, if one is.
fn f64(number: &str) -> Option<f64> {
    let double: f64 = number.parse().ok()?;
    (format!("{double:.0}") == number).then_some(double)
}

/// A `numeric` as the server sends it: groups of four digits, without those that are zero at the end.
fn numeric(number: &str) -> Vec<u8> {
    let padded = format!("{number:0>width$}", width = number.len().next_multiple_of(4));
    let groups = padded.as_bytes().chunks(4);
    let mut groups: Vec<u16> =
        groups.map(|group| std::str::from_utf8(group).unwrap().parse().unwrap()).collect();
    let weight = u16::try_from(groups.len() - 1).unwrap();
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let header = [u16::try_from(groups.len()).unwrap(), weight, 0, 0];
    header.into_iter().chain(groups).flat_map(u16::to_be_bytes).collect()
}

/// A decimal128 with these digits and this exponent.
fn decimal128(digits: &str, exponent: i32) -> [u8; 16] {
    let bits = u128::try_from(6176 + exponent).unwrap() << 113 | digits.parse::<u128>().unwrap();
    bits.to_le_bytes()
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

/// A small generator (splitmix64), so that the figures are the same every time.
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
