mod deliveries;
mod loans;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use audit::Who;
use futures_channel::oneshot;
use gate::{Down, Request, Requests, Storing};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// A store in one SQLite file, for one gateway.
///
/// A thread of its own does all the work, in the order of the calls. What it says to have written has been flushed
/// (`synchronous=FULL`); a crash in the midst of a change leaves it as it was.
#[derive(Clone)]
pub struct Embedded {
    /// Dropping the last one ends the thread, once all calls before have been done.
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A store that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// SQLite says why.
    #[error("the store `{file}` cannot be opened: {why}")]
    Sqlite {
        /// The file.
        file: Box<str>,
        /// Why.
        why: rusqlite::Error,
    },
    /// The file cannot be made.
    #[error("the store `{file}` cannot be opened: {why}")]
    File {
        /// The file.
        file: Box<str>,
        /// Why.
        why: std::io::Error,
    },
    /// It is from a later version of panguard.
    #[error(
        "the store `{file}` is of version {version}, which this panguard does not know: use the one that wrote it, or a later one"
    )]
    Later {
        /// The file.
        file: Box<str>,
        /// Its version.
        version: u32,
    },
    /// The machine gives no thread.
    #[error("no thread for the store: {0}")]
    Thread(std::io::Error),
}

impl Embedded {
    /// Opens the store in `file`, and makes it if it is not there.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(file: &Path) -> Result<Self, NotOpened> {
        let named = || file.display().to_string().into();
        // For panguard's user alone; what SQLite puts beside it has the same rights.
        let own = OpenOptions::new().create(true).append(true).mode(0o600).open(file);
        own.map_err(|why| NotOpened::File { file: named(), why })?;
        let mut connection =
            Connection::open(file).map_err(|why| NotOpened::Sqlite { file: named(), why })?;
        match prepare(&mut connection) {
            Ok(VERSION) => {}
            Ok(version) => return Err(NotOpened::Later { file: named(), version }),
            Err(why) => return Err(NotOpened::Sqlite { file: named(), why }),
        }
        let (jobs, todo) = mpsc::channel::<Job>();
        let work = move || todo.into_iter().for_each(|job| job(&mut connection));
        thread::Builder::new().name("store".into()).spawn(work).map_err(NotOpened::Thread)?;
        Ok(Self { jobs })
    }

    /// Does `job` after all that was asked before.
    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Wrong> + Send + 'static,
    ) -> Storing<T> {
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            // Whoever asked may have gone.
            _ = answer.send(job(connection).map_err(|why| Down(why.to_string().into())));
        };
        let sent = self.jobs.send(Box::new(job)).is_ok();
        Box::pin(async move {
            let gone = || Err(Down("its thread has ended".into()));
            if sent { answered.await.unwrap_or_else(|_| gone()) } else { gone() }
        })
    }
}

/// What goes wrong with one call.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("a request in it cannot be read: {0}")]
    Document(#[from] serde_json::Error),
}

/// The version of the tables.
const VERSION: u32 = 1;

const TABLES: &str = "
    CREATE TABLE requests (
        id TEXT NOT NULL PRIMARY KEY,
        revision INTEGER NOT NULL,
        binding TEXT NOT NULL,
        open INTEGER NOT NULL,
        until INTEGER,
        asker TEXT NOT NULL,
        asked INTEGER NOT NULL,
        change INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX requests_bound ON requests (binding) WHERE open;
    CREATE INDEX requests_open ON requests (asked) WHERE open;
    CREATE INDEX requests_until ON requests (until) WHERE open;
    CREATE INDEX requests_asker ON requests (asker) WHERE open;
    CREATE INDEX requests_asked ON requests (asked);
    CREATE INDEX requests_changed ON requests (change);
    CREATE TABLE changes (last INTEGER NOT NULL) STRICT;
    INSERT INTO changes VALUES (0);
";

/// Makes the tables where they are not, and says which version they are of.
fn prepare(connection: &mut Connection) -> rusqlite::Result<u32> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    if version <= VERSION {
        transaction.execute_batch(deliveries::TABLES)?;
        transaction.execute_batch(loans::TABLES)?;
    }
    transaction.commit()?;
    Ok(if version == 0 { VERSION } else { version })
}

impl Requests for Embedded {
    fn insert(&self, request: &Request) -> Storing<()> {
        let request = request.clone();
        self.ask(move |connection| {
            let document = serde_json::to_string(&request)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let change = next_change(&transaction)?;
            transaction.prepare_cached(
                "INSERT INTO requests (id, revision, binding, open, until, asker, asked, change, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?.execute(params![
                request.id,
                request.revision,
                request.binding,
                request.is_open(),
                request.open_until(),
                asker(&request.asker)?,
                request.asked,
                change,
                document
            ])?;
            Ok(transaction.commit()?)
        })
    }

    fn replace(&self, request: &Request) -> Storing<bool> {
        let request = request.clone();
        self.ask(move |connection| {
            let document = serde_json::to_string(&request)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let change = next_change(&transaction)?;
            let replaced = transaction
                .prepare_cached(
                    "UPDATE requests SET revision = ?1, open = ?2, until = ?3, change = ?4, document = ?5 WHERE id = ?6 AND revision + 1 = ?1",
                )?
                .execute(params![
                    request.revision,
                    request.is_open(),
                    request.open_until(),
                    change,
                    document,
                    request.id
                ])?;
            if replaced == 1 {
                transaction.commit()?;
            }
            Ok(replaced == 1)
        })
    }

    fn get(&self, id: &str) -> Storing<Option<Request>> {
        let id = id.to_owned();
        self.ask(move |connection| {
            let mut found = connection.prepare_cached("SELECT document FROM requests WHERE id = ?")?;
            let document: Option<String> = found.query_row([id], |row| row.get(0)).optional()?;
            Ok(document.map(|document| serde_json::from_str(&document)).transpose()?)
        })
    }

    fn bound(&self, binding: &str) -> Storing<Vec<Request>> {
        let binding = binding.to_owned();
        self.ask(move |connection| {
            let sql = "SELECT document FROM requests WHERE binding = ? AND open ORDER BY asked, id";
            documents(connection, sql, [binding])
        })
    }

    fn list(&self, open: bool, limit: u32) -> Storing<Vec<Request>> {
        self.ask(move |connection| {
            let sql = match open {
                true => "SELECT document FROM requests WHERE open ORDER BY asked DESC, id DESC LIMIT ?",
                false => "SELECT document FROM requests ORDER BY asked DESC, id DESC LIMIT ?",
            };
            documents(connection, sql, [limit])
        })
    }

    fn overdue(&self, now: i64, limit: u32) -> Storing<Vec<Request>> {
        self.ask(move |connection| {
            let sql = "SELECT document FROM requests WHERE open AND until <= ? ORDER BY until, id LIMIT ?";
            documents(connection, sql, params![now, limit])
        })
    }

    fn open_of(&self, who: &Who) -> Storing<u64> {
        let asker = asker(who);
        self.ask(move |connection| {
            let sql = "SELECT count(*) FROM requests WHERE asker = ? AND open";
            Ok(connection.prepare_cached(sql)?.query_row([asker?], |row| row.get(0))?)
        })
    }

    fn forget(&self, asked: i64) -> Storing<u64> {
        self.ask(move |connection| {
            let forgotten =
                connection.execute("DELETE FROM requests WHERE NOT open AND asked < ?", [asked])?;
            Ok(forgotten as u64)
        })
    }

    fn changed(&self, change: Option<u64>) -> Storing<(Vec<Box<str>>, u64)> {
        self.ask(move |connection| {
            // In one transaction, so that what changes meanwhile is told the next time.
            let transaction = connection.transaction()?;
            let last = transaction.query_row("SELECT last FROM changes", [], |row| row.get::<_, u64>(0))?;
            let sql = "SELECT id FROM requests WHERE change > ?1 OR (?1 IS NULL AND open)";
            let mut changed = transaction.prepare_cached(sql)?;
            let ids = changed.query_map([change], |row| row.get::<_, Box<str>>(0))?;
            Ok((ids.collect::<Result<_, _>>()?, last))
        })
    }
}

/// A principal by what its issuer calls it.
pub(crate) fn asker(who: &Who) -> Result<String, serde_json::Error> {
    serde_json::to_string(&(&who.issuer, &who.subject))
}

fn next_change(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("UPDATE changes SET last = last + 1 RETURNING last", [], |row| row.get(0))
}

fn documents(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Request>, Wrong> {
    let mut found = connection.prepare_cached(sql)?;
    let documents = found.query_map(parameters, |row| row.get::<_, String>(0))?;
    documents.map(|document| Ok(serde_json::from_str(&document?)?)).collect()
}
