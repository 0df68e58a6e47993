use std::path::{Path, PathBuf};

use crate::encode::ENTRY_BYTES_MAX;
use crate::tree::{Hash, Peaks, root_of_peaks};

/// Hashes or entries in a full tile (C2SP tlog-tiles).
pub(crate) const WIDTH: u64 = 256;

/// Names one tile (C2SP tlog-tiles, "Parameters").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TileName {
    pub(crate) level: Level,
    pub(crate) number: u64,
    /// How many hashes or entries it holds: 256, or fewer for a partial tile.
    pub(crate) width: u64,
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The entries themselves.
    Entries,
    /// The roots of subtrees over 256^level leaves.
    Hashes(u8),
}

impl TileName {
    pub(crate) fn full(level: Level, number: u64) -> Self {
        Self { level, number, width: WIDTH }
    }

    /// Where it stands under the log's folder: numbers in groups of three digits, `tile/0/x001/x234/067`,
    /// a partial one in a folder beside its full one's place.
    pub(crate) fn path(&self) -> PathBuf {
        let mut groups = format!("{:03}", self.number % 1000);
        let mut rest = self.number / 1000;
        while rest > 0 {
            groups = format!("x{:03}/{groups}", rest % 1000);
            rest /= 1000;
        }
        let level = match self.level {
            Level::Entries => "entries".to_owned(),
            Level::Hashes(level) => level.to_string(),
        };
        let partial = if self.width < WIDTH { format!(".p/{}", self.width) } else { String::new() };
        Path::new("tile").join(level).join(groups + &partial)
    }
}

/// A tile and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) name: TileName,
    pub(crate) bytes: Vec<u8>,
}

/// The right edge of the tree: what is needed to append to it, tile by tile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    /// Of each level the hashes that do not fill a tile yet; fewer than 256 in each.
    levels: Vec<Vec<Hash>>,
    /// The entries that do not fill a bundle yet.
    bundle: Vec<u8>,
}

impl Edge {
    /// The edge of a tree of `size` leaves, a multiple of 256, from its full tiles.
    pub(crate) fn at<E>(size: u64, read: impl Fn(TileName) -> Result<Vec<Hash>, E>) -> Result<Self, E> {
        let mut levels = vec![Vec::new()];
        let mut level = 0;
        let mut tiles = size / WIDTH;
        while tiles > 0 {
            let from = tiles - tiles % WIDTH;
            let roots = (from..tiles).map(|number| {
                let hashes = read(TileName::full(Level::Hashes(level), number))?;
                Ok(root_of_peaks(&hashes.into_iter().collect::<Peaks>().into_hashes()))
            });
            levels.push(roots.collect::<Result<_, E>>()?);
            level += 1;
            tiles /= WIDTH;
        }
        Ok(Self { size, levels, bundle: Vec::new() })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends an entry of at most [`ENTRY_BYTES_MAX`] bytes; tiles that it fills go to `full`.
    pub(crate) fn push(&mut self, leaf: Hash, entry: &[u8], full: &mut Vec<Tile>) {
        let number = self.size / WIDTH;
        self.size += 1;
        let length = u16::try_from(entry.len().min(ENTRY_BYTES_MAX)).unwrap_or(u16::MAX);
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend(entry.iter().take(ENTRY_BYTES_MAX));
        if self.size.is_multiple_of(WIDTH) {
            let bytes = std::mem::take(&mut self.bundle);
            full.push(Tile { name: TileName::full(Level::Entries, number), bytes });
        }
        self.push_hash(leaf, full);
    }

    fn push_hash(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        let (mut node, mut number) = (leaf, (self.size - 1) / WIDTH);
        for level in 0.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(usize::from(level)) else { return };
            hashes.push(node);
            if (hashes.len() as u64) < WIDTH {
                return;
            }
            let hashes = std::mem::take(hashes);
            full.push(Tile { name: TileName::full(Level::Hashes(level), number), bytes: hashes.concat() });
            node = root_of_peaks(&hashes.into_iter().collect::<Peaks>().into_hashes());
            number /= WIDTH;
        }
    }

    /// The tiles that are not full.
    pub(crate) fn partial(&self) -> Vec<Tile> {
        let entries = Tile {
            name: TileName { level: Level::Entries, number: self.size / WIDTH, width: self.size % WIDTH },
            bytes: self.bundle.clone(),
        };
        let mut tiles = vec![entries];
        let mut number = self.size / WIDTH;
        for (level, hashes) in (0..).zip(&self.levels) {
            let name = TileName { level: Level::Hashes(level), number, width: hashes.len() as u64 };
            tiles.push(Tile { name, bytes: hashes.concat() });
            number /= WIDTH;
        }
        tiles.retain(|tile| tile.name.width > 0);
        tiles
    }

    /// The root of the tree.
    pub(crate) fn root(&self) -> Hash {
        root_of_peaks(&self.peaks().into_hashes())
    }

    /// The tree, without its tiles.
    pub(crate) fn peaks(&self) -> Peaks {
        // The hashes of a level stand left of those of the level below, and complete no subtree with them.
        let peaks =
            self.levels.iter().rev().map(|hashes| hashes.iter().copied().collect::<Peaks>().into_hashes());
        Peaks::of(self.size, peaks.collect::<Vec<_>>().concat())
    }
}

/// The hashes of a tile; `None` when it is not made of hashes.
pub(crate) fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// The entries of a full bundle; `None` when it is not exactly that.
pub(crate) fn entries(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (entry, rest) = next_entry(bundle)?;
        entries.push(entry);
        bundle = rest;
    }
    (entries.len() as u64 == WIDTH).then_some(entries)
}

/// The next entry of a bundle and what follows it; `None` at its end, and where it is cut short.
pub(crate) fn next_entry(bundle: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bundle.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests;
