//! Check digits and brands beside crates that know of them too. None of these is used for anything else.

use std::ops::RangeInclusive;

use mask::FindingKind;

use crate::brands::{Fact, OURS, facts_of, lengths_at};

/// Numbers that each test draws.
const DRAWN: usize = 50_000;

#[test]
fn a_number_counts_where_two_other_crates_say_that_its_check_digit_is_right() {
    let mut random = Random(3);
    for _ in 0..DRAWN {
        // Prefixes of tier A, and lengths that go with them.
        let (prefix, length) = [("4", 16), ("37", 15), ("36", 14), ("2221", 16), ("62", 19)][random.below(5)];
        let number = format!("{prefix}{}", random.digits(length - prefix.len()));
        let ours = mask::holds_card(number.as_bytes());
        assert_eq!(ours, card_validate::Validate::is_luhn_valid(&number));
        assert_eq!(ours, luhn3::decimal::valid(number.as_bytes()));
    }
}

#[test]
fn brands_are_those_that_card_validate_names_or_the_difference_was_reviewed() {
    agree(CARD_VALIDATE, |number| {
        let card = card_validate::Validate::evaluate_type(number).ok()?;
        card_validate::Validate::is_length_valid(number, &card).then(|| match card {
            card_validate::Type::VisaElectron => "visa".to_owned(),
            card_validate::Type::DinersClub => "diners".to_owned(),
            other => other.name(),
        })
    });
}

#[test]
fn brands_are_those_that_creditcard_names_or_the_difference_was_reviewed() {
    agree(CREDITCARD, |number| {
        Some(match number.parse::<creditcard::CreditCard>().ok()?.issuer() {
            creditcard::Issuer::AmericanExpress => "amex".to_owned(),
            creditcard::Issuer::DinersClub => "diners".to_owned(),
            creditcard::Issuer::MaestroUk => "maestro".to_owned(),
            creditcard::Issuer::VisaElectron => "visa".to_owned(),
            creditcard::Issuer::ChinaTUnion => "t-union".to_owned(),
            other => other.name().to_lowercase(),
        })
    });
}

/// A way in which another crate differs from us, and why ours stays.
struct Reviewed {
    /// The brand that it names; none where it does not know what we find without a word nearby.
    says: Option<&'static str>,
    prefixes: &'static [(u32, u32)],
    lengths: RangeInclusive<usize>,
    why: &'static str,
}

/// The brand that the other names is one that our table has for the number; where it names none, ours is none
/// that counts by itself. All else must have been reviewed, and what was reviewed must still be so.
fn agree(reviewed: &[Reviewed], brand: impl Fn(&str) -> Option<String>) {
    let facts: Vec<Fact> = facts_of(OURS).collect();
    let mut random = Random(5);
    let mut met = vec![false; reviewed.len()];
    for _ in 0..DRAWN {
        let number = random.checked_number(&facts);
        // No range is wider; nor is a whole number shown when this fails.
        let prefix = number[..8].parse().unwrap();
        let theirs = brand(&number);
        let agreed = match &theirs {
            Some(name) => {
                let named = facts.iter().filter(|fact| fact.brand == name);
                lengths_at(named, prefix) & 1 << number.len() != 0
            }
            None => mask::find(number.as_bytes()).all(|found| !matches!(found.kind, FindingKind::Pan { .. })),
        };
        if agreed {
            continue;
        }
        let known = reviewed.iter().position(|known| {
            let within = |(low, high): &(u32, u32)| {
                let width = low.to_string().len();
                (*low..=*high).contains(&number[..width].parse().unwrap())
            };
            known.says == theirs.as_deref()
                && known.lengths.contains(&number.len())
                && known.prefixes.iter().any(within)
        });
        match known {
            Some(known) => met[known] = true,
            None => panic!("{theirs:?} for {prefix} with {} digits", number.len()),
        }
    }
    for (known, met) in reviewed.iter().zip(met) {
        assert!(met, "no difference any more: {:?} for {:?}: {}", known.says, known.prefixes, known.why);
    }
}

/// A small generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % bound as u64).unwrap()
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from_digit(self.below(10) as u32, 10).unwrap()).collect()
    }

    /// A number of 12 to 19 digits with a right check digit. Half of them begin at an edge of the table, or
    /// next to one.
    fn checked_number(&mut self, facts: &[Fact]) -> String {
        let length = 12 + self.below(8);
        let mut number = match self.below(2) {
            // None begins with a zero: what does is read as padded here.
            0 => format!("{}{}", 1 + self.below(9), self.digits(length - 1)),
            _ => {
                let fact = &facts[self.below(facts.len())];
                let edge = [fact.first - 1, fact.first, fact.last, fact.last + 1][self.below(4)];
                format!("{edge:08}{}", self.digits(length - 8))
            }
        };
        number.truncate(length - 1);
        let whole = (0..10).map(|last| format!("{number}{last}"));
        let mut right = whole.filter(|number| luhn3::decimal::valid(number.as_bytes()));
        right.next().expect("one of ten is right")
    }
}

const CARD_VALIDATE: &[Reviewed] = &[
    Reviewed {
        says: Some("forbrugsforeningen"),
        prefixes: &[(600, 600)],
        lengths: 16..=16,
        why: "its issuer has 600722 alone",
    },
    Reviewed {
        says: Some("unionpay"),
        prefixes: &[(88, 88)],
        lengths: 16..=19,
        why: "no table that is kept up has it",
    },
    Reviewed {
        says: Some("jcb"),
        prefixes: &[(3500, 3527), (359, 359)],
        lengths: 16..=16,
        why: "JCB has 3528 to 3589; what is beside them begins IMEIs",
    },
    Reviewed {
        says: Some("mastercard"),
        prefixes: &[(2205, 2220), (2721, 2799)],
        lengths: 16..=16,
        why: "Mastercard has 2221 to 2720",
    },
    Reviewed {
        says: Some("visa"),
        prefixes: &[(4, 4)],
        lengths: 14..=15,
        why: "Visa never had such lengths",
    },
    Reviewed {
        says: Some("discover"),
        prefixes: &[(600, 609), (640, 643)],
        lengths: 16..=16,
        why: "Discover has 6011, 644 to 649 and 65; the rest of 60 is found as RuPay's and others'",
    },
    Reviewed {
        says: Some("discover"),
        prefixes: &[(622, 622)],
        lengths: 16..=16,
        why: "co-branded with UnionPay, and found as UnionPay's",
    },
    Reviewed {
        says: None,
        prefixes: &[(622, 622)],
        lengths: 17..=19,
        why: "it takes them for Discover's of a wrong length; they are UnionPay's",
    },
    Reviewed {
        says: None,
        prefixes: &[(504175, 504175), (5066, 5067), (509, 509), (636297, 636297), (636368, 636368)],
        lengths: 16..=16,
        why: "it does not know of Elo",
    },
];

const CREDITCARD: &[Reviewed] = &[Reviewed {
    says: Some("discover"),
    prefixes: &[(622126, 622925)],
    lengths: 16..=19,
    why: "co-branded with UnionPay, and found as UnionPay's",
}];
