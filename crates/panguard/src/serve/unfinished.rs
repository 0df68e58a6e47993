//! What the last run left open when it did not end by itself.

use std::path::PathBuf;
use std::thread;

use audit::{Log, ReadError, Unfinished};
use tracing::{info, warn};

use super::now;

/// Closes it in the log: commands whose end is not known as just that, and their sessions. It is found out beside the
/// serving, for that takes as long as reading a day of the log; what this run does is not looked at.
pub fn close(log: Log, dir: PathBuf) {
    let end = log.state().durable;
    let closing = move || match find(&dir, end) {
        Ok(unfinished) => {
            let entries = unfinished.closing(now()).filter(|entry| log.note(entry).is_ok());
            info!(entries = entries.count(), "what the last run left open is closed in the audit log");
        }
        Err(error) => warn!(%error, "what the last run left open is not closed in the audit log"),
    };
    if let Err(error) = thread::Builder::new().name("audit-unfinished".into()).spawn(closing) {
        warn!(%error, "what the last run left open is not closed in the audit log");
    }
}

fn find(dir: &std::path::Path, end: u64) -> Result<Unfinished, ReadError> {
    let mut unfinished = Unfinished::default();
    let first = audit::since(dir, now().plus_seconds(-SECONDS))?;
    for entry in audit::entries(dir, first..end) {
        unfinished.follow(entry?.1);
    }
    Ok(unfinished)
}

/// How far back is looked: what has run for longer than a day, and an hour for clocks that were set, stays open.
const SECONDS: i64 = 25 * 60 * 60;
