//! The tables of a database, as far as sampling them needs it.

use wire_postgres::simple::Row;

/// A table, view, materialized view or foreign table.
pub struct Table {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// Rows as the server last estimated them; below 0 where it never did.
    pub rows: i64,
    pub columns: Vec<Column>,
    kind: String,
    /// A partition: its rows are sampled with the table that it is a part of, and labels spread to it.
    is_partition: bool,
}

/// A column of it.
pub struct Column {
    pub number: i16,
    pub name: String,
    /// Whether panguard's role may read it.
    pub is_readable: bool,
    type_name: String,
    /// `pg_type.typcategory`.
    category: String,
}

/// Lists every column of every table that is not the server's own.
pub const QUERY: &str = "\
SELECT c.oid::text, n.nspname::text, c.relname::text, c.reltuples::bigint::text, c.relkind::text, c.relispartition::text,
  a.attnum::text, a.attname::text, coalesce(b.typname, t.typname)::text, t.typcategory::text,
  (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp|toast_temp)(_|$)'
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname, c.relname, c.oid, a.attnum";

/// Reads the answer to [`QUERY`]; `None` if it does not have that shape.
pub fn tables(rows: &[Row]) -> Option<Vec<Table>> {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let row: Vec<&str> = row.iter().map(Option::as_deref).collect::<Option<_>>()?;
        let [oid, schema, name, rows, kind, partition, number, column, type_name, category, readable] =
            <[&str; 11]>::try_from(row).ok()?;
        let oid = oid.parse().ok()?;
        if tables.last().is_none_or(|last| last.oid != oid) {
            tables.push(Table {
                oid,
                schema: schema.into(),
                name: name.into(),
                rows: rows.parse().ok()?,
                columns: Vec::new(),
                kind: kind.into(),
                is_partition: partition == "true",
            });
        }
        tables.last_mut()?.columns.push(Column {
            number: number.parse().ok()?,
            name: column.into(),
            is_readable: readable == "true",
            type_name: type_name.into(),
            category: category.into(),
        });
    }
    tables.retain(|table| !table.is_partition);
    Some(tables)
}

impl Table {
    /// `schema.table`, as it is shown.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// The statement that samples at most `rows` rows of `columns`, `chars` characters of each value.
    ///
    /// A large table gives rows of pages drawn at random; views and foreign tables have no pages, and give
    /// whichever rows come first.
    pub fn sample(&self, columns: &[&Column], rows: u32, chars: u32, at_random: bool) -> String {
        let value = |column: &&Column| {
            let chars = if column.is_json() { chars.saturating_mul(JSON_LONGER) } else { chars };
            format!("pg_catalog.left(x.{}::pg_catalog.text, {chars})", quoted(&column.name))
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let from = format!("{}.{}", quoted(&self.schema), quoted(&self.name));
        let pages = if at_random {
            // Twice as many as are wanted, so that chance seldom leaves it short.
            let percent = (200.0 * f64::from(rows) / self.rows as f64).clamp(0.000_1, 100.0);
            format!(" TABLESAMPLE SYSTEM ({percent:.4})")
        } else {
            String::new()
        };
        format!("SELECT {} FROM {from} AS x{pages} LIMIT {rows}", values.join(", "))
    }

    /// Whether it is so large that its rows are drawn at random.
    pub fn is_large(&self, rows: u32) -> bool {
        matches!(self.kind.as_str(), "r" | "p" | "m") && self.rows > i64::from(rows) * LARGE
    }
}

impl Column {
    /// Whether values of its type may hold anything that is looked for.
    pub fn may_hold(&self) -> bool {
        // Booleans, days and times, intervals, shapes, addresses of networks.
        !matches!(self.category.as_str(), "B" | "D" | "T" | "G" | "I") && self.type_name != "uuid"
    }

    /// Whether its type is JSON.
    pub fn is_json(&self) -> bool {
        matches!(self.type_name.as_str(), "json" | "jsonb")
    }

    /// Whether its values are words: names are not looked for elsewhere.
    pub fn is_text(&self) -> bool {
        matches!(self.category.as_str(), "S" | "U")
    }
}

/// An identifier in double quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Documents are of use only as a whole, so more of them is read than of other values.
const JSON_LONGER: u32 = 16;
/// A table with this many times the rows that are wanted is sampled at random.
const LARGE: i64 = 4;

#[cfg(test)]
mod tests;
