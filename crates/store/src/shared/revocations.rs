//! What is revoked, in the PostgreSQL database.

use gate::{Down, Storing};

use super::{Row, Shared, quoted};
use crate::{Revocations, Revoked};

/// Made where they are not; a gateway of an earlier version leaves them alone.
pub(super) const TABLES: &str = "
    SET client_min_messages = warning;
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(7310857101);
        CREATE SCHEMA IF NOT EXISTS panguard;
        CREATE TABLE IF NOT EXISTS panguard.revocations (
            id text NOT NULL PRIMARY KEY,
            lifted timestamptz,
            document text NOT NULL,
            tag text NOT NULL,
            change bigint NOT NULL DEFAULT 0
        );
        CREATE SEQUENCE IF NOT EXISTS panguard.revocation_changes;
    END $$;
    SELECT 1";

impl Revocations for Shared {
    fn exchange(&self, mine: &[Revoked]) -> Storing<Vec<Revoked>> {
        let mut sql = String::new();
        if !mine.is_empty() {
            let lines: Vec<String> = mine.iter().map(line).collect();
            // What is lifted is so for ever.
            sql = format!(
                "INSERT INTO panguard.revocations AS r (id, lifted, document, tag, change) VALUES {} ON CONFLICT (id) DO UPDATE \
                 SET lifted = EXCLUDED.lifted, document = EXCLUDED.document, tag = EXCLUDED.tag, change = EXCLUDED.change \
                 WHERE EXCLUDED.lifted IS NOT NULL AND r.lifted IS NULL; ",
                lines.join(", ")
            );
        }
        sql += "DELETE FROM panguard.revocations WHERE lifted < now() - interval '90 days'; \
                SELECT id, (lifted IS NOT NULL)::text, document, tag FROM panguard.revocations ORDER BY id";
        self.ask(sql, |rows| rows.into_iter().map(read).collect())
    }

    fn put_right(&self, mine: &[Revoked]) -> Storing<()> {
        let lines: Vec<String> = mine.iter().map(line).collect();
        let sql = format!(
            "INSERT INTO panguard.revocations (id, lifted, document, tag, change) VALUES {} ON CONFLICT (id) DO UPDATE \
             SET lifted = EXCLUDED.lifted, document = EXCLUDED.document, tag = EXCLUDED.tag, change = EXCLUDED.change RETURNING 1",
            lines.join(", ")
        );
        self.ask(sql, |_| Ok(()))
    }

    fn count(&self) -> Storing<u64> {
        let sql = "SELECT (coalesce(max(change), 0) * 1000003 + count(*))::text FROM panguard.revocations";
        self.ask(sql.into(), |rows| {
            let count = rows.into_iter().next().and_then(|row| row.into_iter().next()?);
            count.and_then(|count| count.parse().ok()).ok_or_else(|| Down("the count is no number".into()))
        })
    }
}

fn line(it: &Revoked) -> String {
    let lifted = if it.is_lifted { "now()" } else { "NULL" };
    let (id, document, tag) = (quoted(&it.id), quoted(&it.document), quoted(&it.tag));
    format!("({id}, {lifted}, {document}, {tag}, nextval('panguard.revocation_changes'))")
}

fn read(row: Row) -> Result<Revoked, Down> {
    match <[Option<String>; 4]>::try_from(row) {
        Ok([Some(id), Some(lifted), Some(document), Some(tag)]) => {
            Ok(Revoked { id: id.into(), is_lifted: lifted == "true", document, tag })
        }
        _ => Err(Down("what is revoked in it cannot be read".into())),
    }
}
