//! Sealed upstream credentials.
//!
//! A [`Vault`] is one file of secrets, each sealed with AES-256-GCM under the [`MasterKey`], which is kept
//! elsewhere. Records and the document of them are pure; only `store` touches the disk.
//!
//! What it keeps: nobody without the key reads a secret or changes one unseen, exchanges two, or brings an
//! old one back. What it cannot: who can write the file can put a whole older file in its place, or remove it.
//!
//! Not here: changing the master key, keys in an HSM or a remote KMS, and credentials made on demand.

mod document;
mod key;
mod name;
mod record;
mod store;

pub use document::{Corrupt, Listed};
pub use key::{KeyError, MasterKey};
pub use name::{Name, NameError};
pub use store::{Vault, VaultError, fresh_key};

#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use document::fuzz_document;
