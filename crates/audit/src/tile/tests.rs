use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::tree::{leaf_hash, root_of};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

#[test]
fn a_tile_stands_where_the_specification_puts_it() {
    let path = |level, number, width| TileName { level, number, width }.path();
    assert_eq!(path(Level::Hashes(0), 0, 256), Path::new("tile/0/000"));
    assert_eq!(path(Level::Hashes(1), 999, 256), Path::new("tile/1/999"));
    assert_eq!(path(Level::Hashes(0), 1_234_067, 256), Path::new("tile/0/x001/x234/067"));
    assert_eq!(path(Level::Entries, 1000, 112), Path::new("tile/entries/x001/000.p/112"));
}

#[test]
fn a_bundle_gives_back_its_entries_and_stops_where_it_is_cut() {
    let mut edge = Edge::default();
    let entries = [b"one".as_slice(), b"two", &[0; 65_535]];
    for entry in entries {
        edge.push(leaf_hash(entry), entry, &mut Vec::new());
    }
    let bundle = edge.partial()[0].bytes.clone();
    let (mut rest, mut found) = (bundle.as_slice(), Vec::new());
    while let Some((entry, after)) = next_entry(rest) {
        found.push(entry);
        rest = after;
    }
    assert_eq!(found, entries);
    for cut in 0..12 {
        let mut rest = &bundle[..cut];
        while let Some((entry, after)) = next_entry(rest) {
            assert!(entries.contains(&entry));
            rest = after;
        }
    }
}

#[test]
fn an_edge_is_found_again_from_full_tiles() {
    let size = 256 * 256 + 3 * 256;
    let mut edge = Edge::default();
    let mut full = Vec::new();
    for leaf in leaves(size) {
        edge.push(leaf, b"", &mut full);
    }
    let tiles: BTreeMap<_, _> = full.into_iter().map(|tile| (tile.name, tile.bytes)).collect();
    let again = Edge::at(size, |name| hashes(&tiles[&name]).ok_or(())).unwrap();
    assert_eq!(again.root(), edge.root());
    assert_eq!(again.levels, edge.levels);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_edge_has_the_root_of_the_tree_and_its_tiles_hold_every_leaf(size in 0_u64..1500) {
        let leaves = leaves(size);
        let mut edge = Edge::default();
        let mut tiles = Vec::new();
        for leaf in &leaves {
            edge.push(*leaf, b"", &mut tiles);
        }
        prop_assert_eq!(edge.root(), root_of(&leaves));
        tiles.extend(edge.partial());
        let bottom = tiles.iter().filter(|tile| tile.name.level == Level::Hashes(0));
        let bottom: Vec<Hash> = bottom.flat_map(|tile| hashes(&tile.bytes).unwrap()).collect();
        prop_assert_eq!(bottom, leaves);
        for tile in &tiles {
            prop_assert!(tile.name.width >= 1 && tile.name.width <= 256);
        }
    }
}
