//! An index beside the log, by which entries are found without reading all of it.
//!
//! It is made from the log, can be thrown away at any time, and holds no more than the log does. It is never
//! trusted for what is shown: it says which entries a search may fit, and those are read from the log and looked
//! at again. What it leaves out is not seen, so it is taken from nobody but its reader and the log's owner, and whoever
//! doubts it reads the log through.
//!
//! For each block of 65,536 entries it keeps which have which value of which field, as bits, so that any
//! expression is a few operations on bits for each block; which statements have which three characters side by
//! side (FTS5, each different statement of a batch once); and the times of every 256 entries.

mod batch;
mod bits;
mod known;

use std::cell::Cell;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::num::TryFromIntError;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::pruned::first;
use crate::read::{self, Lines, ReadError, lines};
use crate::tree::leaf_hash;
use crate::{Entry, Search};
use batch::Batch;
use bits::{BLOCK, Bits};
use known::Known;

/// The index of a log, up to date when it was opened.
///
/// Any number of processes may have it open; each brings it up to date, one after the other.
pub struct Index {
    log: PathBuf,
    folder: PathBuf,
    /// Locked for as long as the files are in use, so that nobody takes them away.
    lock: File,
    connection: Connection,
    /// How many entries it knows.
    size: u64,
}

/// In which order entries are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they were appended.
    Oldest,
    /// The other way round.
    Newest,
}

/// Why there is no index. The log can be read all the same.
#[derive(Debug, thiserror::Error)]
pub enum NotIndexed {
    /// The log cannot be read either.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A file of the index cannot be made.
    #[error("cannot keep an index in `{}`: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// SQLite cannot keep it, or it is damaged again as soon as it is made.
    #[error("cannot keep an index in `{}`: {why}", path.display())]
    Sqlite {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// It must be made anew, and others are reading it, or it is being made by others and that takes long.
    #[error("the index in `{}` is in use by others", .0.display())]
    Busy(PathBuf),
}

/// What goes wrong inside.
enum Trouble {
    Log(ReadError),
    File(PathBuf, io::Error),
    Sqlite(rusqlite::Error),
    /// It is damaged, of another version or of another log: it has to be made anew.
    Unfit(&'static str),
}

impl Index {
    /// Opens the index in `folder` of the log at `log`, and brings it up to date; makes it, or makes it anew, if
    /// need be.
    ///
    /// # Errors
    /// [`NotIndexed`].
    pub fn open(log: &Path, folder: &Path) -> Result<Self, NotIndexed> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| NotIndexed::File { path, error }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        check_folder(folder, log).map_err(failed(folder))?;
        let path = folder.join(LOCK);
        let lock = own(&path, log).map_err(failed(&path))?;
        wait(&lock, File::try_lock_shared, folder)?;
        let (connection, size) = match ready(log, folder) {
            Err(Trouble::Unfit(_)) => {
                make_anew(&lock, folder)?;
                ready(log, folder)
            }
            ready => ready,
        }
        .map_err(|trouble| trouble.told(folder))?;
        Ok(Self { log: log.to_owned(), folder: folder.to_owned(), lock, connection, size })
    }

    /// How many entries of the log it knows: all that there were when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Tells of the entries that `search` fits, of those with an index in `range`, until it is told to stop.
    ///
    /// # Errors
    /// [`NotIndexed`]; what was told until then holds.
    pub fn find(
        &mut self,
        search: &Search,
        range: Range<u64>,
        order: Order,
        mut tell: impl FnMut(u64, Entry) -> ControlFlow<()>,
    ) -> Result<(), NotIndexed> {
        let (start, end) = (Cell::new(range.start), Cell::new(range.end));
        for again in [false, true] {
            let told = |index: u64, entry| {
                match order {
                    Order::Oldest => start.set(index.saturating_add(1)),
                    Order::Newest => end.set(index),
                }
                tell(index, entry)
            };
            match self.search(search, start.get()..end.get(), order, told) {
                Ok(()) => return Ok(()),
                // It is damaged somewhere that was not looked at before. What was told is true all the same.
                Err(Trouble::Unfit(_)) if !again => self.make_anew()?,
                Err(trouble) => return Err(trouble.told(&self.folder)),
            }
        }
        Ok(())
    }

    fn search(
        &self,
        search: &Search,
        range: Range<u64>,
        order: Order,
        mut tell: impl FnMut(u64, Entry) -> ControlFlow<()>,
    ) -> Result<(), Trouble> {
        // What was pruned since is still known here.
        let range = range.start.max(first(&self.log).map_err(Trouble::Log)?)..range.end.min(self.size);
        let mut lines = lines(&self.log, 0..u64::MAX);
        let mut together = TOGETHER_FIRST;
        let blocks = range.start / BLOCK..range.end.div_ceil(BLOCK);
        for nth in 0..blocks.end.saturating_sub(blocks.start) {
            let block = match order {
                Order::Oldest => blocks.start + nth,
                Order::Newest => blocks.end - 1 - nth,
            };
            let maybe = Known::of(search, block, &self.connection)?.maybe;
            let indexes = maybe.places().map(|place| block * BLOCK + u64::from(place));
            let indexes: Vec<u64> = indexes.filter(|index| range.contains(index)).collect();
            let mut left = indexes.as_slice();
            while !left.is_empty() {
                let some = together.min(left.len());
                together = (together * 2).min(TOGETHER_MAX);
                let (some, rest) = match order {
                    Order::Oldest => left.split_at_checked(some),
                    Order::Newest => {
                        left.split_at_checked(left.len() - some).map(|(rest, some)| (some, rest))
                    }
                }
                .unwrap_or_default();
                left = rest;
                // In the order in which they are in the log, whichever is wanted: so each file is read once.
                let mut found = Vec::new();
                for index in some {
                    let entry = read(&mut lines, *index)?;
                    if search.fits(&entry) {
                        found.push((*index, entry));
                    }
                }
                if order == Order::Newest {
                    found.reverse();
                }
                if found.into_iter().try_for_each(|(index, entry)| tell(index, entry)).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn make_anew(&mut self) -> Result<(), NotIndexed> {
        let told = |trouble: Trouble| trouble.told(&self.folder);
        // Closed before its files go.
        self.connection = Connection::open_in_memory().map_err(|error| told(error.into()))?;
        make_anew(&self.lock, &self.folder)?;
        (self.connection, self.size) = ready(&self.log, &self.folder).map_err(told)?;
        Ok(())
    }
}

/// Takes the files away, if nobody else reads them.
fn make_anew(lock: &File, folder: &Path) -> Result<(), NotIndexed> {
    wait(lock, File::try_lock, folder)?;
    for name in [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm"), format!("{FILE}-journal")] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(NotIndexed::File { path, error });
            }
            Ok(()) | Err(_) => {}
        }
    }
    wait(lock, File::try_lock_shared, folder)
}

/// The index in `folder`, of this version and brought up to date, and how many entries it knows.
fn ready(log: &Path, folder: &Path) -> Result<(Connection, u64), Trouble> {
    let path = folder.join(FILE);
    // For panguard's user alone; what SQLite puts beside it has the same rights.
    own(&path, log).map_err(|error| Trouble::File(path.clone(), error))?;
    let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(WAIT_MAX)?;
    let began = Instant::now();
    loop {
        match prepare(&mut connection) {
            // SQLite does not wait by itself where others begin to write ahead, or cease to.
            Err(Trouble::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < WAIT_MAX =>
            {
                thread::sleep(WAIT_STEP);
            }
            prepared => break prepared?,
        }
    }
    let size = update(log, &mut connection)?;
    Ok((connection, size))
}

fn prepare(connection: &mut Connection) -> Result<(), Trouble> {
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; pragma cache_size = -65536",
    )?;
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = change.query_row("pragma user_version", [], |row| row.get(0))?;
    let tables: u32 = change.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    match (version, tables) {
        (VERSION, _) => {}
        (0, 0) => change.execute_batch(&format!("{SCHEMA} pragma user_version = {VERSION};"))?,
        _ => return Err(Trouble::Unfit("it is of another version")),
    }
    Ok(change.commit()?)
}

/// Adds what has come to the log since, and says how many entries are known then.
///
/// What is known is read anew in each change, and only one process can be in one, so any number may do this at once.
fn update(log: &Path, connection: &mut Connection) -> Result<u64, Trouble> {
    let mut expected = None;
    let mut lines = lines(log, 0..u64::MAX);
    loop {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = "select next, leaf from state";
        let (next, leaf): (i64, Vec<u8>) =
            change.query_row(known, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut next = u64::try_from(next)?;
        if expected != Some(next) {
            check_last(&mut lines, next, &leaf)?;
            next = next.max(first(log).map_err(Trouble::Log)?);
            lines.seek(next);
        }
        let (size, leaf) = add(&mut lines, next, leaf, &change)?;
        if size == next {
            return Ok(size);
        }
        change.execute("update state set next = ?1, leaf = ?2", (i64::try_from(size)?, leaf))?;
        change.commit()?;
        expected = Some(size);
    }
}

/// Whether the last entry that is known is still what it was; `lines` goes on with the one after it.
///
/// It is not in a log that was put in the place of this one, or that lost, in a crash, entries that were read
/// before they were durable.
fn check_last(lines: &mut Lines, next: u64, leaf: &[u8]) -> Result<(), Trouble> {
    let Some(last) = next.checked_sub(1) else {
        lines.seek(next);
        return Ok(());
    };
    lines.seek(last);
    match lines.next() {
        Some(Ok((_, line))) if leaf_hash(&line) == *leaf => Ok(()),
        Some(Err(error @ ReadError::Io { .. })) => Err(Trouble::Log(error)),
        Some(Ok(_) | Err(_)) | None => Err(Trouble::Unfit("it is of another log")),
    }
}

/// Adds entries from `next` on, at most to the end of its block: how many are known then, and the last one's hash.
fn add(
    lines: &mut Lines,
    next: u64,
    mut leaf: Vec<u8>,
    to: &Transaction<'_>,
) -> Result<(u64, Vec<u8>), Trouble> {
    let mut batch = Batch::new(next / BLOCK);
    let mut size = next;
    while size / BLOCK == next / BLOCK && !batch.is_full() {
        let Some(line) = lines.next() else { break };
        let (index, line) = line.map_err(Trouble::Log)?;
        let entry = read::entry(index, &line).map_err(Trouble::Log)?;
        batch.add(index, &entry);
        leaf = leaf_hash(&line).to_vec();
        size = index.saturating_add(1);
    }
    batch.write(to)?;
    Ok((size, leaf))
}

fn read(lines: &mut Lines, index: u64) -> Result<Entry, Trouble> {
    lines.seek(index);
    let (_, line) = lines.next().unwrap_or(Err(ReadError::Missing { index })).map_err(Trouble::Log)?;
    read::entry(index, &line).map_err(Trouble::Log)
}

/// Bits as they are kept.
fn kept(bytes: &[u8]) -> Result<Bits, Trouble> {
    Bits::from_bytes(bytes).ok_or(Trouble::Unfit("bits in it are none"))
}

/// Checks that nobody else can put anything into the folder.
fn check_folder(folder: &Path, log: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    match found.is_dir() && is_trusted(&found, log)? && found.mode() & 0o022 == 0 {
        true => Ok(()),
        false => Err(foreign()),
    }
}

/// A file for panguard's user alone, made if it is not there.
fn own(path: &Path, log: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || !is_trusted(&found, log)? {
        return Err(foreign());
    }
    if found.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Whether it is of whoever reads, or of the log's owner, who could change the log as well.
fn is_trusted(found: &Metadata, log: &Path) -> io::Result<bool> {
    Ok(found.uid() == geteuid().as_raw() || found.uid() == fs::metadata(log)?.uid())
}

fn foreign() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, "others than you and the log's owner could have written it")
}

fn wait(
    lock: &File,
    take: impl Fn(&File) -> Result<(), TryLockError>,
    folder: &Path,
) -> Result<(), NotIndexed> {
    let began = Instant::now();
    loop {
        match take(lock) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if began.elapsed() < WAIT_MAX => thread::sleep(WAIT_STEP),
            Err(TryLockError::WouldBlock) => return Err(NotIndexed::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => {
                return Err(NotIndexed::File { path: folder.join(LOCK), error });
            }
        }
    }
}

impl Trouble {
    fn told(self, folder: &Path) -> NotIndexed {
        let sqlite = |why: String| NotIndexed::Sqlite { path: folder.to_owned(), why };
        match self {
            Self::Log(error) => NotIndexed::Log(error),
            Self::File(path, error) => NotIndexed::File { path, error },
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy) => NotIndexed::Busy(folder.to_owned()),
                _ => sqlite(error.to_string()),
            },
            Self::Unfit(why) => sqlite(why.to_owned()),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            // The machine's fault, or nobody's: the index may be as it should be.
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed,
            ) => Self::Sqlite(error),
            _ => Self::Unfit("it is damaged"),
        }
    }
}

impl From<TryFromIntError> for Trouble {
    fn from(_: TryFromIntError) -> Self {
        Self::Unfit("a number in it is none")
    }
}

const FILE: &str = "index.db";
const LOCK: &str = "lock";

/// Of the schema, and of what values a field has: an index of another version is made anew.
const VERSION: u32 = 2;

const SCHEMA: &str = "
    create table state (next integer not null, leaf blob not null);
    insert into state values (0, x'');
    create table posting (
        field text not null, block integer not null, value text not null, entries blob not null,
        primary key (field, block, value)
    ) without rowid;
    create table span (number integer primary key, low integer not null, high integer not null);
    create table repeat (entry integer primary key, entries blob not null);
    create virtual table words using fts5 (
        statement, content = '', detail = none, columnsize = 0, tokenize = 'trigram case_sensitive 1'
    );
    insert into words (words, rank) values ('hashsize', 33554432);
";

/// Longest wait for others: they hold the index for a batch at a time, which is some seconds.
const WAIT_MAX: Duration = Duration::from_secs(20);

const WAIT_STEP: Duration = Duration::from_millis(20);

/// Entries that are read from the log together: few for the first page, more for those who want all.
const TOGETHER_FIRST: usize = 64;

/// At most 64 MiB, since an entry has at most 64 KiB.
const TOGETHER_MAX: usize = 1 << 10;

#[cfg(test)]
mod tests;
