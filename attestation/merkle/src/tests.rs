//! Trees and paths, compared with the reference data of Certificate Transparency.
//!
//! Leaves, roots and paths are those of `merkle_tree_test.cc` in google/certificate-transparency, which other
//! implementations of RFC 6962 carry as well; RFC 9162 has the same trees.

use proptest::prelude::*;

use super::*;

const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Of the first 0, 1, … 8 leaves.
const ROOTS: [&str; 9] = [
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

/// Leaf, size of the tree, path.
const PATHS: [(usize, usize, &[&str]); 5] = [
    (0, 1, &[]),
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn digest(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn leaf_hashes(count: usize) -> Vec<[u8; 32]> {
    LEAVES[..count].iter().map(|text| leaf_hash(&hex::decode(text).unwrap())).collect()
}

fn tree(leaves: &[[u8; 32]]) -> Tree {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree
}

/// MTH as §2.1.1 defines it, by recursion.
fn by_definition(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&by_definition(left), &by_definition(right))
        }
    }
}

#[test]
fn roots_are_those_of_the_reference() {
    for (count, root) in ROOTS.iter().enumerate() {
        let tree = tree(&leaf_hashes(count));
        assert_eq!((tree.root(), tree.leaves()), (digest(root), count as u64));
        assert_eq!(Levels::new(leaf_hashes(count)).root(), digest(root));
    }
}

#[test]
fn paths_are_those_of_the_reference() {
    for (leaf, size, path) in PATHS {
        let leaves = leaf_hashes(size);
        let path: Vec<[u8; 32]> = path.iter().map(|text| digest(text)).collect();
        assert_eq!(Levels::new(leaves.clone()).path(leaf).as_ref(), Some(&path));
        let root = root_of_path(leaves[leaf], leaf as u64, size as u64, &path);
        assert_eq!(root, Some(digest(ROOTS[size])));
    }
    assert_eq!(Levels::new(leaf_hashes(3)).path(3), None);
    assert_eq!(Levels::new(Vec::new()).path(0), None);
    assert_eq!(root_of_path([0; 32], 0, 0, &[]), None);
}

#[test]
fn a_path_holds_for_one_leaf_of_one_tree() {
    for size in 1..=8 {
        let leaves = leaf_hashes(size);
        for leaf in 0..size {
            let path = Levels::new(leaves.clone()).path(leaf).unwrap();
            let lead = |leaf, size, path: &[[u8; 32]]| root_of_path(leaves[leaf], leaf as u64, size, path);
            let root = Some(tree(&leaves).root());
            assert_eq!(lead(leaf, size as u64, &path), root);
            for other in (0..size).filter(|other| *other != leaf) {
                assert_ne!(root_of_path(leaves[leaf], other as u64, size as u64, &path), root);
            }
            assert_eq!(root_of_path(leaves[leaf], size as u64, size as u64, &path), None);
            let longer = [path.as_slice(), &[[7; 32]]].concat();
            assert_eq!(lead(leaf, size as u64, &longer), None);
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(lead(leaf, size as u64, shorter), None);
            }
        }
    }
}

proptest! {
    #[test]
    fn trees_of_any_size_are_those_of_the_definition(size in 0_usize..70, choice: prop::sample::Index) {
        let leaves: Vec<[u8; 32]> = (0..size).map(|leaf| Sha256::digest(leaf.to_le_bytes()).into()).collect();
        let root = by_definition(&leaves);
        prop_assert_eq!(tree(&leaves).root(), root);
        if size > 0 {
            let leaf = choice.index(size);
            let path = Levels::new(leaves.clone()).path(leaf).unwrap();
            prop_assert!(path.len() <= PATH_MAX);
            prop_assert_eq!(root_of_path(leaves[leaf], leaf as u64, size as u64, &path), Some(root));
        }
    }

    #[test]
    fn no_path_panics(leaf: u64, leaves: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let _ = root_of_path([0; 32], leaf, leaves, &path);
    }
}
