//! Sessions with an upstream for commands that look at a database, by the code and the credential of the gateway.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use proxy::{Inspection, NotRead, Target};
use sql::Catalog;
use vault::Vault;
use wire_postgres::simple::Row;

use crate::config::{Config, Connection};
use crate::folder;
use crate::serve;

/// A session that outlives the errors of what is asked in it: another takes its place.
pub struct Session {
    target: Target,
    vault: Arc<Vault>,
    inspection: Option<Inspection>,
    /// How long an answer is waited for.
    time_max: Duration,
}

/// Runs a command that waits for an upstream.
pub fn block_on<T>(command: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command))
}

/// The connection of that name.
pub fn named<'a>(config: &'a Config, name: &str) -> anyhow::Result<&'a Connection> {
    let Some(connection) = config.connections.get(name) else {
        let known: Vec<&str> = config.connections.keys().map(|name| &**name).collect();
        bail!("there is no connection `{name}`; the configuration has {}", known.join(", "));
    };
    Ok(connection)
}

impl Session {
    /// Signs in to the connection of that name.
    pub async fn open(config: &Config, name: &str) -> anyhow::Result<Self> {
        let target =
            serve::target(named(config, name)?).with_context(|| format!("the connection `{name}`"))?;
        let vault = Arc::new(folder::open_vault(config)?);
        let inspection = Inspection::open(&target, &vault).await;
        let inspection = inspection.with_context(|| format!("`{name}` cannot be reached"))?;
        let mut session = Self { target, vault, inspection: Some(inspection), time_max: TIME_MAX };
        session.read_only(TIME_MAX).await?;
        Ok(session)
    }

    /// From here on transactions only read, and a statement takes at most `time_max` and waits no second for a lock.
    pub async fn read_only(&mut self, time_max: Duration) -> Result<(), NotRead> {
        self.time_max = time_max + GRACE;
        let set = format!(
            "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), \
             pg_catalog.set_config('lock_timeout', '1s', false), \
             pg_catalog.set_config('statement_timeout', '{}ms', false)",
            time_max.as_millis()
        );
        self.rows(&set).await.map(drop)
    }

    /// What the server answers to `sql`, one statement that returns rows.
    pub async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, NotRead> {
        let mut inspection = match self.inspection.take() {
            Some(inspection) => inspection,
            None => Inspection::open(&self.target, &self.vault).await?,
        };
        let rows = inspection.rows(sql, self.time_max).await?;
        self.inspection = Some(inspection);
        Ok(rows)
    }

    /// The rows that a [`Catalog`] is made of.
    pub async fn catalog(&mut self) -> anyhow::Result<Vec<Row>> {
        self.rows(Catalog::QUERY).await.context("the catalog cannot be read")
    }

    pub async fn close(self) {
        if let Some(inspection) = self.inspection {
            inspection.close().await;
        }
    }
}

/// For what is not a sample.
const TIME_MAX: Duration = Duration::from_secs(30);
/// The server ends a statement in time, unless it cannot be reached any more.
const GRACE: Duration = Duration::from_secs(5);
