//! What was lent, in SQLite.

use gate::Storing;
use rusqlite::params;

use super::Embedded;
use crate::{KeptLoan, Loans};

/// Made where they are not; panguard of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS loans (
        id TEXT NOT NULL PRIMARY KEY,
        until INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS loans_until ON loans (until);
";

impl Loans for Embedded {
    fn keep(&self, loan: &KeptLoan, now: i64) -> Storing<()> {
        let it = loan.clone();
        self.ask(move |connection| {
            connection.execute("DELETE FROM loans WHERE until <= ?", [now])?;
            let sql = "INSERT INTO loans (id, until, document) VALUES (?, ?, ?)";
            connection.prepare_cached(sql)?.execute(params![it.id, it.until, it.document])?;
            Ok(())
        })
    }

    fn lent(&self, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        self.ask(move |connection| {
            let sql = "SELECT id, until, document FROM loans WHERE until > ? ORDER BY until DESC, id LIMIT ?";
            let mut found = connection.prepare_cached(sql)?;
            let rows = found.query_map(params![now, limit], |row| {
                Ok(KeptLoan { id: row.get(0)?, until: row.get(1)?, document: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
