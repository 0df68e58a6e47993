mod deliveries;
mod loans;
mod revocations;

use std::pin::Pin;
use std::time::Duration;

use audit::Who;
use futures_channel::oneshot;
use gate::{Down, Request, Requests, Storing};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::embedded::asker;

/// A store in one PostgreSQL database, for any number of gateways.
///
/// A task of its own does all the work, in the order of the calls, one transaction each. The table `changes` has one row,
/// which every change locks, so that changes are seen in the order of their numbers.
#[derive(Clone)]
pub struct Shared {
    /// Dropping the last one ends the task, once all calls before have been done.
    jobs: mpsc::UnboundedSender<Job>,
}

/// How a session with the server is opened.
pub type Dial =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Box<dyn Session>, Box<str>>> + Send>> + Send + Sync>;

/// A session with the server.
pub trait Session: Send {
    /// Runs `sql`, of whose statements the last alone returns rows, in one transaction, and gives these as text. After an
    /// error, which is for operators, the session is of no further use.
    fn rows<'a>(&'a mut self, sql: &'a str) -> Rows<'a>;
}

/// Rows that are awaited.
pub type Rows<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<Option<String>>>, Box<str>>> + Send + 'a>>;

type Row = Vec<Option<String>>;

struct Job {
    sql: String,
    answer: oneshot::Sender<Result<Vec<Row>, Down>>,
}

impl Shared {
    /// A store at the server that `dial` reaches. Its tables are made when it is first reached, which need not be now.
    ///
    /// To be called within a tokio runtime.
    pub fn new(dial: Dial) -> Self {
        let (jobs, todo) = mpsc::unbounded_channel();
        tokio::spawn(work(dial, todo));
        Self { jobs }
    }

    fn ask<T: Send + 'static>(
        &self,
        sql: String,
        read: impl FnOnce(Vec<Row>) -> Result<T, Down> + Send + 'static,
    ) -> Storing<T> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.send(Job { sql, answer }).is_ok();
        Box::pin(async move {
            let gone = || Err(Down("its task has ended".into()));
            if !sent {
                return gone();
            }
            match answered.await {
                Ok(rows) => read(rows?),
                Err(_) => gone(),
            }
        })
    }
}

/// Does what is asked, one after the other.
async fn work(dial: Dial, mut todo: mpsc::UnboundedReceiver<Job>) {
    let mut open: Option<Box<dyn Session>> = None;
    let mut away_until: Option<Instant> = None;
    while let Some(job) = todo.recv().await {
        if open.is_none() && away_until.is_none_or(|until| Instant::now() >= until) {
            match connect(&dial).await {
                Ok(session) => open = Some(session),
                Err(why) => {
                    away_until = Some(Instant::now() + DIAL_PAUSE);
                    _ = job.answer.send(Err(Down(why)));
                    continue;
                }
            }
        }
        let said = match &mut open {
            Some(session) => session.rows(&job.sql).await,
            None => Err("it could not be reached a moment ago".into()),
        };
        if said.is_err() {
            // Whether it was done cannot be known; the next call has another session.
            open = None;
        }
        // Whoever asked may have gone.
        _ = job.answer.send(said.map_err(Down));
    }
}

async fn connect(dial: &Dial) -> Result<Box<dyn Session>, Box<str>> {
    let mut session = dial().await?;
    session.rows(deliveries::TABLES).await?;
    session.rows(revocations::TABLES).await?;
    session.rows(loans::TABLES).await?;
    let said = session.rows(TABLES).await?;
    match said.first().and_then(|row| row.first()) {
        Some(Some(version)) if *version == VERSION.to_string() => Ok(session),
        other => {
            Err(format!("its tables are of version {other:?}, and this panguard knows {VERSION}").into())
        }
    }
}

/// The version of the tables.
const VERSION: u32 = 1;

/// Makes the tables where they are not. The lock is for gateways that start at the same moment.
const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.requests (
            id text NOT NULL PRIMARY KEY,
            revision bigint NOT NULL,
            binding text NOT NULL,
            open boolean NOT NULL,
            until bigint,
            asker text NOT NULL,
            asked bigint NOT NULL,
            change bigint NOT NULL,
            document text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS requests_bound ON panguard.requests (binding) WHERE open;
        CREATE INDEX IF NOT EXISTS requests_open ON panguard.requests (asked) WHERE open;
        CREATE INDEX IF NOT EXISTS requests_until ON panguard.requests (until) WHERE open;
        CREATE INDEX IF NOT EXISTS requests_asker ON panguard.requests (asker) WHERE open;
        CREATE INDEX IF NOT EXISTS requests_asked ON panguard.requests (asked);
        CREATE INDEX IF NOT EXISTS requests_changed ON panguard.requests (change);
        CREATE TABLE IF NOT EXISTS panguard.changes (one boolean PRIMARY KEY DEFAULT true CHECK (one), last bigint NOT NULL, version integer NOT NULL);
        INSERT INTO panguard.changes (last, version) VALUES (0, 1) ON CONFLICT DO NOTHING;
    END $$;
    SELECT version FROM panguard.changes";

impl Requests for Shared {
    fn insert(&self, request: &Request) -> Storing<()> {
        let (Ok(document), Ok(asker)) = (serde_json::to_string(request), asker(&request.asker)) else {
            return unwritten();
        };
        let Request { id, revision, binding, asked, .. } = request;
        let sql = format!(
            "WITH now AS (UPDATE panguard.changes SET last = last + 1 RETURNING last) \
             INSERT INTO panguard.requests (id, revision, binding, open, until, asker, asked, change, document) \
             SELECT {}, {revision}, {}, {}, {}, {}, {asked}, last, {} FROM now RETURNING 1",
            quoted(id),
            quoted(binding),
            request.is_open(),
            until(request),
            quoted(&asker),
            quoted(&document),
        );
        self.ask(sql, |rows| if rows.is_empty() { Err(Down("it took nothing".into())) } else { Ok(()) })
    }

    fn replace(&self, request: &Request) -> Storing<bool> {
        let Ok(document) = serde_json::to_string(request) else { return unwritten() };
        let Request { id, revision, .. } = request;
        let sql = format!(
            "WITH now AS (UPDATE panguard.changes SET last = last + 1 RETURNING last) \
             UPDATE panguard.requests SET revision = {revision}, open = {}, until = {}, change = now.last, document = {} FROM now \
             WHERE id = {} AND revision + 1 = {revision} RETURNING 1",
            request.is_open(),
            until(request),
            quoted(&document),
            quoted(id),
        );
        self.ask(sql, |rows| Ok(!rows.is_empty()))
    }

    fn get(&self, id: &str) -> Storing<Option<Request>> {
        let sql = format!("SELECT document FROM panguard.requests WHERE id = {}", quoted(id));
        self.ask(sql, |rows| Ok(documents(rows)?.pop()))
    }

    fn bound(&self, binding: &str) -> Storing<Vec<Request>> {
        let sql = format!(
            "SELECT document FROM panguard.requests WHERE binding = {} AND open ORDER BY asked, id",
            quoted(binding)
        );
        self.ask(sql, documents)
    }

    fn list(&self, open: bool, limit: u32) -> Storing<Vec<Request>> {
        let which = if open { "WHERE open" } else { "" };
        let sql = format!(
            "SELECT document FROM panguard.requests {which} ORDER BY asked DESC, id DESC LIMIT {limit}"
        );
        self.ask(sql, documents)
    }

    fn overdue(&self, now: i64, limit: u32) -> Storing<Vec<Request>> {
        let sql = format!(
            "SELECT document FROM panguard.requests WHERE open AND until <= {now} ORDER BY until, id LIMIT {limit}"
        );
        self.ask(sql, documents)
    }

    fn open_of(&self, who: &Who) -> Storing<u64> {
        let Ok(asker) = asker(who) else { return unwritten() };
        let sql = format!("SELECT count(*) FROM panguard.requests WHERE asker = {} AND open", quoted(&asker));
        self.ask(sql, |rows| {
            let count = rows.into_iter().next().and_then(|row| row.into_iter().next()?);
            count.and_then(|count| count.parse().ok()).ok_or_else(|| Down("the count is no number".into()))
        })
    }

    fn forget(&self, asked: i64) -> Storing<u64> {
        let sql = format!("DELETE FROM panguard.requests WHERE NOT open AND asked < {asked} RETURNING 1");
        self.ask(sql, |rows| Ok(rows.len() as u64))
    }

    fn changed(&self, change: Option<u64>) -> Storing<(Vec<Box<str>>, u64)> {
        let is_one = change.map_or_else(|| "open".into(), |change| format!("change > {change}"));
        // One statement sees one moment.
        let sql = format!("SELECT last, id FROM panguard.changes LEFT JOIN panguard.requests ON {is_one}");
        self.ask(sql, |rows| {
            let wrong = || Down("it does not say what has changed".into());
            let last =
                rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).ok_or_else(wrong)?;
            let ids = rows.into_iter().filter_map(|row| row.into_iter().nth(1)?).map(String::into_boxed_str);
            Ok((ids.collect(), last))
        })
    }
}

fn documents(rows: Vec<Row>) -> Result<Vec<Request>, Down> {
    let texts = rows.into_iter().filter_map(|row| row.into_iter().next()?);
    let read =
        |text: String| serde_json::from_str(&text).map_err(|_| Down("a request in it cannot be read".into()));
    texts.map(read).collect()
}

/// Until when it is open, as a literal.
fn until(request: &Request) -> String {
    request.open_until().map_or_else(|| "NULL".into(), |until| until.to_string())
}

/// A literal. `standard_conforming_strings` is on in the sessions that this is for.
fn quoted(text: &str) -> String {
    // A NUL cannot be in a text of PostgreSQL; JSON has none as it is.
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

fn unwritten<T: Send + 'static>() -> Storing<T> {
    Box::pin(async { Err(Down("the request cannot be written".into())) })
}

/// How long a server that could not be reached is left alone.
const DIAL_PAUSE: Duration = Duration::from_secs(1);
