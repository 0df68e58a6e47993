//! The certificate of panguard's own authority, as agents take it into theirs.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use access::Timestamp;
use anyhow::{Context, bail};
use aws_lc_rs::digest;
use proxy::{Authority, ROOT_LIFETIME};
use vault::Vault;

use crate::config::Config;
use crate::folder;

/// The hosts that panguard may answer for by TLS in the place of an upstream.
pub fn hosts(config: &Config) -> BTreeSet<Box<str>> {
    let mut hosts = BTreeSet::new();
    for connection in config.https.values() {
        if connection.origin.tls {
            hosts.insert(connection.origin.host.clone());
        }
        hosts.extend(connection.hosts.iter().map(|host| Box::from(host.trim_matches(['[', ']']))));
    }
    hosts
}

/// The certificate in PEM for these hosts, out of the data folder, or made now and put there. `None`: there are none.
///
/// # Errors
/// The vault or the disk.
pub fn certificate(config: &Config, vault: &Vault) -> anyhow::Result<Option<String>> {
    let hosts = hosts(config);
    if hosts.is_empty() {
        return Ok(None);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let at = Timestamp(i64::try_from(now.as_micros())?);
    let authority = Authority::of(vault, at)?;
    let key = authority.fingerprint();
    if let Some(known) = known(&config.data_dir, &hosts, now.as_secs()).filter(|known| known.contains(&key)) {
        return Ok(Some(known));
    }
    let until = (now + ROOT_LIFETIME).as_secs();
    let pem = authority.root(&hosts, at)?.replace("\r\n", "\n");
    let text = format!("{}{UNTIL}{until}\n# Key: {key}\n{pem}", of(&hosts));
    let path = file(&folder::make(&config.data_dir)?);
    replace(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(Some(text))
}

/// The certificate that the gateway has put into the data folder, or else made with the vault's key.
///
/// # Errors
/// Neither can be had.
pub fn any(config: &Config) -> anyhow::Result<Option<String>> {
    let hosts = hosts(config);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    match known(&config.data_dir, &hosts, now) {
        Some(known) => Ok(Some(known)),
        None if hosts.is_empty() => Ok(None),
        None => certificate(config, &folder::open_vault(config)?),
    }
}

/// A file for this user alone that holds the machine's root certificates and `certificate`, and one with that alone. Both
/// stay: whoever was told of them may run for long.
///
/// # Errors
/// The folder of such files is somebody else's, or cannot be written.
pub fn files(certificate: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let bundle = [machine_roots().as_str(), certificate].concat();
    let hash = digest::digest(&digest::SHA256, bundle.as_bytes());
    let name: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let folder = own_folder()?;
    let (all, own) = (folder.join(format!("roots-{name}.pem")), folder.join(format!("panguard-{name}.pem")));
    for (path, text) in [(&all, bundle.as_str()), (&own, certificate)] {
        replace(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok((all, own))
}

/// What stands in the data folder, if it is for these hosts and holds for a while.
fn known(data_dir: &Path, hosts: &BTreeSet<Box<str>>, now: u64) -> Option<String> {
    let text = fs::read_to_string(file(data_dir)).ok()?;
    let rest = text.strip_prefix(&of(hosts))?.strip_prefix(UNTIL)?;
    let until: u64 = rest.lines().next()?.parse().ok()?;
    (now + ANEW_SECONDS < until).then_some(text)
}

fn of(hosts: &BTreeSet<Box<str>>) -> String {
    let hosts: Vec<&str> = hosts.iter().map(|host| &**host).collect();
    format!("# The authority of panguard, good for: {}\n", hosts.join(" "))
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("ca.pem")
}

/// The machine's root certificates: what OpenSSL's variable names, or else where systems keep them.
fn machine_roots() -> String {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let places = named.into_iter().chain(ROOTS.iter().map(PathBuf::from));
    let found = places.map(fs::read_to_string).find_map(Result::ok).unwrap_or_default();
    if found.is_empty() || found.ends_with('\n') { found } else { format!("{found}\n") }
}

/// A folder that is this user's alone. Its name can be foretold, so whose it is is looked at.
fn own_folder() -> anyhow::Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    let folder = runtime.unwrap_or_else(std::env::temp_dir).join(format!("panguard-{user}"));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make the folder `{}`", folder.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        bail!("`{}` is not a folder of yours alone; remove it", folder.display());
    }
    Ok(folder)
}

/// Puts a file in the place of another, whole.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&new, path)
}

const UNTIL: &str = "# Until (seconds since 1970): ";
/// So long before it ends another is made: it must reach every agent by then.
const ANEW_SECONDS: u64 = 30 * 86_400;
const ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
