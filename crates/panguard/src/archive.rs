//! Where the audit log's archive is, as the configuration names it.

mod s3;

use std::time::Duration;

use audit::archive::{Archive, Directory};
use vault::Vault;

use crate::config::Place;
pub use s3::{Bucket, Keys};

/// The archive at `place`. What is put into one that locks is locked for `all` from then on.
///
/// # Errors
/// A key is not in the vault, or a file with authorities cannot be read.
pub fn open(place: &Place, vault: &Vault, all: Duration) -> anyhow::Result<Box<dyn Archive>> {
    Ok(match place {
        Place::Directory(root) => Box::new(Directory::new(root)),
        Place::S3(s3) => Box::new(Bucket::open(s3, vault, all)?),
    })
}
