//! What an entry holds of a command: enough to know it by, and no card data.

use access::{DataClass, Facts, Parameter, Position};
use audit::{Command, Event};

use crate::desk::{ALL, Desk, NOW, read, using, write};

const PAN: &str = "4111111111111111";
const TRACK: &str = ";4111111111111111=29121010000012345678?";

/// The record of one command.
fn record(facts: Facts, text: &str, parameters: Vec<Parameter>) -> Command {
    let mut desk = Desk::new(ALL);
    let admitted = desk.admit().unwrap();
    let question = desk.question(facts, text, parameters);
    let _ = desk.gate.ask(&admitted, &question, NOW).verdict.wait();
    match desk.log.last().event {
        Event::CommandIntent { command, .. } | Event::CommandRefused { command, .. } => *command,
        other => panic!("{other:?}"),
    }
}

fn text(value: &str) -> Parameter {
    Parameter::Text(value.as_bytes().into())
}

#[test]
fn an_ordinary_command_is_recorded_as_it_is() {
    let command = record(read(), "select $1, $2", vec![text("a"), Parameter::Null]);
    assert_eq!(&*command.statement, "select $1, $2");
    assert_eq!(command.parameters, [Some("a".into()), None]);
    assert_eq!((command.statement_bytes, command.shortened), (13, false));
    assert_eq!(command.fingerprint.len(), 32);
    assert_eq!(&*command.facts.uses[0].resource, "table public.cards");
}

#[test]
fn card_numbers_are_masked_in_the_text_and_in_parameters_of_any_form() {
    let binary = Parameter::Binary(Box::new(4_111_111_111_111_111_i64.to_be_bytes()), 20);
    let unknown = Parameter::Binary(PAN.as_bytes().into(), 0);
    let command = record(
        using(write(), DataClass::Pan, Position::Assigned),
        &format!("insert into cards (pan) values ('{PAN}')"),
        vec![text(PAN), binary, unknown],
    );
    assert!(!format!("{command:?}").contains(PAN), "{command:?}");
    assert!(command.statement.starts_with("insert into cards (pan) values ('"));
    assert_eq!(command.parameters[2].as_deref(), Some("<binary 16 bytes>"));
}

#[test]
fn a_part_of_a_card_number_that_a_command_compares_with_is_not_recorded() {
    let facts = using(read(), DataClass::Pan, Position::Computed);
    let command = record(facts, "select 1 from cards where pan like '4111111111%'", vec![text("411111")]);
    assert_eq!(&*command.statement, "select # from cards where pan like '##########%'");
    assert_eq!(command.parameters, [Some("######".into())]);
}

#[test]
fn a_card_number_that_the_cut_would_split_is_masked() {
    for pad in (8 << 10) - 20..(8 << 10) + 4 {
        let command = record(read(), &format!("{}{PAN} {}", " ".repeat(pad), "x".repeat(64)), vec![]);
        assert!(command.shortened);
        assert!(!command.statement.contains("411111111"), "{pad}: {:?}", command.statement.trim());
        assert!(command.statement.len() <= 8 << 10);
        assert_eq!(command.statement_bytes, pad as u64 + 81);
    }
}

#[test]
fn values_of_a_sad_column_leave_nothing_in_the_record() {
    for position in [Position::Assigned, Position::Computed] {
        let facts = using(write(), DataClass::Sad, position);
        let command = record(facts.clone(), "update cards set cvv = '987'", vec![]);
        assert!(command.statement.starts_with("<withheld"), "{}", command.statement);
        assert_eq!(&*command.fingerprint, "");
        let command = record(facts, "update cards set cvv = $1", vec![text("987")]);
        assert_eq!(&*command.statement, "update cards set cvv = $1");
        assert!(!format!("{command:?}").contains("987"));
    }
}

#[test]
fn a_command_that_carries_a_track_is_recorded_without_any_of_its_values() {
    let command = record(read(), "insert into log values ($1, $2)", vec![text("5678"), text(TRACK)]);
    assert!(!format!("{command:?}").contains("5678"), "{command:?}");
    assert_eq!(&*command.fingerprint, "");
    let command = record(read(), &format!("insert into log values ('{TRACK}', $1)"), vec![text("5678")]);
    assert!(!format!("{command:?}").contains("5678"), "{command:?}");
}

#[test]
fn fingerprints_tell_commands_apart_by_text_and_parameters() {
    let print = |text: &str, parameters: Vec<Parameter>| record(read(), text, parameters).fingerprint;
    assert_eq!(print("a", vec![text("b")]), print("a", vec![text("b")]));
    let all = [
        print("a", vec![]),
        print("b", vec![]),
        print("a", vec![text("")]),
        print("a", vec![Parameter::Null]),
        print("a", vec![text("bc")]),
        print("a", vec![text("b"), text("c")]),
        print("a", vec![Parameter::Binary(b"bc".as_slice().into(), 25)]),
    ];
    let apart: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(apart.len(), all.len());
}

#[test]
fn a_flood_of_parameters_is_cut() {
    let long = "x".repeat(5000);
    let command = record(read(), "select", (0..300).map(|_| text(&long)).collect());
    assert!(command.shortened);
    assert_eq!(command.parameters.len(), 128);
    assert!(command.parameters.iter().flatten().all(|parameter| parameter.len() <= 1024));
}
