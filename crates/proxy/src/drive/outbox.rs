use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// Bytes that wait to be written to one side, many messages to a write.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: BytesMut,
    /// Bytes were written to the stream that may still wait in it (TLS keeps records back).
    unflushed: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if self.bytes.capacity() - self.bytes.len() < bytes.len() {
            self.bytes.reserve(bytes.len().max(KEPT_BYTES));
        }
        self.bytes.extend_from_slice(&bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes = BytesMut::new();
        self.unflushed = false;
    }

    /// Writes until nothing waits here or in `stream`.
    ///
    /// # Errors
    /// As the stream's.
    pub(super) fn poll_write<T: AsyncWrite>(
        &mut self,
        cx: &mut Context<'_>,
        mut stream: Pin<&mut T>,
    ) -> Poll<io::Result<()>> {
        while !self.bytes.is_empty() {
            let written = ready!(stream.as_mut().poll_write(cx, &self.bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.bytes.advance(written);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(stream.as_mut().poll_flush(cx))?;
            self.unflushed = false;
        }
        // An idle session holds no more than this.
        if self.bytes.capacity() > 2 * KEPT_BYTES {
            self.bytes = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

/// Room that an empty outbox keeps: an ordinary short answer.
const KEPT_BYTES: usize = 8 << 10;
