//! The audit log's archive and what leaves its folder, while agents are served: a thread that nobody waits for.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use access::Timestamp;
use anyhow::Context;
use audit::archive::{Archive, Archiver};
use audit::{Entry, Log};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::{error, info, warn};
use vault::Vault;

use super::controls::Word;
use super::{gateway_name, now};
use crate::config::{Config, Retention};
use crate::{archive, config, folder};

/// What operators can measure of it.
#[derive(Clone, Default)]
pub struct Figures {
    behind: Gauge<i64, AtomicI64>,
    failures: Counter,
}

impl Figures {
    /// Figures that are shown with those of `registry`.
    pub fn shown_in(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let help = "Entries of the audit log that its archive does not have yet; up to 255 wait for their file to be full";
        registry.register("audit_archive_behind_entries", help, figures.behind.clone());
        let help =
            "Times that the audit log could not be archived, or old entries not be taken out of its folder";
        registry.register("audit_archive_failures", help, figures.failures.clone());
        figures
    }
}

/// The first entry that some collector has not had.
pub type Brought = Box<dyn Fn() -> u64 + Send>;

/// Keeps the log as long as the configuration says. Dropped, it begins nothing more.
pub struct Keeping {
    stop: Arc<AtomicBool>,
    _wake: mpsc::Sender<()>,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        // What is under way may take a minute, and is as safe to be cut off as by `kill -9`.
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Starts to keep the log.
///
/// # Errors
/// Its key is not in the vault, or the archive's keys are not.
pub fn start(
    config: &Config,
    vault: &Arc<Vault>,
    log: &Log,
    brought: Brought,
    (figures, word): (Figures, Word),
) -> anyhow::Result<Keeping> {
    let audit = &config.audit;
    let dir = folder::audit(&config.data_dir);
    if let Some(archive) = &audit.archive {
        archive::open(&archive.place, vault, audit.retention.all).context("the audit log's archive")?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let every = audit.archive.as_ref().map_or(PRUNE_EVERY_MAX, |archive| archive.every);
    let keeper = Keeper {
        archiver: Archiver::new(&dir, folder::log_signer(vault)?),
        dir,
        archive: audit.archive.clone(),
        retention: audit.retention,
        vault: Arc::clone(vault),
        log: log.clone(),
        brought,
        figures,
        word,
        started: (now(), Instant::now()),
        pruned: None,
    };
    let every = every.min(keeper.prune_every());
    let (wake, woken) = mpsc::channel();
    let stopped = Arc::clone(&stop);
    let run = move || keeper.run(&woken, &stopped, every);
    thread::Builder::new().name("audit-archive".into()).spawn(run).context("cannot start a thread")?;
    Ok(Keeping { stop, _wake: wake })
}

struct Keeper {
    archiver: Archiver,
    dir: PathBuf,
    archive: Option<config::Archive>,
    retention: Retention,
    vault: Arc<Vault>,
    log: Log,
    brought: Brought,
    figures: Figures,
    word: Word,
    started: (Timestamp, Instant),
    /// When it was last looked for old entries.
    pruned: Option<Instant>,
}

impl Keeper {
    fn run(mut self, woken: &mpsc::Receiver<()>, stop: &AtomicBool, every: Duration) {
        // Soon at first: else a gateway that is started anew each day would never look.
        let mut wait = every.min(FIRST);
        // It is never woken but by its end.
        while woken.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
            wait = every;
            match self.round(stop) {
                Ok(()) => self.word.works(),
                Err(error) => {
                    self.figures.failures.inc();
                    let error = format!("{error:#}").replace('\n', "; ");
                    error!(error, "the audit log is not archived, it is tried again");
                    self.word.fails(error);
                }
            }
            let state = self.log.state();
            let behind = state.published.saturating_sub(self.archiver.archived());
            if self.archive.is_some() {
                self.figures.behind.set(i64::try_from(behind).unwrap_or(i64::MAX));
            }
        }
    }

    /// Archives what is newly full, and takes out of the folder what is old.
    fn round(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let open = |archive: &config::Archive| archive::open(&archive.place, &self.vault, self.retention.all);
        let archive = self.archive.as_ref().map(open).transpose()?;
        if let Some(archive) = &archive {
            self.archiver.round(&**archive, stop)?;
        }
        if stop.load(Ordering::Relaxed) || self.pruned.is_some_and(|then| then.elapsed() < self.prune_every())
        {
            return Ok(());
        }
        if let Some(archive) = &archive {
            self.archiver.expire(&**archive, self.before(self.retention.all))?;
        }
        let is_archived = archive.is_some();
        let prune = |keep, until| -> anyhow::Result<()> {
            while self.prune(archive.as_deref(), keep, until)? && !stop.load(Ordering::Relaxed) {}
            Ok(())
        };
        // A collector that is behind finds what it has not had, for as long as entries are kept at all.
        if is_archived {
            prune(self.retention.hot, (self.brought)())?;
        }
        prune(self.retention.all, u64::MAX)?;
        self.pruned = Some(Instant::now());
        Ok(())
    }

    /// Whether some entries were taken out, and there may be more.
    fn prune(&self, archive: Option<&dyn Archive>, keep: Duration, until: u64) -> anyhow::Result<bool> {
        let signer = self.archiver.signer();
        let Some(pruning) = audit::plan(&self.dir, &signer.verifier(), archive, self.before(keep), until)?
        else {
            return Ok(false);
        };
        let event = pruning.event();
        let entry = Entry::of_gateway(now(), gateway_name().into(), event.clone());
        let recorded =
            self.log.append(&entry).wait().context("it cannot be recorded that entries leave the folder")?;
        pruning.carry_out(&recorded, signer)?;
        info!(?event, "old entries left the audit log's folder");
        Ok(true)
    }

    /// What is older than this has been kept for so long.
    fn before(&self, keep: Duration) -> Timestamp {
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
        self.now().plus_seconds(keep.saturating_neg())
    }

    /// The time, of which a clock that is set forward meanwhile makes nothing old.
    fn now(&self) -> Timestamp {
        let (then, began) = self.started;
        let passed = i64::try_from(began.elapsed().as_secs()).unwrap_or(i64::MAX);
        let (clock, passed) = (now(), then.plus_seconds(passed.saturating_add(CLOCK_SECONDS)));
        if clock > passed {
            warn!("the clock was set forward; until a restart no entry is older for it");
        }
        clock.min(passed)
    }

    /// Some hundredth of the time that entries stay: each time is an entry.
    fn prune_every(&self) -> Duration {
        let keep = if self.archive.is_some() { self.retention.hot } else { self.retention.all };
        (keep / 95).clamp(PRUNE_EVERY_MIN, PRUNE_EVERY_MAX)
    }
}

/// After a start.
const FIRST: Duration = Duration::from_secs(60);

const PRUNE_EVERY_MIN: Duration = Duration::from_secs(1);

const PRUNE_EVERY_MAX: Duration = Duration::from_secs(86_400);

/// So much a clock may be put right without a word.
const CLOCK_SECONDS: i64 = 3600;
