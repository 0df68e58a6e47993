use super::*;
use crate::brand::{self, Brand, Tier};

#[test]
fn a_number_with_a_wrong_check_digit_is_found_in_no_spelling() {
    for number in ["4111111111111112", "378282246310006", "30569309025905", "6205500000000000005"] {
        for spelling in SPELLINGS {
            let Some(written) = spelling.write(number) else { continue };
            assert!(!is_found(&written, &[written.text.len()]), "{}", spelling.name);
        }
    }
}

#[test]
fn what_is_found_of_a_number_in_part_does_not_count() {
    let found: Vec<_> = crate::find(b"4111111111111111").collect();
    assert!(covers(&found, &(0..16), is_of_card));
    assert!(!covers(&found, &(0..17), is_of_card));
    assert!(!covers(&[], &(0..16), is_of_card));
}

#[test]
fn random_numbers_are_of_every_brand_that_has_check_digits() {
    let numbers = number::random(5, &mut Random::new(1));
    for kind in brand::kinds().filter(|kind| kind.luhn) {
        let within = |number: &&number::Number| {
            let prefix =
                |low: u32| number.digits.get(..low.to_string().len()).unwrap().parse::<u32>().unwrap();
            number.digits.len() == kind.length
                && kind.prefixes.iter().any(|(low, high)| (*low..=*high).contains(&prefix(*low)))
        };
        assert!(numbers.iter().filter(within).count() >= 5, "{:?} {}", kind.prefixes, kind.length);
    }
}

#[test]
fn the_share_that_is_a_card_by_chance_is_what_counting_shows() {
    let mut random = Random::new(5);
    for (length, weakest) in [(14, Tier::A), (15, Tier::A), (16, Tier::A), (16, Tier::B), (19, Tier::A)] {
        let count = 200_000;
        let is_card = |digits: String| {
            let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
            Brand::of(&values).is_some_and(|brand| brand.tier() <= weakest)
        };
        let found = (0..count).filter(|_| is_card(random.digits(length))).count();
        let (mean, found) = (brand::chance(length, weakest) * f64::from(count), found as f64);
        assert!((found - mean).abs() < 4.5 * mean.sqrt(), "{length}: {found} where {mean} were expected");
    }
}

#[test]
fn a_ceiling_is_above_the_mean_and_none_where_there_is_no_chance() {
    assert_eq!(ceiling(0.0, 20_000), 0);
    assert_eq!(ceiling(0.1, 20_000), 2179);
    assert_eq!(ceiling(0.00001, 20_000), 2);
}

#[test]
fn a_class_that_is_off_has_no_rows() {
    let size = Size { numbers: 0, negatives: 0, beside: 1, cut_every: 100 };
    let parts = |classes| {
        let parts: Vec<_> = self_test(1, size, classes).rows.iter().map(|row| row.part).collect();
        [Part::Secret, Part::Personal, Part::Harmless].map(|part| parts.contains(&part))
    };
    assert_eq!(parts(Classes::default()), [false, false, false]);
    assert_eq!(parts(Classes { secret: true, ..Classes::default() }), [true, false, true]);
    assert_eq!(parts(Classes { email: true, ..Classes::default() }), [false, true, true]);
}

#[test]
fn what_is_not_looked_for_is_not_found() {
    let random = &mut Random::new(9);
    for kind in KINDS {
        let row = beside(kind, 20, Classes::default(), random);
        assert_eq!((row.found, row.of, row.holds()), (0, 20, false), "{}", kind.name);
    }
}
