use aws_lc_rs::digest;

/// A node or leaf of the tree: SHA-256.
pub type Hash = [u8; 32];

/// Stands before a leaf's bytes when they are hashed (RFC 6962 §2.1).
pub(crate) const LEAF_PREFIX: u8 = 0;

/// Stands before two nodes when they are hashed (RFC 6962 §2.1).
const NODE_PREFIX: u8 = 1;

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// The hash of a leaf with these bytes (RFC 6962 §2.1).
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(bytes);
    let mut hash = Hash::default();
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [NODE_PREFIX; 65];
    let (_, rest) = bytes.split_at_mut(1);
    let (first, second) = rest.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    sha256(&bytes)
}

/// The roots of the perfect subtrees that a tree of some size falls into, largest first: all that is needed
/// to append to it and to know its root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Peaks {
    size: u64,
    peaks: Vec<Hash>,
}

impl Peaks {
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut size = self.size;
        // Each one bit at the low end is a perfect subtree that the new node completes to the next.
        while size & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            size >>= 1;
        }
        self.peaks.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// Those of a tree of `size` leaves, largest subtree first.
    pub(crate) fn of(size: u64, peaks: Vec<Hash>) -> Self {
        Self { size, peaks }
    }

    /// The peaks, largest subtree first.
    pub(crate) fn into_hashes(self) -> Vec<Hash> {
        self.peaks
    }
}

impl FromIterator<Hash> for Peaks {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut peaks = Self::default();
        for leaf in leaves {
            peaks.push(leaf);
        }
        peaks
    }
}

/// The root over peaks, largest subtree first; over none it is the hash of nothing (RFC 6962 §2.1).
pub(crate) fn root_of_peaks(peaks: &[Hash]) -> Hash {
    let Some((last, rest)) = peaks.split_last() else { return sha256(b"") };
    rest.iter().rev().fold(*last, |right, left| node_hash(left, &right))
}

/// The root of the tree over these leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    root_of_peaks(&leaves.iter().copied().collect::<Peaks>().peaks)
}

/// The proof that the leaf at `index` is in the tree over `leaves` (RFC 6962 §2.1.1), nearest node first.
/// `None` when there is no such leaf.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let Some((left, right)) = halves(leaves) else { return Some(Vec::new()) };
    let (mut proof, other) = match index.checked_sub(left.len()) {
        None => (inclusion_proof(left, index)?, right),
        Some(index) => (inclusion_proof(right, index)?, left),
    };
    proof.push(root_of(other));
    Some(proof)
}

/// The proof that the tree over the first `size` of `leaves` is a prefix of the tree over all of them
/// (RFC 6962 §2.1.2). `None` when `size` is 0 or more than there are.
pub fn consistency_proof(leaves: &[Hash], size: usize) -> Option<Vec<Hash>> {
    if size == 0 || size > leaves.len() {
        return None;
    }
    Some(subproof(leaves, size, true))
}

/// `whole` says that the old tree's root is known to whoever checks: the subtree is the old tree itself.
fn subproof(leaves: &[Hash], size: usize, whole: bool) -> Vec<Hash> {
    if size == leaves.len() {
        return if whole { Vec::new() } else { vec![root_of(leaves)] };
    }
    let Some((left, right)) = halves(leaves) else { return Vec::new() };
    let (mut proof, other) = match size.checked_sub(left.len()) {
        Some(0) | None => (subproof(left, size, whole), right),
        Some(size) => (subproof(right, size, false), left),
    };
    proof.push(root_of(other));
    proof
}

/// `leaves` cut at the largest power of two below their number; `None` for fewer than two.
fn halves(leaves: &[Hash]) -> Option<(&[Hash], &[Hash])> {
    if leaves.len() < 2 {
        return None;
    }
    leaves.split_at_checked(leaves.len().div_ceil(2).next_power_of_two())
}

/// Whether `proof` shows that a leaf with hash `leaf` is at `index` of the tree of `size` leaves with `root`
/// (RFC 9162 §2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut node = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(step, &node);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            node = node_hash(&node, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && node == *root
}

/// Whether `proof` shows that the tree of `old_size` leaves with `old_root` is a prefix of the tree of
/// `size` leaves with `root` (RFC 9162 §2.1.4.2). An empty tree is a prefix of every tree.
pub fn verify_consistency(old_size: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old_size > size || old_size == 0 {
        return old_size == 0 && proof.is_empty() && *old_root == sha256(b"");
    }
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    // A perfect old tree is itself the first node, which the proof then leaves out.
    let mut steps = old_size.is_power_of_two().then_some(old_root).into_iter().chain(proof);
    let Some(first) = steps.next() else { return false };
    let (mut at, mut last) = (old_size - 1, size - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut old, mut new) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old = node_hash(step, &old);
            new = node_hash(step, &new);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old == *old_root && new == *root
}

#[cfg(test)]
mod tests;
