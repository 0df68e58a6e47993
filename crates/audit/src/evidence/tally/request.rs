use std::collections::BTreeMap;
use std::io;

use super::super::draw::Sink;
use super::super::report::Report;
use super::super::row::time;
use crate::{Entry, Event};

/// Requests for approval and access, each from its asking to its use (6.5.1, 7.2.3, 8.2.7).
#[derive(Debug, Default)]
pub(in super::super) struct Requests {
    held: BTreeMap<Box<str>, Request>,
    /// Requests that found no room.
    left_out: u64,
}

#[derive(Debug, Default)]
struct Request {
    /// Whether anything of it is of the period.
    is_of: bool,
    first: u64,
    asked: String,
    asker: Box<str>,
    connection: Box<str>,
    wanted: String,
    reason: String,
    needed: String,
    steps: BTreeMap<Step, Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Seen,
    Approved,
    Denied,
    NotCounted,
    Broken,
    Reviewed,
    Ended,
    Used,
    Revealed,
}

impl Requests {
    pub(in super::super) fn take(&mut self, index: u64, entry: &Entry, is_of: bool) {
        let asked = match &entry.event {
            Event::ApprovalAsked { .. } => entry.request.map(|request| request.to_string()),
            Event::CommandIntent { approval, .. } => approval.as_deref().map(ToOwned::to_owned),
            event => event.of_request().map(ToOwned::to_owned),
        };
        let Some(id) = asked.as_deref() else { return };
        let who = entry.principal.as_deref().map(|who| &*who.id).unwrap_or_default();
        if self.held.len() >= REQUESTS_MAX && !self.held.contains_key(id) {
            self.left_out += u64::from(is_of);
            return;
        }
        let it = self.held.entry(id.into()).or_insert_with(|| Request { first: index, ..Request::default() });
        it.is_of |= is_of;
        let at = format!("{who} (entry {index}, {})", time(entry.time));
        match &entry.event {
            Event::ApprovalAsked { command, needed, .. } => {
                it.ask(entry, who);
                it.wanted = shortened(&command.statement);
                it.needed = needed.to_string();
            }
            Event::GrantAsked { grant, reason, .. } => {
                it.ask(entry, who);
                it.wanted = grant.to_string();
                it.reason = reason.to_string();
            }
            Event::ApprovalSeen { .. } => it.step(Step::Seen, at),
            Event::ApprovalAnswered { approves, comment, asker, grant, .. } => {
                it.asker_is(&asker.id);
                let step = if *approves { Step::Approved } else { Step::Denied };
                // What was given may be less than was asked for.
                let words = [&**comment, grant.as_deref().unwrap_or_default()];
                let words: Vec<_> = words.into_iter().filter(|it| !it.is_empty()).collect();
                it.step(step, with_words(at, &words.join("; ")));
            }
            Event::GlassBroken { reason, asker, .. } => {
                it.asker_is(&asker.id);
                it.step(Step::Broken, with_words(at, reason));
            }
            Event::GlassReviewed { comment, asker, .. } => {
                it.asker_is(&asker.id);
                it.step(Step::Reviewed, with_words(at, comment));
            }
            Event::ApprovalNotCounted { reason, .. } => it.step(Step::NotCounted, with_words(at, reason)),
            Event::ApprovalEnded { how, .. } => {
                it.step(Step::Ended, format!("{} (entry {index})", format!("{how:?}").to_lowercase()));
            }
            Event::CommandIntent { .. } if is_of => it.step(Step::Used, format!("entry {index}")),
            Event::Revealed { .. } if is_of => it.step(Step::Revealed, format!("entry {index}")),
            _ => {}
        }
    }

    pub(in super::super) fn tell(&self, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut all: Vec<_> = self.held.iter().filter(|(_, it)| it.is_of).collect();
        all.sort_by_key(|(_, it)| it.first);
        for (id, it) in all {
            let said = |step| it.steps.get(&step).map(|said| said.join("; ")).unwrap_or_default();
            let unreviewed = it.steps.contains_key(&Step::Broken) && !it.steps.contains_key(&Step::Reviewed);
            let cells = [
                &**id,
                &it.asked,
                &it.asker,
                &it.connection,
                &it.wanted,
                &it.reason,
                &it.needed,
                &said(Step::Seen),
                &said(Step::Approved),
                &said(Step::Denied),
                &said(Step::NotCounted),
                &said(Step::Broken),
                &said(Step::Reviewed),
                if unreviewed { "yes" } else { "" },
                &said(Step::Ended),
                &said(Step::Used),
                &said(Step::Revealed),
            ];
            sink(Report::Requests, &cells)?;
        }
        if self.left_out > 0 {
            let mut cells = [""; 17];
            let told =
                format!("{} steps of further requests are in the report `approvals` alone", self.left_out);
            if let Some(cell) = cells.get_mut(4) {
                *cell = &told;
            }
            sink(Report::Requests, &cells)?;
        }
        Ok(())
    }
}

impl Request {
    fn ask(&mut self, entry: &Entry, who: &str) {
        self.asked = time(entry.time);
        self.asker = who.into();
        self.connection = entry.connection.as_deref().unwrap_or_default().into();
    }

    /// Where its asking is not in what was read, an answer says whose it was.
    fn asker_is(&mut self, asker: &str) {
        if self.asker.is_empty() {
            self.asker = asker.into();
        }
    }

    fn step(&mut self, step: Step, said: String) {
        let said_before = self.steps.entry(step).or_default();
        match said_before.len() {
            0..STEPS_MAX => said_before.push(said),
            STEPS_MAX => said_before.push("…".into()),
            _ => {}
        }
    }
}

fn with_words(at: String, words: &str) -> String {
    if words.is_empty() { at } else { format!("{at}: {words}") }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(STATEMENT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

pub(in super::super) const COLUMNS: [&str; 17] = [
    "request",
    "asked",
    "asker",
    "connection",
    "wanted",
    "reason",
    "approvals_needed",
    "seen_by",
    "approved_by",
    "denied_by",
    "not_counted",
    "glass_broken_by",
    "reviewed_by",
    "waits_for_review",
    "ended",
    "used_by",
    "revealed",
];

pub(in super::super) const SHOWN: [&str; 10] = [
    "request",
    "asked",
    "asker",
    "connection",
    "wanted",
    "approved_by",
    "denied_by",
    "glass_broken_by",
    "reviewed_by",
    "used_by",
];

/// Requests that are held until all is read, at a kilobyte or two each: a hundred a day for a year.
const REQUESTS_MAX: usize = 40_000;

/// Steps of one sort that are listed of one request; the report `approvals` has them all.
const STEPS_MAX: usize = 20;

/// Characters of a statement that are told here; it is whole in the report `commands`.
const STATEMENT_CHARS_MAX: usize = 1000;
