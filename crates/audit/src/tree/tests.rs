use proptest::prelude::*;

use super::*;

/// The Merkle tree hash as RFC 6962 §2.1 defines it.
fn defined(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&defined(&leaves[..k]), &defined(&leaves[k..]))
        }
    }
}

fn numbered(count: usize) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn roots_are_those_of_the_certificate_transparency_test_tree() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(hex(&root_of(&hashes[..size])), *root, "size {size}");
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proved_and_no_other_leaf_or_place() {
    for size in 1..=33 {
        let leaves = numbered(size);
        let root = root_of(&leaves);
        for (index, leaf) in leaves.iter().enumerate() {
            let proof = inclusion_proof(&leaves, index).unwrap();
            let holds = |leaf: &Hash, index: usize, size: usize| {
                verify_inclusion(leaf, index as u64, size as u64, &proof, &root)
            };
            assert!(holds(leaf, index, size));
            assert!(!holds(&leaf_hash(b"another"), index, size));
            assert!((0..size + 2).filter(|other| *other != index).all(|other| !holds(leaf, other, size)));
        }
        assert_eq!(inclusion_proof(&leaves, size), None);
    }
}

#[test]
fn every_small_tree_is_proved_a_prefix_of_every_larger_one() {
    for size in 1..=33_usize {
        let leaves = numbered(size);
        let root = root_of(&leaves);
        for old in 1..=size {
            let proof = consistency_proof(&leaves, old).unwrap();
            let old_root = root_of(&leaves[..old]);
            let holds = |old_root: &Hash, root: &Hash, proof: &[Hash]| {
                verify_consistency(old as u64, old_root, size as u64, root, proof)
            };
            assert!(holds(&old_root, &root, &proof), "{old} of {size}");
            assert!(!holds(&leaf_hash(b"another"), &root, &proof));
            assert!(!holds(&old_root, &leaf_hash(b"another"), &proof));
            assert!(!holds(&old_root, &root, &[proof.as_slice(), &[root]].concat()));
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!holds(&old_root, &root, shorter));
            }
        }
        assert_eq!(consistency_proof(&leaves, 0), None);
        assert_eq!(consistency_proof(&leaves, size + 1), None);
    }
}

proptest! {
    #[test]
    fn the_root_is_the_one_defined(size in 0_usize..600) {
        let leaves = numbered(size);
        prop_assert_eq!(root_of(&leaves), defined(&leaves));
    }
}
