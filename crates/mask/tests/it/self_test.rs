//! The detector's trial on a corpus of known answers, smaller than the one that makes evidence.

use mask::{Classes, Expected, Part, Report, Row, Size, self_test};

const ALL: Classes = Classes { secret: true, email: true, phone: true, iban: true, us_ssn: true };
const SMALL: Size = Size { numbers: 2, negatives: 2000, beside: 200, cut_every: 1 };

#[test]
fn every_row_of_the_trial_is_as_expected() {
    let report = self_test(20_261_128, SMALL, ALL);
    assert!(report.holds(), "{report}");
    assert_eq!((report.recall(), report.precision()), (Some(1.0), Some(1.0)));
    let chance = report.precision_by_chance().unwrap();
    assert!((0.9..1.0).contains(&chance), "some kinds are cards by chance: {chance}");
}

#[test]
fn the_trial_has_all_kinds_of_negatives_spellings_and_brands() {
    let report = self_test(1, Size { numbers: 1, negatives: 1, beside: 1, cut_every: 40 }, ALL);
    let rows = |part| report.part(part).count();
    assert!(rows(Part::Negative) >= 31, "{}", rows(Part::Negative));
    assert!(rows(Part::Spelling) >= 100, "{}", rows(Part::Spelling));
    assert_eq!(rows(Part::Cut), rows(Part::Spelling));
    for brand in
        ["visa 13", "visa 16", "mastercard 16", "amex 15", "diners 14", "jcb 16", "unionpay 19", "mir 16"]
    {
        assert!(report.part(Part::Brand).any(|row| row.name == brand && row.of > 0), "{brand}");
    }
    assert!(report.rows.iter().all(|row| row.of > 0), "{report}");
}

#[test]
fn a_seed_makes_one_report_and_another_seed_another_corpus() {
    let small = Size { numbers: 0, negatives: 300, beside: 10, cut_every: 40 };
    assert_eq!(self_test(7, small, ALL), self_test(7, small, ALL));
    assert_ne!(self_test(7, small, ALL).rows, self_test(8, small, ALL).rows);
}

#[test]
fn a_report_shows_no_card_number() {
    let report = self_test(3, Size { numbers: 1, negatives: 10, beside: 10, cut_every: 40 }, ALL);
    for text in [report.to_string(), format!("{report:?}")] {
        assert!(!mask::holds_card(text.as_bytes()));
        assert!(crate::cards().all(|(_, number)| !text.contains(number)));
    }
}

#[test]
fn a_row_that_is_not_as_expected_fails_the_report_and_is_named() {
    let row = |part, name: &str, found, of, expected| Row { part, name: name.into(), found, of, expected };
    let mut report = Report {
        version: "0",
        seed: 0,
        rows: vec![
            row(Part::Spelling, "bare", 9, 10, Expected::All),
            row(Part::Negative, "ids", 3, 100, Expected::AtMost(2)),
            row(Part::Weak, "bare", 5, 10, Expected::Open),
        ],
    };
    assert!(!report.holds());
    assert_eq!((report.recall(), report.precision()), (Some(0.9), Some(1.0)));
    assert_eq!(report.precision_by_chance(), Some(0.75));
    assert_eq!(report.to_string().matches("NOT AS EXPECTED").count(), 2);
    assert!(report.to_string().ends_with("2 of 3 rows are not as expected"));
    report.rows.iter_mut().for_each(|row| row.expected = Expected::Open);
    assert!(report.holds());
}
