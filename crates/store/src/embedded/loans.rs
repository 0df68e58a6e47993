//! What was lent, in SQLite.

use gate::Storing;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::Embedded;
use crate::{KeptLender, KeptLoan, Loans};

/// Made where they are not; panguard of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS loans (
        id TEXT NOT NULL PRIMARY KEY,
        lender TEXT NOT NULL,
        direct INTEGER NOT NULL,
        ended INTEGER NOT NULL,
        until INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS loans_until ON loans (until);
    CREATE INDEX IF NOT EXISTS loans_lender ON loans (lender, until);
    CREATE TABLE IF NOT EXISTS lenders (
        lender TEXT NOT NULL PRIMARY KEY,
        issued_at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        groups TEXT NOT NULL,
        tag TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS common_keys (name TEXT NOT NULL PRIMARY KEY, sealed TEXT NOT NULL) STRICT;
";

impl Loans for Embedded {
    fn keep(&self, loan: &KeptLoan, lender: Option<&KeptLender>, now: i64, most: u32) -> Storing<bool> {
        let (it, lender) = (loan.clone(), lender.cloned());
        self.ask(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let sql =
                "SELECT count(*) FROM loans WHERE lender = ? AND direct = ? AND NOT ended AND until > ?";
            let there: u32 =
                transaction.query_row(sql, params![it.lender, it.is_direct, now], |row| row.get(0))?;
            if there >= most {
                return Ok(false);
            }
            let sql =
                "INSERT INTO loans (id, lender, direct, ended, until, document) VALUES (?, ?, ?, ?, ?, ?)";
            let values = params![it.id, it.lender, it.is_direct, it.is_ended, it.until, it.document];
            transaction.execute(sql, values)?;
            if let Some(lender) = lender {
                see(&transaction, &lender)?;
            }
            transaction.commit()?;
            Ok(true)
        })
    }

    fn end_loans(&self, ids: &[Box<str>]) -> Storing<()> {
        let ids = serde_json::to_string(ids);
        self.ask(move |connection| {
            let sql = "UPDATE loans SET ended = 1 WHERE id IN (SELECT value FROM json_each(?))";
            connection.execute(sql, [ids?])?;
            Ok(())
        })
    }

    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        let lender = lender.map(str::to_owned);
        self.ask(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM loans WHERE until > ?1 AND (?2 IS NULL OR lender = ?2) ORDER BY until DESC, id LIMIT ?3"
            );
            let mut found = connection.prepare_cached(&sql)?;
            let rows = found.query_map(params![now, lender, limit], loan)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>> {
        let id = id.to_owned();
        self.ask(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM loans WHERE id = ?");
            Ok(connection.prepare_cached(&sql)?.query_row([id], loan).optional()?)
        })
    }

    fn see(&self, lender: &KeptLender) -> Storing<()> {
        let it = lender.clone();
        self.ask(move |connection| Ok(see(connection, &it)?))
    }

    fn lenders(&self, now: i64) -> Storing<Vec<KeptLender>> {
        self.ask(move |connection| {
            let sql = "SELECT lender, issued_at, until, groups, tag FROM lenders WHERE until > ?";
            let mut found = connection.prepare_cached(sql)?;
            let rows = found.query_map([now], |row| {
                Ok(KeptLender {
                    lender: row.get(0)?,
                    issued_at: row.get(1)?,
                    until: row.get(2)?,
                    groups: row.get(3)?,
                    tag: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn forget_loans(&self, now: i64) -> Storing<()> {
        self.ask(move |connection| {
            connection.execute("DELETE FROM loans WHERE until <= ?", [now])?;
            connection.execute("DELETE FROM lenders WHERE until <= ?", [now])?;
            Ok(())
        })
    }

    fn common_key(&self, name: &str, fresh: Option<&str>) -> Storing<Option<String>> {
        let (name, fresh) = (name.to_owned(), fresh.map(str::to_owned));
        self.ask(move |connection| {
            if let Some(fresh) = fresh {
                let sql = "INSERT INTO common_keys (name, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING";
                connection.execute(sql, params![name, fresh])?;
            }
            let sql = "SELECT sealed FROM common_keys WHERE name = ?";
            Ok(connection.query_row(sql, [name], |row| row.get(0)).optional()?)
        })
    }
}

fn see(connection: &Connection, it: &KeptLender) -> rusqlite::Result<()> {
    let sql = "INSERT INTO lenders (lender, issued_at, until, groups, tag) VALUES (?, ?, ?, ?, ?) ON CONFLICT (lender) DO UPDATE SET \
         groups = CASE WHEN excluded.issued_at >= issued_at THEN excluded.groups ELSE groups END, \
         tag = CASE WHEN excluded.issued_at >= issued_at THEN excluded.tag ELSE tag END, \
         issued_at = max(issued_at, excluded.issued_at), until = max(until, excluded.until)";
    let values = params![it.lender, it.issued_at, it.until, it.groups, it.tag];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn loan(row: &Row<'_>) -> rusqlite::Result<KeptLoan> {
    Ok(KeptLoan {
        id: row.get(0)?,
        lender: row.get(1)?,
        is_direct: row.get(2)?,
        is_ended: row.get(3)?,
        until: row.get(4)?,
        document: row.get(5)?,
    })
}

/// In the order of [`loan`].
const COLUMNS: &str = "id, lender, direct, ended, until, document";
