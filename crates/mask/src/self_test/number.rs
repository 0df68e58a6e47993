//! The card numbers of the corpus: the published test numbers, and random ones that are made anew each time and
//! neither kept nor shown.

use crate::brand::{self, Brand, Tier};
use crate::self_test::random::Random;

/// A card number of the corpus.
pub(crate) struct Number {
    /// Its digits. They go into texts that are scanned, and nowhere else.
    pub digits: String,
    pub brand: &'static str,
    /// What it takes to believe it.
    pub tier: Tier,
}

/// The published test numbers.
pub(crate) fn published() -> Vec<Number> {
    let lines = include_str!("../../../../corpora/cards.txt").lines();
    let numbers = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    numbers.filter_map(|(_, digits)| Number::read(digits.to_owned())).collect()
}

/// `count` random numbers of each length of each brand that has check digits.
pub(crate) fn random(count: usize, random: &mut Random) -> Vec<Number> {
    let mut numbers = Vec::new();
    for kind in brand::kinds().filter(|kind| kind.luhn) {
        for _ in 0..count {
            let (low, high) = random.pick(&kind.prefixes);
            let prefix = random.within(low.into(), high.into()).to_string();
            let rest = kind.length.saturating_sub(prefix.len() + 1);
            numbers.extend(Number::read(checked(prefix + &random.digits(rest))));
        }
    }
    numbers
}

impl Number {
    /// None when its digits are those of no card: a draw may give one digit throughout.
    fn read(digits: String) -> Option<Self> {
        let brand = Brand::of(&values(&digits))?;
        Some(Self { digits, brand: brand.name(), tier: brand.tier() })
    }
}

/// `digits`, and the check digit that makes them right.
pub(crate) fn checked(mut digits: String) -> String {
    for last in '0'..='9' {
        digits.push(last);
        if brand::luhn(&values(&digits)) {
            break;
        }
        digits.pop();
    }
    digits
}

fn values(digits: &str) -> Vec<u8> {
    digits.bytes().map(|digit| digit.wrapping_sub(b'0')).collect()
}
