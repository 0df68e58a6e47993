//! What a session keeps between messages because its agent asked it to, counted in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes kept by one session: texts of statements, parameters of portals, descriptions of rows.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<AtomicUsize>);

/// A part of what is kept, counted until it is dropped.
pub(crate) struct Share {
    of: Kept,
    bytes: usize,
}

impl Kept {
    /// Counts `bytes` more, and what it costs to keep anything at all.
    pub(crate) fn share(&self, bytes: usize) -> Share {
        let bytes = bytes.saturating_add(OVERHEAD_BYTES);
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Share { of: self.clone(), bytes }
    }

    /// Whether nothing more may be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= KEPT_BYTES_MAX
    }
}

impl Share {
    /// Another share of the same session's.
    pub(crate) fn another(&self, bytes: usize) -> Self {
        self.of.share(bytes)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that one session may keep before it is told to let something go. One message may go beyond.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// What a name, its entry and its reference counts take, in bytes.
const OVERHEAD_BYTES: usize = 512;
