use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::note::Checkpoint;
use crate::read::{self, ReadError, read_if_there};
use crate::tile::{self, Edge, Level, Tile, TileName, WIDTH};
use crate::tree::{Hash, leaf_hash};

use super::{Tail, Wrong};

/// The walk over all entries under the newest checkpoint.
pub(super) struct Walk {
    dir: PathBuf,
    size: u64,
    /// Entries before it may be missing: their hashes stand for them.
    pruned: u64,
    absent: u64,
    /// Heads not reached yet, largest first.
    heads: Vec<Checkpoint>,
    /// The tree over the entries.
    tree: Edge,
    /// The tree over the hashes in the tiles, where there are any.
    hashed: Edge,
    seen: Seen,
}

/// What was seen to differ, each at its first place.
#[derive(Default)]
struct Seen {
    /// The largest size at which a head agreed: every entry before it is right.
    right: u64,
    /// The smallest head that does not agree, and whether the hash tiles do.
    bad: Option<(u64, bool)>,
    /// An entry that no file holds: the walk ends before it.
    lost: Option<u64>,
    /// An entry whose bundle is shorter, longer, or differs from the segment's.
    bundle: Option<u64>,
    /// An entry that differs from its segment's record.
    segment: Option<u64>,
    /// An entry that differs from its hash in the hash tile.
    hash: Option<u64>,
    /// A tile that is missing or differs: the first entry under what differs, and the tile.
    tile: Option<(u64, TileName)>,
    /// The same of a tile in another width.
    other: Option<(u64, TileName)>,
}

impl Walk {
    pub(super) fn new(dir: &Path, mut heads: Vec<Checkpoint>, size: u64, pruned: u64) -> Self {
        heads.reverse();
        Self {
            dir: dir.to_owned(),
            size,
            pruned,
            absent: 0,
            heads,
            tree: Edge::default(),
            hashed: Edge::default(),
            seen: Seen::default(),
        }
    }

    pub(super) fn run(&mut self, tail: &mut Tail) -> Result<(), ReadError> {
        self.compare_heads();
        while self.tree.size() < self.size && self.seen.lost.is_none() {
            self.block(tail)?;
        }
        for tile in self.tree.partial() {
            self.compare_tile(&tile)?;
        }
        Ok(())
    }

    /// How many entries were not there, having been pruned.
    pub(super) fn absent(&self) -> u64 {
        self.absent
    }

    /// Walks the entries of one bundle.
    fn block(&mut self, tail: &mut Tail) -> Result<(), ReadError> {
        let number = self.tree.size() / WIDTH;
        let width = (self.size - number * WIDTH).min(WIDTH);
        let bundle = read::tile(&self.dir, TileName { level: Level::Entries, number, width })?;
        let hashes = read::tile(&self.dir, TileName { level: Level::Hashes(0), number, width })?;
        let hashes = tile::hashes(&hashes.unwrap_or_default()).unwrap_or_default();
        if bundle.is_none() && self.tree.size() < self.pruned && hashes.len() as u64 == WIDTH {
            return self.pass_over(&hashes);
        }
        let mut bundle = bundle.as_deref().unwrap_or_default();
        for place in 0..width {
            let index = number * WIDTH + place;
            let record = tail.take(index)?;
            let entry = match (tile::next_entry(bundle), &record) {
                (Some((entry, rest)), _) => {
                    bundle = rest;
                    entry
                }
                (None, Some(record)) => {
                    first(&mut self.seen.bundle, index);
                    &record.entry
                }
                (None, None) => {
                    self.seen.lost = Some(index);
                    return Ok(());
                }
            };
            let leaf = leaf_hash(entry);
            if record.as_ref().is_some_and(|record| record.leaf != leaf) {
                first(&mut self.seen.segment, index);
            }
            let hash = usize::try_from(place).ok().and_then(|place| hashes.get(place)).copied();
            if hash.is_some_and(|hash| hash != leaf) {
                first(&mut self.seen.hash, index);
            }
            self.push(leaf, hash.unwrap_or(leaf), entry)?;
        }
        Ok(())
    }

    /// Goes on after entries that were pruned, by their hashes. That those are right is for the next head to say.
    fn pass_over(&mut self, hashes: &[Hash]) -> Result<(), ReadError> {
        self.absent += hashes.len() as u64;
        for hash in hashes {
            let mut full = Vec::new();
            self.tree.push(*hash, &[], &mut full);
            self.hashed.push(*hash, &[], &mut Vec::new());
            for tile in full.iter().filter(|tile| tile.name.level != Level::Entries) {
                self.compare_tile(tile)?;
            }
            self.compare_heads();
        }
        Ok(())
    }

    fn push(&mut self, leaf: Hash, hash: Hash, entry: &[u8]) -> Result<(), ReadError> {
        let mut full = Vec::new();
        self.tree.push(leaf, entry, &mut full);
        self.hashed.push(hash, &[], &mut Vec::new());
        for tile in full {
            self.compare_tile(&tile)?;
        }
        self.compare_heads();
        Ok(())
    }

    fn compare_heads(&mut self) {
        while let Some(head) = self.heads.pop_if(|head| head.size == self.tree.size()) {
            if head.root == self.tree.root() {
                self.seen.right = head.size;
            } else if self.seen.bad.is_none() {
                self.seen.bad = Some((head.size, head.root == self.hashed.root()));
            }
        }
    }

    fn compare_tile(&mut self, tile: &Tile) -> Result<(), ReadError> {
        let own = read_if_there(&self.dir.join(tile.name.path()))?;
        let is_there = match &own {
            Some(own) => *own == tile.bytes,
            // A gateway that goes on takes a partial tile away when the full one is there, before it signs.
            None => read_if_there(&self.dir.join(TileName { width: WIDTH, ..tile.name }.path()))?
                .is_some_and(|full| full.starts_with(&tile.bytes)),
        };
        if !is_there && self.seen.tile.is_none() {
            self.seen.tile = Some((differs_at(tile, &own.unwrap_or_default()), tile.name));
        }
        for width in widths(&self.dir, tile.name)?.into_iter().filter(|width| *width != tile.name.width) {
            let name = TileName { width, ..tile.name };
            let Some(found) = read_if_there(&self.dir.join(name.path()))? else { continue };
            let is_same = match width < tile.name.width {
                true => found == start(tile, width),
                false => found.starts_with(&tile.bytes),
            };
            if !is_same && self.seen.other.is_none() {
                self.seen.other = Some((differs_at(tile, &found), name));
            }
        }
        Ok(())
    }

    /// What is wrong, given all that was seen.
    pub(super) fn conclude(self) -> Vec<Wrong> {
        let Seen { right, bad, lost, bundle, segment, hash, tile, other } = self.seen;
        let mut wrong = Vec::new();
        if let Some(index) = lost {
            wrong.push(Wrong::at(index, "it is missing"));
        }
        match (bad, hash) {
            (Some((_, true)), Some(index)) => {
                wrong.push(Wrong::at(index, "it was changed: it does not have the hash that was signed"));
            }
            (Some((size, _)), _) => {
                let near = [hash, tile.map(|(start, _)| start), segment, bundle];
                let first = near.into_iter().flatten().filter(|index| *index >= right).min().unwrap_or(right);
                let what = format!(
                    "the entries do not have the root that was signed at {size}: this one, or one after it \
                     and before {size}, was changed, and so were hash tiles"
                );
                wrong.push(Wrong::at(first, what));
            }
            (None, Some(index)) => {
                wrong.push(Wrong::at(index, "its hash in the hash tile was changed, the entry is right"));
            }
            (None, None) => {}
        }
        if let Some(index) = bundle {
            wrong.push(Wrong::at(index, "the entry bundle does not hold it"));
        }
        if let Some(index) = segment {
            wrong.push(Wrong::at(index, "bundle and segment hold different entries"));
        }
        if let Some((start, name)) = tile
            && wrong.is_empty()
        {
            let what = format!("`{}` is missing or was changed", name.path().display());
            wrong.push(Wrong::at(start, what));
        }
        if let Some((start, name)) = other
            && wrong.is_empty()
        {
            let what = format!("`{}` contradicts the tile that was signed", name.path().display());
            wrong.push(Wrong::at(start, what));
        }
        wrong
    }
}

/// The first entry under what differs in a tile from what was found in its place.
fn differs_at(tile: &Tile, found: &[u8]) -> u64 {
    let TileName { level, number, width } = tile.name;
    let pairs = items(level, &tile.bytes).zip(items(level, found));
    let same = pairs.take_while(|(made, found)| made == found).count() as u64;
    // Under each hash of level n lie 256^n entries.
    let under = match level {
        Level::Entries | Level::Hashes(0) => 1,
        Level::Hashes(level) => WIDTH.saturating_pow(level.into()),
    };
    (number * WIDTH + same.min(width.saturating_sub(1))).saturating_mul(under)
}

/// What a tile would be if it were only so wide.
fn start(tile: &Tile, width: u64) -> Vec<u8> {
    items(tile.name.level, &tile.bytes).zip(0..width).flat_map(|(item, _)| item).copied().collect()
}

/// The hashes of a tile, or its entries with their lengths.
fn items(level: Level, mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = match level {
            Level::Entries => tile::next_entry(bytes)?.0.len() + 2,
            Level::Hashes(_) => 32,
        };
        let (item, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some(item)
    })
}

/// In which widths a tile is there.
fn widths(dir: &Path, name: TileName) -> Result<Vec<u64>, ReadError> {
    let mut path = dir.join(TileName { width: 1, ..name }.path());
    path.pop();
    let mut widths = vec![WIDTH];
    let io = |error| ReadError::Io { path: path.clone(), error };
    match fs::read_dir(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        files => {
            for file in files.map_err(io)? {
                let name = file.map_err(io)?.file_name();
                let width = name.to_str().and_then(|name| name.parse().ok());
                widths.extend(width.filter(|width| (1..WIDTH).contains(width)));
            }
        }
    }
    Ok(widths)
}

fn first(seen: &mut Option<u64>, index: u64) {
    seen.get_or_insert(index);
}
