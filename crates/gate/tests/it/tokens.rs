//! Tokens of models: what a day allows.

use access::{Action, Call, Code, Effect, Facts, Outcome, Redacted, Resource, Said, Status, Use};
use audit::Event;

use crate::desk::{Desk, NOW, read};

const BUDGET: &str = r#"
permit (principal, action == Action::"connect", resource);
permit (principal, action == Action::"call", resource) when { context.tokens_today < 100 };
"#;

fn asks_a_model() -> Facts {
    let uses = vec![Use { action: Action::Call, resource: Resource::Model("small".into()) }];
    let call = Call { model: Some("small".into()), ..Call::default() };
    Facts { uses, call: Some(Box::new(call)), effect: Effect::Data, ..read() }
}

fn answered(desk: &Desk, text: &str, tokens: u64) -> Outcome {
    let said = Said {
        text: Redacted::new(text.into()),
        tools: Vec::new(),
        input_tokens: Some(tokens - 1),
        output_tokens: Some(1),
        estimated_tokens: None,
    };
    Outcome {
        request: desk.admission.session.request(1),
        status: Status::Completed("200".into()),
        rows: 0,
        masked: 0,
        bytes: 1,
        revealed: Vec::new(),
        told: None,
        said: Some(Box::new(said)),
    }
}

#[test]
fn a_principal_uses_as_many_tokens_a_day_as_policy_says() {
    let mut desk = Desk::new(BUDGET);
    let admitted = desk.admit().unwrap();
    assert!(desk.ask(&admitted, asks_a_model()).verdict.is_ok());
    desk.gate.done(&admitted, &answered(&desk, "hello", 60), NOW);
    assert!(desk.ask(&admitted, asks_a_model()).verdict.is_ok(), "60 of 100 are used");
    desk.gate.done(&admitted, &answered(&desk, "hello", 60), NOW);
    assert_eq!(desk.ask(&admitted, asks_a_model()).code(), Some(Code::PolicyDenied));
    let again = desk.admit().unwrap();
    assert_eq!(
        desk.ask(&again, asks_a_model()).code(),
        Some(Code::PolicyDenied),
        "another session is no other principal"
    );
}

#[test]
fn what_was_used_before_a_restart_comes_out_of_the_log() {
    let desk = Desk::new(BUDGET);
    let admitted = desk.admit().unwrap();
    desk.gate.done(&admitted, &answered(&desk, "hello", 200), NOW);
    let mut restarted = Desk::new(BUDGET);
    desk.log.entries().iter().for_each(|entry| restarted.gate.recall(entry));
    let admitted = restarted.admit().unwrap();
    assert_eq!(restarted.ask(&admitted, asks_a_model()).code(), Some(Code::PolicyDenied));
}

#[test]
fn what_a_model_said_is_recorded_masked() {
    let desk = Desk::new(BUDGET);
    let admitted = desk.admit().unwrap();
    desk.gate.done(&admitted, &answered(&desk, "it is 4111111111111111", 2), NOW);
    let Event::Outcome { said: Some(said), .. } = desk.log.last().event else { panic!("an outcome") };
    assert_eq!(&*said.text, "it is ************1111");
    desk.gate.done(&admitted, &answered(&desk, "%B4111111111111111^DOE/JANE^29121010000000000?", 2), NOW);
    let Event::Outcome { said: Some(said), .. } = desk.log.last().event else { panic!("an outcome") };
    assert!(said.text.starts_with("<withheld"), "{}", said.text);
}
