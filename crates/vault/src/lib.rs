//! Sealed upstream credentials.
//!
//! A [`Vault`] is one file of secrets, each sealed with AES-256-GCM under the [`DataKey`], which is there, too, sealed by a key that is
//! kept elsewhere ([`KeySeal`]; [`MasterKey`] is one). Records and the document of them are pure; only `store` touches the disk.
//!
//! What it keeps: nobody without the key reads a secret or changes one unseen, exchanges two, or brings an
//! old one back. What it cannot: who can write the file can put a whole older file in its place, or remove it.
//!
//! Not here: credentials made on demand.

mod document;
mod key;
mod name;
mod record;
mod store;

pub use document::{Corrupt, Listed};
pub use key::{DataKey, KeyError, KeySeal, MasterKey, NotUnsealed};
pub use name::{Name, NameError};
pub use store::{Vault, VaultError, fresh_key};

#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use document::fuzz_document;
