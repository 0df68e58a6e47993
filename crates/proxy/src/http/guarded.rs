use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wire_http::{Broken, Guard};

/// An agent's stream of which only that is read whose framing is beyond doubt.
///
/// hyper answers what it cannot read by itself, without a word. So what is refused here is read by it as a request of the
/// same place, which [`Watch::broken`] tells from others. What the agent sends behind it is read away: a socket that is
/// closed with something unread takes the answer with it (RFC 9112 §9.6).
pub(super) struct Guarded<S> {
    stream: S,
    guard: Guard,
    watch: Arc<Watch>,
    /// Let through, and not read yet.
    passed: Vec<u8>,
    read: usize,
    over: bool,
    /// Whether nothing that follows is read as HTTP.
    refused: bool,
}

/// What the two ends of a stream tell each other.
#[derive(Default)]
pub(super) struct Watch {
    /// Which request is not well formed, counted from 1, and why.
    broken: OnceLock<(u64, Broken)>,
    /// Requests that were served.
    served: AtomicU64,
    /// Whether what follows is no HTTP any more.
    free: AtomicBool,
    /// Whether the head of a request was let through.
    begun: AtomicBool,
    /// Whether it is HTTP/2 that is spoken.
    h2: AtomicBool,
}

impl Watch {
    /// Counts one more request that hyper has read. Gives why it is not well formed, if it is not.
    pub(super) fn next(&self) -> Option<Broken> {
        let number = self.served.fetch_add(1, Ordering::AcqRel) + 1;
        self.broken.get().filter(|(broken, _)| *broken == number).map(|(_, why)| *why)
    }

    /// Whether the agent has come so far as to ask for something. By HTTP/2 that is a request that was read: its preface
    /// asks for nothing.
    pub(super) fn has_begun(&self) -> bool {
        if self.is_h2() { self.served() > 0 } else { self.begun.load(Ordering::Acquire) }
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_h2(&self) -> bool {
        self.h2.load(Ordering::Acquire)
    }

    /// How many requests were read.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Acquire)
    }

    /// What follows is no HTTP any more.
    pub(super) fn free(&self) {
        self.free.store(true, Ordering::Release);
    }
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self {
            stream,
            guard: Guard::default(),
            watch,
            passed: Vec::new(),
            read: 0,
            over: false,
            refused: false,
        }
    }

    /// Moves as much as there is room for into `buf`. Returns whether there was anything.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.passed.get(self.read..).unwrap_or_default();
        let piece = rest.get(..rest.len().min(buf.remaining())).unwrap_or_default();
        buf.put_slice(piece);
        let gave = !piece.is_empty();
        self.read += piece.len();
        if self.read == self.passed.len() {
            self.passed.clear();
            self.read = 0;
        }
        gave
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.watch.free.load(Ordering::Acquire) {
            self.guard.free();
        }
        let Err(broken) = self.guard.push(bytes, &mut self.passed) else { return Ok(()) };
        if broken.in_body {
            return Err(io::Error::new(io::ErrorKind::InvalidData, broken.rule));
        }
        self.refused = true;
        let number = self.guard.heads() + 1;
        let _ = self.watch.broken.set((number, broken));
        self.passed.extend_from_slice(IN_ITS_PLACE);
        Ok(())
    }
}

/// What is read in the place of a request that is not well formed.
const IN_ITS_PLACE: &[u8] = b"GET / HTTP/1.1\r\nHost: panguard\r\nConnection: close\r\n\r\n";

/// Bytes that are read at once.
const READ_BYTES: usize = 16 << 10;

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.give(buf) {
            if this.over && this.refused {
                // It ends when the answer has been told, not when the agent has nothing more to say.
                return Poll::Pending;
            }
            if this.over || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut space = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                this.over = true;
                continue;
            }
            if !this.refused {
                this.take(read.filled())?;
            }
            if !this.passed.is_empty() {
                this.watch.h2.store(this.guard.is_h2(), Ordering::Release);
                this.watch.begun.store(true, Ordering::Release);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
