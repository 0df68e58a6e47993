//! What was lent, in the PostgreSQL database.

use gate::{Down, Storing};

use super::{Row, Shared, quoted};
use crate::{KeptLender, KeptLoan, Loans};

/// Made where they are not; a gateway of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.loans (
            id text NOT NULL PRIMARY KEY,
            lender text NOT NULL,
            direct boolean NOT NULL,
            ended boolean NOT NULL,
            until bigint NOT NULL,
            document text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS loans_until ON panguard.loans (until);
        CREATE INDEX IF NOT EXISTS loans_lender ON panguard.loans (md5(lender), until);
        CREATE TABLE IF NOT EXISTS panguard.lenders (
            digest text NOT NULL PRIMARY KEY,
            lender text NOT NULL,
            issued_at bigint NOT NULL,
            until bigint NOT NULL,
            groups text NOT NULL,
            tag text NOT NULL
        );
        CREATE TABLE IF NOT EXISTS panguard.common_keys (name text NOT NULL PRIMARY KEY, sealed text NOT NULL);
    END $$;
    SELECT 1";

impl Loans for Shared {
    fn keep(&self, loan: &KeptLoan, lender: Option<&KeptLender>, now: i64, most: u32) -> Storing<bool> {
        let KeptLoan { id, lender: of, is_direct, is_ended, until, document } = loan;
        let (id, of, document) = (quoted(id), quoted(of), quoted(document));
        let seen = lender.map_or_else(String::new, |lender| {
            see(lender, &format!("WHERE EXISTS (SELECT FROM panguard.loans WHERE id = {id})"))
        });
        // One at a time, so that two at once are two.
        let sql = format!(
            "DO $$ BEGIN PERFORM pg_advisory_xact_lock(7310857102); END $$; \
             INSERT INTO panguard.loans (id, lender, direct, ended, until, document) \
             SELECT {id}, {of}, {is_direct}, {is_ended}, {until}, {document} WHERE (SELECT count(*) FROM panguard.loans \
             WHERE md5(lender) = md5({of}) AND lender = {of} AND direct = {is_direct} AND NOT ended AND until > {now}) < {most}; \
             {seen} SELECT 1 FROM panguard.loans WHERE id = {id}"
        );
        self.ask(sql, |rows| Ok(!rows.is_empty()))
    }

    fn end_loans(&self, ids: &[Box<str>]) -> Storing<()> {
        let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
        let sql =
            format!("UPDATE panguard.loans SET ended = true WHERE id IN ({}) RETURNING 1", ids.join(", "));
        self.ask(sql, |_| Ok(()))
    }

    fn lent(&self, lender: Option<&str>, now: i64, limit: u32) -> Storing<Vec<KeptLoan>> {
        let of = lender.map(quoted);
        let of = of.map_or_else(String::new, |of| format!("AND md5(lender) = md5({of}) AND lender = {of}"));
        let sql = format!(
            "SELECT {COLUMNS} FROM panguard.loans WHERE until > {now} {of} ORDER BY until DESC, id COLLATE \"C\" LIMIT {limit}"
        );
        self.ask(sql, |rows| rows.into_iter().map(loan).collect())
    }

    fn loan(&self, id: &str) -> Storing<Option<KeptLoan>> {
        let sql = format!("SELECT {COLUMNS} FROM panguard.loans WHERE id = {}", quoted(id));
        self.ask(sql, |rows| rows.into_iter().map(loan).next().transpose())
    }

    fn see(&self, lender: &KeptLender) -> Storing<()> {
        self.ask(format!("{} SELECT 1", see(lender, "")), |_| Ok(()))
    }

    fn lenders(&self, now: i64) -> Storing<Vec<KeptLender>> {
        let sql =
            format!("SELECT lender, issued_at, until, groups, tag FROM panguard.lenders WHERE until > {now}");
        self.ask(sql, |rows| rows.into_iter().map(lender).collect())
    }

    fn forget_loans(&self, now: i64) -> Storing<()> {
        let sql = format!(
            "DELETE FROM panguard.loans WHERE until <= {now}; DELETE FROM panguard.lenders WHERE until <= {now} RETURNING 1"
        );
        self.ask(sql, |_| Ok(()))
    }

    fn common_key(&self, name: &str, fresh: Option<&str>) -> Storing<Option<String>> {
        let name = quoted(name);
        let put = fresh.map_or_else(String::new, |fresh| {
            let fresh = quoted(fresh);
            format!(
                "INSERT INTO panguard.common_keys (name, sealed) VALUES ({name}, {fresh}) ON CONFLICT DO NOTHING; "
            )
        });
        let sql = format!("{put}SELECT sealed FROM panguard.common_keys WHERE name = {name}");
        self.ask(sql, |rows| Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()?)))
    }
}

/// Takes note of a lender, where `only` says so. What they are called may be longer than an index takes.
fn see(it: &KeptLender, only: &str) -> String {
    let KeptLender { lender, issued_at, until, groups, tag } = it;
    let (lender, groups, tag) = (quoted(lender), quoted(groups), quoted(tag));
    format!(
        "INSERT INTO panguard.lenders AS it (digest, lender, issued_at, until, groups, tag) \
         SELECT encode(sha256(convert_to({lender}, 'UTF8')), 'hex'), {lender}, {issued_at}, {until}, {groups}, {tag} {only} \
         ON CONFLICT (digest) DO UPDATE SET \
         groups = CASE WHEN EXCLUDED.issued_at >= it.issued_at THEN EXCLUDED.groups ELSE it.groups END, \
         tag = CASE WHEN EXCLUDED.issued_at >= it.issued_at THEN EXCLUDED.tag ELSE it.tag END, \
         issued_at = greatest(it.issued_at, EXCLUDED.issued_at), until = greatest(it.until, EXCLUDED.until);"
    )
}

fn loan(row: Row) -> Result<KeptLoan, Down> {
    match <[Option<String>; 6]>::try_from(row) {
        Ok([Some(id), Some(lender), Some(direct), Some(ended), Some(until), Some(document)]) => {
            let until = until.parse().map_err(|_| wrong())?;
            let (is_direct, is_ended) = (direct == "t", ended == "t");
            Ok(KeptLoan { id: id.into(), lender: lender.into(), is_direct, is_ended, until, document })
        }
        _ => Err(wrong()),
    }
}

fn lender(row: Row) -> Result<KeptLender, Down> {
    match <[Option<String>; 5]>::try_from(row) {
        Ok([Some(lender), Some(issued_at), Some(until), Some(groups), Some(tag)]) => Ok(KeptLender {
            lender,
            issued_at: issued_at.parse().map_err(|_| wrong())?,
            until: until.parse().map_err(|_| wrong())?,
            groups,
            tag,
        }),
        _ => Err(wrong()),
    }
}

fn wrong() -> Down {
    Down("what was lent cannot be read in it".into())
}

/// In the order of [`loan`].
const COLUMNS: &str = "id, lender, direct, ended, until, document";
