//! What exists in a connection's database: read before its first session, and kept fresh.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::Timestamp;
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{self, Digest, SHA256};
use mask::{Masker, Profile};
use sql::{Catalog, CatalogError, Labels};
use thiserror::Error;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};
use vault::Vault;
use wire_postgres::Changes;
use wire_postgres::simple::Row;

use crate::clock::now;
use crate::connection::Connection;
use crate::dial::DIAL_TIME_MAX;
use crate::inspection::{Inspection, NotRead};

/// The catalog of one connection, and the task that keeps it. Dropping it ends the task.
pub(crate) struct CatalogWatch {
    shared: Arc<Shared>,
    keeping: AbortHandle,
}

struct Shared {
    snapshot: Arc<ArcSwap<Catalog>>,
    /// When what is in `snapshot` was last known to be so.
    known_at: Mutex<Option<Instant>>,
    /// Somebody needs a newer one. Wishes that come while it is read are one wish.
    wake: Notify,
    changes: Arc<Changes>,
    /// Changes when an attempt to read has ended, well or not.
    attempts: watch::Sender<()>,
}

/// A catalog that was not to be had. For operators.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct NoCatalog(#[from] CatalogNotRead);

/// Why a catalog was not to be had.
#[derive(Debug, Error)]
pub(crate) enum CatalogNotRead {
    #[error(transparent)]
    NotRead(#[from] NotRead),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error("reading it was interrupted")]
    Interrupted,
}

impl CatalogWatch {
    /// Starts to read the catalog of `connection` with panguard's own credential.
    pub(crate) fn start(connection: Arc<Connection>, vault: Arc<Vault>) -> Self {
        let shared = Arc::new(Shared {
            snapshot: Arc::new(ArcSwap::from_pointee(Catalog::default())),
            known_at: Mutex::new(None),
            wake: Notify::new(),
            changes: Arc::default(),
            attempts: watch::Sender::new(()),
        });
        let task = tokio::spawn(keep(connection, vault, shared.clone()));
        Self { shared, keeping: task.abort_handle() }
    }

    /// Where the snapshot is, if it may be believed. If not, an attempt to read it is awaited first, for
    /// [`SNAPSHOT_WAIT_MAX`].
    pub(crate) async fn snapshot(&self) -> Option<Arc<ArcSwap<Catalog>>> {
        let mut attempts = self.shared.attempts.subscribe();
        if !self.is_ready() {
            self.shared.wake.notify_one();
            let _ = timeout(SNAPSHOT_WAIT_MAX, attempts.changed()).await;
        }
        self.is_ready().then(|| self.shared.snapshot.clone())
    }

    /// Where the snapshot is, if it may be believed now.
    pub(crate) fn ready(&self) -> Option<Arc<ArcSwap<Catalog>>> {
        self.is_ready().then(|| self.shared.snapshot.clone())
    }

    /// Whether there is a snapshot that may be believed.
    pub(crate) fn is_ready(&self) -> bool {
        self.shared.known_at().is_some_and(|known| known.elapsed() < SNAPSHOT_AGE_MAX)
    }

    /// Takes note that something is not as the snapshot says.
    pub(crate) fn stale(&self) {
        self.shared.changes.wish();
        self.shared.wake.notify_one();
    }

    /// What the sessions do to the catalog.
    pub(crate) fn changes(&self) -> Arc<Changes> {
        Arc::clone(&self.shared.changes)
    }
}

impl Drop for CatalogWatch {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

impl Shared {
    fn known_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.known_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the catalog on a timer, and earlier when asked.
async fn keep(connection: Arc<Connection>, vault: Arc<Vault>, shared: Arc<Shared>) {
    let mut content: Option<Digest> = None;
    loop {
        let wishes = shared.changes.wishes();
        let attempt = refresh(&connection, &vault, &shared, &mut content).await;
        if attempt.is_ok() {
            shared.changes.grant(wishes);
        }
        if let Err(error) = &attempt {
            warn!(connection = &*connection.name, %error, "catalog not read");
        }
        expire(&connection, &shared, now());
        shared.attempts.send_replace(());
        sleep(PAUSE).await;
        let period = if attempt.is_ok() { PERIOD } else { PERIOD_AFTER_FAILURE };
        let _ = timeout(period, shared.wake.notified()).await;
    }
}

/// Reads the catalog, and makes a snapshot of it unless it is the same as `content`.
async fn refresh(
    connection: &Connection,
    vault: &Arc<Vault>,
    shared: &Shared,
    content: &mut Option<Digest>,
) -> Result<(), CatalogNotRead> {
    let rows = read(connection, vault).await?;
    let digest = digest_of(&rows);
    if content.as_ref().is_none_or(|content| content.as_ref() != digest.as_ref()) {
        take(rows, connection, shared).await?;
        *content = Some(digest);
    }
    *shared.known_at() = Some(Instant::now());
    Ok(())
}

/// Lets what the operator vouched for end on its day, whether or not the catalog can be read. The version stays:
/// it is nothing that statements are understood by.
fn expire(connection: &Connection, shared: &Shared, now: Timestamp) {
    let snapshot = shared.snapshot.load();
    if !snapshot.has_expired(now) {
        return;
    }
    let mut catalog = Catalog::clone(&snapshot);
    for column in catalog.expire(now) {
        warn!(connection = &*connection.name, column, "not_pan has run out, the column is searched again");
    }
    shared.snapshot.store(Arc::new(catalog));
}

/// Reads the catalog of `connection` as it is now, with panguard's own credential: what every session on it is
/// understood by.
///
/// # Errors
/// [`NoCatalog`] if the vault, the upstream or what it answers is not as it should be; within seconds.
pub async fn read_catalog(connection: &Connection, vault: &Arc<Vault>) -> Result<Catalog, NoCatalog> {
    Ok(understand(read(connection, vault).await?, connection).await?)
}

/// Reads all rows on a session of its own.
async fn read(connection: &Connection, vault: &Arc<Vault>) -> Result<Vec<Row>, CatalogNotRead> {
    let mut inspection = Inspection::open(&connection.target, vault).await?;
    // A query that is long and soon done: to compile it would take longer than to run it.
    let sql = format!("SET jit = off; {}", Catalog::QUERY);
    let rows = inspection.rows(&sql, READ_TIME_MAX).await?;
    inspection.close().await;
    Ok(rows)
}

/// Makes the snapshot from `rows`, off the workers' threads: there may be a million.
async fn understand(rows: Vec<Row>, connection: &Connection) -> Result<Catalog, CatalogNotRead> {
    let labels = connection.data.clone();
    let version = VERSIONS.fetch_add(1, Ordering::Relaxed);
    let catalog = tokio::task::spawn_blocking(move || snapshot(&rows, &labels, version, now())).await;
    Ok(catalog.map_err(|_| CatalogNotRead::Interrupted)??)
}

/// Puts the snapshot that `rows` make in the place of the one before.
async fn take(rows: Vec<Row>, connection: &Connection, shared: &Shared) -> Result<(), CatalogNotRead> {
    let catalog = understand(rows, connection).await?;
    for column in catalog.unmatched() {
        warn!(connection = &*connection.name, column, "labelled column does not exist");
    }
    debug!(connection = &*connection.name, version = catalog.version(), "catalog read");
    shared.snapshot.store(Arc::new(catalog));
    Ok(())
}

/// The snapshot as it is `now`: what was vouched for until then is in none.
fn snapshot(rows: &[Row], labels: &Labels, version: u64, now: Timestamp) -> Result<Catalog, CatalogError> {
    let found = rows.iter().filter(|row| !Catalog::may_be_left_out(row, holds_card));
    let rows = found.map(|row| row.iter().map(Option::as_deref).collect());
    let mut catalog = Catalog::from_rows(rows, labels, version)?;
    // The configuration has told at its load what had run out by then.
    drop(catalog.expire(now));
    Ok(catalog)
}

/// Whether a search of answers would find a card number in a text, whatever is told beside it.
fn holds_card(text: &str) -> bool {
    // Which profile makes no difference to what is found.
    Masker::new(Profile::Last4).about_cards(true).text(text.as_bytes()).is_some()
}

/// Tells one content from another, so that a catalog that did not change keeps its version, and with it
/// all that is remembered under it.
fn digest_of(rows: &[Row]) -> Digest {
    let mut content = digest::Context::new(&SHA256);
    for column in rows.iter().flatten() {
        match column {
            None => content.update(&u64::MAX.to_be_bytes()),
            Some(text) => {
                content.update(&(text.len() as u64).to_be_bytes());
                content.update(text.as_bytes());
            }
        }
    }
    content.finish()
}

/// Versions of all catalogs of this process.
static VERSIONS: AtomicU64 = AtomicU64::new(1);

/// A snapshot is at most this old, if the upstream answers.
const PERIOD: Duration = Duration::from_secs(30);
const PERIOD_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Between two attempts, however often one is asked for.
const PAUSE: Duration = Duration::from_secs(1);
/// A snapshot older than this is not believed, and no session is opened on it.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a session that is being opened waits for a snapshot.
const SNAPSHOT_WAIT_MAX: Duration = Duration::from_secs(5);
const READ_TIME_MAX: Duration = DIAL_TIME_MAX.saturating_mul(3);
