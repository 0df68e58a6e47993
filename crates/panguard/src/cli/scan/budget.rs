//! What unpacking one file may cost. A small archive can hold more than there is room or time for.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// What is left of it, shared by all that is unpacked out of one file.
#[derive(Clone)]
pub struct Budget {
    bytes: Rc<Cell<u64>>,
    entries: Rc<Cell<u64>>,
    bytes_max: u64,
}

impl Budget {
    /// Enough for `bytes` unpacked, layer upon layer.
    pub fn new(bytes: u64) -> Self {
        Self { bytes: Rc::new(Cell::new(bytes)), entries: Rc::new(Cell::new(ENTRIES_MAX)), bytes_max: bytes }
    }

    /// Pays for one more entry of an archive; false when there have been too many.
    pub fn entry(&self) -> bool {
        let left = self.entries.get();
        self.entries.set(left.saturating_sub(1));
        left > 0
    }

    /// Adds `bytes` that lie there unpacked: what comes out of a database in them is free that far.
    pub fn add(&self, bytes: u64) {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
    }

    /// Pays for `bytes` that came out of something.
    ///
    /// # Errors
    /// If there is not that much left.
    pub fn pay(&self, bytes: u64) -> io::Result<()> {
        let left = self.bytes.get().checked_sub(bytes).ok_or_else(|| self.spent())?;
        self.bytes.set(left);
        Ok(())
    }

    /// What `inner` yields, paid for as it is read. When nothing is left it fails.
    pub fn reader<R: Read>(&self, inner: R) -> Paid<R> {
        Paid { inner, budget: self.clone() }
    }

    fn spent(&self) -> io::Error {
        io::Error::other(format!("more than {} bytes come out of it; see `--unpack-max`", self.bytes_max))
    }
}

/// A reader whose bytes are paid for.
pub struct Paid<R> {
    inner: R,
    budget: Budget,
}

impl<R: Read> Read for Paid<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.budget.bytes.get();
        if left == 0 {
            let max = self.budget.bytes_max;
            return Err(io::Error::other(format!(
                "more than {max} bytes come out of it; see `--unpack-max`"
            )));
        }
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.inner.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.budget.bytes.set(left - read as u64);
        Ok(read)
    }
}

/// Entries of all archives in one file together. The largest repositories have some hundred thousand files.
pub const ENTRIES_MAX: u64 = 1_000_000;
/// How many layers are opened. Archives in the wild nest three or four deep (an image, a layer, a jar).
pub const DEPTH_MAX: usize = 8;
/// What has to be there whole to be opened, in another archive or from a pipe, is held in memory up to this.
pub const HELD_BYTES_MAX: usize = 64 << 20;
