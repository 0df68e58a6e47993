//! What a crash left open: commands whose end nobody recorded, and sessions.

use std::collections::BTreeMap;

use access::{RequestId, SessionId, Timestamp};

use crate::{Entry, Event, StatusWord};

/// Follows a log, and knows what is open at its end.
#[derive(Default)]
pub struct Unfinished {
    commands: BTreeMap<RequestId, Entry>,
    sessions: BTreeMap<SessionId, (Entry, u64)>,
}

impl Unfinished {
    /// Takes the next entry.
    pub fn follow(&mut self, entry: Entry) {
        let (session, request) = (entry.session, entry.request);
        match &entry.event {
            Event::CommandIntent { .. } => {
                if let Some((_, commands)) = session.and_then(|session| self.sessions.get_mut(&session)) {
                    *commands = commands.saturating_add(1);
                }
                self.commands.extend(request.map(|request| (request, entry)));
            }
            Event::Outcome { .. } => drop(request.and_then(|request| self.commands.remove(&request))),
            Event::SessionOpened { .. } => {
                self.sessions.extend(session.map(|session| (session, (entry, 0))));
            }
            Event::SessionClosed { .. } => drop(session.and_then(|session| self.sessions.remove(&session))),
            _ => {}
        }
        // What is known of them all the same is little; those that were open first are given up first.
        while self.commands.len() > OPEN_MAX {
            self.commands.pop_first();
        }
        while self.sessions.len() > OPEN_MAX {
            self.sessions.pop_first();
        }
    }

    /// The entries that close what is open: nobody knows how the commands ended.
    pub fn closing(self, now: Timestamp) -> impl Iterator<Item = Entry> {
        let unknown = Event::Outcome {
            status: StatusWord::Unknown,
            code: "".into(),
            rows: 0,
            masked: 0,
            bytes: 0,
            said: None,
            answer: None,
        };
        let commands = self.commands.into_values().map(move |entry| Entry {
            time: now,
            event: unknown.clone(),
            ..entry
        });
        let sessions = self.sessions.into_values().map(move |(entry, commands)| {
            let event = Event::SessionClosed { reason: "the gateway ended before it".into(), commands };
            Entry { time: now, event, ..entry }
        });
        commands.chain(sessions)
    }
}

/// Commands and sessions at a time: more than a gateway has.
const OPEN_MAX: usize = 200_000;

#[cfg(test)]
mod tests;
