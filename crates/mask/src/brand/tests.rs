use super::*;

#[test]
fn every_line_of_the_table_reads() {
    let unread: Vec<_> = lines().filter(|line| read(line).is_none()).collect();
    assert!(unread.is_empty(), "{unread:?}");
    assert_eq!(
        TABLE.iter().map(Vec::len).sum::<usize>(),
        lines().filter_map(read).map(|ranges| ranges.len()).sum::<usize>()
    );
}

#[test]
fn every_published_test_number_is_of_its_brand() {
    for line in include_str!("../../../../corpora/cards.txt").lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = line.split_once('\t').expect("a brand and a number");
        let brand = Brand::of(&values(number)).map(Brand::name);
        assert_eq!(brand, Some(name), "{number}");
    }
}

#[test]
fn luhn_takes_one_check_digit_of_ten() {
    for last in 0..10 {
        let mut number = values("411111111111111");
        number.push(last);
        assert_eq!(luhn(&number), last == 1);
    }
    assert!(!luhn(&[]));
}

#[test]
fn both_ends_of_the_second_mastercard_series_count() {
    check("2221000000000009", Some(("mastercard", Tier::A)));
    check("2720990000000007", Some(("mastercard", Tier::A)));
    check("2220990000000002", None);
    check("2721000000000004", None);
}

#[test]
fn the_tier_depends_on_the_length() {
    check("4111111111111111", Some(("visa", Tier::A)));
    check("4222222222222", Some(("visa", Tier::B)));
    check("122000000000003", Some(("uatp", Tier::C)));
    check("3100000000000000005", Some(("t-union", Tier::C)));
}

#[test]
fn one_digit_throughout_is_no_card() {
    check("0000000000000000", None);
    check("5555555555555555", None);
}

fn check(number: &str, expected: Option<(&str, Tier)>) {
    assert_eq!(Brand::of(&values(number)).map(|brand| (brand.name(), brand.tier())), expected, "{number}");
}

fn values(number: &str) -> Vec<u8> {
    number.bytes().map(|byte| byte - b'0').collect()
}
