//! What the gateway watches in itself, and which commands are refused while it does not work (PCI DSS 4.0.1, 10.7.2, 10.7.3).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Code, RequestId, Timestamp};
use audit::{Closes, Control, Entry, Event};
use serde::{Deserialize, Serialize};

use crate::checks::Denied;
use crate::gate::Refused;
use crate::{Admitted, Gate};

/// A control that does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Which.
    pub control: Control,
    /// Of what: a connection, an issuer; empty where there is one alone.
    pub of: Box<str>,
    /// Why, masked, as was found first.
    pub cause: Box<str>,
    /// Which commands are refused meanwhile.
    pub closes: Closes,
    /// Since when, in microseconds since 1970.
    pub since: i64,
    /// How many commands and sessions have been refused for it.
    pub refused: u64,
    /// Whether an entry tells of it: while the log cannot be written there is none.
    pub is_recorded: bool,
}

/// What a look at a control found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It works.
    Works,
    /// It could not be looked at: it is as it was.
    Unknown,
    /// It does not.
    Fails {
        /// Why.
        cause: String,
        /// Which commands are refused for it.
        closes: Closes,
    },
}

/// What a look has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turned {
    /// It has failed.
    Failed(Failure),
    /// It works again.
    Restored(Failure),
}

impl Turned {
    /// The failure that has begun or ended.
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Failed(failure) | Self::Restored(failure) => failure,
        }
    }
}

impl Failure {
    /// The entry that tells of it.
    pub(crate) fn failed(&self) -> Event {
        Event::ControlFailed {
            control: self.control,
            of: self.of.clone(),
            cause: self.cause.clone(),
            since: self.since,
            closes: self.closes,
        }
    }

    /// The entry that tells of its end.
    pub(crate) fn restored(&self) -> Event {
        Event::ControlRestored {
            control: self.control,
            of: self.of.clone(),
            cause: self.cause.clone(),
            since: self.since,
            refused: self.refused,
        }
    }

    fn is_closed(&self, connection: &str, labels: &[Box<str>]) -> bool {
        match self.closes {
            Closes::Nothing => false,
            Closes::Connection => *self.of == *connection,
            Closes::Cde => labels.iter().any(|label| **label == *CDE),
        }
    }
}

/// The label of connections to where cardholder data is.
const CDE: &str = "cde";

/// The controls that do not work.
#[derive(Default)]
pub struct Controls {
    failing: Mutex<BTreeMap<(Control, Box<str>), Failure>>,
    /// Whether any refuses commands: what every command looks at first.
    closes: AtomicBool,
    /// What was refused since it could not be recorded, before anybody had looked at the log.
    unrecorded: AtomicU64,
}

impl Controls {
    /// Those that failed before the gateway started and may do so still.
    pub fn resume(&self, failures: Vec<Failure>) {
        let mut failing = self.failing();
        failing.extend(failures.into_iter().map(|it| ((it.control, it.of.clone()), it)));
        self.note(&failing);
    }

    /// Every one, by name.
    pub fn failures(&self) -> Vec<Failure> {
        self.failing().values().cloned().collect()
    }

    /// Takes what a look found; what that changes. It refuses commands from here on, or no longer.
    pub(crate) fn found(&self, control: Control, of: &str, found: Found, now: Timestamp) -> Option<Turned> {
        let mut failing = self.failing();
        let key = (control, Box::from(of));
        let turned = match (found, failing.get_mut(&key)) {
            (Found::Works, Some(_)) => failing.remove(&key).map(Turned::Restored),
            (Found::Fails { cause, closes }, None) => {
                let (of, cause) = (key.1.clone(), cause.into());
                let refused = match control {
                    Control::AuditLog => self.unrecorded.swap(0, Ordering::Relaxed),
                    _ => 0,
                };
                let failure =
                    Failure { control, of, cause, closes, since: now.micros(), refused, is_recorded: false };
                failing.insert(key, failure.clone());
                Some(Turned::Failed(failure))
            }
            // It is worse than was known: that is told, too.
            (Found::Fails { cause, closes }, Some(failure)) if closes > failure.closes => {
                (failure.cause, failure.closes, failure.is_recorded) = (cause.into(), closes, false);
                Some(Turned::Failed(failure.clone()))
            }
            (Found::Fails { .. }, Some(_)) | (Found::Works | Found::Unknown, _) => None,
        };
        self.note(&failing);
        turned
    }

    /// Those of this kind that are of none of these any more: nobody looks at them.
    pub fn gone(&self, control: Control, names: &[Box<str>]) -> Vec<Box<str>> {
        let failing = self.failing();
        let of_kind = failing.values().filter(|it| it.control == control);
        of_kind.map(|it| it.of.clone()).filter(|of| !names.contains(of)).collect()
    }

    /// Takes note that an entry tells of a failure.
    pub(crate) fn recorded(&self, control: Control, of: &str) {
        if let Some(failure) = self.failing().get_mut(&(control, Box::from(of))) {
            failure.is_recorded = true;
        }
    }

    /// Why nothing runs on a connection with these labels, if so. It counts as one that was refused.
    pub(crate) fn refuses(&self, connection: &str, labels: &[Box<str>]) -> Option<String> {
        if !self.closes.load(Ordering::Acquire) {
            return None;
        }
        let mut failing = self.failing();
        let mut why = None;
        for failure in failing.values_mut().filter(|it| it.is_closed(connection, labels)) {
            failure.refused = failure.refused.saturating_add(1);
            why.get_or_insert_with(|| failure.control.said(""));
        }
        why
    }

    /// Counts a command that was refused since the log could not be written.
    pub(crate) fn not_recorded(&self) {
        match self.failing().get_mut(&(Control::AuditLog, Box::from(""))) {
            Some(failure) => failure.refused = failure.refused.saturating_add(1),
            None => _ = self.unrecorded.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn note(&self, failing: &BTreeMap<(Control, Box<str>), Failure>) {
        let closes = failing.values().any(|it| it.closes != Closes::Nothing);
        self.closes.store(closes, Ordering::Release);
    }

    fn failing(&self) -> MutexGuard<'_, BTreeMap<(Control, Box<str>), Failure>> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// The controls that do not work.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Takes what a look at a control found. What that changes holds from then on, and is recorded; while the log cannot be
    /// written, the end of a failure is none.
    pub async fn look(&self, control: Control, of: &str, found: Found, now: Timestamp) -> Option<Turned> {
        let found = match found {
            Found::Works | Found::Unknown => found,
            Found::Fails { cause, closes } => {
                Found::Fails { cause: self.recorder.name(&cause).into(), closes }
            }
        };
        let turned = self.controls.found(control, of, found, now)?;
        let failure = turned.failure();
        if !failure.is_recorded && self.tell(failure.failed(), now).await {
            self.controls.recorded(control, of);
        }
        match turned {
            Turned::Failed(_) => Some(turned),
            Turned::Restored(failure) if self.tell(failure.restored(), now).await => {
                Some(Turned::Restored(failure))
            }
            Turned::Restored(failure) => {
                self.controls.resume(vec![failure]);
                None
            }
        }
    }

    /// Records what the gateway found of itself; whether that is durable.
    async fn tell(&self, event: Event, now: Timestamp) -> bool {
        self.log.append(&Entry::of_gateway(now, Arc::clone(&self.name), event)).await.is_ok()
    }

    /// Whether a control that does not work keeps commands from this connection.
    pub(crate) fn closed_by_control(&self, admitted: &Admitted, request: RequestId) -> Result<(), Refused> {
        let admission = admitted.admission();
        match self.controls.refuses(&admission.connection, &admission.labels) {
            None => Ok(()),
            Some(why) => Err(self.refused(&Denied::because(Code::ControlFailed, &why), request)),
        }
    }
}
