//! Takes what is revoked from the data folder, and sees to it that it is recorded and that sessions end.

mod others;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use access::Secret;
use audit::{Entry, Log};
use gate::{Gate, Revocation};
use proxy::Gateway;
use store::Revocations;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, warn};

use super::now;
use crate::revocations::Folder;
use others::Others;

/// What a gateway revokes by.
pub struct Revoking {
    folder: Folder,
    gate: Arc<Gate>,
    log: Log,
    /// Those in force.
    taken: Vec<Revocation>,
    /// What is to be recorded, once the log takes it.
    unrecorded: Vec<Entry>,
    /// Those that share a store.
    others: Option<Others>,
}

impl Revoking {
    /// Revokes what the folder says, before anybody is served. What an earlier run has taken is not recorded again.
    ///
    /// # Errors
    /// The folder cannot be made or read: what is revoked is not known.
    pub fn begin(
        folder: Folder,
        gate: Arc<Gate>,
        log: Log,
        shared: Option<(Arc<dyn Revocations>, Secret)>,
    ) -> io::Result<Self> {
        folder.make()?;
        let known = folder.taken();
        let others = shared.map(|(store, key)| Others::new(store, &key));
        let mut it = Self { folder, gate, log, taken: Vec::new(), unrecorded: Vec::new(), others };
        let found = it.folder.read()?;
        let before = found.all.into_iter().chain(found.ended);
        let before: Vec<_> = before.filter(|it| known.get(&*it.id) == Some(&true)).collect();
        let all = it.in_folder()?;
        // That is recorded.
        drop(it.gate.revoke(before.clone(), now()));
        it.taken = before;
        it.take(all);
        while let Some(entry) = it.unrecorded.first() {
            if let Err(error) = it.log.append(entry).wait() {
                error!(%error, "what was revoked is not recorded yet");
                break;
            }
            it.unrecorded.remove(0);
        }
        it.note();
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
            match self.in_folder() {
                Ok(all) if all == self.taken => {}
                Ok(all) => {
                    self.take(all);
                    gateway.end_revoked();
                    self.record().await;
                }
                // What was revoked before is.
                Err(error) => warn!(%error, "what is revoked cannot be read"),
            }
        }
    }

    /// What the folder says. What is lifted or over is taken out of it.
    fn in_folder(&self) -> io::Result<Vec<Revocation>> {
        let (mut found, now) = (self.folder.read()?, now());
        let over: Vec<_> = found.all.extract_if(.., |it| it.is_over(now)).map(|it| it.id).collect();
        // What is lifted is told to the others first.
        let lifted: &[_] = if self.others.is_none() { &found.lifted } else { &[] };
        for id in over.iter().chain(lifted) {
            self.folder.forget(id)?;
        }
        Ok(found.all)
    }

    fn take(&mut self, all: Vec<Revocation>) {
        self.unrecorded.extend(self.gate.revoke(all.clone(), now()));
        for it in all.iter().filter(|it| !self.taken.contains(it)) {
            warn!(id = &*it.id, what = it.what.as_str(), by = &*it.by, "access revoked");
        }
        self.taken = all;
        self.note();
    }

    /// Records what has changed. It is in force also while the log cannot be written.
    async fn record(&mut self) {
        if self.unrecorded.is_empty() {
            return;
        }
        while let Some(entry) = self.unrecorded.first() {
            if self.log.append(entry).await.is_err() {
                return;
            }
            self.unrecorded.remove(0);
        }
        self.note();
    }

    /// Notes what is in force, for whoever waits for it and for the next start.
    fn note(&self) {
        if let Err(error) = self.folder.took(&self.taken, self.unrecorded.is_empty()) {
            warn!(%error, "that what is revoked is in force cannot be noted");
        }
    }
}

/// A folder that was changed so long ago is not changed any more without that being told.
const SETTLED: Duration = Duration::from_secs(2);

/// How soon what is revoked is in force.
const LOOK_EVERY: Duration = Duration::from_millis(200);
