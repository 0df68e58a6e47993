//! A new configuration and new policies in the place of the old, while agents are served.
//!
//! A bad new version changes nothing and is logged; a good one is in force once its change is recorded.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::notify::Notify;
use anyhow::bail;
use audit::{Closes, Control, Log};
use gate::{Found, Gate};
use proxy::Gateway;
use ship::Ship;
use tokio::signal::unix::Signal;
use tracing::{error, info, warn};
use vault::Vault;

use super::controls::Watch;
use super::known::Known;
use super::{Maskers, gateway_name, live, notify, now, sinks, tell_authority, watched};
use crate::config::{Config, process_env};
use crate::editions::{Editions, Keeper, Kind};
use crate::{folder, reads};

/// What is in force, and where it comes from.
pub struct Reload {
    path: PathBuf,
    config: Config,
    parts: Parts,
}

/// The running parts that a new configuration or new policies are put into.
pub struct Parts {
    pub gate: Arc<Gate>,
    pub gateway: Arc<Gateway>,
    pub notify: Arc<Notify>,
    pub ship: Arc<Ship>,
    pub vault: Arc<Vault>,
    pub log: Log,
    pub watch: Arc<Watch>,
    /// What was recorded of what changes.
    pub known: Known,
    /// What masks what passes: the same for the life of the process.
    pub maskers: Maskers,
}

impl Reload {
    pub fn new(path: PathBuf, config: Config, parts: Parts) -> Self {
        Self { path, config, parts }
    }

    /// Looks at the files once a second, and at every SIGHUP, for ever.
    pub async fn run(mut self, mut hang_up: Signal) {
        let mut seen = stamp(&watched(&self.path, &self.config));
        // Those that the gateway has started with.
        self.tell(Control::Configuration, Ok(())).await;
        self.tell(Control::Policies, Ok(())).await;
        loop {
            let asked = tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => false,
                _ = hang_up.recv() => true,
            };
            if let Ok(secrets) = super::known::listed(&self.parts.vault) {
                self.parts.known.secrets(&self.parts.log, &secrets).await;
            }
            let audit = folder::audit(&self.config.data_dir);
            reads::record(&audit, &gateway_name(), now(), &self.parts.log).await;
            let found = stamp(&watched(&self.path, &self.config));
            if found == seen && !asked {
                continue;
            }
            let taken = self.take_configuration().await;
            self.tell(Control::Configuration, taken).await;
            let taken = self.take_policies().await;
            self.tell(Control::Policies, taken).await;
            // A configuration that was taken may name other files.
            seen = if stamp(&watched(&self.path, &self.config)).len() == found.len() {
                found
            } else {
                stamp(&watched(&self.path, &self.config))
            };
        }
    }

    /// The old ones stay in force where the new ones cannot be.
    async fn tell(&self, control: Control, taken: anyhow::Result<()>) {
        let found = match taken {
            Ok(()) => Found::Works,
            Err(error) => {
                error!(error = %told(&error), "what is new is refused, what was before stays");
                let cause = format!("what is new is refused, what was before stays: {}", told(&error));
                Found::Fails { cause, closes: Closes::Nothing }
            }
        };
        self.parts.watch.found(control, "", found).await;
    }

    async fn take_configuration(&mut self) -> anyhow::Result<()> {
        let config = Config::load(&self.path, &process_env)?;
        if let Some(key) = self.config.differs_at_start(&config) {
            bail!("`{key}` can only be changed by a restart; take the change back, or restart panguard");
        }
        let live = live::live(&config, self.parts.maskers)?;
        let told = notify::settings(&config)?;
        let collectors = sinks::sinks(&config)?;
        if config.version != self.config.version {
            self.editions(&config)?.keep(Kind::Configuration, &config.version, &config.texts)?;
            self.parts.gate.configuration_changed(&config.version, &self.config.version, now()).await?;
            self.parts.known.configuration(&config.version);
        }
        self.parts.gateway.replace(live)?;
        self.parts.notify.replace(told);
        self.parts.ship.replace(collectors);
        tell_authority(&config, &self.parts.vault);
        if config.version != self.config.version {
            config.notices.iter().for_each(|notice| warn!(%notice, "left out"));
            info!(version = %config.version, "configuration in force");
        }
        self.config = config;
        Ok(())
    }

    async fn take_policies(&mut self) -> anyhow::Result<()> {
        let (policies, texts) = folder::policies_and_texts(&self.config.policies)?;
        if policies.version() == &*self.parts.gate.policy_version() {
            return Ok(());
        }
        self.editions(&self.config)?.keep(Kind::Policies, policies.version(), &texts)?;
        let (version, count) = (policies.version().to_owned(), policies.len());
        self.parts.gate.replace_policies(policies, now()).await?;
        self.parts.known.policies(&version);
        info!(version, count, "policies in force");
        Ok(())
    }

    fn editions(&self, config: &Config) -> anyhow::Result<Keeper> {
        let signer = folder::log_signer(&self.parts.vault)?;
        Ok(Editions::of(&self.config.data_dir).keeper(super::entry_masker(config), signer))
    }
}

/// Tells one content of files and folders from the next: each write is another time, length or file.
type Stamp = Vec<(PathBuf, u64, u64, i64, i64)>;

fn stamp(files: &[PathBuf]) -> Stamp {
    let mut stamp = Vec::new();
    for file in files {
        stamp.push(of(file));
        let inside = fs::read_dir(file).into_iter().flatten().flatten().map(|entry| entry.path());
        stamp.extend(
            inside.filter(|path| path.extension().is_some_and(|end| end == "cedar")).map(|path| of(&path)),
        );
    }
    stamp.sort();
    stamp
}

fn of(path: &Path) -> (PathBuf, u64, u64, i64, i64) {
    match fs::metadata(path) {
        Ok(found) => (path.to_owned(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()),
        Err(_) => (path.to_owned(), 0, 0, 0, 0),
    }
}

/// The error and what led to it, on one line.
fn told(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
