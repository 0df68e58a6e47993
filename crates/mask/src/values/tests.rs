use proptest::prelude::*;

use super::*;
use crate::classes::Classes;
use crate::masker::Profile;
use crate::sieve::tests::spelled;

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };

fn passes(masker: Masker, values: &[Vec<u8>]) -> bool {
    let mut together = Values::default();
    values.iter().for_each(|value| together.add(value));
    masker.passes(&together)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "cvv: 123",
        "card code 1234",
        "pin block 0412AC89ABCDEF67",
        "\x164111111111111111",
        "\x16\x41\x11\x11\x11\x11\x11\x11\x11",
        "164111111111111111",
        "13041111111111111111",
        "Z\x08\x41\x11\x11\x11\x11\x11\x11\x11",
        "5A084111111111111111",
        "5A 08 41 11 11 11 11 11 11 11",
        "password=hunter2hunter2",
        "postgres://me:hunter22@example.com/",
        "someone@example.com",
        "+49 30 1234567",
        "DE89370400440532013000",
        "078-05-1120",
        "cvv",
        "password",
        "123",
        "=",
        "~",
        "",
    ]);
    prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        spelled::spelled(),
        spelled::noise(),
        (spelled::noise(), spelled::spelled()).prop_map(|(before, card)| [before, card].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_pass_together_only_where_each_does(values in prop::collection::vec(value(), 1..8), about_cards: bool) {
        for classes in [Classes::default(), ALL] {
            let masker = Masker::new(Profile::Last4).with(classes).about_cards(about_cards);
            if let Some(held) = values.iter().find(|value| masker.text(value).is_some()) {
                prop_assert!(!passes(masker, &values), "{:?}", String::from_utf8_lossy(held));
            }
        }
    }
}

#[test]
fn ordinary_values_pass() {
    let masker = Masker::new(Profile::Last4).with(Classes { secret: true, ..Classes::default() });
    let values = [
        "1234567.25",
        "paid at the counter, in person; order 10482",
        "098f6bcd4621d373cade4e832627b4f6",
        "2026-11-29 00:14:00.123456+00",
        "some words that say nothing",
        "+49 30 1234567",
        "",
    ];
    assert!(passes(masker, &values.map(|value| value.as_bytes().to_vec())));
    assert!(passes(masker, &[]));
}

#[test]
fn values_under_a_name_that_says_what_they_are_do_not_pass_together() {
    let masker = Masker::new(Profile::Last4).under(Some(crate::Meaning::CardCode));
    assert!(!passes(masker, &[b"paid".to_vec()]));
}
