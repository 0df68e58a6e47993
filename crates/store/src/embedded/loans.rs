//! What was lent, in SQLite.

use gate::{Seen, Storing};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::Embedded;
use crate::{KeptLoan, Loans};

/// Made where they are not; panguard of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS loans (
        id TEXT NOT NULL PRIMARY KEY,
        lender TEXT NOT NULL,
        until INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS loans_until ON loans (until);
    CREATE INDEX IF NOT EXISTS loans_lender ON loans (lender, until);
    CREATE TABLE IF NOT EXISTS lenders (
        lender TEXT NOT NULL PRIMARY KEY,
        issued_at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        groups TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS common_keys (name TEXT NOT NULL PRIMARY KEY, sealed TEXT NOT NULL) STRICT;
";

impl Loans for Embedded {
    fn keep(&self, loan: &KeptLoan, now: i64, most: u32) -> Storing<bool> {
        let it = loan.clone();
        self.ask(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql = "SELECT count(*) FROM loans WHERE lender = ? AND until > ?";
            let there: u32 = transaction.query_row(sql, params![it.lender, now], |row| row.get(0))?;
            if there >= most {
                return Ok(false);
            }
            let sql = "INSERT INTO loans (id, lender, until, document) VALUES (?, ?, ?, ?)";
            transaction.execute(sql, params![it.id, it.lender, it.until, it.document])?;
            transaction.commit()?;
            Ok(true)
        })
    }

    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        let lender = lender.map(str::to_owned);
        self.ask(move |connection| {
            let sql = "SELECT id, lender, until, document FROM loans WHERE until > ?1 AND (?2 IS NULL OR lender = ?2) \
                 ORDER BY until DESC, id LIMIT ?3";
            let mut found = connection.prepare_cached(sql)?;
            let rows = found.query_map(params![now, lender, limit], loan)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>> {
        let id = id.to_owned();
        self.ask(move |connection| {
            let sql = "SELECT id, lender, until, document FROM loans WHERE id = ?";
            Ok(connection.prepare_cached(sql)?.query_row([id], loan).optional()?)
        })
    }

    fn see(&self, seen: &Seen) -> Storing<()> {
        let it = seen.clone();
        self.ask(move |connection| {
            let (lender, groups) = (serde_json::to_string(&it.lender)?, serde_json::to_string(&it.groups)?);
            let sql = "INSERT INTO lenders (lender, issued_at, until, groups) VALUES (?, ?, ?, ?) ON CONFLICT (lender) DO UPDATE SET \
                 groups = CASE WHEN excluded.issued_at >= issued_at THEN excluded.groups ELSE groups END, \
                 issued_at = max(issued_at, excluded.issued_at), until = max(until, excluded.until)";
            connection.prepare_cached(sql)?.execute(params![lender, it.issued_at, it.until, groups])?;
            Ok(())
        })
    }

    fn seen(&self, now: i64) -> Storing<Vec<Seen>> {
        self.ask(move |connection| {
            let sql = "SELECT lender, issued_at, until, groups FROM lenders WHERE until > ?";
            let mut found = connection.prepare_cached(sql)?;
            let mut rows = found.query([now])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let (lender, groups): (String, String) = (row.get(0)?, row.get(3)?);
                let (lender, groups) = (serde_json::from_str(&lender)?, serde_json::from_str(&groups)?);
                all.push(Seen { lender, issued_at: row.get(1)?, until: row.get(2)?, groups });
            }
            Ok(all)
        })
    }

    fn forget_loans(&self, now: i64) -> Storing<()> {
        self.ask(move |connection| {
            connection.execute("DELETE FROM loans WHERE until <= ?", [now])?;
            connection.execute("DELETE FROM lenders WHERE until <= ?", [now])?;
            Ok(())
        })
    }

    fn common_key(&self, name: &str, fresh: &str) -> Storing<String> {
        let (name, fresh) = (name.to_owned(), fresh.to_owned());
        self.ask(move |connection| {
            let sql = "INSERT INTO common_keys (name, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING";
            connection.execute(sql, params![name, fresh])?;
            let sql = "SELECT sealed FROM common_keys WHERE name = ?";
            Ok(connection.query_row(sql, [name], |row| row.get(0))?)
        })
    }
}

fn loan(row: &Row<'_>) -> rusqlite::Result<KeptLoan> {
    Ok(KeptLoan { id: row.get(0)?, lender: row.get(1)?, until: row.get(2)?, document: row.get(3)? })
}
