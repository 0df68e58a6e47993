//! SQLite databases, read without a write: neither to them nor beside them.

use std::fmt::Write;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Statement};

use super::name::Name;
use super::rows::{Rows, real};
use super::scanner::Scanner;

/// Looks into every table of the database in that file.
///
/// # Errors
/// If it cannot be opened; then nothing has been looked at.
pub fn scan_file(scanner: &mut Scanner<'_>, name: &Name, path: &Path, depth: usize) -> io::Result<()> {
    let connection = open(path).map_err(io::Error::other)?;
    scanner.budget.add(path.metadata()?.len());
    tables(scanner, name, &connection, depth).map_err(io::Error::other)
}

/// Looks into every table of a database that is held in memory.
///
/// # Errors
/// If it cannot be opened; then nothing has been looked at.
pub fn scan_held(scanner: &mut Scanner<'_>, name: &Name, bytes: &[u8], depth: usize) -> io::Result<()> {
    let connection = open_held(bytes).map_err(io::Error::other)?;
    scanner.budget.add(bytes.len() as u64);
    tables(scanner, name, &connection, depth).map_err(io::Error::other)
}

/// Opens a file so that nothing is written, whoever else has it open.
///
/// What was committed to a write-ahead log and is not in the file yet counts. Reading a log needs an index, which
/// SQLite keeps in a file beside it, unless it thinks itself alone: then in memory (<https://sqlite.org/wal.html>,
/// §8). Locks would need a descriptor that may write, so there are none (`unix-none`), and what is changed
/// meanwhile may be read half. A database without a log is read as one that never changes.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let logged = PathBuf::from(log).metadata().is_ok_and(|log| log.is_file() && log.len() > 0);
    let options = if logged { "mode=ro&vfs=unix-none" } else { "mode=ro&immutable=1" };
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, options), flags)?;
    restrict(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    Ok(connection)
}

fn open_held(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    // The versions of the format to write and to read: 2 says that there is a log beside it, which there is not
    // (<https://sqlite.org/fileformat.html>, §1.3.3).
    let (head, rest) = bytes.split_at_checked(20).unwrap_or((bytes, &[]));
    let mut head = head.to_vec();
    head.iter_mut().skip(18).for_each(|version| *version = (*version).min(1));
    connection.deserialize_read_exact(MAIN_DB, head.chain(rest), bytes.len(), true)?;
    restrict(&connection)?;
    Ok(connection)
}

/// The database is a stranger's: its views and triggers call nothing, and no value takes all the memory.
fn restrict(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX)?;
    connection.pragma_update(None, "cell_size_check", true)
}

fn uri(path: &Path, options: &str) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            byte => _ = write!(uri, "%{byte:02X}"),
        }
    }
    format!("{uri}?{options}")
}

/// Looks into the schema, where defaults and comments are, and every table that it names.
fn tables(
    scanner: &mut Scanner<'_>,
    name: &Name,
    connection: &Connection,
    depth: usize,
) -> rusqlite::Result<()> {
    // A virtual table keeps what it has in others.
    let listed = "select name from sqlite_schema where type = 'table' and rootpage > 0 order by rowid";
    let mut listed = connection.prepare(listed)?;
    let listed: Vec<String> = listed.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for table in ["sqlite_schema".to_owned()].iter().chain(&listed) {
        if let Err(error) = rows(scanner, name, connection, table, depth) {
            scanner.unread(&name.within(table.as_bytes()), &error);
        }
    }
    Ok(())
}

/// Looks into the rows of a table. A row's number is its `rowid`; where there is none, they are counted.
fn rows(
    scanner: &mut Scanner<'_>,
    name: &Name,
    connection: &Connection,
    table: &str,
    depth: usize,
) -> anyhow::Result<()> {
    let quoted = format!("\"{}\"", table.replace('"', "\"\""));
    let columns = connection.prepare(&format!("select * from {quoted}"))?;
    let columns: Vec<Vec<u8>> = columns.column_names().map(|column| column.as_bytes().to_vec()).collect();
    let is_taken = |id: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(id.as_bytes()));
    // A column may have the name of the row's number, and hides it.
    let id = ["rowid", "_rowid_", "oid"].into_iter().find(|id| !is_taken(id));
    let numbered = id.and_then(|id| connection.prepare(&format!("select {id}, * from {quoted}")).ok());
    let (mut statement, first) = match numbered {
        Some(statement) => (statement, 1),
        None => (connection.prepare(&format!("select * from {quoted}"))?, 0),
    };
    let mut table = Rows::new(scanner, name, table.as_bytes(), &columns, depth);
    let ended = each_row(scanner, &mut table, &mut statement, first);
    table.end(scanner);
    ended
}

/// Looks into what a statement yields, the number of each row being before its columns if `first` is 1.
fn each_row(
    scanner: &mut Scanner<'_>,
    table: &mut Rows,
    statement: &mut Statement<'_>,
    first: usize,
) -> anyhow::Result<()> {
    let columns = statement.column_count();
    let mut found = statement.query([])?;
    let mut count = 0;
    while let Some(row) = found.next()? {
        count += 1;
        let number = if first == 1 { row.get::<_, i64>(0)?.cast_unsigned() } else { count };
        for column in first..columns {
            value(scanner, table, number, column - first, row.get_ref(column)?)?;
        }
        table.end_row(scanner);
    }
    Ok(())
}

fn value(
    scanner: &mut Scanner<'_>,
    table: &mut Rows,
    row: u64,
    column: usize,
    value: ValueRef<'_>,
) -> io::Result<()> {
    match value {
        ValueRef::Null => Ok(()),
        ValueRef::Integer(number) => table.value(scanner, row, column, number.to_string().as_bytes()),
        ValueRef::Real(number) => table.value(scanner, row, column, real(number).as_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => table.value(scanner, row, column, bytes),
    }
}

/// The longest row. SQLite's own bound is a billion bytes.
const VALUE_BYTES_MAX: i32 = 256 << 20;
