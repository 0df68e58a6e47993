//! What commands that wait for people would do: counted at the upstream, in a session of panguard's own that only reads.

use std::sync::{Arc, Weak};
use std::time::Duration;

use access::Resource;
use gate::{Effect, Preview, Previewed, Previewing};
use serde_json::Value;
use sql::Touched;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use vault::Vault;

use crate::dial::Target;
use crate::inspection::{Inspection, NotRead};
use crate::serve::Gateway;

/// Finds out what commands on the connections of one gateway would do.
pub(crate) struct Previews {
    pub(crate) gateway: Weak<Gateway>,
    pub(crate) places: Arc<Semaphore>,
}

impl Previews {
    pub(crate) fn new(gateway: &Arc<Gateway>) -> Self {
        Self { gateway: Arc::downgrade(gateway), places: Arc::new(Semaphore::new(AT_A_TIME_MAX)) }
    }
}

impl Preview for Previews {
    fn of(&self, asked: Previewed) -> Previewing {
        let found = self.gateway.upgrade().and_then(|gateway| {
            Some((gateway.connection(&asked.connection)?, Arc::clone(&gateway.settings.vault)))
        });
        let places = Arc::clone(&self.places);
        Box::pin(async move {
            let effect = Effect::of(&asked.facts);
            let Some((reachable, vault)) = found else { return effect };
            let parameters: Vec<_> = asked.parameters.iter().map(|value| value.expose().clone()).collect();
            let Some(touched) = sql::touched(asked.command.expose(), &parameters) else { return effect };
            let Ok(_place) = places.try_acquire_owned() else {
                return Effect { uncounted: Some("too much is asked for at once".into()), ..effect };
            };
            let counted =
                timeout(TIME_MAX, count(&reachable.connection.target, &vault, &asked, &touched)).await;
            counted.unwrap_or(Err("it takes too long")).map_or_else(
                |why| Effect { uncounted: Some(why.into()), ..effect.clone() },
                |(rows, is_estimate)| Effect { rows: Some(rows), is_estimate, ..effect.clone() },
            )
        })
    }
}

/// How many rows it would touch, and whether that is an estimate.
async fn count(
    target: &Target,
    vault: &Arc<Vault>,
    asked: &Previewed,
    touched: &Touched,
) -> Result<(u64, bool), &'static str> {
    let path = search_path(asked).ok_or("its tables are in several schemas")?;
    let mut why = "it cannot be counted before it runs";
    if let Some(query) = &touched.count {
        match read(target, vault, &path, query).await {
            Ok(said) => return said.parse().map(|rows| (rows, false)).map_err(|_| "the count is no number"),
            // Of the server's words only the code: they may quote a value.
            Err(error) if error.sqlstate() == Some(TOO_LATE) => why = "it takes too long to count",
            Err(error) if error.is_unreachable() => return Err("the protected system cannot be reached"),
            Err(_) => why = "the protected system does not let it be counted",
        }
    }
    let explain = format!("EXPLAIN (FORMAT JSON) {}", touched.statement);
    let said = read(target, vault, &path, &explain).await.map_err(|_| why)?;
    let plans: Value = serde_json::from_str(&said).map_err(|_| why)?;
    let rows = plans.pointer("/0/Plan/Plans/0/Plan Rows").or_else(|| plans.pointer("/0/Plan/Plan Rows"));
    rows.and_then(Value::as_u64).map(|rows| (rows, true)).ok_or(why)
}

/// The one value that a query answers with, in a session of its own, in a transaction that only reads.
async fn read(target: &Target, vault: &Arc<Vault>, path: &str, query: &str) -> Result<String, NotRead> {
    let mut session = Inspection::open(target, vault).await?;
    let settings = format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL search_path = {path}; {query}",
        COUNT_TIME_MAX.as_millis(),
        LOCK_TIME_MAX.as_millis(),
    );
    let rows = session.rows(&settings, TIME_MAX).await?;
    session.close().await;
    let lines = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The schema of the tables that the command names, so that the names mean the same here: the agent may have set another
/// search path.
fn search_path(asked: &Previewed) -> Option<String> {
    let mut schemas: Vec<&str> = asked
        .facts
        .uses
        .iter()
        .filter_map(|it| match &it.resource {
            Resource::Table(name) => name.split_once('.').map(|(schema, _)| schema),
            _ => None,
        })
        .filter(|schema| *schema != "pg_catalog")
        .collect();
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
/// Counts at a time, over all connections: each is a session at an upstream.
const AT_A_TIME_MAX: usize = 4;
/// How long one may take.
const COUNT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long it waits for somebody's lock.
const LOCK_TIME_MAX: Duration = Duration::from_millis(500);
/// How long the count and the estimate may take together.
const TIME_MAX: Duration = Duration::from_secs(5);
