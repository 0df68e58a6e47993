//! The gateway watches itself (PCI DSS 4.0.1, 10.3.4, 10.6, 10.7.2): looks at each control again and again, and tells people when
//! one does not work. What that means for commands is the gate's.

mod clock;
mod kept;
mod time;
mod verifying;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::notify::Notify;
use access::Timestamp;
use audit::{Closes, Control, Log};
use gate::{Found, Gate, Turned};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use proxy::Gateway;
use ship::{Ship, Standing};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{error, info, warn};
use vault::{Name, Vault};

use super::answers::Keeper;
use super::now;
use crate::config::Controls as Every;
use crate::folder;
use clock::Clock;
use kept::Kept;
use time::Servers;
use verifying::Verifying;

/// Takes what was found of controls, by whoever has looked at one.
pub struct Watch {
    gate: Arc<Gate>,
    notify: Arc<Notify>,
    kept: Mutex<Kept>,
    figures: Figures,
}

/// What is looked at by itself, and not by those who use it.
pub struct Places {
    pub answers: Keeper,
    pub gateway: Arc<Gateway>,
    pub vault: Arc<Vault>,
    pub log: Log,
    pub ship: Arc<Ship>,
    pub archive: Word,
    pub witnesses: Word,
    pub histories: Word,
    /// Where the log is, and the key that its heads are signed with.
    pub audit: PathBuf,
    pub verifier: audit::Verifier,
    pub every: Every,
}

/// What those who work at something say of it, for the watch to look at; nothing until they have tried.
#[derive(Clone)]
pub struct Word(Arc<Mutex<Found>>);

impl Default for Word {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Found::Unknown)))
    }
}

impl Word {
    /// It works.
    pub fn works(&self) {
        *self.lock() = Found::Works;
    }

    /// It does not, and that is why.
    pub fn fails(&self, cause: String) {
        *self.lock() = fails(cause, Closes::Nothing);
    }

    /// As was found.
    fn say(&self, found: Found) {
        *self.lock() = found;
    }

    fn found(&self) -> Found {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What operators can measure of it.
#[derive(Clone, Default)]
pub struct Figures {
    failing: Family<Vec<(&'static str, &'static str)>, Gauge>,
}

impl Figures {
    /// Figures that are shown with those of `registry`.
    pub fn shown_in(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "Controls of the gateway's own that do not work";
        registry.register("controls_failing", help, figures.failing.clone());
        figures
    }

    fn show(&self, gate: &Gate) {
        let failures = gate.controls().failures();
        for control in Control::ALL {
            let count = failures.iter().filter(|failure| failure.control == control).count();
            let gauge = self.failing.get_or_create(&vec![("control", control.as_str())]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

impl Watch {
    /// Goes on with the failures that had not ended when the last run did.
    pub fn resume(gate: Arc<Gate>, notify: Arc<Notify>, data_dir: &Path, figures: Figures) -> Arc<Self> {
        let kept = Kept::at(data_dir);
        match kept.read() {
            Ok(failures) => gate.controls().resume(failures),
            Err(error) => {
                warn!(error = %format!("{error:#}"), "which controls did not work is not known any more")
            }
        }
        figures.show(&gate);
        Arc::new(Self { gate, notify, kept: Mutex::new(kept), figures })
    }

    /// Takes what a look at a control found.
    pub async fn found(&self, control: Control, of: &str, found: Found) {
        let Some(turned) = self.gate.look(control, of, found, now()).await else { return };
        match &turned {
            Turned::Failed(it) => {
                error!(
                    control = it.control.as_str(),
                    of = &*it.of,
                    cause = &*it.cause,
                    "a control does not work"
                );
            }
            Turned::Restored(it) => {
                let refused = it.refused;
                info!(control = it.control.as_str(), of = &*it.of, refused, "a control works again");
            }
        }
        self.keep();
        self.notify.alert(&turned);
    }

    /// Takes what was found of all that there are of one kind. What there is no more does not fail any more.
    async fn found_of_all(&self, control: Control, all: Vec<(Box<str>, Found)>) {
        let names: Vec<Box<str>> = all.iter().map(|(name, _)| name.clone()).collect();
        for (name, found) in all {
            self.found(control, &name, found).await;
        }
        for gone in self.gate.controls().gone(control, &names) {
            self.found(control, &gone, Found::Works).await;
        }
    }

    /// Keeps what fails, with what has been refused for it, for the next run.
    pub fn keep(&self) {
        self.figures.show(&self.gate);
        // One writes at a time, and what is so then.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = kept.write(&self.gate.controls().failures()) {
            warn!(%error, "which controls do not work is not kept for the next start");
        }
    }

    /// Looks at all that nobody else does, for as long as it is polled.
    pub async fn run(self: Arc<Self>, mut places: Places) {
        let mut clock = Clock::new();
        let servers = Servers::ask(&places.every);
        let mut rehearsed = Due::at_once(places.every.rehearsal);
        let mut verified = Due::at_once(places.every.verification);
        let mut opened = Due::at_once(OPEN_EVERY);
        let mut verifying: Option<Verifying> = None;
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            let clocks = [("".into(), clock.look())].into_iter().chain(servers.found()).collect();
            self.found_of_all(Control::Clock, clocks).await;
            self.found_of_all(Control::IdentityKeys, issuers(&places.gateway)).await;
            let answers = places.answers.look(now());
            self.found(Control::Vault, "", vault(&places.vault, answers)).await;
            self.found_of_all(Control::Collectors, collectors(&places.ship)).await;
            self.found(Control::Archive, "", places.archive.found()).await;
            self.found(Control::Witnesses, "", places.witnesses.found()).await;
            self.found(Control::Witnesses, "history", places.histories.found()).await;
            if rehearsed.is_due() {
                let found = rehearse(&places.gateway);
                if found.iter().any(|(_, found)| *found == Found::Unknown) {
                    // Its catalog is being read, and agents are served as soon as it is there.
                    rehearsed.next = Instant::now();
                }
                self.found_of_all(Control::Detection, found).await;
            }
            let written = log(&places.log);
            let is_written = written.is_none();
            if let Some(fails) = written {
                self.found(Control::AuditLog, "", fails).await;
            }
            if places.log.state().failed.is_some() {
                if opened.is_due() {
                    open_again(&places).await;
                    // Whether all is there is found out at once, and not by who has looked before.
                    (verifying, verified.next) = (None, Instant::now());
                }
            } else if let Some((found, has_ended)) = verifying.as_mut().and_then(Verifying::look) {
                if has_ended {
                    verifying = None;
                    verified.begin();
                }
                // That it is as it was written does not mean that it can be.
                let found = if is_written || found != Found::Works { found } else { Found::Unknown };
                self.found(Control::AuditLog, "", found).await;
            } else if verifying.is_none() && verified.is_due() {
                verifying = Some(Verifying::begin(&places));
            }
        }
    }
}

/// When something is to be done again.
struct Due {
    next: Instant,
    every: Duration,
}

impl Due {
    fn at_once(every: Duration) -> Self {
        Self { next: Instant::now(), every }
    }

    fn is_due(&mut self) -> bool {
        let is_due = self.next <= Instant::now();
        if is_due {
            self.begin();
        }
        is_due
    }

    fn begin(&mut self) {
        self.next = Instant::now() + self.every;
    }
}

fn fails(cause: impl Into<String>, closes: Closes) -> Found {
    Found::Fails { cause: cause.into(), closes }
}

fn issuers(gateway: &Gateway) -> Vec<(Box<str>, Found)> {
    let found = |(name, fetched)| match fetched {
        Ok(()) => (name, Found::Works),
        // Tokens are refused by themselves once the keys that are there are too old.
        Err(why) => (name, fails(why, Closes::Nothing)),
    };
    gateway.issuers_fetched().into_iter().map(found).collect()
}

fn collectors(ship: &Ship) -> Vec<(Box<str>, Found)> {
    let now = now();
    ship.standings().into_iter().map(|(name, standing)| (name, brought(standing, now))).collect()
}

/// A receiver that is started again is none that fails.
fn brought(standing: io::Result<Standing>, now: Timestamp) -> Found {
    let is_long = |since| Timestamp(since).plus_seconds(PATIENCE_SECONDS) <= now;
    match standing {
        Ok(Standing { wrong: Some(wrong), .. }) if is_long(wrong.since) => {
            fails(format!("nothing goes there: {}", wrong.what), Closes::Nothing)
        }
        Ok(_) => Found::Works,
        Err(error) => fails(format!("where it is cannot be read: {}", error.kind()), Closes::Nothing),
    }
}

/// Whether a key of panguard's own can be had from it.
fn vault(vault: &Vault, answers: anyhow::Result<()>) -> Found {
    if let Err(error) = answers {
        return fails(format!("answers cannot be kept: {error:#}"), Closes::Nothing);
    }
    let canary = Name::internal("fingerprint").map_err(|error| error.to_string());
    match canary.and_then(|name| vault.get(&name).map_err(|error| error.to_string())) {
        Ok(Some(_)) => Found::Works,
        Ok(None) => fails("a key of panguard's own is not in it any more", Closes::Nothing),
        Err(why) => fails(why, Closes::Nothing),
    }
}

fn rehearse(gateway: &Gateway) -> Vec<(Box<str>, Found)> {
    let found = |(name, rehearsed): (Box<str>, Option<Result<(), _>>)| match rehearsed {
        None => (name, Found::Unknown),
        Some(Ok(())) => (name, Found::Works),
        Some(Err(fault)) => (name, fails(format!("in a rehearsal {fault}"), Closes::Connection)),
    };
    gateway.rehearse().into_iter().map(found).collect()
}

/// Why the log cannot be written, if so. Commands are refused for that by themselves.
fn log(log: &Log) -> Option<Found> {
    let state = log.state();
    let why = state.failed.or(state.unpublished)?;
    Some(fails(format!("it cannot be written: {why}"), Closes::Nothing))
}

/// Tries to go on with a log that has failed: its disk may have room again.
async fn open_again(places: &Places) {
    let (log, vault) = (places.log.clone(), Arc::clone(&places.vault));
    let open = move || anyhow::Ok(log.reopen(folder::log_signer(&vault)?)?);
    match tokio::task::spawn_blocking(open).await {
        Ok(Ok(())) => info!("the audit log is open again"),
        Ok(Err(error)) => {
            warn!(error = %format!("{error:#}"), "the audit log cannot be opened again, it is tried later")
        }
        Err(_) => error!("opening the audit log again broke down"),
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);

const OPEN_EVERY: Duration = Duration::from_secs(5);

/// How long a receiver may be away.
const PATIENCE_SECONDS: i64 = 60;

#[cfg(test)]
mod tests {
    use ship::Wrong;

    use super::*;

    #[test]
    fn a_collector_fails_when_nothing_has_gone_there_for_a_minute() {
        let wrong = |since| Some(Wrong { what: "it answers 503".into(), since });
        let standing = |wrong| Ok(Standing { wrong, ..Standing::default() });
        let now = Timestamp(100_000_000);
        assert_eq!(brought(standing(None), now), Found::Works);
        assert_eq!(brought(standing(wrong(40_000_001)), now), Found::Works);
        assert!(matches!(
            brought(standing(wrong(40_000_000)), now),
            Found::Fails { closes: Closes::Nothing, .. }
        ));
        assert!(matches!(brought(Err(io::ErrorKind::InvalidData.into()), now), Found::Fails { .. }));
    }
}
