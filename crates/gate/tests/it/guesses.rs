//! Comparisons with protected columns: what a day allows.

use access::{Code, DataClass, Facts, Match, Question, Stage};
use audit::Event;

use crate::desk::{ALL, Answer, Desk, NOW, read};

const FEW: &str = r#"
permit (principal, action in [Action::"connect", Action::"read"], resource);
@id("few") permit (principal, action == Action::"match", resource in DataClass::"pan") when { context.matches <= 3 };
"#;

fn compares(values: u32) -> Facts {
    let column = "public.cards.pan".into();
    Facts { matches: vec![Match { column, class: DataClass::Pan, values, values_of: None }], ..read() }
}

#[test]
fn as_many_values_are_compared_as_policy_says_and_no_more() {
    let mut desk = Desk::new(FEW);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, compares(2)).verdict.is_ok());
    assert_eq!(desk.ask(&admitted, compares(2)).code(), Some(Code::GuessesSpent));
    // What is refused does not count.
    assert!(desk.ask(&admitted, compares(1)).verdict.is_ok());
    let refused = desk.ask(&admitted, compares(1)).verdict.unwrap_err();
    assert_eq!(refused.code, Code::GuessesSpent);
    assert!(refused.detail.contains("public.cards.pan"), "{}", refused.detail);
}

#[test]
fn a_session_that_is_opened_anew_begins_with_what_was_compared() {
    let mut desk = Desk::new(FEW);
    let first = desk.admit().unwrap();
    assert!(desk.ask(&first, compares(3)).verdict.is_ok());
    let second = desk.admit().unwrap();
    assert_eq!(desk.ask(&second, compares(1)).code(), Some(Code::GuessesSpent));
}

#[test]
fn what_is_prepared_does_not_count_and_is_refused_when_it_could_not_run() {
    let mut desk = Desk::new(FEW);
    let admitted = desk.admit().unwrap();
    let prepare = |desk: &mut Desk, values| {
        let question = desk.question(compares(values), "select", Vec::new());
        Answer::from(desk.gate.ask(&admitted, &Question { stage: Stage::Prepare, ..question }, NOW)).code()
    };
    for _ in 0..5 {
        assert_eq!(prepare(&mut desk, 3), None);
    }
    assert_eq!(prepare(&mut desk, 4), Some(Code::RevealDenied));
}

#[test]
fn who_may_reveal_is_not_counted_and_a_permit_of_everything_is_not_one_to_compare() {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, compares(1_000)).verdict.is_ok());
    let mut desk = Desk::new(&format!(r#"{ALL} forbid (principal, action == Action::"reveal", resource);"#));
    let admitted = desk.admit().unwrap();
    assert_eq!(desk.ask(&admitted, compares(1)).code(), Some(Code::RevealDenied));
}

#[test]
fn a_gate_that_is_made_anew_counts_what_the_log_tells_of() {
    let mut desk = Desk::new(FEW);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, compares(2)).verdict.is_ok());
    assert!(desk.ask(&admitted, compares(1)).verdict.is_ok());
    assert_eq!(desk.ask(&admitted, compares(1)).code(), Some(Code::GuessesSpent));
    let mut anew = Desk::new(FEW);
    let told = desk.log.entries();
    assert!(told.iter().any(|entry| matches!(entry.event, Event::CommandIntent { .. })));
    told.iter().for_each(|entry| anew.gate.recall(entry));
    let admitted = anew.admit().unwrap();
    assert_eq!(anew.ask(&admitted, compares(1)).code(), Some(Code::GuessesSpent));
}

#[test]
fn what_holds_the_same_values_shares_what_there_is() {
    let mut desk = Desk::new(FEW);
    let admitted = desk.admit().unwrap();
    let of_partition = |values| {
        let mut facts = compares(values);
        facts.matches[0].column = "public.cards_2024.pan".into();
        facts.matches[0].values_of = Some("public.cards.pan".into());
        facts
    };
    assert!(desk.ask(&admitted, compares(2)).verdict.is_ok());
    assert!(desk.ask(&admitted, of_partition(1)).verdict.is_ok());
    assert_eq!(desk.ask(&admitted, of_partition(1)).code(), Some(Code::GuessesSpent));
}
