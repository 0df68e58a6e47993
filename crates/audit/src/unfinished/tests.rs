use std::sync::Arc;

use super::*;
use crate::event::{Command, FactsNote, StageWord};

const SESSION: SessionId = SessionId(7);

fn entry(session: SessionId, number: u32, event: Event) -> Entry {
    let request = Some(session.request(number));
    Entry { session: Some(session), request, ..Entry::of_gateway(Timestamp(1), "gw".into(), event) }
}

fn opened(session: SessionId) -> Entry {
    let (policies, policy_version) = (Vec::new(), "v".into());
    entry(session, 0, Event::SessionOpened { policies, policy_version, mode: None })
}

fn intent(number: u32) -> Entry {
    let command = Box::new(Command {
        stage: StageWord::Run,
        statement_bytes: 8,
        statement: "select 1".into(),
        shortened: false,
        parameters: Vec::new(),
        fingerprint: "".into(),
        facts: Arc::new(FactsNote::default()),
        mode: None,
        trace: None,
    });
    let (policies, policy_version) = (Vec::new(), "v".into());
    let (ahead, approval, reveals_max) = (false, None, None);
    let event = Event::CommandIntent { command, policies, policy_version, ahead, approval, reveals_max };
    entry(SESSION, number, event)
}

fn outcome(number: u32) -> Entry {
    let (code, status) = ("SELECT 1".into(), StatusWord::Completed);
    entry(
        SESSION,
        number,
        Event::Outcome { status, code, rows: 1, masked: 0, bytes: 9, said: None, answer: None },
    )
}

/// The requests and events that close what these leave open.
fn closing(entries: Vec<Entry>) -> Vec<(String, &'static str)> {
    let mut unfinished = Unfinished::default();
    entries.into_iter().for_each(|entry| unfinished.follow(entry));
    let shown = |it: Entry| (it.request.unwrap().to_string(), it.event.name());
    unfinished.closing(Timestamp(9)).map(shown).collect()
}

#[test]
fn a_command_without_an_end_ends_unknown_and_its_session_is_closed() {
    let closed = closing(vec![opened(SESSION), intent(1), outcome(1), intent(2)]);
    let name = |number| SESSION.request(number).to_string();
    assert_eq!(closed, [(name(2), "outcome"), (name(0), "session_closed")]);
}

#[test]
fn what_has_ended_is_left_alone() {
    let over = Event::SessionClosed { reason: "".into(), commands: 1 };
    assert!(closing(vec![opened(SESSION), intent(1), outcome(1), entry(SESSION, 0, over)]).is_empty());
}

#[test]
fn the_entries_say_who_and_when_it_was_found_and_how_many_commands_there_were() {
    let mut unfinished = Unfinished::default();
    [opened(SESSION), intent(1), intent(2)].into_iter().for_each(|entry| unfinished.follow(entry));
    let closing: Vec<Entry> = unfinished.closing(Timestamp(9)).collect();
    assert!(closing.iter().all(|it| it.time == Timestamp(9) && it.session == Some(SESSION)));
    assert!(matches!(closing[0].event, Event::Outcome { status: StatusWord::Unknown, .. }));
    assert!(matches!(closing[2].event, Event::SessionClosed { commands: 2, .. }));
}
