//! Who is to be told of what, in the SQLite file.

use gate::Storing;
use rusqlite::{OptionalExtension, Row, params};

use super::Embedded;
use crate::{Deliveries, Delivery, Stands};

/// Made where they are not, in a file of whatever version: one that knows nothing of them leaves them alone.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS deliveries (
        request TEXT NOT NULL,
        channel TEXT NOT NULL,
        event TEXT NOT NULL,
        gateway TEXT NOT NULL,
        planned INTEGER NOT NULL,
        stands TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        next INTEGER NOT NULL,
        error TEXT,
        handle TEXT,
        PRIMARY KEY (request, channel, event)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (gateway, next) WHERE stands = 'pending';
    CREATE INDEX IF NOT EXISTS deliveries_planned ON deliveries (planned);
    CREATE TABLE IF NOT EXISTS messages (message TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS messages_until ON messages (until);
";

impl Deliveries for Embedded {
    fn plan(&self, delivery: &Delivery) -> Storing<()> {
        let it = delivery.clone();
        self.ask(move |connection| {
            let sql = "INSERT INTO deliveries (request, channel, event, gateway, planned, stands, attempts, next, error, handle) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
            connection.prepare_cached(sql)?.execute(params![
                it.request,
                it.channel,
                it.event,
                it.gateway,
                it.planned,
                it.stands.as_str(),
                it.attempts,
                it.next,
                it.error,
                it.handle
            ])?;
            Ok(())
        })
    }

    fn tried(&self, delivery: &Delivery) -> Storing<()> {
        let it = delivery.clone();
        self.ask(move |connection| {
            let sql = "UPDATE deliveries SET stands = ?, attempts = ?, next = ?, error = ?, handle = ? \
                 WHERE request = ? AND channel = ? AND event = ?";
            connection.prepare_cached(sql)?.execute(params![
                it.stands.as_str(),
                it.attempts,
                it.next,
                it.error,
                it.handle,
                it.request,
                it.channel,
                it.event
            ])?;
            Ok(())
        })
    }

    fn due(&self, gateway: &str, now: i64, limit: u32) -> Storing<Vec<Delivery>> {
        let gateway = gateway.to_owned();
        self.ask(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM deliveries WHERE gateway = ? AND stands = 'pending' AND next <= ? ORDER BY next, request, channel, event LIMIT ?"
            );
            let mut due = connection.prepare_cached(&sql)?;
            let rows = due.query_map(params![gateway, now, limit], delivery)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn deliveries_of(&self, request: &str) -> Storing<Vec<Delivery>> {
        let request = request.to_owned();
        self.ask(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM deliveries WHERE request = ? ORDER BY planned, channel, event"
            );
            let mut found = connection.prepare_cached(&sql)?;
            let rows = found.query_map([request], delivery)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn unended(&self, gateway: &str, ends: &[&str]) -> Storing<Vec<Box<str>>> {
        let (gateway, ends) = (gateway.to_owned(), serde_json::to_string(ends));
        self.ask(move |connection| {
            let sql = "SELECT DISTINCT request FROM deliveries AS it WHERE gateway = ? AND NOT EXISTS \
                 (SELECT 1 FROM deliveries WHERE request = it.request AND event IN (SELECT value FROM json_each(?))) ORDER BY 1";
            let mut found = connection.prepare_cached(sql)?;
            let rows = found.query_map(params![gateway, ends?], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn is_first(&self, message: &str, until: i64) -> Storing<bool> {
        let message = message.to_owned();
        self.ask(move |connection| {
            let sql =
                "INSERT INTO messages (message, until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1";
            let new: Option<i64> = connection
                .prepare_cached(sql)?
                .query_row(params![message, until], |row| row.get(0))
                .optional()?;
            Ok(new.is_some())
        })
    }

    fn forget_deliveries(&self, planned: i64, now: i64) -> Storing<()> {
        self.ask(move |connection| {
            connection.execute("DELETE FROM deliveries WHERE planned < ?", [planned])?;
            connection.execute("DELETE FROM messages WHERE until < ?", [now])?;
            Ok(())
        })
    }
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let stands: Box<str> = row.get(5)?;
    Ok(Delivery {
        request: row.get(0)?,
        channel: row.get(1)?,
        event: row.get(2)?,
        gateway: row.get(3)?,
        planned: row.get(4)?,
        stands: Stands::read(&stands).ok_or(rusqlite::Error::InvalidQuery)?,
        attempts: row.get(6)?,
        next: row.get(7)?,
        error: row.get(8)?,
        handle: row.get(9)?,
    })
}

const COLUMNS: &str = "request, channel, event, gateway, planned, stands, attempts, next, error, handle";
