//! Many files at once, and what is said of them in the order of the files.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Does `work` for each job that `jobs` hands out, several at a time, and gives what it says to `each`: in the
/// order of the jobs, whatever is done first. `each` also hears, as `None`, that some time has passed.
///
/// Who is ahead waits: what is said and not heard is bounded, by [`AHEAD`] for each of as many jobs.
pub fn in_order<J: Send, E: Send>(
    jobs: impl FnOnce(&mut dyn FnMut(J)) + Send,
    work: impl Fn(J, &mut dyn FnMut(E)) + Sync,
    mut each: impl FnMut(Option<E>),
) {
    let (order, ordered) = mpsc::sync_channel::<Receiver<E>>(AHEAD);
    let (queue, queued) = mpsc::sync_channel::<(J, SyncSender<E>)>(AHEAD);
    let queued = Mutex::new(queued);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    thread::scope(|scope| {
        scope.spawn(move || {
            jobs(&mut |job| {
                let (say, heard) = mpsc::sync_channel(AHEAD);
                // Nobody hears any more only when all of this is being torn down.
                _ = order.send(heard).is_ok() && queue.send((job, say)).is_ok();
            });
        });
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((job, say)) = next(&queued) {
                    work(job, &mut |event| _ = say.send(event));
                }
            });
        }
        while let Some(heard) = patiently(&ordered, &mut || each(None)) {
            while let Some(event) = patiently(&heard, &mut || each(None)) {
                each(Some(event));
            }
        }
    });
}

fn next<T>(queued: &Mutex<Receiver<T>>) -> Option<T> {
    queued.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// What comes next; `None` when nothing more will.
fn patiently<T>(receiver: &Receiver<T>, waiting: &mut dyn FnMut()) -> Option<T> {
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(value) => return Some(value),
            Err(RecvTimeoutError::Timeout) => waiting(),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// How many jobs may be ahead of what is told, and how much each may have said.
const AHEAD: usize = 256;
/// More read faster than disks do.
const WORKERS_MAX: usize = 16;
const TICK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
