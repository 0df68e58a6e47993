use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::brand::Brand;
use crate::{Masker, Profile, holds_card};

proptest! {
    #[test]
    fn a_surrogate_is_nobodys_number(number in prop::collection::vec(0_u8..10, 12..=19), secret: [u8; 32]) {
        let surrogate = TokenKey::new(&secret).surrogate(&number);
        let digits = surrogate.digits();
        prop_assert_eq!(digits.len(), number.len());
        prop_assert_eq!(&digits[digits.len() - 4..], &number[number.len() - 4..]);
        prop_assert!(!brand::luhn(digits));
        for length in 1..=digits.len() {
            prop_assert!(Brand::of(&digits[..length]).is_none());
        }
        prop_assert!(!Brand::may_start(&digits[..6]));
        let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let before = format!("visa card {text} credit");
        prop_assert!(!holds_card(before.as_bytes()));
    }
}

#[test]
fn the_same_number_has_the_same_surrogate_however_it_is_written() {
    let masker = masker(7);
    let digits = |text: &str| {
        let masked =
            masker.text(text.as_bytes()).map_or_else(|| masker.pan(text.as_bytes()), |masked| masked.bytes);
        String::from_utf8(masked).unwrap().chars().filter(char::is_ascii_digit).collect::<String>()
    };
    let surrogate = digits("4111111111111111");
    assert_eq!(surrogate.len(), 16);
    assert!(surrogate.starts_with("99") && surrogate.ends_with("1111"));
    for written in ["4111 1111 1111 1111", "4111-1111-1111-1111", "pan=4111111111111111;"] {
        assert_eq!(digits(written), surrogate, "{written}");
    }
    assert_eq!(String::from_utf8(masker.pan(b"4111111111111111")).unwrap(), surrogate);
    assert_ne!(digits("5555555555554444"), surrogate);
}

#[test]
fn surrogates_of_different_keys_have_nothing_in_common() {
    let number: Vec<u8> = "4111111111111111".bytes().map(|byte| byte - b'0').collect();
    let made: BTreeSet<Vec<u8>> =
        (0..50).map(|secret| TokenKey::new(&[secret; 32]).surrogate(&number).digits().to_vec()).collect();
    assert_eq!(made.len(), 50);
}

#[test]
fn many_numbers_have_as_many_surrogates() {
    let key = TokenKey::new(&[1; 32]);
    let number =
        |index: u32| format!("41111{index:07}1111").bytes().map(|byte| byte - b'0').collect::<Vec<_>>();
    let made: BTreeSet<Vec<u8>> =
        (0..20_000).map(|index| key.surrogate(&number(index)).digits().to_vec()).collect();
    assert_eq!(made.len(), 20_000);
}

#[test]
fn what_cannot_be_told_apart_is_starred_all_the_same() {
    let masked = masker(1).text(b"41111111111111115555555555554444").unwrap();
    assert_eq!(masked.bytes, b"*".repeat(32));
    assert_eq!(masker(1).pan(b"unknown"), b"****");
    assert_eq!(masker(1).pan(b"************1112"), b"************1112");
}

fn masker(secret: u8) -> Masker {
    Masker::new(Profile::Tokenise(Box::leak(Box::new(TokenKey::new(&[secret; 32])))))
}
