//! Takes what is revoked from the data folder, and sees to it that it is recorded and that sessions end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use audit::{Entry, Log};
use gate::{Gate, Revocation};
use proxy::Gateway;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, warn};

use super::now;
use crate::revocations::Folder;

/// What a gateway revokes by.
pub struct Revoking {
    folder: Folder,
    gate: Arc<Gate>,
    log: Log,
    /// Those in force.
    taken: Vec<Revocation>,
    /// What is to be recorded, once the log takes it.
    unrecorded: Vec<Entry>,
}

impl Revoking {
    /// Revokes what the folder says, before anybody is served. What an earlier run has taken is not recorded again.
    ///
    /// # Errors
    /// The folder cannot be made or read: what is revoked is not known.
    pub fn begin(folder: Folder, gate: Arc<Gate>, log: Log) -> io::Result<Self> {
        folder.make()?;
        let known = folder.taken();
        let mut it = Self { folder, gate, log, taken: Vec::new(), unrecorded: Vec::new() };
        let all = it.in_folder()?;
        let before: Vec<_> = all.iter().filter(|it| known.iter().any(|id| **id == *it.id)).cloned().collect();
        drop(it.gate.revoke(before.clone(), now()));
        it.taken = before;
        it.take(all);
        Ok(it)
    }

    /// Looks at the folder again and again, for as long as it is polled.
    pub async fn run(mut self, gateway: Arc<Gateway>) {
        let mut every = interval(LOOK_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.record();
            match self.in_folder() {
                Ok(all) if all == self.taken => {}
                Ok(all) => {
                    self.take(all);
                    gateway.end_revoked();
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
        for id in over.iter().chain(&found.lifted) {
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
        self.record();
        if let Err(error) = self.folder.took(&self.taken) {
            warn!(%error, "that what is revoked is in force cannot be noted");
        }
    }

    /// Records what has changed. It is in force also while the log cannot be written.
    fn record(&mut self) {
        while let Some(entry) = self.unrecorded.first() {
            if let Err(error) = self.log.note(entry) {
                return error!(%error, "what was revoked is not recorded yet");
            }
            self.unrecorded.remove(0);
        }
    }
}

/// How soon what is revoked is in force.
const LOOK_EVERY: Duration = Duration::from_millis(200);
