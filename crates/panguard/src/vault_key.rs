//! The key that seals the vault's data key: panguard's to hold, or somewhere that keeps it to itself.

mod hsm;
mod transit;

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use access::Secret;
use anyhow::bail;
use aws_lc_rs::digest;
use vault::{DataKey, KeySeal, MasterKey, NotUnsealed};

use crate::config::VaultKey;
use hsm::Hsm;
use transit::TransitKey;

/// What seals data keys, as the configuration names it. With a key from standard input, its first line is taken.
///
/// # Errors
/// It is not there, or no key.
pub fn open(source: &VaultKey) -> anyhow::Result<Box<dyn KeySeal>> {
    Ok(match source {
        VaultKey::File(path) => held(key_file(path)?)?,
        VaultKey::Env(name) => held(of_environment(name)?)?,
        VaultKey::Stdin => held(of_stdin()?)?,
        VaultKey::Transit(transit) => Box::new(TransitKey::new(transit)?),
        VaultKey::Pkcs11(hsm) => Box::new(Hsm::open(hsm)?),
    })
}

fn held(key: Secret) -> anyhow::Result<Box<dyn KeySeal>> {
    Ok(Box::new(MasterKey::from_bytes(key)?))
}

/// The key in a variable of the environment, or on the standard input of one who was told so by [`crate::guarded::hide`].
pub fn of_environment(name: &str) -> anyhow::Result<Secret> {
    if std::env::var_os(BY_STDIN).is_some() {
        return of_stdin();
    }
    match std::env::var(name) {
        Ok(key) if !key.is_empty() => Ok(Secret::from(key)),
        Ok(_) | Err(_) => bail!("the vault's key should be in the variable `{name}`, which is not set"),
    }
}

/// Says that the key that should be in a variable is the first line of standard input instead.
pub const BY_STDIN: &str = "PANGUARD_VAULT_KEY_BY_STDIN";

fn of_stdin() -> anyhow::Result<Secret> {
    let line = stdin_line()?;
    if line.expose().is_empty() {
        bail!("the vault's key should be the first line of standard input, which is empty");
    }
    Ok(line)
}

fn key_file(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    if let Err(error) = fs::metadata(path)
        && error.kind() == io::ErrorKind::NotFound
    {
        bail!(
            "there is no vault key at `{shown}`; make one with `(umask 077; openssl rand -base64 32 > {shown})`"
        );
    }
    secret_file(path, "the vault's key").map_err(anyhow::Error::msg)
}

/// One line of standard input, without its end, and nothing beyond it: the rest is for whoever reads next.
pub fn stdin_line() -> io::Result<Secret> {
    // Without a buffer that nobody wipes.
    let mut stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut line = zeroize::Zeroizing::new(Vec::with_capacity(256));
    let mut byte = [0];
    while line.len() < STDIN_LINE_BYTES_MAX && stdin.read(&mut byte)? == 1 && byte != *b"\n" {
        line.extend_from_slice(&byte);
    }
    Ok(Secret::from(line.to_vec()))
}

/// A data key and the place that it is for, as one text: what keeps a key elsewhere need not know of associated data.
fn placed(key: &DataKey, place: &[u8]) -> Secret {
    let place = digest::digest(&digest::SHA256, place);
    let mut both = zeroize::Zeroizing::new(Vec::with_capacity(64));
    both.extend_from_slice(place.as_ref());
    both.extend_from_slice(key.expose());
    Secret::from(both.to_vec())
}

/// The data key in such a text, if it is for this place.
fn of_place(both: &Secret, place: &[u8]) -> Result<DataKey, NotUnsealed> {
    let place = digest::digest(&digest::SHA256, place);
    let key = both.expose().strip_prefix(place.as_ref()).ok_or(NotUnsealed::WrongKey)?;
    DataKey::read(&Secret::from(key.to_vec())).ok_or(NotUnsealed::WrongKey)
}

/// A file that holds something short and secret: for panguard's user, and for its group to read at most. White space at its end is no part
/// of a text; of a key that is raw bytes it may be.
fn secret_file(path: &Path, what: &str) -> Result<Secret, String> {
    let shown = path.display();
    let fails = |error: io::Error| format!("{what} in `{shown}` cannot be read: {error}");
    let mode = fs::metadata(path).map_err(fails)?.mode();
    if mode & 0o007 != 0 {
        return Err(format!(
            "everybody on this machine can read {what} in `{shown}`; run `chmod 600 {shown}`"
        ));
    }
    if mode & 0o020 != 0 {
        return Err(format!("others can write {what} in `{shown}`; run `chmod 600 {shown}`"));
    }
    fs::read(path).map(Secret::from).map_err(fails)
}

/// The same of a text, without the line end.
fn secret_text(path: &Path, what: &str) -> Result<Secret, String> {
    let read = secret_file(path, what)?;
    Ok(Secret::from(read.expose().trim_ascii().to_vec()))
}

/// A key in hex is 64 bytes; more than this is not a key.
const STDIN_LINE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests;
