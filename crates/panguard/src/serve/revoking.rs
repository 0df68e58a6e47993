//! Takes what is revoked from the data folder, and sees to it that it is recorded and that sessions end.

mod others;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use audit::{Entry, Log, Signer};
use gate::{Gate, Revocation};
use proxy::Gateway;
use store::Revocations;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::now;
use crate::revocations::Folder;
use others::Others;

/// What a gateway revokes by.
pub struct Revoking {
    folder: Folder,
    gate: Arc<Gate>,
    log: Log,
    signer: Signer,
    /// Those in force.
    taken: Vec<Revocation>,
    /// Those that the log was told of.
    recorded: Vec<Revocation>,
    /// What is to be recorded, once the log takes it.
    unrecorded: Vec<Entry>,
    /// What lies in the folder and is to be taken out of it.
    gone: Vec<Box<str>>,
    /// Those that share a store.
    others: Option<Others>,
}

impl Revoking {
    /// Revokes what the folder says, before anybody is served. What an earlier run has recorded is not recorded again; what was there
    /// then and is not any more is.
    ///
    /// # Errors
    /// The folder cannot be made or read: what is revoked is not known.
    pub fn begin(
        folder: Folder,
        gate: Arc<Gate>,
        log: Log,
        signer: Signer,
        shared: Option<(Arc<dyn Revocations>, Secret)>,
    ) -> io::Result<Self> {
        folder.make()?;
        let recorded = folder.recorded(&signer.verifier());
        let others = shared.map(|(store, key)| Others::new(store, &key));
        let (taken, unrecorded, gone) = (recorded.clone(), Vec::new(), Vec::new());
        let mut it = Self { folder, gate, log, signer, taken, recorded, unrecorded, gone, others };
        drop(it.gate.revoke(it.taken.clone(), &BTreeMap::new(), now()));
        it.take()?;
        // All at once: they share a flush.
        let waiting: Vec<_> = it.unrecorded.iter().map(|entry| it.log.append(entry)).collect();
        let told: Vec<bool> = waiting.into_iter().map(|receipt| receipt.wait().is_ok()).collect();
        if told.iter().all(|is_told| *is_told) {
            it.unrecorded.clear();
            it.are_recorded();
        }
        Ok(it)
    }

    /// Looks at the folder again and again, and tells those that share a store, for as long as it is polled.
    pub async fn run(self, gateway: Arc<Gateway>) {
        let (others, folder) = (self.others.clone(), self.folder.clone());
        // A store that is away keeps nobody from being stopped here.
        let tell = async {
            if let Some(others) = others {
                others.run(folder).await;
            }
        };
        tokio::join!(self.look(gateway), tell);
    }

    async fn look(mut self, gateway: Arc<Gateway>) {
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        loop {
            every.tick().await;
            self.record().await;
            let changed = self.folder.changed();
            let is_over = self.taken.iter().any(|it| it.is_over(now()));
            // What is written within one tick of the file system's clock looks as if nothing had changed.
            let is_settled = changed.is_some_and(|at| at.elapsed().is_ok_and(|since| since > SETTLED));
            if changed == seen && is_settled && !is_over {
                continue;
            }
            seen = changed;
            match self.take() {
                Ok(false) => {}
                Ok(true) => {
                    gateway.end_revoked();
                    self.record().await;
                }
                // What was revoked before is.
                Err(error) => warn!(%error, "what is revoked cannot be read"),
            }
        }
    }

    /// Takes what the folder says; whether that is other than it was.
    fn take(&mut self) -> io::Result<bool> {
        let (mut found, now) = (self.folder.read()?, now());
        self.gone = found.all.extract_if(.., |it| it.is_over(now)).map(|it| it.id).collect();
        // What is lifted is told to the others first.
        if self.others.is_none() {
            self.gone.extend(found.lifted.keys().cloned());
        }
        if found.all == self.taken {
            return Ok(false);
        }
        let known: HashSet<_> = self.taken.iter().map(|it| it.id.clone()).collect();
        for it in found.all.iter().filter(|it| !known.contains(&it.id)) {
            warn!(id = &*it.id, what = it.what.as_str(), by = &*it.by, "access revoked");
        }
        self.unrecorded.extend(self.gate.revoke(found.all.clone(), &found.lifted, now));
        self.taken = found.all;
        self.note();
        Ok(true)
    }

    /// Records what has changed. It is in force also while the log cannot be written.
    async fn record(&mut self) {
        let mut told = 0;
        for entry in &self.unrecorded {
            if self.log.append(entry).await.is_err() {
                break;
            }
            told += 1;
        }
        if told > 0 {
            self.unrecorded.drain(..told);
        }
        if self.unrecorded.is_empty() && (told > 0 || !self.gone.is_empty()) {
            self.are_recorded();
        }
    }

    /// All that has changed is recorded: what is over leaves the folder.
    fn are_recorded(&mut self) {
        self.recorded.clone_from(&self.taken);
        self.note();
        for id in self.gone.drain(..) {
            if let Err(error) = self.folder.forget(&id) {
                warn!(%error, id = &*id, "what is not revoked any more cannot be taken out of the folder");
            }
        }
    }

    /// Notes what is in force, for whoever waits for it, and what is recorded, for the next start.
    fn note(&self) {
        if let Err(error) = self.folder.took(&self.taken, &self.recorded, &self.signer) {
            warn!(%error, "that what is revoked is in force cannot be noted");
        }
    }
}

/// A folder that was changed so long ago is not changed any more without that being told.
const SETTLED: Duration = Duration::from_secs(2);

/// How soon what is revoked is in force.
const LOOK_EVERY: Duration = Duration::from_millis(200);
