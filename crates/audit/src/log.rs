use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use access::{Receipt, Timestamp};
use futures_channel::oneshot;

use crate::commit::{Committer, Pending, Queue};
use crate::encode::encode;
use crate::note::{NotSigned, Signer};
use crate::publish::{Published, Publisher, Wish};
use crate::read::ReadError;
use crate::recover::{Recovered, recover};
use crate::segment::{self, HEADER, Medium};
use crate::{Entry, Event};

/// The audit log of one gateway, open for appending. Clones are the same log.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's name in the entries that the log makes itself.
    pub gateway: Arc<str>,
    /// panguard's version, for the same.
    pub version: Box<str>,
    /// The version of the policies that the gateway begins with, for the same.
    pub policies: Box<str>,
    /// The version of the configuration that it begins with.
    pub configuration: Box<str>,
    /// When the gateway started, for the same.
    pub started: Timestamp,
    /// Size of a segment. A new one is begun when it is nearly full; the next is prepared meanwhile.
    pub segment_bytes: u64,
    /// How often, at most, the tree is published and its head signed.
    pub publish_every: Duration,
    /// How many entries may wait to be durable. More are refused at once, not kept waiting.
    pub queue_entries_max: usize,
    /// How many bytes of entries may wait.
    pub queue_bytes_max: usize,
}

impl Options {
    /// The defaults: segments of 64 MiB, a head every second, 65,536 entries or 64 MiB in the queue (a
    /// session has one or two waiting at a time).
    pub fn new(gateway: &str, version: &str, started: Timestamp) -> Self {
        Self {
            gateway: gateway.into(),
            version: version.into(),
            policies: Box::default(),
            configuration: Box::default(),
            started,
            segment_bytes: 64 << 20,
            publish_every: Duration::from_secs(1),
            queue_entries_max: 1 << 16,
            queue_bytes_max: 64 << 20,
        }
    }
}

/// How a log is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Entries that are durable.
    pub durable: u64,
    /// Whether the run before ended by itself; true for a new log.
    pub clean: bool,
    /// Entries under the newest signed checkpoint.
    pub published: u64,
    /// Why nothing can be appended any more, if so. Only opening the log again can change that.
    pub failed: Option<Arc<str>>,
    /// Why the newest entries cannot be published, if so. It is tried again; appending goes on.
    pub unpublished: Option<Arc<str>>,
}

/// Why an entry was not appended. The command that it stands for must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAppended {
    /// The log cannot be written: for good, until it is opened again.
    #[error("the audit log cannot be written: {0}, make room or mend its disk, and it goes on by itself")]
    Failed(Arc<str>),
    /// More entries wait to be durable than may.
    #[error("too many entries wait to be written to the audit log, its disk does not keep up")]
    Busy,
    /// The entry is too long even without its command's text.
    #[error("the entry is longer than 65535 bytes")]
    TooLong,
    /// The log was closed.
    #[error("the audit log is closed")]
    Closed,
}

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file cannot be read or written.
    #[error("cannot {doing} `{}`: {error}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Another process has the log open.
    #[error("the audit log at `{}` is in use by another gateway, give each its own data_dir", .0.display())]
    Locked(PathBuf),
    /// A checkpoint is not this key's.
    #[error("`{}` is not to be trusted: {why}; is it the log of another key?", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: NotSigned,
    },
    /// Entries that a checkpoint vouches for are gone.
    #[error(
        "the audit log ends after {size} entries but its checkpoint vouches for {known}: \
         restore it, or move it away and start a new one; `panguard audit verify` says more"
    )]
    Missing {
        /// Entries found.
        size: u64,
        /// Entries signed.
        known: u64,
    },
    /// The checkpoint is gone, though the log is so old that there was one.
    #[error("the audit log has {size} entries but no checkpoint: restore it, or move the log away")]
    NoCheckpoint {
        /// Entries found.
        size: u64,
    },
    /// The entries are not those that were signed.
    #[error(
        "the first {size} entries of the audit log are not those that its checkpoint vouches for: \
         `panguard audit verify` names the first that is wrong"
    )]
    Changed {
        /// Entries signed.
        size: u64,
    },
    /// An entry that was durable cannot be read.
    #[error(
        "entry {index} in `{}` was durable and is damaged: restore the audit log, or move it away",
        path.display()
    )]
    Damaged {
        /// Its index.
        index: u64,
        /// The segment.
        path: PathBuf,
    },
    /// The tree up to the newest entries cannot be read.
    #[error(transparent)]
    Tree(ReadError),
    /// A thread cannot be started.
    #[error("cannot start a thread for the audit log: {0}")]
    Thread(io::Error),
    /// The first entry could not be appended.
    #[error("{0}")]
    NotAppended(#[from] NotAppended),
}

impl From<ReadError> for LogError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { path, error } => Self::Io { doing: "read", path, error },
            other => Self::Tree(other),
        }
    }
}

impl LogError {
    pub(crate) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), error }
    }
}

/// What makes a [`Medium`] of a segment's file: the file itself, outside tests.
pub(crate) type Mount = Arc<dyn Fn(File) -> Box<dyn Medium> + Send + Sync>;

impl Log {
    /// Opens the log in the folder `dir`, making it if need be, and appends an entry that says so.
    ///
    /// That entry tells whether the run before was closed. Blocks while segments are read and the first is
    /// prepared: a fraction of a second.
    ///
    /// # Errors
    /// Another gateway has it; it cannot be read or written; entries are missing, changed or damaged.
    pub fn open(dir: &Path, signer: Signer, options: Options) -> Result<Self, LogError> {
        Self::open_on(dir, signer, options, Arc::new(|file| Box::new(file)))
    }

    pub(crate) fn open_on(
        dir: &Path,
        signer: Signer,
        options: Options,
        mount: Mount,
    ) -> Result<Self, LogError> {
        let folder = dir.join(segment::FOLDER);
        // Read access by need (PCI DSS 4.0.1, 10.3.1): the operator may open the folder to auditors.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .and_then(|()| segment::sync_folder(dir))
            .map_err(|error| LogError::io("make", &folder, error))?;
        let lock = Mutex::new(Some(lock(dir)?));
        let verifier = signer.verifier();
        let queue = Arc::new(Queue::new(0, options.queue_entries_max, options.queue_bytes_max));
        let base = Base { dir: dir.to_owned(), options, mount, queue, published: Arc::default() };
        let (open, clean) = base.begin(signer, false)?;
        let size = base.queue.durable();
        let log = Self { inner: Arc::new(Inner { clean, base, lock, open: Mutex::new(Some(open)) }) };
        log.say_opened(size, clean, &verifier.to_string())?;
        Ok(log)
    }

    /// Opens a log again that has failed, as one is opened whose gateway was killed; what is taken afterwards goes on behind
    /// what is durable. Blocks. Nothing is done to one that has not failed, or was closed.
    ///
    /// What is in the segment that was written last is written anew, to other places of the disk: after a failed flush
    /// nobody knows which of it is there.
    ///
    /// # Errors
    /// It still cannot be written, or it is damaged. It can be tried again.
    pub fn reopen(&self, signer: Signer) -> Result<(), LogError> {
        let Inner { base, lock, open, .. } = &*self.inner;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let is_held = lock.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if base.queue.failed().is_none() || !is_held {
            return Ok(());
        }
        if let Some(open) = open.take() {
            open.end(&base.queue);
        }
        *open = Some(base.begin(signer, true)?.0);
        Ok(())
    }

    /// Appends `entry`.
    ///
    /// The entry is taken at once and in the order of the calls, whether or not the [`Appending`] is waited
    /// for; awaiting it gives the receipt once the entry is durable. A queue that is full refuses at once.
    pub fn append(&self, entry: &Entry) -> Appending {
        let Ok(encoded) = encode(entry) else { return Appending::refused(NotAppended::TooLong) };
        let (done, receipt) = oneshot::channel();
        match self.inner.base.queue.push(Pending { encoded, done: Some(done) }) {
            Ok(()) => Appending { state: Waiting::For(receipt) },
            Err(why) => Appending::refused(why),
        }
    }

    /// Appends `entry`, for which nobody waits.
    ///
    /// It keeps its place in the order, and is durable with the next entry that somebody waits for, or some
    /// 20 ms later. A crash before that may lose it. While the log has failed it is kept, in memory, and comes first once the
    /// log has been opened again.
    ///
    /// # Errors
    /// It was not taken.
    pub fn note(&self, entry: &Entry) -> Result<(), NotAppended> {
        let encoded = encode(entry).map_err(|_| NotAppended::TooLong)?;
        self.inner.base.queue.push(Pending { encoded, done: None })
    }

    /// How the log is doing.
    pub fn state(&self) -> State {
        let published = self.inner.base.published.lock().unwrap_or_else(PoisonError::into_inner);
        State {
            durable: self.inner.base.queue.durable(),
            clean: self.inner.clean,
            published: published.size,
            failed: self.inner.base.queue.failed(),
            unpublished: published.failed.clone(),
        }
    }

    /// The newest signed checkpoint, to be kept elsewhere. `None` before the first.
    pub fn checkpoint(&self) -> Option<Arc<str>> {
        let published = self.inner.base.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.checkpoint.clone()
    }

    /// Closes the log: appends that the gateway stopped, makes all durable, signs the last checkpoint, and
    /// lets go of the folder. What is appended later is refused. Blocks; a second call does nothing.
    ///
    /// # Errors
    /// The last entry could not be made durable, or the checkpoint over it was not written; the log is closed all the
    /// same.
    pub fn close(&self, now: Timestamp) -> Result<(), NotAppended> {
        let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(_lock) = self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        // One that failed and could not be opened again.
        let Some(open) = open.take() else {
            return Err(self.inner.base.queue.failed().map_or(NotAppended::Closed, NotAppended::Failed));
        };
        let gateway = Arc::clone(&self.inner.base.options.gateway);
        let stopped = self.append(&Entry::of_gateway(now, gateway, Event::GatewayStopped));
        let stopped = stopped.wait();
        open.end(&self.inner.base.queue);
        stopped?;
        match &self.inner.base.published.lock().unwrap_or_else(PoisonError::into_inner).failed {
            None => Ok(()),
            Some(why) => {
                Err(NotAppended::Failed(format!("the last checkpoint was not written: {why}").into()))
            }
        }
    }

    fn say_opened(&self, size: u64, clean: bool, verifier: &str) -> Result<(), NotAppended> {
        let options = &self.inner.base.options;
        let say = |event| {
            let entry = Entry::of_gateway(options.started, Arc::clone(&options.gateway), event);
            self.append(&entry)
        };
        if size == 0 {
            say(Event::LogCreated { verifier: verifier.into() }).wait()?;
        }
        let (policies, configuration) = (options.policies.clone(), options.configuration.clone());
        say(Event::GatewayStarted { version: options.version.clone(), clean, policies, configuration })
            .wait()?;
        Ok(())
    }
}

struct Inner {
    clean: bool,
    base: Base,
    /// Held until the log is closed.
    lock: Mutex<Option<File>>,
    /// `None` once it is closed, or has failed and could not be opened again.
    open: Mutex<Option<Open>>,
}

/// What a log has for as long as its folder is its own.
struct Base {
    dir: PathBuf,
    options: Options,
    mount: Mount,
    queue: Arc<Queue>,
    published: Arc<Mutex<Published>>,
}

impl Base {
    /// Finds the log's end and starts what runs while it is open. Whether the run before ended by itself.
    fn begin(&self, signer: Signer, again: bool) -> Result<(Open, bool), LogError> {
        let Self { dir, options, .. } = self;
        let mut found = recover(dir, &signer.verifier())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (file, offset) = match found.active.take() {
            Some((file, offset)) => match found.segments.back().filter(|_| again || !found.clean) {
                Some((number, _)) => {
                    let renewed = segment::renew(dir, *number, &file, offset);
                    let path = segment::path(dir, *number);
                    (renewed.map_err(|error| LogError::io("write anew", &path, error))?, offset)
                }
                None => (file, offset),
            },
            None => {
                let number = found.next_number;
                let file = segment::prepare(dir, number, options.segment_bytes, &stop)
                    .map_err(|error| LogError::io("prepare", &segment::path(dir, number), error))?;
                found.segments.push_back((number, 0));
                found.next_number = number.saturating_add(1);
                (file, HEADER.len() as u64)
            }
        };
        let (size, clean) = (found.size, found.clean);
        let (wishes, wished) = mpsc::channel();
        let spares = Spares::start(dir, &mut found, options.segment_bytes, &stop)?;
        let mount = Arc::clone(&self.mount);
        let committer = Committer::new(mount(file), offset, size, options.segment_bytes, mount, spares.next);
        let mut publisher =
            Publisher::new(dir, signer, found.segments, found.edge, Arc::clone(&self.published));
        // Tiles that a crash lost are there again, and a head is signed, before anything new is taken.
        let published = publisher.publish(size, false).map_err(|error| LogError::io("publish", dir, error));
        let every = options.publish_every;
        let begun = published.and_then(|()| {
            let queue = Arc::clone(&self.queue);
            spawn("audit-publish", move || publisher.run(&queue, &wished, every))
        });
        let publisher = match begun {
            Ok(publisher) => publisher,
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                // Nobody takes the next segment any more, and it is not prepared to its end.
                drop(committer);
                let _ = spares.thread.join();
                return Err(error);
            }
        };
        self.queue.begin(size);
        let queue = Arc::clone(&self.queue);
        let committer = spawn("audit-commit", move || committer.run(&queue))
            .inspect_err(|error| self.queue.fail(&Arc::from(error.to_string()), []))?;
        Ok((Open { wishes, stop, committer, spares: spares.thread, publisher }, clean))
    }
}

impl Drop for Inner {
    /// A log that is dropped without being closed ends like one whose gateway was killed, only that what was
    /// taken is made durable.
    fn drop(&mut self) {
        if let Some(open) = self.open.lock().unwrap_or_else(PoisonError::into_inner).take() {
            open.end(&self.base.queue);
        }
    }
}

/// What runs while a log is open.
struct Open {
    wishes: mpsc::Sender<Wish>,
    stop: Arc<AtomicBool>,
    committer: JoinHandle<()>,
    spares: JoinHandle<()>,
    publisher: JoinHandle<()>,
}

impl Open {
    fn end(self, queue: &Queue) {
        queue.close();
        self.stop.store(true, Ordering::Relaxed);
        // The committer ends when the queue is empty, and then nobody takes spares; the publisher is told
        // afterwards, so that its last checkpoint covers everything. A thread that panicked has said so.
        let _ = self.committer.join();
        let _ = self.spares.join();
        let _ = self.wishes.send(Wish::End);
        let _ = self.publisher.join();
    }
}

/// Prepares segments ahead of their use.
struct Spares {
    next: Receiver<io::Result<File>>,
    thread: JoinHandle<()>,
}

impl Spares {
    fn start(
        dir: &Path,
        found: &mut Recovered,
        bytes: u64,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, LogError> {
        // No room in the channel: one is prepared, and waits to be taken.
        let (ready, next) = sync_channel(0);
        let (dir, stop) = (dir.to_owned(), Arc::clone(stop));
        let (mut spare, mut number) = (found.spare.take(), found.next_number);
        let thread = spawn("audit-spare", move || {
            loop {
                let file = match spare.take() {
                    Some(file) => Ok(file),
                    None => segment::prepare(&dir, number, bytes, &stop).inspect(|_| number += 1),
                };
                if ready.send(file).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { next, thread })
    }
}

/// An entry on its way to the disk: a future, for any runtime or none, of its receipt.
///
/// Dropping it does not take the entry back.
#[must_use = "the command must not run before its receipt is there"]
pub struct Appending {
    state: Waiting,
}

enum Waiting {
    For(oneshot::Receiver<Result<Receipt, NotAppended>>),
    Refused(Option<NotAppended>),
}

impl Appending {
    fn refused(why: NotAppended) -> Self {
        Self { state: Waiting::Refused(Some(why)) }
    }

    /// Blocks until the entry is durable.
    ///
    /// # Errors
    /// It is not, and never will be.
    pub fn wait(mut self) -> Result<Receipt, NotAppended> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl Future for Appending {
    type Output = Result<Receipt, NotAppended>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            Waiting::For(receipt) => Pin::new(receipt).poll(context).map(|result| match result {
                Ok(result) => result,
                // The committer is gone without a word.
                Err(oneshot::Canceled) => Err(NotAppended::Closed),
            }),
            Waiting::Refused(why) => Poll::Ready(Err(why.take().unwrap_or(NotAppended::Closed))),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LogError> {
    thread::Builder::new().name(name.into()).spawn(run).map_err(LogError::Thread)
}

fn lock(dir: &Path) -> Result<File, LogError> {
    let path = dir.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| LogError::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(LogError::io("lock", &path, error)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
