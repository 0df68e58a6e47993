//! Publishing: from durable entries to tiles and a signed head.
//!
//! Nothing waits for it. It reads the segments as a reader would, so what is published after a crash is
//! made in the same way as before it. Tiles are written without being flushed, since the segments still
//! have what is in them; a segment is removed only when its tiles were flushed.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::commit::Queue;
use crate::history;
use crate::note::{Checkpoint, Signer};
use crate::segment::{self, Records};
use crate::tile::{Edge, Level, Tile, TileName, WIDTH};

/// What is told of the publisher.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) size: u64,
    pub(crate) checkpoint: Option<Arc<str>>,
    /// Why it could not be done the last time.
    pub(crate) failed: Option<Arc<str>>,
}

/// What is asked of the publisher.
pub(crate) enum Wish {
    /// Publish what is there, and end.
    End,
}

pub(crate) struct Publisher {
    dir: PathBuf,
    signer: Signer,
    /// Segments with entries, oldest first: number and first index.
    segments: VecDeque<(u64, u64)>,
    /// Where it reads on.
    reading: Option<(u64, Records)>,
    edge: Edge,
    /// Full tiles that are not written yet.
    unwritten: VecDeque<Tile>,
    /// The size of the newest checkpoint written.
    signed: Option<u64>,
    /// When a checkpoint was last added to the history.
    remembered: Option<Instant>,
    published: Arc<Mutex<Published>>,
}

impl Publisher {
    /// A publisher that begins with the first of `segments`, to which `edge` is the tree.
    pub(crate) fn new(
        dir: &Path,
        signer: Signer,
        segments: VecDeque<(u64, u64)>,
        edge: Edge,
        published: Arc<Mutex<Published>>,
    ) -> Self {
        Self {
            dir: dir.to_owned(),
            signer,
            segments,
            reading: None,
            edge,
            unwritten: VecDeque::new(),
            signed: None,
            remembered: None,
            published,
        }
    }

    pub(crate) fn run(mut self, queue: &Queue, wishes: &Receiver<Wish>, every: Duration) {
        loop {
            let end = match wishes.recv_timeout(every) {
                Ok(Wish::End) | Err(RecvTimeoutError::Disconnected) => true,
                Err(RecvTimeoutError::Timeout) => false,
            };
            let result = self.publish(queue.durable(), end);
            self.told().failed = result.err().map(|error| error.to_string().into());
            if end {
                return;
            }
        }
    }

    /// Publishes the first `size` entries.
    pub(crate) fn publish(&mut self, size: u64, end: bool) -> io::Result<()> {
        if self.signed == Some(size) && !end {
            return Ok(());
        }
        self.write_full()?;
        while self.edge.size() < size {
            self.read_one()?;
            self.write_full()?;
        }
        let mut partial = Vec::new();
        for tile in self.edge.partial() {
            write(&self.dir, &tile)?;
            partial.push(tile.name);
        }
        let note = self.sign(end)?;
        // Not before: until then the checkpoint before is the one, and its tiles are wanted.
        partial.into_iter().try_for_each(|name| self.tidy(name))?;
        self.signed = Some(size);
        let mut told = self.told();
        (told.size, told.checkpoint) = (size, Some(note.into()));
        drop(told);
        self.retire()
    }

    fn told(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next entry into the tree.
    fn read_one(&mut self) -> io::Result<()> {
        let mut record = None;
        if let Some((_, records)) = &mut self.reading {
            record = records.next()?;
        }
        let record = match record {
            Some(record) => record,
            None => {
                self.open_next()?;
                let (_, records) = self.reading.as_mut().ok_or_else(unreadable)?;
                records.next()?.ok_or_else(unreadable)?
            }
        };
        if record.index != self.edge.size() {
            return Err(unreadable());
        }
        if let Some((number, _)) = &self.reading
            && self.segments.back().is_none_or(|(last, _)| last < number)
        {
            self.segments.push_back((*number, record.index));
        }
        let mut full = Vec::new();
        self.edge.push(record.leaf, &record.entry, &mut full);
        self.unwritten.extend(full);
        Ok(())
    }

    fn open_next(&mut self) -> io::Result<()> {
        let number = match (&self.reading, self.segments.front()) {
            (Some((number, _)), _) => number.saturating_add(1),
            (None, Some((number, _))) => *number,
            (None, None) => return Err(unreadable()),
        };
        self.reading = Some((number, Records::open(&segment::path(&self.dir, number))?));
        Ok(())
    }

    fn write_full(&mut self) -> io::Result<()> {
        while let Some(tile) = self.unwritten.front() {
            write(&self.dir, tile)?;
            self.tidy(tile.name)?;
            self.unwritten.pop_front();
        }
        Ok(())
    }

    /// Removes the partial tiles that `name` replaces: of a full one all, of a partial one all but the one
    /// before, which whoever has just read the checkpoint before is about to look for.
    fn tidy(&self, name: TileName) -> io::Result<()> {
        let Some(folder) = self.dir.join(TileName { width: 1, ..name }.path()).parent().map(Path::to_owned)
        else {
            return Ok(());
        };
        if name.width == WIDTH {
            return match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let mut older = Vec::new();
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            let width = path.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
            older.extend(width.filter(|width| *width < name.width).map(|width| (width, path)));
        }
        older.sort_unstable();
        // What was there before this one began may be what a power failure left, since tiles are not flushed.
        if self.signed.is_some() {
            older.pop();
        }
        older.iter().try_for_each(|(_, path)| fs::remove_file(path))
    }

    /// Signs the head, and makes it durable as the checkpoint, and in the history if its time has come.
    fn sign(&mut self, end: bool) -> io::Result<String> {
        let checkpoint =
            Checkpoint { origin: self.signer.name().into(), size: self.edge.size(), root: self.edge.root() };
        let note = self.signer.sign(&checkpoint);
        let unfinished = self.dir.join(CHECKPOINT).with_extension("new");
        fs::write(&unfinished, &note)?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, self.dir.join(CHECKPOINT))?;
        segment::sync_folder(&self.dir)?;
        // After it: a head that is remembered and is in no checkpoint yet would say that entries were lost.
        if end || self.remembered.is_none_or(|then| then.elapsed() >= REMEMBER_EVERY) {
            if self.remembered.is_none() {
                history::mend(&self.dir)?;
            }
            history::append(&self.dir, &note)?;
            self.remembered = Some(Instant::now());
        }
        Ok(note)
    }

    /// Removes segments that lie wholly before the checkpoint, once their tiles are durable.
    fn retire(&mut self) -> io::Result<()> {
        while let (Some((number, first)), Some((_, end))) = (self.segments.front(), self.segments.get(1)) {
            sync_tiles(&self.dir, *first, *end)?;
            fs::remove_file(segment::path(&self.dir, *number))?;
            self.segments.pop_front();
        }
        Ok(())
    }
}

/// Writes a tile so that a reader sees all of it or nothing.
fn write(dir: &Path, tile: &Tile) -> io::Result<()> {
    let path = dir.join(tile.name.path());
    let unfinished = path.with_extension("new");
    match fs::write(&unfinished, &tile.bytes) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            fs::write(&unfinished, &tile.bytes)?;
        }
        result => result?,
    }
    fs::rename(&unfinished, &path)
}

/// Makes the full tiles durable that the entries from `first` to `end`, both multiples of 256, filled.
fn sync_tiles(dir: &Path, first: u64, end: u64) -> io::Result<()> {
    let mut folders = BTreeSet::from([dir.to_owned()]);
    let mut sync = |level, numbers: std::ops::Range<u64>| {
        for number in numbers {
            let path = dir.join(TileName::full(level, number).path());
            File::open(&path)?.sync_all()?;
            folders.extend(path.ancestors().skip(1).take_while(|folder| *folder != dir).map(Path::to_owned));
        }
        Ok::<(), io::Error>(())
    };
    sync(Level::Entries, first / WIDTH..end / WIDTH)?;
    let (mut from, mut to, mut level) = (first / WIDTH, end / WIDTH, 0);
    while to > 0 {
        sync(Level::Hashes(level), from..to)?;
        (from, to, level) = (from / WIDTH, to / WIDTH, level + 1);
    }
    folders.iter().try_for_each(|folder| segment::sync_folder(folder))
}

fn unreadable() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "an entry that was durable cannot be read back from its segment")
}

/// The newest checkpoint's file.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// How often a checkpoint is added to the history.
const REMEMBER_EVERY: Duration = Duration::from_secs(60);
