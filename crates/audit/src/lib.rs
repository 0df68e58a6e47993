//! Entry, Merkle tree, checkpoint; append to receipt; verify.
