//! Others' tools read the log: the same formats by crates that are not ours.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod killed;
mod tampered;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use access::{Secret, Timestamp};
use audit::{Entry, Event, Log, Options, Signer, leaf_hash};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, HASH_SIZE, Hash, HashReader, Tile, TileHashReader, TileReader, check_record, prove_record,
};

/// A published log of `count` entries, closed.
fn log(count: u64) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let signer = Signer::from_seed(&Secret::from(vec![9; 32]), "gw1.example.com/audit").unwrap();
    let key = signer.verifier().to_string();
    let options = Options { segment_bytes: 64 << 10, ..Options::new("gw1", "0.1.0", Timestamp(1)) };
    let log = Log::open(dir.path(), signer, options).unwrap();
    let all: Vec<_> = (0..count).map(|number| log.append(&numbered(number))).collect();
    for one in all {
        one.wait().unwrap();
    }
    log.close(Timestamp(2)).unwrap();
    (dir, key)
}

fn numbered(number: u64) -> Entry {
    let event = Event::SessionClosed { reason: "terminated".into(), commands: number };
    Entry::of_gateway(Timestamp(5), "gw1".into(), event)
}

/// Reads tiles as others do: by the path that the other crate gives them.
struct Folder {
    dir: PathBuf,
    read: Cell<usize>,
}

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &Tile| {
            self.read.set(self.read.get() + 1);
            // Go's path names the height, which tlog-tiles fixes and leaves out.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            fs::read(self.dir.join(path)).unwrap()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn checkpoint(dir: &Path, key: &str) -> Checkpoint {
    let note = Note::from_bytes(&fs::read(dir.join("checkpoint")).unwrap()).unwrap();
    let verifier = StandardVerifier::new(key).unwrap();
    let (verified, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!(verified.len(), 1);
    Checkpoint::from_bytes(note.text()).unwrap()
}

#[test]
fn another_implementation_verifies_the_checkpoint_and_proves_every_entry_from_the_tiles() {
    for count in [0, 5, 253, 254, 600] {
        let (dir, key) = log(count);
        let checkpoint = checkpoint(dir.path(), &key);
        let size = checkpoint.size();
        assert_eq!((checkpoint.origin(), size), ("gw1.example.com/audit", count + 3));
        let folder = Folder { dir: dir.path().to_owned(), read: Cell::new(0) };
        let root = *checkpoint.hash();
        let tiles = TileHashReader::new(size, root, &folder);
        for (index, line) in audit::lines(dir.path(), 0..size).step_by(17).map(Result::unwrap) {
            let proof = prove_record(size, index, &tiles).unwrap();
            let leaf = Hash(leaf_hash(&line));
            check_record(&proof, size, root, index, leaf).unwrap();
            let stored = tiles.read_hashes(&[tlog_tiles::stored_hash_index(0, index)]).unwrap();
            assert_eq!(stored, [leaf]);
        }
        assert!(folder.read.get() > 0);
    }
    assert_eq!(HASH_SIZE, 32);
}
