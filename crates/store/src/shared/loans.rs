//! What was lent, in the PostgreSQL database.

use gate::{Down, Seen, Storing};

use super::{Row, Shared, quoted, unwritten};
use crate::{KeptLoan, Loans};

/// Made where they are not; a gateway of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.loans (
            id text NOT NULL PRIMARY KEY,
            lender text NOT NULL,
            until bigint NOT NULL,
            document text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS loans_until ON panguard.loans (until);
        CREATE INDEX IF NOT EXISTS loans_lender ON panguard.loans (lender, until);
        CREATE TABLE IF NOT EXISTS panguard.lenders (
            lender text NOT NULL PRIMARY KEY,
            issued_at bigint NOT NULL,
            until bigint NOT NULL,
            groups text NOT NULL
        );
        CREATE TABLE IF NOT EXISTS panguard.common_keys (name text NOT NULL PRIMARY KEY, sealed text NOT NULL);
    END $$;
    SELECT 1";

impl Loans for Shared {
    fn keep(&self, loan: &KeptLoan, now: i64, most: u32) -> Storing<bool> {
        let KeptLoan { id, lender, until, document } = loan;
        let (id, lender, document) = (quoted(id), quoted(lender), quoted(document));
        // One at a time, so that two at once are two.
        let sql = format!(
            "DO $$ BEGIN PERFORM pg_advisory_xact_lock(7310857102); END $$; \
             INSERT INTO panguard.loans (id, lender, until, document) SELECT {id}, {lender}, {until}, {document} \
             WHERE (SELECT count(*) FROM panguard.loans WHERE lender = {lender} AND until > {now}) < {most} RETURNING 1"
        );
        self.ask(sql, |rows| Ok(!rows.is_empty()))
    }

    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        let of = lender.map_or_else(String::new, |lender| format!("AND lender = {}", quoted(lender)));
        let sql = format!(
            "SELECT id, lender, until, document FROM panguard.loans WHERE until > {now} {of} \
             ORDER BY until DESC, id COLLATE \"C\" LIMIT {limit}"
        );
        self.ask(sql, |rows| rows.into_iter().map(loan).collect())
    }

    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>> {
        let sql = format!("SELECT id, lender, until, document FROM panguard.loans WHERE id = {}", quoted(id));
        self.ask(sql, |rows| rows.into_iter().map(loan).next().transpose())
    }

    fn see(&self, seen: &Seen) -> Storing<()> {
        let Seen { lender, issued_at, groups, until } = seen;
        let (Ok(lender), Ok(groups)) = (serde_json::to_string(lender), serde_json::to_string(groups)) else {
            return unwritten();
        };
        let (lender, groups) = (quoted(&lender), quoted(&groups));
        let sql = format!(
            "INSERT INTO panguard.lenders AS it (lender, issued_at, until, groups) VALUES ({lender}, {issued_at}, {until}, {groups}) \
             ON CONFLICT (lender) DO UPDATE SET \
             groups = CASE WHEN EXCLUDED.issued_at >= it.issued_at THEN EXCLUDED.groups ELSE it.groups END, \
             issued_at = greatest(it.issued_at, EXCLUDED.issued_at), until = greatest(it.until, EXCLUDED.until) RETURNING 1"
        );
        self.ask(sql, |_| Ok(()))
    }

    fn seen(&self, now: i64) -> Storing<Vec<Seen>> {
        let sql =
            format!("SELECT lender, issued_at, until, groups FROM panguard.lenders WHERE until > {now}");
        self.ask(sql, |rows| rows.into_iter().map(seen).collect())
    }

    fn forget_loans(&self, now: i64) -> Storing<()> {
        let sql = format!(
            "DELETE FROM panguard.loans WHERE until <= {now}; DELETE FROM panguard.lenders WHERE until <= {now} RETURNING 1"
        );
        self.ask(sql, |_| Ok(()))
    }

    fn common_key(&self, name: &str, fresh: &str) -> Storing<String> {
        let (name, fresh) = (quoted(name), quoted(fresh));
        let sql = format!(
            "INSERT INTO panguard.common_keys (name, sealed) VALUES ({name}, {fresh}) ON CONFLICT DO NOTHING; \
             SELECT sealed FROM panguard.common_keys WHERE name = {name}"
        );
        self.ask(sql, |rows| {
            let found = rows.into_iter().next().and_then(|row| row.into_iter().next()?);
            found.ok_or_else(|| Down("it has no such key".into()))
        })
    }
}

fn loan(row: Row) -> Result<KeptLoan, Down> {
    match <[Option<String>; 4]>::try_from(row) {
        Ok([Some(id), Some(lender), Some(until), Some(document)]) => {
            let until = until.parse().map_err(|_| wrong())?;
            Ok(KeptLoan { id: id.into(), lender: lender.into(), until, document })
        }
        _ => Err(wrong()),
    }
}

fn seen(row: Row) -> Result<Seen, Down> {
    let Ok([Some(lender), Some(issued_at), Some(until), Some(groups)]) = <[Option<String>; 4]>::try_from(row)
    else {
        return Err(wrong());
    };
    Ok(Seen {
        lender: serde_json::from_str(&lender).map_err(|_| wrong())?,
        issued_at: issued_at.parse().map_err(|_| wrong())?,
        until: until.parse().map_err(|_| wrong())?,
        groups: serde_json::from_str(&groups).map_err(|_| wrong())?,
    })
}

fn wrong() -> Down {
    Down("what was lent cannot be read in it".into())
}
