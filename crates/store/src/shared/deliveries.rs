//! Who is to be told of what, in the PostgreSQL database.

use gate::{Down, Storing};

use super::{Row, Shared, quoted};
use crate::{Deliveries, Delivery, Stands};

/// Made where they are not; a gateway of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.deliveries (
            request text NOT NULL,
            channel text NOT NULL,
            event text NOT NULL,
            gateway text NOT NULL,
            planned bigint NOT NULL,
            stands text NOT NULL,
            attempts bigint NOT NULL,
            next bigint NOT NULL,
            error text,
            handle text,
            PRIMARY KEY (request, channel, event)
        );
        CREATE INDEX IF NOT EXISTS deliveries_due ON panguard.deliveries (gateway, next) WHERE stands = 'pending';
        CREATE INDEX IF NOT EXISTS deliveries_planned ON panguard.deliveries (planned);
        CREATE TABLE IF NOT EXISTS panguard.messages (message text NOT NULL PRIMARY KEY, until bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS messages_until ON panguard.messages (until);
    END $$;
    SELECT 1";

impl Deliveries for Shared {
    fn plan(&self, delivery: &Delivery) -> Storing<()> {
        let Delivery { request, channel, event, gateway, planned, stands, attempts, next, error, handle } =
            delivery;
        let sql = format!(
            "INSERT INTO panguard.deliveries ({COLUMNS}) VALUES ({}, {}, {}, {}, {planned}, {}, {attempts}, {next}, {}, {}) ON CONFLICT DO NOTHING RETURNING 1",
            quoted(request),
            quoted(channel),
            quoted(event),
            quoted(gateway),
            quoted(stands.as_str()),
            or_null(error.as_deref()),
            or_null(handle.as_deref()),
        );
        self.ask(sql, |_| Ok(()))
    }

    fn tried(&self, delivery: &Delivery) -> Storing<()> {
        let Delivery { request, channel, event, stands, attempts, next, error, handle, .. } = delivery;
        let sql = format!(
            "UPDATE panguard.deliveries SET stands = {}, attempts = {attempts}, next = {next}, error = {}, handle = {} \
             WHERE request = {} AND channel = {} AND event = {} RETURNING 1",
            quoted(stands.as_str()),
            or_null(error.as_deref()),
            or_null(handle.as_deref()),
            quoted(request),
            quoted(channel),
            quoted(event),
        );
        self.ask(sql, |_| Ok(()))
    }

    fn due(&self, gateway: &str, now: i64, limit: u32) -> Storing<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM panguard.deliveries WHERE gateway = {} AND stands = 'pending' AND next <= {now} \
             ORDER BY next, request, channel, event LIMIT {limit}",
            quoted(gateway)
        );
        self.ask(sql, deliveries)
    }

    fn deliveries_of(&self, request: &str) -> Storing<Vec<Delivery>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM panguard.deliveries WHERE request = {} ORDER BY planned, channel, event",
            quoted(request)
        );
        self.ask(sql, deliveries)
    }

    fn unended(&self, gateway: &str, ends: &[&str]) -> Storing<Vec<Box<str>>> {
        let ends: Vec<String> = ends.iter().map(|end| quoted(end)).collect();
        let sql = format!(
            "SELECT DISTINCT request FROM panguard.deliveries AS it WHERE gateway = {} AND NOT EXISTS \
             (SELECT FROM panguard.deliveries AS other WHERE other.request = it.request AND other.event IN ({})) ORDER BY 1",
            quoted(gateway),
            ends.join(", ")
        );
        self.ask(sql, |rows| {
            let requests = rows.into_iter().filter_map(|row| row.into_iter().next()?);
            Ok(requests.map(String::into_boxed_str).collect())
        })
    }

    fn is_first(&self, message: &str, until: i64) -> Storing<bool> {
        let sql = format!(
            "INSERT INTO panguard.messages (message, until) VALUES ({}, {until}) ON CONFLICT DO NOTHING RETURNING 1",
            quoted(message)
        );
        self.ask(sql, |rows| Ok(!rows.is_empty()))
    }

    fn forget_deliveries(&self, planned: i64, now: i64) -> Storing<()> {
        let sql = format!(
            "DELETE FROM panguard.deliveries WHERE planned < {planned}; DELETE FROM panguard.messages WHERE until < {now} RETURNING 1"
        );
        self.ask(sql, |_| Ok(()))
    }
}

fn deliveries(rows: Vec<Row>) -> Result<Vec<Delivery>, Down> {
    rows.into_iter()
        .map(|row| delivery(row).ok_or_else(|| Down("a delivery in it cannot be read".into())))
        .collect()
}

/// In the order of [`COLUMNS`].
fn delivery(row: Row) -> Option<Delivery> {
    let mut values = row.into_iter();
    let mut next = || values.next();
    let mut text = || Some(next()??.into_boxed_str());
    Some(Delivery {
        request: text()?,
        channel: text()?,
        event: text()?,
        gateway: text()?,
        planned: text()?.parse().ok()?,
        stands: Stands::read(&text()?)?,
        attempts: text()?.parse().ok()?,
        next: text()?.parse().ok()?,
        error: next()?.map(String::into_boxed_str),
        handle: next()?.map(String::into_boxed_str),
    })
}

fn or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".into(), quoted)
}

const COLUMNS: &str = "request, channel, event, gateway, planned, stands, attempts, next, error, handle";
