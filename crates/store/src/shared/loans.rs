//! What was lent, in the PostgreSQL database.

use gate::{Down, Storing};

use super::{Row, Shared, quoted};
use crate::{KeptLoan, Loans};

/// Made where they are not; a gateway of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.loans (
            id text NOT NULL PRIMARY KEY,
            until bigint NOT NULL,
            document text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS loans_until ON panguard.loans (until);
    END $$;
    SELECT 1";

impl Loans for Shared {
    fn keep(&self, loan: &KeptLoan, now: i64) -> Storing<()> {
        let KeptLoan { id, until, document } = loan;
        let (id, document) = (quoted(id), quoted(document));
        let sql = format!(
            "DELETE FROM panguard.loans WHERE until <= {now}; \
             INSERT INTO panguard.loans (id, until, document) VALUES ({id}, {until}, {document}) RETURNING 1"
        );
        self.ask(sql, |_| Ok(()))
    }

    fn lent(&self, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        let sql = format!(
            "SELECT id, until, document FROM panguard.loans WHERE until > {now} ORDER BY until DESC, id COLLATE \"C\" LIMIT {limit}"
        );
        self.ask(sql, |rows| rows.into_iter().map(read).collect())
    }
}

fn read(row: Row) -> Result<KeptLoan, Down> {
    let wrong = || Down("what was lent cannot be read in it".into());
    match <[Option<String>; 3]>::try_from(row) {
        Ok([Some(id), Some(until), Some(document)]) => {
            Ok(KeptLoan { id: id.into(), until: until.parse().map_err(|_| wrong())?, document })
        }
        _ => Err(wrong()),
    }
}
