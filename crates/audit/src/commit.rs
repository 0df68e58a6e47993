//! Group commit: one thread writes and flushes for all who wait.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::vec::Drain;

use access::Receipt;
use futures_channel::oneshot;

use crate::NotAppended;
use crate::encode::Encoded;
use crate::gather::Gather;
use crate::log::Mount;
use crate::segment::{HEADER, Medium, RECORD_HEADER, frame};
use crate::tile::WIDTH;

/// An entry that waits to be durable, and who waits for it.
pub(crate) struct Pending {
    pub(crate) encoded: Encoded,
    /// `None`: nobody waits, so that it need not be flushed for its own sake.
    pub(crate) done: Option<oneshot::Sender<Result<Receipt, NotAppended>>>,
}

/// The index of what came when nothing was written any more.
const NOWHERE: u64 = u64::MAX;

/// How long an entry that nobody waits for may wait for others to share a flush with.
const COMPANY_TIME_MAX: Duration = Duration::from_millis(20);

/// Entries between those who append and the committer.
pub(crate) struct Queue {
    entries_max: usize,
    bytes_max: usize,
    durable: AtomicU64,
    waiting: Mutex<Line>,
    come: Condvar,
}

struct Line {
    pending: Vec<Pending>,
    bytes: usize,
    mode: Mode,
    /// How many of the entries somebody waits for.
    awaited: usize,
    asleep: Asleep,
    /// Since the log failed: what nobody waits for and is not known to be written, each with the index that it would have had.
    left: Vec<(u64, Encoded)>,
}

/// How the committer sleeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asleep {
    No,
    /// It wakes by itself soon, and must be woken once somebody waits for so many entries.
    Until(usize),
    /// It must be woken for any entry.
    Soundly,
}

enum Mode {
    Open,
    /// What is in the queue is still written; nothing more is taken.
    Closed,
    Failed(Arc<str>),
}

impl Queue {
    pub(crate) fn new(durable: u64, entries_max: usize, bytes_max: usize) -> Self {
        let line = Line {
            pending: Vec::new(),
            bytes: 0,
            mode: Mode::Open,
            awaited: 0,
            asleep: Asleep::No,
            left: Vec::new(),
        };
        Self {
            entries_max,
            bytes_max,
            durable: AtomicU64::new(durable),
            waiting: Mutex::new(line),
            come: Condvar::new(),
        }
    }

    /// What nobody waits for is taken while the log has failed too, and written once it has been opened again. Of it
    /// there may be twice as much, so that commands that could still begin do not crowd out how others ended.
    pub(crate) fn push(&self, pending: Pending) -> Result<(), NotAppended> {
        let mut line = self.line();
        let is_note = pending.done.is_none();
        match &line.mode {
            Mode::Open => {}
            Mode::Closed => return Err(NotAppended::Closed),
            Mode::Failed(why) if !is_note => return Err(NotAppended::Failed(Arc::clone(why))),
            Mode::Failed(_) => {}
        }
        let times = if is_note { 2 } else { 1 };
        let bytes = line.bytes.saturating_add(pending.encoded.json().len());
        let entries = line.pending.len().saturating_add(line.left.len());
        if entries >= self.entries_max.saturating_mul(times) || bytes > self.bytes_max.saturating_mul(times) {
            return Err(NotAppended::Busy);
        }
        line.bytes = bytes;
        if matches!(line.mode, Mode::Failed(_)) {
            line.left.push((NOWHERE, pending.encoded));
            return Ok(());
        }
        line.awaited += usize::from(pending.done.is_some());
        line.pending.push(pending);
        let wake = match line.asleep {
            Asleep::No => false,
            Asleep::Until(awaited) => line.awaited >= awaited || self.is_half_full(&line),
            Asleep::Soundly => true,
        };
        if wake {
            line.asleep = Asleep::No;
        }
        drop(line);
        if wake {
            self.come.notify_one();
        }
        Ok(())
    }

    /// Waits for entries, and takes all that there are in exchange for an empty list; `false` when there
    /// are none and will be none.
    ///
    /// Entries that nobody waits for are taken with the next that somebody does, or after a short while;
    /// those that somebody waits for at once, or when `gather` has lost patience.
    fn take(&self, batch: &mut Vec<Pending>, gather: &mut Gather) -> bool {
        let mut line = self.line();
        let mut rested = false;
        loop {
            let is_open = matches!(line.mode, Mode::Open);
            let is_due = line.awaited > 0 || rested || !is_open || self.is_half_full(&line);
            match line.pending.is_empty() {
                true if !is_open => return false,
                true if rested => {
                    line.asleep = Asleep::Soundly;
                    line = self.come.wait(line).unwrap_or_else(PoisonError::into_inner);
                    rested = false;
                }
                false if is_due => break,
                _ => {
                    line.asleep = Asleep::Until(1);
                    let woken = self.come.wait_timeout(line, COMPANY_TIME_MAX);
                    let (woken, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
                    line = woken;
                    rested = timeout.timed_out();
                }
            }
        }
        let before = line.awaited;
        if !self.is_half_full(&line)
            && let Some(patience) = gather.patience(before)
        {
            line.asleep = Asleep::Until(patience.until);
            let asleep = |line: &mut Line| line.asleep != Asleep::No && matches!(line.mode, Mode::Open);
            let woken = self.come.wait_timeout_while(line, patience.at_most, asleep);
            (line, _) = woken.unwrap_or_else(PoisonError::into_inner);
            gather.waited(before, line.awaited);
        }
        line.asleep = Asleep::No;
        line.awaited = 0;
        line.bytes = 0;
        std::mem::swap(batch, &mut line.pending);
        true
    }

    /// Whether the line is so long that it must be taken, lest entries be refused.
    fn is_half_full(&self, line: &Line) -> bool {
        line.bytes > self.bytes_max / 2 || line.pending.len() > self.entries_max / 2
    }

    /// How many entries in the line somebody waits for.
    fn awaited(&self) -> usize {
        self.line().awaited
    }

    /// Takes entries, behind so many that are durable; first what was left when the log failed and is not among them.
    pub(crate) fn begin(&self, durable: u64) {
        let mut line = self.line();
        self.durable.store(durable, Ordering::Release);
        line.mode = Mode::Open;
        line.asleep = Asleep::No;
        line.awaited = 0;
        let left = std::mem::take(&mut line.left).into_iter().filter(|(index, _)| *index >= durable);
        line.pending = left.map(|(_, encoded)| Pending { encoded, done: None }).collect();
        line.bytes = line.pending.iter().map(|one| one.encoded.json().len()).sum();
    }

    /// Takes no more entries.
    pub(crate) fn close(&self) {
        let mut line = self.line();
        if matches!(line.mode, Mode::Open) {
            line.mode = Mode::Closed;
        }
        drop(line);
        self.come.notify_one();
    }

    /// Takes no more entries that somebody waits for, and refuses those that wait: `unwritten`, which come next behind
    /// what is durable and of which the first may be on the disk all the same, and those in the line.
    pub(crate) fn fail(&self, why: &Arc<str>, unwritten: impl IntoIterator<Item = Pending>) {
        let mut line = self.line();
        line.mode = Mode::Failed(Arc::clone(why));
        let in_line = std::mem::take(&mut line.pending);
        let mut refused = Vec::new();
        for (index, one) in (self.durable()..).zip(unwritten.into_iter().chain(in_line)) {
            match one.done {
                Some(done) => refused.push(done),
                None => line.left.push((index, one.encoded)),
            }
        }
        line.bytes = line.left.iter().map(|(_, encoded)| encoded.json().len()).sum();
        drop(line);
        for done in refused {
            let _ = done.send(Err(NotAppended::Failed(Arc::clone(why))));
        }
    }

    /// How many entries are durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Why no more entries are taken, if something broke.
    pub(crate) fn failed(&self) -> Option<Arc<str>> {
        match &self.line().mode {
            Mode::Open | Mode::Closed => None,
            Mode::Failed(why) => Some(Arc::clone(why)),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes entries to segments.
pub(crate) struct Committer {
    segment: Box<dyn Medium>,
    offset: u64,
    /// Entries written, all durable.
    size: u64,
    /// Where a segment counts as full: a little before its end, since it must end at a multiple of 256.
    full: u64,
    mount: Mount,
    spares: Receiver<io::Result<File>>,
    buffer: Vec<u8>,
    gather: Gather,
}

impl Committer {
    pub(crate) fn new(
        segment: Box<dyn Medium>,
        offset: u64,
        size: u64,
        segment_bytes: u64,
        mount: Mount,
        spares: Receiver<io::Result<File>>,
    ) -> Self {
        let full = segment_bytes - segment_bytes / 16;
        Self { segment, offset, size, full, mount, spares, buffer: Vec::new(), gather: Gather::default() }
    }

    /// Commits until the queue is closed and empty, or something breaks.
    ///
    /// After a failed write or flush nobody knows what is on the disk: the kernel may have dropped the
    /// pages, and a second flush may succeed without them. So there is no second try; opening the log
    /// again finds out what is there.
    pub(crate) fn run(mut self, queue: &Queue) {
        let gone = Gone { queue };
        let (mut batch, mut group) = (Vec::new(), Vec::new());
        while queue.take(&mut batch, &mut self.gather) {
            let mut batch = batch.drain(..);
            if let Err(error) = self.commit(&mut batch, &mut group, queue) {
                queue.fail(&Arc::from(error.to_string()), group.into_iter().chain(batch));
                break;
            }
        }
        std::mem::forget(gone);
    }

    /// Makes the entries of a batch durable, in groups of which none crosses into another segment. After an error the
    /// entries of the group that failed are in `group`, and those after it in `batch`.
    fn commit(
        &mut self,
        batch: &mut Drain<'_, Pending>,
        group: &mut Vec<Pending>,
        queue: &Queue,
    ) -> io::Result<()> {
        while !batch.as_slice().is_empty() {
            if self.is_full(self.offset, self.size) {
                self.next_segment()?;
            }
            self.buffer.clear();
            let mut size = self.size;
            let mut offset = self.offset;
            while !(self.is_full(offset, size) && size > self.size)
                && let Some(one) = batch.next()
            {
                frame(size, self.size, &one.encoded, &mut self.buffer);
                offset += (RECORD_HEADER + one.encoded.json().len()) as u64;
                size += 1;
                group.push(one);
            }
            let began = Instant::now();
            self.flush()?;
            let first = self.size;
            (self.size, self.offset) = (size, offset);
            // Before the receipts are given, so that nobody counts twice.
            let awaited = group.iter().filter(|one| one.done.is_some()).count();
            self.gather.flushed(awaited, queue.awaited(), began.elapsed());
            // First the number, so that whoever holds a receipt finds it counted.
            queue.durable.store(size, Ordering::Release);
            for (index, one) in (first..).zip(group.drain(..)) {
                if let Some(done) = one.done {
                    let _ = done.send(Ok(Receipt { index }));
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.segment.write_at(&self.buffer, self.offset)?;
        self.segment.sync()
    }

    /// A segment ends at a multiple of 256, so that the tiles before it are full ones.
    fn is_full(&self, offset: u64, size: u64) -> bool {
        offset >= self.full && size.is_multiple_of(WIDTH)
    }

    fn next_segment(&mut self) -> io::Result<()> {
        let gone = || io::Error::other("the next segment was not prepared");
        // The first answer may be an old one: a disk that was full then, and has room now.
        let file = match self.spares.recv().map_err(|_| gone())? {
            Ok(file) => file,
            Err(_) => self.spares.recv().map_err(|_| gone())??,
        };
        self.segment = (self.mount)(file);
        self.offset = HEADER.len() as u64;
        Ok(())
    }
}

/// Refuses all that wait if the committer panics.
struct Gone<'a> {
    queue: &'a Queue,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.queue.fail(&Arc::from("its writer stopped"), []);
    }
}
