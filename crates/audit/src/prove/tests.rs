use std::fs;

use super::*;
use crate::tile::{Edge, Tile};
use crate::tree::{consistency_proof, inclusion_proof, leaf_hash, verify_inclusion};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

/// The hash tiles of a log with these leaves.
fn tiles(leaves: &[Hash]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (mut edge, mut full) = (Edge::default(), Vec::new());
    leaves.iter().for_each(|leaf| edge.push(*leaf, b"", &mut full));
    for Tile { name, bytes } in full.into_iter().chain(edge.partial()) {
        let path = dir.path().join(name.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

#[test]
fn proofs_from_tiles_are_those_from_all_leaves() {
    for count in [1, 2, 3, 7, 255, 256, 257, 511, 603] {
        let leaves = leaves(count);
        let dir = tiles(&leaves);
        for index in (0..count).step_by(if count > 256 { 17 } else { 1 }).chain([count - 1]) {
            let proof = prove(dir.path(), index, count).unwrap();
            assert_eq!(Some(proof), inclusion_proof(&leaves, index as usize), "{index} of {count}");
        }
    }
}

#[test]
fn three_levels_of_tiles_are_enough_for_any_entry() {
    let leaves = leaves(70_000);
    let (dir, root) = (tiles(&leaves), root_of(&leaves));
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_999] {
        let proof = prove(dir.path(), index, 70_000).unwrap();
        assert!(verify_inclusion(&leaves[index as usize], index, 70_000, &proof, &root), "{index}");
    }
}

#[test]
fn a_log_that_has_grown_still_proves_what_an_earlier_head_signed() {
    let leaves = leaves(700);
    let dir = tiles(&leaves);
    for size in [1, 200, 256, 300, 600, 699] {
        let proof = prove(dir.path(), size - 1, size).unwrap();
        assert_eq!(Some(proof), inclusion_proof(&leaves[..size as usize], size as usize - 1), "{size}");
    }
}

#[test]
fn consistency_from_tiles_is_that_from_all_leaves() {
    for count in [1, 2, 3, 7, 256, 257, 511, 603] {
        let leaves = leaves(count);
        let dir = tiles(&leaves);
        for old in (1..=count).step_by(if count > 256 { 17 } else { 1 }).chain([count]) {
            let proof = prove_consistency(dir.path(), old, count).unwrap();
            assert_eq!(Some(proof), consistency_proof(&leaves, old as usize), "{old} of {count}");
        }
    }
}

#[test]
fn there_is_no_proof_of_what_is_not_there() {
    let dir = tiles(&leaves(300));
    assert!(prove(dir.path(), 300, 300).is_err());
    fs::remove_file(dir.path().join("tile/0/000")).unwrap();
    assert!(prove(dir.path(), 7, 300).is_err());
    assert!(prove_consistency(dir.path(), 7, 300).is_err() && prove_consistency(dir.path(), 0, 300).is_err());
}
