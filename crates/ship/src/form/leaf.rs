use std::net::IpAddr;

use audit::{Entry, Event, Indication, StatusWord};

use crate::line;
use notify::plain;

/// An entry, and what every form tells of it.
pub struct Leaf<'a> {
    /// Its index in the log.
    pub index: u64,
    /// The entry.
    pub entry: &'a Entry,
    /// Its bytes in the log.
    pub(super) json: String,
    /// The leaf's hash in the tree, in hex: it says which entry of which log this is.
    pub hash: String,
}

/// How much it matters to somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// As it should be.
    Ordinary,
    /// Something was refused, withheld or revealed.
    Notable,
    /// A control was passed by, or has failed.
    Grave,
}

impl<'a> Leaf<'a> {
    /// `None`: it is longer than the log allows, so that there is no such entry.
    pub fn of(index: u64, entry: &'a Entry) -> Option<Self> {
        let json = entry.to_json()?;
        let hash = audit::leaf_hash(json.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { index, entry, json, hash })
    }

    /// What happened, in a few words on one line.
    pub(super) fn message(&self) -> String {
        plain(&line::what(&self.entry.event))
    }

    /// Microseconds since 1970, of a year that has four digits.
    pub(super) fn micros(&self) -> i64 {
        self.time().as_microsecond()
    }

    /// RFC 3339 with six decimals.
    pub(super) fn moment(&self) -> String {
        format!("{:.6}", self.time())
    }

    fn time(&self) -> jiff::Timestamp {
        // As the log writes a clock that is wrong.
        jiff::Timestamp::from_microsecond(self.entry.time.micros()).unwrap_or(jiff::Timestamp::MAX)
    }

    pub(super) fn succeeded(&self) -> bool {
        match self.entry.event.indication() {
            Indication::Success => true,
            Indication::Failure => false,
        }
    }

    /// `success` or `failure`; `unknown` of what is not decided yet, or ended nobody knows how.
    pub(super) fn outcome(&self) -> &'static str {
        match &self.entry.event {
            Event::ApprovalAsked { .. } | Event::Outcome { status: StatusWord::Unknown, .. } => "unknown",
            _ if self.succeeded() => "success",
            _ => "failure",
        }
    }

    /// Why, of what was refused or failed.
    pub(super) fn reason(&self) -> Option<String> {
        match &self.entry.event {
            Event::SessionRefused { code, reason, .. } => Some(format!("{code} {reason}")),
            Event::CommandRefused { code, detail, .. } => Some(format!("{code} {detail}")),
            Event::AuthenticationFailed { reason, .. } | Event::ApprovalNotCounted { reason, .. } => {
                Some(reason.to_string())
            }
            Event::SinkGap { why, .. } => Some(why.to_string()),
            Event::GlassBroken { reason, .. }
            | Event::GrantAsked { reason, .. }
            | Event::AccessRevoked { reason, .. }
            | Event::AccessLent { reason, .. } => Some(reason.to_string()),
            Event::ControlFailed { cause, .. } | Event::ControlRestored { cause, .. } => {
                Some(cause.to_string())
            }
            Event::Outcome { status, code, .. } if *status != StatusWord::Completed => {
                Some(format!("{} {code}", status.as_str()).trim_end().to_owned())
            }
            _ => None,
        }
    }

    pub(super) fn weight(&self) -> Weight {
        match &self.entry.event {
            Event::GlassBroken { .. }
            | Event::GatewayStarted { clean: false, .. }
            | Event::ControlFailed { .. }
            | Event::SinkGap { .. } => Weight::Grave,

            Event::SinkMoved { from, to, .. } if to > from => Weight::Notable,
            Event::Revealed { .. }
            | Event::AccessRevoked { .. }
            | Event::AccessRestored { .. }
            | Event::AccessLent { .. } => Weight::Notable,
            Event::Outcome { status: StatusWord::Withheld | StatusWord::RolledBack, .. } => Weight::Notable,
            // That a command fails upstream is between the agent and it.
            Event::Outcome { .. } => Weight::Ordinary,
            _ if self.succeeded() => Weight::Ordinary,
            _ => Weight::Notable,
        }
    }

    /// The agent side's address, if it is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.entry.from.as_deref()?.parse().ok()
    }

    /// What was touched, `table public.cards`, each once.
    pub(super) fn objects(&self) -> Vec<&str> {
        self.of_facts(|facts| facts.uses.iter().map(|one| &*one.resource).collect())
    }

    /// Data classes of what was touched, each once.
    pub(super) fn classes(&self) -> Vec<&str> {
        self.of_facts(|facts| {
            let compared = facts.matches.iter().map(|one| &*one.class);
            facts.columns.iter().map(|one| &*one.class).chain(compared).collect()
        })
    }

    /// Values masked in the answer, and rows in it.
    pub(super) fn counts(&self) -> Option<(u64, u64)> {
        match self.entry.event {
            Event::Outcome { masked, rows, .. } => Some((masked, rows)),
            _ => None,
        }
    }

    fn of_facts<'b>(&'b self, list: impl Fn(&'b audit::FactsNote) -> Vec<&'b str>) -> Vec<&'b str> {
        let mut found = self.entry.event.command().map(|command| list(&command.facts)).unwrap_or_default();
        found.sort_unstable();
        found.dedup();
        found
    }
}
