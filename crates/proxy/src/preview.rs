//! What commands that wait for people would do: counted and looked at at the upstream, in sessions of panguard's own that only
//! read.

use std::collections::HashSet;
use std::iter;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use access::Resource;
use gate::{Difference, Effect, Preview, Previewed, Previewing};
use serde_json::Value;
use sql::Touched;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use vault::Vault;

use crate::dial::Target;
use crate::inspection::{Inspection, NotRead};
use crate::sample::sample;
use crate::serve::{Gateway, Reachable};

/// Finds out what commands on the connections of one gateway would do.
pub(crate) struct Previews {
    pub(crate) gateway: Weak<Gateway>,
    pub(crate) places: Arc<Semaphore>,
    /// Whose commands are looked at just now: one of each.
    pub(crate) askers: Arc<Mutex<HashSet<Box<str>>>>,
}

/// Somebody's turn: nobody else's command waits for several of theirs.
struct Turn {
    askers: Arc<Mutex<HashSet<Box<str>>>>,
    asker: Box<str>,
    _place: OwnedSemaphorePermit,
}

impl Turn {
    /// Waits a little for a place, unless another command of theirs has one.
    async fn take(
        places: Arc<Semaphore>,
        askers: Arc<Mutex<HashSet<Box<str>>>>,
        asker: Box<str>,
    ) -> Option<Self> {
        if !askers.lock().unwrap_or_else(PoisonError::into_inner).insert(asker.clone()) {
            return None;
        }
        match timeout(PLACE_TIME_MAX, places.acquire_owned()).await {
            Ok(Ok(_place)) => Some(Self { askers, asker, _place }),
            Ok(Err(_)) | Err(_) => {
                askers.lock().unwrap_or_else(PoisonError::into_inner).remove(&asker);
                None
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.asker);
    }
}

impl Previews {
    pub(crate) fn new(gateway: &Arc<Gateway>) -> Self {
        let places = Arc::new(Semaphore::new(AT_A_TIME_MAX));
        Self { gateway: Arc::downgrade(gateway), places, askers: Arc::default() }
    }
}

impl Preview for Previews {
    fn of(&self, asked: Previewed) -> Previewing {
        let gateway = self.gateway.upgrade();
        let (places, askers) = (Arc::clone(&self.places), Arc::clone(&self.askers));
        Box::pin(async move {
            let effect = Effect::of(&asked.facts);
            let Some(gateway) = gateway else { return effect };
            let place = Turn::take(places, askers, asked.asker.clone()).await;
            match (gateway.connection(&asked.connection), &asked.before) {
                (Some(reachable), _) => rows(&gateway, &reachable, &asked, effect, place.is_some()).await,
                (None, Some(before)) => {
                    let read = gateway.https().read(&asked.connection, before, gateway.settings.masker);
                    match place {
                        Some(_) => differing(timeout(READ_TIME_MAX, read).await, effect),
                        None => Effect { undiffed: Some(TOO_MUCH.into()), ..effect },
                    }
                }
                (None, None) => effect,
            }
        })
    }
}

/// What it would do to the rows of tables.
async fn rows(
    gateway: &Gateway,
    reachable: &Reachable,
    asked: &Previewed,
    effect: Effect,
    has_place: bool,
) -> Effect {
    let (target, vault) = (&reachable.connection.target, &gateway.settings.vault);
    let parameters: Vec<_> = asked.parameters.iter().map(|value| value.expose().clone()).collect();
    let Some(touched) = sql::touched(asked.command.expose(), &parameters, &asked.types) else {
        return effect;
    };
    if !has_place {
        return Effect { uncounted: Some(TOO_MUCH.into()), ..effect };
    }
    let counted = timeout(TIME_MAX, count(target, vault, asked, &touched));
    let sampled = async {
        if let Some(why) = asked.sees_others {
            return Err(why);
        }
        let snapshot = reachable.catalog.snapshot().await.ok_or("its tables are not known")?;
        let (catalog, masker) = (snapshot.load_full(), gateway.settings.masker);
        sample(target, vault, &catalog, masker, asked).await
    };
    // Beside each other: whoever asks waits for both.
    let (counted, sampled) = tokio::join!(counted, timeout(TIME_MAX, sampled));
    let (rows, is_estimate, uncounted) = match counted.unwrap_or(Err(TOO_LONG)) {
        Ok((rows, is_estimate)) => (Some(rows), is_estimate, None),
        Err(why) => (None, false, Some(why.into())),
    };
    let (sample, unsampled) = match sampled.unwrap_or(Err(TOO_LONG)) {
        Ok(sample) => (sample, None),
        Err(why) => (None, Some(why.into())),
    };
    Effect { rows, is_estimate, uncounted, sample, unsampled, ..effect }
}

/// What it would do to a resource, as far as reading that has told.
fn differing(read: Result<Result<Difference, &'static str>, Elapsed>, effect: Effect) -> Effect {
    match read.unwrap_or(Err(TOO_LONG)) {
        Ok(diff) => Effect { diff: Some(diff), ..effect },
        Err(why) => Effect { undiffed: Some(why.into()), ..effect },
    }
}

/// How many rows it would touch, and whether that is an estimate.
async fn count(
    target: &Target,
    vault: &Arc<Vault>,
    asked: &Previewed,
    touched: &Touched,
) -> Result<(u64, bool), &'static str> {
    let settings = settings(asked)?;
    let mut why = "it cannot be counted before it runs";
    if let Some(query) = &touched.count {
        match read(target, vault, &settings, query).await {
            Ok(said) => return said.parse().map(|rows| (rows, false)).map_err(|_| "the count is no number"),
            // Of the server's words only the code: they may quote a value.
            Err(error) if error.sqlstate() == Some(TOO_LATE) => why = "it takes too long to count",
            Err(error) if error.is_unreachable() => return Err("the protected system cannot be reached"),
            Err(_) => why = "the protected system does not let it be counted",
        }
    }
    let explain = format!("EXPLAIN (FORMAT JSON) {}", touched.statement);
    let said = read(target, vault, &settings, &explain).await.map_err(|_| why)?;
    let plans: Value = serde_json::from_str(&said).map_err(|_| why)?;
    let rows = plans.pointer("/0/Plan/Plans/0/Plan Rows").or_else(|| plans.pointer("/0/Plan/Plan Rows"));
    rows.and_then(Value::as_u64).map(|rows| (rows, true)).ok_or(why)
}

/// The one value that a query answers with, in a session of its own, in a transaction that only reads.
async fn read(target: &Target, vault: &Arc<Vault>, settings: &str, query: &str) -> Result<String, NotRead> {
    let mut session = Inspection::open(target, vault).await?;
    let rows = session.rows(&format!("{settings}{query}"), TIME_MAX).await?;
    session.close().await;
    let lines = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// What stands before a query that is run to find something out: it changes nothing, takes no longer than this, and reads
/// names and values as the command's session does.
pub(crate) fn settings(asked: &Previewed) -> Result<String, &'static str> {
    let path = search_path(asked).ok_or("its tables are in several schemas")?;
    let limits = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL search_path = {path}; ",
        COUNT_TIME_MAX.as_millis(),
        LOCK_TIME_MAX.as_millis(),
    );
    let read = asked.reads_by.iter().map(|(name, value)| format!("SET LOCAL {name} = '{value}'; "));
    Ok(iter::once(limits).chain(read).collect())
}

/// The tables that the command names, sorted.
pub(crate) fn tables(asked: &Previewed) -> Vec<Box<str>> {
    let table = |it: &access::Use| match &it.resource {
        Resource::Table(name) => Some(name.clone()),
        _ => None,
    };
    let mut tables: Vec<Box<str>> = asked.facts.uses.iter().filter_map(table).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// The schema of the tables that the command names, so that the names mean the same here: the agent may have set another
/// search path.
fn search_path(asked: &Previewed) -> Option<String> {
    let tables = tables(asked);
    let schemas = tables.iter().filter_map(|name| name.split_once('.').map(|(schema, _)| schema));
    let mut schemas: Vec<&str> = schemas.filter(|schema| *schema != "pg_catalog").collect();
    schemas.sort_unstable();
    schemas.dedup();
    match schemas.as_slice() {
        [] => Some("pg_catalog".into()),
        [schema] => Some(format!("\"{}\"", schema.replace('"', "\"\""))),
        _ => None,
    }
}

/// query_canceled, by `statement_timeout`.
const TOO_LATE: &str = "57014";
const TOO_MUCH: &str = "too much is asked for at once";
const TOO_LONG: &str = "it takes too long";
/// Previews at a time, over all connections: each is two sessions at an upstream, or a request.
const AT_A_TIME_MAX: usize = 4;
/// How long one is waited for.
const PLACE_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one may take.
pub(crate) const COUNT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long it waits for somebody's lock.
const LOCK_TIME_MAX: Duration = Duration::from_millis(500);
/// How long it may take to read a resource by HTTP, its credential included.
const READ_TIME_MAX: Duration = Duration::from_secs(2);
/// How long the count and the estimate may take together.
const TIME_MAX: Duration = Duration::from_secs(5);
