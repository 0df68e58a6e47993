use std::ops::Range;
use std::path::Path;

use crate::publish::CHECKPOINT;
use crate::read::{self, ReadError, read_if_there};
use crate::tile::{self, Level, TileName, WIDTH};
use crate::tree::{Hash, node_hash, root_of};

/// The newest signed head of the log at `dir`, as it is written there; not checked. `None` before the first.
///
/// # Errors
/// The file cannot be read. What is not text is none.
pub fn checkpoint(dir: &Path) -> Result<Option<String>, ReadError> {
    Ok(read_if_there(&dir.join(CHECKPOINT))?.and_then(|note| String::from_utf8(note).ok()))
}

/// The proof that the entry at `index` is in the tree over the first `size` entries of the log at `dir`
/// (RFC 6962 §2.1.1), nearest node first, from its hash tiles: some twenty of them, however long the log is.
///
/// `size` must be that of a signed head, whose tiles are there. A tile that was changed makes a proof that does not
/// verify, so the caller checks it.
///
/// # Errors
/// A tile is missing, or cannot be read.
pub fn prove(dir: &Path, index: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
    if index >= size {
        return Err(ReadError::Missing { index });
    }
    Tiles { dir, size }.path(index, 0..size)
}

/// The proof that the tree over the first `old` entries of the log at `dir` is a beginning of that over the first `size`
/// (RFC 6962 §2.1.2), from its hash tiles. `old` is at least 1 and at most `size`, which must be that of a signed head.
///
/// # Errors
/// A tile is missing, or cannot be read.
pub fn prove_consistency(dir: &Path, old: u64, size: u64) -> Result<Vec<Hash>, ReadError> {
    if old == 0 || old > size {
        return Err(ReadError::Missing { index: old });
    }
    Tiles { dir, size }.subproof(old, 0..size, true)
}

struct Tiles<'a> {
    dir: &'a Path,
    size: u64,
}

impl Tiles<'_> {
    fn path(&self, index: u64, range: Range<u64>) -> Result<Vec<Hash>, ReadError> {
        let Some(middle) = middle(&range) else { return Ok(Vec::new()) };
        let (mut proof, other) = if index < middle {
            (self.path(index, range.start..middle)?, middle..range.end)
        } else {
            (self.path(index, middle..range.end)?, range.start..middle)
        };
        proof.push(self.root(other)?);
        Ok(proof)
    }

    /// `is_whole` says that the old tree's root is known to whoever checks: the subtree is the old tree itself.
    fn subproof(&self, old: u64, range: Range<u64>, is_whole: bool) -> Result<Vec<Hash>, ReadError> {
        if old == range.end {
            return if is_whole { Ok(Vec::new()) } else { Ok(vec![self.root(range)?]) };
        }
        let Some(middle) = middle(&range) else { return Ok(Vec::new()) };
        let (mut proof, other) = if old <= middle {
            (self.subproof(old, range.start..middle, is_whole)?, middle..range.end)
        } else {
            (self.subproof(old, middle..range.end, false)?, range.start..middle)
        };
        proof.push(self.root(other)?);
        Ok(proof)
    }

    /// The root of the subtree over these leaves, which begins where one of its size can.
    fn root(&self, range: Range<u64>) -> Result<Hash, ReadError> {
        let leaves = range.end - range.start;
        match middle(&range) {
            Some(middle) if !leaves.is_power_of_two() => {
                Ok(node_hash(&self.root(range.start..middle)?, &self.root(middle..range.end)?))
            }
            Some(_) | None => self.node(leaves.ilog2(), range.start),
        }
    }

    /// The root of the perfect subtree over 2^`height` leaves from `leaf` on.
    fn node(&self, height: u32, leaf: u64) -> Result<Hash, ReadError> {
        let level = height / TILE_HEIGHT;
        let under = level * TILE_HEIGHT;
        let first = leaf >> under;
        let (number, place) = (first / WIDTH, first % WIDTH);
        let wanted = ((self.size >> under) - number * WIDTH).min(WIDTH);
        let missing = ReadError::Missing { index: leaf };
        let Ok(level) = u8::try_from(level) else { return Err(missing) };
        let bytes = read::tile(self.dir, TileName { level: Level::Hashes(level), number, width: wanted })?;
        let hashes = tile::hashes(&bytes.unwrap_or_default()).unwrap_or_default();
        let end = place + (1 << (height % TILE_HEIGHT));
        let within = usize::try_from(place).ok().zip(usize::try_from(end).ok());
        within.and_then(|(place, end)| hashes.get(place..end)).map(root_of).ok_or(missing)
    }
}

/// Where a tree over these leaves falls in two: at the largest power of two below their number.
fn middle(range: &Range<u64>) -> Option<u64> {
    let leaves = range.end - range.start;
    (leaves > 1).then(|| range.start + leaves.div_ceil(2).next_power_of_two())
}

/// Levels of the tree that one tile stands for (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;

#[cfg(test)]
mod tests;
