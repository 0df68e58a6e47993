use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::history;
use crate::log::LogError;
use crate::note::{Checkpoint, Verifier};
use crate::plain;
use crate::publish::CHECKPOINT;
use crate::read;
use crate::segment::{self, Records};
use crate::tile::{self, Edge};
use crate::tree::Hash;
use crate::{Entry, Event};

/// What opening a log finds, be it new, closed, or left by a crash: there is one way only.
pub(crate) struct Recovered {
    /// How many entries there are, all durable.
    pub(crate) size: u64,
    /// Whether the last one says that the gateway stopped, or there is none.
    pub(crate) clean: bool,
    /// The segment to go on writing in, and where; `None` when there is none yet.
    pub(crate) active: Option<(File, u64)>,
    /// A prepared segment after it.
    pub(crate) spare: Option<File>,
    /// The number for the next segment.
    pub(crate) next_number: u64,
    /// Segments with entries: number and first index, ascending.
    pub(crate) segments: VecDeque<(u64, u64)>,
    /// The tree up to the first segment.
    pub(crate) edge: Edge,
}

/// Finds the end of the log at `dir`, and checks what is found against its checkpoint.
///
/// What a crash left unfinished after the last whole record was never acknowledged, and is overwritten with
/// zeros: else it might be taken for an entry when the log has grown up to it.
///
/// # Errors
/// The files cannot be read; entries that were durable are missing or changed.
pub(crate) fn recover(dir: &Path, verifier: &Verifier) -> Result<Recovered, LogError> {
    remove_unfinished(dir).map_err(|error| LogError::io("tidy", &dir.join(segment::FOLDER), error))?;
    let numbers = segment::numbers(dir).map_err(|error| LogError::io("read", dir, error))?;
    let known = newest_checkpoint(dir, verifier)?;
    let mut scan = Scan::new(known);
    let mut spares = Vec::new();
    for number in numbers {
        spares.extend(scan.segment(dir, number)?.map(|file| (number, file)));
    }
    scan.check()?;
    if let Some(torn) = &scan.torn {
        torn.wipe()?;
    }
    // There is more than one when the log failed or fell just as it went on to a new segment.
    let mut spares = spares.into_iter();
    let spare = spares.next();
    for (number, _) in spares {
        let path = segment::path(dir, number);
        fs::remove_file(&path).map_err(|error| LogError::io("remove", &path, error))?;
    }
    let last = spare.as_ref().map(|(number, _)| *number).or(scan.segments.back().map(|(number, _)| *number));
    let clean = match &scan.last {
        Some(last) => matches!(Entry::from_json(last), Ok(entry) if entry.event == Event::GatewayStopped),
        None => true,
    };
    Ok(Recovered {
        size: scan.size,
        clean: clean && scan.torn.is_none(),
        active: scan.active,
        spare: spare.map(|(_, file)| file),
        next_number: last.map_or(1, |last| last.saturating_add(1)),
        segments: scan.segments,
        edge: scan.edge.unwrap_or_default(),
    })
}

/// The walk over all segments.
struct Scan {
    known: Option<Checkpoint>,
    /// Whether the tree had the known checkpoint's root at its size.
    agrees: bool,
    size: u64,
    /// What follows the last whole record.
    torn: Option<Torn>,
    last: Option<Vec<u8>>,
    active: Option<(File, u64)>,
    segments: VecDeque<(u64, u64)>,
    /// The tree up to the first segment, and up to here.
    edge: Option<Edge>,
    tree: Edge,
}

impl Scan {
    fn new(known: Option<Checkpoint>) -> Self {
        Self {
            known,
            agrees: false,
            size: 0,
            torn: None,
            last: None,
            active: None,
            segments: VecDeque::new(),
            edge: None,
            tree: Edge::default(),
        }
    }

    /// Walks one segment; gives it back if it is a spare one.
    fn segment(&mut self, dir: &Path, number: u64) -> Result<Option<File>, LogError> {
        let path = segment::path(dir, number);
        let io = |error| LogError::io("read", &path, error);
        let mut records = Records::open(&path).map_err(io)?;
        let mut empty = true;
        while let Some(record) = records.next().map_err(io)? {
            if empty {
                self.begin(dir, number, record.index)?;
                empty = false;
            }
            // Only the newest batch can be unfinished: nothing can stand after it.
            if record.index != self.size || self.torn.is_some() {
                return Err(LogError::Damaged { index: self.size, path });
            }
            self.add(record.leaf, record.entry);
        }
        let offset = records.offset();
        let rest = records.rest().map_err(io)?;
        if segment::proves_durable(&rest, self.size) {
            return Err(LogError::Damaged { index: self.size, path });
        }
        let file = File::options().read(true).write(true).open(&path).map_err(io)?;
        if !rest.is_empty() {
            let file = file.try_clone().map_err(io)?;
            self.torn = Some(Torn { file, path, offset, length: rest.len() });
        }
        // The first segment is written in even if it is empty; an empty one after another is a spare.
        if !empty || self.active.is_none() {
            if self.edge.is_none() {
                self.begin(dir, number, 0)?;
            }
            self.active = Some((file, offset));
            return Ok(None);
        }
        Ok(Some(file))
    }

    fn begin(&mut self, dir: &Path, number: u64, first: u64) -> Result<(), LogError> {
        if self.edge.is_none() {
            if !first.is_multiple_of(tile::WIDTH) {
                return Err(LogError::Damaged { index: first, path: segment::path(dir, number) });
            }
            self.tree = read::edge(dir, first)?;
            self.edge = Some(self.tree.clone());
            self.size = first;
            self.compare();
        }
        if self.segments.back().is_none_or(|(last, _)| *last != number) {
            self.segments.push_back((number, first));
        }
        Ok(())
    }

    fn add(&mut self, leaf: Hash, entry: Vec<u8>) {
        self.tree.push(leaf, &[], &mut Vec::new());
        self.size += 1;
        self.last = Some(entry);
        self.compare();
    }

    /// Whether all that a checkpoint vouches for is there.
    fn check(&self) -> Result<(), LogError> {
        let first = self.segments.front().map_or(0, |(_, first)| *first);
        match &self.known {
            Some(known) if known.size > self.size => {
                Err(LogError::Missing { size: self.size, known: known.size })
            }
            Some(known) if known.size > 0 && !self.agrees => Err(LogError::Changed { size: known.size }),
            Some(_) => Ok(()),
            // A segment is removed only when a checkpoint covers it.
            None if first > 0 => Err(LogError::NoCheckpoint { size: self.size }),
            None => Ok(()),
        }
    }

    fn compare(&mut self) {
        if let Some(known) = &self.known
            && known.size == self.size
        {
            self.agrees = known.root == self.tree.root();
        }
    }
}

/// Bytes that a crash left unfinished.
struct Torn {
    file: File,
    path: PathBuf,
    offset: u64,
    length: usize,
}

impl Torn {
    fn wipe(&self) -> Result<(), LogError> {
        self.file
            .write_all_at(&vec![0; self.length], self.offset)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| LogError::io("write", &self.path, error))
    }
}

/// The newest checkpoint that the log's own files hold.
fn newest_checkpoint(dir: &Path, verifier: &Verifier) -> Result<Option<Checkpoint>, LogError> {
    let mut notes = Vec::new();
    let path = dir.join(CHECKPOINT);
    match plain::read_to_string(&path) {
        Ok(note) => notes.push((path, note)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(LogError::io("read", &path, error)),
    }
    let path = dir.join(history::FILE);
    let earlier = history::read(dir).map_err(|error| LogError::io("read", &path, error))?;
    notes.extend(earlier.notes.into_iter().next_back().map(|note| (path, note)));
    let mut newest = None::<Checkpoint>;
    for (path, note) in notes {
        let checkpoint = verifier.open(&note).map_err(|why| LogError::Checkpoint { path, why })?;
        newest = newest.into_iter().chain([checkpoint]).max_by_key(|one| one.size);
    }
    Ok(newest)
}

/// Removes segments that were being prepared when the gateway ended.
fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let unfinished = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "new");
    for file in fs::read_dir(dir.join(segment::FOLDER))? {
        let path = file?.path();
        if unfinished(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
